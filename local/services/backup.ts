/** Simulated AWS Backup: vaults, jobs on demand and by plan, recovery points, copies and restores. */
import { type BackupJob, BackupJobs, type BackupOptions, type RecoveryPoint, simulatedSizeBytes } from './backup-jobs';
import { BackupPlans } from './backup-plans';
import { type RestoreJob, RestoreJobs } from './backup-restores';
import { checkParameters, pageOf, type ParameterRules } from './call-parameters';
import { type Service, ServiceError, type ServiceOutput } from './service';

export type { BackupAnswer, BackupJob, BackupJobState, BackupOptions, RecoveryPoint } from './backup-jobs';

type Input = Readonly<Record<string, unknown>>;

interface Vault {
  readonly name: string;
  readonly createdAtMs: number;
}

/** AWS Backup: tags of a recovery point. */
const maximumTags = 10;
const defaultStartWindowMinutes = 480;

/** The AWS Backup of one account and Region.
 * @example
 * backup.jobs.answer((job) => (job.resourceType === 'S3' ? { state: 'FAILED', statusMessage: 'access denied' } : undefined)); */
export class BackupService implements Service {
  readonly name = 'backup';
  readonly jobs: BackupJobs;
  readonly restores: RestoreJobs;
  readonly plans: BackupPlans;
  readonly vaults = new Map<string, Vault>();
  readonly operations: Readonly<Record<string, (input: Input) => ServiceOutput>>;

  constructor(private readonly options: BackupOptions) {
    this.jobs = new BackupJobs(options);
    this.restores = new RestoreJobs(options);
    this.plans = new BackupPlans(options.clock, (request) => void this.startBackupJob(request));
    this.operations = {
      StartBackupJob: (input) => this.startBackupJob(input),
      DescribeBackupJob: (input) => this.describeBackupJob(input),
      ListBackupJobs: (input) => this.listBackupJobs(input),
      StopBackupJob: (input) => this.stopBackupJob(input),
      DescribeRecoveryPoint: (input) => this.describeRecoveryPoint(input),
      ListRecoveryPointsByBackupVault: (input) => this.listRecoveryPoints(input),
      DeleteRecoveryPoint: (input) => this.deleteRecoveryPoint(input),
      StartCopyJob: (input) => this.startCopyJob(input),
      DescribeCopyJob: (input) => this.describeCopyJob(input),
      StartRestoreJob: (input) => this.startRestoreJob(input),
      DescribeRestoreJob: (input) => this.describeRestoreJob(input),
    };
  }

  /** Creates a vault.
   * @throws ServiceError `AlreadyExistsException` */
  createVault(name: string): Vault {
    if (this.vaults.has(name))
      throw new ServiceError('AlreadyExistsException', `Backup vault with the same name already exists`);
    const vault = { name, createdAtMs: this.options.clock.nowMs() };
    this.vaults.set(name, vault);
    return vault;
  }

  private startBackupJob(input: Input): ServiceOutput {
    check('StartBackupJob', input, {
      required: ['BackupVaultName', 'ResourceArn', 'IamRoleArn'],
      optional: [
        'IdempotencyToken',
        'StartWindowMinutes',
        'CompleteWindowMinutes',
        'Lifecycle',
        'RecoveryPointTags',
        'BackupOptions',
      ],
    });
    const vaultName = this.existingVault(input['BackupVaultName'] as string).name;
    const resourceArn = input['ResourceArn'] as string;
    const resourceType = resourceTypeOf(resourceArn);
    const windows = readWindows(input);
    checkLifecycle(input['Lifecycle'] as LifecycleInput | undefined);
    const tags = (input['RecoveryPointTags'] ?? {}) as Readonly<Record<string, string>>;
    if (Object.keys(tags).length > maximumTags)
      throw new ServiceError('LimitExceededException', `A recovery point can have at most ${maximumTags} tags.`);
    const idempotencyToken = input['IdempotencyToken'] as string | undefined;
    const job =
      this.jobWithToken('backup', idempotencyToken) ??
      this.jobs.start({
        kind: 'backup',
        vaultName,
        resourceArn,
        resourceType,
        roleArn: input['IamRoleArn'] as string,
        idempotencyToken,
        tags,
        source: undefined,
        ...windows,
      });
    return { BackupJobId: job.jobId, CreationDate: new Date(job.createdAtMs), IsParent: false };
  }

  private describeBackupJob(input: Input): ServiceOutput {
    check('DescribeBackupJob', input, { required: ['BackupJobId'] });
    return this.describe(this.existingJob('backup', input['BackupJobId'] as string));
  }

