/** What a task's code may use from outside its input: settings, clock, AWS clients, log. Nothing else is ambient. */
import type { TaskError } from './task-error';

/** The execution and state on whose behalf a task runs; absent when an event started it. */
export interface TaskExecution {
  /** ARN of the execution. */
  readonly arn: string;
  /** Name of the state. */
  readonly state: string;
  /** Times the execution has been redriven, from 0. */
  readonly redriveCount: number;
  /** Times this visit of the state has been retried, from 0. */
  readonly retryCount: number;
  /** Token that completes the state; only for a task that awaits a callback. */
  readonly taskToken?: string | undefined;
}

/** Writes structured log lines that carry the task, the execution and the object. Never pass a task token. */
export interface TaskLog {
  readonly info: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly warn: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
  readonly error: (message: string, fields?: Readonly<Record<string, unknown>>) => void;
}

/** Handed to a task's `run` beside its input. */
export interface TaskContext<Settings = unknown, ErrorName extends string = string> {
  readonly settings: Settings;
  readonly execution: TaskExecution | undefined;
  readonly log: TaskLog;
  /** The current instant, in milliseconds since 1970. Virtual when simulated: never use `Date.now` in a task. */
  readonly nowMs: () => number;
  /** A new unique identifier, lower-case hexadecimal and hyphens. */
  readonly newId: () => string;
  /** Milliseconds until Lambda stops this invocation. */
  readonly remainingTimeMs: () => number;
  /** The AWS client of that class: one for the lifetime of the function, or the simulator's.
   * @param region Whose endpoint it calls; the function's own by default.
   * @example const s3 = context.client(S3Client); */
  readonly client: <Client>(type: ClientType<Client>, region?: string) => Client;
  /** Makes one of the task's declared errors, to be thrown. */
  readonly error: (name: ErrorName, message: string, options?: ErrorOptions) => TaskError;
}

/** The class of an AWS SDK v3 client. */
export type ClientType<Client> = new (configuration: never) => Client;
