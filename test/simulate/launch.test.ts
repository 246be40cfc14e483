/** An instance for each object, through the whole workflow: however an operation ends, nothing that it launched is left running. */
import { Duration } from 'aws-cdk-lib';
import { InstanceType, LaunchTemplate, MachineImage, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { simulate, type Simulation } from '../../local';
import type { LaunchRequest } from '../../local/services/ec2';
import { ServiceError } from '../../local/services/service';
import { BackupPolicy, ObjectStore, ObjectWorkflow, Processor } from '../../workflow';
import { PermissionJudge } from '../access/permission-judge';
import { SimulatedInstances, type Behaviour } from '../simulation/instances';
import { synthesizeOnce } from './synthesize-once';

const minuteMs = 60_000;

const judge = new PermissionJudge();
let simulation: Simulation;
let instances: SimulatedInstances;

const assembly = synthesizeOnce('Launched', (stack) => {
  const vpc = new Vpc(stack, 'Network', { natGateways: 0, maxAzs: 2 });
  const template = new LaunchTemplate(stack, 'Worker', {
    instanceType: new InstanceType('t4g.small'),
    machineImage: MachineImage.latestAmazonLinux2023(),
    role: new Role(stack, 'WorkerRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }),
  });
  new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: new ObjectStore(stack, 'Inbox').bucket },
    processor: Processor.launch(template, {
      command: 'exit 1',
      timeout: Duration.hours(1),
      queueTimeout: Duration.hours(3),
      maximumInstances: 2,
      subnets: vpc.publicSubnets,
    }),
    backup: BackupPolicy.never(),
  });
});
beforeEach(async () => {
  simulation = await simulate(assembly(), { clients: 'direct' });
  instances = new SimulatedInstances(simulation);
});
afterEach(async () => {
  judge.add(simulation);
  await simulation.close();
});

const upload = (id: string, behaviour: Behaviour = 'stores', durationMs = 5 * minuteMs) =>
  simulation.upload({ key: id, body: JSON.stringify({ id, behaviour, durationMs }) });
const launched = () => [...simulation.services.ec2.instances.all.values()];
const states = () => launched().map(({ state }) => state);
const statuses = () => simulation.records().map(({ status }) => status);
const only = () => simulation.executions[0]!;
const noRoom = () =>
  new ServiceError('InsufficientInstanceCapacity', 'We currently do not have sufficient capacity.', 500);

/** Everything has ended, the time of a keeper's round included. */
async function settleAndCheck(): Promise<void> {
  await simulation.settle();
  await simulation.advance(3 * minuteMs);
  expect(states().filter((state) => state !== 'terminated')).toEqual([]);
  expect(simulation.permissions().denied).toEqual([]);
}

test('an object gets an instance of its own, which ends with it', async () => {
  await upload('a');
  await simulation.advance(4 * minuteMs);
  expect(states()).toEqual(['running']);
  await settleAndCheck();
  expect(statuses()).toEqual(['STORED']);
  expect(instances.runs).toMatchObject([{ instanceId: launched()[0]!.instanceId }]);
  expect(only().transitions).toBeLessThanOrEqual(6 + 3);
}, 60_000);

test('no more instances than are allowed run at a time, and everybody gets one', async () => {
  let most = 0;
  simulation.services.ec2.instances.onChange(() => {
    most = Math.max(most, states().filter((state) => ['pending', 'running'].includes(state)).length);
  });
  for (let index = 0; index < 5; index++) await upload(`${index}`);
  await settleAndCheck();
  expect(statuses()).toEqual(Array(5).fill('STORED'));
  expect(launched()).toHaveLength(5);
  expect(most).toBe(2);
  // Nobody waits half an hour for the agent of an instance that is there: the keeper looks each minute.
  for (const { instanceId, startedAtMs } of instances.runs) {
    const { launchedAtMs } = simulation.services.ec2.instances.get(instanceId);
    expect(startedAtMs - launchedAtMs).toBeLessThan(2 * minuteMs);
  }
}, 60_000);

test.each([
  ['rejects', 'REJECTED', 1],
  ['fails-once', 'FAILED', 1],
  ['tries-again-once', 'STORED', 2],
] as const)(
  'an object that the command takes so: %s',
  async (behaviour, status, count) => {
    await upload('a', behaviour);
    await settleAndCheck();
    expect(statuses()).toEqual([status]);
    expect(launched()).toHaveLength(count);
  },
  60_000,
);

test('an execution that is stopped takes its instance with it, also while that one starts', async () => {
  await upload('a', 'stores', 30 * minuteMs);
  await simulation.advance(10 * minuteMs);
  only().stop();
  await upload('b', 'stores', 30 * minuteMs);
  await simulation.advance(5_000);
  expect(states()).toContain('pending');
  simulation.executions[1]!.stop();
  await settleAndCheck();
  expect(statuses()).toEqual(['FAILED', 'FAILED']);
}, 60_000);

