/** Simulated Auto Scaling groups: they keep the desired number of instances, protect those that work, and follow step scaling policies. */
import { GroupMembers } from './autoscaling-members';
import {
  type AutoScalingGroup,
  type AutoScalingOptions,
  check,
  type GroupRequest,
  type Input,
  type LifecycleHook,
  type Member,
  page,
  type ScalingPolicy,
  validationError,
} from './autoscaling-model';
import type { Service, ServiceOutput } from './service';

export type {
  AutoScalingGroup,
  AutoScalingOptions,
  GroupRequest,
  LifecycleHook,
  LifecycleState,
  Member,
  ScalingPolicy,
} from './autoscaling-model';

/** SetInstanceProtection takes no more at once. */
const protectionLimit = 50;

/** The Auto Scaling of one account and Region. */
export class AutoScalingService implements Service {
  readonly name = 'autoscaling';
  readonly policies = new Map<string, ScalingPolicy>();
  readonly operations: Readonly<Record<string, (input: Input) => ServiceOutput>>;
  private readonly members: GroupMembers;

  constructor(private readonly options: AutoScalingOptions) {
    this.members = new GroupMembers(options);
    this.operations = {
      DescribeAutoScalingGroups: (input) => this.describeGroups(input),
      DescribeAutoScalingInstances: (input) => this.describeInstances(input),
      SetDesiredCapacity: (input) => this.setDesiredCapacity(input),
      SetInstanceProtection: (input) => this.setInstanceProtection(input),
      EnterStandby: (input) => this.moveStandby('EnterStandby', input),
      ExitStandby: (input) => this.moveStandby('ExitStandby', input),
      TerminateInstanceInAutoScalingGroup: (input) => this.terminateInstance(input),
      CompleteLifecycleAction: (input) => this.completeAction(input),
      RecordLifecycleActionHeartbeat: (input) => this.recordHeartbeat(input),
    };
  }

  get groups(): ReadonlyMap<string, AutoScalingGroup> {
    return this.members.groups;
  }

  /** Creates a group with its instances, which run already: they are part of what was deployed. */
  createGroup(request: GroupRequest): AutoScalingGroup {
    const { random, clock } = this.options;
    const group: AutoScalingGroup = {
      ...request,
      hooks: [...(request.hooks ?? [])],
      arn: this.arn('autoScalingGroup', `${random.uuid()}:autoScalingGroupName/${request.name}`),
      createdAtMs: clock.nowMs(),
      members: new Map(),
    };
    this.members.groups.set(group.name, group);
    this.members.adjust(group, { alreadyRunning: true });
    return group;
  }

  /** Adds a hook to a group. @throws ServiceError when there is no such group */
  putLifecycleHook(groupName: string, hook: LifecycleHook): void {
    this.existingGroup(groupName).hooks.push(hook);
  }

  /** Adds a step scaling policy. @returns its ARN, which an alarm names as its action */
  putScalingPolicy(name: string, policy: Omit<ScalingPolicy, 'arn'>): string {
    this.existingGroup(policy.groupName);
    const arn = this.arn(
      'scalingPolicy',
      `${this.options.random.uuid()}:autoScalingGroupName/${policy.groupName}:policyName/${name}`,
    );
    this.policies.set(arn, { ...policy, arn });
    return arn;
  }

  /** Does what an alarm asks for.
   * @param beyondThreshold The metric's value less the alarm's threshold.
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html (read 2026-11) */
  executePolicy(arn: string, beyondThreshold: number): void {
    const policy = this.policies.get(arn);
    const step = policy?.steps.find(({ lower, upper }) => beyondThreshold >= lower && beyondThreshold < upper);
    if (policy === undefined || step === undefined) return;
    const group = this.existingGroup(policy.groupName);
    const warming = this.countWarming(group, policy);
    const desired = adjusted(policy, step.adjustment, group.desiredCapacity - warming);
    // Instances that warm up count as done, and nothing is taken away meanwhile.
    const isScaleIn = policy.adjustmentType === 'ExactCapacity' ? desired < group.desiredCapacity : step.adjustment < 0;
    if (isScaleIn ? warming > 0 : desired <= group.desiredCapacity) return;
    group.desiredCapacity = Math.min(group.maximumSize, Math.max(group.minimumSize, desired));
    this.members.adjust(group);
  }

