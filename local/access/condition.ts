/** The `Condition` block of a policy's statement: operators, several values, and keys that are not there.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html (read 2026-11)
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html (read 2026-11) */
import { isIP } from 'node:net';
import { UnsupportedError } from '../services/service';
import { compilePattern, type PatternOptions } from './pattern';
import type { RequestContext } from './request-context';

/** One operator with one key. All conditions of a statement must hold. */
export interface Condition {
  /** Condition keys that it asks for, in lower case, those of variables included. */
  readonly keys: readonly string[];
  /** @throws UnsupportedError where a key is not simulated, or has several values and the operator is for one */
  readonly holds: (context: RequestContext) => boolean;
}

/** Compares one value of the request with one of the policy. */
type Comparison = (actual: string, context: RequestContext) => boolean;
type Operator = (expected: string) => { readonly keys: readonly string[]; readonly compare: Comparison };

const texts = (options: PatternOptions): Operator => {
  return (expected) => {
    const pattern = compilePattern(expected, options);
    return { keys: pattern.keys, compare: pattern.matches };
  };
};

const values = (compare: (actual: string, expected: string) => boolean): Operator => {
  return (expected) => ({ keys: [], compare: (actual) => compare(actual, expected) });
};

const numbers = (compare: (actual: number, expected: number) => boolean): Operator =>
  values((actual, expected) => compare(Number(actual), Number(expected)));

const dates = (compare: (actual: number, expected: number) => boolean): Operator =>
  values((actual, expected) => compare(instantOf(actual), instantOf(expected)));

const exact = texts({ kind: 'text', hasWildcards: false });
const exactIgnoringCase: Operator = (expected) => {
  const { keys, compare } = exact(expected.toLowerCase());
  return { keys, compare: (actual, context) => compare(actual.toLowerCase(), context) };
};
const like = texts({ kind: 'text' });
const arnLike = texts({ kind: 'arn' });
const inNetwork = values((actual, expected) => isInNetwork(actual, expected));

/** By name; `isNegated` ones hold where no value of the policy matches. */
const operators: Readonly<Record<string, { readonly operator: Operator; readonly isNegated?: true }>> = {
  StringEquals: { operator: exact },
  StringNotEquals: { operator: exact, isNegated: true },
  StringEqualsIgnoreCase: { operator: exactIgnoringCase },
  StringNotEqualsIgnoreCase: { operator: exactIgnoringCase, isNegated: true },
  StringLike: { operator: like },
  StringNotLike: { operator: like, isNegated: true },
  // The two pairs do the same.
  ArnEquals: { operator: arnLike },
  ArnLike: { operator: arnLike },
  ArnNotEquals: { operator: arnLike, isNegated: true },
  ArnNotLike: { operator: arnLike, isNegated: true },
  Bool: { operator: values((actual, expected) => actual.toLowerCase() === expected.toLowerCase()) },
  BinaryEquals: { operator: values((actual, expected) => actual === expected) },
  NumericEquals: { operator: numbers((actual, expected) => actual === expected) },
  NumericNotEquals: { operator: numbers((actual, expected) => actual === expected), isNegated: true },
  NumericLessThan: { operator: numbers((actual, expected) => actual < expected) },
  NumericLessThanEquals: { operator: numbers((actual, expected) => actual <= expected) },
  NumericGreaterThan: { operator: numbers((actual, expected) => actual > expected) },
  NumericGreaterThanEquals: { operator: numbers((actual, expected) => actual >= expected) },
  DateEquals: { operator: dates((actual, expected) => actual === expected) },
  DateNotEquals: { operator: dates((actual, expected) => actual === expected), isNegated: true },
  DateLessThan: { operator: dates((actual, expected) => actual < expected) },
  DateLessThanEquals: { operator: dates((actual, expected) => actual <= expected) },
  DateGreaterThan: { operator: dates((actual, expected) => actual > expected) },
  DateGreaterThanEquals: { operator: dates((actual, expected) => actual >= expected) },
  IpAddress: { operator: inNetwork },
  NotIpAddress: { operator: inNetwork, isNegated: true },
};

/** Makes conditions of a statement's block. An operator that is not simulated refuses when it is asked.
 * @param where Statement, for messages. */
export function compileConditions(block: unknown, where: string): Condition[] {
  const operatorEntries = Object.entries((block ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>);
  return operatorEntries.flatMap(([name, keys]) =>
    Object.entries(keys).map(([key, expected]) => compileCondition(name, key, listOf(expected), where)),
  );
}

function compileCondition(name: string, key: string, expected: readonly string[], where: string): Condition {
  const [, set, plainName = '', ifExists] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(name) ?? [];
  const lowerKey = key.toLowerCase();
  if (plainName === 'Null' && set === undefined && ifExists === undefined) return nullCondition(lowerKey, expected);
  const found = Object.hasOwn(operators, plainName) ? operators[plainName] : undefined;
  if (found === undefined) return unknownOperator(name, lowerKey, where);
  const compared = expected.map(found.operator);
  const matches: Comparison = (actual, context) =>
    compared.some(({ compare }) => compare(actual, context)) !== (found.isNegated === true);
  const keys = [lowerKey, ...compared.flatMap((comparison) => comparison.keys)];
  return {
    keys,
    holds: (context) => {
      const value = context(lowerKey);
      const given = value === undefined ? [] : typeof value === 'string' ? [value] : value;
      if (set === 'ForAllValues') return given.every((one) => matches(one, context));
      if (set === 'ForAnyValue')
        return given.some((one) => matches(one, context)) || (given.length === 0 && ifExists !== undefined);
      if (value === undefined) return ifExists !== undefined || found.isNegated === true;
      if (given.length === 1) return matches(given[0]!, context);
      throw new UnsupportedError(
        `The operator ${name} on ${key}, which has ${given.length} values in this request,`,
        where,
        `write ForAllValues:${name} or ForAnyValue:${name}`,
      );
    },
  };
}

function unknownOperator(name: string, key: string, where: string): Condition {
  return {
    keys: [key],
    holds: () => {
      const known = `${Object.keys(operators).join(', ')} or Null`;
      throw new UnsupportedError(`The condition operator ${name}`, where, `use one of ${known}`);
    },
  };
}

function nullCondition(key: string, expected: readonly string[]): Condition {
  const isAbsent = (context: RequestContext): boolean => context(key) === undefined;
  return {
    keys: [key],
    holds: (context) => expected.some((text) => (text.toLowerCase() === 'true') === isAbsent(context)),
  };
}

function listOf(expected: unknown): string[] {
  return (Array.isArray(expected) ? expected : [expected]).map(String);
}

/** @param text ISO 8601, or seconds since 1970. */
function instantOf(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
}

/** @param network An address, or a block of addresses such as `203.0.113.0/24`. */
function isInNetwork(address: string, network: string): boolean {
  const [base = '', prefixLength] = network.split('/');
  if (isIP(address) !== isIP(base) || isIP(base) === 0) return false;
  const [left, right] = [addressBits(address), addressBits(base)];
  const length = prefixLength === undefined ? left.length : Number(prefixLength);
  return left.slice(0, length) === right.slice(0, length);
}

function addressBits(address: string): string {
  if (isIP(address) === 4)
    return address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('');
  const [head = '', tail] = address.split('::');
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'));
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array.from({ length: missing }, () => '0'), ...groups(tail ?? '')];
  return all.map((group) => Number.parseInt(group, 16).toString(2).padStart(16, '0')).join('');
}
