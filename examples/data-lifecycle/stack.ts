/** The data lifecycle: people sign in and upload the logs of their tours, workers inspect them, and everything can be brought back. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CfnOutput, Duration, RemovalPolicy, Size, Stack, Validations, type StackProps } from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault } from 'aws-cdk-lib/aws-backup';
import { MachineImage } from 'aws-cdk-lib/aws-ec2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import {
  BackupPolicy,
  InstanceFleet,
  ObjectStore,
  ObjectWorkflow,
  Processor,
  SnapshotPolicy,
  UploadPortal,
} from 'cdk-object-workflow';
import type { Construct } from 'constructs';
import { DrillRoles } from './drill-roles';
import type { DrillSettings } from './restore-drill';

/** What differs from one deployment to the next. */
export interface DataLifecycleProps extends StackProps {
  /** What workers start from. The first deployment has no published image yet.
   * @default 'amazon-linux' */
  readonly workerImage?: 'amazon-linux' | 'published';
}

/** Names the image that the last snapshot made. */
const imageParameterName = '/data-lifecycle/worker-image';
/** How long the law, or the customer, wants to be able to see what happened. */
const retention = Duration.days(5 * 365);

/** The whole example. */
export class DataLifecycleStack extends Stack {
  readonly originals: ObjectStore;
  readonly results: ObjectStore;
  /** Where restore drills put what they bring back. */
  readonly drills: ObjectStore;
  readonly fleet: InstanceFleet;
  readonly workflow: ObjectWorkflow;
  readonly portal: UploadPortal;
  private readonly vault: BackupVault;

  constructor(scope: Construct, id: string, props: DataLifecycleProps = {}) {
    super(scope, id, props);
    const serverAccessLogsBucket = this.createLogBucket();
    this.originals = new ObjectStore(this, 'Originals', {
      serverAccessLogsBucket,
      lifecycleRules: [ObjectStore.archiveAfter(Duration.days(90), { minimumSize: Size.kibibytes(64) })],
    });
    // Small and asked for at any time: they stay where they can be read at once.
    this.results = new ObjectStore(this, 'Results', { serverAccessLogsBucket, lifecycleRules: [] });
    this.drills = new ObjectStore(this, 'Drills', {
      serverAccessLogsBucket,
      lifecycleRules: [ObjectStore.expireAfter(Duration.days(30), { keepNoncurrentFor: Duration.days(1) })],
    });
    this.vault = new BackupVault(this, 'Vault', { removalPolicy: RemovalPolicy.RETAIN });
    this.fleet = new InstanceFleet(this, 'Workers', {
      maxCapacity: 3,
      ...(props.workerImage === 'published' && {
        machineImage: MachineImage.resolveSsmParameterAtLaunch(imageParameterName),
      }),
    });
    this.workflow = this.createWorkflow(serverAccessLogsBucket);
    this.portal = new UploadPortal(this, 'Portal', { workflow: this.workflow, title: 'Cold chain archive' });
    new CfnOutput(this, 'Page', { value: this.portal.address });
    this.backUpOriginals();
    this.prepareDrills();
    this.explainChoices();
  }

  private createWorkflow(serverAccessLogsBucket: Bucket): ObjectWorkflow {
    return new ObjectWorkflow(this, 'Tours', {
      source: {
        bucket: this.originals.bucket,
        prefix: 'tours/',
        suffix: '.csv',
        maximumSize: Size.mebibytes(5),
        // Browsers on Windows take a CSV for Excel's.
        contentTypes: ['text/csv', 'text/plain', 'application/vnd.ms-excel'],
      },
      processor: Processor.fleet(this.fleet, {
        command: readFileSync(join(__dirname, 'inspect.sh'), 'utf8'),
        timeout: Duration.minutes(10),
      }),
      results: this.results.bucket,
      quarantine: new ObjectStore(this, 'Quarantine', {
        serverAccessLogsBucket,
        lifecycleRules: [ObjectStore.expireAfter(Duration.days(90))],
      }).bucket,
      snapshot: SnapshotPolicy.everyRun({ parameterName: imageParameterName, keep: 3 }),
      backup: BackupPolicy.everyRun({ vault: this.vault, deleteAfter: retention }),
    });
  }

  /** Who reached which object. */
  private createLogBucket(): Bucket {
    return new Bucket(this, 'AccessLogs', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [{ expiration: Duration.days(365) }],
    });
  }

  /** Every night, because AWS Backup leaves archived objects out: whatever is in Glacier was backed up ninety times before. */
  private backUpOriginals(): void {
    const plan = new BackupPlan(this, 'OriginalsBackup', {
      backupPlanRules: [
        new BackupPlanRule({
          ruleName: 'Nightly',
          backupVault: this.vault,
          scheduleExpression: Schedule.cron({ hour: '4', minute: '0' }),
          deleteAfter: retention,
        }),
      ],
    });
    plan.addSelection('Originals', {
      resources: [BackupResource.fromArn(this.originals.bucket.bucketArn)],
      role: this.workflow.recovery!.role,
      // The role may read buckets, and no more is needed.
      disableDefaultBackupPolicy: true,
    });
  }

  /** The roles of restore drills, and all that `restore-drill.ts` must know of the stack. */
  private prepareDrills(): void {
    const { originals, results, drills, fleet, workflow, vault } = this;
    const roles = new DrillRoles(this, 'Drill', {
      ...{ originals, drills, fleet, workflow, vault },
      imageParameterName,
    });
    const settings: DrillSettings = {
      originalsBucket: originals.bucket.bucketName,
      resultsBucket: results.bucket.bucketName,
      drillsBucket: drills.bucket.bucketName,
      ledgerTable: workflow.ledger.table.tableName,
      vaultName: vault.backupVaultName,
      restoreRoleArn: roles.restore.roleArn,
      imageParameterName,
      launchTemplateId: fleet.launchTemplate.launchTemplateId!,
      subnetId: fleet.vpc.publicSubnets[0]!.subnetId,
      documentName: workflow.document.documentName,
    };
    new CfnOutput(this, 'DrillRole', { value: roles.operator.roleArn });
    new CfnOutput(this, 'DrillSettings', { value: this.toJsonString(settings) });
  }

  /** What cdk-nag asks about and this example has decided; the rest is decided in SECURITY.md. */
  private explainChoices(): void {
    const explain = (reason: string, ...ids: readonly string[]) =>
      Validations.of(this).acknowledge(...ids.map((id) => ({ id, reason })));
    explain('Drivers may use a second factor; `mfa: Mfa.REQUIRED` asks all of them for it.', 'AwsSolutions-COG2');
    explain(
      'The Plus plan watches for stolen passwords, and costs more than all the rest of this example.',
      'AwsSolutions-COG8',
    );
    explain(
      'Vans are everywhere, and a web ACL has a price: `webAclId` adds one.',
      'AwsSolutions-CFR1',
      'AwsSolutions-CFR2',
    );
    explain(
      'The certificate of CloudFront itself sets the oldest TLS: `domain` brings your own and TLS 1.2.',
      'AwsSolutions-CFR4',
    );
    explain(
      'Access logs are written once, and the page is deployed again from its source.',
      'NIST.800.53.R5-S3BucketVersioningEnabled',
    );
    explain('A function of CDK that CloudFormation calls at deployment, and waits for.', 'NIST.800.53.R5-LambdaDLQ');
    explain(
      'S3 takes the size as a number, as CDK writes it; CloudFormation documents a string and converts it.',
      'CloudFormation-Validate::W9003',
    );
  }
}
