/** What SSM's words for the state of a command on an instance mean for the operation. */
import type { CommandInvocationStatus } from '@aws-sdk/client-ssm';

/** - `pending`: it has not ended
 * - `succeeded`: exit code 0
 * - `failed`: it ran, and its exit code says what to make of it
 * - `timedOut`: it ran longer than it may
 * - `cancelled`: somebody cancelled it
 * - `undelivered`: no agent took it, or the agent that took it was never heard of again
 * - `refused`: the instance or the account does not allow it; no other try can change that */
export type InvocationVerdict =
  'pending' | 'succeeded' | 'failed' | 'timedOut' | 'cancelled' | 'undelivered' | 'refused';

/** StatusDetails says more than Status, but is a free text: these are the values that SSM's guide lists. */
const byStatusDetails: Readonly<Record<string, InvocationVerdict>> = {
  Pending: 'pending',
  InProgress: 'pending',
  Delayed: 'pending',
  Cancelling: 'pending',
  Success: 'succeeded',
  Failed: 'failed',
  ExecutionTimedOut: 'timedOut',
  DeliveryTimedOut: 'undelivered',
  Undeliverable: 'undelivered',
  // The whole command was over before this instance was asked.
  Terminated: 'undelivered',
  Cancelled: 'cancelled',
  InvalidPlatform: 'refused',
  AccessDenied: 'refused',
};

const byStatus: Readonly<Record<CommandInvocationStatus, InvocationVerdict>> = {
  Pending: 'pending',
  InProgress: 'pending',
  Delayed: 'pending',
  Cancelling: 'pending',
  Success: 'succeeded',
  Failed: 'failed',
  // Without details it may have run: not safe to send again.
  TimedOut: 'timedOut',
  Cancelled: 'cancelled',
};

/** Judges an invocation. Details that are not known leave the decision to the status, a status that is not known to the future.
 * @param statusDetails The API writes it with and without spaces. */
export function judgeInvocation(status: string | undefined, statusDetails: string | undefined): InvocationVerdict {
  const details = (statusDetails ?? '').replaceAll(' ', '');
  return byStatusDetails[details] ?? byStatus[status as CommandInvocationStatus] ?? 'pending';
}

/** What the document's script ends with when the command says that the object is not acceptable (EX_DATAERR). */
export const rejectedExitCode = 65;

/** What it ends with when it may work another time (EX_TEMPFAIL). */
export const tryAgainExitCode = 75;
