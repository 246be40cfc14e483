import { App, Duration, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { InstanceFleet, ObjectStore, Processor, SnapshotPolicy } from '../../workflow';
import { command, makeWorkflow, withoutCopies } from './synthesize';

interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: object;
}

/** Actions for which the service knows no resources. */
const withoutResources = [
  'states:SendTaskSuccess',
  'states:SendTaskFailure',
  'states:SendTaskHeartbeat',
  'ssm:GetCommandInvocation',
  'ssm:ListCommands',
  'ssm:CancelCommand',
  'ssm:DescribeInstanceInformation',
  'autoscaling:DescribeAutoScalingInstances',
  'ec2:DescribeInstances',
  'ec2:DescribeSpotInstanceRequests',
  'ec2:DescribeImages',
  'ec2:DescribeImageReferences',
  'ec2:DescribeLaunchTemplates',
  'ec2:DescribeLaunchTemplateVersions',
  'backup:DescribeBackupJob',
  'backup:ListBackupJobs',
  'logs:CreateLogDelivery',
  'logs:GetLogDelivery',
  'logs:UpdateLogDelivery',
  'logs:DeleteLogDelivery',
  'logs:ListLogDeliveries',
  'logs:PutResourcePolicy',
  'logs:DescribeResourcePolicies',
  'logs:DescribeLogGroups',
  'xray:PutTraceSegments',
  'xray:PutTelemetryRecords',
  'xray:GetSamplingRules',
  'xray:GetSamplingTargets',
];

/** Actions that exist, as IAM spells them: each was looked up. An API call and its action may differ in name, as S3's
 * HeadObject (`s3:GetObject`) and CopyObject (`s3:GetObject` and `s3:PutObject`) do.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html (read 2026-09) */
