/** The grammar of DynamoDB's expressions: text to a tree, once for each text. */
import { isReservedWord } from './reserved-words';
import { expressionError, syntaxError, tokenize, type ExpressionKind, type Token } from './tokens';

/** A document path as written: names may be placeholders (`#name`), numbers are list indexes. */
export type PathTemplate = readonly (string | number)[];

export type Operand =
  | { readonly kind: 'path'; readonly path: PathTemplate }
  | { readonly kind: 'value'; readonly placeholder: string }
  | { readonly kind: 'call'; readonly name: OperandFunction; readonly operands: readonly Operand[] }
  | { readonly kind: 'arithmetic'; readonly operator: '+' | '-'; readonly left: Operand; readonly right: Operand };

export type OperandFunction = 'size' | 'if_not_exists' | 'list_append';
export type Comparator = '=' | '<>' | '<' | '<=' | '>' | '>=';
export type ConditionFunction =
  'attribute_exists' | 'attribute_not_exists' | 'attribute_type' | 'begins_with' | 'contains';

export type Condition = { readonly isParenthesized?: boolean } & (
  | { readonly kind: 'and' | 'or'; readonly left: Condition; readonly right: Condition }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'compare'; readonly comparator: Comparator; readonly left: Operand; readonly right: Operand }
  | { readonly kind: 'between'; readonly operand: Operand; readonly lower: Operand; readonly upper: Operand }
  | { readonly kind: 'in'; readonly operand: Operand; readonly candidates: readonly Operand[] }
  | { readonly kind: 'function'; readonly name: ConditionFunction; readonly operands: readonly Operand[] }
);

export type UpdateAction =
  | { readonly kind: 'SET'; readonly path: PathTemplate; readonly operand: Operand }
  | { readonly kind: 'REMOVE'; readonly path: PathTemplate }
  | { readonly kind: 'ADD' | 'DELETE'; readonly path: PathTemplate; readonly operand: Operand };

/** A parsed expression and the placeholders it uses. */
export interface Parsed<Tree> {
  readonly kind: ExpressionKind;
  readonly tree: Tree;
  readonly usedNames: ReadonlySet<string>;
  readonly usedValues: ReadonlySet<string>;
}

const cacheLimit = 2_000;
const cache = new Map<string, Parsed<unknown>>();

/** Parses a condition, filter or key condition. @throws ServiceError ValidationException */
export function parseCondition(
  kind: 'ConditionExpression' | 'FilterExpression' | 'KeyConditionExpression',
  expression: string,
): Parsed<Condition> {
  return parseOnce(kind, expression, (parser) => parser.condition());
}

/** Parses an update. @throws ServiceError ValidationException */
export function parseUpdate(expression: string): Parsed<readonly UpdateAction[]> {
  return parseOnce('UpdateExpression', expression, (parser) => parser.update());
}

/** Parses a projection. @throws ServiceError ValidationException */
export function parseProjection(expression: string): Parsed<readonly PathTemplate[]> {
  return parseOnce('ProjectionExpression', expression, (parser) => parser.projection());
}

function parseOnce<Tree>(kind: ExpressionKind, expression: string, parse: (parser: Parser) => Tree): Parsed<Tree> {
  const cacheKey = `${kind} ${expression}`;
  const known = cache.get(cacheKey);
  if (known !== undefined) return known as Parsed<Tree>;
  if (expression.trim() === '') throw expressionError(kind, 'The expression can not be empty;');
  const parser = new Parser(kind, expression);
  const tree = parse(parser);
  parser.expectEnd();
  const parsed = { kind, tree, usedNames: parser.usedNames, usedValues: parser.usedValues };
  if (cache.size >= cacheLimit) cache.clear();
  cache.set(cacheKey, parsed);
  return parsed;
}

const comparators: ReadonlySet<string> = new Set(['=', '<>', '<', '<=', '>', '>=']);
const conditionFunctions: Readonly<Record<string, number>> = {
  attribute_exists: 1,
  attribute_not_exists: 1,
  attribute_type: 2,
  begins_with: 2,
  contains: 2,
};
const updateFunctions: Readonly<Record<string, number>> = { if_not_exists: 2, list_append: 2 };
const updateSections = ['SET', 'REMOVE', 'ADD', 'DELETE'] as const;

