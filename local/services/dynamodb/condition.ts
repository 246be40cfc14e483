/** Decides whether an item meets a condition. */
import {
  compareValues,
  contentOf,
  equalValues,
  getAttribute,
  memberText,
  setMembers,
  typeOf,
  type AttributeValue,
  type Item,
} from './attribute-value';
import type { Comparator, Condition, ConditionFunction, Operand, Parsed } from './expression';
import type { Path, Placeholders } from './placeholders';
import { expressionError } from './tokens';

const attributeTypes = ['B', 'NULL', 'SS', 'BOOL', 'L', 'BS', 'N', 'NS', 'S', 'M'];

/** Whether an item meets a condition. A missing item is an empty one. */
export function meets(condition: Condition, item: Item, placeholders: Placeholders): boolean {
  switch (condition.kind) {
    case 'and':
      return meets(condition.left, item, placeholders) && meets(condition.right, item, placeholders);
    case 'or':
      return meets(condition.left, item, placeholders) || meets(condition.right, item, placeholders);
    case 'not':
      return !meets(condition.condition, item, placeholders);
    case 'compare':
      return compare(
        condition.comparator,
        readOperand(condition.left, item, placeholders),
        readOperand(condition.right, item, placeholders),
      );
    case 'between': {
      const value = readOperand(condition.operand, item, placeholders);
      return (
        compare('>=', value, readOperand(condition.lower, item, placeholders)) &&
        compare('<=', value, readOperand(condition.upper, item, placeholders))
      );
    }
    case 'in': {
      const value = readOperand(condition.operand, item, placeholders);
      return condition.candidates.some((candidate) => compare('=', value, readOperand(candidate, item, placeholders)));
    }
    case 'function':
      return callFunction(
        condition.name,
        condition.operands.map((operand) => readOperand(operand, item, placeholders)),
      );
  }
}

/** Checks what can be known of a condition without an item: the types of its values.
 * @throws ServiceError ValidationException */
export function checkCondition(parsed: Parsed<Condition>, placeholders: Placeholders): void {
  checkTypes(parsed, parsed.tree, placeholders);
}

/** The value at a path, if the item has it. */
export function readPath(item: Item, path: Path): AttributeValue | undefined {
  let value = getAttribute(item, path[0] as string);
  for (const part of path.slice(1)) {
    if (value === undefined) return undefined;
    if (typeof part === 'number') value = 'L' in value ? value.L[part] : undefined;
    else value = 'M' in value ? getAttribute(value.M, part) : undefined;
  }
  return value;
}

function readOperand(operand: Operand, item: Item, placeholders: Placeholders): AttributeValue | undefined {
  switch (operand.kind) {
    case 'path':
      return readPath(item, placeholders.path(operand.path));
    case 'value':
      return placeholders.value(operand.placeholder);
    case 'call':
      return sizeOf(readOperand(operand.operands[0]!, item, placeholders));
    case 'arithmetic':
      throw new Error('The grammar allows arithmetic in updates only');
  }
}

function sizeOf(value: AttributeValue | undefined): AttributeValue | undefined {
  if (value === undefined) return undefined;
  const content = contentOf(value);
  if ('N' in value || 'BOOL' in value || 'NULL' in value) return undefined;
  const size = 'M' in value ? Object.keys(value.M).length : (content as { readonly length: number }).length;
  return { N: String(size) };
}

