/** What services do with a role without any call of ours: writing logs and traces, connecting an agent, reading a bucket for a backup. */
import type { FunctionDefinition } from '../services/function-definition';
import { ServiceError, type Principal } from '../services/service';
import type { SimulatedServices } from '../compose-services';
import type { Distribution } from '../web/model';
import type { AccessModel } from './access-model';
import { logStream } from './calls/messaging';
import { keyUse, type Permission, type ResourceFacts } from './calls/permission';
import type { Enforcement } from './enforcement';

const everywhere = (service: string, ...names: readonly string[]): Permission[] =>
  names.map((name) => ({ action: `${service}:${name}`, resource: '*' }));

const traces = everywhere('xray', 'PutTraceSegments', 'PutTelemetryRecords');

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/concepts-xray-tracing.html (read 2022) */
const machineTraces = [...traces, ...everywhere('xray', 'GetSamplingRules', 'GetSamplingTargets')];

/** @see https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html (read 2022) */
const logDelivery = everywhere(
  'logs',
  ...['CreateLogDelivery', 'GetLogDelivery', 'UpdateLogDelivery', 'DeleteLogDelivery', 'ListLogDeliveries'],
  ...['PutResourcePolicy', 'DescribeResourcePolicies', 'DescribeLogGroups'],
);

/** @see https://docs.aws.amazon.com/aws-backup/latest/devguide/s3-backups.html (read 2026-11) */
const bucketReading = [
  ...['GetBucketVersioning', 'GetBucketNotification', 'GetBucketLocation', 'GetBucketTagging', 'GetBucketAcl'],
  ...['ListBucket', 'ListBucketVersions', 'GetInventoryConfiguration', 'PutInventoryConfiguration'],
];
const objectReading = ['GetObject', 'GetObjectVersion', 'GetObjectVersionTagging', 'GetObjectVersionAcl'];

/** What AWS's own policy, AWSBackupServiceRolePolicyForBackup v29, has for beginning with a table. */
const tableReading = ['DescribeTable', 'StartAwsBackupJob'];

/** @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForS3Restore.html (read 2026-11):
 * without what is about ACLs, which are off, and about uploads in parts */
const bucketRestoring = ['ListBucket', 'ListBucketVersions', 'GetBucketVersioning', 'GetBucketLocation'];
const bucketCreating = ['CreateBucket', 'PutBucketVersioning', 'PutBucketOwnershipControls'];
const objectRestoring = ['GetObject', 'GetObjectVersion', 'PutObject', 'PutObjectTagging'];

/** Decides about what services do for themselves. Until the deployment is complete nothing is decided: policies may follow. */
export class ServiceActions {
  private isDeployed = false;

  constructor(
    private readonly enforcement: Enforcement,
    private readonly model: AccessModel,
    private readonly facts: ResourceFacts,
  ) {}

  /** Looks at what was deployed as the services would.
   * @throws ServiceError when a service would refuse a role */
  finishDeployment({ ec2, ssm }: SimulatedServices): void {
    this.isDeployed = true;
    for (const { roleArn, writesLogs, isTraced } of this.model.machines) {
      if (isTraced) this.enforcement.permits({ id: roleArn }, machineTraces);
      if (!writesLogs || this.enforcement.permits({ id: roleArn }, logDelivery)) continue;
      throw new ServiceError(
        'AccessDeniedException',
        'The state machine IAM Role is not authorized to access the Log Destination',
      );
    }
    for (const { roleArn, group } of this.model.flowLogs)
      this.enforcement.permits({ id: roleArn }, this.flowLogging(group));
    for (const { instanceId, instanceProfile } of ec2.instances.all.values()) {
      if (!this.mayConnect(instanceId, instanceProfile)) ssm.agents.set(instanceId, { online: false });
    }
  }

  /** Whoever sees no flow logs learns it from them alone: nothing else depends on them.
   * @see https://docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html (read 2026-11) */
  private flowLogging(group: string): Permission[] {
    return ['CreateLogStream', 'PutLogEvents', 'DescribeLogStreams'].map((name) =>
      logStream(name, group, name === 'DescribeLogStreams' ? '' : 'eni', this.facts),
    );
  }

  /** Whether a line of a function's log is written. */
  mayLog(definition: FunctionDefinition): boolean {
    return this.enforcement.permits(functionPrincipal(definition), [
      logStream('CreateLogStream', definition.logGroupName, '$LATEST', this.facts),
      logStream('PutLogEvents', definition.logGroupName, '$LATEST', this.facts),
    ]);
  }

  /** A function runs: Lambda logs that and writes a trace, where it may; it runs all the same. */
  beginInvocation(definition: FunctionDefinition): void {
    this.mayLog(definition);
    if (this.model.tracedFunctions.has(definition.name)) {
      this.enforcement.permits(functionPrincipal(definition), traces);
    }
  }

