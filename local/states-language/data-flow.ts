/** Moves data through a state: raw input → effective input → result → effective output, in both query languages. */
import { evaluateExpression, evaluateTemplate, type Bindings } from './data/jsonata';
import type { JsonPath } from './data/json-path';
import type { Catcher, Field } from './definition';
import type { JsonValue } from './engine';
import { errorOutput, type Failure } from './failure';
import type { Step } from './step';
import type { Variables, Visit } from './visit';

type Exit = Extract<Step, { kind: 'exit' }>;

/** What only some fields may see: `$states.result`, `$states.errorOutput`. */
interface Outcome {
  readonly result?: JsonValue;
  readonly errorOutput?: JsonValue;
}

/** Evaluates a field.
 * @param input What `$` stands for in JSONPath.
 * @throws StatesError or QueryEvaluationFailure with the service's error name and words */
export function evaluate(field: Field, name: string, visit: Visit, input: JsonValue, outcome: Outcome = {}): JsonValue {
  switch (field.kind) {
    case 'literal':
      return field.value;
    case 'path':
      return readPath(field.path, visit, input);
    case 'call': {
      const { context, variables, random } = visit;
      return field.call.evaluate({ input, context, variables, random, field: name });
    }
    case 'payload-template':
      return field.template.evaluate(input, field.seesContext ? visit.context : null, visit.variables, visit.random);
    case 'expression':
      return evaluateExpression(field.expression, bindings(visit, field.seesContext, outcome), name);
    case 'template':
      return evaluateTemplate(field.template, bindings(visit, field.seesContext, outcome), name);
  }
}

/** Reads a path. The context object is made only for a path that begins with `$$`. */
export function readPath(path: JsonPath, visit: Visit, input: JsonValue): JsonValue {
  return path.read(input, path.text.startsWith('$$') ? visit.context : null, visit.variables);
}

/** Reads a path; undefined when it leads nowhere. */
export function findInPath(path: JsonPath, visit: Visit, input: JsonValue): JsonValue | undefined {
  return path.find(input, path.text.startsWith('$$') ? visit.context : null, visit.variables);
}

/** `$states` has the context object only for those that look at it: making it costs more than most expressions. */
function bindings(visit: Visit, seesContext: boolean, outcome: Outcome | undefined): Bindings {
  const states = seesContext ? { input: visit.input, context: visit.context } : { input: visit.input };
  return {
    states: outcome === undefined ? states : { ...states, ...outcome },
    variables: visit.variables,
    random: visit.random,
    nowMs: visit.nowMs,
  };
}

/** JSONPath: what InputPath leaves of the raw input. JSONata states work on the raw input. */
export function effectiveInput(visit: Visit): JsonValue {
  const { data } = visit.state;
  if (data.language === 'JSONata' || data.inputPath === undefined) return visit.input;
  if (data.inputPath === null) return {};
  return readPath(data.inputPath, visit, visit.input);
}

/** What a Task, Parallel or Pass state passes on: `Parameters` or `Arguments`, or else the effective input. */
export function effectiveParameters(visit: Visit, input: JsonValue): JsonValue {
  const { data } = visit.state;
  const field = data.language === 'JSONata' ? data.arguments : data.parameters;
  const name = data.language === 'JSONata' ? 'Arguments' : 'Parameters';
  return field === undefined ? input : evaluate(field, name, visit, input);
}

/** Ends a state that has a result.
 * Output and Assign are both computed from what was there when the state was entered. */
export function exitWithResult(visit: Visit, result: JsonValue): Exit {
  const { data, next } = visit.state;
  if (data.language === 'JSONata') return exitJsonata(visit, result, { result });
  const selected = selectResult(visit, result);
  const assigned = data.assign && assignment(data.assign, visit, selected);
  return { kind: 'exit', output: applyOutputPath(visit, combineResult(visit, selected)), assigned, next };
}

/** Ends a state without a result of its own. */
export function exitWithInput(visit: Visit, input: JsonValue): Exit {
  const { data, next } = visit.state;
  if (data.language === 'JSONata') return exitJsonata(visit, visit.input);
  const assigned = data.assign && assignment(data.assign, visit, input);
  return { kind: 'exit', output: applyOutputPath(visit, input), assigned, next };
}

function exitJsonata(visit: Visit, unchanged: JsonValue, outcome?: Outcome): Exit {
  const { data, next } = visit.state;
  if (data.language !== 'JSONata') throw new Error(`${visit.state.name} is not a JSONata state`);
  const assigned = data.assign && assignment(data.assign, visit, visit.input, outcome);
  const output = data.output === undefined ? unchanged : evaluate(data.output, 'Output', visit, visit.input, outcome);
  return { kind: 'exit', output, assigned, next };
}

/** JSONPath: what ResultSelector makes of a result. */
export function selectResult(visit: Visit, result: JsonValue): JsonValue {
  const { data } = visit.state;
  if (data.language === 'JSONata' || data.resultSelector === undefined) return result;
  return evaluate(data.resultSelector, 'ResultSelector', visit, result);
}

/** JSONPath: the raw input with the result at ResultPath. */
export function combineResult(visit: Visit, selected: JsonValue): JsonValue {
  const { data } = visit.state;
  if (data.language === 'JSONata' || data.resultPath === undefined) return selected;
  return data.resultPath === null ? visit.input : data.resultPath.insert(visit.input, selected);
}

function applyOutputPath(visit: Visit, value: JsonValue): JsonValue {
  const { data } = visit.state;
  if (data.language !== 'JSONPath' || data.outputPath === undefined) return value;
  if (data.outputPath === null) return {};
  return readPath(data.outputPath, visit, value);
}

/** Evaluates `Assign`. Variables become visible in the next state only. */
export function assignment(
  field: Field,
  visit: Visit,
  input: JsonValue,
  outcome?: Outcome,
  name = 'Assign',
): Variables {
  return evaluate(field, name, visit, input, outcome) as Variables;
}

/** Leaves a state through a catcher: the state's own Output and Assign are not evaluated. */
export function exitThroughCatcher(visit: Visit, catcher: Catcher, index: number, failure: Failure): Exit {
  const output = errorOutput(failure);
  const { data } = visit.state;
  const where = `Catch[${index}]`;
  if (data.language === 'JSONata') {
    const outcome = { errorOutput: output };
    return {
      kind: 'exit',
      assigned:
        catcher.assign && (evaluate(catcher.assign, `${where}/Assign`, visit, visit.input, outcome) as Variables),
      output:
        catcher.output === undefined
          ? output
          : evaluate(catcher.output, `${where}/Output`, visit, visit.input, outcome),
      next: catcher.next,
    };
  }
  const assigned = catcher.assign && assignment(catcher.assign, visit, output);
  const { resultPath, next } = catcher;
  if (resultPath === undefined) return { kind: 'exit', output, assigned, next };
  if (resultPath === null) return { kind: 'exit', output: visit.input, assigned, next };
  return { kind: 'exit', output: resultPath.insert(visit.input, output), assigned, next };
}
