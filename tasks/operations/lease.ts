/** For how long an operation holds its slot, and how long it may go on at all. */
import type { HeldSlot } from './ledger';
import type { CommandOperation, Slot } from './operation';
import type { OperationContext } from './operation-context';

/** A slot is leased for as long as SSM may take to deliver and end the command, and this long beyond. */
const leaseMarginMs = 15 * 60_000;

/** Whoever waits for EC2 to have room looks again after half an hour at the latest, and must still hold its slot then. */
const launchMarginMs = 45 * 60_000;

/** The slot with a lease from now on. */
export function leaseFor(operation: CommandOperation, slot: Slot, nowMs: number): HeldSlot {
  const { fleet, deliveryTimeoutSeconds, executionTimeoutSeconds } = operation.settings;
  const launchMs = fleet.kind === 'launch' ? fleet.startTimeoutSeconds * 1000 + launchMarginMs : 0;
  const workMs = (deliveryTimeoutSeconds + executionTimeoutSeconds) * 1000;
  return { ...slot, operationId: operation.id, leaseExpiresAtMs: nowMs + launchMs + workMs + leaseMarginMs };
}

/** Whether an operation is past its deadline. */
export function isLate(operation: CommandOperation, context: Pick<OperationContext, 'nowMs'>): boolean {
  return context.nowMs() >= operation.deadlineAtMs;
}
