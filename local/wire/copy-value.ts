/** Copies what a command is given and what a service answers, as if it had travelled: only what the model knows, nothing shared. */
import type { Member, Shape, StructureShape } from './shape';

/** How values are written on the way that is not taken: what does not survive it is dropped here too. `form` is EC2's. */
export type Encoding = 'json' | 'rest-xml' | 'form';

type Values = Record<string, unknown>;

/** Copies a command's input. Members come in the order of the model, as the SDK writes them.
 * @param newToken Makes the value of an idempotency token that was not given. */
export function copyInput(shape: StructureShape, input: object, encoding: Encoding, newToken: () => string): Values {
  const copied = copyStructure(shape, input as Values, encoding);
  for (const { name, traits } of shape.members) if (traits.idempotencyToken === 1) copied[name] ??= newToken();
  return copied;
}

/** Copies a service's output. */
export function copyOutput(shape: StructureShape, output: object, encoding: Encoding): Values {
  // What a form asks for is answered in XML, which has a place for an empty list.
  const copied = copyStructure(shape, output as Values, encoding === 'form' ? 'json' : encoding);
  // Headers with a prefix are looked for whatever comes, and none is an empty map.
  for (const { name, traits } of shape.members) if (traits.httpPrefixHeaders !== undefined) copied[name] ??= {};
  return copied;
}

/** Copies any value of a shape. */
export function copyValue(shape: Shape, value: unknown, encoding: Encoding): unknown {
  switch (shape.kind) {
    case 'structure':
      return copyStructure(shape, value as Values, encoding);
    case 'list':
      return (value as readonly unknown[]).map((item) => copyValue(shape.item.shape, item, encoding));
    case 'map': {
      const copied: Values = {};
      for (const name of Object.keys(value as Values)) {
        const item = (value as Values)[name];
        if (item === undefined || item === null) continue;
        const to = copyValue(shape.value.shape, item, encoding);
        if (name === '__proto__') Object.defineProperty(copied, name, { value: to, enumerable: true });
        else copied[name] = to;
      }
      return copied;
    }
    case 'timestamp':
      return new Date((value as Date).getTime());
    case 'blob':
      return typeof value === 'string' ? new Uint8Array(Buffer.from(value)) : new Uint8Array(value as Uint8Array);
    case 'document':
      return structuredClone(value);
    default:
      return value;
  }
}

function copyStructure(shape: StructureShape, value: Values, encoding: Encoding): Values {
  const copied: Values = {};
  const names = Object.keys(value);
  // Of most structures few members are given, of a union one: no need to ask for all of them.
  const members = names.length < shape.members.length / 2 ? givenMembers(shape, names) : shape.members;
  for (const member of members) copyMember(member, value, copied, encoding);
  return copied;
}

/** In the order of the model. */
function givenMembers({ membersByName }: StructureShape, names: readonly string[]): Member[] {
  const given: Member[] = [];
  let isOrdered = true;
  for (const name of names) {
    const member = membersByName.get(name);
    if (member === undefined) continue;
    isOrdered &&= given.length === 0 || given.at(-1)!.index < member.index;
    given.push(member);
  }
  return isOrdered ? given : given.sort((left, right) => left.index - right.index);
}

function copyMember(member: Member, from: Values, to: Values, encoding: Encoding): void {
  const given = from[member.name];
  if (given === undefined || given === null || isLost(member, given, encoding)) return;
  to[member.name] =
    encoding === 'rest-xml' && member.traits.httpHeader !== undefined
      ? copyHeader(member, given)
      : copyValue(member.shape, given, encoding);
}

/** A form has a field for each item of a list: without items there is none. */
function isLost({ shape }: Member, value: unknown, encoding: Encoding): boolean {
  return encoding === 'form' && shape.kind === 'list' && (value as readonly unknown[]).length === 0;
}

/** An instant in a header has whole seconds, unless the model asks for another form. */
function copyHeader({ shape }: Member, value: unknown): unknown {
  if (shape.kind !== 'timestamp' || (shape.format ?? 'http-date') !== 'http-date') {
    return copyValue(shape, value, 'rest-xml');
  }
  return new Date(Math.floor((value as Date).getTime() / 1000) * 1000);
}
