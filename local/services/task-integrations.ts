/** Carries out Task states: maps their resources to calls of simulated services, and the answers back to what a state sees. */
import type { RandomSource } from '../random';
import type { JsonValue, TaskFailure, TaskRequest, TaskResponse, EngineHost } from '../states-language/engine';
import type { VirtualClock } from '../virtual-clock';
import type { Activities } from './activities';
import type { ExecutionDescription } from './execution-description';
import { optimizedFailure, sdkFailure } from './integration-errors';
import { camelCaseKeys, pascalCaseKeys, toJson, withMetadata } from './integration-values';
import {
  UnsupportedError,
  ServiceError,
  type Cloud,
  type Principal,
  type ServiceName,
  type ServiceOutput,
} from './service';

interface IntegrationOptions {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly activities: Activities;
  /** Resolves when a child execution has ended. */
  readonly ended: (executionArn: string) => Promise<ExecutionDescription>;
  /** Takes what is no answer of a service, so that a run never passes for one on AWS. */
  readonly report: (error: unknown) => void;
}

type Parameters = Readonly<Record<string, JsonValue>>;

/** What an optimized integration calls, and how it words input and output. */
interface OptimizedIntegration {
  readonly service: ServiceName;
  readonly operation: string;
  readonly input?: (parameters: Parameters, request: TaskRequest) => Readonly<Record<string, unknown>>;
  readonly output?: (output: ServiceOutput) => JsonValue;
}

/** Services whose API names its members in camelCase; states name them in PascalCase. */
const camelCaseServices: ReadonlySet<ServiceName> = new Set(['states', 'logs']);

/** The name of a service in `arn:aws:states:::aws-sdk:NAME:action`, where it is not the one that signs requests. */
const sdkServices: Readonly<Record<string, ServiceName>> = {
  autoscaling: 'autoscaling',
  backup: 'backup',
  cloudwatch: 'monitoring',
  cloudwatchlogs: 'logs',
  dynamodb: 'dynamodb',
  ec2: 'ec2',
  eventbridge: 'events',
  lambda: 'lambda',
  s3: 's3',
  sfn: 'states',
  sns: 'sns',
  sqs: 'sqs',
  ssm: 'ssm',
  sts: 'sts',
};

const dynamodb = (operation: string): OptimizedIntegration => ({ service: 'dynamodb', operation });

/** By `type:action`, without the pattern's suffix. */
const optimized: Readonly<Record<string, OptimizedIntegration>> = {
  'dynamodb:getItem': dynamodb('GetItem'),
  'dynamodb:putItem': dynamodb('PutItem'),
  'dynamodb:updateItem': dynamodb('UpdateItem'),
  'dynamodb:deleteItem': dynamodb('DeleteItem'),
  'lambda:invoke': { service: 'lambda', operation: 'Invoke', input: encodePayload, output: decodePayload },
  'sns:publish': {
    service: 'sns',
    operation: 'Publish',
    input: ({ Message, ...others }) => ({ ...others, ...(Message !== undefined && { Message: textOf(Message) }) }),
  },
  'sqs:sendMessage': {
    service: 'sqs',
    operation: 'SendMessage',
    input: ({ MessageBody, ...others }) => ({
      ...others,
      ...(MessageBody !== undefined && { MessageBody: textOf(MessageBody) }),
    }),
  },
  'events:putEvents': { service: 'events', operation: 'PutEvents', input: encodeEntries },
  'states:startExecution': {
    service: 'states',
    operation: 'StartExecution',
    input: encodeExecutionInput,
    output: ({ executionArn, startDate }) => ({
      ExecutionArn: String(executionArn),
      StartDate: (startDate as Date).getTime(),
    }),
  },
};

/** Runs tasks for the engine. */
export class TaskIntegrations {
  /** How distributed maps read and write objects. */
  readonly objects: NonNullable<EngineHost['objects']>;

  constructor(private readonly options: IntegrationOptions) {
    this.objects = {
      get: async (Bucket, Key, roleArn) => {
        const { Body } = await this.s3('GetObject', { Bucket, Key }, roleArn);
        return bytesOf(Body);
      },
      list: (Bucket, Prefix, roleArn) => this.listObjects(Bucket, Prefix, roleArn),
      put: async (Bucket, Key, Body, roleArn) => {
        await this.s3('PutObject', { Bucket, Key, Body }, roleArn);
      },
    };
  }

  /** Carries out one attempt of one Task state. Never rejects: a resource that is not simulated is reported and fails the task. */
  async run(request: TaskRequest): Promise<TaskResponse> {
    try {
      if (request.resourceType === 'activity') return this.scheduleActivity(request);
      if (request.resourceType === 'function') return await this.invokeFunction(request);
      if (request.resourceType.startsWith('aws-sdk:')) return await this.callSdk(request);
      return await this.callOptimized(request);
    } catch (error) {
      this.options.report(error);
      const cause = error instanceof Error ? error.message : String(error);
      return { kind: 'failed', failure: { error: 'Simulator.Unsupported', cause } };
    }
  }

