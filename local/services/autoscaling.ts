/** Simulated Auto Scaling groups: they keep the desired number of instances, and protect those that work. */
import type { RandomSource } from '../random';
import type { EventSink } from './aws-event';
import { checkParameters, pageOf, type ParameterRules } from './call-parameters';
import type { Ec2Service, Instance, LaunchRequest } from './ec2';
import type { VirtualClock } from '../virtual-clock';
import { type Service, ServiceError, type ServiceOutput } from './service';

/** What the simulated Auto Scaling stands on. */
export interface AutoScalingOptions {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly emit: EventSink;
  readonly region: string;
  readonly accountId: string;
  readonly ec2: Ec2Service;
}

/** An Auto Scaling group to create. */
export interface GroupRequest {
  readonly name: string;
  readonly launch: LaunchRequest;
  readonly minimumSize: number;
  readonly maximumSize: number;
  readonly desiredCapacity: number;
  readonly subnetIds: readonly string[];
  /** Given to every instance. */
  readonly propagatedTags: ReadonlyMap<string, string>;
  readonly protectNewInstances: boolean;
}

/** A simulated Auto Scaling group. */
export interface AutoScalingGroup extends Omit<GroupRequest, 'desiredCapacity'> {
  readonly arn: string;
  readonly createdAtMs: number;
  readonly members: Map<string, { isProtected: boolean }>;
  desiredCapacity: number;
}

type Input = Readonly<Record<string, unknown>>;

/** The Auto Scaling of one account and Region. */
export class AutoScalingService implements Service {
  readonly name = 'autoscaling';
  readonly groups = new Map<string, AutoScalingGroup>();
  readonly operations: Readonly<Record<string, (input: Input) => ServiceOutput>>;

  constructor(private readonly options: AutoScalingOptions) {
    options.ec2.instances.onChange((instance, change) => {
      if (change === 'running') this.announce('EC2 Instance Launch Successful', instance);
      if (change === 'stopping' || change === 'shutting-down') this.replace(instance);
    });
    this.operations = {
      DescribeAutoScalingGroups: (input) => this.describeGroups(input),
      DescribeAutoScalingInstances: (input) => this.describeInstances(input),
      SetDesiredCapacity: (input) => this.setDesiredCapacity(input),
      SetInstanceProtection: (input) => this.setInstanceProtection(input),
      TerminateInstanceInAutoScalingGroup: (input) => this.terminateInstance(input),
    };
  }

  /** Creates a group with its instances, which run already: they are part of what was deployed. */
  createGroup(request: GroupRequest): AutoScalingGroup {
    const { region, accountId, random, clock } = this.options;
    const group: AutoScalingGroup = {
      ...request,
      arn: `arn:aws:autoscaling:${region}:${accountId}:autoScalingGroup:${random.uuid()}:autoScalingGroupName/${request.name}`,
      createdAtMs: clock.nowMs(),
      members: new Map(),
    };
    this.groups.set(group.name, group);
    this.fill(group, { alreadyRunning: true });
    return group;
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
        Instances: [...group.members.keys()].map((instanceId) => this.describeMember(group, instanceId)),
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
      [...group.members.keys()]
        .filter((instanceId) => ids === undefined || ids.length === 0 || ids.includes(instanceId))
        .map((instanceId) => ({ AutoScalingGroupName: group.name, ...this.describeMember(group, instanceId) })),
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
    this.fill(group);
    this.shrink(group);
    return {};
  }

  private setInstanceProtection(input: Input): ServiceOutput {
    check('SetInstanceProtection', input, {
      required: ['AutoScalingGroupName', 'InstanceIds', 'ProtectedFromScaleIn'],
    });
    const group = this.existingGroup(input['AutoScalingGroupName'] as string);
    const members = (input['InstanceIds'] as readonly string[]).map((instanceId) => {
      const member = group.members.get(instanceId);
      if (member === undefined) {
        throw validationError(`The instance ${instanceId} is not part of Auto Scaling group ${group.name}.`);
      }
      return member;
    });
    for (const member of members) member.isProtected = input['ProtectedFromScaleIn'] as boolean;
    return {};
  }

