/** The customer registration: an application on a fleet behind a load balancer, its customers, their attachments, and the workflow
 * that the same fleet runs for each attachment. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  AssetHashType,
  BundlingOutput,
  DockerImage,
  Duration,
  RemovalPolicy,
  Size,
  Stack,
  Validations,
  type StackProps,
} from 'aws-cdk-lib';
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault } from 'aws-cdk-lib/aws-backup';
import { AttributeType, BillingMode, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { InstanceType } from 'aws-cdk-lib/aws-ec2';
import { Schedule } from 'aws-cdk-lib/aws-events';
import { Grant, ManagedPolicy, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { BlockPublicAccess, Bucket, BucketEncryption, type CfnBucket } from 'aws-cdk-lib/aws-s3';
import {
  BackupPolicy,
  InstanceFleet,
  LedgerTable,
  ObjectStore,
  ObjectWorkflow,
  Processor,
  SnapshotPolicy,
} from 'cdk-object-workflow';
import type { Construct } from 'constructs';
import { Door } from './door';
import { acceptedTypes, maximumBytes } from './application/attachments';
import { StaffLogin } from './staff-login';

/** What differs from account to account. */
export interface CustomerRegistrationProps extends StackProps {
  /** Certificate of the address that the load balancer is reached by, in the same Region. */
  readonly certificateArn: string;
  /** Where members of staff come back to after they have signed in. */
  readonly signedInAddress: string;
}

const applicationPort = 8080;
const dataDirectory = '/data';
/** Everything that holds personal data is gone after this at the latest, if nobody has asked to keep it. */
const backupLifetime = Duration.days(365);

/** The whole example. */
export class CustomerRegistrationStack extends Stack {
  readonly customers: Table;
  readonly attachments: ObjectStore;
  readonly results: ObjectStore;
  readonly quarantine: ObjectStore;
  readonly ledger: LedgerTable;
  readonly fleet: InstanceFleet;
  readonly workflow: ObjectWorkflow;

  constructor(scope: Construct, id: string, props: CustomerRegistrationProps) {
    super(scope, id, props);
    const logs = this.createLogBucket();
    this.customers = this.createCustomerTable();
    this.attachments = new ObjectStore(this, 'Attachments', { serverAccessLogsBucket: logs });
    this.results = new ObjectStore(this, 'Results', { serverAccessLogsBucket: logs });
    this.quarantine = new ObjectStore(this, 'Quarantine', {
      serverAccessLogsBucket: logs,
      lifecycleRules: [ObjectStore.expireAfter(Duration.days(30), { keepNoncurrentFor: Duration.days(1) })],
    });
    this.ledger = new LedgerTable(this, 'Ledger');
    this.fleet = this.createFleet(new StaffLogin(this, 'Staff', { signedInAddress: props.signedInAddress }));
    this.workflow = new ObjectWorkflow(this, 'Attachment', {
      source: {
        bucket: this.attachments.bucket,
        prefix: 'attachments/',
        maximumSize: Size.bytes(maximumBytes),
        contentTypes: [...acceptedTypes],
      },
      processor: Processor.fleet(this.fleet, {
        command: readFileSync(join(__dirname, 'process.sh'), 'utf8'),
        timeout: Duration.minutes(10),
      }),
      ledger: this.ledger,
      results: this.results.bucket,
      quarantine: this.quarantine.bucket,
      // Instances hold nothing that cannot be made again; the results are worth a recovery point.
      snapshot: SnapshotPolicy.never(),
      backup: BackupPolicy.everyRun({ deleteAfter: backupLifetime }),
    });
    this.grantApplication();
    const { fleet } = this;
    new Door(this, 'Door', { fleet, port: applicationPort, certificateArn: props.certificateArn, logs });
    this.scheduleBackups();
    explainChoices(this);
  }

