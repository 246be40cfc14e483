/** What is known of a long operation, as the ledger keeps it: everything that is needed to move it on, by anyone. */
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { objectReference, recordReference } from '../object-reference';
import { backupSettings, commandSettings, imageSettings } from './settings';

/** How an operation ended, whether or not the state knows already. */
const completion = z.discriminatedUnion('kind', [
  /** `output` is the state's result. */
  z.object({ kind: z.literal('success'), atMs: z.number(), output: z.record(z.string(), z.unknown()) }),
  z.object({ kind: z.literal('failure'), atMs: z.number(), error: z.string(), cause: z.string() }),
]);
export type Completion = z.output<typeof completion>;

const common = z.object({
  id: z.string(),
  /** Counts the writes: every write is conditional on the version that was read. */
  version: z.number().int(),
  /** ARN of the execution that waits for it. */
  owner: z.string(),
  stateName: z.string(),
  redriveCount: z.number().int(),
  object: objectReference,
  /** The newest token of the waiting state: each re-check brings another one, and only the newest is of use. */
  taskToken: z.string(),
  /** When it came, or a state was last found to wait with it. */
  taskTokenAtMs: z.number(),
  createdAtMs: z.number(),
  deadlineAtMs: z.number(),
  /** From 1: counts the times that the work was begun. */
  try: z.number().int().min(1),
  /** Its item in the list of those who wait for the same thing, in the order of their arrival. */
  place: recordReference,
  /** Why it has to wait or was tried again, for the message of a missed deadline. */
  lastObstacle: z.string().optional(),
  /** Since when it is given up, while nobody can know whether its command was sent: then a later cleaner has to end it. */
  abandonedAtMs: z.number().optional(),
  completion: completion.optional(),
});

/** What operations of all kinds have in common. */
export type OperationCommon = z.output<typeof common>;

/** One of an instance's places for a command, held by one operation until its lease ends. */
export const slot = z.object({ instanceId: z.string(), number: z.number().int().min(1) });
export type Slot = z.output<typeof slot>;

/** The instance that was launched for the operation alone.
 * @default - the slot's own */
const launchedInstance = { instanceId: z.string().optional() };

/** How far a command has come. */
const commandProgress = z.discriminatedUnion('phase', [
  /** Waits for a slot. Not `listed`: nobody seems to wait for it any more; its next re-check puts it back in its place. */
  z.object({
    phase: z.literal('queued'),
    listed: z.boolean(),
    /** Since when its token is known to be stale: another one may be on its way. */
    silentSinceMs: z.number().optional(),
  }),
  /** Holds a slot, and is about to launch its instance or waits until it takes commands. */
  z.object({
    phase: z.literal('launching'),
    slot,
    /** From 1: counts the launches that EC2 refused in this try, and this one. With the try it names the launch. */
    launch: z.number().int().min(1),
    /** When EC2 may be asked, at the earliest; with an instance, when that was known. */
    intentAtMs: z.number(),
    ...launchedInstance,
  }),
  /** Holds a slot and is about to send the command, or has sent it and did not live to write that down. */
  z.object({ phase: z.literal('starting'), slot, intentAtMs: z.number(), ...launchedInstance }),
  z.object({
    phase: z.literal('running'),
    slot,
    commandId: z.string(),
    sentAtMs: z.number(),
    /** Why its instance is given up; written before the command is cancelled, which is then nobody else's doing. */
    loss: z.string().optional(),
    ...launchedInstance,
  }),
]);

const commandOperation = common.extend({
  kind: z.literal('command'),
  settings: commandSettings,
  progress: commandProgress,
});
export type CommandOperation = z.output<typeof commandOperation>;

type CommandProgress = z.output<typeof commandProgress>;
/** A command of which is known how far it has come. */
export type CommandInPhase<Phase extends CommandProgress['phase']> = CommandOperation & {
  readonly progress: Extract<CommandProgress, { phase: Phase }>;
};

