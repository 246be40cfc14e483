/** The restore jobs of the simulated AWS Backup: objects of a bucket's recovery point are put back into a bucket, over virtual time.
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/restoring-s3.html (read 2026-11) */
import type { Encryption, ObjectVersion } from './s3/bucket';
import { type BackupOptions, type RecoveryPoint, simulatedSizeBytes } from './backup-jobs';
import { ServiceError, UnsupportedError } from './service';

export type RestoreJobStatus = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED';

/** A restore job. */
export interface RestoreJob {
  readonly jobId: string;
  readonly point: RecoveryPoint;
  readonly roleArn: string;
  readonly idempotencyToken: string | undefined;
  readonly createdAtMs: number;
  readonly target: RestoreTarget;
  status: RestoreJobStatus;
  statusMessage: string | undefined;
  completedAtMs: number | undefined;
}

/** What the metadata of a request says. */
interface RestoreTarget {
  readonly bucket: string;
  readonly isNew: boolean;
  readonly encryption: Encryption | undefined;
  /** Keys, or beginnings of keys that end with `/`; undefined for everything. */
  readonly items: readonly string[] | undefined;
  readonly versionCount: number;
}

/** Those of the restore page, and `NewBucket`, `Encrypted` and `CreationToken` of its earlier edition. */
const knownMetadata = [
  ...['DestinationBucketName', 'RestoreACLs', 'EncryptionType', 'ItemsToRestore', 'KMSKey'],
  ...['RestoreLatestVersionsUpTo', 'RestoreTime', 'NewBucket', 'Encrypted', 'CreationToken'],
];
const maximumItems = 5;

/** All restore jobs. */
export class RestoreJobs {
  readonly all = new Map<string, RestoreJob>();

  constructor(private readonly options: BackupOptions) {}

  /** @throws ServiceError InvalidParameterValueException for metadata that does not fit
   * @throws UnsupportedError for anything but a bucket */
  start(request: {
    readonly point: RecoveryPoint;
    readonly roleArn: string;
    readonly idempotencyToken: string | undefined;
    readonly metadata: Readonly<Record<string, string>>;
  }): RestoreJob {
    const { point, metadata, ...rest } = request;
    const target = readTarget(point, metadata);
    const { clock, random, startMs = 10_000, durationMs = 600_000 } = this.options;
    const job: RestoreJob = {
      ...{ ...rest, point, target },
      jobId: random.uuid().toUpperCase(),
      createdAtMs: clock.nowMs(),
      status: 'PENDING',
      statusMessage: undefined,
      completedAtMs: undefined,
    };
    this.all.set(job.jobId, job);
    this.announce(job);
    clock.schedule(startMs, () => {
      const problem = this.problemOf(job);
      if (problem !== undefined) return this.end(job, 'FAILED', problem);
      job.status = 'RUNNING';
      this.announce(job);
      clock.schedule(durationMs, () => this.finish(job));
    });
    return job;
  }

  private problemOf({ target, roleArn, point }: RestoreJob): string | undefined {
    const { buckets, inspectRestore } = this.options;
    const { bucket, isNew } = target;
    const isVersioned = buckets?.isVersioned(bucket);
    if (isNew && isVersioned !== undefined) return `The bucket ${bucket} exists already.`;
    if (!isNew && isVersioned === undefined) return `The bucket ${bucket} does not exist.`;
    if (!isNew && isVersioned === false) return `The bucket ${bucket} must have versioning turned on.`;
    if (inspectRestore?.({ bucket, isNew }, roleArn) === undefined) return undefined;
    return `No objects were restored from ${point.recoveryPointArn} to ${bucket}. To get notified of these failures, enable SNS event notifications.`;
  }

  private finish(job: RestoreJob): void {
    const { target, point, roleArn } = job;
    const buckets = this.options.buckets!;
    if (target.isNew) buckets.create(target.bucket);
    const chosen = choose(point.contents, target);
    for (const versions of chosen.values()) {
      if (buckets.hasObject(target.bucket, versions[0]!.key)) continue;
      for (const version of [...versions].reverse()) {
        buckets.putBack(target.bucket, version, target.encryption, { id: roleArn, session: 'AWSBackup' });
      }
    }
    const { recoveryPointArn } = point;
    const isEmpty = chosen.size === 0;
    this.end(
      job,
      'COMPLETED',
      isEmpty ? `There are no objects that match the restore request for ${recoveryPointArn}.` : undefined,
    );
  }

  private end(job: RestoreJob, status: RestoreJobStatus, message: string | undefined): void {
    job.status = status;
    job.statusMessage = message;
    job.completedAtMs = this.options.clock.nowMs();
    this.announce(job);
  }

