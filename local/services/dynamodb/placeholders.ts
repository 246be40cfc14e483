/** What the placeholders of a request's expressions stand for. */
import { parseAttributeValue, typeOf, type AttributeValue } from './attribute-value';
import type { Parsed, PathTemplate } from './expression';
import { expressionError, type ExpressionKind } from './tokens';
import { validationError } from './validation-error';

/** A document path with real names. */
export type Path = readonly (string | number)[];

/** The names and values of one request, checked. */
export class Placeholders {
  private constructor(
    private readonly names: ReadonlyMap<string, string>,
    private readonly values: ReadonlyMap<string, AttributeValue>,
  ) {}

  /** Checks `ExpressionAttributeNames` and `ExpressionAttributeValues` against the expressions that use them.
   * @param valueExpressions The parameters of this operation that may use values, for the message when all are absent. */
  static read(
    input: { readonly ExpressionAttributeNames?: unknown; readonly ExpressionAttributeValues?: unknown },
    expressions: readonly (Parsed<unknown> | undefined)[],
    valueExpressions: readonly ExpressionKind[],
  ): Placeholders {
    const given = expressions.filter((expression) => expression !== undefined);
    const names = readNames(input.ExpressionAttributeNames, given);
    const values = readValues(input.ExpressionAttributeValues, given, valueExpressions);
    for (const expression of given) {
      for (const name of expression.usedNames) {
        if (!names.has(name)) {
          throw expressionError(
            expression.kind,
            `An expression attribute name used in the document path is not defined; attribute name: ${name}`,
          );
        }
      }
      for (const value of expression.usedValues) {
        if (!values.has(value)) {
          throw expressionError(
            expression.kind,
            `An expression attribute value used in expression is not defined; attribute value: ${value}`,
          );
        }
      }
    }
    // What is undefined is found while an expression is read, what is unused only afterwards.
    checkUsed('Names', names.keys(), (name) => given.some(({ usedNames }) => usedNames.has(name)));
    checkUsed('Values', values.keys(), (value) => given.some(({ usedValues }) => usedValues.has(value)));
    return new Placeholders(names, values);
  }

  path(template: PathTemplate): Path {
    return template.map((part) => (typeof part === 'string' ? (this.names.get(part) ?? part) : part));
  }

  value(placeholder: string): AttributeValue {
    return this.values.get(placeholder)!;
  }

  /** The value's type, for checks of types before anything is read. */
  type(placeholder: string): string {
    return typeOf(this.value(placeholder));
  }
}

function readNames(given: unknown, expressions: readonly Parsed<unknown>[]): ReadonlyMap<string, string> {
  if (given === undefined || given === null) return new Map();
  const entries = Object.entries(given as Record<string, unknown>);
  if (expressions.length === 0) {
    throw validationError('ExpressionAttributeNames can only be specified when using expressions');
  }
  if (entries.length === 0) throw validationError('ExpressionAttributeNames must not be empty');
  for (const [placeholder, name] of entries) {
    if (!/^#[A-Za-z0-9_]+$/.test(placeholder)) {
      throw validationError(`ExpressionAttributeNames contains invalid key: Syntax error; key: "${placeholder}"`);
    }
    if (typeof name !== 'string' || name === '') {
      throw validationError(
        `ExpressionAttributeNames contains invalid value: must not be empty for key ${placeholder}`,
      );
    }
  }
  return new Map(entries as [string, string][]);
}

function readValues(
  given: unknown,
  expressions: readonly Parsed<unknown>[],
  valueExpressions: readonly ExpressionKind[],
): ReadonlyMap<string, AttributeValue> {
  if (given === undefined || given === null) return new Map();
  const entries = Object.entries(given as Record<string, unknown>);
  if (!expressions.some(({ kind }) => valueExpressions.includes(kind))) {
    const absent = valueExpressions.join(' and ');
    throw validationError(
      `ExpressionAttributeValues can only be specified when using expressions: ${absent} ${valueExpressions.length > 1 ? 'are' : 'is'} null`,
    );
  }
  if (entries.length === 0) throw validationError('ExpressionAttributeValues must not be empty');
  const values = new Map<string, AttributeValue>();
  for (const [placeholder, value] of entries) {
    if (!/^:[A-Za-z0-9_]+$/.test(placeholder)) {
      throw validationError(`ExpressionAttributeValues contains invalid key: Syntax error; key: "${placeholder}"`);
    }
    try {
      values.set(placeholder, parseAttributeValue(value));
    } catch (error) {
      throw validationError(
        `ExpressionAttributeValues contains invalid value: ${(error as Error).message} for key ${placeholder}`,
      );
    }
  }
  return values;
}

function checkUsed(what: 'Names' | 'Values', placeholders: Iterable<string>, isUsed: (name: string) => boolean): void {
  const unused = [...placeholders].filter((placeholder) => !isUsed(placeholder));
  if (unused.length > 0) {
    throw validationError(
      `Value provided in ExpressionAttribute${what} unused in expressions: keys: {${unused.join(', ')}}`,
    );
  }
}
