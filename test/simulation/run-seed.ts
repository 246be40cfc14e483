/** Runs whole workflows under the faults of one seed, lets them recover, and judges them by the laws. */
import { join } from 'node:path';
import { drawFaults, simulate, type Fault, type FaultField, type Simulation } from '../../local';
import { createRandom, type RandomSource } from '../../local/random';
import type { SimulatedExecution } from '../../local/simulated-execution';
import { aimFaults } from './aim';
import { hasKeeper, keeperRoundMinutes, turnOf, type Variant } from './assembly';
import { placesOf } from './coverage';
import { SimulatedInstances } from './instances';
import { itemsOf } from './known-operations';
import { announced, checkRecovery, checkRedriven, checkRest, recordOf, type World } from './laws';
import { Observer } from './observer';
import { beginWorkload, startByHand, uploadObject, type Upload } from './workload';

/** What is run. */
export interface SeedOptions {
  /** Folder with an assembly for each variant; the seed decides which is run. */
  readonly assembly: string;
  readonly seed: string;
  /** The last of them comes when nothing is broken any more. */
  readonly objectCount: number;
  /** @default - those that the seed draws */
  readonly faults?: readonly Fault[];
  /** Whether what happens is written down. @default false */
  readonly keepsLines?: boolean;
  /** As of `simulate`. @default 'direct' */
  readonly clients?: 'sdk' | 'direct';
}

/** What became of it. */
export interface SeedResult {
  readonly seed: string;
  readonly faults: readonly Fault[];
  /** Which kinds of faults hit which states. */
  readonly places: readonly string[];
  /** Empty: all laws hold. */
  readonly violations: readonly string[];
  readonly callCount: number;
  readonly transitions: number;
  readonly lines: readonly string[];
}

/** Ten times what an object takes that meets many faults. */
const maximumCallsPerObject = 3_000;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** About how often who calls, for five objects: where faults are drawn. */
function fieldFor(objectCount: number, variant: Variant): FaultField {
  const callers = {
    ...{ ValidateObject: 3, ProcessObject: 20, StoreResults: 4, SnapshotInstance: 14, BackUpResults: 12 },
    ...{ QuarantineObject: 1, Relay: 40, Cleaner: 4, execution: 9, events: 6 },
    ...(hasKeeper(variant) && { Function: 20 }),
  };
  const sources = { 'aws.s3': 1, 'aws.ssm': 3, 'aws.ec2': 3, 'aws.backup': 2, 'aws.states': 1 };
  const scaled = (counts: Readonly<Record<string, number>>) =>
    Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count * objectCount]));
  return { callers: scaled(callers), sources: scaled(sources), spanMs: 2 * hourMs, executionCount: objectCount };
}

/** A swarm, and aimed faults with it. Some seeds have none at all: without faults, an object takes its eight transitions. */
function drawFaultsFor(seed: string, random: RandomSource, objectCount: number): Fault[] {
  const { variant, turn } = turnOf(seed);
  const field = fieldFor(objectCount, variant);
  const swarm = drawFaults(random.fork('faults'), field);
  const aim = { variant, turn, callCounts: field.callers };
  return swarm.length === 0 ? [] : [...swarm, ...aimFaults(aim, random.fork('aimed faults'))];
}

