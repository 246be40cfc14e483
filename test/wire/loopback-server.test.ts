/** The same services over HTTP, for functions and commands that make their own clients. */
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
} from '@aws-sdk/client-dynamodb';
import { DescribeInstancesCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  GetObjectCommand,
  HeadObjectCommand,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { DescribeExecutionCommand, SFNClient } from '@aws-sdk/client-sfn';
import type { Principal } from '../../local/services/service';
import { listen, type LoopbackServer } from '../../local/wire/loopback-server';
import { createTestCloud, failureOf, region } from '../services/test-cloud';

const worker: Principal = { id: 'arn:aws:iam::111122223333:role/worker' };
let simulated: ReturnType<typeof createTestCloud>;
let server: LoopbackServer;
const clients: { destroy: () => void }[] = [];

beforeAll(async () => {
  simulated = createTestCloud();
  simulated.s3.createBucket({ name: 'inbox', versioning: 'Enabled' });
  simulated.dynamodb.createTable({ name: 't', partitionKey: 'pk', attributeTypes: { pk: 'S' }, indexes: [] });
  simulated.sqs.createQueue({ name: 'queue' });
  server = await listen(simulated.cloud, (accessKeyId) => (accessKeyId === 'known' ? worker : undefined));
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await server.close();
});

function connect<Client extends { destroy: () => void }>(
  type: new (configuration: never) => Client,
  accessKeyId = 'known',
): Client {
  const configuration = {
    region,
    endpoint: server.endpoint,
    credentials: { accessKeyId, secretAccessKey: 'secret' },
    maxAttempts: 1,
  };
  const client = new type(configuration as never);
  clients.push(client);
  return client;
}

test('listens on this machine only', () => {
  expect(server.endpoint).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
});

test('clients that sign for themselves read and write', async () => {
  const s3 = connect(S3Client);
  await s3.send(
    new PutObjectCommand({ Bucket: 'inbox', Key: 'a', Body: Buffer.alloc(100_000, 'x'), Metadata: { m: '1' } }),
  );
  const object = await s3.send(new GetObjectCommand({ Bucket: 'inbox', Key: 'a' }));
  expect((await object.Body!.transformToByteArray()).length).toBe(100_000);
  expect((await s3.send(new HeadObjectCommand({ Bucket: 'inbox', Key: 'a' }))).Metadata).toEqual({ m: '1' });
  const dynamodb = connect(DynamoDBClient);
  const Item = { pk: { S: 'a' }, b: { B: new Uint8Array([1]) } };
  await dynamodb.send(new PutItemCommand({ TableName: 't', Item }));
  expect((await dynamodb.send(new GetItemCommand({ TableName: 't', Key: { pk: { S: 'a' } } }))).Item).toEqual(Item);
});

test('errors of the services are of their class', async () => {
  const s3 = connect(S3Client);
  expect(await failureOf(s3.send(new GetObjectCommand({ Bucket: 'inbox', Key: 'x' })))).toBeInstanceOf(NoSuchKey);
  expect(await failureOf(s3.send(new HeadObjectCommand({ Bucket: 'inbox', Key: 'x' })))).toBeInstanceOf(NotFound);
  const dynamodb = connect(DynamoDBClient);
  const put = new PutItemCommand({
    TableName: 't',
    Item: { pk: { S: 'b' } },
    ConditionExpression: 'attribute_exists(pk)',
  });
  expect(await failureOf(dynamodb.send(put))).toBeInstanceOf(ConditionalCheckFailedException);
});

test('calls are those of whom the access key belongs to', async () => {
  const seen: string[] = [];
  simulated.cloud.intercept((call, next) => {
    seen.push(call.principal.id);
    return next(call);
  });
  await connect(DynamoDBClient).send(new GetItemCommand({ TableName: 't', Key: { pk: { S: 'a' } } }));
  expect(seen).toEqual([worker.id]);
});

test.each([
  [
    'S3',
    () => connect(S3Client, 'unknown').send(new GetObjectCommand({ Bucket: 'inbox', Key: 'a' })),
    'InvalidAccessKeyId',
  ],
  [
    'DynamoDB',
    () => connect(DynamoDBClient, 'unknown').send(new GetItemCommand({ TableName: 't', Key: {} })),
    'UnrecognizedClientException',
  ],
  ['EC2', () => connect(EC2Client, 'unknown').send(new DescribeInstancesCommand({})), 'AuthFailure'],
])('%s refuses an access key that is not known', async (_, call, name) => {
  const failure = await failureOf(call());
  expect([failure.name, failure.$metadata.httpStatusCode]).toEqual([name, 403]);
});

test('a request without a signature is refused', async () => {
  const response = await fetch(`${server.endpoint}/inbox/a`);
  expect([response.status, await response.text()]).toEqual([
    403,
    'MissingAuthenticationToken: the request is not signed',
  ]);
});

test('what is not simulated is refused by name, and not repeated', async () => {
  const failure = await failureOf(connect(SFNClient).send(new DescribeExecutionCommand({ executionArn: 'arn' })));
  expect([failure.name, failure.$metadata.httpStatusCode]).toEqual(['Simulator.Unsupported', 501]);
  expect(failure.message).toContain('states:DescribeExecution is not simulated');
});

/** A signed request as a client that this package does not depend on would send it. */
function send(
  service: string,
  init: { readonly path?: string; readonly headers?: Record<string, string>; readonly body: string },
) {
  return fetch(`${server.endpoint}${init.path ?? '/'}`, {
    method: 'POST',
    headers: {
      ...init.headers,
      authorization: `AWS4-HMAC-SHA256 Credential=known/20260101/${region}/${service}/aws4_request, Signature=0`,
    },
    body: init.body,
  });
}

test('SQS speaks JSON', async () => {
  const QueueUrl = simulated.sqs.queueUrl('queue');
  const response = await send('sqs', {
    headers: { 'x-amz-target': 'AmazonSQS.SendMessage' },
    body: JSON.stringify({ QueueUrl, MessageBody: 'hi' }),
  });
  expect(((await response.json()) as { MessageId: string }).MessageId).toMatch(/^[0-9a-f-]{36}$/);
  expect(simulated.sqs.messages('queue').map(({ body }) => body)).toEqual(['hi']);
});

test('SNS and STS speak forms and XML', async () => {
  const topicArn = simulated.sns.createTopic('alarms');
  const form = new URLSearchParams({
    Action: 'Publish',
    TopicArn: topicArn,
    Message: 'a & b',
    'MessageAttributes.entry.1.Name': 'kind',
    'MessageAttributes.entry.1.Value.DataType': 'String',
    'MessageAttributes.entry.1.Value.StringValue': 'test',
  });
  const published = await send('sns', { body: form.toString() });
  expect(await published.text()).toMatch(/<PublishResult><MessageId>[0-9a-f-]{36}<\/MessageId><\/PublishResult>/);
  expect(simulated.sns.messages(topicArn)).toMatchObject([
    { message: 'a & b', attributes: { kind: { DataType: 'String', StringValue: 'test' } } },
  ]);
  const identity = await send('sts', { body: 'Action=GetCallerIdentity&Version=2011-06-15' });
  expect(await identity.text()).toContain('<Arn>arn:aws:sts::111122223333:assumed-role/worker/simulated</Arn>');
});

test('a malformed body is the mistake of who sent it', async () => {
  const response = await send('dynamodb', {
    headers: { 'x-amz-target': 'DynamoDB_20120810.GetItem' },
    body: '{not json',
  });
  expect([response.status, await response.json()]).toEqual([
    400,
    { __type: 'SerializationException', message: 'The request body is not valid JSON' },
  ]);
});
