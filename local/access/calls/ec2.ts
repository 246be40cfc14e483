/** What the operations of EC2 and of Auto Scaling need. EC2 decides about each resource of a call, with the keys of that resource.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html (read 2026-09) */
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

/** Images and snapshots have no account in their ARNs. */
const withoutAccount = ['image', 'snapshot'];

const kinds: Readonly<Record<string, string>> = { i: 'instance', ami: 'image', snap: 'snapshot', vol: 'volume' };

function arnOf(kind: string, id: string, { region, accountId }: ResourceFacts): string {
  return `arn:aws:ec2:${region}:${withoutAccount.includes(kind) ? '' : accountId}:${kind}/${id}`;
}

/** An action on something that exists, whose tags a policy can ask for. */
function on(action: string, id: string, facts: ResourceFacts): Permission {
  const kind = kinds[id.split('-')[0]!] ?? 'instance';
  return {
    action: `ec2:${action}`,
    resource: arnOf(kind, id, facts),
    keys: { 'ec2:region': facts.region, ...resourceTags(facts.ec2Tags(id), 'aws:resourcetag', 'ec2:resourcetag') },
  };
}

/** An action on something that is about to be made, with the tags that it will have. */
function onNew(action: string, kind: string, input: Input, facts: ResourceFacts, region = facts.region): Permission {
  return {
    action: `ec2:${action}`,
    resource: arnOf(kind, '*', { ...facts, region }),
    keys: { 'ec2:region': region, ...requestTags(tagsFor(kind, input)) },
  };
}

function tagsFor(kind: string, input: Input): Readonly<Record<string, string>> {
  return tagRecord(
    list<Input>(input, 'TagSpecifications')
      .filter((specification) => specification['ResourceType'] === kind)
      .flatMap((specification) => list<Tag>(specification, 'Tags')),
  );
}

interface Tag {
  readonly Key: string;
  readonly Value?: string;
}

function tagRecord(tags: readonly Tag[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tags.map(({ Key, Value = '' }) => [Key, Value]));
}

/** Tagging what a call makes takes ec2:CreateTags, with the call's name in ec2:CreateAction. */
function tagging(action: string, input: Input, facts: ResourceFacts): readonly Permission[] {
  return list<Input>(input, 'TagSpecifications')
    .filter((specification) => list(specification, 'Tags').length > 0)
    .map((specification) => {
      const permission = onNew('CreateTags', String(specification['ResourceType']), input, facts);
      return { ...permission, keys: { ...permission.keys, 'ec2:createaction': action } };
    });
}

const createImage: Requirement = (input, facts) => [
  on('CreateImage', text(input, 'InstanceId') ?? '', facts),
  onNew('CreateImage', 'image', input, facts),
  onNew('CreateImage', 'snapshot', input, facts),
  ...tagging('CreateImage', input, facts),
];

/** EC2 asks for the image that is copied, for the one that is made and for its snapshots.
 * @see https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/copy-ami-permissions.html (read 2026-11) */
const copyImage: Requirement = (input, facts) => {
  const source = text(input, 'SourceImageId') ?? '';
  const region = text(input, 'SourceRegion') ?? facts.region;
  return [
    // The image that is copied, in its own Region; whose tags are its own.
    on('CopyImage', source, { ...facts, region }),
    onNew('CopyImage', 'image', input, facts),
    onNew('CopyImage', 'snapshot', input, facts),
    ...tagging('CopyImage', input, facts),
    ...keyForSnapshots(text(input, 'KmsKeyId'), facts),
  ];
};

/** EC2 encrypts snapshots with the rights of whoever calls, and takes a grant for itself.
 * @see https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html (read 2026-11) */
function keyForSnapshots(keyArn: string | undefined, { region }: ResourceFacts): readonly Permission[] {
  if (keyArn?.startsWith('arn:') !== true) return [];
  const keys = { 'kms:viaservice': `ec2.${region}.amazonaws.com`, 'kms:grantisforawsresource': 'true' };
  const actions = [
    'DescribeKey',
    'Decrypt',
    'GenerateDataKeyWithoutPlaintext',
    'ReEncryptFrom',
    'ReEncryptTo',
    'CreateGrant',
  ];
  return actions.map((action) => ({ action: `kms:${action}`, resource: keyArn, keys }));
}

const deregisterImage: Requirement = (input, facts) => {
  const imageId = text(input, 'ImageId') ?? '';
  const snapshots = input['DeleteAssociatedSnapshots'] === true ? facts.snapshotsOfImage(imageId) : [];
  return [on('DeregisterImage', imageId, facts), ...snapshots.map((id) => on('DeleteSnapshot', id, facts))];
};

