/** Aims faults: each kind at each state and caller that it can hit, in turn, so that none is left out by chance. */
import { faultKinds, type Fault, type FaultKind } from '../../local';
import type { RandomSource } from '../../local/random';
import { hasKeeper, insertedState, type Variant } from './assembly';

/** A kind of fault, and where it strikes. */
export interface Cell {
  readonly kind: FaultKind;
  readonly place: string;
}

/** Callers of calls as columns of the table: states, or what stands beside them. */
export const callers: Readonly<Record<string, string>> = {
  ValidateObject: 'Validate object',
  ProcessObject: 'Process on EC2',
  StoreResults: 'Store results',
  SnapshotInstance: 'Snapshot instance',
  BackUpResults: 'Back up results',
  QuarantineObject: 'Quarantine object',
  Relay: '(relay)',
  Cleaner: '(cleaner)',
  // The last part of its path: Keeper/Function.
  Function: '(keeper)',
  events: '(rules)',
};

/** Calls that a state machine makes itself, by the states that make them. */
export const stateCalls: Readonly<Record<string, string>> = {
  'dynamodb:UpdateItem': 'Claim object, Complete',
  'lambda:Invoke': '(calls of functions)',
};

/** Sources of events that move the workflow. */
export const sources = ['aws.s3', 'aws.ssm', 'aws.ec2', 'aws.backup', 'aws.states'] as const;

/** States that an execution can be in while something happens elsewhere. The others end in the moment in which they begin. */
const states = [
  'Claim object',
  'Validate object',
  'Process on EC2',
  'Store results',
  insertedState,
  'Protect',
  'Snapshot instance',
  'Back up results',
  'Complete',
  'Quarantine object',
];

const kindsOfCalls: readonly FaultKind[] = [
  ...(['throttled', 'failed', 'answer-lost', 'slow', 'crash-before', 'crash-after', 'hang'] as const),
];
const kindsOfEvents: readonly FaultKind[] = ['event-lost', 'event-repeated', 'event-delayed', 'event-overtaken'];
const timedKinds: readonly FaultKind[] = ['instance-dies', 'instance-reboots', 'agent-offline', 'execution-stopped'];
const lateServices = ['ssm', 'ec2', 'dynamodb'] as const;

/** Where each kind of fault can strike.
 *
 * What stands in no cell cannot be hit: an event is delivered to a rule, whatever state waits for what it tells; an image
 * fails where one is made; reads that are late are so for all who read; the states that only end an execution take no time. */
export const cells: readonly Cell[] = faultKinds.flatMap((kind) => placesFor(kind).map((place) => ({ kind, place })));

/** Those that a variant has: whoever launches instances makes no images, whose instances are somebody else's affair has no keeper,
 * and one has a state of the user's own. */
function cellsOf(variant: Variant): readonly Cell[] {
  const absent = new Set([
    ...(variant === 'launches' ? ['Protect', 'Snapshot instance'] : []),
    ...(hasKeeper(variant) ? [] : [callers['Function']]),
    ...(variant === 'scaled' ? [] : [insertedState]),
  ]);
  return cells.filter(({ place }) => !absent.has(place));
}

function placesFor(kind: FaultKind): readonly string[] {
  if (kindsOfCalls.includes(kind)) return [...Object.values(callers), ...Object.values(stateCalls)];
  if (kindsOfEvents.includes(kind)) return sources;
  if (timedKinds.includes(kind)) return states;
  if (kind === 'late-reads') return lateServices;
  return [kind.startsWith('image') ? 'Snapshot instance' : 'Back up results'];
}

/** Calls around which a protocol breaks, if it breaks: each with how often five objects make them. */
const crucialCalls: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ProcessObject: {
    ...{ 'ssm:SendCommand': 4, 'dynamodb:TransactWriteItems': 12, 'ssm:GetCommandInvocation': 4 },
    'ec2:RunInstances': 3,
  },
  Relay: { 'ssm:SendCommand': 2, 'dynamodb:TransactWriteItems': 20, 'states:SendTaskSuccess': 8 },
  StoreResults: { 'dynamodb:UpdateItem': 5, 's3:GetObject': 5 },
  SnapshotInstance: { 'ec2:CreateImage': 3, 'dynamodb:TransactWriteItems': 8 },
  BackUpResults: { 'backup:StartBackupJob': 3, 'dynamodb:TransactWriteItems': 8 },
  Cleaner: { 'dynamodb:TransactWriteItems': 2, 'dynamodb:UpdateItem': 2, 'dynamodb:Query': 3 },
  Function: { 'ssm:SendCommand': 2, 'dynamodb:TransactWriteItems': 8, 'ec2:TerminateInstances': 2 },
  ValidateObject: { 'dynamodb:UpdateItem': 5 },
  QuarantineObject: { 's3:CopyObject': 1, 'dynamodb:UpdateItem': 1 },
};

/** How many cells each seed aims at. */
export const aimedCount = 3;
const minuteMs = 60_000;
/** How long each call takes that is slowed. */
const slownessMs = 2_000;

/** What makes a state that takes no time, because virtual time stands still while functions run, take some. */
const slowedBy: Readonly<Record<string, { readonly caller: string; readonly operation?: string }>> = {
  'Claim object': { caller: 'execution', operation: 'dynamodb:UpdateItem' },
  'Validate object': { caller: 'ValidateObject' },
  'Store results': { caller: 'StoreResults' },
  Complete: { caller: 'execution', operation: 'dynamodb:UpdateItem' },
  'Quarantine object': { caller: 'QuarantineObject' },
};

