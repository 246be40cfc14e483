/** The simulated EC2: states over virtual time, limits, names as idempotency keys, eventual consistency. */
import type { AwsEvent } from '../../local/services/aws-event';
import { Ec2Service } from '../../local/services/ec2';
import { ServiceError } from '../../local/services/service';
import { createRandom } from '../../local/random';
import { VirtualClock } from '../../local/virtual-clock';

/** Whatever an operation answers. */
type Answer = ReturnType<typeof JSON.parse>;

let clock: VirtualClock;
let ec2: Ec2Service;
let events: AwsEvent[];
const parameters = new Map<string, string>();

beforeEach(() => {
  clock = new VirtualClock();
  events = [];
  const common = {
    clock,
    random: createRandom('ec2'),
    emit: (event: AwsEvent) => void events.push(event),
    region: 'eu-west-1',
    accountId: '111122223333',
    readParameter: (name: string) => parameters.get(name),
  };
  parameters.clear();
  ec2 = new Ec2Service(common);
});

const call = (operation: string, input: object = {}): Answer => ec2.operations[operation]!(input as never);
const running = () => ec2.instances.launch({ alreadyRunning: true, tags: new Map([['role', 'worker']]) }).instanceId;
const pass = (seconds: number) => clock.runUntilIdle(clock.nowMs() + seconds * 1000);
const stateOf = (imageId: string): string => call('DescribeImages', { ImageIds: [imageId] })['Images'][0].State;

