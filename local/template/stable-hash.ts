/** A short digest that depends on the text alone: for names that must be the same on every machine. */
import { createHash } from 'node:crypto';

/** @returns 40 lower-case hexadecimal digits */
export function stableHash(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}
