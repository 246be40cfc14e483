/** Cuts an expression into tokens. */
import { validationError } from './validation-error';

/** Which parameter an expression was given in: its errors say so. */
export type ExpressionKind =
  'ConditionExpression' | 'FilterExpression' | 'KeyConditionExpression' | 'ProjectionExpression' | 'UpdateExpression';

export interface Token {
  readonly kind: 'name' | 'namePlaceholder' | 'valuePlaceholder' | 'index' | 'symbol' | 'end';
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

const pattern = /\s*(?:([A-Za-z_][A-Za-z0-9_]*)|(#[A-Za-z0-9_]+)|(:[A-Za-z0-9_]+)|(\d+)|(<>|<=|>=|[=<>()[\],.+-]))/y;
const kinds = ['name', 'namePlaceholder', 'valuePlaceholder', 'index', 'symbol'] as const;

/** Reads all tokens of an expression; the last one is its end.
 * @throws ServiceError ValidationException for a character that begins no token */
export function tokenize(kind: ExpressionKind, expression: string): readonly Token[] {
  const tokens: Token[] = [];
  let position = 0;
  for (;;) {
    pattern.lastIndex = position;
    const match = pattern.exec(expression);
    if (match === null) break;
    const group = kinds.findIndex((_, index) => match[index + 1] !== undefined);
    const text = match[group + 1]!;
    tokens.push({ kind: kinds[group]!, text, start: pattern.lastIndex - text.length, end: pattern.lastIndex });
    position = pattern.lastIndex;
  }
  const rest = expression.slice(position).trimStart();
  if (rest !== '') {
    const start = expression.length - rest.length;
    const bad = { kind: 'symbol', text: [...rest][0]!, start, end: start + 1 } as const;
    throw syntaxError(kind, expression, [...tokens, bad], tokens.length);
  }
  return [...tokens, { kind: 'end', text: '<EOF>', start: expression.length, end: expression.length }];
}

/** The error for a token that does not belong where it stands. */
export function syntaxError(kind: ExpressionKind, expression: string, tokens: readonly Token[], index: number): Error {
  const near = expression.slice(tokens[Math.max(0, index - 1)]!.start, (tokens[index + 1] ?? tokens[index]!).end);
  return expressionError(kind, `Syntax error; token: "${tokens[index]!.text}", near: "${near}"`);
}

/** An error of an expression, in DynamoDB's words. */
export function expressionError(kind: ExpressionKind, problem: string): Error {
  return validationError(`Invalid ${kind}: ${problem}`);
}
