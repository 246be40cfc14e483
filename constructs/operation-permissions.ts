/** The exact IAM statements that moving long operations on takes, by kind of operation.
 * "*" stands only where the service knows no resources.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html (read 2026-09) */
import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, type IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { imageTagKeys } from '../tasks/operations/image-identity';
import type { ImageSettings } from '../tasks/operations/settings';
import type { InstanceScope, LaunchScope } from './fleet-members';

/** Completing the states that wait. The service documents no resource for these actions: a token is the permission. */
export function taskResponseStatements(): PolicyStatement[] {
  return [
    new PolicyStatement({
      sid: 'AnswerWaitingStates',
      actions: ['states:SendTaskSuccess', 'states:SendTaskFailure'],
      resources: ['*'],
    }),
  ];
}

/** Sending our own document to the fleet's instances, and seeing what becomes of it. */
export function commandStatements(documentArn: string, instances: InstanceScope): PolicyStatement[] {
  return [
    // Apart from the instances, because a document has no such tag: a condition for both would never hold.
    new PolicyStatement({ sid: 'SendOurDocument', actions: ['ssm:SendCommand'], resources: [documentArn] }),
    new PolicyStatement({
      sid: 'SendToTheFleet',
      actions: ['ssm:SendCommand'],
      resources: [...instances.arns],
      conditions: instances.tag && { StringEquals: { [`ssm:resourceTag/${instances.tag.key}`]: instances.tag.value } },
    }),
    new PolicyStatement({
      sid: 'FollowCommands',
      actions: [
        'ssm:GetCommandInvocation',
        'ssm:ListCommands',
        'ssm:CancelCommand',
        'ssm:DescribeInstanceInformation',
        'ec2:DescribeInstances',
        // Whether an instance is about to go: those that are launched for one operation are nobody else's to take.
        ...(instances.launch === undefined
          ? ['ec2:DescribeSpotInstanceRequests', 'autoscaling:DescribeAutoScalingInstances']
          : []),
        // Asks whether anybody still waits, before a command begins for it.
        'states:SendTaskHeartbeat',
      ],
      resources: ['*'],
    }),
    ...(instances.protectedGroupArn === undefined
      ? []
      : [
          new PolicyStatement({
            sid: 'ProtectBusyInstances',
            actions: ['autoscaling:SetInstanceProtection'],
            resources: [instances.protectedGroupArn],
          }),
        ]),
    ...(instances.launch === undefined ? [] : launchStatements(instances, instances.launch)),
  ];
}

/** Launching instances from one launch template, only with the tag by which they are known, and terminating those that have it.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ExamplePolicies_EC2.html#iam-example-runinstances-launch-templates (read 2026-11) */
function launchStatements({ arns, tag }: InstanceScope, launch: LaunchScope): PolicyStatement[] {
  const ofKind = (...kinds: readonly string[]) => kinds.map((kind) => launch.arnOf(kind));
  const fromTemplate = { ArnEquals: { 'ec2:LaunchTemplate': launch.templateArn } };
  const unchanged = { ...fromTemplate, Bool: { 'ec2:IsLaunchTemplateResource': 'true' } };
  const tagged = (key: string) => ({ StringEquals: { [key]: tag?.value ?? '' } });
  const statement = (sid: string, action: string, resources: string[], conditions?: Record<string, object>) =>
    new PolicyStatement({ sid, actions: [action], resources, conditions });
  const whatItNames = ofKind('image', 'snapshot', 'security-group', 'key-pair');
  return [
    statement('UseTheTemplate', 'ec2:RunInstances', [launch.templateArn]),
    statement('LaunchTagged', 'ec2:RunInstances', [...arns], {
      ...fromTemplate,
      ...tagged(`aws:RequestTag/${tag?.key}`),
    }),
    statement('MakeItsParts', 'ec2:RunInstances', ofKind('volume', 'network-interface'), fromTemplate),
    statement('KeepToTheTemplate', 'ec2:RunInstances', whatItNames, unchanged),
    launch.subnetArns.length > 0
      ? statement('LaunchThere', 'ec2:RunInstances', [...launch.subnetArns], fromTemplate)
      : statement('LaunchThere', 'ec2:RunInstances', ofKind('subnet'), unchanged),
    statement('TagWhatIsLaunched', 'ec2:CreateTags', ofKind('instance', 'volume', 'network-interface'), {
      StringEquals: { 'ec2:CreateAction': 'RunInstances' },
    }),
    statement('EndWhatWasLaunched', 'ec2:TerminateInstances', [...arns], tagged(`aws:ResourceTag/${tag?.key}`)),
    statement('PassTheInstanceRole', 'iam:PassRole', [launch.roleArn], {
      StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' },
    }),
  ];
}

/** Which images are made, and what is done with them afterwards. */
export interface ImageScope {
  readonly instances: InstanceScope;
  /** Value of the tag by which the images of one workflow are known. */
  readonly imageSet: string;
  /** Whether images are removed when they are beyond their retention. */
  readonly removesImages: boolean;
  /** Whether the role may describe instances already: a grant is not given twice. */
  readonly describesInstances: boolean;
  /** SSM parameter that names the newest image. */
  readonly parameterName?: string;
  /** Where images are copied to, and with which keys. */
  readonly copies: ImageSettings['copies'];
}