  private countWarming(group: AutoScalingGroup, { instanceWarmupSeconds }: ScalingPolicy): number {
    const since = this.options.clock.nowMs() - instanceWarmupSeconds * 1000;
    return [...group.members.values()].filter(
      ({ lifecycleState, joinedAtMs }) =>
        lifecycleState.startsWith('Pending') || (lifecycleState === 'InService' && joinedAtMs > since),
    ).length;
  }

  private describeGroups(input: Input): ServiceOutput {
    check('DescribeAutoScalingGroups', input, { optional: ['AutoScalingGroupNames', 'MaxRecords', 'NextToken'] });
    const names = input['AutoScalingGroupNames'] as readonly string[] | undefined;
    const found = [...this.groups.values()].filter(
      ({ name }) => names === undefined || names.length === 0 || names.includes(name),
    );
    const { items, nextToken } = page(found, input);
    return {
      AutoScalingGroups: items.map((group) => ({
        AutoScalingGroupName: group.name,
        AutoScalingGroupARN: group.arn,
        MinSize: group.minimumSize,
        MaxSize: group.maximumSize,
        DesiredCapacity: group.desiredCapacity,
        DefaultCooldown: 300,
        AvailabilityZones: [`${this.options.region}a`],
        HealthCheckType: 'EC2',
        CreatedTime: new Date(group.createdAtMs),
        VPCZoneIdentifier: group.subnetIds.join(','),
        NewInstancesProtectedFromScaleIn: group.protectNewInstances,
        Instances: [...group.members.values()].map((member) => this.describeMember(member)),
        Tags: [...group.propagatedTags].map(([Key, Value]) => ({
          Key,
          Value,
          PropagateAtLaunch: true,
          ResourceId: group.name,
          ResourceType: 'auto-scaling-group',
        })),
      })),
      NextToken: nextToken,
    };
  }

  private describeInstances(input: Input): ServiceOutput {
    check('DescribeAutoScalingInstances', input, { optional: ['InstanceIds', 'MaxRecords', 'NextToken'] });
    const ids = input['InstanceIds'] as readonly string[] | undefined;
    const found = [...this.groups.values()].flatMap((group) =>
      [...group.members.values()]
        .filter(({ instanceId }) => ids === undefined || ids.length === 0 || ids.includes(instanceId))
        .map((member) => ({ AutoScalingGroupName: group.name, ...this.describeMember(member) })),
    );
    const { items, nextToken } = page(found, input);
    return { AutoScalingInstances: items, NextToken: nextToken };
  }

  private setDesiredCapacity(input: Input): ServiceOutput {
    check('SetDesiredCapacity', input, {
      required: ['AutoScalingGroupName', 'DesiredCapacity'],
      optional: ['HonorCooldown'],
    });
    const group = this.existingGroup(input['AutoScalingGroupName'] as string);
    const desired = input['DesiredCapacity'] as number;
    if (desired < group.minimumSize || desired > group.maximumSize) {
      throw validationError(
        `New SetDesiredCapacity value ${desired} is ${desired > group.maximumSize ? 'above max' : 'below min'} value ${desired > group.maximumSize ? group.maximumSize : group.minimumSize} for the AutoScalingGroup.`,
      );
    }
    group.desiredCapacity = desired;
    this.members.adjust(group);
    return {};
  }

  private setInstanceProtection(input: Input): ServiceOutput {
    check('SetInstanceProtection', input, {
      required: ['AutoScalingGroupName', 'InstanceIds', 'ProtectedFromScaleIn'],
    });
    const group = this.existingGroup(input['AutoScalingGroupName'] as string);
    const ids = input['InstanceIds'] as readonly string[];
    if (ids.length > protectionLimit) throw validationError(`At most ${protectionLimit} instances can be given.`);
    const members = ids.map((instanceId) => this.memberOf(group, instanceId));
    const unready = members.find(({ lifecycleState }) => !['InService', 'Standby'].includes(lifecycleState));
    if (unready !== undefined) {
      throw validationError(`The instance ${unready.instanceId} is not in InService or EnteringStandby or Standby.`);
    }
    for (const member of members) member.isProtected = input['ProtectedFromScaleIn'] as boolean;
    // A group that is too large ends the instance as soon as nothing protects it.
    this.members.adjust(group);
    return {};
  }

