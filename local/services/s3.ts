/** Simulated S3: buckets, versions, conditional writes, checksums, uploads in parts, lifecycle and events. */
import type { RandomSource } from '../random';
import type { Timer, VirtualClock } from '../virtual-clock';
import type { EventSink } from './aws-event';
import { checkParameters } from './parameters';
import * as attributes from './s3/attributes';
import { Bucket, checksumOf, type BucketConfiguration, type ObjectVersion } from './s3/bucket';
import { S3Context } from './s3/context';
import { copyObject } from './s3/copies';
import { deleteObject, deleteObjects } from './s3/deletions';
import { applyLifecycleRules } from './s3/lifecycle';
import { listObjectsV2, listObjectVersions } from './s3/lists';
import * as multipart from './s3/multipart';
import * as objects from './s3/objects';
import { recoverableBuckets, type RecoverableBuckets } from './s3/recovery';
import { restoreObject } from './s3/restore';
import { ServiceError, UnsupportedError, type Principal, type Service, type ServiceOutput } from './service';

export type { BucketConfiguration, ObjectVersion } from './s3/bucket';
export type { LifecycleRule } from './s3/lifecycle';

export interface S3ServiceOptions {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly emit: EventSink;
  readonly region: string;
  readonly accountId: string;
}

type Input<Operation extends (context: S3Context, input: never, caller: Principal) => ServiceOutput> =
  Parameters<Operation>[1];

/** S3 of one account and Region. */
export class S3Service implements Service {
  readonly name = 's3';
  private readonly context: S3Context;
  private readonly random: RandomSource;
  private readonly restoreRandom: RandomSource;
  private lifecycleTimer: Timer | undefined;

  constructor(private readonly options: S3ServiceOptions) {
    this.random = options.random.fork('s3');
    this.restoreRandom = this.random.fork('restore');
    this.context = new S3Context({ ...options, random: this.random, nowMs: () => options.clock.nowMs() });
  }

  readonly operations = {
    PutObject: (input: Input<typeof objects.putObject>, caller: Principal): ServiceOutput =>
      objects.putObject(this.context, input, caller),
    /** What a browser's form does: it has no operation in the API's model. */
    PostObject: (input: Input<typeof objects.putObject>, caller: Principal): ServiceOutput =>
      objects.putObject(this.context, input, caller, 'POST Object'),
    GetObject: (input: Input<typeof objects.getObject>): ServiceOutput => objects.getObject(this.context, input),
    HeadObject: (input: Input<typeof objects.headObject>): ServiceOutput => objects.headObject(this.context, input),
    CopyObject: (input: Input<typeof copyObject>, caller: Principal): ServiceOutput =>
      copyObject(this.context, input, caller),
    DeleteObject: (input: Input<typeof deleteObject>, caller: Principal): ServiceOutput =>
      deleteObject(this.context, input, caller),
    DeleteObjects: (input: Input<typeof deleteObjects>, caller: Principal): ServiceOutput =>
      deleteObjects(this.context, input, caller),
    GetObjectTagging: (input: Input<typeof attributes.getObjectTagging>): ServiceOutput =>
      attributes.getObjectTagging(this.context, input),
    PutObjectTagging: (input: Input<typeof attributes.putObjectTagging>, caller: Principal): ServiceOutput =>
      attributes.putObjectTagging(this.context, input, caller),
    DeleteObjectTagging: (input: Input<typeof attributes.deleteObjectTagging>, caller: Principal): ServiceOutput =>
      attributes.deleteObjectTagging(this.context, input, caller),
    GetObjectAttributes: (input: Input<typeof attributes.getObjectAttributes>): ServiceOutput =>
      attributes.getObjectAttributes(this.context, input),
    ListObjectsV2: (input: Input<typeof listObjectsV2>): ServiceOutput => listObjectsV2(this.context, input),
    ListObjectVersions: (input: Input<typeof listObjectVersions>): ServiceOutput =>
      listObjectVersions(this.context, input),
    CreateMultipartUpload: (input: Input<typeof multipart.createMultipartUpload>): ServiceOutput =>
      multipart.createMultipartUpload(this.context, input),
    UploadPart: (input: Input<typeof multipart.uploadPart>): ServiceOutput => multipart.uploadPart(this.context, input),
    UploadPartCopy: (input: Input<typeof multipart.uploadPartCopy>): ServiceOutput =>
      multipart.uploadPartCopy(this.context, input),
    CompleteMultipartUpload: (
      input: Input<typeof multipart.completeMultipartUpload>,
      caller: Principal,
    ): ServiceOutput => multipart.completeMultipartUpload(this.context, input, caller),
    AbortMultipartUpload: (input: Input<typeof multipart.abortMultipartUpload>): ServiceOutput =>
      multipart.abortMultipartUpload(this.context, input),
    ListParts: (input: Input<typeof multipart.listParts>): ServiceOutput => multipart.listParts(this.context, input),
    ListMultipartUploads: (input: Input<typeof multipart.listMultipartUploads>): ServiceOutput =>
      multipart.listMultipartUploads(this.context, input),
    RestoreObject: (input: Parameters<typeof restoreObject>[2], caller: Principal): ServiceOutput =>
      restoreObject(this.context, { clock: this.options.clock, random: this.restoreRandom }, input, caller),
    HeadBucket: (input: BucketInput): ServiceOutput => this.headBucket(input),
    ListBuckets: (): ServiceOutput => ({
      Buckets: [...this.context.buckets.values()].map((bucket) => ({
        Name: bucket.name,
        CreationDate: new Date(bucket.createdAtMs),
      })),
      Owner: { ID: this.options.accountId },
    }),
    GetBucketVersioning: (input: BucketInput): ServiceOutput => {
      const { versioning } = this.readBucket('GetBucketVersioning', input).configuration;
      return versioning === 'Unversioned' ? {} : { Status: versioning };
    },
    GetBucketNotificationConfiguration: (input: BucketInput): ServiceOutput =>
      this.readBucket('GetBucketNotificationConfiguration', input).configuration.isEventBridgeEnabled
        ? { EventBridgeConfiguration: {} }
        : {},
    PutBucketNotificationConfiguration: (input: NotificationInput): ServiceOutput => this.putNotification(input),
  };

