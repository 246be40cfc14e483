/** A simulated HTTP API: CORS, JWT authorizers with scopes, routes, and the function's event in payload format 2.0.
 * Throttling is not simulated. */
import type { RandomSource } from '../random';
import { ServiceError, type Cloud, type ServiceOutput } from '../services/service';
import type { ApiRoute, HttpApi, JwtAuthorizer } from './model';
import type { Addresses, WebHandler, WebRequest, WebResponse } from './listener';
import type { Claims } from './tokens';

interface ApiContext {
  readonly api: HttpApi;
  readonly cloud: Cloud;
  readonly addresses: Addresses;
  readonly random: RandomSource;
  readonly nowMs: () => number;
  /** What a token of that issuer says, if the issuer has signed it. */
  readonly verify: (issuer: string, token: string) => Claims | undefined;
}

/** https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html (read 2026-11) */
const maximumBodyBytes = 10 * 1024 * 1024;

interface MatchedRoute {
  readonly route: ApiRoute;
  readonly pathParameters: Readonly<Record<string, string>>;
}

/** Answers requests to an HTTP API. */
export function serveHttpApi(context: ApiContext): WebHandler {
  return async (request) => {
    const cors = corsHeaders(context, request);
    if (request.method === 'OPTIONS' && context.api.cors !== undefined) {
      return { statusCode: 204, headers: cors, body: '' };
    }
    const response = await answer(context, request);
    return { ...response, headers: { ...response.headers, ...cors } };
  };
}

async function answer(context: ApiContext, request: WebRequest): Promise<WebResponse> {
  const matched = matchRoute(context.api.routes, request);
  if (matched === undefined) return message(404, 'Not Found');
  if (request.body.length > maximumBodyBytes) return message(413, 'Request Entity Too Large');
  const { route } = matched;
  const authorizer = route.authorizerId === undefined ? undefined : context.api.authorizers.get(route.authorizerId);
  const decision = authorizer === undefined ? undefined : authorize(context, authorizer, route.scopes, request);
  if (decision !== undefined && 'refusal' in decision) return decision.refusal;
  return invoke(context, route, toEvent(context, request, matched, decision));
}

/** The most specific route: one with fewer variables, then one that takes the rest of the path, then `$default`. */
function matchRoute(routes: readonly ApiRoute[], { method, path }: WebRequest): MatchedRoute | undefined {
  const matches = routes.flatMap((route): (MatchedRoute & { readonly rank: number })[] => {
    if (route.routeKey === '$default') return [{ route, pathParameters: {}, rank: 1000 }];
    const [routeMethod, template = ''] = route.routeKey.split(' ');
    if (routeMethod !== 'ANY' && routeMethod !== method) return [];
    const names: string[] = [];
    const pattern = template.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)(\+|\\\+)?\}/g, (_, name, greedy) => {
      names.push(String(name));
      return greedy === undefined ? '([^/]+)' : '(.+)';
    });
    const found = new RegExp(`^${pattern}$`).exec(path);
    if (found === null) return [];
    const pathParameters = Object.fromEntries(names.map((name, index) => [name, decode(found[index + 1]!)]));
    return [{ route, pathParameters, rank: names.length + (template.includes('+}') ? 100 : 0) }];
  });
  return matches.sort((left, right) => left.rank - right.rank)[0];
}

type Decision = { readonly claims: Claims; readonly scopes: readonly string[] } | { readonly refusal: WebResponse };

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html (read 2026-11) */
function authorize(
  { verify, nowMs }: ApiContext,
  { issuer, audience }: JwtAuthorizer,
  scopes: readonly string[],
  { headers }: WebRequest,
): Decision {
  const token = (headers['authorization'] ?? '').replace(/^Bearer /i, '');
  const claims = verify(issuer, token);
  const nowSeconds = nowMs() / 1000;
  const intended = claims?.['aud'] ?? claims?.['client_id'];
  const isValid =
    claims !== undefined &&
    claims['iss'] === issuer &&
    Number(claims['exp']) > nowSeconds &&
    Number(claims['nbf'] ?? 0) <= nowSeconds &&
    [intended].flat().some((one) => audience.includes(String(one)));
  if (!isValid) {
    const headers = { 'www-authenticate': 'Bearer scope="" error="invalid_token"' };
    return {
      refusal: { ...message(401, 'Unauthorized'), headers: { 'content-type': 'application/json', ...headers } },
    };
  }
  const granted = String(claims['scope'] ?? '').split(' ');
  const matched = scopes.filter((scope) => granted.includes(scope));
  if (scopes.length > 0 && matched.length === 0) return { refusal: message(403, 'Forbidden') };
  return { claims, scopes: matched };
}

