/** The grammar of JSONPath: what follows the root of a path. */
import type { JsonValue } from '../engine';
import { parseFilter, type Filter, type PathParser } from './json-path-filter';
import type { Scanner } from './scanner';

/** One step of a path. */
export type PathStep =
  | { readonly kind: 'member'; readonly name: string }
  | { readonly kind: 'index'; readonly index: number }
  | Listing
  | { readonly kind: 'function'; readonly text: string; readonly apply: (value: JsonValue) => JsonValue | undefined };

/** Steps that give any number of values. */
type Listing =
  | { readonly kind: 'members'; readonly names: readonly string[]; readonly text: string }
  | { readonly kind: 'indexes'; readonly indexes: readonly number[]; readonly text: string }
  | {
      readonly kind: 'slice';
      readonly from: number | undefined;
      readonly to: number | undefined;
      readonly text: string;
    }
  | { readonly kind: 'wildcard'; readonly text: string }
  | { readonly kind: 'filter'; readonly filter: Filter; readonly text: string }
  | { readonly kind: 'descend'; readonly step: Exclude<PathStep, { kind: 'function' }>; readonly text: string };

/** Parses steps as far as they go.
 * @param parsePath What reads the paths inside filters.
 * @throws SyntaxProblem */
export function parseSteps(scanner: Scanner, parsePath: PathParser): readonly PathStep[] {
  const steps: PathStep[] = [];
  for (;;) {
    const start = scanner.position;
    if (scanner.take('..')) {
      const step = scanner.peek() === '[' ? parseBrackets(scanner, parsePath) : parseDotted(scanner);
      if (step.kind === 'function') scanner.fail("a function cannot follow '..'");
      steps.push({ kind: 'descend', step, text: scanner.text.slice(start, scanner.position) });
    } else if (scanner.take('.')) {
      steps.push(scanner.peek() === '[' ? parseBrackets(scanner, parsePath) : parseDotted(scanner));
    } else if (scanner.peek() === '[') {
      steps.push(parseBrackets(scanner, parsePath));
    } else {
      return steps;
    }
  }
}

function parseDotted(scanner: Scanner): PathStep {
  if (scanner.take('*')) return { kind: 'wildcard', text: '[*]' };
  // In the notation with dots a name may hold anything but the marks of the grammar: `$.delivery-partner`.
  const name = scanner.match(/[^.[\](){}\s'"*?,=<>!&|~$@]+/u);
  if (name === undefined) scanner.fail('expected a name');
  if (!scanner.take('()')) return { kind: 'member', name };
  const apply = functions[name];
  if (!apply || !Object.hasOwn(functions, name)) scanner.fail(`there is no function '${name}'`);
  return { kind: 'function', text: `.${name}()`, apply };
}

function parseBrackets(scanner: Scanner, parsePath: PathParser): PathStep {
  const start = scanner.position;
  scanner.expect('[');
  scanner.skipSpaces();
  const step = parseBracketContent(scanner, parsePath);
  scanner.expect(']');
  return 'text' in step ? { ...step, text: scanner.text.slice(start, scanner.position) } : step;
}

function parseBracketContent(scanner: Scanner, parsePath: PathParser): PathStep {
  if (scanner.take('*')) return { kind: 'wildcard', text: '' };
  if (scanner.take('?')) return { kind: 'filter', filter: parseFilter(scanner, parsePath), text: '' };
  if (scanner.peek() === "'" || scanner.peek() === '"') {
    const names = listOf(scanner, () => scanner.quoted(scanner.peek()));
    return names.length === 1 ? { kind: 'member', name: names[0] as string } : { kind: 'members', names, text: '' };
  }
  const slice = scanner.match(/(-?\d+)?\s*:\s*(-?\d+)?/);
  if (slice !== undefined) {
    const [from, to] = slice.split(':').map((bound) => (bound.trim() === '' ? undefined : Number(bound)));
    return { kind: 'slice', from, to, text: '' };
  }
  const indexes = listOf(scanner, () => Number(scanner.match(/-?\d+/) ?? scanner.fail('expected a position')));
  return indexes.length === 1 ? { kind: 'index', index: indexes[0] as number } : { kind: 'indexes', indexes, text: '' };
}

function listOf<Item>(scanner: Scanner, parseItem: () => Item): readonly Item[] {
  const items: Item[] = [];
  do {
    scanner.skipSpaces();
    items.push(parseItem());
  } while (scanner.takeWord(','));
  return items;
}

function numbersIn(value: JsonValue): readonly number[] {
  return Array.isArray(value) ? value.filter((item): item is number => typeof item === 'number') : [];
}

/** Applies a calculation to the numbers of a list; there is none for a list without numbers. */
function calculate(operate: (numbers: readonly number[]) => number): (value: JsonValue) => JsonValue | undefined {
  return (value) => {
    const numbers = numbersIn(value);
    return numbers.length === 0 ? undefined : operate(numbers);
  };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);

const functions: Readonly<Record<string, (value: JsonValue) => JsonValue | undefined>> = {
  length: (value) => {
    if (typeof value === 'string' || Array.isArray(value)) return value.length;
    return typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
  },
  keys: (value) =>
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : undefined,
  first: (value) => (Array.isArray(value) ? (value as readonly JsonValue[])[0] : undefined),
  last: (value) => (Array.isArray(value) ? (value as readonly JsonValue[]).at(-1) : undefined),
  min: calculate((numbers) => Math.min(...numbers)),
  max: calculate((numbers) => Math.max(...numbers)),
  sum: calculate(sum),
  avg: calculate((numbers) => sum(numbers) / numbers.length),
  stddev: calculate((numbers) => {
    const mean = sum(numbers) / numbers.length;
    return Math.sqrt(sum(numbers.map((number) => (number - mean) ** 2)) / numbers.length);
  }),
};
