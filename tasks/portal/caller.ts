/** Who calls the portal: what the authorizer has verified, and nothing that the request says itself. */
import type { HttpEvent } from './http-event';
import { Refusal } from './refusal';
import type { PortalSettings } from './settings';

/** A signed-in user. */
export interface Caller {
  /** The user pool's identifier of the user: never changes and is never given to another. Names the user's folder. */
  readonly sub: string;
}

/** What a user may do with their own uploads. Each route asks for one. */
export type PortalScope = 'read' | 'write';

/** Reads the caller from the claims that API Gateway has verified.
 * The authorizer has compared issuer, audience and scopes too; they are compared again, so that a route that somebody adds
 * without an authorizer or without scopes stays closed.
 * @throws Refusal 403 */
export function readCaller(event: HttpEvent, scope: PortalScope, settings: PortalSettings): Caller {
  const claims = event.requestContext.authorizer?.jwt.claims ?? {};
  const { sub = '', scope: scopes = '', token_use: use } = claims;
  if (use !== 'access') throw new Refusal(403, 'Forbidden', 'An access token is needed');
  if (!scopes.split(' ').includes(`${settings.scopePrefix}${scope}`)) {
    throw new Refusal(403, 'Forbidden', `The token lacks the scope ${settings.scopePrefix}${scope}`);
  }
  // It becomes part of object keys and of policies' prefixes.
  if (!/^[0-9A-Za-z-]{8,64}$/.test(sub)) throw new Refusal(403, 'Forbidden', 'The token names no user');
  if (
    settings.groups.length > 0 &&
    !readList(claims['cognito:groups']).some((name) => settings.groups.includes(name))
  ) {
    throw new Refusal(403, 'NotAMember', 'You are not a member of a group that may use this portal');
  }
  return { sub };
}

/** API Gateway writes a claim that is a list as `[first second]`. Names of groups hold no blanks. */
function readList(text = ''): readonly string[] {
  return text.replace(/^\[|\]$/g, '').split(/[\s,]+/);
}