  private moveStandby(operation: 'EnterStandby' | 'ExitStandby', input: Input): ServiceOutput {
    const enters = operation === 'EnterStandby';
    check(operation, input, {
      required: ['AutoScalingGroupName', ...(enters ? ['ShouldDecrementDesiredCapacity'] : [])],
      optional: ['InstanceIds'],
    });
    const group = this.existingGroup(input['AutoScalingGroupName'] as string);
    const required = enters ? 'InService' : 'Standby';
    const members = ((input['InstanceIds'] ?? []) as readonly string[]).map((id) => this.memberOf(group, id));
    const wrong = members.find(({ lifecycleState }) => lifecycleState !== required);
    if (wrong !== undefined) throw validationError(`The instance ${wrong.instanceId} is not in ${required}.`);
    for (const member of members) {
      member.lifecycleState = enters ? 'Standby' : 'InService';
      if (!enters) group.desiredCapacity++;
      else if (input['ShouldDecrementDesiredCapacity'] === true) group.desiredCapacity--;
    }
    this.members.adjust(group);
    return { Activities: [] };
  }

  private terminateInstance(input: Input): ServiceOutput {
    check('TerminateInstanceInAutoScalingGroup', input, { required: ['InstanceId', 'ShouldDecrementDesiredCapacity'] });
    const instanceId = input['InstanceId'] as string;
    const group = this.members.groupOf(instanceId);
    if (group === undefined)
      throw validationError(`Instance Id not found - No managed instance found for instance ID: ${instanceId}`);
    if (input['ShouldDecrementDesiredCapacity'] === true) group.desiredCapacity--;
    this.members.beginTermination(group, group.members.get(instanceId)!);
    this.members.adjust(group);
    return {
      Activity: {
        ActivityId: this.options.random.uuid(),
        AutoScalingGroupName: group.name,
        Description: `Terminating EC2 instance: ${instanceId}`,
        Cause: 'instance was taken out of service in response to a user request',
        StartTime: new Date(this.options.clock.nowMs()),
        StatusCode: 'InProgress',
        Progress: 0,
      },
    };
  }

  private completeAction(input: Input): ServiceOutput {
    check('CompleteLifecycleAction', input, {
      required: ['LifecycleHookName', 'AutoScalingGroupName', 'LifecycleActionResult', 'InstanceId'],
    });
    const result = input['LifecycleActionResult'] as string;
    if (result !== 'CONTINUE' && result !== 'ABANDON') {
      throw validationError('LifecycleActionResult must be either CONTINUE or ABANDON');
    }
    const group = this.existingGroup(input['AutoScalingGroupName'] as string);
    this.members.complete(group, input['LifecycleHookName'] as string, input['InstanceId'] as string, result);
    return {};
  }

  private recordHeartbeat(input: Input): ServiceOutput {
    check('RecordLifecycleActionHeartbeat', input, {
      required: ['LifecycleHookName', 'AutoScalingGroupName', 'InstanceId'],
    });
    const group = this.existingGroup(input['AutoScalingGroupName'] as string);
    this.members.recordHeartbeat(group, input['LifecycleHookName'] as string, input['InstanceId'] as string);
    return {};
  }

  private memberOf(group: AutoScalingGroup, instanceId: string): Member {
    const member = group.members.get(instanceId);
    if (member !== undefined) return member;
    throw validationError(`The instance ${instanceId} is not part of Auto Scaling group ${group.name}.`);
  }

  private existingGroup(name: string): AutoScalingGroup {
    const group = this.groups.get(name);
    if (group === undefined) throw validationError('AutoScalingGroup name not found - null');
    return group;
  }

  private describeMember(member: Member): Record<string, unknown> {
    const instance = this.options.ec2.instances.get(member.instanceId);
    return {
      InstanceId: member.instanceId,
      InstanceType: instance.instanceType,
      AvailabilityZone: instance.availabilityZone,
      LifecycleState: member.lifecycleState,
      HealthStatus: 'Healthy',
      ProtectedFromScaleIn: member.isProtected,
    };
  }

  private arn(kind: string, rest: string): string {
    return `arn:aws:autoscaling:${this.options.region}:${this.options.accountId}:${kind}:${rest}`;
  }
}

function adjusted({ adjustmentType }: ScalingPolicy, adjustment: number, capacity: number): number {
  switch (adjustmentType) {
    case 'ChangeInCapacity':
      return capacity + adjustment;
    case 'ExactCapacity':
      return adjustment;
    case 'PercentChangeInCapacity': {
      const change = (capacity * adjustment) / 100;
      // The service rounds away from nothing, and otherwise towards it.
      return capacity + (Math.abs(change) < 1 && change !== 0 ? Math.sign(change) : Math.trunc(change));
    }
  }
}
