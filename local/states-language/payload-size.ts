/** Decides cheaply whether a value is larger than the service lets travel between states. */
import type { JsonValue } from './engine';
import { quotas } from './quotas';

/** Whether the value's JSON text has more than 262,144 bytes of UTF-8.
 * Only a value that could be that large is ever written out as text. */
export function isTooLarge(value: JsonValue): boolean {
  if (largestPossibleBytes(value, quotas.payloadBytes) <= quotas.payloadBytes) return false;
  return Buffer.byteLength(JSON.stringify(value)) > quotas.payloadBytes;
}

/** An upper bound, or the first number above the limit. */
function largestPossibleBytes(value: JsonValue, limit: number): number {
  switch (typeof value) {
    // A control character becomes \u0000; any other UTF-16 unit at most three bytes.
    case 'string':
      return value.length * 6 + 2;
    case 'number':
      return 24;
    case 'boolean':
      return 5;
    default:
  }
  if (value === null) return 4;
  let bytes = 2;
  if (Array.isArray(value)) {
    for (const item of value as readonly JsonValue[]) {
      bytes += largestPossibleBytes(item, limit - bytes) + 1;
      if (bytes > limit) return bytes;
    }
    return bytes;
  }
  const members = value as { readonly [name: string]: JsonValue };
  for (const name in members) {
    bytes += name.length * 6 + 4 + largestPossibleBytes(members[name]!, limit - bytes);
    if (bytes > limit) return bytes;
  }
  return bytes;
}
