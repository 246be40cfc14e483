/** The simulated Auto Scaling: groups that keep their size, hooks that hold instances, policies that follow a metric. */
import { AutoScalingService, type GroupRequest } from '../../local/services/autoscaling';
import type { AwsEvent } from '../../local/services/aws-event';
import { Ec2Service } from '../../local/services/ec2';
import { MonitoringService } from '../../local/services/monitoring';
import { createRandom } from '../../local/random';
import { VirtualClock } from '../../local/virtual-clock';

/** Whatever an operation answers. */
type Answer = ReturnType<typeof JSON.parse>;

let clock: VirtualClock;
let ec2: Ec2Service;
let autoScaling: AutoScalingService;
let events: AwsEvent[];

beforeEach(() => {
  clock = new VirtualClock();
  events = [];
  const emit = (event: AwsEvent): void => void events.push(event);
  const common = { clock, random: createRandom('scaling'), emit, region: 'eu-west-1', accountId: '111122223333' };
  ec2 = new Ec2Service(common);
  autoScaling = new AutoScalingService({ ...common, ec2 });
});

const scale = (operation: string, input: object = {}): Answer => autoScaling.operations[operation]!(input as never);
const pass = (seconds: number) => clock.runUntilIdle(clock.nowMs() + seconds * 1000);
const members = (): { InstanceId: string; LifecycleState: string }[] =>
  scale('DescribeAutoScalingInstances')['AutoScalingInstances'];
const ids = () => members().map(({ InstanceId }) => InstanceId);
const states = () => members().map(({ LifecycleState }) => LifecycleState);
const inGroup = { AutoScalingGroupName: 'group' };
const setDesired = (DesiredCapacity: number) => scale('SetDesiredCapacity', { ...inGroup, DesiredCapacity });
const protect = (instanceId: string | undefined, ProtectedFromScaleIn = true) =>
  scale('SetInstanceProtection', { ...inGroup, InstanceIds: [instanceId], ProtectedFromScaleIn });

function createGroup(more: Partial<GroupRequest> = {}): void {
  autoScaling.createGroup({
    name: 'group',
    launch: {},
    minimumSize: 0,
    maximumSize: 3,
    desiredCapacity: 2,
    subnetIds: [],
    propagatedTags: new Map([['role', 'worker']]),
    protectNewInstances: false,
    ...more,
  });
}

const drain = {
  name: 'drain',
  transition: 'autoscaling:EC2_INSTANCE_TERMINATING',
  heartbeatTimeoutSeconds: 600,
  defaultResult: 'CONTINUE',
} as const;
const onDrain = (instanceId: string) => ({ ...inGroup, LifecycleHookName: 'drain', InstanceId: instanceId });

describe('a group', () => {
  it('replaces an instance that ends, with the tags of the group', async () => {
    createGroup();
    const [first, second] = ids();
    ec2.operations['TerminateInstances']!({ InstanceIds: [first] });
    await pass(120);
    expect(ids()).toEqual([second, expect.not.stringContaining(first!)]);
    expect(Object.fromEntries(ec2.instances.get(ids()[1]!).tags)).toEqual({
      role: 'worker',
      'aws:autoscaling:groupName': 'group',
    });
  });

  it('ends no protected instance when it shrinks, until nothing protects it any more', async () => {
    createGroup();
    const [first, second] = ids();
    protect(first);
    setDesired(1);
    expect(ec2.instances.get(second!).state).toBe('shutting-down');
    await pass(120);
    expect(ids()).toEqual([first]);
    setDesired(0);
    await pass(120);
    expect(states()).toEqual(['InService']);
    protect(first, false);
    await pass(120);
    expect(ids()).toEqual([]);
    expect(() => setDesired(4)).toThrow(/above max value 3/);
  });

  it('protects only instances that are in service or in standby', () => {
    createGroup();
    setDesired(3);
    expect(() => protect(ids()[2])).toThrow(/is not in InService or EnteringStandby or Standby\.$/);
    scale('EnterStandby', { ...inGroup, InstanceIds: [ids()[0]], ShouldDecrementDesiredCapacity: true });
    expect(states()).toEqual(['Standby', 'InService', 'Pending']);
    expect(() => protect(ids()[0])).not.toThrow();
  });
});

describe('a terminating hook', () => {
  it('holds an instance, announces it, and lets it go when it is completed', async () => {
    createGroup({ hooks: [drain] });
    const [first] = ids();
    scale('TerminateInstanceInAutoScalingGroup', { InstanceId: first, ShouldDecrementDesiredCapacity: true });
    await pass(300);
    expect(states()).toEqual(['Terminating:Wait', 'InService']);
    expect(ec2.instances.get(first!).state).toBe('running');
    expect(events.find(({ detailType }) => detailType === 'EC2 Instance-terminate Lifecycle Action')).toMatchObject({
      source: 'aws.autoscaling',
      detail: { EC2InstanceId: first, LifecycleHookName: 'drain', AutoScalingGroupName: 'group' },
    });
    scale('CompleteLifecycleAction', { ...onDrain(first!), LifecycleActionResult: 'CONTINUE' });
    expect(states()[0]).toBe('Terminating:Proceed');
    await pass(120);
    expect(ec2.instances.get(first!).state).toBe('terminated');
    expect(ids()).not.toContain(first);
    expect(() => scale('RecordLifecycleActionHeartbeat', onDrain(first!))).toThrow(/No active Lifecycle Action found/);
  });

  it('lets an instance go when its time is over; a heartbeat begins it anew', async () => {
    createGroup({ hooks: [drain] });
    const [first] = ids();
    setDesired(1);
    await pass(500);
    scale('RecordLifecycleActionHeartbeat', onDrain(first!));
    await pass(500);
    expect(ec2.instances.get(first!).state).toBe('running');
    await pass(200);
    expect(ec2.instances.get(first!).state).toBe('terminated');
  });
});

describe('a step scaling policy', () => {
  it('follows the alarm on a metric that a log line carries: once for instances that warm up, and never above the maximum', async () => {
    createGroup({ desiredCapacity: 0 });
    const arn = autoScaling.putScalingPolicy('out', {
      groupName: 'group',
      adjustmentType: 'ChangeInCapacity',
      steps: [
        { lower: 0, upper: 10, adjustment: 1 },
        { lower: 10, upper: Infinity, adjustment: 5 },
      ],
      instanceWarmupSeconds: 180,
    });
    const monitoring = new MonitoringService({ clock });
    const alarm = {
      namespace: 'Test',
      metricName: 'Waiting',
      dimensions: { Queue: 'a' },
      statistic: 'Maximum',
      periodSeconds: 60,
      evaluationPeriods: 1,
      datapointsToAlarm: 1,
      threshold: 1,
      comparison: 'GreaterThanOrEqualToThreshold',
      missingData: 'notBreaching',
    } as const;
    monitoring.alarms.put(alarm, (beyond) => autoScaling.executePolicy(arn, beyond));
    const directive = { Namespace: 'Test', Dimensions: [['Queue']], Metrics: [{ Name: 'Waiting', Unit: 'Count' }] };
    const report = async (Waiting: number): Promise<void> => {
      const _aws = { Timestamp: clock.nowMs(), CloudWatchMetrics: [directive] };
      monitoring.ingestLogLine(JSON.stringify({ Queue: 'a', Waiting, _aws }));
      clock.schedule(60_000, () => undefined);
      await pass(60);
    };
    await report(0);
    expect(ids()).toHaveLength(0);
    await report(3);
    await report(3);
    expect(ids()).toHaveLength(1);
    await report(20);
    expect(ids()).toHaveLength(3);
  });
});
