/** Answers one request from the wire with a call to the simulated cloud. */
import { ServiceError, type Cloud, type Principal, type ServiceName } from '../services/service';
import { createCodec, type Codec } from './codec';
import { MalformedRequestError, type WireRequest, type WireResponse } from './message';
import { loadServiceModel } from './service-model';

const codecs = new Map<ServiceName, Codec>();

/** Decodes a request, makes the call and encodes what comes of it, the service's own errors included.
 * @throws UnsupportedError and whatever else is not an answer of the service */
export async function answer(
  cloud: Cloud,
  principal: Principal,
  service: ServiceName,
  request: WireRequest,
  requestId: string,
): Promise<WireResponse> {
  const codec = codecs.get(service) ?? (await loadCodec(service));
  try {
    const { operation, input } = codec.decode(request);
    const region = readCredentialScope(request)?.region;
    const elsewhere = region !== cloud.region && { region };
    const output = await cloud.call({ service, operation: operation.name, input, principal, ...elsewhere });
    return codec.encode(operation, output, requestId);
  } catch (error) {
    if (error instanceof ServiceError) return codec.encodeError(error, requestId);
    if (error instanceof MalformedRequestError)
      return codec.encodeError(new ServiceError(error.code, error.message), requestId);
    throw error;
  }
}

/** Answers a request with an error, in the form of its service. */
export async function answerError(service: ServiceName, error: ServiceError, requestId: string): Promise<WireResponse> {
  return (await loadCodec(service)).encodeError(error, requestId);
}

/** The service and the Region that a request was signed for, and the access key it was signed with.
 * @returns undefined for a request without a signature */
export function readCredentialScope(
  request: WireRequest,
): { readonly accessKeyId: string; readonly region: string; readonly service: string } | undefined {
  const scope =
    /Credential=([^,\s]+)/.exec(request.headers['authorization'] ?? '')?.[1] ?? request.query['X-Amz-Credential']?.[0];
  const [accessKeyId, , region, service] = scope?.split('/') ?? [];
  if (accessKeyId === undefined || region === undefined || service === undefined) return undefined;
  return { accessKeyId, region, service };
}

async function loadCodec(service: ServiceName): Promise<Codec> {
  const codec = codecs.get(service) ?? createCodec(await loadServiceModel(service));
  codecs.set(service, codec);
  return codec;
}
