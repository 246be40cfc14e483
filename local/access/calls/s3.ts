/** What S3's operations need.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html (read 2026-11) */
import {
  type Input,
  keyUse,
  list,
  type Permission,
  type Requirement,
  type Requirements,
  type ResourceFacts,
  text,
} from './permission';

const bucketArn = (input: Input): string => `arn:aws:s3:::${text(input, 'Bucket') ?? ''}`;
const objectArn = (input: Input): string => `${bucketArn(input)}/${text(input, 'Key') ?? ''}`;

/** Reading an object takes another action where a version is named, and only that. */
function onObject(name: string, input: Input, facts: ResourceFacts): Permission {
  const versionId = text(input, 'VersionId');
  const verb = /^(Get|Put|Delete)Object(.*)$/.exec(name)!;
  const action = versionId === undefined ? `s3:${name}` : `s3:${verb[1]}ObjectVersion${verb[2]}`;
  return {
    action,
    resource: objectArn(input),
    ...(versionId !== undefined && { keys: { 's3:versionid': versionId } }),
    lookUp: (key) => {
      const name = /^s3:existingobjecttag\/(.*)$/.exec(key)?.[1];
      if (name === undefined) return undefined;
      const tags = [...facts.objectTags(text(input, 'Bucket') ?? '', text(input, 'Key') ?? '', versionId)];
      return tags.find(([tag]) => tag.toLowerCase() === name)?.[1];
    },
  };
}

const requestHeaders: Readonly<Record<string, string>> = {
  ACL: 's3:x-amz-acl',
  ServerSideEncryption: 's3:x-amz-server-side-encryption',
  SSEKMSKeyId: 's3:x-amz-server-side-encryption-aws-kms-key-id',
  StorageClass: 's3:x-amz-storage-class',
  CopySource: 's3:x-amz-copy-source',
  MetadataDirective: 's3:x-amz-metadata-directive',
  IfNoneMatch: 's3:if-none-match',
  IfMatch: 's3:if-match',
};

function put(input: Input): Permission {
  const keys: Record<string, string | readonly string[]> = {};
  for (const [name, key] of Object.entries(requestHeaders)) {
    if (input[name] !== undefined) keys[key] = String(input[name]);
  }
  const tags = [...new URLSearchParams(text(input, 'Tagging') ?? '')];
  for (const [name, value] of tags) keys[`s3:requestobjecttag/${name.toLowerCase()}`] = value;
  if (tags.length > 0) keys['s3:requestobjecttagkeys'] = tags.map(([name]) => name);
  return { action: 's3:PutObject', resource: objectArn(input), keys };
}

/** Writing with tags or with an access list takes the action for those as well. */
function putAll(input: Input): readonly Permission[] {
  const written = put(input);
  const tags = (text(input, 'Tagging') ?? '') !== '';
  return [
    written,
    ...(tags ? [{ ...written, action: 's3:PutObjectTagging' }] : []),
    ...(input['ACL'] === undefined ? [] : [{ ...written, action: 's3:PutObjectAcl' }]),
  ];
}

function read(input: Input, facts: ResourceFacts): readonly Permission[] {
  return [onObject('GetObject', input, facts), ...keyUse(['Decrypt'], bucketArn(input), 's3', facts)];
}

