import { App, Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, EventType, StorageClass } from 'aws-cdk-lib/aws-s3';
import { SqsDestination } from 'aws-cdk-lib/aws-s3-notifications';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { LedgerTable, ObjectStore, type ExistingBucketOptions, type ObjectStoreProps } from '../../workflow';
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

describe('lifecycle rules of an object store', () => {
  const rulesOf = (...lifecycleRules: NonNullable<ObjectStoreProps['lifecycleRules']>) => {
    const template = templateOf((stack) => new ObjectStore(stack, 'Store', { lifecycleRules }));
    const [bucket] = Object.values(template.findResources('AWS::S3::Bucket')) as [
      { Properties: { LifecycleConfiguration: { Rules: object[] } } },
    ];
    return bucket.Properties.LifecycleConfiguration.Rules.slice(1);
  };

  test('archive to another class, at another age and above another size', () => {
    const rule = ObjectStore.archiveAfter(Duration.days(30), {
      storageClass: StorageClass.DEEP_ARCHIVE,
      minimumSize: Size.kibibytes(16),
    });
    const transition = { StorageClass: 'DEEP_ARCHIVE', TransitionInDays: 30 };
    expect(rulesOf(rule)).toEqual([
      {
        Id: 'Archive',
        Status: 'Enabled',
        Transitions: [transition],
        NoncurrentVersionTransitions: [transition],
        ObjectSizeGreaterThan: 16383,
      },
    ]);
  });

  test('expire current versions, and noncurrent ones when you say', () => {
    const expired = (options?: Parameters<typeof ObjectStore.expireAfter>[1]) =>
      rulesOf(ObjectStore.expireAfter(Duration.days(365), options))[0];
    expect(expired()).toMatchObject({ ExpirationInDays: 365, NoncurrentVersionExpiration: { NoncurrentDays: 365 } });
    expect(expired({ keepNoncurrentFor: Duration.days(7) })).toMatchObject({
      ExpirationInDays: 365,
      NoncurrentVersionExpiration: { NoncurrentDays: 7 },
    });
  });

  test.each([
    ['expire before they archive', { ...ObjectStore.archiveAfter(Duration.days(90)), expiration: Duration.days(90) }],
    [
      'move to infrequent access within 30 days',
      ObjectStore.archiveAfter(Duration.days(29), { storageClass: StorageClass.INFREQUENT_ACCESS }),
    ],
  ])('are refused where they %s', (_, rule) => {
    expect(() => rulesOf(rule)).toThrow(/at Test\/Store\n {2}got: .*days.*\n {2}allowed: .*\n {2}fix: /);
  });
});

describe('an existing bucket as an object store', () => {
  test('gets events and archiving, if the app made it and gave it no rules', () => {
    templateOf((stack) => ObjectStore.fromBucket(stack, 'Store', new Bucket(stack, 'Theirs'))).hasResourceProperties(
      'AWS::S3::Bucket',
      {
        NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
        LifecycleConfiguration: {
          Rules: [
            Match.objectLike({ Id: 'AbortIncompleteUploads' }),
            Match.objectLike({ Transitions: [{ StorageClass: 'GLACIER', TransitionInDays: 90 }] }),
          ],
        },
      },
    );
  });

  test('keeps its own rules', () => {
    templateOf((stack) =>
      ObjectStore.fromBucket(
        stack,
        'Store',
        new Bucket(stack, 'Theirs', { lifecycleRules: [{ expiration: Duration.days(1) }] }),
      ),
    ).hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: [{ Status: 'Enabled', ExpirationInDays: 1 }] },
    });
  });

  const importInto = (stack: Stack, options?: ExistingBucketOptions) =>
    ObjectStore.fromBucket(stack, 'Store', Bucket.fromBucketName(stack, 'Theirs', 'theirs'), options);

  test('is left alone when it is imported, with a warning that says so', () => {
    const stack = new Stack(new App(), 'Test');
    importInto(stack);
    expect(Template.fromStack(stack).toJSON()['Resources']).toBeUndefined();
    Annotations.fromStack(stack).hasWarning('/Test/Store', Match.stringLikeRegexp('An imported bucket stays as it is'));
  });

  test('gets EventBridge beside its other notifications when it is imported and that was asked for', () => {
    const stack = new Stack(new App(), 'Test');
    importInto(stack, { manageNotifications: true });
    // "Managed: false" makes CDK's function keep what is there.
    Template.fromStack(stack).hasResourceProperties('Custom::S3BucketNotifications', {
      BucketName: 'theirs',
      NotificationConfiguration: { EventBridgeConfiguration: {} },
      Managed: false,
    });
    Annotations.fromStack(stack).hasNoWarning('*', Match.anyValue());
  });

  test.each([
    ['warns once when it is imported', undefined, 1],
    ['warns of nothing when it is imported and gets its notifications here', { manageNotifications: true }, 0],
  ])('as the source of a workflow %s', (_, options, count) => {
    const stack = new Stack(new App(), 'Test');
    makeWorkflow({ source: { bucket: importInto(stack, options).bucket } }, { stack });
    expect(Annotations.fromStack(stack).findWarning('*', Match.stringLikeRegexp('imported bucket'))).toHaveLength(
      count,
    );
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

  test('keeps records by their keys and finds them by their owner, and those that run by the end of their lease', () => {
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
        {
          IndexName: 'lease-index',
          KeySchema: [
            { AttributeName: 'runningIn', KeyType: 'HASH' },
            { AttributeName: 'leaseExpiresAt', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['owner'] },
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
