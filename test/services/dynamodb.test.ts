/** DynamoDB as its own SDK client sees it. */
import {
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  ResourceNotFoundException,
  ScanCommand,
  TransactGetItemsCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
  type UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { DynamoDbService } from '../../local/services/dynamodb';
import { createTestCloud, failureOf } from './test-cloud';

function createTable() {
  const test = createTestCloud();
  test.dynamodb.createTable({
    name: 'ledger',
    partitionKey: 'pk',
    sortKey: 'sk',
    attributeTypes: { pk: 'S', sk: 'S', owner: 'S' },
    timeToLiveAttribute: 'expiresAt',
    indexes: [
      { name: 'owner-index', partitionKey: 'owner', isGlobal: true, projection: 'ALL', includedAttributes: [] },
      { name: 'owner-keys', partitionKey: 'owner', isGlobal: true, projection: 'KEYS_ONLY', includedAttributes: [] },
    ],
  });
  return { ...test, client: new DynamoDBClient(test.configuration) };
}

const key = (sk: string, pk = 'a') => ({ pk: { S: pk }, sk: { S: sk } });
const TableName = 'ledger';

function claim(owner: string, nowSeconds: number): UpdateItemCommandInput {
  return {
    TableName,
    Key: key('v1'),
    UpdateExpression:
      'SET #owner = :me, #status = :running, leaseExpiresAt = :lease, attempt = if_not_exists(attempt, :zero) + :one',
    ConditionExpression:
      'attribute_not_exists(pk) OR #owner = :me OR #status = :failed OR (#status = :running AND leaseExpiresAt < :now)',
    ExpressionAttributeNames: { '#owner': 'owner', '#status': 'status' },
    ExpressionAttributeValues: {
      ':me': { S: owner },
      ':running': { S: 'RUNNING' },
      ':failed': { S: 'FAILED' },
      ':lease': { N: String(nowSeconds + 100) },
      ':now': { N: String(nowSeconds) },
      ':zero': { N: '0' },
      ':one': { N: '1' },
    },
    ReturnValues: 'ALL_NEW',
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  };
}

describe('items', () => {
  test('share no memory with what was put, nor with what is read', () => {
    const { dynamodb } = createTable();
    const given = Buffer.from([1, 2]);
    const item = { ...key('v1'), bytes: { B: given }, set: { BS: [given] } };
    const put = (Item: object) => dynamodb.operations.PutItem({ TableName, Item } as never);
    const get = () => dynamodb.operations.GetItem({ TableName, Key: key('v1') }) as { Item: Record<string, object> };
    put(item);
    given[0] = 9;
    for (let time = 0; time < 2; time++) {
      const { Item } = get();
      expect(Item).toEqual({
        ...key('v1'),
        bytes: { B: new Uint8Array([1, 2]) },
        set: { BS: [new Uint8Array([1, 2])] },
      });
      (Item['bytes'] as { B: Uint8Array }).B[1] = 9;
      (Item['set'] as { BS: Uint8Array[] }).BS[0]![1] = 9;
    }
  });

  test('come back as they were put, numbers in their normal form', async () => {
    const { client } = createTable();
    const item = {
      ...key('v1'),
      text: { S: 'ü€😀' },
      number: { N: '-12345678901234567890.5' },
      bytes: { B: new Uint8Array([0, 255]) },
      flag: { BOOL: false },
      nothing: { NULL: true },
      set: { SS: ['b', 'a'] },
      list: { L: [{ N: '1' }, { M: { deep: { S: '' } } }] },
    };
    await client.send(
      new PutItemCommand({ TableName, Item: { ...item, padded: { N: '0012.500' }, exponent: { N: '1e3' } } }),
    );
    const { Item } = await client.send(new GetItemCommand({ TableName, Key: key('v1') }));
    expect(Item).toEqual({ ...item, padded: { N: '12.5' }, exponent: { N: '1000' } });
  });

  test('that are missing give no item', async () => {
    const { client } = createTable();
    expect((await client.send(new GetItemCommand({ TableName, Key: key('v1') }))).Item).toBeUndefined();
  });

  test('keep their attributes when a caller changes what it was given', () => {
    const { dynamodb } = createTable();
    const item = { ...key('v1'), list: { L: [{ N: '1' }] } };
    dynamodb.operations.PutItem({ TableName, Item: item });
    item.list.L.push({ N: '2' });
    expect(dynamodb.items(TableName)[0]!['list']).toEqual({ L: [{ N: '1' }] });
  });

  test.each([
    ['a missing key', { pk: { S: 'a' } }, 'Missing the key sk in the item'],
    ['a key of the wrong type', { pk: { N: '1' }, sk: { S: 'b' } }, 'Type mismatch for key pk expected: S actual: N'],
    ['an empty key', key(''), 'cannot contain an empty string value. Key: sk'],
    [
      'an index key of the wrong type',
      { ...key('b'), owner: { N: '1' } },
      'Type mismatch for Index Key owner Expected: S Actual: N',
    ],
    ['no number', { ...key('b'), n: { N: 'x' } }, 'The parameter cannot be converted to a numeric value: x'],
    ['too many digits', { ...key('b'), n: { N: '1'.repeat(39) } }, 'more than 38 significant digits'],
    ['an empty set', { ...key('b'), s: { SS: [] } }, 'An string set  may not be empty'],
    ['a set with duplicates', { ...key('b'), s: { NS: ['1', '1.0'] } }, 'contains duplicates'],
    ['400 KB', { ...key('b'), s: { S: 'x'.repeat(409_600) } }, 'Item size has exceeded the maximum allowed size'],
  ])('are refused with %s', async (_, Item, message) => {
    const { client } = createTable();
    const failure = await failureOf(client.send(new PutItemCommand({ TableName, Item: Item as never })));
    expect([failure.name, failure.$metadata.httpStatusCode]).toEqual(['ValidationException', 400]);
    expect(failure.message).toContain(message);
  });

  test('of a table that does not exist give ResourceNotFoundException', async () => {
    const { client } = createTable();
    const failure = await failureOf(client.send(new GetItemCommand({ TableName: 'other', Key: key('v1') })));
    expect(failure).toBeInstanceOf(ResourceNotFoundException);
    expect(failure.message).toBe('Requested resource not found');
  });
});

describe('the claim of an object', () => {
  test('is refused to a second execution, which is told whose it is', async () => {
    const { client } = createTable();
    await client.send(new UpdateItemCommand(claim('first', 1000)));
    const failure = await failureOf(client.send(new UpdateItemCommand(claim('second', 1000))));
    expect(failure).toBeInstanceOf(ConditionalCheckFailedException);
    expect(failure.message).toBe('The conditional request failed');
    expect(failure['Item']).toMatchObject({ owner: { S: 'first' }, attempt: { N: '1' } });
  });

  test('may be repeated by its owner, and taken over once the lease has passed', async () => {
    const { client } = createTable();
    await client.send(new UpdateItemCommand(claim('first', 1000)));
    const again = await client.send(new UpdateItemCommand(claim('first', 1050)));
    expect(again.Attributes).toMatchObject({ owner: { S: 'first' }, attempt: { N: '2' } });
    const taken = await client.send(new UpdateItemCommand(claim('second', 1151)));
    expect(taken.Attributes).toMatchObject({ owner: { S: 'second' }, attempt: { N: '3' } });
  });

  test('still meets an item whose time to live has passed, until the sweep removes it', async () => {
    const { client, clock, dynamodb } = createTable();
    const put = () =>
      client.send(
        new PutItemCommand({
          TableName,
          Item: { ...key('v1'), expiresAt: { N: '1' } },
          ConditionExpression: 'attribute_not_exists(pk)',
        }),
      );
    await put();
    await clock.runUntilIdle(clock.nowMs() + 1000);
    expect((await failureOf(put())).name).toBe('ConditionalCheckFailedException');
    dynamodb.sweepExpired();
    await put();
  });
});

describe('updates', () => {
  test('read the item as it was before', async () => {
    const { client } = createTable();
    await client.send(
      new PutItemCommand({
        TableName,
        Item: { ...key('v1'), one: { N: '1' }, two: { N: '2' }, list: { L: [{ S: 'a' }, { S: 'b' }, { S: 'c' }] } },
      }),
    );
    const { Attributes } = await client.send(
      new UpdateItemCommand({
        TableName,
        Key: key('v1'),
        UpdateExpression: 'SET #one = two, two = #one, #list[7] = :d REMOVE #list[0]',
        ExpressionAttributeNames: { '#one': 'one', '#list': 'list' },
        ExpressionAttributeValues: { ':d': { S: 'd' } },
        ReturnValues: 'ALL_NEW',
      }),
    );
    expect(Attributes).toMatchObject({
      one: { N: '2' },
      two: { N: '1' },
      list: { L: [{ S: 'b' }, { S: 'c' }, { S: 'd' }] },
    });
  });

  test('add to and delete from sets, and drop a set that became empty', async () => {
    const { client } = createTable();
    const update = (UpdateExpression: string, members: string[]) =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: key('v1'),
          UpdateExpression,
          ExpressionAttributeValues: { ':s': { SS: members } },
          ReturnValues: 'ALL_NEW',
        }),
      );
    await update('ADD slots :s', ['a', 'b']);
    expect((await update('ADD slots :s', ['b', 'c'])).Attributes!['slots']).toEqual({ SS: ['a', 'b', 'c'] });
    expect((await update('DELETE slots :s', ['a', 'b', 'c'])).Attributes).toEqual(key('v1'));
  });

  test('return the old and new values of what they touched', async () => {
    const { client } = createTable();
    await client.send(new PutItemCommand({ TableName, Item: { ...key('v1'), n: { N: '1' }, other: { S: 'x' } } }));
    const update = (ReturnValues: 'UPDATED_OLD' | 'UPDATED_NEW') =>
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: key('v1'),
          UpdateExpression: 'SET n = n + :one',
          ExpressionAttributeValues: { ':one': { N: '0.5' } },
          ReturnValues,
        }),
      );
    expect((await update('UPDATED_OLD')).Attributes).toEqual({ n: { N: '1' } });
    expect((await update('UPDATED_NEW')).Attributes).toEqual({ n: { N: '2' } });
  });

  test.each<[string, Partial<UpdateItemCommandInput>, string]>([
    [
      'a reserved word',
      { UpdateExpression: 'SET status = :v' },
      'Invalid UpdateExpression: Attribute name is a reserved keyword; reserved keyword: status',
    ],
    [
      'a syntax error',
      { UpdateExpression: 'SET n n :v' },
      'Invalid UpdateExpression: Syntax error; token: "n", near: "n n :v"',
    ],
    [
      'an unknown value',
      { UpdateExpression: 'SET n = :w' },
      'An expression attribute value used in expression is not defined; attribute value: :w',
    ],
    [
      'an unused value',
      { UpdateExpression: 'REMOVE n' },
      'Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}',
    ],
    [
      'an unused name',
      { UpdateExpression: 'SET n = :v', ExpressionAttributeNames: { '#x': 'x' } },
      'Value provided in ExpressionAttributeNames unused in expressions: keys: {#x}',
    ],
    [
      'values but no expression',
      {},
      'ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null',
    ],
    ['a key', { UpdateExpression: 'SET pk = :v' }, 'Cannot update attribute pk. This attribute is part of the key'],
    [
      'overlapping paths',
      { UpdateExpression: 'SET m.a = :v REMOVE m' },
      'Two document paths overlap with each other; must remove or rewrite one of these paths; path one: [m, a], path two: [m]',
    ],
    [
      'a section twice',
      { UpdateExpression: 'SET n = :v SET o = :v' },
      'The "SET" section can only be used once in an update expression;',
    ],
    [
      'arithmetic on a text',
      { UpdateExpression: 'SET n = n + :v' },
      'Incorrect operand type for operator or function; operator or function: +, operand type: S',
    ],
    [
      'a missing attribute as operand',
      { UpdateExpression: 'SET n = absent, o = :v' },
      'The provided expression refers to an attribute that does not exist in the item',
    ],
    [
      'a path through nothing',
      { UpdateExpression: 'SET absent.part = :v' },
      'The document path provided in the update expression is invalid for update',
    ],
    ['an empty expression', { UpdateExpression: ' ' }, 'Invalid UpdateExpression: The expression can not be empty;'],
  ])('are refused with %s', async (_, parameters, message) => {
    const { client } = createTable();
    const failure = await failureOf(
      client.send(
        new UpdateItemCommand({
          TableName,
          Key: key('v1'),
          ExpressionAttributeValues: { ':v': { S: 'x' } },
          ...parameters,
        }),
      ),
    );
    expect(failure.name).toBe('ValidationException');
    expect(failure.message).toContain(message);
  });
});

