/** Names: of uploads, and of the objects they become. */
import { TextDecoder } from 'node:util';
import type { PortalSettings } from './settings';

/** Longest file name in a key, in bytes: leaves room for the folders before it and for what quarantine adds after it. */
const maximumNameBytes = 200;

/** An identifier that sorts by the instant: nine digits of base 36 last until the year 5188. */
export function newUploadId(nowMs: number, uniqueId: string): string {
  return `${nowMs.toString(36).padStart(9, '0')}${uniqueId.replaceAll('-', '').slice(0, 20)}`;
}

/** The exact key that a user's file gets: only what comes after the last `/` is the user's own.
 * @example objectKey({ sourcePrefix: 'incoming/', sourceSuffix: '.csv' }, { sub: '5f0c', id: '0m', fileName: '../a:b.CSV' }) // 'incoming/5f0c/0m/a_b.csv' */
export function objectKey(
  { sourcePrefix, sourceSuffix }: Pick<PortalSettings, 'sourcePrefix' | 'sourceSuffix'>,
  { sub, id, fileName }: { readonly sub: string; readonly id: string; readonly fileName: string },
): string {
  return `${sourcePrefix}${sub}/${id}/${objectName(fileName, sourceSuffix)}`;
}

/** Keeps letters of every script, digits, blanks and what names usually hold; the rest becomes `_`.
 * The workflow's suffix is written as the workflow has it: rules tell upper from lower case, people do not. */
function objectName(fileName: string, suffix: string): string {
  const plain = fileName
    .normalize('NFC')
    .split(/[/\\]/)
    .at(-1)!
    .replace(/[^\p{L}\p{M}\p{N} ._()+=@,-]/gu, '_')
    .replace(/^\.+/, '_.')
    .trim();
  const name = plain === '' ? '_' : plain;
  const hasSuffix = suffix !== '' && name.toLowerCase().endsWith(suffix.toLowerCase());
  const ending = hasSuffix ? suffix : (/\.[^. ]{1,16}$/.exec(name)?.[0] ?? '');
  const stem = name.slice(0, name.length - ending.length);
  return `${cut(stem, maximumNameBytes - Buffer.byteLength(ending))}${ending}`;
}

/** Cuts at a whole character. */
function cut(text: string, maximumBytes: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= maximumBytes) return text;
  return new TextDecoder().decode(bytes.subarray(0, maximumBytes)).replace(/\uFFFD+$/, '');
}
