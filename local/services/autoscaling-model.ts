/** What the parts of the simulated Auto Scaling share: groups and their members, lifecycle hooks, scaling policies, checks. */
import type { RandomSource } from '../random';
import type { VirtualClock } from '../virtual-clock';
import type { EventSink } from './aws-event';
import { checkParameters, pageOf, type ParameterRules } from './call-parameters';
import type { Ec2Service, LaunchRequest } from './ec2';
import { ServiceError } from './service';

/** What the simulated Auto Scaling stands on. */
export interface AutoScalingOptions {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly emit: EventSink;
  readonly region: string;
  readonly accountId: string;
  readonly ec2: Ec2Service;
}

/** What holds an instance between two states until somebody completes it, or its time is over. */
export interface LifecycleHook {
  readonly name: string;
  readonly transition: 'autoscaling:EC2_INSTANCE_LAUNCHING' | 'autoscaling:EC2_INSTANCE_TERMINATING';
  readonly heartbeatTimeoutSeconds: number;
  readonly defaultResult: 'CONTINUE' | 'ABANDON';
  readonly notificationMetadata?: string | undefined;
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
  /** @default - none */
  readonly hooks?: readonly LifecycleHook[];
}

/** The states that are simulated. An instance leaves its group after `Terminating:Proceed`, or `Terminating` without a hook. */
export type LifecycleState =
  | 'Pending'
  | 'Pending:Wait'
  | 'Pending:Proceed'
  | 'InService'
  | 'Standby'
  | 'Terminating'
  | 'Terminating:Wait'
  | 'Terminating:Proceed';

/** An instance of a group. */
export interface Member {
  readonly instanceId: string;
  readonly joinedAtMs: number;
  lifecycleState: LifecycleState;
  isProtected: boolean;
  /** What it waits for in `Pending:Wait` or `Terminating:Wait`. */
  action: LifecycleAction | undefined;
}

/** A hook that holds a member. */
export interface LifecycleAction {
  readonly hook: LifecycleHook;
  readonly token: string;
  readonly beganAtMs: number;
  cancelTimeout: () => void;
}

/** A simulated Auto Scaling group. */
export interface AutoScalingGroup extends Omit<GroupRequest, 'desiredCapacity' | 'hooks'> {
  readonly arn: string;
  readonly createdAtMs: number;
  readonly members: Map<string, Member>;
  readonly hooks: LifecycleHook[];
  desiredCapacity: number;
}

/** By how much a step scaling policy changes a group, by how far the metric is beyond the alarm's threshold. */
export interface ScalingPolicy {
  readonly arn: string;
  readonly groupName: string;
  readonly adjustmentType: 'ChangeInCapacity' | 'ExactCapacity' | 'PercentChangeInCapacity';
  readonly steps: readonly { readonly lower: number; readonly upper: number; readonly adjustment: number }[];
  readonly instanceWarmupSeconds: number;
}

export type Input = Readonly<Record<string, unknown>>;

export function isLeaving({ lifecycleState }: Member): boolean {
  return lifecycleState.startsWith('Terminating');
}

/** Members that count towards the desired capacity: those in standby and those that leave do not. */
export function countCapacity({ members }: AutoScalingGroup): number {
  return [...members.values()].filter((member) => !isLeaving(member) && member.lifecycleState !== 'Standby').length;
}

export function check(operation: string, input: Input, rules: ParameterRules): void {
  checkParameters({ service: 'autoscaling', operation }, input, rules, (name) =>
    validationError(
      `1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`,
    ),
  );
}

export function page<Item>(items: readonly Item[], input: Input) {
  return pageOf(
    items,
    { token: input['NextToken'] as string | undefined, size: (input['MaxRecords'] as number | undefined) ?? 50 },
    () => new ServiceError('InvalidNextToken', 'The NextToken value is not valid.'),
  );
}

export function validationError(message: string): ServiceError {
  return new ServiceError('ValidationError', message);
}
