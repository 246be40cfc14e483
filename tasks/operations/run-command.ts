/** The calls of SSM Run Command that an operation makes. SendCommand has no idempotency token: a marker in the comment stands in for it. */
import {
  CancelCommandCommand,
  GetCommandInvocationCommand,
  ListCommandsCommand,
  SendCommandCommand,
  type GetCommandInvocationResult,
  type SSMClient,
} from '@aws-sdk/client-ssm';
import type { TaskLog } from '../task-context';
import { commandParameters, operationResultsPrefix } from './command-parameters';
import { runId, type CommandOperation } from './operation';

/** A command that was sent is found in ListCommands within this time, if it was sent at all. */
export const listingGraceMs = 50_000;

/** Clocks of ours and of SSM may differ by this much. */
const clockSkewMs = 5 * 60_000;

/** Sends the command of this try to an instance.
 * @returns the command's id */
export async function sendCommand(operation: CommandOperation, instanceId: string, client: SSMClient): Promise<string> {
  const { settings, object } = operation;
  const { Command } = await client.send(
    new SendCommandCommand({
      DocumentName: settings.documentName,
      DocumentVersion: settings.documentVersion,
      ...(settings.documentHash !== undefined && { DocumentHash: settings.documentHash, DocumentHashType: 'Sha256' }),
      InstanceIds: [instanceId],
      Comment: marker(operation),
      TimeoutSeconds: settings.deliveryTimeoutSeconds,
      Parameters: commandParameters({
        operationId: runId(operation),
        object,
        resultsBucket: settings.resultsBucket,
        resultsPrefix: operationResultsPrefix(settings.resultsPrefix, runId(operation)),
      }),
      ...(settings.outputLogGroup !== undefined && {
        CloudWatchOutputConfig: { CloudWatchLogGroupName: settings.outputLogGroup, CloudWatchOutputEnabled: true },
      }),
    }),
  );
  if (Command?.CommandId === undefined) throw new Error('SendCommand answered without a command id');
  return Command.CommandId;
}

/** Finds the commands of this try, the latest first. There is more than one if the call was repeated because its answer was lost;
 * one that was sent a moment ago may not be listed yet. */
export async function findCommands(
  operation: CommandOperation,
  instanceId: string,
  sinceMs: number,
  client: SSMClient,
): Promise<string[]> {
  const found: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await client.send(
      new ListCommandsCommand({
        InstanceId: instanceId,
        Filters: [
          { key: 'InvokedAfter', value: secondsText(sinceMs - clockSkewMs) },
          { key: 'DocumentName', value: operation.settings.documentName },
        ],
        NextToken,
      }),
    );
    const sent = (page.Commands ?? []).filter((command) => command.Comment === marker(operation));
    found.push(...sent.flatMap(({ CommandId }) => CommandId ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

/** Reads how the command stands on its instance.
 * @throws InvocationDoesNotExist also for a moment after the command was sent */
export function readInvocation(
  commandId: string,
  instanceId: string,
  client: SSMClient,
): Promise<GetCommandInvocationResult> {
  return client.send(new GetCommandInvocationCommand({ CommandId: commandId, InstanceId: instanceId }));
}

/** Asks SSM to stop a command. It promises nothing, and neither does this: what counts is that its results are not used. */
export async function cancelCommand(commandId: string, client: SSMClient, log: TaskLog): Promise<void> {
  try {
    await client.send(new CancelCommandCommand({ CommandId: commandId }));
  } catch (error) {
    log.warn('A command could not be cancelled', { command: commandId, problem: String(error) });
  }
}

/** Whether SSM refuses commands for the instance: it is gone, or its agent is. */
export function isInstanceRefused(error: unknown): error is Error {
  return error instanceof Error && error.name === 'InvalidInstanceId';
}

/** At most 100 characters. */
function marker(operation: CommandOperation): string {
  return `object-workflow ${runId(operation)}`;
}

function secondsText(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}
