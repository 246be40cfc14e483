/** State "Validate object", and the users' own validators after it. */
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { z } from 'zod';
import { grantReadSource, validationRulesOf } from '../constructs/object-source';
import { TaskFunction } from '../constructs/task-function';
import type { Task } from '../tasks/define-task';
import type { ObjectReference } from '../tasks/object-reference';
import { validateObject } from '../tasks/validate-object';
import type { IntegrationState } from './integration-state';
import type { WorkflowParts } from './parts';
import { assignment } from './state-variables';
import { TaskState } from './task-state';
import { $ } from './workflow-variables';

/** Error of a validation that finds the object version claimed by another execution. */
export const alreadyClaimedError = 'Object.AlreadyClaimed';

/** A task that looks at an object and throws `Object.Rejected` if it is not acceptable. What it returns is not used. */
export type ObjectValidator = Task<z.ZodType<unknown, { readonly object: ObjectReference }>>;

/** Makes the state that looks at the object itself. */
export function validateState(scope: Construct, { ledger, source }: WorkflowParts): IntegrationState {
  const validate = new TaskFunction(scope, 'ValidateObject', {
    task: validateObject,
    settings: { ledgerTable: ledger.table.tableName, rules: validationRulesOf(source) },
  });
  ledger.grant(validate, 'GetItem', 'PutItem', 'UpdateItem', 'DeleteItem');
  grantReadSource(validate, source);
  // Without it S3 says "forbidden" of an object that does not exist.
  validate.allow(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [source.bucket.bucketArn] }));
  return new TaskState(scope, 'Validate object', {
    function: validate,
    input: { claim: $.claim },
    assign: (result) => assignment($, { object: result }),
  });
}

/** Makes the state of a user's validator, named after its task, and lets it read the source. */
export function validatorState(
  scope: Construct,
  { source }: WorkflowParts,
  validator: TaskFunction<ObjectValidator>,
): IntegrationState {
  grantReadSource(validator, source);
  return new TaskState<ObjectValidator>(scope, sentence(validator.task.name), {
    function: validator,
    input: { object: $.object },
  });
}

/** `count-lines` as a state's name: `Count lines`. */
function sentence(taskName: string): string {
  const words = taskName.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
