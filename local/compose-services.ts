/** Builds the simulated services of one account and Region, connects them, and says which resource types they create. */
import { rmSync } from 'node:fs';
import { AccessModel, observeResources } from './access/access-model';
import { Enforcement } from './access/enforcement';
import { resourceFacts } from './access/resource-facts';
import { ServiceActions } from './access/service-actions';
import { Endpoint } from './endpoint';
import { InstanceRunner } from './instance/instance-runner';
import type { Progress } from './progress';
import type { RandomSource } from './random';
import { AutoScalingService } from './services/autoscaling';
import { BackupService, type BackupOptions } from './services/backup';
import { DynamoDbService, type DynamoDbOptions } from './services/dynamodb';
import { Ec2Service, type Ec2Options } from './services/ec2';
import { EventsService } from './services/events';
import type { FunctionDefinition } from './services/function-definition';
import { FunctionRunner, type InvocationSupervisor, type StandIn } from './services/function-runner';
import { LambdaService } from './services/lambda';
import { LogsService } from './services/logs';
import { MonitoringService } from './services/monitoring';
import { S3Service } from './services/s3';
import type { Cloud, Principal } from './services/service';
import { SnsService } from './services/sns';
import { SqsService } from './services/sqs';
import { SsmService, type SsmOptions } from './services/ssm';
import { StatesService } from './services/states';
import { StsService } from './services/sts';
import type { Assets } from './template/assembly';
import type { ResourceHandlers } from './template/resource';
import { autoScalingResources } from './template/resources/autoscaling';
import { backupResources } from './template/resources/backup';
import { cloudWatchResources } from './template/resources/cloudwatch';
import { dynamodbResources } from './template/resources/dynamodb';
import { bucketDeploymentResources } from './template/resources/bucket-deployment';
import { withCorsRules } from './template/resources/bucket-cors';
import { cloudFrontResources } from './template/resources/cloudfront';
import { cognitoResources } from './template/resources/cognito';
import { httpApiResources } from './template/resources/http-api';
import { ec2Resources } from './template/resources/ec2';
import { eventsResources } from './template/resources/events';
import { IamModel, iamResources } from './template/resources/iam';
import { inertResources } from './template/resources/inert';
import { lambdaResources } from './template/resources/lambda';
import { logsResources } from './template/resources/logs';
import { s3Resources } from './template/resources/s3';
import { snsResources } from './template/resources/sns';
import { sqsResources } from './template/resources/sqs';
import { ssmResources } from './template/resources/ssm';
import { statesResources } from './template/resources/states';
import type { VirtualClock } from './virtual-clock';
import { WebModel } from './web/model';
import { createDirectClient } from './wire/direct-client';
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
  readonly logs: LogsService;
  readonly monitoring: MonitoringService;
  readonly s3: S3Service;
  readonly sns: SnsService;
  readonly sqs: SqsService;
  readonly ssm: SsmService;
  readonly states: StatesService;
  readonly sts: StsService;
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
  /** Where the folders of instances are kept; undefined: a temporary one. */
  readonly instancesDirectory: string | undefined;
  readonly standInFor: (definition: FunctionDefinition) => StandIn | undefined;
  readonly supervise: InvocationSupervisor;
  /** How typed tasks reach the services. */
  readonly clients: 'sdk' | 'direct';
  readonly progress: Progress;
  /** False: every call is allowed. */
  readonly enforcesAccess: boolean;
}

/** The services, what creates their resources, and what must be closed at the end. */
export interface ComposedServices {
  readonly services: SimulatedServices;
  readonly handlers: ResourceHandlers;
  /** What browsers can reach. */
  readonly web: WebModel;
  readonly endpoint: Endpoint;
  readonly enforcement: Enforcement;
  /** To be asked once the template is deployed. */
  readonly serviceActions: ServiceActions;
  readonly close: () => Promise<void>;
}

/** Composes all services around one cloud. */
export function composeServices(options: CompositionOptions): ComposedServices {
  const endpoint = new Endpoint(options.cloud);
  const iam = new IamModel();
  const instances = createInstances(options, endpoint, iam, (id) => services.ec2.instances.get(id).instanceProfile);
  const model = new AccessModel();
  const web = new WebModel();
  const actions = (): ServiceActions => serviceActions;
  const services: SimulatedServices = { ...createServices(options, endpoint, instances, actions), iam };
  const facts = resourceFacts({ ...options.cloud, ...services }, model);
  const nowMs = (): number => options.clock.nowMs();
  const enforcement = new Enforcement({ iam, model, facts, nowMs, isOn: options.enforcesAccess });
  const serviceActions = new ServiceActions(enforcement, model, facts);
  const { iam: _, ...callable } = services;
  for (const service of Object.values(callable)) options.cloud.add(service);
  options.cloud.addElsewhere('ec2', (elsewhere) => services.ec2.in(elsewhere));
  options.cloud.intercept(enforcement.intercept);
  const temporaryDirectories: string[] = [];
  const onTemporaryDirectory = (path: string): void => void temporaryDirectories.push(path);
  const { assets } = options;
  const handlers: ResourceHandlers = observeResources(
    {
      ...inertResources(),
      ...iamResources(iam),
      ...autoScalingResources(services.autoscaling, services.ec2),
      ...backupResources(services.backup),
      ...bucketDeploymentResources(services.s3, assets),
      ...cloudFrontResources(web),
      ...cognitoResources(web),
      ...cloudWatchResources(services.monitoring, services.autoscaling),
      ...dynamodbResources(services.dynamodb),
      ...ec2Resources(services.ec2),
      ...eventsResources(services.events),
      ...httpApiResources(web),
      ...lambdaResources(services.lambda, { assets, onTemporaryDirectory }),
      ...logsResources(services.logs),
      ...withCorsRules(s3Resources(services.s3), web),
      ...snsResources(services.sns),
      ...sqsResources(services.sqs),
      ...ssmResources(services.ssm),
      ...statesResources(services.states, assets),
    },
    model,
  );
  const close = async (): Promise<void> => {
    instances.close();
    await endpoint.close();
    for (const directory of temporaryDirectories) rmSync(directory, { recursive: true, force: true });
  };
  return { services, handlers, web, endpoint, enforcement, serviceActions, close };
}

