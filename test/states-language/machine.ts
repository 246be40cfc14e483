/** Runs small state machines in tests: a clock, chance from a seed, and stand-ins for tasks. */
import { createRandom } from '../../local/random';
import { parseDefinition, StatesLanguageEngine } from '../../local/states-language';
import type {
  EngineHost,
  Execution,
  ExecutionIdentity,
  JsonValue,
  TaskRequest,
  TaskResponse,
} from '../../local/states-language';
import { VirtualClock } from '../../local/virtual-clock';

export type StandIn = (request: TaskRequest) => TaskResponse | Promise<TaskResponse>;

/** An engine with its clock. */
export class Bench {
  readonly clock = new VirtualClock();
  readonly requests: TaskRequest[] = [];
  readonly engine: StatesLanguageEngine;

  constructor(
    private readonly standIn: StandIn = () => ({ kind: 'succeeded', output: null }),
    options: { readonly seed?: string } & Partial<EngineHost> = {},
  ) {
    const { seed = 'test', ...host } = options;
    this.engine = new StatesLanguageEngine({
      clock: this.clock,
      random: createRandom(seed),
      runTask: async (request) => {
        this.requests.push(request);
        return this.standIn(request);
      },
      ...host,
    });
  }

  start(definition: object, input: JsonValue = {}, type: ExecutionIdentity['type'] = 'STANDARD'): Execution {
    return this.engine.start({ definition: parseDefinition(definition as JsonValue), input, identity: identity(type) });
  }

  /** Runs a machine until nothing is left to happen. */
  async run(
    definition: object,
    input: JsonValue = {},
    type: ExecutionIdentity['type'] = 'STANDARD',
  ): Promise<Execution> {
    const execution = this.start(definition, input, type);
    await this.clock.runUntilIdle();
    return execution;
  }
}

export function identity(type: ExecutionIdentity['type'] = 'STANDARD'): ExecutionIdentity {
  return {
    executionArn: 'arn:aws:states:us-east-1:111111111111:execution:Orders:run-1',
    executionName: 'run-1',
    stateMachineArn: 'arn:aws:states:us-east-1:111111111111:stateMachine:Orders',
    stateMachineName: 'Orders',
    roleArn: 'arn:aws:iam::111111111111:role/Orders',
    type,
  };
}

export function types(execution: Execution): string[] {
  return execution.history.map(({ type }) => type);
}

/** Events in short: `4<-3 PassStateEntered`. */
export function chain(execution: Execution): string[] {
  return execution.history.map(({ id, previousEventId, type }) => `${id}<-${previousEventId} ${type}`);
}

/** Details of the first event of a type. */
export function detailsOf(execution: Execution, type: string): Record<string, unknown> {
  const event = execution.history.find((candidate) => candidate.type === type);
  const name = Object.keys(event ?? {}).find((key) => key.endsWith('EventDetails'));
  return (name === undefined ? {} : event?.[name]) as Record<string, unknown>;
}

/** A JSONata machine of the given states; the first is where it starts. */
export function machine(states: Record<string, object>, options: object = {}): object {
  return { QueryLanguage: 'JSONata', StartAt: Object.keys(states)[0], States: states, ...options };
}

export const lambda = 'arn:aws:states:::lambda:invoke';
export const callback = 'arn:aws:states:::lambda:invoke.waitForTaskToken';

export const failed = (error: string, cause = ''): TaskResponse => ({ kind: 'failed', failure: { error, cause } });
export const succeeded = (output: JsonValue): TaskResponse => ({ kind: 'succeeded', output });
export const submitted: TaskResponse = { kind: 'submitted', output: {} };
