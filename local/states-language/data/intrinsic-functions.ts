/** What each intrinsic function computes. */
import { createHash } from 'node:crypto';
import { createRandom, type RandomSource } from '../../random';
import type { JsonValue } from '../engine';
import { isList, isObject, type JsonObject } from './json-value';

/** A function refused an argument. `message` says why. */
export class IntrinsicArgumentError extends Error {}

export interface IntrinsicFunction {
  /** Fewest and most. */
  readonly argumentCount: readonly [number, number];
  readonly apply: (args: readonly JsonValue[], random: RandomSource) => JsonValue;
}

/** Length of a text that the encoding and hashing functions take (Step Functions guide). */
const textLimit = 10_000;
/** Members that States.ArrayRange makes at most. */
const rangeLimit = 1000;

function refuse(message: string): never {
  throw new IntrinsicArgumentError(message);
}

function list(args: readonly JsonValue[], index: number): readonly JsonValue[] {
  const value = args[index];
  return isList(value) ? value : refuse(`argument ${index + 1} must be an array`);
}

function number(args: readonly JsonValue[], index: number): number {
  const value = args[index];
  return typeof value === 'number' ? value : refuse(`argument ${index + 1} must be a number`);
}

/** Numbers that are not whole are rounded to the nearest, as recorded on AWS: -1.5 becomes -1. */
function integer(args: readonly JsonValue[], index: number): number {
  return Math.round(number(args, index)) + 0;
}

function text(args: readonly JsonValue[], index: number): string {
  const value = args[index];
  return typeof value === 'string' ? value : refuse(`argument ${index + 1} must be a string`);
}

function shortText(args: readonly JsonValue[], index: number): string {
  const value = text(args, index);
  return value.length <= textLimit ? value : refuse(`argument ${index + 1} may be ${textLimit} characters long`);
}

function object(args: readonly JsonValue[], index: number): JsonObject {
  const value = args[index];
  return isObject(value) ? value : refuse(`argument ${index + 1} must be an object`);
}

function isEqual(left: JsonValue, right: JsonValue): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const names = Object.keys(left);
  const members = (value: object): JsonObject => value as JsonObject;
  return (
    names.length === Object.keys(right).length &&
    names.every((name) => Object.hasOwn(right, name) && isEqual(members(left)[name]!, members(right)[name]!))
  );
}

/** Fills the `{}` of a template, one after the other. */
function format(args: readonly JsonValue[]): string {
  const template = text(args, 0);
  let next = 1;
  const filled = template.replace(/\\([{}])|\{\}|[{}]/g, (found, escaped: string | undefined) => {
    if (escaped !== undefined) return escaped;
    if (found !== '{}') return refuse(`'${found}' in the template must be written as '\\\\${found}'`);
    if (next >= args.length) return refuse('the template has more places than there are arguments');
    const value = args[next++] as JsonValue;
    return typeof value === 'string' ? value : JSON.stringify(value);
  });
  return next === args.length ? filled : refuse('the template has fewer places than there are arguments');
}

