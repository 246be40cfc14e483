/** The command `object-workflow`, called with words that nobody should type: each call is refused, clearly, and nothing happens. */
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join, resolve } from 'node:path';
import fc from 'fast-check';
import { main } from '../../local/cli/main';
import { printable } from '../../local/cli/text';
import { same } from './claim-layer';
import { canary, fixedTexts, hostileText } from './hostile-text';

/** How a call ended. */
interface CallEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A call none of whose words is right. A program never gets NUL: the system ends words there. */
const word = hostileText
  .map((text) => text.replaceAll('\0', ''))
  .filter((text) => !/^(-h|--help|-V|--version|help)$/.test(text))
  // With enough steps back, even an absolute path may come to a file of this machine, which is no wrong word then.
  .filter((text) => !text.startsWith('/') || !existsSync(resolve(text)));
const commands = fc.constantFrom('run', 'check', 'graph', 'cost', 'history');
const options = fc.constantFrom(
  ...[
    '--app',
    '--example',
    '--out',
    '--prefix',
    '--seed',
    '--fault',
    '--json',
    '--machine',
    '--objects',
    '--execution',
  ],
);
const wrongCall: fc.Arbitrary<readonly string[]> = fc.oneof(
  fc.array(word, { minLength: 1, maxLength: 3 }),
  fc.tuple(commands, word).map((words) => words),
  fc
    .tuple(
      commands,
      fc.array(
        fc.oneof(
          options,
          word,
          fc.tuple(options, word).map(([name, text]) => `${name}=${text}`),
        ),
        { minLength: 1, maxLength: 5 },
      ),
    )
    .map(([command, words]) => [command, ...words]),
);

/** What would end a line, command a terminal or turn the direction of writing. A line feed ends our own lines. */
const unprintable = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

/** Calls the command with the fixed texts in every place, and with that many drawn ones.
 * @returns the number of calls
 * @throws Error for the first one that is not refused clearly, or leaves something behind */
export async function checkCommandLine({
  runs,
  seed,
}: {
  readonly runs: number;
  readonly seed: number;
}): Promise<number> {
  return inSandbox(async ({ work, wasEvaluated }) => {
    const calls = [...fixedCalls(), ...fc.sample(wrongCall, { numRuns: runs, seed })];
    for (const words of calls) {
      check(words, await call(words));
      same(readdirSync(work).join(), '', `what ${JSON.stringify(words)} left behind`);
      same(wasEvaluated(), false, `whether ${JSON.stringify(words)} was evaluated`);
    }
    return calls.length;
  });
}

interface Sandbox {
  /** The current folder, empty at first. */
  readonly work: string;
  readonly wasEvaluated: () => boolean;
}

async function inSandbox<Result>(run: (sandbox: Sandbox) => Promise<Result>): Promise<Result> {
  const sandbox = mkdtempSync(join(tmpdir(), 'hostile-words-'));
  const before = { folder: process.cwd(), path: process.env['PATH'] };
  // So deep that no path out of it leads to a file that exists.
  const [bin, work] = ['bin', 'a/b/c/d/work'].map((name) => join(sandbox, name)) as [string, string];
  for (const folder of [bin, work]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(bin, canary), `#!/bin/sh\n: >'${sandbox}/evaluated'\n`);
  chmodSync(join(bin, canary), 0o755);
  process.chdir(work);
  process.env['PATH'] = `${bin}${delimiter}${before.path ?? ''}`;
  try {
    return await run({ work, wasEvaluated: () => existsSync(join(sandbox, 'evaluated')) });
  } finally {
    process.chdir(before.folder);
    process.env['PATH'] = before.path;
    rmSync(sandbox, { recursive: true, force: true });
  }
}

/** Uploads files with hostile names by the command, through the whole workflow, in real bash.
 * @param assembly Directory of a synthesized app.
 * @returns the number of files
 * @throws Error when a name is evaluated, or shown as it is */
export async function checkFileNames(assembly: string): Promise<number> {
  return inSandbox(async ({ work, wasEvaluated }) => {
    const names = fixedTexts
      .filter((text) => !/[/\0\ud800]/.test(text) && Buffer.byteLength(text) < 200)
      .map((text) => `${text}.csv`);
    mkdirSync(join(work, 'input'));
    for (const name of names) writeFileSync(join(work, 'input', name), 'no,sales\n');
    const files = names.map((name) => join('input', name));
    const { exitCode, stdout, stderr } = await call([
      'run',
      '--app',
      assembly,
      '--out',
      join(work, 'out'),
      '--',
      ...files,
    ]);
    // None of them holds sales.
    same(exitCode, 1, `the exit code\n${stderr.slice(-2000)}`);
    for (const text of [stdout, stderr]) {
      if (unprintable.test(text)) throw new Error(`the terminal would be told something: ${JSON.stringify(text)}`);
    }
    const shown = names.filter((name) => !stdout.includes(printable(name)));
    same(shown.join(), '', 'names that the summary does not show');
    same(wasEvaluated(), false, 'whether a name was evaluated');
    return names.length;
  });
}

function fixedCalls(): string[][] {
  return fixedTexts
    .map((text) => text.replaceAll('\0', ''))
    .flatMap((text) => [
      [text],
      ['run', '--', text],
      ['run', '--example', text],
      ['run', '--app', text],
      ['run', 'none.csv', '--example', 'sales-report', '--fault', text, '--seed', text, '--prefix', text],
      ['check', '--', text],
      ['graph', '--', text],
      ['history', '--execution', text],
      ['cost', '--objects', text],
    ]);
}

function check(words: readonly string[], { exitCode, stdout, stderr }: CallEnd): void {
  const shown = `\n${stderr}\nof ${JSON.stringify(words)}`;
  if (exitCode !== 2) throw new Error(`exit code ${exitCode} instead of 2${shown}`);
  same(stdout, '', `the standard output${shown}`);
  if (/^ {4}at /m.test(stderr)) throw new Error(`a stack trace${shown}`);
  if (!/^error: .+/.test(stderr)) throw new Error(`no clear error${shown}`);
  if (unprintable.test(stderr)) throw new Error(`the terminal would be told something${JSON.stringify(shown)}`);
  const known = /^(error: |\(Did you mean |\(object-workflow --help |  got: |  allowed: |  fix: |$)/;
  const forged = stderr.split('\n').find((line) => !known.test(line));
  if (forged !== undefined) throw new Error(`a line of somebody else's: ${forged}${shown}`);
}

async function call(words: readonly string[]): Promise<CallEnd> {
  const written = { stdout: '', stderr: '' };
  const originals = (['stdout', 'stderr'] as const).map((name) => {
    const { write } = process[name];
    process[name].write = ((text: string | Uint8Array) => {
      written[name] += String(text);
      return true;
    }) as typeof write;
    return { name, write };
  });
  try {
    return { exitCode: await main(words), ...written };
  } finally {
    for (const { name, write } of originals) process[name].write = write;
  }
}
