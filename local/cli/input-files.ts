/** The files a run uploads: read and checked before anything else happens. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { UsageError } from './usage-error';

/** A file to upload. */
export interface InputFile {
  /** As the user wrote it. */
  readonly path: string;
  readonly name: string;
  readonly body: Uint8Array;
  readonly contentType: string;
}

/** What `aws s3 cp` would guess from the name, for the kinds of file that people process. */
const contentTypes: Readonly<Record<string, string>> = {
  '.csv': 'text/csv',
  '.gz': 'application/gzip',
  '.htm': 'text/html',
  '.html': 'text/html',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.json': 'application/json',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.tsv': 'text/tab-separated-values',
  '.txt': 'text/plain',
  '.xml': 'application/xml',
  '.zip': 'application/zip',
};

/** Reads the files, or those of the app's own `input` folder when none is named.
 * @throws UsageError naming every path that cannot be uploaded */
export function readInputFiles(paths: readonly string[], appDirectory: string): InputFile[] {
  const wanted = paths.length > 0 ? paths : ownInput(appDirectory);
  const problems = wanted.flatMap((path) => problemWith(path) ?? []);
  if (problems.length > 0) {
    throw new UsageError({
      what: problems.length === 1 ? 'A file cannot be uploaded' : `${problems.length} files cannot be uploaded`,
      where: 'FILE',
      got: problems.join('; '),
      allowed: 'paths of files that can be read',
      fix: 'correct the path; of a folder name its files, as DIR/*',
    });
  }
  return wanted.map((path) => ({
    path,
    name: basename(path),
    body: readFileSync(path),
    contentType: contentTypes[extname(path).toLowerCase()] ?? 'application/octet-stream',
  }));
}

function ownInput(appDirectory: string): string[] {
  const folder = join(appDirectory, 'input');
  const names = statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(folder).sort() : [];
  if (names.length > 0) return names.map((name) => join(folder, name));
  throw new UsageError({
    what: 'There is nothing to upload',
    where: 'FILE',
    got: `no file, and no files in ${folder}`,
    fix: 'name at least one file: object-workflow run FILE…',
  });
}

function problemWith(path: string): string | undefined {
  try {
    const status = statSync(path);
    if (status.isDirectory()) return `${path} is a folder`;
    if (!status.isFile()) return `${path} is not a regular file`;
    readFileSync(path);
    return undefined;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT') return `${path} does not exist`;
    return code === 'EACCES' ? `${path} may not be read` : `${path}: ${code ?? String(error)}`;
  }
}
