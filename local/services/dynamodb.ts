/** Simulated DynamoDB: tables, items and transactions, with conditions as AWS decides them. */
import { isDeepStrictEqual } from 'node:util';
import type { VirtualClock } from '../virtual-clock';
import { copyItem, getAttribute, parseItem, type Item } from './dynamodb/attribute-value';
import { parseProjection } from './dynamodb/expression';
import { Placeholders } from './dynamodb/placeholders';
import { project } from './dynamodb/projection';
import { projectionPaths, readPage, type Page, type ReadInput } from './dynamodb/read';
import { Table, type TableDescription } from './dynamodb/table';
import { validationError } from './dynamodb/validation-error';
import { prepareWrite, type PreparedWrite, type WriteInput, type WriteOperation } from './dynamodb/write';
import { checkParameters } from './parameters';
import { ServiceError, type Service, type ServiceOutput } from './service';

export type { AttributeValue, Item } from './dynamodb/attribute-value';
export type { IndexDescription, TableDescription } from './dynamodb/table';

export interface DynamoDbOptions {
  readonly clock: VirtualClock;
  readonly region: string;
  readonly accountId: string;
  /** How long a write takes to show in global indexes, in milliseconds; asked for each write.
   * @default - 0: at once */
  readonly indexDelayMs?: () => number;
}

/** What GetItem and the entries of batch and transactional reads take. */
interface GetInput {
  readonly TableName: string;
  readonly Key: unknown;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: unknown;
}

const idempotencyWindowMs = 10 * 60_000;
const transactionLimit = 100;
const batchLimits = { get: 100, write: 25 };
const writeKinds: Readonly<Record<string, WriteOperation>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheck',
};

/** DynamoDB of one account and Region. */
export class DynamoDbService implements Service {
  readonly name = 'dynamodb';
  private readonly tables = new Map<string, Table>();
  private readonly transactions = new Map<string, KnownTransaction>();

  constructor(private readonly options: DynamoDbOptions) {}

  readonly operations = {
    DescribeTable: (input: { readonly TableName: string }): ServiceOutput => this.describeTable(input),
    GetItem: (input: GetInput): ServiceOutput => this.getItem(input),
    PutItem: (input: WriteInput): ServiceOutput => this.write('PutItem', input),
    UpdateItem: (input: WriteInput): ServiceOutput => this.write('UpdateItem', input),
    DeleteItem: (input: WriteInput): ServiceOutput => this.write('DeleteItem', input),
    Query: (input: ReadInput): ServiceOutput => readPage('Query', input, this.findTable) as Page & ServiceOutput,
    Scan: (input: ReadInput): ServiceOutput => readPage('Scan', input, this.findTable) as Page & ServiceOutput,
    BatchGetItem: (input: BatchGetInput): ServiceOutput => this.batchGet(input),
    BatchWriteItem: (input: BatchWriteInput): ServiceOutput => this.batchWrite(input),
    TransactGetItems: (input: TransactGetInput): ServiceOutput => this.transactGet(input),
    TransactWriteItems: (input: TransactWriteInput): ServiceOutput => this.transactWrite(input),
  };

  /** Creates a table. @throws ServiceError ResourceInUseException when there is one of that name */
  createTable(description: TableDescription): void {
    if (this.tables.has(description.name)) {
      throw new ServiceError('ResourceInUseException', `Table already exists: ${description.name}`);
    }
    const propagate = (show: () => void): void => {
      const delayMs = this.options.indexDelayMs?.() ?? 0;
      if (delayMs > 0) this.options.clock.schedule(delayMs, show);
      else show();
    };
    this.tables.set(description.name, new Table(description, this.options.clock.nowMs(), propagate));
  }

  tableArn(name: string): string {
    return `arn:aws:dynamodb:${this.options.region}:${this.options.accountId}:table/${name}`;
  }

  get tableNames(): readonly string[] {
    return [...this.tables.keys()];
  }

