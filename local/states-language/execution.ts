/** One execution from start to end: its status, its clocks, and what stops and redrives it. */
import { ServiceError } from '../services/service';
import type { Timer } from '../virtual-clock';
import type { Definition } from './definition';
import type { StartChild } from './distributed-map/map-run';
import type {
  EngineHost,
  Execution,
  ExecutionIdentity,
  ExecutionStatus,
  HistoryEvent,
  JsonValue,
  TaskFailure,
} from './engine';
import type { Failure } from './failure';
import { History, HistoryFull } from './history';
import { Lifetime } from './lifetime';
import { quotas } from './quotas';
import { contextTellsRedriveCount } from './service-changes';
import type { TaskTokenRegistry } from './task-tokens';
import { Thread, type ExecutionServices, type ThreadEnd, type ThreadStart } from './thread';
import { formatTimestamp } from './timestamp';

/** What an execution is started with. */
export interface ExecutionStart {
  readonly definition: Definition;
  readonly input: JsonValue;
  readonly identity: ExecutionIdentity;
}

/** Thrown when an Express execution has gone through more states than its time allows. */
class ExpressTimeExceeded extends Error {}

/** An execution that runs on the host's clock. */
export class RunningExecution implements Execution {
  readonly identity: ExecutionIdentity;
  readonly input: JsonValue;
  readonly startedAtMs: number;
  status: ExecutionStatus = 'RUNNING';
  output: JsonValue | undefined;
  error: string | undefined;
  cause: string | undefined;
  stoppedAtMs: number | undefined;
  redriveCount = 0;
  ended: Promise<void>;

  private readonly startTime: string;
  private redriveTime: string | undefined;
  private transitionCount = 0;
  private readonly log: History;
  private readonly services: ExecutionServices;
  private lifetime = new Lifetime();
  private thread: Thread | undefined;
  private timeout: Timer | undefined;
  private resumeAt: ThreadStart | undefined;
  private resolveEnded: () => void = () => undefined;
  /** Resolves when nothing of the execution is under way any more. */
  private unwound: Promise<void> = Promise.resolve();

  constructor(
    private readonly start: ExecutionStart,
    private readonly host: EngineHost,
    tokens: TaskTokenRegistry,
    startChild: StartChild,
  ) {
    const { identity, input } = start;
    this.identity = identity;
    this.input = input;
    this.startedAtMs = host.clock.nowMs();
    this.startTime = formatTimestamp(this.startedAtMs);
    const { onEvent } = host;
    this.log = new History(
      () => host.clock.nowMs(),
      identity.type === 'STANDARD',
      onEvent && ((event) => onEvent(identity.executionArn, event)),
    );
    this.services = {
      identity,
      host,
      random: host.random,
      history: this.log,
      tokens,
      contextFacts: () => this.contextFacts(),
      countTransition: () => this.countTransition(),
      startChild,
    };
    this.ended = this.newEnd();
    const { startAt } = start.definition;
    this.log.append('ExecutionStarted', { input, roleArn: identity.roleArn }, 0);
    // The first state follows no event, not even the execution's start (recorded).
    this.run({ stateName: startAt, input, variables: {} }, 0);
  }

  get history(): readonly HistoryEvent[] {
    return this.log.events;
  }

  /** States entered and retried: what the service bills. */
  get transitions(): number {
    return this.transitionCount;
  }

  stop(failure: TaskFailure = {}): void {
    if (this.status !== 'RUNNING') return;
    this.finish('ABORTED', 'ExecutionAborted', failure);
    this.lifetime.end();
  }

  redrive(): void {
    const refusal = this.whyNotRedrivable();
    if (refusal !== undefined) throw new ServiceError('ExecutionNotRedrivable', refusal);
    this.redriveCount++;
    this.redriveTime = formatTimestamp(this.host.clock.nowMs());
    this.status = 'RUNNING';
    this.error = this.cause = this.stoppedAtMs = undefined;
    this.ended = this.newEnd();
    // What was stopped may still be on its way out: where to go on is known once it is.
    void this.unwound.then(() => this.goOn());
  }

  private goOn(): void {
    if (this.status !== 'RUNNING') return this.resolveEnded();
    this.lifetime = new Lifetime();
    this.log.reopen();
    const eventId = this.log.append('ExecutionRedriven', { redriveCount: this.redriveCount }, this.log.length);
    this.run(this.resumeAt!, eventId);
  }