  /** Whether the agent of an instance reaches Systems Manager. */
  mayConnect(instanceId: string, instanceProfile: string | undefined): boolean {
    const { region, accountId } = this.facts;
    const resource = `arn:aws:ec2:${region}:${accountId}:instance/${instanceId}`;
    return this.asInstance(instanceId, instanceProfile, [
      { action: 'ssm:UpdateInstanceInformation', resource },
      ...everywhere('ssmmessages', 'CreateControlChannel', 'OpenControlChannel'),
      ...everywhere('ec2messages', 'GetMessages', 'AcknowledgeMessage', 'SendReply'),
    ]);
  }

  /** Whether an agent's output of a command reaches its log group.
   * @see https://github.com/aws/amazon-ssm-agent, agent/agentlogstocloudwatch/cloudwatchlogspublisher (read 2026-11) */
  mayWriteOutput(instanceId: string, instanceProfile: string | undefined, group: string, stream: string): boolean {
    return this.asInstance(instanceId, instanceProfile, [
      ...everywhere('logs', 'DescribeLogGroups'),
      logStream('DescribeLogStreams', group, '', this.facts),
      logStream('CreateLogStream', group, stream, this.facts),
      logStream('PutLogEvents', group, stream, this.facts),
    ]);
  }

  /** Why AWS Backup cannot read a resource with a role; undefined where it can. */
  backupProblem(resourceArn: string, roleArn: string): string | undefined {
    if (!this.enforcement.mayAssume('backup.amazonaws.com', roleArn))
      return `${roleArn} cannot be assumed by AWS Backup`;
    const isAllowed = this.enforcement.permits({ id: roleArn, session: 'AWSBackup' }, this.backupNeeds(resourceArn));
    return isAllowed ? undefined : 'Access Denied trying to call AWS Backup service';
  }

  /** What is needed for resources other than buckets and tables is not decided. */
  private backupNeeds(resourceArn: string): Permission[] {
    if (resourceArn.startsWith('arn:aws:dynamodb:')) {
      return tableReading.map((name) => ({ action: `dynamodb:${name}`, resource: resourceArn }));
    }
    if (!resourceArn.startsWith('arn:aws:s3:::')) return [];
    return [
      ...bucketReading.map((name) => ({ action: `s3:${name}`, resource: resourceArn })),
      ...objectReading.map((name) => ({ action: `s3:${name}`, resource: `${resourceArn}/*` })),
      ...keyUse(['Decrypt', 'DescribeKey'], resourceArn, 's3', this.facts),
    ];
  }

  /** Why AWS Backup cannot restore to a bucket with a role; undefined where it can. */
  restoreProblem(
    { bucket, isNew }: { readonly bucket: string; readonly isNew: boolean },
    roleArn: string,
  ): string | undefined {
    const bucketArn = `arn:aws:s3:::${bucket}`;
    const isAllowed = this.enforcement.permits({ id: roleArn, session: 'AWSBackup' }, [
      ...[...bucketRestoring, ...(isNew ? bucketCreating : [])].map((name) => ({
        action: `s3:${name}`,
        resource: bucketArn,
      })),
      ...objectRestoring.map((name) => ({ action: `s3:${name}`, resource: `${bucketArn}/*` })),
      ...keyUse(['Decrypt', 'DescribeKey', 'GenerateDataKey'], bucketArn, 's3', this.facts),
    ]);
    return isAllowed ? undefined : 'Access Denied';
  }

  /** Whether a distribution may read an object of its bucket.
   * @see https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/private-content-restricting-access-to-s3.html (read 2026-11) */
  mayShow({ id, bucket }: Distribution, key: string): boolean {
    const sourceArn = `arn:aws:cloudfront::${this.facts.accountId}:distribution/${id}`;
    const resource = `arn:aws:s3:::${bucket}/${key}`;
    return this.enforcement.permits({ id: 'cloudfront.amazonaws.com', sourceArn }, [
      { action: 's3:GetObject', resource },
    ]);
  }

  /** An instance whose profile is not of the template has rights that nobody here knows. */
  private asInstance(
    instanceId: string,
    instanceProfile: string | undefined,
    permissions: readonly Permission[],
  ): boolean {
    if (!this.isDeployed) return true;
    const role = instanceProfile === undefined ? undefined : this.facts.roleOfProfile(instanceProfile);
    return role === undefined || this.enforcement.permits({ id: role, session: instanceId }, permissions);
  }
}

function functionPrincipal({ roleArn, name }: FunctionDefinition): Principal {
  return { id: roleArn, session: name };
}
