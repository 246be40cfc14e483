/** Map: runs its processor once for each item, inline or as child executions of a map run. */
import { effectiveInput, evaluate, exitWithResult } from '../data-flow';
import { isList, isObject } from '../data/json-value';
import { unexpectedType } from '../data/jsonata';
import type { DistributedMapOptions, Field, MapState } from '../definition';
import type { JsonValue } from '../engine';
import { StateFailed } from '../failure';
import type { DistributedMap, Step } from '../step';
import type { Visit } from '../visit';

export function enterMap(visit: Visit<MapState>): Step {
  const { state } = visit;
  const input = effectiveInput(visit);
  const limits = {
    maxConcurrency: wholeNumber(state.maxConcurrency, 'MaxConcurrency', visit, input) ?? 0,
    toleratedFailureCount: wholeNumber(state.toleratedFailureCount, 'ToleratedFailureCount', visit, input),
    toleratedFailurePercentage: number(state.toleratedFailurePercentage, 'ToleratedFailurePercentage', visit, input),
  };
  const inputOf = (item: JsonValue, index: number): JsonValue => iterationInput(visit, input, item, index);
  const { distributed } = state;
  if (distributed?.itemReader !== undefined) {
    return { kind: 'map-run', inputs: undefined, ...mapRunOptions(visit, distributed, input), ...limits, inputOf };
  }
  const items = itemsOf(visit, input);
  const inputs = items.map(inputOf);
  if (distributed === undefined) return { kind: 'map', items, inputs, ...limits };
  return { kind: 'map-run', inputs, ...mapRunOptions(visit, distributed, input), ...limits, inputOf };
}

/** @param outputs One for each item, in their order; or what the result writer answers. */
export function resumeMap(visit: Visit<MapState>, outputs: JsonValue): Step {
  return exitWithResult(visit, outputs);
}

function itemsOf(visit: Visit<MapState>, input: JsonValue): readonly JsonValue[] {
  const { items: field, data } = visit.state;
  if (field === undefined) {
    if (isList(input)) return input;
    if (data.language === 'JSONata') {
      throw new StateFailed({
        error: 'States.QueryEvaluationError',
        cause: `Map state input must be an array but was: ${JSON.stringify(input)}`,
      });
    }
    throw notIterable('$', input);
  }
  const items = evaluate(field, field.kind === 'path' ? 'ItemsPath' : 'Items', visit, input);
  if (isList(items)) return items;
  if (field.kind === 'path') throw notIterable(field.path.text, items);
  if (field.kind === 'expression') throw unexpectedType(field.expression, 'Items', 'array', items);
  throw notIterable('Items', items);
}

function notIterable(path: string, value: JsonValue): StateFailed {
  return new StateFailed({
    error: 'States.Runtime',
    cause: `Reference path "${path}" must point to array. Actual value: ${JSON.stringify(value)}`,
  });
}

/** ItemSelector sees the iteration's item in the context object. */
function iterationInput(visit: Visit<MapState>, input: JsonValue, item: JsonValue, index: number): JsonValue {
  const { itemSelector } = visit.state;
  if (itemSelector === undefined) return item;
  const name = visit.state.data.language === 'JSONata' ? 'ItemSelector' : 'Parameters';
  return evaluate(itemSelector, name, inContext(visit, withItem(visit.context, item, index)), input);
}

function inContext({ state, input, variables, random, nowMs }: Visit, context: JsonValue): Visit {
  return { state, input, variables, random, nowMs, context };
}

/** The context object inside an iteration. */
export function withItem(context: JsonValue, item: JsonValue, index: number): JsonValue {
  return { ...(context as object), Map: { Item: { Index: index, Value: item } } };
}

type MapRunOptions = Pick<DistributedMap, 'reader' | 'batcher' | 'writer'>;

function mapRunOptions(visit: Visit<MapState>, options: DistributedMapOptions, input: JsonValue): MapRunOptions {
  const { itemReader, itemBatcher, resultWriter } = options;
  const parametersOf = (location: Field | undefined, owner: string): JsonValue =>
    location === undefined ? {} : evaluate(location, `${owner}/Arguments`, visit, input);
  return {
    reader: itemReader && {
      ...itemReader,
      parameters: parametersOf(itemReader.location, 'ItemReader'),
      maxItemCount: wholeNumber(itemReader.maxItems, 'MaxItems', visit, input, 'ItemReader/ReaderConfig/'),
    },
    batcher: itemBatcher && {
      maxItemCount: wholeNumber(itemBatcher.maxItems, 'MaxItemsPerBatch', visit, input, 'ItemBatcher/'),
      maxBytes: wholeNumber(itemBatcher.maxBytes, 'MaxInputBytesPerBatch', visit, input, 'ItemBatcher/'),
      batchInput: itemBatcher.batchInput && evaluate(itemBatcher.batchInput, 'ItemBatcher/BatchInput', visit, input),
    },
    writer: resultWriter && { ...resultWriter, parameters: parametersOf(resultWriter.location, 'ResultWriter') },
  };
}

/** @param owner Where the field stands inside the state, for failures of expressions. */
function wholeNumber(
  field: Field | undefined,
  name: string,
  visit: Visit,
  input: JsonValue,
  owner = '',
): number | undefined {
  const value = number(field, name, visit, input, owner);
  if (value === undefined || Number.isInteger(value)) return value;
  throw notAnInteger(field, name, value, owner);
}

/** Paths may also lead to text that is a number (recorded for MaxItemsPath and MaxItemsPerBatchPath). */
function number(
  field: Field | undefined,
  name: string,
  visit: Visit,
  input: JsonValue,
  owner = '',
): number | undefined {
  if (field === undefined) return undefined;
  const value = evaluate(field, owner + name, visit, input);
  if (typeof value === 'number') return value;
  if (typeof value === 'string' && /^-?\d+$/.test(value)) return Number(value);
  throw notAnInteger(field, name, value, owner);
}

function notAnInteger(field: Field | undefined, name: string, value: JsonValue, owner: string): Error {
  if (field?.kind === 'expression') return unexpectedType(field.expression, owner + name, 'number', value);
  const shown = isObject(value) || isList(value) ? JSON.stringify(value) : String(value);
  const path = field?.kind === 'path' ? `: ${field.path.text}` : '';
  return new StateFailed({
    error: 'States.Runtime',
    cause: `The ${name}Path field refers to value "${shown}" which is not a valid integer${path}`,
  });
}
