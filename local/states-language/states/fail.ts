/** Fail: ends its branch with an error of the author's choice. */
import { evaluate, findInPath } from '../data-flow';
import { unexpectedType } from '../data/jsonata';
import { pathNotFound } from '../data/payload-template';
import type { FailState, Field } from '../definition';
import type { JsonValue } from '../engine';
import { StateFailed } from '../failure';
import type { Step } from '../step';
import type { Visit } from '../visit';

export function enterFail(visit: Visit<FailState>): Step {
  const { error, cause } = visit.state;
  return {
    kind: 'fail',
    failure: {
      ...(error && { error: textOf(error, 'Error', visit) }),
      ...(cause && { cause: textOf(cause, 'Cause', visit) }),
    },
  };
}

function textOf(field: Field, name: string, visit: Visit): string {
  const value = read(field, name, visit);
  if (typeof value === 'string') return value;
  if (field.kind === 'expression') throw unexpectedType(field.expression, name, 'string', value);
  throw new StateFailed({
    error: 'States.Runtime',
    cause: `The ${name}Path field must refer to a string but was: ${JSON.stringify(value)}`,
  });
}

function read(field: Field, name: string, visit: Visit): JsonValue {
  if (field.kind !== 'path') return evaluate(field, name, visit, visit.input);
  const value = findInPath(field.path, visit, visit.input);
  if (value === undefined) throw pathNotFound(field.path.text, `${name}Path`, visit.input);
  return value;
}