/** Runs one seed. The same seed and faults give the same result. */
export async function runSeed(options: SeedOptions): Promise<SeedResult> {
  const { assembly, seed, objectCount } = options;
  const random = createRandom(seed);
  const faults = options.faults ?? drawFaultsFor(seed, random, objectCount);
  const { variant } = turnOf(seed);
  const observer = new Observer(objectCount * maximumCallsPerObject, options.keepsLines === true);
  const simulation = await simulate(join(assembly, variant), {
    ...{ seed, faults, onEvent: observer.see },
    clients: options.clients ?? 'direct',
  });
  const violations: string[] = [];
  const check = (problems: readonly string[]): void => void violations.push(...problems);
  const fail = (error: unknown): void =>
    check([`law 1: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`]);
  // From then on the world stands still: nobody gets an answer any more.
  simulation.cloud.intercept((call, next) => (observer.isOverrun ? new Promise(() => undefined) : next(call)));
  const run = async (): Promise<void> => {
    const instances = new SimulatedInstances(simulation);
    const workload = beginWorkload(simulation, observer, random.fork('workload'), objectCount - 1, fail);
    const world: World = { variant, simulation, instances, workload, observer };
    await simulation.settle();
    await letSweepsFindWhatIsLeft(simulation);
    check(await checkRest(world));
    check(await recover(world, random.fork('recovery')));
    check(await checkRest(world));
    check(checkRecovery(world));
  };
  try {
    await Promise.race([run(), observer.overrun]);
    if (observer.isOverrun) check([`law 1: ${observer.callCount} calls were made, and no end is in sight`]);
  } catch (error) {
    fail(error);
  } finally {
    await simulation.close();
  }
  return {
    ...{ seed, faults, places: placesOf(simulation.faults.hits, simulation), lines: observer.lines },
    violations: [...new Set([...violations, ...observer.violations])],
    callCount: observer.callCount,
    transitions: simulation.executions.reduce((sum, { transitions }) => sum + transitions, 0),
  };
}

/** Whatever has happened to the cleaner: two hours after the last sign of life a lease ends, and sweeps follow every hour.
 * One of them may be lost, or die, as well. What has a lease still is in the index that they read. */
async function letSweepsFindWhatIsLeft(simulation: Simulation): Promise<void> {
  const isLeft = () => itemsOf(simulation).some(({ runningIn }) => runningIn !== undefined);
  for (let hour = 0; hour < 6 && isLeft(); hour++) await simulation.advance(hourMs);
}

/** Nothing is broken any more: leases end, people redrive what has failed or start it again, another object is uploaded.
 * @returns what is violated on the way */
async function recover(world: World, random: RandomSource): Promise<string[]> {
  const { simulation, workload } = world;
  const problems: string[] = [];
  simulation.faults.stop();
  await simulation.advance(3 * hourMs);
  for (let round = 0; round < 3; round++) {
    const redriven = announced(world).flatMap(
      (upload) => repeat(upload, simulation, round === 0 && random.integer(2) === 0) ?? [],
    );
    if (round === 0) {
      const content = { id: 'last', behaviour: 'stores', durationMs: 60_000 } as const;
      workload.uploads.push(await uploadObject(simulation, lastKey(world), content));
    }
    await simulation.settle();
    // Indexes stay late: who cleans up may still find nothing of what has only just begun.
    await letSweepsFindWhatIsLeft(simulation);
    problems.push(...checkRedriven(redriven, world));
  }
  // Nothing keeps the world moving for it, but whoever looks after the instances comes round again.
  if (hasKeeper(world.variant)) await simulation.advance(2 * keeperRoundMinutes * minuteMs);
  return problems;
}

/** An object that has failed is uploaded again, if there is one. */
function lastKey({ simulation }: World): string {
  return simulation.records().find(({ status }) => status === 'FAILED')?.key ?? 'incoming/last.csv';
}

/** @returns the execution, if it was redriven */
function repeat(upload: Upload, simulation: Simulation, redrives: boolean): SimulatedExecution | undefined {
  const record = recordOf(upload, simulation);
  if (record?.status === 'STORED' || record?.status === 'REJECTED') return undefined;
  if (upload.content.behaviour === 'runs-for-ever' && record?.status === 'FAILED') return undefined;
  const owner = simulation.executions.find(({ arn }) => arn === record?.['owner']);
  if (redrives && owner !== undefined && /FAILED|TIMED_OUT|ABORTED/.test(owner.status)) {
    simulation.services.states.operations.RedriveExecution({ executionArn: owner.arn });
    return owner;
  }
  startByHand(simulation, upload);
  return undefined;
}
