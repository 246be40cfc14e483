/** Two workflows on one ledger and one fleet: one queue, first come first served, although neither may do the other's work. */
import { Instance, InstanceType, MachineImage, Vpc } from 'aws-cdk-lib/aws-ec2';
import { simulate, type Simulation } from '../../local';
import {
  BackupPolicy,
  InstanceFleet,
  LedgerTable,
  ObjectStore,
  ObjectWorkflow,
  Processor,
  SnapshotPolicy,
} from '../../workflow';
import { PermissionJudge } from '../access/permission-judge';
import { SimulatedInstances } from '../simulation/instances';
import { synthesizeOnce } from './synthesize-once';

const minuteMs = 60_000;

const judge = new PermissionJudge();
let simulation: Simulation;
let instances: SimulatedInstances;

const assembly = synthesizeOnce('Shared', (stack) => {
  const ledger = new LedgerTable(stack, 'Ledger');
  const worker = new Instance(stack, 'Worker', {
    vpc: new Vpc(stack, 'Network', { natGateways: 0, maxAzs: 1 }),
    instanceType: new InstanceType('t4g.small'),
    machineImage: MachineImage.latestAmazonLinux2023(),
  });
  const { bucket } = new ObjectStore(stack, 'Inbox');
  for (const name of ['red', 'blue']) {
    new ObjectWorkflow(stack, name, {
      source: { bucket, prefix: `${name}/` },
      ledger,
      processor: Processor.fleet(InstanceFleet.fromInstances(worker), { command: 'exit 1', queueName: 'workers' }),
      snapshot: SnapshotPolicy.never(),
      backup: BackupPolicy.never(),
    });
  }
});
beforeEach(async () => {
  simulation = await simulate(assembly(), { clients: 'direct' });
  instances = new SimulatedInstances(simulation);
});
afterEach(async () => {
  judge.add(simulation);
  await simulation.close();
});

const upload = (key: string, durationMs = 3 * minuteMs) =>
  simulation.upload({ key, body: JSON.stringify({ id: key, behaviour: 'stores', durationMs }) });
const order = () =>
  instances.runs.map(({ versionId }) => simulation.records().find((record) => record.versionId === versionId)!.key);

test('take turns on the one slot in the order of their objects, and nobody idles beside waiting work', async () => {
  const keys = ['red/1', 'blue/1', 'red/2', 'blue/2', 'blue/3', 'red/3'];
  for (const key of keys) {
    await upload(key);
    await simulation.advance(5_000);
  }
  await simulation.settle();
  expect(simulation.records().map(({ status }) => status)).toEqual(Array(6).fill('STORED'));
  expect(order()).toEqual(keys);
  const startedAtMs = instances.runs.map((run) => run.startedAtMs);
  const pausesMs = startedAtMs.slice(1).map((atMs, index) => atMs - startedAtMs[index]! - 3 * minuteMs);
  expect(Math.max(...pausesMs)).toBeLessThan(15_000);
  expect(simulation.permissions().denied).toEqual([]);
}, 60_000);

test('whoever waits no more loses its turn to the other, as soon as that one looks again', async () => {
  await upload('red/1', 20 * minuteMs);
  await simulation.advance(5_000);
  await upload('blue/1');
  await simulation.advance(5_000);
  await upload('red/2');
  await simulation.advance(5_000);
  // Stopped, and nobody hears of it.
  simulation.services.events.interceptDelivery((delivery, delayMs, deliver) => {
    if (delivery.event.source !== 'aws.states') deliver(delivery, delayMs);
  });
  simulation.executions[1]!.stop();
  await simulation.advance(35 * minuteMs);
  expect(order()).toEqual(['red/1', 'red/2']);
  expect(simulation.permissions().denied).toEqual([]);
}, 60_000);

test('every permission is needed, and none is missing', () => expect(judge.problems()).toEqual([]));
