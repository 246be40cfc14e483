/** The jobs of the simulated AWS Backup: one at a time for each resource, over virtual time, with events in bundles. */
import type { RandomSource } from '../random';
import type { Timer, VirtualClock } from '../virtual-clock';
import type { EventSink } from './aws-event';
import type { ObjectVersion } from './s3';
import type { RecoverableBuckets } from './s3/recovery';

/** How the simulated AWS Backup behaves. Durations are virtual. */
export interface BackupOptions {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly emit: EventSink;
  readonly region: string;
  readonly accountId: string;
  /** Says why a resource cannot be backed up; undefined when it can. @default - every resource can */
  readonly inspect?: (resourceArn: string, roleArn: string) => string | undefined;
  /** What buckets hold and how they get it back. @default - recovery points of buckets are empty, and none is restored */
  readonly buckets?: RecoverableBuckets;
  /** Says why a role cannot restore to a bucket; undefined when it can. @default - every role can */
  readonly inspectRestore?: (
    target: { readonly bucket: string; readonly isNew: boolean },
    roleArn: string,
  ) => string | undefined;
  /** From `CREATED` to `RUNNING`. @default 10,000 */
  readonly startMs?: number;
  /** From `RUNNING` to the end. @default 600,000 */
  readonly durationMs?: number;
  /** Events leave at multiples of this, as AWS Backup sends them every 5 minutes. 0: at once. @default 300,000 */
  readonly eventIntervalMs?: number;
}

export type BackupJobState =
  'CREATED' | 'PENDING' | 'RUNNING' | 'ABORTING' | 'ABORTED' | 'COMPLETED' | 'FAILED' | 'EXPIRED' | 'PARTIAL';

/** A backup or copy job. */
export interface BackupJob {
  readonly kind: 'backup' | 'copy';
  readonly jobId: string;
  readonly vaultName: string;
  readonly resourceArn: string;
  readonly resourceType: string;
  readonly roleArn: string;
  readonly idempotencyToken: string | undefined;
  readonly createdAtMs: number;
  /** End of the start window. */
  readonly startByMs: number;
  /** End of the complete window; undefined without one. */
  readonly completeByMs: number | undefined;
  readonly tags: Readonly<Record<string, string>>;
  /** Copy jobs: what is copied, and to which vault. */
  readonly source: { readonly vaultName: string; readonly recoveryPointArn: string } | undefined;
  state: BackupJobState;
  statusMessage: string | undefined;
  startedAtMs: number | undefined;
  completedAtMs: number | undefined;
  recoveryPointArn: string | undefined;
  /** What it holds: of a bucket, its versions when the job began to run. */
  contents: readonly ObjectVersion[];
}

/** How a job ends, when a test decides. */
export interface BackupAnswer {
  /** @default 'COMPLETED' */
  readonly state?: 'COMPLETED' | 'PARTIAL' | 'FAILED' | 'ABORTED' | 'EXPIRED';
  /** On a job that completed: it did so "with issues". */
  readonly statusMessage?: string;
  /** Virtual. @default - the service's */
  readonly durationMs?: number;
}

export interface RecoveryPoint {
  readonly recoveryPointArn: string;
  readonly vaultName: string;
  readonly resourceArn: string;
  readonly resourceType: string;
  readonly roleArn: string;
  readonly createdAtMs: number;
  readonly completedAtMs: number;
  readonly status: 'COMPLETED' | 'PARTIAL';
  readonly contents: readonly ObjectVersion[];
}

/** What starts a job. */
export type JobRequest = Pick<
  BackupJob,
  'kind' | 'vaultName' | 'resourceArn' | 'resourceType' | 'roleArn' | 'idempotencyToken' | 'tags' | 'source'
> & { readonly startWindowMs: number; readonly completeWindowMs: number | undefined };

/** What a backed up resource weighs here. */
export const simulatedSizeBytes = 36_048;
/** AWS: a job that cannot start is tried again at least every 10 minutes. */
const startRetryMs = 600_000;
const abortMs = 10_000;

/** All jobs and recovery points. */
export class BackupJobs {
  readonly all = new Map<string, BackupJob>();
  readonly recoveryPoints = new Map<string, RecoveryPoint>();
  private readonly answers: ((job: BackupJob) => BackupAnswer | undefined)[] = [];
  private readonly timers = new Map<BackupJob, Timer>();

