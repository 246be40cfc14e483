/** The core: what a state does when it is entered, and when what it asked for has come back.
 * Nothing here takes time, draws chance or keeps anything. */
import type {
  ChoiceState,
  FailState,
  MapState,
  ParallelState,
  PassState,
  SucceedState,
  TaskState,
  WaitState,
} from './definition';
import type { JsonValue } from './engine';
import { enterChoice } from './states/choice';
import { enterFail } from './states/fail';
import { enterMap, resumeMap } from './states/map';
import { enterParallel, resumeParallel } from './states/parallel';
import { enterPass } from './states/pass';
import { enterSucceed } from './states/succeed';
import { enterTask, resumeTask } from './states/task';
import { enterWait, resumeWait } from './states/wait';
import type { Step } from './step';
import type { Visit } from './visit';

/** What happens to a state. */
export type StateEvent = 'entered' | { readonly result: JsonValue };

/** Answers an event of a state with its next step.
 * @throws StateFailed, StatesError or QueryEvaluationFailure when the state fails instead */
export function transition(visit: Visit, event: StateEvent): Step {
  const { state } = visit;
  switch (state.type) {
    case 'Pass':
      return enterPass(visit as Visit<PassState>);
    case 'Task':
      return event === 'entered'
        ? enterTask(visit as Visit<TaskState>)
        : resumeTask(visit as Visit<TaskState>, event.result);
    case 'Choice':
      return enterChoice(visit as Visit<ChoiceState>);
    case 'Wait':
      return event === 'entered' ? enterWait(visit as Visit<WaitState>) : resumeWait(visit as Visit<WaitState>);
    case 'Succeed':
      return enterSucceed(visit as Visit<SucceedState>);
    case 'Fail':
      return enterFail(visit as Visit<FailState>);
    case 'Parallel':
      return event === 'entered'
        ? enterParallel(visit as Visit<ParallelState>)
        : resumeParallel(visit as Visit<ParallelState>, event.result);
    case 'Map':
      return event === 'entered'
        ? enterMap(visit as Visit<MapState>)
        : resumeMap(visit as Visit<MapState>, event.result);
    default: {
      const unknown: never = state;
      throw new Error(`There is no state type ${JSON.stringify(unknown)}`);
    }
  }
}
