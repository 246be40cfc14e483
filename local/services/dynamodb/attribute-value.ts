/** Attribute values: their types, what DynamoDB accepts, how they compare and how many bytes they take. */
import { compareNumbers, normalizeNumber } from './decimal';
import { validationError } from './validation-error';

/** One value with its type, as the SDK takes and gives it. */
export type AttributeValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: Uint8Array }
  | { readonly BOOL: boolean }
  | { readonly NULL: true }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly Uint8Array[] }
  | { readonly L: readonly AttributeValue[] }
  | { readonly M: Readonly<Record<string, AttributeValue>> };

export type AttributeType = 'S' | 'N' | 'B' | 'BOOL' | 'NULL' | 'SS' | 'NS' | 'BS' | 'L' | 'M';

/** An item, or its key: attributes by name. */
export type Item = Readonly<Record<string, AttributeValue>>;

const types: ReadonlySet<string> = new Set(['S', 'N', 'B', 'BOOL', 'NULL', 'SS', 'NS', 'BS', 'L', 'M']);
const nestingLimit = 32;

/** The type of a value. */
export function typeOf(value: AttributeValue): AttributeType {
  for (const name in value) return name as AttributeType;
  throw new Error('An attribute value without a type got past its validation');
}

/** What a value holds, whatever its type. */
export function contentOf(value: AttributeValue): unknown {
  return (value as Record<string, unknown>)[typeOf(value)];
}

/** Checks what a caller gave as a value and copies it, with numbers in their normal form.
 * @throws ServiceError ValidationException in DynamoDB's words */
export function parseAttributeValue(value: unknown, depth = 0): AttributeValue {
  const given = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  let type: string | undefined;
  for (const name of Object.keys(given)) {
    if (given[name] === undefined) continue;
    if (type !== undefined) {
      throw validationError(
        'Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes',
      );
    }
    type = name;
  }
  if (type === undefined || !types.has(type)) throw emptyValueError();
  if (depth > nestingLimit) throw validationError('Nesting Levels have exceeded supported limits');
  return parseTyped(type as AttributeType, given[type], depth);
}

/** Checks and copies an item or a key. */
export function parseItem(item: unknown): Item {
  const parsed: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries((item ?? {}) as Record<string, unknown>)) {
    if (Buffer.byteLength(name) > 65_535) {
      throw validationError('One or more parameter values were invalid: Attribute name is too large');
    }
    setAttribute(parsed, name, parseAttributeValue(value));
  }
  return parsed;
}

/** Copies a value, so that what a caller does to it does not reach the table. */
export function copyValue(value: AttributeValue): AttributeValue {
  if ('S' in value) return { S: value.S };
  if ('N' in value) return { N: value.N };
  if ('M' in value) return { M: copyItem(value.M) };
  if ('L' in value) return { L: value.L.map(copyValue) };
  if ('B' in value) return { B: new Uint8Array(value.B) };
  if ('BS' in value) return { BS: value.BS.map((bytes) => new Uint8Array(bytes)) };
  return structuredCopy(value);
}

/** Copies an item. */
export function copyItem(item: Item): Item {
  const copy: Record<string, AttributeValue> = {};
  for (const name of Object.keys(item)) setAttribute(copy, name, copyValue(item[name]!));
  return copy;
}

/** Sets an attribute of whatever name, `__proto__` included. */
export function setAttribute(target: Record<string, AttributeValue>, name: string, value: AttributeValue): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[name] = value;
  }
}

/** The attribute of that name, if the item has it. */
export function getAttribute(item: Item, name: string): AttributeValue | undefined {
  return Object.hasOwn(item, name) ? item[name] : undefined;
}

/** Whether two values are the same; sets have no order. */
export function equalValues(left: AttributeValue, right: AttributeValue): boolean {
  const type = typeOf(left);
  if (type !== typeOf(right)) return false;
  switch (type) {
    case 'SS':
    case 'NS':
    case 'BS': {
      const texts = setMembers(left).map(memberText).sort();
      const others = setMembers(right).map(memberText).sort();
      return texts.length === others.length && texts.every((text, index) => text === others[index]);
    }
    case 'L': {
      const [items, others] = [(left as { L: AttributeValue[] }).L, (right as { L: AttributeValue[] }).L];
      return items.length === others.length && items.every((item, index) => equalValues(item, others[index]!));
    }
    case 'M': {
      const [members, others] = [(left as { M: Item }).M, (right as { M: Item }).M];
      const names = Object.keys(members);
      return (
        names.length === Object.keys(others).length &&
        names.every((name) => Object.hasOwn(others, name) && equalValues(members[name]!, others[name]!))
      );
    }
    case 'B':
      return Buffer.compare((left as { B: Uint8Array }).B, (right as { B: Uint8Array }).B) === 0;
    default:
      return contentOf(left) === contentOf(right);
  }
}

/** Compares two strings, numbers or binaries of one type, strings by their UTF-8 bytes.
 * @returns undefined when they cannot be compared */
export function compareValues(left: AttributeValue, right: AttributeValue): number | undefined {
  if ('S' in left && 'S' in right) return compareTexts(left.S, right.S);
  if ('N' in left && 'N' in right) return compareNumbers(left.N, right.N);
  if ('B' in left && 'B' in right) return Buffer.compare(left.B, right.B);
  return undefined;
}

