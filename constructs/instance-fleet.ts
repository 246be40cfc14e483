/** The construct `InstanceFleet`: EC2 instances that process objects, as many as there is work. */
import { Duration, Size, Tags } from 'aws-cdk-lib';
import {
  AutoScalingGroup,
  DefaultResult,
  LifecycleTransition,
  type IAutoScalingGroup,
  type LifecycleHook,
} from 'aws-cdk-lib/aws-autoscaling';
import {
  AmazonLinuxCpuType,
  BlockDeviceVolume,
  Connections,
  EbsDeviceVolumeType,
  InstanceArchitecture,
  InstanceType,
  LaunchTemplate,
  LaunchTemplateHttpTokens,
  MachineImage,
  UserData,
  type IConnectable,
  type IMachineImage,
  type ISecurityGroup,
  type IVpc,
  type SubnetSelection,
} from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal, type IRole } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import type { Fleet } from '../tasks/operations/settings';
import { dataVolumeDevice, mountDataVolume, type DataVolume } from './data-volume';
import { FleetKeeper, groupArn } from './fleet-keeper';
import {
  GroupedInstances,
  NamedInstances,
  TaggedInstances,
  type FleetConfig,
  type FleetInstance,
  type FleetRequest,
  type FleetTag,
  type FollowedQueue,
  type IInstanceFleet,
} from './fleet-members';
import { createFleetNetwork, createFleetSecurityGroup } from './fleet-network';
import { FleetScaling } from './fleet-scaling';
import { explainFindings } from './known-findings';
import { misuse } from './misuse';

/** How a fleet differs from the defaults. */
export interface InstanceFleetProps {
  /** Network of the instances.
   * @default - a VPC of its own: public subnets in two Availability Zones, no NAT gateway, a free gateway endpoint to S3 */
  readonly vpc?: IVpc;
  /** Which of its subnets. They need a way out to Systems Manager: a public address, a NAT gateway, or interface endpoints.
   * @default - the public subnets of the VPC that the fleet makes; the private ones of a given VPC */
  readonly vpcSubnets?: SubnetSelection;
  /** @default - t4g.small: two ARM cores, 2 GiB */
  readonly instanceType?: InstanceType;
  /** What the instances start from: Amazon Linux 2023, or an image made from it. For the image that the snapshot step
   * publishes use `MachineImage.resolveSsmParameterAtLaunch(parameterName)`, once a first image is published.
   * @default - the newest Amazon Linux 2023 for the instance type's processor */
  readonly machineImage?: IMachineImage;
  /** Fewest instances. With 0 nothing runs while there is no work, and the first object waits a few minutes for its instance.
   * @default 0 */
  readonly minCapacity?: number;
  /** Most instances.
   * @default 4, or as many as `minCapacity` if that is more */
  readonly maxCapacity?: number;
  /** How long an instance has had no work, and no image of it was to come, before it is ended.
   * @default Duration.minutes(10) */
  readonly idleTime?: Duration;
  /** Size of the encrypted root volume, which also holds what a command downloads and writes.
   * @default Size.gibibytes(20) */
  readonly rootVolumeSize?: Size;
  /** A second encrypted volume, for logs and sessions.
   * @default - none */
  readonly dataVolume?: DataVolume;
  /** What may reach the instances, and what they may reach.
   * @default - a security group of its own: nothing in, HTTPS out. `connections` adds to it */
  readonly securityGroup?: ISecurityGroup;
  /** Role in the instances' profile.
   * @default - a role of its own, which workflows grant what their commands need */
  readonly role?: IRole;
  /** Bash lines that run as root when an instance starts for the first time, after the data volume is mounted.
   * @default - none */
  readonly userDataCommands?: readonly string[];
}