  private whyNotRedrivable(): string | undefined {
    if (this.identity.type === 'EXPRESS') return 'Execution is EXPRESS and cannot be redriven';
    if (this.status === 'RUNNING' || this.status === 'SUCCEEDED') {
      return `Execution is ${this.status} and cannot be redriven`;
    }
    if (this.host.clock.nowMs() - this.stoppedAtMs! > quotas.redrivableMs)
      return 'Execution is past its redrivable period of 14 days';
    if (this.log.length >= quotas.historyEvents - 1) return 'Execution has reached the maximum event history limit';
    return undefined;
  }

  private newEnd(): Promise<void> {
    return new Promise((resolve) => (this.resolveEnded = resolve));
  }

  private run(at: ThreadStart, previousEventId: number): void {
    const { definition, identity } = this.start;
    const limitMs = Math.min(
      (definition.timeoutSeconds ?? Number.POSITIVE_INFINITY) * 1000,
      identity.type === 'EXPRESS' ? quotas.expressExecutionMs : quotas.standardExecutionMs,
    );
    this.timeout = this.host.clock.schedule(limitMs, () => this.expire());
    const thread = new Thread(this.services, definition, this.lifetime, previousEventId, []);
    this.thread = thread;
    // Not before the caller has the execution in its hands: its first task may need it.
    this.unwound = Promise.resolve()
      .then(() => thread.run(at))
      .then(
        (end) => this.conclude(end),
        (error: unknown) => this.breakOff(error, at),
      )
      .then(this.resolveEnded);
  }

  private expire(): void {
    if (this.status !== 'RUNNING') return;
    this.timeOut();
    this.lifetime.end();
  }

  /** The error is told by the history only: DescribeExecution has none (recorded). */
  private timeOut(): void {
    this.finish('TIMED_OUT', 'ExecutionTimedOut', undefined, { error: 'States.Timeout' });
  }

  private conclude(end: ThreadEnd): void {
    if (end.kind !== 'succeeded') this.resumeAt = end.resumeAt;
    if (this.lifetime.hasEnded) return;
    switch (end.kind) {
      case 'succeeded':
        this.output = end.output;
        this.finish('SUCCEEDED', 'ExecutionSucceeded', undefined, { output: end.output });
        break;
      case 'failed':
        this.finish('FAILED', 'ExecutionFailed', end.failure);
        break;
      case 'aborted':
        this.finish('ABORTED', 'ExecutionAborted', {});
    }
  }

  /** Ends an execution that has hit a limit in the middle of things. */
  private breakOff(error: unknown, at: ThreadStart): void {
    this.resumeAt = at;
    if (error instanceof ExpressTimeExceeded) this.timeOut();
    else if (error instanceof HistoryFull) this.finish('FAILED', 'ExecutionFailed', historyLimitReached);
    else this.finish('FAILED', 'ExecutionFailed', internalError(error));
    this.lifetime.end();
  }

  private finish(
    status: ExecutionStatus,
    eventType: string,
    failure: Failure | undefined,
    details: { readonly output?: JsonValue; readonly error?: string } = {},
  ): void {
    this.status = status;
    this.error = failure?.error;
    this.cause = failure?.cause;
    this.stoppedAtMs = this.host.clock.nowMs();
    this.timeout?.cancel();
    const { error, cause } = failure ?? {};
    this.log.close(eventType, { error, cause, ...details }, this.lastEventIdBefore(status));
  }

  /** A success follows the last state, a failure the last event there is, and what comes from outside follows nothing
   * (recorded; ExecutionAborted and ExecutionTimedOut: floci-io/floci#2965, measured). */
  private lastEventIdBefore(status: ExecutionStatus): number {
    if (status === 'SUCCEEDED') return this.thread?.lastEventId ?? 0;
    return status === 'FAILED' ? this.log.length : 0;
  }

  private contextFacts() {
    return {
      identity: this.identity,
      input: this.input,
      startTime: this.startTime,
      ...(contextTellsRedriveCount(this.host.serviceDay) && { redriveCount: this.redriveCount }),
      ...(this.redriveTime !== undefined && { redriveTime: this.redriveTime }),
    };
  }

  private countTransition(): void {
    this.transitionCount++;
    if (this.identity.type === 'EXPRESS' && this.transitionCount > quotas.expressTransitions) {
      throw new ExpressTimeExceeded();
    }
  }
}

const historyLimitReached: Failure = {
  error: 'States.Runtime',
  cause: `The execution reached the maximum number of history events (${quotas.historyEvents}).`,
};

/** A mistake of ours must not look like an answer of the service. */
function internalError(error: unknown): Failure {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { error: 'Simulator.InternalError', cause: text };
}
