/** Commands of the simulated SSM and their invocations: how they are delivered, run, end, expire and are cancelled. */
import type { Timer } from '../virtual-clock';
import type { SsmAgents } from './ssm-agents';
import {
  checkCommandParameters,
  type DocumentVersion,
  executionTimeoutSeconds,
  renderScript,
  type SsmDocuments,
} from './ssm-documents';
import { invalidValue, type RunningScript, type ScriptRequest, type ScriptResult, type SsmOptions } from './ssm-model';
import { ServiceError, UnsupportedError } from './service';

export type CommandStatus = 'Pending' | 'InProgress' | 'Success' | 'Cancelled' | 'Failed' | 'TimedOut' | 'Cancelling';

/** A command as it was sent. */
export interface Command {
  readonly commandId: string;
  readonly document: DocumentVersion;
  readonly comment: string;
  readonly givenParameters: Readonly<Record<string, readonly string[]>>;
  readonly values: Readonly<Record<string, readonly string[]>>;
  readonly requestedAtMs: number;
  /** After it, nothing is started any more. */
  readonly startByMs: number;
  /** After it, what has not ended is taken for undelivered. */
  readonly expiresAtMs: number;
  readonly timeoutSeconds: number;
  readonly executionTimeoutSeconds: number;
  readonly logGroup: string | undefined;
  readonly invocations: readonly Invocation[];
  status: CommandStatus;
}

/** A command on one instance. */
export interface Invocation {
  readonly instanceId: string;
  status: CommandStatus;
  statusDetails: string;
  startedAtMs: number | undefined;
  endedAtMs: number | undefined;
  /** -1 until it has run. */
  responseCode: number;
  standardOutput: string;
  standardError: string;
  runCount: number;
}

/** What an agent works on at the moment. */
interface Run {
  /** Absent when a function answers. */
  script: RunningScript | undefined;
  timer: Timer | undefined;
}

/** What is asked of SendCommand, checked. */
export interface CommandRequest {
  readonly document: DocumentVersion;
  readonly instanceIds: readonly string[];
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly comment: string;
  readonly timeoutSeconds: number;
  readonly logGroup: string | undefined;
}

/** Answers a command in the place of an instance. */
export type CommandAnswer = (request: ScriptRequest) => ScriptResult | undefined | Promise<ScriptResult | undefined>;

/** The exit code with which a script asks the agent to restart the instance and run it again. */
const rebootExitCode = 194;

/** All commands that were sent. */
export class SsmCommands {
  readonly all = new Map<string, Command>();
  private readonly answers: CommandAnswer[] = [];
  private readonly runs = new Map<Invocation, Run>();
  private readonly unreported = new Map<Invocation, Outcome>();
  private readonly expiries = new Map<Command, Timer>();

  constructor(
    private readonly options: SsmOptions,
    readonly documents: SsmDocuments,
    private readonly agents: SsmAgents,
  ) {
    agents.onChange((instanceId, change) => {
      if (change === 'online') this.resume(instanceId);
      if (change === 'gone') this.lose(instanceId);
    });
  }

  /** Lets a function run commands. The one added last is asked first; undefined leaves a command to the next. */
  answer(answer: CommandAnswer): void {
    this.answers.unshift(answer);
  }

  /** @throws ServiceError `InvalidInstanceId`, `InvalidParameters`, `MaxDocumentSizeExceeded` */
  send(request: CommandRequest): Command {
    for (const instanceId of request.instanceIds) this.checkInstance(instanceId);
    const values = checkCommandParameters(request.document, request.parameters);
    const requestedAtMs = this.options.clock.nowMs();
    const executionTimeout = executionTimeoutSeconds(request.document, values);
    const startByMs = requestedAtMs + request.timeoutSeconds * 1000;
    const command: Command = {
      commandId: this.options.random.uuid(),
      document: request.document,
      comment: request.comment,
      givenParameters: request.parameters,
      values,
      requestedAtMs,
      startByMs,
      expiresAtMs: startByMs + executionTimeout * 1000,
      timeoutSeconds: request.timeoutSeconds,
      executionTimeoutSeconds: executionTimeout,
      logGroup: request.logGroup,
      invocations: request.instanceIds.map(newInvocation),
      status: 'Pending',
    };
    this.all.set(command.commandId, command);
    for (const invocation of command.invocations) {
      this.options.clock.schedule(this.options.deliveryMs ?? 1_000, () => this.deliver(command, invocation));
    }
    const expiry = this.options.clock.schedule(command.expiresAtMs - requestedAtMs, () => this.expire(command));
    this.expiries.set(command, expiry);
    return command;
  }

