/** The limits of one JSONata evaluation: processor time, memory and, by the host's stack, depth. */
import { createContext, Script } from 'node:vm';

/** AWS stops an expression after one second (Step Functions guide, JSONata limits). */
const processorTimeLimitMs = 1000;
/** Members and characters that one evaluation may make. AWS has a limit too but does not say where; a payload ends at 256 KiB. */
const allocationLimit = 20_000_000;
/** Looking at the clock costs more than a step, so it is looked at once in so many steps. */
const stepsBetweenChecks = 16_384;

/** Thrown when an expression has used up what it may use; the message is what AWS calls it. */
export class LimitExceeded extends Error {}

let stepsLeft = stepsBetweenChecks;
let allocationsLeft = allocationLimit;
/** Set at the first look at the clock: most evaluations end before it. */
let startedAt: { wallMs: number; processorMicroseconds: number } | undefined;

/** Starts the account of a new evaluation. Evaluation is synchronous: there is only ever one. */
export function startAccount(): void {
  stepsLeft = stepsBetweenChecks;
  allocationsLeft = allocationLimit;
  startedAt = undefined;
}

/** Counts one step of evaluation. */
export function countStep(): void {
  if (--stepsLeft > 0) return;
  stepsLeft = stepsBetweenChecks;
  startedAt ??= { wallMs: performance.now(), processorMicroseconds: process.cpuUsage().user };
  if (performance.now() - startedAt.wallMs < processorTimeLimitMs) return;
  // Processor time decides, so that a busy machine does not fail what AWS would let pass.
  if (process.cpuUsage().user - startedAt.processorMicroseconds < processorTimeLimitMs * 1000) return;
  throw timeout();
}

/** Counts members or characters about to be made. */
export function countAllocation(count: number): void {
  allocationsLeft -= count;
  if (allocationsLeft < 0) throw new LimitExceeded('Expression evaluation exceeded the memory limit');
}

export function timeout(): LimitExceeded {
  return new LimitExceeded('Expression evaluation timeout: Check for infinite loop');
}

const guard = { run: (): unknown => undefined };
const guardContext = createContext(guard);
const guardScript = new Script('run()');

/** Runs what cannot count its own steps, a regular expression above all, with the time limit that the JavaScript engine enforces. */
export function runWithHardLimit<Result>(run: () => Result): Result {
  guard.run = run;
  try {
    return guardScript.runInContext(guardContext, { timeout: processorTimeLimitMs }) as Result;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw timeout();
    throw error;
  } finally {
    guard.run = () => undefined;
  }
}

/** Words a failure of the host's own: too deep a recursion is the host's RangeError. */
export function isStackOverflow(error: unknown): boolean {
  return error instanceof RangeError && error.message.includes('call stack');
}
