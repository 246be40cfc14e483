/** S3's operations that list the objects and versions of a bucket. */
import { checkParameters } from '../parameters';
import type { ServiceOutput } from '../service';
import { checksumOf, compareKeys, type ObjectVersion } from './bucket';
import type { S3Context } from './context';
import { errors } from './errors';
import { encodeListed, listKeys } from './listing';
import { restoreStatus } from './archive';

type Input = Readonly<Record<string, unknown>>;

interface ListInput {
  readonly Bucket: string;
  readonly Prefix?: string;
  readonly Delimiter?: string;
  readonly MaxKeys?: number;
  readonly EncodingType?: string;
  readonly OptionalObjectAttributes?: readonly string[];
  readonly ExpectedBucketOwner?: string;
}

interface ListObjectsV2Input extends ListInput {
  readonly ContinuationToken?: string;
  readonly StartAfter?: string;
  readonly FetchOwner?: boolean;
}

interface ListVersionsInput extends ListInput {
  readonly KeyMarker?: string;
  readonly VersionIdMarker?: string;
}

const pageLimit = 1000;
const common = ['Prefix', 'Delimiter', 'MaxKeys', 'EncodingType', 'RequestPayer', 'ExpectedBucketOwner'];

export function listObjectsV2(context: S3Context, input: ListObjectsV2Input): ServiceOutput {
  checkParameters(
    's3',
    'ListObjectsV2',
    input as unknown as Input,
    {
      required: ['Bucket'],
      optional: [...common, 'ContinuationToken', 'StartAfter', 'FetchOwner', 'OptionalObjectAttributes'],
    },
    'InvalidRequest',
  );
  const bucket = context.bucket(input.Bucket, input.ExpectedBucketOwner);
  const limit = readLimit(input.MaxKeys);
  const after = input.ContinuationToken === undefined ? input.StartAfter : readToken(input.ContinuationToken);
  const page = listKeys(
    bucket.keys(),
    { prefix: input.Prefix ?? '', delimiter: input.Delimiter, limit, after },
    (key) => bucket.current(key) !== undefined,
  );
  const encode = (text: string | undefined): string | undefined => encodeListed(text, input.EncodingType);
  const owner = { ID: context.options.accountId };
  return {
    Name: bucket.name,
    Prefix: encode(input.Prefix ?? ''),
    Delimiter: encode(input.Delimiter),
    MaxKeys: limit,
    KeyCount: page.keys.length + page.commonPrefixes.length,
    EncodingType: input.EncodingType,
    StartAfter: encode(input.StartAfter),
    ContinuationToken: input.ContinuationToken,
    IsTruncated: page.next !== undefined,
    ...(page.next !== undefined && { NextContinuationToken: writeToken(page.next) }),
    ...(page.keys.length > 0 && {
      Contents: page.keys.map((key) => ({
        ...describe(bucket.current(key)!, input),
        Key: encode(key),
        ...(input.FetchOwner === true && { Owner: owner }),
      })),
    }),
    ...(page.commonPrefixes.length > 0 && {
      CommonPrefixes: page.commonPrefixes.map((prefix) => ({ Prefix: encode(prefix) })),
    }),
  };
}

