/** The functions of an expression: the jsonata package's own where they are plain computation, ours where they call functions,
 * look into objects or draw on chance, and those that AWS adds. `$eval` does not exist.
 * AWS: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html, read 2026-11. */
import { createHash } from 'node:crypto';
import jsonata from 'jsonata';
import { createRandom, type RandomSource } from '../../random';
import { parseSignature } from './jsonata-ast';
import { callFunction } from './jsonata-call';
import { countAllocation, countStep } from './jsonata-limits';
import {
  append,
  entriesOf,
  FalseFunction,
  isDeepEqual,
  isNumber,
  isSequence,
  JsonataFunction,
  jsonataError,
  lookup,
  sequenceOf,
  setMember,
  toBoolean,
  type Implementation,
  type Signature,
} from './jsonata-values';

/** What some functions need of the evaluation that they run in. */
export interface EvaluationSetting {
  readonly random: RandomSource;
  /** What `$now` and `$millis` tell, in milliseconds since 1970. */
  readonly nowMs: number;
}

interface PackageFunction {
  readonly implementation: (...args: unknown[]) => unknown;
  readonly signature?: Signature;
}

/** The functions that the jsonata package defines, by name. Its evaluator hands its environment to a hook before anything asynchronous happens. */
const packageFunction = ((): ((name: string) => PackageFunction) => {
  let find: ((name: string) => unknown) | undefined;
  const expression = jsonata('1');
  const entryHook = Symbol.for('jsonata.__evaluate_entry') as unknown as string;
  expression.assign(
    entryHook,
    (_node: unknown, _input: unknown, environment: { lookup: (name: string) => unknown }) => {
      find = environment.lookup;
    },
  );
  void expression.evaluate(null);
  return (name) => find?.(name) as PackageFunction;
})();

/** Plain computation: no function arguments, no look into prototypes, no chance, no waiting. */
const pureNames = [
  ...['sum', 'count', 'max', 'min', 'average', 'number', 'floor', 'ceil', 'round', 'abs', 'sqrt', 'power'],
  ...['string', 'substring', 'substringBefore', 'substringAfter', 'lowercase', 'uppercase', 'length', 'trim'],
  ...['formatNumber', 'formatBase', 'formatInteger', 'parseInteger', 'toMillis', 'fromMillis'],
  ...['base64encode', 'base64decode', 'encodeUrlComponent', 'encodeUrl', 'decodeUrlComponent', 'decodeUrl'],
  ...['exists', 'error', 'assert', 'type', 'reverse', 'zip', 'keys'],
];

const library = new Map<string, JsonataFunction>();
/** Functions whose run time the steps of evaluation do not show: they match patterns made from their arguments. */
export const functionsThatMatch: ReadonlySet<string> = new Set(['toMillis', 'parseInteger', 'formatNumber']);

let setting: EvaluationSetting = { random: createRandom('jsonata'), nowMs: 0 };

/** Says what the functions of the evaluation that starts now draw on. Evaluation is synchronous: there is only ever one. */
export function useSetting(current: EvaluationSetting): void {
  setting = current;
}

/** Finds a function of the library by its name without the `$`. */
export function libraryFunction(name: string): JsonataFunction | undefined {
  return library.get(name);
}

/** JSONata's text of a value. */
export function toText(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return packageFunction('string').implementation(value) as string | undefined;
}

for (const name of pureNames) {
  const { implementation, signature } = packageFunction(name);
  define(name, implementation.length, (args) => implementation.apply(packageFocus(), args), signature);
}

/** What the package's functions are called on: those that fill up an incomplete date ask it for the time. */
function packageFocus(): object {
  return { environment: { timestamp: new Date(setting.nowMs) } };
}

function define(name: string, arity: number, implementation: Implementation, signature?: Signature | string): void {
  const validator = typeof signature === 'string' ? parseSignature(signature) : signature;
  library.set(name, new JsonataFunction(arity, implementation, validator));
}

/** Defines a function in the place of the package's, with its signature. */
function replace(name: string, arity: number, implementation: Implementation): void {
  define(name, arity, implementation, packageFunction(name).signature);
}

// ---- members and lists ------------------------------------------------------------------------------

type Members = Record<string, unknown>;

