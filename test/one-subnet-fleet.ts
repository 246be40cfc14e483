/** The smallest Auto Scaling group that a workflow can process on, for tests that are about something else. */
import { AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import { InstanceType, MachineImage, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { Construct } from 'constructs';

/** Lets CDK give the group a launch template, as new apps do. */
export const launchTemplateContext = { '@aws-cdk/aws-autoscaling:generateLaunchTemplateInsteadOfLaunchConfig': true };

/** Makes the group `Fleet` in one public subnet of the network `Vpc`. */
export function oneSubnetFleet(
  scope: Construct,
  capacity: {
    readonly minCapacity: number;
    readonly desiredCapacity?: number;
    readonly maxCapacity: number;
    /** Makes them Spot Instances. @default - they are on demand */
    readonly spotPrice?: string;
  },
): AutoScalingGroup {
  const vpc = new Vpc(scope, 'Vpc', {
    maxAzs: 1,
    natGateways: 0,
    subnetConfiguration: [{ name: 'public', subnetType: SubnetType.PUBLIC }],
  });
  return new AutoScalingGroup(scope, 'Fleet', {
    vpc,
    instanceType: new InstanceType('t4g.small'),
    machineImage: MachineImage.latestAmazonLinux2023(),
    ...capacity,
    requireImdsv2: true,
  });
}
