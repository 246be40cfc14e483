/** Which grants are needed: without them a request would have been decided otherwise. A grant can be used and not needed, where
 * another one allows the same. */
import { isAwsManaged } from './aws-managed-policies';
import type { DecidedRequest } from './enforcement';
import { evaluate } from './evaluate';
import { compilePattern } from './pattern';
import type { Statement } from './policy';

/** Names an action of a statement, the same in every simulation of one template. */
export function grantName({ policy, index }: Pick<Statement, 'policy' | 'index'>, action: string): string {
  return `${policy} ${index} ${action}`;
}

/** @param known Names of grants that need not be looked at again.
 * @returns names of all grants that one of the requests needs, the known ones included */
export function neededGrants(
  requests: readonly DecidedRequest[],
  known: ReadonlySet<string> = new Set(),
): ReadonlySet<string> {
  const needed = new Set(known);
  for (const request of requests) {
    const { decision } = request;
    const deciding = decision.isAllowed ? decision.by : decision.by === undefined ? [] : [decision.by];
    for (const statement of deciding) {
      const patterns = statement.actions.filter((pattern) => matchesAction(pattern, request.action));
      const names = patterns.map((pattern) => grantName(statement, pattern));
      // Where two actions of one statement allow the same, neither is needed for it.
      const isOnlyOne = names.length === 1 && !needed.has(names[0]!);
      if (isOnlyOne && needs(request, (one) => one === statement)) needed.add(names[0]!);
    }
  }
  return needed;
}

/** Names a policy of AWS that is attached to a role, the same in every simulation of one template. */
export function attachmentName(roleArn: string, policy: string): string {
  return `${roleArn} ${policy}`;
}

/** @returns names of the policies of AWS that one of the requests needs, each with the role that it is attached to */
export function neededAttachments(requests: readonly DecidedRequest[]): ReadonlySet<string> {
  const needed = new Set<string>();
  for (const request of requests) {
    const { decision, requester } = request;
    if (!decision.isAllowed || requester.kind !== 'role') continue;
    for (const { policy } of decision.by.filter(isAwsManaged)) {
      const name = attachmentName(requester.arn, policy);
      if (!needed.has(name) && needs(request, (one) => one.policy === policy)) needed.add(name);
    }
  }
  return needed;
}

/** Whether a request would be decided otherwise without some statements. */
function needs(request: DecidedRequest, isLeftOut: (statement: Statement) => boolean): boolean {
  const { policies, requester, action, resource, keys, decision } = request;
  const without = (statements: readonly Statement[]) => statements.filter((one) => !isLeftOut(one));
  const rest = { ...policies, identity: without(policies.identity), resource: without(policies.resource) };
  return evaluate(rest, { requester, action, resource, context: (key) => keys[key] }).isAllowed !== decision.isAllowed;
}

/** @param pattern An action as a policy writes it. */
export function matchesAction(pattern: string, action: string): boolean {
  return compilePattern(pattern, { kind: 'ignore-case' }).matches(action, () => undefined);
}
