/** Which fields each part of the language has, and what each may hold: read as a table. */
import type { QueryLanguage } from '../definition';

/** What a field without states or handlers in it holds. Where the state's language is JSONata, texts, numbers and timestamps may be
 * expressions too, unless the field is constant. */
export type ValueKind =
  | { readonly is: 'text' | 'timestamp' | 'boolean' | 'any' | 'object' | 'texts' | 'payload' | 'template' }
  | { readonly is: 'path' | 'reference path'; readonly orNull?: true }
  | NumberKind
  | { readonly is: 'word'; readonly words: readonly string[] };

export interface NumberKind {
  readonly is: 'integer' | 'number';
  readonly minimum: number;
  readonly maximum?: number | undefined;
}

export type FieldKind =
  | ValueKind
  | { readonly is: 'choice rules' | 'graph' | 'graphs' | 'retriers' | 'catchers' }
  | { readonly is: 'fields'; readonly fields: FieldTable };

export interface FieldRule {
  readonly kind: FieldKind;
  readonly required?: true;
  /** The only language that has the field; both when absent. */
  readonly language?: QueryLanguage;
  /** Never an expression. */
  readonly constant?: true;
  /** Which members of `$states` an expression in it may read beside `input` and `context`. */
  readonly sees?: 'result' | 'errorOutput';
}

export type FieldTable = Readonly<Record<string, FieldRule>>;

const text: FieldRule = { kind: { is: 'text' } };
const constantText: FieldRule = { kind: { is: 'text' }, constant: true };
const path: FieldRule = { kind: { is: 'path' }, language: 'JSONPath' };
const pathOrNull: FieldRule = { kind: { is: 'path', orNull: true }, language: 'JSONPath' };
const resultPath: FieldRule = { kind: { is: 'reference path', orNull: true }, language: 'JSONPath' };
const payload: FieldRule = { kind: { is: 'payload' }, language: 'JSONPath' };
const template: FieldRule = { kind: { is: 'template' }, language: 'JSONata' };
const resultTemplate: FieldRule = { ...template, sees: 'result' };
const anyPayload: FieldRule = { kind: { is: 'template' } };
const object: FieldRule = { kind: { is: 'object' } };
const boolean: FieldRule = { kind: { is: 'boolean' }, constant: true };

const integer = (minimum: number, maximum?: number): FieldRule => ({ kind: { is: 'integer', minimum, maximum } });
const constantInteger = (minimum: number, maximum?: number): FieldRule => ({
  ...integer(minimum, maximum),
  constant: true,
});
const word = (...words: readonly string[]): FieldRule => ({ kind: { is: 'word', words }, constant: true });
const fields = (table: FieldTable): FieldRule => ({ kind: { is: 'fields', fields: table } });

/** The longest time that a state may wait, and the most attempts. */
const longest = 99_999_999;

const everyState: FieldTable = {
  Type: { ...word('Task', 'Wait', 'Pass', 'Succeed', 'Fail', 'Choice', 'Parallel', 'Map'), required: true },
  Comment: constantText,
  QueryLanguage: word('JSONPath', 'JSONata'),
};
const transition: FieldTable = { Next: constantText, End: boolean };
const throughput: FieldTable = { InputPath: pathOrNull, OutputPath: pathOrNull };
const assignment: FieldTable = { Assign: object };
const resultFields: FieldTable = {
  Parameters: payload,
  ResultSelector: payload,
  ResultPath: resultPath,
  Output: resultTemplate,
  Assign: { ...object, sees: 'result' },
};
const errorHandling: FieldTable = { Retry: { kind: { is: 'retriers' } }, Catch: { kind: { is: 'catchers' } } };

const writerConfig = fields({
  OutputType: word('JSON', 'JSONL'),
  Transformation: word('NONE', 'COMPACT', 'FLATTEN'),
});
const readerConfig = fields({
  InputType: word('CSV', 'JSON', 'JSONL', 'PARQUET', 'MANIFEST'),
  ManifestType: word('ATHENA_DATA', 'S3_INVENTORY'),
  Transformation: word('NONE', 'LOAD_AND_FLATTEN'),
  CSVHeaderLocation: word('FIRST_ROW', 'GIVEN'),
  CSVHeaders: { kind: { is: 'texts' } },
  CSVDelimiter: word('COMMA', 'PIPE', 'SEMICOLON', 'SPACE', 'TAB'),
  ItemsPointer: constantText,
  // Whether the number makes sense is told when the Map runs, as recorded on AWS.
  MaxItems: { kind: { is: 'number', minimum: -Infinity } },
  MaxItemsPath: path,
});

/** Fields that only a Map in distributed mode has. */
export const distributedFields = ['ItemReader', 'ItemBatcher', 'ResultWriter', 'Label'] as const;

export const processorConfig = fields({
  Mode: word('INLINE', 'DISTRIBUTED'),
  ExecutionType: word('STANDARD', 'EXPRESS'),
});

