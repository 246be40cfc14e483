/** `npm run simulation`: runs many seeds on all processors, or shows that each mutant is found.
 * Options: --seeds N, --seed S (the first), --objects M, --jobs J, --mutants, --only TEXT. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { synthesizeVariants } from './assembly';
import { coverageTable, emptyCells } from './coverage';
import { mutants, type Mutant } from './mutants';
import { mutateAssembly } from './mutate-assembly';
import { runSeed, type SeedResult } from './run-seed';
import { shortenFaults } from './shorten';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    seed: { type: 'string', default: '1' },
    objects: { type: 'string', default: '5' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    mutants: { type: 'boolean', default: false },
    /** Only mutants whose name holds this. */
    only: { type: 'string', default: '' },
    /** Set for the processes that this one starts. */
    assembly: { type: 'string' },
    step: { type: 'string', default: '1' },
  },
});
const objectCount = wholeNumber('objects', values.objects);
const firstSeed = wholeNumber('seed', values.seed);
const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** What a process tells of a seed. */
type Told = Pick<SeedResult, 'seed' | 'violations' | 'places' | 'callCount' | 'faults'>;

async function main(): Promise<void> {
  process.env['CDK_VALIDATION'] ??= 'false';
  if (values.assembly !== undefined) return runAsChild(values.assembly);
  const folder = mkdtempSync(join(tmpdir(), 'object-workflow-simulation-'));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(signal, folder));
  try {
    const assembly = join(folder, 'assembly');
    synthesizeVariants(assembly);
    process.exitCode = values.mutants ? await findMutants(assembly) : await runSeeds(assembly);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends as a process does that does nothing about the signal, but leaves nothing behind. */
function stop(signal: NodeJS.Signals, folder: string): void {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, signal);
}

/** The processes that run seeds at this moment. */
const children = new Set<ChildProcess>();

/** @returns the exit code */
async function runSeeds(assembly: string): Promise<number> {
  const count = wholeNumber('seeds', values.seeds ?? '100');
  const startedAtMs = performance.now();
  const coverage = new Map<string, number>();
  const violating: Told[] = [];
  let done = 0;
  await runProcesses(assembly, firstSeed, count, ({ places, ...told }) => {
    for (const place of places) coverage.set(place, (coverage.get(place) ?? 0) + 1);
    if (told.violations.length > 0) {
      violating.push({ places, ...told });
      print(`seed ${told.seed} violates: ${told.violations.join('; ')}`);
    }
    if (++done % 100 === 0) print(`${done} seeds, ${rate(done, startedAtMs)}`);
    return false;
  });
  print(`${done} seeds of ${objectCount} objects, ${rate(done, startedAtMs)}, ${violating.length} in violation`);
  print(`Faults by what they hit ("-": not yet, "·": cannot be):\n${coverageTable(coverage)}`);
  const empty = emptyCells(coverage);
  print(empty.length === 0 ? 'Every fault has hit all that it can hit' : `Not hit yet: ${empty.join('; ')}`);
  const first = violating.sort((a, b) => Number(a.seed) - Number(b.seed))[0];
  if (first !== undefined) await explain(assembly, first);
  return done === count && violating.length === 0 ? 0 : 1;
}

/** Shows the shortest list of faults that goes on to violate a law, and what happens. */
async function explain(assembly: string, { seed, faults }: Told): Promise<void> {
  const run = (some: Told['faults'], keepsLines = false) =>
    runSeed({ assembly, seed, objectCount, faults: some, keepsLines });
  const shortest = await shortenFaults(faults, async (some) => (await run(some)).violations.length > 0);
  const { lines, violations } = await run(shortest, true);
  print(`\nSeed ${seed}, with ${shortest.length} of its ${faults.length} faults:`);
  print(shortest.map((fault) => `  ${JSON.stringify(fault)}`).join('\n'));
  print(`History, in seconds:\n${lines.join('\n')}`);
  print(`Violations:\n${violations.map((violation) => `  ${violation}`).join('\n')}`);
  print(`Again: npm run simulation -- --seed ${seed} --seeds 1 --objects ${objectCount}`);
}

