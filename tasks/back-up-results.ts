/** Task: asks for a recovery point of the results that began after they were stored. A long operation, shared by executions. */
import * as z from 'zod';
import { defineTask } from './define-task';
import { backupOutcome, objectReference, storedResults } from './object-reference';
import { enterOperation } from './operations/enter-operation';
import { backupsPartition } from './operations/operation';
import { backupSettings } from './operations/settings';

/** Starts or joins a backup job of the results' bucket, or looks at it again. */
export const backUpResults = defineTask({
  name: 'back-up-results',
  description: 'Backs up the results, with a job shared by all executions whose results were stored before it began.',
  awaitsCallback: true,
  input: z.object({ object: objectReference, results: storedResults }),
  output: backupOutcome,
  settings: backupSettings.extend({ ledgerTable: z.string() }),
  errors: {
    'Object.LeaseLost': 'Another execution has taken the object over.',
    'Backup.Failed': 'AWS Backup ended the job as FAILED, as often as it was tried.',
    'Backup.Expired': 'The job could not start within its window, as often as it was tried.',
    'Backup.Aborted': 'Somebody stopped the job.',
    'Backup.Partial': 'The job covered only part of the resource.',
    'Backup.DeadlineExceeded': 'No recovery point that holds the results was complete by the deadline.',
  },
  run: ({ object, results }, context) => {
    const { settings } = context;
    return enterOperation(
      {
        object,
        partition: backupsPartition(settings.vaultName, settings.resourceArn),
        deadlineSeconds: settings.deadlineSeconds,
        create: (common) => ({
          ...common,
          kind: 'backup-job',
          settings,
          needsAfterMs: Date.parse(results.storedAt),
        }),
      },
      context,
    );
  },
});
