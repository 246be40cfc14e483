/** The simulated Run Command: validation, delivery, ends, timeouts, cancellation, restarts and what can be read of it. */
import { Ec2Service } from '../../local/services/ec2';
import { SsmService, type SsmOptions } from '../../local/services/ssm';
import type { AwsEvent } from '../../local/services/aws-event';
import { createRandom } from '../../local/random';
import { VirtualClock } from '../../local/virtual-clock';

/** Whatever an operation answers. */
type Answer = ReturnType<typeof JSON.parse>;

let clock: VirtualClock;
let ec2: Ec2Service;
let ssm: SsmService;
let events: AwsEvent[];
let instanceId: string;

function open(options: Partial<SsmOptions> = {}): void {
  clock = new VirtualClock();
  events = [];
  const common = {
    clock,
    random: createRandom('ssm'),
    emit: (event: AwsEvent) => void events.push(event),
    region: 'eu-west-1',
    accountId: '111122223333',
  };
  ec2 = new Ec2Service(common);
  ssm = new SsmService({ ...common, ec2, ...options });
  instanceId = ec2.instances.launch({ alreadyRunning: true }).instanceId;
  ssm.documents.put('process', document);
}

const document = {
  schemaVersion: '2.2',
  parameters: {
    Word: { type: 'String', allowedPattern: '^[a-z]+$', interpolationType: 'ENV_VAR' },
    Plain: { type: 'String', default: 'plain' },
  },
  mainSteps: [
    {
      action: 'aws:runShellScript',
      name: 'process',
      inputs: { timeoutSeconds: '100', runCommand: ['echo {{ Plain }}', 'echo "$SSM_Word"'] },
    },
  ],
};

beforeEach(() => open());

const call = (operation: string, input: object = {}): Answer => ssm.operations[operation]!(input as never);
const send = (more: object = {}): string =>
  call('SendCommand', {
    DocumentName: 'process',
    InstanceIds: [instanceId],
    Parameters: { Word: ['abc'] },
    TimeoutSeconds: 60,
    ...more,
  })['Command'].CommandId;
const read = (commandId: string) => call('GetCommandInvocation', { CommandId: commandId, InstanceId: instanceId });
const pass = (seconds: number) => clock.runUntilIdle(clock.nowMs() + seconds * 1000);
const statuses = (kind: 'Command' | 'Command Invocation') =>
  events
    .filter(({ detailType }) => detailType === `EC2 ${kind} Status-change Notification`)
    .map(({ detail }) => detail['status']);

it('runs a command: not there, pending, in progress, success', async () => {
  ssm.commands.answer(() => ({ standardOutput: 'done', durationMs: 10_000 }));
  const commandId = send();
  expect(() => read(commandId)).toThrow(expect.objectContaining({ code: 'InvocationDoesNotExist' }));
  await pass(1);
  expect(read(commandId)).toMatchObject({ Status: 'InProgress', ResponseCode: -1, StandardOutputContent: '' });
  await pass(20);
  expect(read(commandId)).toMatchObject({
    Status: 'Success',
    StatusDetails: 'Success',
    ResponseCode: 0,
    StandardOutputContent: 'done',
    ExecutionElapsedTime: 'PT10S',
  });
  expect(statuses('Command Invocation')).toEqual(['InProgress', 'Success']);
  expect(statuses('Command')).toEqual(['InProgress', 'Success']);
});

it('gives the script what an agent gives it, and an old agent what an old agent gives it', async () => {
  const requests: { script: string; environment: Readonly<Record<string, string>> }[] = [];
  ssm.commands.answer((request) => {
    requests.push(request);
    return {};
  });
  const commandId = send();
  await pass(60);
  ssm.agents.set(instanceId, { version: '3.2.0.0' });
  send();
  await pass(60);
  expect(requests[0]).toMatchObject({
    script: 'echo plain\necho "$SSM_Word"',
    environment: {
      SSM_Word: 'abc',
      SSM_COMMAND_ID: commandId,
      AWS_SSM_INSTANCE_ID: instanceId,
      AWS_SSM_REGION_NAME: 'eu-west-1',
    },
  });
  expect(requests[1]!.environment).not.toHaveProperty('SSM_Word');
});

it('the command event shows all parameters, the invocation event none', async () => {
  ssm.commands.answer(() => ({}));
  send();
  await pass(60);
  const [invocation, command] = events.filter(({ source }) => source === 'aws.ssm');
  expect(invocation!.detail).not.toHaveProperty('parameters');
  expect(command!.detail).toMatchObject({
    parameters: { Word: ['abc'] },
    'document-name': 'process',
    'expire-after': expect.any(String),
  });
});

it('cuts output at 24,000 and 8,000 characters', async () => {
  ssm.commands.answer(() => ({
    standardOutput: 'x'.repeat(1_000_000),
    standardError: 'y'.repeat(1_000_000),
    exitCode: 1,
  }));
  const commandId = send();
  await pass(60);
  const { StandardOutputContent: output, StandardErrorContent: errors } = read(commandId);
  expect([output.length, errors.length]).toEqual([24_000, 8_000]);
  expect(output).toMatch(/--output truncated--$/);
});

