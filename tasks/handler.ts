/** The Lambda edge: turns a task into a handler that parses both ends, names errors and logs. Real time and chance enter only here. */
import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { ClientType, TaskContext, TaskExecution, TaskLog } from './task-context';
import { commonErrors, TaskError } from './task-error';

/** What a handler takes from the world around it. The simulator replaces all of it. */
export interface TaskRuntime {
  /** Environment variables; `SETTINGS` holds the task's settings as JSON. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly nowMs: () => number;
  readonly newId: () => string;
  /** Given to the constructor of every AWS client: region, credentials, request handler. */
  readonly clientConfiguration: object;
  /** Makes AWS clients in another way than by their constructor, for another Region where one is given.
   * @default - the constructor with `clientConfiguration` */
  readonly createClient?: ((type: ClientType<unknown>, region: string | undefined) => unknown) | undefined;
  /** Takes one JSON text per log line. */
  readonly writeLog: (line: string) => void;
}

/** The part of Lambda's invocation context that is used. */
export interface InvocationContext {
  readonly getRemainingTimeInMillis: () => number;
}

/** A Lambda handler that can also be run in another runtime. */
export interface TaskHandler {
  (event: unknown, invocation: InvocationContext): Promise<unknown>;
  /** The same handler with its own clients, clock and settings: how the simulator runs it. */
  readonly withRuntime: (runtime: TaskRuntime) => (event: unknown, invocation: InvocationContext) => Promise<unknown>;
}

/** The payload a state sends: the task's input beside the execution that asks for it.
 * An event that is not of this shape is taken as the input itself. */
export const stateInvocation = z.object({
  input: z.unknown(),
  execution: z.object({
    arn: z.string(),
    state: z.string(),
    redriveCount: z.number().int().default(0),
    retryCount: z.number().int().default(0),
    taskToken: z.string().optional(),
  }),
});

interface HandledTask<Input extends z.ZodType, Settings extends z.ZodType, ErrorName extends string> {
  readonly name: string;
  readonly input: Input;
  readonly output: z.ZodType;
  readonly settings: Settings;
  readonly awaitsCallback?: boolean;
  readonly run: (input: z.output<Input>, context: TaskContext<z.output<Settings>, ErrorName>) => Promise<unknown>;
}

/** Makes the handler of a task. Called by `defineTask`. */
export function createHandler<Input extends z.ZodType, Settings extends z.ZodType, ErrorName extends string>(
  task: HandledTask<Input, Settings, ErrorName>,
): TaskHandler {
  const readSettings = settingsReader(task);
  let deployed: ((event: unknown, invocation: InvocationContext) => Promise<unknown>) | undefined;
  const handler = async (event: unknown, invocation: InvocationContext): Promise<unknown> => {
    deployed ??= handleWith(task, readSettings, lambdaRuntime());
    return deployed(event, invocation);
  };
  return Object.assign(handler, { withRuntime: (runtime: TaskRuntime) => handleWith(task, readSettings, runtime) });
}

function lambdaRuntime(): TaskRuntime {
  return {
    environment: process.env,
    nowMs: () => Date.now(),
    newId: () => randomUUID(),
    clientConfiguration: {},
    writeLog: (line) => process.stdout.write(`${line}\n`),
  };
}

function handleWith<Input extends z.ZodType, Settings extends z.ZodType, ErrorName extends string>(
  task: HandledTask<Input, Settings, ErrorName>,
  readSettings: (text: string | undefined) => z.output<Settings>,
  runtime: TaskRuntime,
) {
  const client = clientSource(runtime);
  return async (event: unknown, invocation: InvocationContext): Promise<unknown> => {
    const { input, execution } = unwrap(event);
    const log = createLog(task.name, input, execution, runtime);
    try {
      const parsedInput = parse(task.input, input, commonErrors.invalidInput, `the input of task ${task.name}`);
      const settings = readSettings(runtime.environment['SETTINGS']);
      const context: TaskContext<z.output<Settings>, ErrorName> = {
        settings,
        execution,
        log,
        nowMs: runtime.nowMs,
        newId: runtime.newId,
        remainingTimeMs: () => invocation.getRemainingTimeInMillis(),
        client,
        error: (name, message, options) => new TaskError(name, message, options),
      };
      const result = await task.run(parsedInput, context);
      if (task.awaitsCallback === true) return {};
      return parse(task.output, result, commonErrors.invalidOutput, `the output of task ${task.name}`);
    } catch (error) {
      const named = nameError(error);
      log.error(named.message, { error: named.name });
      throw named;
    }
  };
}

