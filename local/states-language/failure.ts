/** What goes wrong inside an execution, as data on its way to Retry, Catch or the end of the execution. */
import { QueryEvaluationFailure } from './data/jsonata';
import { StatesError } from './data/states-error';
import type { JsonValue, TaskFailure } from './engine';

/** An error of the language. */
export interface Failure extends TaskFailure {
  /** A further name that Retry and Catch know it by: an expired heartbeat reports `States.Timeout`
   * and is also matched as `States.HeartbeatTimeout` (aws-facts §5.8). */
  readonly alias?: string;
  /** Ends the execution whatever handlers there are, and from any depth: no state on the way reports it. */
  readonly isFatal?: boolean;
}

/** Thrown by a state that cannot go on. */
export class StateFailed extends Error {
  constructor(readonly failure: Failure) {
    super(`${failure.error ?? ''}: ${failure.cause ?? ''}`);
    this.name = 'StateFailed';
  }
}

/** What happened in an evaluation, told as the service tells it. */
export interface EvaluationError extends Failure {
  /** Present when a query failed, which leaves an EvaluationFailed event: where in the state, if known. */
  readonly query?: { readonly location: string | undefined };
}

/** Whether an evaluation failed, rather than we. */
export function isEvaluationError(thrown: unknown): boolean {
  return thrown instanceof QueryEvaluationFailure || thrown instanceof StatesError;
}

/** Makes data of what a state threw while it was evaluated.
 * @param where `An error occurred while executing the state 'Charge' (entered at the event id #2). `
 * @throws what is not an error of the language, but a mistake of ours */
export function evaluationError(thrown: unknown, where: string): EvaluationError {
  if (thrown instanceof QueryEvaluationFailure) {
    return {
      error: 'States.QueryEvaluationError',
      cause: where + thrown.message,
      query: { location: thrown.location || undefined },
    };
  }
  if (thrown instanceof StatesError) {
    return { error: thrown.error, cause: where + thrown.message, isFatal: thrown.error === 'States.Runtime' };
  }
  if (thrown instanceof StateFailed) {
    const { error, cause = '' } = thrown.failure;
    const query = error === 'States.QueryEvaluationError' ? { location: undefined } : undefined;
    return { error, cause: where + cause, isFatal: error === 'States.Runtime', ...(query && { query }) };
  }
  throw thrown;
}

/** What a catcher gets to see. The service gives an empty text where there is no cause (recorded for States.Timeout). */
export function errorOutput(failure: Failure): JsonValue {
  return { Error: failure.error ?? '', Cause: failure.cause ?? '' };
}

/** The failure for a payload above the service's limit.
 * @param subject Name of the state, or what the task calls: `lambda`, a function's ARN. */
export function dataLimitExceeded(subject: string): Failure {
  return {
    error: 'States.DataLimitExceeded',
    cause: `The state/task '${subject}' returned a result with a size exceeding the maximum number of bytes service limit.`,
  };
}

/** The failure of a host that threw: a mistake of ours, or something that is not simulated. No handler may hide it. */
export function hostFailure(thrown: unknown): Failure {
  if (!(thrown instanceof Error)) return { error: 'Simulator.InternalError', cause: String(thrown), isFatal: true };
  return { error: thrown.name, cause: thrown.message, isFatal: true };
}
