/** Choice: picks the next state by the first rule that holds. */
import { assignment, effectiveInput, evaluate, exitWithInput, readPath } from '../data-flow';
import type { ChoiceRule, ChoiceState } from '../definition';
import type { JsonValue } from '../engine';
import { StateFailed } from '../failure';
import type { Step } from '../step';
import type { Visit } from '../visit';

export function enterChoice(visit: Visit<ChoiceState>): Step {
  const { state } = visit;
  const input = effectiveInput(visit);
  const index = state.rules.findIndex((candidate) => candidate.condition(visit, input));
  const rule = state.rules[index];
  if (rule !== undefined) return followRule(visit, rule, index, input);
  if (state.defaultNext === undefined) {
    // The language calls it States.NoChoiceMatched; the service does not (floci-io/floci#3167, measured).
    throw new StateFailed({
      error: 'States.Runtime',
      cause: 'Failed to transition out of the state. The state does not point to a next state.',
    });
  }
  return { ...exitWithInput(visit, input), next: state.defaultNext };
}

/** A rule's own Output and Assign hold instead of the state's, which belong to the Default. */
function followRule(visit: Visit<ChoiceState>, rule: ChoiceRule, index: number, input: JsonValue): Step {
  const where = `Choices[${index}]`;
  const assigned = rule.assign && assignment(rule.assign, visit, input, undefined, `${where}/Assign`);
  if (visit.state.data.language === 'JSONata') {
    const output =
      rule.output === undefined ? visit.input : evaluate(rule.output, `${where}/Output`, visit, visit.input);
    return { kind: 'exit', output, assigned, next: rule.next };
  }
  const { outputPath } = visit.state.data;
  const output = outputPath === undefined ? input : outputPath === null ? {} : readPath(outputPath, visit, input);
  return { kind: 'exit', output, assigned, next: rule.next };
}
