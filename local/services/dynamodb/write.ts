/** One write to one item, prepared: checked against the table before anything is read, then decided against the item as it is. */
import { checkChoice, checkParameters } from '../parameters';
import { parseItem, sizeOfItem, type Item } from './attribute-value';
import { checkCondition, meets } from './condition';
import { parseCondition, parseUpdate } from './expression';
import { Placeholders, type Path } from './placeholders';
import type { Table } from './table';
import { applyUpdate, checkUpdate, updatedPaths } from './update';
import { validationError } from './validation-error';

export type WriteOperation = 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'ConditionCheck';

/** The members of all writes; each takes only its own. */
export interface WriteInput {
  readonly TableName: string;
  readonly Item?: unknown;
  readonly Key?: unknown;
  readonly ConditionExpression?: string;
  readonly UpdateExpression?: string;
  readonly ExpressionAttributeNames?: unknown;
  readonly ExpressionAttributeValues?: unknown;
  readonly ReturnValues?: string;
  readonly ReturnValuesOnConditionCheckFailure?: string;
}

export interface PreparedWrite {
  readonly table: Table;
  readonly key: Item;
  /** Whether the item meets the condition. */
  readonly meetsCondition: (current: Item | undefined) => boolean;
  /** What comes after the current item. @throws ServiceError ValidationException when it does not fit */
  readonly next: (current: Item | undefined) => Item | undefined;
  /** Writes what comes after the current item. */
  readonly write: (current: Item | undefined) => void;
  /** What an update touches. */
  readonly paths: readonly Path[];
  readonly returnsItemOnFailure: boolean;
}

const itemSizeLimit = 400 * 1024;
const common = ['TableName', 'ConditionExpression', 'ExpressionAttributeNames', 'ExpressionAttributeValues'];
const single = ['ReturnValues', 'ReturnConsumedCapacity', 'ReturnItemCollectionMetrics'];
const failure = 'ReturnValuesOnConditionCheckFailure';
const legacy = ['Expected', 'ConditionalOperator', 'AttributeUpdates'];

/** Which values of ReturnValues each operation takes. */
const returnValues: Readonly<Record<WriteOperation, readonly string[]>> = {
  PutItem: ['ALL_OLD', 'NONE'],
  DeleteItem: ['ALL_OLD', 'NONE'],
  UpdateItem: ['ALL_NEW', 'UPDATED_OLD', 'ALL_OLD', 'NONE', 'UPDATED_NEW'],
  ConditionCheck: ['NONE'],
};

/** Checks a write and prepares it.
 * @throws ServiceError ValidationException in DynamoDB's words */
export function prepareWrite(
  operation: WriteOperation,
  input: WriteInput,
  findTable: (name: string) => Table,
  isTransaction = false,
): PreparedWrite {
  const isPut = operation === 'PutItem';
  checkParameters('dynamodb', operation, input as unknown as Record<string, unknown>, {
    required: ['TableName', isPut ? 'Item' : 'Key', ...(operation === 'ConditionCheck' ? ['ConditionExpression'] : [])],
    optional: [
      ...common,
      failure,
      ...(operation === 'UpdateItem' ? ['UpdateExpression'] : []),
      ...(isTransaction ? [] : single),
    ],
    unsupported: legacy,
  });
  checkReturnValues(operation, input);
  const condition =
    input.ConditionExpression === undefined
      ? undefined
      : parseCondition('ConditionExpression', input.ConditionExpression);
  const update = input.UpdateExpression === undefined ? undefined : parseUpdate(input.UpdateExpression);
  const placeholders = Placeholders.read(
    input,
    [update, condition],
    operation === 'UpdateItem' ? ['UpdateExpression', 'ConditionExpression'] : ['ConditionExpression'],
  );
  if (condition !== undefined) checkCondition(condition, placeholders);
  if (update !== undefined) checkUpdate(update, placeholders);
  const paths = update === undefined ? [] : updatedPaths(update, placeholders);
  const table = findTable(input.TableName);
  const item = parseItem(isPut ? input.Item : input.Key);
  if (isPut) table.checkItem(item);
  else table.checkKey(item);
  checkKeyIsKept(table, paths);
  const change = (current: Item | undefined): Item | undefined => {
    if (operation === 'ConditionCheck') return current;
    if (operation === 'DeleteItem') return undefined;
    if (isPut) return checkSize(item, 'Item size has exceeded the maximum allowed size');
    const updated = applyUpdate(update?.tree ?? [], current ?? item, placeholders);
    table.checkItem(updated);
    return checkSize(updated, 'Item size to update has exceeded the maximum allowed size');
  };
  // A transaction asks what each write would do before it does any of them.
  let changed: { readonly from: Item | undefined; readonly to: Item | undefined } | undefined;
  const next = (current: Item | undefined): Item | undefined => {
    if (changed === undefined || changed.from !== current) changed = { from: current, to: change(current) };
    return changed.to;
  };
  return {
    table,
    key: isPut ? table.keyOf(item) : item,
    paths,
    returnsItemOnFailure: input.ReturnValuesOnConditionCheckFailure === 'ALL_OLD',
    meetsCondition: (current) => condition === undefined || meets(condition.tree, current ?? {}, placeholders),
    next,
    write: (current) => {
      const written = next(current);
      if (operation === 'ConditionCheck') return;
      if (written === undefined) table.delete(item);
      else table.put(written);
    },
  };
}

function checkSize(item: Item, tooLarge: string): Item {
  if (sizeOfItem(item) > itemSizeLimit) throw validationError(tooLarge);
  return item;
}

function checkReturnValues(operation: WriteOperation, input: WriteInput): void {
  checkChoice('ReturnValues', input.ReturnValues, returnValues.UpdateItem);
  checkChoice('ReturnValuesOnConditionCheckFailure', input.ReturnValuesOnConditionCheckFailure, ['ALL_OLD', 'NONE']);
  if (input.ReturnValues !== undefined && !returnValues[operation].includes(input.ReturnValues)) {
    throw validationError('ReturnValues can only be ALL_OLD or NONE');
  }
}

function checkKeyIsKept(table: Table, paths: readonly Path[]): void {
  const { partitionKey, sortKey } = table.description;
  for (const path of paths) {
    if (path[0] !== partitionKey && path[0] !== sortKey) continue;
    throw validationError(
      `One or more parameter values were invalid: Cannot update attribute ${path[0]}. This attribute is part of the key`,
    );
  }
}
