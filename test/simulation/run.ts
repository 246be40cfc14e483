/** `npm run simulation`: runs many seeds on all processors, or shows that each mutant is found.
 * Options: --seeds N, --seed S (the first), --objects M, --jobs J, --mutants, --only TEXT. */
import { fork, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { synthesizeVariants } from './assembly';
import { coverageTable, emptyCells } from './coverage';
import type { Mutant } from './mutants';
import { mutateAssembly } from './mutate-assembly';
import { readOptions, UsageError, type SimulationOptions } from './options';
import { runSeed } from './run-seed';
import type { Told } from './seed-process';
import { shortenFaults } from './shorten';

const options = optionsOrExit();
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
    process.exitCode = options.mutants === undefined ? await runSeeds() : await findMutants(options.mutants);
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
  const { seedCount, objectCount } = options;
  const startedAtMs = performance.now();
  const coverage = new Map<string, number>();
  const violating: Told[] = [];
  let done = 0;
  await runProcesses(assembly, ({ places, ...told }) => {
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
  return done === seedCount && violating.length === 0 ? 0 : 1;
}

/** Shows the shortest list of faults that goes on to violate a law, and what happens. */
async function explain({ seed, faults }: Told): Promise<void> {
  const { objectCount } = options;
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
async function findMutants(chosen: readonly Mutant[]): Promise<number> {
  let foundCount = 0;
  for (const mutant of chosen) {
    const mutated = join(folder, 'mutant');
    await mutateAssembly(assembly, mutated, mutant);
    let other: Told | undefined;
    let found: Told | undefined;
    await runProcesses(mutated, (told) => {
      if (told.violations.some((violation) => mutant.law.test(violation))) found ??= told;
      else if (told.violations.length > 0) other ??= told;
      return found !== undefined;
    });
    rmSync(mutated, { recursive: true, force: true });
    if (found !== undefined) foundCount++;
    print(`${mutant.name}\n  ${describeSearch(mutant, found, other)}`);
  }
  print(`${foundCount} of ${chosen.length} mutants found`);
  return foundCount === chosen.length ? 0 : 1;
}

function describeSearch({ law }: Mutant, found: Told | undefined, other: Told | undefined): string {
  const { seedCount } = options;
  if (found !== undefined) {
    return `found by seed ${found.seed}: ${found.violations.find((violation) => law.test(violation))}`;
  }
  if (other === undefined) return `NOT FOUND in ${seedCount} seeds`;
  return `NOT FOUND by ${law} in ${seedCount} seeds, only by seed ${other.seed}: ${other.violations.join('; ')}`;
}

/** Shares the seeds out among processes.
 * @param tell Told of each seed; true ends all. */
async function runProcesses(assembly: string, tell: (told: Told) => boolean): Promise<void> {
  const { firstSeed, seedCount, objectCount } = options;
  const jobs = Math.min(options.jobCount, seedCount);
  // Nearly all that a seed makes is garbage by its end: with more room for what is young, little of it is ever moved. Each processor
  // has a process of its own, so that threads which collect would only stand in the other one's way.
  const execArgv = ['--max-semi-space-size=128', '--single-threaded-gc'];
  const started = Array.from({ length: jobs }, (_, index) => {
    const count = Math.ceil((seedCount - index) / jobs);
    const share = { assembly, first: firstSeed + index, step: jobs, count, objects: objectCount };
    const words = Object.entries(share).flatMap(([name, value]) => [`--${name}`, `${value}`]);
    return fork(bundle, words, { execArgv });
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

function optionsOrExit(): SimulationOptions {
  try {
    return readOptions(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(2);
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  process.exitCode = 1;
});