describe('images', () => {
  it('are pending, then available, and announce only the end', async () => {
    const { ImageId: id } = call('CreateImage', { InstanceId: running(), Name: 'image-1', NoReboot: true });
    expect(() => call('DescribeImages', { ImageIds: [id] })).toThrow(
      expect.objectContaining({ code: 'InvalidAMIID.NotFound' }),
    );
    await pass(2);
    expect(stateOf(id)).toBe('pending');
    await pass(600);
    expect(stateOf(id)).toBe('available');
    expect(
      events.filter(({ detailType }) => detailType === 'EC2 AMI State Change').map(({ detail }) => detail),
    ).toEqual([{ RequestId: expect.any(String), ImageId: id, State: 'available', ErrorMessage: '' }]);
  });

  it('fail with a reason when a test says so', async () => {
    ec2.images.answer(({ name }) => (name === 'bad' ? { failure: 'disk error' } : undefined));
    const { ImageId: id } = call('CreateImage', { InstanceId: running(), Name: 'bad', NoReboot: true });
    await pass(600);
    expect(call('DescribeImages', { ImageIds: [id] })['Images'][0]).toMatchObject({
      State: 'failed',
      StateReason: { Message: 'disk error' },
    });
  });

  it('keep their name to themselves, for a while after they are deregistered', async () => {
    const instanceId = running();
    const { ImageId: id } = call('CreateImage', { InstanceId: instanceId, Name: 'image-1', NoReboot: true });
    const again = () => call('CreateImage', { InstanceId: instanceId, Name: 'image-1', NoReboot: true });
    expect(again).toThrow(`AMI name image-1 is already in use by AMI ${id}`);
    await pass(600);
    expect(call('DeregisterImage', { ImageId: id, DeleteAssociatedSnapshots: true })['DeleteSnapshotResults']).toEqual([
      { SnapshotId: expect.any(String), ReturnCode: 'success' },
    ]);
    expect(again).toThrow(expect.objectContaining({ code: 'InvalidAMIName.Duplicate' }));
    await pass(61);
    expect(again).not.toThrow();
  });

  it('restart the instance unless told not to', async () => {
    const changes: string[] = [];
    const instanceId = running();
    ec2.instances.onChange((_, change) => changes.push(change));
    call('CreateImage', { InstanceId: instanceId, Name: 'image-1' });
    await pass(60);
    expect(changes).toEqual(['rebooting', 'rebooted']);
  });

  it('are limited to five snapshots of a volume at a time', () => {
    const instanceId = running();
    for (const name of ['one', 'two', 'three', 'four', 'five'])
      call('CreateImage', { InstanceId: instanceId, Name: `image-${name}`, NoReboot: true });
    expect(() => call('CreateImage', { InstanceId: instanceId, Name: 'image-six', NoReboot: true })).toThrow(
      expect.objectContaining({ code: 'ConcurrentSnapshotLimitExceeded' }),
    );
  });

  it.each([
    [{ Name: 'x' }, 'MissingParameter'],
    [{ InstanceId: 'i-1', Name: 'abc' }, 'InvalidInstanceID.Malformed'],
    [{ InstanceId: 'i-00000000000000000', Name: 'abc' }, 'InvalidInstanceID.NotFound'],
    [{ InstanceId: 'i-00000000000000000', Name: 'a:b' }, 'InvalidAMIName.Malformed'],
    [
      { InstanceId: 'i-00000000000000000', Name: 'abc', TagSpecifications: [{ ResourceType: 'volume' }] },
      'InvalidParameterValue',
    ],
  ])('rejects %j', (input, code) => {
    expect(() => call('CreateImage', input)).toThrow(expect.objectContaining({ code }));
  });

  it('protect their snapshots, and are found by tag and name', async () => {
    call('CreateImage', {
      InstanceId: running(),
      Name: 'image-1',
      NoReboot: true,
      TagSpecifications: [{ ResourceType: 'image', Tags: [{ Key: 'k', Value: 'v' }] }],
    });
    await pass(600);
    const [image] = call('DescribeImages', {
      Owners: ['self'],
      Filters: [
        { Name: 'tag:k', Values: ['v'] },
        { Name: 'name', Values: ['image-*'] },
      ],
    })['Images'];
    expect(call('DescribeImages', { Filters: [{ Name: 'tag:k', Values: ['other'] }] })['Images']).toEqual([]);
    const snapshotId = image.BlockDeviceMappings[0].Ebs.SnapshotId as string;
    expect(() => call('DeleteSnapshot', { SnapshotId: snapshotId })).toThrow(
      expect.objectContaining({ code: 'InvalidSnapshot.InUse' }),
    );
    call('DeregisterImage', { ImageId: image.ImageId });
    call('DeleteSnapshot', { SnapshotId: snapshotId });
    expect(call('DescribeSnapshots')['Snapshots']).toEqual([]);
  });

  it('are copied once for one client token', async () => {
    const { ImageId: source } = call('CreateImage', { InstanceId: running(), Name: 'image-1', NoReboot: true });
    const copy = () =>
      call('CopyImage', { Name: 'copy', SourceImageId: source, SourceRegion: 'eu-west-1', ClientToken: 't' })[
        'ImageId'
      ];
    expect(copy).toThrow(expect.objectContaining({ code: 'InvalidAMIID.Unavailable' }));
    await pass(600);
    expect(copy()).toBe(copy());
  });
});

it('instances start, stop and end over time, and say so', async () => {
  const [instance] = call('RunInstances', { ImageId: 'ami-00000000', MinCount: 1, MaxCount: 1 })['Instances'];
  await pass(30);
  call('StopInstances', { InstanceIds: [instance.InstanceId] });
  await pass(60);
  call('TerminateInstances', { InstanceIds: [instance.InstanceId] });
  await pass(60);
  expect(events.map(({ detail }) => detail['state'])).toEqual([
    'pending',
    'running',
    'stopping',
    'stopped',
    'shutting-down',
    'terminated',
  ]);
});

