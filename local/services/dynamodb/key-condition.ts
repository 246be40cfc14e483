/** Reads a key condition: which partition, and which part of it. */
import { compareValues, typeOf, type AttributeValue, type Item } from './attribute-value';
import { beginsWith, checkCondition } from './condition';
import type { Condition, Operand, Parsed } from './expression';
import type { Placeholders } from './placeholders';
import type { KeySchema, TableDescription } from './table';
import { validationError } from './validation-error';

/** What a query asks for. */
export interface KeyCondition {
  readonly partitionValue: AttributeValue;
  /** Where an item stands in the order of its partition: 0 among those that are asked for, below 0 before and above 0 after them. */
  readonly place: (item: Item) => number;
}

interface Part {
  readonly name: string;
  readonly operator: string;
  readonly values: readonly AttributeValue[];
}

/** Reads a parsed key condition against the keys of a table or index.
 * @throws ServiceError ValidationException in DynamoDB's words */
export function readKeyCondition(
  parsed: Parsed<Condition>,
  placeholders: Placeholders,
  key: KeySchema,
  attributeTypes: TableDescription['attributeTypes'],
): KeyCondition {
  checkCondition(parsed, placeholders);
  const parts = readParts(parsed.tree, placeholders);
  const names = parts.map(({ name }) => name);
  if (new Set(names).size < names.length) {
    throw validationError('KeyConditionExpressions must only contain one condition per key');
  }
  const partition = parts.find(({ name }) => name === key.partitionKey);
  const sort = parts.find(({ name }) => name === key.sortKey);
  if (partition === undefined) throw validationError(`Query condition missed key schema element: ${key.partitionKey}`);
  if (parts.length > 2) throw validationError('Conditions can be of length 1 or 2 only');
  if (parts.length === 2 && sort === undefined) {
    throw key.sortKey === undefined
      ? validationError('Query key condition not supported')
      : validationError(`Query condition missed key schema element: ${key.sortKey}`);
  }
  if (partition.operator !== '=') throw validationError('Query key condition not supported');
  for (const part of parts) checkTypes(part, attributeTypes);
  return {
    partitionValue: partition.values[0]!,
    place: (item) => (sort === undefined ? 0 : place(sort, item[sort.name]!)),
  };
}

function readParts(condition: Condition, placeholders: Placeholders): readonly Part[] {
  switch (condition.kind) {
    case 'and':
      return [...readParts(condition.left, placeholders), ...readParts(condition.right, placeholders)];
    case 'or':
      throw validationError('Invalid operator used in KeyConditionExpression: OR');
    case 'not':
      throw validationError('Invalid operator used in KeyConditionExpression: NOT');
    case 'in':
      throw validationError('Invalid operator used in KeyConditionExpression: IN');
    case 'compare':
      return [readComparison(condition, placeholders)];
    case 'between':
      return [makePart('BETWEEN', condition.operand, [condition.lower, condition.upper], placeholders)];
    case 'function':
      if (condition.name !== 'begins_with') {
        throw validationError(`Invalid operator used in KeyConditionExpression: ${condition.name}`);
      }
      return [makePart('begins_with', condition.operands[0]!, condition.operands.slice(1), placeholders)];
  }
}

function readComparison(condition: Condition & { kind: 'compare' }, placeholders: Placeholders): Part {
  const { comparator, left, right } = condition;
  if (comparator === '<>') throw validationError('Invalid operator used in KeyConditionExpression: <>');
  if (left.kind === 'value') {
    const mirrored = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' }[comparator];
    return makePart(mirrored, right, [left], placeholders);
  }
  return makePart(comparator, left, [right], placeholders);
}

function makePart(operator: string, path: Operand, values: readonly Operand[], placeholders: Placeholders): Part {
  if (path.kind !== 'path' || values.some(({ kind }) => kind !== 'value')) {
    throw validationError(
      'Invalid KeyConditionExpression: Invalid operand in KeyConditionExpression: a key and values are needed',
    );
  }
  const names = placeholders.path(path.path);
  if (names.length > 1) {
    throw validationError('KeyConditionExpressions cannot have conditions on nested attributes');
  }
  return {
    name: names[0] as string,
    operator,
    values: values.map((value) => placeholders.value((value as Operand & { kind: 'value' }).placeholder)),
  };
}

function checkTypes({ name, values }: Part, attributeTypes: TableDescription['attributeTypes']): void {
  for (const value of values) {
    if (typeOf(value) === attributeTypes[name]) continue;
    throw validationError(
      'One or more parameter values were invalid: Condition parameter type does not match schema type',
    );
  }
}

/** Whatever the operator, what is asked for stands together: nothing else is between two such items. */
function place({ operator, values }: Part, value: AttributeValue): number {
  const [first, second] = values as readonly [AttributeValue, AttributeValue];
  const order = compareValues(value, first)!;
  switch (operator) {
    case '=':
      return order;
    case '<':
      return order < 0 ? 0 : 1;
    case '<=':
      return Math.max(order, 0);
    case '>':
      return order > 0 ? 0 : -1;
    case '>=':
      return Math.min(order, 0);
    case 'begins_with':
      return beginsWith(value, first) ? 0 : order;
    default:
      return order < 0 ? -1 : Math.max(compareValues(value, second)!, 0);
  }
}
