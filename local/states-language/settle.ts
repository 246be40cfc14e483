/** Settles one visit of a state: does what the state asks for, and what the error handling decides, until it is done. */
import { UnsupportedError } from '../services/service';
import { runInlineMap, runParallel } from './branches';
import { contextObject } from './data/context-object';
import { exitThroughCatcher } from './data-flow';
import type { State } from './definition';
import { performMapRun } from './distributed-map/map-run';
import type { JsonValue } from './engine';
import { decide, type Decision, type RetryCounts } from './error-handling';
import { evaluationError, hostFailure, isEvaluationError, StateFailed, type Failure } from './failure';
import { evaluationFollowsEntered } from './service-changes';
import { sleepUntil } from './sleep';
import type { Effect, Step } from './step';
import { runTaskAttempt } from './task-attempt';
import type { Thread } from './thread';
import { formatTimestamp } from './timestamp';
import { transition, type StateEvent } from './transition';
import type { Visit } from './visit';

/** What a visit comes to. */
export type Settled = Extract<Step, { kind: 'exit' }> | { readonly kind: 'failed'; readonly failure: Failure };

/** Settles a visit. Most states are done at once; only one that waits for something costs a promise. */
export function settle(thread: Thread, state: State, input: JsonValue): Settled | Promise<Settled> {
  const visit = new Attempt(thread, state, input, 0);
  const step = take(visit, 'entered');
  return step.kind === 'exit' ? step : complete(visit, step);
}

async function complete(first: Attempt, firstStep: Step | Settled): Promise<Settled> {
  const { thread, state, input } = first;
  const { random, host } = thread.services;
  const counts: RetryCounts = [];
  let visit = first;
  let step = firstStep;
  for (;;) {
    while (step.kind !== 'exit' && step.kind !== 'fail' && step.kind !== 'failed') {
      step = await perform(visit, step);
    }
    if (step.kind === 'exit') return step;
    const decision = decide(step.failure, state, counts, random);
    if (decision.kind !== 'retry') return leave(visit, step.failure, decision);
    await sleepUntil(host.clock.nowMs() + decision.delayMs, host.clock, thread.lifetime);
    thread.services.countTransition();
    thread.decisionEventId = thread.lastEventId;
    thread.progress = undefined;
    visit = new Attempt(thread, state, input, visit.retryCount + 1);
    step = take(visit, 'entered');
  }
}

/** Gives an event to the state. What it throws becomes a failure, and a history event if a query failed. */
function take(visit: Attempt, event: StateEvent): Step | Settled {
  try {
    return transition(visit, event);
  } catch (thrown) {
    const { lastEventId, decisionEventId, services } = visit.thread;
    const follows = evaluationFollowsEntered(services.host.serviceDay) ? lastEventId : decisionEventId;
    return { kind: 'failed', failure: visit.reportEvaluationError(thrown, follows) };
  }
}

/** Does what a state asks for, then resumes it with the result. */
async function perform(visit: Attempt, effect: Effect): Promise<Step | Settled> {
  const { thread } = visit;
  try {
    const result = await resultOf(visit, effect);
    thread.decisionEventId = thread.lastEventId;
    return take(visit, { result });
  } catch (thrown) {
    if (thrown instanceof StateFailed) return { kind: 'failed', failure: thrown.failure };
    if (thrown instanceof UnsupportedError) return { kind: 'failed', failure: hostFailure(thrown) };
    // An ItemSelector that fails on an item that was read.
    if (isEvaluationError(thrown)) {
      return { kind: 'failed', failure: visit.reportEvaluationError(thrown, thread.lastEventId) };
    }
    throw thrown;
  }
}

function resultOf(visit: Attempt, effect: Effect): Promise<JsonValue> {
  const { thread } = visit;
  switch (effect.kind) {
    case 'wait':
      return sleepUntil(effect.untilMs, thread.services.host.clock, thread.lifetime).then(() => null);
    case 'task':
      return runTaskAttempt(visit, effect);
    case 'parallel':
      return runParallel(visit, effect);
    case 'map':
      return runInlineMap(visit, effect);
    case 'map-run':
      return performMapRun(visit, effect);
  }
}

/** Ends a visit that failed and is not tried again. */
function leave(visit: Attempt, failure: Failure, decision: Exclude<Decision, { kind: 'retry' }>): Settled {
  const { lastEventId } = visit.thread;
  reportStateFailed(visit, failure);
  if (decision.kind === 'fail') return { kind: 'failed', failure };
  try {
    return exitThroughCatcher(visit, decision.catcher, decision.index, failure);
  } catch (thrown) {
    // The state fails a second time, from where it stood before the first (floci-io/floci#3167, measured).
    const second = visit.reportEvaluationError(thrown, lastEventId);
    reportStateFailed(visit, second);
    return { kind: 'failed', failure: second };
  }
}

function reportStateFailed({ thread, state }: Attempt, failure: Failure): void {
  if (failure.isFatal || (state.type !== 'Map' && state.type !== 'Parallel')) return;
  thread.append(`${state.type}StateFailed`);
}

/** One attempt at a state: what the state can see of its surroundings. */
export class Attempt implements Visit {
  /** Only of tasks that can be completed from outside. */
  readonly taskToken: string | undefined;
  private builtContext: JsonValue | undefined;

  constructor(
    readonly thread: Thread,
    readonly state: State,
    readonly input: JsonValue,
    readonly retryCount: number,
  ) {
    const hasToken = state.type === 'Task' && state.resource.pattern !== 'REQUEST_RESPONSE';
    if (hasToken) this.taskToken = thread.services.tokens.create();
  }

  get variables() {
    return this.thread.variables;
  }

  get random() {
    return this.thread.services.random;
  }

  get nowMs() {
    return this.thread.services.host.clock.nowMs();
  }

  get context(): JsonValue {
    return (this.builtContext ??= this.buildContext());
  }

  /** `RetryCount` belongs to states that can be retried, `Task` to tasks that wait, `Map` to iterations (recorded). */
  private buildContext(): JsonValue {
    const { thread, state, taskToken } = this;
    const iteration = thread.iterations.at(-1);
    return contextObject({
      ...thread.services.contextFacts(),
      state: {
        name: state.name,
        enteredTime: formatTimestamp(thread.enteredAtMs),
        ...('retriers' in state && { retryCount: this.retryCount }),
      },
      ...(taskToken !== undefined && !isActivity(state) && { taskToken }),
      ...(iteration !== undefined && { mapItem: { index: iteration.index, value: iteration.item } }),
    });
  }

  /** How the service's own error texts begin. */
  get place(): string {
    return `An error occurred while executing the state '${this.state.name}' (entered at the event id #${this.thread.enteredEventId}). `;
  }

  /** Makes a failure of what was thrown. A failed query leaves an event. */
  reportEvaluationError(thrown: unknown, followsEventId: number): Failure {
    const { query, ...failure } = evaluationError(thrown, this.place);
    if (query === undefined) return failure;
    const { error, cause } = failure;
    this.thread.lastEventId = followsEventId;
    this.thread.append('EvaluationFailed', { error, cause, location: query.location, state: this.state.name });
    return failure;
  }
}

function isActivity(state: State): boolean {
  return state.type === 'Task' && state.resource.kind === 'activity';
}
