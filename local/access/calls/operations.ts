/** What the operations of Systems Manager, AWS Backup and Step Functions need.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html (read 2026-09) */
import { passRole } from './ec2';
import {
  anywhere,
  type Input,
  list,
  type Permission,
  requestTags,
  type Requirement,
  type Requirements,
  resourceTags,
  type ResourceFacts,
  text,
} from './permission';

function documentArn(name: string, { region, accountId }: ResourceFacts): string {
  if (name.startsWith('arn:')) return name;
  // AWS's own documents belong to no account.
  return `arn:aws:ssm:${region}:${name.startsWith('AWS-') ? '' : accountId}:document/${name}`;
}

/** The document and every instance, each with its own tags: a condition on an instance's tag never holds for the document. */
const sendCommand: Requirement = (input, facts) => [
  { action: 'ssm:SendCommand', resource: documentArn(text(input, 'DocumentName') ?? '', facts) },
  ...list<string>(input, 'InstanceIds').map((id) => ({
    action: 'ssm:SendCommand',
    resource: `arn:aws:ec2:${facts.region}:${facts.accountId}:instance/${id}`,
    keys: resourceTags(facts.ec2Tags(id), 'ssm:resourcetag', 'aws:resourcetag'),
  })),
];

function parameter(action: string, name: string, { region, accountId }: ResourceFacts): Permission {
  const path = name.startsWith('arn:')
    ? name
    : `arn:aws:ssm:${region}:${accountId}:parameter/${name.replace(/^\//, '')}`;
  return { action: `ssm:${action}`, resource: path };
}

const onParameter =
  (action: string): Requirement =>
  (input, facts) => [parameter(action, text(input, 'Name') ?? '', facts)];

/** By operation. */
export const ssmRequirements: Requirements = {
  SendCommand: sendCommand,
  GetCommandInvocation: anywhere('ssm:GetCommandInvocation'),
  ListCommands: anywhere('ssm:ListCommands'),
  ListCommandInvocations: anywhere('ssm:ListCommandInvocations'),
  CancelCommand: anywhere('ssm:CancelCommand'),
  DescribeInstanceInformation: anywhere('ssm:DescribeInstanceInformation'),
  // A parameter that holds an image's id is checked with the caller's right to see images.
  // https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-ec2-aliases.html (read 2026-11)
  PutParameter: (input, facts) => [
    ...onParameter('PutParameter')(input, facts),
    ...(input['DataType'] === 'aws:ec2:image' ? [{ action: 'ec2:DescribeImages', resource: '*' }] : []),
  ],
  GetParameter: onParameter('GetParameter'),
  GetParameters: (input, facts) => list<string>(input, 'Names').map((name) => parameter('GetParameters', name, facts)),
  DeleteParameter: onParameter('DeleteParameter'),
};

function vault(action: string, name: string | undefined, facts: ResourceFacts, keys = {}): Permission {
  const resource = `arn:aws:backup:${facts.region}:${facts.accountId}:backup-vault:${name ?? ''}`;
  return { action: `backup:${action}`, resource, keys };
}

const onRecoveryPoint =
  (action: string): Requirement =>
  (input) => [{ action: `backup:${action}`, resource: text(input, 'RecoveryPointArn') ?? '' }];

const passToBackup = (input: Input): Permission => passRole(text(input, 'IamRoleArn') ?? '', 'backup.amazonaws.com');

/** By operation. */
export const backupRequirements: Requirements = {
  StartBackupJob: (input, facts) => {
    const tags = requestTags((input['RecoveryPointTags'] ?? {}) as Readonly<Record<string, string>>);
    return [vault('StartBackupJob', text(input, 'BackupVaultName'), facts, tags), passToBackup(input)];
  },
  DescribeBackupJob: anywhere('backup:DescribeBackupJob'),
  ListBackupJobs: anywhere('backup:ListBackupJobs'),
  StopBackupJob: anywhere('backup:StopBackupJob'),
  DescribeCopyJob: anywhere('backup:DescribeCopyJob'),
  ListCopyJobs: anywhere('backup:ListCopyJobs'),
  DescribeRecoveryPoint: onRecoveryPoint('DescribeRecoveryPoint'),
  DeleteRecoveryPoint: onRecoveryPoint('DeleteRecoveryPoint'),
  ListRecoveryPointsByBackupVault: (input, facts) => [
    vault('ListRecoveryPointsByBackupVault', text(input, 'BackupVaultName'), facts),
  ],
  StartRestoreJob: (input, facts) => [...onRecoveryPoint('StartRestoreJob')(input, facts), passToBackup(input)],
  DescribeRestoreJob: anywhere('backup:DescribeRestoreJob'),
  StartCopyJob: (input, facts) => [...onRecoveryPoint('StartCopyJob')(input, facts), passToBackup(input)],
};

const onMachine =
  (action: string): Requirement =>
  (input) => {
    const [machine = '', qualifier] = splitQualifier(text(input, 'stateMachineArn') ?? '');
    const keys = qualifier === undefined ? {} : { 'states:statemachinequalifier': qualifier };
    return [{ action: `states:${action}`, resource: machine, keys }];
  };

function splitQualifier(arn: string): readonly [string, string | undefined] {
  const parts = arn.split(':');
  return [parts.slice(0, 7).join(':'), parts[7]];
}

const onExecution =
  (action: string): Requirement =>
  (input) => [{ action: `states:${action}`, resource: text(input, 'executionArn') ?? '' }];

/** The reference knows no resource for these; in practice the ARN of the token's state machine is compared, which is what CDK's
 * `grantTaskResponse` builds on. "*" holds either way.
 * @see https://github.com/aws/aws-cdk/pull/8486 */
const onToken =
  (action: string): Requirement =>
  (input, facts) => [
    { action: `states:${action}`, resource: facts.machineOfToken(text(input, 'taskToken') ?? '') ?? '*' },
  ];

/** By operation. */
export const statesRequirements: Requirements = {
  StartExecution: onMachine('StartExecution'),
  StartSyncExecution: onMachine('StartSyncExecution'),
  ListExecutions: onMachine('ListExecutions'),
  DescribeStateMachine: onMachine('DescribeStateMachine'),
  DescribeExecution: onExecution('DescribeExecution'),
  GetExecutionHistory: onExecution('GetExecutionHistory'),
  StopExecution: onExecution('StopExecution'),
  RedriveExecution: onExecution('RedriveExecution'),
  SendTaskSuccess: onToken('SendTaskSuccess'),
  SendTaskFailure: onToken('SendTaskFailure'),
  SendTaskHeartbeat: onToken('SendTaskHeartbeat'),
  GetActivityTask: (input) => [{ action: 'states:GetActivityTask', resource: text(input, 'activityArn') ?? '' }],
};