function copySource(input: Input): Input {
  const [path = '', query = ''] = (text(input, 'CopySource') ?? '').split('?');
  const decoded = decode(path.replace(/^\//, ''));
  const slash = decoded.indexOf('/');
  const versionId = new URLSearchParams(query).get('versionId');
  return {
    Bucket: decoded.slice(0, slash),
    Key: decoded.slice(slash + 1),
    ...(versionId !== null && { VersionId: versionId }),
  };
}

/** What is not encoded as it must be, the service refuses. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

function copy(input: Input, facts: ResourceFacts): readonly Permission[] {
  const source = copySource(input);
  const target = bucketArn(input);
  const sourceTags = facts.objectTags(String(source['Bucket']), String(source['Key']), text(source, 'VersionId'));
  const copiesTags = input['TaggingDirective'] !== 'REPLACE' && sourceTags.size > 0;
  return [
    ...read(source, facts),
    ...(copiesTags
      ? [onObject('GetObjectTagging', source, facts), { ...put(input), action: 's3:PutObjectTagging' }]
      : []),
    ...putAll(input),
    ...keyUse(['GenerateDataKey'], target, 's3', facts),
  ];
}

const onBucket =
  (action: string) =>
  (input: Input): readonly Permission[] => [{ action, resource: bucketArn(input) }];

const listing =
  (action: string) =>
  (input: Input): readonly Permission[] => {
    const keys: Record<string, string> = {};
    for (const [name, key] of [
      ['Prefix', 's3:prefix'],
      ['Delimiter', 's3:delimiter'],
      ['MaxKeys', 's3:max-keys'],
    ] as const) {
      if (input[name] !== undefined) keys[key] = String(input[name]);
    }
    return [{ action, resource: bucketArn(input), keys }];
  };

const tagging =
  (name: string) =>
  (input: Input, facts: ResourceFacts): readonly Permission[] => [onObject(name, input, facts)];

const storing: Requirement = (input, facts) => [
  ...putAll(input),
  ...keyUse(['GenerateDataKey'], bucketArn(input), 's3', facts),
];

/** By operation. */
export const s3Requirements: Requirements = {
  PutObject: storing,
  PostObject: storing,
  GetObject: read,
  HeadObject: read,
  CopyObject: copy,
  DeleteObject: tagging('DeleteObject'),
  DeleteObjects: (input, facts) => {
    const { Objects: objects = [] } = (input['Delete'] ?? {}) as { readonly Objects?: readonly Input[] };
    return objects.map((object) => onObject('DeleteObject', { ...object, Bucket: input['Bucket'] }, facts));
  },
  GetObjectTagging: tagging('GetObjectTagging'),
  PutObjectTagging: tagging('PutObjectTagging'),
  DeleteObjectTagging: tagging('DeleteObjectTagging'),
  GetObjectAttributes: (input, facts) => [...read(input, facts), onObject('GetObjectAttributes', input, facts)],
  RestoreObject: (input) => [{ action: 's3:RestoreObject', resource: objectArn(input) }],
  ListObjectsV2: listing('s3:ListBucket'),
  ListObjectVersions: listing('s3:ListBucketVersions'),
  HeadBucket: onBucket('s3:ListBucket'),
  CreateMultipartUpload: (input, facts) => [
    ...putAll(input),
    ...keyUse(['GenerateDataKey'], bucketArn(input), 's3', facts),
  ],
  UploadPart: (input, facts) => [put(input), ...keyUse(['GenerateDataKey', 'Decrypt'], bucketArn(input), 's3', facts)],
  UploadPartCopy: (input, facts) => [
    ...read(copySource(input), facts),
    put(input),
    ...keyUse(['GenerateDataKey', 'Decrypt'], bucketArn(input), 's3', facts),
  ],
  CompleteMultipartUpload: (input, facts) => [put(input), ...keyUse(['Decrypt'], bucketArn(input), 's3', facts)],
  AbortMultipartUpload: (input) => [{ action: 's3:AbortMultipartUpload', resource: objectArn(input) }],
  ListParts: (input) => [{ action: 's3:ListMultipartUploadParts', resource: objectArn(input) }],
  ListMultipartUploads: listing('s3:ListBucketMultipartUploads'),
  ListBuckets: () => [{ action: 's3:ListAllMyBuckets', resource: '*' }],
  GetBucketVersioning: onBucket('s3:GetBucketVersioning'),
  GetBucketLocation: onBucket('s3:GetBucketLocation'),
  GetBucketCors: onBucket('s3:GetBucketCORS'),
  GetBucketLifecycleConfiguration: onBucket('s3:GetLifecycleConfiguration'),
  PutBucketLifecycleConfiguration: onBucket('s3:PutLifecycleConfiguration'),
  GetBucketNotificationConfiguration: onBucket('s3:GetBucketNotification'),
  PutBucketNotificationConfiguration: onBucket('s3:PutBucketNotification'),
};

/** Who may not list a bucket is not told that an object does not exist.
 * @returns undefined where the operation reads no object */
export function listingToBeTold(operation: string, input: Input): Permission | undefined {
  if (!['GetObject', 'HeadObject', 'GetObjectAttributes', 'CopyObject', 'UploadPartCopy'].includes(operation))
    return undefined;
  const read = operation.includes('Copy') ? copySource(input) : input;
  return { action: 's3:ListBucket', resource: bucketArn(read) };
}

/** The objects of a `DeleteObjects` call, which is decided object by object. */
export function objectsToDelete(input: Input): readonly Input[] {
  return list<Input>((input['Delete'] ?? {}) as Input, 'Objects');
}
