/** The steps of a command whose instance is launched for it alone: the launch, and the wait until the instance takes commands. */
import { stopUnawaited } from './abandon-operation';
import { endWithFailure, holdsSlot, missDeadline, tryAgain } from './command-end';
import { findAwaited } from './completion';
import { readLaunch } from './fleet-instances';
import { launchInstance, terminateInstance, type LaunchFleet } from './launch';
import { judgeLaunched, judgeLaunchError } from './launch-status';
import { isLate, leaseFor } from './lease';
import { putPointer, takeSlot } from './ledger';
import type { CommandInPhase } from './operation';
import type { StepContext, StepResult } from './operation-context';

/** Sends the command; only the writer of the intent may call it. */
type SendFirst = (operation: CommandInPhase<'starting'>, context: StepContext) => Promise<StepResult>;

/** Where EC2 had no room a moment ago, it has none now. */
const roundPauseMs = 30_000;

/** Moves a command that has a slot but no instance yet on by one step. */
export async function stepLaunch(
  operation: CommandInPhase<'launching'>,
  sendFirst: SendFirst,
  context: StepContext,
): Promise<StepResult> {
  const { fleet } = operation.settings;
  if (fleet.kind !== 'launch')
    throw new Error(`Operation ${operation.id} launches an instance for a fleet that has its own`);
  if (isLate(operation, context)) return missDeadline(operation, context);
  const { instanceId } = operation.progress;
  if (instanceId !== undefined) return waitForAgent({ operation, instanceId, fleet, sendFirst }, context);
  if (context.nowMs() < operation.progress.intentAtMs) return 'waiting';
  return launch(operation, fleet, context);
}

async function launch(
  operation: CommandInPhase<'launching'>,
  fleet: LaunchFleet,
  context: StepContext,
): Promise<StepResult> {
  let instanceId: string;
  try {
    instanceId = await launchInstance(operation, fleet, context);
  } catch (error) {
    return takeRefusal(operation, error, fleet, context);
  }
  const nowMs = context.nowMs();
  const launched = await context.ledger.saveOperation(
    { ...operation, progress: { ...operation.progress, instanceId, intentAtMs: nowMs } },
    takeSlot(fleet.id, leaseFor(operation, operation.progress.slot, nowMs), nowMs),
    putPointer(`instance#${instanceId}`, { operationId: operation.id }, operation.deadlineAtMs),
  );
  if (launched !== undefined) return launched;
  const current = await context.ledger.readOperation(operation.id);
  // Given up while the instance was being launched: nobody else knows that it exists.
  if (current === undefined || current.completion !== undefined || current.try !== operation.try) {
    await terminateInstance(instanceId, context);
    return 'moved';
  }
  if (await holdsSlot(operation, context)) return 'moved';
  return tryAgain(operation, 'Instance.Lost', 'its slot was given to another operation', context);
}

/** What EC2 has refused is asked for under another name: in the next subnet, and after all of them some time later. What it has not
 * looked at keeps its name: an earlier call, whose answer was not written down, may have launched it. */
async function takeRefusal(
  operation: CommandInPhase<'launching'>,
  error: unknown,
  fleet: LaunchFleet,
  context: StepContext,
): Promise<StepResult> {
  const verdict = judgeLaunchError(error);
  if (verdict === 'unknown') throw error;
  const { name, message } = error as Error;
  const obstacle = `EC2 did not launch an instance: ${name}: ${message}`;
  if (verdict === 'refused') {
    const cause = `${obstacle}\n  at: launch template ${fleet.launchTemplateId}, version ${fleet.launchTemplateVersion}\n  fix: correct the launch template or the permission, then redrive the execution`;
    return endWithFailure(operation, 'Instance.LaunchFailed', cause, context);
  }
  const { slot, launch: count } = operation.progress;
  const isThrottled = verdict === 'throttled';
  const isRoundOver = isThrottled || count % Math.max(1, fleet.subnetIds.length) === 0;
  const nowMs = context.nowMs();
  const intentAtMs = isRoundOver ? nowMs + roundPauseMs : nowMs;
  const next = { ...operation.progress, launch: isThrottled ? count : count + 1, intentAtMs };
  const lease = takeSlot(fleet.id, leaseFor(operation, slot, nowMs), nowMs);
  const saved = await context.ledger.saveOperation({ ...operation, progress: next, lastObstacle: obstacle }, lease);
  if (saved === undefined && !(await holdsSlot(operation, context))) {
    return tryAgain(operation, 'Instance.Lost', 'its slot was given to another operation', context);
  }
  context.log.warn('EC2 has no room for an instance', { operation: operation.id, launch: count, obstacle });
  return saved ?? 'moved';
}

interface Launched {
  readonly operation: CommandInPhase<'launching'>;
  readonly instanceId: string;
  readonly fleet: LaunchFleet;
  readonly sendFirst: SendFirst;
}

async function waitForAgent(
  { operation, instanceId, fleet, sendFirst }: Launched,
  context: StepContext,
): Promise<StepResult> {
  const { slot, intentAtMs } = operation.progress;
  const { state, isOnline } = await readLaunch(instanceId, context);
  const nowMs = context.nowMs();
  switch (judgeLaunched(state, isOnline)) {
    case 'lost':
      return tryAgain(operation, 'Instance.Lost', `the instance that was launched for it is ${state}`, context);
    case 'booting': {
      if (nowMs - intentAtMs < fleet.startTimeoutSeconds * 1000) return 'waiting';
      const obstacle = `the agent of ${instanceId} was not online within ${fleet.startTimeoutSeconds} seconds: it needs the SSM Agent, its role AmazonSSMManagedInstanceCore, and its subnet a way to Systems Manager`;
      return tryAgain(operation, 'Instance.Lost', obstacle, context);
    }
    case 'ready': {
      const awaited = await findAwaited(operation, context);
      if (awaited === undefined) return stopUnawaited(operation, context);
      const starting = { phase: 'starting', slot, instanceId, intentAtMs: nowMs } as const;
      const lease = takeSlot(fleet.id, leaseFor(operation, slot, nowMs), nowMs);
      const saved = await context.ledger.saveOperation({ ...awaited, progress: starting }, lease);
      if (saved !== undefined) return sendFirst(saved as CommandInPhase<'starting'>, context);
      if (await holdsSlot(operation, context)) return 'moved';
      return tryAgain(operation, 'Instance.Lost', 'its slot was given to another operation', context);
    }
  }
}
