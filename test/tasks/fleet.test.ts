/** Which instances get work: those that stay. Instances of groups come and go, and those that leave end what they have. */
import { LifecycleState } from '@aws-sdk/client-auto-scaling';
import { InstanceStateName } from '@aws-sdk/client-ec2';
import { processObject } from '../../tasks';
import { isAlive, isMarkedForInterruption, judgeMember } from '../../tasks/operations/instance-state';
import type { LifecycleHook } from '../../local/services/autoscaling';
import type { LaunchRequest } from '../../local/services/ec2';
import { Account, fleetId, processSettings, type Visit } from './account';

jest.setTimeout(30_000);

const groupName = 'workers';
const settings = {
  ...processSettings,
  fleet: { kind: 'autoScalingGroup', id: fleetId, groupName, slotsPerInstance: 1 },
};
const drain: LifecycleHook = {
  name: 'drain',
  transition: 'autoscaling:EC2_INSTANCE_TERMINATING',
  heartbeatTimeoutSeconds: 3600,
  defaultResult: 'CONTINUE',
};

async function start(more: { hooks?: LifecycleHook[]; desiredCapacity?: number; launch?: LaunchRequest } = {}) {
  const account = new Account({ instanceCount: 0 });
  account.autoScaling.createGroup({
    ...{ name: groupName, launch: {}, minimumSize: 0, maximumSize: 4, desiredCapacity: 1, subnetIds: [] },
    ...{ propagatedTags: new Map(), protectNewInstances: false },
    ...more,
  });
  await account.pass(30);
  const scale = (operation: string, input: object) =>
    account.autoScaling.operations[operation]!({ AutoScalingGroupName: groupName, ...input });
  const members = () => [...account.autoScaling.groups.get(groupName)!.members.values()];
  const enter = async (name: string): Promise<Visit> => {
    const executionArn = `arn:aws:states:eu-west-1:111122223333:execution:workflow:${name}`;
    const object = await account.claim(executionArn, `incoming/${name}.csv`);
    return account.enter(processObject, settings, { object }, { executionArn });
  };
  return { account, scale, members, enter };
}

const commandsOn = (account: Account, instanceId: string): number =>
  [...account.ssm.commands.all.values()].filter((command) =>
    command.invocations.some((invocation) => invocation.instanceId === instanceId),
  ).length;

describe('an instance that leaves its group', () => {
  it('gets no new work, and ends what it has', async () => {
    const { account, scale, members, enter } = await start({ hooks: [drain], desiredCapacity: 2 });
    account.ssm.commands.answer(() => ({ durationMs: 600_000 }));
    const [leaving, staying] = members();
    const visits = [await enter('a'), await enter('b')];
    await account.pass(60);
    scale('TerminateInstanceInAutoScalingGroup', {
      AutoScalingGroupName: undefined,
      InstanceId: leaving!.instanceId,
      ShouldDecrementDesiredCapacity: true,
    });
    expect(leaving!.lifecycleState).toBe('Terminating:Wait');
    visits.push(await enter('c'), await enter('d'));
    await account.pass(3000);
    expect(visits.map(({ status }) => status)).toEqual(['succeeded', 'succeeded', 'succeeded', 'succeeded']);
    expect(commandsOn(account, leaving!.instanceId)).toBe(1);
    expect(commandsOn(account, staying!.instanceId)).toBe(3);
  });

  it('gets no new work in standby either, and works again afterwards', async () => {
    const { account, scale, members, enter } = await start();
    account.ssm.commands.answer(() => ({}));
    const InstanceIds = [members()[0]!.instanceId];
    scale('EnterStandby', { InstanceIds, ShouldDecrementDesiredCapacity: true });
    const visit = await enter('a');
    await account.pass(1200);
    expect(visit.status).toBe('waiting');
    expect(account.ssm.commands.all.size).toBe(0);
    scale('ExitStandby', { InstanceIds });
    await account.pass(3600);
    expect(visit.status).toBe('succeeded');
  });
});

describe('a Spot Instance that EC2 is about to take back', () => {
  const tryOf = (account: Account, { executionArn }: Visit): unknown =>
    account.items('operation#').find(({ owner }) => owner === executionArn)!['try'];

  it('gets no new work in its last two minutes', async () => {
    const { account, members, enter } = await start({ launch: { isSpot: true } });
    account.ssm.commands.answer(() => ({ durationMs: 600_000 }));
    const { instanceId } = members()[0]!;
    account.ec2.instances.interruptSpot(account.ec2.instances.get(instanceId));
    await account.pass(10);
    const visit = await enter('a');
    await account.pass(3600);
    expect(account.ec2.instances.get(instanceId).state).toBe('terminated');
    expect(commandsOn(account, instanceId)).toBe(0);
    expect([visit.status, tryOf(account, visit)]).toEqual(['succeeded', 1]);
  });

  it('may end what it has; what it does not end is tried again on another', async () => {
    const { account, members, enter } = await start({ launch: { isSpot: true }, desiredCapacity: 2 });
    let durationMs = 60_000;
    account.ssm.commands.answer(() => ({ durationMs }));
    const short = await enter('short');
    await account.pass(1);
    durationMs = 600_000;
    const long = await enter('long');
    await account.pass(1);
    for (const { instanceId } of members()) {
      account.ec2.instances.interruptSpot(account.ec2.instances.get(instanceId));
    }
    await account.pass(3600);
    expect([short.status, tryOf(account, short)]).toEqual(['succeeded', 1]);
    expect([long.status, tryOf(account, long)]).toEqual(['succeeded', 2]);
  });
});

describe('the words of AWS', () => {
  test.each([
    ['fulfilled', false],
    ['marked-for-termination', true],
    ['marked-for-stop', true],
    ['instance-terminated-no-capacity', false],
  ])('a Spot request that is %s', (code, isMarked) => expect(isMarkedForInterruption(code)).toBe(isMarked));

  test.each(Object.values(LifecycleState))('a member that is %s', (state) => {
    const expected = state === 'InService' ? 'ready' : /^(Terminat|Detach)/.test(state) ? 'leaving' : 'away';
    expect(judgeMember(state)).toBe(expected);
  });

  test('a member in a state of the future is away', () => expect(judgeMember('Dreaming')).toBe('away'));

  test.each(Object.values(InstanceStateName))('an instance that is %s', (state) => {
    expect(isAlive(state)).toBe(state === 'running' || state === 'pending');
  });
});
