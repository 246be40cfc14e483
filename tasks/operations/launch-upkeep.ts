/** What is looked after from outside while instances are launched one by one: agents that have come online, of which nothing
 * tells, and instances that belong to nobody. */
import { readLaunched, type LaunchedInstance } from './fleet-instances';
import { terminateInstance, type LaunchFleet } from './launch';
import type { HeldSlot } from './ledger';
import { hasSlot, runId } from './operation';
import type { OperationContext } from './operation-context';

/** Terminates the instances that no operation works with: what a crash, an abort or a lost answer left behind.
 * @returns those that have an operation */
export async function endOrphans(fleet: LaunchFleet, context: OperationContext): Promise<LaunchedInstance[]> {
  const kept: LaunchedInstance[] = [];
  for (const launched of await readLaunched(fleet, context)) {
    if (await isOwned(launched, context)) {
      kept.push(launched);
      continue;
    }
    context.log.warn('Terminates an instance that no operation works with', { ...launched });
    await terminateInstance(launched.instanceId, context);
  }
  return kept;
}

/** Finds the operations that wait for their instance, or that nobody has moved on until their lease ended. */
export async function findLaunching(held: readonly HeldSlot[], context: OperationContext): Promise<string[]> {
  const operations = await Promise.all(held.map(({ operationId }) => context.ledger.readOperation(operationId)));
  const nowMs = context.nowMs();
  return held
    .filter(({ leaseExpiresAtMs }, index) => {
      const operation = operations[index];
      const isLaunching = operation?.kind === 'command' && operation.progress.phase === 'launching';
      return isLaunching || leaseExpiresAtMs <= nowMs;
    })
    .map(({ operationId }) => operationId);
}

/** The instance was seen before the operation is read: so an operation that has none, and does not launch one, has given this up. */
async function isOwned(launched: LaunchedInstance, context: OperationContext): Promise<boolean> {
  const operation = await context.ledger.readOperation(launched.runId.replace(/-\d+$/, ''));
  if (operation?.kind !== 'command' || operation.completion !== undefined || !hasSlot(operation)) return false;
  const { progress } = operation;
  if (runId(operation) !== launched.runId) return false;
  // Somebody launches, and may not have written down yet what EC2 answered.
  if (progress.instanceId === undefined) return progress.phase === 'launching';
  return progress.instanceId === launched.instanceId;
}
