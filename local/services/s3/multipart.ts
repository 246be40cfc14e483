/** S3's multipart uploads. */
import { createHash } from 'node:crypto';
import { checkParameters } from '../parameters';
import type { Principal, ServiceOutput } from '../service';
import { ServiceError } from '../service';
import { checksumOf, type Bucket, type StoredPart, type Upload } from './bucket';
import {
  checksumMembers,
  checksumParameters,
  compositeChecksum,
  computeChecksum,
  readAlgorithm,
  verifyChecksum,
  verifyContentMd5,
  type Checksum,
  type ChecksumType,
} from './checksum';
import { checkWriteConditions, type WriteConditions } from './conditions';
import type { ObjectName, S3Context } from './context';
import { errors } from './errors';
import { listKeys } from './listing';
import { readSource, type CopySourceInput } from './copies';
import { checkWriteParameters, encryptionMembers, readNewObject, type PutObjectInput } from './objects';

type Input = Readonly<Record<string, unknown>>;

interface UploadName extends ObjectName {
  readonly UploadId: string;
}

interface UploadPartInput extends UploadName {
  readonly PartNumber: number;
  readonly Body?: Uint8Array | string;
  readonly ContentMD5?: string;
}

interface CompletedPart {
  readonly PartNumber: number;
  readonly ETag: string;
}

interface CompleteInput extends UploadName, WriteConditions {
  readonly MultipartUpload?: { readonly Parts?: readonly CompletedPart[] };
  readonly ChecksumType?: string;
  readonly MpuObjectSize?: number;
}

const partLimit = 10_000;
const minimumPartBytes = 5 * 1024 * 1024;
const pageLimit = 1000;
const name = ['Bucket', 'Key', 'UploadId'];
const inert = ['RequestPayer', 'ExpectedBucketOwner', 'ChecksumAlgorithm', 'ContentLength'];

export function createMultipartUpload(
  context: S3Context,
  input: PutObjectInput & { readonly ChecksumAlgorithm?: string; readonly ChecksumType?: ChecksumType },
): ServiceOutput {
  checkWriteParameters('CreateMultipartUpload', input, ['ChecksumType']);
  const bucket = context.bucket(input.Bucket, input.ExpectedBucketOwner);
  const checksumAlgorithm = readAlgorithm(input.ChecksumAlgorithm);
  const upload: Upload = {
    uploadId: bucket.newUploadId(),
    key: input.Key,
    initiatedAtMs: bucket.nowSecondsMs(),
    template: readNewObject(bucket, input),
    checksumAlgorithm,
    checksumType: checksumAlgorithm && readType(checksumAlgorithm, input.ChecksumType),
    parts: new Map(),
  };
  bucket.uploads.set(upload.uploadId, upload);
  return {
    Bucket: bucket.name,
    Key: input.Key,
    UploadId: upload.uploadId,
    ChecksumAlgorithm: upload.checksumAlgorithm,
    ChecksumType: upload.checksumType,
    ...encryptionMembers(upload.template),
  };
}

export function uploadPart(context: S3Context, input: UploadPartInput): ServiceOutput {
  checkParameters(
    's3',
    'UploadPart',
    input as unknown as Input,
    {
      required: [...name, 'PartNumber'],
      optional: ['Body', 'ContentMD5', ...checksumParameters, ...inert],
      unsupported: ['SSECustomerAlgorithm', 'SSECustomerKey', 'SSECustomerKeyMD5'],
    },
    'InvalidRequest',
  );
  const { bucket, upload } = findUpload(context, input);
  const body = typeof input.Body === 'string' ? Buffer.from(input.Body) : (input.Body ?? new Uint8Array());
  verifyContentMd5(input.ContentMD5, body);
  const part = storePart(bucket, upload, input.PartNumber, body, verifyChecksum(input as unknown as Input, body));
  return { ETag: `"${part.etag}"`, ...partChecksum(part), ...encryptionMembers(upload.template) };
}

