/** How the members of simulated Auto Scaling groups come and go, and what lifecycle hooks hold them on the way. */
import {
  type AutoScalingGroup,
  type AutoScalingOptions,
  countCapacity,
  isLeaving,
  type LifecycleAction,
  type LifecycleHook,
  type Member,
  validationError,
} from './autoscaling-model';
import type { Instance, InstanceChange } from './ec2';

/** However often a heartbeat is recorded, an instance waits no longer than this, or a hundred timeouts if that is less.
 * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/lifecycle-hooks.html (read 2026-11) */
const longestWaitMs = 48 * 3_600_000;
const mostHeartbeats = 100;

/** Keeps each group at its desired capacity. */
export class GroupMembers {
  readonly groups = new Map<string, AutoScalingGroup>();

  constructor(private readonly options: AutoScalingOptions) {
    options.ec2.instances.onChange((instance, change) => this.follow(instance, change));
  }

  /** Starts instances until there are as many as desired, or ends the oldest that nothing protects. */
  adjust(group: AutoScalingGroup, options: { readonly alreadyRunning?: boolean } = {}): void {
    while (countCapacity(group) < group.desiredCapacity) this.launch(group, options);
    const surplus = Math.max(0, countCapacity(group) - group.desiredCapacity);
    const candidates = [...group.members.values()].filter(
      (member) => !member.isProtected && !isLeaving(member) && member.lifecycleState !== 'Standby',
    );
    for (const member of candidates.slice(0, surplus)) this.beginTermination(group, member);
  }

  /** Ends an instance, once no hook holds it. */
  beginTermination(group: AutoScalingGroup, member: Member): void {
    if (isLeaving(member)) return;
    member.action?.cancelTimeout();
    member.action = undefined;
    member.lifecycleState = 'Terminating';
    if (!this.hold(group, member, 'autoscaling:EC2_INSTANCE_TERMINATING')) this.terminate(member);
  }

  /** @throws ServiceError when no hook of that name holds the instance */
  complete(group: AutoScalingGroup, hookName: string, instanceId: string, result: string): void {
    const member = this.heldMember(group, hookName, instanceId);
    this.endAction(group, member, result);
  }

  /** Lets an instance wait for the hook's timeout again, from now.
   * @throws ServiceError when no hook of that name holds the instance */
  recordHeartbeat(group: AutoScalingGroup, hookName: string, instanceId: string): void {
    const member = this.heldMember(group, hookName, instanceId);
    this.startTimeout(group, member, member.action!);
  }

  groupOf(instanceId: string): AutoScalingGroup | undefined {
    return [...this.groups.values()].find(({ members }) => members.has(instanceId));
  }

  private launch(group: AutoScalingGroup, options: { readonly alreadyRunning?: boolean }): void {
    const { ec2, random, clock } = this.options;
    const subnetId = group.subnetIds[group.members.size % Math.max(1, group.subnetIds.length)];
    const instanceId = `i-${random.hex(17)}`;
    // A member before it starts: whoever hears of its start finds its group.
    group.members.set(instanceId, {
      instanceId,
      joinedAtMs: clock.nowMs(),
      lifecycleState: 'Pending',
      isProtected: group.protectNewInstances,
      action: undefined,
    });
    ec2.instances.launch({
      ...group.launch,
      ...(subnetId === undefined ? {} : { subnetId }),
      ...options,
      instanceId,
      tags: new Map([...(group.launch.tags ?? []), ...group.propagatedTags, ['aws:autoscaling:groupName', group.name]]),
    });
  }

  private follow(instance: Instance, change: InstanceChange): void {
    const group = this.groupOf(instance.instanceId);
    const member = group?.members.get(instance.instanceId);
    if (group === undefined || member === undefined) return;
    switch (change) {
      case 'running':
        if (member.lifecycleState === 'Pending' && !this.hold(group, member, 'autoscaling:EC2_INSTANCE_LAUNCHING')) {
          this.putInService(group, member);
        }
        return;
      case 'stopping':
      case 'shutting-down':
        // An instance that stops by itself is unhealthy: the group ends it and starts another.
        if (!isLeaving(member)) {
          this.beginTermination(group, member);
          this.adjust(group);
        }
        return;
      case 'terminated':
        // A hook may still hold what is left of it.
        if (member.lifecycleState !== 'Terminating:Wait') this.remove(group, member);
        return;
      default:
        return;
    }
  }

  private putInService(group: AutoScalingGroup, member: Member): void {
    member.lifecycleState = 'InService';
    this.announceActivity('EC2 Instance Launch Successful', group, member);
  }