describe('a launch', () => {
  const template = { LaunchTemplateId: 'lt-1' };
  const launch = (more: object = {}) =>
    call('RunInstances', { LaunchTemplate: template, MinCount: 1, MaxCount: 1, ...more })['Instances'][0];
  const failsWith = (code: string) => expect.objectContaining({ code });

  beforeEach(() => {
    const request = { imageId: 'ami-00000001', instanceProfile: 'worker', tags: new Map([['Name', 'Worker']]) };
    ec2.instances.launchTemplates.set('lt-1', { launchTemplateId: 'lt-1', name: 'worker', request });
  });

  it('with a client token happens once, whatever becomes of the instance', async () => {
    const asked = { ClientToken: 't', SubnetId: 'subnet-1' };
    const first = launch(asked);
    expect(launch(asked).InstanceId).toBe(first.InstanceId);
    call('TerminateInstances', { InstanceIds: [first.InstanceId] });
    await pass(60);
    expect(launch(asked)).toMatchObject({ InstanceId: first.InstanceId, State: { Name: 'terminated' } });
    expect(() => launch({ ...asked, SubnetId: 'subnet-2' })).toThrow(failsWith('IdempotentParameterMismatch'));
    expect(launch({ ClientToken: 'u' }).InstanceId).not.toBe(first.InstanceId);
  });

  it('takes what its template says, and the tags of both', () => {
    const specified = [{ ResourceType: 'instance', Tags: [{ Key: 'run', Value: '1' }] }];
    const instance = launch({ LaunchTemplate: { ...template, Version: '1' }, TagSpecifications: specified });
    expect(instance).toMatchObject({ ImageId: 'ami-00000001', IamInstanceProfile: { Arn: 'worker' } });
    expect(instance.Tags).toEqual([
      { Key: 'Name', Value: 'Worker' },
      { Key: 'run', Value: '1' },
    ]);
    expect(() => launch({ LaunchTemplate: { ...template, Version: '2' } })).toThrow(
      failsWith('InvalidLaunchTemplateId.VersionNotFound'),
    );
  });

  it('that is refused uses its token up for nothing', () => {
    let isFull = true;
    ec2.instances.answerLaunch(() => (isFull ? new ServiceError('InsufficientInstanceCapacity', '', 500) : undefined));
    expect(() => launch({ ClientToken: 't' })).toThrow(failsWith('InsufficientInstanceCapacity'));
    expect(ec2.instances.all.size).toBe(0);
    isFull = false;
    expect(launch({ ClientToken: 't' }).State.Name).toBe('pending');
  });
});

it('instances are described in pages, and only as filters allow', () => {
  const ids = [running(), running(), running()];
  const page = call('DescribeInstances', {
    MaxResults: 2,
    Filters: [
      { Name: 'tag:role', Values: ['work*'] },
      { Name: 'instance-state-name', Values: ['running'] },
    ],
  });
  expect(page['Reservations']).toHaveLength(2);
  expect(call('DescribeInstances', { NextToken: page['NextToken'] })['Reservations'][0].Instances[0].InstanceId).toBe(
    ids[2],
  );
  expect(() => call('DescribeInstances', { Filters: [{ Name: 'color', Values: ['red'] }] })).toThrow(
    /color.*is not simulated/s,
  );
  expect(() => call('DescribeInstances', { Colour: 1 })).toThrow(/Colour is not simulated/);
});

it.each([
  ['a*', 'apple', true],
  ['a*', 'banana', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['a\\*', 'a*', true],
  ['a\\*', 'apple', false],
  ['a\\\\', 'a\\', true],
  ['a.c', 'abc', false],
  ['${a}', '${a}', true],
])('the filter %s finds the tag %s: %s', (value, tag, isFound) => {
  ec2.instances.launch({ alreadyRunning: true, tags: new Map([['name', tag]]) });
  const found = call('DescribeInstances', { Filters: [{ Name: 'tag:name', Values: [value] }] });
  expect(found['Reservations']).toHaveLength(isFound ? 1 : 0);
});

describe('a launch template that names a parameter', () => {
  const launch = () => {
    const request = { imageId: 'resolve:ssm:/worker-image' };
    ec2.instances.launchTemplates.set('lt-1', { launchTemplateId: 'lt-1', name: 'workers', request });
    const template = { LaunchTemplateId: 'lt-1' };
    return call('RunInstances', { MinCount: 1, MaxCount: 1, LaunchTemplate: template })['Instances'][0].ImageId;
  };

  it('starts each instance from the image that the parameter names at that time', () => {
    parameters.set('/worker-image', 'ami-0000000000000000a');
    expect(launch()).toBe('ami-0000000000000000a');
    parameters.set('/worker-image', 'ami-0000000000000000b');
    expect(launch()).toBe('ami-0000000000000000b');
  });

  it('starts nothing while there is no such parameter', () => {
    expect(launch).toThrow(expect.objectContaining({ code: 'InvalidParameterValue' }));
  });
});
