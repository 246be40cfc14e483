/** What a fleet is to a workflow: which instances take commands, how IAM names them, and whose role gets what a command needs. */
import { Annotations, Names, Stack, Tags } from 'aws-cdk-lib';
import { AutoScalingGroup, type IAutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Fleet } from '../tasks/operations/settings';
import type { FleetKeeper } from './fleet-keeper';
import type { LedgerTable } from './ledger-table';
import { misuse } from './misuse';

/** Instances as IAM can name them: by ARN, or any with a tag. */
export interface InstanceScope {
  readonly arns: readonly string[];
  readonly tag?: { readonly key: string; readonly value: string };
  /** The group whose instances are protected while they work.
   * @default - none are */
  readonly protectedGroupArn?: string;
  /** How instances are launched one by one.
   * @default - they are there already */
  readonly launch?: LaunchScope;
}

/** From what, where and as whom instances are launched, as IAM names it. */
export interface LaunchScope {
  readonly templateArn: string;
  /** Role in the instances' profile. */
  readonly roleArn: string;
  /** Empty: where the launch template says. */
  readonly subnetArns: readonly string[];
  /** ARN of all that is of a kind: `instance`, `volume`, `image` … */
  readonly arnOf: (kind: string) => string;
}

/** What a processor asks of a fleet. */
export interface FleetRequest {
  /** Commands that an instance takes at a time. */
  readonly slotsPerInstance: number;
  /** Name of the queue in the ledger.
   * @default - the fleet's own */
  readonly queueName?: string | undefined;
}

/** What a fleet comes to in a workflow. */
export interface FleetConfig {
  readonly fleet: Fleet;
  /** Instances that may get commands and be imaged. */
  readonly instances: InstanceScope;
  /** Whom to give what a command needs. */
  readonly grantees: readonly IRole[];
  /** Has the fleet grow and shrink with its queue. Called by the workflow, once.
   * @default - the fleet is as large as somebody else makes it */
  readonly follow?: (queue: FollowedQueue) => FleetKeeper;
}

/** A queue that a fleet follows. */
export interface FollowedQueue {
  readonly ledger: LedgerTable;
  readonly slotsPerInstance: number;
  /** The document of the workflow that follows. */
  readonly documentName: string;
}

/** Instances that take commands: an `InstanceFleet`, or existing ones that its `from…` methods name. */
export interface IInstanceFleet {
  /** Called by a workflow, once, with itself as the scope.
   * @throws Error when the fleet can have no instances */
  bind(scope: Construct, request: FleetRequest): FleetConfig;
}

/** An existing instance and the role in its instance profile. */
export interface FleetInstance {
  readonly instanceId: string;
  /** Gets what the command needs: Systems Manager, reading the objects, writing the results.
   * @default - nothing is granted: you do it, with `grantInstance` of the workflow */
  readonly role?: IRole;
}

/** A tag that marks the instances of a fleet. */
export interface FleetTag {
  readonly key: string;
  readonly value: string;
  /** Role in the instances' profile.
   * @default - nothing is granted: you do it, with `grantInstance` of the workflow */
  readonly role?: IRole;
}

/** Tag that this library puts on the instances of an Auto Scaling group, so that only they may get commands. */
export const fleetTagKey = 'object-workflow:fleet';

/** Existing instances, by their ids. */
export class NamedInstances implements IInstanceFleet {
  constructor(private readonly instances: readonly FleetInstance[]) {}

  public bind(scope: Construct, request: FleetRequest): FleetConfig {
    if (this.instances.length === 0) {
      throw misuse({
        what: 'A processor has no instances',
        where: scope.node.path,
        got: '[]',
        allowed: 'at least one instance',
        fix: 'name one, or use InstanceFleet.fromTag or InstanceFleet.fromAutoScalingGroup for instances that come and go',
      });
    }
    const instanceIds = this.instances.map((instance) => instance.instanceId);
    const { slotsPerInstance, queueName = Names.uniqueId(scope) } = request;
    return {
      fleet: { kind: 'instances', id: queueName, instanceIds, slotsPerInstance },
      instances: { arns: instanceIds.map((instanceId) => instanceArn(scope, instanceId)) },
      grantees: distinct(this.instances.map((instance) => instance.role)),
    };
  }
}

/** Every running instance with a tag. */
export class TaggedInstances implements IInstanceFleet {
  constructor(private readonly tag: FleetTag) {}

  public bind(scope: Construct, request: FleetRequest): FleetConfig {
    const { key, value, role } = this.tag;
    const { slotsPerInstance, queueName = `${key}=${value}` } = request;
    return {
      fleet: { kind: 'tag', id: queueName, key, value, slotsPerInstance },
      instances: { arns: [instanceArn(scope, '*')], tag: { key, value } },
      grantees: distinct([role]),
    };
  }
}

/** The instances of an Auto Scaling group, whoever made it. */
export class GroupedInstances implements IInstanceFleet {
  constructor(private readonly group: IAutoScalingGroup) {}

  public bind(scope: Construct, request: FleetRequest): FleetConfig {
    const { group } = this;
    const { slotsPerInstance, queueName = Names.uniqueId(group) } = request;
    const owned = group instanceof AutoScalingGroup;
    const tag = owned
      ? { key: fleetTagKey, value: Names.uniqueResourceName(group, { maxLength: 200 }) }
      : { key: 'aws:autoscaling:groupName', value: group.autoScalingGroupName };
    if (owned) Tags.of(group).add(tag.key, tag.value);
    return {
      fleet: {
        kind: 'autoScalingGroup',
        id: queueName,
        groupName: group.autoScalingGroupName,
        slotsPerInstance,
        protectsBusy: false,
      },
      instances: { arns: [instanceArn(scope, '*')], tag },
      grantees: distinct([groupRole(scope, group)]),
    };
  }
}

/** The role of a group's instances, where CDK knows it: not for an imported group or launch template. */
function groupRole(scope: Construct, group: IAutoScalingGroup): IRole | undefined {
  try {
    if (group instanceof AutoScalingGroup) return group.role;
  } catch {
    // A launch template without a role, or an imported one: the group throws.
  }
  Annotations.of(scope).addWarningV2(
    'cdk-object-workflow:unknownInstanceRole',
    `The role of a group's instances is not known, so nothing is granted to it, at ${scope.node.path}\n  got: ${group.node.path}\n  allowed: a group of this app whose launch template has a role\n  fix: give the launch template a role, or call grantInstance(role) of the workflow; then acknowledge this warning`,
  );
  return undefined;
}

function instanceArn(scope: Construct, instanceId: string): string {
  return Stack.of(scope).formatArn({ service: 'ec2', resource: 'instance', resourceName: instanceId });
}

function distinct(roles: readonly (IRole | undefined)[]): IRole[] {
  return [...new Set(roles.filter((role) => role !== undefined))];
}
