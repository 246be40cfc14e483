/** Direct clients are held against the SDK's own: what reaches the service, and what comes back, must be the same. */
import {
  AutoScalingClient,
  DescribeAutoScalingInstancesCommand,
  SetInstanceProtectionCommand,
} from '@aws-sdk/client-auto-scaling';
import { BackupClient, DescribeBackupJobCommand, StartBackupJobCommand } from '@aws-sdk/client-backup';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb';
import { CreateImageCommand, DescribeImagesCommand, DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SendTaskFailureCommand, SendTaskSuccessCommand, SFNClient, TaskTimedOut } from '@aws-sdk/client-sfn';
import {
  GetCommandInvocationCommand,
  InvocationDoesNotExist,
  PutParameterCommand,
  SendCommandCommand,
  SSMClient,
} from '@aws-sdk/client-ssm';
import { Cloud, operator, ServiceError, type ServiceCall, type ServiceName } from '../../local/services/service';
import { createDirectClient } from '../../local/wire/direct-client';
import { clientConfiguration } from '../../local/wire/request-handler';

interface Sender {
  readonly send: (command: object) => Promise<object>;
}

type Client = new (configuration: object) => unknown;

const clients: Readonly<Partial<Record<ServiceName, Client>>> = {
  ...{ backup: BackupClient, dynamodb: DynamoDBClient, ec2: EC2Client, s3: S3Client, ssm: SSMClient },
  autoscaling: AutoScalingClient,
  states: SFNClient,
};

/** Sends a command both ways to a service that answers as it is told. */
async function sendBothWays(service: ServiceName, command: () => object, reply: object | ServiceError) {
  const send = async (clientOf: (cloud: Cloud) => Sender) => {
    const cloud = new Cloud('eu-west-1', '111122223333');
    const calls: ServiceCall[] = [];
    const name = (command().constructor as { name: string }).name.replace(/Command$/, '');
    const answer = (input: object) => {
      calls.push({ service, operation: name, input: input as never, principal: operator });
      if (reply instanceof ServiceError) throw reply;
      return reply as never;
    };
    cloud.add({ name: service, operations: { [name]: answer } });
    const outcome = await clientOf(cloud)
      .send(command())
      .then(readBody, (error: Error) => error);
    return { inputs: calls.map(({ input }) => input), outcome };
  };
  return {
    direct: await send((cloud) => createDirectClient(cloud, operator, () => 'a-token') as Sender),
    sdk: await send((cloud) => new clients[service]!(clientConfiguration(cloud, operator, 'eu-west-1')) as Sender),
  };
}

async function readBody(output: object): Promise<object> {
  const { Body } = output as { Body?: { transformToString: (encoding: string) => Promise<string> } };
  return Body === undefined ? output : { ...output, Body: await Body.transformToString('utf-8') };
}

const at = new Date('2026-03-01T12:00:00.250Z');
const inHeader = new Date('2026-03-01T12:00:00Z');

