/** How a command, or one try of it, ends: the slot is freed in the same write, and whoever waits for it is woken. */
import { SSMClient, type GetCommandInvocationResult } from '@aws-sdk/client-ssm';
import { endOf } from '../bounded-text';
import { manifestName } from '../manifest';
import type { CommandOutcome } from '../object-reference';
import { rejectionCause } from '../rejection';
import { operationResultsPrefix } from './command-parameters';
import { rejectedExitCode, tryAgainExitCode, type InvocationVerdict } from './command-status';
import { fail, succeed } from './completion';
import { readFleet, wakeNext } from './fleet';
import { endLaunched } from './launch';
import { freeSlot, reserveInstance, takePlace, type Write } from './ledger';
import {
  fleetPartition,
  hasSlot,
  instanceOf,
  placeKey,
  runId,
  type CommandInPhase,
  type CommandOperation,
} from './operation';
import type { OperationContext, StepContext, StepResult } from './operation-context';
import { cancelCommand, findCommands, listingGraceMs } from './run-command';

/** Why a try ended that may be followed by another. */
type Obstacle = 'Instance.Lost' | 'Command.Undeliverable' | 'Command.RetriesExhausted';

const launchFix =
  'give the processor more subnets or the launch template another instance type, ask for a higher EC2 quota, or allow more time';

/** How much of standard error a failure's cause carries, in characters. */
const causeTailLength = 2048;

/** Ends a try whose command is over. */
export async function endInvocation(
  operation: CommandInPhase<'running'>,
  invocation: GetCommandInvocationResult,
  verdict: Exclude<InvocationVerdict, 'pending'>,
  context: StepContext,
): Promise<StepResult> {
  const reported = `SSM reports ${invocation.StatusDetails ?? invocation.Status}`;
  const failWith = (error: string, what: string, fix: string): Promise<StepResult> =>
    endWithFailure(operation, error, causeOf(operation, invocation, what, fix), context);
  switch (verdict) {
    case 'succeeded': {
      const outcome = outcomeOf(operation, invocation, context);
      const reserving = reserveForImage(operation, context);
      return release(operation, context, (writes) => succeed(operation, outcome, context, ...writes, ...reserving));
    }
    case 'undelivered':
      return tryAgain(operation, 'Command.Undeliverable', reported, context);
    case 'timedOut': {
      const limit = `it ran longer than ${operation.settings.executionTimeoutSeconds} seconds`;
      return failWith('Command.TimedOut', limit, 'give the processor a longer timeout, or split the work');
    }
    case 'cancelled':
      // Only this one was cancelled: a call that was repeated has sent others, one of which may do the work.
      await cancelIfBegun(operation, context);
      return failWith('Command.Cancelled', 'somebody cancelled it', 'redrive the execution to run it again');
    case 'refused':
      return failWith(
        'Command.Undeliverable',
        reported,
        'let the instance accept commands, then redrive the execution',
      );
    case 'failed':
      break;
  }
  const exitCode = invocation.ResponseCode ?? -1;
  const lastWords = tail(invocation.StandardErrorContent);
  if (exitCode === rejectedExitCode) {
    const message = lastWords || `the command rejected the object without a word (exit code ${rejectedExitCode})`;
    return endWithFailure(operation, 'Object.Rejected', rejectionCause([{ code: 'ByCommand', message }]), context);
  }
  if (exitCode === tryAgainExitCode) {
    const obstacle = `it ended with exit code ${tryAgainExitCode}\n  standard error: ${lastWords || '(empty)'}`;
    return tryAgain(operation, 'Command.RetriesExhausted', obstacle, context);
  }
  const fix = 'read its output, correct the command or the object, then redrive the execution';
  return failWith('Command.Failed', `it ended with exit code ${exitCode}`, fix);
}

