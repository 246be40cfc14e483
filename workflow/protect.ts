/** State "Protect": an image of the instance and a backup of the results, side by side; or one of them; or nothing. */
import { Duration, Names } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Parallel, type IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { backupStatements, imageStatements } from '../constructs/operation-permissions';
import type { SnapshotOptions } from '../constructs/recovery';
import { TaskFunction } from '../constructs/task-function';
import { backUpResults } from '../tasks/back-up-results';
import type { BackupOutcome, ImageOutcome } from '../tasks/object-reference';
import type { ImageSettings } from '../tasks/operations/settings';
import { snapshotInstance } from '../tasks/snapshot-instance';
import { operationStates } from './operation-states';
import { grantLongOperation, type WorkflowParts } from './parts';
import { assignment, expression } from './state-variables';
import { TaskState } from './task-state';
import { $ } from './workflow-variables';

/** An image of a volume of some gigabytes takes minutes, and its event follows at once. */
const imageUsuallyTakes = Duration.minutes(10);

/** A backup job takes minutes too, but AWS Backup emits its events only every five minutes.
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/eventbridge.html (read 2026-11) */
const backupUsuallyTakes = Duration.minutes(20);

/** Makes the state or states that protect what was done.
 * @returns undefined where nothing is to be protected */
export function protectState(scope: Construct, parts: WorkflowParts): IChainable | undefined {
  const { snapshot, backup } = parts;
  if (!snapshot) return backup && backupState(scope, parts, backup, true);
  if (!backup) return snapshotState(scope, parts, snapshot, true);
  const parallel = new Parallel(scope, 'Protect', {
    comment: 'Images the instance and backs up the results at the same time.',
    // A branch cannot assign the variables of the states around it, so the Parallel does it for both.
    assign: assignment($, {
      image: expression<ImageOutcome>('$states.result[0]'),
      recoveryPoint: expression<BackupOutcome>('$states.result[1]'),
    }),
  });
  return parallel.branch(snapshotState(scope, parts, snapshot, false), backupState(scope, parts, backup, false));
}

/** What imaging takes, for the state's function and for whoever else moves the operation on.
 * @param describesInstances Whether that one may describe instances already. */
export function snapshotStatements(
  scope: Construct,
  { options }: NonNullable<WorkflowParts['snapshot']>,
  { processor }: WorkflowParts,
  describesInstances: boolean,
): PolicyStatement[] {
  return imageStatements(scope, {
    instances: processor.instances,
    imageSet: imageNamePrefix(scope),
    removesImages: options.keep !== undefined || options.keepFor !== undefined,
    describesInstances,
    parameterName: options.parameterName,
    copies: imageCopies(options),
  });
}

function imageCopies({ copyTo = [], copyKeyArns = {} }: SnapshotOptions): ImageSettings['copies'] {
  return copyTo.map((region) => ({ region, keyArn: copyKeyArns[region] }));
}

function snapshotState(
  scope: Construct,
  parts: WorkflowParts,
  snapshot: NonNullable<WorkflowParts['snapshot']>,
  isAlone: boolean,
): TaskState<typeof snapshotInstance> {
  const { policy, options, deadline } = snapshot;
  const lambda = new TaskFunction(scope, 'SnapshotInstance', {
    task: snapshotInstance,
    settings: {
      ledgerTable: parts.ledger.table.tableName,
      policy,
      imageNamePrefix: imageNamePrefix(scope),
      noReboot: options.noReboot,
      retention: { count: options.keep, days: options.keepFor?.toDays() },
      copies: imageCopies(options),
      parameterName: options.parameterName,
      deadlineSeconds: deadline.toSeconds(),
    },
  });
  grantLongOperation(lambda, parts.ledger);
  lambda.allow(...snapshotStatements(scope, snapshot, parts, false));
  return new TaskState(scope, operationStates.snapshot, {
    function: lambda,
    input: { object: $.object, outcome: $.outcome, results: $.results },
    assign: isAlone ? (result) => assignment($, { image: result }) : undefined,
    deadline,
    firstReCheck: imageUsuallyTakes,
  });
}

function backupState(
  scope: Construct,
  { ledger, results }: WorkflowParts,
  { policy, options, deadline, recovery: { vault, role } }: NonNullable<WorkflowParts['backup']>,
  isAlone: boolean,
): TaskState<typeof backUpResults> {
  const lambda = new TaskFunction(scope, 'BackUpResults', {
    task: backUpResults,
    settings: {
      ledgerTable: ledger.table.tableName,
      policy,
      vaultName: vault.backupVaultName,
      roleArn: role.roleArn,
      resourceArn: results.bucket.bucketArn,
      lifecycle: { deleteAfterDays: options.deleteAfter?.toDays() },
      deadlineSeconds: deadline.toSeconds(),
    },
  });
  grantLongOperation(lambda, ledger);
  lambda.allow(...backupStatements(vault.backupVaultArn, role));
  return new TaskState(scope, operationStates.backup, {
    function: lambda,
    input: { object: $.object, results: $.results },
    assign: isAlone ? (result) => assignment($, { recoveryPoint: result }) : undefined,
    deadline,
    firstReCheck: backupUsuallyTakes,
  });
}

/** Image names take few characters; the construct's path tells whose image it is. */
function imageNamePrefix(scope: Construct): string {
  return Names.uniqueResourceName(scope, { maxLength: 70, separator: '-' });
}
