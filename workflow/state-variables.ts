/** Typed expressions: what a state reads from variables and results is checked by the compiler and rendered as JSONata.
 * Nothing here knows a particular workflow. */
import type { IResolvable } from 'aws-cdk-lib';
import { Token } from 'aws-cdk-lib';

declare const valueType: unique symbol;
declare const variablesType: unique symbol;
const source = Symbol('JSONata source');

/** A JSONata expression whose value has that type. Accepted wherever CDK takes a JSONata text,
 * where it renders `{% … %}`; states made from tasks accept it in every position of their input.
 * @example const fileName: Expression<string> = expression<string>("$split($object.key, '/')[-1]"); */
export interface Expression<Value> extends IResolvable {
  readonly [valueType]: Value;
  /** The JSONata text, without `{%` and `%}`. */
  readonly [source]: string;
}

/** An expression whose members are expressions, as deep as the value's type goes.
 * A member of something optional is itself optional. */
export type Variable<Value> = Expression<Value> & Members<Value>;

type Members<Value> =
  NonNullable<Value> extends readonly unknown[]
    ? unknown
    : NonNullable<Value> extends object
      ? {
          readonly [Name in keyof NonNullable<Value>]-?: Variable<
            NonNullable<Value>[Name] | (undefined extends Value ? undefined : never)
          >;
        }
      : unknown;

/** The variables of a state machine, by name.
 * @see stateVariables */
export type StateVariables<Variables> = { readonly [Name in keyof Variables]-?: Variable<Variables[Name]> } & {
  readonly [variablesType]: Variables;
};

/** A plain value of that type, an expression of that type, or an object or array of both. */
export type Wired<Value> = Expression<Value> | WiredPlain<Value>;

/** Distributes over unions, so that each member of a union can be wired. An expression that is itself an array cannot be
 * an item of a written array, because JSONata flattens it there. */
type WiredPlain<Value> = Value extends string | number | boolean | null | undefined
  ? Value
  : Value extends readonly (infer Item)[]
    ? readonly (Item extends readonly unknown[] ? WiredPlain<Item> : Wired<Item>)[]
    : Value extends object
      ? { readonly [Name in keyof Value]: Wired<Value[Name]> }
      : unknown extends Value
        ? unknown
        : never;

/** Names the variables of a state machine and their types.
 * @returns an object whose members, as deep as the types go, are expressions: `$.object.key` renders `{% $object.key %}`
 * @example
 * ```ts
 * const $ = stateVariables<{ object: ObjectReference }>();
 * new TaskState(this, 'Count lines', { function: countLines, input: { key: $.object.key } });
 * ``` */
export function stateVariables<Variables>(): StateVariables<Variables> {
  return new Proxy(
    {},
    { get: (_target, name) => (typeof name === 'string' ? variable(`$${name}`) : undefined) },
  ) as StateVariables<Variables>;
}

/** Writes a JSONata expression by hand, where variables are not enough. Its type is a claim that nothing checks.
 * @param code JSONata 2.0.6, without `{%` and `%}`. */
export function expression<Value>(code: string): Variable<Value> {
  return variable(code) as Variable<Value>;
}

/** Values for a state's `Assign`, checked against the variables' types.
 * @example assign: (result) => assignment($, { object: result }) */
export function assignment<Variables>(
  _variables: StateVariables<Variables>,
  values: { readonly [Name in keyof Variables]?: Wired<Variables[Name]> },
): Assignment {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, renderExpression(value)]),
  ) as unknown as Assignment;
}

declare const assignmentBrand: unique symbol;
/** What `assignment` makes: rendered expressions by variable name. */
export type Assignment = Readonly<Record<string, string>> & { readonly [assignmentBrand]: true };

/** Renders a value with expressions in it as one JSONata expression in its delimiters.
 * One expression for the whole, because an object constructor leaves out what is undefined,
 * whereas a JSON object with an undefined expression in it fails at run time. */
export function renderExpression(value: unknown): string {
  return `{% ${renderJsonata(value)} %}`;
}

/** Renders a value with expressions in it as JSONata text. Members that are undefined at synth are left out.
 * @throws Error when a value has no JSON form, as a function or `NaN` */
export function renderJsonata(value: unknown): string {
  if (isExpression(value)) return value[source];
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean' || value === null) return String(value);
  if (typeof value === 'number' && Number.isFinite(value) && !Token.isUnresolved(value)) return JSON.stringify(value);
  if (Array.isArray(value) && !Token.isUnresolved(value)) return `[${value.map(renderJsonata).join(', ')}]`;
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return `{${members.map(([name, member]) => `${JSON.stringify(name)}: ${renderJsonata(member)}`).join(', ')}}`;
  }
  throw new Error(
    `A state is wired to a value that has no JSONata form\n  got: ${String(value).slice(0, 200)}\n  allowed: expressions, strings, finite numbers known at synth, booleans, null, plain objects and arrays of these\n  fix: pass a string, or an expression`,
  );
}

/** Whether a value was made by `stateVariables` or `expression`. */
export function isExpression(value: unknown): value is Expression<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { [source]?: unknown })[source] === 'string';
}

/** Members that an expression has itself, because CDK, `JSON.stringify` and template texts ask for them.
 * A field of that name is reached with `expression`. */
function variable(code: string): Expression<unknown> {
  const text = `{% ${code} %}`;
  const own: Record<string | symbol, unknown> = Object.assign(Object.create(null), {
    [source]: code,
    resolve: () => text,
    toString: () => text,
    toJSON: () => text,
    [Symbol.toPrimitive]: () => text,
    creationStack: [],
    typeHint: undefined,
    constructor: Object,
  });
  return new Proxy(own, {
    get: (target, name) => (name in target || typeof name === 'symbol' ? target[name] : variable(member(code, name))),
  }) as unknown as Expression<unknown>;
}

/** Words that JSONata reads as operators or literals rather than as names. */
const reservedWords = new Set(['and', 'or', 'in', 'true', 'false', 'null', 'function']);

function member(code: string, name: string): string {
  const owner = /^\$[\w.`-]+$/.test(code) ? code : `(${code})`;
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !reservedWords.has(name)) return `${owner}.${name}`;
  if (name.includes('`')) {
    throw new Error(
      `A field's name cannot be written in JSONata\n  got: ${JSON.stringify(name)}\n  allowed: names without a backtick\n  fix: rename the field, or read it with expression("$lookup(…)")`,
    );
  }
  return `${owner}.\`${name}\``;
}
