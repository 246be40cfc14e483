/** Serves the simulated cloud over HTTP on this machine only, to functions and commands that make their own clients. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ServiceError, UnsupportedError, type Cloud, type Principal } from '../services/service';
import { answer, answerError, readCredentialScope } from './answer';
import type { WireRequest, WireResponse } from './message';
import { isServiceName } from './service-model';

/** A server that is listening. */
export interface LoopbackServer {
  /** What to give to a client as its endpoint, or as `AWS_ENDPOINT_URL`: `http://127.0.0.1:<port>`. */
  readonly endpoint: string;
  readonly close: () => Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1. The service is the one that a request was signed for; signatures are not
 * verified, but a request whose access key is not known is refused.
 * @param principalOf Whose calls those of an access key are; undefined for an unknown key. */
export async function listen(
  cloud: Cloud,
  principalOf: (accessKeyId: string) => Principal | undefined,
): Promise<LoopbackServer> {
  let requestCount = 0;
  const server = createServer((incoming, outgoing) => {
    const requestId = `loopback-${++requestCount}`;
    readRequest(incoming)
      .then((request) => serve(cloud, principalOf, request, requestId))
      .then((response) => writeResponse(incoming, outgoing, response))
      .catch((error: unknown) => outgoing.destroy(error as Error));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve, reject) => {
        server.close((error) => (error === undefined ? resolve() : reject(error)));
        server.closeAllConnections();
      }),
  };
}

async function serve(
  cloud: Cloud,
  principalOf: (accessKeyId: string) => Principal | undefined,
  request: WireRequest,
  requestId: string,
): Promise<WireResponse> {
  const scope = readCredentialScope(request);
  if (scope === undefined || !isServiceName(scope.service)) {
    return plainError(
      scope === undefined
        ? 'MissingAuthenticationToken: the request is not signed'
        : `Simulator.Unsupported: the service ${scope.service} is not simulated`,
      scope === undefined ? 403 : 501,
    );
  }
  const principal = principalOf(scope.accessKeyId);
  if (principal === undefined) return answerError(scope.service, unknownKey(scope.service), requestId);
  try {
    return await answer(cloud, principal, scope.service, request, requestId);
  } catch (error) {
    // 501: no client repeats the call, and none takes it for an answer of the service.
    const code = error instanceof UnsupportedError ? error.name : 'Simulator.Failed';
    return answerError(scope.service, new ServiceError(code, (error as Error).message, 501), requestId);
  }
}

function unknownKey(service: string): ServiceError {
  if (service === 's3') {
    return new ServiceError(
      'InvalidAccessKeyId',
      'The AWS Access Key Id you provided does not exist in our records.',
      403,
    );
  }
  const code = service === 'ec2' ? 'AuthFailure' : 'UnrecognizedClientException';
  return new ServiceError(code, 'The security token included in the request is invalid.', 403);
}

async function readRequest(incoming: IncomingMessage): Promise<WireRequest> {
  const [path = '/', query = ''] = splitOnce(incoming.url ?? '/', '?');
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return {
    method: incoming.method ?? 'GET',
    hostname: (incoming.headers.host ?? '').replace(/:\d+$/, ''),
    path,
    query: readQuery(query),
    headers: Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [
        name,
        Array.isArray(value) ? value.join(',') : (value ?? ''),
      ]),
    ),
    body: Buffer.concat(chunks),
  };
}

function readQuery(query: string): WireRequest['query'] {
  const parameters = new URLSearchParams(query);
  return Object.fromEntries([...new Set(parameters.keys())].map((name) => [name, parameters.getAll(name)]));
}

function splitOnce(text: string, separator: string): readonly string[] {
  const index = text.indexOf(separator);
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + 1)];
}

function writeResponse(incoming: IncomingMessage, outgoing: ServerResponse, response: WireResponse): void {
  const hasBody = incoming.method !== 'HEAD' && response.statusCode !== 204 && response.statusCode !== 304;
  outgoing.writeHead(response.statusCode, {
    ...response.headers,
    ...(hasBody && { 'content-length': String(response.body.length) }),
  });
  outgoing.end(hasBody ? response.body : undefined);
}

function plainError(message: string, statusCode: number): WireResponse {
  return {
    statusCode,
    headers: { 'content-type': 'text/plain' },
    body: Buffer.from(message),
    isStream: false,
  };
}
