/** Task: has work done elsewhere. */
import { effectiveInput, effectiveParameters, evaluate, exitWithResult } from '../data-flow';
import { isObject } from '../data/json-value';
import { unexpectedType } from '../data/jsonata';
import type { Field, TaskState } from '../definition';
import type { JsonValue } from '../engine';
import { StateFailed } from '../failure';
import type { Step } from '../step';
import type { Visit } from '../visit';

/** Every attempt enters anew: fields may depend on `$states.context.State.RetryCount` and on the attempt's token. */
export function enterTask(visit: Visit<TaskState>): Step {
  const { state } = visit;
  const input = effectiveInput(visit);
  return {
    kind: 'task',
    parameters: effectiveParameters(visit, input),
    timeoutSeconds: seconds(state.timeoutSeconds, 'TimeoutSeconds', visit, input),
    heartbeatSeconds: seconds(state.heartbeatSeconds, 'HeartbeatSeconds', visit, input),
    credentialsRoleArn: state.credentialsRoleArn && roleArn(state.credentialsRoleArn, visit, input),
  };
}

export function resumeTask(visit: Visit<TaskState>, result: JsonValue): Step {
  return exitWithResult(visit, result);
}

function seconds(field: Field | undefined, name: string, visit: Visit, input: JsonValue): number | undefined {
  if (field === undefined) return undefined;
  const value = evaluate(field, field.kind === 'path' ? `${name}Path` : name, visit, input);
  if (typeof value === 'number' && Number.isInteger(value) && value > 0) return value;
  if (field.kind === 'expression' && typeof value !== 'number') {
    throw unexpectedType(field.expression, name, 'number', value);
  }
  throw new StateFailed({
    error: 'States.Runtime',
    cause: `The ${name} field must be a positive integer but was: ${JSON.stringify(value)}`,
  });
}

function roleArn(field: Field, visit: Visit, input: JsonValue): string {
  const credentials = evaluate(field, 'Credentials', visit, input);
  const arn = isObject(credentials) ? credentials['RoleArn'] : undefined;
  if (typeof arn === 'string') return arn;
  throw new StateFailed({ error: 'States.Runtime', cause: 'The field RoleArn of Credentials must be a string' });
}
