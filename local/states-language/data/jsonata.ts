/** JSONata as AWS Step Functions evaluates it: `{% … %}` texts and templates of them, with AWS's functions, limits and error texts.
 * The way in to the `jsonata-*` files; nothing else imports them. */
import type { JsonValue } from '../engine';
import { parseExpression, type SyntaxNode } from './jsonata-ast';
import { compileNode, type Evaluation, type Scope } from './jsonata-evaluator';
import { functionsThatMatch, libraryFunction, useSetting, type EvaluationSetting } from './jsonata-library';
import { isStackOverflow, LimitExceeded, runWithHardLimit, startAccount } from './jsonata-limits';
import { isSequence, JsonataFunction, setMember, type JsonataError } from './jsonata-values';

/** What an expression may refer to. Values are read, never changed. */
export interface Bindings extends EvaluationSetting {
  /** `$states`; `result` and `errorOutput` only where the language gives them. */
  readonly states: {
    readonly input?: JsonValue;
    readonly context?: JsonValue;
    readonly result?: JsonValue | undefined;
    readonly errorOutput?: JsonValue | undefined;
  };
  readonly variables: Readonly<Record<string, JsonValue>>;
}

/** An expression, parsed and ready to run any number of times. */
export interface CompiledExpression {
  /** What stood between `{%` and `%}`, without the spaces around it: AWS quotes it so. */
  readonly text: string;
  /** @internal The tree, for checks of a definition. */
  readonly syntax: SyntaxNode;
  /** @internal */
  readonly evaluate: Evaluation;
}

/** An expression failed while an execution ran: AWS's `States.QueryEvaluationError`. */
export class QueryEvaluationFailure extends Error {
  override readonly name = 'QueryEvaluationFailure';
  /** @param location Where in the state: `Output/result`, as the history event `EvaluationFailed` tells it. */
  constructor(
    readonly location: string,
    message: string,
  ) {
    super(message);
  }
}

