/** Values in JSON documents: AWS JSON 1.0 and 1.1, and the bodies of REST-JSON. */
import { MalformedRequestError, toText } from '../message';
import type { Member, Shape, StructureShape } from '../shape';

/** Reads a JSON body of the given shape. An empty body is an empty document. */
export function decodeJsonBody(shape: Shape, body: Uint8Array): Record<string, unknown> {
  if (body.length === 0) return {};
  let document: unknown;
  try {
    document = JSON.parse(toText(body));
  } catch {
    throw new MalformedRequestError('SerializationException', 'The request body is not valid JSON');
  }
  return decodeJson(shape, document) as Record<string, unknown>;
}

/** From a JSON value to what the SDK would have been given. Members that the model does not know are left out, as AWS does. */
export function decodeJson(shape: Shape, value: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  switch (shape.kind) {
    case 'structure':
      return decodeStructure(shape, value);
    case 'list':
      return expectArray(value).map((item) => decodeJson(shape.item.shape, item));
    case 'map':
      return mapValues(expectObject(value), (item) => decodeJson(shape.value.shape, item));
    case 'blob':
      return new Uint8Array(Buffer.from(String(value), 'base64'));
    case 'timestamp':
      return typeof value === 'number' ? new Date(value * 1000) : new Date(String(value));
    default:
      return value;
  }
}

/** From what a service returned to a JSON value. */
export function encodeJson(shape: Shape, value: unknown): unknown {
  if (value === undefined || value === null) return undefined;
  switch (shape.kind) {
    case 'structure':
      return encodeStructure(shape, value as Record<string, unknown>);
    case 'list':
      return (value as readonly unknown[]).map((item) => encodeJson(shape.item.shape, item));
    case 'map':
      return mapValues(value as Record<string, unknown>, (item) => encodeJson(shape.value.shape, item));
    default:
      return encodeUntyped(value);
  }
}

function decodeStructure(shape: StructureShape, value: unknown): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  const source = expectObject(value);
  for (const wireName of Object.keys(source)) {
    const member = membersByJsonName(shape).get(wireName);
    if (member === undefined) {
      if (shape.traits.open === 1) define(decoded, wireName, source[wireName]);
      continue;
    }
    const item = decodeJson(member.shape, source[wireName]);
    if (item !== undefined) decoded[member.name] = item;
  }
  return decoded;
}

function encodeStructure(shape: StructureShape, value: Record<string, unknown>): Record<string, unknown> {
  const encoded: Record<string, unknown> = {};
  for (const name of Object.keys(value)) {
    const member = shape.membersByName.get(name);
    if (value[name] === undefined) continue;
    if (member === undefined) {
      if (shape.traits.open === 1) define(encoded, name, encodeUntyped(value[name]));
      continue;
    }
    encoded[member.traits.jsonName ?? name] = encodeJson(member.shape, value[name]);
  }
  return encoded;
}

/** Without a model, instants and bytes take the form that AWS JSON gives them by default. */
function encodeUntyped(value: unknown): unknown {
  if (value instanceof Date) return value.getTime() / 1000;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(encodeUntyped);
  if (typeof value === 'object' && value !== null) return mapValues(value as Record<string, unknown>, encodeUntyped);
  return value;
}

const jsonNames = new WeakMap<StructureShape, ReadonlyMap<string, Member>>();

function membersByJsonName(shape: StructureShape): ReadonlyMap<string, Member> {
  let names = jsonNames.get(shape);
  if (names === undefined) {
    names = new Map(shape.members.map((member) => [member.traits.jsonName ?? member.name, member]));
    jsonNames.set(shape, names);
  }
  return names;
}

function mapValues(source: Record<string, unknown>, change: (value: unknown) => unknown): Record<string, unknown> {
  const changed: Record<string, unknown> = {};
  for (const name of Object.keys(source)) define(changed, name, change(source[name]));
  return changed;
}

/** A key of the caller's may be called `__proto__`. */
function define(target: Record<string, unknown>, name: string, value: unknown): void {
  if (name === '__proto__') {
    Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
  } else {
    target[name] = value;
  }
}

function expectObject(value: unknown): Record<string, unknown> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new MalformedRequestError('SerializationException', 'Start of structure or map found where not expected.');
}

function expectArray(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new MalformedRequestError('SerializationException', 'Start of list found where not expected.');
}
