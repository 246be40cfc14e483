/** The conditional headers of S3: If-Match and its kin, on reads, writes and sources of copies. */
import type { ObjectVersion } from './bucket';
import { errors } from './errors';

export interface ReadConditions {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
  readonly IfModifiedSince?: Date;
  readonly IfUnmodifiedSince?: Date;
}

export interface WriteConditions {
  readonly IfMatch?: string;
  readonly IfNoneMatch?: string;
}

/** Decides whether a version may be read under these conditions.
 * @throws ServiceError PreconditionFailed, or NotModified for reads that need no answer */
export function checkReadConditions(version: ObjectVersion, conditions: ReadConditions): void {
  const { IfMatch, IfNoneMatch, IfModifiedSince, IfUnmodifiedSince } = conditions;
  if (IfMatch !== undefined && !matchesTag(version, IfMatch)) throw errors.preconditionFailed('If-Match');
  // A matching If-Match outweighs the date, and so does an If-None-Match (RFC 9110, 13.2.2).
  if (
    IfMatch === undefined &&
    IfUnmodifiedSince !== undefined &&
    version.lastModifiedMs > IfUnmodifiedSince.getTime()
  ) {
    throw errors.preconditionFailed('If-Unmodified-Since');
  }
  if (IfNoneMatch !== undefined && matchesTag(version, IfNoneMatch)) throw errors.notModified();
  if (
    IfNoneMatch === undefined &&
    IfModifiedSince !== undefined &&
    version.lastModifiedMs <= IfModifiedSince.getTime()
  ) {
    throw errors.notModified();
  }
}

/** Decides whether a key may be written, given its current object.
 * @throws ServiceError PreconditionFailed; NoSuchKey when something should match but nothing is there */
export function checkWriteConditions(
  key: string,
  current: ObjectVersion | undefined,
  { IfMatch, IfNoneMatch }: WriteConditions,
): void {
  if (IfNoneMatch !== undefined) {
    if (IfNoneMatch !== '*') throw errors.notImplemented('If-None-Match');
    if (current !== undefined) throw errors.preconditionFailed('If-None-Match');
  }
  if (IfMatch === undefined) return;
  if (current === undefined) throw errors.noSuchKey(key);
  if (!matchesTag(current, IfMatch)) throw errors.preconditionFailed('If-Match');
}

function matchesTag(version: ObjectVersion, condition: string): boolean {
  return (
    condition.trim() === '*' ||
    condition.split(',').some((tag) => tag.trim().replace(/^(?:W\/)?"?([^"]*)"?$/, '$1') === version.etag)
  );
}
