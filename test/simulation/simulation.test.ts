/** A short form of `npm run simulation`: a few seeds that no run before has seen, from the commit. SIMULATION_SEED repeats them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '../../local/random';
import { drawFaults, faultKinds, simulate, type Simulation } from '../../local';
import { toItem } from '../../tasks/attribute-values';
import { launchTagKeys } from '../../tasks/operations/fleet-instances';
import { aimedCount, aimFaults, cells } from './aim';
import { copyRegion, synthesizeVariants, templateFile, turnOf, variants } from './assembly';
import { checkBudgets } from './budget';
import { SimulatedInstances } from './instances';
import { checkRecovery, checkRest, type World } from './laws';
import { mutants } from './mutants';
import { Observer } from './observer';
import { runSeed } from './run-seed';
import { shortenFaults } from './shorten';
import { uploadObject } from './workload';

/** More seeds would be better, and longer than anybody waits for `npm test`. */
const timeLimitMs = 7_000;
const minimumSeedCount = 3;

let assembly: string;
beforeAll(() => {
  assembly = mkdtempSync(join(tmpdir(), 'object-workflow-simulation-'));
  synthesizeVariants(assembly);
}, 120_000);
afterAll(() => rmSync(assembly, { recursive: true, force: true }));

test('nothing is lost, runs twice or hangs, whatever breaks', async () => {
  const first = firstSeed();
  const startedAtMs = performance.now();
  const violating: unknown[] = [];
  let count = 0;
  while (count < minimumSeedCount || performance.now() - startedAtMs < timeLimitMs) {
    const seed = `${first + count++}`;
    const { violations } = await runSeed({ assembly, seed, objectCount: 5 });
    if (violations.length > 0) violating.push({ again: `npm run simulation -- --seed ${seed} --seeds 1`, violations });
  }
  expect(violating).toEqual([]);
}, 240_000);

test('the same seed gives the same history', async () => {
  const run = () => runSeed({ assembly, seed: 'history', objectCount: 2, keepsLines: true });
  expect((await run()).lines).toEqual((await run()).lines);
}, 120_000);

/** How many promises a call takes differs, and so does what comes first at one instant. Nothing else does. */
test.each([4, 12])(
  'direct clients give the history that the SDK’s clients give, under the faults of seed %d',
  async (seed) => {
    const run = (clients: 'sdk' | 'direct') =>
      runSeed({ assembly, seed: `${seed}`, objectCount: 2, keepsLines: true, clients });
    const [direct, sdk] = [await run('direct'), await run('sdk')];

    expect(direct.places.length).toBeGreaterThan(2);
    expect([...direct.lines].sort()).toEqual([...sdk.lines].sort());
  },
  120_000,
);

test.each(mutants)('the line of a mutant stands in the source: $name', ({ file, from }) => {
  const path = file === 'template' ? join(assembly, 'group', templateFile) : file;
  const places = readFileSync(path, 'utf8').split(from).length - 1;
  if (file === 'template') expect(places).toBeGreaterThan(0);
  else expect(places).toBe(1);
});