/** Gives the operation back to the queue for another try, or up when it has had as many as it may. */
export async function tryAgain(
  operation: CommandOperation,
  error: Obstacle,
  obstacle: string,
  context: StepContext,
): Promise<StepResult> {
  // It may still run on an instance that was only out of reach; its results will not be used.
  if (error === 'Instance.Lost') await cancelIfBegun(operation, context);
  if (operation.try >= operation.settings.maximumTries) {
    const cause = `${describe(operation)} could not be brought to an end: ${obstacle}\n  tried: ${operation.try} times\n  fix: remove what stood in the way, then redrive the execution`;
    return endWithFailure(operation, error, cause, context);
  }
  context.log.warn('A command is tried again', { operation: operation.id, try: operation.try, obstacle });
  // In front of the others, as it has waited longest; behind them if the command itself asked for another time.
  const arrivedAtMs = error === 'Command.RetriesExhausted' ? context.nowMs() : operation.createdAtMs;
  const place = placeKey(fleetPartition(operation.settings.fleet.id), arrivedAtMs, operation.id);
  return release(operation, context, async (writes) => {
    const progress = { phase: 'queued', listed: true } as const;
    const next = { ...operation, progress, place, try: operation.try + 1, lastObstacle: obstacle };
    return (await context.ledger.saveOperation(next, takePlace(next), ...writes)) ?? 'moved';
  });
}

/** Puts an operation for which nothing was sent yet back into its place in the queue. */
export function giveBack(operation: CommandOperation, obstacle: string, context: StepContext): Promise<StepResult> {
  return release(operation, context, async (writes) => {
    const queued = { ...operation, progress: { phase: 'queued', listed: true }, lastObstacle: obstacle } as const;
    return (await context.ledger.saveOperation(queued, takePlace(queued), ...writes)) ?? 'moved';
  });
}

/** Ends an operation that is past its deadline, whatever it does. */
export async function missDeadline(operation: CommandOperation, context: StepContext): Promise<StepResult> {
  await cancelIfBegun(operation, context);
  const { fleet, deadlineSeconds } = operation.settings;
  const isQueued = operation.progress.phase === 'queued';
  const isLaunching = operation.progress.phase === 'launching';
  const hasNoInstance = isLaunching || (isQueued && (await readFleet(fleet, context)).readyInstanceCount === 0);
  const [what, fix] = isLaunching
    ? ['no instance could be launched for it', launchFix]
    : hasNoInstance
      ? [
          'no instance of the fleet was running with its agent online',
          'start one, or let its agent reach Systems Manager',
        ]
      : [
          isQueued ? 'it still waited for a free slot' : 'it had not ended',
          'add instances or slots, or allow more time',
        ];
  const cause = [
    `${describe(operation)} missed its deadline of ${deadlineSeconds} seconds: ${what}`,
    ...(operation.lastObstacle === undefined ? [] : [`  earlier try: ${operation.lastObstacle}`]),
    `  fix: ${fix}; then redrive the execution`,
  ].join('\n');
  return endWithFailure(operation, hasNoInstance ? 'Fleet.NoInstance' : 'Command.DeadlineExceeded', cause, context);
}

/** Cancels what an operation that nobody waits for any more has begun.
 * @returns the writes that free what it holds; undefined while nobody can know whether its command was sent */
export async function abandonCommand(
  operation: CommandOperation,
  context: OperationContext,
): Promise<Write[] | undefined> {
  const cancelledCount = await cancelIfBegun(operation, context);
  if (cancelledCount === 0 && mayBeHidden(operation, context)) return undefined;
  await endLaunched(operation, context);
  return leaveSlot(operation, context);
}

/** False when the lease had ended and another operation took the slot. */
export async function holdsSlot(operation: CommandOperation, context: OperationContext): Promise<boolean> {
  if (!hasSlot(operation)) return false;
  const { slot } = operation.progress;
  const held = await context.ledger.readSlots(fleetPartition(operation.settings.fleet.id), slot.instanceId);
  return held.some((other) => other.number === slot.number && other.operationId === operation.id);
}

/** Ends an operation for good. */
export function endWithFailure(
  operation: CommandOperation,
  error: string,
  cause: string,
  context: StepContext,
): Promise<StepResult> {
  return release(operation, context, (writes) => fail(operation, error, cause, context, ...writes));
}

async function release(
  operation: CommandOperation,
  context: StepContext,
  write: (writes: Write[]) => Promise<StepResult>,
): Promise<StepResult> {
  // Before its end is written down, because afterwards nobody looks at the operation any more.
  await endLaunched(operation, context);
  const result = await write(await leaveSlot(operation, context));
  await wakeNext(operation.settings.fleet.id, context);
  return result;
}

