/** What a simulation tells about itself while it runs. */
import type { EventEnvelope } from './services/events';
import { ServiceError, type Interceptor, type ServiceName } from './services/service';
import type { HistoryEvent } from './states-language/engine';
import type { VirtualClock } from './virtual-clock';

/** Something that happened, with its virtual instant in milliseconds since 1970. */
export type ProgressEvent = { readonly atMs: number } & (
  | {
      /** An execution wrote an event into its history. */
      readonly kind: 'history';
      readonly executionArn: string;
      readonly executionName: string;
      readonly stateMachineName: string;
      readonly event: HistoryEvent;
    }
  | {
      /** A function wrote a line to its log. */
      readonly kind: 'log';
      readonly functionName: string;
      readonly line: string;
    }
  | {
      /** A service answered a call. */
      readonly kind: 'call';
      readonly service: ServiceName;
      readonly operation: string;
      /** Session of the caller where there is one, else its role. */
      readonly caller: string;
      readonly input: Readonly<Record<string, unknown>>;
      /** Code of the error; absent when the call succeeded. */
      readonly error?: string;
    }
  | {
      /** An event was put on a bus. */
      readonly kind: 'event';
      readonly event: EventEnvelope;
    }
);

/** Takes progress as it happens. It must not call the simulation. */
export type ProgressListener = (event: ProgressEvent) => void;

/** Passes progress on, and keeps what must not go unnoticed: errors of the simulator itself. */
export class Progress {
  private readonly errors = new Set<unknown>();

  constructor(
    private readonly clock: VirtualClock,
    private readonly listener: ProgressListener = () => undefined,
  ) {}

  announceHistory(executionArn: string, event: HistoryEvent): void {
    const [stateMachineName = '', executionName = ''] = executionArn.split(':').slice(6);
    this.listener({ kind: 'history', executionArn, executionName, stateMachineName, event, atMs: event.timestamp });
  }

  announceLog(functionName: string, line: string): void {
    this.listener({ kind: 'log', functionName, line, atMs: this.clock.nowMs() });
  }

  announceEvent(event: EventEnvelope): void {
    this.listener({ kind: 'event', event, atMs: this.clock.nowMs() });
  }

  /** Announces each call when it is answered. Belongs next to the services, below any fault. */
  readonly observeCall: Interceptor = async (call, next) => {
    const { service, operation, input, principal } = call;
    const announce = (error?: string): void => {
      const caller = principal.session ?? principal.id;
      const failed = error === undefined ? {} : { error };
      this.listener({ kind: 'call', service, operation, caller, input, ...failed, atMs: this.clock.nowMs() });
    };
    try {
      const output = await next(call);
      announce();
      return output;
    } catch (error) {
      announce(error instanceof Error ? error.name : String(error));
      if (!(error instanceof ServiceError)) this.report(error);
      throw error;
    }
  };

  /** Keeps an error that no service of AWS would answer, so that the run does not pass for one on AWS. */
  report(error: unknown): void {
    this.errors.add(error);
  }

  /** @throws the errors reported since the last time, when there are any */
  throwReported(): void {
    const [first, ...others] = [...this.errors];
    this.errors.clear();
    if (first === undefined) return;
    if (others.length === 0) throw first;
    const messages = [first, ...others].map((error) => (error instanceof Error ? error.message : String(error)));
    throw new AggregateError([first, ...others], [...new Set(messages)].join('\n'));
  }
}