const runInstances: Requirement = (input, facts) => {
  const { LaunchTemplateId, LaunchTemplateName } = (input['LaunchTemplate'] ?? {}) as Readonly<Record<string, string>>;
  const templateName = LaunchTemplateId ?? LaunchTemplateName;
  const template = templateName === undefined ? undefined : facts.launchTemplate(templateName);
  const profile = (input['IamInstanceProfile'] ?? {}) as { readonly Arn?: string; readonly Name?: string };
  const profileName = profile.Arn ?? profile.Name ?? template?.instanceProfile;
  const role = profileName === undefined ? undefined : facts.roleOfProfile(profileName);
  const templateArn = template && arnOf('launch-template', template.id, facts);
  const common = {
    'ec2:region': facts.region,
    ...(templateArn !== undefined && { 'ec2:launchtemplate': templateArn }),
    ...(text(input, 'InstanceType') !== undefined && { 'ec2:instancetype': text(input, 'InstanceType') }),
  };
  const permission = (kind: string, id: string, isFromTemplate: boolean): Permission => ({
    action: 'ec2:RunInstances',
    resource: arnOf(kind, id, facts),
    keys: {
      ...common,
      'ec2:islaunchtemplateresource': String(isFromTemplate),
      ...(id === '*'
        ? requestTags(tagsFor(kind, input))
        : resourceTags(facts.ec2Tags(id), 'aws:resourcetag', 'ec2:resourcetag')),
    },
  });
  // What is made is the template's own as long as the request changes nothing about it: so the guide's example, which asks for
  // it on every resource, can work at all.
  const isUnchanged = template !== undefined;
  const [imageId, subnetId] = [text(input, 'ImageId'), text(input, 'SubnetId')];
  return [
    permission('instance', '*', isUnchanged),
    permission('image', imageId ?? template?.imageId ?? '*', imageId === undefined),
    permission('subnet', subnetId ?? template?.subnetId ?? '*', subnetId === undefined),
    permission('network-interface', '*', isUnchanged),
    permission('security-group', '*', list(input, 'SecurityGroupIds').length === 0),
    permission('volume', '*', isUnchanged),
    ...(template === undefined ? [] : [permission('launch-template', template.id, true)]),
    ...tagging('RunInstances', input, facts),
    ...(role === undefined ? [] : [passRole(role, 'ec2.amazonaws.com')]),
  ];
};

/** Giving a role to a service. */
export function passRole(roleArn: string, service: string): Permission {
  return { action: 'iam:PassRole', resource: roleArn, keys: { 'iam:passedtoservice': service } };
}

const onInstances =
  (action: string): Requirement =>
  (input, facts) =>
    list<string>(input, 'InstanceIds').map((id) => on(action, id, facts));

/** By operation. */
export const ec2Requirements: Requirements = {
  RunInstances: runInstances,
  DescribeInstances: anywhere('ec2:DescribeInstances'),
  DescribeInstanceStatus: anywhere('ec2:DescribeInstanceStatus'),
  DescribeImages: anywhere('ec2:DescribeImages'),
  // It looks at what may name an image with the rights of the caller.
  DescribeImageReferences: (input, facts) =>
    ['ImageReferences', 'Instances', 'LaunchTemplates', 'LaunchTemplateVersions'].flatMap((name) =>
      anywhere(`ec2:Describe${name}`)(input, facts),
    ),
  DescribeLaunchTemplateVersions: anywhere('ec2:DescribeLaunchTemplateVersions'),
  DescribeSnapshots: anywhere('ec2:DescribeSnapshots'),
  DescribeSpotInstanceRequests: anywhere('ec2:DescribeSpotInstanceRequests'),
  StartInstances: onInstances('StartInstances'),
  StopInstances: onInstances('StopInstances'),
  TerminateInstances: onInstances('TerminateInstances'),
  RebootInstances: onInstances('RebootInstances'),
  CreateImage: createImage,
  CopyImage: copyImage,
  DeregisterImage: deregisterImage,
  DeleteSnapshot: (input, facts) => [on('DeleteSnapshot', text(input, 'SnapshotId') ?? '', facts)],
  CreateTags: (input, facts) =>
    list<string>(input, 'Resources').map((id) => {
      const permission = on('CreateTags', id, facts);
      return { ...permission, keys: { ...permission.keys, ...requestTags(tagRecord(list<Tag>(input, 'Tags'))) } };
    }),
};

function onGroup(action: string, name: string | undefined, facts: ResourceFacts): readonly Permission[] {
  const resource = name === undefined ? '*' : facts.autoScalingGroupArn(name);
  return [{ action: `autoscaling:${action}`, resource }];
}

const onNamedGroup =
  (action: string): Requirement =>
  (input, facts) =>
    onGroup(action, text(input, 'AutoScalingGroupName'), facts);

/** By operation. */
export const autoScalingRequirements: Requirements = {
  DescribeAutoScalingGroups: anywhere('autoscaling:DescribeAutoScalingGroups'),
  DescribeAutoScalingInstances: anywhere('autoscaling:DescribeAutoScalingInstances'),
  DescribeLifecycleHooks: anywhere('autoscaling:DescribeLifecycleHooks'),
  SetDesiredCapacity: onNamedGroup('SetDesiredCapacity'),
  SetInstanceProtection: onNamedGroup('SetInstanceProtection'),
  CompleteLifecycleAction: onNamedGroup('CompleteLifecycleAction'),
  RecordLifecycleActionHeartbeat: onNamedGroup('RecordLifecycleActionHeartbeat'),
  TerminateInstanceInAutoScalingGroup: (input, facts) =>
    onGroup('TerminateInstanceInAutoScalingGroup', facts.groupOfInstance(text(input, 'InstanceId') ?? ''), facts),
};
