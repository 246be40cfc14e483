/** What the parts of the simulated SSM share: options, errors, and the contract with whatever runs scripts. */
import type { RandomSource } from '../random';
import type { VirtualClock } from '../virtual-clock';
import type { EventSink } from './aws-event';
import { checkParameters, type ParameterRules } from './call-parameters';
import type { Ec2Service } from './ec2';
import { ServiceError } from './service';

/** How the simulated SSM behaves. Durations are virtual. */
export interface SsmOptions {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly emit: EventSink;
  readonly region: string;
  readonly accountId: string;
  readonly ec2: Ec2Service;
  /** Runs scripts on instances. @default - only commands that a test answers can be run */
  readonly runner?: ScriptRunner;
  /** Takes the whole output of commands that were sent with CloudWatch output. @default - it is dropped */
  readonly writeLog?: (output: {
    readonly logGroup: string;
    readonly logStream: string;
    readonly text: string;
  }) => void;
  /** Whether an instance's role lets its agent connect. @default - every agent may */
  readonly mayConnect?: (instanceId: string) => boolean;
  /** From running to an agent that answers. @default 5,000 */
  readonly agentStartMs?: number;
  /** Version of the agents. @default '3.3.3572.0' */
  readonly agentVersion?: string;
  /** How long `PingStatus` stays `Online` after an agent has gone. @default 60,000 */
  readonly pingStaleMs?: number;
  /** From SendCommand to the agent. @default 1,000 */
  readonly deliveryMs?: number;
  /** How long a script runs that does not say. @default 30,000 */
  readonly commandDurationMs?: number;
  /** How long reads do not show a new command. 0 switches eventual consistency off. @default 1,000 */
  readonly visibilityDelayMs?: number;
  /** From CancelCommand to the end of the script. @default 2,000 */
  readonly cancelMs?: number;
}

/** One run of a command on one instance, as its agent sees it. */
export interface ScriptRequest {
  readonly commandId: string;
  readonly instanceId: string;
  readonly documentName: string;
  readonly comment: string;
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly script: string;
  /** Set by the agent, beside what the instance has anyway. */
  readonly environment: Readonly<Record<string, string>>;
  readonly workingDirectory: string | undefined;
  readonly executionTimeoutSeconds: number;
  /** 1, and one more for each time that a reboot made the agent start it again. */
  readonly runCount: number;
}

/** How a script ended. */
export interface ScriptResult {
  /** `never`: it goes on until somebody stops it. @default 0 */
  readonly exitCode?: number | 'never';
  readonly standardOutput?: string;
  readonly standardError?: string;
  /** Virtual. @default - the service's */
  readonly durationMs?: number;
}

/** A script that runs. */
export interface RunningScript {
  readonly ended: Promise<ScriptResult>;
  /** Ends it at once, with everything it has started. */
  readonly kill: () => void;
}

/** Runs scripts for the agents of all instances. */
export interface ScriptRunner {
  readonly start: (request: ScriptRequest) => RunningScript;
}

export type Input = Readonly<Record<string, unknown>>;

export function checkSsmParameters(operation: string, input: Input, rules: ParameterRules): void {
  checkParameters({ service: 'ssm', operation }, input, rules, (name) =>
    invalidValue(name, null, 'Member must not be null'),
  );
}

/** The error of a value that breaks a rule of the service's model. */
export function invalidValue(parameter: string, value: unknown, rule: string): ServiceError {
  const member = parameter.charAt(0).toLowerCase() + parameter.slice(1);
  const shown = value === null ? 'null' : `'${String(value)}'`;
  return new ServiceError(
    'ValidationException',
    `1 validation error detected: Value ${shown} at '${member}' failed to satisfy constraint: ${rule}`,
  );
}
