/** Which objects are acceptable, and what is said of those that are not: what was found, and what would have been accepted. */
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { isSpecificType, matchesType, mayBeOfType, type SniffedContent } from './content-type';
import type { RejectionReason } from './object-reference';

/** What an object must be like to be processed. */
export const validationRules = z.object({
  /** An empty object is never acceptable. */
  minimumBytes: z.number().int().min(1).default(1),
  maximumBytes: z.number().int().min(1).optional(),
  /** Lower-case, with the dot: `.csv`. Empty: any. */
  extensions: z.array(z.string().regex(/^\.[^A-Z/]+$/)).default([]),
  /** Media types without parameters: `text/csv`, `image/*`. Empty: any. */
  contentTypes: z.array(z.string().regex(/^[^\s;/]+\/[^\s;/]+$/)).default([]),
});
export type ValidationRules = z.output<typeof validationRules>;

/** S3's limit for a key, in bytes of UTF-8. */
const maximumKeyBytes = 1024;

/** Longer than any media type with its parameters; what S3 keeps would not fit beside the key on its way to an instance. */
const maximumContentTypeLength = 256;

/** Checks that a key survives the way to the instance and back. Everything else is plain data to us, line ends included. */
export function checkKey(key: string): RejectionReason[] {
  const accepted = 'a key of at most 1,024 bytes of UTF-8 without the NUL character';
  const reject = (message: string): RejectionReason[] => [{ code: 'UnsafeKey', message, accepted }];
  if (key.includes('\0')) return reject('The key holds the NUL character, which no environment variable can hold');
  if (Buffer.from(key).toString() !== key) return reject('The key is not valid Unicode');
  const keyBytes = Buffer.byteLength(key);
  return keyBytes > maximumKeyBytes ? reject(`The key is ${keyBytes} bytes long`) : [];
}

/** Checks what S3 says of an object. */
export function checkObject(key: string, head: HeadObjectCommandOutput, rules: ValidationRules): RejectionReason[] {
  return [
    ...checkSize(key, head.ContentLength ?? 0, rules),
    ...checkStorageClass(head),
    ...checkExtension(key, rules.extensions),
    ...checkDeclaredType(head.ContentType ?? '', rules.contentTypes),
  ];
}

/** Checks what the object's first bytes say of its type. */
export function checkContent(content: SniffedContent, { contentTypes }: ValidationRules): RejectionReason[] {
  if (contentTypes.length === 0 || mayBeOfType(content, contentTypes)) return [];
  const found = content.kind === 'type' ? content.type : content.kind === 'text' ? 'plain text' : 'not text';
  return [
    { code: 'ContentMismatch', message: `The content is ${found}`, accepted: `content of type ${list(contentTypes)}` },
  ];
}

function checkSize(key: string, sizeBytes: number, rules: ValidationRules): RejectionReason[] {
  const accepted =
    rules.maximumBytes === undefined
      ? `at least ${rules.minimumBytes} bytes`
      : `${rules.minimumBytes} to ${rules.maximumBytes} bytes`;
  if (sizeBytes === 0) {
    const message = key.endsWith('/') ? 'The object is a folder, which has no content' : 'The object is empty';
    return [{ code: 'Empty', message, accepted }];
  }
  const message = `The object has ${sizeBytes} bytes`;
  if (sizeBytes < rules.minimumBytes) return [{ code: 'TooSmall', message, accepted }];
  if (sizeBytes > (rules.maximumBytes ?? Infinity)) return [{ code: 'TooBig', message, accepted }];
  return [];
}

/** An object may be put straight into an archive: it exists, is announced, and cannot be read. */
function checkStorageClass(head: HeadObjectCommandOutput): RejectionReason[] {
  const isArchived =
    head.StorageClass === 'GLACIER' || head.StorageClass === 'DEEP_ARCHIVE' || head.ArchiveStatus !== undefined;
  if (!isArchived || head.Restore?.includes('ongoing-request="false"') === true) return [];
  return [
    {
      code: 'Archived',
      message: `The object is in ${head.ArchiveStatus ?? head.StorageClass} and cannot be read`,
      accepted: 'a storage class that can be read at once, or an object that was restored',
    },
  ];
}

function checkExtension(key: string, extensions: readonly string[]): RejectionReason[] {
  const name = key.slice(key.lastIndexOf('/') + 1).toLowerCase();
  if (extensions.length === 0 || extensions.some((extension) => name.endsWith(extension))) return [];
  const dot = name.lastIndexOf('.');
  const message = dot < 0 ? 'The name has no extension' : `The name ends with "${name.slice(dot)}"`;
  return [{ code: 'WrongExtension', message, accepted: `names that end with ${list(extensions)}` }];
}

/** Where the uploader did not name a type, the content alone decides. */
function checkDeclaredType(contentType: string, contentTypes: readonly string[]): RejectionReason[] {
  if (contentType.length > maximumContentTypeLength) {
    const message = `The Content-Type of the object is ${contentType.length} characters long`;
    const accepted = `a Content-Type of at most ${maximumContentTypeLength} characters`;
    return [{ code: 'WrongContentType', message, accepted }];
  }
  if (contentTypes.length === 0 || !isSpecificType(contentType) || matchesType(contentType, contentTypes)) return [];
  const message = `The object was uploaded as ${contentType}`;
  return [{ code: 'WrongContentType', message, accepted: `Content-Type ${list(contentTypes)}` }];
}

function list(values: readonly string[]): string {
  return values.length < 2 ? values.join('') : `${values.slice(0, -1).join(', ')} or ${values.at(-1)}`;
}
