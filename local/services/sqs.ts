/** Simulated SQS: standard queues with visibility, delay, retention and redrive on the virtual clock. */
import { createHash } from 'node:crypto';
import type { RandomSource } from '../random';
import type { VirtualClock } from '../virtual-clock';
import { checkParameters } from './parameters';
import { ServiceError, type Service, type ServiceOutput } from './service';

export interface SqsOptions {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly region: string;
  readonly accountId: string;
}

export interface QueueConfiguration {
  readonly name: string;
  readonly visibilityTimeoutSeconds: number;
  readonly delaySeconds: number;
  readonly retentionSeconds: number;
  /** After how many receives a message goes to which queue. */
  readonly redrive?: { readonly deadLetterQueueArn: string; readonly maximumReceiveCount: number };
}

/** A message in a queue. */
export interface QueuedMessage {
  readonly messageId: string;
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttribute>>;
  readonly sentAtMs: number;
  readonly receiveCount: number;
  /** When it can be received (again). */
  readonly visibleAtMs: number;
}

export interface MessageAttribute {
  readonly DataType: string;
  readonly StringValue?: string;
  readonly BinaryValue?: Uint8Array;
}

interface StoredMessage extends QueuedMessage {
  readonly receiptHandle?: string;
  readonly firstReceivedAtMs?: number;
}

interface Queue {
  readonly configuration: QueueConfiguration;
  messages: StoredMessage[];
}

interface SendInput {
  readonly QueueUrl: string;
  readonly MessageBody: string;
  readonly DelaySeconds?: number;
  readonly MessageAttributes?: Readonly<Record<string, MessageAttribute>>;
}

interface ReceiveInput {
  readonly QueueUrl: string;
  readonly MaxNumberOfMessages?: number;
  readonly VisibilityTimeout?: number;
}

interface BatchInput<Entry> {
  readonly QueueUrl: string;
  readonly Entries: readonly (Entry & { readonly Id: string })[];
}

const messageByteLimit = 1024 * 1024;
const batchLimit = 10;
const visibilityLimitSeconds = 43_200;

/** SQS of one account and Region. */
export class SqsService implements Service {
  readonly name = 'sqs';
  private readonly queues = new Map<string, Queue>();

  constructor(private readonly options: SqsOptions) {}

  readonly operations = {
    SendMessage: (input: SendInput): ServiceOutput => this.send('SendMessage', input),
    SendMessageBatch: (input: BatchInput<Omit<SendInput, 'QueueUrl'>>): ServiceOutput =>
      this.batch('SendMessageBatch', input, ({ Id, ...entry }) => ({
        Id,
        ...this.send('SendMessageBatch', { ...entry, QueueUrl: input.QueueUrl }),
      })),
    ReceiveMessage: (input: ReceiveInput): ServiceOutput => this.receive(input),
    DeleteMessage: (input: { readonly QueueUrl: string; readonly ReceiptHandle: string }): ServiceOutput => {
      checkParameters('sqs', 'DeleteMessage', input, { required: ['QueueUrl', 'ReceiptHandle'] }, 'MissingParameter');
      this.delete(this.queue(input.QueueUrl), input.ReceiptHandle);
      return {};
    },
    DeleteMessageBatch: (input: BatchInput<{ readonly ReceiptHandle: string }>): ServiceOutput =>
      this.batch('DeleteMessageBatch', input, ({ Id, ReceiptHandle }) => {
        this.delete(this.queue(input.QueueUrl), ReceiptHandle);
        return { Id };
      }),
    ChangeMessageVisibility: (input: VisibilityInput): ServiceOutput => this.changeVisibility(input),
    GetQueueUrl: (input: { readonly QueueName: string }): ServiceOutput => {
      checkParameters('sqs', 'GetQueueUrl', input, { required: ['QueueName'], optional: ['QueueOwnerAWSAccountId'] });
      return { QueueUrl: this.queueUrl(this.queue(input.QueueName).configuration.name) };
    },
    GetQueueAttributes: (input: {
      readonly QueueUrl: string;
      readonly AttributeNames?: readonly string[];
    }): ServiceOutput => this.attributes(input),
    PurgeQueue: (input: { readonly QueueUrl: string }): ServiceOutput => {
      this.queue(input.QueueUrl).messages = [];
      return {};
    },
  };

  /** Creates a standard queue. @throws ServiceError QueueNameExists */
  createQueue(configuration: Partial<QueueConfiguration> & { readonly name: string }): void {
    if (this.queues.has(configuration.name)) {
      throw new ServiceError(
        'QueueNameExists',
        'A queue already exists with the same name and a different value for an attribute',
      );
    }
    this.queues.set(configuration.name, {
      configuration: { visibilityTimeoutSeconds: 30, delaySeconds: 0, retentionSeconds: 345_600, ...configuration },
      messages: [],
    });
  }

