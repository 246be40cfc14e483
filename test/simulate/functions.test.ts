import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { simulate, type Simulation } from '../../local';
import { arnOf, SmallStack, typedHandler } from './small-stack';

/** A machine of one task that invokes a function with the execution's input. */
const invoke = (functionName: string, retry?: object[]) => ({
  QueryLanguage: 'JSONata',
  StartAt: 'Invoke',
  States: {
    Invoke: {
      Type: 'Task',
      Resource: 'arn:aws:states:::lambda:invoke',
      Arguments: { FunctionName: functionName, Payload: '{% $states.input %}' },
      Output: '{% $states.result.Payload %}',
      End: true,
      ...(retry && { Retry: retry }),
    },
  },
});

const orderTable = {
  AttributeDefinitions: [{ AttributeName: 'id', AttributeType: 'S' }],
  KeySchema: [{ AttributeName: 'id', KeyType: 'HASH' }],
  BillingMode: 'PAY_PER_REQUEST',
};

let simulation: Simulation | undefined;
afterEach(() => simulation?.close());

test('a typed handler runs in process with the environment, the clock and the ids of the simulation', async () => {
  const stack = new SmallStack()
    .function(
      'Typed',
      typedHandler(`
      runtime.writeLog('hello');
      return { event, now: runtime.nowMs(), id: runtime.newId(), greeting: runtime.environment.GREETING,
        remaining: invocation.getRemainingTimeInMillis(), account: runtime.environment.ACCOUNT };`),
      { Environment: { Variables: { GREETING: 'good day', ACCOUNT: { Ref: 'AWS::AccountId' } } } },
    )
    .stateMachine('Machine', invoke('${Typed}'));
  const lines: string[] = [];
  simulation = await simulate(stack.write(), { onEvent: (event) => event.kind === 'log' && lines.push(event.line) });
  const execution = simulation.startExecution({ name: 'Ada' });
  await simulation.settle();
  expect(execution.status).toBe('SUCCEEDED');
  expect(execution.output).toEqual({
    event: { name: 'Ada' },
    now: Date.UTC(2026, 0, 1, 9),
    id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    greeting: 'good day',
    remaining: 10_000,
    account: '111122223333',
  });
  expect(lines).toEqual(['hello']);
});

test('an error of the code becomes the error of the state: name, message and trace', async () => {
  const stack = new SmallStack()
    .function(
      'Failing',
      typedHandler(`throw Object.assign(new Error('the file is empty'), { name: 'Object.Rejected' });`),
    )
    .stateMachine('Machine', invoke('${Failing}'));
  simulation = await simulate(stack.write());
  const execution = simulation.startExecution();
  await simulation.settle();
  expect(execution).toMatchObject({ status: 'FAILED', error: 'Object.Rejected' });
  const cause = JSON.parse(execution.cause!);
  expect(cause).toMatchObject({ errorType: 'Object.Rejected', errorMessage: 'the file is empty' });
  expect(cause.trace.join('\n')).toContain('/var/task/index.js');
});

test('retries count as transitions, and their waiting passes in virtual time', async () => {
  const retry = [{ ErrorEquals: ['States.ALL'], IntervalSeconds: 10, MaxAttempts: 2, BackoffRate: 2 }];
  const stack = new SmallStack()
    .function('Flaky', typedHandler(`throw new Error('again');`))
    .stateMachine('Machine', invoke('${Flaky}', retry));
  simulation = await simulate(stack.write());
  const execution = simulation.startExecution();
  await simulation.settle();
  expect(execution.status).toBe('FAILED');
  expect(execution.stoppedAtMs! - execution.startedAtMs).toBeGreaterThanOrEqual(30_000);
  expect(execution.transitions).toBe(3);
  expect(simulation.cost()).toMatchObject({ transitions: 3, transitionsUsd: 3 * 0.000025 });
});

