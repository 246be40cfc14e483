/** The contract between the States Language engine and its host: what it is given, and what it asks for. */
import type { RandomSource } from '../random';
import type { VirtualClock } from '../virtual-clock';

/** Any value that JSON can hold. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [name: string]: JsonValue };

/** Where an execution is; `PENDING_REDRIVE` only inside a Map's child executions. */
export type ExecutionStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'TIMED_OUT' | 'ABORTED' | 'PENDING_REDRIVE';

/** One event of an execution's history, shaped as GetExecutionHistory returns it. */
export interface HistoryEvent {
  readonly id: number;
  readonly previousEventId: number;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly type: string;
  /** The one member named after the type: `stateEnteredEventDetails`, `taskFailedEventDetails` … */
  readonly [detailsName: string]: unknown;
}

/** How a task's integration ends: `.sync`, `.waitForTaskToken`, or as soon as the call has returned. */
export type IntegrationPattern = 'REQUEST_RESPONSE' | 'SYNC' | 'WAIT_FOR_TASK_TOKEN';

/** One attempt of one Task state, handed to the host. */
export interface TaskRequest {
  /** The state's `Resource`, as written. */
  readonly resource: string;
  /** `lambda`, `dynamodb`, `aws-sdk:s3`, … ; `function` for a bare Lambda ARN, `activity` for an activity ARN. */
  readonly resourceType: string;
  /** What history calls the resource: `invoke.waitForTaskToken`, `putItem`; the ARN for a function or activity. */
  readonly action: string;
  readonly pattern: IntegrationPattern;
  readonly parameters: JsonValue;
  /** For all but REQUEST_RESPONSE: a token completes a `.sync` task too (recorded). */
  readonly taskToken?: string;
  /** Role that the state's `Credentials` name. */
  readonly credentialsRoleArn?: string;
  readonly stateName: string;
  /** Counts the attempts of this visit of the state, from 0. */
  readonly attempt: number;
  /** Enclosing inline Map iterations, outermost first. */
  readonly iterations: readonly { readonly map: string; readonly index: number }[];
  readonly execution: { readonly arn: string; readonly name: string; readonly roleArn: string };
  /** Aborted when nobody waits for the result any more: timeout, stop, failure of a sibling branch. */
  readonly signal: AbortSignal;
}

/** A task's failure as data: what Retry and Catch see. */
export interface TaskFailure {
  readonly error?: string;
  readonly cause?: string;
}

/** What became of a task's call. For WAIT_FOR_TASK_TOKEN and SYNC a `submitted` call goes on to wait:
 * for the token, or for `completion`. */
export type TaskResponse =
  | { readonly kind: 'succeeded'; readonly output: JsonValue }
  | { readonly kind: 'failed'; readonly failure: TaskFailure; readonly phase?: 'start' | 'submit' | 'run' }
  | { readonly kind: 'submitted'; readonly output: JsonValue; readonly completion?: Promise<TaskResponse> };

/** What an engine needs from its host. It reaches nothing else: no clock, no chance, no network of its own. */
export interface EngineHost {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly runTask: (request: TaskRequest) => Promise<TaskResponse>;
  /** Looks at a task before it is scheduled.
   * @returns what makes it impossible to start, in the service's words (`The activity … does not exist.`): the execution
   *   fails with States.Runtime and the task leaves no event */
  readonly checkTask?: (request: TaskRequest) => string | undefined;
  /** Reads an object for a distributed Map's ItemReader, or lists a prefix; writes for its ResultWriter. */
  readonly objects?: {
    readonly get: (bucket: string, key: string, roleArn: string) => Promise<Uint8Array>;
    readonly list: (bucket: string, prefix: string | undefined, roleArn: string) => Promise<readonly JsonValue[]>;
    readonly put: (bucket: string, key: string, body: Uint8Array, roleArn: string) => Promise<void>;
  };
  /** Does what AWS did on that day (`2024-06-19`) where AWS has changed since: for comparing with recordings.
   * @default - what AWS does today */
  readonly serviceDay?: string;
  /** Called for each history event as it happens. */
  readonly onEvent?: (executionArn: string, event: HistoryEvent) => void;
}

/** Names an execution and its state machine, as the context object shows them. */
export interface ExecutionIdentity {
  readonly executionArn: string;
  readonly executionName: string;
  readonly stateMachineArn: string;
  readonly stateMachineName: string;
  readonly roleArn: string;
  readonly type: 'STANDARD' | 'EXPRESS';
}

/** A running or finished execution. */
export interface Execution {
  readonly identity: ExecutionIdentity;
  readonly input: JsonValue;
  readonly status: ExecutionStatus;
  readonly output: JsonValue | undefined;
  readonly error: string | undefined;
  readonly cause: string | undefined;
  readonly startedAtMs: number;
  readonly stoppedAtMs: number | undefined;
  readonly redriveCount: number;
  readonly history: readonly HistoryEvent[];
  /** Resolves when the execution has ended, however it ended; never rejects. A redrive gives a new promise. */
  readonly ended: Promise<void>;
  /** Ends it as ABORTED. */
  readonly stop: (failure?: TaskFailure) => void;
  /** Runs it again from the states that did not succeed. @throws ServiceError ExecutionNotRedrivable */
  readonly redrive: () => void;
}

/** Completes tasks that wait for a token. @throws ServiceError TaskTimedOut, TaskDoesNotExist or InvalidToken, as AWS does */
export interface TaskTokens {
  readonly succeed: (taskToken: string, output: JsonValue) => void;
  readonly fail: (taskToken: string, failure: TaskFailure) => void;
  readonly heartbeat: (taskToken: string) => void;
  /** ARN of the state machine whose task waits with that token; undefined when none does. */
  readonly machineOf: (taskToken: string) => string | undefined;
}

/** Something wrong with a definition. */
export interface Problem {
  /** `ERROR` refuses the definition, `WARNING` does not. */
  readonly severity: 'ERROR' | 'WARNING';
  /** Stable code, as in AWS's diagnostics where one is known: `SCHEMA_VALIDATION_FAILED`, `MISSING_TRANSITION_TARGET`. */
  readonly code: string;
  readonly message: string;
  /** JSON pointer into the definition: `/States/Charge/Catch/0/Next`. */
  readonly location: string;
}
