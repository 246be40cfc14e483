/** The instances of the simulated EC2: how they start, stop, reboot and end, and what Describe operations say of them. */
import {
  checkEc2Parameters,
  checkId,
  ec2Page,
  type Ec2Options,
  filterResources,
  type FilterValues,
  type Input,
  type Instance,
  type InstanceState,
  readIds,
  specifiedTags,
  tagList,
} from './ec2-model';
import { endSpotRequest, markForInterruption, newSpotRequest, spotWarningMs } from './ec2-spot';
import { ServiceError, UnsupportedError, type ServiceOutput } from './service';

/** What is asked of a new instance. */
export interface LaunchRequest {
  readonly instanceId?: string;
  readonly imageId?: string;
  readonly instanceType?: string;
  readonly availabilityZone?: string;
  readonly subnetId?: string;
  readonly instanceProfile?: string;
  readonly tags?: ReadonlyMap<string, string>;
  /** Extra EBS volumes beside the root volume. @default 0 */
  readonly extraVolumeCount?: number;
  /** A Spot Instance of a one-time request, which EC2 terminates when it takes it back. @default false */
  readonly isSpot?: boolean;
  /** True: the instance is there already, as the instances of a deployed template are. */
  readonly alreadyRunning?: boolean;
}

/** What happens to an instance; `rebooting` is followed by `rebooted` while its state stays `running`. */
export type InstanceChange = InstanceState | 'rebooting' | 'rebooted';

/** A launch template as the launch of an instance reads it. */
export interface LaunchTemplate {
  readonly launchTemplateId: string;
  readonly name: string;
  /** Of the newest version. */
  readonly request: LaunchRequest;
  /** Of the versions before, the oldest first. Nothing is launched from them here; they only name images. @default - none */
  readonly earlier?: readonly LaunchRequest[];
}

interface TemplateSpecification {
  readonly LaunchTemplateId?: string;
  readonly LaunchTemplateName?: string;
  readonly Version?: string;
}

const stateCodes: Readonly<Record<InstanceState, number>> = {
  pending: 0,
  running: 16,
  'shutting-down': 32,
  terminated: 48,
  stopping: 64,
  stopped: 80,
};

const filters: FilterValues<Instance> = {
  'instance-id': (instance) => [instance.instanceId],
  'instance-state-name': (instance) => [instance.state],
  'instance-type': (instance) => [instance.instanceType],
  'image-id': (instance) => [instance.imageId],
  'subnet-id': (instance) => (instance.subnetId === undefined ? [] : [instance.subnetId]),
  'availability-zone': (instance) => [instance.availabilityZone],
  'iam-instance-profile.arn': (instance) => (instance.instanceProfile === undefined ? [] : [instance.instanceProfile]),
};

/** All instances, those that were terminated included. */
export class Ec2Instances {
  readonly all = new Map<string, Instance>();
  readonly launchTemplates = new Map<string, LaunchTemplate>();
  private readonly listeners: ((instance: Instance, change: InstanceChange) => void)[] = [];
  private readonly launchesByToken = new Map<string, { readonly asked: string; readonly instanceIds: string[] }>();
  private readonly launchAnswers: ((request: LaunchRequest) => ServiceError | undefined)[] = [];
  private readonly launchDurationMs: number;
  private readonly stopDurationMs: number;
  private readonly visibilityDelayMs: number;

  constructor(private readonly options: Ec2Options) {
    this.launchDurationMs = options.launchDurationMs ?? 20_000;
    this.stopDurationMs = options.stopDurationMs ?? 30_000;
    this.visibilityDelayMs = options.visibilityDelayMs ?? 1_000;
  }

  /** Calls the listener for every change of every instance, in the order of subscription. */
  onChange(listener: (instance: Instance, change: InstanceChange) => void): void {
    this.listeners.push(listener);
  }

  /** Lets a function refuse launches that are asked for with RunInstances. The one added last is asked first.
   * @example
   * ec2.instances.answerLaunch(({ subnetId }) => subnetId === 'subnet-a' ? new ServiceError('InsufficientInstanceCapacity', '…', 500) : undefined) */
  answerLaunch(answer: (request: LaunchRequest) => ServiceError | undefined): void {
    this.launchAnswers.unshift(answer);
  }

