/** What moving an operation on may use: the ledger, AWS, the clock, and a way to have others moved on as well. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { TaskContext } from '../task-context';
import type { Group } from './group';
import { Ledger } from './ledger';
import type { Operation } from './operation';

export type OperationContext = Pick<TaskContext, 'client' | 'log' | 'nowMs' | 'remainingTimeMs'> & {
  readonly ledger: Ledger;
  /** The document of the workflow that the caller belongs to: it may send no other. Workflows may share a ledger and a fleet.
   * @default - the caller may send those of all who share the fleet */
  readonly documentName?: string | undefined;
};

/** Given to the steps of an operation. */
export interface StepContext extends OperationContext {
  /** Has these operations moved on afterwards: what happened may let them go on. Losing a poke costs only time. */
  readonly poke: (operationIds: readonly string[]) => void;
  /** Groups whose job was looked at on the way, by partition: all others who wait for it need not look again. */
  readonly groups: Map<string, Group>;
}

/** What a step came to: the operation as it is stored now, for the next step; `moved` when somebody else was faster and it must
 * be read again; `waiting` when there is nothing to do before something happens elsewhere. */
export type StepResult = Operation | 'moved' | 'waiting';

/** The context of any task that works on operations. */
export type OperationTaskContext = Omit<
  TaskContext<{ ledgerTable: string; documentName?: string | undefined }>,
  'error'
>;

/** Makes the context of operations from that of a task. */
export function operationContext(context: OperationTaskContext): OperationContext {
  return {
    client: context.client,
    log: context.log,
    nowMs: context.nowMs,
    remainingTimeMs: context.remainingTimeMs,
    ledger: new Ledger(context.client(DynamoDBClient), context.settings.ledgerTable),
    documentName: context.settings.documentName,
  };
}