export function uploadPartCopy(
  context: S3Context,
  input: UploadPartInput & CopySourceInput & { readonly CopySourceRange?: string },
): ServiceOutput {
  checkParameters(
    's3',
    'UploadPartCopy',
    input as unknown as Input,
    {
      required: [...name, 'PartNumber', 'CopySource'],
      optional: [
        'CopySourceRange',
        'CopySourceIfMatch',
        'CopySourceIfNoneMatch',
        'CopySourceIfModifiedSince',
        'CopySourceIfUnmodifiedSince',
        'ExpectedSourceBucketOwner',
        ...inert,
      ],
    },
    'InvalidRequest',
  );
  const { bucket, upload } = findUpload(context, input);
  const source = readSource(context, input);
  const body = cutRange(source.version.body, input.CopySourceRange);
  const part = storePart(bucket, upload, input.PartNumber, body, undefined);
  return {
    CopyPartResult: { ETag: `"${part.etag}"`, LastModified: new Date(bucket.nowSecondsMs()), ...partChecksum(part) },
    CopySourceVersionId: context.shownVersionId(source.bucket, source.version),
    ...encryptionMembers(upload.template),
  };
}

export function completeMultipartUpload(context: S3Context, input: CompleteInput, caller: Principal): ServiceOutput {
  checkParameters(
    's3',
    'CompleteMultipartUpload',
    input as unknown as Input,
    {
      required: name,
      optional: [
        'MultipartUpload',
        'ChecksumType',
        'MpuObjectSize',
        'IfMatch',
        'IfNoneMatch',
        ...checksumParameters,
        ...inert,
      ],
    },
    'InvalidRequest',
  );
  const { bucket, upload } = findUpload(context, input);
  const parts = choosePart(upload, input.MultipartUpload?.Parts ?? []);
  const body = Buffer.concat(parts.map((part) => part.body));
  if (input.MpuObjectSize !== undefined && input.MpuObjectSize !== body.length) {
    throw errors.invalidRequest(
      `The provided 'x-amz-mp-object-size' header value ${input.MpuObjectSize} does not match what was computed: ${body.length}`,
    );
  }
  checkWriteConditions(upload.key, bucket.current(upload.key), input);
  const checksum = combineChecksums(upload, parts, body);
  verifyWhole(input as unknown as Input, checksum);
  const digests = Buffer.concat(parts.map(({ etag }) => Buffer.from(etag, 'hex')));
  const version = bucket.put({
    ...upload.template,
    body: new Uint8Array(body),
    etag: `${createHash('md5').update(digests).digest('hex')}-${parts.length}`,
    checksum,
    parts: parts.map(({ body: _body, lastModifiedMs: _lastModifiedMs, ...part }) => part),
  });
  bucket.uploads.delete(upload.uploadId);
  context.announceCreated(bucket, version, caller, 'CompleteMultipartUpload');
  return {
    Location: `https://${bucket.name}.s3.${context.options.region}.amazonaws.com/${encodeURIComponent(upload.key)}`,
    Bucket: bucket.name,
    Key: upload.key,
    ETag: `"${version.etag}"`,
    VersionId: context.shownVersionId(bucket, version),
    ...checksumMembers(checksumOf(version)),
    ...encryptionMembers(version),
  };
}

export function abortMultipartUpload(context: S3Context, input: UploadName): ServiceOutput {
  checkParameters(
    's3',
    'AbortMultipartUpload',
    input as unknown as Input,
    {
      required: name,
      optional: ['IfMatchInitiatedTime', ...inert],
    },
    'InvalidRequest',
  );
  const { bucket, upload } = findUpload(context, input);
  bucket.uploads.delete(upload.uploadId);
  return {};
}

