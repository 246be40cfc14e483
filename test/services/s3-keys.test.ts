/** Keys are plain text everywhere: whatever Unicode they hold, they come back as they were given. */
import {
  CopyObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import fc from 'fast-check';
import { operator } from '../../local/services/service';
import { listen } from '../../local/wire/loopback-server';
import { createTestCloud, failureOf, region } from './test-cloud';

/** Keys that have broken something somewhere. */
const awkward = [
  ' ',
  '  leading and trailing  ',
  '-rf',
  '--option=x',
  '../../etc/passwd',
  './here',
  'a/./b/../c',
  '/leading/slash',
  'two//slashes',
  'trailing/',
  '/',
  '//',
  'plus+and space and %2B and %',
  'quotes \' " ` and $(command) ${variable} \\ backslash',
  'line\nbreak\r\nand\ttab',
  'file:///etc/passwd',
  's3://bucket/key?versionId=x#fragment',
  '<xml>&amp;</xml> ]]>',
  'ä ö ü é 日本語 😀 \u2028 \u0085 \ufeff',
  '&#10; &lt;',
  '__proto__',
  '.',
  '..',
  'x'.repeat(1024),
  '😀'.repeat(256),
];
/** Any text of up to 1,024 bytes that XML can write: control characters are tested on their own. */
const anyKey = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })

  .filter((key) => Buffer.byteLength(key) <= 1024 && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(key));

function createBucket() {
  const test = createTestCloud();
  test.s3.createBucket({ name: 'inbox', versioning: 'Enabled', isEventBridgeEnabled: true });
  return test;
}

async function roundTrip(
  client: S3Client,
  { events }: Pick<ReturnType<typeof createBucket>, 'events'>,
  Key: string,
): Promise<void> {
  const Bucket = 'inbox';
  const { VersionId } = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'content' }));
  expect((events.at(-1)!.detail['object'] as { key: string }).key).toBe(Key);
  const read = await client.send(new GetObjectCommand({ Bucket, Key }));
  expect(await read.Body!.transformToString()).toBe('content');
  const CopySource = `${Bucket}/${encodeURIComponent(Key)}?versionId=${encodeURIComponent(VersionId!)}`;
  await client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource }));
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }));
  expect(Contents!.map((object) => object.Key)).toContain(Key);
  const { Deleted, Errors } = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key }] } }));
  expect([Deleted!.map((object) => object.Key), Errors]).toEqual([[Key], undefined]);
  expect((await failureOf(client.send(new GetObjectCommand({ Bucket, Key })))).name).toBe('NoSuchKey');
}

test.each(awkward)('the key %j survives upload, event, download, copy, list and deletion', async (key) => {
  const test = createBucket();
  await roundTrip(new S3Client(test.configuration), test, key);
});

test('so does any other key', async () => {
  const test = createBucket();
  const client = new S3Client(test.configuration);
  await fc.assert(
    fc.asyncProperty(anyKey, (key) => roundTrip(client, test, key)),
    { numRuns: 60 },
  );
});

test('and over HTTP', async () => {
  const test = createBucket();
  const server = await listen(test.cloud, () => operator);
  const client = new S3Client({
    region,
    endpoint: server.endpoint,
    credentials: { accessKeyId: 'key', secretAccessKey: 'x' },
  });
  try {
    for (const key of awkward) await roundTrip(client, test, key);
    await fc.assert(
      fc.asyncProperty(anyKey, (key) => roundTrip(client, test, key)),
      { numRuns: 10 },
    );
  } finally {
    client.destroy();
    await server.close();
  }
});

test('control characters are listed encoded for callers that ask for it', async () => {
  const test = createBucket();
  const client = new S3Client(test.configuration);
  const key = 'a\u0000b\u0001 +/ü';
  await client.send(new PutObjectCommand({ Bucket: 'inbox', Key: key, Body: 'x' }));
  const { Contents } = await client.send(new ListObjectsV2Command({ Bucket: 'inbox', EncodingType: 'url' }));
  expect(Contents![0]!.Key).toBe('a%00b%01+%2B/%C3%BC');
  expect(test.s3.object('inbox', key)).toBeDefined();
});

test('a key of 1,025 bytes is refused', async () => {
  const test = createBucket();
  const client = new S3Client(test.configuration);
  const failure = await failureOf(
    client.send(new PutObjectCommand({ Bucket: 'inbox', Key: `x${'😀'.repeat(256)}`, Body: 'x' })),
  );
  expect(failure.name).toBe('KeyTooLongError');
});
