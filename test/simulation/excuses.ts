/** With what an execution may fail: only with what really stood in its way. A fault that hit nothing excuses nothing. */
import type { Fault, FaultKind, Simulation } from '../../local';
import type { SimulatedExecution } from '../../local/simulated-execution';
import type { Behaviour } from './instances';
import type { Upload, Workload } from './workload';

/** Who is judged, and what happened to all. */
export interface Circumstances {
  readonly simulation: Simulation;
  readonly workload: Workload;
  readonly execution: SimulatedExecution;
  readonly upload: Upload | undefined;
}

/** How often a shared job, or a command, is tried: the default of the constructs. */
const maximumTries = 3;

const instanceFaults: readonly FaultKind[] = ['instance-dies', 'instance-reboots', 'agent-offline'];

type Excuse = (circumstances: Circumstances) => boolean;

/** By the name of the error. What is not named here has no excuse. */
const excuses: Readonly<Record<string, Excuse>> = {
  'Command.Failed': (it) => behaves(it, 'fails-once', 'fails-later'),
  'Command.TimedOut': (it) => behaves(it, 'runs-for-ever'),
  'Command.Cancelled': ({ workload }) => workload.cancelledCommands.size > 0,
  'Command.Undeliverable': haveInstancesTrouble,
  'Command.RetriesExhausted': haveInstancesTrouble,
  'Instance.Lost': haveInstancesTrouble,
  'Results.Invalid': (it) => behaves(it, 'damages-once'),
  'Image.Failed': ({ simulation }) => countHits(simulation, 'image-fails') >= maximumTries,
  'Backup.Failed': haveBackupsFailed,
  'Backup.Expired': haveBackupsFailed,
  'Backup.Partial': ({ simulation }) => countHits(simulation, 'backup-partial') > 0,
  // Only an execution that had ended can find its object in other hands.
  'Object.LeaseLost': ({ execution }) => execution.redriveCount > 0,
};

/** Whether an execution may have failed with an error, after all that has happened. */
export function isExcused(error: string, circumstances: Circumstances): boolean {
  return excuses[error]?.(circumstances) ?? false;
}

/** How many faults of these kinds have met something to break. */
export function countHits(simulation: Simulation, ...kinds: readonly FaultKind[]): number {
  return simulation.faults.hits.filter(({ fault }) => kinds.includes(fault.kind)).length;
}

/** Whether any fault of calls, or one that the condition names, has met something to break. */
export function wasHit(simulation: Simulation, condition: (fault: Fault, subject: string) => boolean): boolean {
  return simulation.faults.hits.some(({ fault, subject }) => condition(fault, subject));
}

function behaves({ upload }: Circumstances, ...behaviours: readonly Behaviour[]): boolean {
  return upload !== undefined && behaviours.includes(upload.content.behaviour);
}

function haveInstancesTrouble({ simulation, workload }: Circumstances): boolean {
  return countHits(simulation, ...instanceFaults) > 0 || workload.hasShrunk;
}

function haveBackupsFailed({ simulation }: Circumstances): boolean {
  return countHits(simulation, 'backup-fails', 'backup-expires') >= maximumTries;
}
