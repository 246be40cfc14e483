/** The conditions of a Choice state: JSONPath's comparison operators, and JSONata's expressions. */
import { evaluate, findInPath } from '../data-flow';
import { isExpression, unexpectedType } from '../data/jsonata';
import { JsonPath } from '../data/json-path';
import type { QueryLanguage } from '../definition';
import type { JsonValue } from '../engine';
import { expressionField } from '../expression-field';
import { StateFailed } from '../failure';
import { wrongType, type Fields } from '../fields';
import { parseTimestamp } from '../timestamp';
import type { Visit } from '../visit';

/** Whether a rule holds.
 * @param input The state's effective input. */
export type ChoiceCondition = (visit: Visit, input: JsonValue) => boolean;

/** Parses one rule. */
export function parseChoiceCondition(fields: Fields, language: QueryLanguage): ChoiceCondition {
  return language === 'JSONata' ? parseExpressionCondition(fields) : parseRule(fields);
}

function parseExpressionCondition(fields: Fields): ChoiceCondition {
  const condition = fields.get('Condition');
  if (typeof condition === 'boolean') return () => condition;
  if (!isExpression(condition)) throw wrongType(`${fields.location}/Condition`, 'an expression', condition ?? null);
  const field = expressionField(condition);
  const { expression } = field;
  const name = `Choices[${fields.location.split('/').at(-1)}]/Condition`;
  return (visit) => {
    const value = evaluate(field, name, visit, visit.input);
    if (typeof value !== 'boolean') throw unexpectedType(expression, name, 'boolean', value);
    return value;
  };
}

function parseRule(fields: Fields): ChoiceCondition {
  if (fields.has('And')) {
    const conditions = fields.list('And').map(parseRule);
    return (visit, input) => conditions.every((condition) => condition(visit, input));
  }
  if (fields.has('Or')) {
    const conditions = fields.list('Or').map(parseRule);
    return (visit, input) => conditions.some((condition) => condition(visit, input));
  }
  const negated = fields.object('Not');
  if (negated !== undefined) {
    const condition = parseRule(negated);
    return (visit, input) => !condition(visit, input);
  }
  return parseComparison(fields);
}

function parseComparison(fields: Fields): ChoiceCondition {
  const variable = JsonPath.parse(fields.requiredText('Variable'));
  const operator = Object.keys(fields.value).find((name) => name in typeTests || isComparison(name));
  if (operator === undefined) throw wrongType(fields.location, 'a comparison operator', fields.value);
  const operand = fields.get(operator)!;
  if (operator === 'IsPresent') {
    return (visit, input) => (findInPath(variable, visit, input) !== undefined) === operand;
  }
  const typeTest = typeTests[operator];
  if (typeTest !== undefined) {
    return (visit, input) => typeTest(valueOf(variable, visit, input)) === operand;
  }
  const compare = comparisonOf(operator);
  if (!operator.endsWith('Path')) return (visit, input) => compare(valueOf(variable, visit, input), operand);
  const other = JsonPath.parse(fields.requiredText(operator));
  return (visit, input) => compare(valueOf(variable, visit, input), valueOf(other, visit, input));
}

function valueOf(path: JsonPath, visit: Visit, input: JsonValue): JsonValue {
  const value = findInPath(path, visit, input);
  if (value !== undefined) return value;
  throw new StateFailed({
    error: 'States.Runtime',
    cause: `Invalid path '${path.text}': The choice state's condition path references an invalid value.`,
  });
}

const typeTests: Readonly<Record<string, ((value: JsonValue) => boolean) | undefined>> = {
  IsPresent: () => true,
  IsNull: (value) => value === null,
  IsString: (value) => typeof value === 'string',
  IsNumeric: (value) => typeof value === 'number',
  IsBoolean: (value) => typeof value === 'boolean',
  IsTimestamp: (value) => typeof value === 'string' && parseTimestamp(value) !== undefined,
};

type Comparison = (value: JsonValue, operand: JsonValue) => boolean;

const orders: Readonly<Record<string, (order: number) => boolean>> = {
  Equals: (order) => order === 0,
  LessThan: (order) => order < 0,
  GreaterThan: (order) => order > 0,
  LessThanEquals: (order) => order <= 0,
  GreaterThanEquals: (order) => order >= 0,
};

const operatorPattern =
  /^(String|Numeric|Timestamp)(Equals|LessThanEquals|GreaterThanEquals|LessThan|GreaterThan)(Path)?$/;

function isComparison(name: string): boolean {
  return operatorPattern.test(name) || ['StringMatches', 'BooleanEquals', 'BooleanEqualsPath'].includes(name);
}

/** Values of different types are never equal, smaller or larger. */
function comparisonOf(operator: string): Comparison {
  if (operator === 'StringMatches') return matches;
  if (operator.startsWith('Boolean')) return (value, operand) => typeof value === 'boolean' && value === operand;
  const [, type, order] = operatorPattern.exec(operator)!;
  const holds = orders[order!]!;
  const keyOf = sortKeys[type!]!;
  return (value, operand) => {
    const left = keyOf(value);
    const right = keyOf(operand);
    if (left === undefined || right === undefined) return false;
    return holds(left < right ? -1 : left > right ? 1 : 0);
  };
}

const sortKeys: Readonly<Record<string, (value: JsonValue) => string | number | undefined>> = {
  String: (value) => (typeof value === 'string' ? value : undefined),
  Numeric: (value) => (typeof value === 'number' ? value : undefined),
  Timestamp: (value) => (typeof value === 'string' ? parseTimestamp(value) : undefined),
};

const patterns = new Map<string, RegExp>();

/** `*` stands for any characters; a backslash makes the next character plain. */
function matches(value: JsonValue, pattern: JsonValue): boolean {
  if (typeof value !== 'string' || typeof pattern !== 'string') return false;
  let compiled = patterns.get(pattern);
  if (compiled === undefined) {
    const source = pattern.replace(/\\([^])|(\*)|([^])/g, (_, plain: string, star: string, other: string) =>
      star === undefined ? (plain ?? other).replace(/[.*+?^${}()|[\]\\/]/g, '\\$&') : '[^]*',
    );
    compiled = new RegExp(`^${source}$`, 'u');
    patterns.set(pattern, compiled);
  }
  return compiled.test(value);
}
