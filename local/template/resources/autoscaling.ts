/** Auto Scaling groups of a template, with the instances they begin with. */
import type { AutoScalingService, LifecycleHook, ScalingPolicy } from '../../services/autoscaling';
import type { Ec2Service, LaunchRequest } from '../../services/ec2';
import { UnsupportedError } from '../../services/service';
import type { ResourceHandlers, ResourceRequest } from '../resource';
import { readTags, templateName, type TemplateReference } from './ec2';

/** Handlers for Auto Scaling groups, their hooks and step scaling policies. Other policies and schedules are accepted, and do nothing. */
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
        hooks: ((properties['LifecycleHookSpecificationList'] ?? []) as readonly Properties[]).map((hook) =>
          readHook(hook, String(hook['LifecycleHookName'])),
        ),
        protectNewInstances: String(properties['NewInstancesProtectedFromScaleIn']) === 'true',
      });
      return { ref: group.name, attributes: { AutoScalingGroupARN: group.arn } };
    },
    'AWS::AutoScaling::LifecycleHook': (request) => {
      const { properties } = request;
      const hook = readHook(properties, (properties['LifecycleHookName'] as string) ?? request.generateName(255));
      autoScaling.putLifecycleHook(String(properties['AutoScalingGroupName']), hook);
      return { ref: hook.name, attributes: {} };
    },
    'AWS::AutoScaling::ScalingPolicy': (request) => {
      const { properties } = request;
      const name = request.generateName(255);
      if (properties['PolicyType'] !== 'StepScaling') return { ref: name, attributes: { PolicyName: name } };
      const ref = autoScaling.putScalingPolicy(name, readStepPolicy(properties));
      return { ref, attributes: { Arn: ref, PolicyName: name } };
    },
  };
}

type Properties = Readonly<Record<string, unknown>>;

/** An hour is the service's own default, and so is ABANDON. */
function readHook(properties: Properties, name: string): LifecycleHook {
  return {
    name,
    transition: properties['LifecycleTransition'] as LifecycleHook['transition'],
    heartbeatTimeoutSeconds: Number(properties['HeartbeatTimeout'] ?? 3600),
    defaultResult: (properties['DefaultResult'] ?? 'ABANDON') as LifecycleHook['defaultResult'],
    notificationMetadata: properties['NotificationMetadata'] as string | undefined,
  };
}

function readStepPolicy(properties: Properties): Omit<ScalingPolicy, 'arn'> {
  const steps = (properties['StepAdjustments'] ?? []) as readonly Properties[];
  return {
    groupName: String(properties['AutoScalingGroupName']),
    adjustmentType: properties['AdjustmentType'] as ScalingPolicy['adjustmentType'],
    steps: steps.map((step) => ({
      lower: Number(step['MetricIntervalLowerBound'] ?? -Infinity),
      upper: Number(step['MetricIntervalUpperBound'] ?? Infinity),
      adjustment: Number(step['ScalingAdjustment']),
    })),
    instanceWarmupSeconds: Number(properties['EstimatedInstanceWarmup'] ?? 300),
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
