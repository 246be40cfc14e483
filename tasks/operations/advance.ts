/** The only way an operation moves on. Anyone may call it, at any time, any number of times, at once: what is due is decided
 * from what is stored and what AWS says now, and every write is conditional on the version that was read. */
import { stepBackup } from './backup-job';
import { stepCommand } from './command';
import { report } from './completion';
import { stepImage } from './image';
import type { Operation } from './operation';
import type { OperationContext, StepContext, StepResult } from './operation-context';

/** More steps than any operation takes at once; beyond them something turns in circles, and its re-check goes on. */
const maximumSteps = 25;

/** More operations than one invocation has the time for: the others' re-checks go on. */
const maximumOperations = 500;

/** The handler must have ended well before Lambda stops it. */
const reserveMs = 10_000;

/** Moves operations on as far as they go now, and then those that can go on because of it.
 * @param operations By their ids, or as they were stored a moment ago: those need not be read. Each write is conditional on that.
 * @throws what the first of the named operations to fail has thrown, after the others had their turn;
 * failures of those poked on the way are only logged, their own re-checks meet them again */
export async function advance(operations: readonly (string | Operation)[], context: OperationContext): Promise<void> {
  const due = new Map<string, Operation | undefined>(
    operations.map((one) => (typeof one === 'string' ? [one, undefined] : [one.id, one])),
  );
  const named = new Set(due.keys());
  const poke = (ids: readonly string[]): void => ids.forEach((id) => due.set(id, due.get(id)));
  const surroundings = { ...context, poke, groups: new Map() };
  const failures: unknown[] = [];
  let count = 0;
  // A map gives its entries in the order of their arrival, those that arrive on the way included.
  for (const [id, known] of due) {
    due.delete(id);
    const isPoked = !named.has(id);
    if (isPoked && (context.remainingTimeMs() < reserveMs || count++ >= maximumOperations)) break;
    try {
      await advanceOne(id, known, surroundings);
    } catch (error) {
      if (!isPoked) failures.push(error);
      else context.log.warn('An operation that was poked could not go on', { operation: id, problem: String(error) });
    }
  }
  if (failures.length > 0) throw failures[0];
}

async function advanceOne(id: string, known: Operation | undefined, context: StepContext): Promise<void> {
  let stored = known;
  for (let count = 0; count < maximumSteps; count++) {
    const operation = stored ?? (await context.ledger.readOperation(id));
    if (operation === undefined) return;
    const result = await step(operation, context);
    if (result === 'waiting') return;
    stored = result === 'moved' ? undefined : result;
  }
  context.log.warn('An operation was written by others all the time; its re-check goes on', { operation: id });
}

async function step(operation: Operation, context: StepContext): Promise<StepResult> {
  if (operation.completion !== undefined) return report(operation, operation.completion, context);
  switch (operation.kind) {
    case 'command':
      return stepCommand(operation, context);
    case 'image':
      return stepImage(operation, context);
    case 'backup-job':
      return stepBackup(operation, context);
  }
}
