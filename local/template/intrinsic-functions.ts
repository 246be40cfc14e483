/** Resolves CloudFormation's intrinsic functions. A value that cannot be known stays unknown until someone reads it. */
import { UnsupportedError } from '../services/service';
import { cidrBlocks } from './cidr-blocks';
import type { Template } from './template';

/** Stands for a value that nothing simulated can answer. Whatever is built from it is unknown as well. */
export class UnknownValue {
  /** @param what The reference, in words: `the attribute Endpoint of Database (AWS::RDS::DBInstance)`.
   * @param fix One act that would make it known. */
  constructor(
    readonly what: string,
    readonly fix: string,
  ) {}
}

/** What intrinsic functions refer to. */
export interface ResolutionScope {
  readonly template: Template;
  readonly region: string;
  readonly stackName: string;
  /** Resolves `Ref` to a parameter, pseudo parameter or resource. */
  readonly reference: (name: string) => unknown;
  readonly attribute: (logicalId: string, attribute: string) => unknown;
  readonly exported: (name: string) => unknown;
  /** Resolves a dynamic reference such as `ssm:/path`, given without its braces. */
  readonly dynamicReference: (reference: string) => unknown;
}

/** What `Ref: AWS::NoValue` resolves to: the property is left out. */
export const noValue = Symbol('AWS::NoValue');

/** Resolves all intrinsic functions in a value. Unknown values appear as `UnknownValue`.
 * @throws Error for a malformed or unknown function, naming it */
export function resolveValue(value: unknown, scope: ResolutionScope): unknown {
  if (typeof value === 'string') return resolveDynamicReferences(value, scope);
  if (isLiteral(value)) return value;
  if (Array.isArray(value)) {
    return value.map((item) => resolveValue(item, scope)).filter((item) => item !== noValue);
  }
  if (!isObject(value)) return value;
  const [name, ...others] = Object.keys(value);
  if (name !== undefined && others.length === 0 && isFunctionName(name)) {
    return callFunction(name, value[name], scope);
  }
  return Object.fromEntries(
    Object.entries(value)
      .map(([member, item]) => [member, resolveValue(item, scope)] as const)
      .filter(([, item]) => item !== noValue),
  );
}

/** Whether there is nothing to resolve in a part of a template, which is what most of each template is. */
function isLiteral(value: unknown): boolean {
  if (typeof value === 'string') return !value.includes('{{');
  if (typeof value !== 'object' || value === null) return true;
  const known = literals.get(value);
  if (known !== undefined) return known;
  const isPlain = !Object.keys(value).some(isFunctionName) && Object.values(value).every(isLiteral);
  literals.set(value, isPlain);
  return isPlain;
}

/** Templates are read once, and nobody changes them. */
const literals = new WeakMap<object, boolean>();

/** Says whether a condition of the template holds. */
export function conditionHolds(name: string, scope: ResolutionScope): boolean {
  const condition = scope.template.Conditions?.[name];
  if (condition === undefined) throw misuse(`The condition "${name}" is not defined`, scope);
  return resolveValue(condition, scope) === true;
}

/** Makes a resolved value readable: each unknown part throws, by name, when and only when it is read.
 * @param where Where the value stands, for the message: `Orders (AWS::Lambda::Function)`. */
export function guardUnknown<Value>(value: Value, where: string): Value;
export function guardUnknown(value: unknown, where: string): unknown {
  if (!holdsUnknown(value)) return value;
  if (Array.isArray(value)) return guardMembers([], value.entries(), where);
  if (isObject(value)) return guardMembers({}, Object.entries(value), where);
  return value;
}

function holdsUnknown(value: unknown): boolean {
  if (value instanceof UnknownValue) return true;
  if (Array.isArray(value)) return value.some(holdsUnknown);
  return isObject(value) && Object.values(value).some(holdsUnknown);
}

function guardMembers<Target extends object>(
  target: Target,
  members: Iterable<readonly [string | number, unknown]>,
  where: string,
): Target {
  for (const [member, item] of members) {
    const path = `${where}.${member}`;
    Object.defineProperty(
      target,
      member,
      item instanceof UnknownValue
        ? { enumerable: true, configurable: true, get: () => refuse(item, path) }
        : { enumerable: true, configurable: true, writable: true, value: guardUnknown(item, path) },
    );
  }
  return target;
}

