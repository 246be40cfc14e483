/** Why this library's own resources look as they do where cdk-nag asks: recorded as CDK's acknowledgements, one finding at a time.
 * Explains only what nobody but this library decides. What an account's rules decide stays a finding, see SECURITY.md. */
import { Aspects, Stack, Validations, type IAspect } from 'aws-cdk-lib';
import { CfnPolicy, CfnRole, type IRole } from 'aws-cdk-lib/aws-iam';
import { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import type { IConstruct } from 'constructs';

/** Acknowledges the findings of cdk-nag that the resources below a construct of this library cannot avoid.
 * Finding ids are exact: a wildcard that somebody adds, or an action that is not listed here, is found as before.
 * Costs nothing without cdk-nag, which this library does not depend on.
 * @param granted Of a role that is not ours: the resources that we granted it, of which alone we can speak. Default: all.
 * @see https://github.com/cdklabs/cdk-nag/blob/main/MIGRATION.md (read 2026-11): acknowledgements are metadata of CDK itself */
export function explainFindings(scope: IConstruct, granted?: readonly string[]): void {
  Aspects.of(scope).add(new KnownFindings(granted));
}

/** Acknowledges one finding of one resource.
 * @param id As cdk-nag reports it, `AwsSolutions-SQS3` */
export function explainFinding(resource: IConstruct, id: string, reason: string): void {
  const isKnown = resource.node.metadata.some(
    ({ type, data }) =>
      type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY && Object.keys(data as object)[0]?.endsWith(id),
  );
  if (!isKnown) Validations.of(resource).acknowledge({ id, reason });
}

/** Acknowledges what CDK's own function for bucket deployments is found to have. An app has one for all of its deployments:
 * of what others add to it nothing is said.
 * @param bucketArn The bucket that is deployed to.
 * @see https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.aws_s3_deployment-readme.html (read 2026-11) */
export function explainDeployment(role: IRole, bucketArn: string): void {
  const reason =
    "CDK's own function, which runs only while the stack is deployed: it copies files of this app, which CDK names, into the bucket and tells the distribution.";
  const { defaultChild: cfnRole, scope: owner } = role.node;
  const policy = role.node.tryFindChild('DefaultPolicy')?.node.defaultChild;
  if (!(cfnRole instanceof CfnRole) || !(policy instanceof CfnPolicy)) return;
  for (const arn of listOf(Stack.of(role).resolve(cfnRole.managedPolicyArns)).map(flatten)) {
    if (arn.endsWith('/AWSLambdaBasicExecutionRole')) {
      explainFinding(cfnRole, `AwsSolutions-IAM4[Policy::${arn}]`, reason);
    }
  }
  const actions = ['s3:Abort*', 's3:DeleteObject*', 's3:GetBucket*', 's3:GetObject*', 's3:List*'];
  const assets = 'arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*';
  const resources = ['*', `${flatten(Stack.of(role).resolve(bucketArn))}/*`, assets];
  for (const action of actions) explainFinding(policy, `AwsSolutions-IAM5[Action::${action}]`, reason);
  for (const resource of resources) explainFinding(policy, `AwsSolutions-IAM5[Resource::${resource}]`, reason);
  const lambda = owner?.node.defaultChild;
  if (lambda instanceof CfnFunction) explainFinding(lambda, 'AwsSolutions-L1', reason);
}

class KnownFindings implements IAspect {
  constructor(private readonly granted: readonly string[] | undefined) {}

  public visit(node: IConstruct): void {
    if (node instanceof CfnPolicy) this.visitPolicy(node);
    else if (node instanceof CfnRole) explainRole(node);
    else if (node instanceof CfnFunction) explainFinding(node, 'NIST.800.53.R5-LambdaDLQ', invocationReason);
  }

  private visitPolicy(policy: CfnPolicy): void {
    if (this.granted === undefined) explainFinding(policy, 'NIST.800.53.R5-IAMNoInlinePolicy', inlineReason);
    const granted = this.granted && new Set(this.granted.map((arn) => flatten(Stack.of(policy).resolve(arn))));
    for (const [resource, reason] of wildcardReasons(policy)) {
      const isOurs = granted === undefined || granted.has(resource);
      if (isOurs && reason !== undefined) explainFinding(policy, `AwsSolutions-IAM5[Resource::${resource}]`, reason);
    }
  }
}

const invocationReason =
  'States call their functions synchronously and retry; functions that events call have an on-failure destination, which replaces a dead-letter queue.';

const inlineReason =
  'The policy belongs to this role alone, names its resources one by one and is deleted with the role; a managed policy could be attached elsewhere.';

const managedPolicyReasons: readonly (readonly [RegExp, string])[] = [
  [
    /:policy\/AmazonSSMManagedInstanceCore$/,
    'What the SSM Agent needs, kept by AWS in step with the agent; it cannot be narrowed to a document.',
  ],
  [
    /:policy\/AWSBackupServiceRolePolicyForS3Backup$/,
    'The policy that AWS Backup requires of its role for S3; it is kept by AWS in step with the service.',
  ],
];

/** Actions for which the service knows no resources.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html (read 2026-09) */
const actionsWithoutResources: ReadonlySet<string> = new Set([
  ...['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'],
  ...['ssm:GetCommandInvocation', 'ssm:ListCommands', 'ssm:ListCommandInvocations', 'ssm:CancelCommand'],
  ...[
    'ssm:DescribeInstanceInformation',
    'ec2:DescribeInstances',
    'ec2:DescribeInstanceStatus',
    'ec2:DescribeSpotInstanceRequests',
  ],
  ...['ec2:DescribeImages', 'ec2:DescribeImageReferences', 'ec2:DescribeSnapshots'],
  ...['ec2:DescribeLaunchTemplates', 'ec2:DescribeLaunchTemplateVersions'],
  'autoscaling:DescribeAutoScalingGroups',
  ...['autoscaling:DescribeAutoScalingInstances', 'backup:DescribeBackupJob', 'backup:ListBackupJobs'],
  ...['backup:StopBackupJob', 'backup:DescribeCopyJob', 'cloudwatch:PutMetricData'],
  ...['logs:CreateLogDelivery', 'logs:GetLogDelivery', 'logs:UpdateLogDelivery', 'logs:DeleteLogDelivery'],
  ...['logs:ListLogDeliveries', 'logs:PutResourcePolicy', 'logs:DescribeResourcePolicies', 'logs:DescribeLogGroups'],
  ...['xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets'],
]);

const objectActions: ReadonlySet<string> = new Set([
  ...['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject', 's3:PutObjectTagging', 's3:AbortMultipartUpload'],
  ...['s3:DeleteObjectVersion', 's3:ListMultipartUploadParts'],
]);

const launchedKinds = /:ec2:.*:(instance|image|snapshot|volume|network-interface|security-group|key-pair|subnet)\/\*$/;

interface Statement {
  readonly Effect: string;
  readonly Action?: string | readonly string[];
  readonly Resource?: unknown;
  readonly Condition?: object;
}

/** A finding is one resource in one policy, so every statement that names it must be explained. */
function wildcardReasons(policy: CfnPolicy): ReadonlyMap<string, string | undefined> {
  const document = Stack.of(policy).resolve(policy.policyDocument) as { readonly Statement?: readonly Statement[] };
  const reasons = new Map<string, string | undefined>();
  for (const statement of document.Statement ?? []) {
    if (statement.Effect !== 'Allow') continue;
    for (const resource of listOf(statement.Resource).map(flatten)) {
      if (!resource.includes('*')) continue;
      const isExplained = !reasons.has(resource) || reasons.get(resource) !== undefined;
      reasons.set(resource, isExplained ? wildcardReason(resource, statement) : undefined);
    }
  }
  return reasons;
}

function wildcardReason(resource: string, statement: Statement): string | undefined {
  const actions = listOf(statement.Action) as readonly string[];
  const areAll = (known: ReadonlySet<string>): boolean => actions.every((action) => known.has(action));
  if (resource === '*' && areAll(actionsWithoutResources)) {
    return 'The services know no resources for these actions: "*" is the only resource that they accept.';
  }
  if (/\*.*\*/.test(resource)) return undefined;
  if (/\/[^:]*\*$/.test(resource) && areAll(objectActions)) {
    return 'The keys of objects are known only at run time: the prefix is the narrowest resource that can be written.';
  }
  if (/:states:.*:execution:[^*]*:\*$/.test(resource)) {
    return 'Executions are named when they start: these are those of this state machine, and of no other.';
  }
  if (/:autoScalingGroup:\*:autoScalingGroupName\/[^*]+$/.test(resource)) {
    return 'EC2 Auto Scaling puts an id of its own before the name of the group, which is known only once the group exists.';
  }
  if (launchedKinds.test(resource) && statement.Condition !== undefined) {
    return 'Instances, their parts, images and snapshots come and go: a condition on their tags, or on how they are made, takes the place of their ids.';
  }
  if (/:ec2:.*::(image|snapshot)\/\*$/.test(resource) && areAll(new Set(['ec2:CreateImage', 'ec2:CopyImage']))) {
    return 'An image and its snapshots have no ids before they are made; the instance that is imaged is restricted beside it.';
  }
  return undefined;
}

function explainRole(role: CfnRole): void {
  for (const policy of listOf(Stack.of(role).resolve(role.managedPolicyArns)).map(flatten)) {
    const reason = managedPolicyReasons.find(([pattern]) => pattern.test(policy))?.[1];
    if (reason !== undefined) explainFinding(role, `AwsSolutions-IAM4[Policy::${policy}]`, reason);
  }
}

function listOf(value: unknown): readonly unknown[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** As cdk-nag writes references into the ids of its findings: `<Inbox6DEFCF6E.Arn>/incoming/*`. */
function flatten(value: unknown): string {
  if (typeof value === 'string') return value.replaceAll('${', '<').replaceAll('}', '>');
  const intrinsic = value as {
    readonly Ref?: string;
    readonly 'Fn::Join'?: readonly [string, readonly unknown[]];
    readonly 'Fn::Sub'?: unknown;
    readonly 'Fn::GetAtt'?: readonly [string, string];
    readonly 'Fn::ImportValue'?: unknown;
  };
  if (intrinsic['Fn::Join']) return intrinsic['Fn::Join'][1].map(flatten).join(intrinsic['Fn::Join'][0]);
  if (intrinsic['Fn::Sub']) return flatten(intrinsic['Fn::Sub']);
  if (intrinsic['Fn::GetAtt']) return `<${intrinsic['Fn::GetAtt'].join('.')}>`;
  if (intrinsic['Fn::ImportValue']) return flatten(intrinsic['Fn::ImportValue']);
  return intrinsic.Ref === undefined ? JSON.stringify(value) : `<${intrinsic.Ref}>`;
}