  /** All items of a table, as they are now: for tests and for the console. They are the table's own, and never change. */
  items(tableName: string): readonly Item[] {
    return this.findTable(tableName).items.scan();
  }

  /** Removes the items whose time to live has passed. AWS does this within a few days; until then they are read as ever. */
  sweepExpired(): void {
    const nowSeconds = this.options.clock.nowMs() / 1000;
    for (const table of this.tables.values()) {
      const name = table.description.timeToLiveAttribute;
      if (name === undefined) continue;
      for (const item of table.items.scan()) {
        const value = getAttribute(item, name);
        if (value !== undefined && 'N' in value && Number(value.N) < nowSeconds) table.delete(table.keyOf(item));
      }
    }
  }

  private readonly findTable = (name: string): Table => {
    const table = this.tables.get(name.startsWith('arn:') ? name.slice(name.indexOf('/') + 1) : name);
    if (table === undefined) throw new ServiceError('ResourceNotFoundException', 'Requested resource not found');
    return table;
  };

  private describeTable(input: { readonly TableName: string }): ServiceOutput {
    checkParameters('dynamodb', 'DescribeTable', input, { required: ['TableName'] });
    const table = this.tables.get(input.TableName);
    if (table === undefined) {
      throw new ServiceError(
        'ResourceNotFoundException',
        `Requested resource not found: Table: ${input.TableName} not found`,
      );
    }
    const { name, attributeTypes, indexes } = table.description;
    return {
      Table: {
        TableName: name,
        TableArn: this.tableArn(name),
        TableStatus: 'ACTIVE',
        CreationDateTime: new Date(table.createdAtMs),
        ItemCount: table.items.size,
        KeySchema: describeKey(table.description),
        AttributeDefinitions: Object.entries(attributeTypes).map(([AttributeName, AttributeType]) => ({
          AttributeName,
          AttributeType,
        })),
        BillingModeSummary: { BillingMode: 'PAY_PER_REQUEST' },
        ...(indexes.length > 0 && {
          GlobalSecondaryIndexes: indexes
            .filter(({ isGlobal }) => isGlobal)
            .map((index) => ({
              IndexName: index.name,
              IndexArn: `${this.tableArn(name)}/index/${index.name}`,
              IndexStatus: 'ACTIVE',
              KeySchema: describeKey(index),
              Projection: { ProjectionType: index.projection },
            })),
        }),
      },
    };
  }

  private getItem(input: GetInput): ServiceOutput {
    checkParameters('dynamodb', 'GetItem', input as unknown as Record<string, unknown>, {
      required: ['TableName', 'Key'],
      optional: ['ConsistentRead', 'ProjectionExpression', 'ExpressionAttributeNames', 'ReturnConsumedCapacity'],
      unsupported: ['AttributesToGet'],
    });
    const item = this.read(input);
    return item === undefined ? {} : { Item: item };
  }

  private read(input: GetInput): Item | undefined {
    const projection =
      input.ProjectionExpression === undefined ? undefined : parseProjection(input.ProjectionExpression);
    const placeholders = Placeholders.read(input, [projection], []);
    const table = this.findTable(input.TableName);
    const key = parseItem(input.Key);
    table.checkKey(key);
    const item = table.get(key);
    if (item === undefined) return undefined;
    return projection === undefined ? copyItem(item) : project(item, projectionPaths(projection, placeholders));
  }

  private write(operation: WriteOperation, input: WriteInput): ServiceOutput {
    const prepared = prepareWrite(operation, input, this.findTable);
    const current = prepared.table.get(prepared.key);
    if (!prepared.meetsCondition(current)) {
      throw new ServiceError('ConditionalCheckFailedException', 'The conditional request failed', 400, {
        ...(prepared.returnsItemOnFailure && current !== undefined && { Item: copyItem(current) }),
      });
    }
    prepared.write(current);
    return answerWrite(input.ReturnValues, prepared, current);
  }

