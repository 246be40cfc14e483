/** Who may run a restore drill: a role for people, and the one with which AWS Backup writes what it restores. */
import { Stack, Validations } from 'aws-cdk-lib';
import type { IBackupVault } from 'aws-cdk-lib/aws-backup';
import {
  AccountRootPrincipal,
  Grant,
  PolicyStatement,
  Role,
  ServicePrincipal,
  type CfnPolicy,
  type PolicyStatementProps,
} from 'aws-cdk-lib/aws-iam';
import type { InstanceFleet, ObjectStore, ObjectWorkflow } from 'cdk-object-workflow';
import { Construct } from 'constructs';
import { drillTag } from './restore-drill';

export interface DrillRolesProps {
  readonly originals: ObjectStore;
  readonly drills: ObjectStore;
  readonly fleet: InstanceFleet;
  readonly workflow: ObjectWorkflow;
  readonly vault: IBackupVault;
  readonly imageParameterName: string;
}

/** A drill reads originals and results, and writes nowhere but in its own bucket and on its own worker. */
export class DrillRoles extends Construct {
  /** For people of this account who may assume it. */
  readonly operator: Role;
  /** For AWS Backup. */
  readonly restore: Role;

  constructor(scope: Construct, id: string, props: DrillRolesProps) {
    super(scope, id);
    this.restore = this.createRestoreRole(props.drills);
    this.operator = new Role(this, 'Operator', {
      assumedBy: new AccountRootPrincipal(),
      description: 'Runs restore drills: brings an object, its results and a worker back, and compares them',
    });
    this.allowRecovery(props);
    this.allowReading(props);
    this.allowWorker(props);
    // The worker of a drill works on what came back, not on what is in use.
    Grant.addToPrincipal({
      grantee: props.fleet.role,
      actions: ['GetObjectVersion', 'PutObject'].map(s3),
      resourceArns: [props.drills.bucket.arnForObjects('*')],
    });
    explainWildcards(this.operator);
    explainWildcards(this.restore);
  }

  private createRestoreRole({ bucket }: ObjectStore): Role {
    const role = new Role(this, 'Restore', {
      assumedBy: new ServicePrincipal('backup.amazonaws.com'),
      description: 'Lets AWS Backup restore objects, to the bucket of drills alone',
    });
    allow(role, {
      actions: ['ListBucket', 'ListBucketVersions', 'GetBucketVersioning', 'GetBucketLocation'].map(s3),
      resources: [bucket.bucketArn],
    });
    allow(role, {
      actions: [
        ...['GetObject', 'GetObjectVersion', 'GetObjectTagging', 'PutObject', 'PutObjectTagging'],
        'ListMultipartUploadParts',
      ].map(s3),
      resources: [bucket.arnForObjects('*')],
    });
    return role;
  }

