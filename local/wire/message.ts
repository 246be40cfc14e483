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