function createServices(
  options: CompositionOptions,
  endpoint: Endpoint,
  instances: InstanceRunner,
  actions: () => ServiceActions,
): Omit<SimulatedServices, 'iam'> {
  const { cloud, clock, progress, settings } = options;
  const { region, accountId } = cloud;
  const report = (error: unknown): void => progress.report(error);
  const common = (name: string) => ({ cloud, clock, random: options.random.fork(name), region, accountId, report });
  const events = new EventsService({ ...common('events'), onEvent: (event) => progress.announceEvent(event) });
  const emitting = (name: string) => ({ ...common(name), emit: events.emit });
  const ec2: Ec2Service = new Ec2Service({
    ...emitting('ec2'),
    readParameter: (name) => ssm.parameters.all.get(name)?.value,
    ...settings.ec2,
  });
  const logs = new LogsService(common('logs'));
  const monitoring = new MonitoringService({ clock });
  const s3 = new S3Service(emitting('s3'));
  const ssm: SsmService = new SsmService({
    ...emitting('ssm'),
    ec2,
    runner: instances,
    mayConnect: (id) => actions().mayConnect(id, ec2.instances.get(id).instanceProfile),
    writeLog: ({ logGroup, logStream, text }) => {
      const id = logStream.split('/')[1] ?? '';
      const profile = ec2.instances.get(id).instanceProfile;
      if (actions().mayWriteOutput(id, profile, logGroup, logStream)) logs.write(logGroup, logStream, text);
    },
    ...settings.ssm,
  });
  return {
    autoscaling: new AutoScalingService({ ...emitting('autoscaling'), ec2 }),
    backup: new BackupService({
      ...emitting('backup'),
      buckets: s3.recovery,
      inspect: (resourceArn, roleArn) => actions().backupProblem(resourceArn, roleArn),
      inspectRestore: (target, roleArn) => actions().restoreProblem(target, roleArn),
      ...settings.backup,
    }),
    dynamodb: new DynamoDbService({ ...common('dynamodb'), ...settings.dynamodb }),
    ec2,
    events,
    lambda: new LambdaService({
      ...common('lambda'),
      runner: createRunner(options, { logs, monitoring }, endpoint, actions),
    }),
    logs,
    monitoring,
    s3,
    sns: new SnsService(common('sns')),
    sqs: new SqsService(common('sqs')),
    ssm,
    sts: new StsService({ accountId }),
    states: new StatesService({
      ...emitting('states'),
      onEvent: (executionArn, event) => progress.announceHistory(executionArn, event),
    }),
  };
}

type SdkClientType = new (configuration: object) => { readonly config: unknown; readonly middlewareStack: unknown };

function createRunner(
  { cloud, clock, random, progress, standInFor, supervise, clients }: CompositionOptions,
  { logs, monitoring }: Pick<SimulatedServices, 'logs' | 'monitoring'>,
  endpoint: Endpoint,
  actions: () => ServiceActions,
): FunctionRunner {
  const tokens = random.fork('idempotency tokens');
  const configurationOf = (principal: Principal): object =>
    clientConfiguration(cloud, principal, cloud.region, {
      credentials: endpoint.credentialsOf(principal),
      systemClockOffset: clock.offsetFromRealTimeMs(),
    });
  return new FunctionRunner({
    clock,
    random: random.fork('functions'),
    region: cloud.region,
    clientConfiguration: configurationOf,
    createClient:
      clients === 'direct'
        ? (principal, type, elsewhere) =>
            createDirectClient(cloud, principal, tokens.uuid, {
              region: elsewhere,
              signer: () => new (type as SdkClientType)(configurationOf(principal)),
            })
        : undefined,
    standInFor,
    supervise: (invocation) => {
      actions().beginInvocation(invocation.definition);
      return supervise(invocation);
    },
    writeLog: (definition, line) => {
      progress.announceLog(definition.name, line);
      if (!actions().mayLog(definition)) return;
      logs.write(definition.logGroupName, '$LATEST', line);
      monitoring.ingestLogLine(line);
    },
    environmentFor: (principal) => endpoint.environmentFor(principal),
  });
}

/** Instances run real commands, with the rights of their role in the simulated cloud. */
function createInstances(
  { clock, instancesDirectory }: CompositionOptions,
  endpoint: Endpoint,
  iam: IamModel,
  profileOf: (instanceId: string) => string | undefined,
): InstanceRunner {
  return new InstanceRunner({
    ...(instancesDirectory !== undefined && { directory: instancesDirectory }),
    nowMs: () => clock.nowMs(),
    awsEnvironment: (instanceId) => {
      const profile = profileOf(instanceId);
      const role = profile === undefined ? undefined : iam.roleOfInstance(profile);
      return endpoint.environmentFor({ id: role?.arn ?? profile ?? instanceId, session: instanceId });
    },
  });
}
