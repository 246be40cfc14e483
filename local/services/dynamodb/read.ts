/** Query and Scan: which items of a table or index, in which order, and which parts of them. */
import { checkChoice, checkParameters } from '../parameters';
import { copyItem, parseItem, sizeOfItem, type Item } from './attribute-value';
import { checkCondition, meets } from './condition';
import { parseCondition, parseProjection, type Condition, type Parsed, type PathTemplate } from './expression';
import { readKeyCondition } from './key-condition';
import { Placeholders, type Path } from './placeholders';
import { project } from './projection';
import type { IndexDescription, ItemView, KeySchema, Table } from './table';
import { checkOverlap } from './update';
import { validationError } from './validation-error';

export interface ReadInput {
  readonly TableName: string;
  readonly IndexName?: string;
  readonly KeyConditionExpression?: string;
  readonly FilterExpression?: string;
  readonly ProjectionExpression?: string;
  readonly ExpressionAttributeNames?: unknown;
  readonly ExpressionAttributeValues?: unknown;
  readonly ExclusiveStartKey?: unknown;
  readonly Limit?: number;
  readonly Select?: string;
  readonly ScanIndexForward?: boolean;
  readonly ConsistentRead?: boolean;
}

/** A page of items. */
export interface Page {
  readonly Items?: readonly Item[];
  readonly Count: number;
  readonly ScannedCount: number;
  readonly LastEvaluatedKey?: Item;
}

const pageSizeLimit = 1024 * 1024;
const optional = [
  'IndexName',
  'FilterExpression',
  'ProjectionExpression',
  'ExpressionAttributeNames',
  'ExpressionAttributeValues',
  'ExclusiveStartKey',
  'Limit',
  'Select',
  'ConsistentRead',
  'ReturnConsumedCapacity',
];
const legacy = ['AttributesToGet', 'ConditionalOperator', 'KeyConditions', 'QueryFilter', 'ScanFilter'];

/** Reads one page.
 * @throws ServiceError ValidationException in DynamoDB's words */
export function readPage(operation: 'Query' | 'Scan', input: ReadInput, findTable: (name: string) => Table): Page {
  const isQuery = operation === 'Query';
  checkParameters('dynamodb', operation, input as unknown as Record<string, unknown>, {
    required: ['TableName'],
    optional: [...optional, ...(isQuery ? ['KeyConditionExpression', 'ScanIndexForward'] : [])],
    unsupported: [...legacy, ...(isQuery ? [] : ['Segment', 'TotalSegments'])],
  });
  checkChoice('Select', input.Select, ['SPECIFIC_ATTRIBUTES', 'COUNT', 'ALL_ATTRIBUTES', 'ALL_PROJECTED_ATTRIBUTES']);
  if (input.Limit !== undefined && input.Limit < 1) {
    throw validationError(
      `1 validation error detected: Value '${input.Limit}' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1`,
    );
  }
  if (isQuery && input.KeyConditionExpression === undefined) {
    throw validationError(
      'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
    );
  }
  const table = findTable(input.TableName);
  const index = input.IndexName === undefined ? undefined : table.index(input.IndexName);
  if (index?.description.isGlobal === true && input.ConsistentRead === true) {
    throw validationError('Consistent reads are not supported on global secondary indexes');
  }
  const request = readExpressions(input, index?.description ?? table.description, table);
  const view = index?.view ?? table.items;
  const ordered = request.key === undefined ? view.scan() : view.query(request.key.partitionValue, request.key.place);
  const candidates = input.ScanIndexForward === false ? [...ordered].reverse() : ordered;
  const rest = skipTo(candidates, view, table, input);
  return collect(rest, input, request, table, index?.description);
}

interface ReadExpressions {
  readonly key: ReturnType<typeof readKeyCondition> | undefined;
  readonly passes: (item: Item) => boolean;
  readonly paths: readonly Path[] | undefined;
}