  private scheduleActivity(request: TaskRequest): TaskResponse {
    const task = {
      taskToken: request.taskToken ?? '',
      input: JSON.stringify(request.parameters),
      signal: request.signal,
    };
    this.options.activities.add(request.resource, task);
    return { kind: 'submitted', output: null };
  }

  /** A function's ARN as resource: the parameters are its event, its result the task's. */
  private async invokeFunction(request: TaskRequest): Promise<TaskResponse> {
    const input = { FunctionName: request.resource, Payload: Buffer.from(JSON.stringify(request.parameters), 'utf8') };
    try {
      const output = await this.call('lambda', 'Invoke', input, request);
      const failure = functionFailure(output);
      return failure === undefined
        ? { kind: 'succeeded', output: parsePayload(output['Payload']) }
        : { kind: 'failed', failure };
    } catch (error) {
      return this.failed(error, (refusal) => optimizedFailure('lambda', refusal, this.options.random.uuid()));
    }
  }

  private async callOptimized(request: TaskRequest): Promise<TaskResponse> {
    const [, action = ''] = /^([^.]*)/.exec(request.action) ?? [];
    const integration = optimized[`${request.resourceType}:${action}`];
    if (integration === undefined || !supportsPattern(integration, request)) throw notSimulated(request);
    const parameters = parametersOf(request);
    const input = integration.input?.(parameters, request) ?? parameters;
    const named = camelCaseServices.has(integration.service) ? camelCaseKeys(input) : input;
    try {
      const output = await this.call(integration.service, integration.operation, named, request);
      const failure = functionFailure(output) ?? entryFailure(output);
      if (failure !== undefined) return { kind: 'failed', failure };
      const members =
        integration.output?.(output) ??
        toJson(camelCaseServices.has(integration.service) ? pascalCaseKeys(output) : output);
      const result = withMetadata(members, this.options.random.uuid(), this.options.clock.nowMs());
      if (request.pattern === 'REQUEST_RESPONSE') return { kind: 'succeeded', output: result };
      if (request.pattern === 'WAIT_FOR_TASK_TOKEN') return { kind: 'submitted', output: result };
      const completion = this.childCompletion(String(output['executionArn']), request.action.endsWith(':2'));
      return { kind: 'submitted', output: result, completion };
    } catch (error) {
      return this.failed(error, (refusal) =>
        optimizedFailure(integration.service, refusal, this.options.random.uuid()),
      );
    }
  }

  /** @param parsesOutput `.sync:2` gives input and output as JSON, `.sync` as JSON text. */
  private async childCompletion(executionArn: string, parsesOutput: boolean): Promise<TaskResponse> {
    const described = await this.options.ended(executionArn);
    const { startDate, stopDate, ...others } = described;
    const named = pascalCaseKeys({ ...others, startDate: startDate.getTime(), stopDate: stopDate?.getTime() });
    const output = toJson(named) as Record<string, JsonValue>;
    if (described.status !== 'SUCCEEDED') {
      return { kind: 'failed', failure: { error: 'States.TaskFailed', cause: JSON.stringify(sortKeys(output)) } };
    }
    if (parsesOutput) {
      for (const name of ['Input', 'Output']) {
        if (typeof output[name] === 'string') output[name] = JSON.parse(output[name]) as JsonValue;
      }
    }
    return { kind: 'succeeded', output };
  }

  private async callSdk(request: TaskRequest): Promise<TaskResponse> {
    const name = request.resourceType.slice('aws-sdk:'.length);
    const service = sdkServices[name];
    const [action = ''] = request.action.split('.');
    if (service === undefined || request.pattern === 'SYNC') throw notSimulated(request);
    const operation = `${action.slice(0, 1).toUpperCase()}${action.slice(1)}`;
    const parameters = sdkParameters(service, operation, parametersOf(request));
    const input = camelCaseServices.has(service) ? camelCaseKeys(parameters) : parameters;
    try {
      const answer = await this.call(service, operation, input, request);
      const output = toJson(camelCaseServices.has(service) ? pascalCaseKeys(answer) : answer);
      return { kind: request.pattern === 'WAIT_FOR_TASK_TOKEN' ? 'submitted' : 'succeeded', output };
    } catch (error) {
      return this.failed(error, (refusal) => sdkFailure(name, refusal, this.options.random.uuid()));
    }
  }

  private failed(error: unknown, describe: (error: ServiceError) => TaskFailure): TaskResponse {
    if (!(error instanceof ServiceError)) throw error;
    return { kind: 'failed', failure: describe(error) };
  }

  /** Calls with the execution role, or with the role that the state's credentials name. */
  private call(
    service: ServiceName,
    operation: string,
    input: Readonly<Record<string, unknown>>,
    request: TaskRequest,
  ): Promise<ServiceOutput> {
    const id = request.credentialsRoleArn ?? request.execution.roleArn;
    return this.options.clock.track((work) => {
      const principal: Principal = { id, session: request.execution.name, work };
      return this.options.cloud.call({ service, operation, input, principal });
    });
  }

