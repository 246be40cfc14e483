/** Buckets as AWS Backup sees them: what a backup takes in, and how a restore puts it back. */
import type { Principal } from '../service';
import { archivedClasses } from './archive';
import type { Bucket, Encryption, ObjectVersion } from './bucket';
import type { S3Context } from './context';

/** What AWS Backup does with buckets. */
export interface RecoverableBuckets {
  /** Everything that a backup takes in now: all versions, by key and newest first, delete markers among them. Archived versions
   * are left out, as AWS Backup does not read the classes `GLACIER` and `DEEP_ARCHIVE`.
   * @returns nothing for a bucket that does not exist */
  readonly capture: (bucketName: string) => readonly ObjectVersion[];
  /** Whether a bucket keeps versions; undefined for one that does not exist. */
  readonly isVersioned: (bucketName: string) => boolean | undefined;
  /** Makes a bucket with versions. */
  readonly create: (bucketName: string) => void;
  /** Whether a key has a current object. A delete marker is none. */
  readonly hasObject: (bucketName: string, key: string) => boolean;
  /** Puts a version back as a new one, in the class `STANDARD`, with its headers, metadata and tags.
   * @param encryption Undefined: as the version was encrypted. */
  readonly putBack: (
    bucketName: string,
    version: ObjectVersion,
    encryption: Encryption | undefined,
    by: Principal,
  ) => void;
}

/** The buckets of an account for AWS Backup. */
export function recoverableBuckets(context: S3Context, create: (bucketName: string) => void): RecoverableBuckets {
  const find = (bucketName: string): Bucket | undefined => context.buckets.get(bucketName);
  return {
    create,
    capture: (bucketName) => {
      const bucket = find(bucketName);
      const versions = bucket?.keys().flatMap((key) => bucket.versions(key)) ?? [];
      return versions.filter(({ storageClass }) => !archivedClasses.includes(storageClass));
    },
    isVersioned: (bucketName) => {
      const bucket = find(bucketName);
      return bucket && bucket.configuration.versioning === 'Enabled';
    },
    hasObject: (bucketName, key) => find(bucketName)?.current(key) !== undefined,
    putBack: (bucketName, version, encryption, by) => {
      const bucket = context.bucket(bucketName);
      const { key, body, headers, metadata, tags, checksum, parts, etag } = version;
      const restored = bucket.put({
        ...{ key, body, headers, metadata, tags, checksum, parts, etag },
        storageClass: 'STANDARD',
        encryption: encryption ?? version.encryption,
      });
      context.announceCreated(bucket, restored, by, 'PutObject');
    },
  };
}
