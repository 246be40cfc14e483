/** S3's operations on one object: put, get, head, copy, delete, tags and attributes. */
import { checkParameters } from '../parameters';
import { ServiceError, type Principal, type ServiceOutput } from '../service';
import {
  checksumOf,
  contentHeaders,
  type Bucket,
  type ContentHeaders,
  type Encryption,
  type NewObject,
  type ObjectVersion,
} from './bucket';
import {
  checksumMembers,
  checksumParameters,
  computeChecksum,
  readAlgorithm,
  verifyChecksum,
  verifyContentMd5,
} from './checksum';
import { checkReadConditions, checkWriteConditions, type ReadConditions, type WriteConditions } from './conditions';
import { checkKey, type ObjectName, type S3Context } from './context';
import { readCopySource } from './copy-source';
import { errors } from './errors';
import { listTags, readTagHeader, readTags, type Tag } from './tagging';

type Input = Readonly<Record<string, unknown>>;

export interface PutObjectInput extends ObjectName, WriteConditions {
  readonly Body?: Uint8Array | string;
  readonly Metadata?: Readonly<Record<string, string>>;
  readonly StorageClass?: string;
  readonly Tagging?: string;
  readonly ContentMD5?: string;
  readonly ServerSideEncryption?: string;
  readonly SSEKMSKeyId?: string;
}

interface GetObjectInput extends ObjectName, ReadConditions {
  readonly Range?: string;
  readonly PartNumber?: number;
  readonly ChecksumMode?: string;
}

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

/** Accepted everywhere and without effect here. */
const inert = ['ACL', 'RequestPayer', 'ExpectedBucketOwner', 'ChecksumAlgorithm', 'ContentLength', 'BucketKeyEnabled'];
const writing = [
  ...contentHeaders,
  ...checksumParameters,
  ...inert,
  'Metadata',
  'StorageClass',
  'Tagging',
  'ServerSideEncryption',
  'SSEKMSKeyId',
  'SSEKMSEncryptionContext',
  'IfMatch',
  'IfNoneMatch',
];
const unsupportedWriting = [
  'SSECustomerAlgorithm',
  'SSECustomerKey',
  'SSECustomerKeyMD5',
  'ObjectLockMode',
  'ObjectLockRetainUntilDate',
  'ObjectLockLegalHoldStatus',
  'GrantFullControl',
  'GrantRead',
  'GrantReadACP',
  'GrantWriteACP',
  'WriteOffsetBytes',
];
const reading = [
  'VersionId',
  'IfMatch',
  'IfNoneMatch',
  'IfModifiedSince',
  'IfUnmodifiedSince',
  'Range',
  'PartNumber',
  'ChecksumMode',
  'ResponseCacheControl',
  'ResponseContentDisposition',
  'ResponseContentEncoding',
  'ResponseContentLanguage',
  'ResponseContentType',
  'ResponseExpires',
  ...inert,
];
const storageClasses = [
  'STANDARD',
  'REDUCED_REDUNDANCY',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER',
  'DEEP_ARCHIVE',
  'GLACIER_IR',
];
/** Classes whose objects cannot be read until they are restored. */
const archived = ['GLACIER', 'DEEP_ARCHIVE'];
const keyParameters = ['Bucket', 'Key'];

/** Checks the parameters that all operations that write an object share. */
export function checkWriteParameters(operation: string, input: object, more: readonly string[] = []): void {
  checkParameters(
    's3',
    operation,
    input as Input,
    {
      required: keyParameters,
      optional: [...writing, ...more],
      unsupported: unsupportedWriting,
    },
    'InvalidRequest',
  );
}

/** Reads what a request says about a new object, besides its content. */
export function readNewObject(bucket: Bucket, input: PutObjectInput): Omit<NewObject, 'body' | 'checksum' | 'parts'> {
  checkKey(input.Key);
  if (input.StorageClass !== undefined && !storageClasses.includes(input.StorageClass)) {
    throw new ServiceError('InvalidStorageClass', 'The storage class you specified is not valid');
  }
  return {
    key: input.Key,
    headers: readContentHeaders(input as unknown as Input),
    metadata: lowerCaseNames(input.Metadata ?? {}),
    storageClass: input.StorageClass ?? 'STANDARD',
    tags: readTagHeader(input.Tagging),
    encryption: readEncryption(bucket, input),
  };
}

