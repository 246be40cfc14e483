/** Task: asks for an image of the instance that began after the results were stored. A long operation, shared by executions. */
import * as z from 'zod';
import { defineTask } from './define-task';
import { commandOutcome, imageOutcome, objectReference, storedResults } from './object-reference';
import { enterOperation } from './operations/enter-operation';
import { imagesPartition } from './operations/operation';
import { imageSettings } from './operations/settings';

/** Starts or joins the imaging of the instance, or looks at it again. */
export const snapshotInstance = defineTask({
  name: 'snapshot-instance',
  description: 'Takes an image of the instance, shared by all executions whose results were stored before it began.',
  awaitsCallback: true,
  input: z.object({ object: objectReference, outcome: commandOutcome, results: storedResults }),
  output: imageOutcome,
  settings: imageSettings.extend({ ledgerTable: z.string() }),
  errors: {
    'Object.LeaseLost': 'Another execution has taken the object over.',
    'Image.Failed': 'EC2 could not make the image, as often as it was tried.',
    'Image.DeadlineExceeded': 'No image that holds the results was available by the deadline.',
    'Instance.Lost': 'The instance is gone, so it can not be imaged any more.',
  },
  run: ({ object, outcome: { instanceId }, results }, context) => {
    const { settings } = context;
    return enterOperation(
      {
        object,
        partition: imagesPartition(instanceId),
        deadlineSeconds: settings.deadlineSeconds,
        create: (common) => ({
          ...common,
          kind: 'image',
          settings,
          instanceId,
          needsAfterMs: Date.parse(results.storedAt),
        }),
      },
      context,
    );
  },
});
