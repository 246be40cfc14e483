/** The values that a JSONata expression works on: JSON, sequences and functions; nothing of the host is ever one of them. */

/** A list while it is being evaluated. A sequence of one value means the value itself, unless the expression asked to keep the list. */
export interface Sequence extends Array<unknown> {
  sequence?: boolean;
  keepSingleton?: boolean;
  /** Written as `[…]` in a path: stays nested when the path flattens. */
  constructed?: boolean;
  /** Its members are tuples of variable bindings, made by the `@`, `#` and `%` operators. */
  tupleStream?: boolean;
}

export type Signature = { readonly validate: (args: readonly unknown[], context: unknown) => unknown[] };
export type Implementation = (args: unknown[], context: unknown) => unknown;

/** A function inside an expression. Its members are private, so that no lookup, wildcard or JSON text sees into it. */
export class JsonataFunction {
  readonly #implementation: Implementation;
  readonly #signature: Signature | undefined;
  readonly #arity: number;

  constructor(arity: number, implementation: Implementation, signature?: Signature) {
    this.#arity = arity;
    this.#implementation = implementation;
    this.#signature = signature;
  }

  /** How many arguments it declares: higher-order functions pass only as many. */
  static arityOf(callee: JsonataFunction): number {
    return callee.#arity;
  }

  static call(callee: JsonataFunction, args: unknown[], context: unknown): unknown {
    return callee.#implementation(callee.#signature ? callee.#signature.validate(args, context) : args, context);
  }

  /** Calls it without looking at its signature, as partially applied functions are called. */
  static callUnchecked(callee: JsonataFunction, args: unknown[], context: unknown): unknown {
    return callee.#implementation(args, context);
  }
}
// By this mark the functions that we take over from the jsonata package know a function.
Object.defineProperty(JsonataFunction.prototype, '_jsonata_lambda', { value: true });

/** A function that counts as false: a pattern, or one that was given as an argument. Those an expression defines or names count as true. */
export class FalseFunction extends JsonataFunction {}

/** An error with one of JSONata's codes, worded when it is reported. */
export interface JsonataError {
  code: string;
  token?: unknown;
  position?: number;
  [detail: string]: unknown;
}

export function jsonataError(code: string, details: Record<string, unknown> = {}): JsonataError {
  return { code, ...details };
}

export function sequenceOf(...values: unknown[]): Sequence {
  const sequence: Sequence = values;
  sequence.sequence = true;
  return sequence;
}

export function isSequence(value: unknown): value is Sequence {
  return Array.isArray(value) && (value as Sequence).sequence === true;
}

export function isNumber(value: unknown): value is number {
  if (typeof value !== 'number' || Number.isNaN(value)) return false;
  if (!Number.isFinite(value)) throw jsonataError('D1001', { value });
  return true;
}

/** Looks a name up in an object, or in each object of a list. Only own members exist: no prototype is ever reached. */
export function lookup(input: unknown, name: string): unknown {
  if (Array.isArray(input)) {
    const found = sequenceOf();
    for (const item of input) {
      const value = lookup(item, name);
      if (Array.isArray(value)) for (const member of value) found.push(member);
      else if (value !== undefined) found.push(value);
    }
    return found;
  }
  if (typeof input !== 'object' || input === null || !Object.hasOwn(input, name)) return undefined;
  return (input as Record<string, unknown>)[name];
}

/** The members of an object or list by name. What we note on a list about itself is not among them. */
export function entriesOf(value: unknown): [string, unknown][] {
  if (Array.isArray(value)) return value.map((member, index) => [String(index), member]);
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** Sets a member, also one named `__proto__`, as plain data. */
export function setMember(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[name] = value;
  }
}

export function append(first: unknown, second: unknown): unknown {
  if (first === undefined) return second;
  if (second === undefined) return first;
  const list = Array.isArray(first) ? first : sequenceOf(first);
  return list.concat(Array.isArray(second) ? second : [second]);
}

/** JSONata's effective boolean value; undefined stays undefined. */
export function toBoolean(value: unknown): boolean | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value.length > 0;
  if (Array.isArray(value)) {
    return value.length === 1 ? (toBoolean(value[0]) ?? false) : value.some((item) => toBoolean(item) === true);
  }
  if (isNumber(value)) return value !== 0;
  if (value instanceof JsonataFunction) return !(value instanceof FalseFunction);
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

/** Compares by value, as JSONata's `=` does. */
export function isDeepEqual(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (left instanceof JsonataFunction || right instanceof JsonataFunction) return false;
  if (Array.isArray(left) && Array.isArray(right)) {
    return left.length === right.length && left.every((item, index) => isDeepEqual(item, right[index]));
  }
  if (Array.isArray(left) || Array.isArray(right)) return false;
  const names = Object.keys(left);
  return (
    names.length === Object.keys(right).length &&
    names.every(
      (name) =>
        Object.hasOwn(right, name) &&
        isDeepEqual((left as Record<string, unknown>)[name], (right as Record<string, unknown>)[name]),
    )
  );
}
