/** The `aws-chunked` content encoding: an upload in chunks, with its checksum in a trailer. */
import { MalformedRequestError, toText } from './message';

/** Takes the content out of an `aws-chunked` body.
 * @returns the content, and the trailing headers by lower-case name. Signatures of chunks are not looked at. */
export function decodeAwsChunked(body: Uint8Array): {
  readonly content: Uint8Array;
  readonly trailers: Readonly<Record<string, string>>;
} {
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (;;) {
    const line = readLine(body, offset);
    const size = Number.parseInt(line.text.split(';')[0]!, 16);
    if (Number.isNaN(size)) throw incomplete();
    offset = line.next;
    if (size === 0) break;
    if (offset + size > body.length) throw incomplete();
    chunks.push(body.subarray(offset, offset + size));
    offset = readLine(body, offset + size).next;
  }
  const trailers: Record<string, string> = {};
  while (offset < body.length) {
    const line = readLine(body, offset);
    offset = line.next;
    const colon = line.text.indexOf(':');
    if (colon > 0) trailers[line.text.slice(0, colon).trim().toLowerCase()] = line.text.slice(colon + 1).trim();
  }
  return { content: Buffer.concat(chunks), trailers };
}

function readLine(body: Uint8Array, offset: number): { readonly text: string; readonly next: number } {
  let end = offset;
  while (end < body.length && !(body[end] === 13 && body[end + 1] === 10)) end++;
  if (end >= body.length) throw incomplete();
  return { text: toText(body.subarray(offset, end)), next: end + 2 };
}

function incomplete(): MalformedRequestError {
  return new MalformedRequestError('IncompleteBody', 'The request body terminated unexpectedly');
}
