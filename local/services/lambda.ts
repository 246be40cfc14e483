/** Simulated Lambda: functions, synchronous and asynchronous invocation. How code is run stands in function-runner.ts. */
import type { RandomSource } from '../random';
import type { TrackedWork, VirtualClock } from '../virtual-clock';
import { copyJson } from './copy-json';
import type { FunctionDefinition, FunctionOutcome } from './function-definition';
import type { FunctionRunner } from './function-runner';
import { operator, ServiceError, type Cloud, type Principal, type Service, type ServiceOutput } from './service';
import { sendToDestination } from './message-destination';

/** What happens to an asynchronous invocation: the function's `EventInvokeConfig`. */
export interface AsynchronousConfiguration {
  /** 0 to 2. */
  readonly maximumRetryAttempts: number;
  readonly onSuccessArn?: string;
  readonly onFailureArn?: string;
}

interface InvokeInput {
  readonly FunctionName?: string;
  readonly InvocationType?: 'RequestResponse' | 'Event' | 'DryRun';
  readonly Payload?: Uint8Array | string;
  readonly Qualifier?: string;
}

interface AsynchronousInvocation {
  readonly definition: FunctionDefinition;
  readonly payload: unknown;
  readonly work: TrackedWork;
}

interface LambdaOptions {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly region: string;
  readonly accountId: string;
  readonly runner: FunctionRunner;
  /** Takes errors of the simulator itself from asynchronous invocations: nobody waits for those. */
  readonly report: (error: unknown) => void;
}

/** Lambda retries a failed asynchronous invocation after one minute, then after two more.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html (read 2022) */
const retryDelaysMs = [60_000, 120_000];

const payloadLimitBytes = { RequestResponse: 6_291_456, Event: 1_048_576, DryRun: 6_291_456 } as const;

/** The simulated Lambda service. */
export class LambdaService implements Service {
  readonly name = 'lambda';
  readonly operations = { Invoke: (input: InvokeInput, caller: Principal) => this.invoke(input, caller) };
  private readonly functions = new Map<string, FunctionDefinition>();
  private readonly asynchronous = new Map<string, AsynchronousConfiguration>();

  constructor(private readonly options: LambdaOptions) {}

  createFunction(definition: FunctionDefinition): void {
    this.functions.set(definition.name, definition);
  }

  configureAsynchronous(functionName: string, configuration: AsynchronousConfiguration): void {
    this.asynchronous.set(functionName, configuration);
  }

  /** All functions, in the order they were created. */
  listFunctions(): readonly FunctionDefinition[] {
    return [...this.functions.values()];
  }

  private async invoke(input: InvokeInput, caller: Principal): Promise<ServiceOutput> {
    const definition = this.find(input.FunctionName, input.Qualifier);
    const type = input.InvocationType ?? 'RequestResponse';
    const payload = decodePayload(input.Payload, type);
    if (type === 'DryRun') return { StatusCode: 204 };
    if (type === 'Event') {
      this.invokeLater(definition, payload);
      return { StatusCode: 202, Payload: new Uint8Array() };
    }
    const outcome = await this.run(definition, payload, caller.work);
    const body = outcome.kind === 'returned' ? outcome.value : outcome.error;
    return {
      StatusCode: 200,
      ExecutedVersion: '$LATEST',
      ...(outcome.kind === 'failed' && { FunctionError: 'Unhandled' }),
      Payload: Buffer.from(JSON.stringify(body) ?? 'null', 'utf8'),
    };
  }

  private run(
    definition: FunctionDefinition,
    payload: unknown,
    within: TrackedWork | undefined,
  ): Promise<FunctionOutcome> {
    const { clock, runner, random } = this.options;
    return clock.track((work) => runner.run(definition, payload, random.uuid(), work), within);
  }

  /** Puts an invocation into the function's own queue, as `InvocationType: Event` does. */
  private invokeLater(definition: FunctionDefinition, payload: unknown): void {
    const { clock, random } = this.options;
    const attempt = (attempts: number): void => {
      void clock.track((work) =>
        this.run(definition, copyJson(payload), work)
          .then((outcome) => this.afterAttempt({ definition, payload, work }, outcome, attempts, attempt))
          .catch(this.options.report),
      );
    };
    clock.schedule(10 + random.integer(90), () => attempt(0));
  }

