/** An account for tests of the tasks: a ledger, a fleet, SSM, EC2 and AWS Backup on one virtual clock, and states that wait. */
import { AutoScalingService } from '../../local/services/autoscaling';
import { BackupService } from '../../local/services/backup';
import { DynamoDbService } from '../../local/services/dynamodb';
import type { AwsEvent } from '../../local/services/aws-event';
import { Ec2Service } from '../../local/services/ec2';
import { Cloud, ServiceError, type Service, type ServiceOutput } from '../../local/services/service';
import { S3Service } from '../../local/services/s3';
import { SsmService } from '../../local/services/ssm';
import { clientConfiguration } from '../../local/wire/request-handler';
import { createRandom, type RandomSource } from '../../local/random';
import { VirtualClock } from '../../local/virtual-clock';
import { fromItem, toItem, type PlainItem } from '../../tasks/attribute-values';
import { commandParameterRules } from '../../tasks/operations/command-parameters';
import type { Task } from '../../tasks';
import { cleanUpExecution, relayEvent, type ObjectReference } from '../../tasks';

export const region = 'eu-west-1';
export const accountId = '111122223333';
export const ledgerTable = 'ledger';
export const fleetId = 'workers';

/** How a test differs from the usual. */
export interface AccountOptions {
  readonly seed?: string;
  readonly instanceCount?: number;
  /** Whether events reach the relay and the cleaner. @default true */
  readonly eventsArrive?: boolean;
  /** How often each event reaches the relay, all at once. @default 1 */
  readonly eventCopies?: number;
  readonly imageDurationMs?: number;
  readonly backupDurationMs?: number;
}

/** A state that waits for its callback, as the state machine would enter and re-check it. */
export interface Visit {
  readonly executionArn: string;
  readonly state: string;
  status: 'waiting' | 'succeeded' | 'failed' | 'ended';
  output?: Readonly<Record<string, unknown>>;
  error?: string;
  cause?: string;
  /** How often the handler was entered. */
  entries: number;
}

type AnyTask = Pick<Task, 'handler' | 'name'>;

export class Account {
  readonly clock = new VirtualClock();
  readonly random: RandomSource;
  readonly cloud = new Cloud(region, accountId);
  readonly autoScaling: AutoScalingService;
  readonly dynamodb: DynamoDbService;
  readonly ec2: Ec2Service;
  readonly ssm: SsmService;
  readonly backup: BackupService;
  readonly s3: S3Service;
  readonly log: { level: string; message: string; [field: string]: unknown }[] = [];
  readonly events: AwsEvent[] = [];
  readonly instanceIds: string[];
  /** What DescribeExecution says, by execution ARN: others do not exist, and an error is thrown. */
  readonly executions = new Map<string, object>();
  private readonly tokens = new Map<string, { visit: Visit; isOpen: boolean; beat: () => void }>();
  private invocationCount = 0;

  constructor(private readonly options: AccountOptions = {}) {
    this.random = createRandom(options.seed ?? 'account');
    const emit = (event: AwsEvent): void => this.receive(event);
    const common = { clock: this.clock, random: this.random, emit, region, accountId };
    this.dynamodb = new DynamoDbService({ clock: this.clock, region, accountId });
    this.ec2 = new Ec2Service({ ...common, imageDurationMs: options.imageDurationMs });
    this.autoScaling = new AutoScalingService({ ...common, ec2: this.ec2 });
    this.ssm = new SsmService({ ...common, ec2: this.ec2 });
    this.backup = new BackupService({ ...common, durationMs: options.backupDurationMs });
    this.s3 = new S3Service(common);
    const { s3, dynamodb, ec2, autoScaling, ssm, backup } = this;
    for (const service of [s3, dynamodb, ec2, autoScaling, ssm, backup, this.states()]) {
      this.cloud.add(service as Service);
    }
    this.dynamodb.createTable({
      name: ledgerTable,
      partitionKey: 'pk',
      sortKey: 'sk',
      attributeTypes: { pk: 'S', sk: 'S', owner: 'S', runningIn: 'S', leaseExpiresAt: 'N' },
      indexes: [
        { name: 'owner-index', partitionKey: 'owner', isGlobal: true, projection: 'ALL', includedAttributes: [] },
        {
          ...{ name: 'lease-index', partitionKey: 'runningIn', sortKey: 'leaseExpiresAt', isGlobal: true },
          ...{ projection: 'INCLUDE', includedAttributes: ['owner'] },
        },
      ],
      timeToLiveAttribute: 'expiresAt',
    });
    this.ssm.documents.put('process', commandDocument);
    this.backup.createVault('vault');
    for (const name of ['inbox', 'quarantine']) this.s3.createBucket({ name, versioning: 'Enabled' });
    this.s3.createBucket({ name: 'plain' });
    this.instanceIds = Array.from(
      { length: options.instanceCount ?? 1 },
      () => this.ec2.instances.launch({ tags: new Map([['role', 'worker']]), alreadyRunning: true }).instanceId,
    );
  }

