/** Pass: hands its input on, changed or replaced. */
import { effectiveInput, effectiveParameters, exitWithInput, exitWithResult } from '../data-flow';
import type { PassState } from '../definition';
import type { Step } from '../step';
import type { Visit } from '../visit';

export function enterPass(visit: Visit<PassState>): Step {
  const { state } = visit;
  if (state.data.language === 'JSONata') return exitWithInput(visit, visit.input);
  const parameters = effectiveParameters(visit, effectiveInput(visit));
  return exitWithResult(visit, state.result === undefined ? parameters : state.result);
}
