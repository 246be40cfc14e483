/** A simulated bucket as browsers reach it: presigned addresses, signed forms, and the CORS rules that pages must keep. */
import { ServiceError, UnsupportedError, type Cloud, type Principal } from '../services/service';
import { answer, answerError } from '../wire/answer';
import { checkPolicy, readForm, type UploadForm } from './form-upload';
import type { BucketCorsRule } from './model';
import type { Addresses, WebHandler, WebRequest, WebResponse } from './listener';
import { verifyPolicy, verifyPresigned, type FindKey } from './signature';

interface BucketContext {
  readonly bucket: string;
  /** `https://<bucket>.s3.<region>.amazonaws.com` */
  readonly origin: string;
  readonly cloud: Cloud;
  readonly addresses: Addresses;
  readonly cors: () => readonly BucketCorsRule[];
  readonly findKey: FindKey;
  readonly nowMs: () => number;
}

/** What a signature adds to the query of an address. */
const signatureParameters =
  /^X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token|Content-Sha256)$/;

/** Answers requests to a bucket. */
export function serveBucket(context: BucketContext): WebHandler {
  let requestCount = 0;
  return async (request) => {
    const requestId = `browser-${++requestCount}`;
    if (request.method === 'OPTIONS') return preflight(context, request, requestId);
    const response = await serve(context, request, requestId);
    return { ...response, headers: { ...response.headers, ...corsHeaders(context, request, request.method) } };
  };
}

async function serve(context: BucketContext, request: WebRequest, requestId: string): Promise<WebResponse> {
  try {
    if (request.method === 'POST' && request.path === '/') return await storeForm(context, request);
    const host = new URL(context.origin).host;
    const principal = verifyPresigned(request, host, context.findKey, context.nowMs());
    const response = await answer(context.cloud, principal, 's3', toWire(context.bucket, request), requestId);
    return { statusCode: response.statusCode, headers: response.headers, body: response.body };
  } catch (error) {
    return refuse(error, requestId);
  }
}

async function refuse(error: unknown, requestId: string): Promise<WebResponse> {
  if (error instanceof UnsupportedError || !(error instanceof ServiceError)) throw error;
  const { statusCode, headers, body } = await answerError('s3', error, requestId);
  return { statusCode, headers, body };
}

/** The signature has done its work: what is left is the request that it was for. */
function toWire(bucket: string, request: WebRequest): Parameters<typeof answer>[3] {
  const parameters = [...new URLSearchParams(request.query)].filter(([name]) => !signatureParameters.test(name));
  const names = [...new Set(parameters.map(([name]) => name))];
  return {
    method: request.method,
    hostname: `${bucket}.s3.amazonaws.com`,
    path: request.path,
    query: Object.fromEntries(
      names.map((name) => [name, parameters.filter(([other]) => other === name).map(([, value]) => value)]),
    ),
    headers: request.headers,
    body: request.body,
  };
}

/** Form fields that become the object's own, by the name that the API gives them. */
const objectFields: Readonly<Record<string, string>> = {
  'cache-control': 'CacheControl',
  'content-disposition': 'ContentDisposition',
  'content-encoding': 'ContentEncoding',
  'content-type': 'ContentType',
  'x-amz-storage-class': 'StorageClass',
  'x-amz-server-side-encryption': 'ServerSideEncryption',
  'x-amz-server-side-encryption-aws-kms-key-id': 'SSEKMSKeyId',
};

async function storeForm(context: BucketContext, request: WebRequest): Promise<WebResponse> {
  const form = await readForm(request);
  const principal = verifyForm(context, form);
  const key = (form.fields.get('key') ?? '').replaceAll('${filename}', form.fileName);
  const members = [...form.fields].flatMap(([name, value]) => {
    const member = objectFields[name];
    return member === undefined ? [] : [[member, value] as const];
  });
  const metadata = [...form.fields].flatMap(([name, value]) =>
    name.startsWith('x-amz-meta-') ? [[name.slice('x-amz-meta-'.length), value] as const] : [],
  );
  const output = await context.cloud.call({
    service: 's3',
    operation: 'PostObject',
    input: {
      Bucket: context.bucket,
      Key: key,
      Body: form.file,
      ...Object.fromEntries(members),
      ...(metadata.length > 0 && { Metadata: Object.fromEntries(metadata) }),
    },
    principal,
  });
  return storedAnswer(context, key, String(output['ETag']), form.fields.get('success_action_status'));
}

