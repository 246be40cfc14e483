/** Ends an operation that nobody waits for any more: its command is cancelled, its slot freed, its place given up. */
import { abandonCommand, endWithFailure } from './command-end';
import { longestTokenMs } from './completion';
import { leavePlace, type Write } from './ledger';
import { fleetPartition, type CommandOperation, type Operation } from './operation';
import type { OperationContext, StepContext, StepResult } from './operation-context';

/** Error name that an abandoned operation ends with. */
export const abandonedError = 'Operation.Abandoned';

/** Ends an operation, unless it has ended. Jobs that others share go on.
 * @returns the operations that can go on because of it; undefined while nobody can know whether its command was sent: it is left
 * to be abandoned a minute later, or by the sweep */
export async function abandonOperation(
  abandoned: Operation,
  reason: string,
  context: OperationContext,
): Promise<string[] | undefined> {
  if (abandoned.completion !== undefined) return [];
  let operation: Operation | undefined = abandoned;
  while (operation !== undefined && operation.completion === undefined) {
    const writes: Write[] | undefined = operation.kind === 'command' ? await abandonCommand(operation, context) : [];
    if (writes === undefined && (await leaveToSweep(operation, context))) return undefined;
    if (writes !== undefined && (await endAbandoned(operation, reason, writes, context))) break;
    operation = await context.ledger.readOperation(abandoned.id);
  }
  if (abandoned.kind !== 'command') return [];
  return context.ledger.readWaiting(fleetPartition(abandoned.settings.fleet.id), 1);
}

/** @returns false when another writer was faster */
async function endAbandoned(
  operation: Operation,
  reason: string,
  writes: readonly Write[],
  context: OperationContext,
): Promise<boolean> {
  const completion = { kind: 'failure', atMs: context.nowMs(), error: abandonedError, cause: reason } as const;
  const ended = { ...operation, completion };
  return (await context.ledger.saveOperation(ended, leavePlace(operation.place), ...writes)) !== undefined;
}

/** Whoever tries to abandon it may be stopped by anything each time that it comes back.
 * @returns false when another writer was faster */
async function leaveToSweep(operation: Operation, context: OperationContext): Promise<boolean> {
  if (operation.abandonedAtMs !== undefined) return true;
  return (await context.ledger.saveOperation({ ...operation, abandonedAtMs: context.nowMs() })) !== undefined;
}

/** Nobody waits for what was about to be sent: the execution may have ended, and its cleaner not have known of the operation yet.
 * Between two tokens nobody seems to wait either; then whoever brings the next one goes on. */
export async function stopUnawaited(operation: CommandOperation, context: StepContext): Promise<StepResult> {
  if (context.nowMs() - operation.taskTokenAtMs <= longestTokenMs) return 'waiting';
  return endWithFailure(operation, abandonedError, 'nobody waited for it any more before it was sent', context);
}