/** Imaging the fleet's instances, publishing the images, and removing those of this workflow and no others. */
export function imageStatements(scope: Construct, images: ImageScope): PolicyStatement[] {
  const { instances, imageSet, removesImages, describesInstances, parameterName, copies } = images;
  // EC2 writes images and snapshots without an account.
  const arns = (region?: string): string[] =>
    ['image', 'snapshot'].map((resource) =>
      Stack.of(scope).formatArn({
        service: 'ec2',
        account: '',
        resource,
        resourceName: '*',
        ...(region && { region }),
      }),
    );
  const made = arns();
  const [madeImages = ''] = made;
  const copied = copies.flatMap(({ region }) => arns(region));
  return [
    new PolicyStatement({
      sid: 'ImageTheFleet',
      actions: ['ec2:CreateImage'],
      resources: [...instances.arns],
      conditions: instances.tag && { StringEquals: { [`aws:ResourceTag/${instances.tag.key}`]: instances.tag.value } },
    }),
    new PolicyStatement({ sid: 'MakeImages', actions: ['ec2:CreateImage'], resources: made }),
    new PolicyStatement({
      sid: 'TagWhatIsMade',
      actions: ['ec2:CreateTags'],
      resources: made,
      conditions: { StringEquals: { 'ec2:CreateAction': 'CreateImage' } },
    }),
    new PolicyStatement({
      sid: 'FollowImages',
      actions: ['ec2:DescribeImages'],
      resources: ['*'],
    }),
    ...(removesImages ? [findUsersOfImages(describesInstances)] : []),
    ...(copies.length > 0 ? copyImages(madeImages, copied) : []),
    ...copies.flatMap(({ region, keyArn }) => (keyArn === undefined ? [] : useKeyForCopies(keyArn, region))),
    ...(removesImages ? [removeImages([...made, ...copied], imageSet)] : []),
    ...(parameterName === undefined ? [] : [publishImage(scope, parameterName, removesImages)]),
  ];
}

/** @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/copy-ami-permissions.html (read 2026-11) */
function copyImages(images: string, copies: string[]): PolicyStatement[] {
  return [
    new PolicyStatement({ sid: 'CopyImages', actions: ['ec2:CopyImage'], resources: [images, ...copies] }),
    new PolicyStatement({
      sid: 'TagCopies',
      actions: ['ec2:CreateTags'],
      resources: copies,
      conditions: { StringEquals: { 'ec2:CreateAction': 'CopyImage' } },
    }),
  ];
}

/** @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html (read 2026-11) */
function useKeyForCopies(keyArn: string, region: string): PolicyStatement[] {
  const throughEc2 = { 'kms:ViaService': `ec2.${region}.amazonaws.com` };
  return [
    new PolicyStatement({
      actions: ['kms:DescribeKey', 'kms:Decrypt', 'kms:GenerateDataKeyWithoutPlaintext', 'kms:ReEncrypt*'],
      resources: [keyArn],
      conditions: { StringEquals: throughEc2 },
    }),
    new PolicyStatement({
      actions: ['kms:CreateGrant'],
      resources: [keyArn],
      conditions: { StringEquals: throughEc2, Bool: { 'kms:GrantIsForAWSResource': 'true' } },
    }),
  ];
}

/** EC2 looks for what names an image with the caller's own rights. */
function findUsersOfImages(describesInstances: boolean): PolicyStatement {
  return new PolicyStatement({
    sid: 'FindUsersOfImages',
    actions: [
      'ec2:DescribeImageReferences',
      ...(describesInstances ? [] : ['ec2:DescribeInstances']),
      'ec2:DescribeLaunchTemplates',
      'ec2:DescribeLaunchTemplateVersions',
    ],
    resources: ['*'],
  });
}

function removeImages(resources: string[], imageSet: string): PolicyStatement {
  return new PolicyStatement({
    sid: 'RemoveOurImages',
    actions: ['ec2:DeregisterImage', 'ec2:DeleteSnapshot'],
    resources,
    conditions: { StringEquals: { [`aws:ResourceTag/${imageTagKeys.set}`]: imageSet } },
  });
}

function publishImage(scope: Construct, parameterName: string, removesImages: boolean): PolicyStatement {
  const resourceName = parameterName.replace(/^\//, '');
  return new PolicyStatement({
    sid: 'PublishTheImage',
    // What it names is not removed.
    actions: ['ssm:PutParameter', ...(removesImages ? ['ssm:GetParameter'] : [])],
    resources: [Stack.of(scope).formatArn({ service: 'ssm', resource: 'parameter', resourceName })],
  });
}

/** Starting backup jobs into one vault with one role, and seeing what becomes of them. */
export function backupStatements(vaultArn: string, role: IRole): PolicyStatement[] {
  return [
    new PolicyStatement({ sid: 'StartBackups', actions: ['backup:StartBackupJob'], resources: [vaultArn] }),
    new PolicyStatement({
      sid: 'PassTheBackupRole',
      actions: ['iam:PassRole'],
      resources: [role.roleArn],
      conditions: { StringEquals: { 'iam:PassedToService': 'backup.amazonaws.com' } },
    }),
    new PolicyStatement({
      sid: 'FollowBackups',
      actions: ['backup:DescribeBackupJob', 'backup:ListBackupJobs'],
      resources: ['*'],
    }),
  ];
}