/** The text is not JSONata. `message` is the parser's. */
export class InvalidExpressionError extends Error {
  override readonly name = 'InvalidExpressionError';
  constructor(
    readonly expression: string,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** Whether a value of a definition is an expression: a text that begins with `{%` and ends with `%}`. */
export function isExpression(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 4 && value.startsWith('{%') && value.endsWith('%}');
}

const compiledExpressions = new Map<string, CompiledExpression>();
/** Definitions hold a few hundred expressions; whoever makes them endlessly starts afresh now and then. */
const compiledExpressionLimit = 10_000;

/** Parses an expression; a text seen before costs nothing.
 * @param text The whole text with its delimiters: `{% $states.input %}`.
 * @throws InvalidExpressionError when it is not JSONata 2.0.6 */
export function compileExpression(text: string): CompiledExpression {
  const known = compiledExpressions.get(text);
  if (known) return known;
  const inner = text.slice(2, -2).trim();
  const syntax = parse(inner);
  const plain = compileNode(syntax);
  const evaluate: Evaluation = matchesPatterns(syntax)
    ? (input, scope) => runWithHardLimit(() => plain(input, scope))
    : plain;
  const compiled = { text: inner, syntax, evaluate };
  if (compiledExpressions.size >= compiledExpressionLimit) compiledExpressions.clear();
  compiledExpressions.set(text, compiled);
  return compiled;
}

function parse(text: string): SyntaxNode {
  try {
    return parseExpression(text);
  } catch (error) {
    if (isStackOverflow(error)) throw new InvalidExpressionError(text, 'S0500', 'The expression is nested too deeply');
    const { code, message } = error as { code?: string; message?: string };
    throw new InvalidExpressionError(text, code ?? 'S0500', message ?? String(error));
  }
}

/** Whether evaluation may be inside a regular expression for long, where steps are not counted. */
function matchesPatterns(syntax: unknown): boolean {
  if (typeof syntax !== 'object' || syntax === null) return false;
  const { type, value } = syntax as Partial<SyntaxNode>;
  if (type === 'function' && readsTimestamp(syntax as Call)) return matchesPatterns((syntax as Call).arguments);
  if (type === 'regex' || (type === 'variable' && functionsThatMatch.has(value as string))) return true;
  return Object.values(syntax).some(matchesPatterns);
}

interface Call {
  readonly procedure?: { readonly value?: unknown };
  readonly arguments: readonly unknown[];
}

/** `$toMillis` without a picture has one pattern of its own, which no text keeps busy. */
function readsTimestamp({ procedure, arguments: given }: Call): boolean {
  return procedure?.value === 'toMillis' && given.length === 1;
}

/** Evaluates an expression for a field of a state.
 * @param field Where it stands in the state, as AWS writes it: `Condition`, `Output/result`.
 * @returns plain JSON, which may share parts with the bindings
 * @throws QueryEvaluationFailure when it throws, gives nothing, or gives what JSON cannot hold */
export function evaluateExpression(expression: CompiledExpression, bindings: Bindings, field: string): JsonValue {
  const result = run(expression, bindings, field);
  if (result === undefined) {
    throw new QueryEvaluationFailure(field, `${subject(expression, field)} returned nothing (undefined).`);
  }
  try {
    return toJson(result);
  } catch (error) {
    if (error instanceof UnsupportedResult) {
      throw new QueryEvaluationFailure(field, `${subject(expression, field)} returned an unsupported result type.`);
    }
    throw failureOf(error, expression, field);
  }
}

/** The failure of an expression whose result has the wrong type for its field.
 * @param expected AWS's name of the type: `array`, `boolean`, `number`, `string`. */
export function unexpectedType(
  expression: CompiledExpression,
  field: string,
  expected: string,
  value: JsonValue,
): QueryEvaluationFailure {
  const actual = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value;
  const text = `Expected '${expected}', but was '${actual}' for value: ${JSON.stringify(value)}`;
  return new QueryEvaluationFailure(field, `${subject(expression, field)} returned an unexpected result type. ${text}`);
}

function subject(expression: CompiledExpression, field: string): string {
  return `The JSONata expression '${expression.text}' specified for the field '${field}'`;
}

function run(expression: CompiledExpression, bindings: Bindings, field: string): unknown {
  startAccount();
  useSetting(bindings);
  try {
    return expression.evaluate(undefined, new OuterScope(bindings));
  } catch (error) {
    throw failureOf(error, expression, field);
  }
}

/** The outermost scope: what the expression itself binds, then `$states`, the state machine's variables and the library. */
class OuterScope implements Scope {
  #own: Map<string, unknown> | undefined;
  readonly #bindings: Bindings;

  constructor(bindings: Bindings) {
    this.#bindings = bindings;
  }

  get(name: string): unknown {
    if (this.#own?.has(name)) return this.#own.get(name);
    if (name === 'states') return this.#bindings.states;
    const { variables } = this.#bindings;
    return Object.hasOwn(variables, name) ? variables[name] : libraryFunction(name);
  }

  set(name: string, value: unknown): void {
    (this.#own ??= new Map()).set(name, value);
  }
}

function failureOf(error: unknown, expression: CompiledExpression, field: string): Error {
  const detail = detailOf(error);
  // Anything else is an error of ours, not of the expression.
  if (detail === undefined) return error as Error;
  const message = `${subject(expression, field)} threw an error during evaluation. ${detail}`;
  return new QueryEvaluationFailure(field, message);
}

function detailOf(error: unknown): string | undefined {
  if (error instanceof LimitExceeded) return error.message;
  if (isStackOverflow(error)) {
    return 'Stack overflow error: Check for non-terminating recursive function. Consider rewriting as tail-recursive.';
  }
  // What jsonata's own functions meet in the host: a text too long, a malformed URI.
  if (error instanceof RangeError || error instanceof URIError) return error.message;
  const { code } = (error ?? {}) as Partial<JsonataError>;
  return code === undefined ? undefined : `${code}: ${wordingOf(error as JsonataError)}`;
}

/** Words an error from jsonata's catalogue. The package words only what its parser meets, so its parser is made to meet it. */
function wordingOf(error: JsonataError): string {
  const worded = { ...error };
  const text = {
    length: 1,
    charAt: (): never => {
      throw worded;
    },
  };
  try {
    parseExpression(text as unknown as string);
  } catch {
    // The parser has put the message into `worded`.
  }
  return String(worded['message'] ?? '');
}

class UnsupportedResult extends Error {}

/** Makes plain JSON of a result: sequences become arrays and what is already plain is kept as it is. */
function toJson(value: unknown): JsonValue {
  if (typeof value !== 'object' || value === null) return scalarToJson(value);
  if (value instanceof JsonataFunction) throw new UnsupportedResult();
  if (Array.isArray(value)) return listToJson(value);
  let copy: Record<string, JsonValue> | undefined;
  for (const [name, member] of Object.entries(value)) {
    const plain = toJson(member);
    if (plain !== member) (copy ??= { ...(value as Record<string, JsonValue>) })[name] = plain;
  }
  return copy ?? (value as JsonValue);
}

function listToJson(list: readonly unknown[]): JsonValue {
  let copy: JsonValue[] | undefined = isSequence(list) || 'constructed' in list ? [] : undefined;
  for (let index = 0; index < list.length; index++) {
    const member = list[index];
    const plain = member === undefined ? null : toJson(member);
    if (copy) copy[index] = plain;
    else if (plain !== member) (copy = list.slice() as JsonValue[])[index] = plain;
  }
  return copy ?? (list as JsonValue);
}

function scalarToJson(value: unknown): JsonValue {
  if (typeof value === 'number' && !Number.isFinite(value)) throw { code: 'D1001', value } satisfies JsonataError;
  if (value === undefined || typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint') {
    throw new UnsupportedResult();
  }
  return value as JsonValue;
}

/** A value of a definition with expressions at any depth, ready to run. */
export interface CompiledTemplate {
  /** @internal Undefined when there is nothing to evaluate: the value stands for itself. */
  readonly evaluate: ((bindings: Bindings, field: string) => JsonValue) | undefined;
  readonly value: JsonValue;
}

/** Compiles a template; parts without expressions cost nothing when it is evaluated.
 * @throws InvalidExpressionError for the first expression that is not JSONata */
export function compileTemplate(value: JsonValue): CompiledTemplate {
  if (isExpression(value)) {
    const expression = compileExpression(value);
    return { value, evaluate: (bindings, field) => evaluateExpression(expression, bindings, field) };
  }
  if (Array.isArray(value)) return compileList(value as readonly JsonValue[]);
  if (typeof value === 'object' && value !== null)
    return compileObject(value as { readonly [name: string]: JsonValue });
  return { value, evaluate: undefined };
}

function compileList(list: readonly JsonValue[]): CompiledTemplate {
  const members = list.map(compileTemplate);
  if (members.every(({ evaluate }) => evaluate === undefined)) return { value: list, evaluate: undefined };
  // Members are named `Output/a/b`, places in a list `Output/a[0]` (floci-io/floci#2689, measured on AWS).
  const evaluate = (bindings: Bindings, field: string): JsonValue =>
    members.map(({ evaluate, value }, index) => (evaluate ? evaluate(bindings, `${field}[${index}]`) : value));
  return { value: list, evaluate };
}

function compileObject(object: { readonly [name: string]: JsonValue }): CompiledTemplate {
  const members = Object.entries(object).map(([name, value]) => ({ name, ...compileTemplate(value) }));
  if (members.every(({ evaluate }) => evaluate === undefined)) return { value: object, evaluate: undefined };
  const evaluate = (bindings: Bindings, field: string): JsonValue => {
    const result: Record<string, JsonValue> = {};
    for (const { name, value, evaluate } of members) {
      setMember(result, name, evaluate ? evaluate(bindings, `${field}/${name}`) : value);
    }
    return result;
  };
  return { value: object, evaluate };
}

/** Evaluates a template for a field of a state.
 * @param field The field's name, `Output`; a failure deeper inside tells its path, `Output/result`.
 * @throws QueryEvaluationFailure for the first expression that fails, in the order they are written */
export function evaluateTemplate(template: CompiledTemplate, bindings: Bindings, field: string): JsonValue {
  return template.evaluate ? template.evaluate(bindings, field) : template.value;
}
