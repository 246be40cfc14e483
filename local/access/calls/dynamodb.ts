/** What DynamoDB's operations need. A transaction needs the actions of its parts: it has none of its own.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazondynamodb.html (read 2026-09) */
import {
  type Input,
  keyUse,
  list,
  type Permission,
  type Requirement,
  type Requirements,
  type ResourceFacts,
  text,
} from './permission';

type Value = Readonly<Record<string, unknown>> | undefined;

function tableName(input: Input): string {
  return (text(input, 'TableName') ?? '').split('/').at(-1)!;
}

function tableArn(name: string, { region, accountId }: ResourceFacts): string {
  return `arn:aws:dynamodb:${region}:${accountId}:table/${name}`;
}

/** @param keys Values of the partition keys that the call reads or writes. */
function onTable(
  action: string,
  name: string,
  leadingKeys: () => readonly string[],
  facts: ResourceFacts,
  index?: string,
): Permission {
  const arn = tableArn(name, facts);
  return {
    action: `dynamodb:${action}`,
    resource: index === undefined ? arn : `${arn}/index/${index}`,
    keys: { 'dynamodb:leadingkeys': leadingKeys },
  };
}

function keyOf(item: Value, table: string, facts: ResourceFacts): readonly string[] {
  const name = facts.partitionKey(table);
  const value = name === undefined ? undefined : (item?.[name] as Value);
  return value === undefined ? [] : [String(Object.values(value)[0])];
}

const decrypt = (name: string, facts: ResourceFacts): readonly Permission[] =>
  keyUse(['Decrypt'], tableArn(name, facts), 'dynamodb', facts);

/** @param member Where the item's key is. */
function onItem(action: string, member: 'Key' | 'Item'): Requirement {
  return (input, facts) => {
    const table = tableName(input);
    const keys = (): readonly string[] => keyOf(input[member] as Value, table, facts);
    return [onTable(action, table, keys, facts), ...decrypt(table, facts)];
  };
}

function onRange(action: string): Requirement {
  return (input, facts) => {
    const table = tableName(input);
    const keys = (): readonly string[] => partitionOfQuery(input, table, facts);
    return [onTable(action, table, keys, facts, text(input, 'IndexName')), ...decrypt(table, facts)];
  };
}

/** The value that a query's condition compares the partition key with. */
function partitionOfQuery(input: Input, table: string, facts: ResourceFacts): readonly string[] {
  const name = facts.partitionKey(table) ?? '';
  const names = (input['ExpressionAttributeNames'] ?? {}) as Readonly<Record<string, string>>;
  const values = (input['ExpressionAttributeValues'] ?? {}) as Readonly<Record<string, Value>>;
  const comparisons = (text(input, 'KeyConditionExpression') ?? '').matchAll(/([#\w]+)\s*=\s*(:\w+)/g);
  for (const [, attribute = '', value = ''] of comparisons) {
    if ((names[attribute] ?? attribute) === name) return [String(Object.values(values[value] ?? {})[0])];
  }
  return [];
}

const transactionActions: Readonly<Record<string, readonly [action: string, member: 'Key' | 'Item']>> = {
  Put: ['PutItem', 'Item'],
  Update: ['UpdateItem', 'Key'],
  Delete: ['DeleteItem', 'Key'],
  ConditionCheck: ['ConditionCheckItem', 'Key'],
  Get: ['GetItem', 'Key'],
};

const transaction: Requirement = (input, facts) =>
  list<Readonly<Record<string, Input>>>(input, 'TransactItems').flatMap((entry) =>
    Object.entries(entry).flatMap(([kind, part]) => {
      const action = transactionActions[kind];
      return action === undefined ? [] : onItem(...action)(part, facts);
    }),
  );

const batch =
  (action: string): Requirement =>
  (input, facts) =>
    Object.entries((input['RequestItems'] ?? {}) as Readonly<Record<string, unknown>>).flatMap(([name, requests]) => [
      onTable(action, name, () => keysOfBatch(requests, name, facts), facts),
      ...decrypt(name, facts),
    ]);

function keysOfBatch(requests: unknown, table: string, facts: ResourceFacts): readonly string[] {
  const writes = Array.isArray(requests) ? (requests as readonly Readonly<Record<string, Input>>[]) : [];
  const items = writes.map((write) => (write['PutRequest']?.['Item'] ?? write['DeleteRequest']?.['Key']) as Value);
  const reads = Array.isArray(requests) ? [] : list<Value>(requests as Input, 'Keys');
  return [...new Set([...items, ...reads].flatMap((item) => keyOf(item, table, facts)))];
}

/** By operation. */
export const dynamodbRequirements: Requirements = {
  DescribeTable: (input, facts) => [onTable('DescribeTable', tableName(input), () => [], facts)],
  GetItem: onItem('GetItem', 'Key'),
  PutItem: onItem('PutItem', 'Item'),
  UpdateItem: onItem('UpdateItem', 'Key'),
  DeleteItem: onItem('DeleteItem', 'Key'),
  Query: onRange('Query'),
  Scan: onRange('Scan'),
  BatchGetItem: batch('BatchGetItem'),
  BatchWriteItem: batch('BatchWriteItem'),
  TransactGetItems: transaction,
  TransactWriteItems: transaction,
};
