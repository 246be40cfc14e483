/** Plain values as DynamoDB attribute values and back: JSON types only, which is all the ledger holds. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** A value that the ledger can hold. Properties that are undefined are left out. */
export type PlainValue =
  string | number | boolean | null | readonly PlainValue[] | { readonly [name: string]: PlainValue | undefined };

/** A plain object read from, or to be written to, a table. */
export type PlainItem = { readonly [name: string]: PlainValue | undefined };

/** Turns a plain object into an item.
 * @throws TypeError for a number that DynamoDB cannot hold
 * @example toItem({ pk: 'object#1', attempt: 2 }) // { pk: { S: 'object#1' }, attempt: { N: '2' } } */
export function toItem(value: PlainItem): Record<string, AttributeValue> {
  const item: Record<string, AttributeValue> = {};
  for (const name of Object.keys(value)) {
    const member = value[name];
    if (member !== undefined) setOwn(item, name, toAttributeValue(member));
  }
  return item;
}

/** Turns one plain value into an attribute value. */
export function toAttributeValue(value: PlainValue): AttributeValue {
  if (value === null) return { NULL: true };
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'boolean') return { BOOL: value };
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`DynamoDB cannot hold the number ${value}`);
    return { N: String(value) };
  }
  if (isList(value)) return { L: value.map(toAttributeValue) };
  return { M: toItem(value) };
}

/** Turns an item into a plain object; sets become arrays. */
export function fromItem(item: Readonly<Record<string, AttributeValue>>): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  for (const name of Object.keys(item)) setOwn(plain, name, fromAttributeValue(item[name]!));
  return plain;
}

function fromAttributeValue(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return Number(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.L !== undefined) return value.L.map(fromAttributeValue);
  if (value.M !== undefined) return fromItem(value.M);
  if (value.SS !== undefined) return value.SS;
  if (value.NS !== undefined) return value.NS.map(Number);
  if (value.B !== undefined) return value.B;
  return null;
}

/** As `target[name] = value`, also for the one name that would change what the object inherits from instead. */
function setOwn<Value>(target: Record<string, Value>, name: string, value: Value): void {
  if (name === '__proto__')
    Object.defineProperty(target, name, { value, enumerable: true, writable: true, configurable: true });
  else target[name] = value;
}

function isList(value: object): value is readonly PlainValue[] {
  return Array.isArray(value);
}
