/** Lists of keys: prefixes, delimiters and pages. */
import { compareKeys } from './bucket';

/** What a list request asks for. */
export interface ListRequest {
  readonly prefix: string;
  readonly delimiter: string | undefined;
  readonly limit: number;
  /** The last key or common prefix of the page before. */
  readonly after: string | undefined;
}

/** One page: keys and common prefixes together count against the limit. */
export interface ListPage {
  readonly keys: readonly string[];
  readonly commonPrefixes: readonly string[];
  /** The last key or common prefix of this page, when there is more. */
  readonly next: string | undefined;
}

/** Lists sorted keys.
 * @param isListed Leaves out keys that have nothing to show, such as deleted ones. */
export function listKeys(
  sortedKeys: readonly string[],
  { prefix, delimiter, limit, after }: ListRequest,
  isListed: (key: string) => boolean,
): ListPage {
  const keys: string[] = [];
  const commonPrefixes: string[] = [];
  let last: string | undefined;
  for (const key of sortedKeys) {
    if (!key.startsWith(prefix) || !isListed(key)) continue;
    const common = commonPrefixOf(key, prefix, delimiter);
    const entry = common ?? key;
    if (after !== undefined && compareKeys(entry, after) <= 0) continue;
    if (common !== undefined && commonPrefixes.at(-1) === common) continue;
    if (keys.length + commonPrefixes.length >= limit) return { keys, commonPrefixes, next: last };
    (common === undefined ? keys : commonPrefixes).push(entry);
    last = entry;
  }
  return { keys, commonPrefixes, next: undefined };
}

function commonPrefixOf(key: string, prefix: string, delimiter: string | undefined): string | undefined {
  if (delimiter === undefined || delimiter === '') return undefined;
  const end = key.indexOf(delimiter, prefix.length);
  return end < 0 ? undefined : key.slice(0, end + delimiter.length);
}

/** How S3 writes keys in a list when the caller asks for `EncodingType: url`. */
export function encodeListed(text: string | undefined, encodingType: string | undefined): string | undefined {
  if (text === undefined || encodingType !== 'url') return text;
  return encodeURIComponent(text)
    .replace(/[!'()]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%2F/g, '/')
    .replace(/%20/g, '+');
}