/** An Auto Scaling group of instances that process objects: instances are added while objects wait, and ended when they have
 * had no work for a while. One that works is protected, and so is one that is to be imaged after its work; if it has to go all the
 * same it ends that first. They have an encrypted root volume, answer only IMDSv2 (from the instance itself, not from
 * containers on it), have no key pair, and nothing can reach them: work comes through Systems Manager.
 *
 * Prices (us-east-1, on demand, a month of 730 hours): an instance t4g.small $12.26, its public address $3.65, 20 GiB gp3
 * $1.60. A NAT gateway instead of public addresses is $32.85 for each zone and $0.045/GB; interface endpoints for Systems
 * Manager and CloudWatch Logs are about $58 in two zones. Hence the default: public subnets with no way in.
 * @example
 * ```ts
 * new InstanceFleet(stack, 'Workers', { maxCapacity: 8 });
 * ``` */
export class InstanceFleet extends Construct implements IInstanceFleet, IConnectable {
  /** Existing instances, by their ids.
   * @example InstanceFleet.fromInstances({ instanceId: 'i-0123456789abcdef0', role }) */
  public static fromInstances(...instances: readonly FleetInstance[]): IInstanceFleet {
    return new NamedInstances(instances);
  }

  /** Every running instance with a tag, whoever starts and stops them.
   * @example InstanceFleet.fromTag({ key: 'role', value: 'worker', role }) */
  public static fromTag(tag: FleetTag): IInstanceFleet {
    return new TaggedInstances(tag);
  }

  /** The instances of an Auto Scaling group. A group of this app is tagged, and its role gets what a command needs.
   * How many there are stays the group's own affair: an instance that it ends before it is imaged fails the executions that
   * wait for the image. Where a group shrinks by itself, take an `InstanceFleet`, or `SnapshotPolicy.never()`. */
  public static fromAutoScalingGroup(group: IAutoScalingGroup): IInstanceFleet {
    return new GroupedInstances(group);
  }

  public readonly vpc: IVpc;
  public readonly group: AutoScalingGroup;
  public readonly launchTemplate: LaunchTemplate;
  /** Holds an instance that its group wants to end until its work is done. */
  public readonly drain: LifecycleHook;
  /** Role in the instances' profile. */
  public readonly role: IRole;
  public readonly securityGroup: ISecurityGroup;
  /** What may reach the instances, a load balancer for one. */
  public readonly connections: Connections;

  /** Looks after the fleet once a workflow uses it. */
  public get keeper(): FleetKeeper | undefined {
    return this.followed?.keeper;
  }

  private readonly members: GroupedInstances;
  private readonly idleTime: Duration;
  private followed: (FollowedQueue & { readonly keeper: FleetKeeper }) | undefined;