  private listBackupJobs(input: Input): ServiceOutput {
    check('ListBackupJobs', input, {
      optional: [
        'ByResourceArn',
        'ByState',
        'ByBackupVaultName',
        'ByCreatedAfter',
        'ByCreatedBefore',
        'ByResourceType',
        'MaxResults',
        'NextToken',
      ],
    });
    const equal = (name: string, value: string): boolean => input[name] === undefined || input[name] === value;
    const after = input['ByCreatedAfter'] as Date | undefined;
    const before = input['ByCreatedBefore'] as Date | undefined;
    const found = [...this.jobs.all.values()]
      .filter(
        (job) =>
          job.kind === 'backup' &&
          equal('ByResourceArn', job.resourceArn) &&
          equal('ByState', job.state) &&
          equal('ByBackupVaultName', job.vaultName) &&
          equal('ByResourceType', job.resourceType) &&
          (after === undefined || job.createdAtMs > after.getTime()) &&
          (before === undefined || job.createdAtMs < before.getTime()),
      )
      .reverse();
    const { items, nextToken } = page(found, input);
    return { BackupJobs: items.map((job) => this.describe(job)), NextToken: nextToken };
  }

  private stopBackupJob(input: Input): ServiceOutput {
    check('StopBackupJob', input, { required: ['BackupJobId'] });
    const job = this.existingJob('backup', input['BackupJobId'] as string);
    if (job.completedAtMs !== undefined) {
      throw new ServiceError('InvalidRequestException', `Cannot stop a job with a current status of ${job.state}`);
    }
    this.jobs.stop(job);
    return {};
  }

  private describeRecoveryPoint(input: Input): ServiceOutput {
    check('DescribeRecoveryPoint', input, { required: ['BackupVaultName', 'RecoveryPointArn'] });
    return this.describePoint(this.existingPoint(input));
  }

  private listRecoveryPoints(input: Input): ServiceOutput {
    check('ListRecoveryPointsByBackupVault', input, {
      required: ['BackupVaultName'],
      optional: ['ByResourceArn', 'ByResourceType', 'MaxResults', 'NextToken'],
    });
    const vaultName = this.existingVault(input['BackupVaultName'] as string).name;
    const found = [...this.jobs.recoveryPoints.values()].filter(
      (point) =>
        point.vaultName === vaultName &&
        (input['ByResourceArn'] === undefined || point.resourceArn === input['ByResourceArn']) &&
        (input['ByResourceType'] === undefined || point.resourceType === input['ByResourceType']),
    );
    const { items, nextToken } = page(found, input);
    return { RecoveryPoints: items.map((point) => this.describePoint(point)), NextToken: nextToken };
  }

  private deleteRecoveryPoint(input: Input): ServiceOutput {
    check('DeleteRecoveryPoint', input, { required: ['BackupVaultName', 'RecoveryPointArn'] });
    this.jobs.recoveryPoints.delete(this.existingPoint(input).recoveryPointArn);
    return {};
  }

  private startCopyJob(input: Input): ServiceOutput {
    check('StartCopyJob', input, {
      required: ['RecoveryPointArn', 'SourceBackupVaultName', 'DestinationBackupVaultArn', 'IamRoleArn'],
      optional: ['IdempotencyToken', 'Lifecycle'],
    });
    const vaultName = this.existingVault(input['SourceBackupVaultName'] as string).name;
    const point = this.existingPoint({ ...input, BackupVaultName: vaultName });
    const idempotencyToken = input['IdempotencyToken'] as string | undefined;
    const job =
      this.jobWithToken('copy', idempotencyToken) ??
      this.jobs.start({
        kind: 'copy',
        vaultName: (input['DestinationBackupVaultArn'] as string).split(':').at(-1) ?? '',
        resourceArn: point.resourceArn,
        resourceType: point.resourceType,
        roleArn: input['IamRoleArn'] as string,
        idempotencyToken,
        tags: {},
        source: { vaultName, recoveryPointArn: point.recoveryPointArn },
        ...readWindows({}),
      });
    return { CopyJobId: job.jobId, CreationDate: new Date(job.createdAtMs), IsParent: false };
  }

