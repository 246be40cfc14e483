/** The slots of a fleet: which are free, and who gets the next one. */
import { readInstances } from './fleet-instances';
import type { HeldSlot } from './ledger';
import { fleetPartition, type Slot } from './operation';
import type { StepContext } from './operation-context';
import type { Fleet } from './settings';

/** Stands for the instance in the slots of a fleet whose instances are launched one by one: they are known only later. */
export const launchedSlots = 'launched';

/** A fleet as it is at this moment. */
export interface FleetStatus {
  /** Slots that nobody holds on instances that are ready for work; the first are on the instances with the least work. */
  readonly free: readonly Slot[];
  /** Slots whose holders' leases have ended. */
  readonly lapsed: readonly HeldSlot[];
  /** Instances that run, stay, and whose agent is online. */
  readonly readyInstanceCount: number;
}

/** Finds out which slots of a fleet are free. */
export async function readFleet(fleet: Fleet, context: StepContext): Promise<FleetStatus> {
  const [ready, held] = await Promise.all([
    readReady(fleet, context),
    context.ledger.readSlots(fleetPartition(fleet.id)),
  ]);
  const nowMs = context.nowMs();
  const taken = held.filter((slot) => slot.leaseExpiresAtMs > nowMs);
  return {
    free: freeSlots(ready, taken, slotsOf(fleet)),
    lapsed: held.filter((slot) => slot.leaseExpiresAtMs <= nowMs),
    readyInstanceCount: ready.length,
  };
}

/** How many slots each of a fleet's instances has; for instances that are launched one by one, how many there may be. */
export function slotsOf(fleet: Fleet): number {
  return fleet.kind === 'launch' ? fleet.maximumInstances : fleet.slotsPerInstance;
}

async function readReady(fleet: Fleet, context: StepContext): Promise<string[]> {
  if (fleet.kind === 'launch') return [launchedSlots];
  const instances = await readInstances(fleet, context);
  return instances
    .filter((instance) => instance.isOnline && instance.verdict === 'ready')
    .map((instance) => instance.instanceId);
}

/** Lists the slots that nobody holds, those on the instances with the least work first. */
export function freeSlots(instanceIds: readonly string[], taken: readonly Slot[], slotsPerInstance: number): Slot[] {
  const free = instanceIds.flatMap((instanceId) => {
    const takenNumbers = new Set(taken.filter((slot) => slot.instanceId === instanceId).map((slot) => slot.number));
    const numbers = Array.from({ length: slotsPerInstance }, (_, index) => index + 1);
    return numbers
      .filter((number) => !takenNumbers.has(number))
      .map((number, index) => ({ slot: { instanceId, number }, load: takenNumbers.size + index }));
  });
  return free.sort((a, b) => a.load - b.load).map(({ slot }) => slot);
}

/** Has the first of those who wait for a slot moved on. */
export async function wakeNext(fleetId: string, context: StepContext): Promise<void> {
  context.poke(await context.ledger.readWaiting(fleetPartition(fleetId), 1));
}
