/** Runs a recorded case on the engine: what the other side of each task answered on AWS is played back. */
import { createRandom } from '../../local/random';
import { parseDefinition, StatesLanguageEngine } from '../../local/states-language';
import type { EngineHost, JsonValue, TaskRequest, TaskResponse } from '../../local/states-language';
import { VirtualClock } from '../../local/virtual-clock';

/** One attempt of one Task state, as the case gives it. */
interface RecordedTask {
  readonly state: string;
  readonly attempt: number;
  readonly iteration?: readonly { readonly map: string; readonly index: number }[];
  readonly kind: 'task' | 'lambda' | 'activity';
  readonly workerName?: string;
  readonly submitted?: { readonly output: JsonValue };
  readonly result: {
    readonly output?: JsonValue;
    readonly failed?: boolean;
    readonly timeout?: boolean;
    readonly error?: string;
    readonly cause?: string;
  };
}

/** A case of kind `execution`: see the README of the recorded set. */
export interface ExecutionCase {
  readonly id: string;
  readonly type?: 'STANDARD' | 'EXPRESS';
  readonly recorded?: { readonly snapshot?: string };
  readonly definition: JsonValue;
  readonly input: JsonValue;
  readonly tasks?: readonly RecordedTask[];
  readonly s3?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const accountId = '111111111111';
const region = 'us-east-1';

/** Runs a case. @returns what DescribeExecution and GetExecutionHistory would tell */
export async function runExecutionCase(testCase: ExecutionCase) {
  const clock = new VirtualClock();
  const engine = new StatesLanguageEngine(hostOf(testCase, clock));
  const execution = engine.start({
    definition: parseDefinition(testCase.definition),
    input: testCase.input,
    identity: identityOf(testCase.type ?? 'STANDARD'),
  });
  await clock.runUntilIdle();
  const { status, output, error, cause, history } = execution;
  return { status, output, error, cause, history };
}

function identityOf(type: 'STANDARD' | 'EXPRESS') {
  const name = 'execution-1';
  const kind = type === 'EXPRESS' ? `express:machine-1:${name}:run-1` : `execution:machine-1:${name}`;
  return {
    executionArn: `arn:aws:states:${region}:${accountId}:${kind}`,
    executionName: name,
    stateMachineArn: `arn:aws:states:${region}:${accountId}:stateMachine:machine-1`,
    stateMachineName: 'machine-1',
    roleArn: `arn:aws:iam::${accountId}:role/role-1`,
    type,
  };
}

function hostOf(testCase: ExecutionCase, clock: VirtualClock): EngineHost {
  const remaining = [...(testCase.tasks ?? [])];
  return {
    clock,
    random: createRandom(testCase.id),
    ...(testCase.recorded?.snapshot !== undefined && { serviceDay: testCase.recorded.snapshot }),
    checkTask: (request) => refusalOf(request, testCase.tasks ?? []),
    runTask: (request) => {
      const index = remaining.findIndex((task) => belongsTo(task, request));
      if (index < 0) return Promise.reject(new Error(`The case has no answer for the state ${request.stateName}`));
      const [task] = remaining.splice(index, 1);
      return answer(task!, request);
    },
    objects: {
      get: async (bucket, key) => new TextEncoder().encode(testCase.s3?.[bucket]?.[key]),
      list: async () => [],
      put: async () => undefined,
    },
  };
}

function belongsTo(task: RecordedTask, request: TaskRequest): boolean {
  const iteration = task.iteration ?? [];
  return (
    task.state === request.stateName &&
    iteration.length === request.iterations.length &&
    iteration.every(({ map, index }, depth) => {
      const actual = request.iterations[depth]!;
      return actual.map === map && actual.index === index;
    })
  );
}

function answer(task: RecordedTask, request: TaskRequest): Promise<TaskResponse> {
  const { result, submitted } = task;
  const completion: TaskResponse = result.failed
    ? {
        kind: 'failed',
        failure: {
          ...(result.error !== undefined && { error: result.error }),
          ...(result.cause !== undefined && { cause: result.cause }),
        },
      }
    : { kind: 'succeeded', output: result.output ?? null };
  const never = new Promise<TaskResponse>(() => undefined);
  const completed = result.timeout ? never : Promise.resolve(completion);
  if (request.resourceType === 'activity') {
    const output: JsonValue = task.workerName === undefined ? {} : { workerName: task.workerName };
    return Promise.resolve({ kind: 'submitted', output, completion: completed });
  }
  if (submitted === undefined) return completed;
  return Promise.resolve({ kind: 'submitted', output: submitted.output, completion: completed });
}

/** Two rules of services about what can be called at all: an activity must exist (the case of a deleted one
 * has no worker), and API Gateway takes lists as the values of headers. */
function refusalOf(
  { resource, resourceType, parameters }: TaskRequest,
  tasks: readonly RecordedTask[],
): string | undefined {
  if (resourceType === 'activity' && tasks.length === 0) return `The activity ${resource} does not exist.`;
  if (resourceType !== 'apigateway') return undefined;
  const { Headers } = parameters as { readonly Headers?: Readonly<Record<string, JsonValue>> };
  if (Headers === undefined || Object.values(Headers).every(Array.isArray)) return undefined;
  const shown = JSON.stringify(parameters);
  return `The Parameters '${shown}' could not be used to start the Task: [The value of the field 'Headers' has an invalid format]`;
}