  constructor(private readonly options: BackupOptions) {}

  /** Lets a function decide how jobs end. The one added last is asked first. */
  answer(answer: (job: BackupJob) => BackupAnswer | undefined): void {
    this.answers.unshift(answer);
  }

  start(request: JobRequest): BackupJob {
    const { clock, random } = this.options;
    const { startWindowMs, completeWindowMs, ...rest } = request;
    const createdAtMs = clock.nowMs();
    const job: BackupJob = {
      ...rest,
      jobId: random.uuid().toUpperCase(),
      createdAtMs,
      startByMs: createdAtMs + startWindowMs,
      completeByMs: completeWindowMs === undefined ? undefined : createdAtMs + completeWindowMs,
      state: 'CREATED',
      statusMessage: undefined,
      startedAtMs: undefined,
      completedAtMs: undefined,
      recoveryPointArn: undefined,
      contents: [],
    };
    this.all.set(job.jobId, job);
    this.announce(job);
    this.schedule(job, this.options.startMs ?? 10_000, () => this.tryToStart(job));
    return job;
  }

  /** Best effort: a job that runs needs a while to stop. */
  stop(job: BackupJob): void {
    const message = 'Backup job was stopped by user.';
    if (job.state === 'CREATED') this.end(job, 'ABORTED', message);
    if (job.state !== 'RUNNING') return;
    this.timers.get(job)?.cancel();
    this.change(job, 'ABORTING');
    this.schedule(job, abortMs, () => this.end(job, 'ABORTED', message));
  }

  private tryToStart(job: BackupJob): void {
    const { clock } = this.options;
    const problem = this.options.inspect?.(job.resourceArn, job.roleArn);
    if (problem !== undefined) return this.end(job, 'FAILED', problem);
    const answer = this.answers.reduce<BackupAnswer | undefined>((found, ask) => found ?? ask(job), undefined) ?? {};
    if (this.isBusy(job.resourceArn) || answer.state === 'EXPIRED') {
      const message =
        answer.statusMessage ?? 'Backup job failed because there was a running job for the same resource.';
      const untilExpiryMs = job.startByMs - clock.nowMs();
      if (untilExpiryMs <= 0) return this.end(job, 'EXPIRED', message);
      return this.schedule(job, Math.min(startRetryMs, untilExpiryMs), () => this.tryToStart(job));
    }
    job.startedAtMs = clock.nowMs();
    job.contents = this.contentsFor(job);
    this.change(job, 'RUNNING');
    const durationMs = answer.durationMs ?? this.options.durationMs ?? 600_000;
    const untilAbortMs = (job.completeByMs ?? Number.POSITIVE_INFINITY) - clock.nowMs();
    if (durationMs > untilAbortMs) {
      this.schedule(job, untilAbortMs, () =>
        this.end(job, 'ABORTED', 'Backup job did not complete within its window.'),
      );
    } else {
      this.schedule(job, durationMs, () => this.end(job, answer.state ?? 'COMPLETED', answer.statusMessage));
    }
  }

  private isBusy(resourceArn: string): boolean {
    return [...this.all.values()].some(
      (job) => job.resourceArn === resourceArn && (job.state === 'RUNNING' || job.state === 'ABORTING'),
    );
  }

  private end(job: BackupJob, state: BackupJobState, statusMessage: string | undefined): void {
    this.timers.get(job)?.cancel();
    this.timers.delete(job);
    const nowMs = this.options.clock.nowMs();
    job.completedAtMs = nowMs;
    job.statusMessage = statusMessage;
    if (state === 'COMPLETED' || state === 'PARTIAL') {
      job.recoveryPointArn = this.recoveryPointArnFor(job);
      this.recoveryPoints.set(job.recoveryPointArn, {
        recoveryPointArn: job.recoveryPointArn,
        vaultName: job.vaultName,
        resourceArn: job.resourceArn,
        resourceType: job.resourceType,
        roleArn: job.roleArn,
        createdAtMs: job.startedAtMs ?? nowMs,
        completedAtMs: nowMs,
        status: state,
        contents: job.contents,
      });
    }
    this.change(job, state);
  }

