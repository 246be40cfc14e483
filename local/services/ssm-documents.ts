/** The command documents of the simulated SSM: their versions, their rules, and the script that comes of one with parameters. */
import { createHash } from 'node:crypto';
import { ServiceError, UnsupportedError } from './service';

/** A parameter that a document declares. */
interface DocumentParameter {
  readonly type: 'String' | 'StringList';
  readonly description?: string;
  readonly default?: string | readonly string[];
  readonly allowedValues?: readonly string[];
  readonly allowedPattern?: string;
  readonly minChars?: number;
  readonly maxChars?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly displayType?: string;
  readonly interpolationType?: 'ENV_VAR';
}

/** One version of a document with its one step. */
export interface DocumentVersion {
  readonly name: string;
  readonly version: string;
  /** SHA-256 of the content, in hexadecimal digits. */
  readonly hash: string;
  readonly contentBytes: number;
  readonly parameters: Readonly<Record<string, DocumentParameter>>;
  readonly stepName: string;
  readonly lines: readonly string[];
  readonly timeoutSeconds: string | undefined;
  readonly workingDirectory: string | undefined;
}

/** What an agent executes. */
export interface RenderedScript {
  readonly script: string;
  /** `SSM_<parameter>` for each `ENV_VAR` parameter. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string | undefined;
}

/** SSM: a document together with the values of its parameters. */
const maximumDocumentBytes = 65_536;
/** The agent takes a timeout beyond this, or one that is not a number, for the default. */
const maximumExecutionTimeoutSeconds = 172_800;
const defaultExecutionTimeoutSeconds = 3_600;
/** First agent that knows `interpolationType`. */
const environmentVariableAgent = '3.3.2746.0';

/** The documents of the account, by name. */
export class SsmDocuments {
  private readonly versions = new Map<string, DocumentVersion[]>();

  /** Adds a document, or a new version of one.
   * @throws ServiceError `InvalidDocumentContent`; UnsupportedError for other documents than command documents with one
   * `aws:runShellScript` step */
  put(name: string, content: unknown): DocumentVersion {
    const versions = this.versions.get(name) ?? [];
    const version = parseDocument(name, String(versions.length + 1), content);
    this.versions.set(name, [...versions, version]);
    return version;
  }