replace('boolean', 1, ([value]) => toBoolean(value));
replace('not', 1, ([value]) => (value === undefined ? undefined : !toBoolean(value)));
replace('lookup', 2, ([input, name]) => (name === undefined ? undefined : lookup(input, name as string)));
replace('append', 2, ([first, second]) => append(first, second));
replace('clone', 1, ([value]) => (value === undefined ? undefined : JSON.parse(toText(value) as string)));
replace('spread', 1, ([value]) => spread(value));
replace('merge', 1, ([objects]) => {
  if (objects === undefined) return undefined;
  const merged: Members = {};
  for (const object of objects as unknown[]) {
    countStep();
    for (const [name, value] of entriesOf(object)) setMember(merged, name, value);
  }
  return merged;
});
replace('distinct', 1, ([values]) => {
  if (!Array.isArray(values) || values.length <= 1) return values;
  const kept = isSequence(values) ? sequenceOf() : [];
  for (const value of values) {
    const isKnown = kept.some((member) => {
      countStep();
      return isDeepEqual(value, member);
    });
    if (!isKnown) kept.push(value);
  }
  return kept;
});
replace('shuffle', 1, ([values]) => {
  if (!Array.isArray(values) || values.length <= 1) return values;
  const shuffled = [...(values as unknown[])];
  for (let index = shuffled.length - 1; index > 0; index--) {
    const other = setting.random.integer(index + 1);
    [shuffled[index], shuffled[other]] = [shuffled[other], shuffled[index]];
  }
  return shuffled;
});

function spread(value: unknown): unknown {
  if (Array.isArray(value)) return value.reduce((all: unknown, item) => append(all, spread(item)), sequenceOf());
  if (typeof value !== 'object' || value === null || value instanceof JsonataFunction) return value;
  return sequenceOf(...entriesOf(value).map(([name, member]) => ({ [name]: member })));
}

// ---- higher-order functions -----------------------------------------------------------------------------

/** Calls a function with as many of the arguments as it declares, at least the first. */
function callWith(callee: unknown, args: unknown[]): unknown {
  const arity = callee instanceof JsonataFunction ? JsonataFunction.arityOf(callee) : 1;
  return callFunction(callee, args.slice(0, Math.max(1, Math.min(arity, args.length))), undefined);
}

replace('map', 2, ([values, callee]) => {
  if (values === undefined) return undefined;
  const results = sequenceOf();
  (values as unknown[]).forEach((value, index) => {
    const result = callWith(callee, [value, index, values]);
    if (result !== undefined) results.push(result);
  });
  return results;
});
replace('filter', 2, ([values, callee]) => {
  if (values === undefined) return undefined;
  const isKept = (value: unknown, index: number): boolean =>
    toBoolean(callWith(callee, [value, index, values])) === true;
  return sequenceOf(...(values as unknown[]).filter(isKept));
});
replace('single', 2, ([values, callee]) => {
  if (values === undefined) return undefined;
  const isMatch = (value: unknown, index: number): boolean =>
    callee === undefined || toBoolean(callWith(callee, [value, index, values])) === true;
  const [match, ...others] = (values as unknown[]).flatMap((value, index) =>
    isMatch(value, index) ? [{ value }] : [],
  );
  if (others.length > 0) throw jsonataError('D3138');
  if (!match) throw jsonataError('D3139');
  return match.value;
});
replace('reduce', 3, ([values, callee, initial]) => {
  if (values === undefined) return undefined;
  const arity = callee instanceof JsonataFunction ? JsonataFunction.arityOf(callee) : 0;
  if (arity < 2) throw jsonataError('D3050', { index: 1 });
  const list = values as unknown[];
  const startsWithFirst = initial === undefined && list.length > 0;
  let result = startsWithFirst ? list[0] : initial;
  for (let index = startsWithFirst ? 1 : 0; index < list.length; index++) {
    result = callWith(callee, [result, list[index], index, list]);
  }
  return result;
});
replace('sift', 2, ([object, callee]) => {
  const kept: Members = {};
  for (const [name, value] of entriesOf(object)) {
    if (toBoolean(callWith(callee, [value, name, object]))) setMember(kept, name, value);
  }
  return Object.keys(kept).length === 0 ? undefined : kept;
});
replace('each', 2, ([object, callee]) => {
  const results = sequenceOf();
  for (const [name, value] of entriesOf(object)) {
    const result = callWith(callee, [value, name, object]);
    if (result !== undefined) results.push(result);
  }
  return results;
});
replace('sort', 2, ([values, comparator]) => {
  if (values === undefined) return undefined;
  const list = values as unknown[];
  if (list.length <= 1) return list;
  if (comparator !== undefined)
    return sortValues(list, (left, right) => Boolean(callFunction(comparator, [left, right], undefined)));
  if (!list.every(isNumber) && !list.every((value) => typeof value === 'string')) {
    throw jsonataError('D3070', { index: 1 });
  }
  return sortValues(list, (left, right) => (left as string) > (right as string));
});

/** Sorts stably by merging, so that any comparator ends and gives the order that jsonata's gives.
 * @param mustSwap Whether the right value belongs before the left one. */
