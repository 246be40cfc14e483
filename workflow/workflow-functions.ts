/** The functions behind the states: each with its settings, and with exactly the permissions that its calls need. */
import { Names, type Duration } from 'aws-cdk-lib';
import { Grant, PolicyStatement, type IGrantable, type IRole } from 'aws-cdk-lib/aws-iam';
import type { ILogGroup } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import type { LedgerTable } from '../constructs/ledger-table';
import { grantReadSource, policyText, validationRulesOf, type ObjectSource } from '../constructs/object-source';
import {
  backupStatements,
  commandStatements,
  imageStatements,
  taskResponseStatements,
} from '../constructs/operation-permissions';
import { grantSystemsManager, type ProcessorConfig } from '../constructs/processor';
import type { BackupOptions, Recovery, SnapshotOptions } from '../constructs/recovery';
import type { RunCommandDocument } from '../constructs/run-command-document';
import { TaskFunction } from '../constructs/task-function';
import { backUpResults } from '../tasks/back-up-results';
import type { GroupCommitPolicy } from '../tasks/operations/settings';
import { processObject } from '../tasks/process-object';
import { quarantineObject } from '../tasks/quarantine-object';
import { snapshotInstance } from '../tasks/snapshot-instance';
import { storeResults } from '../tasks/store-results';
import { validateObject } from '../tasks/validate-object';

/** A bucket and the beginning of the keys in it: empty, or ends with `/`. */
export interface Folder {
  readonly bucket: IBucket;
  readonly prefix: string;
}

/** Allows reading what the commands left behind. */
export function grantReadOperations(grantee: IGrantable, results: Folder): Grant {
  results.bucket.encryptionKey?.grantDecrypt(grantee);
  return Grant.addToPrincipal({ grantee, actions: ['s3:GetObject'], resourceArns: [operationsFolder(results)] });
}

/** Allows an instance what a command needs: Systems Manager, the objects, a place for results, and one for its output. */
export function grantCommand(role: IRole, source: ObjectSource, results: Folder, output: ILogGroup): void {
  grantSystemsManager(role);
  grantReadSource(role, source);
  Grant.addToPrincipal({
    grantee: role,
    actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
    resourceArns: [operationsFolder(results)],
  });
  results.bucket.encryptionKey?.grantEncryptDecrypt(role);
  output.grant(role, 'logs:CreateLogStream', 'logs:PutLogEvents', 'logs:DescribeLogStreams');
  // The agent looks for the log group before it writes; the service knows no resource for that.
  Grant.addToPrincipal({ grantee: role, actions: ['logs:DescribeLogGroups'], resourceArns: ['*'] });
}

/** Objects that instances write: everything under it belongs to one operation each. */
export function operationsFolder({ bucket, prefix }: Folder): string {
  return bucket.arnForObjects(`${policyText(prefix)}operations/*`);
}

/** Makes the function of "Validate object". */
export function createValidate(
  scope: Construct,
  ledger: LedgerTable,
  source: ObjectSource,
): TaskFunction<typeof validateObject> {
  const validate = new TaskFunction(scope, 'ValidateObject', {
    task: validateObject,
    settings: { ledgerTable: ledger.table.tableName, rules: validationRulesOf(source) },
  });
  ledger.grant(validate, 'GetItem', 'PutItem', 'UpdateItem', 'DeleteItem');
  grantReadSource(validate, source);
  // Without it S3 says "forbidden" of an object that does not exist.
  validate.allow(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [source.bucket.bucketArn] }));
  return validate;
}

/** Makes the function of "Quarantine object". */
export function createQuarantine(
  scope: Construct,
  ledger: LedgerTable,
  source: ObjectSource,
  quarantine: Folder & { readonly removeOriginal: boolean },
): TaskFunction<typeof quarantineObject> {
  const { bucket, prefix, removeOriginal } = quarantine;
  const lambda = new TaskFunction(scope, 'QuarantineObject', {
    task: quarantineObject,
    settings: {
      ledgerTable: ledger.table.tableName,
      quarantineBucket: bucket.bucketName,
      quarantinePrefix: prefix,
      removeOriginal,
    },
  });
  ledger.grant(lambda, 'GetItem', 'UpdateItem', 'DeleteItem');
  grantReadSource(lambda, source);
  lambda.allow(
    new PolicyStatement({ actions: ['s3:ListBucket'], resources: [source.bucket.bucketArn] }),
    new PolicyStatement({
      actions: ['s3:PutObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload'],
      resources: [bucket.arnForObjects(`${policyText(prefix)}*`)],
    }),
  );
  bucket.encryptionKey?.grantEncryptDecrypt(lambda);
  if (removeOriginal) {
    lambda.allow(
      new PolicyStatement({
        actions: ['s3:DeleteObjectVersion'],
        resources: [source.bucket.arnForObjects(`${policyText(source.prefix ?? '')}*`)],
      }),
    );
  }
  return lambda;
}

