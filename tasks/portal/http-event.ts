/** The way between API Gateway's event (payload format 2.0) and the web's Request and Response. */
import * as z from 'zod';

/** The part of the event that is used.
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (read 2026-11) */
export const httpEvent = z.object({
  version: z.literal('2.0'),
  rawPath: z.string(),
  rawQueryString: z.string().default(''),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().optional(),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({
    http: z.object({ method: z.string() }),
    authorizer: z
      .object({
        jwt: z.object({
          /** All claims are texts here: a list is `[a b]`. */
          claims: z.record(z.string(), z.string()),
          scopes: z.array(z.string()).nullish(),
        }),
      })
      .optional(),
  }),
});
export type HttpEvent = z.output<typeof httpEvent>;

/** What the function answers with. */
export const httpResult = z.object({
  statusCode: z.number().int(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
});
export type HttpResult = z.output<typeof httpResult>;

/** Nobody looks at the host: the routes are told apart by path. */
const origin = 'https://portal.invalid';

/** @throws TypeError when method, path or headers are such as no HTTP server would let through */
export function toRequest(event: HttpEvent): Request {
  const { method } = event.requestContext.http;
  const query = event.rawQueryString === '' ? '' : `?${event.rawQueryString}`;
  const body =
    event.body === undefined ? undefined : Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8');
  return new Request(`${origin}${event.rawPath}${query}`, {
    method,
    headers: event.headers,
    ...(body !== undefined && method !== 'GET' && method !== 'HEAD' && { body: new Uint8Array(body) }),
  });
}

/** The portal answers with JSON only. */
export async function fromResponse(response: Response): Promise<HttpResult> {
  return {
    statusCode: response.status,
    headers: Object.fromEntries(response.headers.entries()),
    body: await response.text(),
  };
}
