/** Payload templates of JSONPath states: Parameters, ResultSelector, ItemSelector and Assign, where `name.$` asks for data. */
import type { RandomSource } from '../../random';
import type { JsonValue } from '../engine';
import { IntrinsicCall, isIntrinsicCall } from './intrinsics';
import { JsonPath } from './json-path';
import { StatesError, SyntaxProblem } from './states-error';

type Variables = Readonly<Record<string, JsonValue>>;

/** What a template is evaluated with. */
interface Surroundings {
  readonly input: JsonValue;
  readonly context: JsonValue;
  readonly variables: Variables;
  readonly random: RandomSource;
}

type Evaluation = (surroundings: Surroundings) => JsonValue;

/** A template, parsed; parts without `.$` cost nothing when it is evaluated. */
export class PayloadTemplate {
  private constructor(
    /** As written in the definition. */
    readonly value: JsonValue,
    private readonly compiled: Evaluation | undefined,
  ) {}

  /** @throws SyntaxProblem when the value of a `.$` field is neither a path nor a call of an intrinsic function */
  static parse(value: JsonValue): PayloadTemplate {
    return new PayloadTemplate(value, compile(value));
  }

  /** Makes the payload.
   * @param input What `$` stands for.
   * @throws StatesError States.Runtime when a path finds nothing, States.IntrinsicFailure when a function fails */
  evaluate(input: JsonValue, context: JsonValue, variables: Variables, random: RandomSource): JsonValue {
    return this.compiled ? this.compiled({ input, context, variables, random }) : this.value;
  }
}

/** Compiles the parts of a template that ask for data; undefined when none does. */
function compile(value: JsonValue): Evaluation | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if (Array.isArray(value)) {
    const members = (value as readonly JsonValue[]).map((member) => ({ member, evaluate: compile(member) }));
    if (members.every(({ evaluate }) => evaluate === undefined)) return undefined;
    return (surroundings) => members.map(({ member, evaluate }) => (evaluate ? evaluate(surroundings) : member));
  }
  const fields = Object.entries(value).map(([name, member]) =>
    name.endsWith('.$')
      ? { name: name.slice(0, -2), member, evaluate: compileQuery(name, member) }
      : { name, member, evaluate: compile(member) },
  );
  if (fields.every(({ evaluate }) => evaluate === undefined)) return undefined;
  return (surroundings) =>
    Object.fromEntries(fields.map(({ name, member, evaluate }) => [name, evaluate ? evaluate(surroundings) : member]));
}

function compileQuery(field: string, text: JsonValue): Evaluation {
  if (typeof text !== 'string') {
    throw new SyntaxProblem(
      `The value for the field '${field}' must be a STRING that contains a JSONPath but was an ${kindOf(text)}`,
    );
  }
  if (isIntrinsicCall(text)) {
    const call = parseQuery(field, () => IntrinsicCall.parse(text));
    return ({ input, context, variables, random }) => call.evaluate({ input, context, variables, random, field });
  }
  const path = parseQuery(field, () => JsonPath.parse(text));
  return ({ input, context, variables }) => {
    const value = path.find(input, context, variables);
    if (value === undefined) throw pathNotFound(path.text, field, input);
    return value;
  };
}

function kindOf(value: JsonValue): string {
  if (value === null) return 'NULL';
  return Array.isArray(value) ? 'ARRAY' : typeof value === 'object' ? 'OBJECT' : (typeof value).toUpperCase();
}

function parseQuery<Query>(field: string, parse: () => Query): Query {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof SyntaxProblem)) throw error;
    throw new SyntaxProblem(
      `The value for the field '${field}' must be a valid JSONPath or a valid intrinsic function call`,
    );
  }
}

/** The failure of a path in a field, in the service's words. */
export function pathNotFound(path: string, field: string, input: JsonValue): StatesError {
  return new StatesError(
    'States.Runtime',
    `The JSONPath '${path}' specified for the field '${field}' could not be found in the input '${JSON.stringify(input)}'`,
  );
}
