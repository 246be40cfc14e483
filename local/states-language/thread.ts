/** Runs one thread of an execution: a graph of states, one after the other. */
import type { ContextFacts } from './data/context-object';
import type { State, StateGraph } from './definition';
import type { MapRun, StartChild } from './distributed-map/map-run';
import type { EngineHost, ExecutionIdentity, JsonValue } from './engine';
import { dataLimitExceeded, type Failure } from './failure';
import type { EventDetails, History } from './history';
import { LifetimeEnded, type Lifetime } from './lifetime';
import { isTooLarge } from './payload-size';
import type { RandomSource } from '../random';
import { settle, type Settled } from './settle';
import type { TaskTokenRegistry } from './task-tokens';
import type { Variables } from './visit';

/** What all threads of one execution share. */
export interface ExecutionServices {
  readonly identity: ExecutionIdentity;
  readonly host: EngineHost;
  readonly random: RandomSource;
  readonly history: History;
  readonly tokens: TaskTokenRegistry;
  /** What the context object tells about the execution. */
  readonly contextFacts: () => Omit<ContextFacts, 'state' | 'taskToken' | 'mapItem'>;
  /** @throws ExecutionTimedOut when an Express execution has gone through more states than its time allows */
  readonly countTransition: () => void;
  readonly startChild: StartChild;
}

/** Where a thread begins, or goes on after a redrive. */
export interface ThreadStart {
  readonly stateName: string;
  readonly input: JsonValue;
  readonly variables: Variables;
  /** Present on a redrive: the state had been entered before. */
  readonly redriven?: { readonly enteredEventId: number; readonly progress: Progress | undefined };
}

/** How far a Parallel or Map state has got: how its branches ended, or its map run. */
export type Progress =
  | { readonly kind: 'branches'; readonly ends: readonly (ThreadEnd | undefined)[] }
  | { readonly kind: 'map-run'; readonly mapRun: MapRun };

export type ThreadEnd =
  | { readonly kind: 'succeeded'; readonly output: JsonValue; readonly lastEventId: number }
  | { readonly kind: 'failed'; readonly failure: Failure; readonly lastEventId: number; readonly resumeAt: ThreadStart }
  | { readonly kind: 'aborted'; readonly lastEventId: number; readonly resumeAt: ThreadStart };

/** An iteration of an inline Map. */
export interface Iteration {
  readonly map: string;
  readonly index: number;
  readonly item: JsonValue;
}

/** One thread: the execution itself, a branch, an iteration. */
export class Thread {
  /** The event that the next one follows. */
  lastEventId: number;
  /** The last event before the present state was entered or resumed. */
  decisionEventId: number;
  enteredEventId = 0;
  enteredAtMs = 0;
  variables: Variables = {};
  /** Set by a Parallel or Map state as it goes on, for a redrive. */
  progress: Progress | undefined;

  constructor(
    readonly services: ExecutionServices,
    readonly graph: StateGraph,
    readonly lifetime: Lifetime,
    firstPreviousEventId: number,
    /** Enclosing iterations, outermost first. */
    readonly iterations: readonly Iteration[],
    private readonly isBranch = false,
  ) {
    this.lastEventId = firstPreviousEventId;
    this.decisionEventId = firstPreviousEventId;
  }

  /** Runs until the thread ends, one way or another. */
  async run(start: ThreadStart): Promise<ThreadEnd> {
    let { stateName, input, redriven } = start;
    this.variables = start.variables;
    for (;;) {
      const state = this.graph.states.get(stateName)!;
      this.enter(state, input, redriven);
      redriven = undefined;
      const attempt = settle(this, state, input);
      const settled = checkSize(state, input, attempt instanceof Promise ? await this.unlessEnded(attempt) : attempt);
      if (settled === undefined || this.lifetime.hasEnded) return this.abort(state, input);
      if (settled.kind === 'failed') return this.fail(state, input, settled.failure);
      if (settled.assigned !== undefined) this.variables = { ...this.variables, ...settled.assigned };
      this.append(stateEvents[state.type].exited, exitDetails(state, settled));
      if (settled.next === undefined) {
        return { kind: 'succeeded', output: settled.output, lastEventId: this.lastEventId };
      }
      stateName = settled.next;
      input = settled.output;
    }
  }