/** Makes each client once. */
function clientSource({ createClient, clientConfiguration }: TaskRuntime): TaskContext['client'] {
  const clients = new Map<string | undefined, Map<unknown, unknown>>();
  const construct = (type: ClientType<unknown>, region: string | undefined): unknown =>
    new (type as new (configuration: object) => unknown)({ ...clientConfiguration, ...(region && { region }) });
  return <Client>(type: ClientType<Client>, region?: string): Client => {
    const known = clients.get(region) ?? new Map<unknown, unknown>();
    clients.set(region, known);
    if (!known.has(type)) known.set(type, (createClient ?? construct)(type, region));
    return known.get(type) as Client;
  };
}

/** Settings come with the deployment: the same text is read once. */
function settingsReader<Settings extends z.ZodType>(task: { readonly name: string; readonly settings: Settings }) {
  let known: { readonly text: string; readonly settings: z.output<Settings> } | undefined;
  return (text = '{}'): z.output<Settings> => {
    if (known?.text === text) return known.settings;
    const what = `the settings of task ${task.name}`;
    const settings = parse(task.settings, JSON.parse(text), commonErrors.invalidInput, what);
    known = { text, settings };
    return settings;
  };
}

function unwrap(event: unknown): { input: unknown; execution: TaskExecution | undefined } {
  const envelope = stateInvocation.safeParse(event);
  return envelope.success
    ? { input: envelope.data.input, execution: envelope.data.execution }
    : { input: event, execution: undefined };
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  errorName: string,
  what: string,
): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new TaskError(errorName, `${what} does not have the declared shape:\n${z.prettifyError(parsed.error)}`);
}

/** SDK errors that mean "the same call may work in a moment" get one name, so that a state needs one retrier for them. */
function nameError(error: unknown): Error {
  if (error instanceof TaskError) return error;
  if (isTransient(error)) {
    return new TaskError(commonErrors.transient, `${error.name}: ${error.message}`, { cause: error });
  }
  return error instanceof Error ? error : new Error(String(error));
}

/** Whether the same call may work in a moment: AWS was busy or broken, or could not be reached. */
export function isTransient(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const details = error as Error & { $retryable?: unknown; $fault?: string; $metadata?: { httpStatusCode?: number } };
  const status = details.$metadata?.httpStatusCode ?? 0;
  return (
    details.$retryable !== undefined ||
    status === 429 ||
    status >= 500 ||
    /Throttl|TooManyRequests|RequestLimitExceeded|ProvisionedThroughputExceeded|SlowDown|TimeoutError|ECONNRESET|EPIPE|ETIMEDOUT/.test(
      error.name,
    )
  );
}

function createLog(task: string, input: unknown, execution: TaskExecution | undefined, runtime: TaskRuntime): TaskLog {
  const about = {
    task,
    ...(execution && { execution: execution.arn, state: execution.state, retry: execution.retryCount }),
    ...objectOf(input),
  };
  const write = (level: string) => (message: string, fields?: Readonly<Record<string, unknown>>) =>
    runtime.writeLog(
      JSON.stringify({ level, time: new Date(runtime.nowMs()).toISOString(), message, ...about, ...fields }),
    );
  return { info: write('INFO'), warn: write('WARN'), error: write('ERROR') };
}

/** The object a task works on, where its input names one: by convention under `object` or `claim`. */
function objectOf(input: unknown): object {
  const source = input as { object?: Named; claim?: Named } | null | undefined;
  const named = source?.object ?? source?.claim;
  return typeof named?.key === 'string'
    ? { object: { bucket: named.bucket, key: named.key, versionId: named.versionId } }
    : {};
}

interface Named {
  readonly bucket?: unknown;
  readonly key?: unknown;
  readonly versionId?: unknown;
}
