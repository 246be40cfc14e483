/** Remembers which grants of the templates were needed by a scenario: without them a call would have been decided otherwise. */
import type { DecidedRequest } from '../../local/access/enforcement';
import { evaluate } from '../../local/access/evaluate';
import { matchesAction } from '../../local/access/permission-report';
import type { Statement } from '../../local/access/policy';
import type { Simulation } from '../../local';

/** An action of a statement. */
export interface GrantedAction {
  readonly policy: string;
  readonly action: string;
}

/** What simulations have needed of what their templates grant. */
export class Necessity {
  /** Calls that were refused because nothing allows them. */
  readonly denied: string[] = [];
  readonly broad: unknown[] = [];
  private readonly granted = new Map<string, GrantedAction>();
  private readonly needed = new Set<string>();

  /** Takes a simulation that has run. */
  add(simulation: Simulation): void {
    for (const { policy, index, actions } of simulation.access.statements()) {
      for (const action of actions) this.granted.set(`${policy} ${index} ${action}`, { policy, action });
    }
    for (const request of simulation.access.requests) this.addRequest(request);
    const { denied, broad } = simulation.permissions();
    this.denied.push(...denied.filter((text) => !text.includes('explicit deny')));
    this.broad.push(...broad);
  }

  get neededActions(): GrantedAction[] {
    return [...this.granted].flatMap(([name, grant]) => (this.needed.has(name) ? [grant] : []));
  }

  /** Names of the grants that nothing has needed. */
  missing(isExcused: (grant: GrantedAction) => boolean = () => false): string[] {
    return [...this.granted].flatMap(([name, grant]) => (this.needed.has(name) || isExcused(grant) ? [] : [name]));
  }

  private addRequest(request: DecidedRequest): void {
    const { decision } = request;
    const deciding = decision.isAllowed ? decision.by : decision.by === undefined ? [] : [decision.by];
    for (const statement of deciding) {
      const actions = statement.actions.filter((pattern) => matchesAction(pattern, request.action));
      const names = actions.map((pattern) => `${statement.policy} ${statement.index} ${pattern}`);
      if (names.every((name) => this.needed.has(name)) || !needs(request, statement)) continue;
      for (const name of names) this.needed.add(name);
    }
  }
}

/** Whether a request would be decided otherwise without the statement. */
function needs(request: DecidedRequest, statement: Statement): boolean {
  const { policies, requester, action, resource, keys, decision } = request;
  const without = (statements: readonly Statement[]) => statements.filter((one) => one !== statement);
  const rest = { ...policies, identity: without(policies.identity), resource: without(policies.resource) };
  return evaluate(rest, { requester, action, resource, context: (key) => keys[key] }).isAllowed !== decision.isAllowed;
}