  launch(request: LaunchRequest): Instance {
    const { random, clock, region } = this.options;
    const instance: Instance = {
      instanceId: request.instanceId ?? `i-${random.hex(17)}`,
      imageId: this.imageFor(request),
      instanceType: request.instanceType ?? 'm7g.large',
      launchedAtMs: clock.nowMs(),
      availabilityZone: request.availabilityZone ?? `${region}a`,
      subnetId: request.subnetId,
      privateIpAddress: `10.0.${this.all.size >> 8}.${(this.all.size & 255) + 4}`,
      instanceProfile: request.instanceProfile,
      volumeIds: Array.from({ length: 1 + (request.extraVolumeCount ?? 0) }, () => `vol-${random.hex(17)}`),
      tags: new Map(request.tags),
      spotRequest: request.isSpot === true ? newSpotRequest(this.options) : undefined,
      state: 'pending',
    };
    this.all.set(instance.instanceId, instance);
    if (request.alreadyRunning === true) this.changeState(instance, 'running');
    else this.begin(instance);
    return instance;
  }

  /** A launch reads the parameter that names its image: every one anew.
   * @see https://docs.aws.amazon.com/autoscaling/ec2/userguide/using-systems-manager-parameters.html (read 2026-11) */
  private imageFor({ imageId = `ami-${this.options.random.hex(17)}` }: LaunchRequest): string {
    const name = /^resolve:ssm:([^:]+)$/.exec(imageId)?.[1];
    if (name === undefined) return imageId;
    const found = this.options.readParameter?.(name);
    if (found !== undefined) return found;
    throw new ServiceError('InvalidParameterValue', `The SSM parameter ${name} that names the image does not exist`);
  }

  stop(instance: Instance): void {
    if (instance.state !== 'running' && instance.state !== 'pending') return;
    this.changeState(instance, 'stopping');
    this.after(this.stopDurationMs, instance, 'stopping', 'stopped');
  }

  start(instance: Instance): void {
    if (instance.state === 'stopped') this.begin(instance);
  }

  terminate(instance: Instance): void {
    if (instance.state === 'terminated' || instance.state === 'shutting-down') return;
    endSpotRequest(instance, this.options.clock.nowMs());
    this.changeState(instance, 'shutting-down');
    this.after(this.stopDurationMs, instance, 'shutting-down', 'terminated');
  }

  /** Takes a Spot Instance back: EC2 warns of it, and terminates the instance two minutes later. */
  interruptSpot(instance: Instance): void {
    markForInterruption(instance, this.options);
    this.options.clock.schedule(spotWarningMs, () => this.terminate(instance));
  }

  /** Restarts the operating system: everything that runs on the instance ends without a word. */
  reboot(instance: Instance): void {
    if (instance.state !== 'running') return;
    this.notify(instance, 'rebooting');
    this.options.clock.schedule(this.stopDurationMs, () => {
      if (instance.state === 'running') this.notify(instance, 'rebooted');
    });
  }

  /** @throws ServiceError `InvalidInstanceID.Malformed`, `InvalidInstanceID.NotFound` */
  get(instanceId: string): Instance {
    checkId(instanceId, 'i', 'InvalidInstanceID');
    const instance = this.all.get(instanceId);
    if (instance !== undefined) return instance;
    throw new ServiceError('InvalidInstanceID.NotFound', `The instance ID '${instanceId}' does not exist`);
  }

  /** @throws ServiceError `InvalidLaunchTemplateId.NotFound` */
  launchTemplate(idOrName: string): LaunchTemplate {
    const template =
      this.launchTemplates.get(idOrName) ?? [...this.launchTemplates.values()].find(({ name }) => name === idOrName);
    if (template !== undefined) return template;
    throw new ServiceError(
      'InvalidLaunchTemplateId.NotFound',
      `The specified launch template, with template ID ${idOrName}, does not exist.`,
    );
  }

  /** Only what the account's templates have in common is told: their latest and default versions, which are one here. */
  describeLaunchTemplateVersions(input: Input): ServiceOutput {
    checkEc2Parameters('DescribeLaunchTemplateVersions', input, {
      required: ['Versions'],
      optional: ['Filters', 'MaxResults', 'NextToken'],
    });
    const versions = input['Versions'] as readonly string[];
    const number = versions.find((version) => version !== '$Latest' && version !== '$Default');
    if (number !== undefined) {
      throw new UnsupportedError(
        `version ${number} in DescribeLaunchTemplateVersions`,
        'the simulated EC2',
        'ask for $Latest and $Default',
      );
    }
    const templates = [...this.launchTemplates.values()].map((template) => ({ ...template, tags: new Map() }));
    const found = filterResources('DescribeLaunchTemplateVersions', templates, input, {
      'image-id': ({ request }) => (request.imageId === undefined ? [] : [request.imageId]),
    });
    const { items, nextToken } = ec2Page(found, input);
    return {
      LaunchTemplateVersions: items.map(({ launchTemplateId, name, request }) => ({
        LaunchTemplateId: launchTemplateId,
        LaunchTemplateName: name,
        VersionNumber: 1,
        DefaultVersion: true,
        LaunchTemplateData: { ImageId: request.imageId },
      })),
      NextToken: nextToken,
    };
  }

