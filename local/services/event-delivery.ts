/** Carries events from rules to targets: small delays, retries with backoff, dead letters. Faults enter here and nowhere else. */
import type { RandomSource } from '../random';
import type { TrackedWork, VirtualClock } from '../virtual-clock';
import type { EventEnvelope } from './events';
import { transformInput, type TargetInput } from './input-transformer';
import { sendToDestination } from './message-destination';
import { ServiceError, UnsupportedError, type Cloud, type Principal } from './service';

/** A target of a rule, as in the template. */
export interface EventTarget extends TargetInput {
  readonly Id: string;
  readonly Arn: string;
  readonly RoleArn?: string;
  readonly DeadLetterConfig?: { readonly Arn?: string };
  readonly RetryPolicy?: { readonly MaximumRetryAttempts?: number; readonly MaximumEventAgeInSeconds?: number };
  readonly SqsParameters?: { readonly MessageGroupId?: string };
}

/** A rule: it has a pattern, a schedule, or both. */
export interface EventRule {
  readonly name: string;
  readonly arn: string;
  readonly busName: string;
  readonly enabled: boolean;
  readonly pattern?: unknown;
  readonly scheduleExpression?: string;
  readonly targets: readonly EventTarget[];
}

/** One event on its way to one target. */
export interface EventDelivery {
  readonly event: EventEnvelope;
  readonly rule: EventRule;
  readonly target: EventTarget;
}

/** Decides what becomes of a delivery: calling `deliver` once is normal, never loses the event, twice repeats it;
 * the delay may be any number of virtual milliseconds. */
export type DeliveryInterceptor = (
  delivery: EventDelivery,
  delayMs: number,
  deliver: (delivery: EventDelivery, delayMs: number) => void,
) => void;

interface DelivererOptions {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  /** Puts an event on another bus, as a target of a rule. */
  readonly forward: (busArn: string, event: EventEnvelope) => void;
  /** Takes what is no answer of a service: nobody waits for a delivery. */
  readonly report: (error: unknown) => void;
}

const defaultRetryAttempts = 185;
const defaultEventAgeSeconds = 86_400;

/** Refusals that no retry can change: the event goes to the dead-letter queue at once.
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html (read 2023) */
const finalErrors: readonly (readonly [code: RegExp, deadLetterCode: string])[] = [
  [/AccessDenied|NotAuthorized/, 'NO_PERMISSIONS'],
  [/NotFound|DoesNotExist|NonExistentQueue/, 'NO_RESOURCE'],
  [/AlreadyExists/, 'RESOURCE_ALREADY_EXISTS'],
];

/** Delivers events to targets. */
export class EventDeliverer {
  private readonly interceptors: DeliveryInterceptor[] = [];

  constructor(private readonly options: DelivererOptions) {}

  intercept(interceptor: DeliveryInterceptor): void {
    this.interceptors.unshift(interceptor);
  }

  /** Sends an event to all targets of a rule, each after a small delay of its own. */
  deliver(rule: EventRule, event: EventEnvelope): void {
    for (const target of rule.targets) {
      const delayMs = 100 + this.options.random.integer(900);
      const chain = this.interceptors.reduceRight<(delivery: EventDelivery, delayMs: number) => void>(
        (next, interceptor) => (delivery, delay) => interceptor(delivery, delay, next),
        (delivery, delay) => this.schedule(delivery, delay, 0, this.options.clock.nowMs()),
      );
      chain({ event, rule, target }, delayMs);
    }
  }

  private schedule(delivery: EventDelivery, delayMs: number, attempts: number, firstAtMs: number): void {
    const { clock } = this.options;
    clock.schedule(delayMs, () => void clock.track((work) => this.attempt(delivery, attempts, firstAtMs, work)));
  }

  private async attempt(
    delivery: EventDelivery,
    attempts: number,
    firstAtMs: number,
    work: TrackedWork,
  ): Promise<void> {
    try {
      await this.invoke(delivery, work);
    } catch (error) {
      if (error instanceof ServiceError) await this.afterRefusal(delivery, error, attempts, firstAtMs, work);
      else this.options.report(error);
    }
  }

