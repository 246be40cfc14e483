/** Choice: picks the next state by the first rule that holds. */
import { assignment, effectiveInput, evaluate, exitWithInput } from '../data-flow';
import type { ChoiceRule, ChoiceState } from '../definition';
import type { JsonValue } from '../engine';
import { StateFailed } from '../failure';
import type { Step } from '../step';
import type { Visit } from '../visit';

export function enterChoice(visit: Visit<ChoiceState>): Step {
  const { state } = visit;
  const input = effectiveInput(visit);
  for (const rule of state.rules) {
    if (rule.condition(visit, input)) return followRule(visit, rule, input);
  }
  if (state.defaultNext === undefined) {
    throw new StateFailed({ error: 'States.NoChoiceMatched', cause: 'No choice rule matched and there is no Default' });
  }
  return { ...exitWithInput(visit, input), next: state.defaultNext };
}

/** A rule's own Output and Assign hold instead of the state's, which belong to the Default. */
function followRule(visit: Visit<ChoiceState>, rule: ChoiceRule, input: JsonValue): Step {
  const assigned = rule.assign && assignment(rule.assign, visit, input);
  if (visit.state.data.language === 'JSONata') {
    const output = rule.output === undefined ? visit.input : evaluate(rule.output, 'Output', visit, visit.input);
    return { kind: 'exit', output, assigned, next: rule.next };
  }
  const { outputPath } = visit.state.data;
  const output =
    outputPath === undefined
      ? input
      : outputPath === null
        ? {}
        : outputPath.read(input, visit.context, visit.variables);
  return { kind: 'exit', output, assigned, next: rule.next };
}
