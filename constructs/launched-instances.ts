/** Instances that are launched for one operation each and always terminated: from which launch template, where, and as whom. */
import { Duration, Names, Stack, Token } from 'aws-cdk-lib';
import { LaunchTemplate, type ILaunchTemplate, type ISubnet } from 'aws-cdk-lib/aws-ec2';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { launchTagKeys } from '../tasks/operations/fleet-instances';
import type { Fleet } from '../tasks/operations/settings';
import { FleetKeeper } from './fleet-keeper';
import type { FleetConfig, FleetRequest, FollowedQueue, IInstanceFleet } from './fleet-members';
import { misuse } from './misuse';

/** How instances are launched. */
export interface LaunchOptions {
  /** Most instances at a time. More objects than that wait.
   * @default 4 */
  readonly maximumInstances?: number;
  /** Where to launch: in the first of them that has room. A launch template that has network interfaces of its own (as CDK
   * makes for `associatePublicIpAddress`) names its subnet itself.
   * @default - where the launch template says, or in a default subnet */
  readonly subnets?: readonly ISubnet[];
  /** Role in the instances' profile. Gets what a command needs.
   * @default - the launch template's */
  readonly role?: IRole;
  /** How long an instance may take until its SSM Agent is online. Then it is terminated, and another one is launched.
   * @default Duration.minutes(15) */
  readonly startTimeout?: Duration;
}

/** One instance for each operation. */
export class LaunchedInstances implements IInstanceFleet {
  constructor(
    private readonly template: ILaunchTemplate,
    private readonly options: LaunchOptions,
  ) {}

  public bind(scope: Construct, { queueName = Names.uniqueId(scope) }: FleetRequest): FleetConfig {
    const { maximumInstances = 4, subnets = [], startTimeout = Duration.minutes(15) } = this.options;
    checkMaximum(scope, maximumInstances);
    const stack = Stack.of(scope);
    const arnOf = (resource: string, resourceName = '*'): string => {
      const isOurs = resource !== 'image' && resource !== 'snapshot';
      return stack.formatArn({ service: 'ec2', resource, resourceName, ...(!isOurs && { account: '' }) });
    };
    const launchTemplateId = this.templateId(scope);
    const role = this.role(scope);
    const fleet: Fleet = {
      kind: 'launch',
      id: queueName,
      launchTemplateId,
      launchTemplateVersion: this.template.versionNumber,
      subnetIds: subnets.map((subnet) => subnet.subnetId),
      maximumInstances,
      startTimeoutSeconds: startTimeout.toSeconds(),
    };
    return {
      fleet,
      instances: {
        arns: [arnOf('instance')],
        tag: { key: launchTagKeys.queue, value: queueName },
        launch: {
          templateArn: arnOf('launch-template', launchTemplateId),
          roleArn: role.roleArn,
          subnetArns: fleet.subnetIds.map((subnetId) => arnOf('subnet', subnetId)),
          arnOf,
        },
      },
      grantees: [role],
      follow: ({ ledger, documentName }: FollowedQueue) =>
        new FleetKeeper(scope, 'Keeper', { ledger, fleet, documentName }),
    };
  }

  private templateId(scope: Construct): string {
    const { launchTemplateId, launchTemplateName } = this.template;
    if (launchTemplateId !== undefined) return launchTemplateId;
    throw misuse({
      what: 'A launch template is known by its name only, and a permission can not name it so',
      where: scope.node.path,
      got: launchTemplateName ?? '(nothing)',
      allowed: 'a launch template with an id',
      fix: 'import it with LaunchTemplate.fromLaunchTemplateAttributes(…, { launchTemplateId })',
    });
  }

  private role(scope: Construct): IRole {
    const role = this.options.role ?? (this.template instanceof LaunchTemplate ? this.template.role : undefined);
    if (role !== undefined) return role;
    throw misuse({
      what: 'The role of the instances that are to be launched is not known',
      where: scope.node.path,
      got: this.template.node.path,
      allowed: 'a launch template of this app with a role, or the option `role`',
      fix: 'give the launch template a role, or name the one in its instance profile: Processor.launch(template, { role, … })',
    });
  }
}

function checkMaximum(scope: Construct, maximumInstances: number): void {
  if (Token.isUnresolved(maximumInstances) || (Number.isInteger(maximumInstances) && maximumInstances >= 1)) return;
  throw misuse({
    what: "A processor's maximumInstances is not a count",
    where: scope.node.path,
    got: String(maximumInstances),
    allowed: 'a whole number from 1',
    fix: 'leave it out, or choose how many',
  });
}
