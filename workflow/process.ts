/** State "Process on EC2": a long operation that runs the command for the object on an instance of the fleet. */
import type { Construct } from 'constructs';
import { commandStatements } from '../constructs/operation-permissions';
import { TaskFunction } from '../constructs/task-function';
import { processObject } from '../tasks/process-object';
import { imageAskedWithin } from './budget';
import type { IntegrationState } from './integration-state';
import { operationStates } from './operation-states';
import { grantLongOperation, type WorkflowParts } from './parts';
import { assignment } from './state-variables';
import { TaskState } from './task-state';
import { $ } from './workflow-variables';

/** Makes the state that waits for an instance and for the command. */
export function processState(scope: Construct, parts: WorkflowParts): IntegrationState {
  const { ledger, processor, document, results, commandLog, processDeadline, snapshot, insertedTime } = parts;
  const { fleet } = processor;
  const keepsInstances = fleet.kind === 'autoScalingGroup' && fleet.protectsBusy && snapshot !== undefined;
  const process = new TaskFunction(scope, 'ProcessObject', {
    task: processObject,
    settings: {
      ledgerTable: ledger.table.tableName,
      fleet,
      documentName: document.documentName,
      resultsBucket: results.bucket.bucketName,
      resultsPrefix: results.prefix,
      executionTimeoutSeconds: processor.timeout.toSeconds(),
      deadlineSeconds: processDeadline.toSeconds(),
      maximumTries: processor.maximumTries,
      imageAskedWithinSeconds: keepsInstances ? imageAskedWithin(insertedTime).toSeconds() : undefined,
      outputLogGroup: commandLog.logGroupName,
    },
  });
  grantLongOperation(process, ledger);
  process.allow(...commandStatements(document.documentArn, processor.instances));
  return new TaskState(scope, operationStates.process, {
    function: process,
    input: { object: $.object },
    assign: (result) => assignment($, { outcome: result }),
    deadline: processDeadline,
  });
}
