/** The workflow under test: the default one in front of a small fleet, synthesized once. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import { InstanceType, MachineImage, SubnetType, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ObjectStore, ObjectWorkflow, Processor } from '../../workflow';

/** A command may take longer than the lease of a record lasts. */
export const longTimeout = Duration.hours(3);

/** @returns the directory of the assembly, below the system's folder for temporary files */
export function synthesizeWorkflow({
  command = 'exit 1',
  instanceCount = 2,
  timeout = Duration.hours(1),
} = {}): string {
  const app = new App({
    outdir: mkdtempSync(join(tmpdir(), 'object-workflow-simulation-')),
    context: { '@aws-cdk/aws-autoscaling:generateLaunchTemplateInsteadOfLaunchConfig': true },
  });
  const stack = new Stack(app, 'Simulated');
  const inbox = new ObjectStore(stack, 'Inbox');
  const vpc = new Vpc(stack, 'Vpc', {
    maxAzs: 1,
    natGateways: 0,
    subnetConfiguration: [{ name: 'public', subnetType: SubnetType.PUBLIC }],
  });
  const fleet = new AutoScalingGroup(stack, 'Fleet', {
    vpc,
    instanceType: new InstanceType('t4g.small'),
    machineImage: MachineImage.latestAmazonLinux2023(),
    minCapacity: 1,
    desiredCapacity: instanceCount,
    maxCapacity: instanceCount + 1,
    requireImdsv2: true,
  });
  new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: inbox.bucket, prefix: 'incoming/', suffix: '.csv' },
    processor: Processor.autoScalingGroup(fleet, { command, timeout }),
  });
  return app.synth().directory;
}
