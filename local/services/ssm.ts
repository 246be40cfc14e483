/** Simulated Systems Manager: Run Command with its agents and documents, and Parameter Store. */
import { pageOf } from './call-parameters';
import { type Service, ServiceError, type ServiceOutput, UnsupportedError } from './service';
import { SsmAgents } from './ssm-agents';
import { type Command, type Invocation, isTerminal, readTimeoutSeconds, SsmCommands } from './ssm-commands';
import { SsmDocuments } from './ssm-documents';
import { checkSsmParameters, type Input, invalidValue, type SsmOptions } from './ssm-model';
import { SsmParameters } from './ssm-parameters';

export type { Command, CommandAnswer, CommandStatus, Invocation } from './ssm-commands';
export type { RunningScript, ScriptRequest, ScriptResult, ScriptRunner, SsmOptions } from './ssm-model';

/** GetCommandInvocation and ListCommandInvocations cut output at these many characters. */
const maximumOutput = 24_000;
const maximumErrorOutput = 8_000;
const maximumPluginOutput = 2_500;
const truncationMark = '\n--output truncated--';

/** The Systems Manager of one account and Region.
 * @example
 * ssm.commands.answer(({ parameters }) => (parameters['OperationId'] ? { exitCode: 75, standardError: 'busy' } : undefined));
 * ssm.agents.set(instance.instanceId, { online: false }); */
export class SsmService implements Service {
  readonly name = 'ssm';
  readonly documents = new SsmDocuments();
  readonly agents: SsmAgents;
  readonly commands: SsmCommands;
  readonly parameters: SsmParameters;
  readonly operations: Readonly<Record<string, (input: Input) => ServiceOutput>>;

  constructor(private readonly options: SsmOptions) {
    this.agents = new SsmAgents(options);
    this.commands = new SsmCommands(options, this.documents, this.agents);
    this.parameters = new SsmParameters(options);
    this.operations = {
      SendCommand: (input) => this.sendCommand(input),
      GetCommandInvocation: (input) => this.getCommandInvocation(input),
      ListCommands: (input) => this.listCommands(input),
      ListCommandInvocations: (input) => this.listCommandInvocations(input),
      CancelCommand: (input) => this.cancelCommand(input),
      DescribeInstanceInformation: (input) => this.agents.describeInstanceInformation(input),
      PutParameter: (input) => this.parameters.putParameter(input),
      GetParameter: (input) => this.parameters.getParameter(input),
      GetParameters: (input) => this.parameters.getParameters(input),
      DeleteParameter: (input) => this.parameters.deleteParameter(input),
    };
  }

  private sendCommand(input: Input): ServiceOutput {
    checkSsmParameters('SendCommand', input, {
      required: ['DocumentName', 'InstanceIds'],
      optional: [
        'DocumentVersion',
        'DocumentHash',
        'DocumentHashType',
        'TimeoutSeconds',
        'Comment',
        'Parameters',
        'CloudWatchOutputConfig',
      ],
    });
    const comment = (input['Comment'] as string | undefined) ?? '';
    if (comment.length > 100)
      throw invalidValue('Comment', comment, 'Member must have length less than or equal to 100');
    const timeoutSeconds = readTimeoutSeconds(input['TimeoutSeconds'] as number | undefined);
    const instanceIds = readInstanceIds(input['InstanceIds'] as readonly string[]);
    const document = this.documents.get(
      input['DocumentName'] as string,
      input['DocumentVersion'] as string | undefined,
    );
    const hash = input['DocumentHash'] as string | undefined;
    if (hash !== undefined && hash !== document.hash) {
      throw new ServiceError(
        'InvalidDocument',
        `The hash ${hash} is not that of version ${document.version} of document ${document.name}.`,
      );
    }
    const output = input['CloudWatchOutputConfig'] as
      { CloudWatchLogGroupName?: string; CloudWatchOutputEnabled?: boolean } | undefined;
    const command = this.commands.send({
      document,
      instanceIds,
      parameters: (input['Parameters'] ?? {}) as Readonly<Record<string, readonly string[]>>,
      comment,
      timeoutSeconds,
      logGroup:
        output?.CloudWatchOutputEnabled === true
          ? (output.CloudWatchLogGroupName ?? `/aws/ssm/${document.name}`)
          : undefined,
    });
    return { Command: this.describeCommand(command) };
  }

