/** REST bindings: which operation a method and path mean, and what travels in path, query, headers and body. */
import { MalformedRequestError, toBytes, toText, type WireRequest } from '../message';
import { scalarFromText, scalarToText } from '../scalar';
import type { Member, Operation, Shape, StructureShape, TimestampFormat } from '../shape';

/** How the structured body of a REST protocol is read and written. */
export interface RestBody {
  readonly contentType: string;
  readonly decode: (shape: Shape, body: Uint8Array) => unknown;
  /** Writes a body: of one member that is the payload, or of all members that travel nowhere else. */
  readonly encode: (operation: Operation, members: readonly Member[], value: Record<string, unknown>) => string;
  readonly encodePayload: (member: Member, value: unknown) => string;
}

interface Route {
  readonly operation: Operation;
  readonly method: string;
  readonly segments: readonly string[];
  /** Query parameters that must be there, with their value where the model fixes it. */
  readonly query: readonly (readonly [name: string, value: string | undefined])[];
  readonly headers: readonly string[];
}

/** The operations of a REST service, found by what a request looks like. */
export class Routes {
  private readonly routes: readonly Route[];

  constructor(operations: Iterable<Operation>) {
    const specificity = (route: Route): number =>
      route.query.length + route.headers.length + route.segments.filter((segment) => !isLabel(segment)).length * 10;
    this.routes = [...operations]
      .flatMap((operation) =>
        operation.traits.http === undefined ? [] : [readRoute(operation, operation.traits.http)],
      )
      .sort((left, right) => specificity(right) - specificity(left));
  }

  /** Finds the operation of a request and the labels of its path.
   * @param canMatch Tells apart what the path cannot: S3's operations on a bucket, an object, or neither. */
  find(
    request: WireRequest,
    canMatch: (operation: Operation) => boolean = () => true,
  ): { readonly operation: Operation; readonly labels: Readonly<Record<string, string>> } | undefined {
    const segments = request.path.split('/').slice(1);
    for (const route of this.routes) {
      if (route.method !== request.method || !canMatch(route.operation)) continue;
      const labels = matchPath(route.segments, segments);
      if (labels !== undefined && hasAll(route, request)) return { operation: route.operation, labels };
    }
    return undefined;
  }
}

/** Reads the input of a REST request. */
export function decodeRest(
  operation: Operation,
  labels: Readonly<Record<string, string>>,
  request: WireRequest,
  body: RestBody,
): Record<string, unknown> {
  const input: Record<string, unknown> = {};
  const unbound: Member[] = [];
  for (const member of operation.input.members) {
    const { traits } = member;
    let value: unknown;
    if (traits.httpLabel === 1) value = readText(member, labels[member.name], 'date-time');
    else if (traits.httpQuery !== undefined) value = readQuery(member, request.query[traits.httpQuery]);
    else if (traits.httpHeader !== undefined)
      value = readText(member, request.headers[traits.httpHeader.toLowerCase()], 'http-date');
    else if (traits.httpPrefixHeaders !== undefined) value = readPrefixed(traits.httpPrefixHeaders, request.headers);
    else if (traits.httpPayload === 1) value = readPayload(member, request.body, body);
    else if (traits.httpQueryParams !== 1) unbound.push(member);
    if (value !== undefined) input[member.name] = value;
  }
  if (unbound.length > 0) Object.assign(input, body.decode(operation.input, request.body));
  return input;
}

/** Writes the output of a REST operation. */
export function encodeRest(
  operation: Operation,
  output: Readonly<Record<string, unknown>>,
  body: RestBody,
): {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
  readonly isStream: boolean;
} {
  const headers: Record<string, string> = {};
  const unbound: Member[] = [];
  let statusCode = operation.traits.http?.[2] ?? 200;
  let payload: { readonly member: Member; readonly value: unknown } | undefined;
  for (const member of operation.output.members) {
    const value = output[member.name];
    const { traits } = member;
    if (traits.httpPayload === 1) payload = { member, value };
    else if (traits.httpHeader !== undefined) writeHeader(headers, traits.httpHeader, member.shape, value);
    else if (traits.httpPrefixHeaders !== undefined) writePrefixed(headers, traits.httpPrefixHeaders, value);
    else if (traits.httpResponseCode === 1) statusCode = Number(value ?? statusCode);
    else unbound.push(member);
  }
  if (payload !== undefined) return { statusCode, headers, ...encodePayload(payload.member, payload.value, body) };
  if (unbound.length === 0) return { statusCode, headers, body: new Uint8Array(), isStream: false };
  headers['content-type'] = body.contentType;
  return { statusCode, headers, body: toBytes(body.encode(operation, unbound, output)), isStream: false };
}

