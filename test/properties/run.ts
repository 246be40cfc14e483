/** `npm run properties -- --times 50 [NAME ...]`: tries the properties of all test files, or of those with that in their path, with so
 * many times the values that `npm test` draws. Each run draws others; a failure prints the seed that repeats it. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(__dirname, '../..');
const dayMs = 24 * 60 * 60 * 1000;

/** @returns the exit code */
function main(): number {
  const { times, parts } = readWords();
  if (!/^[1-9]\d{0,5}$/.test(times)) return refuse(`--times takes a whole number from 1, not ${JSON.stringify(times)}`);
  const files = propertyFiles().filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)));
  if (files.length === 0) return refuse(`no test file with properties has ${parts.join(' or ')} in its path`);
  const setup = join(__dirname, 'more-draws.ts');
  const words = [require.resolve('jest/bin/jest'), '--verbose', '--setupFiles', setup, '--testTimeout', `${dayMs}`];
  const { status } = spawnSync(process.execPath, [...words, '--runTestsByPath', ...files], {
    cwd: root,
    env: { ...process.env, PROPERTY_TIMES: times },
    stdio: 'inherit',
  });
  return status ?? 1;
}

function readWords(): { readonly times: string; readonly parts: readonly string[] } {
  const options = { times: { type: 'string', default: '50' } } as const;
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    return { times: values.times, parts: positionals };
  } catch (error) {
    // What parseArgs throws is about the words alone.
    process.exit(refuse((error as Error).message));
  }
}

function refuse(message: string): number {
  process.stderr.write(`error: ${message}\n`);
  return 2;
}

function propertyFiles(): string[] {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => join('test', file))
    .filter((file) => readFileSync(join(root, file), 'utf8').includes('fc.assert('));
}

process.exitCode = main();
