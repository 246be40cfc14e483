/** Builds the simulated services of one account and Region, connects them, and says which resource types they create. */
import { rmSync } from 'node:fs';
import type { Progress } from './progress';
import type { RandomSource } from './random';
import { AutoScalingService } from './services/autoscaling';
import { BackupService, type BackupOptions } from './services/backup';
import { DynamoDbService, type DynamoDbOptions } from './services/dynamodb';
import { Ec2Service, type Ec2Options } from './services/ec2';
import { EventsService } from './services/events';
import type { FunctionDefinition } from './services/function-definition';
import { FunctionRunner, type StandIn } from './services/function-runner';
import { LambdaService } from './services/lambda';
import { Cloud } from './services/service';
import { SsmService, type SsmOptions } from './services/ssm';
import { StatesService } from './services/states';
import type { Assets } from './template/assembly';
import type { ResourceHandlers } from './template/resource';
import { autoScalingResources } from './template/resources/autoscaling';
import { backupResources } from './template/resources/backup';
import { ec2Resources } from './template/resources/ec2';
import { eventsResources } from './template/resources/events';
import { IamModel, iamResources } from './template/resources/iam';
import { inertResources } from './template/resources/inert';
import { lambdaResources } from './template/resources/lambda';
import { ssmResources } from './template/resources/ssm';
import { statesResources } from './template/resources/states';
import type { VirtualClock } from './virtual-clock';
import { clientConfiguration } from './wire/request-handler';

/** The simulated services, for tests that look into them or prepare them. */
export interface SimulatedServices {
  readonly autoscaling: AutoScalingService;
  readonly backup: BackupService;
  readonly dynamodb: DynamoDbService;
  readonly ec2: Ec2Service;
  readonly events: EventsService;
  readonly iam: IamModel;
  readonly lambda: LambdaService;
  readonly ssm: SsmService;
  readonly states: StatesService;
}

/** How single services behave: durations, delays until writes can be read. */
export interface ServiceSettings {
  readonly backup?: Partial<BackupOptions>;
  readonly dynamodb?: Partial<DynamoDbOptions>;
  readonly ec2?: Partial<Ec2Options>;
  readonly ssm?: Partial<SsmOptions>;
}

interface CompositionOptions {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly assets: Assets;
  readonly settings: ServiceSettings;
  readonly standInFor: (definition: FunctionDefinition) => StandIn | undefined;
  readonly progress: Progress;
}

/** The services, what creates their resources, and what must be closed at the end. */
export interface ComposedServices {
  readonly services: SimulatedServices;
  readonly handlers: ResourceHandlers;
  readonly close: () => Promise<void>;
}

/** Composes all services around one cloud. */
export function composeServices(options: CompositionOptions): ComposedServices {
  const services = createServices(options);
  const { iam, ...callable } = services;
  for (const service of Object.values(callable)) options.cloud.add(service);
  const temporaryDirectories: string[] = [];
  const onTemporaryDirectory = (path: string): void => void temporaryDirectories.push(path);
  const { assets } = options;
  const handlers: ResourceHandlers = {
    ...inertResources(),
    ...iamResources(iam),
    ...autoScalingResources(services.autoscaling, services.ec2),
    ...backupResources(services.backup),
    ...ec2Resources(services.ec2),
    ...eventsResources(services.events),
    ...lambdaResources(services.lambda, { assets, onTemporaryDirectory }),
    ...ssmResources(services.ssm),
    ...statesResources(services.states, assets),
  };
  const close = async (): Promise<void> => {
    for (const directory of temporaryDirectories) rmSync(directory, { recursive: true, force: true });
  };
  return { services, handlers, close };
}

function createServices(options: CompositionOptions): SimulatedServices {
  const { cloud, clock, progress, settings } = options;
  const { region, accountId } = cloud;
  const report = (error: unknown): void => progress.report(error);
  const common = (name: string) => ({ cloud, clock, random: options.random.fork(name), region, accountId, report });
  const events = new EventsService({ ...common('events'), onEvent: (event) => progress.announceEvent(event) });
  const emitting = (name: string) => ({ ...common(name), emit: events.emit });
  const ec2 = new Ec2Service({ ...emitting('ec2'), ...settings.ec2 });
  return {
    autoscaling: new AutoScalingService({ ...emitting('autoscaling'), ec2 }),
    backup: new BackupService({ ...emitting('backup'), ...settings.backup }),
    dynamodb: new DynamoDbService({ ...common('dynamodb'), ...settings.dynamodb }),
    ec2,
    events,
    iam: new IamModel(),
    lambda: new LambdaService({ ...common('lambda'), runner: createRunner(options) }),
    ssm: new SsmService({ ...emitting('ssm'), ec2, ...settings.ssm }),
    states: new StatesService({
      ...emitting('states'),
      onEvent: (executionArn, event) => progress.announceHistory(executionArn, event),
    }),
  };
}

function createRunner({ cloud, clock, random, progress, standInFor }: CompositionOptions): FunctionRunner {
  return new FunctionRunner({
    clock,
    random: random.fork('functions'),
    region: cloud.region,
    clientConfiguration: (principal) => clientConfiguration(cloud, principal, cloud.region),
    standInFor,
    writeLog: (definition, line) => progress.announceLog(definition.name, line),
    endpoint: () => Promise.resolve({ environment: {} }),
  });
}
