/** Copies one version of an object inside S3, whatever its key and its size. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCopyCommand,
  type CompletedPart,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';

/** Where to copy from. */
export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string | undefined;
  /** Without quotes. Where no version is named, the copy fails if the object has other content by now. */
  readonly etag?: string | undefined;
}

/** Where to copy to. */
export interface CopyTarget {
  readonly bucket: string;
  readonly key: string;
  /** Replace the tags of the original. */
  readonly tags: Readonly<Record<string, string>>;
}

/** CopyObject copies at most this much in one call. */
const maximumCopyBytes = 5 * 1024 ** 3;

/** A bigger object is copied in parts, of which there can be 10,000. */
const smallestPartBytes = 1024 ** 3;
const maximumPartCount = 10_000;
const parallelParts = 16;

/** Copies a version, with its metadata.
 * @returns false when it does not exist any more, or has been replaced */
export async function copyObject(source: CopySource, target: CopyTarget, s3: S3Client): Promise<boolean> {
  try {
    const head = await s3.send(
      new HeadObjectCommand({ Bucket: source.bucket, Key: source.key, VersionId: source.versionId }),
    );
    if ((head.ContentLength ?? 0) > maximumCopyBytes) await copyInParts(source, target, head, s3);
    else await copyAtOnce(source, target, s3);
    return true;
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    // 405 is a delete marker, 412 other content.
    if (status === 404 || status === 405 || status === 412) return false;
    throw error;
  }
}

/** Writes a source as the header wants it: percent-encoded, apart from the slashes between the key's parts.
 * @example copySourceText({ bucket: 'inbox', key: 'März/a+b.csv' }) // 'inbox/M%C3%A4rz/a%2Bb.csv' */
export function copySourceText({ bucket, key, versionId }: CopySource): string {
  const path = [bucket, ...key.split('/')].map(encodePart).join('/');
  return versionId === undefined ? path : `${path}?versionId=${encodePart(versionId)}`;
}

function encodePart(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

async function copyAtOnce(source: CopySource, target: CopyTarget, s3: S3Client): Promise<void> {
  await s3.send(
    new CopyObjectCommand({
      Bucket: target.bucket,
      Key: target.key,
      CopySource: copySourceText(source),
      CopySourceIfMatch: matchOf(source),
      TaggingDirective: 'REPLACE',
      Tagging: tagging(target.tags),
    }),
  );
}

async function copyInParts(
  source: CopySource,
  target: CopyTarget,
  head: HeadObjectCommandOutput,
  s3: S3Client,
): Promise<void> {
  const place = { Bucket: target.bucket, Key: target.key };
  const { UploadId } = await s3.send(
    new CreateMultipartUploadCommand({
      ...place,
      ContentType: head.ContentType,
      ContentEncoding: head.ContentEncoding,
      ContentDisposition: head.ContentDisposition,
      ContentLanguage: head.ContentLanguage,
      CacheControl: head.CacheControl,
      Metadata: head.Metadata,
      Tagging: tagging(target.tags),
    }),
  );
  try {
    const ranges = partRanges(head.ContentLength ?? 0);
    const parts: CompletedPart[] = [];
    const remaining = ranges.entries();
    const copyRemaining = async (): Promise<void> => {
      for (const [index, range] of remaining) {
        const PartNumber = index + 1;
        const { CopyPartResult } = await s3.send(
          new UploadPartCopyCommand({
            ...place,
            UploadId,
            PartNumber,
            CopySource: copySourceText(source),
            CopySourceIfMatch: matchOf(source),
            CopySourceRange: `bytes=${range.first}-${range.last}`,
          }),
        );
        parts[index] = { PartNumber, ETag: CopyPartResult?.ETag };
      }
    };
    await Promise.all(Array.from({ length: parallelParts }, copyRemaining));
    await s3.send(new CompleteMultipartUploadCommand({ ...place, UploadId, MultipartUpload: { Parts: parts } }));
  } catch (error) {
    await s3.send(new AbortMultipartUploadCommand({ ...place, UploadId }));
    throw error;
  }
}

/** Divides an object into parts, the last of which may be smaller. */
export function partRanges(sizeBytes: number): { first: number; last: number }[] {
  const partBytes = Math.max(smallestPartBytes, Math.ceil(sizeBytes / maximumPartCount));
  return Array.from({ length: Math.ceil(sizeBytes / partBytes) }, (_, index) => ({
    first: index * partBytes,
    last: Math.min(sizeBytes, (index + 1) * partBytes) - 1,
  }));
}

function matchOf(source: CopySource): string | undefined {
  return source.versionId === undefined && source.etag !== undefined ? `"${source.etag}"` : undefined;
}

function tagging(tags: Readonly<Record<string, string>>): string {
  return new URLSearchParams(tags).toString().replaceAll('+', '%20');
}
