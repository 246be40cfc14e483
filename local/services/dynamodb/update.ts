/** Applies an update expression to an item. All operands read the item as it was before. */
import {
  copyItem,
  copyValue,
  getAttribute,
  makeSet,
  memberText,
  setAttribute,
  setMembers,
  typeOf,
  type AttributeValue,
  type Item,
} from './attribute-value';
import { readPath, describePath } from './condition';
import { addNumbers } from './decimal';
import type { Operand, Parsed, UpdateAction } from './expression';
import type { Path, Placeholders } from './placeholders';
import { expressionError } from './tokens';
import { validationError } from './validation-error';

type MutableItem = Record<string, AttributeValue>;

const typeNames: Readonly<Record<string, string>> = {
  S: 'STRING',
  N: 'NUMBER',
  B: 'BINARY',
  BOOL: 'BOOLEAN',
  NULL: 'NULL',
  SS: 'STRING_SET',
  NS: 'NUMBER_SET',
  BS: 'BINARY_SET',
  L: 'LIST',
  M: 'MAP',
};

/** The paths that an update touches, checked against each other.
 * @throws ServiceError ValidationException when two of them overlap */
export function updatedPaths(parsed: Parsed<readonly UpdateAction[]>, placeholders: Placeholders): readonly Path[] {
  const paths = parsed.tree.map(({ path }) => placeholders.path(path));
  checkOverlap(parsed.kind, paths);
  return paths;
}

/** Refuses paths of which one contains or contradicts another. */
export function checkOverlap(kind: Parsed<unknown>['kind'], paths: readonly Path[]): void {
  for (const [index, path] of paths.entries()) {
    for (const other of paths.slice(index + 1)) {
      const relation = relate(path, other);
      if (relation === undefined) continue;
      throw expressionError(
        kind,
        `Two document paths ${relation} with each other; must remove or rewrite one of these paths; path one: ${describePath(path)}, path two: ${describePath(other)}`,
      );
    }
  }
}

/** Checks what can be known of an update without an item. */
export function checkUpdate(parsed: Parsed<readonly UpdateAction[]>, placeholders: Placeholders): void {
  for (const action of parsed.tree) {
    if (action.kind === 'SET') checkArithmetic(action.operand, placeholders);
    if (action.kind !== 'ADD' && action.kind !== 'DELETE') continue;
    const type = placeholders.type((action.operand as Operand & { kind: 'value' }).placeholder);
    const allowed = action.kind === 'ADD' ? ['N', 'SS', 'NS', 'BS'] : ['SS', 'NS', 'BS'];
    if (!allowed.includes(type)) {
      throw expressionError(
        'UpdateExpression',
        `Incorrect operand type for operator or function; operator: ${action.kind}, operand type: ${typeNames[type]}, typeSet: ALLOWED_FOR_${action.kind}_OPERAND`,
      );
    }
  }
}

/** The item after an update.
 * @throws ServiceError ValidationException when a path or a type does not fit the item */
export function applyUpdate(actions: readonly UpdateAction[], item: Item, placeholders: Placeholders): Item {
  const updated = copyItem(item) as MutableItem;
  const evaluated = actions.map((action) => ({
    path: placeholders.path(action.path),
    write: evaluate(action, item, placeholders),
  }));
  // Indexes mean the list as it was: elements are appended in the order of their index and taken out at the end.
  const holes = new Set<AttributeValue[]>();
  for (const { path, write } of evaluated.sort((left, right) => lastIndex(left.path) - lastIndex(right.path))) {
    writePath(updated, path, write, holes);
  }
  for (const list of holes) removeHoles(list);
  return updated;
}

function lastIndex(path: Path): number {
  const last = path.at(-1);
  return typeof last === 'number' ? last : -1;
}

/** A value to write, or undefined to remove what is there, or nothing to do. */
type Write = { readonly value: AttributeValue | undefined } | 'nothing';

function evaluate(action: UpdateAction, item: Item, placeholders: Placeholders): Write {
  if (action.kind === 'REMOVE') return { value: undefined };
  if (action.kind === 'SET') return { value: readOperand(action.operand, item, placeholders) };
  const current = readPath(item, placeholders.path(action.path));
  const operand = readOperand(action.operand, item, placeholders);
  if (action.kind === 'ADD') return { value: current === undefined ? operand : add(current, operand) };
  if (current === undefined) return 'nothing';
  if (typeOf(current) !== typeOf(operand)) throw wrongType();
  const removed = new Set(setMembers(operand).map(memberText));
  const left = setMembers(current).filter((member) => !removed.has(memberText(member)));
  return { value: left.length === 0 ? undefined : makeSet(typeOf(current), left) };
}

