/** Task: turns events of SSM, EC2 and AWS Backup into pokes. An event says only where to look, never what is true. */
import { z } from 'zod';
import { defineTask } from './define-task';

/** Advances the operations that an event is about. Invoked by EventBridge with the event itself. */
export const relayEvent = defineTask({
  name: 'relay-event',
  description: 'Advances the operations that wait for what an SSM, EC2 or AWS Backup event is about.',
  input: z.looseObject({
    source: z.string(),
    'detail-type': z.string(),
    detail: z.record(z.string(), z.unknown()),
  }),
  output: z.object({ operationIds: z.array(z.string()) }),
  settings: z.object({
    ledgerTable: z.string(),
    /** Fleets whose instances' state changes matter. */
    fleetIds: z.array(z.string()),
  }),
  run: async () => {
    throw new Error('relay-event is not written yet');
  },
});