  /** @throws ServiceError `InvalidDocument`, `InvalidDocumentVersion` */
  get(nameOrArn: string, version = '$DEFAULT'): DocumentVersion {
    const name = nameOrArn.replace(/^arn:[^/]*:document\//, '');
    const versions = this.versions.get(name);
    if (versions === undefined) throw new ServiceError('InvalidDocument', `Document with name ${name} does not exist.`);
    // CloudFormation makes every new version the default one.
    const found = /^\$(DEFAULT|LATEST)$/.test(version)
      ? versions.at(-1)
      : versions.find((one) => one.version === version);
    if (found !== undefined) return found;
    throw new ServiceError(
      'InvalidDocumentVersion',
      `Document version ${version} does not exist for document ${name}.`,
    );
  }
}

/** Checks the values sent with a command, and adds the defaults.
 * @throws ServiceError `InvalidParameters`, `MaxDocumentSizeExceeded` */
export function checkCommandParameters(
  document: DocumentVersion,
  given: Readonly<Record<string, readonly string[]>>,
): Record<string, readonly string[]> {
  const unknown = Object.keys(given).find((name) => document.parameters[name] === undefined);
  if (unknown !== undefined)
    throw new ServiceError('InvalidParameters', `Parameter "${unknown}" is not declared in document ${document.name}`);
  const values = Object.fromEntries(
    Object.entries(document.parameters).map(([name, parameter]) => {
      const fallback = parameter.default === undefined ? undefined : [parameter.default].flat();
      const value = given[name] ?? fallback;
      if (value === undefined) throw new ServiceError('InvalidParameters', `Parameter "${name}" requires a value.`);
      checkValue(name, parameter, value);
      return [name, value];
    }),
  );
  const bytes = document.contentBytes + Buffer.byteLength(JSON.stringify(given));
  if (bytes > maximumDocumentBytes) {
    throw new ServiceError(
      'MaxDocumentSizeExceeded',
      `The size limit of a document is 64 KB (${bytes} bytes with its parameters).`,
    );
  }
  return values;
}

function checkValue(name: string, parameter: DocumentParameter, value: readonly string[]): void {
  if (parameter.type === 'String' && value.length !== 1) {
    throw new ServiceError(
      'InvalidParameters',
      `Parameter "${name}" of type String takes one value, got ${value.length}.`,
    );
  }
  for (const text of value) {
    const { allowedPattern, allowedValues, minChars = 0, maxChars = Number.POSITIVE_INFINITY } = parameter;
    if (allowedPattern !== undefined && !new RegExp(allowedPattern).test(text)) {
      throw new ServiceError(
        'InvalidParameters',
        `Parameter "${name}" has value "${text}" not matching "${allowedPattern}".`,
      );
    }
    if (allowedValues !== undefined && !allowedValues.includes(text)) {
      throw new ServiceError(
        'InvalidParameters',
        `Parameter "${name}" has value "${text}" not in [${allowedValues.join(', ')}].`,
      );
    }
    if (text.length < minChars || text.length > maxChars) {
      throw new ServiceError('InvalidParameters', `Parameter "${name}" has ${text.length} characters.`);
    }
  }
}

/** How long the agent lets the step run. */
export function executionTimeoutSeconds(
  document: DocumentVersion,
  values: Readonly<Record<string, readonly string[]>>,
): number {
  const text = substitute(document.timeoutSeconds ?? '', values);
  const seconds = Number(text);
  const isUsable =
    text !== '' && Number.isInteger(seconds) && seconds >= 1 && seconds <= maximumExecutionTimeoutSeconds;
  return isUsable ? seconds : defaultExecutionTimeoutSeconds;
}

/** Makes the script as an agent of that version does. An old one knows no `ENV_VAR`: it sets no variable. */
export function renderScript(
  document: DocumentVersion,
  values: Readonly<Record<string, readonly string[]>>,
  agentVersion: string,
): RenderedScript {
  const knowsVariables = compareVersions(agentVersion, environmentVariableAgent) >= 0;
  const isVariable = (name: string): boolean =>
    knowsVariables && document.parameters[name]?.interpolationType === 'ENV_VAR';
  const interpolated = document.lines.flatMap(parameterNames).find(isVariable);
  if (interpolated !== undefined) {
    throw new UnsupportedError(
      `"{{ ${interpolated} }}" of a parameter with interpolationType ENV_VAR`,
      `document ${document.name}`,
      `use "$SSM_${interpolated}" in the script`,
    );
  }
  return {
    script: document.lines.map((line) => substitute(line, values)).join('\n'),
    environment: Object.fromEntries(
      Object.entries(values)
        .filter(([name]) => isVariable(name))
        .map(([name, value]) => [`SSM_${name}`, value.join(',')]),
    ),
    workingDirectory: document.workingDirectory,
  };
}

const placeholder = /\{\{\s*([A-Za-z0-9_.:/-]+)\s*\}\}/g;

function parameterNames(text: string): string[] {
  if (!text.includes('{{')) return [];
  return [...text.matchAll(placeholder)].map((match) => match[1]!);
}

/** Plain text substitution, with all its dangers. */
function substitute(text: string, values: Readonly<Record<string, readonly string[]>>): string {
  if (!text.includes('{{')) return text;
  return text.replace(placeholder, (whole, name: string) => values[name]?.join('\n') ?? whole);
}

function compareVersions(left: string, right: string): number {
  const [leftParts, rightParts] = [left, right].map((version) => version.split('.').map(Number)) as [
    number[],
    number[],
  ];
  const index = rightParts.findIndex((part, position) => part !== (leftParts[position] ?? 0));
  return index < 0 ? 0 : (leftParts[index] ?? 0) - rightParts[index]!;
}

function parseDocument(name: string, version: string, content: unknown): DocumentVersion {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  const document = (typeof content === 'string' ? parseJson(content) : content) as Record<string, unknown>;
  if (document['schemaVersion'] !== '2.2') {
    throw new UnsupportedError(
      `schema version ${String(document['schemaVersion'])}`,
      `document ${name}`,
      'use schema version 2.2',
    );
  }
  const parameters = (document['parameters'] ?? {}) as Record<string, DocumentParameter>;
  for (const [parameterName, parameter] of Object.entries(parameters)) checkDeclaration(parameterName, parameter);
  const step = onlyStep(name, document);
  const inputs = step['inputs'] as Record<string, unknown>;
  const lines = [inputs['runCommand']].flat() as string[];
  const timeoutSeconds = inputs['timeoutSeconds'];
  const undeclared = [...lines, String(timeoutSeconds)]
    .flatMap(parameterNames)
    .find((used) => parameters[used] === undefined);
  if (undeclared !== undefined)
    throw new ServiceError(
      'InvalidDocumentContent',
      `Parameter ${undeclared} is used but not declared in document ${name}`,
    );
  if (Buffer.byteLength(text) > maximumDocumentBytes)
    throw new ServiceError('MaxDocumentSizeExceeded', 'The size limit of a document is 64 KB.');
  return {
    name,
    version,
    hash: createHash('sha256').update(text).digest('hex'),
    contentBytes: Buffer.byteLength(text),
    parameters,
    stepName: step['name'] as string,
    lines,
    timeoutSeconds: timeoutSeconds === undefined ? undefined : String(timeoutSeconds),
    workingDirectory: inputs['workingDirectory'] as string | undefined,
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ServiceError('InvalidDocumentContent', `JSON not well-formed. ${(error as Error).message}`);
  }
}

const declarationFields = [
  'type',
  'description',
  'default',
  'allowedValues',
  'allowedPattern',
  'minChars',
  'maxChars',
  'minItems',
  'maxItems',
  'displayType',
  'interpolationType',
];

function checkDeclaration(name: string, parameter: DocumentParameter): void {
  const unknown = Object.keys(parameter).find((field) => !declarationFields.includes(field));
  if (unknown !== undefined)
    throw new ServiceError('InvalidDocumentContent', `Parameter ${name} has an unknown field ${unknown}`);
  if (parameter.type !== 'String' && parameter.type !== 'StringList') {
    throw new ServiceError(
      'InvalidDocumentContent',
      `Parameter ${name} of a command document must be a String or a StringList`,
    );
  }
}

/** The one step, if it is one that can be simulated. */
function onlyStep(name: string, document: Record<string, unknown>): Record<string, unknown> {
  const steps = (document['mainSteps'] ?? []) as Record<string, unknown>[];
  const [step] = steps;
  if (step === undefined || steps.length > 1 || step['action'] !== 'aws:runShellScript') {
    throw new UnsupportedError(
      'anything but one aws:runShellScript step',
      `document ${name}`,
      'put the work into one shell script',
    );
  }
  const fields = [...Object.keys(step), ...Object.keys(step['inputs'] as object)];
  const known = ['action', 'name', 'precondition', 'inputs', 'runCommand', 'timeoutSeconds', 'workingDirectory'];
  const unknown = fields.find((field) => !known.includes(field));
  if (unknown !== undefined)
    throw new UnsupportedError(
      `the field ${unknown}`,
      `document ${name}, step ${String(step['name'])}`,
      'leave it out',
    );
  if (
    step['precondition'] !== undefined &&
    JSON.stringify(step['precondition']) !== '{"StringEquals":["platformType","Linux"]}'
  ) {
    throw new UnsupportedError(
      'this precondition',
      `document ${name}, step ${String(step['name'])}`,
      'use platformType Linux',
    );
  }
  if (!/^[a-zA-Z0-9_]+$/.test(String(step['name']))) {
    throw new ServiceError(
      'InvalidDocumentContent',
      `The name of a step must match ^[a-zA-Z0-9_]+$: ${String(step['name'])}`,
    );
  }
  return step;
}