function add(current: AttributeValue, operand: AttributeValue): AttributeValue {
  if ('N' in current && 'N' in operand) return { N: addNumbers(current.N, operand.N) };
  if (typeOf(current) !== typeOf(operand) || setMembers(current).length === 0) throw wrongType();
  const known = new Set(setMembers(current).map(memberText));
  const added = setMembers(operand).filter((member) => !known.has(memberText(member)));
  return makeSet(typeOf(current), [...setMembers(current), ...added]);
}

function readOperand(operand: Operand, item: Item, placeholders: Placeholders): AttributeValue {
  switch (operand.kind) {
    case 'value':
      return copyValue(placeholders.value(operand.placeholder));
    case 'path': {
      const value = readPath(item, placeholders.path(operand.path));
      if (value !== undefined) return copyValue(value);
      throw validationError('The provided expression refers to an attribute that does not exist in the item');
    }
    case 'arithmetic': {
      const left = readOperand(operand.left, item, placeholders);
      const right = readOperand(operand.right, item, placeholders);
      if (!('N' in left) || !('N' in right)) throw wrongType();
      return { N: addNumbers(left.N, right.N, operand.operator === '+' ? 1 : -1) };
    }
    case 'call': {
      const [first, second] = operand.operands as readonly [Operand, Operand];
      if (operand.name === 'if_not_exists') {
        const current = readPath(item, placeholders.path((first as Operand & { kind: 'path' }).path));
        return current === undefined ? readOperand(second, item, placeholders) : copyValue(current);
      }
      const head = readOperand(first, item, placeholders);
      const tail = readOperand(second, item, placeholders);
      if (!('L' in head) || !('L' in tail)) throw wrongType();
      return { L: [...head.L, ...tail.L] };
    }
  }
}

function writePath(item: MutableItem, path: Path, write: Write, holes: Set<AttributeValue[]>): void {
  if (write === 'nothing') return;
  const parent = path.length === 1 ? { M: item } : readPath(item, path.slice(0, -1));
  const last = path.at(-1)!;
  if (typeof last === 'number' && parent !== undefined && 'L' in parent) {
    const list = parent.L as AttributeValue[];
    if (write.value === undefined) {
      if (last < list.length) {
        delete list[last];
        holes.add(list);
      }
    } else if (last < list.length) list[last] = write.value;
    else list.push(write.value);
    return;
  }
  if (typeof last !== 'string' || parent === undefined || !('M' in parent)) {
    throw validationError('The document path provided in the update expression is invalid for update');
  }
  const members = parent.M as MutableItem;
  if (write.value !== undefined) setAttribute(members, last, write.value);
  else if (getAttribute(members, last) !== undefined) delete members[last];
}

function removeHoles(list: AttributeValue[]): void {
  const left = list.filter(() => true);
  list.length = 0;
  list.push(...left);
}

function relate(path: Path, other: Path): 'overlap' | 'conflict' | undefined {
  const length = Math.min(path.length, other.length);
  for (let index = 0; index < length; index++) {
    if (path[index] === other[index]) continue;
    return typeof path[index] === typeof other[index] ? undefined : 'conflict';
  }
  return 'overlap';
}

function checkArithmetic(operand: Operand, placeholders: Placeholders): void {
  if (operand.kind === 'arithmetic') {
    for (const side of [operand.left, operand.right]) {
      checkOperand(operand.operator, side, ['N'], placeholders);
      checkArithmetic(side, placeholders);
    }
  }
  if (operand.kind !== 'call') return;
  for (const argument of operand.operands) {
    if (operand.name === 'list_append') checkOperand('list_append', argument, ['L'], placeholders);
    checkArithmetic(argument, placeholders);
  }
}

function checkOperand(name: string, operand: Operand, allowed: readonly string[], placeholders: Placeholders): void {
  if (operand.kind !== 'value') return;
  const type = placeholders.type(operand.placeholder);
  if (allowed.includes(type)) return;
  throw expressionError(
    'UpdateExpression',
    `Incorrect operand type for operator or function; operator or function: ${name}, operand type: ${type}`,
  );
}

function wrongType(): Error {
  return validationError('An operand in the update expression has an incorrect data type');
}