export function putObject(context: S3Context, input: PutObjectInput, caller: Principal): ServiceOutput {
  checkWriteParameters('PutObject', input, ['Body', 'ContentMD5']);
  const bucket = context.bucket(input.Bucket, input.ExpectedBucketOwner);
  const object = readNewObject(bucket, input);
  const body = typeof input.Body === 'string' ? Buffer.from(input.Body) : (input.Body ?? new Uint8Array());
  verifyContentMd5(input.ContentMD5, body);
  const checksum = verifyChecksum(input as unknown as Input, body);
  checkWriteConditions(input.Key, bucket.current(input.Key), input);
  const version = bucket.put({ ...object, body: new Uint8Array(body), checksum, parts: undefined });
  context.announceCreated(bucket, version, caller, 'PutObject');
  return {
    ETag: `"${version.etag}"`,
    VersionId: context.shownVersionId(bucket, version),
    ...checksumMembers(checksumOf(version)),
    ...encryptionMembers(version),
  };
}

export function getObject(context: S3Context, input: GetObjectInput): ServiceOutput {
  checkParameters(
    's3',
    'GetObject',
    input as unknown as Input,
    { required: keyParameters, optional: reading },
    'InvalidRequest',
  );
  const { bucket, version } = context.version(input);
  checkReadConditions(version, input);
  if (archived.includes(version.storageClass)) throw errors.invalidObjectState(version.storageClass);
  const range = readRange(version, input);
  const body = version.body.slice(range.start, range.end);
  return { ...describeObject(context, bucket, version, input, range), Body: body };
}

export function headObject(context: S3Context, input: GetObjectInput): ServiceOutput {
  checkParameters(
    's3',
    'HeadObject',
    input as unknown as Input,
    { required: keyParameters, optional: reading },
    'InvalidRequest',
  );
  const { bucket, version } = findForHead(context, input);
  checkReadConditions(version, input);
  return describeObject(context, bucket, version, input, readRange(version, input));
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
  if (archived.includes(found.version.storageClass)) {
    throw new ServiceError(
      'ObjectNotInActiveTierError',
      'The source object of the COPY action is not in the active tier and is only stored in Amazon S3 Glacier',
      403,
    );
  }
  return found;
}

interface DeleteInput extends ObjectName {
  readonly IfMatch?: string;
}

export function deleteObject(context: S3Context, input: DeleteInput, caller: Principal): ServiceOutput {
  checkParameters(
    's3',
    'DeleteObject',
    input as unknown as Input,
    {
      required: keyParameters,
      optional: ['VersionId', 'IfMatch', 'MFA', 'BypassGovernanceRetention', ...inert],
      unsupported: ['IfMatchLastModifiedTime', 'IfMatchSize'],
    },
    'InvalidRequest',
  );
  const bucket = context.bucket(input.Bucket, input.ExpectedBucketOwner);
  checkKey(input.Key);
  if (input.IfMatch !== undefined) checkWriteConditions(input.Key, bucket.current(input.Key), input);
  const { versioning } = bucket.configuration;
  const versionId = input.VersionId ?? (versioning === 'Unversioned' ? 'null' : undefined);
  if (versionId === undefined) {
    const marker = bucket.putDeleteMarker(input.Key);
    announceDeleted(context, bucket, marker, caller, 'Delete Marker Created');
    return { DeleteMarker: true, VersionId: marker.versionId };
  }
  const removed = bucket.versions(input.Key).find((version) => version.versionId === versionId);
  if (removed === undefined) return input.VersionId === undefined ? {} : { VersionId: versionId };
  bucket.remove(input.Key, versionId);
  announceDeleted(context, bucket, removed, caller, 'Permanently Deleted');
  return {
    ...(removed.isDeleteMarker && { DeleteMarker: true }),
    ...(input.VersionId !== undefined && { VersionId: versionId }),
  };
}

interface DeleteObjectsInput {
  readonly Bucket: string;
  readonly Delete: {
    readonly Objects: readonly { readonly Key: string; readonly VersionId?: string; readonly ETag?: string }[];
    readonly Quiet?: boolean;
  };
  readonly ExpectedBucketOwner?: string;
}

const batchLimit = 1000;

