/** A member of staff of the customer registration: an account in the deployed user pool, and its way through the managed login. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { region, type Emulator } from './emulator';

const username = 'staff@example.com';
const password = 'Correct-horse-battery-1';
const redirectUri = 'https://localhost/signed-in';
const scope = 'openid registrations/read registrations/write registrations/erase';

/** Makes the account and signs in by authorization code with PKCE.
 * @returns an access token with all rights */
export async function signIn(
  emulator: Emulator,
  { userPoolId, clientId }: { readonly userPoolId: string; readonly clientId: string },
): Promise<string> {
  const user = { UserPoolId: userPoolId, Username: username };
  await administer(emulator, 'AdminCreateUser', {
    ...user,
    TemporaryPassword: `${password}!`,
    MessageAction: 'SUPPRESS',
  });
  await administer(emulator, 'AdminSetUserPassword', { ...user, Password: password, Permanent: true });
  const verifier = 'a-verifier-that-has-at-least-forty-three-characters';
  const asked = {
    ...{ client_id: clientId, redirect_uri: redirectUri, scope, response_type: 'code', state: 'here' },
    ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
  };
  const page = await fetch(`${emulator.endpoint}/oauth2/authorize?${new URLSearchParams(asked)}`);
  assert.equal(page.status, 200, await page.text());
  const login = (typed: string): Promise<Response> =>
    fetch(`${emulator.endpoint}/login`, {
      method: 'POST',
      body: new URLSearchParams({ ...asked, username, password: typed }),
      redirect: 'manual',
    });
  assert.equal((await login('wrong')).headers.get('location'), null);
  const code = new URL((await login(password)).headers.get('location')!).searchParams.get('code')!;
  const answer = await fetch(`${emulator.endpoint}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      ...{ grant_type: 'authorization_code', client_id: clientId, redirect_uri: redirectUri },
      ...{ code, code_verifier: verifier },
    }),
  });
  const tokens = (await answer.json()) as { readonly access_token?: string };
  assert.ok(tokens.access_token !== undefined, JSON.stringify(tokens));
  return tokens.access_token;
}

/** Calls an operation of Cognito, for which the project has no client. */
async function administer({ endpoint }: Emulator, operation: string, input: object): Promise<void> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
      authorization: `AWS4-HMAC-SHA256 Credential=test/20260101/${region}/cognito-idp/aws4_request, SignedHeaders=host, Signature=none`,
    },
    body: JSON.stringify(input),
  });
  assert.ok(response.ok, `${operation}: ${response.status} ${await response.text()}`);
}