/** A missing value equals nothing, and so is different from everything. */
function compare(comparator: Comparator, left: AttributeValue | undefined, right: AttributeValue | undefined): boolean {
  if (comparator === '<>') return left === undefined || right === undefined || !equalValues(left, right);
  if (left === undefined || right === undefined) return false;
  if (comparator === '=') return equalValues(left, right);
  const order = compareValues(left, right);
  if (order === undefined) return false;
  switch (comparator) {
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

function callFunction(name: ConditionFunction, [value, argument]: readonly (AttributeValue | undefined)[]): boolean {
  switch (name) {
    case 'attribute_exists':
      return value !== undefined;
    case 'attribute_not_exists':
      return value === undefined;
    case 'attribute_type':
      return value !== undefined && argument !== undefined && typeOf(value) === contentOf(argument);
    case 'begins_with':
      return value !== undefined && argument !== undefined && beginsWith(value, argument);
    case 'contains':
      return value !== undefined && argument !== undefined && contains(value, argument);
  }
}

/** Whether a text or binary begins with another. */
export function beginsWith(value: AttributeValue, prefix: AttributeValue): boolean {
  if ('S' in value && 'S' in prefix) return value.S.startsWith(prefix.S);
  return 'B' in value && 'B' in prefix && Buffer.compare(value.B.subarray(0, prefix.B.length), prefix.B) === 0;
}

function contains(value: AttributeValue, part: AttributeValue): boolean {
  if ('L' in value) return value.L.some((item) => equalValues(item, part));
  if ('S' in value) return 'S' in part && value.S.includes(part.S);
  if ('B' in value) return 'B' in part && Buffer.from(value.B).includes(Buffer.from(part.B));
  if (typeOf(value) !== `${typeOf(part)}S`) return false;
  const text = memberText(contentOf(part) as string | Uint8Array);
  return setMembers(value).some((member) => memberText(member) === text);
}

function checkTypes(parsed: Parsed<Condition>, condition: Condition, placeholders: Placeholders): void {
  switch (condition.kind) {
    case 'and':
    case 'or':
      checkTypes(parsed, condition.left, placeholders);
      checkTypes(parsed, condition.right, placeholders);
      return;
    case 'not':
      checkTypes(parsed, condition.condition, placeholders);
      return;
    case 'compare':
      if (condition.comparator === '=' || condition.comparator === '<>') checkDistinct(parsed, condition, placeholders);
      else checkComparable(parsed, condition.comparator, [condition.left, condition.right], placeholders);
      return;
    case 'between':
      checkComparable(parsed, 'BETWEEN', [condition.operand, condition.lower, condition.upper], placeholders);
      checkBounds(parsed, condition, placeholders);
      return;
    case 'in':
      return;
    case 'function':
      checkFunction(parsed, condition.name, condition.operands, placeholders);
  }
}

function checkDistinct(
  parsed: Parsed<Condition>,
  { comparator, left, right }: Condition & { kind: 'compare' },
  placeholders: Placeholders,
): void {
  if (left.kind !== 'path' || right.kind !== 'path') return;
  const path = describePath(placeholders.path(left.path));
  if (path !== describePath(placeholders.path(right.path))) return;
  throw expressionError(
    parsed.kind,
    `The first operand must be distinct from the remaining operands for this operator or function; operator: ${comparator}, first operand: ${path}`,
  );
}

function checkComparable(
  parsed: Parsed<Condition>,
  operator: string,
  operands: readonly Operand[],
  placeholders: Placeholders,
): void {
  for (const operand of operands) {
    if (operand.kind === 'value') checkOperandType(parsed, operator, operand, ['S', 'N', 'B'], placeholders);
  }
}

function checkBounds(
  parsed: Parsed<Condition>,
  { lower, upper }: Condition & { kind: 'between' },
  placeholders: Placeholders,
): void {
  if (lower.kind !== 'value' || upper.kind !== 'value') return;
  const [least, greatest] = [placeholders.value(lower.placeholder), placeholders.value(upper.placeholder)];
  const order = compareValues(least, greatest);
  const operands = `lower bound operand: AttributeValue: {${describeValue(least)}}, upper bound operand: AttributeValue: {${describeValue(greatest)}}`;
  if (order === undefined) {
    throw expressionError(
      parsed.kind,
      `The BETWEEN operator requires same data type for lower and upper bounds; ${operands}`,
    );
  }
  if (order > 0) {
    throw expressionError(
      parsed.kind,
      `The BETWEEN operator requires upper bound to be greater than or equal to lower bound; ${operands}`,
    );
  }
}

function checkFunction(
  parsed: Parsed<Condition>,
  name: ConditionFunction,
  operands: readonly Operand[],
  placeholders: Placeholders,
): void {
  const argument = operands[1];
  if (name === 'begins_with') {
    for (const operand of operands) checkOperandType(parsed, name, operand, ['S', 'B'], placeholders);
  }
  if (name !== 'attribute_type' || argument?.kind !== 'value') return;
  checkOperandType(parsed, name, argument, ['S'], placeholders);
  const type = contentOf(placeholders.value(argument.placeholder)) as string;
  if (!attributeTypes.includes(type)) {
    throw expressionError(
      parsed.kind,
      `Invalid attribute type name found; type: ${type}, valid types: {${attributeTypes.join(',')}}`,
    );
  }
}

function checkOperandType(
  parsed: Parsed<Condition>,
  operator: string,
  operand: Operand,
  allowed: readonly string[],
  placeholders: Placeholders,
): void {
  if (operand.kind !== 'value') return;
  const type = placeholders.type(operand.placeholder);
  if (allowed.includes(type)) return;
  throw expressionError(
    parsed.kind,
    `Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${type}`,
  );
}

/** A path as DynamoDB's messages write it. */
export function describePath(path: Path): string {
  return `[${path.map((part) => (typeof part === 'number' ? `[${part}]` : part)).join(', ')}]`;
}

function describeValue(value: AttributeValue): string {
  const content = contentOf(value);
  return `${typeOf(value)}:${content instanceof Uint8Array ? Buffer.from(content).toString('base64') : String(content)}`;
}
