/** The manifest of an operation's results: written last by the instance, believed only after it is parsed strictly. */
import { TaskError } from './task-error';

/** Most result files of one operation; constructs/run-operation.sh refuses more on the instance. */
export const maximumResultFileCount = 10_000;

/** Biggest manifest that is read: every line at its longest (44 + 10 + 1,368 characters and separators). */
export const maximumManifestBytes = 15 * 1024 * 1024;

/** Where the manifest and the files lie below an operation's results prefix. */
export const manifestName = 'manifest.tsv';
export const filesFolder = 'files/';

/** One file that the command left in RESULTS_DIR. */
export interface ResultFile {
  /** Relative to RESULTS_DIR, with `/` between folders. */
  readonly path: string;
  readonly sizeBytes: number;
  /** Base64, as S3 reports it. */
  readonly sha256: string;
}

/** Name of the error of results that cannot be published. */
export const invalidResults = 'Results.Invalid';

/** Biggest object that S3 stores in one part, less one byte; bigger results have no SHA-256 of their own. */
const maximumFileBytes = 5 * 1024 ** 3 - 1;

/** Parses a manifest: one line a file, each its SHA-256 (base64), its size in bytes and its path (base64), separated by tabs.
 * @returns the files in the manifest's order; none when the command left none
 * @throws TaskError `Results.Invalid` for anything the instance's script would not have written: a damaged line, a path
 * that is absolute, empty or leads elsewhere, a file named twice, too many files
 * @example parseManifest('ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=\t3\tYQ==\n') // [{ path: 'a', sizeBytes: 3, … }] */
export function parseManifest(text: string): ResultFile[] {
  if (text === '') return [];
  if (!text.endsWith('\n'))
    throw invalid('its last line is cut off', text.slice(-100), 'lines that end with a line feed');
  // No more lines than are needed to know that there are too many: millions of empty ones would fill the memory.
  const lines = text.slice(0, -1).split('\n', maximumResultFileCount + 1);
  if (lines.length > maximumResultFileCount) {
    throw invalid('it names too many files', text.slice(0, 100), `at most ${maximumResultFileCount} files`);
  }
  const paths = new Set<string>();
  return lines.map((line) => {
    const file = parseLine(line);
    if (paths.has(file.path)) throw invalid('it names a file twice', file.path, 'each file once');
    paths.add(file.path);
    return file;
  });
}

function parseLine(line: string): ResultFile {
  const match =
    /^([A-Za-z0-9+/]{43}=)\t(0|[1-9]\d{0,9})\t((?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?)$/.exec(
      line,
    );
  if (match === null)
    throw invalid('a line is damaged', line, 'base64 SHA-256, size and base64 path, with tabs between');
  const [, sha256, size, encodedPath] = match as unknown as [string, string, string, string];
  const sizeBytes = Number(size);
  if (sizeBytes > maximumFileBytes) throw invalid('a file is too big', size, `at most ${maximumFileBytes} bytes`);
  return { path: parsePath(encodedPath), sizeBytes, sha256 };
}

function parsePath(encodedPath: string): string {
  const bytes = Buffer.from(encodedPath, 'base64');
  const path = bytes.toString('utf8');
  if (!Buffer.from(path, 'utf8').equals(bytes)) throw invalid('a path is not UTF-8', encodedPath, 'names in UTF-8');
  const leadsElsewhere = path.split('/').some((part) => part === '' || part === '.' || part === '..');
  if (leadsElsewhere || path.includes('\0') || bytes.length > 1024) {
    throw invalid(
      'a path does not stay below RESULTS_DIR',
      path,
      'relative paths of at most 1,024 bytes without "." and ".."',
    );
  }
  return path;
}

function invalid(what: string, got: string, allowed: string): TaskError {
  return new TaskError(
    invalidResults,
    `The manifest of the results cannot be used: ${what}\n  got: ${JSON.stringify(got.slice(0, 200))}\n  allowed: ${allowed}\n  fix: let only the workflow's own document write under the operation's prefix, then run the object again`,
  );
}
