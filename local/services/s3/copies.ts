/** S3's copies of whole objects, and how the source of any copy is found. */
import { ServiceError, type Principal, type ServiceOutput } from '../service';
import { checksumOf, type Bucket, type ObjectVersion } from './bucket';
import { checksumMembers, computeChecksum, readAlgorithm } from './checksum';
import { checkReadConditions, checkWriteConditions } from './conditions';
import type { S3Context } from './context';
import { readCopySource } from './copy-source';
import { errors } from './errors';
import { checkWriteParameters, encryptionMembers, readNewObject, type PutObjectInput } from './objects';
import { isReadable } from './archive';

/** The parameters that name the source of a copy. */
export interface CopySourceInput {
  readonly CopySource: string;
  readonly CopySourceIfMatch?: string;
  readonly CopySourceIfNoneMatch?: string;
  readonly CopySourceIfModifiedSince?: Date;
  readonly CopySourceIfUnmodifiedSince?: Date;
}

interface CopyObjectInput extends PutObjectInput, CopySourceInput {
  readonly MetadataDirective?: string;
  readonly TaggingDirective?: string;
  readonly ChecksumAlgorithm?: string;
  readonly WebsiteRedirectLocation?: string;
}

export function copyObject(context: S3Context, input: CopyObjectInput, caller: Principal): ServiceOutput {
  checkWriteParameters('CopyObject', input, [
    'CopySource',
    'MetadataDirective',
    'TaggingDirective',
    'CopySourceIfMatch',
    'CopySourceIfNoneMatch',
    'CopySourceIfModifiedSince',
    'CopySourceIfUnmodifiedSince',
    'ExpectedSourceBucketOwner',
  ]);
  const bucket = context.bucket(input.Bucket, input.ExpectedBucketOwner);
  const { version: original, bucket: sourceBucket } = readSource(context, input);
  const isReplacing = input.MetadataDirective === 'REPLACE';
  const changesNothing =
    !isReplacing &&
    input.StorageClass === undefined &&
    input.ServerSideEncryption === undefined &&
    input.WebsiteRedirectLocation === undefined;
  if (
    changesNothing &&
    sourceBucket === bucket &&
    original.key === input.Key &&
    original === bucket.current(input.Key)
  ) {
    throw errors.invalidRequest(
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata, storage class, website redirect location or encryption attributes.",
    );
  }
  checkWriteConditions(input.Key, bucket.current(input.Key), input);
  const described = readNewObject(bucket, input);
  const algorithm = readAlgorithm(input.ChecksumAlgorithm) ?? checksumOf(original).algorithm;
  const version = bucket.put({
    ...described,
    headers: isReplacing ? described.headers : original.headers,
    metadata: isReplacing ? described.metadata : original.metadata,
    tags: input.TaggingDirective === 'REPLACE' ? described.tags : original.tags,
    body: original.body,
    checksum: { algorithm, type: 'FULL_OBJECT', value: computeChecksum(algorithm, original.body) },
    parts: undefined,
  });
  context.announceCreated(bucket, version, caller, 'CopyObject');
  return {
    CopyObjectResult: {
      ETag: `"${version.etag}"`,
      LastModified: new Date(version.lastModifiedMs),
      ...checksumMembers(version.checksum),
    },
    VersionId: context.shownVersionId(bucket, version),
    CopySourceVersionId: context.shownVersionId(sourceBucket, original),
    ...encryptionMembers(version),
  };
}

/** Finds the source of a copy and checks the conditions on it. */
export function readSource(
  context: S3Context,
  input: CopySourceInput,
): { readonly bucket: Bucket; readonly version: ObjectVersion } {
  const source = readCopySource(input.CopySource);
  const found = context.version({ Bucket: source.bucket, Key: source.key, VersionId: source.versionId });
  try {
    checkReadConditions(found.version, {
      IfMatch: input.CopySourceIfMatch,
      IfNoneMatch: input.CopySourceIfNoneMatch,
      IfModifiedSince: input.CopySourceIfModifiedSince,
      IfUnmodifiedSince: input.CopySourceIfUnmodifiedSince,
    });
  } catch (error) {
    // A copy whose source has not changed fails: there is nothing to answer instead.
    if (error instanceof ServiceError && error.code === 'NotModified')
      throw errors.preconditionFailed('x-amz-copy-source-If-None-Match');
    throw error;
  }
  if (!isReadable(found.version)) {
    throw new ServiceError(
      'ObjectNotInActiveTierError',
      'The source object of the COPY action is not in the active tier and is only stored in Amazon S3 Glacier',
      403,
    );
  }
  return found;
}
