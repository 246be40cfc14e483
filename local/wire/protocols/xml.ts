/** Values in XML documents: S3's bodies, and the answers of the query protocols. */
import { XMLParser } from 'fast-xml-parser';
import { MalformedRequestError, toText } from '../message';
import { scalarFromText, scalarToText } from '../scalar';
import type { Member, Shape, StructureShape } from '../shape';

/** An element: its attributes and texts by name, repeated elements as arrays. */
type XmlNode = string | { readonly [name: string]: XmlNode | readonly XmlNode[] };

/** Keeps every character of a text: an object's key may be a blank, or begin with one. */
const parser = new XMLParser({
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  trimValues: false,
  htmlEntities: true,
  ignoreDeclaration: true,
});

/** Reads an XML body whose root stands for the given shape. An empty body is an empty document. */
export function decodeXmlBody(shape: Shape, body: Uint8Array): unknown {
  if (body.length === 0) return {};
  let document: Record<string, XmlNode>;
  try {
    document = parser.parse(toText(body)) as Record<string, XmlNode>;
  } catch {
    throw malformed();
  }
  const root = Object.values(document).find((node) => typeof node === 'object') ?? '';
  return decodeNode(shape, root);
}

/** Writes a value as the content of an element. */
export function encodeXml(shape: Shape, value: unknown): string {
  switch (shape.kind) {
    case 'structure':
      return encodeMembers(shape.members, value as Record<string, unknown>);
    case 'list':
      return (value as readonly unknown[])
        .map((item) => element(shape.item.traits.xmlName ?? 'member', shape.item, item))
        .join('');
    case 'map':
      return Object.entries(value as Record<string, unknown>)
        .map(([key, item]) => `<entry>${encodeEntry(shape, key, item)}</entry>`)
        .join('');
    default:
      return escapeXml(scalarToText(shape, value, 'date-time'));
  }
}

/** Writes the given members of a structure, one element each; members without a value are left out. */
export function encodeMembers(members: readonly Member[], value: Record<string, unknown>): string {
  let text = '';
  for (const member of members) {
    const item = value[member.name];
    if (item === undefined || item === null || member.traits.xmlAttribute === 1) continue;
    text += encodeMember(member, item);
  }
  return text;
}

/** Makes a text safe inside an element, keeping every character: line ends would otherwise be normalised away. */
export function escapeXml(text: string): string {
  return text.replace(
    /[&<>"'\u0000-\u001f\u007f-\u009f\u2028\ufffe\uffff]/g,
    (character) => entities[character] ?? `&#${character.charCodeAt(0)};`,
  );
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
};

function encodeMember(member: Member, value: unknown): string {
  const name = member.traits.xmlName ?? member.name;
  const shape = member.shape;
  if (member.traits.xmlFlattened === 1) {
    if (shape.kind === 'list')
      return (value as readonly unknown[]).map((item) => element(name, shape.item, item)).join('');
    if (shape.kind === 'map') {
      return Object.entries(value as Record<string, unknown>)
        .map(([key, item]) => `<${name}>${encodeEntry(shape, key, item)}</${name}>`)
        .join('');
    }
  }
  return element(name, member, value);
}

function encodeEntry(shape: Shape & { kind: 'map' }, key: string, value: unknown): string {
  const keyName = shape.key.traits.xmlName ?? 'key';
  return `<${keyName}>${escapeXml(key)}</${keyName}>${element(shape.value.traits.xmlName ?? 'value', shape.value, value)}`;
}

function element(name: string, member: Member, value: unknown): string {
  return `<${name}${attributes(member, value)}>${encodeXml(member.shape, value)}</${name}>`;
}

function attributes(member: Member, value: unknown): string {
  let text = '';
  const namespace = member.traits.xmlNamespace;
  if (namespace !== undefined) text += ` xmlns${namespace[0] ? `:${namespace[0]}` : ''}="${namespace[1]}"`;
  if (member.shape.kind !== 'structure') return text;
  for (const attribute of member.shape.members) {
    const item = (value as Record<string, unknown>)[attribute.name];
    if (attribute.traits.xmlAttribute === 1 && item !== undefined)
      text += ` ${attribute.traits.xmlName ?? attribute.name}="${escapeXml(String(item))}"`;
  }
  return text;
}

function decodeNode(shape: Shape, node: XmlNode): unknown {
  switch (shape.kind) {
    case 'structure':
      return decodeStructure(shape, node);
    case 'list':
      return arrayOf(typeof node === 'string' ? undefined : node[shape.item.traits.xmlName ?? 'member']).map((item) =>
        decodeNode(shape.item.shape, item),
      );
    case 'map':
      return decodeEntries(shape, arrayOf(typeof node === 'string' ? undefined : node['entry']));
    default:
      return scalarFromText(shape, textOf(node), 'date-time');
  }
}

function decodeStructure(shape: StructureShape, node: XmlNode): Record<string, unknown> {
  const decoded: Record<string, unknown> = {};
  if (typeof node === 'string') return decoded;
  for (const member of shape.members) {
    const found = node[member.traits.xmlName ?? member.name];
    if (found === undefined) continue;
    decoded[member.name] = decodeMember(member, found);
  }
  return decoded;
}

function decodeMember(member: Member, found: XmlNode | readonly XmlNode[]): unknown {
  const shape = member.shape;
  if (member.traits.xmlFlattened === 1) {
    if (shape.kind === 'list') return arrayOf(found).map((item) => decodeNode(shape.item.shape, item));
    if (shape.kind === 'map') return decodeEntries(shape, arrayOf(found));
  }
  const nodes = arrayOf(found);
  if (nodes.length !== 1) throw malformed();
  return decodeNode(shape, nodes[0]!);
}

function decodeEntries(shape: Shape & { kind: 'map' }, entries: readonly XmlNode[]): Record<string, unknown> {
  return Object.fromEntries(
    entries.map((entry) => {
      if (typeof entry === 'string') throw malformed();
      const key = entry[shape.key.traits.xmlName ?? 'key'];
      const value = entry[shape.value.traits.xmlName ?? 'value'];
      return [textOf(arrayOf(key)[0] ?? ''), decodeNode(shape.value.shape, arrayOf(value)[0] ?? '')];
    }),
  );
}

function arrayOf(node: XmlNode | readonly XmlNode[] | undefined): readonly XmlNode[] {
  if (node === undefined) return [];
  return Array.isArray(node) ? (node as readonly XmlNode[]) : [node as XmlNode];
}

function textOf(node: XmlNode): string {
  if (typeof node === 'string') return node;
  const text = node['#text'];
  return typeof text === 'string' ? text : '';
}

function malformed(): MalformedRequestError {
  return new MalformedRequestError(
    'MalformedXML',
    'The XML you provided was not well-formed or did not validate against our published schema',
  );
}
