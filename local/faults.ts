/** What can be broken in a simulation, as data: a list of faults is drawn from a seed, kept, shortened and used again. */
import type { RandomSource } from './random';
import type { ServiceName } from './services/service';

/** A fault of calls: those with the numbers `call` to `call + times - 1` that the caller makes, from 1.
 * The caller is a function by the name of its construct, `execution` for a state that calls a service itself, or `events`
 * for a rule that calls its target. */
export interface CallFault {
  /** - `throttled`: refused for being one too many
   * - `failed`: a fault of the service's own, before the call had its effect
   * - `answer-lost`: the same, but the call had its effect
   * - `slow`: takes `delayMs`, half of it before its effect
   * - `crash-before`, `crash-after`: the function dies at the call; a caller that is no function gets an error
   * - `hang`: never answered, so that the function times out; a caller that is no function gets an error */
  readonly kind: 'throttled' | 'failed' | 'answer-lost' | 'slow' | 'crash-before' | 'crash-after' | 'hang';
  readonly caller: string;
  readonly call: number;
  readonly times: number;
  readonly delayMs?: number;
  /** Counts only the caller's calls of this operation: `ssm:SendCommand`.
   * @default - all its calls count */
  readonly operation?: string;
}

/** A fault of one delivery of an event to a target of a rule: the one with the number `delivery` of those from the source. */
export interface EventFault {
  /** `event-overtaken`: arrives right after the next event of the source, or after `delayMs` if there is none. */
  readonly kind: 'event-lost' | 'event-repeated' | 'event-delayed' | 'event-overtaken';
  /** `aws.ssm` */
  readonly source: string;
  readonly delivery: number;
  readonly delayMs: number;
}

/** When something happens that no call and no event brings about. */
interface Instant {
  /** Milliseconds from the start of the simulation, or from the moment that `entering` names. */
  readonly atMs: number;
  /** The moment when a state of that name is entered for this time, from 1, whichever execution enters it.
   * @default - the start of the simulation */
  readonly entering?: { readonly state: string; readonly time: number };
}

/** A fault of one instance, at an instant. */
export interface InstanceFault extends Instant {
  /** - `instance-dies`: is terminated; its group launches another one
   * - `instance-reboots`: what ran on it ends without a word
   * - `agent-offline`: for `durationMs`; what runs goes on */
  readonly kind: 'instance-dies' | 'instance-reboots' | 'agent-offline';
  /** Which of those that run then, by their age, from 0; counted round. */
  readonly instance: number;
  readonly durationMs: number;
}

/** A fault of an image or a backup job: the one with that number, from 1. */
export interface JobFault {
  readonly kind: 'image-fails' | 'image-slow' | 'backup-fails' | 'backup-partial' | 'backup-expires' | 'backup-slow';
  readonly job: number;
  readonly durationMs: number;
}

/** Reads of that service show what was written only `delayMs` later, all the time. */
export interface LateReads {
  readonly kind: 'late-reads';
  readonly service: 'ssm' | 'ec2' | 'dynamodb';
  readonly delayMs: number;
}

/** Somebody stops the execution that was started as number `execution`, from 1, or the one that enters the state, if it still
 * runs then. */
export interface StoppedExecution extends Instant {
  readonly kind: 'execution-stopped';
  readonly execution: number;
}

/** One thing that goes wrong. */
export type Fault = CallFault | EventFault | InstanceFault | JobFault | LateReads | StoppedExecution;
/** Names what goes wrong. */
export type FaultKind = Fault['kind'];

const callKinds: readonly CallFault['kind'][] = [
  'throttled',
  'failed',
  'answer-lost',
  'slow',
  'crash-before',
  'crash-after',
  'hang',
];
const eventKinds: readonly EventFault['kind'][] = ['event-lost', 'event-repeated', 'event-delayed', 'event-overtaken'];
const instanceKinds: readonly InstanceFault['kind'][] = ['instance-dies', 'instance-reboots', 'agent-offline'];
const jobKinds: readonly JobFault['kind'][] = [
  'image-fails',
  'image-slow',
  'backup-fails',
  'backup-partial',
  'backup-expires',
  'backup-slow',
];

