/** Task: releases what an execution that failed, timed out or was aborted still holds, and records why it ended. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { defineTask } from './define-task';
import { recordReference } from './object-reference';
import { abandonOperation } from './operations/abandon-operation';
import { advance } from './operations/advance';
import { failRecord, type RecordedFailure } from './operations/object-record';
import { operation } from './operations/operation';
import { operationContext } from './operations/operation-context';

const executionStatus = z.looseObject({
  executionArn: z.string(),
  status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE']),
  redriveCount: z.number().int().nullish(),
  error: z.string().nullish(),
  cause: z.string().nullish(),
});

/** Invoked by EventBridge with a "Step Functions Execution Status Change" event. Safe to run any number of times. */
export const cleanUpExecution = defineTask({
  name: 'clean-up-execution',
  description: 'Cancels the commands, frees the slots and records the failure of an execution that ended badly.',
  input: z.looseObject({ detail: executionStatus }),
  output: z.object({ operationIds: z.array(z.string()), recordsFailed: z.number().int() }),
  settings: z.object({ ledgerTable: z.string() }),
  run: async ({ detail }, context) => {
    const failure = failureOf(detail);
    if (failure === undefined) return { operationIds: [], recordsFailed: 0 };
    const surroundings = operationContext(context);
    const owned = await surroundings.ledger.readOwned(detail.executionArn);
    const operations = owned.flatMap((item) => operation.safeParse(item).data ?? []);
    const freed: string[] = [];
    for (const ended of operations) {
      // An event may be late: what a redrive has begun since is none of its business.
      if (ended.redriveCount > failure.redriveCount) continue;
      freed.push(...(await abandonOperation(ended, `the execution ended as ${detail.status}`, surroundings)));
    }
    let recordsFailed = 0;
    for (const item of owned) {
      const record = recordReference.safeParse(item).data;
      if (record === undefined || !record.pk.startsWith('object#')) continue;
      const access = {
        client: context.client(DynamoDBClient),
        tableName: context.settings.ledgerTable,
        record,
        owner: detail.executionArn,
        nowMs: context.nowMs(),
      };
      if (await failRecord(access, failure)) recordsFailed++;
    }
    await advance([...new Set(freed)], surroundings);
    return { operationIds: operations.map((ended) => ended.id), recordsFailed };
  },
});

/** The failure to be recorded, with the names that Step Functions itself would use where it gives none.
 * @returns undefined for an execution that has not ended badly */
function failureOf(detail: z.output<typeof executionStatus>): RecordedFailure | undefined {
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
