/** What the wire layer passes around: one HTTP request and one HTTP response, with their bodies in memory. */

export interface WireRequest {
  readonly method: string;
  readonly hostname: string;
  /** As on the request line: percent-encoded, without the query. */
  readonly path: string;
  /** Decoded; a name without a value has one empty text. */
  readonly query: Readonly<Record<string, readonly string[]>>;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface WireResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array;
  /** True for an object's content, which clients hand on as a stream. */
  readonly isStream: boolean;
}

/** A request that the service itself could not read. */
export class MalformedRequestError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
    this.name = code;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Text to the bytes of its UTF-8 form. */
export function toBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Bytes of UTF-8 to text. */
export function toText(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** The bytes of a body as clients are given it: a text, bytes of any kind, a stream of them, or nothing. */
export async function readStreamedBody(body: unknown): Promise<Uint8Array> {
  if (body === undefined || body === null) return new Uint8Array();
  if (typeof body === 'string') return toBytes(body);
  if (body instanceof Uint8Array) return body;
  if (body instanceof ArrayBuffer) return new Uint8Array(body);
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array | string>) {
    chunks.push(typeof chunk === 'string' ? toBytes(chunk) : chunk);
  }
  return Buffer.concat(chunks);
}

/** Ids count up, so that the same run shows the same ids. */
export function requestIdOf(count: number): string {
  return `00000000-0000-4000-8000-${count.toString(16).padStart(12, '0')}`;
}