/** The form's own checks come before anything is looked at. */
function verifyForm(context: BucketContext, form: UploadForm): Principal {
  const read = (name: string): string => {
    const value = form.fields.get(name);
    if (value !== undefined) return value;
    throw new ServiceError('AccessDenied', 'Access Denied', 403);
  };
  const principal = verifyPolicy(read('policy'), read('x-amz-credential'), read('x-amz-signature'), context.findKey);
  const fields = new Map(form.fields).set('key', read('key').replaceAll('${filename}', form.fileName));
  checkPolicy(read('policy'), { ...form, fields }, context.bucket, context.nowMs());
  return principal;
}

function storedAnswer(
  { bucket, origin }: BucketContext,
  key: string,
  etag: string,
  status: string | undefined,
): WebResponse {
  const location = `${origin}/${key.split('/').map(encodeURIComponent).join('/')}`;
  const headers = { etag, location };
  if (status !== '201') return { statusCode: status === '200' ? 200 : 204, headers, body: '' };
  const text = (value: string): string => value.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return {
    statusCode: 201,
    headers: { ...headers, 'content-type': 'application/xml' },
    body: `<?xml version="1.0" encoding="UTF-8"?>\n<PostResponse><Location>${text(location)}</Location><Bucket>${bucket}</Bucket><Key>${text(key)}</Key><ETag>${text(etag)}</ETag></PostResponse>`,
  };
}

async function preflight(context: BucketContext, request: WebRequest, requestId: string): Promise<WebResponse> {
  const method = request.headers['access-control-request-method'] ?? '';
  const headers = corsHeaders(context, request, method);
  if (Object.keys(headers).length > 0) return { statusCode: 200, headers, body: '' };
  const why =
    context.cors().length === 0
      ? 'CORSResponse: CORS is not enabled for this bucket.'
      : "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.";
  return refuse(new ServiceError('AccessForbidden', why, 403, { Method: method, ResourceType: 'OBJECT' }), requestId);
}

/** The first rule that allows origin, method and headers. */
function corsHeaders(
  { cors, addresses }: BucketContext,
  { headers }: WebRequest,
  method: string,
): Record<string, string> {
  const origin = headers['origin'];
  if (origin === undefined) return {};
  const asked = (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
  const rule = cors().find(
    ({ AllowedOrigins, AllowedMethods, AllowedHeaders = [] }) =>
      AllowedOrigins.some((pattern) => matches(pattern, addresses.toAws(origin))) &&
      AllowedMethods.includes(method) &&
      asked.every((name) => AllowedHeaders.some((pattern) => matches(pattern.toLowerCase(), name))),
  );
  if (rule === undefined) return {};
  return {
    'access-control-allow-origin': rule.AllowedOrigins.includes('*') ? '*' : origin,
    'access-control-allow-methods': rule.AllowedMethods.join(', '),
    ...(asked.length > 0 && { 'access-control-allow-headers': asked.join(', ') }),
    ...(rule.ExposedHeaders && { 'access-control-expose-headers': rule.ExposedHeaders.join(', ') }),
    ...(rule.MaxAge !== undefined && { 'access-control-max-age': String(rule.MaxAge) }),
    vary: 'Origin, Access-Control-Request-Headers, Access-Control-Request-Method',
  };
}

/** A pattern holds at most one `*`. */
function matches(pattern: string, text: string): boolean {
  const [start, end] = pattern.split('*');
  return end === undefined
    ? pattern === text
    : text.startsWith(start!) && text.endsWith(end) && text.length >= pattern.length - 1;
}
