/** S3's operations on what is known about an object besides its content: tags and attributes. */
import { checkParameters } from '../parameters';
import type { Principal, ServiceOutput } from '../service';
import { checksumOf } from './bucket';
import { checksumMembers } from './checksum';
import type { ObjectName, S3Context } from './context';
import { inertParameters, keyParameters, type Input } from './objects';
import { listTags, readTags, type Tag } from './tagging';

export function getObjectTagging(context: S3Context, input: ObjectName): ServiceOutput {
  checkParameters(
    's3',
    'GetObjectTagging',
    input as unknown as Input,
    { required: keyParameters, optional: ['VersionId', ...inertParameters] },
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
      optional: ['VersionId', 'ContentMD5', ...inertParameters],
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
    { required: keyParameters, optional: ['VersionId', ...inertParameters] },
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
      optional: ['VersionId', ...inertParameters],
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
