/** What the steps of a workflow stand on, and the permissions that several of them share. */
import type { Duration } from 'aws-cdk-lib';
import { Grant, type IGrantable, type IRole } from 'aws-cdk-lib/aws-iam';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { explainFindings } from '../constructs/known-findings';
import type { LedgerTable } from '../constructs/ledger-table';
import { grantReadSource, policyText, sourceObjects, type ObjectSource } from '../constructs/object-source';
import { taskResponseStatements } from '../constructs/operation-permissions';
import { grantSystemsManager, type ProcessorConfig } from '../constructs/processor';
import type { BackupOptions, Recovery, SharedJobPlan, SnapshotOptions } from '../constructs/recovery';
import type { RunCommandDocument } from '../constructs/run-command-document';
import type { TaskFunction } from '../constructs/task-function';

/** A bucket and the beginning of the keys in it: empty, or ends with `/`. */
export interface Folder {
  readonly bucket: IBucket;
  readonly prefix: string;
}

/** Everything that the steps share. */
export interface WorkflowParts {
  readonly source: ObjectSource;
  readonly ledger: LedgerTable;
  readonly results: Folder;
  readonly quarantine: Folder;
  /** Whether a rejected version is deleted from the source. */
  readonly removeRejected: boolean;
  readonly processor: ProcessorConfig;
  /** From the first entry of "Process on EC2", queueing included. */
  readonly processDeadline: Duration;
  /** How long the states that the user inserted may take together. */
  readonly insertedTime: Duration;
  readonly document: RunCommandDocument;
  readonly commandLog: LogGroup;
  readonly snapshot: SharedJobPlan<SnapshotOptions> | undefined;
  readonly backup: (SharedJobPlan<BackupOptions> & { readonly recovery: Recovery }) | undefined;
}

/** Allows reading what the commands left behind. */
export function grantReadOperations(grantee: IGrantable, results: Folder): Grant {
  results.bucket.encryptionKey?.grantDecrypt(grantee);
  return Grant.addToPrincipal({ grantee, actions: ['s3:GetObject'], resourceArns: [operationsFolder(results)] });
}

/** Allows an instance what a command needs: Systems Manager, the objects, a place for results, and one for its output. */
export function grantCommand(role: IRole, { source, results, commandLog }: WorkflowParts): void {
  grantSystemsManager(role);
  grantReadSource(role, source);
  // Results are uploaded in one part each: there is nothing to abort.
  Grant.addToPrincipal({ grantee: role, actions: ['s3:PutObject'], resourceArns: [operationsFolder(results)] });
  results.bucket.encryptionKey?.grant(role, 'kms:GenerateDataKey');
  commandLog.grant(role, 'logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams');
  // The agent looks for the log group before it writes; the service knows no resource for that.
  Grant.addToPrincipal({ grantee: role, actions: ['logs:DescribeLogGroups'], resourceArns: ['*'] });
  explainFindings(role, [sourceObjects(source), operationsFolder(results), '*']);
}

/** What every long operation takes: its place in the ledger, the object's lease, and an answer to the state that waits. */
export function grantLongOperation(lambda: TaskFunction, ledger: LedgerTable): void {
  ledger.grantOperations(lambda);
  ledger.grant(lambda, 'UpdateItem');
  lambda.allow(...taskResponseStatements());
}

/** Objects that instances write: everything under it belongs to one operation each. */
function operationsFolder({ bucket, prefix }: Folder): string {
  return bucket.arnForObjects(`${policyText(prefix)}operations/*`);
}
