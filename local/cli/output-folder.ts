/** Where a run leaves its results on this machine: a folder that a later run may replace, and nothing else may be lost from. */
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path';
import type { ExecutionResult, RunResult } from './run-result';
import { UsageError } from './usage-error';

/** Holds the run; its presence says that the folder is ours to replace. */
export const runFile = 'run.json';

/** A file to write, by its path below the folder. */
export interface OutputFile {
  readonly path: string;
  readonly body: Uint8Array;
}

/** Finds out before a run whether its results can be written, so that no run is in vain.
 * @returns the absolute path
 * @throws UsageError when the folder holds anything that no run wrote */
export function checkOutputFolder(directory: string): string {
  const path = resolve(directory);
  let names: string[] = [];
  try {
    if (existsSync(path)) names = readdirSync(path);
    // It is made when there is something to write: a run that fails leaves no empty folder.
    accessSync(nearestFolder(path), constants.W_OK);
  } catch (cause) {
    throw new UsageError({
      what: 'The results cannot be written',
      where: '--out',
      got: `${path} (${(cause as NodeJS.ErrnoException).code ?? String(cause)})`,
      allowed: 'a folder, or a path where one can be made',
      fix: 'name another folder with --out DIR',
      cause,
    });
  }
  if (names.length === 0 || names.includes(runFile)) return path;
  throw new UsageError({
    what: 'The folder for the results holds other files',
    where: '--out',
    got: `${path} with ${names.slice(0, 5).join(', ')}`,
    allowed: 'a new or empty folder, or one that an earlier run wrote',
    fix: 'name another folder with --out DIR',
  });
}

/** The folder itself, or the nearest one above it that exists. */
function nearestFolder(path: string): string {
  if (!existsSync(path)) return nearestFolder(dirname(path));
  readdirSync(path);
  return path;
}

/** Replaces an earlier run's files with those of this one. Without a pause in between, so that a signal cannot come half-way. */
export function writeOutput(directory: string, run: RunResult, files: readonly OutputFile[]): void {
  mkdirSync(directory, { recursive: true });
  for (const file of filesOfEarlierRun(directory)) removeFile(directory, file);
  const paths = files.map(({ path }) => path);
  // First, so that the folder can be replaced even if the machine stops before the last file is written.
  writeFileSync(join(directory, runFile), `${JSON.stringify({ ...run, files: paths }, undefined, 1)}\n`);
  for (const { path, body } of files) {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), body);
  }
}

/** A path below the folder for text from outside: no part of it leaves the folder or is hidden. */
export function safePath(...parts: readonly string[]): string {
  return parts
    .flatMap((part) => part.split('/'))
    .filter((part) => part !== '')
    .map((part) =>
      part
        .replace(/[\u0000-\u001f\\:*?"<>|]/g, '_')
        .replace(/^\.+/, '_')
        .slice(-120),
    )
    .join(sep);
}

/** Reads a saved run.
 * @param directory The folder that a run named as its output. */
export function readSavedRun(directory: string): RunResult & { readonly executions: readonly ExecutionResult[] } {
  const path = join(resolve(directory), runFile);
  try {
    const run = JSON.parse(readFileSync(path, 'utf8')) as RunResult;
    if (run.formatVersion === 1) return run;
    throw new Error(`its formatVersion is ${JSON.stringify(run.formatVersion)}`);
  } catch (cause) {
    throw new UsageError({
      what: 'There is no saved run',
      where: 'RUN',
      got: `${path}: ${(cause as Error).message}`,
      allowed: 'a folder that "object-workflow run" wrote',
      fix: 'run object-workflow run first, or name its --out folder',
      cause,
    });
  }
}

function filesOfEarlierRun(directory: string): string[] {
  try {
    const { files } = JSON.parse(readFileSync(join(directory, runFile), 'utf8')) as { files?: unknown };
    return Array.isArray(files) ? files.filter((file) => typeof file === 'string') : [];
  } catch {
    return [];
  }
}

/** Removes a file and the folders that are empty without it, but nothing outside of the folder. */
function removeFile(directory: string, file: string): void {
  const path = normalize(file);
  if (isAbsolute(path) || path.startsWith('..')) return;
  rmSync(join(directory, path), { force: true });
  for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) {
    const absolute = join(directory, folder);
    if (!existsSync(absolute) || readdirSync(absolute).length > 0) return;
    rmSync(absolute, { recursive: true });
  }
}
