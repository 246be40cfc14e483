/** Checks the values of fields: kinds, paths, payload templates and expressions. */
import { isList, isObject, type JsonObject } from '../data/json-value';
import { compileExpression, InvalidExpressionError, isExpression } from '../data/jsonata';
import { referencesOf } from '../data/jsonata-references';
import { IntrinsicCall, isIntrinsicCall } from '../data/intrinsics';
import { JsonPath } from '../data/json-path';
import { PayloadTemplate } from '../data/payload-template';
import { ReferencePath } from '../data/reference-path';
import { SyntaxProblem } from '../data/states-error';
import type { QueryLanguage } from '../definition';
import type { JsonValue } from '../engine';
import { parseTimestamp } from '../timestamp';
import type { FieldRule, NumberKind, ValueKind } from './fields';
import { shown, within, type Report } from './report';

/** Where a value stands. */
export interface Surroundings {
  readonly report: Report;
  readonly language: QueryLanguage;
  /** Variables that some state may have assigned before; undefined when they cannot be known. */
  readonly variables: ReadonlySet<string> | undefined;
}

/** Checks a value that holds no states. */
export function checkValue(
  value: JsonValue,
  rule: FieldRule,
  kind: ValueKind,
  location: string,
  here: Surroundings,
): void {
  if (value === null && 'orNull' in kind && kind.orNull) return;
  if (here.language === 'JSONata' && !rule.constant && typeof value === 'string') {
    if (isExpression(value)) return checkExpression(value, location, rule.sees, here);
    if (checkHalfDelimited(value, location, here)) return;
  }
  switch (kind.is) {
    case 'any':
      return;
    case 'text':
      return expectThat(typeof value === 'string', 'a string', value, location, here);
    case 'texts':
      return expectThat(
        isList(value) && value.every((item) => typeof item === 'string'),
        'an array of strings',
        value,
        location,
        here,
      );
    case 'boolean':
      return expectThat(typeof value === 'boolean', 'a boolean', value, location, here);
    case 'word':
      if (!kind.words.includes(value as string)) here.report.error(location, oneOf(location, kind.words));
      return;
    case 'integer':
    case 'number':
      return checkNumber(value, kind, location, here);
    case 'timestamp':
      if (typeof value !== 'string' || parseTimestamp(value) === undefined) {
        here.report.error(location, 'String does not match RFC3339 timestamp');
      }
      return;
    case 'path':
    case 'reference path':
      return checkPath(value, kind.is, location, here);
    case 'object':
      if (!isObject(value)) return expectThat(false, 'an object', value, location, here);
      return checkPayload(value, location, rule.sees, here);
    case 'payload':
    case 'template':
      return checkPayload(value, location, rule.sees, here);
  }
}

function expectThat(
  isSo: boolean,
  expected: string,
  value: JsonValue,
  location: string,
  { report }: Surroundings,
): void {
  if (!isSo) report.error(location, `Expected value to be ${expected}, but was ${shown(value)}`);
}

/** What the service says of a field that has a value it does not know. */
export function oneOf(location: string, words: readonly string[]): string {
  return `The field '${location.split('/').at(-1)}' should have one of these values: [${words.join(', ')}]`;
}

function checkNumber(value: JsonValue, kind: NumberKind, location: string, here: Surroundings): void {
  const { is, minimum, maximum = Infinity } = kind;
  const isRight =
    typeof value === 'number' && (is === 'number' || Number.isInteger(value)) && value >= minimum && value <= maximum;
  const range =
    minimum === -Infinity ? '' : ` of at least ${minimum}${maximum === Infinity ? '' : ` and at most ${maximum}`}`;
  expectThat(isRight, `${is === 'integer' ? 'an integer' : 'a number'}${range}`, value, location, here);
}

