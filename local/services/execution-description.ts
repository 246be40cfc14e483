/** What the outside learns about an execution: DescribeExecution's answer, and the event that announces its status. */
import type { AwsEvent } from './aws-event';
import { redriveState } from './execution-api';
import type { MachineExecution } from './states';

/** DescribeExecution's answer. */
export interface ExecutionDescription {
  readonly [name: string]: unknown;
  readonly executionArn: string;
  readonly stateMachineArn: string;
  readonly name: string;
  readonly status: string;
  readonly startDate: Date;
  readonly stopDate?: Date;
  readonly input: string;
  readonly output?: string;
  readonly error?: string;
  readonly cause?: string;
  readonly redriveCount: number;
}

/** Describes an execution as the API does. */
export function describeExecution({ machine, execution, inputText }: MachineExecution): ExecutionDescription {
  const { identity, status, output, error, cause, stoppedAtMs } = execution;
  const outputText = output === undefined ? undefined : JSON.stringify(output);
  return {
    executionArn: identity.executionArn,
    stateMachineArn: machine.arn,
    name: identity.executionName,
    status,
    startDate: new Date(execution.startedAtMs),
    ...(stoppedAtMs !== undefined && { stopDate: new Date(stoppedAtMs) }),
    input: inputText,
    inputDetails: { included: true },
    ...(outputText !== undefined && { output: outputText, outputDetails: { included: true } }),
    ...(error !== undefined && { error }),
    ...(cause !== undefined && { cause }),
    redriveCount: execution.redriveCount,
    ...redriveState(execution, machine.type),
  };
}

/** Longest input and output together that the event carries. */
const eventPayloadLimitBytes = 248 * 1024;

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html */
export function statusChangeEvent(execution: MachineExecution): AwsEvent {
  const described = describeExecution(execution);
  const { executionArn, stateMachineArn, name, status, startDate, stopDate, input, output } = described;
  const outputBytes = escapedBytes(output);
  const includesOutput = outputBytes <= eventPayloadLimitBytes;
  const includesInput = escapedBytes(input) + (includesOutput ? outputBytes : 0) <= eventPayloadLimitBytes;
  return {
    source: 'aws.states',
    detailType: 'Step Functions Execution Status Change',
    resources: [executionArn],
    detail: {
      executionArn,
      stateMachineArn,
      name,
      status,
      startDate: startDate.getTime(),
      stopDate: stopDate?.getTime() ?? null,
      input: includesInput ? input : null,
      output: includesOutput ? (output ?? null) : null,
      inputDetails: { included: includesInput },
      outputDetails: output === undefined ? null : { included: includesOutput },
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      redriveCount: described.redriveCount,
      redriveDate: null,
      redriveStatus: described['redriveStatus'],
      redriveStatusReason: described['redriveStatusReason'] ?? null,
      error: described.error ?? null,
      cause: described.cause ?? null,
    },
  };
}

/** A text inside of JSON: quotes and line ends take two bytes each. */
function escapedBytes(text: string | undefined): number {
  return text === undefined ? 0 : Buffer.byteLength(JSON.stringify(text));
}