export function listParts(
  context: S3Context,
  input: UploadName & { readonly MaxParts?: number; readonly PartNumberMarker?: string },
): ServiceOutput {
  checkParameters(
    's3',
    'ListParts',
    input as unknown as Input,
    {
      required: name,
      optional: ['MaxParts', 'PartNumberMarker', ...inert],
    },
    'InvalidRequest',
  );
  const { bucket, upload } = findUpload(context, input);
  const limit = Math.min(input.MaxParts ?? pageLimit, pageLimit);
  const rest = sortedParts(upload).filter(({ partNumber }) => partNumber > Number(input.PartNumberMarker ?? 0));
  const page = rest.slice(0, limit);
  return {
    Bucket: bucket.name,
    Key: upload.key,
    UploadId: upload.uploadId,
    MaxParts: limit,
    IsTruncated: rest.length > limit,
    ...(rest.length > limit && { NextPartNumberMarker: String(page.at(-1)?.partNumber ?? 0) }),
    StorageClass: upload.template.storageClass,
    ChecksumAlgorithm: upload.checksumAlgorithm,
    ChecksumType: upload.checksumType,
    Parts: page.map((part) => ({
      PartNumber: part.partNumber,
      LastModified: new Date(part.lastModifiedMs),
      ETag: `"${part.etag}"`,
      Size: part.sizeBytes,
      ...partChecksum(part),
    })),
  };
}

export function listMultipartUploads(
  context: S3Context,
  input: {
    readonly Bucket: string;
    readonly Prefix?: string;
    readonly Delimiter?: string;
    readonly MaxUploads?: number;
  },
): ServiceOutput {
  checkParameters(
    's3',
    'ListMultipartUploads',
    input as unknown as Input,
    {
      required: ['Bucket'],
      optional: ['Prefix', 'Delimiter', 'MaxUploads', ...inert],
      unsupported: ['KeyMarker', 'UploadIdMarker', 'EncodingType'],
    },
    'InvalidRequest',
  );
  const bucket = context.bucket(input.Bucket);
  const uploads = [...bucket.uploads.values()];
  const { keys, commonPrefixes, next } = listKeys(
    [...new Set(uploads.map(({ key }) => key))].sort(),
    { prefix: input.Prefix ?? '', delimiter: input.Delimiter, limit: input.MaxUploads ?? pageLimit, after: undefined },
    () => true,
  );
  return {
    Bucket: bucket.name,
    IsTruncated: next !== undefined,
    CommonPrefixes: commonPrefixes.map((Prefix) => ({ Prefix })),
    Uploads: keys.flatMap((key) =>
      uploads
        .filter((upload) => upload.key === key)
        .map((upload) => ({
          Key: key,
          UploadId: upload.uploadId,
          Initiated: new Date(upload.initiatedAtMs),
          StorageClass: upload.template.storageClass,
        })),
    ),
  };
}

type UploadedPart = Upload['parts'] extends Map<number, infer Part> ? Part : never;

function findUpload(context: S3Context, input: UploadName): { readonly bucket: Bucket; readonly upload: Upload } {
  const bucket = context.bucket(input.Bucket, input.ExpectedBucketOwner);
  const upload = bucket.uploads.get(input.UploadId);
  if (upload === undefined || upload.key !== input.Key) throw errors.noSuchUpload(input.UploadId);
  return { bucket, upload };
}

function storePart(
  bucket: Bucket,
  upload: Upload,
  partNumber: number,
  body: Uint8Array,
  given: Checksum | undefined,
): StoredPart {
  if (!Number.isInteger(partNumber) || partNumber < 1 || partNumber > partLimit) {
    throw errors.invalidArgument(
      `Part number must be an integer between 1 and ${partLimit}, inclusive`,
      'partNumber',
      String(partNumber),
    );
  }
  const algorithm = upload.checksumAlgorithm;
  if (algorithm !== undefined && given !== undefined && given.algorithm !== algorithm) {
    throw errors.invalidRequest(
      `Checksum Type mismatch occurred, expected checksum Type: ${algorithm.toLowerCase()}, actual checksum Type: ${given.algorithm.toLowerCase()}`,
    );
  }
  const checksum: Checksum | undefined =
    given ??
    (algorithm === undefined ? undefined : { algorithm, type: 'FULL_OBJECT', value: computeChecksum(algorithm, body) });
  const part = {
    partNumber,
    body: new Uint8Array(body),
    etag: createHash('md5').update(body).digest('hex'),
    sizeBytes: body.length,
    checksum,
    lastModifiedMs: bucket.nowSecondsMs(),
  };
  upload.parts.set(partNumber, part);
  return part;
}

