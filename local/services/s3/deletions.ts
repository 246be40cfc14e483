/** S3's deletions: of one object, of a version, of many objects at once. */
import { checkParameters } from '../parameters';
import { ServiceError, type Principal, type ServiceOutput } from '../service';
import type { Bucket, ObjectVersion } from './bucket';
import { checkWriteConditions } from './conditions';
import { checkKey, type ObjectName, type S3Context } from './context';
import { errors } from './errors';
import { inertParameters, keyParameters, type Input } from './objects';

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
      optional: ['VersionId', 'IfMatch', 'MFA', 'BypassGovernanceRetention', ...inertParameters],
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
      optional: ['MFA', 'BypassGovernanceRetention', ...inertParameters],
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