  private getCommandInvocation(input: Input): ServiceOutput {
    checkSsmParameters('GetCommandInvocation', input, {
      required: ['CommandId', 'InstanceId'],
      optional: ['PluginName'],
    });
    const commandId = readCommandId(input['CommandId'] as string);
    const command = this.visibleCommands().find((one) => one.commandId === commandId);
    const invocation = command?.invocations.find(({ instanceId }) => instanceId === input['InstanceId']);
    if (command === undefined || invocation === undefined) throw new ServiceError('InvocationDoesNotExist', '');
    const plugin = input['PluginName'] as string | undefined;
    if (plugin !== undefined && plugin !== command.document.stepName) throw new ServiceError('InvalidPluginName', '');
    return {
      CommandId: command.commandId,
      InstanceId: invocation.instanceId,
      Comment: command.comment,
      DocumentName: command.document.name,
      DocumentVersion: command.document.version,
      PluginName: command.document.stepName,
      ResponseCode: invocation.responseCode,
      ExecutionStartDateTime: isoOrEmpty(invocation.startedAtMs),
      ExecutionElapsedTime: elapsed(invocation),
      ExecutionEndDateTime: isoOrEmpty(invocation.endedAtMs),
      Status: invocation.status,
      StatusDetails: invocation.statusDetails,
      StandardOutputContent: truncate(invocation.standardOutput, maximumOutput),
      StandardOutputUrl: '',
      StandardErrorContent: truncate(invocation.standardError, maximumErrorOutput),
      StandardErrorUrl: '',
      CloudWatchOutputConfig: cloudWatchOutput(command),
    };
  }

  private listCommands(input: Input): ServiceOutput {
    checkSsmParameters('ListCommands', input, {
      optional: ['CommandId', 'InstanceId', 'MaxResults', 'NextToken', 'Filters'],
    });
    const { items, nextToken } = this.page(this.selectCommands('ListCommands', input), input);
    return { Commands: items.map((command) => this.describeCommand(command)), NextToken: nextToken };
  }

  private listCommandInvocations(input: Input): ServiceOutput {
    checkSsmParameters('ListCommandInvocations', input, {
      optional: ['CommandId', 'InstanceId', 'MaxResults', 'NextToken', 'Filters', 'Details'],
    });
    const found = this.selectCommands('ListCommandInvocations', input).flatMap((command) =>
      command.invocations
        .filter(({ instanceId }) => input['InstanceId'] === undefined || input['InstanceId'] === instanceId)
        .map((invocation) => describeInvocation(command, invocation, input['Details'] === true)),
    );
    const { items, nextToken } = this.page(found, input);
    return { CommandInvocations: items, NextToken: nextToken };
  }

  private cancelCommand(input: Input): ServiceOutput {
    checkSsmParameters('CancelCommand', input, { required: ['CommandId'], optional: ['InstanceIds'] });
    const command = this.commands.all.get(readCommandId(input['CommandId'] as string));
    if (command === undefined) throw new ServiceError('InvalidCommandId', '');
    this.commands.cancel(command, (input['InstanceIds'] ?? []) as readonly string[]);
    return {};
  }

  /** Reads are eventually consistent: a command appears a while after it was sent. Newest first. */
  private visibleCommands(): Command[] {
    const visibleBeforeMs = this.options.clock.nowMs() - (this.options.visibilityDelayMs ?? 1_000);
    return [...this.commands.all.values()].filter(({ requestedAtMs }) => requestedAtMs <= visibleBeforeMs).reverse();
  }

  private selectCommands(operation: string, input: Input): Command[] {
    const { CommandId: commandId, InstanceId: instanceId } = input;
    const filters = (input['Filters'] ?? []) as readonly { readonly key: string; readonly value: string }[];
    if (commandId !== undefined) readCommandId(commandId as string);
    return this.visibleCommands().filter(
      (command) =>
        (commandId === undefined || command.commandId === commandId) &&
        (instanceId === undefined || command.invocations.some((invocation) => invocation.instanceId === instanceId)) &&
        filters.every(({ key, value }) => matches(operation, command, key, value)),
    );
  }

  private page<Item>(items: readonly Item[], input: Input) {
    const size = (input['MaxResults'] as number | undefined) ?? 50;
    if (size < 1 || size > 50) throw invalidValue('MaxResults', size, 'Member must have value between 1 and 50');
    return pageOf(
      items,
      { token: input['NextToken'] as string | undefined, size },
      () => new ServiceError('InvalidNextToken', ''),
    );
  }

