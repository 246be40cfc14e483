/** With what an execution may fail: only with what really stood in its own way. A fault that hit others excuses nothing. */
import type { Fault, FaultKind, Simulation } from '../../local';
import type { SimulatedExecution } from '../../local/simulated-execution';
import type { Behaviour } from './instances';
import { commandsOf, launchedFor, operationsOf, type KnownOperation } from './known-operations';
import type { Observer } from './observer';
import type { Upload, Workload } from './workload';

/** Who is judged, and what happened. */
export interface Circumstances {
  readonly simulation: Simulation;
  readonly workload: Workload;
  readonly observer: Observer;
  readonly execution: SimulatedExecution;
  readonly upload: Upload | undefined;
  /** When it failed: with a redrive it may do so again. */
  readonly failedAtMs: number;
}

/** How often a shared job, or a command, is tried: the default of the constructs. */
const maximumTries = 3;

const minuteMs = 60_000;

/** After a reboot it takes so long until the agent is heard of again, and what was sent meanwhile has come to its end. */
const rebootTroubleMs = 15 * minuteMs;

type Excuse = (circumstances: Circumstances) => boolean;

/** By the name of the error. What is not named here has no excuse. */
const excuses: Readonly<Record<string, Excuse>> = {
  'Command.Failed': (it) => behaves(it, 'fails-once', 'fails-later'),
  'Command.TimedOut': (it) => behaves(it, 'runs-for-ever'),
  'Command.Cancelled': wasCancelled,
  'Command.Undeliverable': hadInstanceTrouble,
  'Command.RetriesExhausted': hadInstanceTrouble,
  'Instance.Lost': (it) => hadInstanceTrouble(it) || isImagedInstanceGone(it),
  'Results.Invalid': (it) => behaves(it, 'damages-once'),
  'Image.Failed': (it) => countFailedImages(it) >= maximumTries,
  'Backup.Failed': haveBackupsFailed,
  'Backup.Expired': haveBackupsFailed,
  'Backup.Partial': (it) => countFailedBackups(it, 'backup-partial') > 0,
  // Only an execution that had ended can find its object in other hands.
  'Object.LeaseLost': ({ execution }) => execution.redriveCount > 0,
  // "Confirm completion" says in an expression that another execution has taken the object.
  'States.QueryEvaluationError': isObjectTaken,
};

/** Whether an execution may have failed with an error, after all that has happened to it. */
export function isExcused(error: string, circumstances: Circumstances): boolean {
  return excuses[error]?.(circumstances) ?? false;
}

/** Whether a fault that the condition names has met something to break. */
export function wasHit(
  simulation: Simulation,
  condition: (fault: Fault, subject: string, atMs: number) => boolean,
): boolean {
  return simulation.faults.hits.some(({ fault, subject, atMs }) => condition(fault, subject, atMs));
}

/** A redriven execution finds its object in the hands of another one, which it may not touch. */
function isObjectTaken({ simulation, execution, upload }: Circumstances): boolean {
  const record = simulation.records().find(({ sk }) => sk === `version#${upload?.versionId}`);
  return execution.redriveCount > 0 && record !== undefined && record['owner'] !== execution.arn;
}

function behaves({ upload }: Circumstances, ...behaviours: readonly Behaviour[]): boolean {
  return upload !== undefined && behaviours.includes(upload.content.behaviour);
}

function wasCancelled(it: Circumstances): boolean {
  const { cancelledCommands } = it.workload;
  return lastOperations(it, 'command').some((operation) =>
    commandsOf(operation.id, it.simulation).some(({ commandId }) => cancelledCommands.has(commandId)),
  );
}

/** Whether something happened to an instance while the execution had a slot of it, or it was gone before; or to one that was
 * launched for it, before it was sent anything. */
function hadInstanceTrouble(it: Circumstances): boolean {
  const ids = lastOperations(it, 'command').map(({ id }) => id);
  const held = it.observer.heldInstances.filter(({ operationId }) => ids.includes(operationId));
  return (
    held.some(({ instanceId, atMs }) => wasInTrouble(instanceId, atMs, it)) ||
    ids.some((id) => launchedFor(id, it.simulation).some(({ instanceId }) => hasDied(instanceId, it)))
  );
}

function wasInTrouble(instanceId: string, sinceMs: number, it: Circumstances): boolean {
  const { simulation, failedAtMs } = it;
  return (
    leftGroup(instanceId, it) ||
    hasDied(instanceId, it) ||
    wasHit(simulation, (fault, subject, atMs) => {
      if (subject !== instanceId || atMs > failedAtMs) return false;
      if (fault.kind === 'instance-reboots') return atMs + rebootTroubleMs >= sinceMs;
      return fault.kind === 'agent-offline' && atMs + fault.durationMs + rebootTroubleMs >= sinceMs;
    })
  );
}

/** Somebody had made the group smaller, and the instance was among those that left. */
function leftGroup(instanceId: string, { simulation, workload, failedAtMs }: Circumstances): boolean {
  if (workload.shrunkAtMs === undefined || workload.shrunkAtMs > failedAtMs) return false;
  return isGone(instanceId, simulation);
}

function isGone(instanceId: string, { services }: Simulation): boolean {
  const state = services.ec2.instances.all.get(instanceId)?.state;
  return state === 'shutting-down' || state === 'terminated';
}

/** What has left nothing to image, a redrive cannot bring back; and what was given back when the execution had failed, neither. */
export function isImagedInstanceGone(it: Circumstances): boolean {
  return lastOperations(it, 'image').some(
    ({ instanceId = '' }) =>
      isGone(instanceId, it.simulation) &&
      (it.execution.redriveCount > 0 || hasDied(instanceId, it) || leftGroup(instanceId, it)),
  );
}

function hasDied(instanceId: string, { simulation, failedAtMs }: Circumstances): boolean {
  return wasHit(
    simulation,
    ({ kind }, subject, atMs) => kind === 'instance-dies' && subject === instanceId && atMs <= failedAtMs,
  );
}

function countFailedImages(it: Circumstances): number {
  const [operation] = lastOperations(it, 'image');
  const { images } = it.simulation.services.ec2;
  return countHits(it, operation, ['image-fails'], (imageId) => {
    return images.all.get(imageId)?.sourceInstanceId === operation?.instanceId;
  });
}

/** All executions share the backups. */
function countFailedBackups(it: Circumstances, ...kinds: readonly FaultKind[]): number {
  return countHits(it, lastOperations(it, 'backup-job')[0], kinds);
}

function haveBackupsFailed(it: Circumstances): boolean {
  return countFailedBackups(it, 'backup-fails', 'backup-expires') >= maximumTries;
}

/** How many faults of these kinds have met something while an operation was waiting. */
function countHits(
  { simulation, failedAtMs }: Circumstances,
  operation: KnownOperation | undefined,
  kinds: readonly FaultKind[],
  concerns: (subject: string) => boolean = () => true,
): number {
  if (operation === undefined) return 0;
  return simulation.faults.hits.filter(
    ({ fault, subject, atMs }) =>
      kinds.includes(fault.kind) && operation.createdAtMs <= atMs && atMs <= failedAtMs && concerns(subject),
  ).length;
}

/** The operation of that kind that an execution had begun last when it failed; none or one. */
function lastOperations(
  { simulation, execution, failedAtMs }: Circumstances,
  kind: KnownOperation['kind'],
): KnownOperation[] {
  return operationsOf(execution.arn, simulation)
    .filter((operation) => operation.kind === kind && operation.createdAtMs <= failedAtMs)
    .sort((a, b) => a.createdAtMs - b.createdAtMs)
    .slice(-1);
}