const existingActions: Readonly<Record<string, readonly string[]>> = {
  autoscaling: ['DescribeAutoScalingGroups', 'DescribeAutoScalingInstances', 'CompleteLifecycleAction'],
  backup: ['DescribeBackupJob', 'ListBackupJobs', 'StartBackupJob'],
  cloudwatch: ['PutMetricData'],
  dynamodb: ['DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
  ec2: [
    ...['CopyImage', 'CreateImage', 'CreateTags', 'DeleteSnapshot', 'DeregisterImage', 'DescribeImages'],
    ...['DescribeInstances', 'DescribeLaunchTemplateVersions', 'RunInstances', 'TerminateInstances'],
    ...['DescribeImageReferences', 'DescribeLaunchTemplates', 'DescribeSpotInstanceRequests'],
  ],
  iam: ['PassRole'],
  kms: ['Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey', 'GenerateDataKey*', 'ReEncrypt*'],
  lambda: ['InvokeFunction'],
  logs: [
    ...['CreateLogDelivery', 'CreateLogStream', 'DeleteLogDelivery', 'DescribeLogGroups', 'DescribeLogStreams'],
    ...['DescribeResourcePolicies', 'GetLogDelivery', 'ListLogDeliveries', 'PutLogEvents', 'PutResourcePolicy'],
    'UpdateLogDelivery',
  ],
  s3: [
    ...['AbortMultipartUpload', 'DeleteObject', 'DeleteObjectVersion', 'GetObject', 'GetObjectVersion', 'ListBucket'],
    ...['PutObject', 'PutObjectTagging', 'GetObjectTagging', 'GetObjectVersionTagging'],
  ],
  sqs: ['GetQueueAttributes', 'GetQueueUrl', 'SendMessage'],
  ssm: [
    ...['CancelCommand', 'DescribeInstanceInformation', 'GetCommandInvocation', 'GetParameter', 'ListCommands'],
    ...['PutParameter', 'SendCommand'],
  ],
  states: [
    ...['DescribeExecution', 'RedriveExecution', 'SendTaskFailure', 'SendTaskHeartbeat', 'SendTaskSuccess'],
    'StartExecution',
  ],
  xray: ['GetSamplingRules', 'GetSamplingTargets', 'PutTelemetryRecords', 'PutTraceSegments'],
};

const stack = new Stack(new App({ context: withoutCopies }), 'Test');
const role = new Role(stack, 'InstanceRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
const { workflow } = makeWorkflow(
  {
    source: { prefix: 'in/', suffix: '.csv' },
    processor: Processor.fleet(InstanceFleet.fromTag({ key: 'role', value: 'worker', role }), { command }),
    snapshot: SnapshotPolicy.everyRun({ keep: 3, keepFor: Duration.days(7), parameterName: '/images/newest' }),
    removeRejected: true,
  },
  { stack },
);
const auditor = new Role(stack, 'Auditor', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
workflow.grantReadResults(auditor);
workflow.grantRedrive(auditor);
workflow.grantStart(auditor);
const permissions = permissionsByRole(stack);

test('are these, and no others', () => {
  expect(permissions).toMatchSnapshot();
});

test('name a resource wherever the service knows one', () => {
  const unbounded = Object.values(permissions)
    .flat()
    .filter((line) => line.includes(' on *'))
    .flatMap(actionsOf);
  expect(unbounded.filter((action) => !withoutResources.includes(action))).toEqual([]);
});

test('name only actions that exist', () => {
  const actions = [...new Set(Object.values(permissions).flat().flatMap(actionsOf))];
  const invented = actions.filter((action) => {
    const [service, name] = action.split(':') as [string, string];
    return existingActions[service]?.includes(name) !== true;
  });
  expect(actions.length).toBeGreaterThan(40);
  expect(invented).toEqual([]);
});

test('use no action with a wildcard', () => {
  const actions = Object.values(permissions).flatMap(
    (lines) => lines.join(' ').match(/\b[a-z0-9-]+:[A-Z]\w*\*/g) ?? [],
  );
  expect(actions).toEqual([]);
});

test('let commands go only to our document, and only to the fleet', () => {
  const sends = permissions['InvoicesProcessObjectRole']!.filter((line) => line.includes('ssm:SendCommand'));
  expect(sends).toHaveLength(2);
  expect(sends[0]).toMatch(/ on arn:<AWS::Partition>:ssm:\S+:document\/<InvoicesDocument\w+>$/);
  expect(sends[1]).toMatch(/:instance\/\* if .*"ssm:resourceTag\/role":"worker"/);
});

test('write images and snapshots without an account, and remove only those of this workflow', () => {
  const image = permissions['InvoicesSnapshotInstanceRole']!.join('\n');
  expect(image).toContain('arn:<AWS::Partition>:ec2:<AWS::Region>::image/*');
  expect(image).toContain('arn:<AWS::Partition>:ec2:<AWS::Region>::snapshot/*');
  expect(image).toMatch(
    /ec2:DeregisterImage, ec2:DeleteSnapshot on .* if .*aws:ResourceTag\/object-workflow:image-set/,
  );
});

test('pass the backup role to AWS Backup only', () => {
  const pass = permissions['InvoicesBackUpResultsRole']!.find((line) => line.includes('iam:PassRole'));
  expect(pass).toMatch(
    / on <InvoicesRecoveryRole\w+\.Arn> if \{"StringEquals":\{"iam:PassedToService":"backup.amazonaws.com"\}\}/,
  );
});

test('keep an instance to its own corner: it reads under the prefix and writes under the operations', () => {
  const instance = permissions['InstanceRole']!;
  expect(instance.find((line) => line.includes('s3:GetObject'))).toMatch(/<Inbox\w+\.Arn>\/in\/\*$/);
  expect(instance.find((line) => line.includes('s3:PutObject'))).toMatch(/<InvoicesResults\w+\.Arn>\/operations\/\*$/);
  expect(instance.join('\n')).not.toMatch(/dynamodb|states:|lambda:/);
});

test('include the keys of buckets that are encrypted with one', () => {
  const encrypted = new Stack(new App({ context: withoutCopies }), 'Test');
  const key = new Key(encrypted, 'Key');
  const instanceRole = new Role(encrypted, 'InstanceRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
  const inbox = new ObjectStore(encrypted, 'Encrypted', { encryptionKey: key });
  makeWorkflow(
    {
      source: { bucket: inbox.bucket },
      results: new ObjectStore(encrypted, 'Results', { encryptionKey: key }).bucket,
      processor: Processor.fleet(InstanceFleet.fromTag({ key: 'a', value: 'b', role: instanceRole }), { command }),
    },
    { stack: encrypted },
  );
  const lines = permissionsByRole(encrypted);
  expect(lines['InstanceRole']!.join('\n')).toMatch(/kms:Decrypt/);
  expect(lines['InstanceRole']!.join('\n')).toMatch(/kms:GenerateDataKey/);
  expect(lines['InvoicesValidateObjectRole']!.join('\n')).toMatch(/kms:Decrypt/);
  expect(lines['InvoicesStoreResultsRole']!.join('\n')).toMatch(/kms:Decrypt/);
  // AWS's own policy for backups of S3 lets the role use keys already.
  expect(lines['InvoicesRecoveryRole']).toBeUndefined();
});

/** Each role's statements as lines: `Allow: actions on resources if conditions`. Roles are named without their hashes. */
function permissionsByRole(of: Stack): Record<string, string[]> {
  const template = Template.fromStack(of);
  const lines: Record<string, string[]> = {};
  for (const policy of Object.values(template.findResources('AWS::IAM::Policy'))) {
    const { Roles, PolicyDocument } = policy['Properties'] as {
      Roles: { Ref: string }[];
      PolicyDocument: { Statement: Statement[] };
    };
    const name = Roles[0]!.Ref.replace(/[0-9A-F]{8}$/, '');
    lines[name] = [...(lines[name] ?? []), ...PolicyDocument.Statement.map(describeStatement)];
  }
  return lines;
}

function describeStatement({ Effect, Action, Resource, Condition }: Statement): string {
  const actions = [Action].flat().join(', ');
  const resources = (Array.isArray(Resource) ? Resource : [Resource]).map(textOf).join(', ');
  return `${Effect}: ${actions} on ${resources}${Condition ? ` if ${JSON.stringify(Condition)}` : ''}`;
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  const intrinsic = value as { 'Fn::Join'?: [string, unknown[]]; Ref?: string; 'Fn::GetAtt'?: string[] };
  if (intrinsic['Fn::Join']) return intrinsic['Fn::Join'][1].map(textOf).join(intrinsic['Fn::Join'][0]);
  const name = intrinsic.Ref ?? intrinsic['Fn::GetAtt']?.join('.');
  return name === undefined ? JSON.stringify(value) : `<${name}>`;
}

/** The actions of one line of a role's permissions. */
function actionsOf(line: string): string[] {
  return line
    .replace(/ on .*/s, '')
    .replace(/^\S+: /, '')
    .split(', ');
}
