/** A short form of `npm run simulation`: a few seeds that no run before has seen, from the commit. SIMULATION_SEED repeats them. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRandom } from '../../local/random';
import { drawFaults, faultKinds } from '../../local';
import { aimFaults, cells } from './aim';
import { turnOf, synthesizeVariants, templateFile } from './assembly';
import { mutants } from './mutants';
import { Observer } from './observer';
import { runSeed } from './run-seed';
import { shortenFaults } from './shorten';

/** More seeds would be better, and longer than anybody waits for `npm test`. */
const timeLimitMs = 10_000;
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
  const kinds = Array.from({ length: cells.length }, (_, seed) => aim(seed)).flat();
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
