/** Runs threads side by side: the branches of a Parallel state, the iterations of an inline Map. */
import type { StateGraph } from './definition';
import type { JsonValue } from './engine';
import { StateFailed } from './failure';
import { Lifetime, LifetimeEnded } from './lifetime';
import { quotas } from './quotas';
import type { Attempt } from './settle';
import type { Effect, InlineMap } from './step';
import type { Iteration, Thread, ThreadEnd, ThreadStart } from './thread';

/** Runs all branches. The first that fails ends the others.
 * @throws StateFailed with the failure of that branch */
export async function runParallel(
  { thread, variables }: Attempt,
  { branches, input }: Extract<Effect, { kind: 'parallel' }>,
): Promise<JsonValue> {
  const group = new BranchGroup(thread, branches.length);
  if (!group.isRedriven) thread.append('ParallelStateStarted');
  const previousEventId = thread.lastEventId;
  await Promise.all(
    branches.map((graph, index) =>
      group.run({
        graph,
        index,
        begin: () => ({ previousEventId, start: { stateName: graph.startAt, input, variables } }),
      }),
    ),
  );
  const outputs = group.outputs();
  thread.appendAside('ParallelStateSucceeded');
  return outputs;
}

/** Runs one iteration for each item, some of them at a time. The first that fails ends the others.
 * @throws StateFailed with the failure of that iteration */
export async function runInlineMap({ thread, state, variables }: Attempt, map: InlineMap): Promise<JsonValue> {
  if (state.type !== 'Map') throw new Error(`${state.name} is not a Map state`);
  const { processor: graph, name } = state;
  const { history } = thread.services;
  const group = new BranchGroup(thread, map.items.length);
  if (!group.isRedriven) thread.append('MapStateStarted', { length: map.items.length });
  let nextIndex = 0;
  const work = async (): Promise<void> => {
    let lastEventId = thread.lastEventId;
    while (nextIndex < map.items.length && !group.lifetime.hasEnded) {
      const index = nextIndex++;
      const item = map.items[index]!;
      const begin = (): BranchBeginning => {
        const previousEventId = history.append('MapIterationStarted', { name, index }, lastEventId);
        return { previousEventId, start: { stateName: graph.startAt, input: map.inputs[index]!, variables } };
      };
      const end = await group.run({ graph, index, iteration: { map: name, index, item }, begin });
      lastEventId = end.lastEventId;
      group.reportIteration(end, { name, index });
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(map.maxConcurrency || quotas.inlineMapConcurrency, map.items.length) }, work),
  );
  const outputs = group.outputs();
  thread.appendAside('MapStateSucceeded');
  return outputs;
}

interface BranchBeginning {
  readonly previousEventId: number;
  readonly start: ThreadStart;
}

interface Branch {
  readonly graph: StateGraph;
  readonly index: number;
  readonly iteration?: Iteration;
  /** Not called for a branch that a redrive goes on with. */
  readonly begin: () => BranchBeginning;
}

/** Threads that live and fail together. */
class BranchGroup {
  readonly lifetime: Lifetime;
  /** Whether some branches are already done, or under way, from before a redrive. */
  readonly isRedriven: boolean;
  private readonly ends: (ThreadEnd | undefined)[];
  private firstFailure: Extract<ThreadEnd, { kind: 'failed' }> | undefined;
  /** The event that the state goes on from. */
  private latestEventId: number | undefined;

  constructor(
    private readonly thread: Thread,
    size: number,
  ) {
    this.lifetime = new Lifetime(thread.lifetime);
    this.isRedriven = thread.progress?.kind === 'branches';
    this.ends = thread.progress?.kind === 'branches' ? [...thread.progress.ends] : new Array(size).fill(undefined);
    thread.progress = { kind: 'branches', ends: this.ends };
  }

  /** Runs a branch, or what a redrive has left of it. */
  async run({ graph, index, iteration, begin }: Branch): Promise<ThreadEnd> {
    const earlier = this.ends[index];
    if (earlier?.kind === 'succeeded') return earlier;
    const { previousEventId, start } =
      earlier === undefined ? begin() : { previousEventId: this.thread.lastEventId, start: earlier.resumeAt };
    const end = await this.thread.fork(graph, this.lifetime, previousEventId, iteration).run(start);
    this.ends[index] = end;
    if (end.kind === 'succeeded') this.latestEventId = end.lastEventId;
    if (end.kind === 'failed' && this.firstFailure === undefined) {
      this.firstFailure = end;
      this.lifetime.end();
    }
    return end;
  }

  /** Adds the event that ends an iteration; the state's own last events follow the last of them (recorded). */
  reportIteration(end: ThreadEnd, details: { readonly name: string; readonly index: number }): void {
    const { history } = this.thread.services;
    switch (end.kind) {
      case 'succeeded':
        this.latestEventId = history.append('MapIterationSucceeded', details, end.lastEventId);
        return;
      case 'failed':
        if (!end.failure.isFatal) history.append('MapIterationFailed', details, end.lastEventId);
        return;
      case 'aborted':
        history.append('MapIterationAborted', details, end.lastEventId);
    }
  }

  /** Outputs in the order of the branches; the thread goes on from where the last one ended.
   * @throws StateFailed when one has failed */
  outputs(): readonly JsonValue[] {
    this.lifetime.end();
    if (this.firstFailure !== undefined) {
      this.thread.lastEventId = this.firstFailure.lastEventId;
      throw new StateFailed(this.firstFailure.failure);
    }
    const outputs = this.ends.map((end) => {
      if (end?.kind !== 'succeeded') throw new LifetimeEnded();
      return end.output;
    });
    this.thread.lastEventId = this.latestEventId ?? this.thread.lastEventId;
    return outputs;
  }
}
