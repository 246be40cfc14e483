/** ValidateStateMachineDefinition, and the refusal of a definition when a state machine is created or updated. */
import { ServiceError } from '../../services/service';
import { isList, isObject } from '../data/json-value';
import type { JsonValue, Problem } from '../engine';
import { checkDefinition } from './check-definition';
import { within } from './report';

export interface ValidationRequest {
  readonly definition: string;
  readonly type?: 'STANDARD' | 'EXPRESS';
  /** The least severity to report. */
  readonly severity?: 'ERROR' | 'WARNING';
  readonly maxResults?: number;
}

/** A problem as the API reports it. */
export interface Diagnostic {
  readonly severity: 'ERROR' | 'WARNING';
  readonly code: string;
  readonly message: string;
  readonly location?: string;
}

export interface ValidationResponse {
  readonly result: 'OK' | 'FAIL';
  readonly diagnostics: readonly Diagnostic[];
  readonly truncated: boolean;
}

/** Validates a definition as the API does; it never throws for a bad definition. */
export function validateStateMachineDefinition(request: ValidationRequest): ValidationResponse {
  const all = diagnose(request.definition, request.type ?? 'STANDARD');
  const asked = all.filter(({ severity }) => severity === 'ERROR' || request.severity === 'WARNING');
  const limit = request.maxResults === undefined || request.maxResults === 0 ? 100 : request.maxResults;
  return {
    result: all.some(({ severity }) => severity === 'ERROR') ? 'FAIL' : 'OK',
    diagnostics: asked.slice(0, limit),
    truncated: asked.length > limit,
  };
}

/** Refuses a definition as CreateStateMachine and UpdateStateMachine do.
 * @throws ServiceError InvalidDefinition with every error */
export function requireValidDefinition(definition: string, type: 'STANDARD' | 'EXPRESS'): void {
  const errors = diagnose(definition, type).filter(({ severity }) => severity === 'ERROR');
  if (errors.length === 0) return;
  const list = errors.map(
    ({ code, message, location }) => `${code}: ${message}${location === undefined ? '' : ` at ${location}`}`,
  );
  throw new ServiceError('InvalidDefinition', `Invalid State Machine Definition: '${list.join(', ')}'`);
}

function diagnose(text: string, type: 'STANDARD' | 'EXPRESS'): readonly Diagnostic[] {
  const invalidJson = diagnoseJson(text);
  if (invalidJson) return [invalidJson];
  const definition = JSON.parse(text) as JsonValue;
  const problems = [...checkDefinition(text), ...(type === 'EXPRESS' ? checkExpress(definition, '') : [])];
  return problems.map(({ severity, code, message, location }) => ({
    severity,
    code,
    message,
    location: location || '/',
  }));
}

/** The words of the service's JSON parser for a text that is no JSON. */
function diagnoseJson(text: string): Diagnostic | undefined {
  if (text.trim() === '') {
    return { severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message: 'Definition must be a valid JSON object' };
  }
  try {
    const value = JSON.parse(text) as JsonValue;
    if (isObject(value)) return undefined;
    return { severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message: 'Definition must be a valid JSON object' };
  } catch (error) {
    const { reason, offset } = firstUnknownToken(text) ?? { reason: (error as Error).message, offset: text.length };
    const lines = text.slice(0, offset).split('\n');
    const location = `[Source: (String)${JSON.stringify(text)}; line: ${lines.length}, column: ${(lines.at(-1) ?? '').length + 1}]`;
    return { severity: 'ERROR', code: 'INVALID_JSON_DESCRIPTION', location, message: `${reason}\n at ${location}` };
  }
}

/** The first word that is none of JSON's, with the place behind it. */
function firstUnknownToken(text: string): { readonly reason: string; readonly offset: number } | undefined {
  const token =
    /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|(?:true|false|null)\b|[{}[\]:,\s]|([\p{L}_$][\p{L}\p{N}_$]*)|./gsu;
  for (const match of text.matchAll(token)) {
    if (match[1] === undefined) continue;
    const expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
    return {
      reason: `Unrecognized token '${match[1]}': was expecting ${expected}`,
      offset: match.index + match[1].length,
    };
  }
  return undefined;
}

/** What an Express workflow cannot do. */
function checkExpress(graph: JsonValue, location: string): readonly Problem[] {
  if (!isObject(graph) || !isObject(graph['States'])) return [];
  return Object.entries(graph['States']).flatMap(([name, state]) => {
    if (!isObject(state)) return [];
    const place = within(within(location, 'States'), name);
    const branches = isList(state['Branches']) ? state['Branches'] : [];
    return [
      ...checkExpressResource(state['Resource'], within(place, 'Resource')),
      ...branches.flatMap((branch, index) => checkExpress(branch, within(within(place, 'Branches'), index))),
      ...['ItemProcessor', 'Iterator'].flatMap((field) => checkExpress(state[field] ?? null, within(place, field))),
    ];
  });
}

function checkExpressResource(resource: JsonValue | undefined, location: string): readonly Problem[] {
  if (typeof resource !== 'string') return [];
  const refuse = (message: string): readonly Problem[] => [
    { severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message, location },
  ];
  if (/^arn:[^:]+:states:[^:]*:[^:]*:activity:/.test(resource)) {
    return refuse('Express state machine does not support Activity ARN');
  }
  const pattern = /\.(sync(?::\d+)?|waitForTaskToken)$/.exec(resource)?.[1];
  return pattern === undefined ? [] : refuse(`Express state machine does not support '${pattern}' service integration`);
}
