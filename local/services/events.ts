/** Simulated EventBridge: buses, rules, schedules and PutEvents. How a target gets its event stands in event-delivery.ts. */
import type { RandomSource } from '../random';
import type { VirtualClock } from '../virtual-clock';
import type { AwsEvent, EventSink } from './aws-event';
import { copyJson } from './copy-json';
import { EventDeliverer, type DeliveryInterceptor, type EventRule } from './event-delivery';
import { createMatcher, type EventMatcher } from './event-pattern';
import { parseSchedule } from './schedule-expression';
import { ServiceError, type Cloud, type Service, type ServiceOutput } from './service';

/** An event on a bus, as rules and targets see it. */
export type EventEnvelope = Readonly<Record<string, unknown>> & {
  readonly id: string;
  readonly source: string;
  readonly 'detail-type': string;
  readonly detail: Readonly<Record<string, unknown>>;
};

interface PutEventsEntry {
  readonly Source?: string;
  readonly DetailType?: string;
  readonly Detail?: string;
  readonly Resources?: readonly string[];
  readonly EventBusName?: string;
  readonly Time?: Date;
}

interface EventsOptions {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly region: string;
  readonly accountId: string;
  /** Takes errors of the simulator itself: nobody waits for a delivery. */
  readonly report: (error: unknown) => void;
  /** Told of each event that is put on a bus. */
  readonly onEvent?: (event: EventEnvelope) => void;
}

/** Largest PutEvents request, its entries together. */
const entryLimitBytes = 1_048_576;

/** The simulated EventBridge service. */
export class EventsService implements Service {
  readonly name = 'events';
  readonly operations = {
    PutEvents: (input: { readonly Entries?: readonly PutEventsEntry[] }) => this.putEvents(input.Entries),
    EnableRule: (input: { readonly Name?: string }) => this.switchRule(input.Name, true),
    DisableRule: (input: { readonly Name?: string }) => this.switchRule(input.Name, false),
  };
  /** Puts an event of a simulated service on the default bus. */
  readonly emit: EventSink = (event) => this.publish('default', event);
  private readonly buses = new Set(['default']);
  private readonly rules = new Map<string, { rule: EventRule; enabled: boolean; matches: EventMatcher | undefined }>();
  private readonly log: EventEnvelope[] = [];
  private readonly deliverer: EventDeliverer;

  constructor(private readonly options: EventsOptions) {
    this.deliverer = new EventDeliverer({
      ...options,
      forward: (busArn, event) => this.distribute(busNameOf(busArn), event),
    });
  }

  /** Every event that was put on a bus, in that order. */
  get events(): readonly EventEnvelope[] {
    return this.log;
  }

  /** Stands in the way of every delivery of an event to a target: to lose it, repeat it, delay it or reorder it.
   * The last one added decides first. */
  interceptDelivery(interceptor: DeliveryInterceptor): void {
    this.deliverer.intercept(interceptor);
  }

  createBus(name: string): void {
    this.buses.add(name);
  }

  /** @throws ServiceError when the pattern or the schedule is not valid, or there is no such bus */
  createRule(rule: EventRule): void {
    this.checkBus(rule.busName);
    const matches = rule.pattern === undefined ? undefined : createMatcher(rule.pattern);
    this.rules.set(rule.name, { rule, enabled: rule.enabled, matches });
    if (rule.scheduleExpression !== undefined) this.startSchedule(rule, rule.scheduleExpression);
  }

  /** All rules, in the order they were created. */
  listRules(): readonly EventRule[] {
    return [...this.rules.values()].map(({ rule }) => rule);
  }

  private putEvents(entries: readonly PutEventsEntry[] | undefined): ServiceOutput {
    if (entries === undefined || entries.length < 1 || entries.length > 10) {
      throw new ServiceError(
        'ValidationException',
        `1 validation error detected: Value at 'entries' failed to satisfy constraint: Member must have length ${entries === undefined || entries.length < 1 ? 'greater than or equal to 1' : 'less than or equal to 10'}`,
      );
    }
    const sizeBytes = entries.reduce((sum, entry) => sum + Buffer.byteLength(JSON.stringify(entry)), 0);
    if (sizeBytes > entryLimitBytes) {
      throw new ServiceError('ValidationException', `Total size of the entries in the request is over the limit.`);
    }
    const results = entries.map((entry) => this.putEvent(entry));
    return { FailedEntryCount: results.filter((result) => 'ErrorCode' in result).length, Entries: results };
  }

