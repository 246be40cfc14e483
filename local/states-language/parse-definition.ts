/** Parses a definition into its checked form: paths and expressions are compiled here, once. */
import { checkDefinition } from './check/check-definition';
import { IntrinsicCall, isIntrinsicCall } from './data/intrinsics';
import { isExpression } from './data/jsonata';
import { JsonPath } from './data/json-path';
import { PayloadTemplate } from './data/payload-template';
import { ReferencePath } from './data/reference-path';
import type {
  Catcher,
  ChoiceRule,
  Definition,
  DistributedMapOptions,
  ErrorHandlers,
  Field,
  ItemReader,
  JsonataData,
  JsonPathData,
  MapState,
  QueryLanguage,
  State,
  StateGraph,
  WaitState,
} from './definition';
import type { JsonValue } from './engine';
import { expressionField, templateField } from './expression-field';
import { Fields, InvalidDefinitionError, wrongType } from './fields';
import { parseResource } from './task-resource';
import { parseChoiceCondition } from './states/choice-condition';

/** Parses a state machine.
 * @param source JSON text, or the value it stands for.
 * @throws InvalidDefinitionError with every error that `checkDefinition` finds
 * @example parseDefinition('{ "StartAt": "Hello", "States": { "Hello": { "Type": "Succeed" } } }') */
export function parseDefinition(source: string | JsonValue): Definition {
  const text = typeof source === 'string' ? source : JSON.stringify(source);
  const errors = checkDefinition(text).filter(({ severity }) => severity === 'ERROR');
  if (errors.length > 0) throw new InvalidDefinitionError(errors);
  const fields = Fields.of(JSON.parse(text) as JsonValue, '');
  const queryLanguage = fields.word('QueryLanguage', ['JSONPath', 'JSONata']) ?? 'JSONPath';
  return {
    ...parseGraph(fields, queryLanguage),
    comment: fields.text('Comment'),
    queryLanguage,
    timeoutSeconds: fields.number('TimeoutSeconds'),
  };
}

function parseGraph(fields: Fields, language: QueryLanguage): StateGraph {
  const startAt = fields.requiredText('StartAt');
  const stateFields = fields.requiredObject('States');
  const states = new Map<string, State>();
  for (const name of Object.keys(stateFields.value)) {
    states.set(name, parseState(name, stateFields.requiredObject(name), language));
  }
  return { startAt, states };
}

/** Parses one state, as TestState takes it: outside a machine its transitions may lead anywhere. */
export function parseState(name: string, fields: Fields, defaultLanguage: QueryLanguage): State {
  const language = fields.word('QueryLanguage', ['JSONPath', 'JSONata']) ?? defaultLanguage;
  const base = { name, data: parseData(fields, language), next: fields.text('Next') };
  const type = fields.requiredText('Type');
  switch (type) {
    case 'Pass':
      return { ...base, type, result: fields.get('Result') };
    case 'Task':
      return {
        ...base,
        ...parseErrorHandlers(fields, language),
        type,
        resource: parseResource(fields.requiredText('Resource')),
        timeoutSeconds: fieldOrPath(fields, 'TimeoutSeconds', language),
        heartbeatSeconds: fieldOrPath(fields, 'HeartbeatSeconds', language),
        credentialsRoleArn: payload(fields.get('Credentials'), `${fields.location}/Credentials`, language),
      };
    case 'Choice':
      return {
        ...base,
        type,
        rules: fields.list('Choices').map((rule) => parseChoiceRule(rule, language)),
        defaultNext: fields.text('Default'),
      };
    case 'Wait':
      return { ...base, type, until: parseWaitEnd(fields, language) };
    case 'Succeed':
      return { ...base, type };
    case 'Fail':
      return {
        ...base,
        type,
        error: fieldOrPath(fields, 'Error', language),
        cause: fieldOrPath(fields, 'Cause', language),
      };
    case 'Parallel':
      return {
        ...base,
        ...parseErrorHandlers(fields, language),
        type,
        branches: fields.list('Branches').map((branch) => parseGraph(branch, graphLanguage(branch, defaultLanguage))),
      };
    case 'Map':
      return { ...base, ...parseErrorHandlers(fields, language), type, ...parseMap(fields, language, defaultLanguage) };
    default:
      throw wrongType(`${fields.location}/Type`, 'a state type', type);
  }
}

function graphLanguage(fields: Fields, defaultLanguage: QueryLanguage): QueryLanguage {
  return fields.word('QueryLanguage', ['JSONPath', 'JSONata']) ?? defaultLanguage;
}