  private batchGet(input: BatchGetInput): ServiceOutput {
    checkParameters('dynamodb', 'BatchGetItem', input as unknown as Record<string, unknown>, {
      required: ['RequestItems'],
      optional: ['ReturnConsumedCapacity'],
    });
    const requests = Object.entries(input.RequestItems);
    const count = requests.reduce((total, [, { Keys }]) => total + Keys.length, 0);
    if (count === 0 || count > batchLimits.get) {
      throw validationError('Too many items requested for the BatchGetItem call');
    }
    const responses = requests.map(([tableName, { Keys, ...rest }]) => {
      const table = this.findTable(tableName);
      const identities = Keys.map((key) => {
        const parsed = parseItem(key);
        table.checkKey(parsed);
        return table.identity(parsed);
      });
      if (new Set(identities).size < identities.length) {
        throw validationError('Provided list of item keys contains duplicates');
      }
      const items = Keys.map((Key) => this.read({ ...rest, TableName: tableName, Key }));
      return [tableName, items.filter((item) => item !== undefined)];
    });
    return { Responses: Object.fromEntries(responses), UnprocessedKeys: {} };
  }

  private batchWrite(input: BatchWriteInput): ServiceOutput {
    checkParameters('dynamodb', 'BatchWriteItem', input as unknown as Record<string, unknown>, {
      required: ['RequestItems'],
      optional: ['ReturnConsumedCapacity', 'ReturnItemCollectionMetrics'],
    });
    const writes = Object.entries(input.RequestItems).flatMap(([TableName, requests]) =>
      requests.map(({ PutRequest, DeleteRequest }) =>
        PutRequest === undefined
          ? prepareWrite('DeleteItem', { TableName, Key: DeleteRequest?.Key }, this.findTable)
          : prepareWrite('PutItem', { TableName, Item: PutRequest.Item }, this.findTable),
      ),
    );
    if (writes.length === 0 || writes.length > batchLimits.write) {
      throw validationError('Too many items requested for the BatchWriteItem call');
    }
    if (hasTwice(writes)) throw validationError('Provided list of item keys contains duplicates');
    for (const prepared of writes) prepared.write(prepared.table.get(prepared.key));
    return { UnprocessedItems: {} };
  }

  private transactGet(input: TransactGetInput): ServiceOutput {
    checkParameters('dynamodb', 'TransactGetItems', input as unknown as Record<string, unknown>, {
      required: ['TransactItems'],
      optional: ['ReturnConsumedCapacity'],
    });
    checkTransactionSize(input.TransactItems.length);
    return {
      Responses: input.TransactItems.map(({ Get }) => {
        const item = this.read(Get);
        return item === undefined ? {} : { Item: item };
      }),
    };
  }

  private transactWrite(input: TransactWriteInput): ServiceOutput {
    checkParameters('dynamodb', 'TransactWriteItems', input as unknown as Record<string, unknown>, {
      required: ['TransactItems'],
      optional: ['ClientRequestToken', 'ReturnConsumedCapacity', 'ReturnItemCollectionMetrics'],
    });
    checkTransactionSize(input.TransactItems.length);
    if (this.isRepeated(input)) return {};
    const writes = input.TransactItems.map((entry) => {
      const kinds = Object.keys(entry).filter((kind) => entry[kind] !== undefined);
      const operation = kinds.length === 1 ? writeKinds[kinds[0]!] : undefined;
      if (operation === undefined) {
        throw validationError('TransactItems can only contain one of Check, Put, Update or Delete');
      }
      return prepareWrite(operation, entry[kinds[0]!]!, this.findTable, true);
    });
    if (hasTwice(writes)) throw validationError('Transaction request cannot include multiple operations on one item');
    const reasons = writes.map((prepared) => reasonAgainst(prepared));
    if (reasons.some(({ Code }) => Code !== 'None')) {
      throw new ServiceError(
        'TransactionCanceledException',
        `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map(({ Code }) => Code).join(', ')}]`,
        400,
        { CancellationReasons: reasons },
      );
    }
    for (const prepared of writes) prepared.write(prepared.table.get(prepared.key));
    if (input.ClientRequestToken !== undefined) {
      const forgottenAtMs = this.options.clock.nowMs() + idempotencyWindowMs;
      this.transactions.set(input.ClientRequestToken, { items: input.TransactItems, forgottenAtMs });
    }
    return {};
  }

