/** What EC2's and Auto Scaling's words for the state of an instance mean for work. */
import type { LifecycleState } from '@aws-sdk/client-auto-scaling';
import type { InstanceStateName } from '@aws-sdk/client-ec2';

/** - `ready`: it serves its group
 * - `away`: it is on its way in, set aside, or waits in a warm pool; it may come (back)
 * - `leaving`: it is about to end, or belongs to its group no more */
export type MemberVerdict = 'ready' | 'away' | 'leaving';

const byLifecycleState: Readonly<Record<LifecycleState, MemberVerdict>> = {
  InService: 'ready',
  Pending: 'away',
  'Pending:Wait': 'away',
  'Pending:Proceed': 'away',
  Quarantined: 'away',
  EnteringStandby: 'away',
  Standby: 'away',
  ReplacingRootVolume: 'away',
  'ReplacingRootVolume:Wait': 'away',
  'ReplacingRootVolume:Proceed': 'away',
  RootVolumeReplaced: 'away',
  'Warmed:Pending': 'away',
  'Warmed:Pending:Wait': 'away',
  'Warmed:Pending:Proceed': 'away',
  'Warmed:Pending:Retained': 'away',
  'Warmed:Running': 'away',
  'Warmed:Stopped': 'away',
  'Warmed:Hibernated': 'away',
  'Warmed:Terminating': 'away',
  'Warmed:Terminating:Wait': 'away',
  'Warmed:Terminating:Proceed': 'away',
  'Warmed:Terminating:Retained': 'away',
  'Warmed:Terminated': 'away',
  Terminating: 'leaving',
  'Terminating:Wait': 'leaving',
  'Terminating:Proceed': 'leaving',
  'Terminating:Retained': 'leaving',
  Terminated: 'leaving',
  Detaching: 'leaving',
  Detached: 'leaving',
};

/** Judges a member of an Auto Scaling group. A state that is not known gets no work. */
export function judgeMember(lifecycleState: string | undefined): MemberVerdict {
  return byLifecycleState[lifecycleState as LifecycleState] ?? 'away';
}

const aliveByState: Readonly<Record<InstanceStateName, boolean>> = {
  pending: true,
  running: true,
  'shutting-down': false,
  terminated: false,
  stopping: false,
  stopped: false,
};

/** Whether an instance can bring to an end what it has been given. */
export function isAlive(state: string | undefined): boolean {
  return aliveByState[state as InstanceStateName] ?? false;
}

/** Whether EC2 will take a Spot Instance back within two minutes. Once it has, the instance's own state says so.
 * @param statusCode Of its Spot request: `marked-for-termination`, `marked-for-stop` and their like
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-request-status.html (read 2026-11) */
export function isMarkedForInterruption(statusCode: string | undefined): boolean {
  return statusCode?.startsWith('marked-for-') === true;
}
