/** A fleet that follows its queue, through the whole workflow: from nothing to as many instances as are wanted, and back. */
import { Duration, type Stack } from 'aws-cdk-lib';
import { Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import { simulate, type Fault, type Simulation } from '../../local';
import {
  BackupPolicy,
  InstanceFleet,
  ObjectStore,
  ObjectWorkflow,
  Processor,
  SnapshotPolicy,
  type ObjectWorkflowProps,
} from '../../workflow';
import { PermissionJudge } from '../access/permission-judge';
import { SimulatedInstances } from '../simulation/instances';
import { synthesizeOnce } from './synthesize-once';

const minuteMs = 60_000;

const judge = new PermissionJudge();
let simulation: Simulation;
let instances: SimulatedInstances;

const assembly = synthesizeOnce('Scaled', (stack) => {
  new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: new ObjectStore(stack, 'Inbox').bucket },
    processor: Processor.fleet(new InstanceFleet(stack, 'Workers', { maxCapacity: 3, dataVolume: {} }), {
      command: 'exit 1',
      timeout: Duration.hours(3),
    }),
    snapshot: SnapshotPolicy.never(),
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

const group = () => [...simulation.services.autoscaling.groups.values()][0]!;
const members = () => [...group().members.values()];
const upload = (id: string, durationMs: number) =>
  simulation.upload({ key: id, body: JSON.stringify({ id, behaviour: 'stores', durationMs }) });
const statuses = () => simulation.records().map(({ status }) => status);
const queued = () =>
  simulation.services.monitoring
    .metrics('ObjectWorkflow')
    .filter(({ metricName }) => metricName === 'QueuedOperations')
    .map(({ value }) => value);

test('an object that waits brings an instance up; when there is nothing more to do, none is left', async () => {
  expect(members()).toHaveLength(0);
  await upload('a', 10 * minuteMs);
  await simulation.advance(6 * minuteMs);
  expect(members()).toMatchObject([{ lifecycleState: 'InService', isProtected: true }]);
  await simulation.settle();
  expect(statuses()).toEqual(['STORED']);
  await simulation.advance(20 * minuteMs);
  expect(members()).toHaveLength(0);
  expect(Math.max(...queued())).toBe(1);
  expect(queued().at(-1)).toBe(0);
  const published = queued().length;
  await simulation.advance(60 * minuteMs);
  expect(queued()).toHaveLength(published);
  expect(simulation.permissions().denied).toEqual([]);
}, 60_000);

test('a long queue brings up as many as there may be, and an instance that works outlives the others', async () => {
  const uploads = Array.from({ length: 8 }, (_, index) => upload(`${index}`, (index === 7 ? 90 : 5) * minuteMs));
  await Promise.all(uploads);
  await simulation.advance(10 * minuteMs);
  expect(members()).toHaveLength(3);
  await simulation.advance(50 * minuteMs);
  expect(members()).toMatchObject([{ isProtected: true }]);
  await simulation.settle();
  await simulation.advance(30 * minuteMs);
  expect(statuses()).toEqual(Array(8).fill('STORED'));
  expect(instances.runs).toHaveLength(8);
  expect(members()).toHaveLength(0);
}, 60_000);

test('an instance that has to go ends its work first, longer than its hook would wait by itself', async () => {
  await upload('a', 2 * 60 * minuteMs);
  await simulation.advance(10 * minuteMs);
  const { instanceId } = members()[0]!;
  await simulation.call('autoscaling', 'TerminateInstanceInAutoScalingGroup', {
    InstanceId: instanceId,
    ShouldDecrementDesiredCapacity: true,
  });
  await upload('b', minuteMs);
  await simulation.advance(90 * minuteMs);
  expect(members()).toContainEqual(expect.objectContaining({ instanceId, lifecycleState: 'Terminating:Wait' }));
  await simulation.settle();
  await simulation.advance(5 * minuteMs);
  expect(statuses()).toEqual(['STORED', 'STORED']);
  expect(instances.runs).toHaveLength(2);
  expect(simulation.services.ec2.instances.get(instanceId).state).toBe('terminated');
}, 60_000);

/** With images and backups: what an object takes on a fleet for which nothing else is said. */
const defineImaged = (stack: Stack, props: Partial<ObjectWorkflowProps> = {}) =>
  new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: new ObjectStore(stack, 'Inbox').bucket },
    processor: Processor.fleet(new InstanceFleet(stack, 'Workers', { maxCapacity: 1 }), { command: 'exit 1' }),
    ...props,
  });
const imaged = synthesizeOnce('Imaged', (stack) => defineImaged(stack));
const imagedLater = synthesizeOnce('ImagedLater', (stack) => {
  const afterStorage = new Wait(stack, 'Look at the results', { time: WaitTime.duration(Duration.minutes(40)) });
  defineImaged(stack, { afterStorage });
});

const simulateAnew = async (directory: string, faults: readonly Fault[] = []): Promise<void> => {
  await simulation.close();
  simulation = await simulate(directory, { clients: 'direct', faults });
  instances = new SimulatedInstances(simulation);
};

test('an instance stays until there is an image of all that it did, however long one takes', async () => {
  await simulateAnew(imaged(), [{ kind: 'image-slow', job: 1, durationMs: 60 * minuteMs }]);
  await upload('a', minuteMs);
  await upload('b', 3 * minuteMs);
  await simulation.settle();
  expect(statuses()).toEqual(['STORED', 'STORED']);
  expect(simulation.services.ec2.images.all.size).toBe(2);
  await simulation.advance(20 * minuteMs);
  expect(members()).toHaveLength(0);
}, 60_000);

test('an instance stays while states of the user’s own come before its image', async () => {
  await simulateAnew(imagedLater());
  await upload('a', minuteMs);
  await simulation.settle();
  expect(statuses()).toEqual(['STORED']);
  await simulation.advance(20 * minuteMs);
  expect(members()).toHaveLength(0);
}, 60_000);

test('an instance is not kept for an execution that has failed before it asked for an image', async () => {
  await simulateAnew(imagedLater());
  await upload('a', minuteMs);
  await simulation.advance(20 * minuteMs);
  simulation.executions[0]!.stop();
  await simulation.advance(2 * 60 * minuteMs);
  expect(members()).toHaveLength(0);
}, 60_000);

test('every permission is needed, and none is missing', () => expect(judge.problems()).toEqual([]));