function encodePayload(member: Member, value: unknown, body: RestBody): { body: Uint8Array; isStream: boolean } {
  const isStream = member.traits.streaming === 1;
  if (value === undefined) return { body: new Uint8Array(), isStream };
  if (value instanceof Uint8Array) return { body: value, isStream };
  if (member.shape.kind === 'string' || member.shape.kind === 'blob') return { body: toBytes(String(value)), isStream };
  return { body: toBytes(body.encodePayload(member, value)), isStream };
}

function readRoute(operation: Operation, [method, uri]: readonly [string, string, number]): Route {
  const [path = '/', query = ''] = uri.split('?');
  const literals = [...new URLSearchParams(query)]
    .filter(([name]) => name !== 'x-id')
    .map(([name, value]): [string, string | undefined] => [name, value === '' ? undefined : value]);
  const required = operation.input.members.filter((member) => member.isRequired);
  return {
    operation,
    method,
    segments: path.split('/').slice(1),
    query: [
      ...literals,
      ...required.flatMap(({ traits }): [string, undefined][] =>
        traits.httpQuery === undefined ? [] : [[traits.httpQuery, undefined]],
      ),
    ],
    headers: required.flatMap(({ traits }) =>
      traits.httpHeader === undefined ? [] : [traits.httpHeader.toLowerCase()],
    ),
  };
}

function hasAll(route: Route, request: WireRequest): boolean {
  return (
    route.query.every(([name, value]) => {
      const given = request.query[name];
      return given !== undefined && (value === undefined || given[0] === value);
    }) && route.headers.every((name) => request.headers[name] !== undefined)
  );
}

/** Matches percent-encoded segments against a path of the model; `{Key+}` takes all that is left.
 * A slash at the end may be missing or too many, except after `/` alone: to S3 `//` is the object `/`, not the bucket. */
function matchPath(template: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const [index, expected] of template.entries()) {
    const given = segments[index];
    if (given === undefined) return expected === '' ? labels : undefined;
    if (expected.endsWith('+}')) {
      const rest = segments.slice(index).join('/');
      if (rest === '') return undefined;
      labels[expected.slice(1, -2)] = decode(rest);
      return labels;
    }
    if (isLabel(expected)) {
      if (given === '') return undefined;
      labels[expected.slice(1, -1)] = decode(given);
    } else if (expected !== given) return undefined;
  }
  const left = segments.slice(template.length);
  const isSlashTooMany = left.length === 1 && left[0] === '' && template.at(-1) !== '';
  return left.length === 0 || isSlashTooMany ? labels : undefined;
}

function isLabel(segment: string): boolean {
  return segment.startsWith('{');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new MalformedRequestError('InvalidURI', "Couldn't parse the specified URI.");
  }
}

function readText(member: Member, text: string | undefined, timestampFormat: TimestampFormat): unknown {
  if (text === undefined) return undefined;
  const { shape } = member;
  if (shape.kind !== 'list') return scalarFromText(shape, text, timestampFormat);
  return text.split(',').map((item) => scalarFromText(shape.item.shape, item.trim(), timestampFormat));
}

function readQuery(member: Member, texts: readonly string[] | undefined): unknown {
  if (texts === undefined) return undefined;
  const { shape } = member;
  if (shape.kind === 'list') return texts.map((text) => scalarFromText(shape.item.shape, text, 'date-time'));
  return scalarFromText(shape, texts[0] ?? '', 'date-time');
}

function readPrefixed(prefix: string, headers: Readonly<Record<string, string>>): unknown {
  const found = Object.entries(headers).filter(([name]) => name.startsWith(prefix.toLowerCase()));
  return found.length === 0
    ? undefined
    : Object.fromEntries(found.map(([name, value]) => [name.slice(prefix.length), value]));
}

function readPayload(member: Member, bytes: Uint8Array, body: RestBody): unknown {
  if (member.shape.kind === 'blob') return bytes;
  if (bytes.length === 0) return undefined;
  return member.shape.kind === 'string' ? toText(bytes) : body.decode(member.shape, bytes);
}

function writeHeader(headers: Record<string, string>, name: string, shape: Shape, value: unknown): void {
  if (value === undefined || value === null) return;
  headers[name.toLowerCase()] =
    shape.kind === 'list'
      ? (value as readonly unknown[]).map((item) => scalarToText(shape.item.shape, item, 'http-date')).join(',')
      : scalarToText(shape, value, 'http-date');
}

function writePrefixed(headers: Record<string, string>, prefix: string, value: unknown): void {
  for (const [name, text] of Object.entries((value ?? {}) as Record<string, string>)) {
    headers[`${prefix}${name}`.toLowerCase()] = text;
  }
}

/** The members of an output that its body carries. */
export function bodyMembers(shape: StructureShape): readonly Member[] {
  return shape.members.filter(
    ({ traits }) =>
      traits.httpHeader === undefined && traits.httpPrefixHeaders === undefined && traits.httpResponseCode !== 1,
  );
}
