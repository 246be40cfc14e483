/** A map run: the child executions of one distributed Map state. */
import type { Definition, MapState } from '../definition';
import type { Execution, ExecutionIdentity, JsonValue } from '../engine';
import { StateFailed, type Failure } from '../failure';
import { Lifetime, LifetimeEnded } from '../lifetime';
import { quotas } from '../quotas';
import { mapRunSucceededIsPassedBy } from '../service-changes';
import type { Attempt } from '../settle';
import type { DistributedMap } from '../step';
import type { Thread } from '../thread';
import { batchItems } from './item-batcher';
import { readItems } from './item-reader';
import { resultsOf, writeResults, writesFiles } from './result-writer';

/** Starts a child execution. */
export type StartChild = (start: {
  readonly definition: Definition;
  readonly input: JsonValue;
  readonly identity: ExecutionIdentity;
}) => Execution;

/** What a map run has reached; a redrive goes on from here. */
export interface MapRun {
  readonly arn: string;
  /** Inputs of the child executions, once the items have been read. */
  inputs?: readonly JsonValue[];
  /** By input; undefined for one that has not been started. */
  readonly children: (Execution | undefined)[];
  redriveCount: number;
}

/** Runs a distributed Map.
 * @throws StateFailed when its items cannot be read, too many children fail, or the results cannot be written */
export async function performMapRun(visit: Attempt, map: DistributedMap): Promise<JsonValue> {
  const { thread, state } = visit;
  if (state.type !== 'Map') throw new Error(`${state.name} is not a Map state`);
  const run = beginMapRun(thread, state, map);
  let result: JsonValue;
  try {
    run.inputs ??= await unlessEnded(thread, childInputs(map, thread));
    await new ChildGroup(thread, state, map, run).runAll();
    const children = run.children.filter((child) => child !== undefined);
    result = writesFiles(map.writer)
      ? await unlessEnded(thread, writeFiles(thread, map.writer, run, children))
      : resultsOf(children, map.writer);
  } catch (error) {
    if (!(error instanceof StateFailed)) throw error;
    const { error: name, cause } = error.failure;
    thread.append('MapRunFailed', { error: name, cause });
    throw error;
  }
  const { lastEventId } = thread;
  thread.append('MapRunSucceeded');
  thread.appendAside('MapStateSucceeded');
  if (mapRunSucceededIsPassedBy(thread.services.host.serviceDay)) thread.lastEventId = lastEventId;
  return result;
}

function beginMapRun(thread: Thread, state: MapState, map: DistributedMap): MapRun {
  if (thread.progress?.kind === 'map-run') {
    const { mapRun } = thread.progress;
    mapRun.redriveCount++;
    thread.append('MapRunRedriven', { mapRunArn: mapRun.arn, redriveCount: mapRun.redriveCount });
    return mapRun;
  }
  const { identity, random } = thread.services;
  const label = state.distributed?.label ?? random.uuid();
  // The service does not know the number of items before a reader has read them (recorded).
  thread.append('MapStateStarted', { length: map.inputs?.length ?? 0 });
  const [region, accountId] = identity.stateMachineArn.split(':').slice(3, 5);
  const machine = `${identity.stateMachineName}/${label}`;
  const mapRun: MapRun = {
    arn: `arn:aws:states:${region}:${accountId}:mapRun:${machine}:${random.uuid()}`,
    children: [],
    redriveCount: 0,
  };
  thread.progress = { kind: 'map-run', mapRun };
  thread.append('MapRunStarted', { mapRunArn: mapRun.arn });
  return mapRun;
}

async function childInputs(map: DistributedMap, thread: Thread): Promise<readonly JsonValue[]> {
  const { host, identity } = thread.services;
  const read = async (): Promise<readonly JsonValue[]> =>
    map.reader === undefined ? [] : readItems(map.reader, host.objects, identity.roleArn);
  const selected = map.inputs ?? (await read()).map(map.inputOf);
  return map.batcher === undefined ? selected : batchItems(selected, map.batcher);
}

