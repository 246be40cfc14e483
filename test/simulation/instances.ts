/** Stands for what runs on the instances: processes objects as their content says, and keeps to the rules of
 * constructs/run-operation.sh: one run for each operation id, results first, manifest last. */
import { createHash } from 'node:crypto';
import type { Simulation } from '../../local';
import type { ScriptRequest, ScriptResult } from '../../local/services/ssm-model';

/** How the command takes an object. `fails-once` and `tries-again-once` are over after the first run. */
export const behaviours = ['stores', 'rejects', 'fails-once', 'tries-again-once', 'runs-for-ever'] as const;
export type Behaviour = (typeof behaviours)[number];

/** What an object of the workload holds, as JSON. */
export interface ObjectContent {
  readonly id: string;
  readonly behaviour: Behaviour;
  readonly durationMs: number;
}

/** One run of the command on an instance. */
export interface CommandRun {
  readonly runId: string;
  readonly instanceId: string;
  readonly commandId: string;
  readonly versionId: string;
  readonly attempt: number;
  readonly result: ScriptResult;
  readonly startedAtMs: number;
  isCutOff: boolean;
  hasStored: boolean;
}

/** What the command writes for an object. */
export function resultOf(id: string): string {
  return `processed ${id}\n`;
}

/** The instances of a simulation. */
export class SimulatedInstances {
  /** Every time that the command took effect. */
  readonly runs: CommandRun[] = [];

  constructor(private readonly simulation: Simulation) {
    simulation.services.ssm.commands.answer((request) => this.answer(request));
    simulation.services.ec2.instances.onChange((instance, change) => {
      if (change === 'running' || change === 'pending' || change === 'rebooted') return;
      for (const run of this.runs) if (run.instanceId === instance.instanceId && !run.hasStored) run.isCutOff = true;
    });
  }

  private async answer(request: ScriptRequest): Promise<ScriptResult> {
    const runId = request.parameters['OperationId']![0]!;
    const known = this.runs.find((run) => run.runId === runId && run.instanceId === request.instanceId);
    if (known !== undefined) return this.adopt(known);
    const environment = environmentOf(request);
    const versionId = environment['OBJECT_VERSION']!;
    const content = await this.read(environment);
    const run: CommandRun = {
      ...{ runId, instanceId: request.instanceId, commandId: request.commandId, versionId },
      attempt: Number(environment['OBJECT_ATTEMPT']),
      result: this.resultFor(content, versionId),
      startedAtMs: this.simulation.clock.nowMs(),
      isCutOff: false,
      hasStored: false,
    };
    this.runs.push(run);
    if (run.result.exitCode === 0) this.storeLater(run, content, request);
    return run.result;
  }

  /** The instance refuses a second run: it ends as the first did, or asks for another try. */
  private adopt(run: CommandRun): ScriptResult {
    if (run.isCutOff) return { exitCode: 75, standardError: 'an earlier run was cut off', durationMs: 6_000 };
    const endsAtMs = run.startedAtMs + (run.result.durationMs ?? 0);
    return { ...run.result, durationMs: Math.max(1_000, endsAtMs - this.simulation.clock.nowMs() + 1_000) };
  }

  private resultFor({ behaviour, durationMs }: ObjectContent, versionId: string): ScriptResult {
    const isFirst = !this.runs.some((run) => run.versionId === versionId);
    switch (behaviour) {
      case 'stores':
        return { exitCode: 0, durationMs };
      case 'rejects':
        return { exitCode: 65, durationMs, standardError: 'not acceptable' };
      case 'fails-once':
        return { exitCode: isFirst ? 1 : 0, durationMs, standardError: isFirst ? 'failed' : '' };
      case 'tries-again-once':
        return { exitCode: isFirst ? 75 : 0, durationMs };
      case 'runs-for-ever':
        return { exitCode: 'never' };
    }
  }

  /** At the end of the run, if it is not cut off or cancelled before. */
  private storeLater(run: CommandRun, { id }: ObjectContent, request: ScriptRequest): void {
    const { clock, services } = this.simulation;
    const location = Buffer.from(request.parameters['ResultsLocation']![0]!, 'base64').toString();
    const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.*)$/.exec(location)!;
    clock.schedule((run.result.durationMs ?? 0) - 1, () => {
      const status = services.ssm.commands.all.get(run.commandId)?.status;
      run.isCutOff ||= status !== 'InProgress' && status !== 'Cancelling';
      if (run.isCutOff) return;
      const body = Buffer.from(resultOf(id));
      const sha256 = createHash('sha256').update(body).digest('base64');
      const path = Buffer.from('result.txt').toString('base64');
      run.hasStored = true;
      void clock.track(async () => {
        await this.put(bucket!, `${prefix}files/result.txt`, body, sha256);
        await this.put(bucket!, `${prefix}manifest.tsv`, Buffer.from(`${sha256}\t${body.length}\t${path}\n`));
      });
    });
  }

  private async put(Bucket: string, Key: string, Body: Uint8Array, ChecksumSHA256?: string): Promise<void> {
    const checksum = ChecksumSHA256 === undefined ? {} : { ChecksumSHA256 };
    await this.simulation.call('s3', 'PutObject', { Bucket, Key, Body, ...checksum });
  }

  private async read(environment: Readonly<Record<string, string>>): Promise<ObjectContent> {
    const { Body } = await this.simulation.call('s3', 'GetObject', {
      Bucket: environment['OBJECT_BUCKET'],
      Key: environment['OBJECT_KEY'],
      VersionId: environment['OBJECT_VERSION'],
    });
    return JSON.parse(Buffer.from(Body as Uint8Array).toString('utf8')) as ObjectContent;
  }
}

function environmentOf(request: ScriptRequest): Readonly<Record<string, string>> {
  const entries = Buffer.from(request.parameters['Environment']![0]!, 'base64').toString('utf8').split('\0');
  return Object.fromEntries(
    entries.filter((entry) => entry !== '').map((entry) => entry.split(/=(.*)/s, 2) as [string, string]),
  );
}
