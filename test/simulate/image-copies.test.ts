/** Copies of images in other Regions, through the whole workflow: what is made, tagged, encrypted, kept, reported and removed. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulate, type SimulateOptions, type Simulation } from '../../local';
import { ServiceError } from '../../local/services/service';
import { BackupPolicy, InstanceFleet, ObjectStore, ObjectWorkflow, Processor, SnapshotPolicy } from '../../workflow';
import { PermissionJudge } from '../access/permission-judge';
import { SimulatedInstances } from '../simulation/instances';
import { oneSubnetFleet } from '../one-subnet-fleet';
import { synthesizeOnce } from './synthesize-once';

const home = 'us-east-1';
const elsewhere = 'eu-west-1';
const keyArn = `arn:aws:kms:${elsewhere}:111122223333:key/11111111-2222-3333-4444-555555555555`;

const judge = new PermissionJudge();
let simulation: Simulation;

const assembly = synthesizeOnce(
  'Copies',
  (stack) => {
    const fleet = oneSubnetFleet(stack, { minCapacity: 1, maxCapacity: 1 });
    new ObjectWorkflow(stack, 'Workflow', {
      source: { bucket: new ObjectStore(stack, 'Inbox').bucket },
      processor: Processor.fleet(InstanceFleet.fromAutoScalingGroup(fleet), { command: 'true' }),
      snapshot: SnapshotPolicy.everyRun({
        ...{ copyTo: [elsewhere, 'sa-east-1'], copyKeyArns: { [elsewhere]: keyArn }, keep: 1 },
      }),
      backup: BackupPolicy.never(),
    });
  },
  { env: { region: home, account: '111122223333' } },
);
afterEach(async () => {
  judge.add(simulation);
  await simulation.close();
});

async function begin(options: SimulateOptions = {}): Promise<void> {
  simulation = await simulate(assembly(), { clients: 'direct', ...options });
  void new SimulatedInstances(simulation);
}

/** Uploads an object, and waits until its execution has ended. */
async function process(key: string): Promise<Record<string, unknown>> {
  await simulation.upload({
    key,
    body: JSON.stringify({ id: key, behaviour: 'stores', durationMs: 1000 }),
    contentType: 'text/plain',
  });
  await simulation.settle();
  const record = simulation.records().find((one) => one.key === key)!;
  expect(record.status).toBe('STORED');
  return record['image'] as Record<string, unknown>;
}

const imagesIn = (region: string) =>
  [...simulation.services.ec2.in(region).images.all.values()].filter(({ state }) => state === 'available');

/** Fails calls in the first other Region, as AWS would answer them. */
function breakCopying(operation: string, error: ServiceError): void {
  simulation.cloud.intercept((call, next) =>
    call.region === elsewhere && call.operation === operation ? Promise.reject(error) : next(call),
  );
}

/** How often each Region's copy was counted as unusable. */
const failedCopies = () =>
  simulation.services.monitoring
    .metrics('ObjectWorkflow')
    .filter(({ metricName }) => metricName === 'FailedImageCopies')
    .map(({ value }) => value);

test.each(['sdk', 'direct'] as const)(
  'an image is copied to each Region under its name and tags, encrypted where a key is given, by %s clients',
  async (clients) => {
    await begin({ clients });
    const image = await process('a.txt');
    expect(image['copies']).toEqual([
      { region: elsewhere, state: 'available', imageId: imagesIn(elsewhere)[0]!.imageId },
      { region: 'sa-east-1', state: 'available', imageId: imagesIn('sa-east-1')[0]!.imageId },
    ]);
    const [original] = imagesIn(home);
    for (const region of [elsewhere, 'sa-east-1']) {
      const [copy, ...others] = imagesIn(region);
      expect(others).toEqual([]);
      expect(copy).toMatchObject({ name: original!.name, isEncrypted: region === elsewhere });
      expect([...copy!.tags]).toEqual([...original!.tags]);
    }
    expect(failedCopies()).toEqual([]);
  },
);

