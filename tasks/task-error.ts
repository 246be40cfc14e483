/** The one error class a task throws: its name is what a state's Retry and Catch match. */

/** An expected failure of a task, named so that a state can match it in Retry or Catch.
 * Lambda reports an error's `name` as `errorType`, which Step Functions uses as the error name.
 * @example throw new TaskError('Object.Rejected', 'the file is empty');
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html (read 2026-11) */
export class TaskError extends Error {
  /** @param name Error name as matched by `ErrorEquals`; must not start with `States.`, which AWS reserves.
   * @param message What happened, what is allowed and what to change, in that order. */
  constructor(name: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}

/** Error names that every task can end with, whatever it declares itself. */
export const commonErrors = {
  /** The state passed something else than the task's input schema describes: a wiring mistake, never worth a retry. */
  invalidInput: 'Task.InvalidInput',
  /** The task returned something else than its output schema describes: a bug in the task. */
  invalidOutput: 'Task.InvalidOutput',
  /** A service throttled the call, timed out, or had a fault of its own: worth a retry with backoff. */
  transient: 'Task.Transient',
} as const;
