/** What an expression refers to, found without running it. */
import type { CompiledExpression } from './jsonata';
import type { SyntaxNode } from './jsonata-ast';
import { libraryFunction } from './jsonata-library';

export interface ExpressionReferences {
  /** The state machine's variables: neither bound in the expression, nor functions of the library, nor `$states`. */
  readonly variables: readonly string[];
  /** Members of `$states` that are read by name: `input`, `result`. */
  readonly statesMembers: readonly string[];
  /** What has no meaning outside a predicate or path: `$`, `$$` or a bare name. */
  readonly contextReference: string | undefined;
}

/** Expressions are compiled once for all definitions that hold them. */
const found = new WeakMap<CompiledExpression, ExpressionReferences>();

/** Finds the references of an expression. */
export function referencesOf(expression: CompiledExpression): ExpressionReferences {
  const known = found.get(expression) ?? findReferences(expression);
  found.set(expression, known);
  return known;
}

function findReferences(expression: CompiledExpression): ExpressionReferences {
  const nodes = nodesIn(expression.syntax);
  const bound = new Set(nodes.flatMap(boundNames));
  const isFree = (name: string): boolean =>
    name !== '' && name !== '$' && name !== 'states' && !bound.has(name) && libraryFunction(name) === undefined;
  const named = nodes.filter(({ type }) => type === 'variable').map(({ value }) => value as string);
  const paths = nodes.flatMap(({ type, steps }) => (type === 'path' && steps ? [steps] : []));
  const members = paths
    .filter(([first, second]) => first?.type === 'variable' && first.value === 'states' && second?.type === 'name')
    .map(([, second]) => second?.value as string);
  return {
    variables: [...new Set(named.filter(isFree))].sort(),
    statesMembers: [...new Set(members)],
    contextReference: contextReference(expression.syntax),
  };
}

function nodesIn(value: unknown): SyntaxNode[] {
  if (typeof value !== 'object' || value === null || value instanceof RegExp) return [];
  const children = Object.values(value).flatMap(nodesIn);
  return 'type' in value ? [value as SyntaxNode, ...children] : children;
}

function boundNames(node: SyntaxNode): string[] {
  const names = [node.focus, node.index, node.type === 'index' ? (node.value as string) : undefined];
  if (node.type === 'bind') names.push(node.lhs?.value as string);
  if (node.type === 'lambda') names.push(...(node.arguments ?? []).map(({ value }) => value as string));
  return names.filter((name) => name !== undefined);
}

/** Looks only where the context is still that of the whole expression: not behind a path's dot, not in a predicate or function. */
function contextReference(node: SyntaxNode | undefined): string | undefined {
  switch (node?.type) {
    case 'name':
      return node.value as string;
    case 'wildcard':
    case 'descendant':
      return node.value as string;
    case 'variable':
      return node.value === '' || node.value === '$' ? `$${node.value}` : undefined;
    case 'path':
      return contextReference(node.steps?.[0]);
    case 'binary':
    case 'bind':
    case 'apply':
      return (node.type === 'bind' ? undefined : contextReference(node.lhs)) ?? contextReference(node.rhs);
    case 'condition':
      return contextReference(node.condition) ?? contextReference(node.then) ?? contextReference(node.else);
    case 'block':
      return firstOf(node.expressions);
    case 'function':
      return firstOf(node.arguments);
    case 'unary':
      return contextReference(node.expression) ?? firstOf(node.expressions);
    default:
      return undefined;
  }
}

function firstOf(nodes: readonly SyntaxNode[] | undefined): string | undefined {
  return nodes?.map(contextReference).find((reference) => reference !== undefined);
}
