/** Where objects come from: the bucket, which of its objects count, and the rule that announces them. */
import { Annotations, Token, type Size } from 'aws-cdk-lib';
import type { EventPattern } from 'aws-cdk-lib/aws-events';
import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { ValidationRules } from '../tasks/validate-object';
import { misuse } from './misuse';
import { sendEventsNatively } from './object-store';

/** Which objects a workflow processes. Everything that is uploaded under the prefix and ends with the suffix starts an execution;
 * sizes and types are then checked, and what is not acceptable goes to quarantine. */
export interface ObjectSource {
  /** The bucket that objects are uploaded to. An imported bucket must send its events to EventBridge already. */
  readonly bucket: IBucket;
  /** Beginning of the keys, usually with `/` at the end.
   * @default - any key */
  readonly prefix?: string;
  /** End of the keys, as `.csv`: case matters. Keeps out the empty objects that stand for folders in the S3 console.
   * @default - any key */
  readonly suffix?: string;
  /** Smaller objects are rejected.
   * @default - one byte: empty objects are always rejected */
  readonly minimumSize?: Size;
  /** Bigger objects are rejected.
   * @default - any size */
  readonly maximumSize?: Size;
  /** Media types that are accepted, as `text/csv` or `image/*`; others are rejected.
   * @default - any type */
  readonly contentTypes?: readonly string[];
}

/** Checks a source, as far as it is known at synth, and switches its events on where they are ours to switch.
 * @throws Error when no object could ever be accepted */
export function bindSource(scope: Construct, source: ObjectSource): void {
  checkTexts(scope, source);
  checkSizes(scope, source);
  if (sendEventsNatively(source.bucket)) return;
  Annotations.of(scope).addWarningV2(
    'cdk-object-workflow:importedSource',
    `An imported bucket must send its events to EventBridge itself, at ${scope.node.path}\n  got: ${source.bucket.node.path}\n  allowed: a bucket with EventBridge notifications on\n  fix: run aws s3api put-bucket-notification-configuration, or switch it on in the bucket's properties; then acknowledge this warning`,
  );
}

/** The pattern of the events that start the workflow. */
export function sourcePattern({ bucket, prefix, suffix }: ObjectSource): EventPattern {
  const key = keyPattern(prefix, suffix);
  return {
    source: ['aws.s3'],
    detailType: ['Object Created'],
    detail: { bucket: { name: [bucket.bucketName] }, object: { key: [key] } },
  };
}

/** Prefix and suffix side by side would mean either of them: only a wildcard means both. Without a suffix, folders of the
 * S3 console are told apart by their `/` as far as one pattern can. */
function keyPattern(prefix: string | undefined, suffix: string | undefined): unknown {
  if (prefix !== undefined && suffix !== undefined) {
    const escape = (text: string) => text.replace(/[\\*]/g, '\\$&');
    return { wildcard: `${escape(prefix)}*${escape(suffix)}` };
  }
  if (prefix !== undefined) return { prefix };
  if (suffix !== undefined) return { suffix };
  return { 'anything-but': { suffix: '/' } };
}

/** The source's rules, as validation reads them. */
export function validationRulesOf(source: ObjectSource): Partial<ValidationRules> {
  return {
    minimumBytes: source.minimumSize && Math.max(1, source.minimumSize.toBytes()),
    maximumBytes: source.maximumSize?.toBytes(),
    extensions: source.suffix !== undefined && /^\.[^A-Z/]+$/.test(source.suffix) ? [source.suffix] : undefined,
    contentTypes: source.contentTypes && [...source.contentTypes],
  };
}

/** Allows reading the source's objects in all their versions, and nothing beside its prefix. */
export function grantReadSource(grantee: IGrantable, source: ObjectSource): Grant {
  const grant = Grant.addToPrincipal({
    grantee,
    actions: ['s3:GetObject', 's3:GetObjectVersion'],
    resourceArns: [sourceObjects(source)],
  });
  source.bucket.encryptionKey?.grantDecrypt(grantee);
  return grant;
}

/** The objects below the source's prefix, in IAM's words. */
export function sourceObjects({ bucket, prefix = '' }: ObjectSource): string {
  return bucket.arnForObjects(`${policyText(prefix)}*`);
}

/** A key as IAM policies write it, where `*`, `?` and `$` mean something else. */
export function policyText(key: string): string {
  return Token.isUnresolved(key) ? key : key.replace(/[*?$]/g, '${$&}');
}

function checkTexts(scope: Construct, { prefix, suffix }: ObjectSource): void {
  for (const [name, text] of Object.entries({ prefix, suffix })) {
    if (text !== '') continue;
    throw misuse({
      what: `A source's ${name} is empty`,
      where: scope.node.path,
      got: '""',
      allowed: 'a text, or nothing for any key',
      fix: `leave ${name} out`,
    });
  }
  if (prefix?.startsWith('/') || prefix?.startsWith('s3://')) {
    throw misuse({
      what: "A source's prefix does not look like the beginning of a key",
      where: scope.node.path,
      got: JSON.stringify(prefix),
      allowed: 'a prefix as keys have it: without a leading "/" and without the bucket',
      fix: `write ${JSON.stringify(prefix.replace(/^s3:\/\/[^/]*/, '').replace(/^\/+/, ''))}`,
    });
  }
  if (suffix?.endsWith('/')) {
    throw misuse({
      what: "A source's suffix matches only folders",
      where: scope.node.path,
      got: JSON.stringify(suffix),
      allowed: 'the end of a file name, as ".csv"',
      fix: 'leave suffix out, or use prefix for a folder',
    });
  }
}

function checkSizes(scope: Construct, { minimumSize, maximumSize }: ObjectSource): void {
  const known = [minimumSize, maximumSize].every((size) => size === undefined || !size.isUnresolved());
  if (!known || maximumSize === undefined) return;
  if (maximumSize.toBytes() >= (minimumSize?.toBytes() ?? 1)) return;
  throw misuse({
    what: "A source's sizes leave nothing to accept",
    where: scope.node.path,
    got: `minimumSize ${minimumSize?.toBytes() ?? 1} bytes, maximumSize ${maximumSize.toBytes()} bytes`,
    allowed: 'a maximum that is not below the minimum, which is at least one byte',
    fix: 'swap the sizes, or leave one out',
  });
}