test('a refused copy fails neither the image nor the other copies, and is counted for the alarm', async () => {
  await begin();
  breakCopying('CopyImage', new ServiceError('UnauthorizedOperation', 'An SCP denies this Region.', 403));
  const image = await process('a.txt');
  expect(image['copies']).toMatchObject([
    { region: elsewhere, state: 'failed', problem: 'UnauthorizedOperation: An SCP denies this Region.' },
    { region: 'sa-east-1', state: 'available' },
  ]);
  expect(imagesIn(home)).toHaveLength(1);
  expect(failedCopies()).toEqual([1]);
});

test('a copy that fails while it is made is told with its reason', async () => {
  await begin();
  simulation.services.ec2.images.answer((image) =>
    image.isEncrypted ? { failure: 'The key is disabled.' } : undefined,
  );
  const image = await process('a.txt');
  expect(image['copies']).toMatchObject([
    { state: 'failed', problem: 'failed: The key is disabled.', imageId: expect.stringMatching(/^ami-/) as string },
    { state: 'available' },
  ]);
  expect(failedCopies()).toEqual([1]);
});

test('executions wait for a Region that does not answer until their deadline, and then end well', async () => {
  await begin();
  breakCopying('DescribeImages', new ServiceError('Unavailable', 'The service is unavailable.', 503));
  const image = await process('a.txt');
  expect(image['copies']).toMatchObject([{ state: 'pending' }, { state: 'available' }]);
  expect(failedCopies()).toEqual([1]);
});

test('an answer to CopyImage that was lost makes no second copy', async () => {
  await begin();
  let lost = 0;
  simulation.cloud.intercept(async (call, next) => {
    const output = await next(call);
    if (call.operation !== 'CopyImage' || ++lost > 4) return output;
    throw new ServiceError('InternalError', 'lost', 500);
  });
  const image = await process('a.txt');
  expect(image['copies']).toMatchObject([{ state: 'available' }, { state: 'available' }]);
  expect(imagesIn(elsewhere)).toHaveLength(1);
  expect(lost).toBeGreaterThan(4);
});

test('copies are removed with their snapshots by the same rule as the images, but not one that is in use there', async () => {
  await begin();
  const { ec2 } = simulation.services;
  await process('a.txt');
  const [used] = imagesIn(elsewhere);
  ec2.in(elsewhere).instances.launch({ imageId: used!.imageId, alreadyRunning: true });
  await process('b.txt');
  await process('c.txt');
  expect([home, elsewhere, 'sa-east-1'].map((region) => imagesIn(region).length)).toEqual([1, 2, 1]);
  expect(imagesIn(elsewhere)[0]).toBe(used);
  expect(ec2.in('sa-east-1').images.snapshots.size).toBe(1);
  expect(simulation.permissions().denied).toEqual([]);
});

test('an alarm watches the copies of the state machine’s images', () => {
  const template = JSON.parse(readFileSync(join(assembly(), 'Copies.template.json'), 'utf8')) as {
    readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: unknown }>>;
  };
  const alarms = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
  expect(alarms.map(({ Properties }) => Properties)).toContainEqual(
    expect.objectContaining({
      ...{ MetricName: 'FailedImageCopies', Namespace: 'ObjectWorkflow', Statistic: 'Sum', Threshold: 0 },
      Dimensions: [expect.objectContaining({ Name: 'StateMachine' })],
    }),
  );
});

test.each([
  [{ copyTo: [home] }, /copied to where they are, at App\/Workflow\n {2}got: us-east-1/],
  [{ copyTo: [elsewhere, elsewhere] }, /named twice/],
  [{ copyTo: ['Ireland'] }, /no Region/],
  [{ copyKeyArns: { [elsewhere]: keyArn } }, /nothing is copied to/],
  [{ copyTo: ['sa-east-1'], copyKeyArns: { 'sa-east-1': keyArn } }, /not a key of that Region/],
])('the snapshot options %j are refused', (options, message) => {
  expect(() => SnapshotPolicy.everyRun(options).plan('App/Workflow', home)).toThrow(message);
});

test('every permission is needed, and none is missing', () => expect(judge.problems()).toEqual([]));
