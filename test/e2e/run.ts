/** `npm run e2e`: deploys the examples to an AWS emulator with the CDK CLI, and drives them over the wire with the real SDK. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { bootstrap, deploy, synthesize, type LeftOut } from './deploy';
import { EmulatorMissingError, startEmulator, type Emulator } from './emulator';
import { avoidParallelAssign, probeParallelAssign } from './parallel-assign';
import { scenarios, type Scenario } from './scenarios';
import { startStandIns } from './stand-ins';
import { Account } from './account';
import { copyAssembly, nameOf, readTemplates, useStandIns } from './templates';

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<number> {
  const wanted = process.argv.slice(2);
  const folder = resolve('out/e2e');
  mkdirSync(folder, { recursive: true });
  let emulator: Emulator;
  try {
    emulator = await startEmulator(folder);
  } catch (error) {
    if (!(error instanceof EmulatorMissingError)) throw error;
    print(`SKIPPED: the emulator cannot be installed here, so nothing was deployed to one.\n  ${error.message}`);
    return 0;
  }
  const temporary = mkdtempSync(join(tmpdir(), 'object-workflow-e2e-'));
  try {
    await bootstrap(emulator);
    const parallelGap = await probeParallelAssign(emulator);
    if (parallelGap !== undefined) {
      print('The emulator ignores what a Parallel state assigns; the states after it read their input instead.');
      print(`  it says "${parallelGap}"`);
    }
    let failed = 0;
    for (const scenario of scenarios.filter(({ example }) => wanted.length === 0 || wanted.includes(example))) {
      failed += await runScenario(scenario, emulator, join(temporary, scenario.example), parallelGap !== undefined);
    }
    return failed === 0 ? 0 : 1;
  } finally {
    await emulator.stop();
    rmSync(temporary, { recursive: true, force: true });
  }
}

/** @returns how many of its steps failed */
async function runScenario(
  scenario: Scenario,
  emulator: Emulator,
  folder: string,
  avoidsAssign: boolean,
): Promise<number> {
  print(`\n${scenario.example}`);
  const synthesized = join(folder, 'synthesized');
  await synthesize(scenario.example, synthesized, emulator);
  const [forStandIns, forEmulator] = [join(folder, 'stand-ins'), join(folder, 'emulator')];
  copyAssembly(synthesized, forStandIns);
  copyAssembly(synthesized, forEmulator);
  const standIns = await startStandIns(forStandIns, emulator);
  let failed = 0;
  try {
    if (avoidsAssign) avoidParallelAssign(forEmulator);
    useStandIns(forEmulator, standIns.endpoint);
    const account = new Account(emulator);
    const began = performance.now();
    report(await deploy(forEmulator, emulator), performance.now() - began);
    for (const [title, step] of Object.entries(scenario.steps)) {
      const startMs = performance.now();
      try {
        await step({ account, nameOf: (logicalId, type) => findName(forEmulator, logicalId, type) });
        print(`  ✓ ${title} (${seconds(performance.now() - startMs)})`);
      } catch (error) {
        failed++;
        print(`  ✗ ${title}\n    ${(error as Error).message.replaceAll('\n', '\n    ')}`);
      }
    }
  } catch (error) {
    failed++;
    print(`  ✗ is deployed\n    ${(error as Error).message.replaceAll('\n', '\n    ')}`);
  } finally {
    await standIns.stop();
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

function report(leftOut: readonly LeftOut[], durationMs: number): void {
  print(`  ✓ is deployed by the CDK CLI (${seconds(durationMs)})`);
  for (const { type, logicalIds, error } of leftOut) {
    print(`    without ${type} (${logicalIds.join(', ')}): the emulator says "${error}"`);
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