  /** Creates a bucket. @throws ServiceError BucketAlreadyOwnedByYou */
  createBucket(configuration: Partial<BucketConfiguration> & { readonly name: string }): void {
    if (this.context.buckets.has(configuration.name)) {
      throw new ServiceError(
        'BucketAlreadyOwnedByYou',
        'Your previous request to create the named bucket succeeded and you already own it.',
        409,
        { BucketName: configuration.name },
      );
    }
    const complete: BucketConfiguration = {
      versioning: 'Unversioned',
      isEventBridgeEnabled: false,
      lifecycleRules: [],
      transitionMinimumBytes: 128 * 1024,
      encryption: { algorithm: 'AES256' },
      ...configuration,
    };
    this.context.buckets.set(
      configuration.name,
      new Bucket(complete, this.options.clock.nowMs(), this.random.fork(configuration.name), () =>
        this.options.clock.nowMs(),
      ),
    );
    this.scheduleLifecycle();
  }

  /** Whoever has no rules has no timer. It is a background one: waiting for midnight keeps no simulation running. */
  private scheduleLifecycle(): void {
    const hasRules = [...this.context.buckets.values()].some(
      ({ configuration }) => configuration.lifecycleRules.length > 0,
    );
    if (this.lifecycleTimer !== undefined || !hasRules) return;
    const { clock } = this.options;
    const applyAndGoOn = (): void => {
      this.lifecycleTimer = undefined;
      this.applyLifecycle();
      this.scheduleLifecycle();
    };
    const untilMidnightMs = dayMs - (clock.nowMs() % dayMs);
    this.lifecycleTimer = clock.schedule(untilMidnightMs, applyAndGoOn, { background: true });
  }

  /** Changes how a bucket is configured. @throws ServiceError NoSuchBucket */
  configureBucket(name: string, changes: Partial<Omit<BucketConfiguration, 'name'>>): void {
    const bucket = this.context.bucket(name);
    bucket.configuration = { ...bucket.configuration, ...changes };
    this.scheduleLifecycle();
  }

  bucketConfiguration(name: string): BucketConfiguration {
    return this.context.bucket(name).configuration;
  }