describe('queries', () => {
  test('give a partition in the order of its sort keys, in pages, forwards and backwards', async () => {
    const { client, dynamodb } = createTable();
    for (const sk of ['b', 'a', 'ä', 'c', '😀', '\uffee']) dynamodb.operations.PutItem({ TableName, Item: key(sk) });
    const read = async (ScanIndexForward: boolean): Promise<string[]> => {
      const found: string[] = [];
      let ExclusiveStartKey: Record<string, never> | undefined;
      do {
        const page = await client.send(
          new QueryCommand({
            TableName,
            KeyConditionExpression: 'pk = :pk',
            ExpressionAttributeValues: { ':pk': { S: 'a' } },
            Limit: 2,
            ScanIndexForward,
            ExclusiveStartKey,
          }),
        );
        found.push(...page.Items!.map((item) => item['sk']!.S!));
        ExclusiveStartKey = page.LastEvaluatedKey as never;
      } while (ExclusiveStartKey !== undefined);
      return found;
    };
    // U+FFEE has a larger UTF-16 unit than the emoji's surrogates, but fewer UTF-8 bytes.
    expect(await read(true)).toEqual(['a', 'b', 'c', 'ä', '\uffee', '😀']);
    expect(await read(false)).toEqual(['😀', '\uffee', 'ä', 'c', 'b', 'a']);
  });

  test.each([
    ['begins_with(sk, :v)', 'version#', ['version#1', 'version#2']],
    ['sk BETWEEN :v AND :w', 'upload', ['upload#1', 'version#1']],
    ['begins_with(sk, :v)', 'upload#', ['upload#1']],
    ['sk BETWEEN :v AND :w', 'upload#1', ['upload#1', 'version#1']],
    ['sk = :v', 'upload#1', ['upload#1']],
    ['sk = :v', 'upload#', []],
    ['sk < :v', 'version#1', ['manual', 'upload#1']],
    ['sk <= :v', 'version#1', ['manual', 'upload#1', 'version#1']],
    ['sk > :v', 'version#1', ['version#2']],
    ['sk >= :v', 'version#1', ['version#1', 'version#2']],
    ['sk > :v', 'version#2', []],
  ])('take the part of a partition where %s', async (condition, value, expected) => {
    const { client, dynamodb } = createTable();
    for (const sk of ['version#2', 'upload#1', 'version#1', 'manual'])
      dynamodb.operations.PutItem({ TableName, Item: key(sk) });
    const { Items } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: `pk = :pk AND ${condition}`,
        ExpressionAttributeValues: {
          ':pk': { S: 'a' },
          ':v': { S: value },
          ...(condition.includes(':w') && { ':w': { S: 'version#1' } }),
        },
      }),
    );
    expect(Items!.map((item) => item['sk']!.S)).toEqual(expected);
  });

  test('of an index find items by other attributes, and what its projection holds', async () => {
    const { client, dynamodb } = createTable();
    dynamodb.operations.PutItem({ TableName, Item: { ...key('v1'), owner: { S: 'me' }, size: { N: '1' } } });
    dynamodb.operations.PutItem({ TableName, Item: key('v2') });
    const query = (IndexName: string) =>
      client.send(
        new QueryCommand({
          TableName,
          IndexName,
          KeyConditionExpression: '#o = :o',
          ExpressionAttributeNames: { '#o': 'owner' },
          ExpressionAttributeValues: { ':o': { S: 'me' } },
        }),
      );
    expect((await query('owner-index')).Items).toEqual([{ ...key('v1'), owner: { S: 'me' }, size: { N: '1' } }]);
    expect((await query('owner-keys')).Items).toEqual([{ ...key('v1'), owner: { S: 'me' } }]);
    dynamodb.operations.DeleteItem({ TableName, Key: key('v1') });
    expect((await query('owner-index')).Count).toBe(0);
  });

  test('of a local index find the items of a partition in another order', async () => {
    const { client, dynamodb } = createTable();
    dynamodb.createTable({
      name: 'local',
      partitionKey: 'pk',
      sortKey: 'sk',
      attributeTypes: { pk: 'S', sk: 'S', size: 'N' },
      indexes: [
        {
          name: 'by-size',
          partitionKey: 'pk',
          sortKey: 'size',
          isGlobal: false,
          projection: 'INCLUDE',
          includedAttributes: ['note'],
        },
      ],
    });
    for (const [sk, size] of [
      ['a', '10'],
      ['b', '9'],
      ['c', '-1.5'],
    ]) {
      const Item = { ...key(sk!), size: { N: size! }, note: { S: sk! }, other: { S: 'x' } };
      dynamodb.operations.PutItem({ TableName: 'local', Item });
    }
    const { Items } = await client.send(
      new QueryCommand({
        TableName: 'local',
        IndexName: 'by-size',
        KeyConditionExpression: 'pk = :pk AND #size > :least',
        ExpressionAttributeNames: { '#size': 'size' },
        ExpressionAttributeValues: { ':pk': { S: 'a' }, ':least': { N: '-1' } },
        ConsistentRead: true,
      }),
    );
    expect(Items).toEqual([
      { ...key('b'), size: { N: '9' }, note: { S: 'b' } },
      { ...key('a'), size: { N: '10' }, note: { S: 'a' } },
    ]);
  });

  test('of an index show a write late when it has a delay', async () => {
    const test = createTestCloud();
    const late = new DynamoDbService({
      clock: test.clock,
      region: 'eu-west-1',
      accountId: '1',
      indexDelayMs: () => 500,
    });
    late.createTable({
      name: 't',
      partitionKey: 'pk',
      attributeTypes: { pk: 'S', o: 'S' },
      indexes: [{ name: 'i', partitionKey: 'o', isGlobal: true, projection: 'ALL', includedAttributes: [] }],
    });
    late.operations.PutItem({ TableName: 't', Item: { pk: { S: 'a' }, o: { S: 'x' } } });
    const count = () =>
      late.operations.Query({
        TableName: 't',
        IndexName: 'i',
        KeyConditionExpression: 'o = :o',
        ExpressionAttributeValues: { ':o': { S: 'x' } },
      })['Count'];
    expect(count()).toBe(0);
    await test.clock.runUntilIdle();
    expect(count()).toBe(1);
  });

  test('count what they scanned before the filter', async () => {
    const { client, dynamodb } = createTable();
    for (const sk of ['a', 'b', 'c'])
      dynamodb.operations.PutItem({ TableName, Item: { ...key(sk), n: { N: sk === 'b' ? '2' : '1' } } });
    const page = await client.send(
      new ScanCommand({
        TableName,
        FilterExpression: 'n = :n',
        ProjectionExpression: 'sk',
        ExpressionAttributeValues: { ':n': { N: '2.0' } },
      }),
    );
    expect([page.Items, page.Count, page.ScannedCount]).toEqual([[{ sk: { S: 'b' } }], 1, 3]);
  });

  test.each([
    [{ KeyConditionExpression: 'sk = :v' }, 'Query condition missed key schema element: pk'],
    [{ KeyConditionExpression: 'pk > :v' }, 'Query key condition not supported'],
    [{ KeyConditionExpression: 'pk = :v OR sk = :v' }, 'Invalid operator used in KeyConditionExpression: OR'],
    [
      { KeyConditionExpression: 'pk = :v', FilterExpression: 'sk = :v' },
      'Filter Expression can only contain non-primary key attributes: Primary key attribute: sk',
    ],
    [{ KeyConditionExpression: 'pk = :v', IndexName: 'nope' }, 'The table does not have the specified index: nope'],
    [
      { KeyConditionExpression: 'pk = :v', IndexName: 'owner-index', ConsistentRead: true },
      'Consistent reads are not supported on global secondary indexes',
    ],
  ])('are refused as %j', async (parameters, message) => {
    const { client } = createTable();
    const failure = await failureOf(
      client.send(new QueryCommand({ TableName, ExpressionAttributeValues: { ':v': { S: 'a' } }, ...parameters })),
    );
    expect(failure.message).toContain(message);
  });
});

