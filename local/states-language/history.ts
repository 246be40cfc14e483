/** The history of one execution: events with the service's names, ids and details. */
import type { HistoryEvent, JsonValue } from './engine';
import { quotas } from './quotas';

/** Details as the engine has them: JSON values, not yet written as text. */
export type EventDetails = Readonly<Record<string, unknown>>;

interface RecordedEvent {
  readonly id: number;
  readonly previousEventId: number;
  readonly timestamp: number;
  readonly type: string;
  readonly details: EventDetails | undefined;
}

/** Thrown where an event would be one too many. */
export class HistoryFull extends Error {}

/** Members that the service gives as JSON text. */
const jsonMembers = new Set(['input', 'output', 'parameters']);

/** Events of one execution, in the order they happened. */
export class History {
  private readonly recorded: RecordedEvent[] = [];
  /** Written out on demand: most histories are never read, and a value shared by ten events is kept once. */
  private readonly written: HistoryEvent[] = [];
  private closed = false;

  /** @param isLimited Express executions have no history limit. */
  constructor(
    private readonly nowMs: () => number,
    private readonly isLimited: boolean,
    private readonly onEvent: ((event: HistoryEvent) => void) | undefined,
  ) {}

  /** Adds an event and answers its id. Nothing is added once the execution has ended.
   * @throws HistoryFull when the event would be the last that fits */
  append(type: string, details: EventDetails | undefined, previousEventId: number): number {
    if (this.closed) return this.recorded.length;
    // The service fails a standard execution whose 25,000th event is not its end.
    if (this.isLimited && this.recorded.length >= quotas.historyEvents - 1) throw new HistoryFull();
    return this.add(type, details, previousEventId);
  }

  /** Adds the event that ends the execution. */
  close(type: string, details: EventDetails, previousEventId: number): number {
    const id = this.add(type, details, previousEventId);
    this.closed = true;
    return id;
  }

  /** Lets the execution go on after a redrive. */
  reopen(): void {
    this.closed = false;
  }

  get length(): number {
    return this.recorded.length;
  }

  /** The events as GetExecutionHistory returns them. */
  get events(): readonly HistoryEvent[] {
    for (let index = this.written.length; index < this.recorded.length; index++) {
      this.written.push(writeEvent(this.recorded[index]!));
    }
    return this.written;
  }

  private add(type: string, details: EventDetails | undefined, previousEventId: number): number {
    const event = { id: this.recorded.length + 1, previousEventId, timestamp: this.nowMs(), type, details };
    this.recorded.push(event);
    if (this.onEvent !== undefined) this.onEvent(this.events.at(-1)!);
    return event.id;
  }
}

function writeEvent({ details, ...event }: RecordedEvent): HistoryEvent {
  return details === undefined ? event : { ...event, [detailsName(event.type)]: writeDetails(details) };
}

function detailsName(type: string): string {
  if (type.endsWith('StateEntered')) return 'stateEnteredEventDetails';
  if (type.endsWith('StateExited')) return 'stateExitedEventDetails';
  return `${type.charAt(0).toLowerCase()}${type.slice(1)}EventDetails`;
}

function writeDetails(details: EventDetails): EventDetails {
  const written: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(details)) {
    if (value === undefined) continue;
    if (jsonMembers.has(name)) {
      written[name] = JSON.stringify(value);
      if (name !== 'parameters') written[`${name}Details`] = { truncated: false };
    } else if (name === 'assignedVariables') {
      written[name] = Object.fromEntries(
        Object.entries(value as Record<string, JsonValue>).map(([variable, assigned]) => [
          variable,
          JSON.stringify(assigned),
        ]),
      );
      written['assignedVariablesDetails'] = { truncated: false };
    } else written[name] = value;
  }
  return written;
}
