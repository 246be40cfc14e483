/** What the workflow promises for long operations: what waiting costs, who comes first, and how few jobs serve many objects. */
import { rmSync } from 'node:fs';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { Duration } from 'aws-cdk-lib';
import { simulate, type Simulation } from '../../local';
import { fromItem } from '../../tasks/attribute-values';
import { SimulatedInstances } from '../simulation/instances';
import { synthesizeWorkflow } from '../simulation/assembly';

const slotCount = 4;

/** `OBJECTS=1000 npx jest test/simulate/acceptance` runs all of them: minutes of CPU, too much for every run of the tests. */
const objectCount = Number(process.env['OBJECTS'] ?? 120);

/** What an object may cost in calls of AWS, the uploader's included: 66 for 120 objects, and some more for re-checks the longer they wait. */
const callsPerObject = 80;

let assembly: string;
let simulation: Simulation;
let instances: SimulatedInstances;

beforeAll(() => {
  assembly = synthesizeWorkflow({ instanceCount: slotCount, timeout: Duration.hours(3) });
}, 60_000);
afterAll(() => rmSync(assembly, { recursive: true, force: true }));
beforeEach(async () => {
  simulation = await simulate(assembly, { clients: 'direct' });
  instances = new SimulatedInstances(simulation);
});
afterEach(() => simulation.close());

async function upload(id: string, durationMs: number): Promise<string> {
  const body = JSON.stringify({ id, behaviour: 'stores', durationMs });
  const { versionId } = await simulation.upload({ key: `incoming/${id}.csv`, body, contentType: 'text/csv' });
  return versionId!;
}

const transitions = () => simulation.executions.map((execution) => execution.transitions);
const statuses = () => [...new Set(simulation.records().map(({ status }) => status))];

/** Entries of a state beyond the first: by what its heartbeat found, not by what happened. */
const reChecks = () =>
  simulation.executions.map(
    ({ history }) => history.filter(({ type }) => type === 'TaskTimedOut' || type === 'TaskFailed').length,
  );

/** More jobs than this do not fit one after another into a time. */
function expectOneAfterAnother(jobs: readonly { beganAtMs: number; endedAtMs: number }[], spanMs: number): void {
  const durations = jobs.map(({ beganAtMs, endedAtMs }) => endedAtMs - beganAtMs);
  expect(durations.reduce((sum, duration) => sum + duration, 0)).toBeLessThanOrEqual(spanMs);
  const ordered = [...jobs].sort((left, right) => left.beganAtMs - right.beganAtMs);
  for (const [index, job] of ordered.slice(1).entries()) {
    expect(job.beganAtMs).toBeGreaterThanOrEqual(ordered[index]!.endedAtMs);
  }
}

test('an object without faults takes exactly eight transitions', async () => {
  await upload('a', 30_000);
  await simulation.settle();
  expect(statuses()).toEqual(['STORED']);
  expect(transitions()).toEqual([8]);
}, 60_000);

test('a two-hour command whose events are lost takes at most eight transitions more', async () => {
  simulation.services.events.interceptDelivery((delivery, delayMs, deliver) => {
    if (delivery.event.source !== 'aws.ssm') deliver(delivery, delayMs);
  });
  await upload('a', 2 * 60 * 60_000);
  await simulation.settle();
  expect(statuses()).toEqual(['STORED']);
  expect(instances.runs).toHaveLength(1);
  expect(transitions()[0]).toBeGreaterThan(8);
  expect(transitions()[0]).toBeLessThanOrEqual(16);
}, 60_000);

test('many objects at once on four slots: all are stored, first come first served, few jobs serve them, and none pays for the others', async () => {
  let callCount = 0;
  simulation.cloud.intercept((call, next) => {
    callCount++;
    return next(call);
  });
  const beganAtMs = simulation.clock.nowMs();
  for (let index = 0; index < objectCount; index++) await upload(`${index}`, 5_000);
  await simulation.settle();
  const spanMs = simulation.clock.nowMs() - beganAtMs;

  expect(simulation.records()).toHaveLength(objectCount);
  expect(statuses()).toEqual(['STORED']);
  expect(instances.runs).toHaveLength(objectCount);
  expect(transitions()).toEqual(reChecks().map((count) => 8 + count));
  expect(callCount / objectCount).toBeLessThan(callsPerObject);

  const arrivals = new Map(arrivalOrder().map((versionId, rank) => [versionId, rank]));
  // Operations of one instant are sent side by side: a few places are no turn that was lost, a round of the slots would be.
  const displaced = instances.runs.filter(
    ({ versionId }, rank) => Math.abs(rank - arrivals.get(versionId)!) >= 4 * slotCount,
  );
  expect(displaced).toEqual([]);

  const images = [...simulation.services.ec2.images.all.values()];
  for (const { instanceId } of simulation.services.ec2.instances.all.values()) {
    const taken = images.filter(({ sourceInstanceId }) => sourceInstanceId === instanceId);
    expectOneAfterAnother(
      taken.map(({ createdAtMs, endedAtMs }) => ({ beganAtMs: createdAtMs, endedAtMs: endedAtMs! })),
      spanMs,
    );
  }
  const jobs = [...simulation.services.backup.jobs.all.values()];
  expectOneAfterAnother(
    jobs.map((job) => ({ beganAtMs: job.createdAtMs, endedAtMs: job.completedAtMs! })),
    spanMs,
  );
  expect(images.length + jobs.length).toBeLessThan(50);
  expect(simulation.permissions().denied).toEqual([]);
}, 900_000);

/** Version ids in the order in which their operations joined the queue. */
function arrivalOrder(): string[] {
  const [table] = simulation.resources.filter(({ type }) => type === 'AWS::DynamoDB::Table');
  const operations = simulation.services.dynamodb
    .items(table!.physicalId!)
    .map((item) => fromItem(item as Record<string, AttributeValue>) as unknown as QueuedOperation)
    .filter(({ kind }) => kind === 'command');
  return operations
    .sort((left, right) => left.createdAtMs - right.createdAtMs || (left.id < right.id ? -1 : 1))
    .map(({ object }) => object.versionId);
}

interface QueuedOperation {
  readonly kind: string;
  readonly id: string;
  readonly createdAtMs: number;
  readonly object: { readonly versionId: string };
}
