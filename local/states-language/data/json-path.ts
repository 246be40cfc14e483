/** JSONPath as AWS Step Functions reads it: the dialect and the error texts of the Java library (Jayway) behind the service.
 * A path is parsed once; reading it runs nothing but this code. */
import type { JsonValue } from '../engine';
import { parseSteps, type PathStep } from './json-path-parser';
import { isObject } from './json-value';
import { Scanner } from './scanner';
import { StatesError } from './states-error';

type Variables = Readonly<Record<string, JsonValue>>;

/** One step towards a place. */
export type Place = Extract<PathStep, { kind: 'member' | 'index' }>;

/** Why a path found nothing, in the words of the service. */
class NothingFound {
  constructor(readonly reason: string) {}
}

/** What a path with wildcards, slices, filters or `..` gives is a list, empty when nothing matched; any other path gives one value. */
export class JsonPath {
  private constructor(
    /** As written in the definition. */
    readonly text: string,
    /** `input` for `$`, `context` for `$$`, else the name of a variable. */
    private readonly root:
      { readonly kind: 'input' | 'context' } | { readonly kind: 'variable'; readonly name: string },
    private readonly steps: readonly PathStep[],
  ) {}

  /** Parses `$.a[0]`, `$$.State.Name` or `$variable.a`.
   * @throws SyntaxProblem when it is none of them */
  static parse(text: string): JsonPath {
    const scanner = new Scanner(text);
    if (!scanner.take('$')) scanner.fail("a path begins with '$'");
    const name = scanner.take('$') ? '$' : scanner.match(/[\p{L}_][\p{L}\p{N}_]*/u);
    const steps = parseSteps(scanner, (inner) => {
      const path = JsonPath.parse(inner);
      return (value) => path.find(value, null, {});
    });
    if (!scanner.isAtEnd) scanner.fail('the path goes on with something else');
    if (name === undefined) return new JsonPath(text, { kind: 'input' }, steps);
    return new JsonPath(text, name === '$' ? { kind: 'context' } : { kind: 'variable', name }, steps);
  }

  /** The variable that the path begins with. */
  get variable(): string | undefined {
    return this.root.kind === 'variable' ? this.root.name : undefined;
  }

  /** The steps of a path that names exactly one place of the input: names and positions only. */
  get places(): readonly Place[] | undefined {
    const isPlace = (step: PathStep): step is Place =>
      step.kind === 'member' || (step.kind === 'index' && step.index >= 0);
    return this.root.kind === 'input' && this.steps.every(isPlace) ? this.steps : undefined;
  }

  /** Whether the path gives one value rather than a list. */
  get isDefinite(): boolean {
    return this.steps.every((step) => step.kind === 'member' || step.kind === 'index' || step.kind === 'function');
  }

  /** Reads the path.
   * @throws StatesError States.Runtime when a path to one value finds none */
  read(input: JsonValue, context: JsonValue, variables: Variables): JsonValue {
    const value = this.evaluate(input, context, variables);
    if (!(value instanceof NothingFound)) return value;
    throw new StatesError('States.Runtime', `Invalid path '${this.text}' : ${value.reason}`);
  }

  /** Reads the path; undefined when a path to one value finds none. */
  find(input: JsonValue, context: JsonValue, variables: Variables): JsonValue | undefined {
    const value = this.evaluate(input, context, variables);
    return value instanceof NothingFound ? undefined : value;
  }

  private evaluate(input: JsonValue, context: JsonValue, variables: Variables): JsonValue | NothingFound {
    const root = this.rootValue(input, context, variables);
    if (root === undefined) return new NothingFound(`No results for path: $${this.variable ?? ''}`);
    let value: JsonValue = root;
    for (let index = 0; index < this.steps.length; index++) {
      const step = this.steps[index] as PathStep;
      if (step.kind === 'member' || step.kind === 'index' || step.kind === 'function') {
        const found = readOne(value, step);
        if (found === undefined) {
          if (!this.isDefinite) return [];
          return this.nothingFound(value, index);
        }
        value = found;
      } else {
        return readMany([value], this.steps.slice(index), root);
      }
    }
    return value;
  }

  private rootValue(input: JsonValue, context: JsonValue, variables: Variables): JsonValue | undefined {
    if (this.root.kind === 'input') return input;
    if (this.root.kind === 'variable')
      return Object.hasOwn(variables, this.root.name) ? variables[this.root.name] : undefined;
    return context;
  }