/** @returns the exit code: 1 when a mutant was not found, or for another reason than it should be */
async function findMutants(assembly: string): Promise<number> {
  const count = wholeNumber('seeds', values.seeds ?? '1000');
  let foundCount = 0;
  const chosen = mutants.filter(({ name }) => name.includes(values.only));
  for (const mutant of chosen) {
    const mutated = join(assembly, '..', 'mutant');
    await mutateAssembly(assembly, mutated, mutant);
    let other: Told | undefined;
    let found: Told | undefined;
    await runProcesses(mutated, firstSeed, count, (told) => {
      if (told.violations.some((violation) => mutant.law.test(violation))) found ??= told;
      else if (told.violations.length > 0) other ??= told;
      return found !== undefined;
    });
    rmSync(mutated, { recursive: true, force: true });
    if (found !== undefined) foundCount++;
    print(`${mutant.name}\n  ${describeSearch(mutant, count, found, other)}`);
  }
  print(`${foundCount} of ${chosen.length} mutants found`);
  return foundCount === chosen.length ? 0 : 1;
}

function describeSearch({ law }: Mutant, count: number, found: Told | undefined, other: Told | undefined): string {
  if (found !== undefined) {
    return `found by seed ${found.seed}: ${found.violations.find((violation) => law.test(violation))}`;
  }
  if (other === undefined) return `NOT FOUND in ${count} seeds`;
  return `NOT FOUND by ${law} in ${count} seeds, only by seed ${other.seed}: ${other.violations.join('; ')}`;
}

/** Shares the seeds out among processes.
 * @param tell Told of each seed; true ends all. */
async function runProcesses(
  assembly: string,
  first: number,
  count: number,
  tell: (told: Told) => boolean,
): Promise<void> {
  const jobs = Math.min(wholeNumber('jobs', values.jobs), count);
  // Nearly all that a seed makes is garbage by its end: with more room for what is young, little of it is ever moved.
  const execArgv = [...process.execArgv, '--max-semi-space-size=32'];
  const started = Array.from({ length: jobs }, (_, index) => {
    const share = [
      '--seed',
      `${first + index}`,
      '--step',
      `${jobs}`,
      '--seeds',
      `${Math.ceil((count - index) / jobs)}`,
    ];
    return fork(__filename, ['--assembly', assembly, ...share, '--objects', `${objectCount}`], { execArgv });
  });
  const ended = started.map(
    (child) =>
      new Promise<void>((resolve) => {
        children.add(child);
        child.on('message', (told: Told) => {
          if (tell(told)) for (const each of started) each.kill();
        });
        child.on('exit', () => {
          children.delete(child);
          resolve();
        });
      }),
  );
  await Promise.all(ended);
}

async function runAsChild(assembly: string): Promise<void> {
  // Functions report the stack of what they throw; to map each of them back costs more than the function.
  process.setSourceMapsEnabled(false);
  const count = wholeNumber('seeds', values.seeds ?? '1');
  const step = wholeNumber('step', values.step);
  for (let index = 0; index < count; index++) {
    const result = await runSeed({ assembly, seed: `${firstSeed + index * step}`, objectCount });
    const { seed, violations, places, callCount, faults } = result;
    await new Promise((resolve) =>
      process.send!({ seed, violations, places, callCount, faults } satisfies Told, resolve),
    );
  }
  process.disconnect();
}

function rate(count: number, startedAtMs: number): string {
  return `${((count * 1000) / (performance.now() - startedAtMs)).toFixed(2)} seeds a second`;
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text);
  throw new Error(`--${name} is no whole number\n  got: ${text}\n  allowed: 0 and above\n  fix: give a number`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
