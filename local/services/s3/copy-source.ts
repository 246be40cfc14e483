/** Reads the source of a copy: `bucket/key?versionId=…`, URL-encoded. */
import { UnsupportedError } from '../service';
import { errors } from './errors';

export interface CopySource {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
}

/** Decodes a copy source the way S3 does: percent-encoding, and `+` for a blank. A key that was not encoded names another object.
 * @throws ServiceError InvalidArgument */
export function readCopySource(source: string): CopySource {
  if (source.startsWith('arn:')) {
    throw new UnsupportedError('a copy from an access point', `CopySource ${source}`, 'copy from the bucket');
  }
  const [, path = '', versionId] = /^\/?([\s\S]*?)(?:\?versionId=([^?]*))?$/.exec(source) ?? [];
  const decoded = decode(path, source);
  const slash = decoded.indexOf('/');
  if (slash < 1 || slash === decoded.length - 1) {
    throw errors.invalidArgument(
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
      'x-amz-copy-source',
      source,
    );
  }
  return {
    bucket: decoded.slice(0, slash),
    key: decoded.slice(slash + 1),
    versionId: versionId === undefined ? undefined : decode(versionId, source),
  };
}

function decode(text: string, source: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw errors.invalidArgument('Invalid copy source encoding.', 'x-amz-copy-source', source);
  }
}
