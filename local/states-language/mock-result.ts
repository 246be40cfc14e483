/** Checks a mocked result of TestState against what the called API answers, for the APIs that workflows use most. */
import { isList, isObject } from './data/json-value';
import type { TaskResource } from './definition';
import type { JsonValue } from './engine';

/** STRICT asks for the required fields, PRESENT looks only at those that are there. */
export type FieldValidationMode = 'STRICT' | 'PRESENT' | 'NONE';

/** Types of a response's fields. Timestamps and blobs are texts. */
type Shape =
  | { readonly type: 'string'; readonly minLength?: number }
  | { readonly type: 'number'; readonly minimum?: number; readonly maximum?: number }
  | { readonly type: 'boolean' }
  | { readonly type: 'array'; readonly items?: Shape }
  | {
      readonly type: 'object';
      readonly fields: Readonly<Record<string, Shape>>;
      readonly required?: readonly string[];
    };

/** Says what is wrong with a mocked result, in the service's words.
 * @returns undefined when nothing is, or when the API's answer is not known here */
export function checkMockResult(
  result: JsonValue,
  { type, action }: TaskResource,
  mode: FieldValidationMode,
): string | undefined {
  if (mode === 'NONE') return undefined;
  const shape = responseShapes[`${type}:${action}`];
  return shape && problemOf(result, shape, 'result', mode);
}

function problemOf(value: JsonValue, shape: Shape, name: string, mode: FieldValidationMode): string | undefined {
  switch (shape.type) {
    case 'string':
      if (typeof value !== 'string') return `Field '${name}' must be a string`;
      return value.length < (shape.minLength ?? 0) ? `Field '${name}' is smaller than the minimum length` : undefined;
    case 'number':
      if (typeof value !== 'number') return `Field '${name}' must be a number`;
      if (value < (shape.minimum ?? value)) return `Field '${name}' is less than the minimum value`;
      return value > (shape.maximum ?? value) ? `Field '${name}' exceeds the maximum value` : undefined;
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `Field '${name}' must be a boolean`;
    case 'array': {
      if (!isList(value)) return `Field '${name}' must be an array`;
      const { items } = shape;
      return items && first(value.map((item) => problemOf(item, items, name, mode)));
    }
    case 'object': {
      if (!isObject(value)) return `Field '${name}' must be an object`;
      const missing = mode === 'STRICT' ? shape.required?.find((field) => value[field] === undefined) : undefined;
      if (missing !== undefined) return `Required field '${missing}' is missing`;
      return first(
        Object.entries(shape.fields).map(([field, fieldShape]) => {
          const member = value[field];
          return member === undefined ? undefined : problemOf(member, fieldShape, field, mode);
        }),
      );
    }
  }
}

function first(problems: readonly (string | undefined)[]): string | undefined {
  return problems.find((problem) => problem !== undefined);
}

const text: Shape = { type: 'string' };
const number: Shape = { type: 'number' };

function response(fields: Readonly<Record<string, Shape>>, required: readonly string[] = []): Shape {
  return { type: 'object', fields, required };
}

const consumedCapacity = response({
  TableName: text,
  CapacityUnits: number,
  ReadCapacityUnits: number,
  WriteCapacityUnits: number,
});
const anyObject = response({});
const dynamoWrite = response({
  Attributes: anyObject,
  ConsumedCapacity: consumedCapacity,
  ItemCollectionMetrics: anyObject,
});
const sendMessage = response({
  MD5OfMessageAttributes: text,
  MD5OfMessageBody: text,
  MD5OfMessageSystemAttributes: text,
  MessageId: text,
  SequenceNumber: text,
});
const startExecution = response({ ExecutionArn: text, StartDate: text }, ['ExecutionArn', 'StartDate']);
const putEvents = response({
  FailedEntryCount: number,
  Entries: { type: 'array', items: response({ ErrorCode: text, ErrorMessage: text, EventId: text }) },
});
const publish = response({ MessageId: text, SequenceNumber: text });
const getItem = response({ ConsumedCapacity: consumedCapacity, Item: anyObject });
const invoke = { ExecutedVersion: text, FunctionError: text, LogResult: text, StatusCode: number };

/** From the services' API models (botocore 1.43), by resource type and action. */
const responseShapes: Readonly<Record<string, Shape | undefined>> = {
  'aws-sdk:dynamodb:deleteItem': dynamoWrite,
  'aws-sdk:dynamodb:getItem': getItem,
  'aws-sdk:dynamodb:putItem': dynamoWrite,
  'aws-sdk:dynamodb:updateItem': dynamoWrite,
  'aws-sdk:eventbridge:putEvents': putEvents,
  'aws-sdk:kms:encrypt': response({
    CiphertextBlob: { type: 'string', minLength: 1 },
    EncryptionAlgorithm: text,
    KeyId: { type: 'string', minLength: 1 },
  }),
  'aws-sdk:lambda:getFunction': response({
    Configuration: response({
      CodeSize: number,
      FunctionArn: text,
      FunctionName: text,
      Handler: text,
      MemorySize: { type: 'number', minimum: 128, maximum: 10_240 },
      Role: text,
      Runtime: text,
      State: text,
      Timeout: { type: 'number', minimum: 1 },
      Version: { type: 'string', minLength: 1 },
    }),
    Tags: anyObject,
  }),
  'aws-sdk:lambda:invoke': response({ ...invoke, Payload: text }),
  'aws-sdk:sfn:startExecution': startExecution,
  'aws-sdk:sns:publish': publish,
  'aws-sdk:sqs:sendMessage': sendMessage,
  'dynamodb:deleteItem': dynamoWrite,
  'dynamodb:getItem': getItem,
  'dynamodb:putItem': dynamoWrite,
  'dynamodb:updateItem': dynamoWrite,
  'events:putEvents': putEvents,
  'lambda:invoke': response(invoke),
  'sns:publish': publish,
  'sqs:sendMessage': sendMessage,
  'states:startExecution': startExecution,
};
