/** Releases what an execution that has ended still holds: its operations end, and its records say why. Owns nothing itself. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { recordReference } from '../object-reference';
import { commonErrors, TaskError } from '../task-error';
import { abandonOperation } from './abandon-operation';
import { advance } from './advance';
import { failRecord, type RecordedFailure } from './object-record';
import { operation, operationId, type Operation } from './operation';
import { operationContext, type OperationContext, type OperationTaskContext } from './operation-context';

/** An execution that has ended, and what its records are to say of it. */
export interface EndedExecution {
  readonly arn: string;
  readonly failure: RecordedFailure;
}

/** The context of a task that cleans up. */
export type CleaningContext = Omit<OperationTaskContext, 'settings'> & {
  readonly settings: OperationTaskContext['settings'] & { readonly operationStates?: readonly string[] | undefined };
};

/** What was released. */
export interface Released {
  readonly operationIds: string[];
  /** Records that were still RUNNING. */
  readonly recordsFailed: number;
}

/** Ends the operations of an execution, fails its records and moves on whoever waited for what it held.
 * May be repeated, and may come late: what a later redrive has begun is left alone.
 * @throws TaskError `Task.Transient` after everything else is done, if a command may have been sent that is not listed yet */
export async function releaseExecution({ arn, failure }: EndedExecution, context: CleaningContext): Promise<Released> {
  const surroundings = operationContext(context);
  const owned = await surroundings.ledger.readOwned(arn);
  const operations = [
    ...owned.flatMap((item) => readOperation(item, surroundings) ?? []),
    ...(await findUnlisted({ arn, failure }, owned, context)),
  ];
  const freed: string[] = [];
  let unknown: Operation | undefined;
  for (const held of operations) {
    if (held.redriveCount > failure.redriveCount) continue;
    const moved = await abandonOperation(held, `the execution has ended: ${failure.error}`, surroundings);
    if (moved === undefined) unknown = held;
    else freed.push(...moved);
  }
  let recordsFailed = 0;
  for (const item of owned) {
    const record = recordReference.safeParse(item).data;
    if (record === undefined || !record.pk.startsWith('object#')) continue;
    const access = {
      client: context.client(DynamoDBClient),
      tableName: context.settings.ledgerTable,
      record,
      owner: arn,
      nowMs: context.nowMs(),
    };
    if (await failRecord(access, failure)) recordsFailed++;
  }
  await advance([...new Set(freed)], surroundings);
  if (unknown !== undefined) {
    throw new TaskError(
      commonErrors.transient,
      `Whether the command of operation ${unknown.id} was sent cannot be known yet\n  fix: none is needed, the next try looks again`,
    );
  }
  return { operationIds: operations.map((held) => held.id), recordsFailed };
}

/** What has begun a moment before the end is not in the index yet, and nobody would come back for it. */
async function findUnlisted(
  { arn, failure: { redriveCount } }: EndedExecution,
  listed: readonly Record<string, unknown>[],
  context: CleaningContext,
): Promise<Operation[]> {
  const { ledger } = operationContext(context);
  const ids = (context.settings.operationStates ?? [])
    .map((state) => operationId({ executionArn: arn, state, redriveCount }))
    .filter((id) => !listed.some((item) => item['id'] === id));
  const found = await Promise.all(ids.map((id) => ledger.readOperation(id)));
  return found.flatMap((one) => one ?? []);
}

/** One that cannot be read must not keep the others: what it holds is free when its lease has ended. */
function readOperation(item: Record<string, unknown>, { log }: OperationContext): Operation | undefined {
  if (!String(item['pk']).startsWith('operation#')) return undefined;
  const { data, error } = operation.safeParse(item);
  if (error !== undefined)
    log.error('An operation cannot be read', { item: item['pk'], problem: z.prettifyError(error) });
  return data;
}
