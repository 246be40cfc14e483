/** What starts the workflow, and what moves it on and cleans up from outside: EventBridge rules and their functions. */
import { Rule } from 'aws-cdk-lib/aws-events';
import { SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { FleetKeeper } from '../constructs/fleet-keeper';
import { sourcePattern, type ObjectSource } from '../constructs/object-source';
import { OperationEvents, deliveryRetries, type DeadLetterQueue } from '../constructs/operation-events';
import { backupStatements, commandStatements, taskResponseStatements } from '../constructs/operation-permissions';
import { operationStates } from './operation-states';
import type { WorkflowParts } from './parts';
import { snapshotStatements } from './protect';

/** Makes the rule that starts an execution for each object that is created. */
export function createTrigger(
  scope: Construct,
  source: ObjectSource,
  stateMachine: StateMachine,
  deadLetters: DeadLetterQueue,
): Rule {
  return new Rule(scope, 'Trigger', {
    description: `Starts ${scope.node.path} for each object that is created`,
    eventPattern: sourcePattern(source),
    targets: [new SfnStateMachine(stateMachine, { deadLetterQueue: deadLetters.queue, ...deliveryRetries })],
  });
}

/** Makes the relay and the cleaner, with their rules, and has the fleet follow its queue. */
export function createEvents(
  scope: Construct,
  parts: WorkflowParts,
  stateMachine: StateMachine,
  deadLetters: DeadLetterQueue,
): { readonly events: OperationEvents; readonly keeper: FleetKeeper | undefined } {
  const { ledger, processor, document, snapshot, backup } = parts;
  const events = new OperationEvents(scope, 'Events', {
    ledger,
    fleet: processor.fleet,
    documentName: document.documentName,
    operationStates: [
      operationStates.process,
      ...(snapshot ? [operationStates.snapshot] : []),
      ...(backup ? [operationStates.backup] : []),
    ],
    images: snapshot !== undefined,
    backupVaultName: backup?.recovery.vault.backupVaultName,
    deadLetters,
  });
  events.watch(stateMachine);
  // The relay goes on with whatever operation an event leads to, so it may do what the states' own functions may. The cleaner
  // gives slots to those who wait for them; images and backups go on without it.
  for (const lambda of [events.relay, events.cleaner]) {
    lambda.allow(...taskResponseStatements(), ...commandStatements(document.documentArn, processor.instances));
  }
  if (snapshot) events.relay.allow(...snapshotStatements(scope, snapshot, parts, true));
  if (backup) {
    events.relay.allow(...backupStatements(backup.recovery.vault.backupVaultArn, backup.recovery.role));
  }
  const keeper = processor.follow?.({
    ledger,
    slotsPerInstance: processor.slotsPerInstance,
    documentName: document.documentName,
  });
  keeper?.function.allow(...taskResponseStatements(), ...commandStatements(document.documentArn, processor.instances));
  return { events, keeper };
}
