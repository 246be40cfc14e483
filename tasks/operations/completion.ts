/** How an operation ends: the end is stored first, then reported to the state that waits, with the newest token. */
import {
  SendTaskFailureCommand,
  SendTaskHeartbeatCommand,
  SendTaskSuccessCommand,
  SFNClient,
} from '@aws-sdk/client-sfn';
import { beginningOf } from '../bounded-text';
import { leavePlace, type Write } from './ledger';
import type { Completion, Operation } from './operation';
import type { StepContext, StepResult } from './operation-context';

/** What Step Functions says of a token that no state waits for any more: normal, another token is on its way or nobody waits. */
const staleTokenErrors: ReadonlySet<string> = new Set(['TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken']);

/** Limits of SendTaskFailure, in characters. */
const maximumErrorLength = 256;
const maximumCauseLength = 32_768;

/** A state's heartbeat brings another token within half an hour. */
export const longestTokenMs = 32 * 60_000;

/** A token that was given to us this recently need not be asked about. */
export const freshTokenMs = 30_000;

/** Stores that the operation has succeeded. */
export function succeed(
  operation: Operation,
  output: Record<string, unknown>,
  context: StepContext,
  ...writes: Write[]
): Promise<StepResult> {
  return complete(operation, { kind: 'success', atMs: context.nowMs(), output }, context, writes);
}

/** Stores that the operation has failed. */
export function fail(
  operation: Operation,
  error: string,
  cause: string,
  context: StepContext,
  ...writes: Write[]
): Promise<StepResult> {
  context.log.warn('An operation failed', { operation: operation.id, error, cause });
  return complete(operation, { kind: 'failure', atMs: context.nowMs(), error, cause }, context, writes);
}

async function complete(
  operation: Operation,
  completion: Completion,
  context: StepContext,
  writes: readonly Write[],
): Promise<StepResult> {
  const ended = { ...operation, completion };
  return (await context.ledger.saveOperation(ended, leavePlace(operation.place), ...writes)) ?? 'moved';
}

/** Reports a stored completion with the newest token: a state that got another one since has not heard of it. To do so again
 * is harmless, and rare: nobody looks at an operation that has ended but those who bring it a token, or a late event. */
export async function report(operation: Operation, completion: Completion, context: StepContext): Promise<StepResult> {
  const taskToken = operation.taskToken;
  const isHeard = await sendIfAwaited(context, (client) =>
    completion.kind === 'success'
      ? client.send(new SendTaskSuccessCommand({ taskToken, output: JSON.stringify(completion.output) }))
      : client.send(
          new SendTaskFailureCommand({
            taskToken,
            error: beginningOf(completion.error, maximumErrorLength),
            cause: beginningOf(completion.cause, maximumCauseLength),
          }),
        ),
  );
  context.log.info(isHeard ? 'Reported the end of an operation' : 'Nobody waits with this token any more', {
    operation: operation.id,
    completion: completion.kind,
  });
  return 'waiting';
}

/** Error by which a state is told to look at its operation at once; it retries on it. */
export const operationDueError = 'Operation.Due';

/** Has the state look at its operation at once: for callers that may not move the operation on themselves.
 * @returns false when nobody waits with the operation's token */
export function wakeOwner(operation: Operation, context: StepContext): Promise<boolean> {
  const { taskToken } = operation;
  const cause = 'Its turn has come: the state goes on by itself';
  return sendIfAwaited(context, (client) =>
    client.send(new SendTaskFailureCommand({ taskToken, error: operationDueError, cause })),
  );
}

/** Asks whether a state still waits for the operation, before something is begun for it. To ask is a heartbeat: the state waits with
 * this token for another half hour.
 * @returns the operation as it is to be stored with what is begun; undefined when nobody waits with its token */
export async function findAwaited<Waiting extends Operation>(
  operation: Waiting,
  context: StepContext,
): Promise<Waiting | undefined> {
  const nowMs = context.nowMs();
  if (nowMs - operation.taskTokenAtMs < freshTokenMs) return operation;
  const isAwaited = await sendIfAwaited(context, (client) =>
    client.send(new SendTaskHeartbeatCommand({ taskToken: operation.taskToken })),
  );
  return isAwaited ? { ...operation, taskTokenAtMs: nowMs } : undefined;
}

async function sendIfAwaited(context: StepContext, send: (client: SFNClient) => Promise<unknown>): Promise<boolean> {
  try {
    await send(context.client(SFNClient));
    return true;
  } catch (error) {
    if (error instanceof Error && staleTokenErrors.has(error.name)) return false;
    throw error;
  }
}
