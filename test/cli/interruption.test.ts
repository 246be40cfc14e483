/** The demo as a process of its own: interrupted at any moment it ends, and leaves neither files nor processes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'interruption-')));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where the demo makes temporary files. */
const temporary = join(folder, 'temporary');
mkdirSync(temporary);

/** Starts the demo.
 * @param onText Called whenever more has been written to standard error. */
async function demo(
  name: string,
  onText: (child: ChildProcess, text: string) => void,
): Promise<Ended & { readonly left: string[] }> {
  const child = spawn(
    process.execPath,
    [join(root, 'dist/local/cli/main.js'), 'run', '--example', 'sales-report', '--out', join(folder, `${name}-out`)],
    { cwd: folder, env: { ...process.env, TMPDIR: temporary }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => {
    text.stderr += chunk.toString('utf8');
    onText(child, text.stderr);
  });
  const exitCode = await new Promise<number | null>((end) => child.on('close', end));
  // tsx keeps what it has compiled in a cache of its own, for the next time.
  const left = readdirSync(temporary).filter((entry) => !/^(tsx-|node-compile-cache)/.test(entry));
  return { exitCode, ...text, left };
}

test.each([
  ['while the app is synthesized', 'Synthesizing', 'SIGINT', 130],
  ['while the workflow runs', 'Claim object', 'SIGINT', 130],
  ['by the system while the workflow runs', 'Claim object', 'SIGTERM', 143],
] as const)('interrupted %s it ends and leaves nothing', async (_, moment, signal, expected) => {
  let sent = false;
  const { exitCode, left } = await demo(`${moment}-${signal}`.replaceAll(' ', '-'), (child, text) => {
    if (!sent && text.includes(moment)) sent = child.kill(signal);
  });

  expect({ sent, exitCode, left }).toEqual({ sent: true, exitCode: expected, left: [] });
  expect(processesIn(folder)).toEqual([]);
});

test('left alone it stores the example’s object and leaves nothing but its results', async () => {
  const { exitCode, stdout, stderr, left } = await demo('alone', () => undefined);

  expect({ exitCode, left }).toEqual({ exitCode: 0, left: [] });
  expect(stdout).toContain('incoming/sales.csv  STORED');
  expect(readdirSync(join(folder, 'alone-out')).sort()).toEqual(['run.json', 'sales.csv']);
  const [, shown] = /^```text\n([\s\S]*?)^```/m.exec(readFileSync(join(root, 'README.md'), 'utf8'))!;
  expect(comparable(shown!)).toEqual(comparable(stderr + stdout.replaceAll('alone-out', 'out/sales-report')));
});

/** The README's output is real: line by line the same but for generated names, sizes of paths and real time. */
function comparable(output: string): string[] {
  return output
    .replace(/^Synthesizing .*$/m, 'Synthesizing')
    .replace(/[\d.]+ s\.$/gm, 'real time')
    .replace(/[0-9A-Fa-f]{8,}|\d{8}T\d+Z/g, 'generated')
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** Processes whose environment or command line names the folder: Linux shows them under /proc. */
function processesIn(path: string): string[] {
  const read = (file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch {
      return '';
    }
  };
  const ids = process.platform === 'linux' ? readdirSync('/proc').filter((name) => /^\d+$/.test(name)) : [];
  return ids
    .filter((id) => Number(id) !== process.pid)
    .filter((id) => read(`/proc/${id}/environ`).includes(path) || read(`/proc/${id}/cmdline`).includes(path))
    .map((id) => read(`/proc/${id}/cmdline`).replaceAll('\0', ' '));
}
