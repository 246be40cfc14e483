/** `npm run demo`: runs an example's own `demo.ts` where it has one, and otherwise its input through its workflow. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Demonstration } from './demonstration';

const words = process.argv.slice(2);
const { values } = parseArgs({ args: words, options: { example: { type: 'string' } }, strict: false });
const name = typeof values['example'] === 'string' ? values['example'] : 'sales-report';
const script = join(__dirname, name, 'demo.ts');

if (/^[\w-]+$/.test(name) && existsSync(script)) void demonstrate();
else process.exitCode = runWorkflow();

async function demonstrate(): Promise<void> {
  const { serve } = readOptions();
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  process.once('SIGTERM', () => interruption.abort());
  const { demonstration } = (await import(script)) as { readonly demonstration: Demonstration };
  try {
    await demonstration({
      say: (line) => void process.stdout.write(`${line}\n`),
      serve,
      interrupted: interruption.signal,
    });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exitCode = 1;
  }
}

function readOptions(): { readonly serve: boolean } {
  try {
    const { values } = parseArgs({ args: words, options: { example: { type: 'string' }, serve: { type: 'boolean' } } });
    return { serve: values.serve === true };
  } catch (error) {
    process.stderr.write(`error: ${(error as Error).message}\n  allowed: --example NAME, --serve\n`);
    return process.exit(2);
  }
}

/** The command line says what it does not understand. */
function runWorkflow(): number {
  const command = resolve(__dirname, '../dist/local/cli/main.js');
  const named = values['example'] === undefined ? ['--example', name] : [];
  const { status, signal } = spawnSync(process.execPath, [command, 'run', ...named, ...words], { stdio: 'inherit' });
  return status ?? (signal === null ? 1 : 128);
}
