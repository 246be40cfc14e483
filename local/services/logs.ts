/** Simulated CloudWatch Logs: what functions and instances write, in memory, to be read in tests. */
import type { VirtualClock } from '../virtual-clock';
import { checkParameters } from './parameters';
import { ServiceError, type Service, type ServiceOutput } from './service';

export interface LogsOptions {
  readonly clock: VirtualClock;
  readonly region: string;
  readonly accountId: string;
}

export interface LogEvent {
  readonly logGroupName: string;
  readonly logStreamName: string;
  readonly timestampMs: number;
  readonly message: string;
}

interface StreamName {
  readonly logGroupName: string;
  readonly logStreamName: string;
}

/** CloudWatch Logs of one account and Region. */
export class LogsService implements Service {
  readonly name = 'logs';
  /** Events by stream, by group. */
  private readonly groups = new Map<string, Map<string, LogEvent[]>>();

  constructor(private readonly options: LogsOptions) {}

  readonly operations = {
    CreateLogGroup: (input: { readonly logGroupName: string }): ServiceOutput => {
      checkParameters(
        'logs',
        'CreateLogGroup',
        input,
        {
          required: ['logGroupName'],
          optional: ['kmsKeyId', 'tags', 'logGroupClass'],
        },
        'InvalidParameterException',
      );
      this.createGroup(input.logGroupName);
      return {};
    },
    CreateLogStream: (input: StreamName): ServiceOutput => {
      const group = this.group(input.logGroupName);
      if (group.has(input.logStreamName)) {
        throw new ServiceError('ResourceAlreadyExistsException', 'The specified log stream already exists');
      }
      group.set(input.logStreamName, []);
      return {};
    },
    PutLogEvents: (
      input: StreamName & { readonly logEvents: readonly { readonly timestamp: number; readonly message: string }[] },
    ): ServiceOutput => this.putLogEvents(input),
    DescribeLogGroups: (input: { readonly logGroupNamePrefix?: string }): ServiceOutput => ({
      logGroups: [...this.groups.keys()]
        .filter((name) => name.startsWith(input.logGroupNamePrefix ?? ''))
        .map((logGroupName) => ({ logGroupName, arn: `${this.groupArn(logGroupName)}:*` })),
    }),
    GetLogEvents: (input: StreamName): ServiceOutput => ({
      events: this.stream(input).map(({ timestampMs, message }) => ({ timestamp: timestampMs, message })),
    }),
  };

  /** Creates a log group. @throws ServiceError ResourceAlreadyExistsException */
  createGroup(name: string): void {
    if (this.groups.has(name)) {
      throw new ServiceError('ResourceAlreadyExistsException', 'The specified log group already exists');
    }
    this.groups.set(name, new Map());
  }

  groupArn(name: string): string {
    return `arn:aws:logs:${this.options.region}:${this.options.accountId}:log-group:${name}`;
  }

  /** Writes one line, creating group and stream: what Lambda does for a function. */
  write(logGroupName: string, logStreamName: string, message: string): void {
    const group = this.groups.get(logGroupName) ?? new Map<string, LogEvent[]>();
    const stream = group.get(logStreamName) ?? [];
    stream.push({ logGroupName, logStreamName, timestampMs: this.options.clock.nowMs(), message });
    group.set(logStreamName, stream);
    this.groups.set(logGroupName, group);
  }

  /** All events, or those of one group, in the order of their time. */
  events(logGroupName?: string): readonly LogEvent[] {
    return [...this.groups]
      .filter(([name]) => logGroupName === undefined || name === logGroupName)
      .flatMap(([, streams]) => [...streams.values()].flat())
      .sort((left, right) => left.timestampMs - right.timestampMs);
  }

  private putLogEvents(input: Parameters<LogsService['operations']['PutLogEvents']>[0]): ServiceOutput {
    checkParameters(
      'logs',
      'PutLogEvents',
      input as unknown as Record<string, unknown>,
      {
        required: ['logGroupName', 'logStreamName', 'logEvents'],
        optional: ['sequenceToken', 'entity'],
      },
      'InvalidParameterException',
    );
    const stream = this.stream(input);
    for (const { timestamp, message } of input.logEvents) {
      stream.push({
        logGroupName: input.logGroupName,
        logStreamName: input.logStreamName,
        timestampMs: timestamp,
        message,
      });
    }
    return {};
  }

  private stream({ logGroupName, logStreamName }: StreamName): LogEvent[] {
    const stream = this.group(logGroupName).get(logStreamName);
    if (stream === undefined)
      throw new ServiceError('ResourceNotFoundException', 'The specified log stream does not exist.');
    return stream;
  }

  private group(name: string): Map<string, LogEvent[]> {
    const group = this.groups.get(name);
    if (group === undefined)
      throw new ServiceError('ResourceNotFoundException', 'The specified log group does not exist.');
    return group;
  }
}
