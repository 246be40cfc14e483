/** Evaluates JSONata: turns a syntax tree, once, into closures that run synchronously and reach nothing but the values given to them.
 * The meaning of every operator is that of the jsonata package, version 2.0.6; tests hold this evaluator against it. */
import type { Grouping, SyntaxNode } from './jsonata-ast';
import { asArgument, callFunction, locate, TailCall } from './jsonata-call';
import { countAllocation, countStep } from './jsonata-limits';
import { matcherOf, sortValues, toText } from './jsonata-library';
import {
  append,
  entriesOf,
  isDeepEqual,
  isNumber,
  isSequence,
  JsonataFunction,
  jsonataError,
  lookup,
  sequenceOf,
  setMember,
  toBoolean,
  type Sequence,
} from './jsonata-values';

/** Variables in reach, innermost first. */
export interface Scope {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
}

export type Evaluation = (input: unknown, scope: Scope) => unknown;

/** Variables bound in a block, a function's call or a tuple. */
class InnerScope implements Scope {
  #variables: Map<string, unknown> | undefined;
  readonly #outer: Scope;

  constructor(outer: Scope) {
    this.#outer = outer;
  }

  get(name: string): unknown {
    return this.#variables?.has(name) ? this.#variables.get(name) : this.#outer.get(name);
  }