const answered: readonly (readonly [ServiceName, string, () => object, object])[] = [
  [
    'autoscaling',
    'the members of groups',
    () => new DescribeAutoScalingInstancesCommand({ InstanceIds: ['i-1'], NextToken: undefined }),
    {
      AutoScalingInstances: [
        { InstanceId: 'i-1', AutoScalingGroupName: 'g', LifecycleState: 'InService', ProtectedFromScaleIn: true },
      ],
    },
  ],
  [
    'autoscaling',
    'an empty answer',
    () =>
      new SetInstanceProtectionCommand({
        AutoScalingGroupName: 'g',
        InstanceIds: ['i-1'],
        ProtectedFromScaleIn: false,
      }),
    {},
  ],
  [
    'dynamodb',
    'an item',
    () => new GetItemCommand({ TableName: 't', Key: { pk: { S: 'a' } } }),
    { Item: itemOfAllTypes() },
  ],
  [
    'dynamodb',
    'nothing',
    () => new GetItemCommand({ TableName: 't', Key: { pk: { S: '' } }, ConsistentRead: true }),
    {},
  ],
  [
    'dynamodb',
    'a page',
    () => new QueryCommand({ TableName: 't', Limit: undefined }),
    { Items: [itemOfAllTypes()], Count: 1 },
  ],
  [
    'dynamodb',
    'a write',
    () => new PutItemCommand({ TableName: 't', Item: itemOfAllTypes() }),
    { Attributes: undefined },
  ],
  [
    ...(['dynamodb', 'a transaction'] as const),
    () =>
      new TransactWriteItemsCommand({
        TransactItems: [{ Put: { TableName: 't', Item: {} } }],
        ClientRequestToken: 'x',
      }),
    {},
  ],
  [
    ...(['ec2', 'instances'] as const),
    () =>
      new DescribeInstancesCommand({
        Filters: [
          { Name: 'tag:a', Values: ['b', 'c'] },
          { Name: 'none', Values: [] },
        ],
        InstanceIds: [],
        MaxResults: 5,
      }),
    {
      Reservations: [
        {
          ReservationId: 'r',
          Groups: [],
          Instances: [{ InstanceId: 'i', LaunchTime: at, State: { Code: 16 }, EbsOptimized: false }],
        },
      ],
    },
  ],
  ['ec2', 'no instances', () => new DescribeInstancesCommand({}), { Reservations: [] }],
  [
    'ec2',
    'an image',
    () => new CreateImageCommand({ InstanceId: 'i', Name: 'n', NoReboot: true }),
    { ImageId: 'ami-1' },
  ],
  [
    'ec2',
    'images',
    () => new DescribeImagesCommand({ Owners: ['self'] }),
    { Images: [{ ImageId: 'ami', Tags: [{ Key: 'a', Value: '' }] }] },
  ],
  [
    ...(['ssm', 'a command'] as const),
    () =>
      new SendCommandCommand({ DocumentName: 'd', InstanceIds: ['i'], Parameters: { a: ['b'] }, TimeoutSeconds: 30 }),
    { Command: { CommandId: 'c', RequestedDateTime: at, Targets: [] } },
  ],
  ['ssm', 'a parameter', () => new PutParameterCommand({ Name: 'n', Value: 'v', Overwrite: true }), { Version: 2 }],
  [...(['states', 'a success'] as const), () => new SendTaskSuccessCommand({ taskToken: 'a', output: '{"a":1}' }), {}],
  ['states', 'a failure', () => new SendTaskFailureCommand({ taskToken: 'a', error: 'E', cause: undefined }), {}],
  [
    ...(['backup', 'a job'] as const),
    () =>
      new StartBackupJobCommand({
        BackupVaultName: 'v',
        ResourceArn: 'r',
        IamRoleArn: 'x',
        IdempotencyToken: 'y',
        RecoveryPointTags: { a: 'b' },
      }),
    { BackupJobId: 'j', CreationDate: at, IsParent: false },
  ],
  [
    'backup',
    'its state',
    () => new DescribeBackupJobCommand({ BackupJobId: 'j' }),
    { State: 'RUNNING', BackupSizeInBytes: 5, CreationDate: at },
  ],
  [
    ...(['s3', 'content'] as const),
    () => new GetObjectCommand({ Bucket: 'b', Key: 'a b/ü', Range: 'bytes=0-9' }),
    {
      Body: Buffer.from('content'),
      ContentLength: 7,
      ContentRange: 'bytes 0-6/7',
      LastModified: at,
      ETag: '"e"',
      Metadata: { a: 'b' },
    },
  ],
  [
    's3',
    'no content',
    () => new GetObjectCommand({ Bucket: 'b', Key: 'k' }),
    { Body: Buffer.from(''), ContentLength: 0, Metadata: {} },
  ],
  [
    's3',
    'headers',
    () => new HeadObjectCommand({ Bucket: 'b', Key: 'k', IfModifiedSince: inHeader }),
    { ContentLength: 7, LastModified: at },
  ],
  [
    's3',
    'a version',
    () => new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'text', ContentType: 'text/csv' }),
    { VersionId: 'v' },
  ],
  [
    's3',
    'a copy',
    () => new CopyObjectCommand({ Bucket: 'b', Key: 'k', CopySource: 'a/b', Tagging: 'a=b' }),
    { CopyObjectResult: { LastModified: at } },
  ],
  ['s3', 'a marker', () => new DeleteObjectCommand({ Bucket: 'b', Key: 'k', VersionId: 'v' }), { DeleteMarker: true }],
];

test.each(answered)('%s: %s goes the same way as through the SDK', async (service, _, command, reply) => {
  const { direct, sdk } = await sendBothWays(service, command, reply);

  expect(direct.inputs).toEqual(sdk.inputs);
  expect(direct.outcome).toEqual(sdk.outcome);
});