  runInstances(input: Input): ServiceOutput {
    checkEc2Parameters('RunInstances', input, {
      required: ['MinCount', 'MaxCount'],
      optional: [
        'ImageId',
        'InstanceType',
        'LaunchTemplate',
        'IamInstanceProfile',
        'SubnetId',
        'TagSpecifications',
        'ClientToken',
        'SecurityGroupIds',
        'UserData',
        'MetadataOptions',
        'InstanceInitiatedShutdownBehavior',
      ],
    });
    const tagsOf = specifiedTags(input, ['instance', 'volume', 'network-interface']);
    const token = input['ClientToken'] as string | undefined;
    const asked = JSON.stringify(input);
    const earlier = token === undefined ? undefined : this.launchesByToken.get(token);
    if (earlier !== undefined) {
      if (earlier.asked === asked) return this.reservation(earlier.instanceIds.map((id) => this.get(id)));
      throw new ServiceError(
        'IdempotentParameterMismatch',
        'Arguments on this idempotent request are inconsistent with arguments used in previous request(s).',
      );
    }
    const base = this.requestOfTemplate(input['LaunchTemplate'] as TemplateSpecification | undefined);
    const imageId = (input['ImageId'] as string | undefined) ?? base.imageId;
    if (imageId === undefined)
      throw new ServiceError('MissingParameter', 'The request must contain the parameter ImageId');
    const profile = input['IamInstanceProfile'] as { Arn?: string; Name?: string } | undefined;
    const given = {
      imageId,
      instanceType: input['InstanceType'] as string | undefined,
      subnetId: input['SubnetId'] as string | undefined,
      instanceProfile: profile?.Arn ?? profile?.Name,
    };
    const request: LaunchRequest = {
      ...base,
      ...(Object.fromEntries(
        Object.entries(given).filter(([, value]) => value !== undefined),
      ) as Partial<LaunchRequest>),
      tags: new Map([...(base.tags ?? []), ...tagsOf('instance')]),
    };
    for (const answer of this.launchAnswers) {
      const refusal = answer(request);
      if (refusal !== undefined) throw refusal;
    }
    const instances = Array.from({ length: input['MaxCount'] as number }, () => this.launch(request));
    const instanceIds = instances.map(({ instanceId }) => instanceId);
    if (token !== undefined) this.launchesByToken.set(token, { asked, instanceIds });
    return this.reservation(instances);
  }

  private reservation(instances: readonly Instance[]): ServiceOutput {
    return {
      ReservationId: `r-${this.options.random.hex(17)}`,
      OwnerId: this.options.accountId,
      Instances: instances.map((instance) => this.describe(instance)),
    };
  }

  describeInstances(input: Input): ServiceOutput {
    checkEc2Parameters('DescribeInstances', input, { optional: ['InstanceIds', 'Filters', 'MaxResults', 'NextToken'] });
    const { items, nextToken } = ec2Page(this.select('DescribeInstances', input), input);
    return {
      Reservations: items.map((instance) => ({
        ReservationId: `r-${instance.instanceId.slice(2)}`,
        OwnerId: this.options.accountId,
        Groups: [],
        Instances: [this.describe(instance)],
      })),
      NextToken: nextToken,
    };
  }

  describeInstanceStatus(input: Input): ServiceOutput {
    checkEc2Parameters('DescribeInstanceStatus', input, {
      optional: ['InstanceIds', 'Filters', 'MaxResults', 'NextToken', 'IncludeAllInstances'],
    });
    const selected = this.select('DescribeInstanceStatus', input);
    const listed =
      input['IncludeAllInstances'] === true ? selected : selected.filter(({ state }) => state === 'running');
    const { items, nextToken } = ec2Page(listed, input);
    return {
      InstanceStatuses: items.map((instance) => {
        const status = { Status: instance.state === 'running' ? 'ok' : 'not-applicable', Details: [] };
        return {
          InstanceId: instance.instanceId,
          AvailabilityZone: instance.availabilityZone,
          InstanceState: { Code: stateCodes[instance.state], Name: instance.state },
          InstanceStatus: status,
          SystemStatus: status,
        };
      }),
      NextToken: nextToken,
    };
  }

