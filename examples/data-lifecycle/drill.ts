/** Runs a restore drill on AWS: `npx tsx drill.ts outputs.json KEY`, with credentials of the stack's `DrillRole`. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { runRestoreDrill, type DrillSettings } from './restore-drill';

const [outputsFile, key] = process.argv.slice(2);

async function main(): Promise<void> {
  if (outputsFile === undefined || key === undefined) {
    throw new Error('Name the outputs and the object: npx tsx drill.ts outputs.json tours/…/van-7.csv');
  }
  const outputs = JSON.parse(readFileSync(outputsFile, 'utf8')) as {
    readonly DataLifecycle: { readonly DrillSettings: string };
  };
  const settings = JSON.parse(outputs.DataLifecycle.DrillSettings) as DrillSettings;
  await runRestoreDrill(settings, key, {
    client: (Client) => new Client({}),
    pause: (seconds) => sleep(seconds * 1000),
    say: (line) => void process.stdout.write(`${line}\n`),
  });
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
