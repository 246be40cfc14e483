/** What can be brought back: when an instance is imaged and results are backed up, how long that is kept, and the vault and role for it. */
import { Duration, RemovalPolicy, Stack, Token } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault, type IBackupVault } from 'aws-cdk-lib/aws-backup';
import type { Schedule } from 'aws-cdk-lib/aws-events';
import { ManagedPolicy, Role, ServicePrincipal, type IRole } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import type { GroupCommitPolicy } from '../tasks/operations/settings';
import { misuse } from './misuse';

/** How images are made and kept. */
export interface SnapshotOptions {
  /** How long an execution waits for an image that holds its results. EC2 may take up to a day for one.
   * @default - a day, or half a day longer than the interval of `atMostEvery` */
  readonly deadline?: Duration;
  /** False: EC2 restarts the instance for a consistent image, which ends every command that runs on it.
   * @default true */
  readonly noReboot?: boolean;
  /** Regions that each image is copied to as well. Executions wait for the copies. One that fails, or has not ended by the
   * deadline, fails nothing: `image.copies` of the record says so, and the alarm `imageCopies` goes off. In those Regions
   * `keep` and `keepFor` hold as well, and images in use stay. A volume that is encrypted with a key of yours needs that
   * key allowed to the workflow's functions.
   * @default - none
   * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ami-copy-works.html (read 2026-11)
   * @example SnapshotPolicy.everyRun({ copyTo: ['eu-west-1'], keep: 7 }); */
  readonly copyTo?: readonly string[];
  /** ARNs of the KMS keys that encrypt the copies, by Region. A key's policy must leave it to IAM who may use the key.
   * @default - a copy is encrypted if its image is, or if the Region's default says so */
  readonly copyKeyArns?: Readonly<Record<string, string>>;
  /** Name of an SSM parameter that is to name the newest image, for launch templates to follow.
   * @default - none */
  readonly parameterName?: string;
  /** How many of the newest images are kept, with their snapshots. One in use stays as well: an instance was launched from
   * it, any version of a launch template names it, or the parameter does. Whether
   * other accounts use one that you share with them is not looked at.
   * @default - all */
  readonly keep?: number;
  /** How long images are kept. The newest one and those in use always are.
   * @default - for ever */
  readonly keepFor?: Duration;
}

/** How backups are kept. AWS Backup has no cold storage for S3. */
export interface ScheduledBackupOptions {
  /** Where recovery points are kept.
   * @default - a vault of its own, kept when the stack is deleted */
  readonly vault?: IBackupVault;
  /** After how long a recovery point is deleted.
   * @default - never */
  readonly deleteAfter?: Duration;
}

/** How backups are made and kept. */
export interface BackupOptions extends ScheduledBackupOptions {
  /** How long an execution waits for a recovery point that holds its results.
   * @default - a day, or half a day longer than the interval of `atMostEvery` */
  readonly deadline?: Duration;
}

/** When the instance that processed an object is imaged. Executions share images: one that began after an execution's
 * results were stored serves it, however many there are. */
export class SnapshotPolicy {
  /** Every execution waits for an image that holds its results; a new one begins as soon as the last is done. */
  public static everyRun(options: SnapshotOptions = {}): SnapshotPolicy {
    return new SnapshotPolicy({ kind: 'everyRun' }, options);
  }

  /** As `everyRun`, with at least that long between the beginnings of two images; executions wait for it, and so do the
   * instances of an `InstanceFleet`, which are paid for meanwhile. */
  public static atMostEvery(interval: Duration, options: SnapshotOptions = {}): SnapshotPolicy {
    return new SnapshotPolicy({ kind: 'atMostEvery', seconds: interval.toSeconds() }, options);
  }

  /** No images. */
  public static never(): SnapshotPolicy {
    return new SnapshotPolicy(undefined, {});
  }

  private constructor(
    private readonly policy: GroupCommitPolicy | undefined,
    private readonly options: SnapshotOptions,
  ) {}

  /** What the policy comes to in a workflow; nothing for `never`.
   * @param where Path of the workflow, for the error's text.
   * @param region The workflow's Region, or a token.
   * @throws Error when the deadline is no longer than the interval: it would always be missed; or when images cannot be
   * copied to such Regions, or with such keys */
  public plan(where: string, region: string): SharedJobPlan<SnapshotOptions> | undefined {
    const { policy, options } = this;
    checkCopies(where, region, options);
    return policy && { policy, options, deadline: sharedJobDeadline(where, policy, options.deadline) };
  }
}

/** When results are backed up. Executions share backup jobs: AWS Backup runs one at a time for a bucket. */
export class BackupPolicy {
  /** Every execution waits for a recovery point that holds its results; a new job begins as soon as the last is done. */
  public static everyRun(options: BackupOptions = {}): BackupPolicy {
    return new BackupPolicy({ kind: 'everyRun' }, options);
  }

  /** As `everyRun`, with at least that long between the beginnings of two jobs; executions wait for it. */
  public static atMostEvery(interval: Duration, options: BackupOptions = {}): BackupPolicy {
    return new BackupPolicy({ kind: 'atMostEvery', seconds: interval.toSeconds() }, options);
  }