export function listObjectVersions(context: S3Context, input: ListVersionsInput): ServiceOutput {
  checkParameters(
    's3',
    'ListObjectVersions',
    input as unknown as Input,
    {
      required: ['Bucket'],
      optional: [...common, 'KeyMarker', 'VersionIdMarker', 'OptionalObjectAttributes'],
    },
    'InvalidRequest',
  );
  const bucket = context.bucket(input.Bucket, input.ExpectedBucketOwner);
  const limit = readLimit(input.MaxKeys);
  const all = bucket
    .keys()
    .filter((key) => key.startsWith(input.Prefix ?? ''))
    .flatMap((key) => bucket.versions(key).map((version, index) => ({ version, isLatest: index === 0 })));
  const rest = all.slice(
    startOf(
      all.map(({ version }) => version),
      input,
    ),
  );
  const { Delimiter: delimiter } = input;
  const encode = (text: string | undefined): string | undefined => encodeListed(text, input.EncodingType);
  const prefixes = new Set<string>();
  const listed: typeof all = [];
  let next: ObjectVersion | undefined;
  for (const entry of rest) {
    if (listed.length + prefixes.size >= limit) {
      next = entry.version;
      break;
    }
    const end = delimiter ? entry.version.key.indexOf(delimiter, (input.Prefix ?? '').length) : -1;
    if (end >= 0) prefixes.add(entry.version.key.slice(0, end + delimiter!.length));
    else listed.push(entry);
  }
  const last = next === undefined ? undefined : listed.at(-1)?.version;
  const describeVersion = ({ version, isLatest }: (typeof all)[number]): object => ({
    ...(version.isDeleteMarker ? { LastModified: new Date(version.lastModifiedMs) } : describe(version, input)),
    Key: encode(version.key),
    VersionId: version.versionId,
    IsLatest: isLatest,
    Owner: { ID: context.options.accountId },
  });
  return {
    Name: bucket.name,
    Prefix: encode(input.Prefix ?? ''),
    Delimiter: encode(delimiter),
    MaxKeys: limit,
    EncodingType: input.EncodingType,
    IsTruncated: next !== undefined,
    ...(last !== undefined && { NextKeyMarker: encode(last.key), NextVersionIdMarker: last.versionId }),
    Versions: listed.filter(({ version }) => !version.isDeleteMarker).map(describeVersion),
    DeleteMarkers: listed.filter(({ version }) => version.isDeleteMarker).map(describeVersion),
    ...(prefixes.size > 0 && { CommonPrefixes: [...prefixes].map((prefix) => ({ Prefix: encode(prefix) })) }),
  };
}

/** The index of the first version behind the markers of a request. */
function startOf(versions: readonly ObjectVersion[], { KeyMarker, VersionIdMarker }: ListVersionsInput): number {
  if (KeyMarker === undefined) {
    if (VersionIdMarker !== undefined) {
      throw errors.invalidArgument(
        'A version-id marker cannot be specified without a key marker.',
        'version-id-marker',
        VersionIdMarker,
      );
    }
    return 0;
  }
  const marked = versions.findIndex(({ key, versionId }) => key === KeyMarker && versionId === VersionIdMarker);
  if (marked >= 0) return marked + 1;
  const after = versions.findIndex(({ key }) => compareKeys(key, KeyMarker) > 0);
  return after < 0 ? versions.length : after;
}

function describe(
  version: ObjectVersion,
  { OptionalObjectAttributes: optional = [] }: ListInput,
): Readonly<Record<string, unknown>> {
  const checksum = checksumOf(version);
  return {
    LastModified: new Date(version.lastModifiedMs),
    ETag: `"${version.etag}"`,
    Size: version.sizeBytes,
    StorageClass: version.storageClass,
    ChecksumAlgorithm: [checksum.algorithm],
    ChecksumType: checksum.type,
    ...(optional.includes('RestoreStatus') && restoreStatus(version)),
  };
}

function readLimit(maxKeys: number | undefined): number {
  if (maxKeys !== undefined && maxKeys < 0) {
    throw errors.invalidArgument(
      'Argument maxKeys must be an integer between 0 and 2147483647',
      'max-keys',
      String(maxKeys),
    );
  }
  return Math.min(maxKeys ?? pageLimit, pageLimit);
}

function writeToken(key: string): string {
  return Buffer.from(key).toString('base64');
}

function readToken(token: string): string {
  const key = Buffer.from(token, 'base64').toString();
  if (writeToken(key) !== token) {
    throw errors.invalidArgument('The continuation token provided is incorrect', 'continuation-token', token);
  }
  return key;
}