  /** @throws Error when the capacities or the data volume cannot work */
  constructor(scope: Construct, id: string, props: InstanceFleetProps = {}) {
    super(scope, id);
    explainFindings(this);
    const { minCapacity = 0, maxCapacity = Math.max(4, minCapacity) } = props;
    checkCapacity(this, minCapacity, maxCapacity);
    this.vpc = props.vpc ?? createFleetNetwork(this, 'Network');
    this.securityGroup = props.securityGroup ?? createFleetSecurityGroup(this, 'SecurityGroup', this.vpc);
    this.connections = new Connections({ securityGroups: [this.securityGroup] });
    this.role = props.role ?? new Role(this, 'Role', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    this.launchTemplate = this.createLaunchTemplate(props);
    this.group = new AutoScalingGroup(this, 'Group', {
      vpc: this.vpc,
      vpcSubnets: props.vpcSubnets,
      launchTemplate: this.launchTemplate,
      minCapacity,
      maxCapacity,
    });
    Tags.of(this.group).add('Name', this.node.path);
    this.drain = this.group.addLifecycleHook('Drain', {
      lifecycleTransition: LifecycleTransition.INSTANCE_TERMINATING,
      // The keeper asks for more time every minute, as long as there is work: up to 48 hours, as long as a command may take.
      heartbeatTimeout: Duration.minutes(30),
      defaultResult: DefaultResult.CONTINUE,
    });
    this.idleTime = props.idleTime ?? Duration.minutes(10);
    this.members = new GroupedInstances(this.group);
  }

  /** Called by a workflow, once. */
  public bind(scope: Construct, request: FleetRequest): FleetConfig {
    const config = this.members.bind(scope, request);
    const groupName = this.group.autoScalingGroupName;
    const { slotsPerInstance } = request;
    const fleet: Fleet = {
      ...{ kind: 'autoScalingGroup', id: config.fleet.id },
      ...{ groupName, slotsPerInstance, protectsBusy: true },
    };
    return {
      ...config,
      fleet,
      instances: { ...config.instances, protectedGroupArn: groupArn(this, groupName) },
      follow: (queue) => this.follow(fleet, queue),
    };
  }

  /** Workflows that share a fleet share its queue, which is in one ledger. */
  private follow(fleet: Fleet, queue: FollowedQueue): FleetKeeper {
    const { followed } = this;
    if (followed === undefined) return this.create(fleet, queue);
    if (followed.ledger === queue.ledger && followed.slotsPerInstance === queue.slotsPerInstance)
      return followed.keeper;
    throw misuse({
      what: 'Two workflows share a fleet, but not its queue',
      where: this.node.path,
      got: `ledgers ${followed.ledger.node.path} and ${queue.ledger.node.path}, slotsPerInstance ${followed.slotsPerInstance} and ${queue.slotsPerInstance}`,
      allowed: 'one ledger and one number of slots for all workflows of a fleet',
      fix: 'give both workflows the same `ledger` and slotsPerInstance, or each a fleet of its own',
    });
  }

  private create(fleet: Fleet, queue: FollowedQueue): FleetKeeper {
    const keeper = new FleetKeeper(this, 'Keeper', {
      ledger: queue.ledger,
      fleet,
      hookName: this.drain.lifecycleHookName,
    });
    this.followed = { ...queue, keeper };
    new FleetScaling(this, 'Scaling', {
      group: this.group,
      keeper,
      slotsPerInstance: queue.slotsPerInstance,
      idleTime: this.idleTime,
    });
    return keeper;
  }

  private createLaunchTemplate(props: InstanceFleetProps): LaunchTemplate {
    const { instanceType = new InstanceType('t4g.small'), rootVolumeSize = Size.gibibytes(20), dataVolume } = props;
    const userData = UserData.forLinux();
    userData.addCommands(
      'set -euo pipefail',
      ...(dataVolume ? mountDataVolume(this, dataVolume) : []),
      ...(props.userDataCommands ?? []),
    );
    return new LaunchTemplate(this, 'Template', {
      machineImage: props.machineImage ?? MachineImage.latestAmazonLinux2023({ cpuType: cpuType(instanceType) }),
      instanceType,
      securityGroup: this.securityGroup,
      role: this.role,
      userData,
      requireImdsv2: true,
      httpTokens: LaunchTemplateHttpTokens.REQUIRED,
      httpPutResponseHopLimit: 1,
      blockDevices: [
        {
          deviceName: '/dev/xvda',
          volume: BlockDeviceVolume.ebs(rootVolumeSize.toGibibytes(), {
            encrypted: true,
            volumeType: EbsDeviceVolumeType.GP3,
          }),
        },
        ...(dataVolume ? [dataVolumeDevice(this, dataVolume)] : []),
      ],
    });
  }
}

function cpuType(instanceType: InstanceType): AmazonLinuxCpuType {
  return instanceType.architecture === InstanceArchitecture.ARM_64
    ? AmazonLinuxCpuType.ARM_64
    : AmazonLinuxCpuType.X86_64;
}

function checkCapacity(scope: Construct, minCapacity: number, maxCapacity: number): void {
  const isCount = (count: number) => Number.isInteger(count) && count >= 0;
  if (isCount(minCapacity) && isCount(maxCapacity) && maxCapacity >= Math.max(1, minCapacity)) return;
  throw misuse({
    what: 'A fleet has no sensible number of instances',
    where: scope.node.path,
    got: `minCapacity ${minCapacity}, maxCapacity ${maxCapacity}`,
    allowed: 'whole numbers: minCapacity from 0, maxCapacity from 1 and not below minCapacity',
    fix: 'choose how many instances there may be',
  });
}
