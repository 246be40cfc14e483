/** The Amazon States Language engine: runs state machines on a virtual clock and leaves the history that AWS would leave. */
import type { Definition } from './definition';
import type { EngineHost, Execution, ExecutionIdentity, JsonValue, TaskTokens } from './engine';
import { RunningExecution, type ExecutionStart } from './execution';
import { TaskTokenRegistry } from './task-tokens';

export { checkDefinition } from './check/check-definition';
export {
  requireValidDefinition,
  validateStateMachineDefinition,
  type Diagnostic,
  type ValidationRequest,
  type ValidationResponse,
} from './check/validate-state-machine-definition';
export { variableReferences } from './check/variable-references';
export type { Definition } from './definition';
export type * from './engine';
export { InvalidDefinitionError } from './fields';
export { parseDefinition } from './parse-definition';
export { testState, type TestStateRequest, type TestStateResponse } from './test-state';

/** Runs executions for a host.
 * @example
 * const engine = new StatesLanguageEngine({ clock, random, runTask });
 * const execution = engine.start({ definition: parseDefinition(text), input: {}, identity });
 * await clock.runUntilIdle();
 * execution.status; // 'SUCCEEDED' */
export class StatesLanguageEngine {
  private readonly tokens: TaskTokenRegistry;

  constructor(private readonly host: EngineHost) {
    this.tokens = new TaskTokenRegistry(host.random.fork('task-tokens'));
  }

  /** Completes, fails and keeps alive tasks that wait for a token. */
  get taskTokens(): TaskTokens {
    return this.tokens;
  }

  /** Starts an execution. It runs as the host's clock runs; its first state is entered after this returns. */
  start(start: {
    readonly definition: Definition;
    readonly input: JsonValue;
    readonly identity: ExecutionIdentity;
  }): Execution {
    return this.begin(start);
  }

  private begin(start: ExecutionStart): RunningExecution {
    return new RunningExecution(start, this.host, this.tokens, (child) => this.begin(child));
  }
}
