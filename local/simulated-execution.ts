/** An execution as tests and the command line see it: always its present state. */
import { countTransitions } from './cost';
import type { MachineExecution } from './services/states';
import type { ExecutionStatus, HistoryEvent, JsonValue } from './states-language/engine';

/** One execution of a simulated state machine. Every property shows the present state. */
export class SimulatedExecution {
  constructor(private readonly source: MachineExecution) {}

  get arn(): string {
    return this.source.execution.identity.executionArn;
  }

  get name(): string {
    return this.source.execution.identity.executionName;
  }

  get stateMachineName(): string {
    return this.source.machine.name;
  }

  /** `EXPRESS` executions are not billed by transitions. */
  get type(): 'STANDARD' | 'EXPRESS' {
    return this.source.machine.type;
  }

  get status(): ExecutionStatus {
    return this.source.execution.status;
  }

  get input(): JsonValue {
    return this.source.execution.input;
  }

  get output(): JsonValue | undefined {
    return this.source.execution.output;
  }

  get error(): string | undefined {
    return this.source.execution.error;
  }

  get cause(): string | undefined {
    return this.source.execution.cause;
  }

  /** Virtual, in milliseconds since 1970. */
  get startedAtMs(): number {
    return this.source.execution.startedAtMs;
  }

  /** Undefined while it runs. */
  get stoppedAtMs(): number | undefined {
    return this.source.execution.stoppedAtMs;
  }

  get redriveCount(): number {
    return this.source.execution.redriveCount;
  }

  get history(): readonly HistoryEvent[] {
    return this.source.execution.history;
  }

  /** Billed transitions so far, retries among them. */
  get transitions(): number {
    return countTransitions(this.history);
  }

  /** Names of the states that it entered, in that order. */
  get enteredStates(): readonly string[] {
    return this.history.flatMap((event) => (event.type.endsWith('StateEntered') ? [stateName(event)] : []));
  }

  /** States that it has entered and neither left nor aborted: where it is. */
  get currentStates(): readonly string[] {
    const open: string[] = [];
    for (const event of this.history) {
      if (event.type.endsWith('StateEntered')) open.push(stateName(event));
      else if (event.type.endsWith('StateExited')) open.splice(open.lastIndexOf(stateName(event)), 1);
    }
    return this.status === 'RUNNING' ? open : [];
  }

  /** Ends it as ABORTED. */
  stop(failure: { readonly error?: string; readonly cause?: string } = {}): void {
    this.source.execution.stop(failure);
  }
}

function stateName(event: HistoryEvent): string {
  const details = (event['stateEnteredEventDetails'] ?? event['stateExitedEventDetails']) as { readonly name?: string };
  return details?.name ?? '';
}
