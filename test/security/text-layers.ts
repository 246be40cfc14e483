/** Everything else that takes texts from outside and hands them on: logs, the terminal, paths, manifests, reasons, copies. */
import { createHash } from 'node:crypto';
import { resolve, sep } from 'node:path';
import { safePath } from '../../local/cli/output-folder';
import { printable } from '../../local/cli/text';
import { defineTask, TaskError } from '../../tasks';
import { copySourceText } from '../../tasks/copy-object';
import { invalidResults, parseManifest } from '../../tasks/manifest';
import { parseRejection, rejectionCause } from '../../tasks/rejection';
import * as z from 'zod';
import { same } from './claim-layer';

const talkative = defineTask({
  name: 'talkative',
  description: 'Logs what it is given, and fails with it.',
  input: z.object({ object: z.looseObject({ key: z.string() }) }),
  output: z.object({}),
  run: async ({ object }, context) => {
    context.log.info(object.key, { [object.key]: object.key });
    throw new TaskError('Object.Rejected', object.key);
  },
});

/** One line of log for each thing that is logged, whatever the text: nobody can add one. */
export async function checkLog(text: string): Promise<void> {
  const lines: string[] = [];
  const handler = talkative.handler.withRuntime({
    environment: {},
    nowMs: () => 0,
    newId: () => 'id',
    clientConfiguration: {},
    writeLog: (line) => lines.push(line),
  });
  const event = { object: { bucket: 'inbox', key: text } };
  await handler(event, { getRemainingTimeInMillis: () => 1000 }).catch(() => undefined);
  same(lines.length, 2, 'the number of log lines');
  for (const [index, line] of lines.entries()) {
    if (/[\u0000-\u001f]/.test(line)) throw new Error(`a log line holds a control character: ${JSON.stringify(line)}`);
    const parsed = JSON.parse(line) as { level: string; message: string; task: string; object: { key: string } };
    same(parsed.level, ['INFO', 'ERROR'][index], 'the level');
    same(parsed.task, 'talkative', 'the task');
    same(parsed.message, text, 'the message');
    same(parsed.object.key, text, 'the key in the log');
  }
}

/** What a terminal would take for a command, or show in another place than where it stands. */
const unprintable = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

/** One line on the terminal, in the order in which it is written. */
export function checkTerminal(text: string): void {
  const shown = printable(text);
  if (unprintable.test(shown)) throw new Error(`the terminal would be told ${JSON.stringify(shown)}`);
}

/** A path below the folder, none of whose parts is hidden. */
export function checkPath(text: string): void {
  const path = safePath('folder', text);
  const isBelow = resolve('/run', path).startsWith(`/run${sep}folder`);
  const parts = path.split(sep);
  if (!isBelow || path.includes('\0') || parts.some((part) => part.startsWith('.'))) {
    throw new Error(`a path leaves its folder: ${JSON.stringify(path)}`);
  }
}

/** The header names this bucket, this key and no version but that one. */
export function checkCopySource(key: string, versionId: string | undefined): void {
  const text = copySourceText({ bucket: 'inbox', key, versionId });
  if (!/^[A-Za-z0-9%/._~?=-]+$/.test(text)) throw new Error(`a header holds ${JSON.stringify(text)}`);
  const [path, query, ...more] = text.split('?');
  same(more.length, 0, 'the number of questions');
  same(decodeURIComponent(path!), `inbox/${key}`, 'the source');
  same(
    query,
    versionId === undefined
      ? undefined
      : `versionId=${encodeURIComponent(versionId).replaceAll(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`,
    'the version',
  );
}

/** A manifest is either refused, or names only what can lie below its folder, once. */
export function checkManifestText(text: string): void {
  try {
    const paths = parseManifest(text).map(({ path }) => path);
    same(new Set(paths).size, paths.length, 'the number of different files');
    for (const path of paths) {
      const isBelow = resolve('/files', path).startsWith('/files/');
      if (!isBelow || path.includes('\0')) throw new Error(`a file leaves its folder: ${JSON.stringify(path)}`);
    }
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    same(error.name, invalidResults, 'the error');
    if (!/got: [^\n]*\n {2}allowed: [^\n]*\n {2}fix: /.test(error.message))
      throw new Error(`not a clear error: ${error.message}`);
  }
}

/** A manifest line with a name of the attacker's choice. */
export function manifestLine(path: string): string {
  return `${createHash('sha256').update(path).digest('base64')}\t1\t${Buffer.from(path).toString('base64')}\n`;
}

/** The reasons of a rejection are data, of a size that everything after them can carry. */
export function checkRejection(text: string): void {
  const [reason] = parseRejection(rejectionCause([{ code: 'ByCommand', message: text }]));
  same(reason!.message, Buffer.from(text.slice(0, 2048)).toString(), 'the reason');
  same(reason!.code, 'ByCommand', 'the code of the reason');
  for (const cause of [text, JSON.stringify({ errorMessage: text, errorType: text })]) parseRejection(cause);
}