  /** Asks the agents to stop. An agent that cannot be reached goes on. */
  cancel(command: Command, instanceIds: readonly string[]): void {
    for (const invocation of command.invocations) {
      if (instanceIds.length > 0 && !instanceIds.includes(invocation.instanceId)) continue;
      if (invocation.status === 'Pending') this.change(command, invocation, 'Cancelled', 'Cancelled');
      if (invocation.status !== 'InProgress') continue;
      this.change(command, invocation, 'Cancelling', 'Cancelling');
      this.options.clock.schedule(this.options.cancelMs ?? 2_000, () => {
        if (invocation.status !== 'Cancelling' || !this.agents.isOnline(invocation.instanceId)) return;
        this.stop(invocation);
        this.end(command, invocation, { status: 'Cancelled', details: 'Cancelled', exitCode: 1 });
      });
    }
  }

  private checkInstance(instanceId: string): void {
    const instance = this.options.ec2.instances.all.get(instanceId);
    const isValid = instance !== undefined && instance.state !== 'terminated' && instance.state !== 'shutting-down';
    if (isValid && this.agents.isRegistered(instanceId)) return;
    throw new ServiceError(
      'InvalidInstanceId',
      `Instances [[${instanceId}]] not in a valid state for account ${this.options.accountId}`,
    );
  }

  /** Hands an invocation to its agent, if it is there. Otherwise it waits for the agent, until it is too late. */
  private deliver(command: Command, invocation: Invocation): void {
    if (invocation.status !== 'Pending' || this.options.clock.nowMs() >= command.startByMs) return;
    const instance = this.options.ec2.instances.all.get(invocation.instanceId);
    if (instance === undefined || instance.state === 'terminated') {
      this.change(command, invocation, 'Failed', 'Undeliverable');
    } else if (this.agents.isOnline(invocation.instanceId)) {
      invocation.startedAtMs = this.options.clock.nowMs();
      this.change(command, invocation, 'InProgress', 'InProgress');
      this.run(command, invocation);
    }
  }

  /** The script has its effects now; its end is reported when its duration has passed. */
  private run(command: Command, invocation: Invocation): void {
    invocation.runCount++;
    const run: Run = { script: undefined, timer: undefined };
    this.runs.set(invocation, run);
    const work = async (): Promise<void> => {
      const request = this.requestOf(command, invocation);
      const answered = await this.firstAnswer(request);
      if (this.runs.get(invocation) !== run) return;
      if (answered === undefined) run.script = this.runner(request).start(request);
      const result = answered ?? (await run.script!.ended);
      if (this.runs.get(invocation) === run) this.scheduleEnd(command, invocation, run, result);
    };
    void this.options.clock.track(work).catch((error: unknown) => {
      const text = error instanceof Error ? error.message : String(error);
      this.stop(invocation);
      this.end(command, invocation, {
        status: 'Failed',
        details: 'Failed',
        exitCode: 1,
        result: { standardError: text },
      });
    });
  }

