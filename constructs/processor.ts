/** Where objects are processed: which instances take commands, what they run, and what they and the workflow may do for it. */
import { Duration, Token } from 'aws-cdk-lib';
import type { ILaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy, type IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import type { FleetConfig, IInstanceFleet } from './fleet-members';
import { LaunchedInstances, type LaunchOptions } from './launched-instances';
import { misuse } from './misuse';

/** What runs on an instance for one object, and for how long. */
export interface ProcessorOptions {
  /** Bash text that processes one object: see `RunCommandDocumentProps.command` for what it finds and what its exit code means.
   * @example 'sort "$OBJECT_FILE" > "$RESULTS_DIR/sorted.txt"' */
  readonly command: string;
  /** How long one run of the command may take, download and upload included: up to 48 hours.
   * @default Duration.hours(1) */
  readonly timeout?: Duration;
  /** How long an object may wait for a free instance, all tries together.
   * @default Duration.hours(12) */
  readonly queueTimeout?: Duration;
  /** How many objects an instance processes at a time.
   * @default 1 */
  readonly slotsPerInstance?: number;
  /** How often the command may be tried, when it asks for that (exit code 75) or its instance dies.
   * @default 3 */
  readonly maximumTries?: number;
  /** Name of the queue in the ledger. Workflows that share a ledger and give the same name share instances fairly.
   * @default - the group, the tag or the workflow itself */
  readonly queueName?: string;
}

/** The same with an instance for each object. */
export interface LaunchProcessorOptions extends Omit<ProcessorOptions, 'slotsPerInstance'>, LaunchOptions {}

/** What a processor comes to in a workflow. */
export interface ProcessorConfig extends Required<Omit<ProcessorOptions, 'queueName'>>, FleetConfig {}

/** Longest time that one run of a command may take by default. */
const defaultTimeout = Duration.hours(1);

/** What processes objects: a command, and the instances that run it. Make one with `fleet` or `launch`. */
export class Processor {
  /** Runs the command on the instances of a fleet: an `InstanceFleet`, or existing ones by its `from…` methods.
   * @example
   * ```ts
   * const command = 'sort "$OBJECT_FILE" > "$RESULTS_DIR/sorted.txt"';
   * Processor.fleet(new InstanceFleet(stack, 'Workers'), { command });
   * Processor.fleet(InstanceFleet.fromTag({ key: 'role', value: 'worker', role }), { command });
   * ``` */
  public static fleet(fleet: IInstanceFleet, options: ProcessorOptions): Processor {
    return new Processor(fleet, options);
  }

  /** Runs each command on an instance of its own, launched for it from the template and terminated however it ends. Objects
   * wait while EC2 has no room, up to `queueTimeout`. There is nothing to image afterwards: `snapshot` is `SnapshotPolicy.never()`.
   * @example Processor.launch(launchTemplate, { command: 'sort "$OBJECT_FILE" > "$RESULTS_DIR/sorted.txt"', maximumInstances: 10 }) */
  public static launch(launchTemplate: ILaunchTemplate, options: LaunchProcessorOptions): Processor {
    return new Processor(new LaunchedInstances(launchTemplate, options), options);
  }

  private constructor(
    private readonly instanceFleet: IInstanceFleet,
    private readonly options: ProcessorOptions,
  ) {}

  /** Called by the workflow, once, with itself as the scope.
   * @throws Error when the options cannot work */
  public bind(scope: Construct): ProcessorConfig {
    const { command, timeout = defaultTimeout, queueTimeout = Duration.hours(12) } = this.options;
    const { slotsPerInstance = 1, maximumTries = 3, queueName } = this.options;
    checkCount(scope, 'slotsPerInstance', slotsPerInstance);
    checkCount(scope, 'maximumTries', maximumTries);
    const fleet = this.instanceFleet.bind(scope, { slotsPerInstance, queueName });
    return { command, timeout, queueTimeout, slotsPerInstance, maximumTries, ...fleet };
  }
}

/** Gives a role the part of Systems Manager that the agent needs. Adding it again changes nothing. */
export function grantSystemsManager(role: IRole): void {
  role.addManagedPolicy(ManagedPolicy.fromAwsManagedPolicyName('AmazonSSMManagedInstanceCore'));
}

function checkCount(scope: Construct, name: string, count: number): void {
  if (Token.isUnresolved(count) || (Number.isInteger(count) && count >= 1)) return;
  throw misuse({
    what: `A processor's ${name} is not a count`,
    where: scope.node.path,
    got: String(count),
    allowed: 'a whole number from 1',
    fix: 'leave it out, or choose how many',
  });
}
