/** Where an S3 request points: the bucket is in the host name or in the path. */

/** Splits an S3 address. A `+` in a path means a blank to S3; clients encode the one they mean.
 * @returns no bucket for requests to the service itself; the path is that of the key, still percent-encoded */
export function s3Location(
  hostname: string,
  requestPath: string,
): { readonly bucket: string | undefined; readonly path: string } {
  const path = requestPath.replaceAll('+', '%20');
  const bucket = bucketOfHost(hostname);
  if (bucket !== undefined) return { bucket, path };
  const [, first = '', rest = ''] = /^\/([^/]*)(?:\/([\s\S]*))?$/.exec(path) ?? [];
  return first === '' ? { bucket: undefined, path } : { bucket: decodeURIComponent(first), path: `/${rest}` };
}

function bucketOfHost(hostname: string): string | undefined {
  const onAws = /^(?:(.+)\.)?s3[.-](?:[a-z0-9-]+\.)*amazonaws\.com(?:\.cn)?$/.exec(hostname);
  if (onAws !== null) return onAws[1];
  const local = /^(.+)\.(?:s3\.)?localhost$/.exec(hostname)?.[1];
  return local === 's3' ? undefined : local;
}
