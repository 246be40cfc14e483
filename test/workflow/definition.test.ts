import { join } from 'node:path';
import validateDefinition from 'asl-validator';
import { Duration, Stack } from 'aws-cdk-lib';
import { Pass } from 'aws-cdk-lib/aws-stepfunctions';
import jsonata from 'jsonata';
import { z } from 'zod';
import { defineTask, objectReference } from '../../tasks';
import {
  BackupPolicy,
  ObjectWorkflow,
  SnapshotPolicy,
  TaskFunction,
  TaskState,
  type ObjectWorkflowProps,
} from '../../workflow';
import { evaluateTemplate } from './evaluate';
import { definitionOf, expressionsIn, makeWorkflow, statesOf, type DefinitionJson } from './synthesize';

const never = { snapshot: SnapshotPolicy.never(), backup: BackupPolicy.never() };
const variants: readonly [string, Partial<ObjectWorkflowProps>][] = [
  ['image and backup', {}],
  ['only an image', { backup: BackupPolicy.never() }],
  ['only a backup', { snapshot: SnapshotPolicy.never() }],
  ['neither image nor backup', never],
];

const definition = definitionOf(makeWorkflow({ source: { prefix: 'in/', suffix: '.csv' } }).stack);
const states = statesOf(definition);

test('looks like this', () => {
  expect(definition).toMatchSnapshot();
});

test.each(variants)('is a definition that asl-validator accepts, with %s', (_, props) => {
  const { isValid, errors } = validateDefinition(definitionOf(makeWorkflow(props).stack));
  expect(errors).toEqual([]);
  expect(isValid).toBe(true);
});

test('writes only expressions that the JSONata of Step Functions reads', () => {
  const expressions = expressionsIn(definition);
  expect(expressions.length).toBeGreaterThan(20);
  for (const { code } of expressions) jsonata(code);
});

test('has no text that only half looks like an expression', () => {
  const texts = JSON.stringify(definition)
    .match(/"(?:[^"\\]|\\.)*"/g)!
    .map((text) => JSON.parse(text) as string);
  expect(texts.filter((text) => text.startsWith('{%') !== text.endsWith('%}'))).toEqual([]);
});

test.each([
  ['image and backup', {}, ['Protect', 'Complete'], 8],
  ['only an image', { backup: BackupPolicy.never() }, ['Snapshot instance', 'Complete'], 6],
  ['only a backup', { snapshot: SnapshotPolicy.never() }, ['Back up results', 'Complete'], 6],
  ['neither image nor backup', never, ['Complete'], 5],
])('goes through as few states as there is work, with %s', (_, props, end, transitionCount) => {
  const story = happyPath(definitionOf(makeWorkflow(props).stack));
  expect(story.names).toEqual(['Claim object', 'Validate object', 'Process on EC2', 'Store results', ...end]);
  expect(story.transitionCount).toBe(transitionCount);
});

test('has a comment on every state, and no choice, no wait and no failure to choose from', () => {
  for (const state of Object.values(states)) {
    expect(state.Comment).toMatch(/^[A-Z].*\.$/);
    expect(['Task', 'Parallel', 'Succeed']).toContain(state.Type);
  }
});

test('catches only what is an outcome, so that a failure fails the execution where it happens', () => {
  const caught = Object.entries(states).flatMap(([name, state]) =>
    (state.Catch ?? []).map((catcher) => [name, ...catcher.ErrorEquals, catcher.Next]),
  );
  expect(caught).toEqual([
    ['Claim object', 'DynamoDB.ConditionalCheckFailedException', 'Already claimed'],
    ['Validate object', 'Object.AlreadyClaimed', 'Already claimed'],
    ['Validate object', 'Object.Rejected', 'Quarantine object'],
    ['Process on EC2', 'Object.Rejected', 'Quarantine object'],
    ['Complete', 'DynamoDB.ConditionalCheckFailedException', 'Confirm completion'],
  ]);
});

test('retries every call that can be throttled, with full jitter', () => {
  for (const [name, state] of Object.entries(states).filter(([, { Type }]) => Type === 'Task')) {
    const retrierOf = (error: string) => state.Retry!.find(({ ErrorEquals }) => ErrorEquals.includes(error));
    const attempts = (MaxAttempts: number) => ({ JitterStrategy: 'FULL', MaxAttempts, MaxDelaySeconds: 60 });
    const [throttled, transient, throttledCount] = state.Resource!.includes('dynamodb')
      ? ['DynamoDB.ProvisionedThroughputExceededException', 'DynamoDB.InternalServerError', 8]
      : ['Lambda.TooManyRequestsException', 'Task.Transient', 30];
    expect([name, retrierOf(throttled)]).toMatchObject([name, attempts(throttledCount)]);
    expect([name, retrierOf(transient)]).toMatchObject([name, attempts(8)]);
  }
});