  /** A copy holds what its source holds. */
  private contentsFor({ source, resourceType, resourceArn }: BackupJob): readonly ObjectVersion[] {
    if (source !== undefined) return this.recoveryPoints.get(source.recoveryPointArn)?.contents ?? [];
    return resourceType === 'S3' ? (this.options.buckets?.capture(resourceArn.split(':').at(-1)!) ?? []) : [];
  }

  private recoveryPointArnFor(job: BackupJob): string {
    const { random, region, accountId } = this.options;
    if (job.resourceType === 'EC2') return `arn:aws:ec2:${region}::image/ami-${random.hex(17)}`;
    if (job.resourceType === 'EBS') return `arn:aws:ec2:${region}::snapshot/snap-${random.hex(17)}`;
    const name =
      job.resourceType === 'S3'
        ? `${job.resourceArn.split(':').at(-1)}-${new Date(job.createdAtMs).toISOString().replace(/\D/g, '').slice(0, 14)}-${random.hex(8)}`
        : random.uuid().toUpperCase();
    return `arn:aws:backup:${region}:${accountId}:recovery-point:${name}`;
  }

  private schedule(job: BackupJob, delayMs: number, action: () => void): void {
    this.timers.set(job, this.options.clock.schedule(delayMs, action));
  }

  private change(job: BackupJob, state: BackupJobState): void {
    job.state = state;
    // Not among the states that AWS shows in its events.
    if (state !== 'ABORTING') this.announce(job);
  }

  /** The event tells the state that the job has now, whenever it is sent. */
  private announce(job: BackupJob): void {
    const event = job.kind === 'backup' ? this.backupEvent(job) : this.copyEvent(job);
    const intervalMs = this.options.eventIntervalMs ?? 300_000;
    const nowMs = this.options.clock.nowMs();
    const delayMs = intervalMs === 0 ? 0 : (Math.floor(nowMs / intervalMs) + 1) * intervalMs - nowMs;
    this.options.clock.schedule(delayMs, () => this.options.emit(event));
  }

  private backupEvent(job: BackupJob) {
    const { region, accountId } = this.options;
    const first = { backupJobId: job.jobId, state: job.state, creationDate: new Date(job.createdAtMs).toISOString() };
    const rest = {
      backupSizeInBytes: String(simulatedSizeBytes),
      bytesTransferred: String(simulatedSizeBytes),
      backupVaultArn: this.vaultArn(job.vaultName),
      backupVaultName: job.vaultName,
      iamRoleArn: job.roleArn,
      resourceArn: job.resourceArn,
      resourceType: job.resourceType,
      startBy: new Date(job.startByMs).toISOString(),
      percentDone: job.state === 'COMPLETED' ? 100 : 0,
      retryCount: 0,
      ...(job.completedAtMs === undefined ? {} : { completionDate: new Date(job.completedAtMs).toISOString() }),
      // AWS's examples have quotation marks inside the text.
      ...(job.statusMessage === undefined ? {} : { statusMessage: JSON.stringify(job.statusMessage) }),
    };
    return {
      source: 'aws.backup',
      detailType: 'Backup Job State Change',
      resources: [job.recoveryPointArn ?? `arn:aws:backup:${region}:${accountId}:backup-job:${job.jobId}`],
      detail: job.state === 'CREATED' ? first : { ...first, ...rest },
    };
  }

  private copyEvent(job: BackupJob) {
    return {
      source: 'aws.backup',
      detailType: 'Copy Job State Change',
      resources: [job.source?.recoveryPointArn ?? ''],
      detail: {
        copyJobId: job.jobId,
        backupSizeInBytes: simulatedSizeBytes,
        creationDate: new Date(job.createdAtMs).toISOString(),
        iamRoleArn: job.roleArn,
        resourceArn: job.resourceArn,
        resourceType: job.resourceType,
        sourceBackupVaultArn: this.vaultArn(job.source?.vaultName ?? ''),
        state: job.state,
        ...(job.completedAtMs === undefined ? {} : { completionDate: new Date(job.completedAtMs).toISOString() }),
        destinationBackupVaultArn: this.vaultArn(job.vaultName),
        destinationRecoveryPointArn: job.recoveryPointArn ?? {},
        createdBy: {},
      },
    };
  }

  vaultArn(vaultName: string): string {
    return `arn:aws:backup:${this.options.region}:${this.options.accountId}:backup-vault:${vaultName}`;
  }
}
