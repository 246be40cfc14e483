/** Where objects are processed: which instances take commands, what they run, and what they and the workflow may do for it. */
import { Annotations, Duration, Names, Stack, Tags, Token } from 'aws-cdk-lib';
import { AutoScalingGroup, type IAutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import { ManagedPolicy, type IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { Fleet } from '../tasks/operations/settings';
import { misuse } from './misuse';

/** What runs on an instance for one object, and for how long. */
export interface ProcessorOptions {
  /** Bash text that processes one object: see `RunCommandDocumentProps.command` for what it finds and what its exit code means.
   * @example 'sort "$OBJECT_FILE" > "$RESULTS_DIR/sorted.txt"' */
  readonly command: string;
  /** How long one run of the command may take, download and upload included: up to 48 hours.
   * @default Duration.hours(1) */
  readonly timeout?: Duration;
  /** How long an object may wait for a free instance, all tries together.
   * @default Duration.hours(12) */
  readonly queueTimeout?: Duration;
  /** How many objects an instance processes at a time.
   * @default 1 */
  readonly slotsPerInstance?: number;
  /** How often the command may be tried, when it asks for that (exit code 75) or its instance dies.
   * @default 3 */
  readonly maximumTries?: number;
  /** Name of the queue in the ledger. Workflows that share a ledger and give the same name share instances fairly.
   * @default - the group, the tag or the workflow itself */
  readonly queueName?: string;
}

/** An existing instance and the role in its instance profile. */
export interface ProcessorInstance {
  readonly instanceId: string;
  /** Gets what the command needs: Systems Manager, reading the objects, writing the results.
   * @default - nothing is granted: you do it, with `grantInstance` of the workflow */
  readonly role?: IRole;
}

/** A tag that marks the instances of a fleet. */
export interface ProcessorTag {
  readonly key: string;
  readonly value: string;
  /** Role in the instances' profile.
   * @default - nothing is granted: you do it, with `grantInstance` of the workflow */
  readonly role?: IRole;
}

/** What a processor comes to in a workflow. */
export interface ProcessorConfig extends Required<Omit<ProcessorOptions, 'queueName'>> {
  readonly fleet: Fleet;
  /** Instances that may get commands and be imaged, in IAM's words. */
  readonly instances: InstanceScope;
  /** Whom to give what a command needs. */
  readonly grantees: readonly IRole[];
}

/** Instances as IAM can name them: by ARN, or any with a tag. */
export interface InstanceScope {
  readonly arns: readonly string[];
  readonly tag?: { readonly key: string; readonly value: string };
}

/** Longest time that one run of a command may take by default. */
const defaultTimeout = Duration.hours(1);

/** Tag that this library puts on the instances of an Auto Scaling group, so that only they may get commands. */
export const fleetTagKey = 'object-workflow:fleet';

/** The instances that process objects. Make one with `instances`, `tagged` or `autoScalingGroup`. */
export abstract class Processor {
  /** Existing instances, by their ids.
   * @example Processor.instances([{ instanceId: 'i-0123456789abcdef0', role }], { command: './process "$OBJECT_FILE"' }) */
  public static instances(instances: readonly ProcessorInstance[], options: ProcessorOptions): Processor {
    return new InstancesProcessor(instances, options);
  }

  /** Every running instance with a tag, whoever starts and stops them.
   * @example Processor.tagged({ key: 'role', value: 'worker', role }, { command: './process "$OBJECT_FILE"' }) */
  public static tagged(tag: ProcessorTag, options: ProcessorOptions): Processor {
    return new TaggedProcessor(tag, options);
  }

  /** The instances of an Auto Scaling group. A group of this app is tagged, and its role gets what a command needs.
   * @example Processor.autoScalingGroup(group, { command: './process "$OBJECT_FILE"', slotsPerInstance: 2 }) */
  public static autoScalingGroup(group: IAutoScalingGroup, options: ProcessorOptions): Processor {
    return new AutoScalingGroupProcessor(group, options);
  }

  protected constructor(protected readonly options: ProcessorOptions) {}

  /** Called by the workflow, once, with itself as the scope.
   * @throws Error when the options cannot work */
  public abstract bind(scope: Construct): ProcessorConfig;

  /** The options with their defaults, checked. */
  protected configuration(scope: Construct): Required<Omit<ProcessorOptions, 'queueName'>> {
    const { command, timeout = defaultTimeout, queueTimeout = Duration.hours(12) } = this.options;
    const { slotsPerInstance = 1, maximumTries = 3 } = this.options;
    checkCount(scope, 'slotsPerInstance', slotsPerInstance);
    checkCount(scope, 'maximumTries', maximumTries);
    return { command, timeout, queueTimeout, slotsPerInstance, maximumTries };
  }
}

class InstancesProcessor extends Processor {
  constructor(
    private readonly instanceList: readonly ProcessorInstance[],
    options: ProcessorOptions,
  ) {
    super(options);
  }

  public bind(scope: Construct): ProcessorConfig {
    if (this.instanceList.length === 0) {
      throw misuse({
        what: 'A processor has no instances',
        where: scope.node.path,
        got: '[]',
        allowed: 'at least one instance',
        fix: 'name one, or use Processor.tagged or Processor.autoScalingGroup for instances that come and go',
      });
    }
    const configuration = this.configuration(scope);
    const instanceIds = this.instanceList.map((instance) => instance.instanceId);
    return {
      ...configuration,
      fleet: {
        kind: 'instances',
        id: this.options.queueName ?? Names.uniqueId(scope),
        instanceIds,
        slotsPerInstance: configuration.slotsPerInstance,
      },
      instances: { arns: instanceIds.map((instanceId) => instanceArn(scope, instanceId)) },
      grantees: distinct(this.instanceList.map((instance) => instance.role)),
    };
  }
}

class TaggedProcessor extends Processor {
  constructor(
    private readonly tag: ProcessorTag,
    options: ProcessorOptions,
  ) {
    super(options);
  }

  public bind(scope: Construct): ProcessorConfig {
    const configuration = this.configuration(scope);
    const { key, value, role } = this.tag;
    return {
      ...configuration,
      fleet: {
        kind: 'tag',
        id: this.options.queueName ?? `${key}=${value}`,
        key,
        value,
        slotsPerInstance: configuration.slotsPerInstance,
      },
      instances: { arns: [instanceArn(scope, '*')], tag: { key, value } },
      grantees: distinct([role]),
    };
  }
}

class AutoScalingGroupProcessor extends Processor {
  constructor(
    private readonly group: IAutoScalingGroup,
    options: ProcessorOptions,
  ) {
    super(options);
  }

  public bind(scope: Construct): ProcessorConfig {
    const configuration = this.configuration(scope);
    const { group } = this;
    const id = this.options.queueName ?? Names.uniqueId(group);
    const owned = group instanceof AutoScalingGroup;
    const tag = owned
      ? { key: fleetTagKey, value: Names.uniqueResourceName(group, { maxLength: 200 }) }
      : { key: 'aws:autoscaling:groupName', value: group.autoScalingGroupName };
    if (owned) Tags.of(group).add(tag.key, tag.value);
    return {
      ...configuration,
      fleet: {
        kind: 'autoScalingGroup',
        id,
        groupName: group.autoScalingGroupName,
        slotsPerInstance: configuration.slotsPerInstance,
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

/** Gives a role the part of Systems Manager that the agent needs. Adding it again changes nothing. */
export function grantSystemsManager(role: IRole): void {
  role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore'));
}

function instanceArn(scope: Construct, instanceId: string): string {
  return Stack.of(scope).formatArn({ service: 'ec2', resource: 'instance', resourceName: instanceId });
}

function distinct(roles: readonly (IRole | undefined)[]): IRole[] {
  return [...new Set(roles.filter((role) => role !== undefined))];
}

function checkCount(scope: Construct, name: string, count: number): void {
  if (Token.isUnresolved(count) || (Number.isInteger(count) && count >= 1)) return;
  throw misuse({
    what: `A processor's ${name} is not a count`,
    where: scope.node.path,
    got: String(count),
    allowed: 'a whole number from 1',
    fix: 'leave it out, or choose how many',
  });
}