/** Makes the function of "Process on EC2". */
export function createProcess(
  scope: Construct,
  ledger: LedgerTable,
  command: {
    readonly processor: ProcessorConfig;
    readonly document: RunCommandDocument;
    readonly results: Folder;
    readonly outputLogGroup: string;
    readonly deadline: Duration;
  },
): TaskFunction<typeof processObject> {
  const { processor, document, results, deadline } = command;
  const lambda = new TaskFunction(scope, 'ProcessObject', {
    task: processObject,
    settings: {
      ledgerTable: ledger.table.tableName,
      fleet: processor.fleet,
      documentName: document.documentName,
      resultsBucket: results.bucket.bucketName,
      resultsPrefix: results.prefix,
      executionTimeoutSeconds: processor.timeout.toSeconds(),
      deadlineSeconds: deadline.toSeconds(),
      maximumTries: processor.maximumTries,
      outputLogGroup: command.outputLogGroup,
    },
  });
  grantLongOperation(lambda, ledger);
  lambda.allow(...commandStatements(document.documentArn, processor.instances));
  return lambda;
}

/** Makes the function of "Store results". */
export function createStore(scope: Construct, ledger: LedgerTable, results: Folder): TaskFunction<typeof storeResults> {
  const lambda = new TaskFunction(scope, 'StoreResults', {
    task: storeResults,
    settings: { ledgerTable: ledger.table.tableName },
  });
  ledger.grant(lambda, 'UpdateItem');
  grantReadOperations(lambda, results);
  lambda.allow(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [results.bucket.bucketArn] }));
  return lambda;
}

/** Makes the function of "Snapshot instance". */
export function createSnapshot(
  scope: Construct,
  ledger: LedgerTable,
  snapshot: {
    readonly policy: GroupCommitPolicy;
    readonly options: SnapshotOptions;
    readonly processor: ProcessorConfig;
    readonly deadline: Duration;
  },
): TaskFunction<typeof snapshotInstance> {
  const { policy, options } = snapshot;
  const lambda = new TaskFunction(scope, 'SnapshotInstance', {
    task: snapshotInstance,
    settings: {
      ledgerTable: ledger.table.tableName,
      policy,
      imageNamePrefix: imageNamePrefix(scope),
      noReboot: options.noReboot,
      retention: { count: options.keep, days: options.keepFor?.toDays() },
      parameterName: options.parameterName,
      deadlineSeconds: snapshot.deadline.toSeconds(),
    },
  });
  grantLongOperation(lambda, ledger);
  lambda.allow(...snapshotStatements(scope, options, snapshot.processor));
  return lambda;
}

/** What imaging as the policy says takes. */
export function snapshotStatements(
  scope: Construct,
  options: SnapshotOptions,
  { instances }: ProcessorConfig,
): PolicyStatement[] {
  return imageStatements(scope, {
    instances,
    imageSet: imageNamePrefix(scope),
    removesImages: options.keep !== undefined || options.keepFor !== undefined,
    parameterName: options.parameterName,
  });
}

/** Makes the function of "Back up results". */
export function createBackup(
  scope: Construct,
  ledger: LedgerTable,
  backup: {
    readonly policy: GroupCommitPolicy;
    readonly options: BackupOptions;
    readonly recovery: Recovery;
    readonly results: Folder;
    readonly deadline: Duration;
  },
): TaskFunction<typeof backUpResults> {
  const { policy, options } = backup;
  const { vault, role } = backup.recovery;
  const lambda = new TaskFunction(scope, 'BackUpResults', {
    task: backUpResults,
    settings: {
      ledgerTable: ledger.table.tableName,
      policy,
      vaultName: vault.backupVaultName,
      roleArn: role.roleArn,
      resourceArn: backup.results.bucket.bucketArn,
      lifecycle: { deleteAfterDays: options.deleteAfter?.toDays() },
      deadlineSeconds: backup.deadline.toSeconds(),
    },
  });
  grantLongOperation(lambda, ledger);
  lambda.allow(...backupStatements(vault.backupVaultArn, role));
  return lambda;
}

/** What every long operation takes: its place in the ledger, the object's lease, and an answer to the state that waits. */
function grantLongOperation(lambda: TaskFunction, ledger: LedgerTable): void {
  ledger.grantOperations(lambda);
  ledger.grant(lambda, 'UpdateItem');
  lambda.allow(...taskResponseStatements());
}

/** Image names take few characters; the construct's path tells whose image it is. */
function imageNamePrefix(scope: Construct): string {
  return Names.uniqueResourceName(scope, { maxLength: 70, separator: '-' });
}
