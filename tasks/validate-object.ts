/** Task: looks at the object itself and decides whether it is acceptable. */
import { z } from 'zod';
import { defineTask } from './define-task';
import { claim, objectReference } from './object-reference';

/** What an object must be like to be processed. */
export const validationRules = z.object({
  /** An empty object is never acceptable. */
  minimumBytes: z.number().int().min(1).default(1),
  maximumBytes: z.number().int().min(1).optional(),
  /** Lower-case, with the dot: `.csv`. Empty: any. */
  extensions: z.array(z.string().regex(/^\.[^A-Z/]+$/)).default([]),
  /** Media types without parameters: `text/csv`, `image/*`. Empty: any. */
  contentTypes: z.array(z.string().regex(/^[^\s;/]+\/[^\s;/]+$/)).default([]),
});
export type ValidationRules = z.output<typeof validationRules>;

/** Reads what S3 says about the claimed object and its first 4 KB, and describes it for the states that follow.
 * A manual start without a version gets the version that is current now, and claims it. */
export const validateObject = defineTask({
  name: 'validate-object',
  description: 'Checks that the object exists, can be read and is of an accepted name, size and type.',
  input: z.object({ claim }),
  output: objectReference,
  settings: z.object({ ledgerTable: z.string(), rules: validationRules }),
  errors: {
    'Object.Rejected': 'The object is not acceptable; the message holds the reasons as JSON.',
    'Object.AlreadyClaimed': 'Another execution works on this object version, or has finished it.',
    'Object.LeaseLost': 'Another execution has taken the object over.',
  },
  run: async () => {
    throw new Error('validate-object is not written yet');
  },
});
