/** State "Validate object", the users' own validators after it, and where rejected objects go: "Quarantine object". */
import type { Construct } from 'constructs';
import type { z } from 'zod';
import type { TaskFunction } from '../constructs/task-function';
import type { Task } from '../tasks/define-task';
import type { ObjectReference } from '../tasks/object-reference';
import type { quarantineObject } from '../tasks/quarantine-object';
import type { validateObject } from '../tasks/validate-object';
import type { IntegrationState } from './integration-state';
import { assignment, expression } from './state-variables';
import { TaskState } from './task-state';
import { $ } from './workflow-variables';

/** Error of a task that finds the object not acceptable: an outcome, not a failure. */
export const rejectedError = 'Object.Rejected';

/** Error of a validation that finds the object version claimed by another execution. */
export const alreadyClaimedError = 'Object.AlreadyClaimed';

/** A task that looks at an object and throws `Object.Rejected` if it is not acceptable. What it returns is not used. */
export type ObjectValidator = Task<z.ZodType<unknown, { readonly object: ObjectReference }>>;

/** Makes the state that looks at the object itself. */
export function validateState(scope: Construct, validate: TaskFunction<typeof validateObject>): IntegrationState {
  return new TaskState(scope, 'Validate object', {
    function: validate,
    input: { claim: $.claim },
    assign: (result) => assignment($, { object: result }),
  });
}

/** Makes the state of a user's validator, named after its task. */
export function validatorState(scope: Construct, validator: TaskFunction<ObjectValidator>): IntegrationState {
  return new TaskState<ObjectValidator>(scope, sentence(validator.task.name), {
    function: validator,
    input: { object: $.object },
  });
}

/** Makes the state that puts a rejected object aside. */
export function quarantineState(scope: Construct, quarantine: TaskFunction<typeof quarantineObject>): IntegrationState {
  return new TaskState(scope, 'Quarantine object', {
    function: quarantine,
    input: { claim: $.claim, object: $.object, error: $.rejectedBy.error, cause: $.rejectedBy.cause },
  });
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

/** `count-lines` as a state's name: `Count lines`. */
function sentence(taskName: string): string {
  const words = taskName.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