test('a stand-in answers for a function, found by logical id, with its environment', async () => {
  const stack = new SmallStack()
    .function('Legacy', 'exports.handler = async () => "real"', { Environment: { Variables: { NAME: 'Ada' } } })
    .stateMachine('Machine', invoke('${Legacy}'));
  simulation = await simulate(stack.write(), {
    standIns: {
      Legacy: (event: { count: number }, { environment, functionName }) => ({
        count: event.count + 1,
        name: environment()['NAME'],
        functionName,
      }),
    },
  });
  const execution = simulation.startExecution({ count: 1 });
  await simulation.settle();
  expect(execution.output).toEqual({
    count: 2,
    name: 'Ada',
    functionName: expect.stringMatching(/^Small-Legacy/),
  });
});

test('rejects a stand-in for a function that is not there', async () => {
  const stack = new SmallStack().function('Legacy', '');
  await expect(simulate(stack.write(), { standIns: { Lagacy: () => null } })).rejects.toThrow(
    /no such Function.*"?Lagacy.*Legacy \(Legacy\)/s,
  );
});

test('code for another runtime is refused by name, with what to do: the run does not pass for one on AWS', async () => {
  const stack = new SmallStack()
    .function('Python', '', { Runtime: 'python3.13' })
    .stateMachine('Machine', invoke('${Python}'));
  simulation = await simulate(stack.write());
  const execution = simulation.startExecution();
  await expect(simulation.settle()).rejects.toThrow(/code for python3\.13.*Python.*standIns/s);
  expect(execution).toMatchObject({ status: 'FAILED', error: 'Simulator.Unsupported' });
});

test('code whose folder is gone is refused by name, and not tried again and again', async () => {
  const stack = new SmallStack().function('Gone', typedHandler('return 1;')).stateMachine('Machine', invoke('${Gone}'));
  const directory = stack.write();
  for (const name of readdirSync(directory, { withFileTypes: true })) {
    if (name.isDirectory()) rmSync(join(directory, name.name), { recursive: true });
  }
  simulation = await simulate(directory);
  simulation.startExecution();
  await expect(simulation.settle()).rejects.toThrow(/Running code that is not in .* any more[^]*standIns/);
});

test('an asynchronous invocation is tried again after one and two minutes, then goes to its destination', async () => {
  const stack = new SmallStack()
    .function('Relay', '')
    .add('Failures', 'AWS::Events::EventBus', { Name: 'failures' })
    .add('Config', 'AWS::Lambda::EventInvokeConfig', {
      FunctionName: { Ref: 'Relay' },
      Qualifier: '$LATEST',
      DestinationConfig: { OnFailure: { Destination: arnOf('Failures') } },
    })
    .rule('Rule', { source: ['shop'] }, arnOf('Relay'));
  const calledAtMs: number[] = [];
  simulation = await simulate(stack.write(), {
    standIns: {
      Relay: (_event: unknown, { nowMs }) => {
        calledAtMs.push(nowMs());
        throw new Error('broken');
      },
    },
  });
  await simulation.call('events', 'PutEvents', {
    Entries: [{ Source: 'shop', DetailType: 'Order', Detail: '{"id":7}' }],
  });
  await simulation.settle();
  expect(calledAtMs.slice(1).map((atMs, index) => atMs - calledAtMs[index]!)).toEqual([60_000, 120_000]);
  const failure = simulation.services.events.events.at(-1)!;
  expect(failure['detail-type']).toBe('Lambda Function Invocation Result - Failure');
  expect(failure.detail).toMatchObject({
    requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: 3 },
    requestPayload: { source: 'shop', detail: { id: 7 } },
    responsePayload: { errorType: 'Error', errorMessage: 'broken' },
  });
});

test('what AWS would answer for a function that does not exist is an error of the state', async () => {
  const stack = new SmallStack().stateMachine('Machine', invoke('no-such-function'));
  simulation = await simulate(stack.write());
  const execution = simulation.startExecution();
  await simulation.settle();
  expect(execution.error).toBe('Lambda.ResourceNotFoundException');
  expect(execution.cause).toMatch(
    /^Function not found: arn:aws:lambda:eu-west-1:111122223333:function:no-such-function:\$LATEST \(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: [^;]+; Proxy: null\)$/,
  );
});

