/** A task of a user, as a file that CDK bundles. */
import { z } from 'zod';
import { defineTask } from '../../tasks/define-task';

export const greet = defineTask({
  name: 'greet',
  description: 'Greets a bucket.',
  input: z.object({}),
  output: z.object({}),
  settings: z.object({ bucket: z.string(), times: z.number() }),
  run: async () => ({}),
});
export const handler = greet.handler;
