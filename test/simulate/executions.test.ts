import { ServiceError, simulate, type Simulation } from '../../local';
import { SmallStack } from './small-stack';

let simulation: Simulation;
afterEach(() => simulation.close());

const task = (resource: string, parameters: unknown, more = {}) => ({
  Type: 'Task',
  Resource: resource,
  Arguments: parameters,
  End: true,
  ...more,
});

/** A stack with one machine of these states, which starts with the first. */
const machineOf = (states: Record<string, object>): SmallStack =>
  new SmallStack().stateMachine('Machine', {
    QueryLanguage: 'JSONata',
    StartAt: Object.keys(states)[0],
    States: states,
  });

async function run(states: Record<string, object>) {
  simulation = await simulate(machineOf(states).write());
  const execution = simulation.startExecution();
  await simulation.settle();
  return execution;
}

/** Runs a machine that starts another one. */
async function runChild(resource: string, child: 'Child' | 'Failing') {
  const stack = machineOf({
    Start: task(resource, { StateMachineArn: `\${${child}}`, Name: 'child', Input: { a: 1 } }),
  })
    .stateMachine('Child', {
      StartAt: 'Wait',
      States: {
        Wait: { Type: 'Wait', Seconds: 60, Next: 'Done' },
        Done: { Type: 'Pass', Result: { ok: true }, End: true },
      },
    })
    .stateMachine('Failing', { StartAt: 'No', States: { No: { Type: 'Fail', Error: 'Nope', Cause: 'because' } } });
  simulation = await simulate(stack.write());
  const execution = simulation.startExecution({}, { stateMachine: 'Machine' });
  await simulation.settle();
  return execution;
}

test('startExecution answers at once; the child runs on', async () => {
  const execution = await runChild('arn:aws:states:::states:startExecution', 'Child');
  const child = simulation.executions[1]!;
  expect(execution.output).toMatchObject({
    ExecutionArn: child.arn,
    SdkHttpMetadata: { HttpStatusCode: 200 },
  });
  expect(child).toMatchObject({ name: 'child', status: 'SUCCEEDED', input: { a: 1 } });
});

test('startExecution.sync waits and gives the output as text, .sync:2 as JSON', async () => {
  const execution = await runChild('arn:aws:states:::states:startExecution.sync', 'Child');
  expect(execution.output).toMatchObject({
    Status: 'SUCCEEDED',
    Output: '{"ok":true}',
    Input: '{"a":1}',
    Name: 'child',
  });
  expect(execution.stoppedAtMs! - execution.startedAtMs).toBeGreaterThanOrEqual(60_000);
  await simulation.close();
  const second = await runChild('arn:aws:states:::states:startExecution.sync:2', 'Child');
  expect(second.output).toMatchObject({ Output: { ok: true }, Input: { a: 1 } });
});

test('a failed child fails the task with States.TaskFailed and its description as cause', async () => {
  const execution = await runChild('arn:aws:states:::states:startExecution.sync:2', 'Failing');
  expect(execution.error).toBe('States.TaskFailed');
  expect(JSON.parse(execution.cause!)).toMatchObject({ Error: 'Nope', Cause: 'because', Status: 'FAILED' });
});

test('names, inputs and repeated starts are answered as AWS answers them', async () => {
  simulation = await simulate(machineOf({ Wait: { Type: 'Wait', Seconds: 10, End: true } }).write());
  const first = simulation.startExecution({ a: 1 }, { name: 'same' });
  expect(simulation.startExecution({ a: 1 }, { name: 'same' })).toBe(first);
  expect(() => simulation.startExecution({ a: 2 }, { name: 'same' })).toThrow(
    `Execution Already Exists: '${first.arn}'`,
  );
  await simulation.settle();
  expect(() => simulation.startExecution({ a: 1 }, { name: 'same' })).toThrow('Execution Already Exists');
  expect(() => simulation.startExecution({}, { name: 'a b' })).toThrow("Invalid Name: 'a b'");
  expect(() => simulation.startExecution('x'.repeat(262_144))).toThrow(
    /at 'input' failed to satisfy constraint.*262144/,
  );
  const start = (input: Record<string, unknown>) => simulation.call('states', 'StartExecution', input);
  await expect(start({ stateMachineArn: `${first.arn}x` })).rejects.toThrow('State Machine Does Not Exist');
  await expect(start({ stateMachineArn: 'nonsense' })).rejects.toMatchObject({ code: 'InvalidArn' });
  await expect(
    start({ stateMachineArn: simulation.physicalId('Machine', 'AWS::StepFunctions::StateMachine'), input: '{' }),
  ).rejects.toMatchObject({ code: 'InvalidExecutionInput' });
});

