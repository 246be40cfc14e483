/** Simulated SNS: topics that hand what is published to queues and functions, and keep what would have been mailed. */
import type { RandomSource } from '../random';
import type { VirtualClock } from '../virtual-clock';
import { checkParameters } from './parameters';
import { ServiceError, UnsupportedError, type Cloud, type Service, type ServiceOutput } from './service';

export interface SnsOptions {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly region: string;
  readonly accountId: string;
  /** Is told of deliveries that failed; AWS would try again and then drop them. */
  readonly report?: (error: unknown) => void;
}

/** A message as it was published. */
export interface PublishedMessage {
  readonly messageId: string;
  readonly topicArn: string;
  readonly message: string;
  readonly subject?: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  readonly publishedAtMs: number;
}

export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: Uint8Array;
}

export interface Subscription {
  readonly arn: string;
  readonly topicArn: string;
  readonly protocol: string;
  readonly endpoint: string;
  readonly isRaw: boolean;
}

interface PublishInput {
  readonly TopicArn?: string;
  readonly TargetArn?: string;
  readonly Message: string;
  readonly Subject?: string;
  readonly MessageStructure?: string;
  readonly MessageAttributes?: Readonly<Record<string, MessageAttribute>>;
}

const messageByteLimit = 262_144;
const deliverer = 'sns.amazonaws.com';
/** Protocols whose endpoints are outside of what is simulated: what they would get is kept for tests to read. */
const outside = ['email', 'email-json', 'sms', 'http', 'https'];

/** SNS of one account and Region. */
export class SnsService implements Service {
  readonly name = 'sns';
  private readonly topics = new Map<string, Subscription[]>();
  private readonly published: PublishedMessage[] = [];
  private readonly sentOutside: { readonly subscription: Subscription; readonly message: PublishedMessage }[] = [];

  constructor(private readonly options: SnsOptions) {}

  readonly operations = {
    Publish: (input: PublishInput): ServiceOutput => this.publish(input),
    Subscribe: (input: {
      readonly TopicArn: string;
      readonly Protocol: string;
      readonly Endpoint: string;
    }): ServiceOutput => {
      checkParameters(
        'sns',
        'Subscribe',
        input,
        {
          required: ['TopicArn', 'Protocol', 'Endpoint'],
          optional: ['ReturnSubscriptionArn'],
          unsupported: ['Attributes'],
        },
        'InvalidParameter',
      );
      const { TopicArn: topicArn, Protocol: protocol, Endpoint: endpoint } = input;
      return { SubscriptionArn: this.subscribe({ topicArn, protocol, endpoint, isRaw: false }).arn };
    },
    Unsubscribe: (input: { readonly SubscriptionArn: string }): ServiceOutput => {
      for (const [arn, subscriptions] of this.topics) {
        this.topics.set(
          arn,
          subscriptions.filter((subscription) => subscription.arn !== input.SubscriptionArn),
        );
      }
      return {};
    },
  };

  /** Creates a topic; one that exists stays as it is.
   * @returns its ARN */
  createTopic(name: string): string {
    const arn = `arn:aws:sns:${this.options.region}:${this.options.accountId}:${name}`;
    if (!this.topics.has(arn)) this.topics.set(arn, []);
    return arn;
  }

  /** Subscribes an endpoint to a topic. @throws ServiceError NotFound, UnsupportedError for an unknown protocol */
  subscribe(request: Omit<Subscription, 'arn'>): Subscription {
    if (![...outside, 'sqs', 'lambda'].includes(request.protocol)) {
      throw new UnsupportedError(
        `the protocol ${request.protocol}`,
        `a subscription of ${request.topicArn}`,
        'use sqs, lambda or email',
      );
    }
    const subscription = { ...request, arn: `${request.topicArn}:${this.options.random.uuid()}` };
    this.subscriptions(request.topicArn).push(subscription);
    return subscription;
  }

  /** What was published to a topic, or to all of them, oldest first. */
  messages(topicArn?: string): readonly PublishedMessage[] {
    return this.published.filter((message) => topicArn === undefined || message.topicArn === topicArn);
  }

  /** What would have been mailed, texted or posted. */
  get deliveriesOutside(): readonly { readonly subscription: Subscription; readonly message: PublishedMessage }[] {
    return this.sentOutside;
  }

