/** The steps of a command: waits for a slot, writes down what it is about to do, sends the command once, sees how it ended. */
import { InvocationDoesNotExist, SSMClient, type GetCommandInvocationResult } from '@aws-sdk/client-ssm';
import { stopUnawaited } from './abandon-operation';
import { endInvocation, giveBack, holdsSlot, missDeadline, tryAgain } from './command-end';
import { stepLaunch } from './command-launch';
import { judgeInvocation } from './command-status';
import { findAwaited, longestTokenMs, wakeOwner } from './completion';
import { readFleet, wakeNext } from './fleet';
import { findLoss } from './fleet-instances';
import { protectInstance } from './fleet-protection';
import { isLate, leaseFor } from './lease';
import { leavePlace, putPointer, takeSlot } from './ledger';
import { fleetPartition, instanceOf, type CommandInPhase, type CommandOperation } from './operation';
import type { StepContext, StepResult } from './operation-context';
import {
  cancelCommand,
  findCommands,
  isInstanceRefused,
  listingGraceMs,
  readInvocation,
  sendCommand,
} from './run-command';

/** GetCommandInvocation knows a command within this time after it was sent. */
const invocationGraceMs = 10 * 60_000;

/** From the end of a token until the next one has come, crashes of its bringer included. */
const betweenTokensMs = 15_000;

/** How many of those who wait look after the fleet. A lost poke is found out by the first of their re-checks; a thousand who
 * stand behind them would only ask the same again. */
const lookoutCount = 10;

/** Moves a command on by one step. */
export async function stepCommand(operation: CommandOperation, context: StepContext): Promise<StepResult> {
  // What happens to instances, each workflow hears for itself.
  if (!isOurs(operation, context) && operation.progress.phase !== 'queued') return 'waiting';
  switch (operation.progress.phase) {
    case 'queued':
      return takeSlotAndSend({ ...operation, progress: operation.progress }, context);
    case 'launching':
      return stepLaunch({ ...operation, progress: operation.progress }, sendFirst, context);
    case 'starting':
      return findOrSend({ ...operation, progress: operation.progress }, context);
    case 'running':
      return lookAtInvocation({ ...operation, progress: operation.progress }, context);
  }
}

async function takeSlotAndSend(operation: CommandInPhase<'queued'>, context: StepContext): Promise<StepResult> {
  if (isLate(operation, context)) return isOurs(operation, context) ? missDeadline(operation, context) : 'waiting';
  if (!operation.progress.listed) return 'waiting';
  const { fleet } = operation.settings;
  const front = await context.ledger.readWaiting(fleetPartition(fleet.id), lookoutCount);
  if (!front.includes(operation.id)) return 'waiting';
  const { free, lapsed } = await readFleet(fleet, context);
  // Whoever let a lease end may have died half-way: let it free what it holds, or find out that nobody waits for it.
  context.poke(lapsed.map((slot) => slot.operationId));
  if (free.length === 0) return 'waiting';
  // First come, first served: the first in the list may take the first free slot, the second the second.
  const slot = free[front.indexOf(operation.id)];
  if (slot === undefined) {
    context.poke(front.slice(0, free.length));
    return 'waiting';
  }
  if (!isOurs(operation, context)) {
    return (await wakeOwner(operation, context)) ? 'waiting' : giveWay(operation, front.slice(0, free.length), context);
  }
  const awaited = await findAwaited(operation, context);
  if (awaited === undefined) return giveWay(operation, front.slice(0, free.length), context);
  const nowMs = context.nowMs();
  const launches = fleet.kind === 'launch';
  const begun = { slot, intentAtMs: nowMs };
  const starting = await context.ledger.saveOperation(
    {
      ...awaited,
      progress: launches ? { phase: 'launching', ...begun, launch: 1 } : { phase: 'starting', ...begun },
    },
    takeSlot(fleet.id, leaseFor(operation, slot, nowMs), nowMs),
    leavePlace(operation.place),
  );
  if (starting === undefined) return 'moved';
  if (free.length > 1) await wakeNext(fleet.id, context);
  return launches ? starting : sendFirst(starting as CommandInPhase<'starting'>, context);
}

/** Only an instance that stays gets work: one that leaves cannot be protected any more. Nothing was sent, so this is no try. */
async function sendFirst(operation: CommandInPhase<'starting'>, context: StepContext): Promise<StepResult> {
  const instanceId = instanceOf(operation);
  if (await protectInstance(operation.settings.fleet, instanceId, context)) return send(operation, context);
  return giveBack(operation, `${instanceId} was about to leave its group`, context);
}

/** Workflows that share a ledger and a fleet share the queue too, but each may only send its own document. */
function isOurs({ settings }: CommandOperation, { documentName }: StepContext): boolean {
  return documentName === undefined || documentName === settings.documentName;
}

/** Between two tokens an operation keeps its place, and its slot stays free for it: it comes a moment later. Only when it does
 * not, it has nobody who waits for it. */
async function giveWay(
  operation: CommandInPhase<'queued'>,
  front: readonly string[],
  context: StepContext,
): Promise<StepResult> {
  const nowMs = context.nowMs();
  const { silentSinceMs } = operation.progress;
  if (nowMs - operation.taskTokenAtMs > longestTokenMs) return stepAside(operation, context);
  if (silentSinceMs !== undefined) {
    return nowMs - silentSinceMs < betweenTokensMs ? 'waiting' : stepAside(operation, context);
  }
  const silent = { ...operation, progress: { phase: 'queued', listed: true, silentSinceMs: nowMs } } as const;
  if ((await context.ledger.saveOperation(silent)) === undefined) return 'moved';
  // There may be slots for those behind it as well.
  context.poke(front.filter((id) => id !== operation.id));
  return 'waiting';
}

