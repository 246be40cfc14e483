/** Keeps an Auto Scaling group from ending instances that work, and lets those go that a hook has held for the end of their work. */
import {
  AutoScalingClient,
  CompleteLifecycleActionCommand,
  RecordLifecycleActionHeartbeatCommand,
  SetInstanceProtectionCommand,
} from '@aws-sdk/client-auto-scaling';
import type { OperationContext } from './operation-context';
import type { Fleet } from './settings';

type Context = Pick<OperationContext, 'client' | 'log'>;

/** An Auto Scaling group, as the fleet names it. */
export type GroupFleet = Extract<Fleet, { kind: 'autoScalingGroup' }>;

/** SetInstanceProtection takes this many instances at once. */
const pageSize = 50;

/** Protects an instance that has got work, where the fleet wants that.
 * @returns false when it leaves its group: Auto Scaling refuses then, so that nobody works on an instance that is given up */
export async function protectInstance(fleet: Fleet, instanceId: string, context: Context): Promise<boolean> {
  if (fleet.kind !== 'autoScalingGroup' || !fleet.protectsBusy) return true;
  return setProtection(fleet, [instanceId], true, context);
}

/** Sets the protection of instances that are in service.
 * @returns false when Auto Scaling refused, because one of them is so no more */
export async function setProtection(
  { groupName }: GroupFleet,
  instanceIds: readonly string[],
  ProtectedFromScaleIn: boolean,
  context: Context,
): Promise<boolean> {
  try {
    for (let start = 0; start < instanceIds.length; start += pageSize) {
      const InstanceIds = instanceIds.slice(start, start + pageSize);
      await context
        .client(AutoScalingClient)
        .send(new SetInstanceProtectionCommand({ AutoScalingGroupName: groupName, InstanceIds, ProtectedFromScaleIn }));
    }
    return true;
  } catch (error) {
    return isRefused(error, context);
  }
}

/** Tells the hook that holds an instance to go on holding it, or to let it go.
 * @returns false when no hook holds it any more */
export async function answerHook(
  { groupName }: GroupFleet,
  {
    hookName,
    instanceId,
    isBusy,
  }: { readonly hookName: string; readonly instanceId: string; readonly isBusy: boolean },
  context: Context,
): Promise<boolean> {
  const about = { AutoScalingGroupName: groupName, LifecycleHookName: hookName, InstanceId: instanceId };
  const client = context.client(AutoScalingClient);
  try {
    if (isBusy) await client.send(new RecordLifecycleActionHeartbeatCommand(about));
    else await client.send(new CompleteLifecycleActionCommand({ ...about, LifecycleActionResult: 'CONTINUE' }));
    return true;
  } catch (error) {
    return isRefused(error, context);
  }
}

/** ValidationError is what Auto Scaling says of a member whose state does not allow what is asked. */
function isRefused(error: unknown, context: Context): false {
  if (!(error instanceof Error) || error.name !== 'ValidationError') throw error;
  context.log.warn('Auto Scaling refused', { problem: error.message });
  return false;
}