function checkPath(value: JsonValue, kind: 'path' | 'reference path', location: string, here: Surroundings): void {
  if (typeof value !== 'string') return expectThat(false, `a ${kind}`, value, location, here);
  try {
    if (kind === 'reference path') ReferencePath.parse(value);
    else if (isIntrinsicCall(value)) checkVariables(IntrinsicCall.parse(value).variables, location, here);
    else
      checkVariables(
        [JsonPath.parse(value).variable].filter((name) => name !== undefined),
        location,
        here,
      );
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    here.report.error(
      location,
      `Value is not a ${kind === 'path' ? 'valid JSONPath' : 'Reference Path'}: ${error.message}`,
    );
  }
}

/** Checks JSON in which the state's language asks for data. */
function checkPayload(value: JsonValue, location: string, sees: FieldRule['sees'], here: Surroundings): void {
  if (typeof value === 'string' && here.language === 'JSONata') {
    if (isExpression(value)) checkExpression(value, location, sees, here);
    else checkHalfDelimited(value, location, here);
  } else if (isList(value)) {
    value.forEach((member, index) => checkPayload(member, within(location, index), sees, here));
  } else if (isObject(value)) {
    for (const [name, member] of Object.entries(value)) {
      if (here.language === 'JSONPath' && name.endsWith('.$')) checkQuery(value, name, member, location, here);
      else checkPayload(member, within(location, name), sees, here);
    }
  }
}

/** Checks a `.$` field of a payload template. */
function checkQuery(parent: JsonObject, name: string, value: JsonValue, location: string, here: Surroundings): void {
  if (Object.hasOwn(parent, name.slice(0, -2))) {
    here.report.error(location, `The field '${name}' and the field '${name.slice(0, -2)}' cannot both be given`);
  }
  try {
    PayloadTemplate.parse({ [name]: value });
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    here.report.error(location, error.message);
    return;
  }
  checkVariables(variablesOfQuery(value as string), within(location, name), here);
}

/** The variables that a path or a call refers to; it must be one. */
export function variablesOfQuery(text: string): readonly string[] {
  if (isIntrinsicCall(text)) return IntrinsicCall.parse(text).variables;
  return [JsonPath.parse(text).variable].filter((name) => name !== undefined);
}

/** A text that begins or ends like an expression, and is none. */
function checkHalfDelimited(value: string, location: string, { report }: Surroundings): boolean {
  const isHalf = value.startsWith('{%') !== value.endsWith('%}') || value === '{%}';
  if (isHalf) report.error(location, `A JSONata expression must begin with '{%' and end with '%}': ${shown(value)}`);
  return isHalf;
}

function checkExpression(text: string, location: string, sees: FieldRule['sees'], here: Surroundings): void {
  const { report } = here;
  let expression;
  try {
    expression = compileExpression(text);
  } catch (error) {
    if (!(error instanceof InvalidExpressionError)) throw error;
    report.error(location, `Value is not a valid JSONata expression: ${error.code} ${error.message}`);
    return;
  }
  const references = referencesOf(expression);
  for (const member of references.statesMembers) {
    if (member === 'input' || member === 'context' || member === sees) continue;
    if (member === 'result' || member === 'errorOutput') {
      report.error(location, `'$states.${member}' is not available in this field`);
    } else {
      report.warn(location, `'$states' has no member '${member}'`, 'UNKNOWN_STATES_MEMBER');
    }
  }
  if (references.contextReference !== undefined) {
    const message = `'${references.contextReference}' refers to nothing at the top of an expression: begin with $states or a variable`;
    report.warn(location, message, 'CONTEXT_REFERENCE_AT_TOP_LEVEL');
  }
  checkVariables(references.variables, location, here);
}

/** The service accepts a machine that reads a variable nobody assigns (recorded); it fails when it runs. */
function checkVariables(names: readonly string[], location: string, { report, variables }: Surroundings): void {
  for (const name of names) {
    if (variables === undefined || variables.has(name) || name === 'states') continue;
    report.warn(location, `No state before this one assigns the variable '$${name}'`, 'UNDEFINED_VARIABLE');
  }
}