const mapFields: FieldTable = {
  ItemProcessor: { kind: { is: 'graph' } },
  Iterator: { kind: { is: 'graph' } },
  Items: template,
  ItemsPath: path,
  ItemSelector: anyPayload,
  MaxConcurrency: integer(0),
  MaxConcurrencyPath: path,
  ToleratedFailureCount: integer(0),
  ToleratedFailureCountPath: path,
  ToleratedFailurePercentage: { kind: { is: 'number', minimum: 0, maximum: 100 } },
  ToleratedFailurePercentagePath: path,
  Label: constantText,
  ItemReader: fields({
    Resource: { ...constantText, required: true },
    Parameters: payload,
    Arguments: template,
    ReaderConfig: readerConfig,
  }),
  ItemBatcher: fields({
    MaxItemsPerBatch: integer(1),
    MaxItemsPerBatchPath: path,
    MaxInputBytesPerBatch: integer(1, 262_144),
    MaxInputBytesPerBatchPath: path,
    BatchInput: anyPayload,
  }),
  ResultWriter: fields({
    Resource: constantText,
    Parameters: payload,
    Arguments: template,
    WriterConfig: writerConfig,
  }),
};

/** The fields of each type of state; the types in the order in which the service lists them. */
export const stateFields: Readonly<Record<string, FieldTable>> = {
  Task: {
    ...everyState,
    ...transition,
    ...throughput,
    ...resultFields,
    ...errorHandling,
    Resource: { ...constantText, required: true },
    Arguments: template,
    Credentials: object,
    TimeoutSeconds: integer(1, longest),
    TimeoutSecondsPath: path,
    HeartbeatSeconds: integer(1, longest),
    HeartbeatSecondsPath: path,
  },
  Wait: {
    ...everyState,
    ...transition,
    ...throughput,
    ...assignment,
    Output: template,
    Seconds: integer(0, longest),
    SecondsPath: path,
    Timestamp: { kind: { is: 'timestamp' } },
    TimestampPath: path,
  },
  Pass: {
    ...everyState,
    ...transition,
    ...throughput,
    ...assignment,
    Result: { kind: { is: 'any' }, language: 'JSONPath' },
    Parameters: payload,
    ResultPath: resultPath,
    Output: template,
  },
  Succeed: { ...everyState, ...throughput, Output: template },
  Fail: {
    ...everyState,
    Error: text,
    // Beside paths, calls of intrinsic functions may stand here.
    ErrorPath: path,
    Cause: text,
    CausePath: path,
  },
  Choice: {
    ...everyState,
    ...throughput,
    ...assignment,
    Output: template,
    Choices: { kind: { is: 'choice rules' }, required: true },
    Default: constantText,
  },
  Parallel: {
    ...everyState,
    ...transition,
    ...throughput,
    ...resultFields,
    ...errorHandling,
    Arguments: template,
    Branches: { kind: { is: 'graphs' }, required: true },
  },
  Map: { ...everyState, ...transition, ...throughput, ...resultFields, ...errorHandling, ...mapFields },
};

/** The fields around states: of a whole machine, a branch or a Map's processor. */
export const graphFields: FieldTable = {
  States: { kind: { is: 'any' }, required: true },
  StartAt: { ...constantText, required: true },
  Comment: constantText,
  QueryLanguage: word('JSONPath', 'JSONata'),
  Version: constantText,
  TimeoutSeconds: constantInteger(1, longest),
  ProcessorConfig: processorConfig,
};

export const retrierFields: FieldTable = {
  ErrorEquals: { kind: { is: 'texts' }, required: true },
  IntervalSeconds: constantInteger(1, longest),
  MaxAttempts: constantInteger(0, longest),
  BackoffRate: { kind: { is: 'number', minimum: 1 }, constant: true },
  MaxDelaySeconds: constantInteger(1, 31_622_400),
  JitterStrategy: word('FULL', 'NONE'),
  Comment: constantText,
};

export const catcherFields: FieldTable = {
  ErrorEquals: { kind: { is: 'texts' }, required: true },
  Next: { ...constantText, required: true },
  ResultPath: resultPath,
  Output: { ...template, sees: 'errorOutput' },
  Assign: { ...object, sees: 'errorOutput' },
  Comment: constantText,
};

/** A rule of a Choice state at its top, beside its condition. */
export const ruleFields: FieldTable = {
  Next: { ...constantText, required: true },
  ...assignment,
  Output: template,
  Comment: constantText,
};

/** Pairs of which a state has at most one. */
export const alternatives: readonly (readonly string[])[] = [
  ['Next', 'End'],
  ['Error', 'ErrorPath'],
  ['Cause', 'CausePath'],
  ['TimeoutSeconds', 'TimeoutSecondsPath'],
  ['HeartbeatSeconds', 'HeartbeatSecondsPath'],
  ['MaxConcurrency', 'MaxConcurrencyPath'],
  ['ToleratedFailureCount', 'ToleratedFailureCountPath'],
  ['ToleratedFailurePercentage', 'ToleratedFailurePercentagePath'],
  ['MaxItems', 'MaxItemsPath'],
  ['MaxItemsPerBatch', 'MaxItemsPerBatchPath'],
  ['MaxInputBytesPerBatch', 'MaxInputBytesPerBatchPath'],
  ['ItemProcessor', 'Iterator'],
  ['ItemSelector', 'Parameters'],
  ['Seconds', 'SecondsPath', 'Timestamp', 'TimestampPath'],
];
