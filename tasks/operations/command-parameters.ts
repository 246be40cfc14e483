/** What reaches an instance: the parameters of our SSM document, which hold nothing that a shell or the AWS CLI could interpret. */
import type { ObjectReference } from '../object-reference';

/** The parameters of the document by name: what each holds and which texts the document accepts for it.
 * The patterns mean the same in Java (SSM) and in RE2 (the agent). */
export const commandParameterRules = {
  OperationId: {
    description: 'Names the operation: an instance runs it once.',
    allowedPattern: '^[A-Za-z0-9_-]+$',
    maximumCharacters: 128,
  },
  Environment: {
    description: 'Base64 of NUL-terminated NAME=value entries: which object version to process.',
    allowedPattern: '^[A-Za-z0-9+/]+={0,2}$',
    maximumCharacters: 8_192,
  },
  ResultsLocation: {
    description: 'Base64 of s3://bucket/prefix/, where this operation alone stores its results.',
    allowedPattern: '^[A-Za-z0-9+/]+={0,2}$',
    maximumCharacters: 2_048,
  },
} as const;

/** Name of a parameter of the document. */
export type CommandParameterName = keyof typeof commandParameterRules;

/** One run of the command on one object version. */
export interface CommandRequest {
  /** Letters, digits, hyphens and underscores, at most 128. */
  readonly operationId: string;
  readonly object: ObjectReference;
  readonly resultsBucket: string;
  /** Owned by this operation alone; made by `operationResultsPrefix`. */
  readonly resultsPrefix: string;
}

/** Prefix under which one operation, and no other, stores its results. Ends with `/`.
 * @param resultsPrefix Prefix of the workflow's results: empty, or ending with `/`. */
export function operationResultsPrefix(resultsPrefix: string, operationId: string): string {
  return `${resultsPrefix}operations/${operationId}/`;
}

/** Builds the `Parameters` of `SendCommand` for our document.
 * @returns one value for each parameter
 * @throws Error when a value does not fit the document: the operation id, a key with a NUL character, or a prefix
 * that is not the operation's own
 * @example
 * commandParameters({
 *   operationId: 'op-1', object, resultsBucket: 'results', resultsPrefix: operationResultsPrefix('', 'op-1'),
 * }) */
export function commandParameters(request: CommandRequest): Record<CommandParameterName, [string]> {
  if (!request.resultsPrefix.endsWith(operationResultsPrefix('', request.operationId))) {
    throw new Error(
      `A command would store its results where others do, at commandParameters\n  got: ${JSON.stringify(request.resultsPrefix)}\n  allowed: a prefix that ends with "operations/${request.operationId}/"\n  fix: use operationResultsPrefix`,
    );
  }
  const parameters: Record<CommandParameterName, [string]> = {
    OperationId: [request.operationId],
    Environment: [base64(environmentEntries(environmentOf(request.object)))],
    ResultsLocation: [base64(`s3://${request.resultsBucket}/${request.resultsPrefix}`)],
  };
  for (const name of Object.keys(commandParameterRules) as CommandParameterName[])
    checkParameter(name, parameters[name][0]);
  return parameters;
}

function checkParameter(name: CommandParameterName, value: string): void {
  const rule = commandParameterRules[name];
  if (value.length <= rule.maximumCharacters && new RegExp(rule.allowedPattern).test(value)) return;
  throw new Error(
    `A value does not fit the command document, at its parameter ${name}\n  got: ${JSON.stringify(value.slice(0, 200))} (${value.length} characters)\n  allowed: ${rule.allowedPattern}, at most ${rule.maximumCharacters} characters\n  fix: choose another value for ${name}`,
  );
}

/** The variables that describe the object to the command. Each is always set, so that `set -u` does not stop it. */
function environmentOf(object: ObjectReference): Record<string, string> {
  return {
    OBJECT_BUCKET: object.bucket,
    OBJECT_KEY: object.key,
    OBJECT_VERSION: object.versionId ?? '',
    OBJECT_ETAG: object.etag,
    OBJECT_SIZE: String(object.sizeBytes),
    OBJECT_CONTENT_TYPE: object.contentType,
    OBJECT_LAST_MODIFIED: object.lastModified,
    OBJECT_ATTEMPT: String(object.attempt),
  };
}

function environmentEntries(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => {
      if (value.includes('\0')) {
        throw new Error(
          `An environment variable cannot hold a NUL character, at ${name}\n  got: ${JSON.stringify(value.slice(0, 200))}\n  allowed: any other text\n  fix: upload the object under another key`,
        );
      }
      return `${name}=${value}\0`;
    })
    .join('');
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}
