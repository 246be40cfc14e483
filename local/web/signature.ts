/** Verifies what the SDK signs for browsers: presigned addresses and the policies of forms (Signature Version 4).
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html (read 2026-11) */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { ServiceError, type Principal } from '../services/service';
import type { WebRequest } from './listener';

/** Who signs with an access key. */
export interface KeyHolder {
  readonly principal: Principal;
  readonly secretAccessKey: string;
}

export type FindKey = (accessKeyId: string) => KeyHolder | undefined;

const algorithm = 'AWS4-HMAC-SHA256';

/** Verifies a presigned request.
 * @param host The host that it was signed for.
 * @returns who signed it
 * @throws ServiceError AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch, AuthorizationQueryParametersError */
export function verifyPresigned(request: WebRequest, host: string, findKey: FindKey, nowMs: number): Principal {
  const query = new URLSearchParams(request.query);
  const read = (name: string): string => {
    const value = query.get(name);
    if (value === null) throw incomplete();
    return value;
  };
  if (!query.has('X-Amz-Signature')) throw new ServiceError('AccessDenied', 'Access Denied', 403);
  if (read('X-Amz-Algorithm') !== algorithm) throw incomplete();
  const [credential, date, expires] = [read('X-Amz-Credential'), read('X-Amz-Date'), Number(read('X-Amz-Expires'))];
  const signedHeaders = read('X-Amz-SignedHeaders').split(';');
  const signedAtMs = readDate(date);
  const expiresAtMs = signedAtMs + expires * 1000;
  if (nowMs > expiresAtMs) {
    throw new ServiceError('AccessDenied', 'Request has expired', 403, {
      'X-Amz-Expires': String(expires),
      Expires: new Date(expiresAtMs).toISOString(),
      ServerTime: new Date(nowMs).toISOString(),
    });
  }
  const key = findKeyOf(credential, findKey);
  const canonical = [
    request.method,
    request.path,
    canonicalQuery(query),
    ...signedHeaders.map((name) => `${name}:${name === 'host' ? host : headerText(request.headers[name])}`),
    '',
    signedHeaders.join(';'),
    request.headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD',
  ].join('\n');
  const digest = createHash('sha256').update(canonical).digest('hex');
  const text = [algorithm, date, credential.split('/').slice(1).join('/'), digest].join('\n');
  compare(sign(text, credential, key.secretAccessKey), read('X-Amz-Signature'));
  return key.principal;
}

/** Verifies the policy of a form. @throws ServiceError InvalidAccessKeyId, SignatureDoesNotMatch */
export function verifyPolicy(policy: string, credential: string, signature: string, findKey: FindKey): Principal {
  const key = findKeyOf(credential, findKey);
  compare(sign(policy, credential, key.secretAccessKey), signature);
  return key.principal;
}

/** `20260101T090000Z` */
function readDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

function findKeyOf(credential: string, findKey: FindKey): KeyHolder {
  const accessKeyId = credential.split('/')[0]!;
  const key = findKey(accessKeyId);
  if (key !== undefined) return key;
  throw new ServiceError(
    'InvalidAccessKeyId',
    'The AWS Access Key Id you provided does not exist in our records.',
    403,
    {
      AWSAccessKeyId: accessKeyId,
    },
  );
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query.entries()]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
}

function headerText(value = ''): string {
  return value.trim().replace(/\s+/g, ' ');
}

function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** @param credential Access key, date, Region, service and `aws4_request`, with slashes between. */
function sign(text: string, credential: string, secretAccessKey: string): string {
  const hmac = (key: string | Buffer, data: string): Buffer => createHmac('sha256', key).update(data).digest();
  const [, date = '', region = '', service = '', end = ''] = credential.split('/');
  const key = [region, service, end].reduce<Buffer>(
    (last, part) => hmac(last, part),
    hmac(`AWS4${secretAccessKey}`, date),
  );
  return hmac(key, text).toString('hex');
}

function compare(expected: string, actual: string): void {
  const [left, right] = [Buffer.from(expected), Buffer.from(actual)];
  if (left.length === right.length && timingSafeEqual(left, right)) return;
  throw new ServiceError(
    'SignatureDoesNotMatch',
    'The request signature we calculated does not match the signature you provided. Check your key and signing method.',
    403,
  );
}

function incomplete(): ServiceError {
  return new ServiceError(
    'AuthorizationQueryParametersError',
    'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
  );
}
