/** The few operations of services whose SDK clients this package does not depend on, written as the SDK writes its schemas. */
import type { ServiceName } from '../services/service';
import type { Schema } from './shape';

const text = 0;
const numeric = 1;
const boolean = 2;
const instant = 4;
const blob = 21;

const list = (item: Schema, name = 'List'): Schema => [1, '', name, 0, item];
const map = (value: Schema, keyName = 'key', valueName = 'value'): Schema => [
  2,
  '',
  'Map',
  0,
  [text, { xmlName: keyName }],
  [value, { xmlName: valueName }],
];

function structure(name: string, members: Readonly<Record<string, Schema>>): Schema {
  return [3, '', name, 0, Object.keys(members), Object.values(members)];
}

/** A structure whose further members travel as they are: JSON needs no model for texts and numbers. */
function openStructure(name: string, members: Readonly<Record<string, Schema>> = {}): Schema {
  return [3, '', name, { open: 1 }, Object.keys(members), Object.values(members)];
}

function operation(
  name: string,
  input: Readonly<Record<string, Schema>>,
  output: Readonly<Record<string, Schema>> = {},
): Schema {
  return [9, '', name, 0, structure(`${name}Input`, input), structure(`${name}Output`, output)];
}

function openOperation(name: string, input: Readonly<Record<string, Schema>> = {}): Schema {
  return [9, '', name, 0, openStructure(`${name}Input`, input), openStructure(`${name}Output`)];
}

const messageAttribute = structure('MessageAttributeValue', { DataType: text, StringValue: text, BinaryValue: blob });
const messageAttributes: Schema = map(messageAttribute, 'Name', 'Value');

/** Schemas of operations by service. JSON services list only what needs a conversion. */
export const handWrittenModels: Readonly<Partial<Record<ServiceName, readonly Schema[]>>> = {
  events: [
    openOperation('PutEvents', {
      Entries: list(openStructure('PutEventsRequestEntry', { Time: instant })),
    }),
  ],
  lambda: [
    [
      9,
      '',
      'Invoke',
      { http: ['POST', '/2015-03-31/functions/{FunctionName}/invocations', 200] },
      structure('InvocationRequest', {
        FunctionName: [text, 1],
        InvocationType: [text, { httpHeader: 'X-Amz-Invocation-Type' }],
        LogType: [text, { httpHeader: 'X-Amz-Log-Type' }],
        ClientContext: [text, { httpHeader: 'X-Amz-Client-Context' }],
        Qualifier: [text, { httpQuery: 'Qualifier' }],
        Payload: [blob, 16],
      }),
      structure('InvocationResponse', {
        StatusCode: [numeric, 32],
        FunctionError: [text, { httpHeader: 'X-Amz-Function-Error' }],
        LogResult: [text, { httpHeader: 'X-Amz-Log-Result' }],
        ExecutedVersion: [text, { httpHeader: 'X-Amz-Executed-Version' }],
        Payload: [blob, 16],
      }),
    ],
  ],
  logs: [
    'CreateLogGroup',
    'CreateLogStream',
    'PutLogEvents',
    'DescribeLogGroups',
    'GetLogEvents',
    'FilterLogEvents',
  ].map((name) => openOperation(name)),
  monitoring: [
    openOperation('PutMetricData', { MetricData: list(openStructure('MetricDatum', { Timestamp: instant })) }),
  ],
  sns: [
    operation(
      'Publish',
      {
        TopicArn: text,
        TargetArn: text,
        PhoneNumber: text,
        Message: text,
        Subject: text,
        MessageStructure: text,
        MessageAttributes: messageAttributes,
      },
      { MessageId: text },
    ),
    operation(
      'Subscribe',
      { TopicArn: text, Protocol: text, Endpoint: text, Attributes: map(text), ReturnSubscriptionArn: boolean },
      { SubscriptionArn: text },
    ),
    operation('Unsubscribe', { SubscriptionArn: text }),
  ],
  sqs: [
    openOperation('SendMessage', { MessageAttributes: map(messageAttribute) }),
    openOperation('SendMessageBatch', {
      Entries: list(openStructure('SendMessageBatchRequestEntry', { MessageAttributes: map(messageAttribute) })),
    }),
    ...[
      'ReceiveMessage',
      'DeleteMessage',
      'DeleteMessageBatch',
      'ChangeMessageVisibility',
      'GetQueueAttributes',
      'GetQueueUrl',
      'PurgeQueue',
    ].map((name) => openOperation(name)),
  ],
  sts: [operation('GetCallerIdentity', {}, { UserId: text, Account: text, Arn: text })],
};