/** Without its slot nothing keeps the instance any more, and its execution has yet to ask for the image. */
function reserveForImage(operation: CommandInPhase<'running'>, { nowMs }: OperationContext): Write[] {
  const { imageAskedWithinSeconds } = operation.settings;
  if (imageAskedWithinSeconds === undefined) return [];
  return [reserveInstance(instanceOf(operation), operation.owner, nowMs() + imageAskedWithinSeconds * 1000)];
}

async function leaveSlot(operation: CommandOperation, context: OperationContext): Promise<Write[]> {
  if (!hasSlot(operation) || !(await holdsSlot(operation, context))) return [];
  return [freeSlot(operation.settings.fleet.id, operation.progress.slot, operation.id)];
}

/** @returns how many commands were cancelled: a call that was repeated because its answer was lost has sent more than one */
async function cancelIfBegun(operation: CommandOperation, context: OperationContext): Promise<number> {
  const { progress, createdAtMs } = operation;
  if (progress.phase === 'queued' || progress.phase === 'launching') return 0;
  const client = context.client(SSMClient);
  const sinceMs = progress.phase === 'starting' ? progress.intentAtMs : createdAtMs;
  const commandIds = new Set(await findCommands(operation, instanceOf({ ...operation, progress }), sinceMs, client));
  if (progress.phase === 'running') commandIds.add(progress.commandId);
  for (const commandId of commandIds) await cancelCommand(commandId, client, context.log);
  return commandIds.size;
}

function mayBeHidden({ progress }: CommandOperation, { nowMs }: OperationContext): boolean {
  return progress.phase === 'starting' && nowMs() - progress.intentAtMs < listingGraceMs;
}

function outcomeOf(
  operation: CommandInPhase<'running'>,
  invocation: GetCommandInvocationResult,
  context: StepContext,
): CommandOutcome {
  const { commandId, sentAtMs } = operation.progress;
  const resultsPrefix = operationResultsPrefix(operation.settings.resultsPrefix, runId(operation));
  return {
    operationId: operation.id,
    instanceId: instanceOf(operation),
    commandId,
    exitCode: invocation.ResponseCode ?? 0,
    resultsBucket: operation.settings.resultsBucket,
    resultsPrefix,
    manifestKey: `${resultsPrefix}${manifestName}`,
    startedAt: invocation.ExecutionStartDateTime || new Date(sentAtMs).toISOString(),
    finishedAt: invocation.ExecutionEndDateTime || new Date(context.nowMs()).toISOString(),
  };
}

function causeOf(
  operation: CommandInPhase<'running'>,
  invocation: GetCommandInvocationResult,
  what: string,
  fix: string,
): string {
  return [
    `${describe(operation)} failed: ${what}`,
    `  standard error: ${tail(invocation.StandardErrorContent) || '(empty)'}`,
    `  whole output: ${whereOutputIs(operation)}`,
    `  fix: ${fix}`,
  ].join('\n');
}

function describe(operation: CommandOperation): string {
  const { progress, object } = operation;
  const instanceId =
    progress.phase === 'starting' || progress.phase === 'running'
      ? instanceOf({ ...operation, progress })
      : progress.phase === 'launching'
        ? progress.instanceId
        : undefined;
  const instance = instanceId === undefined ? '' : `, on ${instanceId}`;
  const command = progress.phase === 'running' ? ` as command ${progress.commandId}` : '';
  return `The command for s3://${object.bucket}/${object.key}${instance}${command}`;
}

function whereOutputIs(operation: CommandInPhase<'running'>): string {
  const { resultsBucket, resultsPrefix, outputLogGroup } = operation.settings;
  const folder = `s3://${resultsBucket}/${operationResultsPrefix(resultsPrefix, runId(operation))}output/`;
  if (outputLogGroup === undefined) return folder;
  return `${folder}, or log group ${outputLogGroup}, streams that begin with ${operation.progress.commandId}/`;
}

function tail(text: string | undefined): string {
  return endOf((text ?? '').trim(), causeTailLength);
}
