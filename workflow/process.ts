/** State "Process on EC2": a long operation that runs the command for the object on an instance of the fleet. */
import type { Duration } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { TaskFunction } from '../constructs/task-function';
import type { processObject } from '../tasks/process-object';
import type { IntegrationState } from './integration-state';
import { assignment } from './state-variables';
import { TaskState } from './task-state';
import { $ } from './workflow-variables';

/** Makes the state that waits for an instance and for the command. */
export function processState(
  scope: Construct,
  process: TaskFunction<typeof processObject>,
  deadline: Duration,
): IntegrationState {
  return new TaskState(scope, 'Process on EC2', {
    function: process,
    input: { object: $.object },
    assign: (result) => assignment($, { outcome: result }),
    deadline,
  });
}
