/** Auto Scaling groups of a template, with the instances they begin with. */
import type { AutoScalingService } from '../../services/autoscaling';
import type { Ec2Service, LaunchRequest } from '../../services/ec2';
import { UnsupportedError } from '../../services/service';
import type { ResourceHandlers, ResourceRequest } from '../resource';
import { readTags, templateName, type TemplateReference } from './ec2';

/** Handlers for Auto Scaling groups. Scaling policies and schedules are accepted, and do nothing. */
export function autoScalingResources(autoScaling: AutoScalingService, ec2: Ec2Service): ResourceHandlers {
  return {
    'AWS::AutoScaling::AutoScalingGroup': (request) => {
      const { properties } = request;
      const name = (properties['AutoScalingGroupName'] as string | undefined) ?? request.generateName(255);
      const minimumSize = Number(properties['MinSize']);
      const subnets = (properties['VPCZoneIdentifier'] ?? []) as readonly string[];
      const group = autoScaling.createGroup({
        name,
        launch: launchOf(request, ec2),
        minimumSize,
        maximumSize: Number(properties['MaxSize']),
        desiredCapacity: Number(properties['DesiredCapacity'] ?? minimumSize),
        subnetIds: subnets,
        propagatedTags: readTags(properties['Tags'], true),
        protectNewInstances: String(properties['NewInstancesProtectedFromScaleIn']) === 'true',
      });
      return { ref: group.name, attributes: { AutoScalingGroupARN: group.arn } };
    },
    'AWS::AutoScaling::LifecycleHook': (request) => {
      throw new UnsupportedError(
        'a lifecycle hook',
        `resource ${request.logicalId}`,
        'leave it out of what runs locally',
      );
    },
  };
}

function launchOf(request: ResourceRequest, ec2: Ec2Service): LaunchRequest {
  const { properties } = request;
  const mixed = properties['MixedInstancesPolicy'] as
    { LaunchTemplate?: { LaunchTemplateSpecification?: TemplateReference } } | undefined;
  const reference =
    (properties['LaunchTemplate'] as TemplateReference | undefined) ??
    mixed?.LaunchTemplate?.LaunchTemplateSpecification;
  if (reference !== undefined) return ec2.instances.launchTemplate(templateName(reference)).request;
  throw new UnsupportedError(
    'a group without launch template',
    `resource ${request.logicalId}`,
    'give the group a launch template; launch configurations are deprecated',
  );
}
