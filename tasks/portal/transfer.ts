/** How a file reaches its bucket without passing through the API: one signed form, or parts with signed addresses. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListPartsCommand,
  NoSuchUpload,
  UploadPartCommand,
  type Part,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { PartAddress, Transfer } from './messages';
import { Refusal } from './refusal';
import { addressLifetimeSeconds } from './settings';
import type { UploadRecord } from './upload-record';

type InParts = NonNullable<UploadRecord['multipart']>;

const mebibyte = 1024 * 1024;
const minimumPartBytes = 8 * mebibyte;
const maximumPartCount = 10_000;

/** Signs a form that stores exactly this key, with this type and this many bytes. */
export async function signForm(
  s3: S3Client,
  record: Pick<UploadRecord, 'bucket' | 'key' | 'sizeBytes' | 'contentType'>,
  nowMs: number,
): Promise<Transfer> {
  const { url, fields } = await createPresignedPost(s3, {
    Bucket: record.bucket,
    Key: record.key,
    Fields: { 'Content-Type': record.contentType, success_action_status: '201' },
    Conditions: [['content-length-range', record.sizeBytes, record.sizeBytes]],
    Expires: addressLifetimeSeconds,
  });
  return { kind: 'form', address: url, fields, expiresAt: expiry(nowMs) };
}

/** Begins an upload in parts: as few as S3 allows, each of at least 8 MiB. */
export async function beginParts(
  s3: S3Client,
  { bucket, key, sizeBytes, contentType }: Pick<UploadRecord, 'bucket' | 'key' | 'sizeBytes' | 'contentType'>,
): Promise<InParts> {
  const partBytes = Math.max(minimumPartBytes, Math.ceil(sizeBytes / maximumPartCount / mebibyte) * mebibyte);
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({
      Bucket: bucket,
      Key: key,
      ContentType: contentType,
      ChecksumAlgorithm: 'SHA256',
    }),
  );
  return { uploadId: UploadId!, partBytes, partCount: Math.ceil(sizeBytes / partBytes) };
}

/** Signs the address of one part. Its checksum and its length are signed with it.
 * @throws Refusal 422 for a part that the file does not have */
export async function signPart(
  s3: S3Client,
  record: UploadRecord & { readonly multipart: InParts },
  { partNumber, sha256 }: { readonly partNumber: number; readonly sha256: string },
  nowMs: number,
): Promise<PartAddress> {
  const { uploadId, partCount } = record.multipart;
  if (partNumber > partCount) {
    throw new Refusal(422, 'NoSuchPart', `The file has ${partCount} parts; there is no part ${partNumber}`);
  }
  const command = new UploadPartCommand({
    Bucket: record.bucket,
    Key: record.key,
    UploadId: uploadId,
    PartNumber: partNumber,
    ChecksumSHA256: sha256,
    ContentLength: partSize(record, partNumber),
  });
  const checksumHeader = 'x-amz-checksum-sha256';
  const address = await getSignedUrl(s3, command, {
    expiresIn: addressLifetimeSeconds,
    signingDate: new Date(nowMs),
    // In the query it would only be a wish; as a signed header, the part must carry it.
    unhoistableHeaders: new Set([checksumHeader]),
  });
  return { address, headers: { [checksumHeader]: sha256 }, expiresAt: expiry(nowMs) };
}

/** Reads which parts have arrived.
 * @throws Refusal 409 when the upload is over */
export async function listParts(
  s3: S3Client,
  { bucket, key, multipart }: UploadRecord & { readonly multipart: InParts },
): Promise<readonly Part[]> {
  const parts: Part[] = [];
  let marker: string | undefined;
  try {
    do {
      const page = await s3.send(
        new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: multipart.uploadId, PartNumberMarker: marker }),
      );
      parts.push(...(page.Parts ?? []));
      marker = page.IsTruncated === true ? page.NextPartNumberMarker : undefined;
    } while (marker !== undefined);
  } catch (error) {
    if (!(error instanceof NoSuchUpload)) throw error;
    throw new Refusal(409, 'UploadIsOver', 'This upload has been completed or given up');
  }
  return parts;
}

/** Puts the parts together, as S3 has them: what the page believes to have sent does not count.
 * @throws Refusal 409 when parts are missing */
export async function completeParts(
  s3: S3Client,
  record: UploadRecord & { readonly multipart: InParts },
): Promise<void> {
  const parts = await listParts(s3, record);
  const { uploadId, partCount } = record.multipart;
  const complete = parts.filter(({ PartNumber, Size }) => Size === partSize(record, PartNumber!));
  if (complete.length !== partCount) {
    throw new Refusal(409, 'PartsMissing', `${complete.length} of ${partCount} parts have arrived`);
  }
  await s3.send(
    new CompleteMultipartUploadCommand({
      Bucket: record.bucket,
      Key: record.key,
      UploadId: uploadId,
      MultipartUpload: {
        Parts: complete.map(({ PartNumber, ETag, ChecksumSHA256 }) => ({ PartNumber, ETag, ChecksumSHA256 })),
      },
      IfNoneMatch: '*',
    }),
  );
}

/** Gives an upload in parts up; S3 forgets the parts. */
export async function abandonParts(
  s3: S3Client,
  { bucket, key, multipart }: UploadRecord & { readonly multipart: InParts },
): Promise<void> {
  try {
    await s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key: key, UploadId: multipart.uploadId }));
  } catch (error) {
    if (!(error instanceof NoSuchUpload)) throw error;
  }
}

/** When an address signed now ends. */
export function expiry(nowMs: number): string {
  return new Date(nowMs + addressLifetimeSeconds * 1000).toISOString();
}

/** All parts are of one size but the last. */
function partSize(
  { sizeBytes, multipart }: UploadRecord & { readonly multipart: InParts },
  partNumber: number,
): number {
  const { partBytes, partCount } = multipart;
  return partNumber < partCount ? partBytes : sizeBytes - partBytes * (partCount - 1);
}