function writeFiles(
  thread: Thread,
  writer: NonNullable<DistributedMap['writer']>,
  run: MapRun,
  children: readonly Execution[],
): Promise<JsonValue> {
  const { host, identity } = thread.services;
  const place = { arn: run.arn, folder: run.arn.split(':').at(-1)!, roleArn: identity.roleArn };
  return writeResults(children, writer, place, host.objects);
}

/** Waits for work of the host, unless nobody wants its result any more. */
function unlessEnded<T>(thread: Thread, work: Promise<T>): Promise<T> {
  return thread.lifetime.wait((resolve, reject) => {
    work.then(resolve, reject);
    return () => undefined;
  });
}

const thresholdExceeded: Failure = {
  error: 'States.ExceedToleratedFailureThreshold',
  cause: 'The specified tolerated failure threshold was exceeded',
};

/** Runs the children of a map run, some of them at a time. */
class ChildGroup {
  private readonly definition: Definition;
  private readonly lifetime: Lifetime;
  private nextIndex = 0;
  private failureCount = 0;

  constructor(
    private readonly thread: Thread,
    state: MapState,
    private readonly map: DistributedMap,
    private readonly run: MapRun,
  ) {
    this.lifetime = new Lifetime(thread.lifetime);
    this.definition = {
      ...state.processor,
      comment: undefined,
      queryLanguage: state.data.language,
      timeoutSeconds: undefined,
    };
    this.executionType = state.distributed?.executionType ?? 'STANDARD';
  }

  private readonly executionType: 'STANDARD' | 'EXPRESS';

  /** @throws StateFailed when more children fail than are tolerated */
  async runAll(): Promise<void> {
    const count = this.inputs.length;
    await Promise.all(
      Array.from(
        { length: Math.min(this.map.maxConcurrency || quotas.mapRunConcurrency, quotas.mapRunConcurrency, count) },
        () => this.work(),
      ),
    );
    const wasCutOff = this.lifetime.hasEnded;
    this.lifetime.end();
    if (this.hasFailed) throw new StateFailed(thresholdExceeded);
    if (wasCutOff) throw new LifetimeEnded();
  }

  private get inputs(): readonly JsonValue[] {
    return this.run.inputs ?? [];
  }

  private async work(): Promise<void> {
    while (this.nextIndex < this.inputs.length && !this.lifetime.hasEnded) {
      const index = this.nextIndex++;
      const child = this.begin(index);
      const forget = this.lifetime.whenEnded(() => child.stop());
      await child.ended;
      forget();
      if (child.status === 'SUCCEEDED') continue;
      this.failureCount++;
      if (this.hasFailed) this.lifetime.end();
    }
  }

  /** Starts a child, or goes on with one after a redrive: a Standard one from where it failed, an Express one anew. */
  private begin(index: number): Execution {
    const earlier = this.run.children[index];
    if (earlier?.status === 'SUCCEEDED') return earlier;
    if (earlier !== undefined && earlier.identity.type === 'STANDARD') {
      earlier.redrive();
      return earlier;
    }
    const { definition } = this;
    const child = this.thread.services.startChild({
      definition,
      input: this.inputs[index]!,
      identity: this.identity(),
    });
    this.run.children[index] = child;
    return child;
  }

  private identity(): ExecutionIdentity {
    const { identity, random } = this.thread.services;
    const [, , , region, accountId, , machine] = this.run.arn.split(':');
    const executionName = random.uuid();
    const kind = this.executionType === 'EXPRESS' ? 'express' : 'execution';
    return {
      executionArn: `arn:aws:states:${region}:${accountId}:${kind}:${machine}:${executionName}`,
      executionName,
      stateMachineArn: `arn:aws:states:${region}:${accountId}:stateMachine:${machine}`,
      stateMachineName: machine!,
      roleArn: identity.roleArn,
      type: this.executionType,
    };
  }

  private get hasFailed(): boolean {
    const { toleratedFailureCount, toleratedFailurePercentage } = this.map;
    const percentage = (this.failureCount / this.inputs.length) * 100;
    if (toleratedFailureCount === undefined && toleratedFailurePercentage === undefined) return this.failureCount > 0;
    return (
      (toleratedFailureCount !== undefined && this.failureCount > toleratedFailureCount) ||
      (toleratedFailurePercentage !== undefined && percentage > toleratedFailurePercentage)
    );
  }
}
