/** State "Protect": an image of the instance and a backup of the results, side by side; or one of them; or nothing. */
import type { Duration } from 'aws-cdk-lib';
import { Parallel, type IChainable } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import type { TaskFunction } from '../constructs/task-function';
import type { backUpResults } from '../tasks/back-up-results';
import type { BackupOutcome, ImageOutcome } from '../tasks/object-reference';
import type { snapshotInstance } from '../tasks/snapshot-instance';
import { assignment, expression } from './state-variables';
import { TaskState } from './task-state';
import { $ } from './workflow-variables';

/** A task that protects, and how long it may take. */
export interface Protection<Definition extends typeof snapshotInstance | typeof backUpResults> {
  readonly function: TaskFunction<Definition>;
  readonly deadline: Duration;
}

/** Makes the state or states that protect what was done.
 * @returns undefined where nothing is to be protected */
export function protectState(
  scope: Construct,
  snapshot: Protection<typeof snapshotInstance> | undefined,
  backup: Protection<typeof backUpResults> | undefined,
): IChainable | undefined {
  if (snapshot && backup) {
    const parallel = new Parallel(scope, 'Protect', {
      comment: 'Images the instance and backs up the results at the same time.',
      assign: assignment($, {
        image: expression<ImageOutcome>('$states.result[0]'),
        recoveryPoint: expression<BackupOutcome>('$states.result[1]'),
      }),
    });
    // The branches' own results reach the variables through the Parallel: a branch cannot assign what it did not declare.
    return parallel.branch(snapshotState(scope, snapshot, false), backupState(scope, backup, false));
  }
  if (snapshot) return snapshotState(scope, snapshot, true);
  if (backup) return backupState(scope, backup, true);
  return undefined;
}

function snapshotState(
  scope: Construct,
  { function: snapshot, deadline }: Protection<typeof snapshotInstance>,
  isAlone: boolean,
): TaskState<typeof snapshotInstance> {
  return new TaskState(scope, 'Snapshot instance', {
    function: snapshot,
    input: { object: $.object, outcome: $.outcome, results: $.results },
    assign: isAlone ? (result) => assignment($, { image: result }) : undefined,
    deadline,
  });
}

function backupState(
  scope: Construct,
  { function: backup, deadline }: Protection<typeof backUpResults>,
  isAlone: boolean,
): TaskState<typeof backUpResults> {
  return new TaskState(scope, 'Back up results', {
    function: backup,
    input: { object: $.object, results: $.results },
    assign: isAlone ? (result) => assignment($, { recoveryPoint: result }) : undefined,
    deadline,
  });
}
