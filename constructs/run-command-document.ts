/** The SSM document that runs the user's command on an instance: the only way in which work reaches a fleet. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Duration, Stack, Token } from 'aws-cdk-lib';
import { CfnDocument } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { commandParameterRules } from '../tasks/operations/command-parameters';

/** What a `RunCommandDocument` runs. */
export interface RunCommandDocumentProps {
  /** Bash text that processes one object. It runs as root under `set -euo pipefail`, in an empty folder that is removed
   * afterwards, without standard input.
   *
   * It finds the object in `$OBJECT_FILE` and leaves its results as plain files in `$RESULTS_DIR`; also set are
   * `OBJECT_BUCKET`, `OBJECT_KEY`, `OBJECT_VERSION` (empty without versions), `OBJECT_ETAG`, `OBJECT_SIZE` (bytes),
   * `OBJECT_CONTENT_TYPE`, `OBJECT_LAST_MODIFIED`, `OBJECT_ATTEMPT` (from 1), `OPERATION_ID` and `TMPDIR`.
   *
   * Its exit code decides: 0 done, 65 the object is not acceptable (its last words go to quarantine with it), 75 try
   * again later, anything else has failed. */
  readonly command: string;
  /** How long the command may run, downloading and uploading included: whole seconds, from 1 second to 48 hours. */
  readonly timeout: Duration;
}

/** An SSM command document with one step that downloads an object version, runs a command on it and stores the results.
 *
 * Its parameters are opaque or base64 text and reach the script as environment variables, so nothing that an uploader
 * chose is ever part of a command. Instances need an SSM Agent of 3.3.2746.0 or newer, the AWS CLI of 2.18 or newer,
 * bash and coreutils; a run on one that lacks them fails and says so.
 * @example
 * ```ts
 * new RunCommandDocument(this, 'Command', { command: 'wc -l <"$OBJECT_FILE" >"$RESULTS_DIR/lines"', timeout: Duration.hours(1) });
 * ```
 * @see https://docs.aws.amazon.com/systems-manager/latest/userguide/documents-schemas-features.html (schema 2.2) */
export class RunCommandDocument extends Construct {
  /** Name of the document's only step. */
  static readonly stepName = 'process';

  readonly document: CfnDocument;
  readonly documentName: string;
  readonly documentArn: string;
  readonly timeout: Duration;

  /** @throws Error when the command holds an interpolation of SSM or is too long, or the timeout is out of range */
  constructor(scope: Construct, id: string, props: RunCommandDocumentProps) {
    super(scope, id);
    checkTimeout(props.timeout, this.node.path);
    checkCommand(props.command, this.node.path);
    this.timeout = props.timeout;
    const content = documentContent(props);
    checkContentSize(JSON.stringify(content), this.node.path);
    this.document = new CfnDocument(this, 'Resource', {
      documentType: 'Command',
      documentFormat: 'JSON',
      content,
      targetType: '/AWS::EC2::Instance',
      // A changed command must not take the document away from operations that are about to send it.
      updateMethod: 'NewVersion',
    });
    this.documentName = this.document.ref;
    this.documentArn = Stack.of(this).formatArn({
      service: 'ssm',
      resource: 'document',
      resourceName: this.documentName,
    });
  }
}

/** Agents take this for a template: in the text of a step it is replaced, and never left alone. */
const interpolation = /\{\{/;

/** SSM: the document and the values of its parameters together. */
const maximumDocumentBytes = 65_536;
const maximumTimeoutSeconds = 172_800;

function checkTimeout(timeout: Duration, path: string): void {
  if (timeout.isUnresolved()) return;
  const timeoutSeconds = timeout.toSeconds({ integral: false });
  // The agent takes anything else for 3,600 seconds without a word.
  if (Number.isInteger(timeoutSeconds) && timeoutSeconds >= 1 && timeoutSeconds <= maximumTimeoutSeconds) return;
  throw new Error(
    `A command has a timeout that the SSM Agent would ignore, at ${path}\n  got: ${timeoutSeconds} seconds\n  allowed: whole seconds from 1 to 172800 (48 hours)\n  fix: choose another timeout, or split the work`,
  );
}

function checkCommand(command: string, path: string): void {
  if (!Token.isUnresolved(command) && command.trim() === '') {
    throw new Error(
      `A command is empty, at ${path}\n  got: ${JSON.stringify(command)}\n  allowed: bash text\n  fix: write what processes $OBJECT_FILE and leaves its results in $RESULTS_DIR`,
    );
  }
  const line = command.split('\n').find((text) => interpolation.test(text));
  if (line === undefined) return;
  throw new Error(
    `A command holds "{{", which SSM replaces before bash sees it, at ${path}\n  got: ${JSON.stringify(line.slice(0, 200))}\n  allowed: bash text without two opening braces in a row\n  fix: write them apart, as in '{''{.Id}}', or call a script that is installed on the instance`,
  );
}

function checkContentSize(content: string, path: string): void {
  const valueBytes = Object.values(commandParameterRules).reduce((sum, rule) => sum + rule.maximumCharacters, 0);
  const allowedBytes = maximumDocumentBytes - valueBytes;
  const contentBytes = Buffer.byteLength(content);
  if (contentBytes <= allowedBytes) return;
  throw new Error(
    `A command is too long for its SSM document, at ${path}\n  got: a document of ${contentBytes} bytes\n  allowed: ${allowedBytes} bytes, beside the values of its parameters\n  fix: install a script on the instance and call it`,
  );
}

function documentContent(props: RunCommandDocumentProps): object {
  return {
    schemaVersion: '2.2',
    description:
      'Runs one operation of an object workflow: downloads an object version, processes it, stores the results.',
    parameters: Object.fromEntries(
      Object.entries(commandParameterRules).map(([name, rule]) => [
        name,
        {
          type: 'String',
          description: rule.description,
          allowedPattern: rule.allowedPattern,
          maxChars: rule.maximumCharacters,
          interpolationType: 'ENV_VAR',
        },
      ]),
    ),
    mainSteps: [
      {
        action: 'aws:runShellScript',
        name: RunCommandDocument.stepName,
        precondition: { StringEquals: ['platformType', 'Linux'] },
        inputs: { timeoutSeconds: String(props.timeout.toSeconds()), runCommand: scriptLines(props.command) },
      },
    ],
  };
}

/** The script with the command in its place, between lines that the command itself does not hold. */
function scriptLines(command: string): string[] {
  const script = readFileSync(join(__dirname, 'run-operation.sh'), 'utf8').trimEnd().split('\n');
  const delimiter = freeDelimiter(command);
  const first = script.findIndex((line) => line.includes(`<<'${commandDelimiter}'`));
  const last = script.indexOf(commandDelimiter);
  return [
    ...script.slice(0, first),
    script[first]!.replace(commandDelimiter, delimiter),
    ...command.split('\n'),
    delimiter,
    ...script.slice(last + 1),
  ];
}

const commandDelimiter = 'END_OF_COMMAND';

function freeDelimiter(command: string): string {
  const lines = new Set(command.split('\n'));
  let delimiter = commandDelimiter;
  for (let suffix = 1; lines.has(delimiter); suffix++) delimiter = `${commandDelimiter}_${suffix}`;
  return delimiter;
}
