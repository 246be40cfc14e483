/** Evaluates a state's expressions with the JSONata that Step Functions has, and the functions that it adds. */
import { createHash } from 'node:crypto';
import jsonata from 'jsonata';

export interface Bindings {
  readonly states?: {
    readonly input?: unknown;
    readonly result?: unknown;
    readonly context?: unknown;
    readonly errorOutput?: unknown;
  };
  readonly [variable: string]: unknown;
}

/** @returns the value as JSON would carry it: an undefined value stays undefined */
export async function evaluate(code: string, bindings: Bindings = {}): Promise<unknown> {
  const expression = jsonata(code);
  expression.registerFunction('hash', (text: string, algorithm: string) =>
    createHash(algorithm.replace('-', '').toLowerCase()).update(text).digest('hex'),
  );
  const value: unknown = await expression.evaluate({}, { ...bindings });
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}

/** Evaluates every expression in a payload template, as a state does with its `Arguments`.
 * @throws Error when one is undefined, as Step Functions does */
export async function evaluateTemplate(template: unknown, bindings: Bindings): Promise<unknown> {
  if (typeof template === 'string') {
    const code = /^\{%([^]*)%\}$/.exec(template)?.[1];
    if (code === undefined) return template;
    const value = await evaluate(code, bindings);
    if (value === undefined) throw new Error(`The JSONata expression '${code}' returned nothing (undefined).`);
    return value;
  }
  if (Array.isArray(template)) return Promise.all(template.map((item) => evaluateTemplate(item, bindings)));
  if (typeof template !== 'object' || template === null) return template;
  const members = Object.entries(template).map(
    async ([name, member]) => [name, await evaluateTemplate(member, bindings)] as const,
  );
  return Object.fromEntries(await Promise.all(members));
}
