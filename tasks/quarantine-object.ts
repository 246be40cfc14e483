/** Task: puts a copy of an object that was not acceptable into quarantine and records why. */
import { z } from 'zod';
import { defineTask } from './define-task';
import { claim, objectReference, rejection } from './object-reference';

/** Copies the rejected version to the quarantine bucket, tags the copy with the reasons' codes and records the rejection. */
export const quarantineObject = defineTask({
  name: 'quarantine-object',
  description: 'Copies a rejected object to quarantine, with the reasons, and records the rejection.',
  input: z.object({
    claim,
    /** Known once the object has been validated. */
    object: objectReference.optional(),
    /** Error name of the state that rejected the object. */
    error: z.string(),
    /** Cause of that error: holds the reasons. */
    cause: z.string(),
  }),
  output: rejection,
  settings: z.object({
    ledgerTable: z.string(),
    quarantineBucket: z.string(),
    /** Empty, or ends with `/`. */
    quarantinePrefix: z.string().regex(/^$|\/$/),
    /** True: the rejected version is deleted from its bucket once it is in quarantine. */
    removeOriginal: z.boolean().default(false),
  }),
  errors: { 'Object.LeaseLost': 'Another execution has taken the object over.' },
  run: async () => {
    throw new Error('quarantine-object is not written yet');
  },
});
