/** State "Store results": publishes the results once they are proved complete. */
import type { Construct } from 'constructs';
import type { TaskFunction } from '../constructs/task-function';
import type { storeResults } from '../tasks/store-results';
import type { IntegrationState } from './integration-state';
import { assignment } from './state-variables';
import { TaskState } from './task-state';
import { $ } from './workflow-variables';

/** Makes the state that compares the results with their manifest and names them in the object's record. */
export function storeState(scope: Construct, store: TaskFunction<typeof storeResults>): IntegrationState {
  return new TaskState(scope, 'Store results', {
    function: store,
    input: { object: $.object, outcome: $.outcome },
    assign: (result) => assignment($, { results: result }),
  });
}