  /** As for other jobs, the event tells the state at the time, and leaves at the next multiple of the interval.
   * Restore jobs have a `status` where backup jobs have a `state`. */
  private announce(job: RestoreJob): void {
    const { clock, emit, eventIntervalMs: intervalMs = 300_000 } = this.options;
    const createdResourceArn = job.status === 'COMPLETED' ? `arn:aws:s3:::${job.target.bucket}` : undefined;
    const event = {
      source: 'aws.backup',
      detailType: 'Restore Job State Change',
      resources: [job.point.recoveryPointArn],
      detail: {
        restoreJobId: job.jobId,
        backupSizeInBytes: String(simulatedSizeBytes),
        creationDate: new Date(job.createdAtMs).toISOString(),
        iamRoleArn: job.roleArn,
        resourceType: job.point.resourceType,
        status: job.status,
        percentDone: job.status === 'COMPLETED' ? 100 : 0,
        ...(createdResourceArn !== undefined && { createdResourceArn }),
        ...(job.completedAtMs !== undefined && { completionDate: new Date(job.completedAtMs).toISOString() }),
        ...(job.statusMessage !== undefined && { statusMessage: job.statusMessage }),
      },
    };
    const nowMs = clock.nowMs();
    clock.schedule(intervalMs === 0 ? 0 : intervalMs - (nowMs % intervalMs), () => emit(event));
  }
}

/** The versions to put back by key, newest first. The latest of a deleted object is its delete marker: nothing of it comes back,
 * unless more versions are asked for. */
function choose(contents: readonly ObjectVersion[], { items, versionCount }: RestoreTarget) {
  const stacks = new Map<string, ObjectVersion[]>();
  for (const version of contents) {
    const isAsked =
      items?.some((item) => (item.endsWith('/') ? version.key.startsWith(item) : version.key === item)) ?? true;
    if (isAsked) stacks.set(version.key, [...(stacks.get(version.key) ?? []), version]);
  }
  const chosen = [...stacks].map(
    ([key, stack]) => [key, stack.slice(0, versionCount).filter((version) => !version.isDeleteMarker)] as const,
  );
  return new Map(chosen.filter(([, versions]) => versions.length > 0));
}

function readTarget(point: RecoveryPoint, metadata: Readonly<Record<string, string>>): RestoreTarget {
  if (point.resourceType !== 'S3') {
    throw new UnsupportedError(
      `a restore of ${point.resourceType}`,
      'backup:StartRestoreJob',
      'restore recovery points of buckets; launch an image with ec2:RunInstances',
    );
  }
  const unknown = Object.keys(metadata).find((name) => !knownMetadata.includes(name));
  if (unknown !== undefined) throw invalid(`Invalid restore metadata: ${unknown}`);
  const { DestinationBucketName: bucket = '', RestoreLatestVersionsUpTo: upTo = '1' } = metadata;
  if (bucket === '') throw invalid('Restore metadata DestinationBucketName is required');
  if (metadata['RestoreTime'] !== undefined) throw invalid('RestoreTime is only valid for continuous recovery points');
  if (metadata['RestoreACLs']?.toLowerCase() === 'true') {
    throw invalid(
      "Unable to restore Access Control Lists (ACLs) for bucket because backup was created with the 'BackupACLs' option disabled. Please proceed with restoring without ACLs",
    );
  }
  if (upTo !== 'all' && !/^[1-9]\d*$/.test(upTo)) throw invalid(`Invalid RestoreLatestVersionsUpTo: ${upTo}`);
  return {
    bucket,
    isNew: metadata['NewBucket']?.toLowerCase() === 'true',
    encryption: readEncryption(metadata),
    items: readItems(metadata['ItemsToRestore'], point.resourceArn.split(':').at(-1)!),
    versionCount: upTo === 'all' ? Number.POSITIVE_INFINITY : Number(upTo),
  };
}

function readEncryption({ EncryptionType: type = 'original', KMSKey: key }: Readonly<Record<string, string>>) {
  if (type === 'original') return undefined;
  if (type === 'SSE-S3') return { algorithm: 'AES256' };
  if (type === 'SSE-KMS') return { algorithm: 'aws:kms', ...(key !== undefined && { keyId: key }) };
  throw invalid(`Invalid EncryptionType: ${type}`);
}

/** A JSON list of S3 URIs. */
function readItems(text: string | undefined, bucketName: string): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const items = parseList(text);
  const beginning = `s3://${bucketName}/`;
  if (items === undefined || items.length === 0 || items.length > maximumItems) {
    throw invalid(`ItemsToRestore must be a list of 1 to ${maximumItems} paths`);
  }
  const foreign = items.find((item) => !item.startsWith(beginning) || item === beginning);
  if (foreign !== undefined) throw invalid(`Invalid path in ItemsToRestore: ${foreign}`);
  return items.map((item) => item.slice(beginning.length));
}

function parseList(text: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : undefined;
  } catch {
    return undefined;
  }
}

function invalid(message: string): ServiceError {
  return new ServiceError('InvalidParameterValueException', message);
}
