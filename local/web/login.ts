/** Stands in for Cognito's managed login: authorization code with PKCE, tokens with Cognito's claims, sign-out.
 * Second factors, sign-up and forgotten passwords are not simulated: people sign in with the passwords that they were given. */
import { createHash } from 'node:crypto';
import type { RandomSource } from '../random';
import { stableHash } from '../template/stable-hash';
import type { PoolClient, UserPool } from './model';
import { loginPage, refusalPage } from './login-page';
import type { Addresses, WebHandler, WebRequest, WebResponse } from './listener';
import type { TokenSigner } from './tokens';

/** Somebody who can sign in. */
export interface LocalUser {
  readonly email: string;
  readonly password: string;
  /** Groups of the user pool.
   * @default - none */
  readonly groups?: readonly string[];
}

interface LoginContext {
  readonly pool: UserPool;
  readonly clients: readonly PoolClient[];
  readonly users: readonly LocalUser[];
  readonly signer: TokenSigner;
  readonly addresses: Addresses;
  readonly random: RandomSource;
  readonly nowMs: () => number;
}

/** What a browser asks for at the authorization endpoint. */
interface Authorization {
  readonly client: PoolClient;
  /** As the browser has it. */
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly state: string;
  readonly nonce: string | undefined;
  readonly challenge: string;
}

interface Grant {
  readonly authorization: Authorization;
  readonly user: LocalUser;
  readonly authenticatedAtMs: number;
  readonly expiresAtMs: number;
}

const codeLifetimeMs = 5 * 60_000;
const sessionLifetimeMs = 60 * 60_000;

/** The identifier that a user has in a pool: the same in every run. */
export function subOf(pool: Pick<UserPool, 'id'>, email: string): string {
  const digits = stableHash(`${pool.id}/${email.toLowerCase()}`);
  return [0, 8, 12, 16, 20].map((start, index, starts) => digits.slice(start, starts[index + 1] ?? 32)).join('-');
}

/** Answers requests to a user pool's domain. */
export function serveLogin(context: LoginContext): WebHandler {
  const login = new Login(context);
  return (request) => Promise.resolve(login.answer(request));
}

class Login {
  private readonly codes = new Map<string, Grant>();
  private readonly refreshTokens = new Map<string, Grant>();
  private readonly sessions = new Map<string, { readonly user: LocalUser; readonly sinceMs: number }>();

  constructor(private readonly context: LoginContext) {}

  answer(request: WebRequest): WebResponse {
    const query = new URLSearchParams(request.query);
    const form = new URLSearchParams(request.body.toString('utf8'));
    switch (`${request.method} ${request.path}`) {
      case 'GET /oauth2/authorize':
        return this.authorize(query, request);
      case 'POST /login':
        return this.signIn(query, form);
      case 'GET /logout':
        return this.signOut(query, request);
      case 'POST /oauth2/token':
        return withAnyOrigin(this.token(form));
      case 'POST /oauth2/revoke':
        this.refreshTokens.delete(form.get('token') ?? '');
        return withAnyOrigin(json(200, {}));
      case 'OPTIONS /oauth2/token':
      case 'OPTIONS /oauth2/revoke':
        return withAnyOrigin({ statusCode: 204, headers: {}, body: '' });
      default:
        return html(404, refusalPage(`${request.method} ${request.path} is not part of this stand-in for Cognito`));
    }
  }

  /** Whoever is signed in already is sent on at once. */
  private authorize(query: URLSearchParams, request: WebRequest): WebResponse {
    const authorization = this.readAuthorization(query);
    if (typeof authorization === 'string') return html(400, refusalPage(authorization));
    const session = this.sessions.get(readCookie(request));
    const isFresh = session !== undefined && session.sinceMs + sessionLifetimeMs > this.context.nowMs();
    if (isFresh) return this.sendBack(authorization, session.user, session.sinceMs);
    return html(200, loginPage({ action: `/login?${query.toString()}`, failed: false, email: '' }));
  }

