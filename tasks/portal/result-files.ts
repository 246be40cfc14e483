/** The results of an upload: which files there are, and signed addresses to download them. */
import { GetObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { filesFolder, maximumManifestBytes, parseManifest, type ResultFile } from '../manifest';
import type { StoredResults } from '../object-reference';
import type { ResultAddress } from './messages';
import { notFound } from './refusal';
import { addressLifetimeSeconds } from './settings';
import { expiry } from './transfer';

/** Reads the manifest that the record names. */
export async function readResultFiles(s3: S3Client, results: StoredResults): Promise<readonly ResultFile[]> {
  const { Body, ContentLength = 0 } = await s3.send(
    new GetObjectCommand({ Bucket: results.bucket, Key: results.manifestKey }),
  );
  if (ContentLength > maximumManifestBytes)
    throw new Error(`The manifest ${results.manifestKey} is too big to be read`);
  return parseManifest((await Body?.transformToString('utf-8')) ?? '');
}

/** Signs the address of one file, by its place in the manifest: a caller never names a key.
 * @throws Refusal 404 when there is no such file */
export async function signResult(
  s3: S3Client,
  results: StoredResults,
  index: number,
  nowMs: number,
): Promise<ResultAddress> {
  const file = (await readResultFiles(s3, results))[index];
  if (file === undefined) throw notFound();
  const command = new GetObjectCommand({
    Bucket: results.bucket,
    Key: `${results.prefix}${filesFolder}${file.path}`,
    // A browser must not show on this origin what a command wrote.
    ResponseContentDisposition: contentDisposition(file.path),
    ResponseContentType: 'application/octet-stream',
  });
  const address = await getSignedUrl(s3, command, {
    expiresIn: addressLifetimeSeconds,
    signingDate: new Date(nowMs),
  });
  return { address, expiresAt: expiry(nowMs) };
}

/** @see https://www.rfc-editor.org/rfc/rfc6266 */
function contentDisposition(path: string): string {
  const name = path.split('/').at(-1)!;
  const plain = name.replace(/[^\w .()-]/g, '_');
  const encoded = encodeURIComponent(name).replace(/['()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}