  /** Makes a thread inside this one, for a branch or an iteration. It sees this thread's variables as they are now. */
  fork(graph: StateGraph, lifetime: Lifetime, previousEventId: number, iteration?: Iteration): Thread {
    const iterations = iteration === undefined ? this.iterations : [...this.iterations, iteration];
    return new Thread(this.services, graph, lifetime, previousEventId, iterations, true);
  }

  /** Adds an event that the next one of this thread follows. */
  append(type: string, details?: EventDetails): number {
    this.lastEventId = this.services.history.append(type, details, this.lastEventId);
    return this.lastEventId;
  }

  /** Adds an event that no later one follows. */
  appendAside(type: string, details?: EventDetails): number {
    return this.services.history.append(type, details, this.lastEventId);
  }

  private enter(state: State, input: JsonValue, redriven: ThreadStart['redriven']): void {
    this.services.countTransition();
    this.decisionEventId = this.lastEventId;
    this.progress = redriven?.progress;
    this.enteredAtMs = this.services.host.clock.nowMs();
    if (redriven !== undefined && isLongRunning(state)) this.enteredEventId = redriven.enteredEventId;
    else this.enteredEventId = this.append(stateEvents[state.type].entered, { name: state.name, input });
  }

  /** What a visit comes to; undefined when it was cut off. */
  private async unlessEnded(attempt: Promise<Settled>): Promise<Settled | undefined> {
    try {
      return await attempt;
    } catch (error) {
      if (error instanceof LifetimeEnded) return undefined;
      throw error;
    }
  }

  private abort(state: State, input: JsonValue): ThreadEnd {
    if (isLongRunning(state)) this.appendAside(`${state.type}StateAborted`);
    return { kind: 'aborted', lastEventId: this.lastEventId, resumeAt: this.resumePoint(state, input) };
  }

  private fail(state: State, input: JsonValue, failure: Failure): ThreadEnd {
    // A task whose failure ends its branch is said to be aborted (floci-io/floci#3167, measured).
    if (this.isBranch && state.type === 'Task' && !failure.isFatal) this.appendAside('TaskStateAborted');
    return { kind: 'failed', failure, lastEventId: this.lastEventId, resumeAt: this.resumePoint(state, input) };
  }

  private resumePoint(state: State, input: JsonValue): ThreadStart {
    const redriven = { enteredEventId: this.enteredEventId, progress: this.progress };
    return { stateName: state.name, input, variables: this.variables, redriven };
  }
}

/** Names made once: joining them anew for each state shows in loops. */
const stateEvents = Object.fromEntries(
  (['Pass', 'Task', 'Choice', 'Wait', 'Succeed', 'Fail', 'Parallel', 'Map'] as const).map((type) => [
    type,
    { entered: `${type}StateEntered`, exited: `${type}StateExited` },
  ]),
) as Readonly<Record<State['type'], { readonly entered: string; readonly exited: string }>>;

/** States that can be cut off. A redrive goes on with them and does not enter them again
 * (redrive guide: a state is redriven when its Entered event has no Exited event). */
function isLongRunning(state: State): boolean {
  return state.type === 'Task' || state.type === 'Wait' || state.type === 'Parallel' || state.type === 'Map';
}

function exitDetails(state: State, { output, assigned }: Extract<Settled, { kind: 'exit' }>): EventDetails {
  const assignedVariables = assigned && Object.keys(assigned).length > 0 ? assigned : undefined;
  return { name: state.name, output, assignedVariables };
}

/** An output that is the input was looked at before. */
function checkSize(state: State, input: JsonValue, settled: Settled | undefined): Settled | undefined {
  if (settled?.kind !== 'exit' || settled.output === input || !isTooLarge(settled.output)) return settled;
  return { kind: 'failed', failure: { ...dataLimitExceeded(state.name), isFatal: true } };
}