/** @throws UnsupportedError always */
export function refuse(unknown: UnknownValue, where: string): never {
  throw new UnsupportedError(unknown.what, where, unknown.fix);
}

/** Logical ids that a value refers to, through `Ref`, `Fn::GetAtt` and `Fn::Sub`; parameters are among them. */
export function referencesIn(value: unknown): Set<string> {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    if (Array.isArray(part)) return part.forEach(visit);
    if (!isObject(part)) return;
    for (const [name, argument] of Object.entries(part)) {
      if (name === 'Ref' && typeof argument === 'string') found.add(argument);
      else if (name === 'Fn::GetAtt') found.add(attributePath(argument)[0]);
      else if (name === 'Fn::Sub') {
        const [text, variables] = substitution(argument);
        for (const placeholder of placeholdersOf(text)) {
          if (!(placeholder in variables)) found.add(placeholder.split('.')[0]!);
        }
        visit(variables);
      } else visit(argument);
    }
  };
  visit(value);
  return found;
}

function isFunctionName(name: string): boolean {
  return name === 'Ref' || name === 'Condition' || name.startsWith('Fn::');
}

function callFunction(name: string, argument: unknown, scope: ResolutionScope): unknown {
  if (name === 'Ref') return scope.reference(String(argument));
  if (name === 'Condition') {
    // `Condition` is also an ordinary property, of a policy statement for example; there it is an object.
    return typeof argument === 'string'
      ? conditionHolds(argument, scope)
      : { Condition: resolveValue(argument, scope) };
  }
  if (name === 'Fn::GetAtt') {
    const [logicalId, attribute] = attributePath(argument);
    return scope.attribute(logicalId, String(resolveValue(attribute, scope)));
  }
  if (name === 'Fn::If') return chooseBranch(argument, scope);
  if (name === 'Fn::Sub') return substitute(argument, scope);
  if (name === 'Fn::FindInMap') return findInMap(argument, scope);
  const call = functions[name];
  if (call === undefined) {
    throw new UnsupportedError(
      `The intrinsic function ${name}`,
      `the stack ${scope.stackName}`,
      'write the value without it, or leave the resource out of what you simulate',
    );
  }
  const resolved = resolveValue(argument, scope);
  return firstUnknown(resolved) ?? call(resolved, scope);
}

type Call = (argument: unknown, scope: ResolutionScope) => unknown;

/** Functions of arguments that are known. */
const functions: Readonly<Record<string, Call>> = {
  'Fn::Join': (argument, scope) => {
    const [separator, items] = list(argument, 'Fn::Join', scope);
    return list(items, 'Fn::Join', scope).map(String).join(String(separator));
  },
  'Fn::Select': (argument, scope) => {
    const [index, items] = list(argument, 'Fn::Select', scope);
    const chosen = list(items, 'Fn::Select', scope)[Number(index)];
    if (chosen === undefined) throw misuse(`Fn::Select finds nothing at index ${String(index)}`, scope);
    return chosen;
  },
  'Fn::Split': (argument, scope) => {
    const [separator, text] = list(argument, 'Fn::Split', scope);
    return String(text).split(String(separator));
  },
  'Fn::Base64': (argument) => Buffer.from(String(argument), 'utf8').toString('base64'),
  'Fn::GetAZs': (argument, scope) => {
    const region = argument === '' ? scope.region : String(argument);
    return ['a', 'b', 'c'].map((zone) => `${region}${zone}`);
  },
  'Fn::Cidr': (argument, scope) => {
    const [block, count, hostBits] = list(argument, 'Fn::Cidr', scope);
    return cidrBlocks(String(block), Number(count), Number(hostBits ?? 8));
  },
  'Fn::ImportValue': (argument, scope) => scope.exported(String(argument)),
  'Fn::Length': (argument, scope) => list(argument, 'Fn::Length', scope).length,
  'Fn::ToJsonString': (argument) => JSON.stringify(argument),
  'Fn::Equals': (argument, scope) => {
    const [left, right] = list(argument, 'Fn::Equals', scope);
    return String(left) === String(right);
  },
  'Fn::And': (argument, scope) => list(argument, 'Fn::And', scope).every((item) => item === true),
  'Fn::Or': (argument, scope) => list(argument, 'Fn::Or', scope).some((item) => item === true),
  'Fn::Not': (argument, scope) => list(argument, 'Fn::Not', scope)[0] !== true,
};