/** Nobody seems to wait for the operation: the next in the list comes first. A re-check, if there is one, puts it back. */
async function stepAside(operation: CommandInPhase<'queued'>, context: StepContext): Promise<StepResult> {
  const aside = { ...operation, progress: { phase: 'queued', listed: false } } as const;
  const stored = await context.ledger.saveOperation(aside, leavePlace(operation.place));
  await wakeNext(operation.settings.fleet.id, context);
  return stored === undefined ? 'moved' : 'waiting';
}

/** Only the writer of an intent comes here, and only once: anybody else has to look for the command first. */
async function send(operation: CommandInPhase<'starting'>, context: StepContext): Promise<StepResult> {
  let commandId: string;
  try {
    commandId = await sendCommand(operation, instanceOf(operation), context.client(SSMClient));
  } catch (error) {
    if (!isInstanceRefused(error)) throw error;
    return tryAgain(operation, 'Instance.Lost', `SSM does not accept commands for it: ${error.message}`, context);
  }
  const noted = await noteCommand(operation, commandId, context);
  // An instance takes a second or more for a command: its event finds the way from here on.
  return noted === 'moved' ? 'moved' : 'waiting';
}

async function noteCommand(
  operation: CommandInPhase<'starting'>,
  commandId: string,
  context: StepContext,
): Promise<StepResult> {
  const { slot, instanceId } = operation.progress;
  const running = await context.ledger.saveOperation(
    { ...operation, progress: { phase: 'running', slot, instanceId, commandId, sentAtMs: context.nowMs() } },
    putPointer(`command#${commandId}`, { operationId: operation.id }, operation.deadlineAtMs),
  );
  if (running !== undefined) return running;
  const current = await context.ledger.readOperation(operation.id);
  // Given up while the command was being sent: nobody else knows that it exists.
  const isGivenUp = current?.completion !== undefined || current?.abandonedAtMs !== undefined;
  if (isGivenUp) await cancelCommand(commandId, context.client(SSMClient), context.log);
  return 'moved';
}

/** The intent is written, but was the command sent? Looks for it, waits until it must be visible, and only then sends again.
 * Should the first one turn up after all: an instance runs one try of one operation once. */
async function findOrSend(operation: CommandInPhase<'starting'>, context: StepContext): Promise<StepResult> {
  const { slot, intentAtMs } = operation.progress;
  const [commandId] = await findCommands(operation, instanceOf(operation), intentAtMs, context.client(SSMClient));
  if (commandId !== undefined) return noteCommand(operation, commandId, context);
  const nowMs = context.nowMs();
  // Past its deadline as well: what cannot be seen cannot be cancelled.
  if (nowMs - intentAtMs < listingGraceMs) return 'waiting';
  if (isLate(operation, context)) return missDeadline(operation, context);
  const awaited = await findAwaited(operation, context);
  if (awaited === undefined) return stopUnawaited(operation, context);
  const loss = await findLoss(instanceOf(operation), context);
  if (loss !== undefined) return tryAgain(operation, 'Instance.Lost', loss, context);
  if (!(await protectInstance(operation.settings.fleet, instanceOf(operation), context))) {
    return tryAgain(operation, 'Instance.Lost', 'the instance leaves its group', context);
  }
  const renewed = await context.ledger.saveOperation(
    { ...awaited, progress: { ...operation.progress, intentAtMs: nowMs } },
    takeSlot(operation.settings.fleet.id, leaseFor(operation, slot, nowMs), nowMs),
  );
  if (renewed !== undefined) return send(renewed as CommandInPhase<'starting'>, context);
  if (await holdsSlot(operation, context)) return 'moved';
  return tryAgain(operation, 'Instance.Lost', 'its slot was given to another operation', context);
}

async function lookAtInvocation(operation: CommandInPhase<'running'>, context: StepContext): Promise<StepResult> {
  const { commandId, sentAtMs, loss: knownLoss } = operation.progress;
  if (knownLoss !== undefined) return tryAgain(operation, 'Instance.Lost', knownLoss, context);
  let invocation: GetCommandInvocationResult;
  try {
    invocation = await readInvocation(commandId, instanceOf(operation), context.client(SSMClient));
  } catch (error) {
    if (!(error instanceof InvocationDoesNotExist)) throw error;
    if (isLate(operation, context)) return missDeadline(operation, context);
    if (context.nowMs() - sentAtMs < invocationGraceMs) return 'waiting';
    return tryAgain(operation, 'Instance.Lost', 'SSM does not know the command any more', context);
  }
  const verdict = judgeInvocation(invocation.Status, invocation.StatusDetails);
  const isOverdue = isLate(operation, context);
  // Whoever missed the deadline may have died between the command's cancellation and its own next line.
  if (isOverdue && (verdict === 'pending' || verdict === 'cancelled')) return missDeadline(operation, context);
  if (verdict !== 'pending') return endInvocation(operation, invocation, verdict, context);
  const loss = await findLoss(instanceOf(operation), context);
  if (loss === undefined) return 'waiting';
  return (await context.ledger.saveOperation({ ...operation, progress: { ...operation.progress, loss } })) ?? 'moved';
}