  /** @param value Where the path stood when the step at `index` found nothing. */
  private nothingFound(value: JsonValue, index: number): NothingFound {
    const step = this.steps[index] as PathStep;
    const here = normalized(this.steps.slice(0, index));
    const isLast = index === this.steps.length - 1;
    if (step.kind === 'member') {
      if (isObject(value)) {
        const place = normalized(this.steps.slice(0, index + 1));
        return new NothingFound(isLast ? `No results for path: ${place}` : `Missing property in path ${place}`);
      }
      const found = value === null ? 'null' : javaClassOf(value);
      return new NothingFound(
        `Expected to find an object with property ['${step.name}'] in path ${here} but found '${found}'. ` +
          "This is not a json object according to the JsonProvider: 'com.jayway.jsonpath.spi.json.JacksonJsonNodeJsonProvider'.",
      );
    }
    if (value === null) return new NothingFound(`The path ${here} is null`);
    if (step.kind === 'index' && !Array.isArray(value)) {
      const shown = JSON.stringify(value);
      return new NothingFound(`Filter: [${step.index}] can only be applied to arrays. Current context is: ${shown}`);
    }
    return new NothingFound(`No results for path: ${normalized(this.steps)}`);
  }
}

/** A path in brackets, as the service's errors show it: `$['order']['lines'][0]`. */
export function normalized(steps: readonly PathStep[]): string {
  return steps.reduce((path, step) => {
    if (step.kind === 'member') return `${path}['${step.name}']`;
    return step.kind === 'index' ? `${path}[${step.index}]` : `${path}${step.text}`;
  }, '$');
}

function javaClassOf(value: JsonValue): string {
  if (Array.isArray(value)) return 'com.fasterxml.jackson.databind.node.ArrayNode';
  if (typeof value === 'string') return 'com.fasterxml.jackson.databind.node.TextNode';
  if (typeof value === 'boolean') return 'com.fasterxml.jackson.databind.node.BooleanNode';
  const isInteger = Number.isInteger(value);
  return `com.fasterxml.jackson.databind.node.${isInteger ? 'IntNode' : 'DoubleNode'}`;
}

type SingleStep = Extract<PathStep, { kind: 'member' | 'index' | 'function' }>;

function readOne(value: JsonValue, step: SingleStep): JsonValue | undefined {
  if (step.kind === 'member') return isObject(value) && Object.hasOwn(value, step.name) ? value[step.name] : undefined;
  if (step.kind === 'index') return Array.isArray(value) ? (value as readonly JsonValue[]).at(step.index) : undefined;
  return step.apply(value);
}

/** Reads the rest of a path from several values; what does not match is left out. */
function readMany(values: readonly JsonValue[], steps: readonly PathStep[], root: JsonValue): JsonValue {
  let current = values;
  for (const step of steps) {
    if (step.kind === 'function') return step.apply(current) ?? null;
    current = current.flatMap((value) => expand(value, step, root));
  }
  return current;
}

function expand(
  value: JsonValue,
  step: Exclude<PathStep, { kind: 'function' }>,
  root: JsonValue,
): readonly JsonValue[] {
  switch (step.kind) {
    case 'member':
    case 'index': {
      const found = readOne(value, step);
      return found === undefined ? [] : [found];
    }
    case 'members':
      return isObject(value)
        ? step.names.filter((name) => Object.hasOwn(value, name)).map((name) => value[name] as JsonValue)
        : [];
    case 'indexes':
      return Array.isArray(value)
        ? step.indexes.flatMap((index) =>
            (value as readonly JsonValue[]).slice(index, index === -1 ? undefined : index + 1),
          )
        : [];
    case 'slice':
      return Array.isArray(value) ? (value as readonly JsonValue[]).slice(step.from, step.to) : [];
    case 'wildcard':
      return typeof value === 'object' && value !== null ? Object.values(value) : [];
    case 'filter':
      if (Array.isArray(value)) return (value as readonly JsonValue[]).filter((item) => step.filter(item, root));
      return isObject(value) && step.filter(value, root) ? [value] : [];
    case 'descend':
      return containersIn(value).flatMap((container) =>
        // A filter looks at each object itself: as a member of its list it has been looked at already.
        step.step.kind === 'filter' && Array.isArray(container) ? [] : expand(container, step.step, root),
      );
  }
}

/** A value and everything below it that has members, outermost first. */
function containersIn(value: JsonValue): readonly JsonValue[] {
  if (typeof value !== 'object' || value === null) return [];
  return [value, ...Object.values(value).flatMap(containersIn)];
}
