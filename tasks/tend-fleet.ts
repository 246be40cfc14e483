/** Task: looks after a fleet every minute. It says how long the queue is, gives work to instances that have become ready,
 * protects those that work or are to be imaged, and lets the others go; where instances are launched one by one, it
 * moves on whoever waits for one, and terminates those that nobody works with. */
import * as z from 'zod';
import { defineTask } from './define-task';
import { fleetMetricFields, type FleetMetrics } from './metric';
import { advance } from './operations/advance';
import { freeSlots, launchedSlots, slotsOf } from './operations/fleet';
import { readInstances, type RunningInstance } from './operations/fleet-instances';
import { answerHook, setProtection, type GroupFleet } from './operations/fleet-protection';
import type { LaunchFleet } from './operations/launch';
import { endOrphans, findLaunching } from './operations/launch-upkeep';
import type { HeldSlot } from './operations/ledger';
import { fleetPartition } from './operations/operation';
import { operationContext, type OperationContext } from './operations/operation-context';
import { fleet, type Fleet } from './operations/settings';

/** Tends the fleet of its settings. Invoked by a schedule; may run any number of times, at once as well. */
export const tendFleet = defineTask({
  name: 'tend-fleet',
  description: 'Publishes the length of the queue, gives work to new instances, protects those that work.',
  input: z.looseObject({}),
  output: z.object({ waiting: z.number().int(), held: z.number().int(), ready: z.number().int() }),
  settings: z.object({
    ledgerTable: z.string(),
    /** The workflow's document: operations of others are left to them.
     * @default - all operations are the workflow's */
    documentName: z.string().optional(),
    fleet,
    /** The hook that holds instances of the group while they end their work.
     * @default - there is none */
    hookName: z.string().optional(),
  }),
  run: async (_, context) => {
    const { settings, nowMs } = context;
    const surroundings = operationContext(context);
    const partition = fleetPartition(settings.fleet.id);
    const [instances, held, waiting] = await Promise.all([
      settings.fleet.kind === 'launch' ? [] : readInstances(settings.fleet, surroundings),
      surroundings.ledger.readSlots(partition),
      surroundings.ledger.readWaiting(partition),
    ]);
    if (settings.fleet.kind === 'launch') {
      return tendLaunches({ fleet: settings.fleet, held, waiting }, surroundings);
    }
    const taken = held.filter((slot) => slot.leaseExpiresAtMs > nowMs());
    const ready = instances.filter(({ isOnline, verdict }) => isOnline && verdict === 'ready');
    const working = new Set(taken.map((slot) => slot.instanceId));
    const busy = await withThoseToBeImaged(working, instances, surroundings);
    // A fleet that sleeps costs no metric.
    if (waiting.length + held.length + instances.length > 0) {
      const idle = waiting.length > 0 ? [] : ready.filter(({ instanceId }) => !busy.has(instanceId));
      const values = {
        QueuedOperations: waiting.length,
        BacklogPerInstance: waiting.length / Math.max(1, ready.length),
        IdleInstances: idle.length,
      };
      publish(values, settings.fleet, surroundings);
    }
    if (settings.fleet.kind === 'autoScalingGroup') {
      const kept = { fleet: settings.fleet, instances, busy, isQueueEmpty: waiting.length === 0 };
      if (settings.fleet.protectsBusy) await keepProtection(kept, surroundings);
      if (settings.hookName !== undefined) await answerHooks(kept, settings.hookName, surroundings);
    }
    const readyIds = ready.map(({ instanceId }) => instanceId);
    const free = freeSlots(readyIds, taken, slotsOf(settings.fleet));
    // Nothing announces that an agent has come online.
    await advance(waiting.slice(0, free.length > 0 ? 1 : 0), surroundings);
    return { waiting: waiting.length, held: taken.length, ready: ready.length };
  },
});

/** What was read of a fleet whose instances are launched one by one. */
interface Launches {
  readonly fleet: LaunchFleet;
  readonly held: readonly HeldSlot[];
  readonly waiting: readonly string[];
}

async function tendLaunches({ fleet, held, waiting }: Launches, context: OperationContext) {
  const launched = await endOrphans(fleet, context);
  const taken = held.filter((slot) => slot.leaseExpiresAtMs > context.nowMs());
  if (waiting.length + held.length + launched.length > 0) {
    const BacklogPerInstance = waiting.length / Math.max(1, launched.length);
    publish({ QueuedOperations: waiting.length, BacklogPerInstance, IdleInstances: 0 }, fleet, context);
  }
  const free = freeSlots([launchedSlots], taken, slotsOf(fleet));
  const launching = await findLaunching(held, context);
  await advance([...launching, ...waiting.slice(0, free.length > 0 ? 1 : 0)], context);
  return { waiting: waiting.length, held: taken.length, ready: launched.length };
}

function publish(values: FleetMetrics, fleet: Fleet, { log, nowMs }: OperationContext): void {
  log.info('Looked after the fleet', fleetMetricFields(values, { fleetId: fleet.id, nowMs: nowMs() }));
}

/** An instance has work as well as long as an image of what it did is waited for, or soon will be. Asked after the slots are
 * read: who gives up a slot has reserved the instance in the same write. */
async function withThoseToBeImaged(
  working: ReadonlySet<string>,
  instances: readonly RunningInstance[],
  { ledger, nowMs }: OperationContext,
): Promise<ReadonlySet<string>> {
  const resting = idsOf(instances).filter((instanceId) => !working.has(instanceId));
  const areToBeImaged = await Promise.all(resting.map((instanceId) => ledger.isToBeImaged(instanceId, nowMs())));
  return new Set([...working, ...resting.filter((_, index) => areToBeImaged[index])]);
}

interface Kept {
  readonly fleet: GroupFleet;
  readonly instances: readonly RunningInstance[];
  /** Ids of instances that have work, or have yet to be imaged. */
  readonly busy: ReadonlySet<string>;
  readonly isQueueEmpty: boolean;
}

/** Protection stays while anything waits: the next operation would only ask for it again. */
async function keepProtection(
  { fleet, instances, busy, isQueueEmpty }: Kept,
  context: OperationContext,
): Promise<void> {
  const inService = instances.filter(({ verdict }) => verdict === 'ready');
  const unprotected = inService.filter(({ instanceId, isProtected }) => busy.has(instanceId) && !isProtected);
  await setProtection(fleet, idsOf(unprotected), true, context);
  const idle = inService.filter(({ instanceId, isProtected }) => !busy.has(instanceId) && isProtected);
  if (!isQueueEmpty || idle.length === 0) return;
  await setProtection(fleet, idsOf(idle), false, context);
  // Whoever takes a slot protects its instance afterwards. If that came first, this has just undone it.
  const held = new Set((await context.ledger.readSlots(fleetPartition(fleet.id))).map((slot) => slot.instanceId));
  const taken = idle.filter(({ instanceId }) => held.has(instanceId));
  await setProtection(fleet, idsOf(taken), true, context);
}

async function answerHooks(
  { fleet, instances, busy }: Kept,
  hookName: string,
  context: OperationContext,
): Promise<void> {
  for (const { instanceId, isHeldBack } of instances) {
    if (isHeldBack) await answerHook(fleet, { hookName, instanceId, isBusy: busy.has(instanceId) }, context);
  }
}

function idsOf(instances: readonly RunningInstance[]): string[] {
  return instances.map(({ instanceId }) => instanceId);
}
