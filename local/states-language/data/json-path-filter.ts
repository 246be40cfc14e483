/** Filters of JSONPath: `[?(@.price < 10 && @.tags contains 'new')]`. */
import type { JsonValue } from '../engine';
import { runWithHardLimit } from './jsonata-limits';
import type { Scanner } from './scanner';

/** A condition on one value. */
export type Filter = (item: JsonValue, root: JsonValue) => boolean;

/** An operand: undefined is a path that found nothing. */
type Operand = (item: JsonValue, root: JsonValue) => JsonValue | undefined;

/** Makes a reader of a path inside a filter, which begins at the `$` that it is given. */
export type PathParser = (text: string) => (root: JsonValue) => JsonValue | undefined;

/** Parses what follows the `?`.
 * @throws SyntaxProblem */
export function parseFilter(scanner: Scanner, parsePath: PathParser): Filter {
  scanner.expect('(');
  const filter = parseAlternatives(scanner, parsePath);
  scanner.expect(')');
  return filter;
}

function parseAlternatives(scanner: Scanner, parsePath: PathParser): Filter {
  const filters = [parseConjunction(scanner, parsePath)];
  while (scanner.takeWord('||')) filters.push(parseConjunction(scanner, parsePath));
  return filters.length === 1 ? (filters[0] as Filter) : (item, root) => filters.some((filter) => filter(item, root));
}

function parseConjunction(scanner: Scanner, parsePath: PathParser): Filter {
  const filters = [parseTerm(scanner, parsePath)];
  while (scanner.takeWord('&&')) filters.push(parseTerm(scanner, parsePath));
  return filters.length === 1 ? (filters[0] as Filter) : (item, root) => filters.every((filter) => filter(item, root));
}

function parseTerm(scanner: Scanner, parsePath: PathParser): Filter {
  if (scanner.takeWord('!')) {
    const negated = parseTerm(scanner, parsePath);
    return (item, root) => !negated(item, root);
  }
  if (scanner.takeWord('(')) {
    const inner = parseAlternatives(scanner, parsePath);
    scanner.expect(')');
    return inner;
  }
  const left = parseOperand(scanner, parsePath);
  scanner.skipSpaces();
  if (scanner.take('=~')) return parseMatch(scanner, left);
  const operator = scanner.match(/===|!==|==|!=|<=|>=|<|>|(?:in|nin|subsetof|anyof|noneof|size|empty|contains)\b/i);
  if (operator === undefined) return (item, root) => left(item, root) !== undefined;
  const right = parseOperand(scanner, parsePath);
  const compare = comparisons[operator.toLowerCase()] as Comparison;
  return (item, root) => compare(left(item, root), right(item, root));
}

function parseMatch(scanner: Scanner, left: Operand): Filter {
  scanner.skipSpaces();
  const source = scanner.match(/\/(?:[^/\\]|\\.)+\//);
  if (source === undefined) scanner.fail('expected a regular expression');
  const flags = scanner.match(/[imsu]+/) ?? '';
  const pattern = new RegExp(`^(?:${source.slice(1, -1)})$`, flags);
  return (item, root) => {
    const text = left(item, root);
    return typeof text === 'string' && runWithHardLimit(() => pattern.test(text));
  };
}

function parseOperand(scanner: Scanner, parsePath: PathParser): Operand {
  scanner.skipSpaces();
  const first = scanner.peek();
  if (first === '@' || first === '$') return parsePathOperand(scanner, first, parsePath);
  const literal = parseLiteral(scanner);
  return () => literal;
}

function parsePathOperand(scanner: Scanner, first: string, parsePath: PathParser): Operand {
  const start = ++scanner.position;
  takePath(scanner);
  const read = parsePath(`$${scanner.text.slice(start, scanner.position)}`);
  return first === '@' ? (item) => read(item) : (_item, root) => read(root);
}

/** Moves to the end of a path inside a filter: brackets belong to it with all that they hold. */
function takePath(scanner: Scanner): void {
  let depth = 0;
  while (!scanner.isAtEnd) {
    const character = scanner.peek();
    if (character === "'" || character === '"') {
      scanner.quoted(character);
      continue;
    }
    if (depth === 0 && /[\s)=<>!&|,\]]/.test(character)) return;
    if (character === '[') depth++;
    if (character === ']') depth--;
    scanner.position++;
    if (depth === 0) scanner.match(/\(\)/);
  }
}

function parseLiteral(scanner: Scanner): JsonValue {
  const quote = scanner.peek();
  if (quote === "'" || quote === '"') return scanner.quoted(quote);
  if (scanner.take('[')) return parseLiteralList(scanner);
  const word = scanner.match(/true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/);
  if (word === undefined) scanner.fail('expected a value');
  return JSON.parse(word) as JsonValue;
}

function parseLiteralList(scanner: Scanner): JsonValue {
  const items: JsonValue[] = [];
  while (!scanner.takeWord(']')) {
    scanner.skipSpaces();
    items.push(parseLiteral(scanner));
    if (!scanner.takeWord(',') && scanner.peek() !== ']') scanner.fail("expected ',' or ']'");
  }
  return items;
}

type Comparison = (left: JsonValue | undefined, right: JsonValue | undefined) => boolean;

const comparisons: Readonly<Record<string, Comparison>> = {
  '==': isEqual,
  '!=': (left, right) => !isEqual(left, right),
  '===': (left, right) => typeof left === typeof right && isEqual(left, right),
  '!==': (left, right) => typeof left !== typeof right || !isEqual(left, right),
  '<': ordered((left, right) => left < right),
  '<=': ordered((left, right) => left <= right),
  '>': ordered((left, right) => left > right),
  '>=': ordered((left, right) => left >= right),
  in: (left, right) => includes(right, left),
  nin: (left, right) => !includes(right, left),
  subsetof: (left, right) => Array.isArray(left) && left.every((item) => includes(right, item as JsonValue)),
  anyof: (left, right) => Array.isArray(left) && left.some((item) => includes(right, item as JsonValue)),
  noneof: (left, right) => Array.isArray(left) && !left.some((item) => includes(right, item as JsonValue)),
  size: (left, right) => (typeof left === 'string' || Array.isArray(left)) && isEqual(left.length, right),
  empty: (left, right) => (typeof left === 'string' || Array.isArray(left)) && (left.length === 0) === right,
  contains: (left, right) =>
    typeof left === 'string' ? typeof right === 'string' && left.includes(right) : includes(left, right),
};

function includes(list: JsonValue | undefined, item: JsonValue | undefined): boolean {
  return Array.isArray(list) && list.some((member) => isEqual(member as JsonValue, item));
}

/** Compares by value; a text that is a number equals that number. */
function isEqual(left: JsonValue | undefined, right: JsonValue | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  if (typeof left === 'number' && typeof right === 'string') return right.trim() !== '' && left === Number(right);
  if (typeof left === 'string' && typeof right === 'number') return isEqual(right, left);
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return left === right;
  const names = Object.keys(left);
  return (
    Array.isArray(left) === Array.isArray(right) &&
    names.length === Object.keys(right).length &&
    names.every(
      (name) =>
        Object.hasOwn(right, name) &&
        isEqual((left as Record<string, JsonValue>)[name], (right as Record<string, JsonValue>)[name]),
    )
  );
}

/** Numbers have an order among themselves, and texts; nothing else has. */
function ordered(compare: (left: string, right: string) => boolean): Comparison {
  return (left, right) =>
    (typeof left === 'number' || typeof left === 'string') &&
    typeof left === typeof right &&
    compare(left as string, right as string);
}
