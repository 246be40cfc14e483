/** CDK's `BucketDeployment`: files of the assembly that are copied into a bucket, with values that are known only now. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import type { S3Service } from '../../services/s3';
import { operator, UnsupportedError } from '../../services/service';
import { contentTypeOf } from '../../web/content-type';
import type { Assets } from '../assembly';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

interface DeploymentProperties {
  readonly DestinationBucketName: string;
  readonly DestinationBucketKeyPrefix?: string;
  readonly SourceObjectKeys: readonly string[];
  readonly SourceMarkers?: readonly Readonly<Record<string, string>>[];
  readonly SourceMarkersConfig?: readonly { readonly jsonEscape?: boolean | string }[];
  readonly SystemMetadata?: Readonly<Record<string, string>>;
  readonly Exclude?: readonly string[];
  readonly Include?: readonly string[];
}

/** Handler for the custom resource. Its function, which is written in Python, does not run. */
export function bucketDeploymentResources(s3: S3Service, assets: Assets): ResourceHandlers {
  return {
    'Custom::CDKBucketDeployment': (request) => {
      const properties = request.properties as unknown as DeploymentProperties;
      for (const name of ['Exclude', 'Include'] as const) {
        if ((properties[name] ?? []).length > 0) throw unsupported(name, request);
      }
      deploy(properties, request, s3, assets);
      return created(properties, request);
    },
  };
}

function created(properties: DeploymentProperties, request: ResourceRequest): CreatedResource {
  return {
    ref: request.generateName(64),
    attributes: {
      DestinationBucketArn: `arn:aws:s3:::${properties.DestinationBucketName}`,
      SourceObjectKeys: properties.SourceObjectKeys,
    },
  };
}

/** Later sources win over earlier ones. */
function deploy(properties: DeploymentProperties, request: ResourceRequest, s3: S3Service, assets: Assets): void {
  const prefix = (properties.DestinationBucketKeyPrefix ?? '').replace(/^\/|\/$/g, '');
  for (const [index, assetKey] of properties.SourceObjectKeys.entries()) {
    const folder = assets.find(assetKey);
    if (folder === undefined || !statSync(folder).isDirectory())
      throw unsupported('a source that is no folder', request);
    for (const path of filesBelow(folder)) {
      const input = {
        Bucket: properties.DestinationBucketName,
        Key: prefix === '' ? path : `${prefix}/${path}`,
        Body: withValues(readFileSync(join(folder, path)), properties, index),
        ContentType: contentTypeOf(path),
        ...(properties.SystemMetadata?.['cache-control'] !== undefined && {
          CacheControl: properties.SystemMetadata['cache-control'],
        }),
      };
      s3.operations.PutObject(input, operator);
    }
  }
}

/** A source with values of the deployment holds marks in their places. */
function withValues(
  body: Buffer,
  { SourceMarkers, SourceMarkersConfig }: DeploymentProperties,
  index: number,
): Uint8Array {
  const marks = Object.entries(SourceMarkers?.[index] ?? {});
  if (marks.length === 0) return body;
  const isJson = String(SourceMarkersConfig?.[index]?.jsonEscape ?? false) === 'true';
  const text = marks.reduce(
    (result, [mark, value]) =>
      result.replaceAll(mark, () => (isJson ? JSON.stringify(String(value)).slice(1, -1) : String(value))),
    body.toString('utf8'),
  );
  return Buffer.from(text, 'utf8');
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort();
}

function unsupported(what: string, request: ResourceRequest): UnsupportedError {
  return new UnsupportedError(
    `A bucket deployment with ${what}`,
    `${request.logicalId} of stack ${request.stackName}`,
    'leave it out of the stack that is simulated',
  );
}