function readExpressions(input: ReadInput, key: KeySchema, table: Table): ReadExpressions {
  const keyCondition =
    input.KeyConditionExpression === undefined
      ? undefined
      : parseCondition('KeyConditionExpression', input.KeyConditionExpression);
  const filter =
    input.FilterExpression === undefined ? undefined : parseCondition('FilterExpression', input.FilterExpression);
  const projection = input.ProjectionExpression === undefined ? undefined : parseProjection(input.ProjectionExpression);
  const placeholders = Placeholders.read(
    input,
    [keyCondition, filter, projection],
    keyCondition === undefined ? ['FilterExpression'] : ['FilterExpression', 'KeyConditionExpression'],
  );
  if (filter !== undefined) {
    checkCondition(filter, placeholders);
    if (keyCondition !== undefined) checkFilter(filter, key, placeholders);
  }
  return {
    key: keyCondition && readKeyCondition(keyCondition, placeholders, key, table.description.attributeTypes),
    passes: (item) => filter === undefined || meets(filter.tree, item, placeholders),
    paths: projection && projectionPaths(projection, placeholders),
  };
}

/** The paths of a projection, checked against each other. */
export function projectionPaths(
  projection: Parsed<readonly PathTemplate[]>,
  placeholders: Placeholders,
): readonly Path[] {
  const paths = projection.tree.map((path) => placeholders.path(path));
  checkOverlap('ProjectionExpression', paths);
  return paths;
}

/** A query's filter must leave the keys to the key condition. */
function checkFilter(filter: Parsed<Condition>, key: KeySchema, placeholders: Placeholders): void {
  const visit = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { kind, path } = node as { readonly kind?: string; readonly path?: PathTemplate };
    const name = kind === 'path' ? placeholders.path(path!)[0] : undefined;
    if (name !== undefined && (name === key.partitionKey || name === key.sortKey)) {
      throw validationError(
        `Filter Expression can only contain non-primary key attributes: Primary key attribute: ${name}`,
      );
    }
    for (const child of Object.values(node)) visit(child);
  };
  visit(filter.tree);
}

function skipTo(items: readonly Item[], view: ItemView, table: Table, input: ReadInput): readonly Item[] {
  if (input.ExclusiveStartKey === undefined) return items;
  const start = parseItem(input.ExclusiveStartKey);
  const names = new Set([view.key, table.description].flatMap((key) => [key.partitionKey, key.sortKey ?? '']));
  names.delete('');
  const fits = Object.keys(start).length === names.size && [...names].every((name) => Object.hasOwn(start, name));
  if (!fits)
    throw validationError('The provided starting key is invalid: The provided key element does not match the schema');
  const direction = input.ScanIndexForward === false ? -1 : 1;
  return items.filter((item) => view.compare(item, start) * direction > 0);
}

function collect(
  candidates: readonly Item[],
  input: ReadInput,
  { passes, paths }: ReadExpressions,
  table: Table,
  index: IndexDescription | undefined,
): Page {
  const found: Item[] = [];
  let scannedCount = 0;
  let bytes = 0;
  let last: Item | undefined;
  for (const item of candidates) {
    scannedCount++;
    bytes += sizeOfItem(item);
    const shown = index === undefined ? item : showThrough(item, index, table);
    if (passes(shown)) found.push(paths === undefined ? copyItem(shown) : project(shown, paths));
    if (scannedCount === input.Limit || bytes >= pageSizeLimit) {
      last = item;
      break;
    }
  }
  return {
    ...(input.Select !== 'COUNT' && { Items: found }),
    Count: found.length,
    ScannedCount: scannedCount,
    ...(last !== undefined && { LastEvaluatedKey: keysOf(last, table, index) }),
  };
}

/** What an index holds of an item. */
function showThrough(item: Item, index: IndexDescription, table: Table): Item {
  if (index.projection === 'ALL') return item;
  return { ...pick(item, index.includedAttributes), ...keysOf(item, table, index) };
}

function keysOf(item: Item, table: Table, index: IndexDescription | undefined): Item {
  const names = [index?.partitionKey, index?.sortKey].filter((name) => name !== undefined);
  return { ...pick(item, names), ...table.keyOf(item) };
}

function pick(item: Item, names: readonly string[]): Item {
  return Object.fromEntries(names.flatMap((name) => (Object.hasOwn(item, name) ? [[name, item[name]!]] : [])));
}
