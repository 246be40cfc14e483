/** The workflow under test: the default one in front of a small fleet, synthesized once. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { ObjectStore, ObjectWorkflow, Processor } from '../../workflow';
import { launchTemplateContext, oneSubnetFleet } from '../one-subnet-fleet';

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
    context: launchTemplateContext,
  });
  const stack = new Stack(app, 'Simulated');
  const inbox = new ObjectStore(stack, 'Inbox');
  const fleet = oneSubnetFleet(stack, {
    minCapacity: 1,
    desiredCapacity: instanceCount,
    maxCapacity: instanceCount + 1,
  });
  new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: inbox.bucket, prefix: 'incoming/', suffix: '.csv' },
    processor: Processor.autoScalingGroup(fleet, { command, timeout }),
  });
  return app.synth().directory;
}