  set(name: string, value: unknown): void {
    (this.#variables ??= new Map()).set(name, value);
  }
}

type Tuple = Record<string, unknown>;

/** Compiles a node and what every node may carry: predicates, grouping, and the unwrapping of a sequence of one. */
export function compileNode(node: SyntaxNode): Evaluation {
  const core = compileCore(node);
  if (node.type === 'string' || node.type === 'number' || node.type === 'value') return core;
  const predicates = node.predicate?.map((predicate) => compileFilter(predicate.expr as SyntaxNode)) ?? [];
  const group = node.group && node.type !== 'path' ? compileGrouping(node.group) : undefined;
  const keepArray = node.keepArray === true;
  if (predicates.length === 0 && !group && !keepArray) {
    return (input, scope) => unwrap(core(input, scope));
  }
  return (input, scope) => {
    let result = core(input, scope);
    for (const filter of predicates) result = filter(result, scope);
    if (group) result = group(result, scope);
    if (keepArray && isSequence(result) && !result.tupleStream) result.keepSingleton = true;
    return unwrap(result);
  };
}

function unwrap(result: unknown): unknown {
  if (!isSequence(result) || result.tupleStream) return result;
  if (result.length === 0) return undefined;
  return result.length === 1 && !result.keepSingleton ? result[0] : result;
}

function compileCore(node: SyntaxNode): Evaluation {
  switch (node.type) {
    case 'path':
      return compilePath(node);
    case 'binary':
      return compileBinary(node);
    case 'unary':
      return compileUnary(node);
    case 'name': {
      const name = node.value as string;
      return (input) => lookup(input, name);
    }
    case 'string':
    case 'number':
    case 'value':
      return () => node.value;
    case 'wildcard':
      return (input) => membersOf(input);
    case 'descendant':
      return (input) => descendantsOf(input);
    case 'parent': {
      const label = node.slot?.label as string;
      return (_input, scope) => scope.get(label);
    }
    case 'condition':
      return compileCondition(node);
    case 'block':
      return compileBlock(node);
    case 'bind':
      return compileBinding(node);
    case 'regex':
      return () => matcherOf(node.value as RegExp, node.position);
    case 'function':
      return compileCall(node);
    case 'variable':
      return compileVariable(node);
    case 'lambda':
      return compileLambda(node);
    case 'partial':
      return compilePartial(node);
    case 'apply':
      return compileChain(node);
    case 'transform':
      return compileTransform(node);
    default:
      // `?` as an argument and `error` nodes of the parser's recovery mode never reach evaluation.
      return () => undefined;
  }
}

function compileVariable(node: SyntaxNode): Evaluation {
  const name = node.value as string;
  return name === '' ? (input) => input : (_input, scope) => scope.get(name);
}

function compileCondition(node: SyntaxNode): Evaluation {
  const condition = compileNode(node.condition as SyntaxNode);
  const whenTrue = compileNode(node.then as SyntaxNode);
  const whenFalse = node.else ? compileNode(node.else) : undefined;
  return (input, scope) =>
    toBoolean(condition(input, scope)) ? whenTrue(input, scope) : whenFalse ? whenFalse(input, scope) : undefined;
}

function compileBlock(node: SyntaxNode): Evaluation {
  const expressions = (node.expressions ?? []).map(compileNode);
  return (input, scope) => {
    const inner = new InnerScope(scope);
    let result: unknown;
    for (const expression of expressions) result = expression(input, inner);
    return result;
  };
}

function compileBinding(node: SyntaxNode): Evaluation {
  const name = (node.lhs as SyntaxNode).value as string;
  const value = compileNode(node.rhs as SyntaxNode);
  return (input, scope) => {
    const bound = value(input, scope);
    scope.set(name, bound);
    return bound;
  };
}

// ---- paths ----------------------------------------------------------------------------------------

type Step = (input: readonly unknown[], scope: Scope, isLast: boolean) => readonly unknown[];

function compilePath(node: SyntaxNode): Evaluation {
  const general = compileGeneralPath(node);
  const names = plainNames(node);
  if (!names) return general;
  const first = compileNode(node.steps?.[0] as SyntaxNode);
  const firstIsVariable = node.steps?.[0]?.type === 'variable';
  return (input, scope) => {
    // Members of objects, one after the other, need none of the machinery of sequences.
    if (!firstIsVariable && Array.isArray(input)) return general(input, scope);
    let value = first(input, scope);
    for (const name of names) {
      if (Array.isArray(value)) return general(input, scope);
      value = lookup(value, name);
      if (value === undefined) return undefined;
    }
    return isSequence(value) ? general(input, scope) : value;
  };
}

/** The names after the first step of a path such as `$states.input.order.id`, or undefined when the path is more than that. */
function plainNames(node: SyntaxNode): readonly string[] | undefined {
  const [first, ...rest] = node.steps ?? [];
  if (!first || node.group || node.keepSingletonArray || node.tuple) return undefined;
  const isPlain = (step: SyntaxNode): boolean =>
    !step.stages && !step.predicate && !step.group && !step.tuple && !step.keepArray && !step.ancestor;
  if (!isPlain(first) || (first.type !== 'variable' && first.type !== 'name')) return undefined;
  // `$` and `$$` may be the wrapper that the evaluation puts around its input.
  if (first.type === 'variable' && (first.value === '' || first.value === '$')) return undefined;
  return rest.every((step) => step.type === 'name' && isPlain(step))
    ? rest.map((step) => step.value as string)
    : undefined;
}

function compileGeneralPath(node: SyntaxNode): Evaluation {
  const steps = node.steps ?? [];
  const startsWithVariable = steps[0]?.type === 'variable';
  const firstConstructed = steps[0]?.consarray === true ? compileNode(steps[0]) : undefined;
  const firstTuple = steps.findIndex((step) => step.tuple === true);
  // An array constructor at the start of a path is evaluated as it is, even where its step binds a variable.
  const tuplesFrom = firstTuple === -1 ? steps.length : Math.max(firstTuple, firstConstructed ? 1 : 0);
  const plainSteps = steps.slice(0, tuplesFrom).map(compileStep);
  const tupleSteps = steps.slice(tuplesFrom).map(compileTupleStep);
  const group = node.group ? compileGrouping(node.group) : undefined;

  return (input, scope) => {
    let current: readonly unknown[] = Array.isArray(input) && !startsWithVariable ? input : sequenceOf(input);
    let result: readonly unknown[] | undefined;
    let tuples: Sequence | undefined;
    let isEmpty = false;
    for (let index = 0; index < plainSteps.length; index++) {
      countStep();
      result =
        index === 0 && firstConstructed
          ? (firstConstructed(current, scope) as unknown[] | undefined)
          : (plainSteps[index] as Step)(current, scope, index === steps.length - 1);
      isEmpty = firstTuple !== 0 && (result === undefined || result.length === 0);
      if (isEmpty) break;
      if (steps[index]?.focus === undefined && result !== undefined) current = result;
    }
    const isTupleStream = firstTuple !== -1 && !isEmpty;
    if (isTupleStream) {
      for (const step of tupleSteps) tuples = step(current, tuples, scope);
      result = node.tuple ? tuples : sequenceOf(...(tuples ?? []).map((tuple) => (tuple as Tuple)['@']));
    }
    if (node.keepSingletonArray) result = keepSingleton(result);
    return group ? group(isTupleStream ? tuples : result, scope) : result;
  };
}

function keepSingleton(result: readonly unknown[] | undefined): readonly unknown[] | undefined {
  const list = result as Sequence | undefined;
  if (list?.constructed && !list.sequence) return Object.assign(sequenceOf(list), { keepSingleton: true });
  if (isSequence(list)) list.keepSingleton = true;
  return list;
}

function compileStep(node: SyntaxNode): Step {
  if (node.type === 'sort') {
    const sort = compileSort(node);
    const stages = compileStages(node.stages);
    return (input, scope) => stages(sort(input, scope), scope) as readonly unknown[];
  }
  const evaluate = compileNode(node);
  const filters = (node.stages ?? []).map((stage) => compileFilter(stage.expr as SyntaxNode));
  return (input, scope, isLast) => {
    const results: unknown[] = [];
    // A grouping at the start of a path makes an object, which has no items.
    for (const item of Array.isArray(input) ? input : []) {
      countStep();
      let result = evaluate(item, scope);
      for (const filter of filters) result = filter(result, scope);
      if (result !== undefined) results.push(result);
    }
    const only = results[0];
    if (isLast && results.length === 1 && Array.isArray(only) && !isSequence(only)) return only;
    return flattenOnce(results);
  };
}

function flattenOnce(results: readonly unknown[]): Sequence {
  const flat = sequenceOf();
  for (const result of results) {
    if (!Array.isArray(result) || (result as Sequence).constructed) flat.push(result);
    else for (const member of result) flat.push(member);
  }
  return flat;
}

/** A step of a path that carries variables along: each tuple is one value (`@`) with what was bound on the way to it. */
function compileTupleStep(
  node: SyntaxNode,
): (input: readonly unknown[], tuples: Sequence | undefined, scope: Scope) => Sequence {
  const stages = compileStages(node.stages);
  if (node.type === 'sort') {
    const sort = compileSort(node);
    return (input, tuples, scope) => {
      if (tuples) return stages(sort(tuples, scope), scope) as Sequence;
      const indexed = sort(input, scope).map((value, index) => ({ '@': value, [node.index as string]: index }));
      return stages(tupleStream(indexed), scope) as Sequence;
    };
  }
  const evaluate = compileNode(node);
  return (input, tuples, scope) => {
    const results: Tuple[] = [];
    for (const tuple of (tuples as Tuple[] | undefined) ?? input.map((item): Tuple => ({ '@': item }))) {
      countStep();
      const found = evaluate(tuple['@'], scopeOfTuple(scope, tuple));
      if (found === undefined) continue;
      const values: readonly unknown[] = Array.isArray(found) ? found : [found];
      const isStream = (found as Sequence | null)?.tupleStream === true;
      values.forEach((value, index) => results.push(extendTuple(node, tuple, value, index, isStream)));
    }
    return stages(tupleStream(results), scope) as Sequence;
  };
}

function extendTuple(node: SyntaxNode, tuple: Tuple, value: unknown, index: number, isStream: boolean): Tuple {
  if (isStream) return { ...tuple, ...(value as Tuple) };
  const extended: Tuple = { ...tuple };
  if (node.focus !== undefined) extended[node.focus] = value;
  else extended['@'] = value;
  if (node.index !== undefined) extended[node.index] = index;
  if (node.ancestor) extended[node.ancestor.label] = tuple['@'];
  return extended;
}

function tupleStream(tuples: readonly Tuple[]): Sequence {
  return Object.assign(sequenceOf(...tuples), { tupleStream: true });
}

function scopeOfTuple(scope: Scope, tuple: Tuple): Scope {
  const inner = new InnerScope(scope);
  for (const name of Object.keys(tuple)) inner.set(name, tuple[name]);
  return inner;
}

function compileStages(stages: readonly SyntaxNode[] | undefined): (input: unknown, scope: Scope) => unknown {
  const compiled = (stages ?? []).map((stage) => {
    if (stage.type !== 'index') return compileFilter(stage.expr as SyntaxNode);
    const name = stage.value as string;
    return (tuples: unknown): unknown => {
      (tuples as Tuple[]).forEach((tuple, index) => (tuple[name] = index));
      return tuples;
    };
  });
  return (input, scope) => compiled.reduce((result, stage) => stage(result, scope), input);
}

/** A predicate `[…]`: a position, or a condition on each member. */
function compileFilter(predicate: SyntaxNode): (input: unknown, scope: Scope) => unknown {
  if (predicate.type === 'number') {
    const position = Math.floor(predicate.value as number);
    return (input) => memberAt(input, position);
  }
  const condition = compileNode(predicate);
  return (input, scope) => {
    const list: readonly unknown[] = Array.isArray(input) ? input : [input];
    const isStream = (list as Sequence).tupleStream === true;
    const results = sequenceOf();
    if (isStream) results.tupleStream = true;
    for (let index = 0; index < list.length; index++) {
      countStep();
      const item = list[index];
      const matched = isStream
        ? condition((item as Tuple)['@'], scopeOfTuple(scope, item as Tuple))
        : condition(item, scope);
      for (let times = timesSelected(matched, index, list.length); times > 0; times--) results.push(item);
    }
    return results;
  };
}

function memberAt(input: unknown, position: number): unknown {
  const list: readonly unknown[] = Array.isArray(input) ? input : [input];
  const item = list.at(position);
  if (Array.isArray(item)) return item;
  const results = item === undefined ? sequenceOf() : sequenceOf(item);
  if ((list as Sequence).tupleStream) results.tupleStream = true;
  return results;
}

/** A predicate that gives positions selects a member as often as its position is among them. */
function timesSelected(matched: unknown, index: number, length: number): number {
  const positions = isNumber(matched) ? [matched] : matched;
  if (!Array.isArray(positions) || !positions.every(isNumber)) return toBoolean(matched) === true ? 1 : 0;
  return positions.filter((position) => {
    const whole = Math.floor(position);
    return (whole < 0 ? length + whole : whole) === index;
  }).length;
}

/** The members of an object, lists flattened into them. As in the package, a list among them makes a list of the result, also of one. */
function membersOf(input: unknown): Sequence {
  const members = sequenceOf();
  for (const [, value] of entriesOf(input)) {
    countStep();
    if (!Array.isArray(value)) {
      members.push(value);
      continue;
    }
    for (const member of value.flat(Infinity)) members.push(member);
    members.sequence = false;
  }
  return members;
}

function descendantsOf(input: unknown): unknown {
  if (input === undefined) return undefined;
  const found = sequenceOf();
  const visit = (value: unknown): void => {
    countStep();
    if (Array.isArray(value)) return value.forEach(visit);
    found.push(value);
    if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(input);
  return found.length === 1 ? found[0] : found;
}

// ---- sorting and grouping --------------------------------------------------------------------------

function compileSort(node: SyntaxNode): (input: readonly unknown[], scope: Scope) => readonly unknown[] {
  const terms = (node.terms ?? []).map((term) => ({ ...term, evaluate: compileNode(term.expression) }));
  return (input, scope) => {
    const isStream = (input as Sequence).tupleStream === true;
    const valueOf = (evaluate: Evaluation, item: unknown): unknown =>
      isStream ? evaluate((item as Tuple)['@'], scopeOfTuple(scope, item as Tuple)) : evaluate(item, scope);
    return sortValues(input, (left, right) => {
      for (const term of terms) {
        const order = compareTerms(valueOf(term.evaluate, left), valueOf(term.evaluate, right), term.descending, node);
        if (order !== 0) return order > 0;
      }
      return false;
    });
  };
}

function compareTerms(left: unknown, right: unknown, descending: boolean, node: SyntaxNode): number {
  if (left === undefined) return right === undefined ? 0 : 1;
  if (right === undefined) return -1;
  const isComparable = (value: unknown): boolean => typeof value === 'string' || typeof value === 'number';
  if (!isComparable(left) || !isComparable(right)) {
    throw jsonataError('T2008', { position: node.position, value: isComparable(left) ? right : left });
  }
  if (typeof left !== typeof right) {
    throw jsonataError('T2007', { position: node.position, value: left, value2: right });
  }
  if (left === right) return 0;
  return ((left as string) < (right as string) ? -1 : 1) * (descending ? -1 : 1);
}

/** An object constructor, or a grouping after a path. */
function compileGrouping(grouping: Grouping): (input: unknown, scope: Scope) => unknown {
  const general = compileGeneralGrouping(grouping);
  const names = grouping.lhs.map(([key]) => (key.type === 'string' ? (key.value as string) : undefined));
  if (names.includes(undefined) || new Set(names).size < names.length) return general;
  // Fixed names around one value make one object: there is nothing to group.
  const members = grouping.lhs.map(([, value], index) => ({ name: names[index] as string, value: compileNode(value) }));
  return (input, scope) => {
    if (Array.isArray(input)) return general(input, scope);
    const result: Record<string, unknown> = {};
    for (const { name, value } of members) {
      const member = value(input, scope);
      if (member !== undefined) setMember(result, name, member);
    }
    return result;
  };
}

/** The items are grouped by key, then each group gives one value. */
function compileGeneralGrouping(grouping: Grouping): (input: unknown, scope: Scope) => unknown {
  const pairs = grouping.lhs.map(([key, value]) => ({ key: compileNode(key), value: compileNode(value) }));
  return (input, scope) => {
    const isStream = (input as Sequence | undefined)?.tupleStream === true;
    const list: readonly unknown[] = Array.isArray(input) ? input : [input];
    const groups = new Map<string, { data: unknown; pairIndex: number }>();
    for (const item of list.length === 0 ? [undefined] : list) {
      const itemScope = isStream && item ? scopeOfTuple(scope, item as Tuple) : scope;
      const context = isStream ? (item as Tuple | undefined)?.['@'] : item;
      pairs.forEach((pair, pairIndex) => {
        countStep();
        const key = pair.key(context, itemScope);
        if (key !== undefined) addToGroup(groups, key, item, pairIndex, grouping.position);
      });
    }
    const result: Record<string, unknown> = {};
    for (const [key, { data, pairIndex }] of inMemberOrder(groups)) {
      const value = (pairs[pairIndex] as (typeof pairs)[number]).value;
      const grouped = isStream ? reduceTuples(data) : undefined;
      const member = grouped ? value(grouped['@'], scopeOfTuple(scope, withoutFocus(grouped))) : value(data, scope);
      if (member !== undefined) setMember(result, key, member);
    }
    return result;
  };
}

function addToGroup(
  groups: Map<string, { data: unknown; pairIndex: number }>,
  key: unknown,
  item: unknown,
  pairIndex: number,
  position: number | undefined,
): void {
  if (typeof key !== 'string') throw jsonataError('T1003', { position, value: key });
  const group = groups.get(key);
  if (!group) {
    groups.set(key, { data: item, pairIndex });
    return;
  }
  if (group.pairIndex !== pairIndex) throw jsonataError('D1009', { position, value: key });
  group.data = append(group.data, item);
}

/** JavaScript objects hold members named by whole numbers first; what an expression sees must not depend on our Map. */
function inMemberOrder<Value>(groups: Map<string, Value>): [string, Value][] {
  const isIndex = (key: string): boolean => String(Number(key) >>> 0) === key && key !== '4294967295';
  const entries = [...groups];
  if (!entries.some(([key]) => isIndex(key))) return entries;
  const indexed = entries.filter(([key]) => isIndex(key)).sort(([left], [right]) => Number(left) - Number(right));
  return [...indexed, ...entries.filter(([key]) => !isIndex(key))];
}

function reduceTuples(data: unknown): Tuple {
  if (!Array.isArray(data)) return data as Tuple;
  const reduced: Tuple = { ...(data[0] as Tuple) };
  for (const tuple of data.slice(1) as Tuple[]) {
    for (const name of Object.keys(tuple)) reduced[name] = append(reduced[name], tuple[name]);
  }
  return reduced;
}

function withoutFocus(tuple: Tuple): Tuple {
  const { '@': _focus, ...bindings } = tuple;
  return bindings;
}

// ---- operators ------------------------------------------------------------------------------------

function compileUnary(node: SyntaxNode): Evaluation {
  if (node.value === '[') return compileArray(node);
  if (node.value === '{') return compileGrouping(node as unknown as Grouping);
  const operand = compileNode(node.expression as SyntaxNode);
  return (input, scope) => {
    const value = operand(input, scope);
    if (value === undefined) return undefined;
    if (!isNumber(value)) throw jsonataError('D1002', { position: node.position, token: node.value, value });
    return -value;
  };
}

function compileArray(node: SyntaxNode): Evaluation {
  const items = (node.expressions ?? []).map((item) => ({ isArray: item.value === '[', evaluate: compileNode(item) }));
  return (input, scope) => {
    const result: Sequence = [];
    for (const { isArray, evaluate } of items) {
      const value = evaluate(input, scope);
      if (value === undefined) continue;
      if (isArray || !Array.isArray(value)) {
        result.push(value);
      } else {
        countAllocation(value.length);
        for (const member of value) result.push(member);
      }
    }
    if (node.consarray) result.constructed = true;
    return result;
  };
}

function compileBinary(node: SyntaxNode): Evaluation {
  const operator = node.value as string;
  const left = compileNode(node.lhs as SyntaxNode);
  const right = compileNode(node.rhs as SyntaxNode);
  if (operator === 'and' || operator === 'or') return compileLogic(node, left, right);
  const operate = operators[operator];
  if (!operate) throw new Error(`the parser gave an operator that JSONata 2.0.6 does not have: ${operator}`);
  return (input, scope) => {
    const leftValue = left(input, scope);
    const rightValue = right(input, scope);
    try {
      return operate(leftValue, rightValue);
    } catch (error) {
      throw locate(error, operator, node.position, true);
    }
  };
}

function compileLogic(node: SyntaxNode, left: Evaluation, right: Evaluation): Evaluation {
  const isAnd = node.value === 'and';
  return (input, scope) => {
    const leftIsTrue = toBoolean(left(input, scope)) ?? false;
    if (leftIsTrue !== isAnd) return leftIsTrue;
    try {
      return toBoolean(right(input, scope)) ?? false;
    } catch (error) {
      throw locate(error, node.value, node.position, true);
    }
  };
}

const operators: Record<string, (left: unknown, right: unknown) => unknown> = {
  '+': (left, right) => calculate(left, right, (a, b) => a + b),
  '-': (left, right) => calculate(left, right, (a, b) => a - b),
  '*': (left, right) => calculate(left, right, (a, b) => a * b),
  '/': (left, right) => calculate(left, right, (a, b) => a / b),
  '%': (left, right) => calculate(left, right, (a, b) => a % b),
  '=': (left, right) => left !== undefined && right !== undefined && isDeepEqual(left, right),
  '!=': (left, right) => left !== undefined && right !== undefined && !isDeepEqual(left, right),
  '<': (left, right) => compare(left, right, (a, b) => a < b),
  '<=': (left, right) => compare(left, right, (a, b) => a <= b),
  '>': (left, right) => compare(left, right, (a, b) => a > b),
  '>=': (left, right) => compare(left, right, (a, b) => a >= b),
  '&': concatenate,
  '..': range,
  in: (left, right) =>
    left !== undefined && right !== undefined && (Array.isArray(right) ? right : [right]).includes(left),
};

function calculate(left: unknown, right: unknown, operate: (left: number, right: number) => number): unknown {
  if (left !== undefined && !isNumber(left)) throw jsonataError('T2001', { value: left });
  if (right !== undefined && !isNumber(right)) throw jsonataError('T2002', { value: right });
  return left === undefined || right === undefined ? undefined : operate(left, right);
}

function compare(left: unknown, right: unknown, operate: (left: string, right: string) => boolean): unknown {
  const isComparable = (value: unknown): boolean =>
    value === undefined || typeof value === 'string' || typeof value === 'number';
  if (!isComparable(left) || !isComparable(right)) {
    const isOrdered = typeof left === 'string' || typeof left === 'number';
    throw jsonataError('T2010', { value: isOrdered ? right : left });
  }
  if (left === undefined || right === undefined) return undefined;
  if (typeof left !== typeof right) throw jsonataError('T2009', { value: left, value2: right });
  return operate(left as string, right as string);
}

function concatenate(left: unknown, right: unknown): string {
  const leftText = left === undefined ? '' : (toText(left) as string);
  const rightText = right === undefined ? '' : (toText(right) as string);
  countAllocation(leftText.length + rightText.length);
  return leftText + rightText;
}

function range(left: unknown, right: unknown): unknown {
  if (left !== undefined && !Number.isInteger(left)) throw jsonataError('T2003', { value: left });
  if (right !== undefined && !Number.isInteger(right)) throw jsonataError('T2004', { value: right });
  if (left === undefined || right === undefined) return undefined;
  const [first, last] = [left as number, right as number];
  if (first > last) return undefined;
  const size = last - first + 1;
  if (size > 1e7) throw jsonataError('D2014', { value: size });
  countAllocation(size);
  const numbers: Sequence = Array.from({ length: size }, (_member, index) => first + index);
  numbers.sequence = true;
  return numbers;
}

// ---- functions ------------------------------------------------------------------------------------

function compileCall(node: SyntaxNode): Evaluation {
  const call = compileCallWithFirst(node);
  return (input, scope) => call(input, scope, []);
}

function compileCallWithFirst(node: SyntaxNode): (input: unknown, scope: Scope, first: unknown[]) => unknown {
  const procedure = node.procedure as SyntaxNode;
  const callee = compileNode(procedure);
  const argumentList = (node.arguments ?? []).map(compileNode);
  const name = nameOf(procedure);
  return (input, scope, first) => {
    const target = callee(input, scope);
    refuseForgottenDollar(target, procedure, scope, 'T1005', node.position);
    const args = [...first];
    for (const argument of argumentList) args.push(asArgument(argument(input, scope)));
    try {
      return callFunction(target, args, input);
    } catch (error) {
      throw locate(error, name, node.position, false);
    }
  };
}

function nameOf(procedure: SyntaxNode): unknown {
  return procedure.type === 'path' ? procedure.steps?.[0]?.value : procedure.value;
}

function refuseForgottenDollar(
  callee: unknown,
  procedure: SyntaxNode,
  scope: Scope,
  code: string,
  position: number | undefined,
): void {
  if (callee !== undefined || procedure.type !== 'path') return;
  const name = nameOf(procedure);
  if (typeof name === 'string' && scope.get(name)) throw jsonataError(code, { position, token: name });
}

function compileLambda(node: SyntaxNode): Evaluation {
  const parameters = (node.arguments ?? []).map((parameter) => parameter.value as string);
  if (node.thunk) return compileTailCall(node.body as SyntaxNode);
  const body = compileNode(node.body as SyntaxNode);
  return (input, scope) =>
    new JsonataFunction(
      parameters.length,
      (args) => {
        const inner = new InnerScope(scope);
        parameters.forEach((parameter, index) => inner.set(parameter, args[index]));
        return body(input, inner);
      },
      node.signature,
    );
}

function compileTailCall(call: SyntaxNode): Evaluation {
  const procedure = call.procedure as SyntaxNode;
  const callee = compileNode(procedure);
  const argumentList = (call.arguments ?? []).map(compileNode);
  return (input, scope) =>
    new TailCall(() => {
      const target = callee(input, scope);
      return { callee: target, args: argumentList.map((argument) => argument(input, scope)) };
    }, procedure);
}

function compilePartial(node: SyntaxNode): Evaluation {
  const procedure = node.procedure as SyntaxNode;
  const callee = compileNode(procedure);
  const argumentList = (node.arguments ?? []).map((argument) =>
    argument.type === 'operator' && argument.value === '?' ? undefined : compileNode(argument),
  );
  return (input, scope) => {
    const bound = argumentList.map((argument) => argument?.(input, scope));
    const target = callee(input, scope);
    refuseForgottenDollar(target, procedure, scope, 'T1007', node.position);
    if (!(target instanceof JsonataFunction)) {
      throw jsonataError('T1008', { position: node.position, token: nameOf(procedure) });
    }
    const open = argumentList.flatMap((argument, index) => (argument ? [] : [index]));
    return new JsonataFunction(open.length, (args, context) => {
      const all = [...bound];
      open.forEach((position, index) => (all[position] = args[index]));
      return JsonataFunction.callUnchecked(target, all, context);
    });
  };
}

function compileChain(node: SyntaxNode): Evaluation {
  const left = compileNode(node.lhs as SyntaxNode);
  const right = node.rhs as SyntaxNode;
  if (right.type === 'function') {
    const call = compileCallWithFirst(right);
    return (input, scope) => call(input, scope, [left(input, scope)]);
  }
  const callee = compileNode(right);
  return (input, scope) => {
    const value = left(input, scope);
    const target = callee(input, scope);
    if (!(target instanceof JsonataFunction)) {
      throw jsonataError('T2006', { position: node.position, value: target });
    }
    if (!(value instanceof JsonataFunction)) return callFunction(target, [value], null);
    return new JsonataFunction(1, (args) => callFunction(target, [callFunction(value, args, null)], null));
  };
}

// ---- transform --------------------------------------------------------------------------------------

/** `|pattern|update,delete|`: a function that gives a changed copy of its argument. */
function compileTransform(node: SyntaxNode): Evaluation {
  const pattern = compileNode(node.pattern as SyntaxNode);
  const update = compileNode(node.update as SyntaxNode);
  const deletion = node.delete ? compileNode(node.delete) : undefined;
  return (_input, scope) =>
    new JsonataFunction(1, ([original]) => {
      if (original === undefined) return undefined;
      if (typeof original !== 'object' || original === null) throw jsonataError('T0410', { value: original, index: 1 });
      const text = toText(original) as string;
      countAllocation(text.length);
      const copy: unknown = JSON.parse(text);
      const own = containersIn(copy);
      const found = pattern(copy, scope);
      for (const match of found === undefined ? [] : Array.isArray(found) ? found : [found]) {
        countStep();
        // A pattern may find what is not part of the copy, `$states` for one: nobody writes to that.
        const target = own.has(match) ? (match as Tuple) : {};
        applyUpdate(target, update(match, scope), node);
        if (deletion) applyDeletion(target, deletion(match, scope), node);
      }
      return copy;
    });
}

function containersIn(value: unknown, found = new Set<unknown>()): ReadonlySet<unknown> {
  if (typeof value !== 'object' || value === null) return found;
  found.add(value);
  for (const member of Object.values(value)) containersIn(member, found);
  return found;
}

function applyUpdate(target: Tuple, update: unknown, node: SyntaxNode): void {
  if (update === undefined) return;
  if (typeof update !== 'object' || update === null || Array.isArray(update)) {
    throw jsonataError('T2011', { position: node.update?.position, value: update });
  }
  for (const name of Object.keys(update)) setMember(target, name, (update as Tuple)[name]);
}

function applyDeletion(target: Tuple, deletion: unknown, node: SyntaxNode): void {
  if (deletion === undefined) return;
  const names: readonly unknown[] = Array.isArray(deletion) ? deletion : [deletion];
  if (!names.every((name) => typeof name === 'string')) {
    throw jsonataError('T2012', { position: node.delete?.position, value: deletion });
  }
  for (const name of names) delete target[name as string];
}
