/** One instance in one simulated Region, with our document on it and an object to process: what the tests of this folder share. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { RunCommandDocument } from '../../constructs/run-command-document';
import { Endpoint } from '../../local/endpoint';
import { InstanceRunner } from '../../local/instance/instance-runner';
import { createRandom } from '../../local/random';
import type { AwsEvent } from '../../local/services/aws-event';
import { Ec2Service } from '../../local/services/ec2';
import { S3Service } from '../../local/services/s3';
import { Cloud, operator, type Service, ServiceError } from '../../local/services/service';
import { type RunningScript, SsmService } from '../../local/services/ssm';
import { VirtualClock } from '../../local/virtual-clock';
import type { ObjectReference } from '../../tasks';
import { commandParameters, operationResultsPrefix } from '../../tasks/operations/command-parameters';

export interface Outcome {
  readonly status: string;
  readonly details: string;
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** An object as S3 has it. */
interface Stored {
  readonly text: string;
  readonly sizeBytes: number;
  readonly sha256: string | undefined;
}

/** The content of the document that the construct makes, without a synthesis for each test. */
function documentContent(command: string, timeout = Duration.hours(1)): Record<string, unknown> {
  const stack = new Stack(new App(), 'Test');
  const { document } = new RunCommandDocument(stack, 'Command', { command, timeout });
  return stack.resolve(document.content) as Record<string, unknown>;
}

export class InstanceFixture {
  readonly clock = new VirtualClock();
  readonly ec2: Ec2Service;
  readonly ssm: SsmService;
  readonly runner: InstanceRunner;
  readonly instanceId: string;
  /** What the instance asked of S3: `GetObject in/a.txt`. */
  readonly requests: string[] = [];
  /** Decides which of its requests S3 refuses. */
  refuse: (request: string) => boolean = () => false;
  /** Decides which of its requests S3 fails to answer. */
  fail: (request: string) => boolean = () => false;
  /** What must have happened before S3 answers one of its requests. */
  hold: (request: string) => Promise<void> | undefined = () => undefined;
  private readonly cloud = new Cloud('eu-west-1', '123456789012');
  private scriptCount = 0;
  private readonly endpoint = new Endpoint(this.cloud);

  constructor(options: { readonly realTimeLimitMs?: number } = {}) {
    const emit = (_: AwsEvent): void => undefined;
    const random = createRandom('instance');
    const shared = { clock: this.clock, random, emit, region: this.cloud.region, accountId: this.cloud.accountId };
    this.runner = new InstanceRunner({
      ...options,
      nowMs: () => this.clock.nowMs(),
      awsEnvironment: (instanceId) => this.endpoint.environmentFor({ id: 'role', session: instanceId }),
    });
    const s3 = new S3Service(shared);
    for (const name of ['inbox', 'results']) s3.createBucket({ name, versioning: 'Enabled' });
    this.cloud.add(s3 as Service);
    this.cloud.intercept(async (call, next) => {
      if (call.principal.id !== 'role') return next(call);
      const request = `${call.operation} ${String(call.input['Key'])}`;
      this.requests.push(request);
      await this.hold(request);
      if (this.refuse(request)) throw new ServiceError('AccessDenied', 'Access Denied', 403);
      if (this.fail(request)) throw new ServiceError('InternalError', 'We encountered an internal error.', 500);
      return next(call);
    });
    this.ec2 = new Ec2Service(shared);
    this.ssm = new SsmService({ ...shared, ec2: this.ec2, runner: this.runner });
    this.instanceId = this.ec2.instances.launch({ alreadyRunning: true }).instanceId;
  }

  async close(): Promise<void> {
    this.runner.close();
    await this.endpoint.close();
  }

  useCommand(command: string, timeout?: Duration): void {
    this.ssm.documents.put('process', documentContent(command, timeout));
  }

  async upload(key: string, body = 'hello\n'): Promise<ObjectReference> {
    const input = { Bucket: 'inbox', Key: key, Body: Buffer.from(body), ContentType: 'text/plain' };
    const { ETag, VersionId } = await this.callS3('PutObject', input);
    const versionId = VersionId as string;
    return {
      bucket: 'inbox',
      key,
      versionId,
      etag: (ETag as string).replaceAll('"', ''),
      sizeBytes: Buffer.byteLength(body),
      contentType: 'text/plain',
      lastModified: '2026-01-01T09:00:00.000Z',
      record: { pk: 'object#1', sk: `version#${versionId}` },
      attempt: 1,
    };
  }

  /** What an operation has stored, by its key below the operation's prefix. */
  async stored(operationId: string): Promise<Record<string, Stored>> {
    const Prefix = operationResultsPrefix('', operationId);
    const { Contents = [] } = await this.callS3('ListObjectsV2', { Bucket: 'results', Prefix });
    const found: Record<string, Stored> = {};
    for (const { Key } of Contents as { Key: string }[]) {
      const object = await this.callS3('GetObject', { Bucket: 'results', Key, ChecksumMode: 'ENABLED' });
      const bytes = await bytesOf(object['Body']);
      found[Key.slice(Prefix.length)] = {
        text: bytes.toString('utf8'),
        sizeBytes: bytes.length,
        sha256: object['ChecksumSHA256'] as string | undefined,
      };
    }
    return found;
  }

  send(object: ObjectReference, operationId: string): string {
    const result = this.ssm.operations['SendCommand']!({
      DocumentName: 'process',
      InstanceIds: [this.instanceId],
      TimeoutSeconds: 600,
      Parameters: commandParameters({
        operationId,
        object,
        resultsBucket: 'results',
        resultsPrefix: operationResultsPrefix('', operationId),
      }),
    }) as { Command: { CommandId: string } };
    return result.Command.CommandId;
  }

  /** Starts a script of its own on the instance, past SSM. */
  start(script: string): RunningScript {
    return this.runner.start({
      commandId: `script-${++this.scriptCount}`,
      instanceId: this.instanceId,
      documentName: 'script',
      comment: '',
      parameters: {},
      script: `#!/bin/bash\n${script}\n`,
      environment: {},
      workingDirectory: undefined,
      executionTimeoutSeconds: 60,
      runCount: 1,
    });
  }

  outcomeOf(commandId: string): Outcome {
    const answer = this.ssm.operations['GetCommandInvocation']!({ CommandId: commandId, InstanceId: this.instanceId });
    return {
      status: answer['Status'] as string,
      details: answer['StatusDetails'] as string,
      exitCode: answer['ResponseCode'] as number,
      output: answer['StandardOutputContent'] as string,
      errors: answer['StandardErrorContent'] as string,
    };
  }

  async run(object: ObjectReference, operationId: string): Promise<Outcome> {
    const commandId = this.send(object, operationId);
    await this.clock.runUntilIdle();
    return this.outcomeOf(commandId);
  }

  private callS3(operation: string, input: Record<string, unknown>) {
    return this.cloud.call({ service: 's3', operation, input, principal: operator });
  }
}

async function bytesOf(body: unknown): Promise<Buffer> {
  if (body instanceof Uint8Array) return Buffer.from(body);
  const chunks: Uint8Array[] = [];
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
