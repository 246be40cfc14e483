/** Entry point `cdk-object-workflow/local`: the deployed template, on this machine. */
export { simulate, type SimulateOptions } from './simulate';
export { drawFaults, faultKinds, type Fault, type FaultField, type FaultKind } from './faults';
export type { FaultHit } from './fault-injection';
export { Simulation, type Upload, type UploadedObject } from './simulation';
export { SimulatedExecution } from './simulated-execution';
export { countTransitions, transitionPriceUsd, type SimulationCost } from './cost';
export type { Grant, PermissionReport } from './access/permission-report';
export type { ObjectRecord, ResultFile } from './ledger-reader';
export type { ProgressEvent, ProgressListener } from './progress';
export type { ServiceSettings, SimulatedServices } from './compose-services';
export type { StandIn, StandInContext } from './services/function-runner';
export type { EventDelivery, DeliveryInterceptor } from './services/event-delivery';
export { ServiceError, UnsupportedError } from './services/service';
export type { Interceptor, Principal, ServiceCall, ServiceName, ServiceOutput } from './services/service';
export type { ExecutionStatus, HistoryEvent, JsonValue } from './states-language/engine';
export type { LocalUser, ServedSimulation, ServeOptions } from './web/serve';