/** By their bytes in UTF-8, which is the order of their characters; in JavaScript's order the halves of one come before some others. */
function compareTexts(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const [unit, other] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (unit === other) continue;
    const [isHalf, isOtherHalf] = [isHalfOfCharacter(unit), isHalfOfCharacter(other)];
    return isHalf === isOtherHalf ? unit - other : isHalf ? 1 : -1;
  }
  return left.length - right.length;
}

function isHalfOfCharacter(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** The members of a set, whatever their type; of anything else none. */
export function setMembers(value: AttributeValue): readonly (string | Uint8Array)[] {
  if ('SS' in value) return value.SS;
  if ('NS' in value) return value.NS;
  return 'BS' in value ? value.BS : [];
}

/** A set of that type. */
export function makeSet(type: AttributeType, members: readonly (string | Uint8Array)[]): AttributeValue {
  return { [type]: members } as unknown as AttributeValue;
}

/** A text that tells the members of one set apart. */
export function memberText(member: string | Uint8Array): string {
  return typeof member === 'string' ? member : Buffer.from(member).toString('base64');
}

/** The bytes that an item takes of its 400 KB: names and values.
 * @see https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html */
export function sizeOfItem(item: Item): number {
  let bytes = 0;
  for (const name of Object.keys(item)) bytes += Buffer.byteLength(name) + sizeOfValue(item[name]!);
  return bytes;
}

function sizeOfValue(value: AttributeValue): number {
  if ('S' in value) return Buffer.byteLength(value.S);
  if ('N' in value) return sizeOfNumber(value.N);
  if ('B' in value) return value.B.length;
  if ('L' in value) return 3 + sum(value.L.map((item) => 1 + sizeOfValue(item)));
  if ('M' in value) return 3 + Object.keys(value.M).length + sizeOfItem(value.M);
  if ('NS' in value) return sum(value.NS.map(sizeOfNumber));
  if ('BOOL' in value || 'NULL' in value) return 1;
  return sum(
    setMembers(value).map((member) => (typeof member === 'string' ? Buffer.byteLength(member) : member.length)),
  );
}

/** About a byte for each two significant digits and one more. */
function sizeOfNumber(text: string): number {
  return (
    Math.ceil(text.replace(/^-?0*\.?0*|\./g, '').replace(/0+$/, '').length / 2) + 1 + (text.startsWith('-') ? 1 : 0)
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function parseTyped(type: AttributeType, content: unknown, depth: number): AttributeValue {
  switch (type) {
    case 'S':
      return { S: expectString(content) };
    case 'N':
      return { N: normalizeNumber(expectString(content)) };
    case 'B':
      return { B: new Uint8Array(expectBytes(content)) };
    case 'BOOL':
      if (typeof content !== 'boolean') throw emptyValueError();
      return { BOOL: content };
    case 'NULL':
      if (content === true) return { NULL: true };
      throw validationError(
        'One or more parameter values were invalid: Null attribute value types must have the value of true',
      );
    case 'L':
      return { L: expectArray(content).map((item) => parseAttributeValue(item, depth + 1)) };
    case 'M': {
      const members: Record<string, AttributeValue> = {};
      for (const [name, item] of Object.entries((content ?? {}) as Record<string, unknown>))
        setAttribute(members, name, parseAttributeValue(item, depth + 1));
      return { M: members };
    }
    default:
      return parseSet(type, expectArray(content));
  }
}

function parseSet(type: 'SS' | 'NS' | 'BS', given: readonly unknown[]): AttributeValue {
  if (given.length === 0) {
    throw validationError(
      `One or more parameter values were invalid: ${
        type === 'BS'
          ? 'Binary sets should not be empty'
          : `An ${type === 'SS' ? 'string' : 'number'} set  may not be empty`
      }`,
    );
  }
  const members = given.map((member) =>
    type === 'BS'
      ? new Uint8Array(expectBytes(member))
      : type === 'NS'
        ? normalizeNumber(expectString(member))
        : expectString(member),
  );
  if (new Set(members.map(memberText)).size < members.length) {
    throw validationError(
      `One or more parameter values were invalid: Input collection [${members.map(memberText).join(', ')}] contains duplicates.`,
    );
  }
  return makeSet(type, members);
}

/** Scalars and sets of texts: nothing in them can be changed but the array of a set. */
function structuredCopy(value: AttributeValue): AttributeValue {
  if ('SS' in value) return { SS: [...value.SS] };
  if ('NS' in value) return { NS: [...value.NS] };
  return { ...value };
}

function expectString(content: unknown): string {
  if (typeof content === 'string') return content;
  throw emptyValueError();
}

function expectBytes(content: unknown): Uint8Array {
  if (content instanceof Uint8Array) return content;
  throw emptyValueError();
}

function expectArray(content: unknown): readonly unknown[] {
  if (Array.isArray(content)) return content;
  throw emptyValueError();
}

function emptyValueError(): Error {
  return validationError('Supplied AttributeValue is empty, must contain exactly one of the supported datatypes');
}
