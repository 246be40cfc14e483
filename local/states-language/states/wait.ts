/** Wait: lets time pass, for a number of seconds or until an instant. */
import { effectiveInput, evaluate, exitWithInput, findInPath } from '../data-flow';
import { unexpectedType } from '../data/jsonata';
import type { WaitState } from '../definition';
import type { JsonValue } from '../engine';
import { StateFailed } from '../failure';
import type { Step } from '../step';
import { parseTimestamp } from '../timestamp';
import type { Visit } from '../visit';

export function enterWait(visit: Visit<WaitState>): Step {
  const { field, source } = visit.state.until;
  const value = readEnd(visit);
  if (field === 'Seconds') return { kind: 'wait', untilMs: visit.nowMs + checkSeconds(visit, value) * 1000 };
  const untilMs = typeof value === 'string' ? parseTimestamp(value) : undefined;
  if (untilMs !== undefined) return { kind: 'wait', untilMs };
  throw runtimeFailure(
    source.kind === 'path'
      ? `The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: ${source.path.text} == ${shown(value)}`
      : `The Timestamp parameter is not a valid ISO-8601 extended offset date-time format string: ${shown(value)}`,
  );
}

export function resumeWait(visit: Visit<WaitState>): Step {
  return exitWithInput(visit, effectiveInput(visit));
}

function readEnd(visit: Visit<WaitState>): JsonValue {
  const { field, source } = visit.state.until;
  if (source.kind !== 'path') return expressionValue(visit, evaluate(source, field, visit, visit.input));
  const value = findInPath(source.path, visit, effectiveInput(visit));
  if (value !== undefined) return value;
  throw runtimeFailure(`The ${field}Path parameter does not reference an input value: ${source.path.text}`);
}

function expressionValue(visit: Visit<WaitState>, value: JsonValue): JsonValue {
  const { field, source } = visit.state.until;
  const expected = field === 'Seconds' ? 'number' : 'string';
  if (source.kind !== 'expression' || typeof value === expected) return value;
  throw unexpectedType(source.expression, field, expected, value);
}

function checkSeconds(visit: Visit<WaitState>, value: JsonValue): number {
  const { source } = visit.state.until;
  const name = source.kind === 'path' ? 'SecondsPath' : 'Seconds';
  const shownValue = source.kind === 'path' ? `${source.path.text} == ${shown(value)}` : shown(value);
  if (typeof value !== 'number' || !Number.isInteger(value)) {
    throw runtimeFailure(`The ${name} parameter cannot be parsed as a long value: ${shownValue}`);
  }
  if (value < 0) throw runtimeFailure(`The ${name} parameter references a negative value: ${shownValue}`);
  return value;
}

function shown(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function runtimeFailure(cause: string): StateFailed {
  return new StateFailed({ error: 'States.Runtime', cause });
}
