/** The `Principal` of a resource's policy, and who makes requests. */
import { UnsupportedError } from '../services/service';

/** Who makes a request. */
export type Requester =
  | {
      readonly kind: 'role';
      readonly arn: string;
      /** `arn:aws:sts::111122223333:assumed-role/Name/session` */
      readonly sessionArn: string;
      readonly accountId: string;
    }
  | { readonly kind: 'service'; readonly name: string };

/** How a policy names a requester. An account (`root`) passes the question on to the account's own policies. */
export type PrincipalMatch = 'none' | 'account' | 'role' | 'session' | 'service' | 'anyone';

/** Says whether a statement is about a requester. */
export type PrincipalMatcher = (requester: Requester) => PrincipalMatch;

type Names = Readonly<Record<string, string | readonly string[]>>;

const kinds = ['AWS', 'Service', 'Federated', 'CanonicalUser'];

/** Compiles `Principal` or `NotPrincipal`.
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html (read 2026-11) */
export function compilePrincipals(statement: Readonly<Record<string, unknown>>, where: string): PrincipalMatcher {
  const isNegated = statement['NotPrincipal'] !== undefined;
  const given = (isNegated ? statement['NotPrincipal'] : statement['Principal']) as Names | '*';
  const names: Names = given === '*' ? { AWS: '*' } : given;
  const unknown = Object.keys(names).find((kind) => !kinds.includes(kind));
  if (unknown !== undefined) {
    throw new UnsupportedError(`A principal of the kind ${unknown}`, where, `use one of ${kinds.join(', ')}`);
  }
  const matches: PrincipalMatcher = (requester) => strongest(names, requester);
  if (!isNegated) return matches;
  if (statement['Effect'] !== 'Deny') {
    throw new UnsupportedError('NotPrincipal with Allow', where, 'name who is allowed; AWS advises against it too');
  }
  return (requester) => (matches(requester) === 'none' ? 'anyone' : 'none');
}

function strongest(names: Names, requester: Requester): PrincipalMatch {
  let found: PrincipalMatch = 'none';
  for (const name of listOf(names['AWS'])) {
    const match = matchAws(name, requester);
    if (match !== 'none' && match !== 'account') return match;
    if (match === 'account') found = match;
  }
  if (requester.kind === 'service' && listOf(names['Service']).includes(requester.name)) return 'service';
  return found;
}

function matchAws(name: string, requester: Requester): PrincipalMatch {
  // Everybody, AWS services included: that is why there is a key aws:PrincipalIsAWSService.
  if (name === '*') return 'anyone';
  if (requester.kind === 'service') return 'none';
  if (name === requester.arn) return 'role';
  if (name === requester.sessionArn) return 'session';
  return name === requester.accountId || name === `arn:aws:iam::${requester.accountId}:root` ? 'account' : 'none';
}

function listOf(names: string | readonly string[] | undefined): readonly string[] {
  return names === undefined ? [] : typeof names === 'string' ? [names] : names;
}