/** The uploaded parts that a completion names, checked. */
function choosePart(upload: Upload, named: readonly CompletedPart[]): readonly UploadedPart[] {
  if (named.length === 0) throw errors.malformedXml();
  const parts = named.map((wanted, index) => {
    if (index > 0 && wanted.PartNumber <= named[index - 1]!.PartNumber) {
      throw new ServiceError(
        'InvalidPartOrder',
        'The list of parts was not in ascending order. Parts must be ordered by part number.',
      );
    }
    const part = upload.parts.get(wanted.PartNumber);
    if (part === undefined || part.etag !== wanted.ETag?.replaceAll('"', '')) {
      throw new ServiceError(
        'InvalidPart',
        "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
        400,
        { UploadId: upload.uploadId, PartNumber: wanted.PartNumber, ETag: wanted.ETag ?? '' },
      );
    }
    checkPartChecksum(upload, part, wanted as unknown as Input);
    return part;
  });
  for (const part of parts.slice(0, -1)) {
    if (part.sizeBytes >= minimumPartBytes) continue;
    throw new ServiceError('EntityTooSmall', 'Your proposed upload is smaller than the minimum allowed size', 400, {
      ProposedSize: part.sizeBytes,
      MinSizeAllowed: minimumPartBytes,
      PartNumber: part.partNumber,
      ETag: part.etag,
    });
  }
  return parts;
}

function checkPartChecksum(upload: Upload, part: UploadedPart, wanted: Input): void {
  const algorithm = upload.checksumAlgorithm;
  if (algorithm === undefined) return;
  const given = wanted[`Checksum${algorithm}`];
  if (given === undefined && upload.checksumType === 'COMPOSITE') {
    throw errors.invalidRequest(
      `The upload was created using a ${algorithm.toLowerCase()} checksum. The complete request must include the checksum for each part. It was missing for part ${part.partNumber} in the request.`,
    );
  }
  if (given !== undefined && given !== part.checksum?.value) {
    throw new ServiceError(
      'InvalidPart',
      "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
    );
  }
}

function combineChecksums(upload: Upload, parts: readonly UploadedPart[], body: Uint8Array): Checksum | undefined {
  const { checksumAlgorithm: algorithm, checksumType: type } = upload;
  if (algorithm === undefined || type === undefined) return undefined;
  const value =
    type === 'FULL_OBJECT'
      ? computeChecksum(algorithm, body)
      : compositeChecksum(
          algorithm,
          parts.map((part) => part.checksum!.value),
        );
  return { algorithm, type, value };
}

/** A completion may bring the checksum of the whole object. */
function verifyWhole(input: Input, checksum: Checksum | undefined): void {
  if (checksum === undefined) return;
  const given = input[`Checksum${checksum.algorithm}`];
  if (given !== undefined && String(given).replace(/-\d+$/, '') !== checksum.value.replace(/-\d+$/, '')) {
    throw new ServiceError(
      'BadDigest',
      `The ${checksum.algorithm} you specified did not match the calculated checksum.`,
    );
  }
}

function readType(algorithm: Checksum['algorithm'], given: ChecksumType | undefined): ChecksumType {
  const isCrc = algorithm.startsWith('CRC');
  const type = given ?? (algorithm === 'CRC64NVME' ? 'FULL_OBJECT' : 'COMPOSITE');
  if ((type === 'FULL_OBJECT' && !isCrc) || (type === 'COMPOSITE' && algorithm === 'CRC64NVME')) {
    throw errors.invalidRequest(
      `The ${type} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`,
    );
  }
  return type;
}

function partChecksum({ checksum }: StoredPart): ServiceOutput {
  return checksum === undefined ? {} : { [`Checksum${checksum.algorithm}`]: checksum.value };
}

function sortedParts(upload: Upload): readonly UploadedPart[] {
  return [...upload.parts.values()].sort((left, right) => left.partNumber - right.partNumber);
}

function cutRange(body: Uint8Array, range: string | undefined): Uint8Array {
  if (range === undefined) return body;
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  if (first === undefined || last === undefined || Number(last) >= body.length || Number(first) > Number(last)) {
    throw errors.invalidArgument(
      `Range specified is not valid for source object of size: ${body.length}`,
      'x-amz-copy-source-range',
      range,
    );
  }
  return body.subarray(Number(first), Number(last) + 1);
}
