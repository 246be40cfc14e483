/** What all S3 operations share: finding buckets and versions, and announcing what happened. */
import type { RandomSource } from '../../random';
import type { EventSink } from '../aws-event';
import { ServiceError, type Principal } from '../service';
import type { Bucket, ObjectVersion } from './bucket';
import { errors } from './errors';

export interface S3Options {
  readonly nowMs: () => number;
  readonly random: RandomSource;
  readonly emit: EventSink;
  readonly region: string;
  readonly accountId: string;
}

/** The parameters that name an object or one version of it. */
export interface ObjectName {
  readonly Bucket: string;
  readonly Key: string;
  readonly VersionId?: string;
  readonly ExpectedBucketOwner?: string;
}

const keyByteLimit = 1024;
/** The address that events show for requests: one that is reserved for documentation. */
const sourceIpAddress = '192.0.2.1';

/** The buckets of an account, and the events about them. */
export class S3Context {
  readonly buckets = new Map<string, Bucket>();

  constructor(readonly options: S3Options) {}

  /** @throws ServiceError NoSuchBucket, or AccessDenied when the bucket is not the expected owner's */
  bucket(name: string, expectedOwner?: string): Bucket {
    const bucket = this.buckets.get(name);
    if (bucket === undefined) throw errors.noSuchBucket(name);
    if (expectedOwner !== undefined && expectedOwner !== this.options.accountId) {
      throw new ServiceError('AccessDenied', 'Access Denied', 403);
    }
    return bucket;
  }

  /** The bucket and the version that a request names; without a version id the current one.
   * @throws ServiceError NoSuchKey, NoSuchVersion, or MethodNotAllowed for a delete marker */
  version({ Bucket: name, Key, VersionId, ExpectedBucketOwner }: ObjectName): {
    readonly bucket: Bucket;
    readonly version: ObjectVersion;
  } {
    const bucket = this.bucket(name, ExpectedBucketOwner);
    checkKey(Key);
    if (VersionId === undefined) {
      const version = bucket.current(Key);
      if (version === undefined) throw errors.noSuchKey(Key);
      return { bucket, version };
    }
    if (VersionId === '') throw errors.invalidArgument('Version id cannot be the empty string', 'versionId', VersionId);
    const version = bucket.versions(Key).find((other) => other.versionId === VersionId);
    if (version === undefined) throw errors.noSuchVersion(Key, VersionId);
    if (version.isDeleteMarker) throw errors.methodNotAllowed();
    return { bucket, version };
  }

  /** The version id as answers and events show it: not at all in a bucket that never had versions. */
  shownVersionId(bucket: Bucket, version: ObjectVersion): string | undefined {
    return bucket.configuration.versioning === 'Unversioned' ? undefined : version.versionId;
  }

  /** Announces what happened to a version, if the bucket sends its events to EventBridge.
   * Keys go into events as they are: the page that says they are encoded is about other notifications.
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html (read 2026-11) */
  announce(
    detailType: string,
    bucket: Bucket,
    version: ObjectVersion,
    caller: Principal | undefined,
    details: Readonly<Record<string, unknown>>,
    objectDetails: Readonly<Record<string, unknown>> = {},
  ): void {
    if (!bucket.configuration.isEventBridgeEnabled) return;
    const versionId = this.shownVersionId(bucket, version);
    this.options.emit({
      source: 'aws.s3',
      detailType,
      resources: [`arn:aws:s3:::${bucket.name}`],
      detail: {
        version: '0',
        'event-version': '1.0',
        bucket: { name: bucket.name },
        object: {
          key: version.key,
          ...objectDetails,
          ...(version.etag !== '' && { etag: version.etag }),
          ...(versionId !== undefined && { 'version-id': versionId }),
          // Of a restore, the order of changes to the key tells nothing.
          ...(!detailType.startsWith('Object Restore') && { sequencer: version.sequencer }),
        },
        'request-id': this.options.random.hex(16).toUpperCase(),
        requester: caller === undefined ? 's3.amazonaws.com' : requesterOf(caller, this.options.accountId),
        ...(caller !== undefined && !isService(caller) && { 'source-ip-address': sourceIpAddress }),
        ...details,
      },
    });
  }

  announceCreated(bucket: Bucket, version: ObjectVersion, caller: Principal, reason: string): void {
    this.announce('Object Created', bucket, version, caller, { reason }, { size: version.sizeBytes });
  }
}

/** @throws ServiceError KeyTooLongError, or InvalidArgument for an empty key */
export function checkKey(key: string): void {
  const byteCount = Buffer.byteLength(key);
  if (byteCount > keyByteLimit) throw errors.keyTooLong(byteCount);
  if (byteCount === 0) throw errors.invalidArgument('Object key must not be empty', 'Key', '');
}

function requesterOf(caller: Principal, accountId: string): string {
  return isService(caller) ? caller.id : accountId;
}

function isService(caller: Principal): boolean {
  return caller.id.endsWith('.amazonaws.com');
}
