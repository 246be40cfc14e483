/** Checks the conditions of a Choice state's rules. */
import { isList, isObject, type JsonObject } from '../data/json-value';
import { checkValue, type Surroundings } from './check-values';
import { ruleFields, type FieldRule, type ValueKind } from './fields';
import { shown, within } from './report';

const orders = ['Equals', 'LessThan', 'GreaterThan', 'LessThanEquals', 'GreaterThanEquals'];
const path: FieldRule = { kind: { is: 'path' } };

/** What each comparison operator compares with. */
const operands = new Map<string, ValueKind>([
  ...orders.flatMap((order): [string, ValueKind][] => [
    [`String${order}`, { is: 'text' }],
    [`Numeric${order}`, { is: 'number', minimum: -Infinity }],
    [`Timestamp${order}`, { is: 'timestamp' }],
  ]),
  ['StringMatches', { is: 'text' }],
  ['BooleanEquals', { is: 'boolean' }],
  ...['IsPresent', 'IsNull', 'IsString', 'IsNumeric', 'IsBoolean', 'IsTimestamp'].map((name): [string, ValueKind] => [
    name,
    { is: 'boolean' },
  ]),
]);
/** Operators that also compare with what a path finds. */
const pathOperators = new Set(
  [...operands.keys()].filter((name) => !/^Is|Matches$/.test(name)).map((name) => `${name}Path`),
);

/** Checks a rule's condition, and that it has nothing else. */
export function checkChoiceRule(rule: JsonObject, location: string, here: Surroundings): void {
  if (here.language === 'JSONPath') return checkCondition(rule, location, here, true);
  for (const name of Object.keys(rule)) {
    if (name === 'Condition' || Object.hasOwn(ruleFields, name)) continue;
    const message = `The field '${name}' is not supported when the QueryLanguage is JSONata`;
    here.report.error(within(location, name), message);
  }
  const condition = rule['Condition'];
  if (condition === undefined) return here.report.error(location, "The field 'Condition' is required but was missing");
  const kind = { is: 'boolean' } as const;
  checkValue(condition, { kind }, kind, within(location, 'Condition'), here);
}

function checkCondition(rule: JsonObject, location: string, here: Surroundings, isOutermost: boolean): void {
  const { report } = here;
  const conditions = Object.keys(rule).filter(
    (name) => name !== 'Variable' && !(name === 'Comment' || (isOutermost && Object.hasOwn(ruleFields, name))),
  );
  const isKnown = (name: string): boolean =>
    ['And', 'Or', 'Not'].includes(name) || operands.has(name) || pathOperators.has(name);
  for (const name of conditions.filter((name) => !isKnown(name))) {
    report.error(within(location, name), `The field '${name}' is not supported here`);
  }
  const operators = conditions.filter(isKnown);
  if (operators.length !== 1) {
    const given = operators.length === 0 ? 'none' : operators.join(', ');
    return report.error(location, `A Choice rule must have exactly one condition, but has ${given}`);
  }
  const [operator] = operators as [string];
  const place = within(location, operator);
  const operand = rule[operator]!;
  if (operator === 'And' || operator === 'Or') {
    if (!isList(operand) || operand.length === 0) {
      return report.error(place, `Value cannot be empty`);
    }
    return operand.forEach((inner, index) => checkInner(inner, within(place, index), here));
  }
  if (operator === 'Not') return checkInner(operand, place, here);
  const variable = rule['Variable'];
  if (variable === undefined) report.error(location, "The field 'Variable' is required but was missing");
  else checkValue(variable, path, { is: 'path' }, within(location, 'Variable'), here);
  const kind = operands.get(operator) ?? ({ is: 'path' } as const);
  checkValue(operand, { kind, constant: true }, kind, place, here);
}

function checkInner(rule: JsonObject[string], location: string, here: Surroundings): void {
  if (isObject(rule)) checkCondition(rule, location, here, false);
  else here.report.error(location, `Expected value to be an object, but was ${shown(rule)}`);
}