  queueUrl(name: string): string {
    return `https://sqs.${this.options.region}.amazonaws.com/${this.options.accountId}/${name}`;
  }

  queueArn(name: string): string {
    return `arn:aws:sqs:${this.options.region}:${this.options.accountId}:${name}`;
  }

  get queueNames(): readonly string[] {
    return [...this.queues.keys()];
  }

  /** What is in a queue, received or not: for tests and for the console. */
  messages(queueName: string): readonly QueuedMessage[] {
    return this.kept(this.queue(queueName));
  }

  private send(operation: string, input: SendInput): ServiceOutput {
    checkParameters(
      'sqs',
      operation,
      input as unknown as Record<string, unknown>,
      {
        required: ['QueueUrl', 'MessageBody'],
        optional: ['DelaySeconds', 'MessageAttributes', 'MessageSystemAttributes'],
        unsupported: ['MessageGroupId', 'MessageDeduplicationId'],
      },
      'MissingParameter',
    );
    const queue = this.queue(input.QueueUrl);
    if (input.MessageBody === '') {
      throw new ServiceError('MissingParameter', 'The request must contain the parameter MessageBody.');
    }
    if (Buffer.byteLength(input.MessageBody) > messageByteLimit) {
      throw new ServiceError(
        'InvalidParameterValue',
        `One or more parameters are invalid. Reason: Message must be shorter than ${messageByteLimit} bytes.`,
      );
    }
    const message: StoredMessage = {
      messageId: this.options.random.uuid(),
      body: input.MessageBody,
      attributes: input.MessageAttributes ?? {},
      sentAtMs: this.options.clock.nowMs(),
      receiveCount: 0,
      visibleAtMs: this.options.clock.nowMs() + (input.DelaySeconds ?? queue.configuration.delaySeconds) * 1000,
    };
    queue.messages.push(message);
    return { MessageId: message.messageId, MD5OfMessageBody: md5(message.body) };
  }

  /** Answers at once: a long poll would wait for virtual time, which stands still while its caller runs. */
  private receive(input: ReceiveInput): ServiceOutput {
    checkParameters(
      'sqs',
      'ReceiveMessage',
      input as unknown as Record<string, unknown>,
      {
        required: ['QueueUrl'],
        optional: [
          'MaxNumberOfMessages',
          'VisibilityTimeout',
          'WaitTimeSeconds',
          'AttributeNames',
          'MessageSystemAttributeNames',
          'MessageAttributeNames',
        ],
      },
      'MissingParameter',
    );
    const queue = this.queue(input.QueueUrl);
    const limit = input.MaxNumberOfMessages ?? 1;
    if (limit < 1 || limit > batchLimit) {
      throw new ServiceError(
        'InvalidParameterValue',
        `Value ${limit} for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and ${batchLimit}, if provided.`,
      );
    }
    const nowMs = this.options.clock.nowMs();
    const visibilityMs = (input.VisibilityTimeout ?? queue.configuration.visibilityTimeoutSeconds) * 1000;
    this.redrive(queue, nowMs);
    const received: StoredMessage[] = [];
    queue.messages = this.kept(queue).map((message) => {
      if (received.length >= limit || message.visibleAtMs > nowMs) return message;
      const next: StoredMessage = {
        ...message,
        receiveCount: message.receiveCount + 1,
        receiptHandle: this.options.random.hex(64),
        visibleAtMs: nowMs + visibilityMs,
        firstReceivedAtMs: message.firstReceivedAtMs ?? nowMs,
      };
      received.push(next);
      return next;
    });
    return received.length === 0 ? {} : { Messages: received.map(describe) };
  }

  /** Messages that were received too often go to the dead-letter queue instead of to another receiver. */
  private redrive(queue: Queue, nowMs: number): void {
    const { redrive } = queue.configuration;
    if (redrive === undefined) return;
    const isSpent = (message: StoredMessage): boolean =>
      message.visibleAtMs <= nowMs && message.receiveCount >= redrive.maximumReceiveCount;
    const deadLetters = this.queue(redrive.deadLetterQueueArn);
    deadLetters.messages.push(...queue.messages.filter(isSpent).map((message) => ({ ...message, receiveCount: 0 })));
    queue.messages = queue.messages.filter((message) => !isSpent(message));
  }

  private delete(queue: Queue, receiptHandle: string): void {
    queue.messages = queue.messages.filter((message) => message.receiptHandle !== receiptHandle);
  }