  private async firstAnswer(request: ScriptRequest): Promise<ScriptResult | undefined> {
    for (const answer of this.answers) {
      const result = await answer(request);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  private runner(request: ScriptRequest) {
    if (this.options.runner !== undefined) return this.options.runner;
    throw new UnsupportedError(
      'running a script',
      `instance ${request.instanceId}, document ${request.documentName}`,
      'give the simulated SSM a runner, or answer the command with a function',
    );
  }

  private requestOf(command: Command, invocation: Invocation): ScriptRequest {
    const { instanceId } = invocation;
    const rendered = renderScript(command.document, command.values, this.agents.version(instanceId));
    return {
      commandId: command.commandId,
      instanceId,
      documentName: command.document.name,
      comment: command.comment,
      parameters: command.values,
      script: rendered.script,
      environment: {
        ...rendered.environment,
        AWS_SSM_INSTANCE_ID: instanceId,
        AWS_SSM_REGION_NAME: this.options.region,
        AWS_SSM_PLATFORM_NAME: 'Amazon Linux',
        AWS_SSM_PLATFORM_VERSION: '2023',
        SSM_COMMAND_ID: command.commandId,
      },
      workingDirectory: rendered.workingDirectory,
      executionTimeoutSeconds: command.executionTimeoutSeconds,
      runCount: invocation.runCount,
    };
  }

  private scheduleEnd(command: Command, invocation: Invocation, run: Run, result: ScriptResult): void {
    const timeoutMs = command.executionTimeoutSeconds * 1000;
    const durationMs = result.durationMs ?? this.options.commandDurationMs ?? 30_000;
    if (result.exitCode === 'never' || durationMs >= timeoutMs) {
      run.timer = this.options.clock.schedule(timeoutMs, () => {
        this.stop(invocation);
        this.report(command, invocation, { status: 'TimedOut', details: 'ExecutionTimedOut', exitCode: 137, result });
      });
      return;
    }
    run.timer = this.options.clock.schedule(durationMs, () => {
      this.stop(invocation);
      // Not read before: whoever answered may learn meanwhile how it ends.
      const exitCode = typeof result.exitCode === 'number' ? result.exitCode : 0;
      if (exitCode === rebootExitCode) {
        // The agent restarts the instance and, when it is back, runs the script again, as often as it asks for it.
        this.options.ec2.instances.reboot(this.options.ec2.instances.get(invocation.instanceId));
      } else {
        const status = exitCode === 0 ? 'Success' : 'Failed';
        this.report(command, invocation, { status, details: status, exitCode, result });
      }
    });
  }

  /** What an agent cannot report because it is offline, it reports as soon as it is back. */
  private report(command: Command, invocation: Invocation, outcome: Outcome): void {
    if (this.agents.isOnline(invocation.instanceId)) this.end(command, invocation, outcome);
    else this.unreported.set(invocation, outcome);
  }

  private end(command: Command, invocation: Invocation, outcome: Outcome): void {
    if (invocation.status !== 'InProgress' && invocation.status !== 'Cancelling') return;
    invocation.endedAtMs = this.options.clock.nowMs();
    invocation.responseCode = outcome.exitCode;
    invocation.standardOutput = outcome.result?.standardOutput ?? '';
    invocation.standardError = outcome.result?.standardError ?? '';
    this.writeLogs(command, invocation);
    this.change(command, invocation, outcome.status, outcome.details);
  }

  private writeLogs(command: Command, invocation: Invocation): void {
    const { logGroup, commandId, document } = command;
    if (logGroup === undefined || this.options.writeLog === undefined) return;
    const stream = `${commandId}/${invocation.instanceId}/${document.stepName}`;
    for (const [kind, text] of [
      ['stdout', invocation.standardOutput],
      ['stderr', invocation.standardError],
    ] as const) {
      if (text !== '') this.options.writeLog({ logGroup, logStream: `${stream}/${kind}`, text });
    }
  }

  private stop(invocation: Invocation): void {
    const run = this.runs.get(invocation);
    this.runs.delete(invocation);
    run?.timer?.cancel();
    run?.script?.kill();
  }

  private expire(command: Command): void {
    for (const invocation of command.invocations) {
      if (isTerminal(invocation.status)) continue;
      this.stop(invocation);
      this.change(command, invocation, 'TimedOut', 'DeliveryTimedOut');
    }
  }

  /** The agent is back: it reports what it could not report, goes on with what a restart cut off, and takes new work. */
  private resume(instanceId: string): void {
    for (const [command, invocation] of this.openOn(instanceId)) {
      const outcome = this.unreported.get(invocation);
      this.unreported.delete(invocation);
      if (outcome !== undefined) this.end(command, invocation, outcome);
      else if (invocation.status === 'Pending') this.deliver(command, invocation);
      // Agents start again what a restart cut off: the script itself must know that it has run before.
      else if (!this.runs.has(invocation)) this.run(command, invocation);
    }
  }

  /** The instance stops or restarts: scripts end without a word, and SSM does not notice. */
  private lose(instanceId: string): void {
    for (const [, invocation] of this.openOn(instanceId)) this.stop(invocation);
  }

  private openOn(instanceId: string): [Command, Invocation][] {
    return [...this.all.values()].flatMap((command) =>
      command.invocations
        .filter((invocation) => invocation.instanceId === instanceId && !isTerminal(invocation.status))
        .map((invocation): [Command, Invocation] => [command, invocation]),
    );
  }

  private change(command: Command, invocation: Invocation, status: CommandStatus, details: string): void {
    invocation.status = status;
    invocation.statusDetails = details;
    this.emit('EC2 Command Invocation Status-change Notification', command, [invocation.instanceId], {
      'instance-id': invocation.instanceId,
      status,
    });
    const commandStatus = statusOf(command.invocations);
    if (commandStatus === command.status) return;
    command.status = commandStatus;
    if (command.invocations.every((one) => isTerminal(one.status))) {
      this.expiries.get(command)?.cancel();
      this.expiries.delete(command);
    }
    this.emit(
      'EC2 Command Status-change Notification',
      command,
      command.invocations.map((one) => one.instanceId),
      {
        'expire-after': new Date(command.expiresAtMs).toISOString(),
        parameters: command.givenParameters,
        status: commandStatus,
      },
    );
  }

  private emit(
    detailType: string,
    command: Command,
    instanceIds: readonly string[],
    detail: Record<string, unknown>,
  ): void {
    const { region, accountId } = this.options;
    this.options.emit({
      source: 'aws.ssm',
      detailType,
      resources: instanceIds.map((id) => `arn:aws:ec2:${region}:${accountId}:instance/${id}`),
      detail: {
        'command-id': command.commandId,
        'document-name': command.document.name,
        'requested-date-time': new Date(command.requestedAtMs).toISOString(),
        ...detail,
      },
    });
  }
}

interface Outcome {
  readonly status: CommandStatus;
  readonly details: string;
  readonly exitCode: number;
  readonly result?: ScriptResult;
}

function newInvocation(instanceId: string): Invocation {
  return {
    instanceId,
    status: 'Pending',
    statusDetails: 'Pending',
    startedAtMs: undefined,
    endedAtMs: undefined,
    responseCode: -1,
    standardOutput: '',
    standardError: '',
    runCount: 0,
  };
}

export function isTerminal(status: CommandStatus): boolean {
  return status !== 'Pending' && status !== 'InProgress' && status !== 'Cancelling';
}

/** A command has the worst of its invocations' states, once all of them have ended. */
function statusOf(invocations: readonly Invocation[]): CommandStatus {
  const order: readonly CommandStatus[] = [
    'Cancelling',
    'InProgress',
    'Pending',
    'TimedOut',
    'Failed',
    'Cancelled',
    'Success',
  ];
  const started = invocations.some(({ status }) => status !== 'Pending');
  const worst = order.find((status) => invocations.some((invocation) => invocation.status === status)) ?? 'Success';
  return worst === 'Pending' && started ? 'InProgress' : worst;
}

/** SendCommand: seconds until a command that nobody took is not run any more. */
export function readTimeoutSeconds(value: number | undefined): number {
  const timeoutSeconds = value ?? 3_600;
  if (timeoutSeconds < 30)
    throw invalidValue('TimeoutSeconds', timeoutSeconds, 'Member must have value greater than or equal to 30');
  if (timeoutSeconds > 2_592_000)
    throw invalidValue('TimeoutSeconds', timeoutSeconds, 'Member must have value less than or equal to 2592000');
  return timeoutSeconds;
}
