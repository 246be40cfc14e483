/** EC2 resources of a template that are more than an id: instances and launch templates. Networks are in inert.ts. */
import type { Ec2Service, Instance, LaunchRequest } from '../../services/ec2';
import { UnsupportedError } from '../../services/service';
import type { ResourceHandlers, ResourceRequest } from '../resource';

/** Handlers for instances, which run as soon as they are deployed, and launch templates. User data is not run. */
export function ec2Resources(ec2: Ec2Service): ResourceHandlers {
  return {
    'AWS::EC2::Instance': (request) => {
      const { properties } = request;
      const template = properties['LaunchTemplate'] as TemplateReference | undefined;
      const base = template === undefined ? {} : ec2.instances.launchTemplate(templateName(template)).request;
      const instance = ec2.instances.launch({
        ...base,
        ...launchRequest(properties),
        tags: new Map([...(base.tags ?? []), ...readTags(properties['Tags'])]),
        alreadyRunning: true,
      });
      return { ref: instance.instanceId, attributes: instanceAttributes(instance, request) };
    },
    'AWS::EC2::LaunchTemplate': (request) => {
      const { properties } = request;
      const data = (properties['LaunchTemplateData'] ?? {}) as Readonly<Record<string, unknown>>;
      const name = (properties['LaunchTemplateName'] as string | undefined) ?? request.generateName(128);
      const launchTemplateId = `lt-${ec2.newId()}`;
      const specifications = (data['TagSpecifications'] ?? []) as readonly { ResourceType: string; Tags: unknown }[];
      const tags = new Map(
        specifications
          .filter(({ ResourceType }) => ResourceType === 'instance')
          .flatMap(({ Tags }) => [...readTags(Tags)]),
      );
      ec2.instances.launchTemplates.set(launchTemplateId, {
        launchTemplateId,
        name,
        request: { ...launchRequest(data), tags },
      });
      return {
        ref: launchTemplateId,
        attributes: { LaunchTemplateId: launchTemplateId, DefaultVersionNumber: '1', LatestVersionNumber: '1' },
      };
    },
  };
}

/** How other resources name a launch template. */
export interface TemplateReference {
  readonly LaunchTemplateId?: string;
  readonly LaunchTemplateName?: string;
}

/** @returns its id or name, as `Ec2Instances.launchTemplate` takes it */
export function templateName(reference: TemplateReference): string {
  return reference.LaunchTemplateId ?? reference.LaunchTemplateName ?? '';
}

/** Reads CloudFormation's list of tags; those that are not propagated at launch can be left out. */
export function readTags(tags: unknown, onlyPropagated = false): Map<string, string> {
  const list = (tags ?? []) as readonly { Key: string; Value: string; PropagateAtLaunch?: boolean | string }[];
  return new Map(
    list
      .filter(({ PropagateAtLaunch }) => !onlyPropagated || String(PropagateAtLaunch) === 'true')
      .map(({ Key, Value }) => [Key, Value]),
  );
}

/** Instances and launch templates name these things alike. */
function launchRequest(properties: Readonly<Record<string, unknown>>): LaunchRequest {
  const profile = properties['IamInstanceProfile'] as string | { Arn?: string; Name?: string } | undefined;
  const mappings = (properties['BlockDeviceMappings'] ?? []) as readonly unknown[];
  const given = {
    imageId: properties['ImageId'] as string | undefined,
    instanceType: properties['InstanceType'] as string | undefined,
    subnetId: properties['SubnetId'] as string | undefined,
    availabilityZone: properties['AvailabilityZone'] as string | undefined,
    instanceProfile: typeof profile === 'object' ? (profile.Arn ?? profile.Name) : profile,
    extraVolumeCount: Math.max(0, mappings.length - 1),
    isSpot: isSpot(properties['InstanceMarketOptions']),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** @throws UnsupportedError for requests that stay, and for instances that do not end with their interruption */
function isSpot(market: unknown): boolean {
  if (market === undefined) return false;
  const { MarketType, SpotOptions = {} } = market as MarketOptions;
  const { SpotInstanceType = 'one-time', InstanceInterruptionBehavior = 'terminate' } = SpotOptions;
  const got = [MarketType, SpotInstanceType, InstanceInterruptionBehavior].join(', ');
  if (got === 'spot, one-time, terminate') return true;
  throw new UnsupportedError(
    `an instance of the market ${got}`,
    'InstanceMarketOptions',
    'use on-demand instances, or one-time spot requests that end with "terminate", in what runs locally',
  );
}

interface MarketOptions {
  readonly MarketType?: string;
  readonly SpotOptions?: { readonly SpotInstanceType?: string; readonly InstanceInterruptionBehavior?: string };
}

function instanceAttributes(instance: Instance, request: ResourceRequest): Record<string, unknown> {
  const host = `ip-${instance.privateIpAddress.replaceAll('.', '-')}.${request.region}.compute.internal`;
  return {
    InstanceId: instance.instanceId,
    AvailabilityZone: instance.availabilityZone,
    PrivateIp: instance.privateIpAddress,
    PrivateDnsName: host,
    PublicIp: '',
    PublicDnsName: '',
  };
}