  get bucketNames(): readonly string[] {
    return [...this.context.buckets.keys()];
  }

  /** All versions in a bucket, by key and newest first, delete markers among them: for tests and for the console. */
  versions(bucketName: string): readonly ObjectVersion[] {
    const bucket = this.context.bucket(bucketName);
    return bucket.keys().flatMap((key) => bucket.versions(key));
  }

  /** The current object of a key, or the version asked for; undefined when there is none. */
  object(bucketName: string, key: string, versionId?: string): ObjectVersion | undefined {
    const bucket = this.context.bucket(bucketName);
    if (versionId === undefined) return bucket.current(key);
    return bucket.versions(key).find((version) => version.versionId === versionId);
  }

  /** Uploads that were begun and neither completed nor aborted. */
  uploadsInProgress(bucketName: string): readonly { readonly key: string; readonly uploadId: string }[] {
    return [...this.context.bucket(bucketName).uploads.values()].map(({ key, uploadId }) => ({ key, uploadId }));
  }

  /** The checksum that S3 shows for a version. */
  checksum(version: ObjectVersion): ReturnType<typeof checksumOf> {
    return checksumOf(version);
  }

  /** The buckets for AWS Backup. */
  get recovery(): RecoverableBuckets {
    return recoverableBuckets(this.context, (name) => this.createBucket({ name, versioning: 'Enabled' }));
  }

  /** Does what the lifecycle rules ask for by now. It happens by itself, once a day at midnight UTC. */
  applyLifecycle(): void {
    for (const bucket of this.context.buckets.values()) {
      for (const { kind, version, storageClass } of applyLifecycleRules(bucket, this.options.clock.nowMs())) {
        if (kind === 'transitioned') {
          this.context.announce(
            'Object Storage Class Changed',
            bucket,
            version,
            undefined,
            {
              'destination-storage-class': storageClass,
            },
            { size: version.sizeBytes },
          );
        } else {
          this.context.announce('Object Deleted', bucket, version, undefined, {
            reason: 'Lifecycle Expiration',
            'deletion-type': kind === 'expired' ? 'Permanently Deleted' : 'Delete Marker Created',
          });
        }
      }
    }
  }

  private headBucket(input: BucketInput): ServiceOutput {
    if (!this.context.buckets.has(input.Bucket)) throw new ServiceError('NotFound', 'Not Found', 404);
    this.readBucket('HeadBucket', input);
    return { BucketRegion: this.options.region, AccessPointAlias: false };
  }

  private readBucket(operation: string, input: BucketInput): Bucket {
    checkParameters(
      's3',
      operation,
      input as unknown as Record<string, unknown>,
      {
        required: ['Bucket'],
        optional: ['ExpectedBucketOwner'],
      },
      'InvalidRequest',
    );
    return this.context.bucket(input.Bucket, input.ExpectedBucketOwner);
  }

  /** Replaces the whole configuration, as on AWS: what is not named is off. */
  private putNotification(input: NotificationInput): ServiceOutput {
    checkParameters(
      's3',
      'PutBucketNotificationConfiguration',
      input as unknown as Record<string, unknown>,
      {
        required: ['Bucket', 'NotificationConfiguration'],
        optional: ['ExpectedBucketOwner', 'SkipDestinationValidation'],
      },
      'InvalidRequest',
    );
    const { EventBridgeConfiguration, ...others } = input.NotificationConfiguration;
    if (Object.values(others).some((value) => Array.isArray(value) && value.length > 0)) {
      throw new UnsupportedError(
        'a notification to a queue, topic or function',
        `s3:PutBucketNotificationConfiguration of ${input.Bucket}`,
        'send the events to EventBridge',
      );
    }
    this.context.bucket(input.Bucket, input.ExpectedBucketOwner);
    this.configureBucket(input.Bucket, { isEventBridgeEnabled: EventBridgeConfiguration !== undefined });
    return {};
  }
}

const dayMs = 86_400_000;

interface BucketInput {
  readonly Bucket: string;
  readonly ExpectedBucketOwner?: string;
}

interface NotificationInput extends BucketInput {
  readonly NotificationConfiguration: { readonly EventBridgeConfiguration?: object } & Readonly<
    Record<string, unknown>
  >;
}