  private terminate(member: Member): void {
    const instance = this.options.ec2.instances.get(member.instanceId);
    if (instance.state !== 'terminated') this.options.ec2.instances.terminate(instance);
    else this.remove(this.groupOf(member.instanceId)!, member);
  }

  private remove(group: AutoScalingGroup, member: Member): void {
    group.members.delete(member.instanceId);
    this.announceActivity('EC2 Instance Terminate Successful', group, member);
    this.adjust(group);
  }

  /** @returns false when there is nothing to wait for */
  private hold(group: AutoScalingGroup, member: Member, transition: LifecycleHook['transition']): boolean {
    const hook = group.hooks.find((one) => one.transition === transition);
    if (hook === undefined) return false;
    const action = {
      hook,
      token: this.options.random.uuid(),
      beganAtMs: this.options.clock.nowMs(),
      cancelTimeout: () => undefined,
    };
    member.action = action;
    member.lifecycleState = isLeaving(member) ? 'Terminating:Wait' : 'Pending:Wait';
    this.startTimeout(group, member, action);
    this.announceAction(group, member, action);
    return true;
  }

  private startTimeout(group: AutoScalingGroup, member: Member, action: LifecycleAction): void {
    const { clock } = this.options;
    const timeoutMs = action.hook.heartbeatTimeoutSeconds * 1000;
    const endsAtMs = action.beganAtMs + Math.min(longestWaitMs, mostHeartbeats * timeoutMs);
    action.cancelTimeout();
    const timer = clock.schedule(Math.min(timeoutMs, endsAtMs - clock.nowMs()), () =>
      this.endAction(group, member, action.hook.defaultResult),
    );
    action.cancelTimeout = timer.cancel;
  }

  private endAction(group: AutoScalingGroup, member: Member, result: string): void {
    member.action?.cancelTimeout();
    member.action = undefined;
    if (isLeaving(member)) {
      member.lifecycleState = 'Terminating:Proceed';
      this.terminate(member);
    } else if (result === 'CONTINUE') {
      member.lifecycleState = 'Pending:Proceed';
      this.putInService(group, member);
    } else {
      member.lifecycleState = 'Terminating:Proceed';
      this.terminate(member);
      this.adjust(group);
    }
  }

  private heldMember(group: AutoScalingGroup, hookName: string, instanceId: string): Member {
    const member = group.members.get(instanceId);
    if (member?.action?.hook.name === hookName) return member;
    throw validationError(`No active Lifecycle Action found with instance ID ${instanceId}`);
  }

  private announceActivity(detailType: string, group: AutoScalingGroup, { instanceId }: Member): void {
    const instance = this.options.ec2.instances.get(instanceId);
    const now = new Date(this.options.clock.nowMs()).toISOString();
    const isLaunch = detailType.includes('Launch');
    this.options.emit({
      source: 'aws.autoscaling',
      detailType,
      resources: [group.arn, this.instanceArn(instanceId)],
      detail: {
        StatusCode: 'InProgress',
        Description: `${isLaunch ? 'Launching a new' : 'Terminating'} EC2 instance: ${instanceId}`,
        AutoScalingGroupName: group.name,
        ActivityId: this.options.random.uuid(),
        Details: { 'Availability Zone': instance.availabilityZone, 'Subnet ID': instance.subnetId ?? '' },
        RequestId: this.options.random.uuid(),
        StatusMessage: '',
        StartTime: now,
        EndTime: now,
        EC2InstanceId: instanceId,
        Cause: 'the desired capacity',
        Origin: isLaunch ? 'EC2' : 'AutoScalingGroup',
        Destination: isLaunch ? 'AutoScalingGroup' : 'EC2',
      },
    });
  }

  private announceAction(group: AutoScalingGroup, member: Member, { hook, token }: LifecycleAction): void {
    const isLaunch = hook.transition === 'autoscaling:EC2_INSTANCE_LAUNCHING';
    this.options.emit({
      source: 'aws.autoscaling',
      detailType: isLaunch ? 'EC2 Instance-launch Lifecycle Action' : 'EC2 Instance-terminate Lifecycle Action',
      resources: [group.arn],
      detail: {
        LifecycleActionToken: token,
        AutoScalingGroupName: group.name,
        LifecycleHookName: hook.name,
        EC2InstanceId: member.instanceId,
        LifecycleTransition: hook.transition,
        ...(hook.notificationMetadata !== undefined && { NotificationMetadata: hook.notificationMetadata }),
        Origin: isLaunch ? 'EC2' : 'AutoScalingGroup',
        Destination: isLaunch ? 'AutoScalingGroup' : 'EC2',
      },
    });
  }

  private instanceArn(instanceId: string): string {
    return `arn:aws:ec2:${this.options.region}:${this.options.accountId}:instance/${instanceId}`;
  }
}