  private describeCopyJob(input: Input): ServiceOutput {
    check('DescribeCopyJob', input, { required: ['CopyJobId'] });
    const job = this.existingJob('copy', input['CopyJobId'] as string);
    return {
      CopyJob: {
        AccountId: this.options.accountId,
        CopyJobId: job.jobId,
        SourceBackupVaultArn: this.jobs.vaultArn(job.source?.vaultName ?? ''),
        SourceRecoveryPointArn: job.source?.recoveryPointArn,
        DestinationBackupVaultArn: this.jobs.vaultArn(job.vaultName),
        DestinationRecoveryPointArn: job.recoveryPointArn,
        ResourceArn: job.resourceArn,
        ResourceType: job.resourceType,
        IamRoleArn: job.roleArn,
        State: job.state,
        StatusMessage: job.statusMessage,
        CreationDate: new Date(job.createdAtMs),
        CompletionDate: dateOf(job.completedAtMs),
      },
    };
  }

  private startRestoreJob(input: Input): ServiceOutput {
    check('StartRestoreJob', input, {
      required: ['RecoveryPointArn', 'Metadata', 'IamRoleArn'],
      optional: ['IdempotencyToken', 'ResourceType', 'CopySourceTagsToRestoredResource'],
    });
    const recoveryPointArn = input['RecoveryPointArn'] as string;
    const point = this.jobs.recoveryPoints.get(recoveryPointArn);
    if (point === undefined) throw notFound(`Recovery point ${recoveryPointArn} does not exist`);
    const { ResourceType: type = point.resourceType } = input;
    if (type !== point.resourceType) throw invalidParameter(`The recovery point is not of the type ${String(type)}`);
    const idempotencyToken = input['IdempotencyToken'] as string | undefined;
    const job =
      [...this.restores.all.values()].find(
        (earlier) => idempotencyToken !== undefined && earlier.idempotencyToken === idempotencyToken,
      ) ??
      this.restores.start({
        point,
        roleArn: input['IamRoleArn'] as string,
        idempotencyToken,
        metadata: input['Metadata'] as Readonly<Record<string, string>>,
      });
    return { RestoreJobId: job.jobId };
  }

  private describeRestoreJob(input: Input): ServiceOutput {
    check('DescribeRestoreJob', input, { required: ['RestoreJobId'] });
    const job = this.restores.all.get(input['RestoreJobId'] as string);
    if (job === undefined) throw notFound(`Restore job ${String(input['RestoreJobId'])} does not exist`);
    return this.describeRestore(job);
  }

  private existingVault(name: string): Vault {
    if (!/^[a-zA-Z0-9\-_]{2,50}$/.test(name)) throw invalidParameter(`Invalid backup vault name: ${name}`);
    const vault = this.vaults.get(name);
    if (vault === undefined) throw notFound(`Backup vault ${name} does not exist`);
    return vault;
  }

  private existingJob(kind: BackupJob['kind'], jobId: string): BackupJob {
    const job = this.jobs.all.get(jobId);
    if (job?.kind !== kind) throw notFound(`${kind === 'backup' ? 'Backup' : 'Copy'} job ${jobId} does not exist`);
    return job;
  }

  private existingPoint(input: Input): RecoveryPoint {
    const point = this.jobs.recoveryPoints.get(input['RecoveryPointArn'] as string);
    if (point?.vaultName !== input['BackupVaultName'])
      throw notFound(`Recovery point ${String(input['RecoveryPointArn'])} does not exist`);
    return point!;
  }

  private jobWithToken(kind: BackupJob['kind'], token: string | undefined): BackupJob | undefined {
    if (token === undefined) return undefined;
    return [...this.jobs.all.values()].find((job) => job.kind === kind && job.idempotencyToken === token);
  }

  private describe(job: BackupJob): Record<string, unknown> {
    const isCompleted = job.state === 'COMPLETED' || job.state === 'PARTIAL';
    return {
      AccountId: this.options.accountId,
      BackupJobId: job.jobId,
      BackupVaultName: job.vaultName,
      BackupVaultArn: this.jobs.vaultArn(job.vaultName),
      RecoveryPointArn: job.recoveryPointArn,
      ResourceArn: job.resourceArn,
      ResourceType: job.resourceType,
      IamRoleArn: job.roleArn,
      State: job.state,
      StatusMessage: job.statusMessage,
      ...(job.completedAtMs === undefined
        ? {}
        : { MessageCategory: job.state === 'COMPLETED' ? 'SUCCESS' : job.state }),
      PercentDone: isCompleted ? '100.0' : '0.0',
      BackupSizeInBytes: isCompleted ? simulatedSizeBytes : 0,
      BytesTransferred: isCompleted ? simulatedSizeBytes : 0,
      CreationDate: new Date(job.createdAtMs),
      StartBy: new Date(job.startByMs),
      InitiationDate: dateOf(job.startedAtMs),
      CompletionDate: dateOf(job.completedAtMs),
      IsParent: false,
    };
  }

