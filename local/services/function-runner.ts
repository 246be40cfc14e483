/** Runs the code of a simulated function: a stand-in, a typed task in this process, or any Node code in a process of its own. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { TaskRuntime } from '../../tasks/handler';
import type { RandomSource } from '../random';
import { realTimeLimit, type TrackedWork, type VirtualClock } from '../virtual-clock';
import {
  splitHandler,
  timedOut,
  type FunctionDefinition,
  type FunctionError,
  type FunctionOutcome,
} from './function-definition';
import { runInChildProcess } from './function-process';
import { UnsupportedError, type Principal } from './service';

/** What a stand-in gets besides the event. */
export interface StandInContext {
  readonly functionName: string;
  readonly nowMs: () => number;
  /** For AWS clients that act with the function's role: `new S3Client(context.clientConfiguration)`. */
  readonly clientConfiguration: object;
  /** The function's environment variables. */
  readonly environment: () => Readonly<Record<string, string>>;
}

/** Answers in place of a function's code. An error it throws is the function's error, its `name` the error type. */
export type StandIn = (event: never, context: StandInContext) => unknown;

/** Told of every invocation, to end it before its code does. */
export type InvocationSupervisor = (invocation: {
  readonly definition: FunctionDefinition;
  readonly requestId: string;
}) => SupervisedInvocation;

/** An invocation that may be ended from outside. */
export interface SupervisedInvocation {
  /** Resolves when the invocation is ended from outside; what its code does afterwards counts for nothing. */
  readonly killed: Promise<FunctionOutcome>;
  /** The invocation has ended, in whichever way. */
  readonly close: () => void;
}

interface FunctionRunnerOptions {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly region: string;
  readonly clientConfiguration: (principal: Principal) => object;
  /** Makes the client that typed tasks get in place of the SDK's.
   * @default - they get the SDK's */
  readonly createClient?: ((principal: Principal, type: unknown, region: string | undefined) => object) | undefined;
  readonly standInFor: (definition: FunctionDefinition) => StandIn | undefined;
  readonly writeLog: (definition: FunctionDefinition, line: string) => void;
  /** Variables with which a process of its own finds the simulated services. */
  readonly environmentFor: (principal: Principal) => Promise<Readonly<Record<string, string>>>;
  /** @default - invocations end as their code does */
  readonly supervise?: InvocationSupervisor;
}

/** Runs functions. */
export class FunctionRunner {
  /** Nothing changes them once the template is deployed. */
  private readonly environments = new Map<FunctionDefinition, Readonly<Record<string, string>>>();

  constructor(private readonly options: FunctionRunnerOptions) {}

  /** @param event Belongs to the function's code from then on.
   * @throws UnsupportedError when nothing on this machine can run the function */
  async run(
    definition: FunctionDefinition,
    event: unknown,
    requestId: string,
    work?: TrackedWork,
  ): Promise<FunctionOutcome> {
    const supervised = this.options.supervise?.({ definition, requestId });
    if (supervised === undefined) return this.runCode(definition, event, { requestId, work });
    try {
      const { killed } = supervised;
      return await Promise.race([this.runCode(definition, event, { requestId, work }, killed), killed]);
    } finally {
      supervised.close();
    }
  }

  private async runCode(
    definition: FunctionDefinition,
    event: unknown,
    { requestId, work }: { readonly requestId: string; readonly work: TrackedWork | undefined },
    killed?: Promise<FunctionOutcome>,
  ): Promise<FunctionOutcome> {
    const principal: Principal = { id: definition.roleArn, session: definition.name, invocation: requestId, work };
    const standIn = this.options.standInFor(definition);
    if (standIn !== undefined) return this.runStandIn(standIn, definition, event, principal);
    checkRunnable(definition);
    const environment = this.environmentOf(definition);
    const typed = loadTypedHandler(definition);
    if (typed !== undefined) return this.runTyped(typed, definition, event, principal, environment, killed);
    return runInChildProcess({
      definition,
      event,
      requestId,
      environment: { ...environment, ...(await this.options.environmentFor(principal)) },
      writeLog: (line) => this.options.writeLog(definition, line),
    });
  }

  private environmentOf(definition: FunctionDefinition): Readonly<Record<string, string>> {
    const known = this.environments.get(definition);
    if (known !== undefined) return known;
    const environment = lambdaEnvironment(definition, this.options.region);
    this.environments.set(definition, environment);
    return environment;
  }

  private runStandIn(
    standIn: StandIn,
    definition: FunctionDefinition,
    event: unknown,
    principal: Principal,
  ): Promise<FunctionOutcome> {
    const context: StandInContext = {
      functionName: definition.name,
      nowMs: () => this.options.clock.nowMs(),
      clientConfiguration: this.options.clientConfiguration(principal),
      environment: definition.environment,
    };
    return outcomeOf(definition, async () => standIn(event as never, context));
  }

