/** A state that runs a typed task: its input is checked by the compiler against the task's schema. */
import { Aws, Duration } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { z } from 'zod';
import type { TaskFunction } from '../constructs/task-function';
import type { Task } from '../tasks/define-task';
import { commonErrors } from '../tasks/task-error';
import {
  IntegrationState,
  retryTransient,
  throttledLambdaErrors,
  throttledRetryCount,
  transientLambdaErrors,
} from './integration-state';
import { heartbeatSeconds, retryHeartbeat } from './re-check';
import { expression, renderExpression, type Assignment, type Variable, type Wired } from './state-variables';

/** How a task is wired into a state machine. */
export interface TaskStateProps<Definition extends Task> {
  /** The task's function. */
  readonly function: TaskFunction<Definition>;
  /** The task's input: plain values, expressions, or objects and arrays of both. */
  readonly input: Wired<z.input<Definition['input']>>;
  /** Variables that the task's result sets.
   * @default - none
   * @example assign: (result) => assignment($, { lines: result.lines }) */
  readonly assign?: (result: Variable<z.output<Definition['output']>>) => Assignment;
  /** @default - the task's description */
  readonly comment?: string;
  /** Longest time that a task which awaits a callback can take: the state looks again at it until then.
   * Without meaning for other tasks.
   * @default Duration.days(1) */
  readonly deadline?: Duration;
  /** When the state looks at the task for the first time, should no event have told it before: a little more than
   * the task usually takes. Without meaning for tasks that do not await a callback.
   * @default Duration.minutes(1) */
  readonly firstReCheck?: Duration;
}

/** A Task state that invokes a task's function, for JSONata state machines. Its output is the task's output.
 * Transient errors are retried with full jitter; a task that awaits a callback is entered again at growing intervals.
 * @example
 * ```ts
 * const $ = ObjectWorkflow.variables;
 * new TaskState(this, 'Count lines', { function: countLines, input: { object: $.object } });
 * ``` */
export class TaskState<Definition extends Task = Task> extends IntegrationState {
  constructor(scope: Construct, id: string, props: TaskStateProps<Definition>) {
    const { task, function: lambdaFunction } = props.function;
    const deadline = props.deadline ?? Duration.days(1);
    const result = expression<z.output<Definition['output']>>(
      task.awaitsCallback ? '$states.result' : '$states.result.Payload',
    );
    super(scope, id, {
      comment: props.comment ?? task.description,
      resource: `arn:${Aws.PARTITION}:states:::lambda:invoke${task.awaitsCallback ? '.waitForTaskToken' : ''}`,
      callArguments: {
        FunctionName: lambdaFunction.functionArn,
        Payload: renderExpression({ input: props.input, execution: execution(task.awaitsCallback) }),
      },
      assign: props.assign?.(result),
      output: renderExpression(result),
      heartbeatSeconds: task.awaitsCallback ? heartbeatSeconds(deadline, props.firstReCheck) : undefined,
      statements: [
        new PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [lambdaFunction.functionArn] }),
      ],
    });
    if (task.awaitsCallback) this.addRetry(retryHeartbeat(deadline));
    this.addRetry(retryTransient(throttledLambdaErrors, throttledRetryCount));
    this.addRetry(retryTransient([...transientLambdaErrors, commonErrors.transient]));
  }
}

/** On whose behalf the task runs, as tasks/handler.ts expects it beside the input. */
function execution(awaitsCallback: boolean): object {
  return {
    arn: expression('$states.context.Execution.Id'),
    state: expression('$states.context.State.Name'),
    redriveCount: expression('$states.context.Execution.RedriveCount'),
    retryCount: expression('$states.context.State.RetryCount'),
    ...(awaitsCallback && { taskToken: expression('$states.context.Task.Token') }),
  };
}