function parseData(fields: Fields, language: QueryLanguage): JsonPathData | JsonataData {
  const assign = payload(fields.get('Assign'), `${fields.location}/Assign`, language);
  if (language === 'JSONata') {
    return {
      language,
      arguments: payload(fields.get('Arguments'), `${fields.location}/Arguments`, language),
      output: payload(fields.get('Output'), `${fields.location}/Output`, language),
      assign,
    };
  }
  return {
    language,
    inputPath: optionalPath(fields, 'InputPath'),
    parameters: payload(fields.get('Parameters'), `${fields.location}/Parameters`, language),
    resultSelector: payload(fields.get('ResultSelector'), `${fields.location}/ResultSelector`, language),
    resultPath: optionalReferencePath(fields, 'ResultPath'),
    outputPath: optionalPath(fields, 'OutputPath'),
    assign,
  };
}

function optionalPath(fields: Fields, name: string): JsonPath | null | undefined {
  if (fields.get(name) === null) return null;
  const text = fields.text(name);
  return text === undefined ? undefined : at(`${fields.location}/${name}`, () => JsonPath.parse(text));
}

function optionalReferencePath(fields: Fields, name: string): ReferencePath | null | undefined {
  if (fields.get(name) === null) return null;
  const text = fields.text(name);
  return text === undefined ? undefined : at(`${fields.location}/${name}`, () => ReferencePath.parse(text));
}

/** A JSON value in which the language's own notation asks for data: `.$` fields, or `{% %}` expressions. */
function payload(value: JsonValue | undefined, location: string, language: QueryLanguage): Field | undefined {
  if (value === undefined) return undefined;
  if (language === 'JSONPath') {
    return at(location, () => ({
      kind: 'payload-template',
      template: PayloadTemplate.parse(value),
      seesContext: JSON.stringify(value).includes('$$'),
    }));
  }
  return at(location, () => (isExpression(value) ? expressionField(value) : templateField(value)));
}

/** A field that may be given as it is, as an expression, or by a sibling with `Path` behind its name. */
function fieldOrPath(fields: Fields, name: string, language: QueryLanguage): Field | undefined {
  const value = fields.get(name);
  if (value !== undefined) {
    return language === 'JSONata' && isExpression(value)
      ? at(`${fields.location}/${name}`, () => expressionField(value))
      : { kind: 'literal', value };
  }
  const pathName = `${name}Path`;
  const path = fields.text(pathName);
  if (path === undefined) return undefined;
  return at(`${fields.location}/${pathName}`, () =>
    isIntrinsicCall(path)
      ? { kind: 'call', call: IntrinsicCall.parse(path) }
      : { kind: 'path', path: JsonPath.parse(path) },
  );
}

function parseWaitEnd(fields: Fields, language: QueryLanguage): WaitState['until'] {
  for (const field of ['Seconds', 'Timestamp'] as const) {
    const source = fieldOrPath(fields, field, language);
    if (source !== undefined) return { field, source };
  }
  throw new InvalidDefinitionError([
    {
      severity: 'ERROR',
      code: 'SCHEMA_VALIDATION_FAILED',
      message: 'A Wait state needs one of Seconds, SecondsPath, Timestamp or TimestampPath',
      location: fields.location,
    },
  ]);
}

function parseErrorHandlers(fields: Fields, language: QueryLanguage): ErrorHandlers {
  return {
    retriers: fields.list('Retry').map((retrier) => ({
      errorEquals: retrier.texts('ErrorEquals'),
      intervalSeconds: retrier.number('IntervalSeconds') ?? 1,
      maxAttempts: retrier.number('MaxAttempts') ?? 3,
      backoffRate: retrier.number('BackoffRate') ?? 2,
      maxDelaySeconds: retrier.number('MaxDelaySeconds'),
      jitter: retrier.word('JitterStrategy', ['FULL', 'NONE']) ?? 'NONE',
    })),
    catchers: fields.list('Catch').map((catcher) => parseCatcher(catcher, language)),
  };
}

function parseCatcher(fields: Fields, language: QueryLanguage): Catcher {
  return {
    errorEquals: fields.texts('ErrorEquals'),
    next: fields.requiredText('Next'),
    resultPath: optionalReferencePath(fields, 'ResultPath'),
    output: payload(fields.get('Output'), `${fields.location}/Output`, language),
    assign: payload(fields.get('Assign'), `${fields.location}/Assign`, language),
  };
}