/** What is aimed at. */
export interface Aim {
  readonly variant: Variant;
  /** How many seeds of the variant came before: those that follow each other go through all of its cells. */
  readonly turn: number;
  /** About how many calls each caller makes. */
  readonly callCounts: Readonly<Record<string, number>>;
}

/** Draws faults for the cells whose turn it is, and now and then some that have to meet. */
export function aimFaults({ variant, turn, callCounts }: Aim, random: RandomSource): Fault[] {
  const own = cellsOf(variant);
  const aimed = Array.from({ length: aimedCount }, (_, index) =>
    aimAt(own[(turn * aimedCount + index) % own.length]!, random, callCounts),
  ).flat();
  const meeting = meetings[random.integer(meetings.length * meetingsRarity)];
  return meeting === undefined ? aimed : [...aimed, ...meeting(random)];
}

/** One seed of so many has each of the meetings of faults, times how many there are. */
const meetingsRarity = 4;

/** Faults that do harm only together: each alone, something else catches. */
const meetings: readonly ((random: RandomSource) => Fault[])[] = [
  // A function dies between its intent and its command, its execution is stopped, and the cleaner finds the record, but not
  // yet the operation, which is younger: nothing but the end of its lease frees its slot.
  (random) => [
    { kind: 'late-reads', service: 'dynamodb', delayMs: 10_000 },
    { kind: 'slow', caller: 'ValidateObject', call: 1, times: 4, delayMs: 15_000 },
    { kind: 'crash-before', caller: 'ProcessObject', operation: 'ssm:SendCommand', call: 1, times: 1 },
    {
      kind: 'execution-stopped',
      ...{ execution: 0, atMs: 1 + random.integer(5_000), entering: { state: 'Process on EC2', time: 1 } },
    },
  ],
  // An instance is launched, nobody knows its id, its execution is stopped, and EC2 does not show it yet.
  (random) => [
    { kind: 'late-reads', service: 'ec2', delayMs: 5 * minuteMs },
    { kind: 'crash-after', caller: 'ProcessObject', operation: 'ec2:RunInstances', call: 1, times: 1 },
    {
      kind: 'execution-stopped',
      ...{ execution: 0, atMs: 1 + random.integer(1_000), entering: { state: 'Process on EC2', time: 1 } },
    },
  ],
  // An image is being made, nobody knows its id, and its instance is gone before anybody asks again.
  (random) => [
    { kind: 'crash-after', caller: 'SnapshotInstance', operation: 'ec2:CreateImage', call: 1, times: 1 },
    {
      kind: 'instance-dies',
      ...{ instance: random.integer(2), durationMs: minuteMs, atMs: 1 + random.integer(1_000) },
      entering: { state: 'Snapshot instance', time: 1 },
    },
  ],
];

function aimAt({ kind, place }: Cell, random: RandomSource, callCounts: Readonly<Record<string, number>>): Fault[] {
  const from = (count: number): number => 1 + random.integer(count);
  const long = (maximumMs: number): number => Math.ceil(maximumMs ** random.next());
  if (includes(kindsOfCalls, kind)) return [aimAtCall(kind, place, random, callCounts)];
  if (includes(kindsOfEvents, kind)) {
    return [{ kind, source: place, delivery: from(10), delayMs: long(4 * 60 * minuteMs) } as Fault];
  }
  if (includes(timedKinds, kind)) {
    const slow = slowedBy[place];
    const entering = { state: place, time: from(place === 'Quarantine object' ? 1 : 4) };
    const instant = { atMs: long(slow === undefined ? 30 * minuteMs : slownessMs / 2) - 1, entering };
    const fault =
      kind === 'execution-stopped'
        ? { kind, execution: 0, ...instant }
        : { kind, instance: random.integer(4), durationMs: long(90 * minuteMs), ...instant };
    const slowed = slow && { kind: 'slow', ...slow, call: 1, times: 30, delayMs: slownessMs };
    return [fault as Fault, ...(slowed === undefined ? [] : [slowed as Fault])];
  }
  if (kind === 'late-reads') {
    const service = place as (typeof lateServices)[number];
    return [{ kind, service, delayMs: long(service === 'ec2' ? 5 * minuteMs : 10_000) }];
  }
  return [{ kind, job: from(3), durationMs: long(3 * 60 * minuteMs) } as Fault];
}

function aimAtCall(
  kind: FaultKind,
  place: string,
  random: RandomSource,
  callCounts: Readonly<Record<string, number>>,
): Fault {
  const [caller = 'execution'] = Object.entries(callers).find(([, state]) => state === place) ?? [];
  const crucial = Object.entries(crucialCalls[caller] ?? {});
  const [own] = Object.entries(stateCalls).find(([, state]) => state === place) ?? [];
  const [operation, count] =
    own !== undefined
      ? [own, 12]
      : crucial.length > 0 && random.integer(2) === 0
        ? crucial[random.integer(crucial.length)]!
        : [undefined, Math.ceil(callCounts[caller] ?? 1)];
  // The SDK makes three attempts by itself.
  const times = kind === 'throttled' || kind === 'failed' || kind === 'answer-lost' ? [1, 3, 6][random.integer(3)]! : 1;
  const target = { caller, call: 1 + random.integer(count), times, ...(operation !== undefined && { operation }) };
  const delayMs = Math.ceil(minuteMs ** random.next());
  return { kind, ...target, ...(kind === 'slow' && { delayMs }) } as Fault;
}

function includes(kinds: readonly FaultKind[], kind: FaultKind): boolean {
  return kinds.includes(kind);
}