  private terminateInstance(input: Input): ServiceOutput {
    check('TerminateInstanceInAutoScalingGroup', input, { required: ['InstanceId', 'ShouldDecrementDesiredCapacity'] });
    const instanceId = input['InstanceId'] as string;
    const group = [...this.groups.values()].find(({ members }) => members.has(instanceId));
    if (group === undefined)
      throw validationError(`Instance Id not found - No managed instance found for instance ID: ${instanceId}`);
    if (input['ShouldDecrementDesiredCapacity'] === true) group.desiredCapacity--;
    this.options.ec2.instances.terminate(this.options.ec2.instances.get(instanceId));
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

  private fill(group: AutoScalingGroup, options: { readonly alreadyRunning?: boolean } = {}): void {
    while (group.members.size < group.desiredCapacity) {
      const subnetId = group.subnetIds[group.members.size % Math.max(1, group.subnetIds.length)];
      const instanceId = `i-${this.options.random.hex(17)}`;
      // A member before it starts: whoever hears of its start finds its group.
      group.members.set(instanceId, { isProtected: group.protectNewInstances });
      this.options.ec2.instances.launch({
        ...group.launch,
        ...(subnetId === undefined ? {} : { subnetId }),
        ...options,
        instanceId,
        tags: new Map([
          ...(group.launch.tags ?? []),
          ...group.propagatedTags,
          ['aws:autoscaling:groupName', group.name],
        ]),
      });
    }
  }

  /** The oldest unprotected instances go first. */
  private shrink(group: AutoScalingGroup): void {
    const surplus = [...group.members]
      .filter(([, { isProtected }]) => !isProtected)
      .slice(0, Math.max(0, group.members.size - group.desiredCapacity));
    for (const [instanceId] of surplus)
      this.options.ec2.instances.terminate(this.options.ec2.instances.get(instanceId));
  }

  /** An instance that stops is unhealthy: the group ends it and starts another. */
  private replace(instance: Instance): void {
    const group = this.groupOf(instance.instanceId);
    if (group === undefined) return;
    this.announce('EC2 Instance Terminate Successful', instance);
    group.members.delete(instance.instanceId);
    this.options.ec2.instances.terminate(instance);
    this.fill(group);
  }

  private announce(detailType: string, instance: Instance): void {
    const group = this.groupOf(instance.instanceId);
    if (group === undefined) return;
    const now = new Date(this.options.clock.nowMs()).toISOString();
    this.options.emit({
      source: 'aws.autoscaling',
      detailType,
      resources: [
        group.arn,
        `arn:aws:ec2:${this.options.region}:${this.options.accountId}:instance/${instance.instanceId}`,
      ],
      detail: {
        StatusCode: 'InProgress',
        Description: `${detailType}: ${instance.instanceId}`,
        AutoScalingGroupName: group.name,
        ActivityId: this.options.random.uuid(),
        Details: { 'Availability Zone': instance.availabilityZone, 'Subnet ID': instance.subnetId ?? '' },
        RequestId: this.options.random.uuid(),
        StatusMessage: '',
        StartTime: now,
        EndTime: now,
        EC2InstanceId: instance.instanceId,
        Cause: 'the desired capacity',
        Origin: 'EC2',
        Destination: 'AutoScalingGroup',
      },
    });
  }

  private groupOf(instanceId: string): AutoScalingGroup | undefined {
    return [...this.groups.values()].find(({ members }) => members.has(instanceId));
  }

  private existingGroup(name: string): AutoScalingGroup {
    const group = this.groups.get(name);
    if (group === undefined) throw validationError('AutoScalingGroup name not found - null');
    return group;
  }

  private describeMember(group: AutoScalingGroup, instanceId: string): Record<string, unknown> {
    const instance = this.options.ec2.instances.get(instanceId);
    return {
      InstanceId: instanceId,
      InstanceType: instance.instanceType,
      AvailabilityZone: instance.availabilityZone,
      LifecycleState: instance.state === 'running' ? 'InService' : 'Pending',
      HealthStatus: 'Healthy',
      ProtectedFromScaleIn: group.members.get(instanceId)?.isProtected === true,
    };
  }
}

function check(operation: string, input: Input, rules: ParameterRules): void {
  checkParameters({ service: 'autoscaling', operation }, input, rules, (name) =>
    validationError(
      `1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`,
    ),
  );
}

function page<Item>(items: readonly Item[], input: Input) {
  return pageOf(
    items,
    { token: input['NextToken'] as string | undefined, size: (input['MaxRecords'] as number | undefined) ?? 50 },
    () => new ServiceError('InvalidNextToken', 'The NextToken value is not valid.'),
  );
}

function validationError(message: string): ServiceError {
  return new ServiceError('ValidationError', message);
}