describe('rejects', () => {
  it.each([
    [{ TimeoutSeconds: 29 }, 'ValidationException'],
    [{ Comment: 'x'.repeat(101) }, 'ValidationException'],
    [{ InstanceIds: ['host'] }, 'ValidationException'],
    [{ InstanceIds: ['i-00000000000000000'] }, 'InvalidInstanceId'],
    [{ DocumentName: 'other' }, 'InvalidDocument'],
    [{ DocumentVersion: '2' }, 'InvalidDocumentVersion'],
    [{ Parameters: {} }, 'InvalidParameters'],
    [{ Parameters: { Word: ['$(id)'] } }, 'InvalidParameters'],
    [{ Parameters: { Word: ['a', 'b'] } }, 'InvalidParameters'],
    [{ Parameters: { Word: ['a'], Other: ['b'] } }, 'InvalidParameters'],
    [{ Parameters: { Word: ['a'.repeat(70_000)] } }, 'MaxDocumentSizeExceeded'],
    [{ DocumentHash: '0'.repeat(64), DocumentHashType: 'Sha256' }, 'InvalidDocument'],
  ])('%j', (input, code) => {
    expect(() => send(input)).toThrow(expect.objectContaining({ code }));
  });

  it('one instance twice, and instances that are shutting down', () => {
    expect(() => send({ InstanceIds: [instanceId, instanceId] })).toThrow(
      expect.objectContaining({ code: 'DuplicateInstanceId' }),
    );
    ec2.instances.terminate(ec2.instances.get(instanceId));
    expect(() => send()).toThrow(expect.objectContaining({ code: 'InvalidInstanceId' }));
  });

  it('what it does not simulate, by name', () => {
    expect(() => send({ Targets: [] })).toThrow(/Targets is not simulated/);
    expect(() => ssm.documents.put('x', { ...document, schemaVersion: '0.3' })).toThrow(
      /schema version 0.3 is not simulated/,
    );
    expect(() => ssm.documents.put('x', { ...document, parameters: {} })).toThrow(
      expect.objectContaining({ code: 'InvalidDocumentContent' }),
    );
  });
});

describe('a command for an agent that is not there', () => {
  it('waits, and runs when the agent is back in time', async () => {
    ssm.commands.answer(() => ({}));
    ssm.agents.set(instanceId, { online: false });
    const commandId = send();
    await pass(30);
    expect(read(commandId)).toMatchObject({ Status: 'Pending' });
    ssm.agents.set(instanceId, { online: true });
    await pass(60);
    expect(read(commandId)).toMatchObject({ Status: 'Success' });
  });

  it('never runs after its delivery timeout, and is given up after both timeouts', async () => {
    let ran = false;
    ssm.commands.answer(() => ({ exitCode: (ran = true) ? 0 : 1 }));
    ssm.agents.set(instanceId, { online: false });
    const commandId = send();
    await pass(61);
    ssm.agents.set(instanceId, { online: true });
    await pass(90);
    expect(read(commandId)).toMatchObject({ Status: 'Pending' });
    await pass(10);
    expect(read(commandId)).toMatchObject({ Status: 'TimedOut', StatusDetails: 'DeliveryTimedOut', ResponseCode: -1 });
    expect(ran).toBe(false);
  });

  it('is undeliverable once the instance is gone', async () => {
    open({ deliveryMs: 60_000 });
    const commandId = send({ TimeoutSeconds: 600 });
    ec2.instances.terminate(ec2.instances.get(instanceId));
    await pass(61);
    expect(read(commandId)).toMatchObject({ Status: 'Failed', StatusDetails: 'Undeliverable' });
  });
});

it('a script that goes on for ever ends at its execution timeout', async () => {
  ssm.commands.answer(() => ({ exitCode: 'never' }));
  const commandId = send();
  await pass(99);
  expect(read(commandId)).toMatchObject({ Status: 'InProgress' });
  await pass(5);
  expect(read(commandId)).toMatchObject({ Status: 'TimedOut', StatusDetails: 'ExecutionTimedOut' });
});

it('an instance that dies in the middle looks in progress until both timeouts have passed', async () => {
  ssm.commands.answer(() => ({ durationMs: 50_000 }));
  const commandId = send();
  await pass(10);
  ec2.instances.terminate(ec2.instances.get(instanceId));
  await pass(140);
  expect(read(commandId)).toMatchObject({ Status: 'InProgress' });
  await pass(60);
  expect(read(commandId)).toMatchObject({ Status: 'TimedOut', StatusDetails: 'DeliveryTimedOut' });
});

it('a script that ends while its agent is offline is reported when the agent is back', async () => {
  ssm.commands.answer(() => ({ durationMs: 5_000, standardOutput: 'done' }));
  const commandId = send();
  await pass(2);
  ssm.agents.set(instanceId, { online: false });
  await pass(30);
  expect(read(commandId)).toMatchObject({ Status: 'InProgress' });
  ssm.agents.set(instanceId, { online: true });
  expect(read(commandId)).toMatchObject({ Status: 'Success', StandardOutputContent: 'done' });
});

