/** The workflows under test, each in front of a small fleet of its own kind, synthesized once. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack, Tags } from 'aws-cdk-lib';
import type { CfnLifecycleHook } from 'aws-cdk-lib/aws-autoscaling';
import { InstanceType, LaunchTemplate, MachineImage } from 'aws-cdk-lib/aws-ec2';
import type { CfnRule, Rule } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Wait, WaitTime } from 'aws-cdk-lib/aws-stepfunctions';
import {
  BackupPolicy,
  InstanceFleet,
  ObjectStore,
  ObjectWorkflow,
  Processor,
  SnapshotPolicy,
  type ObjectWorkflowProps,
} from '../../workflow';
import { launchTemplateContext, oneSubnetFleet } from '../one-subnet-fleet';

/** A command may take longer than the lease of a record lasts. */
export const longTimeout = Duration.hours(3);

/** - `group`: the instances of an Auto Scaling group
 * - `scaled`: a fleet that follows its queue, with two slots on each instance; a state of the user's own; images and backups
 *   are made at intervals
 * - `launches`: an instance for each object
 * - `copies`: instances found by a tag, whose images are copied to another Region, and only the newest of them kept */
export type Variant = 'group' | 'scaled' | 'launches' | 'copies';

export const variants: readonly Variant[] = ['group', 'scaled', 'launches', 'copies'];

/** Whether somebody looks after the instances in rounds. */
export function hasKeeper(variant: Variant): boolean {
  return variant === 'launches' || variant === 'scaled';
}

/** @returns the variant whose turn it is, and how many turns it has had: seeds that follow each other go through all */
export function turnOf(seed: string): { readonly variant: Variant; readonly turn: number } {
  const number = /^\d+$/.test(seed) ? Number(seed) : 0;
  return { variant: variants[number % variants.length]!, turn: Math.floor(number / variants.length) };
}

/** Region that images are copied to. */
export const copyRegion = 'eu-west-1';
/** Images that are kept of a set: fewer than most seeds make. */
export const keptImageCount = 2;
/** How often the keeper of launched instances looks after them. */
export const keeperRoundMinutes = 30;
/** How often a fleet is looked after that follows its queue. */
const fleetRoundMinutes = 15;
/** Instances that such a fleet may have. */
const maximumFleetSize = 3;
/** A state of the user's own. */
export const insertedState = 'Look at the results';
/** From the beginning of one image, or backup, to that of the next, where they are made at intervals. */
export const imageIntervalMinutes = 50;
export const backupIntervalMinutes = 70;
/** Instances that are launched at a time: fewer than there are objects. */
export const maximumLaunchedInstances = 2;

const stackName = 'Simulated';
/** Within each assembly. */
export const templateFile = `${stackName}.template.json`;

/** Synthesizes all variants.
 * @param folder Where: an assembly for each variant comes into it. */
export function synthesizeVariants(folder: string): void {
  for (const variant of variants) synthesize(join(folder, variant), (stack) => defineVariant(stack, variant));
}

/** Synthesizes the default workflow.
 * @returns the directory of the assembly, below the system's folder for temporary files */
export function synthesizeWorkflow({
  command = 'exit 1',
  instanceCount = 2,
  timeout = Duration.hours(1),
} = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'object-workflow-simulation-'));
  synthesize(folder, (stack) => {
    const fleet = InstanceFleet.fromAutoScalingGroup(smallGroup(stack, instanceCount));
    defineWorkflow(stack, { processor: Processor.fleet(fleet, { command, timeout }) });
  });
  return folder;
}

function synthesize(outdir: string, define: (stack: Stack) => void): void {
  const app = new App({ outdir, context: launchTemplateContext });
  define(new Stack(app, stackName));
  app.synth();
}

function defineVariant(stack: Stack, variant: Variant): void {
  const options = { command: 'exit 1', timeout: longTimeout };
  switch (variant) {
    case 'group': {
      const fleet = InstanceFleet.fromAutoScalingGroup(smallGroup(stack, 2));
      return void defineWorkflow(stack, { processor: Processor.fleet(fleet, options) });
    }
    case 'scaled': {
      const fleet = new InstanceFleet(stack, 'Fleet', { maxCapacity: maximumFleetSize, idleTime: Duration.minutes(1) });
      const processor = Processor.fleet(fleet, { ...options, slotsPerInstance: 2 });
      const snapshot = SnapshotPolicy.atMostEvery(Duration.minutes(imageIntervalMinutes));
      const backup = BackupPolicy.atMostEvery(Duration.minutes(backupIntervalMinutes));
      const time = WaitTime.duration(Duration.minutes(40));
      const afterStorage = new Wait(stack, insertedState, { time });
      const workflow = defineWorkflow(stack, { processor, snapshot, backup, afterStorage });
      // As its rounds are rare, it may miss a few of them, as it may many of those that come every minute.
      (fleet.drain.node.defaultChild as CfnLifecycleHook).heartbeatTimeout = 8 * fleetRoundMinutes * 60;
      return slowDown(workflow.keeper!.schedule, fleetRoundMinutes);
    }
    case 'copies': {
      const group = smallGroup(stack, 2);
      const tag = { key: 'role', value: 'worker' };
      Tags.of(group).add(tag.key, tag.value);
      const processor = Processor.fleet(InstanceFleet.fromTag({ ...tag, role: group.role }), options);
      const snapshot = SnapshotPolicy.everyRun({ copyTo: [copyRegion], keep: keptImageCount });
      return void defineWorkflow(stack, { processor, snapshot });
    }
    case 'launches': {
      const template = new LaunchTemplate(stack, 'Worker', {
        instanceType: new InstanceType('t4g.small'),
        machineImage: MachineImage.latestAmazonLinux2023(),
        role: new Role(stack, 'WorkerRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }),
      });
      const processor = Processor.launch(template, { ...options, maximumInstances: maximumLaunchedInstances });
      const workflow = defineWorkflow(stack, { processor });
      slowDown(workflow.keeper!.schedule, keeperRoundMinutes);
    }
  }
}

/** A round each minute would be most of what a seed costs; what is found by a round is found by a later one too. */
function slowDown({ node }: Rule, everyMinutes: number): void {
  (node.defaultChild as CfnRule).scheduleExpression = `rate(${everyMinutes} minutes)`;
}

function smallGroup(stack: Stack, instanceCount: number) {
  return oneSubnetFleet(stack, { minCapacity: 1, desiredCapacity: instanceCount, maxCapacity: instanceCount + 1 });
}

function defineWorkflow(
  stack: Stack,
  props: Pick<ObjectWorkflowProps, 'processor' | 'snapshot' | 'backup' | 'afterStorage'>,
): ObjectWorkflow {
  const inbox = new ObjectStore(stack, 'Inbox');
  return new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: inbox.bucket, prefix: 'incoming/', suffix: '.csv' },
    ...props,
  });
}
