/** Public entry: defining typed tasks, the shapes that travel between states, and the tasks of the workflow itself. */
export { defineTask } from './define-task';
export type { CallbackTaskDefinition, ReturningTaskDefinition, Task, TaskDefinition } from './define-task';
export type { InvocationContext, TaskHandler, TaskRuntime } from './handler';
export type { ClientType, TaskContext, TaskExecution, TaskLog } from './task-context';
export { commonErrors, TaskError } from './task-error';
export * from './object-reference';
export { backupSettings, commandSettings, fleet, groupCommitPolicy, imageSettings } from './operations/settings';
export type { BackupSettings, CommandSettings, Fleet, GroupCommitPolicy, ImageSettings } from './operations/settings';
export { objectLeaseSeconds } from './operations/object-record';
export { validateObject, validationRules } from './validate-object';
export type { ValidationRules } from './validate-object';
export { quarantineObject } from './quarantine-object';
export { processObject } from './process-object';
export { storeResults } from './store-results';
export { snapshotInstance } from './snapshot-instance';
export { backUpResults } from './back-up-results';
export { relayEvent } from './relay-event';
export { cleanUpExecution } from './clean-up-execution';