  /** Who reached which object and which address: opaque ids, no names. */
  private createLogBucket(): Bucket {
    return new Bucket(this, 'Logs', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN,
      lifecycleRules: [ObjectStore.expireAfter(Duration.days(365), { keepNoncurrentFor: Duration.days(7) })],
    });
  }

  private createCustomerTable(): Table {
    return new Table(this, 'Customers', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
  }

  private createFleet(login: StaffLogin): InstanceFleet {
    const role = new Role(this, 'InstanceRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    const application = bundleApplication(this);
    Grant.addToPrincipal({
      grantee: role,
      actions: ['s3:GetObject'],
      resourceArns: [application.bucket.arnForObjects(application.s3ObjectKey)],
    });
    const settings = {
      APPLICATION_SOURCE: application.s3ObjectUrl,
      AWS_REGION: this.region,
      CUSTOMER_TABLE: this.customers.tableName,
      LEDGER_TABLE: this.ledger.table.tableName,
      ATTACHMENT_BUCKET: this.attachments.bucket.bucketName,
      RESULT_BUCKET: this.results.bucket.bucketName,
      QUARANTINE_BUCKET: this.quarantine.bucket.bucketName,
      TOKEN_ISSUER: login.issuer,
      TOKEN_CLIENTS: login.client.userPoolClientId,
      DATA_DIRECTORY: dataDirectory,
      PORT: String(applicationPort),
    };
    return new InstanceFleet(this, 'Fleet', {
      role,
      instanceType: new InstanceType('t4g.small'),
      minCapacity: 2,
      maxCapacity: 4,
      dataVolume: { size: Size.gibibytes(20), mountPath: dataDirectory },
      userDataCommands: [
        ...Object.entries(settings).map(([name, value]) => `export ${name}='${value}'`),
        readFileSync(join(__dirname, 'install.sh'), 'utf8'),
      ],
    });
  }

  /** Allows the instances exactly what the application does. What the command needs, the workflow has granted. */
  private grantApplication(): void {
    const { role } = this.fleet;
    const allow = (actions: string[], ...resourceArns: string[]) =>
      Grant.addToPrincipal({ grantee: role, actions, resourceArns });
    allow(
      ['GetItem', 'PutItem', 'UpdateItem', 'DeleteItem', 'Query', 'ConditionCheckItem'].map(
        (name) => `dynamodb:${name}`,
      ),
      this.customers.tableArn,
    );
    allow(['dynamodb:Query'], this.ledger.table.tableArn);
    const { attachments, results, quarantine } = this;
    const files = [
      { bucket: attachments.bucket, objects: attachments.bucket.arnForObjects('attachments/*') },
      { bucket: results.bucket, objects: results.bucket.arnForObjects('operations/*') },
      { bucket: quarantine.bucket, objects: quarantine.bucket.arnForObjects('*') },
    ] as const;
    // Forms that the application signs are used with its rights.
    allow(['s3:PutObject'], files[0].objects);
    // Reading attachments is granted by the workflow, whose command does it too.
    allow(['s3:GetObject'], files[1].objects);
    // Without it, S3 says of a file that is not there yet that it may not be read.
    allow(['s3:ListBucket'], files[0].bucket.bucketArn);
    for (const { bucket, objects } of files) {
      allow(['s3:ListBucketVersions'], bucket.bucketArn);
      allow(['s3:DeleteObjectVersion'], objects);
    }
  }

  /** Every night. Recovery points of the table move to cold storage after 90 days; those of buckets have no cold storage. */
  private scheduleBackups(): void {
    const vault = new BackupVault(this, 'BackupVault', { removalPolicy: RemovalPolicy.RETAIN });
    const nightly = (name: string, moveToColdStorageAfter?: Duration) =>
      new BackupPlanRule({
        ruleName: name,
        backupVault: vault,
        scheduleExpression: Schedule.cron({ hour: '4', minute: '0' }),
        deleteAfter: backupLifetime,
        moveToColdStorageAfter,
      });
    const customers = new BackupPlan(this, 'CustomersBackup', {
      backupPlanRules: [nightly('Nightly', Duration.days(90))],
    });
    customers.addSelection('Table', { resources: [BackupResource.fromDynamoDbTable(this.customers)] });
    const files = new BackupPlan(this, 'AttachmentsBackup', { backupPlanRules: [nightly('Nightly')] });
    const role = new Role(this, 'BackupRole', {
      assumedBy: new ServicePrincipal('backup.amazonaws.com'),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('AWSBackupServiceRolePolicyForS3Backup')],
    });
    const bucket = BackupResource.fromArn(this.attachments.bucket.bucketArn);
    files.addSelection('Bucket', { resources: [bucket], role, disableDefaultBackupPolicy: true });
  }
}

/** What cdk-nag asks for and this example decides otherwise. */
function explainChoices(stack: CustomerRegistrationStack): void {
  const explain = (reason: string, ...ids: string[]) =>
    Validations.of(stack).acknowledge(...ids.map((id) => ({ id, reason })));
  explain(
    'The Plus plan watches for stolen passwords, and costs more than all the rest of this example; everybody here has a second factor.',
    'AwsSolutions-COG8',
  );
  explain('This is the way in: HTTPS for everybody, and the application asks for a token.', 'AwsSolutions-EC23');
  explain(
    'Every route but one asks for a verified token and is limited for each caller; a web ACL is worth its price once addresses are abused.',
    'NIST.800.53.R5-ALBWAFEnabled',
  );
  explain(
    'Systemd restarts an application that is down; replacing its instance would end the commands that run there.',
    'NIST.800.53.R5-AutoScalingGroupELBHealthCheckRequired',
  );
  explain(
    'The policies that AWS Backup requires of its roles; they are kept by AWS in step with the service.',
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup]',
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AWSBackupServiceRolePolicyForS3Backup]',
  );
  const { attachments, results, quarantine } = stack;
  const arnOf = ({ bucket }: ObjectStore) => `<${stack.getLogicalId(bucket.node.defaultChild as CfnBucket)}.Arn>`;
  explain(
    'The keys of files are known only at run time: the prefix is the narrowest resource that can be written.',
    `AwsSolutions-IAM5[Resource::${arnOf(attachments)}/attachments/*]`,
    `AwsSolutions-IAM5[Resource::${arnOf(results)}/operations/*]`,
    `AwsSolutions-IAM5[Resource::${arnOf(quarantine)}/*]`,
  );
}

/** One file, built at synth: instances need nothing but Node.js. */
function bundleApplication(scope: Construct): Asset {
  return new Asset(scope, 'Application', {
    path: join(__dirname, 'application'),
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      outputType: BundlingOutput.SINGLE_FILE,
      // Asked for only where `tryBundle` cannot.
      image: DockerImage.fromRegistry('public.ecr.aws/docker/library/node:22'),
      local: {
        tryBundle: (directory) => {
          execFileSync(process.execPath, [join(__dirname, 'bundle.mjs'), join(directory, 'main.js')]);
          return true;
        },
      },
    },
  });
}