export function sortValues(
  values: readonly unknown[],
  mustSwap: (left: unknown, right: unknown) => boolean,
): readonly unknown[] {
  // An object in the place of a list is left as it is.
  if (!Array.isArray(values) || values.length <= 1) return values;
  const middle = Math.floor(values.length / 2);
  const left = sortValues(values.slice(0, middle), mustSwap);
  const right = sortValues(values.slice(middle), mustSwap);
  const merged: unknown[] = [];
  let [leftIndex, rightIndex] = [0, 0];
  while (leftIndex < left.length && rightIndex < right.length) {
    countStep();
    const takesRight = mustSwap(left[leftIndex], right[rightIndex]);
    merged.push(takesRight ? right[rightIndex++] : left[leftIndex++]);
  }
  while (leftIndex < left.length) merged.push(left[leftIndex++]);
  while (rightIndex < right.length) merged.push(right[rightIndex++]);
  return merged;
}

// ---- text and patterns ----------------------------------------------------------------------------------

interface Match {
  readonly match: string;
  readonly start: number;
  readonly end: number;
  readonly groups: readonly unknown[];
  readonly next?: unknown;
}

/** The function that a regular expression is: from a text to its first match, which leads to the next. */
export function matcherOf(pattern: RegExp, position: number | undefined): JsonataFunction {
  const regularExpression = new RegExp(pattern);
  const matchFrom = (text: unknown, from: number): Match | undefined => {
    countStep();
    regularExpression.lastIndex = from;
    const found = regularExpression.exec(String(text));
    if (!found) return undefined;
    const resumeAt = regularExpression.lastIndex;
    const next = new JsonataFunction(0, () => {
      if (resumeAt >= String(text).length) return undefined;
      const following = matchFrom(text, resumeAt);
      if (following?.match === '') throw jsonataError('D1004', { position, value: pattern.source });
      return following;
    });
    return { match: found[0], start: found.index, end: found.index + found[0].length, groups: found.slice(1), next };
  };
  return new FalseFunction(2, ([text, from]) => matchFrom(text, typeof from === 'number' ? from : 0));
}

/** The matches of a matcher function in a text, at most as many as the limit. */
function* matchesIn(matcher: unknown, text: string, limit: unknown): Generator<Match> {
  let match = callFunction(matcher, [text], undefined);
  for (let count = 0; match !== undefined && (limit === undefined || count < (limit as number)); count++) {
    yield requireMatch(match);
    match = callFunction((match as Match).next, [], undefined);
  }
}

function requireMatch(value: unknown): Match {
  const match = value as Partial<Match> | null;
  const isMatch =
    typeof match === 'object' &&
    match !== null &&
    typeof match.match === 'string' &&
    typeof match.start === 'number' &&
    typeof match.end === 'number' &&
    Array.isArray(match.groups) &&
    match.next instanceof JsonataFunction;
  if (!isMatch) throw jsonataError('T1010');
  return match as Match;
}

function refuseNegative(limit: unknown, code: string, index: number): void {
  if (typeof limit === 'number' && limit < 0) throw jsonataError(code, { value: limit, index });
}

replace('contains', 2, ([text, token]) => {
  if (text === undefined) return undefined;
  if (typeof token === 'string') return (text as string).includes(token);
  return callFunction(token, [text], undefined) !== undefined;
});
replace('match', 3, ([text, pattern, limit]) => {
  if (text === undefined) return undefined;
  refuseNegative(limit, 'D3040', 3);
  const found = sequenceOf();
  for (const { match, start, groups } of matchesIn(pattern, text as string, limit)) {
    found.push({ match, index: start, groups: [...groups] });
  }
  return found;
});
replace('split', 3, ([text, separator, limit]) => {
  if (text === undefined) return undefined;
  refuseNegative(limit, 'D3020', 3);
  const whole = text as string;
  if (typeof separator === 'string') return whole.split(separator, limit as number | undefined);
  const parts: string[] = [];
  let start = 0;
  for (const match of matchesIn(separator, whole, limit)) {
    parts.push(whole.substring(start, match.start));
    start = match.end;
  }
  if (limit === undefined || parts.length < (limit as number)) parts.push(whole.substring(start));
  return parts;
});
replace('join', 2, ([parts, separator]) => {
  if (parts === undefined) return undefined;
  const between = (separator as string | undefined) ?? '';
  for (const part of parts as string[]) countAllocation(part.length + between.length);
  return (parts as string[]).join(between);
});
replace('pad', 3, ([text, width, filler]) => {
  if (typeof width === 'number') countAllocation(Math.abs(width));
  return packageFunction('pad').implementation(text, width, filler);
});
replace('replace', 4, ([text, pattern, replacement, limit]) => {
  if (text === undefined) return undefined;
  if (pattern === '') throw jsonataError('D3010', { value: pattern, index: 2 });
  refuseNegative(limit, 'D3011', 4);
  const whole = text as string;
  return typeof pattern === 'string'
    ? replaceText(whole, pattern, replacement, limit)
    : replaceMatches(whole, pattern, replacement, limit);
});