export function deleteObjects(context: S3Context, input: DeleteObjectsInput, caller: Principal): ServiceOutput {
  checkParameters(
    's3',
    'DeleteObjects',
    input as unknown as Input,
    {
      required: ['Bucket', 'Delete'],
      optional: ['MFA', 'BypassGovernanceRetention', ...inert],
    },
    'InvalidRequest',
  );
  context.bucket(input.Bucket, input.ExpectedBucketOwner);
  const { Objects = [], Quiet = false } = input.Delete;
  if (Objects.length === 0 || Objects.length > batchLimit) throw errors.malformedXml();
  const deleted: object[] = [];
  const failed: object[] = [];
  for (const { Key, VersionId, ETag } of Objects) {
    try {
      const result = deleteObject(context, { Bucket: input.Bucket, Key, VersionId, IfMatch: ETag }, caller);
      deleted.push({
        Key,
        VersionId,
        ...(result['DeleteMarker'] === true && { DeleteMarker: true, DeleteMarkerVersionId: result['VersionId'] }),
      });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      failed.push({ Key, VersionId, Code: error.code, Message: error.message });
    }
  }
  return { ...(!Quiet && { Deleted: deleted }), ...(failed.length > 0 && { Errors: failed }) };
}

export function getObjectTagging(context: S3Context, input: ObjectName): ServiceOutput {
  checkParameters(
    's3',
    'GetObjectTagging',
    input as unknown as Input,
    { required: keyParameters, optional: ['VersionId', ...inert] },
    'InvalidRequest',
  );
  const { bucket, version } = context.version(input);
  return { TagSet: listTags(version.tags), VersionId: context.shownVersionId(bucket, version) };
}

export function putObjectTagging(
  context: S3Context,
  input: ObjectName & { readonly Tagging: { readonly TagSet: readonly Tag[] } },
  caller: Principal,
): ServiceOutput {
  checkParameters(
    's3',
    'PutObjectTagging',
    input as unknown as Input,
    {
      required: [...keyParameters, 'Tagging'],
      optional: ['VersionId', 'ContentMD5', ...inert],
    },
    'InvalidRequest',
  );
  return replaceTags(context, input, readTags(input.Tagging.TagSet), 'Object Tags Added', caller);
}

export function deleteObjectTagging(context: S3Context, input: ObjectName, caller: Principal): ServiceOutput {
  checkParameters(
    's3',
    'DeleteObjectTagging',
    input as unknown as Input,
    { required: keyParameters, optional: ['VersionId', ...inert] },
    'InvalidRequest',
  );
  return replaceTags(context, input, new Map(), 'Object Tags Deleted', caller);
}

interface AttributesInput extends ObjectName {
  readonly ObjectAttributes: readonly string[];
  readonly MaxParts?: number;
  readonly PartNumberMarker?: string;
}

export function getObjectAttributes(context: S3Context, input: AttributesInput): ServiceOutput {
  checkParameters(
    's3',
    'GetObjectAttributes',
    input as unknown as Input,
    {
      required: [...keyParameters, 'ObjectAttributes'],
      optional: ['VersionId', ...inert],
      unsupported: ['MaxParts', 'PartNumberMarker'],
    },
    'InvalidRequest',
  );
  const { bucket, version } = context.version(input);
  const wants = (name: string): boolean => input.ObjectAttributes.includes(name);
  const { parts } = version;
  return {
    LastModified: new Date(version.lastModifiedMs),
    VersionId: context.shownVersionId(bucket, version),
    ...(wants('ETag') && { ETag: version.etag }),
    ...(wants('Checksum') && { Checksum: checksumMembers(checksumOf(version)) }),
    ...(wants('StorageClass') && { StorageClass: version.storageClass }),
    ...(wants('ObjectSize') && { ObjectSize: version.sizeBytes }),
    ...(wants('ObjectParts') &&
      parts !== undefined && {
        ObjectParts: {
          TotalPartsCount: parts.length,
          IsTruncated: false,
          Parts: parts
            .filter(({ checksum }) => checksum !== undefined)
            .map(({ partNumber, sizeBytes, checksum }) => ({
              PartNumber: partNumber,
              Size: sizeBytes,
              [`Checksum${checksum!.algorithm}`]: checksum!.value,
            })),
        },
      }),
  };
}

/** The members of an answer that say how an object is encrypted. */
export function encryptionMembers({ encryption }: { readonly encryption: Encryption }): ServiceOutput {
  return {
    ServerSideEncryption: encryption.algorithm,
    ...(encryption.keyId !== undefined && { SSEKMSKeyId: encryption.keyId }),
  };
}

interface ByteRange {
  readonly start: number;
  readonly end: number;
  readonly isPart: boolean;
}

