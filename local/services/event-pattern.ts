/** Matches events against EventBridge event patterns: the whole language. */
import { isIP } from 'node:net';
import { ServiceError } from './service';

/** Tells whether an event matches a rule's pattern.
 * @example createMatcher({ source: ['aws.s3'], detail: { object: { key: [{ prefix: 'in/' }] } } })(event)
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html */
export type EventMatcher = (event: unknown) => boolean;

/** @param pattern Parsed, or as JSON text.
 * @throws ServiceError InvalidEventPatternException: for anything that is not part of the language */
export function createMatcher(pattern: unknown): EventMatcher {
  const parsed = typeof pattern === 'string' ? (JSON.parse(pattern) as unknown) : pattern;
  if (!isObject(parsed) || Object.keys(parsed).length === 0)
    throw invalid('Event pattern must be a non-empty JSON object');
  const match = matchObject(parsed, '');
  return (event) => match(event);
}

type ValueMatcher = (value: unknown) => boolean;

/** All fields must match. A field that is a list of objects matches when one of them does. */
function matchObject(pattern: Readonly<Record<string, unknown>>, path: string): ValueMatcher {
  const fields = Object.entries(pattern).map(([name, expected]) => {
    const fieldPath = path === '' ? name : `${path}.${name}`;
    return name === '$or' && isAlternatives(expected)
      ? matchAlternatives(expected, path)
      : matchField(name, expected, fieldPath);
  });
  return (value) => {
    const candidates = Array.isArray(value) ? value : [value];
    return candidates.some((candidate) => fields.every((field) => field(candidate)));
  };
}

function matchAlternatives(alternatives: readonly Readonly<Record<string, unknown>>[], path: string): ValueMatcher {
  const matchers = alternatives.map((alternative) => matchObject(alternative, path));
  return (value) => matchers.some((matcher) => matcher(value));
}

/** `$or` is an operator only with two or more patterns; else it is an ordinary field name. */
function isAlternatives(value: unknown): value is readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) && value.length >= 2 && value.every(isObject);
}

function matchField(name: string, expected: unknown, path: string): ValueMatcher {
  const read = (value: unknown): unknown => (isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined);
  if (Array.isArray(expected)) {
    if (expected.length === 0) throw invalid(`Empty arrays are not allowed, at ${path}`);
    const rules = expected.map((rule) => matchRule(rule, path));
    return (value) => rules.some((rule) => rule(read(value)));
  }
  if (!isObject(expected)) throw invalid(`"${name}" must be an object or an array, at ${path}`);
  if (Object.keys(expected).length === 0) throw invalid(`Empty objects are not allowed, at ${path}`);
  const nested = matchObject(expected, path);
  return (value) => nested(read(value));
}

/** One entry of a pattern's list: a plain value, or an operator. */
function matchRule(rule: unknown, path: string): ValueMatcher {
  if (!isObject(rule)) return anyElement((value) => value !== undefined && sameValue(value, rule));
  const [operator, ...others] = Object.keys(rule);
  if (operator === undefined || others.length > 0)
    throw invalid(`Only one key allowed in match expression, at ${path}`);
  const argument = rule[operator];
  if (operator === 'exists') {
    if (typeof argument !== 'boolean') throw invalid(`match type exists must be true or false, at ${path}`);
    return (value) => isLeaf(value) === argument;
  }
  if (operator === 'anything-but') return matchAnythingBut(argument, path);
  return anyElement(matchOperator(operator, argument, path));
}

type Operator = (argument: unknown, path: string) => ValueMatcher;

const operators: Readonly<Record<string, Operator>> = {
  prefix: (argument, path) => matchText(argument, path, 'prefix', (text, wanted) => text.startsWith(wanted)),
  suffix: (argument, path) => matchText(argument, path, 'suffix', (text, wanted) => text.endsWith(wanted)),
  'equals-ignore-case': (argument, path) => {
    const wanted = textOf(argument, 'equals-ignore-case', path).toLowerCase();
    return (value) => typeof value === 'string' && value.toLowerCase() === wanted;
  },
  wildcard: (argument, path) => {
    const expression = wildcardExpression(textOf(argument, 'wildcard', path), path);
    return (value) => typeof value === 'string' && expression.test(value);
  },
  numeric: matchNumeric,
  cidr: (argument, path) => {
    const inside = cidrMatcher(textOf(argument, 'cidr', path), path);
    return (value) => typeof value === 'string' && inside(value);
  },
};

function matchOperator(operator: string, argument: unknown, path: string): ValueMatcher {
  const create = operators[operator];
  if (create === undefined) throw invalid(`Unrecognized match type ${operator}, at ${path}`);
  return create(argument, path);
}

/** `prefix` and `suffix` take a text, or `{ "equals-ignore-case": text }`. */
function matchText(
  argument: unknown,
  path: string,
  operator: string,
  test: (text: string, wanted: string) => boolean,
): ValueMatcher {
  if (isObject(argument) && 'equals-ignore-case' in argument) {
    const wanted = textOf(argument['equals-ignore-case'], operator, path).toLowerCase();
    return (value) => typeof value === 'string' && test(value.toLowerCase(), wanted);
  }
  const wanted = textOf(argument, operator, path);
  return (value) => typeof value === 'string' && test(value, wanted);
}