it('exit code 194 restarts the instance and runs the script again', async () => {
  ssm.commands.answer(({ runCount }) => ({ exitCode: runCount === 1 ? 194 : 0, durationMs: 1_000 }));
  const reboots: string[] = [];
  ec2.instances.onChange((_, change) => reboots.push(change));
  const commandId = send({ TimeoutSeconds: 600 });
  await pass(120);
  expect(reboots).toEqual(['rebooting', 'rebooted']);
  expect(read(commandId)).toMatchObject({ Status: 'Success', ResponseCode: 0 });
});

it('an agent runs a script again that a restart has cut off', async () => {
  const runs: number[] = [];
  ssm.commands.answer(({ runCount }) => (runs.push(runCount), { durationMs: 20_000 }));
  send({ TimeoutSeconds: 600 });
  await pass(5);
  ec2.instances.reboot(ec2.instances.get(instanceId));
  await pass(120);
  expect(runs).toEqual([1, 2]);
});

it('cancels what waits at once, and what runs after a while', async () => {
  ssm.commands.answer(() => ({ durationMs: 50_000 }));
  const [waiting, runs] = [send(), send()];
  call('CancelCommand', { CommandId: waiting });
  await pass(5);
  expect(read(waiting)).toMatchObject({ Status: 'Cancelled', ResponseCode: -1 });
  call('CancelCommand', { CommandId: runs });
  expect(read(runs)).toMatchObject({ Status: 'Cancelling' });
  await pass(5);
  expect(read(runs)).toMatchObject({ Status: 'Cancelled' });
});

it('lists commands newest first, by instance, time and document, but not by comment', async () => {
  ssm.commands.answer(() => ({}));
  const first = send({ Comment: 'one' });
  await pass(10);
  const second = send({ Comment: 'two' });
  expect(call('ListCommands', { InstanceId: instanceId })['Commands']).toHaveLength(1);
  await pass(10);
  const list = (input: object): string[] =>
    call('ListCommands', input)['Commands'].map((one: { CommandId: string }) => one.CommandId);
  expect(list({ InstanceId: instanceId, Filters: [{ key: 'DocumentName', value: 'process' }] })).toEqual([
    second,
    first,
  ]);
  expect(list({ Filters: [{ key: 'InvokedAfter', value: new Date(clock.nowMs() - 15_000).toISOString() }] })).toEqual([
    second,
  ]);
  expect(() => list({ Filters: [{ key: 'Comment', value: 'one' }] })).toThrow(/Comment is not simulated/);
});

it('an agent comes online after its instance, and looks online for a while after it has gone', async () => {
  const late = ec2.instances.launch({}).instanceId;
  const ping = (): string | undefined =>
    call('DescribeInstanceInformation', { Filters: [{ Key: 'InstanceIds', Values: [late] }] })[
      'InstanceInformationList'
    ][0]?.PingStatus;
  await pass(21);
  expect(ping()).toBeUndefined();
  await pass(10);
  expect(ping()).toBe('Online');
  ec2.instances.stop(ec2.instances.get(late));
  expect(ping()).toBe('Online');
  await pass(60);
  expect(ping()).toBe('ConnectionLost');
});

describe('a parameter', () => {
  it('is overwritten only when asked, and counts its versions', () => {
    expect(call('PutParameter', { Name: '/a', Value: '1', Type: 'String' })).toMatchObject({ Version: 1 });
    expect(() => call('PutParameter', { Name: '/a', Value: '2' })).toThrow(
      expect.objectContaining({ code: 'ParameterAlreadyExists' }),
    );
    call('PutParameter', { Name: '/a', Value: '2', Overwrite: true });
    expect(call('GetParameter', { Name: '/a' })['Parameter']).toMatchObject({
      Value: '2',
      Version: 2,
      DataType: 'text',
    });
  });

  it('of an image takes its value only when the image exists', async () => {
    const put = (value: string) =>
      call('PutParameter', {
        Name: '/image',
        Value: value,
        Type: 'String',
        DataType: 'aws:ec2:image',
        Overwrite: true,
      });
    expect(() => put('newest')).toThrow(expect.objectContaining({ code: 'ValidationException' }));
    put('ami-00000000000000000');
    await pass(10);
    expect(() => call('GetParameter', { Name: '/image' })).toThrow(
      expect.objectContaining({ code: 'ParameterNotFound' }),
    );
    const { ImageId: imageId } = ec2.operations['CreateImage']!({
      InstanceId: instanceId,
      Name: 'image',
      NoReboot: true,
    }) as { ImageId: string };
    await pass(600);
    put(imageId);
    await pass(10);
    expect(call('GetParameter', { Name: '/image' })['Parameter']).toMatchObject({ Value: imageId });
  });
});
