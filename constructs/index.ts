/** The AWS parts that a workflow stands on, each usable by itself. */
export { WorkflowAlarms, type WorkflowAlarmsProps } from './alarms';
export type { DataVolume } from './data-volume';
export type {
  FleetConfig,
  FleetInstance,
  FleetRequest,
  FleetTag,
  FollowedQueue,
  IInstanceFleet,
  InstanceScope,
  LaunchScope,
} from './fleet-members';
export { FleetKeeper, type FleetKeeperProps } from './fleet-keeper';
export { FleetScaling, type FleetScalingProps } from './fleet-scaling';
export { InstanceFleet, type InstanceFleetProps } from './instance-fleet';
export type { LaunchOptions } from './launched-instances';
export { LedgerTable, type LedgerTableProps } from './ledger-table';
export type { ObjectSource } from './object-source';
export {
  ObjectStore,
  type ArchiveOptions,
  type ExistingBucketOptions,
  type ExpiryOptions,
  type IObjectStore,
  type ObjectStoreProps,
} from './object-store';
export { DeadLetterQueue, OperationEvents, type OperationEventsProps } from './operation-events';
export { Processor, type LaunchProcessorOptions, type ProcessorConfig, type ProcessorOptions } from './processor';
export {
  BackupPolicy,
  Recovery,
  SnapshotPolicy,
  type BackupOptions,
  type RecoveryProps,
  type ScheduledBackup,
  type ScheduledBackupOptions,
  type SnapshotOptions,
} from './recovery';
export { RunCommandDocument, type RunCommandDocumentProps } from './run-command-document';
export { TaskFunction, type TaskFunctionOptions, type TaskFunctionProps, type TaskSettings } from './task-function';
export { UploadPortal, type UploadPortalProps } from './upload-portal';
export { PortalApi, type PortalApiProps, type PortalWorkflow } from './upload-portal-api';
export { PortalLogin, type PortalLoginProps } from './upload-portal-login';
export { PortalSite, type PortalDomain, type PortalSiteProps } from './upload-portal-site';
