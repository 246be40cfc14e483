/** A running simulation: what tests, examples and the command line do with it and read from it. */
import type { Enforcement } from './access/enforcement';
import { reportPermissions, unneededGrants, type Grant, type PermissionReport } from './access/permission-report';
import type { SimulatedServices } from './compose-services';
import { costOf, type SimulationCost } from './cost';
import type { FaultInjection } from './fault-injection';
import { findResource } from './find-resource';
import { readRecords, readResults, type ObjectRecord, type ResultFile } from './ledger-reader';
import type { Progress } from './progress';
import type { EventRule } from './services/event-delivery';
import { operator, type Cloud, type Principal, type ServiceName, type ServiceOutput } from './services/service';
import { SimulatedExecution } from './simulated-execution';
import type { JsonValue } from './states-language/engine';
import type { DeployedResource, UnsupportedResource } from './template/deployment';
import type { VirtualClock } from './virtual-clock';
import type { ServedSimulation, ServeOptions } from './web/serve';

/** An object to put into a simulated bucket. */
export interface Upload {
  /** Logical id, construct path or name of the bucket.
   * @default - the only bucket whose new objects a rule waits for, or the only bucket */
  readonly bucket?: string;
  readonly key: string;
  readonly body: Uint8Array | string;
  readonly contentType?: string;
}

/** An object in a simulated bucket. */
export interface UploadedObject {
  readonly bucket: string;
  readonly key: string;
  /** Absent in a bucket without versions. */
  readonly versionId: string | undefined;
}

/** By stack name, then by output name. */
export type StackOutputs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

interface SimulationParts {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly services: SimulatedServices;
  readonly resources: readonly DeployedResource[];
  readonly unsupported: readonly UnsupportedResource[];
  readonly outputs: StackOutputs;
  readonly progress: Progress;
  readonly faults: FaultInjection;
  readonly enforcement: Enforcement;
  readonly serve: (options: ServeOptions) => Promise<ServedSimulation>;
  readonly environmentFor: (principal: Principal) => Promise<Readonly<Record<string, string>>>;
  readonly close: () => Promise<void>;
}

const dayMs = 24 * 60 * 60 * 1000;

/** A rule that causes its own event goes on for ever, a second at a time: no limit on virtual time ends that soon. */
const maximumHappenings = 200_000;

/** A deployed app on simulated services. Made by `simulate`. */
export class Simulation {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly services: SimulatedServices;
  /** Everything that the template creates. */
  readonly resources: readonly DeployedResource[];
  /** Resources of types that are not simulated. Nothing that ran has needed them. */
  readonly unsupported: readonly UnsupportedResource[];
  /** Outputs of each stack, by name. One that is not simulated is refused when it is read. */
  readonly outputs: StackOutputs;
  /** What goes wrong, and what it has hit. */
  readonly faults: FaultInjection;
  private readonly served: ServedSimulation[] = [];
  /** Who was allowed what, call by call. */
  readonly access: Enforcement;
  private readonly views = new Map<string, SimulatedExecution>();

  constructor(private readonly parts: SimulationParts) {
    this.cloud = parts.cloud;
    this.clock = parts.clock;
    this.services = parts.services;
    this.resources = parts.resources;
    this.unsupported = parts.unsupported;
    this.outputs = parts.outputs;
    this.faults = parts.faults;
    this.access = parts.enforcement;
  }

  /** Executions of all state machines, in the order they were started. */
  get executions(): readonly SimulatedExecution[] {
    return this.services.states.allExecutions().map((source) => {
      const { executionArn } = source.execution.identity;
      const view = this.views.get(executionArn) ?? new SimulatedExecution(source);
      this.views.set(executionArn, view);
      return view;
    });
  }

  /** Puts an object into a bucket, as the person at this machine. Its events are on their way when this resolves;
   * `settle` lets them arrive. */
  async upload(upload: Upload): Promise<UploadedObject> {
    const bucket = this.bucketName(upload.bucket);
    const output = await this.call('s3', 'PutObject', {
      Bucket: bucket,
      Key: upload.key,
      Body: typeof upload.body === 'string' ? Buffer.from(upload.body, 'utf8') : upload.body,
      ...(upload.contentType !== undefined && { ContentType: upload.contentType }),
    });
    return { bucket, key: upload.key, versionId: output['VersionId'] as string | undefined };
  }

  /** Starts a state machine, as the "Start execution" button of the AWS console does.
   * @param options.stateMachine Logical id, construct path or name; needed when there are several.
   * @throws ServiceError what StartExecution answers, ExecutionAlreadyExists for example */
  startExecution(
    input: JsonValue = {},
    options: { readonly stateMachine?: string; readonly name?: string } = {},
  ): SimulatedExecution {
    const machine = findResource(this.resources, options.stateMachine, ['AWS::StepFunctions::StateMachine']);
    const { executionArn } = this.services.states.operations.StartExecution({
      stateMachineArn: machine.physicalId!,
      input: JSON.stringify(input),
      ...(options.name !== undefined && { name: options.name }),
    });
    return this.executions.find((execution) => execution.arn === executionArn)!;
  }

  /** Lets virtual time pass until nothing is left to happen. Schedules do not count: they tick for ever.
   * An execution that only waits for a callback without any timeout is left waiting.
   * @param options.withinMs Virtual milliseconds after which it must be so. Default: 30 days.
   * @throws Error when something still happens then, or after 200,000 timers, naming the executions that run and where they are
   * @throws UnsupportedError when something that ran needed what is not simulated */
  async settle(options: { readonly withinMs?: number } = {}): Promise<void> {
    const withinMs = options.withinMs ?? 30 * dayMs;
    const limitMs = this.clock.nowMs() + withinMs;
    let happenings = 0;
    const overdue = await this.clock.runUntil(() => this.clock.nowMs() > limitMs || ++happenings > maximumHappenings);
    this.parts.progress.throwReported();
    if (overdue) throw this.notSettled(happenings > maximumHappenings ? undefined : withinMs);
  }