describe('transactions', () => {
  const put = (sk: string) => ({
    Put: {
      TableName,
      Item: key(sk),
      ConditionExpression: 'attribute_not_exists(pk)',
      ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const,
    },
  });

  test('write all or nothing, and say which write was against it', async () => {
    const { client, dynamodb } = createTable();
    await client.send(new TransactWriteItemsCommand({ TransactItems: [put('a')] }));
    const failure = await failureOf(
      client.send(new TransactWriteItemsCommand({ TransactItems: [put('b'), put('a')] })),
    );
    expect(failure).toBeInstanceOf(TransactionCanceledException);
    expect(failure.message).toBe(
      'Transaction cancelled, please refer cancellation reasons for specific reasons [None, ConditionalCheckFailed]',
    );
    expect(failure['CancellationReasons']).toEqual([
      { Code: 'None' },
      { Code: 'ConditionalCheckFailed', Message: 'The conditional request failed', Item: key('a') },
    ]);
    expect(dynamodb.items(TableName)).toEqual([key('a')]);
  });

  test('have effect once for one token', async () => {
    const { client, dynamodb } = createTable();
    const add = (amount: string) =>
      client.send(
        new TransactWriteItemsCommand({
          ClientRequestToken: 'token',
          TransactItems: [
            {
              Update: {
                TableName,
                Key: key('a'),
                UpdateExpression: 'ADD n :n',
                ExpressionAttributeValues: { ':n': { N: amount } },
              },
            },
          ],
        }),
      );
    await add('1');
    await add('1');
    expect(dynamodb.items(TableName)[0]!['n']).toEqual({ N: '1' });
    expect((await failureOf(add('2'))).name).toBe('IdempotentParameterMismatchException');
  });

  test('refuse two writes of one item', async () => {
    const { client } = createTable();
    const failure = await failureOf(
      client.send(
        new TransactWriteItemsCommand({ TransactItems: [put('a'), { Delete: { TableName, Key: key('a') } }] }),
      ),
    );
    expect(failure.message).toBe('Transaction request cannot include multiple operations on one item');
  });

  test('and batches read and write several items', async () => {
    const { client } = createTable();
    await client.send(
      new BatchWriteItemCommand({
        RequestItems: { [TableName]: [{ PutRequest: { Item: key('a') } }, { PutRequest: { Item: key('b') } }] },
      }),
    );
    const batch = await client.send(
      new BatchGetItemCommand({ RequestItems: { [TableName]: { Keys: [key('a'), key('x')] } } }),
    );
    expect([batch.Responses, batch.UnprocessedKeys]).toEqual([{ [TableName]: [key('a')] }, {}]);
    const transaction = await client.send(
      new TransactGetItemsCommand({ TransactItems: [{ Get: { TableName, Key: key('b') } }] }),
    );
    expect(transaction.Responses).toEqual([{ Item: key('b') }]);
    await client.send(new DeleteItemCommand({ TableName, Key: key('a') }));
    expect((await client.send(new ScanCommand({ TableName, Select: 'COUNT' }))).Count).toBe(1);
  });
});

test('a table describes itself', async () => {
  const { client } = createTable();
  const { Table } = await client.send(new DescribeTableCommand({ TableName }));
  expect(Table).toMatchObject({
    TableStatus: 'ACTIVE',
    TableArn: 'arn:aws:dynamodb:eu-west-1:111122223333:table/ledger',
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  });
});
