/** The AWS parts that a workflow stands on, each usable by itself. */
export { WorkflowAlarms, type WorkflowAlarmsProps } from './alarms';
export { LedgerTable, type LedgerTableProps } from './ledger-table';
export type { ObjectSource } from './object-source';
export { ObjectStore, type ObjectStoreProps } from './object-store';
export { DeadLetterQueue, OperationEvents, type OperationEventsProps } from './operation-events';
export {
  Processor,
  type InstanceScope,
  type ProcessorConfig,
  type ProcessorInstance,
  type ProcessorOptions,
  type ProcessorTag,
} from './processor';
export {
  BackupPolicy,
  Recovery,
  SnapshotPolicy,
  type BackupOptions,
  type RecoveryProps,
  type SnapshotOptions,
} from './recovery';
export { RunCommandDocument, type RunCommandDocumentProps } from './run-command-document';
export { TaskFunction, type TaskFunctionOptions, type TaskFunctionProps, type TaskSettings } from './task-function';
