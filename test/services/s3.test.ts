/** S3 as its own SDK client sees it. */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadObjectCommand,
  InvalidObjectState,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  NoSuchBucket,
  NoSuchKey,
  NotFound,
  PutObjectCommand,
  PutObjectTaggingCommand,
  RestoreObjectCommand,
  S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import type { BucketConfiguration } from '../../local/services/s3';
import { accountId, createTestCloud, failureOf } from './test-cloud';

const Bucket = 'inbox';

function createBucket(configuration: Partial<BucketConfiguration> = {}) {
  const test = createTestCloud();
  test.s3.createBucket({ name: Bucket, versioning: 'Enabled', isEventBridgeEnabled: true, ...configuration });
  const client = new S3Client(test.configuration);
  const put = (Key: string, Body: PutObjectCommandInput['Body'] = 'hello', more: Partial<PutObjectCommandInput> = {}) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ...more }));
  const read = async (Key: string, VersionId?: string) =>
    (await client.send(new GetObjectCommand({ Bucket, Key, VersionId }))).Body!.transformToString();
  return { ...test, client, put, read };
}

const day = 86_400_000;

describe('an object', () => {
  test('comes back with its content, headers, metadata and checksum', async () => {
    const { client, put } = createBucket();
    const { VersionId, ETag } = await put('a.csv', 'hello', {
      ContentType: 'text/csv',
      Metadata: { Owner: 'me' },
      Tagging: 'a=b&c=d%20e',
    });
    const object = await client.send(new GetObjectCommand({ Bucket, Key: 'a.csv' }));
    expect(await object.Body!.transformToString()).toBe('hello');
    expect(object).toMatchObject({
      ETag,
      VersionId,
      ContentType: 'text/csv',
      ContentLength: 5,
      Metadata: { owner: 'me' },
      TagCount: 2,
      ChecksumCRC32: 'NhCmhg==',
      ChecksumType: 'FULL_OBJECT',
      LastModified: new Date('2026-01-01T09:00:00Z'),
    });
    expect(ETag).toBe(`"${createHash('md5').update('hello').digest('hex')}"`);
    const tags = await client.send(new GetObjectTaggingCommand({ Bucket, Key: 'a.csv' }));
    expect(tags.TagSet).toEqual([
      { Key: 'a', Value: 'b' },
      { Key: 'c', Value: 'd e' },
    ]);
  });

  test('may be uploaded as a stream, in chunks with its checksum behind them', async () => {
    const { put, read } = createBucket();
    await put('stream', Readable.from([Buffer.from('abc'), Buffer.from('def')]), {
      ContentLength: 6,
      ChecksumAlgorithm: 'SHA256',
    });
    expect(await read('stream')).toBe('abcdef');
  });

  test('that is missing gives NoSuchKey, to HEAD NotFound; a missing bucket NoSuchBucket', async () => {
    const { client } = createBucket();
    expect(await failureOf(client.send(new GetObjectCommand({ Bucket, Key: 'x' })))).toBeInstanceOf(NoSuchKey);
    expect(await failureOf(client.send(new HeadObjectCommand({ Bucket, Key: 'x' })))).toBeInstanceOf(NotFound);
    expect(await failureOf(client.send(new GetObjectCommand({ Bucket: 'other', Key: 'x' })))).toBeInstanceOf(
      NoSuchBucket,
    );
  });

  test.each([
    ['bytes=1-3', 'ell', 'bytes 1-3/5'],
    ['bytes=3-', 'lo', 'bytes 3-4/5'],
    ['bytes=-2', 'lo', 'bytes 3-4/5'],
    ['bytes=0-99', 'hello', 'bytes 0-4/5'],
  ])('gives the range %s', async (Range, expected, ContentRange) => {
    const { client, put } = createBucket();
    await put('a');
    const part = await client.send(new GetObjectCommand({ Bucket, Key: 'a', Range }));
    expect([await part.Body!.transformToString(), part.ContentRange, part.$metadata.httpStatusCode]).toEqual([
      expected,
      ContentRange,
      206,
    ]);
    const beyond = await failureOf(client.send(new GetObjectCommand({ Bucket, Key: 'a', Range: 'bytes=5-' })));
    expect([beyond.name, beyond.$metadata.httpStatusCode]).toEqual(['InvalidRange', 416]);
  });

  test('in GLACIER can be described, but not read or copied', async () => {
    const { client, put } = createBucket();
    await put('cold', 'x', { StorageClass: 'GLACIER' });
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'cold' }))).StorageClass).toBe('GLACIER');
    const failure = await failureOf(client.send(new GetObjectCommand({ Bucket, Key: 'cold' })));
    expect(failure).toBeInstanceOf(InvalidObjectState);
    expect(failure).toMatchObject({ StorageClass: 'GLACIER', $metadata: { httpStatusCode: 403 } });
    const copy = await failureOf(
      client.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/cold` })),
    );
    expect(copy.name).toBe('ObjectNotInActiveTierError');
  });

  test.each<[string, Partial<PutObjectCommandInput>, string]>([
    ['a wrong SHA-256', { ChecksumSHA256: createHash('sha256').update('other').digest('base64') }, 'BadDigest'],
    ['a wrong CRC32C', { ChecksumCRC32C: 'AAAAAA==' }, 'BadDigest'],
    ['a wrong MD5', { ContentMD5: createHash('md5').update('other').digest('base64') }, 'BadDigest'],
    ['no MD5', { ContentMD5: 'x' }, 'InvalidDigest'],
  ])('with %s is refused', async (_, parameters, code) => {
    const { put, s3 } = createBucket();
    expect((await failureOf(put('a', 'hello', parameters))).name).toBe(code);
    expect(s3.versions(Bucket)).toEqual([]);
  });

  test.each([
    ['ChecksumCRC32', 'y/Q5Jg=='],
    ['ChecksumCRC32C', '4waSgw=='],
    ['ChecksumCRC64NVME', 'rosUhgp5mIg='],
    ['ChecksumSHA1', Buffer.from('f7c3bc1d808e04732adf679965ccc34ca7ae3441', 'hex').toString('base64')],
    [
      'ChecksumSHA256',
      Buffer.from('15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225', 'hex').toString('base64'),
    ],
  ] as const)('is verified by its %s: the check value of that algorithm', async (name, value) => {
    const { client, put } = createBucket();
    expect((await put('a', '123456789', { [name]: value }))[name]).toBe(value);
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'a', ChecksumMode: 'ENABLED' })))[name]).toBe(value);
  });
});

describe('conditional writes', () => {
  test('with If-None-Match take effect once, and again after a deletion', async () => {
    const { client, put, read } = createBucket();
    await put('a', 'first', { IfNoneMatch: '*' });
    const failure = await failureOf(put('a', 'second', { IfNoneMatch: '*' }));
    expect([failure.name, failure.$metadata.httpStatusCode]).toEqual(['PreconditionFailed', 412]);
    expect(await read('a')).toBe('first');
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await put('a', 'third', { IfNoneMatch: '*' });
  });

  test('with If-Match need the object to be the one that was read', async () => {
    const { put } = createBucket();
    expect((await failureOf(put('a', 'x', { IfMatch: '"0"' }))).name).toBe('NoSuchKey');
    const { ETag } = await put('a', 'first');
    await put('a', 'second', { IfMatch: ETag! });
    expect((await failureOf(put('a', 'third', { IfMatch: ETag! }))).name).toBe('PreconditionFailed');
  });

  test('reads may be conditional too', async () => {
    const { client, put } = createBucket();
    const { ETag } = await put('a');
    const unchanged = await failureOf(client.send(new GetObjectCommand({ Bucket, Key: 'a', IfNoneMatch: ETag! })));
    expect(unchanged.$metadata.httpStatusCode).toBe(304);
    const changed = await failureOf(client.send(new GetObjectCommand({ Bucket, Key: 'a', IfMatch: '"0"' })));
    expect([changed.name, changed.$metadata.httpStatusCode]).toEqual(['PreconditionFailed', 412]);
  });
});

describe('versions', () => {
  test('are kept, hidden by a delete marker and removed one by one', async () => {
    const { client, put, read } = createBucket();
    const first = await put('a', 'first');
    const second = await put('a', 'second');
    expect(await read('a')).toBe('second');
    expect(await read('a', first.VersionId)).toBe('first');
    const marker = await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect(marker.DeleteMarker).toBe(true);
    expect((await failureOf(read('a'))).name).toBe('NoSuchKey');
    const ofMarker = await failureOf(
      client.send(new GetObjectCommand({ Bucket, Key: 'a', VersionId: marker.VersionId })),
    );
    expect([ofMarker.name, ofMarker.$metadata.httpStatusCode]).toEqual(['MethodNotAllowed', 405]);
    const list = await client.send(new ListObjectVersionsCommand({ Bucket }));
    expect(list.Versions!.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [second.VersionId, false],
      [first.VersionId, false],
    ]);
    expect(list.DeleteMarkers!.map(({ VersionId, IsLatest }) => [VersionId, IsLatest])).toEqual([
      [marker.VersionId, true],
    ]);
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId: marker.VersionId }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'a', VersionId: second.VersionId }));
    expect(await read('a')).toBe('first');
    expect((await failureOf(read('a', 'nope'))).name).toBe('NoSuchVersion');
  });

  test('do not exist in a bucket without versioning: neither in answers nor in events', async () => {
    const { client, put, events } = createBucket({ versioning: 'Unversioned' });
    expect((await put('a')).VersionId).toBeUndefined();
    await put('a', 'second');
    expect((await client.send(new ListObjectVersionsCommand({ Bucket }))).Versions).toMatchObject([
      { VersionId: 'null', Size: 6 },
    ]);
    expect(events.map((event) => 'version-id' in (event.detail['object'] as object))).toEqual([false, false]);
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    expect((await client.send(new ListObjectVersionsCommand({ Bucket }))).Versions).toBeUndefined();
  });

  test('written while versioning is suspended replace each other, not the older ones', async () => {
    const { put, s3 } = createBucket();
    const kept = await put('a', 'kept');
    s3.configureBucket(Bucket, { versioning: 'Suspended' });
    expect((await put('a', 'one')).VersionId).toBe('null');
    await put('a', 'two');
    expect(s3.versions(Bucket).map(({ versionId }) => versionId)).toEqual(['null', kept.VersionId]);
  });
});

describe('copies', () => {
  test('take content, metadata and tags of the very version asked for', async () => {
    const { client, put, read } = createBucket();
    const first = await put('a', 'first', { Metadata: { m: '1' }, Tagging: 't=1' });
    await put('a', 'second');
    const copy = await client.send(
      new CopyObjectCommand({
        Bucket,
        Key: 'b',
        CopySource: `${Bucket}/a?versionId=${encodeURIComponent(first.VersionId!)}`,
      }),
    );
    expect(copy.CopySourceVersionId).toBe(first.VersionId);
    expect(await read('b')).toBe('first');
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'b' }));
    expect([head.Metadata, head.TagCount]).toEqual([{ m: '1' }, 1]);
  });

  test('of a key that was not encoded miss it, or cannot be sent at all', async () => {
    const { client, put } = createBucket();
    await put('sales+2026 ü.csv');
    await put('a+b.csv');
    const copy = (CopySource: string) => client.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource }));
    expect((await failureOf(copy(`${Bucket}/a+b.csv`))).name).toBe('NoSuchKey');
    expect((await failureOf(copy(`${Bucket}/sales+2026 ü€.csv`))).message).toContain(
      'Invalid character in header content ["x-amz-copy-source"]',
    );
    await copy(`${Bucket}/${encodeURIComponent('sales+2026 ü.csv')}`);
  });

  test('of an object to itself must change something', async () => {
    const { client, put } = createBucket();
    await put('a', 'x', { Metadata: { m: '1' } });
    const copy = (more: object) =>
      client.send(new CopyObjectCommand({ Bucket, Key: 'a', CopySource: `${Bucket}/a`, ...more }));
    expect((await failureOf(copy({}))).name).toBe('InvalidRequest');
    await copy({ MetadataDirective: 'REPLACE', Metadata: { m: '2' } });
    expect((await client.send(new HeadObjectCommand({ Bucket, Key: 'a' }))).Metadata).toEqual({ m: '2' });
  });
});

describe('uploads in parts', () => {
  const big = Buffer.alloc(5 * 1024 * 1024, 'x');

  test.each([
    ['SHA256', 'COMPOSITE'],
    ['CRC32', 'COMPOSITE'],
    ['CRC64NVME', 'FULL_OBJECT'],
  ] as const)('become one object with a %s of type %s', async (ChecksumAlgorithm, type) => {
    const { client, events, s3 } = createBucket();
    const { UploadId } = await client.send(
      new CreateMultipartUploadCommand({ Bucket, Key: 'big', ChecksumAlgorithm, ContentType: 'text/plain' }),
    );
    const Parts = [];
    for (const [index, Body] of [big, Buffer.from('end')].entries()) {
      const part = await client.send(
        new UploadPartCommand({ Bucket, Key: 'big', UploadId, PartNumber: index + 1, Body, ChecksumAlgorithm }),
      );
      Parts.push({ ...part, PartNumber: index + 1 });
    }
    expect(
      (await client.send(new ListPartsCommand({ Bucket, Key: 'big', UploadId }))).Parts!.map(({ Size }) => Size),
    ).toEqual([big.length, 3]);
    const done = await client.send(
      new CompleteMultipartUploadCommand({ Bucket, Key: 'big', UploadId, MultipartUpload: { Parts } }),
    );
    expect(done.ETag).toMatch(/^"[0-9a-f]{32}-2"$/);
    expect(done.ChecksumType).toBe(type);
    expect(done[`Checksum${ChecksumAlgorithm}`]!.endsWith('-2')).toBe(type === 'COMPOSITE');
    expect(s3.object(Bucket, 'big')!.sizeBytes).toBe(big.length + 3);
    expect(events.map(({ detail }) => detail['reason'])).toEqual(['CompleteMultipartUpload']);
    const { ObjectParts } = await client.send(
      new GetObjectAttributesCommand({ Bucket, Key: 'big', ObjectAttributes: ['ObjectParts'] }),
    );
    expect(ObjectParts).toMatchObject({ TotalPartsCount: 2 });
    const last = await client.send(new GetObjectCommand({ Bucket, Key: 'big', PartNumber: 2 }));
    expect([await last.Body!.transformToString(), last.PartsCount]).toEqual(['end', 2]);
  });

  test('refuse parts that are unknown, out of order or too small', async () => {
    const { client } = createBucket();
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'm' }));
    const tags: string[] = [];
    for (const PartNumber of [1, 2])
      tags.push(
        (await client.send(new UploadPartCommand({ Bucket, Key: 'm', UploadId, PartNumber, Body: 'x' }))).ETag!,
      );
    const complete = async (...Parts: { PartNumber: number; ETag: string }[]) =>
      (
        await failureOf(
          client.send(new CompleteMultipartUploadCommand({ Bucket, Key: 'm', UploadId, MultipartUpload: { Parts } })),
        )
      ).name;
    expect(await complete({ PartNumber: 3, ETag: tags[0]! })).toBe('InvalidPart');
    expect(await complete({ PartNumber: 1, ETag: '"0"' })).toBe('InvalidPart');
    expect(await complete({ PartNumber: 2, ETag: tags[1]! }, { PartNumber: 1, ETag: tags[0]! })).toBe(
      'InvalidPartOrder',
    );
    expect(await complete({ PartNumber: 1, ETag: tags[0]! }, { PartNumber: 2, ETag: tags[1]! })).toBe('EntityTooSmall');
  });

  test('may copy ranges of other objects, be listed and be aborted', async () => {
    const { client, put, s3 } = createBucket();
    await put('source', 'hello');
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'm' }));
    const { CopyPartResult } = await client.send(
      new UploadPartCopyCommand({
        Bucket,
        Key: 'm',
        UploadId,
        PartNumber: 1,
        CopySource: `${Bucket}/source`,
        CopySourceRange: 'bytes=1-3',
      }),
    );
    expect(CopyPartResult!.ETag).toBe(`"${createHash('md5').update('ell').digest('hex')}"`);
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toMatchObject([
      { Key: 'm', UploadId },
    ]);
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key: 'm', UploadId }));
    expect(s3.uploadsInProgress(Bucket)).toEqual([]);
    expect((await failureOf(client.send(new ListPartsCommand({ Bucket, Key: 'm', UploadId })))).name).toBe(
      'NoSuchUpload',
    );
  });
});

test('lists come in pages, with prefixes and delimiters', async () => {
  const { client, put } = createBucket();
  for (const key of ['a', 'dir/1', 'dir/2', 'dir/sub/3', 'z']) await put(key);
  const names: (string | undefined)[] = [];
  let ContinuationToken: string | undefined;
  do {
    const page = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 1, ContinuationToken }));
    names.push(
      ...(page.Contents ?? []).map(({ Key }) => Key),
      ...(page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix),
    );
    ContinuationToken = page.NextContinuationToken;
  } while (ContinuationToken !== undefined);
  expect(names).toEqual(['a', 'dir/', 'z']);
  const below = await client.send(
    new ListObjectsV2Command({ Bucket, Prefix: 'dir/', Delimiter: '/', StartAfter: 'dir/1' }),
  );
  expect([below.Contents!.map(({ Key }) => Key), below.CommonPrefixes]).toEqual([['dir/2'], [{ Prefix: 'dir/sub/' }]]);
});

test('several objects are deleted at once', async () => {
  const { client, put } = createBucket();
  await put('a');
  const { Deleted } = await client.send(
    new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'a' }, { Key: 'never there' }] } }),
  );
  expect(Deleted).toMatchObject([
    { Key: 'a', DeleteMarker: true },
    { Key: 'never there', DeleteMarker: true },
  ]);
});

describe('events', () => {
  test('have the envelope of AWS, with the key as it is and the etag without quotes', async () => {
    const { put, events } = createBucket();
    const { VersionId, ETag } = await put('in/a+b c%2B.csv');
    expect(events).toEqual([
      {
        source: 'aws.s3',
        detailType: 'Object Created',
        resources: ['arn:aws:s3:::inbox'],
        detail: {
          version: '0',
          'event-version': '1.0',
          bucket: { name: 'inbox' },
          object: {
            key: 'in/a+b c%2B.csv',
            size: 5,
            etag: JSON.parse(ETag!) as string,
            'version-id': VersionId,
            sequencer: expect.stringMatching(/^[0-9a-f]{16}$/),
          },
          'request-id': expect.stringMatching(/^[0-9A-F]{16}$/),
          requester: accountId,
          'source-ip-address': '192.0.2.1',
          reason: 'PutObject',
        },
      },
    ]);
  });

  test('are ordered by their sequencers', async () => {
    const { put, events, clock } = createBucket();
    for (let count = 0; count < 20; count++) {
      await put('a', String(count));
      if (count % 7 === 0) await clock.runUntilIdle(clock.nowMs() + 10_000);
    }
    const sequencers = events.map(({ detail }) => (detail['object'] as { sequencer: string }).sequencer);
    expect(sequencers).toEqual([...sequencers].sort());
    expect(new Set(sequencers).size).toBe(20);
  });

  test('tell copies, deletions and tags apart', async () => {
    const { client, put, events } = createBucket();
    await put('a');
    const copied = await client.send(new CopyObjectCommand({ Bucket, Key: 'b', CopySource: `${Bucket}/a` }));
    await client.send(
      new PutObjectTaggingCommand({ Bucket, Key: 'b', Tagging: { TagSet: [{ Key: 'k', Value: 'v' }] } }),
    );
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'a' }));
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'b', VersionId: copied.VersionId }));
    expect(events.map(({ detailType, detail }) => [detailType, detail['reason'], detail['deletion-type']])).toEqual([
      ['Object Created', 'PutObject', undefined],
      ['Object Created', 'CopyObject', undefined],
      ['Object Tags Added', undefined, undefined],
      ['Object Deleted', 'DeleteObject', 'Delete Marker Created'],
      ['Object Deleted', 'DeleteObject', 'Permanently Deleted'],
    ]);
  });

  test('are not sent by a bucket without EventBridge', async () => {
    const { put, events } = createBucket({ isEventBridgeEnabled: false });
    await put('a');
    expect(events).toEqual([]);
  });
});

describe('lifecycle', () => {
  const rule = {
    id: 'r',
    isEnabled: true,
    prefix: '',
    tags: new Map<string, string>(),
    sizeGreaterThan: 0,
    sizeLessThan: undefined,
    transitions: [{ storageClass: 'GLACIER', days: 90 }],
    noncurrentTransitions: [{ storageClass: 'GLACIER', days: 90 }],
    expirationDays: undefined,
    noncurrentExpirationDays: undefined,
    abortUploadAfterDays: 7,
  };

  test('moves current and noncurrent versions to GLACIER after 90 days, at midnight', async () => {
    const { put, s3, clock, events } = createBucket({ lifecycleRules: [rule] });
    const startMs = clock.nowMs();
    const classes = () => s3.versions(Bucket).map(({ storageClass }) => storageClass);
    await put('a', 'first');
    await clock.runUntilIdle(startMs + 10 * day);
    await put('a', 'second');
    await clock.runUntilIdle(startMs + 100 * day);
    expect(classes()).toEqual(['STANDARD', 'STANDARD']); // due at the midnight after: both since day 10, 9 o'clock
    await clock.runUntilIdle(startMs + 100 * day + 15 * 3_600_000);
    s3.applyLifecycle(); // doing it once more changes nothing
    expect(classes()).toEqual(['GLACIER', 'GLACIER']);
    expect(
      events
        .slice(2)
        .map(({ detailType, detail }) => [detailType, detail['destination-storage-class'], detail['requester']]),
    ).toEqual([
      ['Object Storage Class Changed', 'GLACIER', 's3.amazonaws.com'],
      ['Object Storage Class Changed', 'GLACIER', 's3.amazonaws.com'],
    ]);
  });

  test('leaves objects below 128 KB where they are, unless the rule has a size filter', async () => {
    const { put, s3, clock } = createBucket({ lifecycleRules: [{ ...rule, sizeGreaterThan: undefined }] });
    await put('small', 'x');
    await put('large', Buffer.alloc(128 * 1024));
    await clock.runUntilIdle(clock.nowMs() + 91 * day);
    expect(s3.versions(Bucket).map(({ key, storageClass }) => [key, storageClass])).toEqual([
      ['large', 'GLACIER'],
      ['small', 'STANDARD'],
    ]);
  });

  test('aborts uploads that nobody completed', async () => {
    const { client, s3, clock } = createBucket({ lifecycleRules: [rule] });
    await client.send(new CreateMultipartUploadCommand({ Bucket, Key: 'm' }));
    await clock.runUntilIdle(clock.nowMs() + 6 * day);
    expect(s3.uploadsInProgress(Bucket)).toHaveLength(1);
    await clock.runUntilIdle(clock.nowMs() + 2 * day);
    expect(s3.uploadsInProgress(Bucket)).toEqual([]);
  });

  test('hides what expires, then forgets it, then removes the marker that hid it', async () => {
    const { put, s3, clock, events } = createBucket({
      lifecycleRules: [{ ...rule, sizeGreaterThan: undefined, expirationDays: 10, noncurrentExpirationDays: 5 }],
    });
    const midnight = clock.nowMs() + 15 * 3_600_000;
    await put('a', 'x');
    const shown = async (days: number) => {
      await clock.runUntilIdle(midnight + days * day);
      return s3.versions(Bucket).map(({ isDeleteMarker }) => (isDeleteMarker ? 'marker' : 'object'));
    };
    expect(await shown(9)).toEqual(['object']);
    expect(await shown(10)).toEqual(['marker', 'object']);
    expect(await shown(14)).toEqual(['marker', 'object']);
    expect(await shown(15)).toEqual(['marker']);
    expect(await shown(20)).toEqual([]);
    expect(
      events.slice(1).map(({ detailType, detail }) => [detailType, detail['reason'], detail['deletion-type']]),
    ).toEqual([
      ['Object Deleted', 'Lifecycle Expiration', 'Delete Marker Created'],
      ['Object Deleted', 'Lifecycle Expiration', 'Permanently Deleted'],
      ['Object Deleted', 'Lifecycle Expiration', 'Permanently Deleted'],
    ]);
  });

  test('of several rules takes what removes for good first, then the coldest class', async () => {
    const { put, s3, clock } = createBucket({
      versioning: 'Unversioned',
      lifecycleRules: [
        { ...rule, transitions: [{ storageClass: 'STANDARD_IA', days: 30 }] },
        { ...rule, transitions: [{ storageClass: 'DEEP_ARCHIVE', days: 30 }] },
        { ...rule, prefix: 'short/', transitions: [], expirationDays: 30 },
      ],
    });
    await put('long/a');
    await put('short/a');
    await clock.runUntilIdle(clock.nowMs() + 31 * day);
    expect(s3.versions(Bucket).map(({ key, storageClass }) => [key, storageClass])).toEqual([
      ['long/a', 'DEEP_ARCHIVE'],
    ]);
  });

  test('keeps no simulation running: waiting for midnight is nothing that happens', async () => {
    const { put, clock } = createBucket({ lifecycleRules: [rule] });
    await put('a');
    const beforeMs = clock.nowMs();
    await clock.runUntilIdle();
    expect(clock.nowMs()).toBe(beforeMs);
  });
});

describe('an archived object', () => {
  const archive = async () => {
    const test = createBucket();
    await test.put('a', 'hello', { StorageClass: 'GLACIER' });
    const restore = (RestoreRequest: object = { Days: 3 }) =>
      test.client.send(new RestoreObjectCommand({ Bucket, Key: 'a', RestoreRequest }));
    const head = () => test.client.send(new HeadObjectCommand({ Bucket, Key: 'a' }));
    return { ...test, restore, head };
  };

  test('cannot be read until it is restored, and then only as long as its copy is kept', async () => {
    const { clock, read, restore, head, events } = await archive();
    expect((await head()).Restore).toBeUndefined();
    await expect(read('a')).rejects.toThrow(InvalidObjectState);

    const startMs = clock.nowMs();
    await restore();
    expect((await head()).Restore).toBe('ongoing-request="true"');
    await expect(read('a')).rejects.toThrow(InvalidObjectState);

    await clock.runUntilIdle();
    const hours = (clock.nowMs() - startMs) / 3_600_000;
    expect(hours).toBeGreaterThanOrEqual(3);
    expect(hours).toBeLessThanOrEqual(5);
    // Restored on 1 January: three days later, rounded up to midnight.
    expect(await head()).toMatchObject({
      StorageClass: 'GLACIER',
      Restore: 'ongoing-request="false", expiry-date="Mon, 05 Jan 2026 00:00:00 GMT"',
    });
    expect(await read('a')).toBe('hello');

    await clock.runUntilIdle(Date.UTC(2026, 0, 5));
    expect((await head()).Restore).toBeUndefined();
    await expect(read('a')).rejects.toThrow(InvalidObjectState);
    expect(
      events.slice(1).map(({ detailType, detail }) => [detailType, detail['requester'], detail['restore-expiry-time']]),
    ).toEqual([
      ['Object Restore Initiated', accountId, undefined],
      ['Object Restore Completed', 's3.amazonaws.com', '2026-01-05T00:00:00Z'],
      ['Object Restore Expired', 's3.amazonaws.com', undefined],
    ]);
  });

  test.each([
    ['Expedited', 1 / 60, 5 / 60],
    ['Bulk', 5, 12],
  ])('comes back %s in its time', async (Tier, least, most) => {
    const { clock, restore } = await archive();
    const startMs = clock.nowMs();
    await restore({ Days: 1, GlacierJobParameters: { Tier } });
    await clock.runUntilIdle();
    expect((clock.nowMs() - startMs) / 3_600_000).toBeGreaterThanOrEqual(least);
    expect((clock.nowMs() - startMs) / 3_600_000).toBeLessThanOrEqual(most);
  });

  test('is restored once at a time; a copy that is there is kept longer when that is asked for', async () => {
    const { clock, client, restore, head } = await archive();
    await restore({ Days: 1 });
    expect(await failureOf(restore({ Days: 1 }))).toMatchObject({
      name: 'RestoreAlreadyInProgress',
      message: 'Object restore is already in progress',
      $metadata: { httpStatusCode: 409 },
    });
    await clock.runUntilIdle();
    await restore({ Days: 10 });
    expect((await head()).Restore).toContain('Mon, 12 Jan 2026');
    await clock.runUntilIdle(Date.UTC(2026, 0, 4));
    const { Contents } = await client.send(
      new ListObjectsV2Command({ Bucket, OptionalObjectAttributes: ['RestoreStatus'] }),
    );
    expect(Contents![0]).toMatchObject({
      StorageClass: 'GLACIER',
      RestoreStatus: { IsRestoreInProgress: false, RestoreExpiryDate: new Date('2026-01-12T00:00:00Z') },
    });
  });

  test('is not what a warm object is: that cannot be restored', async () => {
    const { client, put } = createBucket();
    await put('warm');
    const restore = (RestoreRequest: object) =>
      failureOf(client.send(new RestoreObjectCommand({ Bucket, Key: 'warm', RestoreRequest })));
    expect(await restore({ Days: 1 })).toMatchObject({
      name: 'InvalidObjectState',
      message: "Restore is not allowed for the object's current storage class",
    });
    expect(await restore({ Days: 0 })).toMatchObject({ name: 'MalformedXML' });
    expect(await restore({ Days: 1, Type: 'SELECT' })).toMatchObject({
      message: expect.stringContaining('RestoreRequest.Type') as string,
    });
  });
});