/** A recursive descent over the tokens of one expression. */
class Parser {
  readonly usedNames = new Set<string>();
  readonly usedValues = new Set<string>();
  private readonly tokens: readonly Token[];
  private index = 0;

  constructor(
    private readonly kind: ExpressionKind,
    private readonly expression: string,
  ) {
    this.tokens = tokenize(kind, expression);
  }

  condition(): Condition {
    let left = this.conjunction();
    while (this.takeKeyword('OR')) left = { kind: 'or', left, right: this.conjunction() };
    return left;
  }

  update(): readonly UpdateAction[] {
    const actions: UpdateAction[] = [];
    const seen = new Set<string>();
    while (this.token.kind !== 'end') {
      const section = updateSections.find((name) => this.takeKeyword(name));
      if (section === undefined) throw this.syntaxError();
      if (seen.has(section)) {
        throw this.error(`The "${section}" section can only be used once in an update expression;`);
      }
      seen.add(section);
      do actions.push(this.action(section));
      while (this.takeSymbol(','));
    }
    return actions;
  }

  projection(): readonly PathTemplate[] {
    const paths = [this.path()];
    while (this.takeSymbol(',')) paths.push(this.path());
    return paths;
  }

  expectEnd(): void {
    if (this.token.kind !== 'end') throw this.syntaxError();
  }

  private conjunction(): Condition {
    let left = this.negation();
    while (this.takeKeyword('AND')) left = { kind: 'and', left, right: this.negation() };
    return left;
  }

  private negation(): Condition {
    return this.takeKeyword('NOT') ? { kind: 'not', condition: this.negation() } : this.predicate();
  }

  private predicate(): Condition {
    if (this.isSymbol('(')) {
      const start = this.index;
      const nested = this.parenthesized();
      if (nested !== undefined) return nested;
      this.index = start;
    }
    const name = this.functionName();
    if (name !== undefined && name !== 'size') return this.conditionFunction(name);
    const operand = this.operand();
    const comparator = this.token.text;
    if (this.token.kind === 'symbol' && comparators.has(comparator)) {
      this.index++;
      return { kind: 'compare', comparator: comparator as Comparator, left: operand, right: this.operand() };
    }
    if (this.takeKeyword('BETWEEN')) {
      const lower = this.operand();
      if (!this.takeKeyword('AND')) throw this.syntaxError();
      return { kind: 'between', operand, lower, upper: this.operand() };
    }
    if (this.takeKeyword('IN')) return { kind: 'in', operand, candidates: this.argumentList() };
    throw this.syntaxError();
  }

  /** A condition in parentheses; undefined when they hold an operand. */
  private parenthesized(): Condition | undefined {
    this.takeSymbol('(');
    if (this.holdsOperand()) return undefined;
    const condition = this.condition();
    this.expectSymbol(')');
    if (condition.isParenthesized === true) throw this.error('The expression has redundant parentheses;');
    return { ...condition, isParenthesized: true };
  }

  /** Looks past a path or value in parentheses: a comparison of it follows. */
  private holdsOperand(): boolean {
    let ahead = this.index;
    while (this.tokens[ahead]!.kind !== 'end' && !/^[()]$/.test(this.tokens[ahead]!.text)) {
      if (comparators.has(this.tokens[ahead]!.text) || /^(between|in|and|or|not)$/i.test(this.tokens[ahead]!.text))
        return false;
      ahead++;
    }
    return this.tokens[ahead]!.text === ')' && comparators.has(this.tokens[ahead + 1]?.text ?? '');
  }

  private conditionFunction(name: string): Condition {
    if (Object.hasOwn(updateFunctions, name)) {
      throw this.error(`The function is not allowed in a ${describe(this.kind)} expression; function: ${name}`);
    }
    const count = Object.hasOwn(conditionFunctions, name) ? conditionFunctions[name] : undefined;
    if (count === undefined) throw this.error(`Invalid function name; function: ${name}`);
    this.index++;
    const operands = this.argumentList();
    this.checkCount(name, operands, count);
    if (name.startsWith('attribute_') && operands[0]!.kind !== 'path') throw this.needsPath(name);
    return { kind: 'function', name: name as ConditionFunction, operands };
  }

  private action(section: (typeof updateSections)[number]): UpdateAction {
    const path = this.path();
    if (section === 'REMOVE') return { kind: section, path };
    if (section === 'SET') {
      this.expectSymbol('=');
      return { kind: section, path, operand: this.setValue() };
    }
    if (this.token.kind !== 'valuePlaceholder') throw this.syntaxError();
    return { kind: section, path, operand: this.operand() };
  }