/** Only the branch that is taken is resolved: the other one may refer to resources that do not exist. */
function chooseBranch(argument: unknown, scope: ResolutionScope): unknown {
  const [condition, whenTrue, whenFalse] = list(argument, 'Fn::If', scope);
  return resolveValue(conditionHolds(String(condition), scope) ? whenTrue : whenFalse, scope);
}

function findInMap(argument: unknown, scope: ResolutionScope): unknown {
  const [map, first, second, options] = list(resolveValue(argument, scope), 'Fn::FindInMap', scope);
  const unknown = firstUnknown([map, first, second]);
  if (unknown !== undefined) return unknown;
  const found = scope.template.Mappings?.[String(map)]?.[String(first)]?.[String(second)];
  if (found !== undefined) return found;
  const defaultValue = isObject(options) ? options['DefaultValue'] : undefined;
  if (defaultValue !== undefined) return defaultValue;
  throw misuse(`Fn::FindInMap finds nothing under ${String(map)}.${String(first)}.${String(second)}`, scope);
}

function substitute(argument: unknown, scope: ResolutionScope): unknown {
  const [text, variables] = substitution(argument);
  const own = resolveValue(variables, scope) as Readonly<Record<string, unknown>>;
  let unknown: UnknownValue | undefined;
  const substituted = text.replace(placeholder, (whole, literal: string, name: string) => {
    if (literal === '!') return `\${${name}}`;
    const [logicalId, attribute] = attributePath(name);
    const value =
      name in own ? own[name] : name.includes('.') ? scope.attribute(logicalId, attribute) : scope.reference(name);
    if (value instanceof UnknownValue) unknown ??= value;
    return value === noValue ? whole : String(value);
  });
  return unknown ?? resolveDynamicReferences(substituted, scope);
}

const placeholder = /\$\{(!?)([^}]+)\}/g;

function placeholdersOf(text: string): string[] {
  return [...text.matchAll(placeholder)].filter((match) => match[1] !== '!').map((match) => match[2]!);
}

function substitution(argument: unknown): [text: string, variables: Readonly<Record<string, unknown>>] {
  return Array.isArray(argument)
    ? [String(argument[0]), isObject(argument[1]) ? argument[1] : {}]
    : [String(argument), {}];
}

function attributePath(argument: unknown): [logicalId: string, attribute: string] {
  if (Array.isArray(argument)) return [String(argument[0]), argument[1] as string];
  const [logicalId, ...attribute] = String(argument).split('.');
  return [logicalId!, attribute.join('.')];
}

function resolveDynamicReferences(text: string, scope: ResolutionScope): unknown {
  let unknown: UnknownValue | undefined;
  const resolved = text.replace(/\{\{resolve:([^}]+)\}\}/g, (_, reference: string) => {
    const value = scope.dynamicReference(reference);
    if (value instanceof UnknownValue) unknown ??= value;
    return String(value);
  });
  return unknown ?? resolved;
}

function firstUnknown(value: unknown): UnknownValue | undefined {
  if (value instanceof UnknownValue) return value;
  if (Array.isArray(value)) return firstOf(value);
  return isObject(value) ? firstOf(Object.values(value)) : undefined;
}

function firstOf(values: readonly unknown[]): UnknownValue | undefined {
  for (const value of values) {
    const unknown = firstUnknown(value);
    if (unknown !== undefined) return unknown;
  }
  return undefined;
}

function list(value: unknown, name: string, scope: ResolutionScope): readonly unknown[] {
  if (!Array.isArray(value)) throw misuse(`${name} takes a list`, scope, value);
  return value;
}

function misuse(what: string, scope: ResolutionScope, got?: unknown): Error {
  const shown = got === undefined ? '' : `\n  got: ${JSON.stringify(got)?.slice(0, 200)}`;
  return new Error(
    `${what}, at the stack ${scope.stackName}${shown}\n  fix: CloudFormation would refuse this template too; correct it where it is made`,
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof UnknownValue);
}