/** A command that holds a slot. */
export type CommandWithSlot = CommandInPhase<Exclude<CommandProgress['phase'], 'queued'>>;

/** Whether a command holds a slot, so far as it knows. */
export function hasSlot(operation: CommandOperation): operation is CommandWithSlot {
  return operation.progress.phase !== 'queued';
}

/** The instance that a command works on. */
export function instanceOf({ progress }: CommandInPhase<'starting' | 'running'>): string {
  return progress.instanceId ?? progress.slot.instanceId;
}

/** Waits for a job that began after `needsAfterMs`. */
const sharedJob = { needsAfterMs: z.number() };
const imageOperation = common.extend({
  kind: z.literal('image'),
  settings: imageSettings,
  instanceId: z.string(),
  ...sharedJob,
});
export type ImageOperation = z.output<typeof imageOperation>;

const backupOperation = common.extend({ kind: z.literal('backup-job'), settings: backupSettings, ...sharedJob });
export type BackupOperation = z.output<typeof backupOperation>;

/** A long operation of any kind. */
export const operation = z.discriminatedUnion('kind', [commandOperation, imageOperation, backupOperation]);
export type Operation = z.output<typeof operation>;

/** An operation that shares its job with others. */
export type SharedJobOperation = ImageOperation | BackupOperation;

/** Which visit of which state an operation belongs to. A redrive is another visit, a re-check is not. */
export interface OperationVisit {
  readonly executionArn: string;
  readonly state: string;
  readonly redriveCount: number;
}

/** The identifier of a visit's operation: the same for whoever asks, so that a repeated start finds the first one. */
export function operationId(visit: OperationVisit): string {
  const text = [visit.executionArn, visit.state, visit.redriveCount].join('\n');
  return createHash('sha256').update(text).digest('hex').slice(0, 24);
}

/** Names one try of an operation on an instance, which refuses to run the same one twice. */
export function runId(operation: Pick<Operation, 'id' | 'try'>): string {
  return `${operation.id}-${operation.try}`;
}

/** Key of an operation's item. */
export function operationKey(id: string): { pk: string; sk: string } {
  return { pk: `operation#${id}`, sk: 'operation' };
}

/** Partition of what waits for, and holds, the slots of a fleet. */
export function fleetPartition(fleetId: string): string {
  return `fleet#${fleetId}`;
}

/** Partition of what waits for images of one instance, and of the image being made. */
export function imagesPartition(instanceId: string): string {
  return `images#${instanceId}`;
}

/** Key of the reservation of an instance, among what waits for its images, by an execution that is about to ask for one. */
export function reservationKey(instanceId: string, owner: string): { pk: string; sk: string } {
  return { pk: imagesPartition(instanceId), sk: `${reservationPrefix}${owner}` };
}
export const reservationPrefix = 'reserved#';

/** Partition of what waits for backups of one resource in one vault, and of the job that runs. */
export function backupsPartition(vaultName: string, resourceArn: string): string {
  return `backups#${vaultName}#${resourceArn}`;
}

/** A place in a waiting list: sorted by the instant of arrival. */
export function placeKey(partition: string, arrivedAtMs: number, id: string): { pk: string; sk: string } {
  return { pk: partition, sk: `${placePrefix}${String(arrivedAtMs).padStart(15, '0')}#${id}` };
}
export const placePrefix = 'waiting#';

/** Key of a slot's item. Slots of one instance are next to each other. */
export function slotKey(fleetId: string, slot: Slot): { pk: string; sk: string } {
  return { pk: fleetPartition(fleetId), sk: `${slotPrefix(slot.instanceId)}${slot.number}` };
}

/** Prefix of the sort keys of an instance's slots, or of all. */
export function slotPrefix(instanceId?: string): string {
  return instanceId === undefined ? 'slot#' : `slot#${instanceId}#`;
}