  private async afterAttempt(
    invocation: AsynchronousInvocation,
    outcome: FunctionOutcome,
    attempts: number,
    retry: (attempts: number) => void,
  ): Promise<void> {
    const { definition } = invocation;
    const configuration = this.asynchronous.get(definition.name) ?? { maximumRetryAttempts: retryDelaysMs.length };
    if (outcome.kind === 'returned') {
      await this.report(configuration.onSuccessArn, invocation, outcome, attempts, 'Success');
    } else if (attempts < configuration.maximumRetryAttempts) {
      this.options.clock.schedule(retryDelaysMs[attempts]!, () => retry(attempts + 1));
    } else {
      await this.report(configuration.onFailureArn, invocation, outcome, attempts, 'RetriesExhausted');
      await this.sendToDeadLetterTarget(invocation, outcome);
    }
  }

  /** Tells a destination about an asynchronous invocation, in the shape of an invocation record. */
  private async report(
    destinationArn: string | undefined,
    invocation: AsynchronousInvocation,
    outcome: FunctionOutcome,
    attempts: number,
    condition: string,
  ): Promise<void> {
    if (destinationArn === undefined) return;
    const { definition, payload } = invocation;
    const failed = outcome.kind === 'failed';
    const record = {
      version: '1.0',
      timestamp: new Date(this.options.clock.nowMs()).toISOString(),
      requestContext: {
        requestId: this.options.random.uuid(),
        functionArn: `${definition.arn}:$LATEST`,
        condition,
        approximateInvokeCount: attempts + 1,
      },
      requestPayload: payload,
      responseContext: {
        statusCode: 200,
        executedVersion: '$LATEST',
        ...(failed && { functionError: 'Unhandled' }),
      },
      responsePayload: failed ? outcome.error : (outcome.value ?? null),
    };
    await this.send(destinationArn, invocation, record, {
      detailType: `Lambda Function Invocation Result - ${failed ? 'Failure' : 'Success'}`,
    });
  }

  private async sendToDeadLetterTarget(invocation: AsynchronousInvocation, outcome: FunctionOutcome): Promise<void> {
    const { deadLetterTargetArn } = invocation.definition;
    if (deadLetterTargetArn === undefined || outcome.kind !== 'failed') return;
    await this.send(deadLetterTargetArn, invocation, invocation.payload, {
      attributes: {
        RequestID: this.options.random.uuid(),
        ErrorCode: '200',
        ErrorMessage: outcome.error.errorMessage,
      },
    });
  }

  /** Lambda sends with the function's role, and drops what it may not or cannot send. */
  private async send(
    destinationArn: string,
    { definition, work }: AsynchronousInvocation,
    content: unknown,
    options: { readonly detailType?: string; readonly attributes?: Readonly<Record<string, string>> },
  ): Promise<void> {
    const principal: Principal = { id: definition.roleArn, session: definition.name, work };
    try {
      await sendToDestination(this.options.cloud, principal, destinationArn, content, { source: 'lambda', ...options });
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
    }
  }

  /** @param name Name, `name:qualifier`, partial or full ARN. */
  private find(name: string | undefined, qualifier: string | undefined): FunctionDefinition {
    if (name === undefined || name === '') {
      throw new ServiceError(
        'ValidationException',
        "1 validation error detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null",
      );
    }
    const plain = name.replace(/^(arn:aws:lambda:[^:]*:[^:]*:function:|[0-9]{12}:function:|function:)/, '');
    const [functionName, suffix] = plain.split(':');
    const definition = this.functions.get(functionName!);
    if (definition !== undefined) return definition;
    const arn = `arn:aws:lambda:${this.options.region}:${this.options.accountId}:function:${functionName}`;
    throw new ServiceError(
      'ResourceNotFoundException',
      `Function not found: ${arn}${`:${qualifier ?? suffix ?? '$LATEST'}`}`,
      404,
      { Type: 'User' },
    );
  }

  /** Runs a function as the person at this machine, for tests.
   * @returns what it returned or how it failed */
  async invokeDirectly(functionName: string, event: unknown): Promise<ServiceOutput> {
    return this.options.cloud.call({
      service: 'lambda',
      operation: 'Invoke',
      input: { FunctionName: functionName, Payload: Buffer.from(JSON.stringify(event) ?? 'null') },
      principal: operator,
    });
  }
}

function decodePayload(payload: Uint8Array | string | undefined, type: keyof typeof payloadLimitBytes): unknown {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'utf8') : Buffer.from(payload ?? []);
  const limit = payloadLimitBytes[type];
  if (bytes.length > limit) {
    throw new ServiceError(
      'RequestTooLargeException',
      `${bytes.length} byte payload is too large for the ${type} invocation type (limit ${limit} bytes)`,
      413,
    );
  }
  if (bytes.length === 0) return {};
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch (error) {
    throw new ServiceError(
      'InvalidRequestContentException',
      `Could not parse request body into json: Could not parse payload into json: ${(error as Error).message}`,
    );
  }
}