  private async listObjects(
    Bucket: string,
    Prefix: string | undefined,
    roleArn: string,
  ): Promise<readonly JsonValue[]> {
    const listed: JsonValue[] = [];
    let ContinuationToken: unknown;
    do {
      const page = await this.s3(
        'ListObjectsV2',
        {
          Bucket,
          ...(Prefix !== undefined && { Prefix }),
          ...(ContinuationToken !== undefined && { ContinuationToken }),
        },
        roleArn,
      );
      listed.push(...(toJson(page['Contents'] ?? []) as JsonValue[]));
      ContinuationToken = page['NextContinuationToken'];
    } while (ContinuationToken !== undefined);
    return listed;
  }

  private s3(operation: string, input: Readonly<Record<string, unknown>>, roleArn: string): Promise<ServiceOutput> {
    const call = { service: 's3', operation, input, principal: { id: roleArn } } as const;
    return this.options.clock.track(() => this.options.cloud.call(call));
  }
}

/** Of the optimized integrations here, DynamoDB's only answer; only executions can be waited for to their end. */
function supportsPattern(integration: OptimizedIntegration, request: TaskRequest): boolean {
  if (request.pattern === 'SYNC') return integration.operation === 'StartExecution';
  return request.pattern === 'REQUEST_RESPONSE' || integration.service !== 'dynamodb';
}

function notSimulated(request: TaskRequest): UnsupportedError {
  return new UnsupportedError(
    `The task resource ${request.resource}`,
    `the state "${request.stateName}" of ${request.execution.arn}`,
    `use one of ${Object.keys(optimized).join(', ')}, or aws-sdk: with ${Object.keys(sdkServices).join(', ')}`,
  );
}

function parametersOf(request: TaskRequest): Parameters {
  const { parameters } = request;
  return typeof parameters === 'object' && parameters !== null && !Array.isArray(parameters)
    ? (parameters as Parameters)
    : {};
}

function encodePayload({ Payload, ...others }: Parameters): Readonly<Record<string, unknown>> {
  return { ...others, Payload: Buffer.from(JSON.stringify(Payload ?? {}), 'utf8') };
}

function decodePayload({ ExecutedVersion, StatusCode, Payload }: ServiceOutput): JsonValue {
  return toJson({
    ...(ExecutedVersion !== undefined && { ExecutedVersion }),
    Payload: parsePayload(Payload),
    StatusCode,
  });
}

function parsePayload(payload: unknown): JsonValue {
  const text = Buffer.from((payload ?? []) as Uint8Array).toString('utf8');
  return text === '' ? '' : (JSON.parse(text) as JsonValue);
}

/** An error of the function's code: its type is the error's name, the whole report its cause. */
function functionFailure(output: ServiceOutput): TaskFailure | undefined {
  if (output['FunctionError'] === undefined) return undefined;
  const report = parsePayload(output['Payload']);
  const { errorType } = report as { readonly errorType?: string };
  return { error: errorType ?? 'Lambda.Unknown', cause: JSON.stringify(report) };
}

/** One refused entry fails the whole task. */
function entryFailure(output: ServiceOutput): TaskFailure | undefined {
  if (typeof output['FailedEntryCount'] !== 'number' || output['FailedEntryCount'] === 0) return undefined;
  const { Entries, FailedEntryCount } = output;
  return { error: 'EventBridge.FailedEntry', cause: JSON.stringify({ Entries, FailedEntryCount }) };
}

/** Step Functions adds the execution and its machine to the resources of each event. */
function encodeEntries(parameters: Parameters, request: TaskRequest): Readonly<Record<string, unknown>> {
  const entries = (parameters['Entries'] ?? []) as readonly Parameters[];
  const [, , , region, accountId, , machineName] = request.execution.arn.split(':');
  const machineArn = `arn:aws:states:${region}:${accountId}:stateMachine:${machineName}`;
  return {
    ...parameters,
    Entries: entries.map((entry) => ({
      ...entry,
      ...(entry['Detail'] !== undefined && { Detail: textOf(entry['Detail']) }),
      Resources: [...((entry['Resources'] ?? []) as readonly JsonValue[]), request.execution.arn, machineArn],
    })),
  };
}

function encodeExecutionInput({ Input, ...others }: Parameters): Readonly<Record<string, unknown>> {
  return { ...others, ...(Input !== undefined && Input !== null && { Input: textOf(Input) }) };
}

/** `Body` and `Payload` are bytes to the service; a state writes them as JSON. */
function sdkParameters(
  service: ServiceName,
  operation: string,
  parameters: Parameters,
): Readonly<Record<string, unknown>> {
  const member =
    service === 's3' && operation === 'PutObject'
      ? 'Body'
      : service === 'lambda' && operation === 'Invoke'
        ? 'Payload'
        : undefined;
  const value = member === undefined ? undefined : parameters[member];
  if (member === undefined || value === undefined) return parameters;
  return { ...parameters, [member]: Buffer.from(textOf(value), 'utf8') };
}

function textOf(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function bytesOf(body: unknown): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : (body as Uint8Array);
}

function sortKeys(value: Readonly<Record<string, JsonValue>>): Readonly<Record<string, JsonValue>> {
  return Object.fromEntries(Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1)));
}