  private signIn(query: URLSearchParams, form: URLSearchParams): WebResponse {
    const authorization = this.readAuthorization(query);
    if (typeof authorization === 'string') return html(400, refusalPage(authorization));
    const email = (form.get('username') ?? '').trim();
    const user = this.context.users.find((known) => known.email.toLowerCase() === email.toLowerCase());
    if (user === undefined || user.password !== form.get('password')) {
      return html(200, loginPage({ action: `/login?${query.toString()}`, failed: true, email }));
    }
    const session = this.context.random.hex(32);
    const sinceMs = this.context.nowMs();
    this.sessions.set(session, { user, sinceMs });
    const response = this.sendBack(authorization, user, sinceMs);
    const cookie = `cognito=${session}; Path=/; HttpOnly; SameSite=Lax`;
    return { ...response, headers: { ...response.headers, 'set-cookie': cookie } };
  }

  private sendBack(authorization: Authorization, user: LocalUser, authenticatedAtMs: number): WebResponse {
    const code = this.context.random.uuid();
    const expiresAtMs = this.context.nowMs() + codeLifetimeMs;
    this.codes.set(code, { authorization, user, authenticatedAtMs, expiresAtMs });
    const target = new URL(authorization.redirectUri);
    target.searchParams.set('code', code);
    target.searchParams.set('state', authorization.state);
    return { statusCode: 302, headers: { location: target.href }, body: '' };
  }

  private signOut(query: URLSearchParams, request: WebRequest): WebResponse {
    const client = this.context.clients.find(({ id }) => id === query.get('client_id'));
    const target = query.get('logout_uri') ?? '';
    if (client === undefined || !client.logoutUrls.includes(this.context.addresses.toAws(target))) {
      return html(400, refusalPage('logout_uri is not one of the app client’s sign-out URLs'));
    }
    this.sessions.delete(readCookie(request));
    return { statusCode: 302, headers: { location: target, 'set-cookie': 'cognito=; Path=/; Max-Age=0' }, body: '' };
  }

  /** @returns what is wrong with it, for whoever looks at the page: nobody is sent to an address that is not registered */
  private readAuthorization(query: URLSearchParams): Authorization | string {
    const client = this.context.clients.find(({ id }) => id === query.get('client_id'));
    if (client === undefined) return 'client_id names no app client of this user pool';
    const redirectUri = query.get('redirect_uri') ?? '';
    if (!client.callbackUrls.includes(this.context.addresses.toAws(redirectUri))) {
      return 'redirect_uri is not one of the app client’s callback URLs';
    }
    if (query.get('response_type') !== 'code') return 'response_type must be code';
    const challenge = query.get('code_challenge') ?? '';
    if (challenge === '' || query.get('code_challenge_method') !== 'S256')
      return 'A code_challenge of method S256 is needed';
    const scopes = (query.get('scope') ?? client.scopes.join(' ')).split(/[\s+]+/).filter((scope) => scope !== '');
    const unknown = scopes.find((scope) => !client.scopes.includes(scope));
    if (unknown !== undefined) return `invalid_scope: ${unknown}`;
    return {
      client,
      redirectUri,
      scopes,
      state: query.get('state') ?? '',
      nonce: query.get('nonce') ?? undefined,
      challenge,
    };
  }

  private token(form: URLSearchParams): WebResponse {
    const client = this.context.clients.find(({ id }) => id === form.get('client_id'));
    if (client === undefined) return json(400, { error: 'invalid_client' });
    switch (form.get('grant_type')) {
      case 'authorization_code':
        return this.redeemCode(client, form);
      case 'refresh_token':
        return this.refresh(client, form);
      default:
        return json(400, { error: 'unsupported_grant_type' });
    }
  }

  /** A code is good for one use, for the page that asked and the verifier it kept. */
  private redeemCode(client: PoolClient, form: URLSearchParams): WebResponse {
    const code = form.get('code') ?? '';
    const grant = this.codes.get(code);
    this.codes.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    const isGood =
      grant !== undefined &&
      grant.expiresAtMs > this.context.nowMs() &&
      grant.authorization.client === client &&
      grant.authorization.redirectUri === form.get('redirect_uri') &&
      grant.authorization.challenge === challenge;
    if (!isGood) return json(400, { error: 'invalid_grant' });
    const refreshToken = this.context.random.hex(64);
    const expiresAtMs = this.context.nowMs() + client.refreshTokenSeconds * 1000;
    this.refreshTokens.set(refreshToken, { ...grant, expiresAtMs });
    return json(200, { ...this.issue(grant), refresh_token: refreshToken });
  }