/** The field must be there, and nothing in it may be one of the values or match the inner operator. */
function matchAnythingBut(argument: unknown, path: string): ValueMatcher {
  const forbidden = forbiddenBy(argument, path);
  return (value) =>
    isLeaf(value) && (Array.isArray(value) ? value.some((item) => !forbidden(item)) : !forbidden(value));
}

function forbiddenBy(argument: unknown, path: string): ValueMatcher {
  if (isObject(argument)) {
    const [operator, ...others] = Object.keys(argument);
    if (
      operator === undefined ||
      others.length > 0 ||
      !['prefix', 'suffix', 'equals-ignore-case', 'wildcard'].includes(operator)
    ) {
      throw invalid(`anything-but does not take ${JSON.stringify(argument)}, at ${path}`);
    }
    const inner = argument[operator];
    const matchers = (Array.isArray(inner) ? inner : [inner]).map((item) => matchOperator(operator, item, path));
    return (value) => matchers.some((matcher) => matcher(value));
  }
  const values: readonly unknown[] = Array.isArray(argument) ? argument : [argument];
  const scalar = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number';
  if (values.length === 0 || !values.every(scalar)) {
    throw invalid(`anything-but takes texts or numbers, at ${path}`);
  }
  return (value) => values.some((item) => sameValue(value, item));
}

const comparisons: Readonly<Record<string, (left: number, right: number) => boolean>> = {
  '=': (left, right) => left === right,
  '<': (left, right) => left < right,
  '<=': (left, right) => left <= right,
  '>': (left, right) => left > right,
  '>=': (left, right) => left >= right,
};

function matchNumeric(argument: unknown, path: string): ValueMatcher {
  const parts: readonly unknown[] = Array.isArray(argument) ? argument : [];
  const conditions: ((value: number) => boolean)[] = [];
  for (let index = 0; index < parts.length; index += 2) {
    const compare = comparisons[String(parts[index])];
    const bound = parts[index + 1];
    if (compare === undefined || typeof bound !== 'number') throw invalid(`Invalid numeric match, at ${path}`);
    conditions.push((value) => compare(value, bound));
  }
  if (conditions.length === 0 || conditions.length > 2) throw invalid(`Invalid numeric match, at ${path}`);
  return (value) => typeof value === 'number' && conditions.every((condition) => condition(value));
}

/** `*` stands for any characters; `\*` and `\\` for themselves. */
function wildcardExpression(pattern: string, path: string): RegExp {
  if (/\*\*/.test(pattern.replaceAll(/\\./g, ''))) throw invalid(`Consecutive wildcard characters, at ${path}`);
  const source = pattern.replaceAll(/\\(.)|\*|[^\\*]+|\\/g, (part: string, escaped: string | undefined) => {
    if (escaped === '*' || escaped === '\\') return `\\${escaped}`;
    if (part.startsWith('\\')) throw invalid(`Invalid escape character, at ${path}`);
    return part === '*' ? '[^]*' : escapeExpression(part);
  });
  return new RegExp(`^${source}$`);
}

function escapeExpression(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/-]/g, '\\$&');
}

function cidrMatcher(block: string, path: string): (address: string) => boolean {
  const [network, bits] = block.split('/');
  const family = isIP(network ?? '');
  const length = Number(bits);
  const width = family === 4 ? 32 : 128;
  if (family === 0 || !Number.isInteger(length) || length < 0 || length > width) {
    throw invalid(`Malformed CIDR, at ${path}`);
  }
  const shift = BigInt(width - length);
  const wanted = addressNumber(network!, family) >> shift;
  return (address) => isIP(address) === family && addressNumber(address, family) >> shift === wanted;
}

function addressNumber(address: string, family: number): bigint {
  if (family === 4) return address.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
  const [head, tail] = address.split('::');
  const groups = (text: string | undefined): string[] => (text === undefined || text === '' ? [] : text.split(':'));
  const left = groups(head);
  const right = groups(tail);
  const zeros = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...zeros, ...right].reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n);
}

/** In an event, a list matches when one of its elements does. */
function anyElement(matches: ValueMatcher): ValueMatcher {
  return (value) => (Array.isArray(value) ? value.some(matches) : matches(value));
}

/** EventBridge compares numbers by value, texts by their characters; null only with null. */
function sameValue(value: unknown, wanted: unknown): boolean {
  return value === wanted;
}

/** `exists` looks at leaves only: an object is not one. */
function isLeaf(value: unknown): boolean {
  return value !== undefined && !isObject(value);
}

function textOf(argument: unknown, operator: string, path: string): string {
  if (typeof argument !== 'string') throw invalid(`${operator} match pattern must be a string, at ${path}`);
  return argument;
}

function invalid(reason: string): ServiceError {
  return new ServiceError('InvalidEventPatternException', `Event pattern is not valid. Reason: ${reason}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
