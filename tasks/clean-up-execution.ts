/** Task: cleans up after executions that have ended and left something behind: one, when its end is announced, and once an hour
 * all whose announcement was lost. */
import { DescribeExecutionCommand, SFNClient, type DescribeExecutionOutput } from '@aws-sdk/client-sfn';
import * as z from 'zod';
import { defineTask } from './define-task';
import { metricFields, workflowMetrics } from './metric';
import type { RecordedFailure } from './operations/object-record';
import { operationContext } from './operations/operation-context';
import { releaseExecution, type CleaningContext, type Released } from './operations/release-execution';

const executionStatus = z.looseObject({
  executionArn: z.string(),
  status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE']),
  redriveCount: z.number().int().nullish(),
  error: z.string().nullish(),
  cause: z.string().nullish(),
});
type ExecutionStatus = z.output<typeof executionStatus>;

/** The sweep's own event: it names the state machine whose executions are looked at. */
export const sweepRequest = z.object({ sweep: z.object({ stateMachineName: z.string().min(1) }) });

/** A sweep stops before Lambda would stop it; the next one begins with what has waited longest. */
const reserveMs = 20_000;

/** Invoked by EventBridge: with a "Step Functions Execution Status Change" event, or by a schedule with `{ sweep }`.
 * Safe to run any number of times. */
export const cleanUpExecution = defineTask({
  name: 'clean-up-execution',
  description: 'Cancels the commands, frees the slots and records the failure of executions that ended badly.',
  input: z.union([sweepRequest, z.looseObject({ detail: executionStatus })]),
  output: z.object({ operationIds: z.array(z.string()), recordsFailed: z.number().int() }),
  settings: z.object({
    ledgerTable: z.string(),
    /** The workflow's document: operations of others are left to them.
     * @default - all operations are the workflow's */
    documentName: z.string().optional(),
    /** States whose operation is looked for by name, whatever the index knows by then.
     * @default - the index alone tells */
    operationStates: z.array(z.string()).readonly().optional(),
  }),
  run: async (event, context) => {
    const request = sweepRequest.safeParse(event).data;
    if (request !== undefined) return sweep(request.sweep.stateMachineName, context);
    const { detail } = event as { readonly detail: ExecutionStatus };
    const failure = failureOf(detail);
    if (failure === undefined) return { operationIds: [], recordsFailed: 0 };
    return releaseExecution({ arn: detail.executionArn, failure }, context);
  },
});

/** Releases the executions that have ended although a record or an operation says that they run. What Step Functions says of them is the
 * truth; that the lease has ended only tells where to look: an execution that still runs is left alone.
 * @throws what the first of them to fail has thrown, after the others had their turn */
async function sweep(stateMachineName: string, context: CleaningContext) {
  const owners = await operationContext(context).ledger.readExpiredOwners(stateMachineName, context.nowMs());
  const released: Released[] = [];
  const failures: unknown[] = [];
  for (const arn of owners) {
    if (context.remainingTimeMs() < reserveMs) break;
    try {
      const failure = await findOutHowItEnded(arn, context);
      if (failure !== undefined) released.push(await releaseExecution({ arn, failure }, context));
    } catch (error) {
      failures.push(error);
    }
  }
  const recordsFailed = released.reduce((sum, one) => sum + one.recordsFailed, 0);
  if (recordsFailed > 0) {
    context.log.warn(
      'Executions had ended and nobody had cleaned up after them',
      metricFields(workflowMetrics.stuckObjects, recordsFailed, { stateMachineName, nowMs: context.nowMs() }),
    );
  }
  if (failures.length > 0) throw failures[0];
  return { operationIds: released.flatMap((one) => one.operationIds), recordsFailed };
}

/** @returns undefined when the execution still runs */
async function findOutHowItEnded(executionArn: string, context: CleaningContext): Promise<RecordedFailure | undefined> {
  let described: DescribeExecutionOutput;
  try {
    described = await context.client(SFNClient).send(new DescribeExecutionCommand({ executionArn }));
  } catch (error) {
    if ((error as Error).name !== 'ExecutionDoesNotExist') throw error;
    // Step Functions forgets executions 90 days after their end.
    return {
      error: 'Execution.Forgotten',
      cause: 'Step Functions does not know the execution any more',
      redriveCount: 0,
    };
  }
  if (described.status !== 'SUCCEEDED') return failureOf(executionStatus.parse(described));
  // A state that somebody inserted has ended the execution before "Complete".
  return {
    error: 'Execution.EndedEarly',
    cause: 'The execution succeeded without completing its object\n  fix: let every inserted state lead on to the next',
    redriveCount: described.redriveCount ?? 0,
  };
}

/** The failure to be recorded, with the names that Step Functions itself would use where it gives none.
 * @returns undefined for an execution that has not ended badly */
function failureOf(detail: ExecutionStatus): RecordedFailure | undefined {
  const redriveCount = detail.redriveCount ?? 0;
  const error = detail.error ?? undefined;
  const cause = detail.cause ?? '';
  switch (detail.status) {
    case 'FAILED':
      return { error: error ?? 'States.TaskFailed', cause, redriveCount };
    case 'TIMED_OUT':
      return { error: error ?? 'States.Timeout', cause, redriveCount };
    case 'ABORTED':
      return { error: error ?? 'Execution.Aborted', cause: cause || 'somebody stopped the execution', redriveCount };
    case 'RUNNING':
    case 'SUCCEEDED':
    case 'PENDING_REDRIVE':
      return undefined;
  }
}
