/** Sends one message to whatever an ARN names: used for dead letters, destinations of functions and targets of rules. */
import { UnsupportedError, type Cloud, type Principal } from './service';

/** What a message carries besides its content. */
export interface MessageOptions {
  /** Source of the event that an event bus gets. */
  readonly source: string;
  readonly detailType?: string;
  /** String attributes of a message in a queue or topic. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** For a first-in-first-out queue. */
  readonly messageGroupId?: string;
}

/** @param content A text as it is, anything else as JSON.
 * @throws ServiceError when the destination refuses the message or does not exist
 * @throws UnsupportedError for a kind of destination that is not simulated */
export async function sendToDestination(
  cloud: Cloud,
  principal: Principal,
  destinationArn: string,
  content: unknown,
  options: MessageOptions,
): Promise<void> {
  const [, , service, region, accountId, ...rest] = destinationArn.split(':');
  const resource = rest.join(':');
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const attributes = messageAttributes(options.attributes);
  if (service === 'sqs') {
    const QueueUrl = `https://sqs.${region}.amazonaws.com/${accountId}/${resource}`;
    const group = options.messageGroupId === undefined ? {} : { MessageGroupId: options.messageGroupId };
    await cloud.call({
      service,
      operation: 'SendMessage',
      input: { QueueUrl, MessageBody: text, ...attributes, ...group },
      principal,
    });
  } else if (service === 'sns') {
    await cloud.call({
      service,
      operation: 'Publish',
      input: { TopicArn: destinationArn, Message: text, ...attributes },
      principal,
    });
  } else if (service === 'lambda') {
    const Payload = Buffer.from(JSON.stringify(content), 'utf8');
    await cloud.call({
      service,
      operation: 'Invoke',
      input: { FunctionName: destinationArn, InvocationType: 'Event', Payload },
      principal,
    });
  } else if (service === 'events') {
    const entry = {
      EventBusName: destinationArn,
      Source: options.source,
      DetailType: options.detailType ?? 'Message',
      Detail: text,
    };
    await cloud.call({ service, operation: 'PutEvents', input: { Entries: [entry] }, principal });
  } else {
    throw new UnsupportedError(
      `A message to ${destinationArn}`,
      `a destination of ${principal.session ?? principal.id}`,
      'send it to a queue, a topic, a function or an event bus',
    );
  }
}

function messageAttributes(attributes: Readonly<Record<string, string>> | undefined): object {
  if (attributes === undefined) return {};
  const typed = Object.entries(attributes).map(([name, value]) => [name, { DataType: 'String', StringValue: value }]);
  return { MessageAttributes: Object.fromEntries(typed) };
}