const refused: readonly (readonly [
  ServiceName,
  () => object,
  ServiceError,
  abstract new (...options: never) => Error,
])[] = [
  [
    'dynamodb',
    putItem,
    new ServiceError('ConditionalCheckFailedException', 'no', 400, { Item: { pk: { S: 'a' } } }),
    ConditionalCheckFailedException,
  ],
  [
    'dynamodb',
    putItem,
    new ServiceError('TransactionCanceledException', 'no', 400, { CancellationReasons: [{ Code: 'None' }] }),
    Error,
  ],
  ['dynamodb', putItem, new ServiceError('ThrottlingException', 'slow down', 400), Error],
  ['dynamodb', putItem, new ServiceError('TransactionInProgressException', 'wait', 400), Error],
  ['dynamodb', putItem, new ServiceError('InternalServerError', 'oh', 500), Error],
  ['ec2', () => new DescribeImagesCommand({}), new ServiceError('InvalidAMIID.NotFound', 'no such image'), Error],
  ['ec2', () => new DescribeImagesCommand({}), new ServiceError('RequestLimitExceeded', 'slow down', 503), Error],
  [
    'ssm',
    () => new GetCommandInvocationCommand({ CommandId: 'c', InstanceId: 'i' }),
    new ServiceError('InvocationDoesNotExist', ''),
    InvocationDoesNotExist,
  ],
  [
    'states',
    () => new SendTaskSuccessCommand({ taskToken: 'a', output: '1' }),
    new ServiceError('TaskTimedOut', 'late'),
    TaskTimedOut,
  ],
  [
    'backup',
    () => new DescribeBackupJobCommand({ BackupJobId: 'j' }),
    new ServiceError('ResourceNotFoundException', 'none', 400, { Type: 't' }),
    Error,
  ],
  [
    'backup',
    () => new DescribeBackupJobCommand({ BackupJobId: 'j' }),
    new ServiceError('AccessDeniedException', 'no', 403),
    Error,
  ],
  [
    's3',
    () => new GetObjectCommand({ Bucket: 'b', Key: 'k' }),
    new ServiceError('NoSuchKey', 'none', 404, { Key: 'k' }),
    NoSuchKey,
  ],
  ['s3', () => new GetObjectCommand({ Bucket: 'b', Key: 'k' }), new ServiceError('SlowDown', 'slow down', 503), Error],
  ['s3', () => new HeadObjectCommand({ Bucket: 'b', Key: 'k' }), new ServiceError('NoSuchKey', 'none', 404), NotFound],
  [
    's3',
    () => new HeadObjectCommand({ Bucket: 'b', Key: 'k' }),
    new ServiceError('MethodNotAllowed', 'no', 405),
    Error,
  ],
];

test.each(refused)('%s: an error is the one that the SDK throws, after as many attempts', async (...refusal) => {
  const [service, command, error, type] = refusal;
  const { direct, sdk } = await sendBothWays(service, command, error);

  expect(direct.outcome).toBeInstanceOf(type);
  expect(sdk.outcome).toBeInstanceOf(type);
  expect(direct.inputs).toEqual(sdk.inputs);
  expect(whatTasksRead(direct.outcome)).toEqual(whatTasksRead(sdk.outcome));
});

test('S3: content is a stream as well', async () => {
  const cloud = new Cloud('eu-west-1', '111122223333');
  cloud.add({ name: 's3', operations: { GetObject: () => ({ Body: Buffer.from('content') }) } });
  const client = createDirectClient(cloud, operator, () => 'a-token') as unknown as S3Client;
  const { Body } = await client.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }));

  const chunks: Uint8Array[] = [];
  for await (const chunk of Body as AsyncIterable<Uint8Array>) chunks.push(chunk);

  expect(Buffer.concat(chunks).toString()).toBe('content');
});

test('an idempotency token that a command lacks is made up, as the SDK does', async () => {
  const command = () => new TransactWriteItemsCommand({ TransactItems: [] });
  const { direct, sdk } = await sendBothWays('dynamodb', command, {});

  expect(direct.inputs).toEqual([expect.objectContaining({ ClientRequestToken: 'a-token' })]);
  expect(sdk.inputs).toEqual([expect.objectContaining({ ClientRequestToken: expect.any(String) as string })]);
});

test('an S3 operation that was not compared with the SDK is refused by name', async () => {
  const client = createDirectClient(new Cloud('eu-west-1', '111122223333'), operator, () => 'a-token');

  await expect(client.send(new ListObjectsV2Command({ Bucket: 'b' }))).rejects.toThrow(/s3:ListObjectsV2 by a direct/);
});

function putItem(): PutItemCommand {
  return new PutItemCommand({ TableName: 't', Item: { pk: { S: 'a' } } });
}

function itemOfAllTypes() {
  return {
    text: { S: 'text' },
    number: { N: '12.5' },
    bytes: { B: new Uint8Array([1, 2, 255]) },
    yes: { BOOL: true },
    nothing: { NULL: true },
    list: { L: [{ S: 'a' }, { L: [] }] },
    map: { M: { a: { N: '1' }, b: { M: {} } } },
    texts: { SS: ['a', 'b'] },
  };
}

function whatTasksRead(error: unknown): object {
  const { name, message, ...rest } = error as Error & Readonly<Record<string, unknown>>;
  const { $fault, $metadata, $retryable, CancellationReasons, Item } = rest;
  const { httpStatusCode, attempts, totalRetryDelay } = $metadata as Readonly<Record<string, unknown>>;
  return { name, message, $fault, $retryable, CancellationReasons, Item, httpStatusCode, attempts, totalRetryDelay };
}