  private publish(input: PublishInput): ServiceOutput {
    checkParameters(
      'sns',
      'Publish',
      input as unknown as Record<string, unknown>,
      {
        required: ['Message'],
        optional: ['TopicArn', 'TargetArn', 'Subject', 'MessageStructure', 'MessageAttributes'],
        unsupported: ['PhoneNumber', 'MessageGroupId', 'MessageDeduplicationId'],
      },
      'InvalidParameter',
    );
    const topicArn = input.TopicArn ?? input.TargetArn;
    if (topicArn === undefined) {
      throw new ServiceError(
        'InvalidParameter',
        'Invalid parameter: TopicArn or TargetArn Reason: no value for required parameter',
      );
    }
    const subscriptions = this.subscriptions(topicArn);
    if (input.Message === '') throw new ServiceError('InvalidParameter', 'Invalid parameter: Empty message');
    if (Buffer.byteLength(input.Message) > messageByteLimit) {
      throw new ServiceError('InvalidParameter', 'Invalid parameter: Message too long');
    }

    if (input.Subject !== undefined && !/^[\x20-\x7e]{1,100}$/.test(input.Subject)) {
      throw new ServiceError('InvalidParameter', 'Invalid parameter: Subject');
    }
    const texts = readTexts(input);
    const message: PublishedMessage = {
      messageId: this.options.random.uuid(),
      topicArn,
      message: texts('default'),
      ...(input.Subject !== undefined && { subject: input.Subject }),
      attributes: input.MessageAttributes ?? {},
      publishedAtMs: this.options.clock.nowMs(),
    };
    this.published.push(message);
    for (const subscription of subscriptions) {
      this.options.clock.schedule(0, () =>
        this.deliver(subscription, { ...message, message: texts(subscription.protocol) }),
      );
    }
    return { MessageId: message.messageId };
  }

  private deliver(subscription: Subscription, message: PublishedMessage): void {
    if (outside.includes(subscription.protocol)) {
      this.sentOutside.push({ subscription, message });
      return;
    }
    const call =
      subscription.protocol === 'sqs'
        ? this.queueCall(subscription, message)
        : this.functionCall(subscription, message);
    void this.options.clock
      .track(() => this.options.cloud.call(call))
      .catch((error: unknown) => this.options.report?.(error));
  }

  private queueCall(subscription: Subscription, message: PublishedMessage): Parameters<Cloud['call']>[0] {
    const [, , , region, accountId, name] = subscription.endpoint.split(':');
    const QueueUrl = `https://sqs.${region}.amazonaws.com/${accountId}/${name}`;
    const input = subscription.isRaw
      ? { QueueUrl, MessageBody: message.message, MessageAttributes: message.attributes }
      : { QueueUrl, MessageBody: JSON.stringify(this.notification(message)) };
    return {
      service: 'sqs',
      operation: 'SendMessage',
      input,
      principal: { id: deliverer, sourceArn: message.topicArn },
    };
  }

  private functionCall(subscription: Subscription, message: PublishedMessage): Parameters<Cloud['call']>[0] {
    const record = {
      EventSource: 'aws:sns',
      EventVersion: '1.0',
      EventSubscriptionArn: subscription.arn,
      Sns: this.notification(message),
    };
    return {
      service: 'lambda',
      operation: 'Invoke',
      input: {
        FunctionName: subscription.endpoint,
        InvocationType: 'Event',
        Payload: Buffer.from(JSON.stringify({ Records: [record] })),
      },
      principal: { id: deliverer, sourceArn: message.topicArn },
    };
  }

  private notification(message: PublishedMessage): Readonly<Record<string, unknown>> {
    return {
      Type: 'Notification',
      MessageId: message.messageId,
      TopicArn: message.topicArn,
      ...(message.subject !== undefined && { Subject: message.subject }),
      Message: message.message,
      Timestamp: new Date(message.publishedAtMs).toISOString(),
      ...(Object.keys(message.attributes).length > 0 && {
        MessageAttributes: Object.fromEntries(
          Object.entries(message.attributes).map(([name, { DataType, StringValue }]) => [
            name,
            { Type: DataType, Value: StringValue },
          ]),
        ),
      }),
    };
  }

  private subscriptions(topicArn: string): Subscription[] {
    const subscriptions = this.topics.get(topicArn);
    if (subscriptions === undefined) throw new ServiceError('NotFound', 'Topic does not exist', 404);
    return subscriptions;
  }
}

/** What each protocol gets: with `MessageStructure: json` every protocol may have a text of its own. */
function readTexts({ Message, MessageStructure }: PublishInput): (protocol: string) => string {
  if (MessageStructure !== 'json') return () => Message;
  let texts: Record<string, unknown>;
  try {
    texts = JSON.parse(Message) as Record<string, unknown>;
  } catch {
    throw new ServiceError(
      'InvalidParameter',
      'Invalid parameter: Message Structure - JSON message body failed to parse',
    );
  }
  if (typeof texts['default'] !== 'string') {
    throw new ServiceError(
      'InvalidParameter',
      'Invalid parameter: Message Structure - No default entry in JSON message body',
    );
  }
  return (protocol) => String(texts[protocol] ?? texts['default']);
}