  /** A plan of AWS Backup backs the results up when the schedule says so, in UTC; executions do not wait for it. For several
   * rules, copies or recovery to any point in time, make a `BackupPlan` with `workflow.recovery`'s vault and role.
   * @example BackupPolicy.scheduled(Schedule.cron({ hour: '4', minute: '0' }), { deleteAfter: Duration.days(35) }); */
  public static scheduled(schedule: Schedule, options: ScheduledBackupOptions = {}): BackupPolicy {
    return new BackupPolicy(undefined, options, schedule);
  }

  /** No backups. */
  public static never(): BackupPolicy {
    return new BackupPolicy(undefined, {});
  }

  private constructor(
    private readonly policy: GroupCommitPolicy | undefined,
    /** Where recovery points are kept, and how long. */
    public readonly options: BackupOptions,
    /** When a plan backs up.
     * @default - no plan */
    public readonly schedule?: Schedule,
  ) {}

  /** What the policy comes to in an execution; nothing for `scheduled` and `never`.
   * @param where Path of the workflow, for the error's text.
   * @throws Error when the deadline is no longer than the interval: it would always be missed */
  public plan(where: string): SharedJobPlan<BackupOptions> | undefined {
    const { policy, options } = this;
    return policy && { policy, options, deadline: sharedJobDeadline(where, policy, options.deadline) };
  }
}

/** When shared images or backup jobs are made, how, and how long a state waits for one. */
export interface SharedJobPlan<Options> {
  readonly policy: GroupCommitPolicy;
  readonly options: Options;
  readonly deadline: Duration;
}

function checkCopies(where: string, home: string, { copyTo = [], copyKeyArns = {} }: SnapshotOptions): void {
  const refuse = (what: string, got: string): Error =>
    misuse({
      what,
      where,
      got,
      allowed: 'other Regions than the workflow’s, each once, and keys of those Regions',
      fix: 'correct copyTo or copyKeyArns',
    });
  copyTo.forEach((region, index) => {
    if (region === home) throw refuse('Images are to be copied to where they are', region);
    if (copyTo.indexOf(region) !== index) throw refuse('A Region is named twice', region);
    if (!Token.isUnresolved(region) && !/^[a-z]{2}(-[a-z]+)+-\d$/.test(region)) {
      throw refuse('Images are to be copied to what is no Region', region);
    }
  });
  for (const [region, arn] of Object.entries(copyKeyArns)) {
    if (!copyTo.includes(region)) throw refuse('A key is for a Region that nothing is copied to', region);
    if (Token.isUnresolved(arn) || arn.split(':')[3] === region) continue;
    throw refuse(`The key for copies in ${region} is not a key of that Region`, arn);
  }
}

function sharedJobDeadline(where: string, policy: GroupCommitPolicy, deadline: Duration | undefined): Duration {
  const intervalSeconds = policy.kind === 'atMostEvery' ? policy.seconds : 0;
  if (deadline === undefined) {
    return intervalSeconds === 0
      ? Duration.days(1)
      : Duration.seconds(intervalSeconds + Duration.hours(12).toSeconds());
  }
  if (deadline.isUnresolved() || deadline.toSeconds() > intervalSeconds) return deadline;
  throw misuse({
    what: 'A deadline ends before its work may begin',
    where,
    got: `a deadline of ${deadline.toHumanString()} with atMostEvery ${Duration.seconds(intervalSeconds).toHumanString()}`,
    allowed: 'a deadline longer than the interval and the job together',
    fix: 'lengthen the deadline, or shorten the interval',
  });
}

/** What a recovery is for. */
export interface RecoveryProps {
  /** @default - a new vault */
  readonly vault?: IBackupVault;
  /** What is backed up by a plan.
   * @default - nothing */
  readonly scheduled?: ScheduledBackup;
}

/** A bucket that is backed up on a schedule. */
export interface ScheduledBackup {
  readonly bucket: IBucket;
  readonly schedule: Schedule;
  /** After how long a recovery point is deleted.
   * @default - never */
  readonly deleteAfter?: Duration;
}

/** A backup vault, and the role with which AWS Backup reads buckets, encrypted ones included: its managed policy lets it use keys through
 * S3. Recovery points outlive the stack. */
export class Recovery extends Construct {
  public readonly vault: IBackupVault;
  public readonly role: IRole;
  /** The plan that backs up on a schedule. */
  public readonly plan: BackupPlan | undefined;

  constructor(scope: Construct, id: string, props: RecoveryProps = {}) {
    super(scope, id);
    this.vault = props.vault ?? new BackupVault(this, 'Vault', { removalPolicy: RemovalPolicy.RETAIN });
    this.role = new Role(this, 'Role', {
      assumedBy: new ServicePrincipal('backup.amazonaws.com'),
      description: `Lets AWS Backup read the results of ${Stack.of(this).stackName}`,
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AWSBackupServiceRolePolicyForS3Backup')],
    });
    this.plan = props.scheduled && this.schedule(props.scheduled);
  }

  private schedule({ bucket, schedule, deleteAfter }: ScheduledBackup): BackupPlan {
    const rule = new BackupPlanRule({ backupVault: this.vault, scheduleExpression: schedule, deleteAfter });
    const plan = new BackupPlan(this, 'Plan', { backupPlanRules: [rule] });
    plan.addSelection('Bucket', {
      resources: [BackupResource.fromArn(bucket.bucketArn)],
      role: this.role,
      // The one for S3 is there already.
      disableDefaultBackupPolicy: true,
    });
    return plan;
  }
}
