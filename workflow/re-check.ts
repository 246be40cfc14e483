/** How often a long operation is looked at again, and what that costs in history events.
 * A completion event may be lost, so each long operation's state wakes up by itself: a heartbeat that nobody sends. */
import { Duration } from 'aws-cdk-lib';
import { JitterType, type RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import { operationDueError } from '../tasks/operations/completion';

/** Longer than a task function runs, because the heartbeat's clock starts with the function. */
const shortestIntervalSeconds = 60;
const longestIntervalSeconds = 30 * 60;

/** Re-checks until the deadline, at most, should the service keep the first interval for every retry. */
const intendedReCheckCount = 1_000;

/** 1, 2, 4, 8, 16, 30, 30 … minutes, by the number of retries of this visit of the state: a lost event costs at most
 * as long again as has already passed. `$max` over an array that leaves out what is undefined reads a missing count as 0.
 * @param firstReCheck Where an operation is known to take its time, looking at it earlier only costs transitions. */
export function heartbeatSeconds(deadline: Duration, firstReCheck = Duration.seconds(shortestIntervalSeconds)): string {
  const first = Math.max(firstReCheck.toSeconds(), firstIntervalSeconds(deadline));
  return (
    `{% $min([${longestIntervalSeconds}, ${first} * ` +
    '$power(2, $min([10, $max([0, $states.context.State.RetryCount])]))]) %}'
  );
}

/** Re-enters the state when its heartbeat expires, or when another workflow on the same fleet tells it so. Both names, because history calls an expired heartbeat States.Timeout,
 * and the state has no other timeout: its deadline is the operation's, and outlives each attempt.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (read 2026-11) */
export function retryHeartbeat(deadline: Duration): RetryProps {
  return {
    errors: ['States.HeartbeatTimeout', 'States.Timeout', operationDueError],
    interval: Duration.seconds(1),
    backoffRate: 1,
    maxAttempts: greatestReCheckCount(deadline) + 10,
    jitterStrategy: JitterType.NONE,
  };
}

/** Re-checks until the deadline in the dearer case: if the service kept the first interval for every retry. */
export function greatestReCheckCount(deadline: Duration): number {
  return Math.ceil(deadline.toSeconds() / firstIntervalSeconds(deadline));
}

/** From the deadline of an operation until the state has noticed it. */
export const deadlineNoticed = Duration.seconds(longestIntervalSeconds + shortestIntervalSeconds);

/** A minute, and a little more for deadlines beyond a day. */
function firstIntervalSeconds(deadline: Duration): number {
  const seconds = Math.ceil(deadline.toSeconds() / intendedReCheckCount);
  return Math.min(longestIntervalSeconds, Math.max(shortestIntervalSeconds, seconds));
}
