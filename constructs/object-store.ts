/** A bucket for originals, results, rejected objects or attachments, with the defaults that data deserves; and other people's
 * buckets, as far as they are ours to change. */
import { Annotations, Aspects, Duration, RemovalPolicy, type Size } from 'aws-cdk-lib';
import type { IGrantable, Grant } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  CfnBucket,
  ObjectOwnership,
  StorageClass,
  type IBucket,
  type LifecycleRule,
} from 'aws-cdk-lib/aws-s3';
import { Construct, type IConstruct } from 'constructs';
import { misuse, misuseMessage } from './misuse';

/** How an object store differs from the defaults. */
export interface ObjectStoreProps {
  /** What happens to objects as they age. Incomplete uploads are removed after a week in any case.
   * @default [ObjectStore.archiveAfter(Duration.days(90))] */
  readonly lifecycleRules?: readonly LifecycleRule[];
  /** Key that encrypts the objects.
   * @default - keys that S3 manages */
  readonly encryptionKey?: IKey;
  /** Bucket that receives the server access logs.
   * @default - no access logs */
  readonly serverAccessLogsBucket?: IBucket;
  /** What happens to the bucket when it leaves the stack.
   * @default RemovalPolicy.RETAIN */
  readonly removalPolicy?: RemovalPolicy;
}

/** How objects are archived. */
export interface ArchiveOptions {
  /** Class that objects move to. `GLACIER` (Flexible Retrieval) keeps for at least 90 days and gives back within hours,
   * `DEEP_ARCHIVE` keeps for at least 180 days and gives back within a day or two, `GLACIER_INSTANT_RETRIEVAL` at once.
   * @default StorageClass.GLACIER */
  readonly storageClass?: StorageClass;
  /** Smaller objects stay where they are. Each object that moves costs a request, and each one in Glacier 40 KB besides its content
   * (8 KB of them at the price of the standard class): in us-east-1 an object of 128 KiB takes 14 months to earn its move to
   * `GLACIER` back, and one below 16 KiB never does. `Size.bytes(2)` archives all but the smallest that exist.
   * @default Size.kibibytes(128), below which S3 moves nothing by itself
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html (read 2026-11) */
  readonly minimumSize?: Size;
}

/** How objects expire. */
export interface ExpiryOptions {
  /** How long a version is kept after something newer, or a delete marker, took its place.
   * @default - as long again as the object itself was kept */
  readonly keepNoncurrentFor?: Duration;
}

/** How an existing bucket is taken into a stack. */
export interface ExistingBucketOptions {
  /** Adds EventBridge to the notifications of an imported bucket, at deployment, through CDK's function for that. The function reads the
   * bucket's notifications and writes all of them back, because S3 only takes a whole configuration: whoever else changes
   * them at that moment is overwritten, and the other's next change may switch EventBridge off again.
   * @default false, and a warning that says what must be on */
  readonly manageNotifications?: boolean;
}

/** A bucket that is used as an object store: made by `new ObjectStore`, or taken by `ObjectStore.fromBucket`. */
export interface IObjectStore extends IConstruct {
  readonly bucket: IBucket;
  /** Allows reading the objects, and decrypting them where a key of yours encrypts them. */
  grantRead(grantee: IGrantable): Grant;
  /** Allows writing objects. */
  grantPut(grantee: IGrantable): Grant;
}

/** A versioned, encrypted, private bucket that sends its events to EventBridge, and is kept when the stack is deleted.
 * @example
 * ```ts
 * const inbox = new ObjectStore(this, 'Inbox');
 * new ObjectWorkflow(this, 'SalesReport', { source: { bucket: inbox.bucket }, processor });
 * ``` */
export class ObjectStore extends Construct implements IObjectStore {
  /** Moves current versions to the archive at that age, and noncurrent ones that long after they were replaced.
   * @param age Whole days.
   * @example new ObjectStore(this, 'Scans', { lifecycleRules: [ObjectStore.archiveAfter(Duration.days(30), { minimumSize: Size.kibibytes(16) })] }); */
  public static archiveAfter(age: Duration, options: ArchiveOptions = {}): LifecycleRule {
    const transition = { storageClass: options.storageClass ?? StorageClass.GLACIER, transitionAfter: age };
    return {
      id: 'Archive',
      transitions: [transition],
      noncurrentVersionTransitions: [transition],
      // A filter takes the place of S3's own minimum; it says "greater than", and S3 takes no less than one byte there.
      objectSizeGreaterThan: options.minimumSize && Math.max(1, options.minimumSize.toBytes() - 1),
    };
  }

  /** Deletes objects at that age: a delete marker hides the object first, and its versions are removed for good later. Markers with
   * nothing left under them are removed as well.
   * @param age Whole days, more than those after which the objects are archived.
   * @example new ObjectStore(this, 'Uploads', { lifecycleRules: [ObjectStore.expireAfter(Duration.days(30), { keepNoncurrentFor: Duration.days(7) })] }); */
  public static expireAfter(age: Duration, options: ExpiryOptions = {}): LifecycleRule {
    return { id: 'Expire', expiration: age, noncurrentVersionExpiration: options.keepNoncurrentFor ?? age };
  }

  /** Takes a bucket that exists already, as `source.bucket` of a workflow for example. A bucket of this app gets its events switched on and the archiving of
   * `ObjectStore`, unless it has lifecycle rules of its own; versions, encryption and access stay as they are. Of an imported bucket nothing is changed
   * unless you ask for it: CloudFormation can change neither its lifecycle nor its encryption, and its notifications only as a whole.
   * @example
   * ```ts
   * const scans = ObjectStore.fromBucket(this, 'Scans', Bucket.fromBucketName(this, 'Theirs', 'their-scans'));
   * new ObjectWorkflow(this, 'SalesReport', { source: { bucket: scans.bucket }, processor });
   * ``` */
  public static fromBucket(
    scope: Construct,
    id: string,
    bucket: IBucket,
    options: ExistingBucketOptions = {},
  ): IObjectStore {
    return new ExistingObjectStore(scope, id, bucket, options);
  }

