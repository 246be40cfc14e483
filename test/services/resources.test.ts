/** What CloudFormation properties become in S3, DynamoDB, SQS, SNS and Logs. */
import type { CreatedResource, ResourceHandlers } from '../../local/template/resource';
import { dynamodbResources } from '../../local/template/resources/dynamodb';
import { logsResources } from '../../local/template/resources/logs';
import { s3Resources } from '../../local/template/resources/s3';
import { snsResources } from '../../local/template/resources/sns';
import { sqsResources } from '../../local/template/resources/sqs';
import { accountId, createTestCloud, region } from './test-cloud';

function createHandlers() {
  const test = createTestCloud();
  const handlers: ResourceHandlers = {
    ...s3Resources(test.s3),
    ...dynamodbResources(test.dynamodb),
    ...sqsResources(test.sqs),
    ...snsResources(test.sns),
    ...logsResources(test.logs),
  };
  const create = (type: string, properties: Record<string, unknown> = {}): CreatedResource =>
    handlers[type]!({
      type,
      logicalId: 'Thing',
      constructPath: 'Stack/Thing',
      stackName: 'Stack',
      region,
      accountId,
      properties,
      generateName: (_, options) => (options?.lowerCase === true ? 'stack-thing-1' : 'Stack-Thing-1'),
    });
  return { ...test, create };
}

test('a bucket takes its versioning, events, encryption and lifecycle', () => {
  const { create, s3 } = createHandlers();
  const { ref, attributes } = create('AWS::S3::Bucket', {
    VersioningConfiguration: { Status: 'Enabled' },
    NotificationConfiguration: { EventBridgeConfiguration: { EventBridgeEnabled: true } },
    PublicAccessBlockConfiguration: { BlockPublicAcls: true },
    BucketEncryption: {
      ServerSideEncryptionConfiguration: [
        { ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: 'key' } },
      ],
    },
    LifecycleConfiguration: {
      Rules: [
        {
          Id: 'archive',
          Status: 'Enabled',
          Prefix: 'in/',
          ObjectSizeGreaterThan: '0',
          Transitions: [{ StorageClass: 'GLACIER', TransitionInDays: 90 }],
          NoncurrentVersionTransitions: [{ StorageClass: 'GLACIER', TransitionInDays: 90 }],
          AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
        },
      ],
    },
  });
  expect([ref, attributes['Arn']]).toEqual(['stack-thing-1', 'arn:aws:s3:::stack-thing-1']);
  expect(s3.bucketConfiguration(ref)).toMatchObject({
    versioning: 'Enabled',
    isEventBridgeEnabled: true,
    encryption: { algorithm: 'aws:kms', keyId: 'key' },
    lifecycleRules: [
      {
        id: 'archive',
        prefix: 'in/',
        sizeGreaterThan: 0,
        transitions: [{ storageClass: 'GLACIER', days: 90 }],
        abortUploadAfterDays: 7,
      },
    ],
  });
});

test('CDK’s custom resource for notifications turns EventBridge on', () => {
  const { create, s3 } = createHandlers();
  const { ref } = create('AWS::S3::Bucket');
  create('Custom::S3BucketNotifications', {
    BucketName: ref,
    NotificationConfiguration: { EventBridgeConfiguration: {} },
    Managed: true,
  });
  expect(s3.bucketConfiguration(ref).isEventBridgeEnabled).toBe(true);
});

test.each([
  ['AWS::S3::Bucket', { ReplicationConfiguration: {} }, 'ReplicationConfiguration'],
  ['AWS::S3::Bucket', { NotificationConfiguration: { QueueConfigurations: [{}] } }, 'QueueConfigurations'],
  ['AWS::DynamoDB::Table', { StreamSpecification: {} }, 'StreamSpecification'],
  ['AWS::SQS::Queue', { FifoQueue: true }, 'first-in-first-out'],
  ['AWS::SNS::Subscription', { FilterPolicy: {} }, 'FilterPolicy'],
])('%s refuses by name what would change the workflow: %j', (type, properties, name) => {
  const { create } = createHandlers();
  expect(() => create(type, properties)).toThrow(new RegExp(`${name}.* is not simulated, at Thing of stack Stack`));
});

test.each(['AWS::DynamoDB::Table', 'AWS::DynamoDB::GlobalTable'])(
  '%s becomes a table with its index and time to live',
  (type) => {
    const { create, dynamodb } = createHandlers();
    const { ref, attributes } = create(type, {
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      AttributeDefinitions: ['pk', 'sk', 'owner'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      GlobalSecondaryIndexes: [
        {
          IndexName: 'owner-index',
          KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      TimeToLiveSpecification: { AttributeName: 'expiresAt', Enabled: true },
      BillingMode: 'PAY_PER_REQUEST',
    });
    expect(attributes['Arn']).toBe(`arn:aws:dynamodb:${region}:${accountId}:table/${ref}`);
    dynamodb.operations.PutItem({
      TableName: ref,
      Item: { pk: { S: 'a' }, sk: { S: 'b' }, owner: { S: 'me' }, expiresAt: { N: '1' } },
    });
    const page = dynamodb.operations.Query({
      TableName: ref,
      IndexName: 'owner-index',
      KeyConditionExpression: '#o = :o',
      ExpressionAttributeNames: { '#o': 'owner' },
      ExpressionAttributeValues: { ':o': { S: 'me' } },
    });
    expect(page['Count']).toBe(1);
    dynamodb.sweepExpired();
    expect(dynamodb.items(ref)).toEqual([]);
  },
);

test('queues, topics and log groups answer references as CloudFormation does', () => {
  const { create } = createHandlers();
  const queue = create('AWS::SQS::Queue', {
    RedrivePolicy: { deadLetterTargetArn: 'arn:aws:sqs:x:1:dead', maxReceiveCount: 3 },
  });
  expect(queue).toEqual({
    ref: `https://sqs.${region}.amazonaws.com/${accountId}/Stack-Thing-1`,
    attributes: expect.objectContaining({
      Arn: `arn:aws:sqs:${region}:${accountId}:Stack-Thing-1`,
      QueueName: 'Stack-Thing-1',
    }) as object,
  });
  const topic = create('AWS::SNS::Topic');
  expect(topic.ref).toBe(`arn:aws:sns:${region}:${accountId}:Stack-Thing-1`);
  const group = create('AWS::Logs::LogGroup', { LogGroupName: '/aws/vendedlogs/states/x' });
  expect([group.ref, group.attributes['Arn']]).toEqual([
    '/aws/vendedlogs/states/x',
    `arn:aws:logs:${region}:${accountId}:log-group:/aws/vendedlogs/states/x:*`,
  ]);
});
