/** Verifies the user pool's access tokens: signature, issuer, end, use and client. */
import { createRemoteJWKSet, jwtVerify } from 'jose';
import type { VerifyToken } from './access';

/** Keys are fetched when the first token comes, and again when a token names one that is not known.
 * Cognito's access tokens carry no audience: the client that they were issued to takes its place.
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html (read 2026-11) */
export function createTokenVerifier(options: {
  readonly issuer: string;
  readonly clients: readonly string[];
}): VerifyToken {
  const keys = createRemoteJWKSet(new URL(`${options.issuer}/.well-known/jwks.json`));
  return async (token) => {
    const { payload } = await jwtVerify(token, keys, {
      issuer: options.issuer,
      algorithms: ['RS256'],
      requiredClaims: ['sub', 'exp', 'token_use', 'client_id'],
    });
    if (payload['token_use'] !== 'access') throw new Error('Not an access token');
    if (!options.clients.includes(String(payload['client_id']))) throw new Error('Issued to another client');
    return payload;
  };
}