  /** StartInstances, StopInstances, TerminateInstances and RebootInstances: all or none of the named instances. */
  changeInstances(
    operation: string,
    input: Input,
    act: (instance: Instance) => void,
  ): { InstanceId: string; PreviousState: object; CurrentState: object }[] {
    checkEc2Parameters(operation, input, { required: ['InstanceIds'] });
    const instances = readIds(input, 'InstanceIds', 'i', 'InvalidInstanceID').map((id) => this.get(id));
    return instances.map((instance) => {
      const before = { Code: stateCodes[instance.state], Name: instance.state };
      act(instance);
      return {
        InstanceId: instance.instanceId,
        PreviousState: before,
        CurrentState: { Code: stateCodes[instance.state], Name: instance.state },
      };
    });
  }

  /** A template has one version here: the first, the default and the latest. */
  private requestOfTemplate(template: TemplateSpecification | undefined): LaunchRequest {
    if (template === undefined) return {};
    const { LaunchTemplateId, LaunchTemplateName, Version = '$Default' } = template;
    const { launchTemplateId, request } = this.launchTemplate(LaunchTemplateId ?? LaunchTemplateName ?? '');
    if (['1', '$Latest', '$Default'].includes(Version)) return request;
    throw new ServiceError(
      'InvalidLaunchTemplateId.VersionNotFound',
      `Could not find the specified version ${Version} for the launch template with ID ${launchTemplateId}.`,
    );
  }

  private select(operation: string, input: Input): Instance[] {
    const ids = readIds(input, 'InstanceIds', 'i', 'InvalidInstanceID');
    const nowMs = this.options.clock.nowMs();
    const visible = (instance: Instance): boolean =>
      instance.state !== 'pending' || nowMs >= instance.launchedAtMs + this.visibilityDelayMs;
    const missing = ids.find((id) => !this.all.has(id) || !visible(this.get(id)));
    if (missing !== undefined)
      throw new ServiceError('InvalidInstanceID.NotFound', `The instance ID '${missing}' does not exist`);
    const candidates = (ids.length > 0 ? ids.map((id) => this.get(id)) : [...this.all.values()]).filter(visible);
    return filterResources(operation, candidates, input, filters);
  }

  private describe(instance: Instance): Record<string, unknown> {
    return {
      InstanceId: instance.instanceId,
      ImageId: instance.imageId,
      InstanceType: instance.instanceType,
      LaunchTime: new Date(instance.launchedAtMs),
      State: { Code: stateCodes[instance.state], Name: instance.state },
      Placement: { AvailabilityZone: instance.availabilityZone },
      PrivateIpAddress: instance.privateIpAddress,
      SubnetId: instance.subnetId,
      ...(instance.spotRequest !== undefined && {
        InstanceLifecycle: 'spot',
        SpotInstanceRequestId: instance.spotRequest.spotInstanceRequestId,
      }),
      ...(instance.instanceProfile === undefined ? {} : { IamInstanceProfile: { Arn: instance.instanceProfile } }),
      RootDeviceName: '/dev/xvda',
      RootDeviceType: 'ebs',
      BlockDeviceMappings: instance.volumeIds.map((volumeId, index) => ({
        DeviceName: index === 0 ? '/dev/xvda' : `/dev/sd${String.fromCharCode('e'.charCodeAt(0) + index)}`,
        Ebs: {
          VolumeId: volumeId,
          Status: 'attached',
          DeleteOnTermination: true,
          AttachTime: new Date(instance.launchedAtMs),
        },
      })),
      Tags: tagList(instance.tags),
    };
  }

  private begin(instance: Instance): void {
    this.changeState(instance, 'pending');
    this.after(this.launchDurationMs, instance, 'pending', 'running');
  }

  private after(delayMs: number, instance: Instance, from: InstanceState, to: InstanceState): void {
    this.options.clock.schedule(delayMs, () => {
      if (instance.state === from) this.changeState(instance, to);
    });
  }

  private changeState(instance: Instance, state: InstanceState): void {
    instance.state = state;
    this.options.emit({
      source: 'aws.ec2',
      detailType: 'EC2 Instance State-change Notification',
      resources: [`arn:aws:ec2:${this.options.region}:${this.options.accountId}:instance/${instance.instanceId}`],
      detail: { 'instance-id': instance.instanceId, state },
    });
    this.notify(instance, state);
  }

  private notify(instance: Instance, change: InstanceChange): void {
    for (const listener of this.listeners) listener(instance, change);
  }
}
