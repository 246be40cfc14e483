/** What the handler of a long operation does each time its state is entered or re-checked: stores the operation or its newest
 * token, and moves it on. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { ObjectReference } from '../object-reference';
import type { TaskExecution } from '../task-context';
import { commonErrors, TaskError } from '../task-error';
import { abandonOperation } from './abandon-operation';
import { advance } from './advance';
import { endReservation, takePlace, type Write } from './ledger';
import { renewLease } from './object-record';
import { operationId, placeKey, type Operation, type OperationCommon } from './operation';
import { operationContext, type OperationContext, type OperationTaskContext } from './operation-context';

type OwnedBy = TaskExecution & { readonly taskToken: string };

/** An operation to be entered. */
export interface EnteredOperation {
  readonly object: ObjectReference;
  /** Partition of those who wait for the same thing. */
  readonly partition: string;
  readonly deadlineSeconds: number;
  /** Adds what the kind of operation needs to what all have in common. */
  readonly create: (common: OperationCommon) => Operation;
}

/** Stores the operation of this visit of the state, or gives it the visit's newest token, and moves it on.
 * @throws TaskError `Object.LeaseLost` when the record belongs to another execution; before anything was begun */
export async function enterOperation(entered: EnteredOperation, context: OperationTaskContext): Promise<void> {
  const execution = requireToken(context.execution);
  const nowMs = context.nowMs();
  await renewLease(
    {
      client: context.client(DynamoDBClient),
      tableName: context.settings.ledgerTable,
      record: entered.object.record,
      owner: execution.arn,
      nowMs,
    },
    execution.redriveCount,
  );
  const surroundings = operationContext(context);
  await abandonEarlierVisits(execution, surroundings);
  const id = operationId({ executionArn: execution.arn, state: execution.state, redriveCount: execution.redriveCount });
  const create = (): Operation => createOperation(id, entered, execution, nowMs);
  await advance([await storeOperation(id, create, execution, surroundings)], surroundings);
}

/** A redrive begins anew. What the visit before it began is normally cleaned up by then; but that event may be lost. */
async function abandonEarlierVisits(execution: TaskExecution, context: OperationContext): Promise<void> {
  for (let redriveCount = execution.redriveCount - 1; redriveCount >= 0; redriveCount--) {
    const id = operationId({ executionArn: execution.arn, state: execution.state, redriveCount });
    const earlier = await context.ledger.readOperation(id);
    if (earlier === undefined) continue;
    // What cannot be abandoned yet is looked at again with the next re-check.
    await advance((await abandonOperation(earlier, 'the execution was redriven', context)) ?? [], context);
    return;
  }
}

async function storeOperation(
  id: string,
  create: () => Operation,
  { taskToken, retryCount }: OwnedBy,
  context: OperationContext,
): Promise<Operation> {
  // Who comes for the first time finds nothing, and need not look: a write of what is there already is refused.
  let known = retryCount === 0 ? undefined : await context.ledger.readOperation(id);
  for (;;) {
    const entered = withToken(known ?? create(), taskToken, context.nowMs());
    // Its place may have been given up because nobody seemed to wait any more.
    const listing = entered.completion === undefined && isListed(entered) ? [takePlace(entered)] : [];
    const stored = await context.ledger.saveOperation(entered, ...listing, ...replacedBy(entered));
    if (stored !== undefined) return stored;
    known = await context.ledger.readOperation(id);
  }
}

function withToken(operation: Operation, taskToken: string, nowMs: number): Operation {
  const entered = { ...operation, taskToken, taskTokenAtMs: nowMs };
  if (entered.kind !== 'command' || entered.progress.phase !== 'queued') return entered;
  return { ...entered, progress: { phase: 'queued', listed: true } };
}

/** A command leaves the list when it gets its slot; those who share a job stay until it has ended. */
function isListed(operation: Operation): boolean {
  return operation.kind !== 'command' || operation.progress.phase === 'queued';
}

/** Who waits for an image keeps the instance by that: it needs no reservation any more. */
function replacedBy(operation: Operation): Write[] {
  const isNew = operation.version === 0;
  return isNew && operation.kind === 'image' ? [endReservation(operation.instanceId, operation.owner)] : [];
}

function createOperation(id: string, entered: EnteredOperation, execution: OwnedBy, nowMs: number): Operation {
  return entered.create({
    id,
    version: 0,
    owner: execution.arn,
    stateName: execution.state,
    redriveCount: execution.redriveCount,
    object: entered.object,
    taskToken: execution.taskToken,
    taskTokenAtMs: nowMs,
    createdAtMs: nowMs,
    deadlineAtMs: nowMs + entered.deadlineSeconds * 1000,
    try: 1,
    place: placeKey(entered.partition, nowMs, id),
  });
}

function requireToken(execution: TaskExecution | undefined): OwnedBy {
  const taskToken = execution?.taskToken;
  if (execution !== undefined && taskToken !== undefined) return { ...execution, taskToken };
  throw new TaskError(
    commonErrors.invalidInput,
    'A long operation was started without a task token\n  got: no execution.taskToken\n  allowed: a state with the integration lambda:invoke.waitForTaskToken\n  fix: pass $states.context.Task.Token as execution.taskToken, or use TaskState',
  );
}
