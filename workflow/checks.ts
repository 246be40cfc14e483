/** What is refused at synth because it would go wrong later: endless loops, and backups that cannot be made. */
import { Annotations, Token } from 'aws-cdk-lib';
import { CfnBucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { misuse } from '../constructs/misuse';
import type { ObjectSource } from '../constructs/object-source';
import type { Folder } from './parts';

/** Refuses folders whose objects would start the workflow again.
 * @throws Error naming the folder */
export function checkLoops(
  scope: Construct,
  source: ObjectSource,
  folders: { readonly results: Folder; readonly quarantine: Folder },
): void {
  for (const [name, { bucket, prefix }] of Object.entries(folders)) {
    checkFolderPrefix(scope, name, prefix);
    const written = name === 'results' ? `${prefix}operations/` : prefix;
    if (!isSameBucket(bucket, source.bucket) || !overlap(written, source.prefix ?? '')) continue;
    throw misuse({
      what: `Writing the ${name} would start the workflow again, without end`,
      where: scope.node.path,
      got: `${name} under ${JSON.stringify(written)} of the source's bucket, source under ${JSON.stringify(source.prefix ?? '')}`,
      allowed: `another bucket, or a prefix that the source's keys do not begin with`,
      fix: `leave ${name} out for a bucket of its own, or give the source a prefix such as "incoming/"`,
    });
  }
}

/** Refuses to back up a bucket that keeps no versions: AWS Backup cannot.
 * @throws Error when the bucket is known to have none */
export function checkRecoverable(scope: Construct, results: IBucket): void {
  const resource = results.node.defaultChild;
  if (!(resource instanceof CfnBucket)) {
    Annotations.of(scope).addWarningV2(
      'cdk-object-workflow:importedResults',
      `An imported bucket must keep versions to be backed up, at ${scope.node.path}\n  got: ${results.node.path}\n  allowed: a bucket with versioning on\n  fix: switch versioning on, or set backup: BackupPolicy.never(); then acknowledge this warning`,
    );
    return;
  }
  const versioning = resource.versioningConfiguration as { readonly status?: string } | undefined;
  if (versioning?.status === 'Enabled' || Token.isUnresolved(versioning)) return;
  throw misuse({
    what: 'The results cannot be backed up',
    where: scope.node.path,
    got: `bucket ${results.node.path} without versions`,
    allowed: 'a bucket with versioned: true',
    fix: 'set versioned: true, leave results out for a bucket of its own, or set backup: BackupPolicy.never()',
  });
}

/** Why instances that are terminated with their operation are not imaged. */
export function launchedSnapshot(scope: Construct): Error {
  return misuse({
    what: 'An instance that is launched for one object is gone before it could be imaged',
    where: scope.node.path,
    got: 'Processor.launch with a snapshot policy',
    allowed:
      'SnapshotPolicy.never(): the launch template names the image that it began with, and its results are stored',
    fix: 'leave snapshot out, or process on instances that stay: Processor.fleet',
  });
}

function checkFolderPrefix(scope: Construct, name: string, prefix: string): void {
  if (Token.isUnresolved(prefix) || prefix === '' || (prefix.endsWith('/') && !prefix.startsWith('/'))) return;
  throw misuse({
    what: `The prefix of the ${name} is not a folder`,
    where: scope.node.path,
    got: JSON.stringify(prefix),
    allowed: 'a text that ends with "/" and does not begin with it',
    fix: `write ${JSON.stringify(`${prefix.replace(/^\/+|\/+$/g, '')}/`)}`,
  });
}

/** Buckets that are imported twice by one name are one bucket. */
function isSameBucket(one: IBucket, other: IBucket): boolean {
  return one === other || one.bucketName === other.bucketName;
}

function overlap(one: string, other: string): boolean {
  if (Token.isUnresolved(one) || Token.isUnresolved(other)) return false;
  return one.startsWith(other) || other.startsWith(one);
}