function partition(args: readonly JsonValue[]): JsonValue {
  const size = integer(args, 1);
  if (size < 1) refuse('argument 2 must be a positive integer');
  const values = list(args, 0);
  return Array.from({ length: Math.ceil(values.length / size) }, (_chunk, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}

function range(args: readonly JsonValue[]): JsonValue {
  const [first, last, step] = [integer(args, 0), integer(args, 1), integer(args, 2)];
  if (step === 0) refuse('argument 3 must not be 0');
  const length = Math.max(0, Math.floor((last - first) / step) + 1);
  if (length > rangeLimit) refuse(`the range may have ${rangeLimit} members`);
  return Array.from({ length }, (_member, index) => first + index * step);
}

/** Splits at each of the characters of the second argument; empty parts are left out, as recorded on AWS. */
function split(args: readonly JsonValue[]): JsonValue {
  const separators = new Set(text(args, 1));
  const parts = [''];
  for (const character of text(args, 0)) {
    if (separators.has(character)) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts.filter((part) => part !== '');
}

/** An empty text is null, as recorded on AWS. */
function parseJson(args: readonly JsonValue[]): JsonValue {
  const source = text(args, 0);
  if (source.trim() === '') return null;
  try {
    return JSON.parse(source) as JsonValue;
  } catch {
    return refuse('argument 1 is not valid JSON');
  }
}

const hashNames: Readonly<Record<string, string>> = {
  MD5: 'md5',
  'SHA-1': 'sha1',
  'SHA-256': 'sha256',
  'SHA-384': 'sha384',
  'SHA-512': 'sha512',
};

function hash(args: readonly JsonValue[]): string {
  const algorithm = text(args, 1);
  const name = Object.hasOwn(hashNames, algorithm) ? hashNames[algorithm] : undefined;
  if (name === undefined) return refuse(`argument 2 must be one of ${Object.keys(hashNames).join(', ')}`);
  const value = args[0] as JsonValue;
  const source = typeof value === 'string' ? shortText(args, 0) : JSON.stringify(value);
  return createHash(name).update(source, 'utf8').digest('hex');
}

/** A whole number of at least the first and below the second argument. */
function randomNumber(args: readonly JsonValue[], random: RandomSource): number {
  const [first, last] = [integer(args, 0), integer(args, 1)];
  if (first >= last) refuse('argument 1 must be less than argument 2');
  const source = args.length === 3 ? createRandom(`States.MathRandom ${integer(args, 2)}`) : random;
  return first + source.integer(last - first);
}

function merge(args: readonly JsonValue[]): JsonValue {
  if (args[2] !== false) refuse('argument 3 must be false: deep merging is not supported');
  return { ...object(args, 0), ...object(args, 1) };
}

function itemAt(args: readonly JsonValue[]): JsonValue {
  const [values, index] = [list(args, 0), integer(args, 1)];
  return index >= 0 && index < values.length ? (values[index] as JsonValue) : refuse(`there is no position ${index}`);
}

function decode(args: readonly JsonValue[]): string {
  const source = shortText(args, 0);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(source)) refuse('argument 1 is not Base64');
  return Buffer.from(source, 'base64').toString('utf8');
}

export const intrinsicFunctions: Readonly<Record<string, IntrinsicFunction>> = {
  'States.Array': { argumentCount: [0, Infinity], apply: (args) => args },
  'States.ArrayPartition': { argumentCount: [2, 2], apply: partition },
  'States.ArrayContains': {
    argumentCount: [2, 2],
    apply: (args) => list(args, 0).some((item) => isEqual(item, args[1] as JsonValue)),
  },
  'States.ArrayRange': { argumentCount: [3, 3], apply: range },
  'States.ArrayGetItem': { argumentCount: [2, 2], apply: itemAt },
  'States.ArrayLength': { argumentCount: [1, 1], apply: (args) => list(args, 0).length },
  'States.ArrayUnique': {
    argumentCount: [1, 1],
    apply: (args) => {
      const values = list(args, 0);
      return values.filter((value, index) => values.findIndex((other) => isEqual(other, value)) === index);
    },
  },
  'States.Base64Encode': {
    argumentCount: [1, 1],
    apply: (args) => Buffer.from(shortText(args, 0), 'utf8').toString('base64'),
  },
  'States.Base64Decode': { argumentCount: [1, 1], apply: decode },
  'States.Hash': { argumentCount: [2, 2], apply: hash },
  'States.JsonMerge': { argumentCount: [3, 3], apply: merge },
  'States.StringToJson': { argumentCount: [1, 1], apply: parseJson },
  'States.JsonToString': { argumentCount: [1, 1], apply: (args) => JSON.stringify(args[0]) },
  'States.MathRandom': { argumentCount: [2, 3], apply: randomNumber },
  'States.MathAdd': { argumentCount: [2, 2], apply: (args) => integer(args, 0) + integer(args, 1) },
  'States.StringSplit': { argumentCount: [2, 2], apply: split },
  'States.UUID': { argumentCount: [0, 0], apply: (_args, random) => random.uuid() },
  'States.Format': { argumentCount: [1, Infinity], apply: format },
};