  private setValue(): Operand {
    const left = this.operand();
    for (const operator of ['+', '-'] as const) {
      if (this.takeSymbol(operator)) return { kind: 'arithmetic', operator, left, right: this.operand() };
    }
    return left;
  }

  private operand(): Operand {
    if (this.takeSymbol('(')) {
      const operand = this.kind === 'UpdateExpression' ? this.setValue() : this.operand();
      this.expectSymbol(')');
      return operand;
    }
    if (this.token.kind === 'valuePlaceholder') {
      const placeholder = this.token.text;
      this.usedValues.add(placeholder);
      this.index++;
      return { kind: 'value', placeholder };
    }
    const name = this.functionName();
    return name === undefined ? { kind: 'path', path: this.path() } : this.operandFunction(name);
  }

  private operandFunction(name: string): Operand {
    const isUpdate = this.kind === 'UpdateExpression';
    const known = isUpdate ? updateFunctions : { size: 1 };
    if (!Object.hasOwn(known, name)) {
      if (name === 'size' || Object.hasOwn(updateFunctions, name) || Object.hasOwn(conditionFunctions, name)) {
        throw this.error(
          isUpdate
            ? `The function is not allowed in an update expression; function: ${name}`
            : `The function is not allowed to be used this way in an expression; function: ${name}`,
        );
      }
      throw this.error(`Invalid function name; function: ${name}`);
    }
    this.index++;
    const operands = this.argumentList();
    this.checkCount(name, operands, (known as Record<string, number>)[name]!);
    if (name === 'if_not_exists' && operands[0]!.kind !== 'path') throw this.needsPath(name);
    return { kind: 'call', name: name as OperandFunction, operands };
  }

  private argumentList(): readonly Operand[] {
    this.expectSymbol('(');
    const operands = [this.operand()];
    while (this.takeSymbol(',')) operands.push(this.operand());
    this.expectSymbol(')');
    return operands;
  }

  private path(): PathTemplate {
    const path: (string | number)[] = [this.pathName()];
    for (;;) {
      if (this.takeSymbol('.')) path.push(this.pathName());
      else if (this.takeSymbol('[')) {
        if (this.token.kind !== 'index') throw this.syntaxError();
        path.push(Number(this.token.text));
        this.index++;
        this.expectSymbol(']');
      } else return path;
    }
  }

  private pathName(): string {
    const { kind, text } = this.token;
    if (kind === 'namePlaceholder') this.usedNames.add(text);
    else if (kind !== 'name') throw this.syntaxError();
    else if (isReservedWord(text)) {
      throw this.error(`Attribute name is a reserved keyword; reserved keyword: ${text}`);
    }
    this.index++;
    return text;
  }

  /** The name before an opening parenthesis. */
  private functionName(): string | undefined {
    const next = this.tokens[this.index + 1];
    return this.token.kind === 'name' && next?.text === '(' ? this.token.text : undefined;
  }

  private get token(): Token {
    return this.tokens[this.index]!;
  }

  private isSymbol(text: string): boolean {
    return this.token.kind === 'symbol' && this.token.text === text;
  }

  private takeSymbol(text: string): boolean {
    if (!this.isSymbol(text)) return false;
    this.index++;
    return true;
  }

  private expectSymbol(text: string): void {
    if (!this.takeSymbol(text)) throw this.syntaxError();
  }

  private takeKeyword(keyword: string): boolean {
    if (this.token.kind !== 'name' || this.token.text.toUpperCase() !== keyword) return false;
    this.index++;
    return true;
  }

  private checkCount(name: string, operands: readonly Operand[], count: number): void {
    if (operands.length === count) return;
    throw this.error(
      `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${operands.length}`,
    );
  }

  private needsPath(name: string): Error {
    return this.error(`Operator or function requires a document path; operator or function: ${name}`);
  }

  private error(problem: string): Error {
    return expressionError(this.kind, problem);
  }

  private syntaxError(): Error {
    return syntaxError(this.kind, this.expression, this.tokens, this.index);
  }
}

function describe(kind: ExpressionKind): string {
  return kind.replace('Expression', '').replace('KeyCondition', 'key condition').toLowerCase();
}
