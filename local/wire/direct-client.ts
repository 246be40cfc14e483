/** Clients for typed tasks that skip the wire: a command's input goes straight to the simulated cloud, and what comes
 * back looks as the SDK would give it. test/wire/direct-client.test.ts holds them against real clients. */
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { ServiceError, UnsupportedError, type Cloud, type Principal, type ServiceName } from '../services/service';
import { copyInput, copyOutput, type Encoding } from './copy-value';
import { readStreamedBody, requestIdOf } from './message';
import { maximumAttempts } from './retries';
import { loadServiceModel } from './service-model';
import { readOperation, type Operation } from './shape';
import { answeredError, isWorthAnotherAttempt, type Attempted } from './sdk-error';

/** What a typed task uses of an SDK client. */
export interface DirectClient {
  readonly send: (command: object, options?: { readonly abortSignal?: AbortSignal }) => Promise<object>;
  readonly destroy: () => void;
  /** For those who sign addresses and do not call: what the SDK's own client has. */
  readonly config: unknown;
  readonly middlewareStack: unknown;
}

/** How a direct client differs from the usual. */
interface DirectClientOptions {
  /** Whose endpoints are called. @default - those of the cloud's own Region */
  readonly region?: string | undefined;
  /** Makes the SDK's client, when something of it is asked for that is no call. */
  readonly signer?: () => Pick<DirectClient, 'config' | 'middlewareStack'>;
}

/** What is read of an SDK command. Its schema names the service as well. */
interface Command {
  readonly input: Readonly<Record<string, unknown>>;
  readonly schema?: unknown;
}

interface Known {
  readonly service: ServiceName;
  readonly encoding: Encoding;
  readonly operation: Operation;
}

const namespaces: Readonly<Record<string, readonly [ServiceName, Encoding]>> = {
  'com.amazonaws.autoscaling': ['autoscaling', 'form'],
  'com.amazonaws.backup': ['backup', 'json'],
  'com.amazonaws.dynamodb': ['dynamodb', 'json'],
  'com.amazonaws.ec2': ['ec2', 'form'],
  'com.amazonaws.s3': ['s3', 'rest-xml'],
  'com.amazonaws.sfn': ['states', 'json'],
  'com.amazonaws.ssm': ['ssm', 'json'],
};

/** S3's client does more than to send its input: what it adds is known for these operations, and no other is sent. */
const preparations: Readonly<Record<string, (input: Record<string, unknown>) => void>> = {
  ...Object.fromEntries(
    [
      ...['AbortMultipartUpload', 'CompleteMultipartUpload', 'CopyObject', 'DeleteObject', 'GetObjectTagging'],
      ...['HeadObject', 'UploadPartCopy'],
    ].map((name) => [name, () => undefined]),
  ),
  GetObject: (input) => {
    input['ChecksumMode'] ??= 'ENABLED';
  },
  PutObject: (input) => {
    const body = (input['Body'] as Uint8Array | undefined) ?? new Uint8Array();
    input['ContentLength'] ??= body.length;
    const isChecked = Object.keys(input).some((name) => name.startsWith('Checksum'));
    if (isChecked) return;
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32BE(crc32(body));
    Object.assign(input, { ChecksumAlgorithm: 'CRC32', ChecksumCRC32: checksum.toString('base64') });
  },
};

/** Services that answer copies of what they keep: nobody has to copy those once more. */
const copying: ReadonlySet<ServiceName> = new Set(['dynamodb']);

/** What a command is, by its schema: bundles have schemas of their own. */
const known = new WeakMap<object, Known>();

/** Makes a client for all commands of all services, acting as the given principal.
 * @param newToken Makes idempotency tokens where a command has none, as the SDK does by chance.
 * @throws UnsupportedError through `send`, for what is not simulated or has not been compared with the real client */
export function createDirectClient(
  cloud: Cloud,
  principal: Principal,
  newToken: () => string,
  { region, signer }: DirectClientOptions = {},
): DirectClient {
  let requestCount = 0;
  const newRequestId = (): string => requestIdOf(++requestCount);
  const send: DirectClient['send'] = async (command, options) => {
    options?.abortSignal?.throwIfAborted();
    const { service, encoding, operation } = describe(command as Command);
    const input = copyInput(operation.input, await withBodyInMemory((command as Command).input), encoding, newToken);
    if (service === 's3') preparationOf(operation.name)(input);
    for (let attempts = 1; ; attempts++) {
      const attempted: Attempted = { requestId: newRequestId(), attempts };
      try {
        const output = await cloud.call({ service, operation: operation.name, input, principal, region });
        const copied = copying.has(service) ? { ...output } : copyOutput(operation.output, output, encoding);
        return present(operation, output, copied, attempted);
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        if (isWorthAnotherAttempt(error) && attempts < maximumAttempts) continue;
        const shape = (await loadServiceModel(service)).error(error.code);
        throw answeredError(error, shape, { ...attempted, encoding, isHead: operation.traits.http?.[0] === 'HEAD' });
      }
    }
  };
  let signing: ReturnType<NonNullable<typeof signer>> | undefined;
  const sign = (): typeof signing => (signing ??= signer?.());
  return {
    send,
    destroy: () => undefined,
    get config() {
      return sign()?.config;
    },
    get middlewareStack() {
      return sign()?.middlewareStack;
    },
  };
}

function describe({ schema, constructor }: Command): Known {
  const cached = known.get(schema as object);
  if (cached !== undefined) return cached;
  const operation = readOperation(schema);
  const found = operation === undefined ? undefined : namespaces[(schema as readonly string[])[1]!];
  if (operation === undefined || found === undefined) throw unsupported(constructor.name);
  const [service, encoding] = found;
  const command = { service, encoding, operation };
  known.set(schema as object, command);
  return command;
}

function preparationOf(operationName: string): (input: Record<string, unknown>) => void {
  const prepare = preparations[operationName];
  if (prepare === undefined) throw unsupported(`s3:${operationName}`);
  return prepare;
}

function unsupported(what: string): UnsupportedError {
  return new UnsupportedError(`${what} by a direct client`, 'a call of a typed task', "simulate with clients: 'sdk'");
}

async function withBodyInMemory(input: Readonly<Record<string, unknown>>): Promise<Readonly<Record<string, unknown>>> {
  const body = input['Body'];
  return body === undefined ? input : { ...input, Body: await readStreamedBody(body) };
}

function present(
  operation: Operation,
  output: Readonly<Record<string, unknown>>,
  presented: Record<string, unknown>,
  { requestId, attempts }: Attempted,
): object {
  const streaming = operation.output.members.find(({ traits }) => traits.streaming === 1);
  if (streaming !== undefined) {
    presented[streaming.name] = new ObjectBody((presented[streaming.name] ?? new Uint8Array()) as Uint8Array);
  }
  const httpStatusCode = output['ContentRange'] === undefined ? (operation.traits.http?.[2] ?? 200) : 206;
  presented['$metadata'] = { httpStatusCode, requestId, attempts, totalRetryDelay: 0 };
  return presented;
}

/** The content of an object, as a stream that can be read at once, like the SDK's. */
class ObjectBody extends Readable {
  constructor(private readonly bytes: Uint8Array) {
    super();
  }

  override _read(): void {
    this.push(this.bytes.length === 0 ? null : this.bytes);
    if (this.bytes.length > 0) this.push(null);
  }

  transformToByteArray(): Promise<Uint8Array> {
    return Promise.resolve(this.bytes);
  }

  transformToString(encoding?: string): Promise<string> {
    return Promise.resolve(Buffer.from(this.bytes).toString(encoding as BufferEncoding));
  }
}
