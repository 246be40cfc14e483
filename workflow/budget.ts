/** What an execution may cost at worst, computed at synth: its time, and its events of the 25,000 that a history can hold. */
import { Duration } from 'aws-cdk-lib';
import { throttledRetryCount, transientRetryCount } from './integration-state';
import { operationStates } from './operation-states';
import { deadlineNoticed, greatestReCheckCount } from './re-check';
import { misuse } from '../constructs/misuse';

/** An execution whose history reaches this many events fails.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (read 2026-11) */
const historyEventLimit = 25_000;

/** TaskTimedOut or TaskFailed, TaskScheduled, TaskStarted, TaskSubmitted (recorded on AWS 2024-04). */
const eventsPerRetry = 4;
/** The same for a first attempt, with TaskStateEntered, TaskSucceeded and TaskStateExited. */
const eventsPerVisit = 7;
/** What a state outside of the long operations may take, its retries included. */
const shortStateTime = Duration.minutes(20);
/** Redrives append to the same history. */
const eventsForRedrives = 2_000;

/** States that are no long operations, more than any one execution goes through: claim, validate, store, protect, complete and
 * confirm; or claim, validate, quarantine and rejected. */
const shortStateCount = 7;

/** What is known of an execution before it runs. */
export interface ExecutionPlan {
  /** Deadline of "Process on EC2". */
  readonly process: Duration;
  /** Deadline of "Snapshot instance", which runs beside the backup.
   * @default - there is none */
  readonly snapshot?: Duration;
  /** Deadline of "Back up results".
   * @default - there is none */
  readonly backup?: Duration;
  /** States that the user inserted, and how long they may take together. */
  readonly insertedStateCount: number;
  readonly insertedTime: Duration;
}

/** Within what time after its command an execution asks for an image of the instance. */
export function imageAskedWithin(insertedTime: Duration): Duration {
  return shortStateTime.plus(insertedTime);
}

/** How long an execution can take if every operation ends just before its deadline: the state machine's timeout. */
export function executionTime({ process, snapshot, backup, insertedTime }: ExecutionPlan): Duration {
  const seconds = (deadline: Duration | undefined) =>
    deadline === undefined ? 0 : deadline.toSeconds() + deadlineNoticed.toSeconds();
  const operations = seconds(process) + Math.max(seconds(snapshot), seconds(backup));
  return Duration.seconds(operations + shortStateCount * shortStateTime.toSeconds() + insertedTime.toSeconds());
}

/** Refuses deadlines whose re-checks would not fit into one history, if the service kept the first, shortest interval.
 * @throws Error with the numbers */
export function checkHistoryBudget(where: string, plan: ExecutionPlan): void {
  const operations = Object.entries({
    [operationStates.process]: plan.process,
    [operationStates.snapshot]: plan.snapshot,
    [operationStates.backup]: plan.backup,
  }).flatMap(([name, deadline]) => (deadline === undefined ? [] : [{ name, deadline, events: eventsOf(deadline) }]));
  const otherStateCount = shortStateCount + plan.insertedStateCount;
  const otherEvents =
    otherStateCount * eventsPerVisit +
    (otherStateCount + operations.length) * (throttledRetryCount + transientRetryCount) * eventsPerRetry +
    eventsForRedrives;
  const total = operations.reduce((sum, { events }) => sum + events, otherEvents);
  if (total < historyEventLimit) return;
  const parts = operations.map(({ name, deadline, events }) => `${name} ${events} (${deadline.toHumanString()})`);
  throw misuse({
    what: 'The deadlines do not fit into the history of an execution',
    where,
    got: `${total} events: ${parts.join(', ')}, everything else ${otherEvents}`,
    allowed: `fewer than ${historyEventLimit} events`,
    fix: 'shorten queueTimeout of the processor, or deadline of the snapshot or backup policy, or insert fewer states',
  });
}

function eventsOf(deadline: Duration): number {
  return eventsPerVisit + greatestReCheckCount(deadline) * eventsPerRetry;
}