test.each([
  ['', ['lost']],
  // The SDK asks three times before it gives up.
  [', though EC2 is too busy to look when it is asked next', ['lost', 'lost', 'lost', 'busy', 'busy', 'busy']],
])(
  'a launch whose answer was lost is found again, and not repeated%s',
  async (_, answers) => {
    let askedCount = 0;
    simulation.cloud.intercept(async (call, next) => {
      if (call.operation !== 'RunInstances') return next(call);
      const answer = answers[askedCount++];
      if (answer === 'busy') throw new ServiceError('RequestLimitExceeded', 'Request limit exceeded.', 503);
      const output = await next(call);
      if (answer === 'lost') throw new ServiceError('InternalError', 'lost', 500);
      return output;
    });
    await upload('a');
    await settleAndCheck();
    expect(askedCount).toBeGreaterThan(answers.length);
    expect(launched()).toHaveLength(1);
    expect(statuses()).toEqual(['STORED']);
  },
  60_000,
);

test('an instance that belongs to nobody is terminated by the keeper', async () => {
  await upload('a', 'stores', 20 * minuteMs);
  await simulation.advance(3 * minuteMs);
  const [own] = launched();
  // What a launch leaves behind whose operation ended before EC2 answered.
  const orphan = simulation.services.ec2.instances.launch({
    tags: new Map([...own!.tags, ['object-workflow:run', 'somebody-1']]),
  });
  const stranger = simulation.services.ec2.instances.launch({ tags: new Map([['object-workflow:run', 'somebody-1']]) });
  await simulation.advance(3 * minuteMs);
  expect([own, orphan, stranger].map((instance) => instance!.state)).toEqual(['running', 'terminated', 'running']);
  simulation.services.ec2.instances.terminate(stranger);
  await settleAndCheck();
  expect(statuses()).toEqual(['STORED']);
}, 60_000);

test('a subnet without room is passed over', async () => {
  const [full] = simulation.resources.filter(({ type }) => type === 'AWS::EC2::Subnet');
  simulation.services.ec2.instances.answerLaunch(({ subnetId }: LaunchRequest) =>
    subnetId === full!.physicalId ? noRoom() : undefined,
  );
  for (const id of ['a', 'b']) await upload(id);
  await settleAndCheck();
  expect(statuses()).toEqual(['STORED', 'STORED']);
  expect(launched().every(({ subnetId }) => subnetId !== full!.physicalId)).toBe(true);
}, 60_000);

test('while EC2 has no room an object waits, and is processed once there is', async () => {
  let isFull = true;
  simulation.services.ec2.instances.answerLaunch(() => (isFull ? noRoom() : undefined));
  await upload('a');
  await simulation.advance(90 * minuteMs);
  expect(launched()).toEqual([]);
  expect(only().status).toBe('RUNNING');
  isFull = false;
  await settleAndCheck();
  expect(statuses()).toEqual(['STORED']);
}, 60_000);

test('an object for which EC2 never has room fails at its deadline, and the cause says what to do', async () => {
  simulation.services.ec2.instances.answerLaunch(noRoom);
  await upload('a');
  await settleAndCheck();
  expect(statuses()).toEqual(['FAILED']);
  expect(only().error).toBe('Fleet.NoInstance');
  expect(only().cause).toMatch(/InsufficientInstanceCapacity[^]*fix: .*subnets.*quota/);
}, 60_000);

test('a launch that EC2 refuses for good fails at once', async () => {
  simulation.services.ec2.instances.answerLaunch(
    () => new ServiceError('InvalidParameterValue', 'The architecture does not match.'),
  );
  await upload('a');
  await settleAndCheck();
  expect(statuses()).toEqual(['FAILED']);
  expect(only().error).toBe('Instance.LaunchFailed');
  expect(only().cause).toMatch(/The architecture does not match[^]*fix: correct the launch template/);
}, 60_000);

test('an instance whose agent never comes online is replaced, as often as the command may be tried', async () => {
  simulation.services.ec2.instances.onChange(({ instanceId }, change) => {
    if (change === 'running') simulation.services.ssm.agents.set(instanceId, { online: false });
  });
  await upload('a');
  await settleAndCheck();
  expect(launched()).toHaveLength(3);
  expect(new Set(launched().map(({ subnetId }) => subnetId)).size).toBe(2);
  expect(only().error).toBe('Instance.Lost');
  expect(only().cause).toMatch(/not online within 900 seconds/);
}, 60_000);

test('every permission is needed, and none is missing', () => expect(judge.problems()).toEqual([]));
