/** AWS Backup jobs as shared jobs: one at a time for a resource, each known by its idempotency token. */
import {
  BackupClient,
  DescribeBackupJobCommand,
  ListBackupJobsCommand,
  StartBackupJobCommand,
  type BackupJob,
  type BackupJobState,
  type DescribeBackupJobOutput,
} from '@aws-sdk/client-backup';
import type { BackupOutcome } from '../object-reference';
import type { Job, JobFailure } from './group';
import { stepSharedJob, type JobStatus, type SharedJobs } from './group-commit';
import type { BackupOperation } from './operation';
import type { StepContext, StepResult } from './operation-context';

/** What AWS Backup's states of a job mean. `ABORTING` has not ended; `COMPLETED` may carry a remark. */
export const backupStates: Readonly<
  Record<BackupJobState, 'running' | 'succeeded' | 'failed' | 'expired' | 'aborted' | 'partial'>
> = {
  CREATED: 'running',
  PENDING: 'running',
  RUNNING: 'running',
  ABORTING: 'running',
  COMPLETED: 'succeeded',
  FAILED: 'failed',
  EXPIRED: 'expired',
  ABORTED: 'aborted',
  PARTIAL: 'partial',
};

/** By the clock of AWS Backup our job may have been created this much before we asked for it. */
const clockSkewMs = 1_000;

/** AWS Backup takes no further job now; it will later. */
const laterErrors: ReadonlySet<string> = new Set(['LimitExceededException', 'ServiceUnavailableException']);

/** In a job's message: another job of the same resource was in the way. */
const busyMessage = /running job/i;

/** A remark of AWS Backup says more than that everything went well. */
const cleanMessage = /^\s*(success)?\s*$/i;

/** Moves an operation that waits for a recovery point on by one step. */
export function stepBackup(operation: BackupOperation, context: StepContext): Promise<StepResult> {
  return stepSharedJob(operation, backups, context);
}

const backups: SharedJobs<BackupOperation> = {
  subject: 'backup-job',
  deadlineError: 'Backup.DeadlineExceeded',
  nameJob: (operation, group, beganAfterMs) => `${operation.id}-${group.generation + 1}-${beganAfterMs}`,
  begin: startBackupJob,
  look: lookAtBackupJob,
};

async function startBackupJob(operation: BackupOperation, job: Job, context: StepContext): Promise<JobStatus> {
  const { settings } = operation;
  const client = context.client(BackupClient);
  try {
    const { BackupJobId } = await client.send(
      new StartBackupJobCommand({
        BackupVaultName: settings.vaultName,
        ResourceArn: settings.resourceArn,
        IamRoleArn: settings.roleArn,
        IdempotencyToken: job.name,
        StartWindowMinutes: settings.startWindowMinutes,
        ...(Object.keys(settings.lifecycle).length > 0 && {
          Lifecycle: {
            MoveToColdStorageAfterDays: settings.lifecycle.moveToColdStorageAfterDays,
            DeleteAfterDays: settings.lifecycle.deleteAfterDays,
          },
        }),
      }),
    );
    return BackupJobId === undefined
      ? await findBackupJob(operation, job, client)
      : { kind: 'running', jobId: BackupJobId };
  } catch (error) {
    const { name, message } = error as Error;
    if (laterErrors.has(name)) return { kind: 'unknown', obstacle: `${name}: ${message}` };
    throw error;
  }
}

/** A repeated token is answered "with no action taken"; AWS does not say whether with the job's id. Any job serves that began
 * late enough. One from just before may be ours by another clock, but counts for what its own date says: whoever needs
 * a later one waits for the next. */
async function findBackupJob(operation: BackupOperation, job: Job, client: BackupClient): Promise<JobStatus> {
  const { BackupJobs = [] } = await client.send(
    new ListBackupJobsCommand({
      ByResourceArn: operation.settings.resourceArn,
      ByBackupVaultName: operation.settings.vaultName,
      ByCreatedAfter: new Date(job.beganAfterMs - clockSkewMs),
    }),
  );
  const createdAtMs = ({ CreationDate }: BackupJob): number => CreationDate?.getTime() ?? 0;
  const oldestFirst = [...BackupJobs].sort((a, b) => createdAtMs(a) - createdAtMs(b));
  const found = oldestFirst.find((listed) => createdAtMs(listed) >= job.beganAfterMs) ?? oldestFirst.at(-1);
  if (found?.BackupJobId === undefined) {
    return { kind: 'unknown', obstacle: 'StartBackupJob was accepted before, and its job is not listed yet' };
  }
  const beganAfterMs = Math.min(job.beganAfterMs, createdAtMs(found));
  return { kind: 'running', jobId: found.BackupJobId, beganAfterMs };
}

async function lookAtBackupJob(
  operation: BackupOperation,
  job: Job & { jobId: string },
  context: StepContext,
): Promise<JobStatus> {
  const { jobId } = job;
  const described = await context.client(BackupClient).send(new DescribeBackupJobCommand({ BackupJobId: jobId }));
  const state = described.State;
  switch (state === undefined ? 'running' : (backupStates[state] ?? 'running')) {
    case 'running':
      return { kind: 'running', jobId };
    case 'succeeded':
      return completed(operation, { ...job, jobId }, described, context);
    case 'failed':
      return failed('Backup.Failed', described, jobId, isBusy(described) ? 'busy' : 'later');
    case 'expired':
      return failed('Backup.Expired', described, jobId, isBusy(described) ? 'busy' : 'later');
    case 'aborted':
      return failed('Backup.Aborted', described, jobId, 'never');
    case 'partial':
      return failed('Backup.Partial', described, jobId, 'never');
  }
}

function completed(
  operation: BackupOperation,
  job: Job & { jobId: string },
  described: DescribeBackupJobOutput,
  context: StepContext,
): JobStatus {
  if (described.RecoveryPointArn === undefined) {
    return { kind: 'unknown', obstacle: 'the job is complete, but does not name its recovery point yet' };
  }
  const message = described.StatusMessage ?? '';
  const outcome: BackupOutcome = {
    backupJobId: job.jobId,
    recoveryPointArn: described.RecoveryPointArn,
    resourceArn: operation.settings.resourceArn,
    startedAt: new Date(job.beganAfterMs).toISOString(),
    finishedAt: (described.CompletionDate ?? new Date(context.nowMs())).toISOString(),
    ...(!cleanMessage.test(message) && { warning: message }),
  };
  return { kind: 'succeeded', outcome };
}

function isBusy(described: DescribeBackupJobOutput): boolean {
  return busyMessage.test(described.StatusMessage ?? '');
}

function failed(
  error: string,
  described: DescribeBackupJobOutput,
  jobId: string,
  retry: JobFailure['retry'],
): JobStatus {
  const cause = [
    `The backup job ${jobId} of ${described.ResourceArn ?? 'the results'} ended as ${described.State}`,
    `  message: ${described.StatusMessage || '(none)'}`,
    `  fix: ${retry === 'never' ? 'find out who or what ended it' : 'remove the reason'}, then redrive the execution`,
  ].join('\n');
  return { kind: 'failed', failure: { error, cause, retry } };
}
