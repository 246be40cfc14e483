/** State "Quarantine object": where objects go that a state has rejected. */
import { Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { grantReadSource, policyText } from '../constructs/object-source';
import { TaskFunction } from '../constructs/task-function';
import { quarantineObject } from '../tasks/quarantine-object';
import type { IntegrationState } from './integration-state';
import { objectRejectedState } from './outcome';
import type { WorkflowParts } from './parts';
import { assignment, expression } from './state-variables';
import { TaskState } from './task-state';
import { $ } from './workflow-variables';

/** Error of a task that finds the object not acceptable: an outcome, not a failure. */
const rejectedError = 'Object.Rejected';

/** Makes the state that puts a rejected object aside, and the end of the execution after it. */
export function quarantineState(scope: Construct, parts: WorkflowParts): IntegrationState {
  const state = new TaskState(scope, 'Quarantine object', {
    function: createFunction(scope, parts),
    input: { claim: $.claim, object: $.object, error: $.rejectedBy.error, cause: $.rejectedBy.cause },
  });
  state.next(objectRejectedState(scope));
  return state;
}

/** Sends objects that a state rejects to quarantine. */
export function quarantineRejected(state: IntegrationState, quarantine: IntegrationState): void {
  state.addCatch(quarantine, {
    errors: [rejectedError],
    assign: assignment($, {
      rejectedBy: expression('{"error": $states.errorOutput.Error, "cause": $states.errorOutput.Cause}'),
    }),
  });
}

function createFunction(
  scope: Construct,
  { ledger, source, quarantine: { bucket, prefix }, removeRejected }: WorkflowParts,
): TaskFunction<typeof quarantineObject> {
  const lambda = new TaskFunction(scope, 'QuarantineObject', {
    task: quarantineObject,
    // Objects of more than 5 GB are copied part by part.
    timeout: Duration.minutes(15),
    settings: {
      ledgerTable: ledger.table.tableName,
      quarantineBucket: bucket.bucketName,
      quarantinePrefix: prefix,
      removeOriginal: removeRejected,
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
  // S3 reads the parts of a copy again to put them together.
  bucket.encryptionKey?.grant(lambda, 'kms:Decrypt', 'kms:GenerateDataKey');
  if (removeRejected) {
    lambda.allow(
      new PolicyStatement({
        actions: ['s3:DeleteObjectVersion'],
        resources: [source.bucket.arnForObjects(`${policyText(source.prefix ?? '')}*`)],
      }),
    );
  }
  return lambda;
}
