import { App, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, EventType } from 'aws-cdk-lib/aws-s3';
import { SqsDestination } from 'aws-cdk-lib/aws-s3-notifications';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { LedgerTable, ObjectStore } from '../../workflow';
import { makeWorkflow } from '../workflow/synthesize';

function templateOf(make: (stack: Stack) => unknown): Template {
  const stack = new Stack(new App(), 'Test');
  make(stack);
  return Template.fromStack(stack);
}

describe('an object store', () => {
  const template = templateOf((stack) => new ObjectStore(stack, 'Store'));

  test('is private, encrypted, versioned and kept', () => {
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        VersioningConfiguration: { Status: 'Enabled' },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        BucketName: Match.absent(),
      },
    });
  });

  test('takes requests only over TLS', () => {
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Effect: 'Deny',
            Action: 's3:*',
            Condition: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ]),
      },
    });
  });

  test('archives current and older versions after 90 days, and removes uploads that were never finished', () => {
    const archive = { StorageClass: 'GLACIER', TransitionInDays: 90 };
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: {
        Rules: [
          { Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } },
          { Status: 'Enabled', Transitions: [archive], NoncurrentVersionTransitions: [archive] },
        ],
      },
    });
  });

  test('sends its events to EventBridge without a custom resource', () => {
    template.hasResourceProperties('AWS::S3::Bucket', {
      NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    });
    template.resourceCountIs('AWS::Lambda::Function', 0);
  });

  test('takes a key, other rules and another removal policy', () => {
    templateOf(
      (stack) =>
        new ObjectStore(stack, 'Store', {
          encryptionKey: new Key(stack, 'Key'),
          lifecycleRules: [{ expiration: Duration.days(1) }],
          removalPolicy: RemovalPolicy.DESTROY,
        }),
    ).hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Delete',
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms' } },
          ],
        },
        LifecycleConfiguration: { Rules: [Match.anyValue(), { Status: 'Enabled', ExpirationInDays: 1 }] },
      },
    });
  });
});

describe('a bucket of the same app as the source', () => {
  const withBucket = (before: (bucket: Bucket, stack: Stack) => void, after: typeof before = () => undefined) =>
    templateOf((stack) => {
      const bucket = new Bucket(stack, 'Theirs', { versioned: true });
      before(bucket, stack);
      makeWorkflow({ source: { bucket } }, { stack });
      after(bucket, stack);
    });
  const notify = (bucket: Bucket, stack: Stack) =>
    bucket.addEventNotification(EventType.OBJECT_REMOVED, new SqsDestination(new Queue(stack, 'Queue')));

  test('sends its events without a custom resource, if it has none', () => {
    const template = withBucket(() => undefined);
    template.resourceCountIs('Custom::S3BucketNotifications', 0);
    const buckets = template.findResources('AWS::S3::Bucket', {
      Properties: { NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } } },
    });
    expect(Object.keys(buckets).some((id) => id.startsWith('Theirs'))).toBe(true);
  });

  test.each([
    ['before', notify, () => undefined],
    ['after', () => undefined, notify],
  ])('sends them through the custom resource that overwrites the property, if it gets one %s', (_, before, after) => {
    withBucket(before, after).hasResourceProperties('Custom::S3BucketNotifications', {
      NotificationConfiguration: Match.objectLike({ EventBridgeConfiguration: {} }),
    });
  });
});

describe('a ledger table', () => {
  const template = templateOf((stack) => new LedgerTable(stack, 'Ledger'));

  test('keeps records by their keys and finds them by their owner', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'owner-index',
          KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      BillingMode: 'PAY_PER_REQUEST',
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
    });
  });

  test('can be restored to any second, and is not deleted by mistake', () => {
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      },
    });
  });

  test('can be deleted where that was asked for', () => {
    templateOf((stack) => new LedgerTable(stack, 'Ledger', { removalPolicy: RemovalPolicy.DESTROY })).hasResource(
      'AWS::DynamoDB::Table',
      { DeletionPolicy: 'Delete', Properties: { DeletionProtectionEnabled: false } },
    );
  });
});
