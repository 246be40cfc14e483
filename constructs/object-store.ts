/** A bucket for originals, results or rejected objects, with the defaults that data deserves. */
import { Aspects, Duration, RemovalPolicy } from 'aws-cdk-lib';
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
import { Construct } from 'constructs';

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

/** A versioned, encrypted, private bucket that sends its events to EventBridge, and is kept when the stack is deleted.
 * @example
 * ```ts
 * const inbox = new ObjectStore(this, 'Inbox');
 * new ObjectWorkflow(this, 'SalesReport', { source: { bucket: inbox.bucket }, processor });
 * ``` */
export class ObjectStore extends Construct {
  /** Moves current and older versions to Glacier Flexible Retrieval at that age. Objects under 128 KB stay: S3 does not move them.
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html (read 2026-11) */
  public static archiveAfter(age: Duration): LifecycleRule {
    return {
      id: 'Archive',
      transitions: [{ storageClass: StorageClass.GLACIER, transitionAfter: age }],
      noncurrentVersionTransitions: [{ storageClass: StorageClass.GLACIER, transitionAfter: age }],
    };
  }

  public readonly bucket: Bucket;

  constructor(scope: Construct, id: string, props: ObjectStoreProps = {}) {
    super(scope, id);
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
      lifecycleRules: [
        { id: 'AbortIncompleteUploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
        ...(props.lifecycleRules ?? [ObjectStore.archiveAfter(Duration.days(90))]),
      ],
    });
    sendEventsNatively(this.bucket);
  }

  /** Allows reading the objects, and decrypting them where a key of yours encrypts them. */
  public grantRead(grantee: IGrantable): Grant {
    return this.bucket.grantRead(grantee);
  }

  /** Allows writing objects. */
  public grantPut(grantee: IGrantable): Grant {
    return this.bucket.grantPut(grantee);
  }
}

/** Turns EventBridge events on through the bucket's own property: CDK's `eventBridgeEnabled` would add a function,
 * a role and a custom resource for it. A bucket that gets this custom resource anyway, for other notifications,
 * is switched on there as well, because the resource overwrites the property.
 * @returns whether the events are on; false for an imported bucket, whose configuration is not ours to change */
export function sendEventsNatively(bucket: IBucket): boolean {
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) return false;
  resource.addPropertyOverride('NotificationConfiguration.EventBridgeConfiguration.EventBridgeEnabled', true);
  Aspects.of(bucket).add({
    visit: (node) => {
      if (node === bucket && bucket.node.tryFindChild('Notifications')) bucket.enableEventBridgeNotification();
    },
  });
  return true;
}
