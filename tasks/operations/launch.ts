/** The calls of EC2 by which an operation gets an instance of its own and gives it back. The client token is their idempotency:
 * whoever asks again for the same launch gets the same instance, for a day after its end and longer.
 * @see https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html (read 2026-11) */
import { EC2Client, RunInstancesCommand, TerminateInstancesCommand } from '@aws-sdk/client-ec2';
import { launchTagKeys, readLaunched } from './fleet-instances';
import { hasSlot, runId, type CommandInPhase, type CommandOperation } from './operation';
import type { OperationContext } from './operation-context';
import type { Fleet } from './settings';

/** EC2 shows a new instance within this time. */
const visibilityGraceMs = 10 * 60_000;

/** A fleet whose instances are launched one by one. */
export type LaunchFleet = Extract<Fleet, { kind: 'launch' }>;

/** Launches the instance of this try, or finds the one that was launched before in its name.
 * @returns the instance's id */
export async function launchInstance(
  operation: CommandInPhase<'launching'>,
  fleet: LaunchFleet,
  context: Pick<OperationContext, 'client'>,
): Promise<string> {
  const { launch } = operation.progress;
  const SubnetId = fleet.subnetIds[(operation.try + launch - 2) % fleet.subnetIds.length];
  const { Instances } = await context.client(EC2Client).send(
    new RunInstancesCommand({
      LaunchTemplate: { LaunchTemplateId: fleet.launchTemplateId, Version: fleet.launchTemplateVersion },
      MinCount: 1,
      MaxCount: 1,
      // At most 64 characters.
      ClientToken: `${runId(operation)}-${launch}`,
      ...(SubnetId !== undefined && { SubnetId }),
      TagSpecifications: [
        {
          ResourceType: 'instance',
          Tags: [
            { Key: launchTagKeys.queue, Value: fleet.id },
            { Key: launchTagKeys.run, Value: runId(operation) },
          ],
        },
      ],
    }),
  );
  const instanceId = Instances?.[0]?.InstanceId;
  if (instanceId === undefined) throw new Error('RunInstances answered without an instance');
  return instanceId;
}

/** Terminates what was launched for an operation. May be repeated; does nothing for an operation on a fleet that stays.
 * An instance that EC2 does not show yet is found by the keeper a minute later. */
export async function endLaunched(
  operation: CommandOperation,
  context: Pick<OperationContext, 'client' | 'nowMs'>,
): Promise<void> {
  const { fleet } = operation.settings;
  if (fleet.kind !== 'launch' || !hasSlot(operation)) return;
  const launched = await readLaunched(fleet, context, runId(operation));
  const instanceIds = new Set(launched.map(({ instanceId }) => instanceId));
  const { progress } = operation;
  const knownSinceMs = progress.phase === 'running' ? progress.sentAtMs : progress.intentAtMs;
  // One that is not shown any more has ended long ago; one that is not shown yet must not be left behind.
  const isNew = context.nowMs() - knownSinceMs < visibilityGraceMs;
  if (isNew && progress.instanceId !== undefined) instanceIds.add(progress.instanceId);
  for (const instanceId of instanceIds) await terminateInstance(instanceId, context);
}

/** Terminates an instance. May be repeated.
 * @throws also when EC2 does not show it yet: a moment later it does */
export async function terminateInstance(instanceId: string, context: Pick<OperationContext, 'client'>): Promise<void> {
  await context.client(EC2Client).send(new TerminateInstancesCommand({ InstanceIds: [instanceId] }));
}