function describeObject(
  context: S3Context,
  bucket: Bucket,
  version: ObjectVersion,
  input: GetObjectInput,
  range: ByteRange,
): ServiceOutput {
  const isWhole = !range.isPart;
  return {
    AcceptRanges: 'bytes',
    ContentLength: range.end - range.start,
    ContentType: 'binary/octet-stream',
    ...version.headers,
    ...responseHeaders(input as unknown as Input),
    ETag: `"${version.etag}"`,
    LastModified: new Date(version.lastModifiedMs),
    Metadata: version.metadata,
    VersionId: context.shownVersionId(bucket, version),
    ...(version.storageClass !== 'STANDARD' && { StorageClass: version.storageClass }),
    ...(version.tags.size > 0 && { TagCount: version.tags.size }),
    ...(range.isPart && { ContentRange: `bytes ${range.start}-${range.end - 1}/${version.sizeBytes}` }),
    ...(input.PartNumber !== undefined && version.parts !== undefined && { PartsCount: version.parts.length }),
    ...(input.ChecksumMode === 'ENABLED' && isWhole && checksumMembers(checksumOf(version))),
    ...encryptionMembers(version),
  };
}

/** HEAD has no body to carry an error, so what is missing is only "Not Found". */
function findForHead(context: S3Context, input: ObjectName): ReturnType<S3Context['version']> {
  try {
    return context.version(input);
  } catch (error) {
    if (error instanceof ServiceError && error.statusCode === 404) throw new ServiceError('NotFound', 'Not Found', 404);
    throw error;
  }
}

function readRange(version: ObjectVersion, { Range, PartNumber }: GetObjectInput): ByteRange {
  if (PartNumber !== undefined) return readPartRange(version, PartNumber);
  const whole = { start: 0, end: version.sizeBytes, isPart: false };
  const match = Range === undefined ? null : /^bytes=(\d*)-(\d*)$/.exec(Range);
  // What is not one range of bytes is ignored, as RFC 9110 asks for.
  if (match === null || (match[1] === '' && match[2] === '')) return whole;
  const [, first = '', last = ''] = match;
  const start = first === '' ? Math.max(0, version.sizeBytes - Number(last)) : Number(first);
  const end = first === '' || last === '' ? version.sizeBytes : Math.min(version.sizeBytes, Number(last) + 1);
  if (first !== '' && last !== '' && Number(last) < Number(first)) return whole;
  if (start >= version.sizeBytes || (first === '' && Number(last) === 0))
    throw errors.invalidRange(Range!, version.sizeBytes);
  return { start, end, isPart: true };
}

function readPartRange(version: ObjectVersion, partNumber: number): ByteRange {
  const parts = version.parts ?? [{ partNumber: 1, sizeBytes: version.sizeBytes }];
  const index = parts.findIndex((part) => part.partNumber === partNumber);
  if (index < 0) {
    throw new ServiceError('InvalidPartNumber', 'The requested partnumber is not satisfiable', 416, {
      PartNumberRequested: partNumber,
      ActualPartCount: parts.length,
    });
  }
  const start = parts.slice(0, index).reduce((total, part) => total + part.sizeBytes, 0);
  return { start, end: start + parts[index]!.sizeBytes, isPart: true };
}

function responseHeaders(input: Input): ContentHeaders {
  return Object.fromEntries(
    contentHeaders.flatMap((name) =>
      input[`Response${name}`] === undefined ? [] : [[name, input[`Response${name}`]]],
    ),
  );
}

function readContentHeaders(input: Input): ContentHeaders {
  return Object.fromEntries(contentHeaders.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]]])));
}

/** Headers have no case, so S3 gives the names of metadata back in lower case. */
function lowerCaseNames(metadata: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name.toLowerCase(), value]));
}

function readEncryption(bucket: Bucket, { ServerSideEncryption, SSEKMSKeyId }: PutObjectInput): Encryption {
  if (ServerSideEncryption === undefined) return bucket.configuration.encryption;
  return { algorithm: ServerSideEncryption, ...(SSEKMSKeyId !== undefined && { keyId: SSEKMSKeyId }) };
}

function replaceTags(
  context: S3Context,
  input: ObjectName,
  tags: ReadonlyMap<string, string>,
  detailType: string,
  caller: Principal,
): ServiceOutput {
  const { bucket, version } = context.version(input);
  bucket.change(version, { tags });
  context.announce(detailType, bucket, version, caller, {});
  return { VersionId: context.shownVersionId(bucket, version) };
}

function announceDeleted(
  context: S3Context,
  bucket: Bucket,
  version: ObjectVersion,
  caller: Principal,
  deletionType: string,
): void {
  context.announce('Object Deleted', bucket, version, caller, {
    reason: 'DeleteObject',
    'deletion-type': deletionType,
  });
}