test('a function that makes its own clients runs in a process of its own, against the same services', async () => {
  const code = `
    const { DynamoDBClient, PutItemCommand } = require('@aws-sdk/client-dynamodb');
    exports.handler = async (event, context) => {
      console.log('storing', event.id);
      await new DynamoDBClient({}).send(new PutItemCommand({ TableName: process.env.TABLE, Item: { id: { S: event.id } } }));
      if (event.id === 'bad') throw Object.assign(new Error('not this one'), { name: 'Bad.Order' });
      return { stored: event.id, function: context.functionName === process.env.AWS_LAMBDA_FUNCTION_NAME, home: process.env.HOME ?? null };
    };`;
  const stack = new SmallStack()
    .add('Orders', 'AWS::DynamoDB::Table', orderTable)
    .function('Store', code, { Environment: { Variables: { TABLE: { Ref: 'Orders' } } } })
    .stateMachine('Machine', invoke('${Store}'));
  const lines: string[] = [];
  simulation = await simulate(stack.write(), { onEvent: (event) => event.kind === 'log' && lines.push(event.line) });
  const stored = simulation.startExecution({ id: 'one' });
  const failed = simulation.startExecution({ id: 'bad' });
  await simulation.settle();
  expect(stored.output).toEqual({ stored: 'one', function: true, home: null });
  expect(failed).toMatchObject({ status: 'FAILED', error: 'Bad.Order' });
  expect(JSON.parse(failed.cause!).trace.join('\n')).toContain('/var/task/index.js');
  expect(lines.sort()).toEqual(['storing bad', 'storing one']);
  expect(simulation.services.dynamodb.items(simulation.physicalId('Orders', 'AWS::DynamoDB::Table'))).toHaveLength(2);
}, 20_000);

test('one of two invocations at the same time goes on calling after the other has ended', async () => {
  const code = `
    const { DynamoDBClient, GetItemCommand, PutItemCommand } = require('@aws-sdk/client-dynamodb');
    const client = new DynamoDBClient({});
    const isRunning = (id) => { try { return process.kill(id, 0); } catch { return false; } };
    exports.handler = async ({ id }) => {
      await client.send(new PutItemCommand({ TableName: process.env.TABLE, Item: { id: { S: id }, process: { N: String(process.pid) } } }));
      if (id === 'short') return 'ended first';
      const read = async () => (await client.send(new GetItemCommand({ TableName: process.env.TABLE, Key: { id: { S: 'short' } } }))).Item;
      let other;
      while (other === undefined || isRunning(Number(other.process.N))) other = await read();
      for (let calls = 0; calls < 100; calls++) await read();
      return 'went on';
    };`;
  const stack = new SmallStack()
    .add('Orders', 'AWS::DynamoDB::Table', orderTable)
    .function('Store', code, { Environment: { Variables: { TABLE: { Ref: 'Orders' } } } })
    .stateMachine('Machine', invoke('${Store}'));
  simulation = await simulate(stack.write());
  const long = simulation.startExecution({ id: 'long' });
  const short = simulation.startExecution({ id: 'short' });
  await simulation.settle();
  expect([short.output, long.output]).toEqual(['ended first', 'went on']);
}, 20_000);

test('a function that never ends is stopped at its timeout, in a process and in this one', async () => {
  const endless = new SmallStack()
    .function(
      'Process',
      'exports.handler = () => new Promise((resolve) => setInterval(resolve, 1e9).unref && setInterval(() => 0, 1e6));',
      { Timeout: 1 },
    )
    .stateMachine('Machine', invoke('${Process}'));
  simulation = await simulate(endless.write());
  const inProcess = simulation.startExecution();
  await simulation.settle();
  expect(inProcess.error).toBe('Sandbox.Timedout');
  await simulation.close();
  const typed = new SmallStack()
    .function('Typed', typedHandler('await new Promise(() => 0);'), { Timeout: 1 })
    .stateMachine('Machine', invoke('${Typed}'));
  simulation = await simulate(typed.write());
  const here = simulation.startExecution();
  await simulation.settle();
  expect(here.error).toBe('Sandbox.Timedout');
});