  private putEvent(entry: PutEventsEntry): Readonly<Record<string, string>> {
    for (const name of ['Source', 'DetailType', 'Detail'] as const) {
      if (entry[name] === undefined || entry[name] === '') {
        return {
          ErrorCode: 'InvalidArgument',
          ErrorMessage: `Parameter ${name} is not valid. Reason: ${name} is a required argument.`,
        };
      }
    }
    if (entry.Source!.startsWith('aws.')) {
      return { ErrorCode: 'NotAuthorizedForSourceException', ErrorMessage: 'Not authorized for the source.' };
    }
    const detail = parseDetail(entry.Detail!);
    if (detail === undefined) return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    const event: AwsEvent = {
      source: entry.Source!,
      detailType: entry.DetailType!,
      resources: entry.Resources ?? [],
      detail,
    };
    const busName = busNameOf(entry.EventBusName ?? 'default');
    // A bus that does not exist takes the event and loses it: the entry still gets its id.
    return { EventId: this.publish(busName, event, entry.Time) };
  }

  private publish(busName: string, event: AwsEvent, time?: Date): string {
    const envelope: EventEnvelope = {
      version: '0',
      id: this.options.random.uuid(),
      'detail-type': event.detailType,
      source: event.source,
      account: this.options.accountId,
      time: secondPrecision(time ?? new Date(this.options.clock.nowMs())),
      region: this.options.region,
      resources: event.resources,
      // A copy, as JSON would carry it: what the service changes later is no part of the event.
      detail: copyJson(event.detail),
    };
    this.log.push(envelope);
    this.options.onEvent?.(envelope);
    this.distribute(busName, envelope);
    return envelope.id;
  }

  private distribute(busName: string, event: EventEnvelope): void {
    for (const { rule, enabled, matches } of this.rules.values()) {
      if (enabled && rule.busName === busName && matches?.(event) === true) this.deliverer.deliver(rule, event);
    }
  }

  /** Ticks do not keep the simulation going: it ends when nothing else is left to happen. */
  private startSchedule(rule: EventRule, expression: string): void {
    const { clock, accountId, region, random } = this.options;
    const nextAfter = parseSchedule(expression, clock.nowMs());
    const scheduleNext = (afterMs: number): void => {
      const dueAtMs = nextAfter(afterMs);
      if (dueAtMs === undefined) return;
      const createEvent = (): EventEnvelope => ({
        version: '0',
        id: random.uuid(),
        'detail-type': 'Scheduled Event',
        source: 'aws.events',
        account: accountId,
        time: secondPrecision(new Date(dueAtMs)),
        region,
        resources: [rule.arn],
        detail: {},
      });
      const tick = (): void => {
        // A rule that is off ticks on, unheard, to be in time when it is switched on again.
        if (this.rules.get(rule.name)?.enabled === true) this.deliverer.deliver(rule, createEvent());
        scheduleNext(dueAtMs);
      };
      clock.schedule(dueAtMs - clock.nowMs(), tick, { background: true });
    };
    scheduleNext(clock.nowMs());
  }

  private switchRule(name: string | undefined, enabled: boolean): ServiceOutput {
    const entry = this.rules.get(name ?? '');
    if (entry === undefined) {
      throw new ServiceError('ResourceNotFoundException', `Rule ${name} does not exist on EventBus default.`);
    }
    entry.enabled = enabled;
    return {};
  }

  private checkBus(name: string): void {
    if (!this.buses.has(name)) throw new ServiceError('ResourceNotFoundException', `Event bus ${name} does not exist.`);
  }
}

/** @param nameOrArn A bus by name or ARN. */
export function busNameOf(nameOrArn: string): string {
  return nameOrArn.replace(/^arn:aws:events:[^:]*:[^:]*:event-bus\//, '');
}

function parseDetail(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const detail = JSON.parse(text) as unknown;
    const isObject = typeof detail === 'object' && detail !== null && !Array.isArray(detail);
    return isObject ? (detail as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function secondPrecision(time: Date): string {
  return time.toISOString().replace(/\.\d{3}Z$/, 'Z');
}