test('history and lists come in pages, in both directions', async () => {
  const execution = await run({ One: { Type: 'Pass', Next: 'Two' }, Two: { Type: 'Pass', End: true } });
  const types: string[] = [];
  let nextToken: unknown;
  do {
    const page = await simulation.call('states', 'GetExecutionHistory', {
      executionArn: execution.arn,
      maxResults: 2,
      nextToken,
    });
    types.push(...(page['events'] as { type: string; timestamp: Date }[]).map(({ type }) => type));
    nextToken = page['nextToken'];
  } while (nextToken !== undefined);
  expect(types).toEqual(execution.history.map(({ type }) => type));
  const reversed = await simulation.call('states', 'GetExecutionHistory', {
    executionArn: execution.arn,
    reverseOrder: true,
    maxResults: 1,
  });
  expect(reversed['events']).toMatchObject([
    { type: 'ExecutionSucceeded', timestamp: new Date(execution.stoppedAtMs!) },
  ]);
  const listed = await simulation.call('states', 'ListExecutions', {
    stateMachineArn: simulation.physicalId('Machine', 'AWS::StepFunctions::StateMachine'),
    statusFilter: 'SUCCEEDED',
  });
  expect(listed['executions']).toMatchObject([{ name: execution.name, status: 'SUCCEEDED' }]);
});

test('a task token completes, fails or keeps a task alive; a used one is refused', async () => {
  simulation = await simulate(
    machineOf({
      Ask: task(
        'arn:aws:states:::events:putEvents.waitForTaskToken',
        {
          Entries: [{ Source: 'shop', DetailType: 'Question', Detail: { token: '{% $states.context.Task.Token %}' } }],
        },
        { HeartbeatSeconds: 60 },
      ),
    }).write(),
  );
  const start = async () => {
    const execution = simulation.startExecution();
    await simulation.advance(10_000);
    return {
      execution,
      taskToken: String(
        simulation.services.events.events.findLast((event) => event.source === 'shop')!.detail['token'],
      ),
    };
  };
  const { execution, taskToken } = await start();
  await simulation.advance(40_000);
  await simulation.call('states', 'SendTaskHeartbeat', { taskToken });
  await simulation.advance(40_000);
  await simulation.call('states', 'SendTaskSuccess', { taskToken, output: '{"answer":42}' });
  await simulation.settle();
  expect(execution).toMatchObject({ status: 'SUCCEEDED', output: { answer: 42 } });
  await expect(simulation.call('states', 'SendTaskSuccess', { taskToken, output: '{}' })).rejects.toMatchObject({
    code: 'TaskTimedOut',
  });
  await expect(simulation.call('states', 'SendTaskSuccess', { taskToken: 'x', output: '{}' })).rejects.toMatchObject({
    code: 'InvalidToken',
  });
  await expect(simulation.call('states', 'SendTaskSuccess', { taskToken, output: '{' })).rejects.toMatchObject({
    code: 'InvalidOutput',
  });
  await expect(
    simulation.call('states', 'SendTaskFailure', { taskToken, error: 'x'.repeat(257) }),
  ).rejects.toMatchObject({ code: 'ValidationException' });
  const second = await start();
  await simulation.call('states', 'SendTaskFailure', { taskToken: second.taskToken, error: 'No', cause: 'thanks' });
  await simulation.settle();
  expect(second.execution).toMatchObject({ status: 'FAILED', error: 'No', cause: 'thanks' });
  const resources = simulation.services.events.events.find((event) => event.source === 'shop')!['resources'];
  expect(resources).toEqual([execution.arn, simulation.physicalId('Machine', 'AWS::StepFunctions::StateMachine')]);
});