  /** Lets agents come online, and whatever else is under way happen, for a while. */
  async pass(seconds: number): Promise<void> {
    await this.clock.runUntilIdle(this.clock.nowMs() + seconds * 1000);
  }

  /** Writes the record of an object that an execution has claimed, and describes the object. */
  async claim(executionArn: string, key = 'incoming/a.csv', more: PlainItem = {}): Promise<ObjectReference> {
    const record = { pk: `object#${key}`, sk: `version#v-${key}` };
    const item = { ...record, bucket: 'inbox', key, owner: executionArn, status: 'RUNNING', attempt: 1, ...more };
    await this.write({ ...item, leaseExpiresAt: Math.floor(this.clock.nowMs() / 1000) + 7200 });
    return {
      ...{ bucket: 'inbox', key, versionId: `v-${key}`, etag: 'e1', sizeBytes: 10, contentType: 'text/csv' },
      ...{ lastModified: new Date(this.clock.nowMs()).toISOString(), record, attempt: 1 },
    };
  }

  async write(item: PlainItem): Promise<void> {
    const input = { TableName: ledgerTable, Item: toItem(item) };
    await this.cloud.call({ service: 'dynamodb', operation: 'PutItem', input, principal: { id: 'user' } });
  }

  /** Uploads an object.
   * @returns its version id, if its bucket has versions */
  async upload(bucket: string, key: string, body: string | Uint8Array, more: object = {}): Promise<string | undefined> {
    const input = { Bucket: bucket, Key: key, Body: Buffer.from(body), ...more };
    const call = { service: 's3', operation: 'PutObject', input, principal: { id: 'user' } } as const;
    return (await this.cloud.call(call))['VersionId'] as string | undefined;
  }

  /** All items of the ledger, as plain values. */
  items(prefix = ''): Record<string, unknown>[] {
    return this.dynamodb
      .items(ledgerTable)
      .map((item) => fromItem(item as never))
      .filter((item) => String(item['pk']).startsWith(prefix));
  }

  /** The ledger's item with that key. */
  item(pk: string, sk: string): Record<string, unknown> | undefined {
    return this.items().find((item) => item['pk'] === pk && item['sk'] === sk);
  }

  /** Enters a state that waits, and re-checks it as the state machine does, until its callback comes. */
  enter(
    task: AnyTask,
    settings: object,
    input: object,
    visit: { readonly executionArn: string; readonly state?: string; readonly redriveCount?: number },
  ): Visit {
    const entered: Visit = {
      executionArn: visit.executionArn,
      state: visit.state ?? task.name,
      status: 'waiting',
      entries: 0,
    };
    void this.attempt(task, settings, input, entered, visit.redriveCount ?? 0, 0);
    return entered;
  }

  /** Ends a state as if the execution had been aborted. */
  end(visit: Visit): void {
    visit.status = 'ended';
    this.expireToken(visit);
  }

  /** Makes the present token of a state stale, as the moment between a heartbeat's expiry and the next attempt does. */
  expireToken(visit: Visit): void {
    for (const token of this.tokens.values()) if (token.visit === visit) token.isOpen = false;
  }

  /** Calls a task's handler once, as Lambda would.
   * @param session Tells the calls of this invocation from others, for interceptors. */
  invoke(task: AnyTask, settings: object, event: unknown, session = `invocation-${++this.invocationCount}`) {
    const handler = task.handler.withRuntime({
      environment: { SETTINGS: JSON.stringify(settings) },
      nowMs: () => this.clock.nowMs(),
      newId: () => this.random.uuid(),
      clientConfiguration: clientConfiguration(this.cloud, { id: 'role', session }, region),
      writeLog: (line) => this.log.push(JSON.parse(line) as (typeof this.log)[number]),
    });
    return this.clock.track(handler(event, { getRemainingTimeInMillis: () => 60_000 }));
  }

  /** Gives an event to the relay. */
  relay(event: AwsEvent): Promise<unknown> {
    return this.invoke(
      relayEvent,
      { ledgerTable, fleetIds: [fleetId] },
      { source: event.source, 'detail-type': event.detailType, detail: event.detail },
    );
  }

