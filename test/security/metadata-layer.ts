/** What uploaders write beside the content: metadata and headers. They are copied with a rejected object, and reach nothing else. */
import {
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  UploadPartCopyCommand,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { copyObject } from '../../tasks/copy-object';
import { checkObject, validationRules } from '../../tasks/validation-rules';
import { same } from './claim-layer';
import type { Upload } from './uploads';

const rules = validationRules.parse({});
const gibibyte = 1024 ** 3;

/** Looks at a rejected object with the metadata, which is so big that its copy has to be described anew.
 * @throws Error when the copy is described otherwise, or validation has looked at the metadata */
export async function checkMetadata({ key, contentType, metadata, contentHeader }: Upload): Promise<void> {
  const described = {
    ContentType: contentType,
    ContentEncoding: contentHeader,
    ContentDisposition: contentHeader,
    ContentLanguage: contentHeader,
    CacheControl: contentHeader,
    Metadata: metadata,
  };
  const head: HeadObjectCommandOutput = { ...described, ContentLength: 6 * gibibyte, $metadata: {} };
  same(
    JSON.stringify(checkObject(key, head, rules)),
    JSON.stringify(checkObject(key, { ...head, Metadata: {}, ContentDisposition: '' }, rules)),
    'what validation says',
  );
  const sent: { readonly name: string; readonly input: Readonly<Record<string, unknown>> }[] = [];
  const send = (command: { readonly constructor: { readonly name: string }; readonly input: object }): object => {
    sent.push({ name: command.constructor.name, input: command.input as Record<string, unknown> });
    if (command instanceof HeadObjectCommand) return head;
    if (command instanceof CreateMultipartUploadCommand) return { UploadId: 'upload' };
    return command instanceof UploadPartCopyCommand ? { CopyPartResult: { ETag: '"part"' } } : {};
  };
  const client = { send: (command: never) => Promise.resolve(send(command)) } as unknown as S3Client;
  const place = { bucket: 'quarantine', key: 'copy' };
  same(
    await copyObject({ bucket: 'inbox', key: 'original' }, { ...place, tags: { rejected: 'TooBig' } }, client),
    true,
    'the copy',
  );
  for (const { name, input } of sent) {
    if (name === 'HeadObjectCommand') continue;
    same(`${String(input['Bucket'])}/${String(input['Key'])}`, 'quarantine/copy', 'the place of the copy');
    if (name !== 'CreateMultipartUploadCommand') continue;
    const { Bucket: _, Key: __, Tagging: tagging, ...given } = input;
    same(JSON.stringify(given), JSON.stringify(described), 'the description of the copy');
    same(tagging, 'rejected=TooBig', 'the tags of the copy');
  }
}
