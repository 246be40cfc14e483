/** A simulated CloudFront distribution: the objects of its bucket, with the headers that its policy adds. Nothing is cached. */
import type { S3Service } from '../services/s3';
import type { Distribution } from './model';
import type { Addresses, WebHandler, WebResponse } from './listener';

/** Media types whose text may name addresses of AWS. */
const textTypes = /^(application\/json|text\/html)/;

/** Answers requests to a distribution.
 * @param mayShow Whether the bucket's policy lets the distribution read an object. */
export function serveSite(
  site: Distribution,
  s3: S3Service,
  addresses: Addresses,
  mayShow: (key: string) => boolean,
): WebHandler {
  return (request) => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return Promise.resolve(withHeaders({ statusCode: 403, headers: {}, body: 'Forbidden' }));
    }
    const path = decodePath(request.path);
    const key = path === '/' ? (site.defaultRootObject ?? '') : path.slice(1);
    const found = read(key, 200);
    if (found !== undefined) return Promise.resolve(withHeaders(found));
    // The origin access control may read objects and not list them: S3 says "forbidden" of what is not there.
    const page = site.errorPages.find(({ errorCode }) => errorCode === 403);
    const shown = page && read(page.path.slice(1), page.responseCode);
    return Promise.resolve(withHeaders(shown ?? { statusCode: 403, headers: {}, body: 'AccessDenied' }));
  };

  function read(key: string, statusCode: number): WebResponse | undefined {
    const object = key === '' ? undefined : s3.object(site.bucket, key);
    if (object === undefined || object.isDeleteMarker || !mayShow(key)) return undefined;
    const contentType = String(object.headers['ContentType'] ?? 'binary/octet-stream');
    const bytes = Buffer.from(object.body.slice(0, object.sizeBytes));
    const cacheControl = object.headers['CacheControl'];
    return {
      statusCode,
      headers: {
        'content-type': contentType,
        ...(typeof cacheControl === 'string' && { 'cache-control': cacheControl }),
      },
      body: textTypes.test(contentType) ? addresses.toLocal(bytes.toString('utf8')) : bytes,
    };
  }

  /** There is no TLS here, so what a policy allows of `https:` it allows of `http:`. */
  function withHeaders(response: WebResponse): WebResponse {
    const added = site.headers.map(({ name, value }) => [
      name,
      addresses.toLocal(value).replace(/(^|\s)https:(?=[\s;]|$)/g, '$1http:'),
    ]);
    return { ...response, headers: { ...response.headers, ...(Object.fromEntries(added) as Record<string, string>) } };
  }
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