  private isRepeated({ ClientRequestToken: token, TransactItems: items }: TransactWriteInput): boolean {
    const known = token === undefined ? undefined : this.transactions.get(token);
    if (known === undefined || known.forgottenAtMs <= this.options.clock.nowMs()) return false;
    if (isDeepStrictEqual(known.items, items)) return true;
    throw new ServiceError(
      'IdempotentParameterMismatchException',
      'Request token already used with different parameters, please use a different token or the same parameters',
    );
  }
}

interface BatchGetInput {
  readonly RequestItems: Readonly<
    Record<string, Omit<GetInput, 'TableName' | 'Key'> & { readonly Keys: readonly unknown[] }>
  >;
}

interface BatchWriteInput {
  readonly RequestItems: Readonly<
    Record<
      string,
      readonly {
        readonly PutRequest?: { readonly Item: unknown };
        readonly DeleteRequest?: { readonly Key: unknown };
      }[]
    >
  >;
}

interface TransactGetInput {
  readonly TransactItems: readonly { readonly Get: GetInput }[];
}

interface TransactWriteInput {
  readonly TransactItems: readonly Readonly<Record<string, WriteInput>>[];
  readonly ClientRequestToken?: string;
}

/** A transaction that had a token. */
interface KnownTransaction {
  readonly items: TransactWriteInput['TransactItems'];
  readonly forgottenAtMs: number;
}

interface CancellationReason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: Item;
}

function checkTransactionSize(count: number): void {
  if (count >= 1 && count <= transactionLimit) return;
  throw validationError(
    `1 validation error detected: Value at 'transactItems' failed to satisfy constraint: Member must have length ${count < 1 ? 'greater than or equal to 1' : `less than or equal to ${transactionLimit}`}`,
  );
}

/** Why a write of a transaction cannot be done; the code `None` when it can. */
function reasonAgainst(prepared: PreparedWrite): CancellationReason {
  const current = prepared.table.get(prepared.key);
  if (!prepared.meetsCondition(current)) {
    return {
      Code: 'ConditionalCheckFailed',
      Message: 'The conditional request failed',
      ...(prepared.returnsItemOnFailure && current !== undefined && { Item: copyItem(current) }),
    };
  }
  try {
    prepared.next(current);
  } catch (error) {
    if (error instanceof ServiceError) return { Code: 'ValidationError', Message: error.message };
    throw error;
  }
  return { Code: 'None' };
}

function hasTwice(writes: readonly PreparedWrite[]): boolean {
  const identities = writes.map(({ table, key }) => `${table.description.name} ${table.identity(key)}`);
  return new Set(identities).size < identities.length;
}

function answerWrite(
  returnValues: string | undefined,
  prepared: PreparedWrite,
  previous: Item | undefined,
): ServiceOutput {
  const next = prepared.table.get(prepared.key);
  const attributes = ((): Item | undefined => {
    switch (returnValues) {
      case 'ALL_OLD':
        return previous && copyItem(previous);
      case 'ALL_NEW':
        return next && copyItem(next);
      case 'UPDATED_OLD':
        return previous && project(previous, prepared.paths);
      case 'UPDATED_NEW':
        return next && project(next, prepared.paths);
      default:
        return undefined;
    }
  })();
  return attributes === undefined || Object.keys(attributes).length === 0 ? {} : { Attributes: attributes };
}

function describeKey(key: { readonly partitionKey: string; readonly sortKey?: string }): readonly object[] {
  return [
    { AttributeName: key.partitionKey, KeyType: 'HASH' },
    ...(key.sortKey === undefined ? [] : [{ AttributeName: key.sortKey, KeyType: 'RANGE' }]),
  ];
}
