/** `npm run simulation`: runs many seeds on all processors, or shows that each mutant is found.
 * Options: --seeds N, --seed S (the first), --objects M, --jobs J, --mutants, --only TEXT. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { synthesizeVariants } from './assembly';
import { coverageTable, emptyCells } from './coverage';
import { mutants, type Mutant } from './mutants';
import { mutateAssembly } from './mutate-assembly';
import { runSeed } from './run-seed';
import type { Told } from './seed-process';
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
  },
});
const objectCount = wholeNumber('objects', values.objects);
const firstSeed = wholeNumber('seed', values.seed);
const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** Where all that is made for a run stands: inside the project, so that the bundle finds its packages. */
const folder = temporaryFolder();
const assembly = join(folder, 'assembly');
const bundle = join(folder, 'seed-process.cjs');

async function main(): Promise<void> {
  process.env['CDK_VALIDATION'] ??= 'false';
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(signal));
  try {
    synthesizeVariants(assembly);
    await bundleSeedProcess();
    process.exitCode = values.mutants ? await findMutants() : await runSeeds();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function temporaryFolder(): string {
  const parent = join(__dirname, '..', '..', 'out');
  mkdirSync(parent, { recursive: true });
  return mkdtempSync(join(parent, 'simulation-'));
}

/** Ends as a process does that does nothing about the signal, but leaves nothing behind. */
function stop(signal: NodeJS.Signals): void {
  for (const child of children) child.kill();
  rmSync(folder, { recursive: true, force: true });
  process.kill(process.pid, signal);
}

/** The processes that run seeds at this moment. */
const children = new Set<ChildProcess>();

/** @returns the exit code */
async function runSeeds(): Promise<number> {
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
  if (first !== undefined) await explain(first);
  return done === count && violating.length === 0 ? 0 : 1;
}

/** Shows the shortest list of faults that goes on to violate a law, and what happens. */
async function explain({ seed, faults }: Told): Promise<void> {
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
async function findMutants(): Promise<number> {
  const count = wholeNumber('seeds', values.seeds ?? '1000');
  let foundCount = 0;
  const chosen = mutants.filter(({ name }) => name.includes(values.only));
  for (const mutant of chosen) {
    const mutated = join(folder, 'mutant');
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
  const execArgv = ['--max-semi-space-size=32'];
  const started = Array.from({ length: jobs }, (_, index) => {
    const share = { first: first + index, step: jobs, count: Math.ceil((count - index) / jobs), objects: objectCount };
    const options = Object.entries({ assembly, ...share }).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    return fork(bundle, options, { execArgv });
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

/** Writes what runs seeds into one file: it starts sooner, and no loader names each function again whenever it is made. */
async function bundleSeedProcess(): Promise<void> {
  const entryPoints = [join(__dirname, 'seed-process.ts')];
  await build({ entryPoints, outfile: bundle, bundle: true, platform: 'node', target: 'node20', packages: 'external' });
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