  private changeVisibility(input: VisibilityInput): ServiceOutput {
    checkParameters(
      'sqs',
      'ChangeMessageVisibility',
      input as unknown as Record<string, unknown>,
      {
        required: ['QueueUrl', 'ReceiptHandle', 'VisibilityTimeout'],
      },
      'MissingParameter',
    );
    const queue = this.queue(input.QueueUrl);
    const { VisibilityTimeout: seconds } = input;
    if (seconds < 0 || seconds > visibilityLimitSeconds) {
      throw new ServiceError(
        'InvalidParameterValue',
        `Value ${seconds} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and ${visibilityLimitSeconds}.`,
      );
    }
    if (!queue.messages.some((message) => message.receiptHandle === input.ReceiptHandle)) {
      throw new ServiceError(
        'ReceiptHandleIsInvalid',
        `The input receipt handle "${input.ReceiptHandle}" is not a valid receipt handle.`,
      );
    }
    const visibleAtMs = this.options.clock.nowMs() + seconds * 1000;
    queue.messages = queue.messages.map((message) =>
      message.receiptHandle === input.ReceiptHandle ? { ...message, visibleAtMs } : message,
    );
    return {};
  }

  private attributes(input: { readonly QueueUrl: string; readonly AttributeNames?: readonly string[] }): ServiceOutput {
    const queue = this.queue(input.QueueUrl);
    const { configuration } = queue;
    const nowMs = this.options.clock.nowMs();
    const messages = this.kept(queue);
    const isVisible = (message: StoredMessage): boolean => message.visibleAtMs <= nowMs;
    const all: Record<string, string> = {
      ApproximateNumberOfMessages: String(messages.filter(isVisible).length),
      ApproximateNumberOfMessagesNotVisible: String(
        messages.filter((message) => !isVisible(message) && message.receiveCount > 0).length,
      ),
      ApproximateNumberOfMessagesDelayed: String(
        messages.filter((message) => !isVisible(message) && message.receiveCount === 0).length,
      ),
      QueueArn: this.queueArn(configuration.name),
      VisibilityTimeout: String(configuration.visibilityTimeoutSeconds),
      DelaySeconds: String(configuration.delaySeconds),
      MessageRetentionPeriod: String(configuration.retentionSeconds),
    };
    const wanted = input.AttributeNames ?? [];
    const chosen = Object.entries(all).filter(([name]) => wanted.includes('All') || wanted.includes(name));
    return chosen.length === 0 ? {} : { Attributes: Object.fromEntries(chosen) };
  }

  private batch<Entry>(
    operation: string,
    input: BatchInput<Entry>,
    run: (entry: Entry & { readonly Id: string }) => ServiceOutput,
  ): ServiceOutput {
    checkParameters(
      'sqs',
      operation,
      input as unknown as Record<string, unknown>,
      {
        required: ['QueueUrl', 'Entries'],
      },
      'MissingParameter',
    );
    this.queue(input.QueueUrl);
    if (input.Entries.length === 0) {
      throw new ServiceError(
        'EmptyBatchRequest',
        `There should be at least one ${operation}RequestEntry in the request.`,
      );
    }
    if (input.Entries.length > batchLimit) {
      throw new ServiceError(
        'TooManyEntriesInBatchRequest',
        `Maximum number of entries per request are ${batchLimit}. You have sent ${input.Entries.length}.`,
      );
    }
    const successful: ServiceOutput[] = [];
    const failed: ServiceOutput[] = [];
    for (const entry of input.Entries) {
      try {
        successful.push(run(entry));
      } catch (error) {
        if (!(error instanceof ServiceError)) throw error;
        failed.push({ Id: entry.Id, Code: error.code, Message: error.message, SenderFault: true });
      }
    }
    return { Successful: successful, ...(failed.length > 0 && { Failed: failed }) };
  }

  /** The messages that are not older than the queue keeps them. */
  private kept(queue: Queue): StoredMessage[] {
    const oldestMs = this.options.clock.nowMs() - queue.configuration.retentionSeconds * 1000;
    queue.messages = queue.messages.filter((message) => message.sentAtMs > oldestMs);
    return queue.messages;
  }

  /** @param reference A queue's URL, ARN or name. */
  private queue(reference: string): Queue {
    const queue = this.queues.get(
      reference.slice(Math.max(reference.lastIndexOf('/'), reference.lastIndexOf(':')) + 1),
    );
    if (queue === undefined) throw new ServiceError('QueueDoesNotExist', 'The specified queue does not exist.');
    return queue;
  }
}

interface VisibilityInput {
  readonly QueueUrl: string;
  readonly ReceiptHandle: string;
  readonly VisibilityTimeout: number;
}

function describe(message: StoredMessage): ServiceOutput {
  return {
    MessageId: message.messageId,
    ReceiptHandle: message.receiptHandle,
    Body: message.body,
    MD5OfBody: md5(message.body),
    ...(Object.keys(message.attributes).length > 0 && { MessageAttributes: message.attributes }),
    Attributes: {
      ApproximateReceiveCount: String(message.receiveCount),
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAtMs),
      SentTimestamp: String(message.sentAtMs),
    },
  };
}

function md5(text: string): string {
  return createHash('md5').update(text).digest('hex');
}
