/** AWS's own managed policies, as far as they decide about what is simulated. Attaching another one is refused when it would decide.
 * Each is a whole default version, compared on 2026-11-22 with what IAM gives, as an account publishes it: AmazonSSMManagedInstanceCore v2,
 * AWSBackupServiceRolePolicyForS3Backup v5, AWSBackupServiceRolePolicyForS3Restore v2, AWSXRayDaemonWriteAccess v2 and
 * AWSLambdaBasicExecutionRole v1. AWS's own reference agrees where it could be read. Of AWSBackupServiceRolePolicyForBackup v29 it is what
 * concerns tables: no other backups that it allows are simulated.
 * @see https://github.com/zoph-io/MAMIP/tree/master/policies
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSBackupServiceRolePolicyForS3Restore.html
 * @see https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html */
import { compilePolicy, type Statement } from './policy';

const allow = (
  actions: string | readonly string[],
  resources: string | readonly string[] = '*',
  conditions?: object,
) => ({
  Effect: 'Allow',
  Action: actions,
  Resource: resources,
  ...(conditions !== undefined && { Condition: conditions }),
});

const named = (service: string, ...names: readonly string[]): string[] => names.map((name) => `${service}:${name}`);

const withinTheAccount = { StringEquals: { 'aws:PrincipalAccount': '${aws:ResourceAccount}' } };

const logWriting = named('logs', 'CreateLogGroup', 'CreateLogStream', 'PutLogEvents');

/** By name, without path. */
const documents: Readonly<Record<string, readonly object[]>> = {
  AmazonSSMManagedInstanceCore: [
    allow(
      named(
        'ssm',
        ...['DescribeAssociation', 'GetDeployablePatchSnapshotForInstance', 'GetDocument', 'DescribeDocument'],
        ...['GetManifest', 'GetParameter', 'GetParameters', 'ListAssociations', 'ListInstanceAssociations'],
        ...['PutInventory', 'PutComplianceItems', 'PutConfigurePackageResult', 'UpdateAssociationStatus'],
        ...['UpdateInstanceAssociationStatus', 'UpdateInstanceInformation'],
      ),
    ),
    allow(named('ssmmessages', 'CreateControlChannel', 'CreateDataChannel', 'OpenControlChannel', 'OpenDataChannel')),
    allow(
      named(
        'ec2messages',
        ...['AcknowledgeMessage', 'DeleteMessage', 'FailMessage', 'GetEndpoint', 'GetMessages', 'SendReply'],
      ),
    ),
  ],
  AWSLambdaBasicExecutionRole: [allow(logWriting)],
  AWSXRayDaemonWriteAccess: [
    allow(
      named(
        'xray',
        ...['PutTraceSegments', 'PutTelemetryRecords', 'GetSamplingRules', 'GetSamplingTargets'],
        'GetSamplingStatisticSummaries',
      ),
    ),
  ],
  AWSBackupServiceRolePolicyForS3Backup: [
    allow('cloudwatch:GetMetricData'),
    allow(
      named(
        'events',
        ...['DeleteRule', 'PutTargets', 'DescribeRule', 'EnableRule', 'PutRule', 'RemoveTargets'],
        ...['ListTargetsByRule', 'DisableRule'],
      ),
      'arn:aws:events:*:*:rule/AwsBackupManagedRule*',
    ),
    allow('events:ListRules'),
    allow(named('kms', 'Decrypt', 'DescribeKey'), '*', { StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' } }),
    allow(
      named(
        's3',
        ...['GetBucketTagging', 'GetInventoryConfiguration', 'ListBucketVersions', 'ListBucket', 'GetBucketVersioning'],
        ...['GetBucketLocation', 'GetBucketAcl', 'PutInventoryConfiguration', 'GetBucketNotification'],
        'PutBucketNotification',
      ),
      'arn:aws:s3:::*',
    ),
    allow(
      named(
        's3',
        ...['GetObjectAcl', 'GetObject', 'GetObjectVersionTagging', 'GetObjectVersionAcl', 'GetObjectTagging'],
        'GetObjectVersion',
      ),
      'arn:aws:s3:::*/*',
    ),
    allow('s3:ListAllMyBuckets'),
    allow('s3:ListTagsForResource', 'arn:aws:s3:::*', withinTheAccount),
    allow('backup:TagResource', 'arn:aws:backup:*:*:recovery-point:*', withinTheAccount),
  ],
  AWSBackupServiceRolePolicyForBackup: [
    allow(named('dynamodb', 'DescribeTable', 'CreateBackup'), 'arn:aws:dynamodb:*:*:table/*'),
    allow(named('dynamodb', 'DescribeBackup', 'DeleteBackup'), 'arn:aws:dynamodb:*:*:table/*/backup/*'),
    allow(named('dynamodb', 'StartAwsBackupJob', 'ListTagsOfResource'), 'arn:aws:dynamodb:*:*:table/*'),
    allow(named('kms', 'Decrypt', 'GenerateDataKey'), '*', {
      StringLike: { 'kms:ViaService': 'dynamodb.*.amazonaws.com' },
    }),
    allow('kms:DescribeKey'),
  ],
  AWSBackupServiceRolePolicyForS3Restore: [
    allow(
      named(
        's3',
        ...['CreateBucket', 'ListBucketVersions', 'ListBucket', 'GetBucketVersioning', 'GetBucketLocation'],
        ...['PutBucketVersioning', 'PutBucketOwnershipControls', 'GetBucketOwnershipControls'],
      ),
      'arn:aws:s3:::*',
    ),
    allow(
      named(
        's3',
        ...['GetObject', 'GetObjectVersion', 'DeleteObject', 'PutObjectVersionAcl', 'GetObjectVersionAcl'],
        ...['GetObjectTagging', 'PutObjectTagging', 'GetObjectAcl', 'PutObjectAcl', 'ListMultipartUploadParts'],
        'PutObject',
      ),
      'arn:aws:s3:::*/*',
    ),
    allow(named('kms', 'DescribeKey', 'GenerateDataKey', 'Decrypt'), '*', {
      StringLike: { 'kms:ViaService': 's3.*.amazonaws.com' },
    }),
  ],
};

const compiled = new Map<string, readonly Statement[]>();

/** @param arn `arn:aws:iam::aws:policy/service-role/Name`.
 * @returns undefined for a policy that is not known here */
export function awsManagedPolicy(arn: string): readonly Statement[] | undefined {
  const name = arn.split('/').at(-1)!;
  const known = compiled.get(name);
  if (known !== undefined) return known;
  const statements = Object.hasOwn(documents, name) ? documents[name] : undefined;
  if (statements === undefined) return undefined;
  const policy = compilePolicy({ Statement: statements }, name, 'identity');
  compiled.set(name, policy);
  return policy;
}

/** Whether a statement is AWS's, and so nobody's here to change. */
export function isAwsManaged(statement: Statement): boolean {
  return compiled.get(statement.policy)?.includes(statement) === true;
}