  public readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: ObjectStoreProps = {}) {
    super(scope, id);
    const lifecycleRules = props.lifecycleRules ?? [ObjectStore.archiveAfter(Duration.days(90))];
    checkRules(this, lifecycleRules);
    this.bucket = new Bucket(this, 'Resource', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      versioned: true,
      encryption: props.encryptionKey ? BucketEncryption.KMS : BucketEncryption.S3_MANAGED,
      encryptionKey: props.encryptionKey,
      bucketKeyEnabled: props.encryptionKey ? true : undefined,
      serverAccessLogsBucket: props.serverAccessLogsBucket,
      removalPolicy: props.removalPolicy ?? RemovalPolicy.RETAIN,
      lifecycleRules: [abortIncompleteUploads(), ...lifecycleRules],
    });
    sendEventsNatively(this.bucket);
  }

  public grantRead(grantee: IGrantable): Grant {
    return this.bucket.grantRead(grantee);
  }

  public grantPut(grantee: IGrantable): Grant {
    return this.bucket.grantPut(grantee);
  }
}

/** Imported buckets that have had their warning, or do not need it, so that a source says nothing more about them. */
const importedStores = new WeakSet<IBucket>();

/** A bucket that was not made here. */
class ExistingObjectStore extends Construct implements IObjectStore {
  constructor(
    scope: Construct,
    id: string,
    readonly bucket: IBucket,
    options: ExistingBucketOptions,
  ) {
    super(scope, id);
    if (bucket.node.defaultChild instanceof CfnBucket) {
      sendEventsNatively(bucket);
      if (bucket instanceof Bucket && !hasLifecycle(bucket)) archiveByDefault(bucket);
      return;
    }
    importedStores.add(bucket);
    if (options.manageNotifications === true) bucket.enableEventBridgeNotification();
    else this.warnAboutImport();
  }

  grantRead(grantee: IGrantable): Grant {
    return this.bucket.grantRead(grantee);
  }

  grantPut(grantee: IGrantable): Grant {
    return this.bucket.grantPut(grantee);
  }

  private warnAboutImport(): void {
    Annotations.of(this).addWarningV2(
      'cdk-object-workflow:importedStore',
      misuseMessage({
        what: 'An imported bucket stays as it is',
        where: this.node.path,
        got: this.bucket.node.path,
        allowed: 'a bucket with versions, EventBridge notifications and the lifecycle you want',
        fix: 'set them where the bucket is made, or let this stack add EventBridge with manageNotifications: true; then acknowledge this warning',
      }),
    );
  }
}

function abortIncompleteUploads(): LifecycleRule {
  return { id: 'AbortIncompleteUploads', abortIncompleteMultipartUploadAfter: Duration.days(7) };
}

/** A `Bucket` decides about its rules as late as possible, so its property is only known when it is resolved. */
function hasLifecycle(bucket: Bucket): boolean {
  return bucket.stack.resolve((bucket.node.defaultChild as CfnBucket).lifecycleConfiguration) !== undefined;
}

/** Whoever adds rules to the bucket later gets them beside these. */
function archiveByDefault(bucket: Bucket): void {
  for (const rule of [abortIncompleteUploads(), ObjectStore.archiveAfter(Duration.days(90))]) {
    bucket.addLifecycleRule(rule);
  }
}

/** S3 refuses the same at deployment, in the middle of it. */
function checkRules(scope: Construct, rules: readonly LifecycleRule[]): void {
  for (const { transitions = [], expiration } of rules) {
    for (const { storageClass, transitionAfter } of transitions) {
      const isInfrequentAccess = ['STANDARD_IA', 'ONEZONE_IA'].includes(storageClass.value);
      if (isInfrequentAccess && transitionAfter && transitionAfter.toDays() < 30) {
        throw misuse({
          what: 'Objects move to an infrequent access class too early',
          where: scope.node.path,
          got: `${storageClass.value} after ${transitionAfter.toDays()} days`,
          allowed: '30 days or more',
          fix: 'wait longer, or move them to GLACIER_INSTANT_RETRIEVAL',
        });
      }
      if (expiration && transitionAfter && expiration.toDays() <= transitionAfter.toDays()) {
        throw misuse({
          what: 'Objects expire before they are archived',
          where: scope.node.path,
          got: `expiration after ${expiration.toDays()} days, ${storageClass.value} after ${transitionAfter.toDays()}`,
          allowed: 'an expiration after the last transition of the same rule',
          fix: 'expire later, or leave the transition out',
        });
      }
    }
  }
}

/** Turns EventBridge events on through the bucket's own property: CDK's `eventBridgeEnabled` would add a function,
 * a role and a custom resource for it. A bucket that gets this custom resource anyway, for other notifications,
 * is switched on there as well, because the resource overwrites the property.
 * @returns whether nothing is left to do or to say; false for an imported bucket, whose configuration is not ours to change */
export function sendEventsNatively(bucket: IBucket): boolean {
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) return importedStores.has(bucket);
  resource.addPropertyOverride('NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled', true);
  Aspects.of(bucket).add({
    visit: (node) => {
      if (node === bucket && bucket.node.tryFindChild('Notifications')) bucket.enableEventBridgeNotification();
    },
  });
  return true;
}
