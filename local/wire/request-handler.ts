/** Gives real SDK clients a transport that ends in the simulated cloud, in this process. */
import { validateHeaderValue } from 'node:http';
import { Readable } from 'node:stream';
import type { Cloud, Principal } from '../services/service';
import { UnsupportedError } from '../services/service';
import { answer, readCredentialScope } from './answer';
import { readStreamedBody, requestIdOf, type WireRequest } from './message';
import { maximumAttempts } from './retries';
import { isServiceName } from './service-model';

/** An HTTP request as the SDK hands it to its transport. */
interface SdkRequest {
  readonly method: string;
  readonly hostname: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

interface SdkResponse {
  readonly statusCode: number;
  readonly headers: Record<string, string>;
  readonly body: unknown;
}

/** The transport of an SDK v3 client. */
export interface RequestHandler {
  readonly metadata: { readonly handlerProtocol: string };
  readonly handle: (
    request: SdkRequest,
    options?: { readonly abortSignal?: AbortSignal },
  ) => Promise<{ response: SdkResponse }>;
  readonly updateHttpClientConfig: () => void;
  readonly httpHandlerConfigs: () => object;
  readonly destroy: () => void;
}

const credentials = { accessKeyId: 'AKIASIMULATED0000000', secretAccessKey: 'simulated' };

/** Makes a transport through which an SDK client calls the simulated cloud as the given principal.
 * Requests and responses take their form on the wire, so what the client does is what it would do on AWS.
 * The client must be configured by `clientConfiguration`, whose signer says which service is meant.
 * @throws UnsupportedError through the client, for what is not simulated */
export function createRequestHandler(cloud: Cloud, principal: Principal): RequestHandler {
  let requestCount = 0;
  return {
    metadata: { handlerProtocol: 'http/1.1' },
    handle: async (sdkRequest, options) => {
      options?.abortSignal?.throwIfAborted();
      const request = await readRequest(sdkRequest);
      const service = readCredentialScope(request)?.service;
      if (service === undefined || !isServiceName(service)) {
        throw new UnsupportedError(
          `the service ${service ?? 'of an unsigned request'}`,
          `${request.method} ${request.hostname}`,
          'leave the call out of what runs locally',
        );
      }
      requestCount++;
      const response = await answer(cloud, principal, service, request, requestIdOf(requestCount));
      const body = request.method === 'HEAD' ? new Uint8Array() : response.body;
      return {
        response: {
          statusCode: response.statusCode,
          headers: response.headers,
          body: response.isStream ? Readable.from(body.length === 0 ? [] : [body], { objectMode: false }) : body,
        },
      };
    },
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
    destroy: () => undefined,
  };
}

/** What to give to the constructor of any SDK client, so that it calls the simulated cloud as that principal.
 * Nothing is read from the environment or from the user's AWS configuration. Failed calls are repeated as often as the
 * SDK does, but at once: its backoff would wait in real time, and virtual time stands still while a function runs.
 * @example new S3Client(clientConfiguration(cloud, { id: roleArn }, 'eu-west-1')) */
export function clientConfiguration(
  cloud: Cloud,
  principal: Principal,
  region: string,
  signing: SigningConfiguration = { credentials, systemClockOffset: 0 },
): object {
  return {
    region,
    ...signing,
    requestHandler: createRequestHandler(cloud, principal),
    httpAuthSchemes: authenticationSchemes,
    retryStrategy,
    retryMode: 'standard',
    maxAttempts: maximumAttempts,
    defaultsMode: 'legacy',
    defaultUserAgentProvider: () => Promise.resolve([['simulated']]),
    userAgentAppId: () => Promise.resolve(undefined),
    useDualstackEndpoint: false,
    useFipsEndpoint: false,
    ignoreConfiguredEndpointUrls: true,
    accountIdEndpointMode: 'disabled',
    authSchemePreference: () => Promise.resolve([]),
    // The SDK's own defaults, said here so that no configuration file changes them.
    requestChecksumCalculation: 'WHEN_SUPPORTED',
    responseChecksumValidation: 'WHEN_SUPPORTED',
    disableS3ExpressSessionAuth: true,
    useArnRegion: false,
    sigv4aSigningRegionSet: () => Promise.resolve(undefined),
  };
}

/** What a client signs with, for others to verify: a presigned address. Its own calls are not signed. */
interface SigningConfiguration {
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Milliseconds to add to this machine's time. */
  readonly systemClockOffset: number;
}

interface SigningProperties {
  readonly name: string;
  readonly region: string;
}

interface IdentityProviders {
  readonly getIdentityProvider: (schemeId: string) => unknown;
}

/** Names the service as a signature would; computing one costs more than the call, and nobody would check it. */
const authenticationSchemes = ['aws.auth#sigv4', 'aws.auth#sigv4a'].map((schemeId) => ({
  schemeId,
  identityProvider: (providers: IdentityProviders) => providers.getIdentityProvider('aws.auth#sigv4'),
  signer: {
    sign: (
      request: { readonly headers: Record<string, string> },
      _identity: unknown,
      { name, region }: SigningProperties,
    ): Promise<object> => {
      const scope = `${credentials.accessKeyId}/20260101/${region}/${name}/aws4_request`;
      request.headers['authorization'] = `AWS4-HMAC-SHA256 Credential=${scope}`;
      return Promise.resolve(request);
    },
  },
}));

interface RetryToken {
  readonly getRetryCount: () => number;
  readonly getRetryDelay: () => number;
}

const retryStrategy = {
  acquireInitialRetryToken: (): Promise<RetryToken> => Promise.resolve(retryToken(0)),
  refreshRetryTokenForRetry: (token: RetryToken, failure: { readonly errorType: string }): Promise<RetryToken> => {
    const retryCount = token.getRetryCount() + 1;
    return failure.errorType === 'CLIENT_ERROR' || retryCount >= maximumAttempts
      ? Promise.reject(new Error('No retry token available'))
      : Promise.resolve(retryToken(retryCount));
  },
  recordSuccess: (): void => undefined,
};

function retryToken(retryCount: number): RetryToken {
  return { getRetryCount: () => retryCount, getRetryDelay: () => 0 };
}

async function readRequest(request: SdkRequest): Promise<WireRequest> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    checkHeader(name, value);
    headers[name.toLowerCase()] = value;
  }
  const query: Record<string, readonly string[]> = {};
  for (const [name, value] of Object.entries(request.query ?? {})) {
    query[name] = value === null ? [''] : typeof value === 'string' ? [value] : value;
  }
  return {
    method: request.method,
    hostname: request.hostname,
    path: request.path,
    query,
    headers,
    body: await readStreamedBody(request.body),
  };
}

/** What could not be sent to AWS must not work here: a copy source that was not encoded, for one. */
function checkHeader(name: string, value: string): void {
  try {
    validateHeaderValue(name, value);
  } catch (error) {
    throw new TypeError(
      `Invalid character in header content ["${name}"], at a request to AWS\n  got: ${JSON.stringify(value)}\n  fix: encode it with encodeURIComponent`,
      { cause: error },
    );
  }
}
