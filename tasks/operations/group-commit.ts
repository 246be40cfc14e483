/** Images and backups as group commits: a job that began after an operation's results were stored serves that operation,
 * whoever asked for it. So a thousand executions make as many jobs as fit one after another, not a thousand. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { fail, freshTokenMs, succeed } from './completion';
import type { Group, Job, JobFailure } from './group';
import { leavePlace, putPointer } from './ledger';
import { isWorkedOn } from './object-record';
import type { Operation, SharedJobOperation } from './operation';
import type { StepContext, StepResult } from './operation-context';

/** What beginning a job, or looking at it, may come to. */
export type JobStatus =
  | {
      readonly kind: 'running';
      readonly jobId: string;
      /** Of a job that was found, and began earlier than asked. @default - as asked */
      readonly beganAfterMs?: number;
    }
  /** AWS cannot take the job now, or does not show it yet. */
  | { readonly kind: 'unknown'; readonly obstacle: string }
  | { readonly kind: 'succeeded'; readonly outcome: Record<string, unknown> }
  | { readonly kind: 'failed'; readonly failure: JobFailure };

/** A kind of job that operations share: images of an instance, or backups of a resource. */
export interface SharedJobs<Shared extends SharedJobOperation> {
  /** What a pointer to such a job is called. */
  readonly subject: 'image' | 'backup-job';
  readonly deadlineError: string;
  /** Names the job that would begin now, so that its name is the same whenever that is asked again. */
  readonly nameJob: (operation: Shared, group: Group, beganAfterMs: number) => string;
  /** Begins the job, or finds it if it was begun under this name before. */
  readonly begin: (operation: Shared, job: Job, context: StepContext) => Promise<JobStatus>;
  /** Looks how the job stands. */
  readonly look: (operation: Shared, job: Job & { jobId: string }, context: StepContext) => Promise<JobStatus>;
  /** What is to be done once for a job that succeeded. May be repeated.
   * @default - nothing */
  readonly afterSuccess?: (operation: Shared, outcome: Record<string, unknown>, context: StepContext) => Promise<void>;
}

/** Moves an operation that shares jobs on by one step, and the job with it. */
export async function stepSharedJob<Shared extends SharedJobOperation>(
  operation: Shared,
  jobs: SharedJobs<Shared>,
  context: StepContext,
): Promise<StepResult> {
  const seen = context.groups.get(operation.place.pk);
  const group = seen ?? (await context.ledger.readGroup(operation.place.pk));
  const { job, latest } = group;
  if (latest !== undefined && latest.beganAfterMs > operation.needsAfterMs) {
    return succeed(operation, latest.outcome, context);
  }
  if (job?.failure !== undefined && concerns(job, operation)) {
    return askForLaterJob(operation, job, job.failure, context);
  }
  if (job !== undefined && job.failure === undefined && seen === undefined) {
    if (await followJob(operation, group, job, jobs, context)) return operation;
  }
  if (context.nowMs() >= operation.deadlineAtMs) return missDeadline(operation, group, jobs, context);
  if (job !== undefined && job.failure === undefined) return 'waiting';
  if (context.nowMs() < nextJobDueAtMs(operation, group)) return 'waiting';
  if (!(await isUnderWay(operation, context))) return stepAside(operation, context);
  return beginJob(operation, group, jobs, context);
}

/** Whether the operation's execution still works on its object: asked of the ledger, which every function may read. Whoever has
 * just brought a token has made sure of it. */
async function isUnderWay({ owner, object, taskTokenAtMs }: Operation, context: StepContext): Promise<boolean> {
  const nowMs = context.nowMs();
  if (nowMs - taskTokenAtMs < freshTokenMs) return true;
  const { tableName } = context.ledger;
  return isWorkedOn({ client: context.client(DynamoDBClient), tableName, record: object.record, owner, nowMs });
}

/** The execution has ended, and the cleaner has not found the operation: no job begins for it, and the next in the list comes
 * first. Should it go on after all, because a redrive came before the cleaner, its next re-check puts it back. */
async function stepAside(operation: SharedJobOperation, context: StepContext): Promise<StepResult> {
  if ((await context.ledger.saveOperation(operation, leavePlace(operation.place))) === undefined) return 'moved';
  context.poke(await context.ledger.readWaiting(operation.place.pk, 1));
  return 'waiting';
}

/** A job that had begun before the operation was there is none of its own: a redriven execution asks for results of old. */
function concerns({ beganAfterMs }: Job, { needsAfterMs, createdAtMs }: SharedJobOperation): boolean {
  return beganAfterMs > needsAfterMs && beganAfterMs >= createdAtMs;
}

