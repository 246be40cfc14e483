/** Builds the simulated services of one account and Region, connects them, and says which resource types they create. */
import { rmSync } from 'node:fs';
import type { Progress } from './progress';
import type { RandomSource } from './random';
import { DynamoDbService } from './services/dynamodb';
import { EventsService } from './services/events';
import type { FunctionDefinition } from './services/function-definition';
import { FunctionRunner, type StandIn } from './services/function-runner';
import { LambdaService } from './services/lambda';
import { Cloud } from './services/service';
import { StatesService } from './services/states';
import type { Assets } from './template/assembly';
import type { ResourceHandlers } from './template/resource';
import { eventsResources } from './template/resources/events';
import { IamModel, iamResources } from './template/resources/iam';
import { inertResources } from './template/resources/inert';
import { lambdaResources } from './template/resources/lambda';
import { statesResources } from './template/resources/states';
import type { VirtualClock } from './virtual-clock';
import { clientConfiguration } from './wire/request-handler';

/** The simulated services, for tests that look into them or prepare them. */
export interface SimulatedServices {
  readonly dynamodb: DynamoDbService;
  readonly events: EventsService;
  readonly iam: IamModel;
  readonly lambda: LambdaService;
  readonly states: StatesService;
}

interface ServiceOptions {
  readonly cloud: Cloud;
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly assets: Assets;
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
export function composeServices(options: ServiceOptions): ComposedServices {
  const { cloud, clock, assets, progress } = options;
  const report = (error: unknown): void => progress.report(error);
  const { region, accountId } = cloud;
  const common = (name: string) => ({ cloud, clock, random: options.random.fork(name), region, accountId, report });
  const events = new EventsService({ ...common('events'), onEvent: (event) => progress.announceEvent(event) });
  const { emit } = events;
  const temporaryDirectories: string[] = [];
  const runner = new FunctionRunner({
    ...common('functions'),
    clientConfiguration: (principal) => clientConfiguration(cloud, principal, region),
    standInFor: options.standInFor,
    writeLog: (definition, line) => progress.announceLog(definition.name, line),
    endpoint: () => Promise.resolve({ environment: {} }),
  });
  const lambda = new LambdaService({ ...common('lambda'), runner });
  const states = new StatesService({
    ...common('states'),
    emit,
    onEvent: (arn, event) => progress.announceHistory(arn, event),
  });
  const dynamodb = new DynamoDbService(common('dynamodb'));
  const iam = new IamModel();
  const services: SimulatedServices = { dynamodb, events, iam, lambda, states };
  for (const service of [dynamodb, events, lambda, states]) cloud.add(service);
  const handlers: ResourceHandlers = {
    ...inertResources(),
    ...iamResources(iam),
    ...eventsResources(events),
    ...lambdaResources(lambda, {
      assets,
      onTemporaryDirectory: (path) => temporaryDirectories.push(path),
    }),
    ...statesResources(states, assets),
  };
  const close = async (): Promise<void> => {
    for (const directory of temporaryDirectories) rmSync(directory, { recursive: true, force: true });
  };
  return { services, handlers, close };
}
