/** State "Store results": publishes the results once they are proved complete. */
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { TaskFunction } from '../constructs/task-function';
import { storeResults } from '../tasks/store-results';
import type { IntegrationState } from './integration-state';
import { grantReadOperations, type WorkflowParts } from './parts';
import { assignment } from './state-variables';
import { TaskState } from './task-state';
import { $ } from './workflow-variables';

/** Makes the state that compares the results with their manifest and names them in the object's record. */
export function storeState(scope: Construct, { ledger, results }: WorkflowParts): IntegrationState {
  const store = new TaskFunction(scope, 'StoreResults', {
    task: storeResults,
    settings: { ledgerTable: ledger.table.tableName },
  });
  ledger.grant(store, 'UpdateItem');
  grantReadOperations(store, results);
  // Without it S3 says "forbidden" of a manifest or a file that does not exist.
  store.allow(new PolicyStatement({ actions: ['s3:ListBucket'], resources: [results.bucket.bucketArn] }));
  return new TaskState(scope, 'Store results', {
    function: store,
    input: { object: $.object, outcome: $.outcome },
    assign: (result) => assignment($, { results: result }),
  });
}