test('faults are drawn from the seed alone, of every kind', () => {
  const field = { callers: { Relay: 10 }, sources: { 'aws.ssm': 5 }, spanMs: 1_000, executionCount: 2 };
  const draw = (seed: number) => drawFaults(createRandom(`${seed}`), field);
  expect(draw(7)).toEqual(draw(7));
  const drawn = Array.from({ length: 100 }, (_, seed) => draw(seed)).flat();
  expect(new Set(drawn.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
});

test('each cell of the table is aimed at in turn, by the seed alone', () => {
  const aim = (seed: number) => aimFaults({ ...turnOf(`${seed}`), callCounts: { Relay: 10 } }, createRandom(`${seed}`));
  expect(aim(7)).toEqual(aim(7));
  const seedCount = (variants.length * cells.length) / aimedCount;
  const kinds = Array.from({ length: seedCount }, (_, seed) => aim(seed)).flat();
  expect(new Set(kinds.map(({ kind }) => kind))).toEqual(new Set(faultKinds));
});

test.each([
  ['a payload beyond its limit', 'SendTaskSuccess', { output: 'x'.repeat(256 * 1024 + 1) }, 'law 7'],
  ['a command without a slot', 'SendCommand', { Comment: 'object-workflow a-1', InstanceIds: ['i-1'] }, 'law 4'],
])('the observer reports %s', (_, operation, input, law) => {
  const observer = new Observer(10, false);
  observer.see({ kind: 'call', service: 'states', operation, caller: 'Relay', input, atMs: 0 });
  expect(observer.violations).toEqual([expect.stringContaining(law)]);
});

/** A world in which nothing was broken, until a test breaks it behind everybody's back. */
describe('laws that no fault makes the workflow break', () => {
  let world: World;
  const observer = new Observer(10_000, false);
  beforeAll(async () => {
    const simulation = await simulate(join(assembly, 'copies'), { onEvent: observer.see, clients: 'direct' });
    const workload = { uploads: [], cancelledCommands: new Set<string>(), redriven: new Set<string>() };
    world = { variant: 'copies', simulation, instances: new SimulatedInstances(simulation), workload, observer };
    await uploadAnother('a');
    expect(await violations()).toEqual([]);
  }, 60_000);
  afterAll(() => world.simulation.close());

  const violations = async () => [...(await checkRest(world)), ...checkRecovery(world), ...observer.violations];
  const uploadAnother = async (id: string): Promise<void> => {
    const content = { id, behaviour: 'stores', durationMs: 60_000 } as const;
    world.workload.uploads.push(await uploadObject(world.simulation, `incoming/${id}.csv`, content));
    await world.simulation.settle();
  };
  const ec2 = () => world.simulation.services.ec2;
  const onlyInstance = () => [...ec2().instances.all.keys()][0]!;
  const launchForTry = () => ec2().instances.launch({ tags: new Map([[launchTagKeys.run, 'operation-1']]) });
  const createImage = (name: string) =>
    world.simulation.call('ec2', 'CreateImage', { InstanceId: onlyInstance(), Name: name });

  const breakages: readonly (readonly [string, () => unknown, string])[] = [
    [
      'an upload that nobody heard of',
      () => world.workload.uploads.push({ ...world.workload.uploads[0]!, versionId: 'unheard' }),
      'law 1: 1 uploads started nothing',
    ],
    [
      'results published twice',
      async () => {
        const { pk, sk } = world.simulation.records()[0]!;
        const publish = (prefix: string): void =>
          observer.see({
            ...{ kind: 'call', service: 'dynamodb', operation: 'UpdateItem', caller: 'StoreResults', atMs: 0 },
            input: {
              Key: toItem({ pk, sk }),
              UpdateExpression: 'SET #results = :results',
              ExpressionAttributeValues: toItem({ ':results': { prefix }, ':me': 'execution' }),
            },
          });
        publish('one/');
        publish('other/');
      },
      'law 2: results of version#',
    ],
    ['an instance that was launched and left', launchForTry, 'was launched for an operation, and is'],
    ['two launches for one try', launchForTry, 'law 2: several instances were launched for try operation-1'],
    ['an image that nobody knows of', () => createImage('stray'), 'law 4: nobody knows of image stray'],
    [
      'images that nobody removes',
      async () => {
        for (const name of ['old-1', 'old-2', 'old-3']) await createImage(name);
        await world.simulation.advance(10 * 60_000);
        await uploadAnother('b');
      },
      'law 4: image old-1 in home should have been removed',
    ],
    [
      'a snapshot that is left of an image',
      async () => {
        const { ImageId } = await createImage('removed');
        await world.simulation.call('ec2', 'DeregisterImage', { ImageId });
      },
      'in home has outlived its image',
    ],
    [
      'a copy that is not complete',
      () => {
        for (const copy of ec2().in(copyRegion).images.all.values()) copy.failure = 'none';
      },
      'names a copy that is not complete',
    ],
    [
      'a call that the role may not make',
      async () => {
        const { arn } = [...world.simulation.services.iam.roles.values()].find(({ name }) => name.includes('Relay'))!;
        const input = { InstanceIds: [onlyInstance()] };
        const call = { service: 'ec2', operation: 'TerminateInstances', input, principal: { id: arn, session: 'x' } };
        await expect(world.simulation.cloud.call(call as never)).rejects.toThrow('not authorized');
      },
      'may not ec2:TerminateInstances',
    ],
  ];
  test.each(breakages)('%s', async (_, breakIt, law) => {
    expect((await violations()).join('\n')).not.toContain(law);
    await breakIt();
    expect((await violations()).join('\n')).toContain(law);
  });

  test.each([
    ['has 25000 events', Array.from({ length: 25_000 }, (_, id) => ({ type: 'TaskScheduled', id }))],
    [
      'has an event of',
      [{ type: 'TaskSucceeded', id: 1, taskSucceededEventDetails: { output: 'x'.repeat(256 * 1024 + 1) } }],
    ],
    [
      'looked 5 times at Process on EC2',
      [
        { type: 'TaskStateEntered', id: 1, timestamp: 0, stateEnteredEventDetails: { name: 'Process on EC2' } },
        ...Array.from({ length: 5 }, (_, index) => ({
          ...{ type: 'TaskTimedOut', id: index + 2, previousEventId: index + 1, timestamp: index },
        })),
      ],
    ],
  ])('a history that %s', (law, history) => {
    const execution = { name: 'execution', history, enteredStates: [], redriveCount: 0 };
    const simulation = { executions: [execution], faults: { hits: [] } } as unknown as Simulation;
    expect(checkBudgets(simulation, 'group')).toContainEqual(
      expect.stringContaining(`law 7: execution execution ${law}`),
    );
  });
});

test('a list of faults is shortened to those that matter', async () => {
  const faults = Array.from({ length: 20 }, (_, index) => ({
    ...({ kind: 'throttled', caller: 'Relay', times: 1 } as const),
    call: index,
  }));
  const needs = [3, 17];
  const shortest = await shortenFaults(faults, (some) =>
    Promise.resolve(needs.every((call) => some.some((fault) => fault.call === call))),
  );
  expect(shortest).toEqual(needs.map((call) => faults[call]));
});

function firstSeed(): number {
  const given = process.env['SIMULATION_SEED'];
  if (given !== undefined) return Number(given);
  try {
    return parseInt(execFileSync('git', ['rev-parse', 'HEAD'], { encoding: 'utf8' }).slice(0, 7), 16);
  } catch {
    return 1;
  }
}
