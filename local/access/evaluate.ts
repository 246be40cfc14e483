/** AWS's evaluation logic for requests within one account: which policies are asked, in which order, and what is decided.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics-single-account.html (read 2026-11) */
import { UnsupportedError } from '../services/service';
import type { Statement } from './policy';
import type { PrincipalMatch, Requester } from './policy-principal';
import type { RequestContext } from './request-context';

/** The policies that decide about a request. */
export interface Policies {
  /** Those of the role; none for a service that acts for itself. */
  readonly identity: readonly Statement[];
  /** The role's permissions boundary. */
  readonly boundary?: readonly Statement[];
  /** That of the resource. */
  readonly resource: readonly Statement[];
  /** What the resource's own policy must say. `enough`: it or the role's policies allow, as nearly everywhere. `needed`: without its word
   * nothing is allowed: keys, roles to assume, and resources of other accounts, which need the role's policies besides. */
  readonly resourcePolicy: 'enough' | 'key' | 'trust' | 'other-account';
  /** Grants of a key to the requester: actions that are allowed without any policy. */
  readonly grants?: readonly string[];
}

/** What is asked for. */
export interface AccessRequest {
  readonly requester: Requester;
  /** As the service writes it, `s3:GetObject`. */
  readonly action: string;
  /** ARN, or `*` where the service knows no resource. */
  readonly resource: string;
  readonly context: RequestContext;
}

/** What no policy allows, or one denies. */
export type DenialReason =
  | 'explicit-identity'
  | 'explicit-resource'
  | 'explicit-boundary'
  | 'implicit-identity'
  | 'implicit-resource'
  | 'implicit-boundary';

/** What was decided, and by what. */
export type Decision =
  | {
      readonly isAllowed: true;
      /** Every statement that allows it: one of them would have been enough, unless a boundary or a key asks for more. */
      readonly by: readonly Statement[];
    }
  | { readonly isAllowed: false; readonly reason: DenialReason; readonly by?: Statement };

/** Statements that are about a requester, an action and a resource, whatever the conditions say. */
export interface Candidates extends Policies {
  /** Condition keys that can change the decision, in lower case. */
  readonly keys: readonly string[];
}

/** Picks the statements that can have a say. */
export function selectCandidates(
  policies: Policies,
  { requester, action, resource }: Omit<AccessRequest, 'context'>,
): Candidates {
  const concerned = (statements: readonly Statement[]): Statement[] =>
    statements.filter((statement) => statement.concerns(action, resource));
  const identity = concerned(policies.identity);
  const boundary = policies.boundary && concerned(policies.boundary);
  const own = concerned(policies.resource).filter(({ principals }) => principals?.(requester) !== 'none');
  const keys = [...new Set([...identity, ...(boundary ?? []), ...own].flatMap((statement) => statement.keys))];
  return { ...policies, identity, resource: own, keys, ...(boundary !== undefined && { boundary }) };
}

/** Decides about a request.
 * @throws UnsupportedError when the decision depends on what is not simulated */
export function evaluate(policies: Policies, request: AccessRequest): Decision {
  return decide(selectCandidates(policies, request), request);
}

/** Decides about a request from statements that are about it.
 * @throws UnsupportedError when the decision depends on what is not simulated */
export function decide(candidates: Candidates, request: AccessRequest): Decision {
  const denial = explicitDenial(candidates, request);
  if (denial !== undefined) return denial;
  const identity = Allowing.of(candidates.identity, request);
  const resource = Allowing.of(candidates.resource, request);
  const direct = resource.withPrincipal(['role', 'session', 'service', 'anyone'], request.requester);
  if (candidates.resourcePolicy === 'trust') return direct.or('implicit-resource');
  if (candidates.resourcePolicy === 'other-account' && request.requester.kind === 'role') {
    const either = resource.withPrincipal(['account', 'role', 'session', 'anyone'], request.requester);
    return identity.and(either, 'implicit-identity', 'implicit-resource');
  }
  if (request.requester.kind === 'service') return direct.or('implicit-resource');
  if (candidates.grants?.some((action) => action === request.action) === true) return { isAllowed: true, by: [] };
  const isKey = candidates.resourcePolicy === 'key';
  // An account in a key's policy lets the account's policies decide; in any other policy it adds nothing to them.
  const delegation = resource.withPrincipal(['account'], request.requester);
  const own = isKey
    ? delegation.and(identity, 'implicit-resource', 'implicit-identity')
    : identity.or('implicit-identity');
  if (direct.isEmpty && !own.isAllowed && direct.refusal !== undefined) throw direct.refusal;
  const decision: Decision = direct.isEmpty
    ? own
    : { isAllowed: true, by: own.isAllowed ? [...direct.by, ...own.by] : direct.by };
  return withinBoundary(decision, candidates, resource, request);
}

/** A boundary limits what the role's policies allow, and what a resource's policy allows the role: not what it allows a session. */
function withinBoundary(
  decision: Decision,
  { boundary }: Candidates,
  resource: Allowing,
  request: AccessRequest,
): Decision {
  if (boundary === undefined || !decision.isAllowed) return decision;
  if (!resource.withPrincipal(['session'], request.requester).isEmpty) return decision;
  const within = Allowing.of(boundary, request);
  return within.isEmpty
    ? { isAllowed: false, reason: 'implicit-boundary' }
    : { isAllowed: true, by: [...decision.by, ...within.by] };
}

function explicitDenial(candidates: Candidates, request: AccessRequest): Decision | undefined {
  const places = [
    [candidates.identity, 'explicit-identity'],
    [candidates.boundary ?? [], 'explicit-boundary'],
    [candidates.resource, 'explicit-resource'],
  ] as const;
  for (const [statements, reason] of places) {
    for (const statement of statements) {
      if (statement.effect === 'Deny' && statement.applies(request.resource, request.context)) {
        return { isAllowed: false, reason, by: statement };
      }
    }
  }
  return undefined;
}

/** The statements of a policy that allow a request. What cannot be decided matters only where nothing else allows it. */
class Allowing {
  static of(statements: readonly Statement[], request: AccessRequest): Allowing {
    let refusal: UnsupportedError | undefined;
    const by = statements.filter((statement) => {
      if (statement.effect !== 'Allow') return false;
      try {
        return statement.applies(request.resource, request.context);
      } catch (error) {
        if (!(error instanceof UnsupportedError)) throw error;
        refusal ??= error;
        return false;
      }
    });
    return new Allowing(by, refusal);
  }

  private constructor(
    readonly by: readonly Statement[],
    /** What kept a statement from being decided. */
    readonly refusal: UnsupportedError | undefined,
  ) {}

  get isEmpty(): boolean {
    return this.by.length === 0;
  }

  withPrincipal(matches: readonly PrincipalMatch[], requester: Requester): Allowing {
    return new Allowing(
      this.by.filter(({ principals }) => matches.includes(principals!(requester))),
      this.refusal,
    );
  }

  or(reason: DenialReason): Decision {
    if (!this.isEmpty) return { isAllowed: true, by: this.by };
    if (this.refusal !== undefined) throw this.refusal;
    return { isAllowed: false, reason };
  }

  and(other: Allowing, reason: DenialReason, otherReason: DenialReason): Decision {
    const first = this.or(reason);
    if (!first.isAllowed) return first;
    const second = other.or(otherReason);
    return second.isAllowed ? { isAllowed: true, by: [...first.by, ...second.by] } : second;
  }
}
