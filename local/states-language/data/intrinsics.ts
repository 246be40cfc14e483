/** Intrinsic functions of JSONPath states: `States.Format('Order {} of {}', $.id, $.customer)`.
 * https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html, read 2026-11; results as recorded on AWS. */
import type { RandomSource } from '../../random';
import type { JsonValue } from '../engine';
import { IntrinsicArgumentError, intrinsicFunctions, type IntrinsicFunction } from './intrinsic-functions';
import { JsonPath } from './json-path';
import { Scanner } from './scanner';
import { StatesError, SyntaxProblem } from './states-error';

/** What a call is evaluated with. */
export interface CallSurroundings {
  readonly input: JsonValue;
  readonly context: JsonValue;
  readonly variables: Readonly<Record<string, JsonValue>>;
  readonly random: RandomSource;
  /** The field that holds the call, for the message when a path finds nothing. */
  readonly field: string;
}

type Argument = { readonly literal: JsonValue } | { readonly path: JsonPath } | { readonly call: IntrinsicCall };

/** Calls may be nested this deep (Step Functions guide). */
const nestingLimit = 10;
/** Length of the text of a call, as the service limits it. */
const lengthLimit = 10_000;

/** Whether the text of a `.$` field calls a function rather than being a path. */
export function isIntrinsicCall(text: string): boolean {
  return text.startsWith('States.');
}

/** A call, parsed. */
export class IntrinsicCall {
  private constructor(
    readonly text: string,
    private readonly implementation: IntrinsicFunction,
    private readonly args: readonly Argument[],
  ) {}

  /** @throws SyntaxProblem when it is not a call of a function that exists with arguments that it can take */
  static parse(text: string): IntrinsicCall {
    if (text.length > lengthLimit) throw new SyntaxProblem(`a function call may be ${lengthLimit} characters long`);
    const scanner = new Scanner(text);
    const call = IntrinsicCall.parseCall(scanner, 1);
    scanner.skipSpaces();
    if (!scanner.isAtEnd) scanner.fail('the call goes on with something else');
    return call;
  }

  private static parseCall(scanner: Scanner, depth: number): IntrinsicCall {
    if (depth > nestingLimit) scanner.fail(`calls may be nested ${nestingLimit} deep`);
    const start = scanner.position;
    const name = scanner.match(/States\.\w+/);
    const implementation =
      name !== undefined && Object.hasOwn(intrinsicFunctions, name) ? intrinsicFunctions[name] : undefined;
    if (implementation === undefined) scanner.fail('there is no such function');
    scanner.expect('(');
    const args: Argument[] = [];
    if (!scanner.takeWord(')')) {
      do args.push(IntrinsicCall.parseArgument(scanner, depth));
      while (scanner.takeWord(','));
      scanner.expect(')');
    }
    const [fewest, most] = implementation.argumentCount;
    if (args.length < fewest || args.length > most) scanner.fail(`${name} does not take ${args.length} arguments`);
    return new IntrinsicCall(
      scanner.text.slice(start, scanner.position),
      implementation,
      name === 'States.Format' ? args : args.map(withoutBraceEscapes),
    );
  }

  private static parseArgument(scanner: Scanner, depth: number): Argument {
    scanner.skipSpaces();
    if (scanner.text.startsWith('States.', scanner.position))
      return { call: IntrinsicCall.parseCall(scanner, depth + 1) };
    if (scanner.peek() === '$') return { path: JsonPath.parse(takePath(scanner)) };
    if (scanner.peek() === "'") return { literal: scanner.quoted("'", (escaped) => readEscape(scanner, escaped)) };
    const word = scanner.match(/(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/);
    if (word === undefined) scanner.fail('expected an argument');
    return { literal: JSON.parse(word) as JsonValue };
  }

  /** Variables that the call refers to. */
  get variables(): readonly string[] {
    return this.args.flatMap((argument) => {
      if ('call' in argument) return argument.call.variables;
      return 'path' in argument && argument.path.variable !== undefined ? [argument.path.variable] : [];
    });
  }

  /** @throws StatesError States.Runtime when a path finds nothing, States.IntrinsicFailure when the function refuses its arguments */
  evaluate(surroundings: CallSurroundings): JsonValue {
    const { input, context, variables, field, random } = surroundings;
    const values = this.args.map((argument): JsonValue => {
      if ('literal' in argument) return argument.literal;
      if ('call' in argument) return argument.call.evaluate(surroundings);
      const value = argument.path.find(input, context, variables);
      if (value !== undefined) return value;
      throw new StatesError(
        'States.Runtime',
        `The JSONPath '${argument.path.text}' specified for the field '${field}' could not be found in the input '${JSON.stringify(input)}'`,
      );
    });
    try {
      return this.implementation.apply(values, random);
    } catch (error) {
      if (!(error instanceof IntrinsicArgumentError)) throw error;
      const cause = `The function '${this.text}' had the following error: ${error.message}`;
      throw new StatesError('States.IntrinsicFailure', cause);
    }
  }
}

/** Only States.Format gives a plain brace a meaning, and reads the backslash before one. */
function withoutBraceEscapes(argument: Argument): Argument {
  if (!('literal' in argument) || typeof argument.literal !== 'string') return argument;
  return { literal: argument.literal.replace(/\\([{}])/g, '$1') };
}

/** Takes a path up to the comma or bracket that ends the argument. */
function takePath(scanner: Scanner): string {
  const start = scanner.position;
  let depth = 0;
  while (!scanner.isAtEnd) {
    const character = scanner.peek();
    if (character === "'" || character === '"') {
      scanner.quoted(character);
      continue;
    }
    if (depth === 0 && /[\s,)]/.test(character)) break;
    if (character === '[' || character === '(') depth++;
    if (character === ']' || character === ')') depth--;
    scanner.position++;
    // `()` of a path's own function belongs to the path.
    if (depth === 0) scanner.match(/\(\)/);
  }
  return scanner.text.slice(start, scanner.position);
}

/** In a literal, a backslash may stand before a quote, a brace or a backslash. The service refuses others when a machine is created. */
function readEscape(scanner: Scanner, escaped: string): string {
  if (escaped === 'n') return '\n';
  // A brace keeps its backslash until States.Format reads it.
  if (escaped === '{' || escaped === '}') return `\\${escaped}`;
  if (escaped === "'" || escaped === '\\') return escaped;
  return scanner.fail(`'\\${escaped}' is not an escape`);
}
