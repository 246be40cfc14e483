/** What AWS has changed in what it records, with the days between which it changed.
 * The engine does what AWS does today; recordings are compared with what AWS did on their day. */

/** Since redrive exists (15 November 2023) the context object tells how often an execution was redriven. */
export function contextTellsRedriveCount(day: string | undefined): boolean {
  return day === undefined || day >= '2023-11-15';
}

/** Since some day between 2024-06-19 and 2024-11-13 MapStateExited of a distributed Map follows MapRunStarted,
 * past MapRunSucceeded (28 recordings; measured again in September 2026, floci-io/floci#3167). */
export function mapRunSucceededIsPassedBy(day: string | undefined): boolean {
  return day === undefined || day > '2024-06-19';
}

/** Since some day between 2024-11-21 and September 2026 EvaluationFailed follows the state's own Entered event;
 * before it followed what was there before the state was entered (27 recordings; floci-io/floci#3167). */
export function evaluationFollowsEntered(day: string | undefined): boolean {
  return day === undefined || day > '2025-01-01';
}
