/** Checks what the Step Functions API takes, in the service's own words. */
import type { Execution, JsonValue } from '../states-language/engine';
import { ServiceError } from './service';

/** Input, output and result of an execution or task: 256 KiB of UTF-8. */
const payloadLimitBytes = 262_144;

/** @throws ServiceError ValidationException when the text is missing or too long */
export function required(value: string | undefined, name: string, maximumLength: number): string {
  if (value === undefined || value === '') {
    throw new ServiceError(
      'ValidationException',
      `1 validation error detected: Value ${value === '' ? "''" : 'null'} at '${name}' failed to satisfy constraint: Member must ${value === '' ? 'have length greater than or equal to 1' : 'not be null'}`,
    );
  }
  if (value.length > maximumLength) throw tooLong(value, name, maximumLength);
  return value;
}

/** @see https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
 * @throws ServiceError InvalidName */
export function checkExecutionName(name: string): void {
  if (name.length < 1 || name.length > 80 || /[\s?*<>{}[\]"#%\\^|~`$&,;:/\u0000-\u001f\u007f-\u009f]/.test(name)) {
    throw new ServiceError('InvalidName', `Invalid Name: '${name}'`);
  }
}

/** @throws ServiceError InvalidExecutionInput when it is not JSON, ValidationException when it is too long */
export function parseExecutionInput(text: string): JsonValue {
  if (Buffer.byteLength(text) > payloadLimitBytes) throw tooLong(text, 'input', payloadLimitBytes);
  return parseJson(text, 'InvalidExecutionInput', 'Invalid State Machine Execution Input');
}

/** @throws ServiceError InvalidOutput when it is not JSON, ValidationException when it is missing or too long */
export function parseTaskOutput(text: string | undefined): JsonValue {
  const given = required(text, 'output', payloadLimitBytes);
  if (Buffer.byteLength(given) > payloadLimitBytes) throw tooLong(given, 'output', payloadLimitBytes);
  return parseJson(given, 'InvalidOutput', 'Invalid Output');
}

/** Whether an execution can be redriven, and why not. */
export function redriveState(
  execution: Execution,
  type: 'STANDARD' | 'EXPRESS',
): { readonly redriveStatus: 'REDRIVABLE' | 'NOT_REDRIVABLE'; readonly redriveStatusReason?: string } {
  const { status } = execution;
  if (type === 'STANDARD' && (status === 'FAILED' || status === 'ABORTED' || status === 'TIMED_OUT')) {
    return { redriveStatus: 'REDRIVABLE' };
  }
  return { redriveStatus: 'NOT_REDRIVABLE', redriveStatusReason: `Execution is ${status} and cannot be redriven` };
}

function parseJson(text: string, code: string, words: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new ServiceError(code, `${words}: '${(error as Error).message}'`);
  }
}

function tooLong(value: string, name: string, maximumLength: number): ServiceError {
  return new ServiceError(
    'ValidationException',
    `1 validation error detected: Value '${value.slice(0, 40)}…' at '${name}' failed to satisfy constraint: Member must have length less than or equal to ${maximumLength}`,
  );
}
