/** Simulated Step Functions: state machines and their executions. Task states reach other services through task-integrations.ts. */
import type { RandomSource } from '../random';
import { createRecall } from '../recall';
import { parseDefinition, StatesLanguageEngine, type Definition } from '../states-language';
import type { Execution, HistoryEvent, TaskFailure } from '../states-language/engine';
import type { VirtualClock } from '../virtual-clock';
import { Activities } from './activities';
import type { EventSink } from './aws-event';
import { checkExecutionName, parseExecutionInput, parseTaskOutput, redriveState, required } from './execution-api';
import { describeExecution, statusChangeEvent } from './execution-description';
import { ServiceError, type Cloud, type Service, type ServiceOutput } from './service';
import { TaskIntegrations } from './task-integrations';

/** A state machine of the template. */
export interface StateMachineDefinition {
  readonly arn: string;
  readonly name: string;
  readonly logicalId: string;
  readonly constructPath: string;
  readonly type: 'STANDARD' | 'EXPRESS';
  readonly roleArn: string;
  /** The definition as deployed: JSON text. */
  readonly definitionText: string;
}

/** An execution beside the machine it runs. */
export interface MachineExecution {
  readonly machine: StateMachineDefinition;
  readonly execution: Execution;
  readonly inputText: string;
}

interface StatesOptions {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly region: string;
  readonly accountId: string;
  readonly emit: EventSink;
  readonly report: (error: unknown) => void;
  readonly onEvent?: (executionArn: string, event: HistoryEvent) => void;
}

interface Machine {
  readonly definition: StateMachineDefinition;
  readonly parsed: Definition;
}

interface StartInput {
  readonly stateMachineArn?: string;
  readonly name?: string;
  readonly input?: string;
}

interface PageInput {
  readonly maxResults?: number;
  readonly nextToken?: string;
}

const recallDefinition = createRecall<Definition>();

/** The simulated Step Functions service. */
export class StatesService implements Service {
  readonly name = 'states';
  readonly operations = {
    StartExecution: (input: StartInput) => this.startExecution(input),
    DescribeExecution: (input: { readonly executionArn?: string }) => describeExecution(this.find(input.executionArn)),
    GetExecutionHistory: (input: PageInput & { readonly executionArn?: string; readonly reverseOrder?: boolean }) =>
      this.getExecutionHistory(input),
    ListExecutions: (input: PageInput & { readonly stateMachineArn?: string; readonly statusFilter?: string }) =>
      this.listExecutions(input),
    StopExecution: (input: { readonly executionArn?: string } & TaskFailure) => this.stopExecution(input),
    RedriveExecution: (input: { readonly executionArn?: string }) => this.redriveExecution(input.executionArn),
    SendTaskSuccess: (input: { readonly taskToken?: string; readonly output?: string }) => {
      const token = required(input.taskToken, 'taskToken', 2048);
      this.engine.taskTokens.succeed(token, parseTaskOutput(input.output));
      return {};
    },
    SendTaskFailure: (input: { readonly taskToken?: string } & TaskFailure) => {
      const token = required(input.taskToken, 'taskToken', 2048);
      this.engine.taskTokens.fail(token, failureOf(input));
      return {};
    },
    SendTaskHeartbeat: (input: { readonly taskToken?: string }) => {
      this.engine.taskTokens.heartbeat(required(input.taskToken, 'taskToken', 2048));
      return {};
    },
    GetActivityTask: (input: { readonly activityArn?: string }) => this.activities.getTask(input.activityArn),
    DescribeStateMachine: (input: { readonly stateMachineArn?: string }) =>
      describeStateMachine(this.findMachine(input.stateMachineArn).definition),
  };
  readonly activities: Activities;
  private readonly engine: StatesLanguageEngine;
  private readonly machines = new Map<string, Machine>();
  private readonly executions = new Map<string, MachineExecution>();

  constructor(private readonly options: StatesOptions) {
    this.activities = new Activities(options.clock);
    const integrations = new TaskIntegrations({
      ...options,
      random: options.random.fork('integrations'),
      activities: this.activities,
      ended: async (executionArn) => {
        await this.find(executionArn).execution.ended;
        return describeExecution(this.find(executionArn));
      },
    });
    this.engine = new StatesLanguageEngine({
      clock: options.clock,
      random: options.random.fork('engine'),
      runTask: (request) => integrations.run(request),
      objects: integrations.objects,
      ...(options.onEvent !== undefined && { onEvent: options.onEvent }),
    });
  }

  /** @throws InvalidDefinitionError with all that is wrong with the definition */
  createStateMachine(definition: StateMachineDefinition): void {
    this.machines.set(definition.arn, {
      definition,
      parsed: recallDefinition(definition.definitionText, () => parseDefinition(definition.definitionText)),
    });
  }

  /** All state machines, in the order they were created. */
  listStateMachines(): readonly StateMachineDefinition[] {
    return [...this.machines.values()].map(({ definition }) => definition);
  }

  /** ARN of the state machine whose task waits with that token; undefined when none does. */
  machineOfToken(taskToken: string): string | undefined {
    return this.engine.taskTokens.machineOf(taskToken);
  }

  /** All executions, in the order they were started. */
  allExecutions(): readonly MachineExecution[] {
    return [...this.executions.values()];
  }

  /** @throws ServiceError ExecutionDoesNotExist */
  find(executionArn: string | undefined): MachineExecution {
    const found = this.executions.get(required(executionArn, 'executionArn', 256));
    if (found !== undefined) return found;
    throw new ServiceError('ExecutionDoesNotExist', `Execution Does Not Exist: '${executionArn}'`);
  }