function nextJobDueAtMs({ settings: { policy } }: SharedJobOperation, group: Group): number {
  if (policy.kind === 'everyRun' || group.latest === undefined) return 0;
  const { beganAfterMs, begunAtMs = beganAfterMs } = group.latest;
  return begunAtMs + policy.seconds * 1000;
}

async function beginJob<Shared extends SharedJobOperation>(
  operation: Shared,
  group: Group,
  jobs: SharedJobs<Shared>,
  context: StepContext,
): Promise<StepResult> {
  // The results were stored before this line runs, even when the clock still shows the same millisecond, or an earlier one.
  const beganAfterMs = Math.max(context.nowMs(), operation.needsAfterMs + 1);
  const job: Job = { name: jobs.nameJob(operation, group, beganAfterMs), beganAfterMs };
  context.groups.delete(group.partition);
  const begun = await context.ledger.saveGroup({ ...group, generation: group.generation + 1, job });
  if (begun !== undefined) await followJob(operation, begun, job, jobs, context);
  return operation;
}

/** Begins the job if it is not known to have begun, else looks at it, and writes down what has changed.
 * @returns false when there is nothing new */
async function followJob<Shared extends SharedJobOperation>(
  operation: Shared,
  group: Group,
  job: Job,
  jobs: SharedJobs<Shared>,
  context: StepContext,
): Promise<boolean> {
  const { jobId } = job;
  const status =
    jobId === undefined
      ? await jobs.begin(operation, job, context)
      : await jobs.look(operation, { ...job, jobId }, context);
  switch (status.kind) {
    case 'running': {
      if (jobId !== undefined) {
        context.groups.set(group.partition, group);
        return false;
      }
      const { beganAfterMs = job.beganAfterMs } = status;
      const pointer = putPointer(
        `${jobs.subject}#${status.jobId}`,
        { partition: group.partition },
        operation.deadlineAtMs,
      );
      const begun = { ...job, jobId: status.jobId, beganAfterMs, begunAtMs: context.nowMs() };
      await context.ledger.saveGroup({ ...group, job: begun }, pointer);
      return true;
    }
    case 'unknown':
      context.groups.set(group.partition, group);
      context.log.info('A job cannot be begun or seen now', { job: job.name, obstacle: status.obstacle });
      return false;
    case 'succeeded': {
      await jobs.afterSuccess?.(operation, status.outcome, context);
      const { beganAfterMs, begunAtMs } = job;
      const latest = { beganAfterMs, begunAtMs, outcome: status.outcome };
      await saveEnd({ ...group, job: undefined, latest }, context);
      break;
    }
    case 'failed':
      context.log.warn('A shared job failed', { job: job.name, ...status.failure });
      await saveEnd({ ...group, job: { ...job, failure: status.failure } }, context);
      break;
  }
  const waiting = await context.ledger.readWaiting(group.partition);
  context.poke(waiting.filter((id) => id !== operation.id));
  return true;
}

async function saveEnd(group: Group, context: StepContext): Promise<void> {
  const stored = await context.ledger.saveGroup(group);
  if (stored !== undefined) context.groups.set(group.partition, stored);
}

/** A job that would have served the operation failed: the next one may, as often as is allowed. */
async function askForLaterJob(
  operation: SharedJobOperation,
  job: Job,
  failure: JobFailure,
  context: StepContext,
): Promise<StepResult> {
  const isLastTry = failure.retry === 'later' && operation.try >= operation.settings.maximumTries;
  if (failure.retry === 'never' || isLastTry) {
    return fail(operation, failure.error, `${failure.cause}\n  tried: ${operation.try} times`, context);
  }
  const asking = {
    ...operation,
    try: failure.retry === 'busy' ? operation.try : operation.try + 1,
    needsAfterMs: job.beganAfterMs,
    lastObstacle: failure.cause,
  };
  return (await context.ledger.saveOperation(asking)) ?? 'moved';
}

function missDeadline<Shared extends SharedJobOperation>(
  operation: Shared,
  group: Group,
  jobs: SharedJobs<Shared>,
  context: StepContext,
): Promise<StepResult> {
  const { job } = group;
  const state =
    job === undefined || job.failure !== undefined
      ? 'no job was due'
      : `${jobs.subject} ${job.jobId ?? job.name} had not ended`;
  const cause = [
    `No ${jobs.subject} that began after the results were stored was complete within ${operation.settings.deadlineSeconds} seconds: ${state}`,
    ...(operation.lastObstacle === undefined ? [] : [`  earlier job: ${operation.lastObstacle}`]),
    '  fix: allow more time, or let jobs begin more often, then redrive the execution',
  ].join('\n');
  return fail(operation, jobs.deadlineError, cause, context);
}