  private describeCommand(command: Command): Record<string, unknown> {
    const ended = command.invocations.filter(({ status }) => isTerminal(status));
    return {
      CommandId: command.commandId,
      DocumentName: command.document.name,
      DocumentVersion: command.document.version,
      Comment: command.comment,
      ExpiresAfter: new Date(command.expiresAtMs),
      Parameters: command.givenParameters,
      InstanceIds: command.invocations.map(({ instanceId }) => instanceId),
      Targets: [],
      RequestedDateTime: new Date(command.requestedAtMs),
      Status: command.status,
      StatusDetails: command.status === 'TimedOut' ? command.invocations[0]!.statusDetails : command.status,
      MaxConcurrency: '50',
      MaxErrors: '0',
      TargetCount: command.invocations.length,
      CompletedCount: ended.length,
      ErrorCount: ended.filter(({ status }) => status === 'Failed' || status === 'TimedOut').length,
      DeliveryTimedOutCount: ended.filter(({ statusDetails }) => statusDetails === 'DeliveryTimedOut').length,
      TimeoutSeconds: command.timeoutSeconds,
      CloudWatchOutputConfig: cloudWatchOutput(command),
    };
  }
}

function readCommandId(commandId: string): string {
  if (commandId.length === 36) return commandId;
  throw invalidValue('CommandId', commandId, 'Member must have length 36');
}

function readInstanceIds(instanceIds: readonly string[]): readonly string[] {
  const malformed = instanceIds.find((id) => !/^(i-([0-9a-f]{8}|[0-9a-f]{17})|mi-[0-9a-f]{17})$/.test(id));
  if (malformed !== undefined || instanceIds.length < 1 || instanceIds.length > 50) {
    throw invalidValue(
      'InstanceIds',
      `[${instanceIds.join(', ')}]`,
      'Member must satisfy the pattern of an instance id, 1 to 50 times',
    );
  }
  if (new Set(instanceIds).size < instanceIds.length) throw new ServiceError('DuplicateInstanceId', '');
  return instanceIds;
}

function matches(operation: string, command: Command, key: string, value: string): boolean {
  if (key === 'InvokedAfter') return command.requestedAtMs > Date.parse(value);
  if (key === 'InvokedBefore') return command.requestedAtMs < Date.parse(value);
  if (key === 'Status') return command.status === value;
  if (key === 'DocumentName') return command.document.name === value;
  if (key === 'ExecutionStage') return isTerminal(command.status) === (value === 'Complete');
  throw new UnsupportedError(
    `the filter ${key}`,
    `ssm:${operation}`,
    'filter by InvokedAfter, InvokedBefore, Status, DocumentName or ExecutionStage',
  );
}

function describeInvocation(command: Command, invocation: Invocation, withDetails: boolean): Record<string, unknown> {
  const output = truncate(
    invocation.standardOutput + (invocation.standardError && `\n----------ERROR-------\n${invocation.standardError}`),
    maximumPluginOutput,
  );
  return {
    CommandId: command.commandId,
    InstanceId: invocation.instanceId,
    InstanceName: '',
    Comment: command.comment,
    DocumentName: command.document.name,
    DocumentVersion: command.document.version,
    RequestedDateTime: new Date(command.requestedAtMs),
    Status: invocation.status,
    StatusDetails: invocation.statusDetails,
    StandardOutputUrl: '',
    StandardErrorUrl: '',
    CommandPlugins: withDetails
      ? [
          {
            Name: command.document.stepName,
            Status: invocation.status === 'Cancelling' ? 'InProgress' : invocation.status,
            StatusDetails: invocation.statusDetails,
            ResponseCode: invocation.responseCode,
            ...(invocation.startedAtMs === undefined
              ? {}
              : { ResponseStartDateTime: new Date(invocation.startedAtMs) }),
            ...(invocation.endedAtMs === undefined ? {} : { ResponseFinishDateTime: new Date(invocation.endedAtMs) }),
            Output: output,
          },
        ]
      : [],
  };
}

function cloudWatchOutput(command: Command): Record<string, unknown> {
  return { CloudWatchLogGroupName: command.logGroup ?? '', CloudWatchOutputEnabled: command.logGroup !== undefined };
}

function truncate(text: string, maximum: number): string {
  return text.length <= maximum ? text : text.slice(0, maximum - truncationMark.length) + truncationMark;
}

function isoOrEmpty(instantMs: number | undefined): string {
  return instantMs === undefined ? '' : new Date(instantMs).toISOString();
}

function elapsed(invocation: Invocation): string {
  const { startedAtMs, endedAtMs } = invocation;
  return startedAtMs === undefined || endedAtMs === undefined ? '' : `PT${(endedAtMs - startedAtMs) / 1000}S`;
}
