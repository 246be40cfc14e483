/** Stands for what runs on the instances: processes objects as their content says, and keeps to the rules of
 * constructs/run-operation.sh: one run for each operation id, results first, manifest last. */
import { createHash } from 'node:crypto';
import type { Simulation } from '../../local';
import type { RandomSource } from '../../local/random';
import type { ScriptRequest, ScriptResult } from '../../local/services/ssm-model';

/** How the command takes an object, each with how many of a hundred do.
 * `…-once` is over after the first run; `…-later` begins when the version has been stored. */
const behaviours = {
  stores: 56,
  rejects: 8,
  'fails-once': 8,
  'tries-again-once': 8,
  'damages-once': 6,
  'fails-later': 5,
  'rejects-later': 4,
  'runs-for-ever': 5,
} as const;
export type Behaviour = keyof typeof behaviours;

/** What an object of the workload holds, as JSON. */
export interface ObjectContent {
  readonly id: string;
  readonly behaviour: Behaviour;
  readonly durationMs: number;
}

const minuteMs = 60_000;

/** Draws what an object holds. Most commands take minutes; a few take longer than the lease of a record. */
export function drawContent(id: string, random: RandomSource): ObjectContent {
  let chance = random.integer(100);
  const behaviour = (Object.keys(behaviours) as Behaviour[]).find((name) => (chance -= behaviours[name]) < 0)!;
  return { id, behaviour, durationMs: 2_000 + Math.ceil((160 * minuteMs) ** random.next()) };
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

/** More than any payload takes. */
const longComplaint = 'failed '.repeat(50_000);

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
    const environment = environmentOf(request);
    const versionId = environment['OBJECT_VERSION']!;
    const content = await this.read(environment);
    // Nothing is waited for between this look and the entry below: two at once are told apart, as by the script's directory.
    const known = this.runs.find((run) => run.runId === runId && run.instanceId === request.instanceId);
    if (known !== undefined) return this.adopt(known);
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

  /** The instance refuses a second run: it ends as the first does, or asks for another try if that is cut off, now or later. */
  private adopt(run: CommandRun): ScriptResult {
    if (run.isCutOff) return { exitCode: 75, standardError: 'an earlier run was cut off', durationMs: 6_000 };
    const endsAtMs = run.startedAtMs + (run.result.durationMs ?? 0);
    return {
      ...run.result,
      durationMs: Math.max(1_000, endsAtMs - this.simulation.clock.nowMs() + 1_000),
      get exitCode() {
        return run.isCutOff ? 75 : run.result.exitCode;
      },
    };
  }

  private resultFor({ behaviour, durationMs }: ObjectContent, versionId: string): ScriptResult {
    const isFirst = !this.runs.some((run) => run.versionId === versionId);
    const isStored = (): boolean =>
      this.simulation
        .records()
        .some((record) => record.sk === `version#${versionId}` && record['storedAttempt'] !== undefined);
    switch (behaviour) {
      case 'stores':
      case 'damages-once':
        return { exitCode: 0, durationMs };
      case 'rejects':
        return { exitCode: 65, durationMs, standardError: 'not acceptable' };
      case 'rejects-later':
        return { exitCode: isStored() ? 65 : 0, durationMs };
      case 'fails-once':
        return { exitCode: isFirst ? 1 : 0, durationMs, standardError: isFirst ? longComplaint : '' };
      case 'fails-later':
        return { exitCode: isStored() ? 1 : 0, durationMs };
      case 'tries-again-once':
        return { exitCode: isFirst ? 75 : 0, durationMs };
      case 'runs-for-ever':
        return { exitCode: 'never' };
    }
  }

  /** At the end of the run, if it is not cut off or cancelled before. */
  private storeLater(run: CommandRun, { id, behaviour }: ObjectContent, request: ScriptRequest): void {
    const { clock, services } = this.simulation;
    const location = Buffer.from(request.parameters['ResultsLocation']![0]!, 'base64').toString();
    const [, bucket, prefix] = /^s3:\/\/([^/]+)\/(.*)$/.exec(location)!;
    const isDamaged =
      behaviour === 'damages-once' && !this.runs.some((one) => one !== run && one.versionId === run.versionId);
    clock.schedule((run.result.durationMs ?? 0) - 1, () => {
      const status = services.ssm.commands.all.get(run.commandId)?.status;
      run.isCutOff ||= status !== 'InProgress' && status !== 'Cancelling';
      if (run.isCutOff) return;
      const body = Buffer.from(resultOf(id));
      const sha256 = createHash('sha256').update(body).digest('base64');
      const path = Buffer.from('result.txt').toString('base64');
      run.hasStored = true;
      void clock.track(async () => {
        const stored = isDamaged ? Buffer.from('damaged') : body;
        const checksum = createHash('sha256').update(stored).digest('base64');
        await this.put(bucket!, `${prefix}files/result.txt`, stored, checksum);
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