  /** Gives the cleaner the event that an execution has ended badly. */
  cleanUp(executionArn: string, detail: object = {}): Promise<unknown> {
    return this.invoke(cleanUpExecution, { ledgerTable }, { detail: { executionArn, status: 'FAILED', ...detail } });
  }

  /** Re-enters until the callback has come: at first after a minute, then after twice as long each time, up to half an hour. */
  private async attempt(
    task: AnyTask,
    settings: object,
    input: object,
    visit: Visit,
    redriveCount: number,
    retryCount: number,
  ): Promise<void> {
    if (visit.status !== 'waiting') return;
    const taskToken = `token-${visit.executionArn}-${visit.state}-${redriveCount}-${retryCount}`;
    this.expireToken(visit);
    visit.entries++;
    const again = (): void => void this.attempt(task, settings, input, visit, redriveCount, retryCount + 1);
    const heartbeatMs = Math.min(30 * 60_000, 60_000 * 2 ** Math.min(retryCount, 10));
    const wait = () => this.clock.schedule(heartbeatMs + 1000, again);
    let heartbeat = wait();
    const beat = (): void => {
      heartbeat.cancel();
      heartbeat = wait();
    };
    this.tokens.set(taskToken, { visit, isOpen: true, beat });
    const execution = { arn: visit.executionArn, state: visit.state, redriveCount, retryCount, taskToken };
    try {
      await this.invoke(task, settings, { input, execution });
    } catch (error) {
      heartbeat.cancel();
      const { name, message } = error as Error;
      // As the state's retriers: what is not an answer of ours is tried again.
      if (/^(Object|Task\.Invalid)/.test(name)) Object.assign(visit, { status: 'failed', error: name, cause: message });
      else this.clock.schedule(2000, again);
    }
  }

  private receive(event: AwsEvent): void {
    this.events.push(event);
    if (this.options.eventsArrive === false) return;
    this.clock.schedule(500, () => {
      for (let copy = 0; copy < (this.options.eventCopies ?? 1); copy++) void this.relay(event).catch(() => undefined);
    });
  }

  private states(): Service {
    const complete = (token: string, end: Partial<Visit>): ServiceOutput => {
      const waiting = this.tokens.get(token);
      if (waiting === undefined) throw new ServiceError('InvalidToken', 'Invalid token');
      if (!waiting.isOpen) throw new ServiceError('TaskTimedOut', 'Task Timed Out');
      waiting.isOpen = false;
      Object.assign(waiting.visit, end);
      return {};
    };
    return {
      name: 'states',
      operations: {
        SendTaskSuccess: (input: { taskToken: string; output: string }) =>
          complete(input.taskToken, { status: 'succeeded', output: JSON.parse(input.output) as Visit['output'] }),
        SendTaskFailure: (input: { taskToken: string; error: string; cause: string }) =>
          complete(input.taskToken, { status: 'failed', error: input.error, cause: input.cause }),
        SendTaskHeartbeat: (input: { taskToken: string }) => {
          const waiting = this.tokens.get(input.taskToken);
          if (waiting?.isOpen !== true) throw new ServiceError('TaskTimedOut', 'Task Timed Out');
          waiting.beat();
          return {};
        },
        DescribeExecution: ({ executionArn }: { executionArn: string }): ServiceOutput => {
          const described = this.executions.get(executionArn);
          if (described === undefined) throw new ServiceError('ExecutionDoesNotExist', executionArn);
          if (described instanceof Error) throw described;
          return { executionArn, ...described };
        },
      },
    };
  }
}

/** Settings of the task that runs commands. */
export const processSettings = {
  ledgerTable,
  fleet: { kind: 'tag', id: fleetId, key: 'role', value: 'worker', slotsPerInstance: 1 },
  documentName: 'process',
  resultsBucket: 'results',
  resultsPrefix: 'out/',
  executionTimeoutSeconds: 10_800,
  deadlineSeconds: 24 * 3600,
};

const commandDocument = {
  schemaVersion: '2.2',
  description: 'Stands for the document of the construct.',
  parameters: Object.fromEntries(
    Object.keys(commandParameterRules).map((name) => [name, { type: 'String', interpolationType: 'ENV_VAR' }]),
  ),
  mainSteps: [
    { action: 'aws:runShellScript', name: 'process', inputs: { timeoutSeconds: '10800', runCommand: ['true'] } },
  ],
};
