/** Parallel: runs its branches side by side on the same input. */
import { effectiveInput, effectiveParameters, exitWithResult } from '../data-flow';
import type { ParallelState } from '../definition';
import type { JsonValue } from '../engine';
import type { Step } from '../step';
import type { Visit } from '../visit';

export function enterParallel(visit: Visit<ParallelState>): Step {
  const input = effectiveParameters(visit, effectiveInput(visit));
  return { kind: 'parallel', branches: visit.state.branches, input };
}

/** @param outputs One for each branch, in the order of the definition. */
export function resumeParallel(visit: Visit<ParallelState>, outputs: JsonValue): Step {
  return exitWithResult(visit, outputs);
}
