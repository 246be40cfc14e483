/** Tags of objects: what S3 accepts and how they travel. */
import { ServiceError } from '../service';
import { errors } from './errors';

export interface Tag {
  readonly Key: string;
  readonly Value: string;
}

const limits = { tags: 10, keyCharacters: 128, valueCharacters: 256 };

/** Reads the query string of a `Tagging` parameter. */
export function readTagHeader(header: unknown): ReadonlyMap<string, string> {
  if (header === undefined || header === '') return new Map();
  return readTags([...new URLSearchParams(String(header))].map(([Key, Value]) => ({ Key, Value })));
}

/** Checks a set of tags. @throws ServiceError InvalidTag or BadRequest */
export function readTags(tags: readonly Tag[] | undefined): ReadonlyMap<string, string> {
  if (tags === undefined) throw errors.malformedXml();
  if (tags.length > limits.tags) {
    throw new ServiceError('BadRequest', `Object tags cannot be greater than ${limits.tags}`);
  }
  const read = new Map<string, string>();
  for (const { Key, Value } of tags) {
    if (read.has(Key)) throw new ServiceError('InvalidTag', 'Cannot provide multiple Tags with the same key');
    if (Key === undefined || Key === '' || Key.length > limits.keyCharacters || Key.startsWith('aws:')) {
      throw new ServiceError('InvalidTag', 'The TagKey you have provided is invalid');
    }
    if (Value === undefined || Value.length > limits.valueCharacters || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u.test(Value)) {
      throw new ServiceError('InvalidTag', 'The TagValue you have provided is invalid');
    }
    read.set(Key, Value);
  }
  return read;
}

/** Tags as S3 answers them. */
export function listTags(tags: ReadonlyMap<string, string>): readonly Tag[] {
  return [...tags].map(([Key, Value]) => ({ Key, Value }));
}
