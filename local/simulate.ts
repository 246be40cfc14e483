/** The way into the simulator: deploys a synthesized app onto simulated services and gives the running simulation. */
import { composeServices, type ServiceSettings } from './compose-services';
import { FaultInjection } from './fault-injection';
import type { Fault } from './faults';
import { findResource } from './find-resource';
import { Progress, type ProgressListener } from './progress';
import { createRandom } from './random';
import type { StandIn } from './services/function-runner';
import { Cloud } from './services/service';
import { Simulation } from './simulation';
import { readAssembly, type AssemblySource } from './template/assembly';
import { deployStack, type DeploymentContext } from './template/deployment';
import { guardUnknown } from './template/intrinsic-functions';
import type { ParameterValues } from './template/parameters';
import { serve } from './web/serve';
import { VirtualClock, type Pace } from './virtual-clock';

/** How to simulate. Everything has a default. */
export interface SimulateOptions {
  /** Decides about every id and every delay: the same seed gives the same history. Names that CloudFormation makes up for
   * what is deployed are the same with every seed.
   * @default '1' */
  readonly seed?: string;
  /** The first virtual instant, milliseconds since 1970.
   * @default - 2026-01-01T09:00:00Z */
  readonly startMs?: number;
  /** `jump` skips all waiting; a number is virtual milliseconds per real millisecond.
   * @default 'jump' */
  readonly pace?: Pace;
  /** @default - the Region of the first stack that names one, else us-east-1 */
  readonly region?: string;
  /** @default - the account of the first stack that names one, else 111122223333 */
  readonly accountId?: string;
  /** Values of template parameters by name, and of SSM parameters that the template expects to exist, by path.
   * @default - the template's defaults */
  readonly parameters?: ParameterValues;
  /** What answers in place of functions, by logical id, construct path or function name.
   * @default - the functions themselves */
  readonly standIns?: Readonly<Record<string, StandIn>>;
  /** Folder for the machines: each instance is a folder in it that is kept.
   * @default - a temporary folder, removed by `close` */
  readonly instancesDirectory?: string;
  /** Durations and delays of single services.
   * @default - each has its own */
  readonly serviceSettings?: ServiceSettings;
  /** Told what happens, as it happens.
   * @default - nobody is told */
  readonly onEvent?: ProgressListener;
  /** Whether calls are decided by the policies of the template, for the role that makes them. The person at this machine may do everything.
   * @default true */
  readonly enforcesAccess?: boolean;
  /** What goes wrong, and when.
   * @default - nothing */
  readonly faults?: readonly Fault[];
  /** How typed tasks reach the services. `sdk`: by the SDK's own clients, with every byte as it would be on the wire.
   * `direct`: by clients that hand commands over as they are, for the operations of this package's tasks; many times
   * faster, and meant for runs by the thousand. Other code always has the SDK's clients.
   * @default 'sdk' */
  readonly clients?: 'sdk' | 'direct';
}

/** Simulates a synthesized app: its resources exist, its rules fire, its state machines and functions run.
 * Nothing but what `cdk synth` wrote is read, so what runs here is what would be deployed.
 * @param source A CDK App, Stage or Stack, a synthesized assembly, or the path of a `cdk.out` directory.
 * Of a Stack, only it and the stacks it depends on are simulated.
 * @returns a running simulation at its first instant; close it when done
 * @throws UnsupportedError when a simulated resource needs a value that nothing simulated can give
 * @throws Error when the template is wrong in a way that CloudFormation would refuse too
 * @example
 * const simulation = await simulate(app);
 * await simulation.upload({ bucket: 'Inbox', key: 'incoming/sales.csv', body: 'day,amount\n' });
 * await simulation.settle();
 * console.log(simulation.records());
 * await simulation.close(); */
export async function simulate(source: AssemblySource, options: SimulateOptions = {}): Promise<Simulation> {
  const { stacks, assets } = readAssembly(source);
  const region = options.region ?? stacks.find((stack) => stack.region !== undefined)?.region ?? 'us-east-1';
  const accountId =
    options.accountId ?? stacks.find((stack) => stack.accountId !== undefined)?.accountId ?? '111122223333';
  const cloud = new Cloud(region, accountId);
  const clock = new VirtualClock(options.startMs, options.pace);
  const random = createRandom(options.seed ?? '1');
  const faults = new FaultInjection(options.faults ?? [], clock);
  const progress = new Progress(clock, (event) => {
    options.onEvent?.(event);
    if (event.kind === 'history') faults.seeHistory(event.executionArn, event.event);
  });
  const standIns = new Map<string, StandIn>();
  const { services, handlers, web, endpoint, enforcement, serviceActions, close } = composeServices({
    cloud,
    clock,
    random,
    assets,
    progress,
    settings: faults.settings(options.serviceSettings ?? {}),
    instancesDirectory: options.instancesDirectory,
    supervise: faults.supervise,
    clients: options.clients ?? 'sdk',
    standInFor: (definition) => standIns.get(definition.name),
    enforcesAccess: options.enforcesAccess ?? true,
  });
  cloud.intercept(progress.observeCall);
  cloud.intercept(faults.intercept);
  const deployment: DeploymentContext = {
    region,
    accountId,
    // What is deployed has the same names in each run: the seed decides what happens there.
    random: createRandom('1').fork('deployment'),
    handlers,
    assets,
    parameters: options.parameters ?? {},
    exports: new Map(),
    resources: [],
    unsupported: [],
  };
  const outputs = Object.fromEntries(
    stacks.map((stack) => [
      stack.stackName,
      guardUnknown(deployStack(stack, deployment), `${stack.stackName}.Outputs`),
    ]),
  );
  const { resources, unsupported } = deployment;
  for (const [identifier, standIn] of Object.entries(options.standIns ?? {})) {
    standIns.set(findResource(resources, identifier, ['AWS::Lambda::Function']).physicalId!, standIn);
  }
  serviceActions.finishDeployment(services);
  faults.attach(services);
  return new Simulation({
    cloud,
    clock,
    services,
    resources,
    unsupported,
    outputs,
    progress,
    faults,
    enforcement,
    serve: (options) =>
      serve(
        {
          ...{ web, cloud, clock, s3: services.s3, random: random.fork('web') },
          findKey: (accessKeyId) => endpoint.keyHolder(accessKeyId),
          mayShow: (site, key) => serviceActions.mayShow(site, key),
          report: (error) => progress.report(error),
        },
        options,
      ),
    environmentFor: (principal) => endpoint.environmentFor(principal),
    close,
  });
}
