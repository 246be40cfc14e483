import { ServiceError, simulate, type Simulation } from '../../local';
import { arnOf, SmallStack } from './small-stack';

const pass = { StartAt: 'Done', States: { Done: { Type: 'Pass', End: true } } };

let simulation: Simulation | undefined;
afterEach(() => simulation?.close());

const machine = { Ref: 'Machine' };
const createStack = (): SmallStack => new SmallStack().stateMachine('Machine', pass);

async function putOrder(id: number): Promise<void> {
  const entry = { Source: 'shop', DetailType: 'Order', Detail: JSON.stringify({ id }) };
  await simulation!.call('events', 'PutEvents', { Entries: [entry] });
}

test('a rule starts a state machine with the event, and only for events that match', async () => {
  const stack = createStack().rule('Rule', { detail: { id: [{ numeric: ['>', 1] }] } }, machine);
  simulation = await simulate(stack.write());
  await putOrder(1);
  await putOrder(2);
  await simulation.settle();
  expect(simulation.executions.map((execution) => execution.input)).toEqual([
    {
      version: '0',
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      'detail-type': 'Order',
      source: 'shop',
      account: '111122223333',
      time: '2026-01-01T09:00:00Z',
      region: 'eu-west-1',
      resources: [],
      detail: { id: 2 },
    },
  ]);
  expect(simulation.executions[0]!.name).toMatch(/^[0-9a-f-]{36}_[0-9a-f-]{36}$/);
});

test('a target gets the input that its rule shapes', async () => {
  const InputTransformer = {
    InputPathsMap: { id: '$.detail.id' },
    InputTemplate: '{"order": <id>, "rule": "<aws.events.rule-name>"}',
  };
  const stack = createStack().rule('Rule', { source: ['shop'] }, machine, { InputTransformer }, { Name: 'orders' });
  simulation = await simulate(stack.write());
  await putOrder(5);
  await simulation.settle();
  expect(simulation.executions[0]!.input).toEqual({ order: 5, rule: 'orders' });
});

test('the end of each execution is announced, with its input and output as text', async () => {
  const stack = createStack();
  simulation = await simulate(stack.write());
  const execution = simulation.startExecution({ a: 1 }, { name: 'one' });
  await simulation.settle();
  const announced = simulation.services.events.events.filter((event) => event.source === 'aws.states');
  expect(announced.map((event) => event.detail['status'])).toEqual(['RUNNING', 'SUCCEEDED']);
  expect(announced[1]).toMatchObject({
    'detail-type': 'Step Functions Execution Status Change',
    resources: [execution.arn],
    detail: { name: 'one', input: '{"a":1}', output: '{"a":1}', stopDate: execution.stoppedAtMs, error: null },
  });
});

test('an event reaches another bus through a rule', async () => {
  const stack = createStack()
    .add('Second', 'AWS::Events::EventBus', { Name: 'second' })
    .rule('Forward', { source: ['shop'] }, arnOf('Second'))
    .rule('Rule', { source: ['shop'] }, machine, {}, { EventBusName: { Ref: 'Second' } });
  simulation = await simulate(stack.write());
  await putOrder(1);
  await simulation.settle();
  expect(simulation.executions).toHaveLength(1);
});

test('deliveries can be lost, repeated and delayed in one place', async () => {
  const stack = createStack().rule('Rule', { source: ['shop'] }, machine);
  simulation = await simulate(stack.write());
  simulation.services.events.interceptDelivery((delivery, delayMs, deliver) => {
    const { id } = delivery.event.detail as { id: number };
    if (id === 2) deliver(delivery, delayMs);
    if (id >= 2) deliver(delivery, delayMs + 3_600_000);
  });
  const startedAtMs = simulation.clock.nowMs();
  for (const id of [1, 2, 3]) await putOrder(id);
  await simulation.settle();
  const arrivals = simulation.executions.map((execution) => [
    (execution.input as { detail: { id: number } }).detail.id,
    Math.floor((execution.startedAtMs - startedAtMs) / 3_600_000),
  ]);
  expect(arrivals.sort()).toEqual([
    [2, 0],
    [2, 1],
    [3, 1],
  ]);
});

test('a throttled target is tried again with growing pauses; a refused one is not', async () => {
  const RetryPolicy = { MaximumRetryAttempts: 4, MaximumEventAgeInSeconds: 7200 };
  const stack = createStack().rule('Rule', { source: ['shop'] }, machine, { RetryPolicy });
  simulation = await simulate(stack.write());
  const attemptedAtMs: number[] = [];
  let code = 'ThrottlingException';
  simulation.cloud.intercept(async (call, next) => {
    if (call.operation !== 'StartExecution') return next(call);
    attemptedAtMs.push(simulation!.clock.nowMs());
    throw new ServiceError(code, 'no');
  });
  await putOrder(1);
  await simulation.settle();
  expect(attemptedAtMs).toHaveLength(5);
  const pauses = attemptedAtMs.slice(1).map((atMs, index) => atMs - attemptedAtMs[index]!);
  expect([...pauses].sort((left, right) => left - right)).toEqual(pauses);
  code = 'AccessDeniedException';
  await putOrder(2);
  await simulation.settle();
  expect(attemptedAtMs).toHaveLength(6);
});

test('a schedule ticks while time passes, but does not keep a simulation from ending', async () => {
  const stack = createStack().add('Rule', 'AWS::Events::Rule', {
    ScheduleExpression: 'rate(10 minutes)',
    Targets: [{ Id: 'Target', Arn: machine, RoleArn: 'arn:aws:iam::111122223333:role/rule' }],
  });
  simulation = await simulate(stack.write());
  await simulation.settle();
  expect(simulation.executions).toHaveLength(0);
  await simulation.advance(35 * 60_000);
  expect(simulation.executions).toHaveLength(3);
  expect(simulation.executions[0]!.input).toMatchObject({
    source: 'aws.events',
    'detail-type': 'Scheduled Event',
    time: '2026-01-01T09:10:00Z',
  });
});

test('a disabled rule does nothing; a target that is not simulated is refused when it would be used', async () => {
  const stream = 'arn:aws:kinesis:eu-west-1:111122223333:stream/orders';
  const stack = createStack().rule('Disabled', { source: ['shop'] }, stream, {}, { State: 'DISABLED' });
  simulation = await simulate(stack.write());
  await putOrder(1);
  await simulation.settle();
  simulation = await simulate(new SmallStack().rule('Enabled', { source: ['shop'] }, stream).write());
  await putOrder(1);
  await expect(simulation.settle()).rejects.toThrow(
    'The target arn:aws:kinesis:eu-west-1:111122223333:stream/orders is not simulated',
  );
});

test('a rule that causes its own event is found out instead of running for ever', async () => {
  const stack = new SmallStack().rule(
    'Loop',
    { source: ['shop'] },
    {
      'Fn::Sub': 'arn:aws:events:${AWS::Region}:${AWS::AccountId}:event-bus/default',
    },
  );
  simulation = await simulate(stack.write());
  await putOrder(1);
  await expect(simulation.settle()).rejects.toThrow(/after 200000 happenings no execution runs.*causes its own event/s);
}, 60_000);