function parseChoiceRule(fields: Fields, language: QueryLanguage): ChoiceRule {
  return {
    condition: at(fields.location, () => parseChoiceCondition(fields, language)),
    next: fields.requiredText('Next'),
    output: payload(fields.get('Output'), `${fields.location}/Output`, language),
    assign: payload(fields.get('Assign'), `${fields.location}/Assign`, language),
  };
}

type MapFields = Omit<MapState, 'type' | 'name' | 'data' | 'next' | 'retriers' | 'catchers'>;

/** `Iterator` and `Parameters` are the older names of `ItemProcessor` and `ItemSelector`: still in use. */
function parseMap(fields: Fields, language: QueryLanguage, defaultLanguage: QueryLanguage): MapFields {
  const processor = fields.object('ItemProcessor') ?? fields.requiredObject('Iterator');
  const selector = fields.has('ItemSelector') ? 'ItemSelector' : 'Parameters';
  return {
    processor: parseGraph(processor, graphLanguage(processor, defaultLanguage)),
    items:
      language === 'JSONata'
        ? payload(fields.get('Items'), `${fields.location}/Items`, language)
        : fieldOrPath(fields, 'Items', language),
    itemSelector: payload(fields.get(selector), `${fields.location}/${selector}`, language),
    maxConcurrency: fieldOrPath(fields, 'MaxConcurrency', language),
    toleratedFailureCount: fieldOrPath(fields, 'ToleratedFailureCount', language),
    toleratedFailurePercentage: fieldOrPath(fields, 'ToleratedFailurePercentage', language),
    distributed: parseDistributed(fields, processor.object('ProcessorConfig'), language),
  };
}

function parseDistributed(
  fields: Fields,
  config: Fields | undefined,
  language: QueryLanguage,
): DistributedMapOptions | undefined {
  if (config?.word('Mode', ['INLINE', 'DISTRIBUTED']) !== 'DISTRIBUTED') return undefined;
  const batcher = fields.object('ItemBatcher');
  const writer = fields.object('ResultWriter');
  const writerConfig = writer?.object('WriterConfig');
  return {
    executionType: config.word('ExecutionType', ['STANDARD', 'EXPRESS']) ?? 'STANDARD',
    label: fields.text('Label'),
    itemReader: parseItemReader(fields.object('ItemReader'), language),
    itemBatcher: batcher && {
      maxItems: fieldOrPath(batcher, 'MaxItemsPerBatch', language),
      maxBytes: fieldOrPath(batcher, 'MaxInputBytesPerBatch', language),
      batchInput: payload(batcher.get('BatchInput'), `${batcher.location}/BatchInput`, language),
    },
    resultWriter: writer && {
      location: objectLocation(writer, language),
      transformation: writerConfig?.word('Transformation', ['NONE', 'COMPACT', 'FLATTEN']) ?? 'NONE',
      outputType: writerConfig?.word('OutputType', ['JSON', 'JSONL']) ?? 'JSON',
    },
  };
}

function objectLocation(fields: Fields, language: QueryLanguage): Field | undefined {
  const name = language === 'JSONata' ? 'Arguments' : 'Parameters';
  return payload(fields.get(name), `${fields.location}/${name}`, language);
}

function parseItemReader(fields: Fields | undefined, language: QueryLanguage): ItemReader | undefined {
  if (fields === undefined) return undefined;
  const config = fields.object('ReaderConfig');
  const delimiters = { COMMA: ',', PIPE: '|', SEMICOLON: ';', SPACE: ' ', TAB: '\t' };
  return {
    action: fields.requiredText('Resource').split(':').at(-1) ?? '',
    location: objectLocation(fields, language),
    inputType: config?.word('InputType', ['CSV', 'JSON', 'JSONL', 'PARQUET', 'MANIFEST']),
    manifestType: config?.word('ManifestType', ['ATHENA_DATA', 'S3_INVENTORY']),
    transformation: config?.word('Transformation', ['NONE', 'LOAD_AND_FLATTEN']) ?? 'NONE',
    csvHeaderLocation: config?.word('CSVHeaderLocation', ['FIRST_ROW', 'GIVEN']),
    csvHeaders: config?.texts('CSVHeaders') ?? [],
    csvDelimiter: delimiters[config?.word('CSVDelimiter', ['COMMA', 'PIPE', 'SEMICOLON', 'SPACE', 'TAB']) ?? 'COMMA'],
    itemsPointer: config?.text('ItemsPointer'),
    maxItems: config && fieldOrPath(config, 'MaxItems', language),
  };
}

/** Runs a parser of paths or expressions and says where in the definition it failed. */
function at<T>(location: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof InvalidDefinitionError) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new InvalidDefinitionError([{ severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message, location }]);
  }
}