  private allowRecovery({ vault }: DrillRolesProps): void {
    const recoveryPoints = Stack.of(this).formatArn({ service: 'backup', resource: 'recovery-point:*' });
    allow(this.operator, {
      actions: ['backup:ListRecoveryPointsByBackupVault'],
      resources: [vault.backupVaultArn],
    });
    allow(this.operator, { actions: ['backup:StartRestoreJob'], resources: [recoveryPoints] });
    allow(this.operator, { actions: ['backup:DescribeRestoreJob'], resources: ['*'] });
    allow(this.operator, {
      actions: ['iam:PassRole'],
      resources: [this.restore.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'backup.amazonaws.com' } },
    });
  }

  private allowReading({ originals, drills, workflow }: DrillRolesProps): void {
    // The records of objects; their results are read from what was brought back.
    allow(this.operator, { actions: ['dynamodb:Query'], resources: [workflow.ledger.table.tableArn] });
    allow(this.operator, {
      actions: ['GetObjectVersion', 'RestoreObject'].map(s3),
      resources: [originals.bucket.arnForObjects('*')],
    });
    allow(this.operator, {
      actions: [s3('ListBucket')],
      resources: [originals.bucket.bucketArn, drills.bucket.bucketArn],
    });
    allow(this.operator, {
      actions: ['GetObject', 'DeleteObject'].map(s3),
      resources: [drills.bucket.arnForObjects('*')],
    });
  }

  /** An instance as the fleet's launch template has it, which a tag marks as a drill's. */
  private allowWorker({ fleet, workflow, imageParameterName }: DrillRolesProps): void {
    const { operator } = this;
    const { launchTemplateId } = fleet.launchTemplate;
    const ec2 = (resource: string, account?: string) =>
      Stack.of(this).formatArn({ service: 'ec2', resource, ...(account !== undefined && { account }) });
    const isOurs = { StringEquals: { [`aws:RequestTag/${drillTag}`]: 'drill' } };
    allow(operator, {
      actions: ['ssm:GetParameter'],
      resources: [
        Stack.of(this).formatArn({ service: 'ssm', resource: 'parameter', resourceName: imageParameterName.slice(1) }),
      ],
    });
    allow(operator, { actions: ['ec2:RunInstances'], resources: [ec2('instance/*')], conditions: isOurs });
    allow(operator, {
      actions: ['ec2:RunInstances'],
      resources: [
        ec2(`launch-template/${launchTemplateId}`),
        ...fleet.vpc.publicSubnets.map(({ subnetId }) => ec2(`subnet/${subnetId}`)),
        ...['security-group/*', 'network-interface/*', 'volume/*'].map((resource) => ec2(resource)),
        ec2('image/*', ''),
      ],
    });
    allow(operator, {
      actions: ['ec2:CreateTags'],
      resources: [ec2('instance/*')],
      conditions: { StringEquals: { ...isOurs.StringEquals, 'ec2:CreateAction': 'RunInstances' } },
    });
    allow(operator, {
      actions: ['ec2:TerminateInstances'],
      resources: [ec2('instance/*')],
      conditions: { StringEquals: { [`aws:ResourceTag/${drillTag}`]: 'drill' } },
    });
    allow(operator, {
      actions: ['iam:PassRole'],
      resources: [fleet.role.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
    });
    allow(operator, { actions: ['ssm:SendCommand'], resources: [workflow.document.documentArn] });
    allow(operator, {
      actions: ['ssm:SendCommand'],
      resources: [ec2('instance/*')],
      conditions: { StringEquals: { [`ssm:resourceTag/${drillTag}`]: 'drill' } },
    });
    allow(operator, {
      actions: ['ssm:GetCommandInvocation', 'ssm:DescribeInstanceInformation'],
      resources: ['*'],
    });
  }
}

/** What a drill brings back has no name beforehand. Each reason is recorded beside the very resource that cdk-nag asks about. */
function explainWildcards(role: Role): void {
  const policy = role.node.findChild('DefaultPolicy').node.defaultChild as CfnPolicy;
  const { Statement } = Stack.of(role).resolve(policy.policyDocument) as {
    readonly Statement: readonly { readonly Resource: unknown }[];
  };
  const resources = new Set(Statement.flatMap(({ Resource }) => Resource).map(asAuditsName));
  Validations.of(policy).acknowledge({
    id: 'NIST.800.53.R5-IAMNoInlinePolicy',
    reason: 'The policy belongs to this role alone and is deleted with it.',
  });
  for (const resource of [...resources].filter((name) => name.includes('*'))) {
    Validations.of(policy).acknowledge({
      id: `AwsSolutions-IAM5[Resource::${resource}]`,
      reason:
        resource === '*'
          ? 'The services know no resources for these actions, which only look.'
          : 'Objects, recovery points, images and workers have no names beforehand: the bucket, the launch template and the tag of drills restrict them.',
    });
  }
}

/** As cdk-nag writes references: `<DrillsBucket.Arn>/*`. */
function asAuditsName(resource: unknown): string {
  if (typeof resource === 'string') return resource;
  const { Ref, ...intrinsic } = resource as { readonly Ref?: string } & Readonly<Record<string, readonly unknown[]>>;
  if (Ref !== undefined) return `<${Ref}>`;
  if (intrinsic['Fn::GetAtt']) return `<${intrinsic['Fn::GetAtt'].join('.')}>`;
  return (intrinsic['Fn::Join']![1] as readonly unknown[]).map(asAuditsName).join('');
}

function allow(role: Role, statement: PolicyStatementProps): void {
  role.addToPolicy(new PolicyStatement(statement));
}

function s3(action: string): string {
  return `s3:${action}`;
}
