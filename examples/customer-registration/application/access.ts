/** Who calls, and what they may do: access tokens of the user pool, verified here and not only at the door. */
import { Problem } from './problem';

/** What members of staff may be allowed, each a scope `registrations/<right>`. */
export type Right = 'read' | 'write' | 'erase';

/** A verified caller. */
export interface Caller {
  /** The issuer's identifier of the person or program: names nobody. */
  readonly subject: string;
  readonly rights: ReadonlySet<string>;
}

/** Turns a bearer token into the claims that its issuer has signed. @throws Error for one that is not good, or no longer */
export type VerifyToken = (token: string) => Promise<Readonly<Record<string, unknown>>>;

const scopePrefix = 'registrations/';

/** @throws Problem NOT_SIGNED_IN */
export async function readCaller(header: string | undefined, verify: VerifyToken): Promise<Caller> {
  const token = /^Bearer ([\w-]+\.[\w-]+\.[\w-]+)$/i.exec(header ?? '')?.[1];
  if (token === undefined) throw new Problem('NOT_SIGNED_IN');
  const claims = await verify(token).catch((cause: unknown) => {
    throw new Problem('NOT_SIGNED_IN', {}, { cause });
  });
  const { sub, scope } = claims;
  if (typeof sub !== 'string' || sub === '') throw new Problem('NOT_SIGNED_IN');
  const scopes = typeof scope === 'string' ? scope.split(' ') : [];
  const rights = scopes.filter((name) => name.startsWith(scopePrefix)).map((name) => name.slice(scopePrefix.length));
  return { subject: sub, rights: new Set(rights) };
}

/** @throws Problem NOT_ALLOWED */
export function demand(caller: Caller, right: Right): void {
  if (!caller.rights.has(right)) throw new Problem('NOT_ALLOWED');
}
