/** Law 7: what an execution may cost, by its own history: eight transitions, and those re-checks and retries that are accounted for. */
import type { Simulation } from '../../local';
import type { HistoryEvent } from '../../local/states-language/engine';
import type { SimulatedExecution } from '../../local/simulated-execution';
import { callers } from './aim';
import type { Variant } from './assembly';
import { wasHit } from './excuses';

const maximumHistoryEvents = 25_000;
const maximumPayloadBytes = 256 * 1024;

/** States of an object that is stored without anything in its way: who launches instances makes no images, and a user may have
 * added a state. */
const storedStateCounts: Readonly<Record<Variant, number>> = { group: 8, scaled: 9, copies: 8, launches: 6 };

/** First re-check of each long operation; they double up to the longest. */
const firstReCheckSeconds: Readonly<Record<string, number>> = {
  'Process on EC2': 60,
  'Snapshot instance': 600,
  'Back up results': 1200,
};
const longestReCheckSeconds = 30 * 60;

/** What one visit of a state took. */
interface Visit {
  /** Empty where a redrive goes on. */
  readonly state: string;
  readonly enteredAtMs: number;
  endedAtMs: number;
  scheduledCount: number;
  reCheckCount: number;
  /** How often Lambda had no room for the state's function. */
  throttledCount: number;
}

/** Checks histories, payloads and transitions of all executions. */
export function checkBudgets(simulation: Simulation, variant: Variant): string[] {
  return simulation.executions.flatMap((execution) =>
    [
      ...checkSizes(execution),
      // What a redrive goes on with is not entered again: its history does not name it.
      ...visitsOf(execution.history).flatMap((visit) => (visit.state === '' ? [] : checkVisit(visit, simulation))),
      ...checkStates(execution, variant, simulation),
    ].map((problem) => `law 7: execution ${execution.name} ${problem}`),
  );
}

function checkSizes({ history }: SimulatedExecution): string[] {
  const biggest = Math.max(0, ...history.map(payloadLength));
  return [
    ...(history.length < maximumHistoryEvents ? [] : [`has ${history.length} events`]),
    ...(biggest <= maximumPayloadBytes ? [] : [`has an event of ${biggest} characters`]),
  ];
}

/** Length of the longest text in an event: inputs, outputs, parameters and causes are written as texts. */
function payloadLength(event: HistoryEvent): number {
  let longest = 0;
  for (const details of Object.values(event)) {
    if (typeof details !== 'object' || details === null) continue;
    for (const value of Object.values(details))
      if (typeof value === 'string') longest = Math.max(longest, value.length);
  }
  return longest;
}

function checkStates(execution: SimulatedExecution, variant: Variant, simulation: Simulation): string[] {
  const { redriveCount, output, enteredStates } = execution;
  const isStored = (output as { outcome?: string } | undefined)?.outcome === 'STORED';
  // Without an answer it had to ask whether its completion had come through.
  const mayAsk = wasHit(
    simulation,
    ({ kind }, subject) => kind === 'answer-lost' && subject === 'execution dynamodb:UpdateItem',
  );
  const count = enteredStates.filter((name) => !mayAsk || name !== 'Confirm completion').length;
  const isExact = !isStored || redriveCount > 0 || count === storedStateCounts[variant];
  return isExact ? [] : [`entered ${enteredStates.length} states to store its object`];
}

function checkVisit(visit: Visit, simulation: Simulation): string[] {
  const { state, enteredAtMs, endedAtMs, reCheckCount } = visit;
  const allowed = greatestReCheckCount(state, (endedAtMs - enteredAtMs) / 1000);
  const retryCount = retryCountOf(visit);
  return [
    ...(reCheckCount <= allowed ? [] : [`looked ${reCheckCount} times at ${state}, and not ${allowed} times`]),
    ...(retryCount <= 0 || wereCallsBroken(visit, simulation)
      ? []
      : [`retried ${state} ${retryCount} times, and no call was broken`]),
  ];
}

/** Whether a call that the state makes, or that starts its function, was broken while it was visited. */
function wereCallsBroken({ state, enteredAtMs, endedAtMs }: Visit, simulation: Simulation): boolean {
  return wasHit(
    simulation,
    (fault, _, atMs) =>
      'caller' in fault &&
      (fault.caller === 'execution' || callers[fault.caller] === state) &&
      enteredAtMs <= atMs &&
      atMs <= endedAtMs,
  );
}

/** Retries of a state for errors that pass: as in the constructs. */
const transientRetryCount = 8;
const throttledRetryCount = 30;
const throttledError = 'Lambda.TooManyRequestsException';
const transientErrors = /^(Task\.Transient|Runtime\.ExitError|Sandbox\.Timedout|Lambda\.|DynamoDB\.)/;

/** Whether an execution failed because more calls were broken during one visit of a state than it tries again. */
export function hasExhaustedRetries({ history }: SimulatedExecution, error: string): boolean {
  return transientErrors.test(error) && visitsOf(history).some((visit) => areExhausted(visit, error));
}

function areExhausted(visit: Visit, error: string): boolean {
  if (error === throttledError) return visit.throttledCount > throttledRetryCount;
  return retryCountOf(visit) - visit.throttledCount >= transientRetryCount;
}

/** How often a visit was tried again because of an error that passes. */
function retryCountOf({ scheduledCount, reCheckCount }: Visit): number {
  return scheduledCount - 1 - reCheckCount;
}

function greatestReCheckCount(state: string, seconds: number): number {
  const first = firstReCheckSeconds[state];
  if (first === undefined) return 0;
  let count = 0;
  for (let passed = 0; passed <= seconds; count++) passed += Math.min(longestReCheckSeconds, first * 2 ** count);
  return count - 1;
}

/** Visits of Task states. Events of branches are mixed, but each names the one before it in its own branch. */
function visitsOf(history: readonly HistoryEvent[]): Visit[] {
  const visits: Visit[] = [];
  const visitOf = new Map<number, Visit | undefined>();
  for (const event of history) {
    const entered = event['stateEnteredEventDetails'] as { readonly name: string } | undefined;
    let visit = visitOf.get(event.previousEventId);
    if (event.type === 'TaskStateEntered' || (event.type === 'TaskScheduled' && visit === undefined)) {
      const enteredAtMs = event.timestamp;
      const counts = { scheduledCount: 0, reCheckCount: 0, throttledCount: 0 };
      visit = { state: entered?.name ?? '', enteredAtMs, endedAtMs: enteredAtMs, ...counts };
      visits.push(visit);
    } else if (entered !== undefined || event.type.startsWith('Execution')) visit = undefined;
    visitOf.set(event.id, visit);
    if (visit === undefined) continue;
    visit.endedAtMs = event.timestamp;
    if (event.type === 'TaskScheduled') visit.scheduledCount++;
    if (event.type === 'TaskTimedOut') visit.reCheckCount++;
    const failed = event['taskFailedEventDetails'] as { readonly error?: string } | undefined;
    if (failed?.error === throttledError) visit.throttledCount++;
  }
  return visits;
}
