/** What the operations of Lambda, EventBridge, SQS, SNS, CloudWatch and STS need.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html (read 2026-09) */
import {
  anywhere,
  type Input,
  keyUse,
  list,
  type Permission,
  type Requirement,
  type Requirements,
  type ResourceFacts,
  text,
} from './permission';

/** @param name Name, `name:qualifier`, partial or full ARN. */
function functionArn(input: Input, { region, accountId }: ResourceFacts): string {
  const name = text(input, 'FunctionName') ?? '';
  const arn = name.startsWith('arn:')
    ? name
    : `arn:aws:lambda:${region}:${accountId}:function:${name.replace(/^(\d{12}:)?function:/, '')}`;
  const qualifier = text(input, 'Qualifier');
  return qualifier === undefined || arn.split(':').length > 7 ? arn : `${arn}:${qualifier}`;
}

/** By operation. */
export const lambdaRequirements: Requirements = {
  Invoke: (input, facts) => [{ action: 'lambda:InvokeFunction', resource: functionArn(input, facts) }],
};

function busArn(name: string | undefined, { region, accountId }: ResourceFacts): string {
  return name?.startsWith('arn:') === true
    ? name
    : `arn:aws:events:${region}:${accountId}:event-bus/${name ?? 'default'}`;
}

const onRule =
  (action: string): Requirement =>
  (input, { region, accountId }) => {
    const bus = text(input, 'EventBusName');
    const path = bus === undefined || bus === 'default' ? '' : `${bus}/`;
    return [{ action, resource: `arn:aws:events:${region}:${accountId}:rule/${path}${text(input, 'Name') ?? ''}` }];
  };

/** By operation. */
export const eventsRequirements: Requirements = {
  PutEvents: (input, facts) =>
    list<Input>(input, 'Entries').map((entry) => ({
      action: 'events:PutEvents',
      resource: busArn(text(entry, 'EventBusName'), facts),
      keys: { 'events:source': text(entry, 'Source'), 'events:detail-type': text(entry, 'DetailType') },
    })),
  EnableRule: onRule('events:EnableRule'),
  DisableRule: onRule('events:DisableRule'),
};

function queueArn(input: Input, { region, accountId }: ResourceFacts): string {
  const name = (text(input, 'QueueUrl') ?? text(input, 'QueueName') ?? '').split('/').at(-1)!;
  return `arn:aws:sqs:${region}:${accountId}:${name}`;
}

const onQueue =
  (action: string, ...keyActions: readonly string[]): Requirement =>
  (input, facts) => {
    const resource = queueArn(input, facts);
    return [{ action: `sqs:${action}`, resource }, ...keyUse(keyActions, resource, 'sqs', facts)];
  };

/** By operation. The actions for batches are those for single messages. */
export const sqsRequirements: Requirements = {
  SendMessage: onQueue('SendMessage', 'GenerateDataKey', 'Decrypt'),
  SendMessageBatch: onQueue('SendMessage', 'GenerateDataKey', 'Decrypt'),
  ReceiveMessage: onQueue('ReceiveMessage', 'Decrypt'),
  DeleteMessage: onQueue('DeleteMessage'),
  DeleteMessageBatch: onQueue('DeleteMessage'),
  ChangeMessageVisibility: onQueue('ChangeMessageVisibility'),
  GetQueueUrl: onQueue('GetQueueUrl'),
  GetQueueAttributes: onQueue('GetQueueAttributes'),
  PurgeQueue: onQueue('PurgeQueue'),
};

/** By operation. */
export const snsRequirements: Requirements = {
  Publish: (input, facts) => {
    const resource = text(input, 'TopicArn') ?? text(input, 'TargetArn') ?? '*';
    return [{ action: 'sns:Publish', resource }, ...keyUse(['GenerateDataKey', 'Decrypt'], resource, 'sns', facts)];
  },
  Subscribe: (input) => [
    {
      action: 'sns:Subscribe',
      resource: text(input, 'TopicArn') ?? '',
      keys: { 'sns:protocol': text(input, 'Protocol'), 'sns:endpoint': text(input, 'Endpoint') },
    },
  ],
  Unsubscribe: anywhere('sns:Unsubscribe'),
};

/** A stream of a log group, as CloudWatch Logs names it to IAM.
 * @param stream Empty where the call is about all of them. */
export function logStream(
  action: string,
  group: string,
  stream: string,
  facts: { readonly region: string; readonly accountId: string },
): Permission {
  return {
    action: `logs:${action}`,
    resource: `arn:aws:logs:${facts.region}:${facts.accountId}:log-group:${group}:log-stream:${stream}`,
  };
}

const onStream =
  (action: string): Requirement =>
  (input, facts) => [logStream(action, text(input, 'logGroupName') ?? '', text(input, 'logStreamName') ?? '', facts)];

/** By operation. */
export const logsRequirements: Requirements = {
  CreateLogGroup: onStream('CreateLogGroup'),
  CreateLogStream: onStream('CreateLogStream'),
  PutLogEvents: onStream('PutLogEvents'),
  GetLogEvents: onStream('GetLogEvents'),
  DescribeLogStreams: onStream('DescribeLogStreams'),
  DescribeLogGroups: anywhere('logs:DescribeLogGroups'),
};

/** By operation. */
export const monitoringRequirements: Requirements = {
  PutMetricData: (input) => [
    { action: 'cloudwatch:PutMetricData', resource: '*', keys: { 'cloudwatch:namespace': text(input, 'Namespace') } },
  ],
};

/** Whoever has credentials may ask whose they are: no policy is needed, and none can forbid it. */
export const stsRequirements: Requirements = { GetCallerIdentity: () => [] };
