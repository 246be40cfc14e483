/** `npm run e2e`: deploys the examples to an AWS emulator with the CDK CLI, and drives them over the wire with the real SDK. */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Account } from './account';
import { bootstrap, deploy, synthesize, type Gap } from './deploy';
import { EmulatorMissingError, startEmulator, type Emulator } from './emulator';
import { avoidParallelAssign, probeParallelAssign } from './parallel-assign';
import { scenarios, type Scenario, type Stage } from './scenarios';
import { startStandIns } from './stand-ins';
import { copyAssembly, nameOf, readTemplates, useStandIns } from './templates';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const wanted = process.argv.slice(2);
  const known = scenarios.map(({ example }) => example);
  const unknown = wanted.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    process.stderr.write(
      `error: there is no scenario ${unknown.join(', ')}\n  allowed: ${known.join(', ')}; none runs all\n`,
    );
    return 2;
  }
  const folder = resolve('out/e2e');
  mkdirSync(folder, { recursive: true });
  const temporary = mkdtempSync(join(tmpdir(), 'object-workflow-e2e-'));
  let emulator: Emulator | undefined;
  try {
    emulator = await startEmulator(folder, temporary);
    return await runAll(wanted.length === 0 ? known : wanted, emulator, temporary);
  } catch (error) {
    if (!(error instanceof EmulatorMissingError)) throw error;
    print(`SKIPPED: the emulator cannot be installed here, so nothing was deployed to one.\n  ${error.message}`);
    return 0;
  } finally {
    await emulator?.stop();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @returns the exit code */
async function runAll(wanted: readonly string[], emulator: Emulator, temporary: string): Promise<number> {
  const began = performance.now();
  const parallelGap = await probeParallelAssign(emulator);
  if (parallelGap !== undefined) {
    print('The emulator ignores what a Parallel state assigns; the states after it read their input instead.');
    print(`  it says "${parallelGap}"`);
  }
  let failed = 0;
  for (const scenario of scenarios.filter(({ example }) => wanted.includes(example))) {
    failed += await runScenario(scenario, emulator, join(temporary, scenario.example), parallelGap !== undefined);
  }
  for (const example of examplesWithoutScenario()) print(`\n${example}\n  - has no scenario: it was not deployed`);
  print(`\n${failed === 0 ? 'Nothing failed' : `${failed} failed`} in ${seconds(performance.now() - began)}`);
  return failed === 0 ? 0 : 1;
}

function examplesWithoutScenario(): string[] {
  return readdirSync('examples').filter(
    (name) => existsSync(join('examples', name, 'cdk.json')) && !scenarios.some(({ example }) => example === name),
  );
}

/** @returns how many of its steps failed */
async function runScenario(
  scenario: Scenario,
  emulator: Emulator,
  folder: string,
  avoidsAssign: boolean,
): Promise<number> {
  print(`\n${scenario.example}: ${scenario.shows}`);
  const synthesized = join(folder, 'synthesized');
  const [forStandIns, forEmulator] = [join(folder, 'stand-ins'), join(folder, 'emulator')];
  await synthesize(scenario.example, synthesized, emulator);
  copyAssembly(synthesized, forStandIns);
  copyAssembly(synthesized, forEmulator);
  const standIns = await startStandIns(forStandIns, emulator);
  try {
    if (avoidsAssign) avoidParallelAssign(forEmulator);
    useStandIns(forEmulator, standIns.endpoint);
    await bootstrap(emulator);
    const began = performance.now();
    report(await deploy(forEmulator, emulator), performance.now() - began);
    const name = (logicalId: string, type: string): string => findName(forEmulator, logicalId, type);
    return await runSteps(scenario, { account: new Account(emulator), emulator, folder, nameOf: name });
  } catch (error) {
    print(`  ✗ is deployed\n    ${(error as Error).message.replaceAll('\n', '\n    ')}`);
    return 1;
  } finally {
    await scenario.end?.();
    await standIns.stop();
  }
}

/** Each step goes on where the one before has ended, so none is tried after one that failed.
 * @returns how many of the steps failed */
async function runSteps({ steps }: Scenario, stage: Stage): Promise<number> {
  let failed = 0;
  for (const [title, step] of Object.entries(steps)) {
    if (failed > 0) {
      print(`  - ${title}: not tried`);
      continue;
    }
    const startMs = performance.now();
    try {
      const gap = await step(stage);
      print(`  ✓ ${title} (${seconds(performance.now() - startMs)})`);
      if (gap !== undefined) print(`    ${gap}`);
    } catch (error) {
      failed++;
      print(`  ✗ ${title}\n    ${(error as Error).message.replaceAll('\n', '\n    ')}`);
    }
  }
  return failed;
}

function findName(assembly: string, logicalId: string, type: string): string {
  const found = Object.values(readTemplates(assembly))
    .flatMap(({ Resources: resources }) => Object.entries(resources))
    .find(([id, resource]) => id.startsWith(logicalId) && resource.Type === type);
  if (found === undefined) throw new Error(`The template has no ${type} ${logicalId}`);
  return nameOf(found[0]);
}

function report(gaps: readonly Gap[], durationMs: number): void {
  print(`  ✓ is deployed by the CDK CLI (${seconds(durationMs)})`);
  for (const error of new Set(gaps.map((gap) => gap.error))) {
    const whats = gaps.filter((gap) => gap.error === error).map(({ what }) => what);
    print(`    the emulator says "${error}", so without`);
    for (const what of whats) print(`      ${what}`);
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}

main().then(
  (exitCode) => (process.exitCode = exitCode),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  },
);
