/** The checked form of a state machine: parsed once, then only read. */
import type { IntegrationPattern, JsonValue } from './engine';
import type { IntrinsicCall } from './data/intrinsics';
import type { CompiledExpression, CompiledTemplate } from './data/jsonata';
import type { JsonPath } from './data/json-path';
import type { PayloadTemplate } from './data/payload-template';
import type { ReferencePath } from './data/reference-path';
import type { ChoiceCondition } from './states/choice-condition';

export type QueryLanguage = 'JSONPath' | 'JSONata';

/** States with a start: a whole machine, a branch of a Parallel, the processor of a Map. */
export interface StateGraph {
  readonly startAt: string;
  readonly states: ReadonlyMap<string, State>;
}

/** A parsed state machine. */
export interface Definition extends StateGraph {
  readonly comment: string | undefined;
  readonly queryLanguage: QueryLanguage;
  readonly timeoutSeconds: number | undefined;
}

export type State =
  PassState | TaskState | ChoiceState | WaitState | SucceedState | FailState | ParallelState | MapState;

/** A value that the definition gives as it is, by a path (`…Path` fields), or by an expression. */
export type Field =
  | { readonly kind: 'literal'; readonly value: JsonValue }
  | { readonly kind: 'path'; readonly path: JsonPath }
  /** A call of an intrinsic function where a path could stand. */
  | { readonly kind: 'call'; readonly call: IntrinsicCall }
  | { readonly kind: 'expression'; readonly expression: CompiledExpression; readonly seesContext: boolean }
  /** JSON with expressions inside it. */
  | { readonly kind: 'template'; readonly template: CompiledTemplate; readonly seesContext: boolean }
  /** JSON with `.$` fields inside it. */
  | { readonly kind: 'payload-template'; readonly template: PayloadTemplate; readonly seesContext: boolean };

/** What a JSONPath state does to its data. `null` paths discard; an absent one is `$`. */
export interface JsonPathData {
  readonly language: 'JSONPath';
  readonly inputPath: JsonPath | null | undefined;
  readonly parameters: Field | undefined;
  readonly resultSelector: Field | undefined;
  readonly resultPath: ReferencePath | null | undefined;
  readonly outputPath: JsonPath | null | undefined;
  readonly assign: Field | undefined;
}

/** What a JSONata state does to its data. */
export interface JsonataData {
  readonly language: 'JSONata';
  readonly arguments: Field | undefined;
  readonly output: Field | undefined;
  readonly assign: Field | undefined;
}

interface StateBase<Type extends string> {
  readonly type: Type;
  readonly name: string;
  readonly data: JsonPathData | JsonataData;
  /** Name of the following state; undefined ends the branch. */
  readonly next: string | undefined;
}

export interface Retrier {
  readonly errorEquals: readonly string[];
  readonly intervalSeconds: number;
  readonly maxAttempts: number;
  readonly backoffRate: number;
  readonly maxDelaySeconds: number | undefined;
  readonly jitter: 'FULL' | 'NONE';
}

export interface Catcher {
  readonly errorEquals: readonly string[];
  readonly next: string;
  readonly resultPath: ReferencePath | null | undefined;
  readonly output: Field | undefined;
  readonly assign: Field | undefined;
}

/** States whose errors can be retried and caught. */
export interface ErrorHandlers {
  readonly retriers: readonly Retrier[];
  readonly catchers: readonly Catcher[];
}

export interface PassState extends StateBase<'Pass'> {
  readonly result: JsonValue | undefined;
}

export interface TaskState extends StateBase<'Task'>, ErrorHandlers {
  readonly resource: TaskResource;
  readonly timeoutSeconds: Field | undefined;
  readonly heartbeatSeconds: Field | undefined;
  readonly credentialsRoleArn: Field | undefined;
}

/** A Task's `Resource`, taken apart. */
export interface TaskResource {
  readonly text: string;
  /** Decides which history events an attempt leaves. */
  readonly kind: 'service' | 'function' | 'activity';
  /** `lambda`, `aws-sdk:s3` …; `function` and `activity` for the other kinds. */
  readonly type: string;
  /** `invoke.waitForTaskToken`; the ARN for a function or activity. */
  readonly action: string;
  readonly pattern: IntegrationPattern;
}

export interface ChoiceState extends StateBase<'Choice'> {
  readonly rules: readonly ChoiceRule[];
  readonly defaultNext: string | undefined;
}

export interface ChoiceRule {
  readonly condition: ChoiceCondition;
  readonly next: string;
  readonly output: Field | undefined;
  readonly assign: Field | undefined;
}

export interface WaitState extends StateBase<'Wait'> {
  readonly until: { readonly field: 'Seconds' | 'Timestamp'; readonly source: Field };
}

export type SucceedState = StateBase<'Succeed'>;

export interface FailState extends StateBase<'Fail'> {
  readonly error: Field | undefined;
  readonly cause: Field | undefined;
}

export interface ParallelState extends StateBase<'Parallel'>, ErrorHandlers {
  readonly branches: readonly StateGraph[];
}

export interface MapState extends StateBase<'Map'>, ErrorHandlers {
  readonly processor: StateGraph;
  /** JSONPath: `ItemsPath`; JSONata: `Items`. */
  readonly items: Field | undefined;
  readonly itemSelector: Field | undefined;
  readonly maxConcurrency: Field | undefined;
  readonly toleratedFailureCount: Field | undefined;
  readonly toleratedFailurePercentage: Field | undefined;
  /** Undefined for an inline Map. */
  readonly distributed: DistributedMapOptions | undefined;
}

export interface DistributedMapOptions {
  readonly executionType: 'STANDARD' | 'EXPRESS';
  readonly label: string | undefined;
  readonly itemReader: ItemReader | undefined;
  readonly itemBatcher: ItemBatcher | undefined;
  readonly resultWriter: ResultWriter | undefined;
}

export interface ItemReader {
  /** `getObject` or `listObjectsV2`. */
  readonly action: string;
  readonly location: Field | undefined;
  readonly inputType: 'CSV' | 'JSON' | 'JSONL' | 'PARQUET' | 'MANIFEST' | undefined;
  readonly manifestType: 'ATHENA_DATA' | 'S3_INVENTORY' | undefined;
  readonly transformation: 'NONE' | 'LOAD_AND_FLATTEN';
  readonly csvHeaderLocation: 'FIRST_ROW' | 'GIVEN' | undefined;
  readonly csvHeaders: readonly string[];
  readonly csvDelimiter: string;
  readonly itemsPointer: string | undefined;
  readonly maxItems: Field | undefined;
}

export interface ItemBatcher {
  readonly maxItems: Field | undefined;
  readonly maxBytes: Field | undefined;
  readonly batchInput: Field | undefined;
}

export interface ResultWriter {
  readonly location: Field | undefined;
  readonly transformation: 'NONE' | 'COMPACT' | 'FLATTEN';
  readonly outputType: 'JSON' | 'JSONL';
}
