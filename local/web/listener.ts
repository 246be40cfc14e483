/** HTTP on this machine only: one listener for each address that the template has, and the translation between the two. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A request with its body in memory. */
export interface WebRequest {
  readonly method: string;
  /** As on the request line, still percent-encoded, without the query. */
  readonly path: string;
  /** Without the question mark; empty if there is none. */
  readonly query: string;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

export interface WebResponse {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export type WebHandler = (request: WebRequest) => Promise<WebResponse>;

/** Something that listens. */
export interface Listener {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
  readonly close: () => Promise<void>;
}

/** More than any service takes in one request. */
const maximumBodyBytes = 5 * 1024 ** 3;

/** @param onError Takes errors of the simulator itself; the client gets 501. */
export async function listenFor(handler: WebHandler, onError: (error: unknown) => void): Promise<Listener> {
  const server = createServer((incoming, outgoing) => {
    readRequest(incoming)
      .then(handler)
      .catch((error: unknown): WebResponse => {
        onError(error);
        return { statusCode: 501, headers: { 'content-type': 'text/plain' }, body: (error as Error).message };
      })
      .then(({ statusCode, headers, body }) => {
        const hasBody = incoming.method !== 'HEAD' && statusCode !== 204 && statusCode !== 304;
        const bytes = Buffer.from(body as string);
        outgoing.writeHead(statusCode, { ...headers, ...(hasBody && { 'content-length': bytes.length }) });
        outgoing.end(hasBody ? bytes : undefined);
      })
      .catch((error: unknown) => outgoing.destroy(error as Error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

async function readRequest(incoming: IncomingMessage): Promise<WebRequest> {
  const url = incoming.url ?? '/';
  const mark = url.indexOf('?');
  const chunks: Buffer[] = [];
  let byteCount = 0;
  for await (const chunk of incoming) {
    byteCount += (chunk as Buffer).length;
    if (byteCount > maximumBodyBytes) throw new Error(`A request has more than ${maximumBodyBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return {
    method: incoming.method ?? 'GET',
    path: mark < 0 ? url : url.slice(0, mark),
    query: mark < 0 ? '' : url.slice(mark + 1),
    headers: Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(',') : (value ?? ''),
      ]),
    ),
    body: Buffer.concat(chunks),
  };
}

/** Knows which address of this machine stands for which of AWS. What is deployed knows only the latter: it is translated where
 * something leaves for the browser, and back where the browser says it. */
export class Addresses {
  private readonly pairs: { readonly aws: string; readonly local: string }[] = [];

  add(aws: string, local: string): void {
    this.pairs.push({ aws, local });
  }

  /** @returns the local address; undefined for one that is not served */
  localOf(aws: string): string | undefined {
    return this.pairs.find((pair) => pair.aws === aws)?.local;
  }

  /** Translates every address in a text for the browser. */
  toLocal(text: string): string {
    return this.pairs.reduce((result, { aws, local }) => result.replaceAll(aws, local), text);
  }

  /** Translates what a browser says back. */
  toAws(text: string): string {
    // One port is the beginning of another.
    return this.pairs.reduce(
      (result, { aws, local }) => result.replaceAll(new RegExp(`${local}(?!\\d)`, 'g'), aws),
      text,
    );
  }
}