test('a failed execution is redriven from where it failed', async () => {
  simulation = await simulate(
    machineOf({
      First: { Type: 'Pass', Output: { from: 'first' }, Next: 'Publish' },
      Publish: task(
        'arn:aws:states:::events:putEvents',
        { Entries: [{ Source: 'shop', DetailType: 'Done', Detail: {} }] },
        { Output: 'published' },
      ),
    }).write(),
  );
  let broken = true;
  simulation.cloud.intercept((call, next) => {
    if (broken && call.operation === 'PutEvents') throw new ServiceError('InternalException', 'out of order', 500);
    return next(call);
  });
  const execution = simulation.startExecution();
  await simulation.settle();
  expect(execution).toMatchObject({ status: 'FAILED', error: 'EventBridge.InternalException' });
  broken = false;
  await simulation.call('states', 'RedriveExecution', { executionArn: execution.arn });
  await simulation.settle();
  expect(execution).toMatchObject({
    status: 'SUCCEEDED',
    output: 'published',
    redriveCount: 1,
    enteredStates: ['First', 'Publish'],
  });
  await expect(simulation.call('states', 'RedriveExecution', { executionArn: execution.arn })).rejects.toMatchObject({
    code: 'ExecutionNotRedrivable',
  });
});

test('an activity hands its tasks to whoever asks', async () => {
  const stack = machineOf({ Work: task('${Activity}', { n: 1 }) }).add('Activity', 'AWS::StepFunctions::Activity', {
    Name: 'work',
  });
  simulation = await simulate(stack.write());
  const execution = simulation.startExecution();
  await simulation.advance(1000);
  const work = await simulation.call('states', 'GetActivityTask', {
    activityArn: simulation.physicalId('Activity', 'AWS::StepFunctions::Activity'),
  });
  expect(work['input']).toBe('{"n":1}');
  await simulation.call('states', 'SendTaskSuccess', { taskToken: work['taskToken'], output: '{"done":1}' });
  await simulation.settle();
  expect(execution.output).toEqual({ done: 1 });
});

test('a resource that is not simulated is refused by name, and an unfinished wait is named when time is up', async () => {
  const execution = run({ Convert: task('arn:aws:states:::glue:startJobRun.sync', { JobName: 'x' }) });
  await expect(execution).rejects.toThrow(
    'The task resource arn:aws:states:::glue:startJobRun.sync is not simulated, at the state "Convert"',
  );
  await simulation.close();
  simulation = await simulate(
    machineOf({
      Sleep: { Type: 'Wait', Seconds: 1000, Next: 'Ask' },
      Ask: { Type: 'Choice', Default: 'Sleep', Choices: [{ Condition: '{% false %}', Next: 'End' }] },
      End: { Type: 'Succeed' },
    }).write(),
  );
  simulation.startExecution({}, { name: 'endless' });
  await expect(simulation.settle({ withinMs: 3_600_000 })).rejects.toThrow(
    /after 3600 virtual seconds these still run: endless in Sleep/,
  );
});

test('aws-sdk tasks name errors by the SDK, optimized ones by their own rule', async () => {
  const sdk = await run({
    Send: task('arn:aws:states:::aws-sdk:sfn:sendTaskSuccess', { TaskToken: 'x', Output: '{}' }),
  });
  expect(sdk.error).toBe('Sfn.InvalidTokenException');
  expect(sdk.cause).toMatch(/\(Service: Sfn, Status Code: 400, Request ID: [0-9a-f-]+\) \(SDK Attempt Count: 1\)$/);
  await simulation.close();
  const optimized = await run({
    Start: task('arn:aws:states:::states:startExecution', {
      StateMachineArn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:none',
    }),
  });
  expect(optimized.error).toBe('StepFunctions.StateMachineDoesNotExistException');
  expect(optimized.cause).toContain(
    '(Service: AWSStepFunctions; Status Code: 400; Error Code: StateMachineDoesNotExist; Request ID: ',
  );
  await simulation.close();
  const table = await run({
    Put: task('arn:aws:states:::dynamodb:putItem', { TableName: 'none', Item: { id: { S: '1' } } }),
  });
  expect(table.error).toBe('DynamoDB.ResourceNotFoundException');
  await simulation.close();
  const entry = await run({
    Put: task('arn:aws:states:::events:putEvents', { Entries: [{ Source: 'a', DetailType: 'b', Detail: '"text"' }] }),
  });
  expect(entry).toMatchObject({
    error: 'EventBridge.FailedEntry',
    cause: '{"Entries":[{"ErrorCode":"MalformedDetail","ErrorMessage":"Detail is malformed."}],"FailedEntryCount":1}',
  });
});

test('rejects a definition that AWS would refuse, naming the state machine', async () => {
  const stack = new SmallStack().stateMachine('Broken', { StartAt: 'Nowhere', States: { Here: { Type: 'Succeed' } } });
  await expect(simulate(stack.write())).rejects.toThrow(/The definition of Broken would be refused.*Nowhere/s);
});
