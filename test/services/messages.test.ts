/** Queues, topics, logs, metrics and identity, called as the engine and the other services call them. */
import { operator, type ServiceName, type ServiceOutput } from '../../local/services/service';
import { accountId, createTestCloud, failureOf } from './test-cloud';

function createServices() {
  const test = createTestCloud();
  const call = (
    service: ServiceName,
    operation: string,
    input: Record<string, unknown>,
    principal = operator,
  ): Promise<ServiceOutput> => test.cloud.call({ service, operation, input, principal });
  return { ...test, call };
}

describe('a queue', () => {
  test('hides a received message until its visibility timeout has passed', async () => {
    const { call, clock, sqs } = createServices();
    sqs.createQueue({ name: 'q', visibilityTimeoutSeconds: 60 });
    const QueueUrl = sqs.queueUrl('q');
    const receive = async () =>
      (await call('sqs', 'ReceiveMessage', { QueueUrl }))['Messages'] as
        { Body: string; ReceiptHandle: string }[] | undefined;
    await call('sqs', 'SendMessage', { QueueUrl, MessageBody: 'hello' });
    expect((await receive())![0]!.Body).toBe('hello');
    expect(await receive()).toBeUndefined();
    await clock.runUntilIdle(clock.nowMs() + 60_000);
    const again = await receive();
    await call('sqs', 'DeleteMessage', { QueueUrl, ReceiptHandle: again![0]!.ReceiptHandle });
    expect(sqs.messages('q')).toEqual([]);
  });

  test('gives up on a message that was received too often', async () => {
    const { call, clock, sqs } = createServices();
    sqs.createQueue({ name: 'dead' });
    sqs.createQueue({ name: 'q', redrive: { deadLetterQueueArn: sqs.queueArn('dead'), maximumReceiveCount: 2 } });
    const QueueUrl = sqs.queueUrl('q');
    await call('sqs', 'SendMessage', { QueueUrl, MessageBody: 'poison' });
    for (let count = 0; count < 3; count++) {
      await call('sqs', 'ReceiveMessage', { QueueUrl });
      await clock.runUntilIdle(clock.nowMs() + 31_000);
    }
    expect([sqs.messages('q'), sqs.messages('dead').map(({ body }) => body)]).toEqual([[], ['poison']]);
  });

  test('that does not exist is QueueDoesNotExist', async () => {
    const { call } = createServices();
    expect(
      (await failureOf(call('sqs', 'SendMessage', { QueueUrl: 'https://sqs/1/none', MessageBody: 'x' }))).name,
    ).toBe('QueueDoesNotExist');
  });

  test('refuses parameters that SQS does not have', async () => {
    const { call, sqs } = createServices();
    sqs.createQueue({ name: 'q' });
    const failure = await failureOf(
      call('sqs', 'SendMessage', { QueueUrl: sqs.queueUrl('q'), Body: 'x', MessageBody: 'x' }),
    );
    expect(failure.message).toContain('Unknown parameter in input: "Body", must be one of: QueueUrl, MessageBody');
  });
});

describe('a topic', () => {
  test('hands what is published to its queues, wrapped or raw, and keeps what would be mailed', async () => {
    const { call, clock, sns, sqs } = createServices();
    const topicArn = sns.createTopic('alarms');
    for (const name of ['wrapped', 'raw']) {
      sqs.createQueue({ name });
      sns.subscribe({ topicArn, protocol: 'sqs', endpoint: sqs.queueArn(name), isRaw: name === 'raw' });
    }
    sns.subscribe({ topicArn, protocol: 'email', endpoint: 'me@example.com', isRaw: false });
    await call('sns', 'Publish', { TopicArn: topicArn, Message: 'hello', Subject: 'greeting' });
    await clock.runUntilIdle();
    expect(sqs.messages('raw').map(({ body }) => body)).toEqual(['hello']);
    expect(JSON.parse(sqs.messages('wrapped')[0]!.body)).toMatchObject({
      Type: 'Notification',
      TopicArn: topicArn,
      Subject: 'greeting',
      Message: 'hello',
    });
    expect(sns.deliveriesOutside.map(({ subscription }) => subscription.endpoint)).toEqual(['me@example.com']);
  });

  test('that does not exist is NotFound', async () => {
    const { call } = createServices();
    const failure = await failureOf(call('sns', 'Publish', { TopicArn: 'arn:aws:sns:eu-west-1:1:none', Message: 'x' }));
    expect([failure.name, failure['statusCode']]).toEqual(['NotFound', 404]);
  });
});

test('logs and metrics can be read back', async () => {
  const { call, logs, monitoring, clock } = createServices();
  logs.write('/aws/lambda/f', 'stream', 'hello');
  expect(logs.events('/aws/lambda/f')).toMatchObject([{ message: 'hello', timestampMs: clock.nowMs() }]);
  await call('monitoring', 'PutMetricData', {
    Namespace: 'Workflow',
    MetricData: [{ MetricName: 'Waiting', Value: 3, Unit: 'Count', Dimensions: [{ Name: 'Fleet', Value: 'a' }] }],
  });
  expect(monitoring.metrics('Workflow')).toEqual([
    {
      namespace: 'Workflow',
      metricName: 'Waiting',
      value: 3,
      unit: 'Count',
      dimensions: { Fleet: 'a' },
      atMs: clock.nowMs(),
    },
  ]);
});

test('a role is told its assumed name', async () => {
  const { call } = createServices();
  const principal = { id: `arn:aws:iam::${accountId}:role/path/worker`, session: 'function' };
  expect(await call('sts', 'GetCallerIdentity', {}, principal)).toMatchObject({
    Account: accountId,
    Arn: `arn:aws:sts::${accountId}:assumed-role/worker/function`,
  });
});