/** All kinds of faults. */
export const faultKinds: readonly FaultKind[] = [
  ...callKinds,
  ...eventKinds,
  ...instanceKinds,
  ...jobKinds,
  'late-reads',
  'execution-stopped',
];

/** Where faults can be drawn for. */
export interface FaultField {
  /** Callers, each with about how many calls it makes. */
  readonly callers: Readonly<Record<string, number>>;
  /** Sources of events, each with about how many deliveries there are. */
  readonly sources: Readonly<Record<string, number>>;
  /** How long it takes about until everything has happened. */
  readonly spanMs: number;
  readonly executionCount: number;
}

const minuteMs = 60_000;

/** Draws a swarm of faults: of a few kinds only, because faults of all kinds at once hide each other.
 * @returns a list in no order; empty in about one of ten draws */
export function drawFaults(random: RandomSource, field: FaultField): Fault[] {
  if (random.integer(10) === 0) return [];
  const kinds = faultKinds.filter(() => random.integer(4) === 0);
  return kinds.flatMap((kind) =>
    Array.from({ length: isRare(kind) ? 1 : 1 + random.integer(6) }, () => drawFault(kind, random, field)),
  );
}

function isRare(kind: FaultKind): boolean {
  return kind === 'late-reads' || kind === 'execution-stopped' || kind === 'instance-dies';
}

function drawFault(kind: FaultKind, random: RandomSource, field: FaultField): Fault {
  const pick = <Value>(values: readonly Value[]): Value => values[random.integer(values.length)]!;
  // Short delays meet what happens close together, long ones what times out meanwhile.
  const delay = (maximumMs: number): number => Math.ceil(maximumMs ** random.next());
  if (kind === 'late-reads') {
    const service = pick(['ssm', 'ec2', 'dynamodb'] as const);
    return { kind, service, delayMs: delay(service === 'ec2' ? 5 * minuteMs : 10_000) };
  }
  if (kind === 'execution-stopped') {
    return { kind, execution: 1 + random.integer(field.executionCount), atMs: random.integer(field.spanMs) };
  }
  if (includes(instanceKinds, kind)) {
    const atMs = random.integer(field.spanMs);
    return { kind, instance: random.integer(4), atMs, durationMs: delay(90 * minuteMs) };
  }
  if (includes(jobKinds, kind)) return { kind, job: 1 + random.integer(4), durationMs: delay(3 * 60 * minuteMs) };
  if (includes(eventKinds, kind)) {
    const [source, count] = pick(Object.entries(field.sources));
    return { kind, source, delivery: 1 + random.integer(count), delayMs: delay(4 * 60 * minuteMs) };
  }
  const [caller, count] = pick(Object.entries(field.callers));
  // The SDK makes three attempts by itself, so one refusal alone is never seen by the function.
  const times = kind === 'throttled' || kind === 'failed' || kind === 'answer-lost' ? pick([1, 3, 6]) : 1;
  const call = 1 + random.integer(count);
  return { kind, caller, call, times, ...(kind === 'slow' && { delayMs: delay(minuteMs) }) };
}

function includes<Kind extends FaultKind>(kinds: readonly Kind[], kind: FaultKind): kind is Kind {
  return (kinds as readonly FaultKind[]).includes(kind);
}

/** Codes with which services refuse a call for being one too many. */
export const throttlingCodes: Readonly<Partial<Record<ServiceName, string>>> = {
  dynamodb: 'ThrottlingException',
  ec2: 'RequestLimitExceeded',
  lambda: 'TooManyRequestsException',
  s3: 'SlowDown',
};

/** Codes of faults of the services' own. */
export const serverFaultCodes: Readonly<Partial<Record<ServiceName, string>>> = {
  backup: 'ServiceUnavailableException',
  dynamodb: 'InternalServerError',
  ec2: 'InternalError',
  lambda: 'ServiceException',
  s3: 'InternalError',
  ssm: 'InternalServerError',
};