describe('long operations', () => {
  const operations = Object.entries(states).filter(([, { Resource }]) => Resource?.endsWith('.waitForTaskToken'));

  test('are the command, the image and the backup', () => {
    expect(operations.map(([name]) => name)).toEqual(['Process on EC2', 'Snapshot instance', 'Back up results']);
  });

  test('wake up after 1, 2, 4, 8, 16, 30, 30 … minutes', async () => {
    const [, state] = operations[0]!;
    const intervals: unknown[] = [];
    for (const RetryCount of [0, 1, 2, 3, 4, 5, 6, 100, 5000, undefined]) {
      const context = { State: { RetryCount } };
      intervals.push(await evaluateTemplate(state.HeartbeatSeconds, { states: { context } }));
    }
    expect(intervals).toEqual([60, 120, 240, 480, 960, 1800, 1800, 1800, 1800, 60]);
  });

  test('look at an image and a backup for the first time when they usually are ready', () => {
    const [, image, backup] = operations.map(([, state]) => state.HeartbeatSeconds);
    expect(image).toContain('600 * ');
    expect(backup).toContain('1200 * ');
  });

  test.each(operations)(
    '%s retries an expired heartbeat before anything else, often enough for its deadline',
    (_, state) => {
      expect(state.Retry![0]).toMatchObject({
        ErrorEquals: ['States.HeartbeatTimeout', 'States.Timeout', 'Operation.Due'],
        BackoffRate: 1,
      });
      expect(state.Retry![0]!['MaxAttempts']).toBeGreaterThan(780);
    },
  );

  test.each(operations)('%s runs a function that ends before its first heartbeat is due', (_, state) => {
    expect(state.HeartbeatSeconds).not.toMatch(/^[0-9]+$/);
    const functions = makeWorkflow()
      .stack.node.findAll()
      .filter((node) => node instanceof TaskFunction)
      .filter(({ task }) => task.awaitsCallback);
    expect(functions).toHaveLength(3);
    for (const { function: lambda } of functions) expect(lambda.timeout!.toSeconds()).toBeLessThan(60);
  });

  test('look again less often at first when their deadline is far', () => {
    const { stack } = makeWorkflow({ snapshot: SnapshotPolicy.everyRun({ deadline: Duration.days(10) }) });
    const { HeartbeatSeconds, Retry } = statesOf(definitionOf(stack))['Snapshot instance']!;
    expect(HeartbeatSeconds).toContain('864 * ');
    expect(Retry![0]!['MaxAttempts']).toBe(1010);
  });
});

test('tells a task on whose behalf it runs, and gives a token to those that wait', async () => {
  const context = {
    Execution: { Id: 'arn:execution', RedriveCount: 1 },
    State: { Name: 'the state', RetryCount: 2 },
    Task: { Token: 'token' },
  };
  const payload = (name: string, variables: object) =>
    evaluateTemplate(states[name]!.Arguments!['Payload'], { states: { context }, ...variables });
  const object = { key: 'a' };
  const execution = { arn: 'arn:execution', state: 'the state', redriveCount: 1, retryCount: 2 };
  expect(await payload('Process on EC2', { object })).toEqual({
    input: { object },
    execution: { ...execution, taskToken: 'token' },
  });
  expect(await payload('Store results', { object, outcome: 1 })).toEqual({ input: { object, outcome: 1 }, execution });
  // Before validation there is no object to speak of.
  expect(await payload('Quarantine object', { claim: 1, rejectedBy: { error: 'e', cause: 'c' } })).toEqual({
    input: { claim: 1, error: 'e', cause: 'c' },
    execution,
  });
});