  /** Lets that much virtual time pass, schedules included. */
  async advance(milliseconds: number): Promise<void> {
    await this.clock.runUntilIdle(this.clock.nowMs() + milliseconds);
    this.parts.progress.throwReported();
  }

  /** Calls a service as the person at this machine, who may do everything. */
  async call(
    service: ServiceName,
    operation: string,
    input: Readonly<Record<string, unknown>>,
  ): Promise<ServiceOutput> {
    return this.cloud.call({ service, operation, input, principal: operator });
  }

  /** What `Ref` gives for a resource: the name of a bucket, the ARN of a state machine.
   * @param identifier Logical id, construct path or physical name.
   * @param type CloudFormation type, `AWS::DynamoDB::Table`. */
  physicalId(identifier: string, type: string): string {
    return findResource(this.resources, identifier, [type]).physicalId!;
  }

  /** The ledger's records of all objects, as plain values. */
  records(): ObjectRecord[] {
    return readRecords(this.services.dynamodb);
  }

  /** The result files that a record names, read from the results bucket. */
  async results(record: Readonly<Record<string, unknown>>): Promise<ResultFile[]> {
    return readResults(this.cloud, record);
  }

  /** State transitions so far and their price. */
  cost(): SimulationCost {
    return costOf(this.executions.filter((execution) => execution.type === 'STANDARD'));
  }

  /** What the template grants beside what was needed so far: grants that nothing used, resources that could be named, and calls that
   * were not allowed. Of roles outside of the template nothing is known but that they were used.
   * @example expect(simulation.permissions().denied).toEqual([]); */
  permissions(): PermissionReport {
    return reportPermissions(this.access);
  }

  /** The actions of statements, of roles and of resources, without which everything so far would have been decided the same: those that
   * nothing has used, and those beside which another statement allows the same. What only a mishap needs is among them until it happens.
   * Policies of AWS count as a whole, for each role that they are attached to.
   * @returns each with the construct path of its policy; denials that denied something are needed, too
   * @example expect(simulation.unneededPermissions().filter(({ policy }) => policy.includes('/ReportRole/'))).toEqual([]); */
  unneededPermissions(): readonly Grant[] {
    return unneededGrants(this.access);
  }

  /** Serves what browsers reach of the template on 127.0.0.1: the sites of its CloudFront distributions, its HTTP APIs, a login
   * that stands in for its Cognito user pools, and its buckets for presigned requests. What is behind them is the same as ever.
   * At a pace, virtual time runs from now on; without one it stands still until `settle` or `advance`.
   * @throws UnsupportedError for a JWT authorizer whose issuer is not in the template
   * @example
   * const simulation = await simulate(app, { pace: 60 });
   * const { pages } = await simulation.serve({ users: [{ email: 'ana@example.com', password: 'Correct-horse-1' }] }); */
  async serve(options: ServeOptions = {}): Promise<ServedSimulation> {
    const served = await this.parts.serve(options);
    this.served.push(served);
    return served;
  }

  /** Environment variables with which a program of this machine reaches the simulated services through its own AWS SDK clients, with the
   * rights of a role of the template: AWS_ENDPOINT_URL, AWS_REGION and credentials among them.
   * @param role Logical id, construct path or name of the role.
   * @example Object.assign(process.env, await simulation.environmentFor('InstanceRole')); */
  async environmentFor(role: string): Promise<Readonly<Record<string, string>>> {
    const { physicalId } = findResource(this.resources, role, ['AWS::IAM::Role']);
    const { arn } = [...this.services.iam.roles.values()].find(({ name }) => name === physicalId)!;
    return this.parts.environmentFor({ id: arn, session: 'local' });
  }

  /** Ends processes, servers and temporary files of the simulation. */
  async close(): Promise<void> {
    for (const served of this.served.splice(0)) await served.close();
    await this.parts.close();
  }

  private bucketName(identifier: string | undefined): string {
    const types = ['AWS::S3::Bucket'];
    if (identifier !== undefined) return findResource(this.resources, identifier, types).physicalId!;
    const watched = watchedBuckets(this.services.events.listRules());
    const candidates = this.resources.filter(({ type, physicalId }) => types.includes(type) && watched.has(physicalId));
    return findResource(candidates.length > 0 ? candidates : this.resources, undefined, types).physicalId!;
  }

  /** @param withinMs Undefined when it was not time that ran out. */
  private notSettled(withinMs: number | undefined): Error {
    const running = this.executions
      .filter((execution) => execution.status === 'RUNNING')
      .map((execution) => `${execution.name} in ${execution.currentStates.join(', ') || 'no state'}`);
    return new Error(
      `Something still happens, at Simulation.settle\n  got: after ${withinMs === undefined ? `${maximumHappenings} happenings` : `${withinMs / 1000} virtual seconds`} ${running.length === 0 ? 'no execution runs, but timers are left' : `these still run: ${running.join('; ')}`}\n  fix: allow more time with settle({ withinMs }), or stop what waits; a rule whose target causes its own event never ends`,
    );
  }
}

/** Names of the buckets that rules wait for objects of. */
function watchedBuckets(rules: readonly EventRule[]): ReadonlySet<unknown> {
  const patterns = rules.map(({ pattern }) => pattern as { detail?: { bucket?: { name?: readonly unknown[] } } });
  return new Set(patterns.flatMap((pattern) => pattern?.detail?.bucket?.name ?? []));
}