  private async afterRefusal(
    delivery: EventDelivery,
    error: ServiceError,
    attempts: number,
    firstAtMs: number,
    work: TrackedWork,
  ): Promise<void> {
    const { clock, random } = this.options;
    const policy = delivery.target.RetryPolicy ?? {};
    const maximumAttempts = policy.MaximumRetryAttempts ?? defaultRetryAttempts;
    const maximumAgeMs = (policy.MaximumEventAgeInSeconds ?? defaultEventAgeSeconds) * 1000;
    const final = finalErrors.find(([code]) => code.test(error.code))?.[1];
    const delayMs = Math.round(Math.min(1000 * 2 ** attempts, 600_000) * (0.5 + random.next() / 2));
    const tooOld = clock.nowMs() + delayMs - firstAtMs > maximumAgeMs;
    if (final === undefined && attempts < maximumAttempts && !tooOld) {
      this.schedule(delivery, delayMs, attempts + 1, firstAtMs);
      return;
    }
    await this.bury(delivery, error, work, {
      RETRY_ATTEMPTS: String(attempts),
      ERROR_CODE: final ?? (/Throttl|TooManyRequests/.test(error.code) ? 'THROTTLING' : 'SDK_CLIENT_ERROR'),
      ...(final === undefined && {
        EXHAUSTED_RETRY_CONDITION: tooOld ? 'MaximumEventAgeInSeconds' : 'MaximumRetryAttempts',
      }),
    });
  }

  /** Puts the event into the target's dead-letter queue; without one, or when the queue refuses it, it is lost. */
  private async bury(
    { event, rule, target }: EventDelivery,
    error: ServiceError,
    work: TrackedWork,
    reason: Readonly<Record<string, string>>,
  ): Promise<void> {
    const queueArn = target.DeadLetterConfig?.Arn;
    if (queueArn === undefined) return;
    const attributes = {
      RULE_ARN: rule.arn,
      TARGET_ARN: target.Arn,
      ERROR_MESSAGE: error.message,
      ...reason,
    };
    try {
      const principal: Principal = { id: 'events.amazonaws.com', session: rule.name, sourceArn: rule.arn, work };
      await sendToDestination(this.options.cloud, principal, queueArn, event, {
        source: 'aws.events',
        attributes,
      });
    } catch (refusal) {
      if (!(refusal instanceof ServiceError)) this.options.report(refusal);
    }
  }

  private async invoke({ event, rule, target }: EventDelivery, work: TrackedWork): Promise<void> {
    const { cloud, random, clock } = this.options;
    const principal: Principal = {
      id: target.RoleArn ?? 'events.amazonaws.com',
      session: rule.name,
      sourceArn: rule.arn,
      work,
    };
    const input = transformInput(target, event, {
      'aws.events.rule-arn': rule.arn,
      'aws.events.rule-name': rule.name,
      'aws.events.event.ingestion-time': new Date(clock.nowMs()).toISOString(),
    });
    const [, , service, , , kind, groupName] = target.Arn.split(':');
    if (service === 'states') {
      // The names that EventBridge gives are not documented: the event's id and something unique.
      const name = `${event.id}_${random.uuid()}`;
      await cloud.call({
        service,
        operation: 'StartExecution',
        input: { stateMachineArn: target.Arn, name, input },
        principal,
      });
    } else if (service === 'logs' && kind === 'log-group') {
      await this.writeLogEvent(groupName!, input, principal);
    } else if (service === 'events') {
      this.options.forward(target.Arn, event);
    } else if (service === 'lambda') {
      await sendToDestination(cloud, principal, target.Arn, parseInput(input), { source: 'aws.events' });
    } else if (service === 'sqs' || service === 'sns') {
      const group = target.SqsParameters?.MessageGroupId;
      await sendToDestination(cloud, principal, target.Arn, input, {
        source: 'aws.events',
        ...(group !== undefined && { messageGroupId: group }),
      });
    } else {
      throw new UnsupportedError(
        `The target ${target.Arn}`,
        `the rule ${rule.name}`,
        'let the rule start a state machine, a function, a queue, a topic, a log group or another bus',
      );
    }
  }

  private async writeLogEvent(logGroupName: string, message: string, principal: Principal): Promise<void> {
    const { cloud, random, clock } = this.options;
    const logStreamName = random.uuid();
    await cloud.call({
      service: 'logs',
      operation: 'CreateLogStream',
      input: { logGroupName, logStreamName },
      principal,
    });
    const logEvents = [{ timestamp: clock.nowMs(), message }];
    await cloud.call({
      service: 'logs',
      operation: 'PutLogEvents',
      input: { logGroupName, logStreamName, logEvents },
      principal,
    });
  }
}

function parseInput(input: string): unknown {
  try {
    return JSON.parse(input) as unknown;
  } catch {
    return input;
  }
}
