/** Succeed: ends its branch well. */
import { effectiveInput, exitWithInput } from '../data-flow';
import type { SucceedState } from '../definition';
import type { Step } from '../step';
import type { Visit } from '../visit';

export function enterSucceed(visit: Visit<SucceedState>): Step {
  return exitWithInput(visit, effectiveInput(visit));
}