function replaceText(text: string, pattern: string, replacement: unknown, limit: unknown): string {
  const parts = text.split(pattern);
  const count = Math.min(parts.length - 1, limit === undefined ? Infinity : Math.ceil(limit as number));
  // jsonata puts the replacement in as text, whatever it is; a function has none.
  const inserted = typeof replacement === 'string' ? replacement : '';
  countAllocation(text.length + count * inserted.length);
  return [parts.slice(0, count + 1).join(inserted), ...parts.slice(count + 1)].join(pattern);
}

function replaceMatches(text: string, pattern: unknown, replacement: unknown, limit: unknown): string {
  let result = '';
  let position = 0;
  for (const match of matchesIn(pattern, text, limit)) {
    const inserted =
      typeof replacement === 'string'
        ? expandGroups(replacement, match)
        : callFunction(replacement, [match], undefined);
    if (typeof inserted !== 'string') throw jsonataError('D3012', { value: inserted });
    countAllocation(inserted.length);
    result += text.substring(position, match.start) + inserted;
    position = match.start + match.match.length;
  }
  return result + text.substring(position);
}

/** Puts a match's groups into a replacement: `$0` the match, `$1` the first group, `$$` a dollar. */
function expandGroups(replacement: string, { match, groups }: Match): string {
  const maximumDigits = groups.length === 0 ? 1 : Math.floor(Math.log10(groups.length)) + 1;
  return replacement.replace(/\$(\$|\d*)/g, (whole, reference: string) => {
    if (reference === '$') return '$';
    if (reference === '') return whole;
    if (reference.startsWith('0')) return match + reference.slice(1);
    let digits = reference.slice(0, maximumDigits);
    if (maximumDigits > 1 && Number(digits) > groups.length) digits = digits.slice(0, -1);
    return String(groups[Number(digits) - 1] ?? '') + reference.slice(digits.length);
  });
}

// ---- time, chance and what AWS adds -----------------------------------------------------------------------

define(
  'now',
  2,
  ([picture, zone]) => packageFunction('fromMillis').implementation(setting.nowMs, picture, zone),
  '<s?s?:s>',
);
define('millis', 0, () => setting.nowMs, '<:n>');
define(
  'random',
  1,
  ([seed]) => (seed === undefined ? setting.random : createRandom(`$random ${String(seed)}`)).next(),
  '<n?:n>',
);
define('uuid', 0, () => setting.random.uuid(), '<:s>');
define('parse', 1, ([text]) => (text === undefined ? undefined : parseJson(text as string)), '<s-:x>');
define(
  'partition',
  2,
  ([values, size]) => partition(values as unknown[] | undefined, size as number | undefined),
  '<an:a>',
);
define('range', 3, ([first, last, delta]) => arithmeticRange(first, last, delta), '<nnn:a>');
define('hash', 2, ([text, algorithm]) => hash(text as string | undefined, algorithm as string | undefined), '<ss:s>');

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw jsonataError('D3137', { message: `Unable to parse JSON: ${(error as Error).message}` });
  }
}

function partition(values: readonly unknown[] | undefined, size: number | undefined): unknown {
  if (values === undefined || size === undefined) return undefined;
  const chunkSize = Math.floor(size);
  if (chunkSize < 1) throw jsonataError('D3137', { message: 'The size of a partition must be a positive integer' });
  const chunks: unknown[][] = [];
  for (let start = 0; start < values.length; start += chunkSize) chunks.push(values.slice(start, start + chunkSize));
  return chunks;
}

function arithmeticRange(first: unknown, last: unknown, delta: unknown): unknown {
  if (first === undefined || last === undefined || delta === undefined) return undefined;
  const [from, to, step] = [first, last, delta].map((value) => Math.floor(value as number)) as [number, number, number];
  if (step === 0) throw jsonataError('D3137', { message: 'The step of a range must not be zero' });
  const size = Math.max(0, Math.floor((to - from) / step) + 1);
  countAllocation(size);
  return Array.from({ length: size }, (_member, index) => from + index * step);
}

const hashNames: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

function hash(text: string | undefined, algorithm: string | undefined): unknown {
  if (text === undefined || algorithm === undefined) return undefined;
  const name = Object.hasOwn(hashNames, algorithm) ? hashNames[algorithm] : undefined;
  if (name === undefined) {
    const message = `Unsupported hash algorithm: ${algorithm}. Supported: ${Object.keys(hashNames).join(', ')}`;
    throw jsonataError('D3137', { message });
  }
  return createHash(name).update(text, 'utf8').digest('hex');
}