  private findMachine(arn: string | undefined): Machine {
    const given = required(arn, 'stateMachineArn', 256);
    // A version or an alias of a machine is the machine: there is only one definition here.
    const machine = this.machines.get(given) ?? this.machines.get(given.split(':').slice(0, 7).join(':'));
    if (machine !== undefined) return machine;
    if (!/^arn:aws[a-z-]*:states:/.test(given)) {
      throw new ServiceError('InvalidArn', `Invalid Arn: 'Invalid ARN prefix: ${given}'`);
    }
    throw new ServiceError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${given}'`);
  }

  private startExecution(input: StartInput): ServiceOutput {
    const machine = this.findMachine(input.stateMachineArn);
    const { definition } = machine;
    const name = input.name ?? this.options.random.uuid();
    checkExecutionName(name);
    const inputText = input.input ?? '{}';
    const parsedInput = parseExecutionInput(inputText);
    const executionArn = `arn:aws:states:${this.options.region}:${this.options.accountId}:execution:${definition.name}:${name}`;
    const existing = this.executions.get(executionArn);
    if (existing !== undefined) return answerForExisting(existing, inputText);
    const execution = this.engine.start({
      definition: machine.parsed,
      input: parsedInput,
      identity: {
        executionArn,
        executionName: name,
        stateMachineArn: definition.arn,
        stateMachineName: definition.name,
        roleArn: definition.roleArn,
        type: definition.type,
      },
    });
    this.executions.set(executionArn, { machine: definition, execution, inputText });
    this.announceUntilEnd(executionArn);
    return { executionArn, startDate: new Date(execution.startedAtMs) };
  }

  /** Announces the status of a standard execution now and when it has ended. */
  private announceUntilEnd(executionArn: string): void {
    const found = this.find(executionArn);
    if (found.machine.type !== 'STANDARD') return;
    const announce = (): void => this.options.emit(statusChangeEvent(found));
    announce();
    void found.execution.ended.then(announce);
  }

  private getExecutionHistory(
    input: PageInput & { readonly executionArn?: string; readonly reverseOrder?: boolean },
  ): ServiceOutput {
    const { history } = this.find(input.executionArn).execution;
    const ordered = input.reverseOrder === true ? [...history].reverse() : history;
    const { items, nextToken } = page(ordered, input, 100);
    return {
      events: items.map((event) => ({ ...event, timestamp: new Date(event.timestamp) })),
      ...(nextToken !== undefined && { nextToken }),
    };
  }

  private listExecutions(
    input: PageInput & { readonly stateMachineArn?: string; readonly statusFilter?: string },
  ): ServiceOutput {
    const { definition } = this.findMachine(input.stateMachineArn);
    const wanted = this.allExecutions()
      .filter(({ machine }) => machine.arn === definition.arn)
      .filter(({ execution }) => input.statusFilter === undefined || execution.status === input.statusFilter)
      .reverse();
    const { items, nextToken } = page(wanted, input, 100);
    const executions = items.map((item) => {
      const { executionArn, stateMachineArn, name, status, startDate, stopDate, redriveCount } =
        describeExecution(item);
      return {
        executionArn,
        stateMachineArn,
        name,
        status,
        startDate,
        redriveCount,
        ...(stopDate !== undefined && { stopDate }),
      };
    });
    return { executions, ...(nextToken !== undefined && { nextToken }) };
  }

  private stopExecution(input: { readonly executionArn?: string } & TaskFailure): ServiceOutput {
    const { execution } = this.find(input.executionArn);
    if (execution.status === 'RUNNING') execution.stop(failureOf(input));
    return { stopDate: new Date(execution.stoppedAtMs ?? this.options.clock.nowMs()) };
  }

  private redriveExecution(executionArn: string | undefined): ServiceOutput {
    const found = this.find(executionArn);
    const { redriveStatus, redriveStatusReason } = redriveState(found.execution, found.machine.type);
    if (redriveStatus !== 'REDRIVABLE') throw new ServiceError('ExecutionNotRedrivable', redriveStatusReason ?? '');
    found.execution.redrive();
    this.announceUntilEnd(found.execution.identity.executionArn);
    return { redriveDate: new Date(this.options.clock.nowMs()) };
  }
}

/** The same name and input while running is the same start; anything else is a conflict. */
function answerForExisting(existing: MachineExecution, inputText: string): ServiceOutput {
  const { execution } = existing;
  const { executionArn } = execution.identity;
  if (execution.status === 'RUNNING' && existing.inputText === inputText) {
    return { executionArn, startDate: new Date(execution.startedAtMs) };
  }
  throw new ServiceError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`);
}

function describeStateMachine(definition: StateMachineDefinition): ServiceOutput {
  return {
    stateMachineArn: definition.arn,
    name: definition.name,
    status: 'ACTIVE',
    definition: definition.definitionText,
    roleArn: definition.roleArn,
    type: definition.type,
  };
}

function failureOf(input: TaskFailure): TaskFailure {
  return {
    ...(input.error !== undefined && { error: required(input.error, 'error', 256) }),
    ...(input.cause !== undefined && { cause: required(input.cause, 'cause', 32_768) }),
  };
}

/** The token is the index of the next item: lists only grow at the end here. */
function page<Item>(
  items: readonly Item[],
  input: PageInput,
  defaultSize: number,
): { items: readonly Item[]; nextToken?: string } {
  const start = input.nextToken === undefined ? 0 : Number(input.nextToken);
  if (!Number.isInteger(start) || start < 0)
    throw new ServiceError('InvalidToken', `Invalid Token: '${input.nextToken}'`);
  const size = input.maxResults === undefined || input.maxResults === 0 ? defaultSize : input.maxResults;
  const end = start + size;
  return { items: items.slice(start, end), ...(end < items.length && { nextToken: String(end) }) };
}
