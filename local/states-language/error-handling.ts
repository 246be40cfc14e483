/** The one place that decides what an error does: retry, go through a catcher, or fail. */
import type { RandomSource } from '../random';
import type { Catcher, Retrier, State } from './definition';
import type { Failure } from './failure';

/** What becomes of a failed state. */
export type Decision =
  | { readonly kind: 'retry'; readonly delayMs: number; readonly index: number }
  | { readonly kind: 'catch'; readonly catcher: Catcher; readonly index: number }
  | { readonly kind: 'fail' };

/** Retries so far in this visit of a state, by the retrier's place. Entering the state again starts from zero. */
export type RetryCounts = number[];

/** Decides, and counts the retry it grants. Retriers come before catchers; in each list the first match decides. */
export function decide(failure: Failure, state: State, counts: RetryCounts, random: RandomSource): Decision {
  if (!('retriers' in state) || failure.isFatal) return { kind: 'fail' };
  const retrierIndex = state.retriers.findIndex((retrier) => matches(retrier.errorEquals, failure));
  const retrier = state.retriers[retrierIndex];
  if (retrier !== undefined) {
    const retries = counts[retrierIndex] ?? 0;
    if (retries < retrier.maxAttempts) {
      counts[retrierIndex] = retries + 1;
      return { kind: 'retry', delayMs: delayMs(retrier, retries, random), index: retrierIndex };
    }
  }
  const index = state.catchers.findIndex((catcher) => matches(catcher.errorEquals, failure));
  const catcher = state.catchers[index];
  return catcher === undefined ? { kind: 'fail' } : { kind: 'catch', catcher, index };
}

/** `States.TaskFailed` stands for every error but timeouts, `States.ALL` for all. */
function matches(errorEquals: readonly string[], failure: Failure): boolean {
  return errorEquals.some(
    (name) =>
      name === failure.error ||
      name === failure.alias ||
      name === 'States.ALL' ||
      (name === 'States.TaskFailed' && failure.error !== 'States.Timeout'),
  );
}

/** The largest value of MaxDelaySeconds. */
const longestDelaySeconds = 31_622_400;

/** Seconds before a retry, in milliseconds.
 * @param retries How often this retrier has been used before. */
export function delayMs(retrier: Retrier, retries: number, random: RandomSource): number {
  const growing = retrier.intervalSeconds * retrier.backoffRate ** retries;
  const seconds = Math.min(growing, retrier.maxDelaySeconds ?? longestDelaySeconds);
  return seconds * 1000 * (retrier.jitter === 'FULL' ? random.next() : 1);
}