test('completes the record with what protects the object, on the condition that it is still ours', async () => {
  const variables = {
    object: { record: { pk: 'object#1', sk: 'version#1' } },
    image: { imageId: 'ami-1', instanceId: 'i-1' },
    recoveryPoint: { backupJobId: 'job' },
    states: { context: { Execution: { Id: 'arn:me' }, State: { EnteredTime: '2026-11-22T10:00:00Z' } } },
  };
  const call = (await evaluateTemplate(states['Complete']!.Arguments, variables)) as Record<string, unknown>;
  expect(call).toMatchObject({
    Key: { pk: { S: 'object#1' }, sk: { S: 'version#1' } },
    ConditionExpression: '#owner = :me',
    ExpressionAttributeValues: {
      ':me': { S: 'arn:me' },
      ':stored': { S: 'STORED' },
      ':finishedAt': { S: '2026-11-22T10:00:00Z' },
      ':image': { M: { imageId: { S: 'ami-1' }, instanceId: { S: 'i-1' } } },
      ':recoveryPoint': { M: { backupJobId: { S: 'job' } } },
    },
  });
  const used = new Set(`${call['UpdateExpression']} ${call['ConditionExpression']}`.match(/[:#]\w+/g));
  const sent = ['Names', 'Values'].flatMap((kind) => Object.keys(call[`ExpressionAttribute${kind}`] as object));
  expect(new Set(sent)).toEqual(used);
});

test.each([
  ['has succeeded with its own completion', { storedAttempt: '1', redriveCount: 0 }, true],
  [
    'has succeeded when a later run was stored since, because it was the owner until its end',
    { storedAttempt: '2', redriveCount: 0 },
    true,
  ],
  ['may have been redriven too late when a later run was stored', { storedAttempt: '2', redriveCount: 1 }, false],
  ['has not succeeded when nothing was stored', { storedAttempt: undefined, redriveCount: 1 }, false],
  ['has not succeeded when an earlier run was stored', { storedAttempt: '0', redriveCount: 0 }, false],
])('an execution that finds its record with another owner %s', async (_, { storedAttempt, redriveCount }, isStored) => {
  const variables = { object: { attempt: 1 }, results: 2, image: 3, recoveryPoint: 4 };
  const Attributes = storedAttempt === undefined ? {} : { storedAttempt: { N: storedAttempt } };
  const output = evaluateTemplate(states['Confirm completion']!.Output, {
    ...variables,
    states: { result: { Attributes }, context: { Execution: { RedriveCount: redriveCount } } },
  });
  if (isStored) expect(await output).toEqual({ outcome: 'STORED', ...variables });
  else await expect(output).rejects.toMatchObject({ message: expect.stringContaining('has taken the object') });
});

test('ends with an outcome and where everything is', async () => {
  const output = (name: string, bindings: object) => evaluateTemplate(states[name]!.Output, bindings as never);
  const stored = { object: 1, results: 2, image: 3, recoveryPoint: 4 };
  expect(await output('Complete', stored)).toEqual({ outcome: 'STORED', ...stored });
  expect(await output('Already claimed', {})).toEqual({ outcome: 'ALREADY_CLAIMED' });
  const rejected = { claim: 1, states: { input: { reasons: [{ code: 'Empty' }] } } };
  expect(await output('Object rejected', rejected)).toEqual({
    outcome: 'REJECTED',
    claim: 1,
    reasons: [{ code: 'Empty' }],
  });
});

test('runs as long as all deadlines together, and a margin', () => {
  // 13 hours for the command, 24 for image and backup side by side, 31 minutes to notice each, 20 minutes for each of 7 states.
  expect(definition.TimeoutSeconds).toBe((37 * 60 + 2 * 31 + 7 * 20) * 60);
});

describe('states of the user', () => {
  const countLines = defineTask({
    name: 'count-lines',
    description: 'Counts the lines.',
    input: z.object({ object: objectReference }),
    output: z.object({}),
    run: async () => ({}),
  });
  const entry = join(__dirname, '../../dist/handlers/validate-object');

  function withInserted(): DefinitionJson {
    const stack = new Stack();
    const validator = new TaskFunction(stack, 'Validator', { task: countLines, entry });
    const counter = new TaskFunction(stack, 'Counter', { task: { ...countLines, name: 'count-again' }, entry });
    return definitionOf(
      makeWorkflow(
        {
          validators: [validator],
          afterValidation: new TaskState(stack, 'After validation', {
            function: counter,
            input: { object: ObjectWorkflow.variables.object },
          }),
          afterProcessing: Pass.jsonata(stack, 'After processing', {}).next(Pass.jsonata(stack, 'And then', {})),
          afterStorage: Pass.jsonata(stack, 'After storage', {}),
        },
        { stack },
      ).stack,
    );
  }

  test('come after validation, after processing and after storage', () => {
    expect(happyPath(withInserted()).names).toEqual([
      'Claim object',
      'Validate object',
      'Count lines',
      'After validation',
      'Process on EC2',
      'After processing',
      'And then',
      'Store results',
      'After storage',
      'Protect',
      'Complete',
    ]);
  });

  test('send what a validator rejects to quarantine, and get more time', () => {
    const inserted = withInserted();
    expect(inserted.States['Count lines']!.Catch).toMatchObject([
      { ErrorEquals: ['Object.Rejected'], Next: 'Quarantine object' },
    ]);
    expect(inserted.States['After validation']!.Catch).toBeUndefined();
    expect(inserted.TimeoutSeconds).toBe(definition.TimeoutSeconds! + 3600);
  });
});

/** The names of the states that an object meets when all goes well; those of branches only count. */
function happyPath({ StartAt, States }: DefinitionJson): { names: string[]; transitionCount: number } {
  const names: string[] = [];
  let transitionCount = 0;
  for (let name: string | undefined = StartAt; name !== undefined; name = States[name]!.Next) {
    names.push(name);
    const branches = (States[name]!.Branches ?? []).map((branch) => happyPath(branch).transitionCount);
    transitionCount += 1 + branches.reduce((sum, count) => sum + count, 0);
  }
  return { names, transitionCount };
}
