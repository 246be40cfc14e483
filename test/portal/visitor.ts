/** A visitor of the portal without a browser: signs in as the page does, and calls the API with the token. */
import { createHash } from 'node:crypto';
import type { ServedSimulation } from '../../local';

/** The page's config.json. */
export interface PageSettings {
  readonly login: string;
  readonly clientId: string;
  readonly api: string;
  readonly scopes: readonly string[];
}

export interface Answer<Body = Record<string, never>> {
  readonly status: number;
  readonly body: Body;
  readonly headers: Headers;
}

export async function readSettings({ pages }: ServedSimulation): Promise<PageSettings> {
  return (await (await fetch(`${pages[0]}config.json`)).json()) as PageSettings;
}

/** Signs in with the login form, and redeems the code with its verifier. */
export async function signIn(
  served: ServedSimulation,
  user: { readonly email: string; readonly password: string },
  scopes?: readonly string[],
): Promise<Readonly<Record<'access_token' | 'id_token' | 'refresh_token', string>>> {
  const settings = await readSettings(served);
  const verifier = 'v'.repeat(64);
  const redirect = served.pages[0]!;
  const query = new URLSearchParams({
    client_id: settings.clientId,
    response_type: 'code',
    redirect_uri: redirect,
    scope: (scopes ?? ['openid', 'email', ...settings.scopes]).join(' '),
    state: 'some-state',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const answered = await fetch(`${settings.login}/login?${query}`, {
    method: 'POST',
    body: new URLSearchParams({ username: user.email, password: user.password }),
    redirect: 'manual',
  });
  const location = answered.headers.get('location');
  if (location === null) throw new Error(`Nobody is signed in: ${await answered.text()}`);
  const code = new URL(location).searchParams.get('code')!;
  const tokens = await fetch(`${settings.login}/oauth2/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: settings.clientId,
      redirect_uri: redirect,
      code,
      code_verifier: verifier,
    }),
  });
  return (await tokens.json()) as Record<'access_token' | 'id_token' | 'refresh_token', string>;
}

/** Calls the API. */
export async function call<Body = Record<string, never>>(
  api: string,
  token: string | undefined,
  request: string,
  body?: object,
): Promise<Answer<Body>> {
  const [method, path] = request.split(' ') as [string, string];
  const response = await fetch(`${api}${path}`, {
    method,
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(body && { 'content-type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as Body, headers: response.headers };
}

/** Sends a form as a browser does: the fields first, the file last. */
export function sendForm(
  { address, fields }: { readonly address: string; readonly fields: Readonly<Record<string, string>> },
  file: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append('file', new Blob([typeof file === 'string' ? file : new Uint8Array(file)]), 'file');
  return fetch(address, { method: 'POST', body: form, headers });
}