function toEvent(
  { api, cloud, random, nowMs }: ApiContext,
  request: WebRequest,
  { route, pathParameters }: MatchedRoute,
  decision: { readonly claims: Claims; readonly scopes: readonly string[] } | undefined,
): object {
  const query = new URLSearchParams(request.query);
  const names = [...new Set(query.keys())];
  const isText = /^(text\/|application\/(json|javascript|xml|x-www-form-urlencoded))/.test(
    request.headers['content-type'] ?? 'application/json',
  );
  const domainName = new URL(api.origin).host;
  return {
    version: '2.0',
    routeKey: route.routeKey,
    rawPath: request.path,
    rawQueryString: request.query,
    headers: { ...request.headers, host: domainName },
    ...(names.length > 0 && {
      queryStringParameters: Object.fromEntries(names.map((name) => [name, query.getAll(name).join(',')])),
    }),
    ...(Object.keys(pathParameters).length > 0 && { pathParameters }),
    requestContext: {
      accountId: cloud.accountId,
      apiId: api.id,
      ...(decision && { authorizer: { jwt: { claims: claimTexts(decision.claims), scopes: decision.scopes } } }),
      domainName,
      domainPrefix: api.id,
      http: {
        method: request.method,
        path: request.path,
        protocol: 'HTTP/1.1',
        sourceIp: '127.0.0.1',
        userAgent: request.headers['user-agent'] ?? '',
      },
      requestId: random.hex(16),
      routeKey: route.routeKey,
      stage: '$default',
      time: new Date(nowMs()).toUTCString(),
      timeEpoch: nowMs(),
    },
    ...(request.body.length > 0 && { body: request.body.toString(isText ? 'utf8' : 'base64') }),
    isBase64Encoded: request.body.length > 0 && !isText,
  };
}

/** Claims reach a function as texts, a list as `[first second]`. */
function claimTexts(claims: Claims): Record<string, string> {
  return Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [
      name,
      Array.isArray(value) ? `[${value.join(' ')}]` : String(value),
    ]),
  );
}

async function invoke(
  { api, cloud, addresses }: ApiContext,
  { routeKey, integrationId }: ApiRoute,
  event: object,
): Promise<WebResponse> {
  const [method = '', path = ''] = routeKey === '$default' ? ['*', '/$default'] : routeKey.split(' ');
  const sourceArn = `arn:aws:execute-api:${cloud.region}:${cloud.accountId}:${api.id}/$default/${method}${path}`;
  let output: ServiceOutput;
  try {
    output = await cloud.call({
      service: 'lambda',
      operation: 'Invoke',
      input: {
        FunctionName: api.integrations.get(integrationId)!,
        Payload: Buffer.from(JSON.stringify(event)),
      },
      principal: { id: 'apigateway.amazonaws.com', sourceArn },
    });
  } catch (error) {
    if (error instanceof ServiceError) return message(500, 'Internal Server Error');
    throw error;
  }
  if (output['FunctionError'] !== undefined) return message(500, 'Internal Server Error');
  const result = JSON.parse(Buffer.from(output['Payload'] as Uint8Array).toString('utf8')) as FunctionResult;
  if (typeof result !== 'object' || result === null || result.statusCode === undefined) {
    return {
      statusCode: 200,
      headers: { 'content-type': 'application/json' },
      body: addresses.toLocal(JSON.stringify(result)),
    };
  }
  const body =
    result.isBase64Encoded === true ? Buffer.from(result.body ?? '', 'base64') : addresses.toLocal(result.body ?? '');
  const headers = Object.fromEntries(
    Object.entries(result.headers ?? {})
      .map(([name, value]) => [name.toLowerCase(), addresses.toLocal(String(value))] as const)
      .filter(([name]) => name !== 'content-length'),
  );
  return {
    statusCode: Number(result.statusCode),
    headers: { 'content-type': 'text/plain;charset=UTF-8', ...headers },
    body,
  };
}

interface FunctionResult {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

/** What the API's own CORS configuration says; it takes the place of what a function says. */
function corsHeaders(
  { api: { cors }, addresses }: ApiContext,
  { method, headers }: WebRequest,
): Record<string, string> {
  const origin = headers['origin'];
  if (cors === undefined || origin === undefined) return {};
  const allowed = cors.AllowOrigins ?? [];
  if (!allowed.includes('*') && !allowed.includes(addresses.toAws(origin))) return {};
  const list = (name: string, values: readonly string[] | undefined): Record<string, string> =>
    values === undefined || values.length === 0 ? {} : { [name]: values.join(',') };
  return {
    'access-control-allow-origin': allowed.includes('*') ? '*' : origin,
    vary: 'origin',
    ...(cors.AllowCredentials === true && { 'access-control-allow-credentials': 'true' }),
    ...list('access-control-expose-headers', cors.ExposeHeaders),
    ...(method === 'OPTIONS' && {
      ...list('access-control-allow-methods', cors.AllowMethods),
      ...list('access-control-allow-headers', cors.AllowHeaders),
      ...(cors.MaxAge !== undefined && { 'access-control-max-age': String(cors.MaxAge) }),
    }),
  };
}

function message(statusCode: number, text: string): WebResponse {
  return { statusCode, headers: { 'content-type': 'application/json' }, body: JSON.stringify({ message: text }) };
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}
