/** S3's operations on the content of an object: put, get and head. */
import { checkParameters } from '../parameters';
import { ServiceError, type Principal, type ServiceOutput } from '../service';
import { isReadable, restoreHeader } from './archive';
import {
  checksumOf,
  contentHeaders,
  type Bucket,
  type ContentHeaders,
  type Encryption,
  type NewObject,
  type ObjectVersion,
} from './bucket';
import { checksumMembers, checksumParameters, verifyChecksum, verifyContentMd5 } from './checksum';
import { checkReadConditions, checkWriteConditions, type ReadConditions, type WriteConditions } from './conditions';
import { checkKey, type ObjectName, type S3Context } from './context';
import { errors } from './errors';
import { readTagHeader } from './tagging';

export type Input = Readonly<Record<string, unknown>>;

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

/** Accepted everywhere and without effect here. */
export const inertParameters = [
  'ACL',
  'RequestPayer',
  'ExpectedBucketOwner',
  'ChecksumAlgorithm',
  'ContentLength',
  'BucketKeyEnabled',
];
const writing = [
  ...contentHeaders,
  ...checksumParameters,
  ...inertParameters,
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
  ...inertParameters,
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
export const keyParameters = ['Bucket', 'Key'];

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

/** @param reason What the event of the new object gives as its reason. */
export function putObject(
  context: S3Context,
  input: PutObjectInput,
  caller: Principal,
  reason: 'PutObject' | 'POST Object' = 'PutObject',
): ServiceOutput {
  checkWriteParameters('PutObject', input, ['Body', 'ContentMD5']);
  const bucket = context.bucket(input.Bucket, input.ExpectedBucketOwner);
  const object = readNewObject(bucket, input);
  const body = typeof input.Body === 'string' ? Buffer.from(input.Body) : (input.Body ?? new Uint8Array());
  verifyContentMd5(input.ContentMD5, body);
  const checksum = verifyChecksum(input as unknown as Input, body);
  checkWriteConditions(input.Key, bucket.current(input.Key), input);
  const version = bucket.put({ ...object, body: new Uint8Array(body), checksum, parts: undefined });
  context.announceCreated(bucket, version, caller, reason);
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
  if (!isReadable(version)) throw errors.invalidObjectState(version.storageClass);
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
    ...restoreHeader(version),
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
