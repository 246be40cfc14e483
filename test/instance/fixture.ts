/** One instance in one simulated Region, with our document on it and an object to process: what the tests of this folder share. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { RunCommandDocument } from '../../constructs/run-command-document';
import { InstanceRunner } from '../../local/instance/instance-runner';
import { createRandom } from '../../local/random';
import { Ec2Service } from '../../local/services/ec2';
import { SsmService } from '../../local/services/ssm';
import { VirtualClock } from '../../local/virtual-clock';
import type { ObjectReference } from '../../tasks/object-reference';
import { commandParameters, operationResultsPrefix } from '../../tasks/operations/command-parameters';
import { LoopbackS3 } from './loopback-s3';

export interface Outcome {
  readonly status: string;
  readonly details: string;
  readonly exitCode: number;
  readonly output: string;
  readonly errors: string;
}

/** The content of the document that the construct synthesizes. */
export function documentContent(command: string, timeout = Duration.hours(1)): Record<string, unknown> {
  const stack = new Stack(new App(), 'Test');
  new RunCommandDocument(stack, 'Command', { command, timeout });
  const [document] = Object.values(Template.fromStack(stack).findResources('AWS::SSM::Document'));
  return document!['Properties'].Content as Record<string, unknown>;
}

export class InstanceFixture {
  readonly clock = new VirtualClock();
  readonly s3 = new LoopbackS3();
  readonly events: { readonly detailType: string; readonly detail: Record<string, unknown> }[] = [];
  readonly ec2: Ec2Service;
  readonly ssm: SsmService;
  readonly runner: InstanceRunner;
  readonly instanceId: string;
  private awsEnvironment: Record<string, string> = {};

  constructor(options: { readonly realTimeLimitMs?: number } = {}) {
    const random = createRandom('instance');
    const emit = (event: { detailType: string; detail: Readonly<Record<string, unknown>> }): void =>
      void this.events.push(event);
    const shared = { clock: this.clock, random, emit, region: 'eu-west-1', accountId: '123456789012' };
    this.runner = new InstanceRunner({
      nowMs: () => this.clock.nowMs(),
      awsEnvironment: () => this.awsEnvironment,
      ...options,
    });
    this.ec2 = new Ec2Service(shared);
    this.ssm = new SsmService({ ...shared, ec2: this.ec2, runner: this.runner });
    this.instanceId = this.ec2.instances.launch({ alreadyRunning: true }).instanceId;
  }

  async open(): Promise<this> {
    this.awsEnvironment = await this.s3.listen();
    return this;
  }

  close(): void {
    this.runner.close();
    this.s3.close();
  }

  useCommand(command: string, timeout?: Duration): void {
    this.ssm.documents.put('process', documentContent(command, timeout));
  }

  upload(key: string, body: string | Buffer = 'hello\n'): ObjectReference {
    const stored = this.s3.put('inbox', key, body);
    return {
      bucket: 'inbox',
      key,
      versionId: stored.versionId,
      etag: stored.etag.replaceAll('"', ''),
      sizeBytes: stored.body.length,
      contentType: 'text/plain',
      lastModified: '2026-01-01T09:00:00.000Z',
      record: { pk: 'object#1', sk: `version#${stored.versionId}` },
      attempt: 1,
    };
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
}
