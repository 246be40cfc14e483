/** What a simulated service announces on the default event bus. */

/** An event as a service emits it; the bus adds id, account, Region, time and version. */
export interface AwsEvent {
  readonly source: string;
  readonly detailType: string;
  /** ARNs of what the event is about. */
  readonly resources: readonly string[];
  readonly detail: Readonly<Record<string, unknown>>;
}

/** Where services put their events. */
export type EventSink = (event: AwsEvent) => void;