  private runTyped(
    handler: TypedHandler,
    definition: FunctionDefinition,
    event: unknown,
    principal: Principal,
    environment: Readonly<Record<string, string>>,
    killed: Promise<FunctionOutcome> | undefined,
  ): Promise<FunctionOutcome> {
    const { clock, random, clientConfiguration, createClient } = this.options;
    const deadlineMs = clock.nowMs() + definition.timeoutSeconds * 1000;
    const handle = handler.withRuntime({
      environment,
      nowMs: () => clock.nowMs(),
      newId: () => random.uuid(),
      ...(createClient === undefined
        ? { clientConfiguration: clientConfiguration(principal) }
        : { clientConfiguration: {}, createClient: (type, region) => createClient(principal, type, region) }),
      writeLog: (line) => this.options.writeLog(definition, line),
    });
    const getRemainingTimeInMillis = (): number => Math.max(0, deadlineMs - clock.nowMs());
    const outcome = outcomeOf(definition, () => handle(event, { getRemainingTimeInMillis }));
    return withinTimeout(definition, killed === undefined ? outcome : Promise.race([outcome, killed]));
  }
}

/** A handler that can be given another clock and other clients: the contract of `defineTask`. */
interface TypedHandler {
  readonly withRuntime: (
    runtime: TaskRuntime,
  ) => (event: unknown, invocation: { readonly getRemainingTimeInMillis: () => number }) => Promise<unknown>;
}

function checkRunnable(definition: FunctionDefinition): void {
  const reason =
    definition.runtime === undefined
      ? 'a container image'
      : !definition.runtime.startsWith('nodejs')
        ? `code for ${definition.runtime}`
        : definition.codeDirectory === undefined
          ? 'code that is not an asset of this assembly'
          : isThere(definition.codeDirectory)
            ? undefined
            : `code that is not in ${definition.codeDirectory} any more`;
  if (reason === undefined) return;
  throw new UnsupportedError(
    `Running ${reason}`,
    `the function ${definition.constructPath} (${definition.name})`,
    `give a stand-in: simulate(app, { standIns: { '${definition.logicalId}': (event) => … } })`,
  );
}

/** Code that was loaded once is not looked for again. */
function isThere(directory: string): boolean {
  if (!foundDirectories.has(directory) && existsSync(directory)) foundDirectories.add(directory);
  return foundDirectories.has(directory);
}

const foundDirectories = new Set<string>();

/** Loads CommonJS code. What cannot be loaded here, an ECMAScript module for example, is left to its own process. */
function loadTypedHandler(definition: FunctionDefinition): TypedHandler | undefined {
  const [file, member] = splitHandler(definition.handler);
  const directory = definition.codeDirectory!;
  const code = join(contentName(directory), file);
  if (!loadedModules.has(code)) loadedModules.set(code, load(join(directory, file)));
  const handler = loadedModules.get(code)?.[member] as Partial<TypedHandler> | undefined;
  return typeof handler?.withRuntime === 'function' ? (handler as TypedHandler) : undefined;
}

/** Finding a module anew for every invocation takes longer than most of them. */
const loadedModules = new Map<string, Readonly<Record<string, unknown>> | undefined>();

/** CDK names an asset by a hash of what is in it, and AWS gets it once: the same asset of another assembly is the same code. */
function contentName(directory: string): string {
  const name = basename(directory);
  return /^asset\.[0-9a-f]{64}$/.test(name) ? name : directory;
}

function load(path: string): Readonly<Record<string, unknown>> | undefined {
  // The SDK warns of the Node version of this process; the function is meant for the one its runtime names.
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  try {
    return require(path) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

function lambdaEnvironment(definition: FunctionDefinition, region: string): Readonly<Record<string, string>> {
  return {
    ...definition.environment(),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
    AWS_LAMBDA_FUNCTION_NAME: definition.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: definition.logGroupName,
    AWS_EXECUTION_ENV: `AWS_Lambda_${definition.runtime ?? ''}`,
    TZ: ':UTC',
  };
}

/** Runs code and turns what it throws into what Lambda reports.
 * A call that is not simulated has been reported by then: the run does not pass for one on AWS. */
async function outcomeOf(definition: FunctionDefinition, run: () => Promise<unknown>): Promise<FunctionOutcome> {
  try {
    const value = await run();
    // What leaves a function is JSON: whatever JSON does not carry is lost here as it is there.
    return {
      kind: 'returned',
      value: value === undefined ? null : (JSON.parse(JSON.stringify(value) ?? 'null') as unknown),
    };
  } catch (error) {
    return { kind: 'failed', error: describeError(error, definition) };
  }
}

function describeError(error: unknown, definition: FunctionDefinition): FunctionError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), trace: [] };
  const directory = definition.codeDirectory ?? '';
  const trace = (error.stack ?? '')
    .split('\n')
    .map((line) => (directory === '' ? line : line.replaceAll(directory, '/var/task')));
  return { errorType: error.name, errorMessage: error.message, trace };
}

/** Virtual time stands still while code runs, so its timeout is measured in real time. */
async function withinTimeout(definition: FunctionDefinition, run: Promise<FunctionOutcome>): Promise<FunctionOutcome> {
  const limit = realTimeLimit(definition.timeoutSeconds * 1000);
  try {
    return await Promise.race([
      run,
      limit.expired.then(() => ({ kind: 'failed', error: timedOut(definition) }) as const),
    ]);
  } finally {
    limit.cancel();
  }
}
