/** Policies as they are decided by: documents of templates, compiled once. */
import { createRecall } from '../recall';
import { ServiceError, UnsupportedError } from '../services/service';
import { compileConditions, type Condition } from './condition';
import { compilePattern, type Pattern } from './pattern';
import { compilePrincipals, type PrincipalMatcher } from './policy-principal';
import type { RequestContext } from './request-context';

/** Where a policy is attached, which decides what it may say. */
export type PolicyKind = 'identity' | 'resource';

/** A statement of a policy. */
export interface Statement {
  /** Construct path of the policy, or of the resource that carries it; the name of a policy of AWS. */
  readonly policy: string;
  /** Position in its policy, from 0. */
  readonly index: number;
  readonly sid: string | undefined;
  readonly effect: 'Allow' | 'Deny';
  /** As written; empty where the statement says `NotAction`. */
  readonly actions: readonly string[];
  /** As written; empty where the statement says `NotResource`, or no resource at all. */
  readonly resources: readonly string[];
  /** Undefined in an identity policy. */
  readonly principals: PrincipalMatcher | undefined;
  /** Condition keys that can decide whether it applies, in lower case. */
  readonly keys: readonly string[];
  /** Whether action and resource are the statement's: true also where only variables of the resource can tell. */
  readonly concerns: (action: string, resource: string) => boolean;
  /** @throws UnsupportedError when the answer depends on what is not simulated */
  readonly applies: (resource: string, context: RequestContext) => boolean;
}

const elements = [
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Principal',
  'NotPrincipal',
  'Condition',
];

type Element = Readonly<Record<string, unknown>>;

const recallStatements = createRecall<readonly Statement[]>();

/** Compiles a policy document.
 * @param source Name of the policy, or of the resource that carries it.
 * @throws ServiceError MalformedPolicyDocument as IAM would refuse it
 * @throws UnsupportedError for elements and operators that are not simulated */
export function compilePolicy(document: unknown, source: string, kind: PolicyKind): readonly Statement[] {
  return recallStatements(JSON.stringify([kind, source, document]), () => compileStatements(document, source, kind));
}

function compileStatements(document: unknown, source: string, kind: PolicyKind): Statement[] {
  const { Statement: statements = [] } = (document ?? {}) as { readonly Statement?: Element | readonly Element[] };
  const list = Array.isArray(statements) ? (statements as readonly Element[]) : [statements as Element];
  return list.map((statement, index) => compileStatement(statement, { policy: source, index }, kind));
}

function compileStatement(
  statement: Element,
  place: { readonly policy: string; readonly index: number },
  kind: PolicyKind,
): Statement {
  const where = `statement ${place.index + 1} of the policy ${place.policy}`;
  checkElements(statement, where, kind);
  const actions = matcher(statement, 'Action', 'ignore-case');
  const resources = matcher(statement, 'Resource', 'arn');
  const conditions = compileConditions(statement['Condition'], where);
  const concernsAction = remembered((action) => actions.matches(action, noContext));
  const hasVariables = resources.patterns.some(({ keys }) => keys.length > 0);
  return {
    ...place,
    sid: statement['Sid'] as string | undefined,
    effect: statement['Effect'] as 'Allow' | 'Deny',
    actions: actions.isNegated ? [] : actions.patterns.map(({ text }) => text),
    resources: resources.isNegated ? [] : resources.patterns.map(({ text }) => text),
    principals: kind === 'resource' ? compilePrincipals(statement, where) : undefined,
    keys: [...new Set([...conditions, ...resources.patterns].flatMap(({ keys }) => keys))],
    concerns: (action, resource) => concernsAction(action) && (hasVariables || resources.matches(resource, noContext)),
    applies: (resource, context) =>
      (!hasVariables || resources.matches(resource, context)) && allHold(conditions, context),
  };
}

/** There are few actions, and each is asked for again and again. */
function remembered(matches: (action: string) => boolean): (action: string) => boolean {
  const answers = new Map<string, boolean>();
  return (action) => {
    const answer = answers.get(action) ?? matches(action);
    answers.set(action, answer);
    return answer;
  };
}

function checkElements(statement: Element, where: string, kind: PolicyKind): void {
  const malformed = (message: string): ServiceError =>
    new ServiceError('MalformedPolicyDocument', `${message} (${where})`);
  const unknown = Object.keys(statement).find((name) => !elements.includes(name));
  if (unknown !== undefined) throw malformed(`Syntax errors in policy: unknown field ${unknown}.`);
  if (!['Allow', 'Deny'].includes(statement['Effect'] as string)) throw malformed('Invalid effect.');
  const count = (...names: string[]): number => names.filter((name) => statement[name] !== undefined).length;
  if (count('Action', 'NotAction') !== 1) throw malformed('Policy statement must contain actions.');
  if (count('Resource', 'NotResource') > 1) throw malformed('Policy statement has both Resource and NotResource.');
  if (kind === 'identity') {
    if (count('Resource', 'NotResource') === 0) throw malformed('Policy statement must contain resources.');
    if (count('Principal', 'NotPrincipal') > 0) throw malformed('Policy document should not specify a principal.');
  } else if (count('Principal', 'NotPrincipal') !== 1) throw malformed('Missing required field Principal.');
}

interface Matcher {
  readonly patterns: readonly Pattern[];
  readonly isNegated: boolean;
  readonly matches: (value: string, context: RequestContext) => boolean;
}

/** `Action` or `NotAction`, `Resource` or `NotResource`. A trust policy has no resource: it is the role's own. */
function matcher(statement: Element, name: 'Action' | 'Resource', kind: 'ignore-case' | 'arn'): Matcher {
  const isNegated = statement[`Not${name}`] !== undefined;
  const texts = statement[isNegated ? `Not${name}` : name] ?? '*';
  const patterns = (Array.isArray(texts) ? texts : [texts]).map((text) => compilePattern(String(text), { kind }));
  return {
    patterns,
    isNegated,
    matches: (value, context) => patterns.some((pattern) => pattern.matches(value, context)) !== isNegated,
  };
}

/** What is not simulated only matters where everything else holds. */
function allHold(conditions: readonly Condition[], context: RequestContext): boolean {
  let refusal: UnsupportedError | undefined;
  for (const condition of conditions) {
    try {
      if (!condition.holds(context)) return false;
    } catch (error) {
      if (!(error instanceof UnsupportedError)) throw error;
      refusal ??= error;
    }
  }
  if (refusal !== undefined) throw refusal;
  return true;
}

/** Patterns without variables ask for nothing. */
function noContext(): undefined {
  return undefined;
}