  private refresh(client: PoolClient, form: URLSearchParams): WebResponse {
    const grant = this.refreshTokens.get(form.get('refresh_token') ?? '');
    const isGood =
      grant !== undefined && grant.authorization.client === client && grant.expiresAtMs > this.context.nowMs();
    return isGood ? json(200, this.issue(grant)) : json(400, { error: 'invalid_grant' });
  }

  /** Claims as Cognito writes them.
   * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html (read 2026-11) */
  private issue({ authorization: { client, scopes, nonce }, user, authenticatedAtMs }: Grant): object {
    const { pool, random, signer, nowMs } = this.context;
    const iat = Math.floor(nowMs() / 1000);
    const sub = subOf(pool, user.email);
    const common = {
      sub,
      ...(user.groups !== undefined && user.groups.length > 0 && { 'cognito:groups': user.groups }),
      iss: pool.issuer,
      origin_jti: random.uuid(),
      event_id: random.uuid(),
      auth_time: Math.floor(authenticatedAtMs / 1000),
      iat,
    };
    const accessToken = signer.sign({
      ...common,
      token_use: 'access',
      version: 2,
      client_id: client.id,
      scope: scopes.join(' '),
      username: sub,
      exp: iat + client.accessTokenSeconds,
      jti: random.uuid(),
    });
    const idToken = signer.sign({
      ...common,
      token_use: 'id',
      aud: client.id,
      'cognito:username': sub,
      ...(scopes.includes('email') && { email: user.email, email_verified: true }),
      ...(nonce !== undefined && { nonce }),
      exp: iat + client.idTokenSeconds,
      jti: random.uuid(),
    });
    return {
      access_token: accessToken,
      ...(scopes.includes('openid') && { id_token: idToken }),
      expires_in: client.accessTokenSeconds,
      token_type: 'Bearer',
    };
  }
}

/** Answers requests to the issuer: its description and its public keys. */
export function serveIssuer(
  pools: readonly { readonly pool: UserPool; readonly signer: TokenSigner; readonly domain: string | undefined }[],
  addresses: Addresses,
): WebHandler {
  return ({ path }) => {
    const found = pools.find(({ pool }) => path.startsWith(`/${pool.id}/.well-known/`));
    if (found === undefined) return Promise.resolve(json(404, { message: 'There is no such user pool' }));
    const { pool, signer, domain } = found;
    if (path.endsWith('/jwks.json')) return Promise.resolve(withAnyOrigin(json(200, { keys: [signer.jwk()] })));
    const endpoint = (name: string): string => addresses.toLocal(`${domain ?? ''}/${name}`);
    const description = {
      issuer: pool.issuer,
      jwks_uri: addresses.toLocal(`${pool.issuer}/.well-known/jwks.json`),
      ...(domain !== undefined && {
        authorization_endpoint: endpoint('oauth2/authorize'),
        token_endpoint: endpoint('oauth2/token'),
        revocation_endpoint: endpoint('oauth2/revoke'),
        end_session_endpoint: endpoint('logout'),
      }),
      response_types_supported: ['code', 'token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
      scopes_supported: ['openid', 'email', 'phone', 'profile'],
      token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
    };
    return Promise.resolve(withAnyOrigin(json(200, description)));
  };
}

function readCookie({ headers }: WebRequest): string {
  return /(?:^|;\s*)cognito=([^;]*)/.exec(headers['cookie'] ?? '')?.[1] ?? '';
}

function json(statusCode: number, value: object): WebResponse {
  return {
    statusCode,
    headers: { 'content-type': 'application/json;charset=UTF-8', 'cache-control': 'no-store' },
    body: JSON.stringify(value),
  };
}

function html(statusCode: number, body: string): WebResponse {
  return { statusCode, headers: { 'content-type': 'text/html;charset=UTF-8', 'cache-control': 'no-store' }, body };
}

/** Cognito lets every page ask for tokens: what counts is the code and its verifier. */
function withAnyOrigin(response: WebResponse): WebResponse {
  const headers = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
  return { ...response, headers: { ...response.headers, ...headers } };
}
