/** Task: turns events of SSM, EC2 and AWS Backup into pokes. An event says only where to look, never what is true. */
import * as z from 'zod';
import { defineTask } from './define-task';
import { advance } from './operations/advance';
import type { Ledger } from './operations/ledger';
import { fleetPartition } from './operations/operation';
import { operationContext } from './operations/operation-context';

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
    /** The workflow's document: operations of others are left to them.
     * @default - all operations are the workflow's */
    documentName: z.string().optional(),
    /** Fleets whose instances' state changes matter. */
    fleetIds: z.array(z.string()),
  }),
  run: async (event, context) => {
    const surroundings = operationContext(context);
    const operationIds = await findOperations(event.detail, context.settings.fleetIds, surroundings.ledger);
    await advance(operationIds, surroundings);
    return { operationIds };
  },
});

/** Services spell the names in their events each in their own way. */
async function findOperations(
  detail: Readonly<Record<string, unknown>>,
  fleetIds: readonly string[],
  ledger: Ledger,
): Promise<string[]> {
  const [commandId, instanceId, imageId, backupJobId] = [
    detail['command-id'],
    detail['instance-id'],
    detail['ImageId'],
    detail['backupJobId'],
  ];
  if (typeof commandId === 'string') return findByPointer(`command#${commandId}`, ledger);
  if (typeof imageId === 'string') return findByPointer(`image#${imageId}`, ledger);
  if (typeof backupJobId === 'string') return findByPointer(`backup-job#${backupJobId}`, ledger);
  if (typeof instanceId === 'string') return findByInstance(instanceId, fleetIds, ledger);
  return [];
}

/** One of those who share a job is enough: it looks at the job and pokes the others. */
async function findByPointer(subject: string, ledger: Ledger): Promise<string[]> {
  const pointer = await ledger.readPointer(subject);
  if (pointer?.operationId !== undefined) return [pointer.operationId];
  return pointer?.partition === undefined ? [] : ledger.readWaiting(pointer.partition, 1);
}

/** Those who have work on the instance or have launched it, and the first who waits for one. */
async function findByInstance(instanceId: string, fleetIds: readonly string[], ledger: Ledger): Promise<string[]> {
  const launchedFor = await findByPointer(`instance#${instanceId}`, ledger);
  const found = await Promise.all(
    fleetIds.map(async (fleetId) => {
      const partition = fleetPartition(fleetId);
      const [held, waiting] = await Promise.all([
        ledger.readSlots(partition, instanceId),
        ledger.readWaiting(partition, 1),
      ]);
      return [...held.map((slot) => slot.operationId), ...waiting];
    }),
  );
  return [...new Set([...launchedFor, ...found.flat()])];
}
