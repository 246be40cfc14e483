/** What an execution costs in state transitions. */
import type { HistoryEvent } from './states-language/engine';

/** Price of one transition of a standard state machine, us-east-1, in US dollars.
 * @see https://aws.amazon.com/step-functions/pricing (August 2026) */
export const transitionPriceUsd = 0.025 / 1000;

/** Counts what Step Functions bills: each state that is entered, and each retry of one.
 * @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html "Retries are treated as state transitions" */
export function countTransitions(history: readonly HistoryEvent[]): number {
  const count = (pattern: RegExp): number => history.filter((event) => pattern.test(event.type)).length;
  const entered = count(/StateEntered$/);
  const repeated =
    Math.max(0, count(/^(Task|LambdaFunction|Activity)Scheduled$/) - count(/^TaskStateEntered$/)) +
    Math.max(0, count(/^ParallelStateStarted$/) - count(/^ParallelStateEntered$/)) +
    Math.max(0, count(/^MapStateStarted$/) - count(/^MapStateEntered$/));
  return entered + repeated;
}

/** Transitions of all executions of a simulation, and their price. */
export interface SimulationCost {
  readonly transitions: number;
  readonly transitionsUsd: number;
  readonly executions: readonly { readonly name: string; readonly transitions: number; readonly usd: number }[];
}

/** Adds up the transitions of executions. Express executions are billed otherwise and must not be among them. */
export function costOf(executions: readonly { readonly name: string; readonly transitions: number }[]): SimulationCost {
  const transitions = executions.reduce((sum, execution) => sum + execution.transitions, 0);
  return {
    transitions,
    transitionsUsd: transitions * transitionPriceUsd,
    executions: executions.map((execution) => ({
      name: execution.name,
      transitions: execution.transitions,
      usd: execution.transitions * transitionPriceUsd,
    })),
  };
}