  private describeRestore(job: RestoreJob): Record<string, unknown> {
    const isCompleted = job.status === 'COMPLETED';
    return {
      AccountId: this.options.accountId,
      RestoreJobId: job.jobId,
      RecoveryPointArn: job.point.recoveryPointArn,
      SourceResourceArn: job.point.resourceArn,
      BackupVaultArn: this.jobs.vaultArn(job.point.vaultName),
      RecoveryPointCreationDate: new Date(job.point.createdAtMs),
      ResourceType: job.point.resourceType,
      IamRoleArn: job.roleArn,
      Status: job.status,
      StatusMessage: job.statusMessage,
      PercentDone: isCompleted ? '100.00' : '0.00',
      BackupSizeInBytes: simulatedSizeBytes,
      CreatedResourceArn: isCompleted ? `arn:aws:s3:::${job.target.bucket}` : undefined,
      CreationDate: new Date(job.createdAtMs),
      CompletionDate: dateOf(job.completedAtMs),
      IsParent: false,
    };
  }

  private describePoint(point: RecoveryPoint): Record<string, unknown> {
    return {
      RecoveryPointArn: point.recoveryPointArn,
      BackupVaultName: point.vaultName,
      BackupVaultArn: this.jobs.vaultArn(point.vaultName),
      ResourceArn: point.resourceArn,
      ResourceType: point.resourceType,
      IamRoleArn: point.roleArn,
      Status: point.status,
      CreationDate: new Date(point.createdAtMs),
      CompletionDate: new Date(point.completedAtMs),
      BackupSizeInBytes: simulatedSizeBytes,
      IsEncrypted: false,
    };
  }
}

interface LifecycleInput {
  readonly MoveToColdStorageAfterDays?: number;
  readonly DeleteAfterDays?: number;
}

function check(operation: string, input: Input, rules: ParameterRules): void {
  checkParameters(
    { service: 'backup', operation },
    input,
    rules,
    (name) => new ServiceError('MissingParameterValueException', `${name} is required`),
  );
}

function readWindows(input: Input): { readonly startWindowMs: number; readonly completeWindowMs: number | undefined } {
  const startMinutes = (input['StartWindowMinutes'] as number | undefined) ?? defaultStartWindowMinutes;
  const completeMinutes = input['CompleteWindowMinutes'] as number | undefined;
  if (startMinutes < 60) throw invalidParameter('The start window must be at least 60 minutes');
  if (completeMinutes !== undefined && completeMinutes <= startMinutes) {
    throw invalidParameter('The completion window must be longer than the start window');
  }
  return {
    startWindowMs: startMinutes * 60_000,
    completeWindowMs: completeMinutes === undefined ? undefined : completeMinutes * 60_000,
  };
}

function checkLifecycle(lifecycle: LifecycleInput | undefined): void {
  const { MoveToColdStorageAfterDays: coldDays, DeleteAfterDays: deleteDays } = lifecycle ?? {};
  if (coldDays === undefined || deleteDays === undefined || deleteDays >= coldDays + 90) return;
  throw invalidParameter('DeleteAfterDays cannot be less than 90 days apart from MoveToColdStorageAfterDays');
}

function resourceTypeOf(resourceArn: string): string {
  const types: readonly [RegExp, string][] = [
    [/^arn:[^:]+:s3:::[^/:]+$/, 'S3'],
    [/^arn:[^:]+:ec2:[^:]+:\d+:instance\/i-/, 'EC2'],
    [/^arn:[^:]+:ec2:[^:]+:\d+:volume\/vol-/, 'EBS'],
    [/^arn:[^:]+:dynamodb:[^:]+:\d+:table\//, 'DynamoDB'],
  ];
  const type = types.find(([pattern]) => pattern.test(resourceArn))?.[1];
  if (type === undefined) throw invalidParameter(`Invalid ARN or unsupported resource type: ${resourceArn}`);
  return type;
}

function page<Item>(items: readonly Item[], input: Input) {
  return pageOf(
    items,
    { token: input['NextToken'] as string | undefined, size: (input['MaxResults'] as number | undefined) ?? 1000 },
    () => invalidParameter('Invalid token'),
  );
}

function dateOf(instantMs: number | undefined): Date | undefined {
  return instantMs === undefined ? undefined : new Date(instantMs);
}

function invalidParameter(message: string): ServiceError {
  return new ServiceError('InvalidParameterValueException', message);
}

function notFound(message: string): ServiceError {
  return new ServiceError('ResourceNotFoundException', message);
}
