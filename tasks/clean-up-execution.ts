/** Task: releases what an execution that failed, timed out or was aborted still holds, and records why it ended. */
import { z } from 'zod';
import { defineTask } from './define-task';

/** Invoked by EventBridge with a "Step Functions Execution Status Change" event. Safe to run any number of times. */
export const cleanUpExecution = defineTask({
  name: 'clean-up-execution',
  description: 'Cancels the commands, frees the slots and records the failure of an execution that ended badly.',
  input: z.looseObject({
    detail: z.looseObject({
      executionArn: z.string(),
      status: z.enum(['RUNNING', 'SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED', 'PENDING_REDRIVE']),
      redriveCount: z.number().int().nullish(),
      stopDate: z.number().nullish(),
      error: z.string().nullish(),
      cause: z.string().nullish(),
    }),
  }),
  output: z.object({ operationIds: z.array(z.string()), recordsFailed: z.number().int() }),
  settings: z.object({ ledgerTable: z.string() }),
  run: async () => {
    throw new Error('clean-up-execution is not written yet');
  },
});
