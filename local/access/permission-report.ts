/** Compares what a template grants with what a simulation has used of it. */
import { denialText } from './denial';
import type { DecidedRequest, Enforcement } from './enforcement';
import { attachmentName, grantName, matchesAction, neededAttachments, neededGrants } from './need';
import type { Statement } from './policy';

/** An action that a statement of the template allows. */
export interface Grant {
  /** Construct path of the policy, or of the resource that carries it. */
  readonly policy: string;
  /** `Sid` of the statement, or its position from 1; the name of a policy of AWS that is attached to a role. */
  readonly statement: string;
  /** As written, `s3:Get*` for example; `*` for all that a policy of AWS allows. */
  readonly action: string;
  readonly resources: readonly string[];
}

/** What a simulation tells about the permissions of a template. */
export interface PermissionReport {
  /** Granted, but nothing that ran has used it. More scenarios may. */
  readonly unused: readonly Grant[];
  /** Granted on `*`, although the action's resources have names; and whole services or everything. */
  readonly broad: readonly Grant[];
  /** Calls that were not allowed, in the words of the services. */
  readonly denied: readonly string[];
  /** Principals outside of the template: their calls were allowed without asking. */
  readonly outsiders: readonly string[];
}

/** Actions for which IAM knows no resource: `*` is all that can be written.
 * @see https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html (read 2026-09) */
const withoutResources: readonly RegExp[] = [
  /^states:(SendTask(Success|Failure|Heartbeat)|TestState|ValidateStateMachineDefinition|ListStateMachines)$/,
  /^ssm:(GetCommandInvocation|ListCommands|ListCommandInvocations|CancelCommand|DescribeInstanceInformation)$/,
  /^ec2:Describe\w+$/,
  /^backup:((Describe|Stop)BackupJob|List(Backup|Copy|Restore)Jobs|Describe(Copy|Restore)Job|DescribeRegionSettings|UpdateRegionSettings)$/,
  /^logs:(Create|Get|Update|Delete|List)LogDeliver(y|ies)$/,
  /^logs:(PutResourcePolicy|DescribeResourcePolicies|DescribeLogGroups)$/,
  /^xray:(PutTraceSegments|PutTelemetryRecords|GetSampling(Rules|Targets|StatisticSummaries))$/,
  /^cloudwatch:(PutMetricData|GetMetricData|ListMetrics)$/,
  /^autoscaling:Describe\w+$/,
  /^s3:ListAllMyBuckets$/,
  /^sns:Unsubscribe$/,
  /^sts:GetCallerIdentity$/,
];

/** In the policy of a key, `*` is the key itself. */
const ownResource = /^(kms|sts):/;

/** @returns the report of everything that was decided so far */
export function reportPermissions(enforcement: Enforcement): PermissionReport {
  const requests = enforcement.requests;
  const allowing = enforcement.statements().filter(({ effect }) => effect === 'Allow');
  const used = usedActions(requests);
  const unused = allowing.flatMap((statement) =>
    statement.actions
      .filter((action) => !used.has(grantName(statement, action)))
      .map((action) => grantOf(statement, action)),
  );
  return {
    unused,
    broad: allowing.flatMap(broadGrants),
    denied: requests.flatMap(describeDenial),
    outsiders: [...enforcement.outsiders],
  };
}

/** @returns the grants without which nothing that was decided so far would have been decided otherwise: those that nothing has used,
 * and those beside which another one allows the same */
export function unneededGrants(enforcement: Enforcement): Grant[] {
  const needed = neededGrants(enforcement.requests);
  const own = enforcement
    .statements()
    .flatMap((statement) =>
      statement.actions
        .filter((action) => !needed.has(grantName(statement, action)))
        .map((action) => grantOf(statement, action)),
    );
  return [...own, ...unneededAttachments(enforcement)];
}

/** A policy of AWS is needed or not as a whole: what it holds is not for its users to change. */
function unneededAttachments(enforcement: Enforcement): Grant[] {
  const needed = neededAttachments(enforcement.requests);
  return enforcement
    .attachments()
    .filter(({ roleArn, policy }) => !needed.has(attachmentName(roleArn, policy)))
    .map(({ rolePath, policy }) => ({ policy: rolePath, statement: policy, action: '*', resources: ['*'] }));
}

function usedActions(requests: readonly DecidedRequest[]): ReadonlySet<string> {
  const used = new Set<string>();
  for (const { action, decision } of requests) {
    if (!decision.isAllowed) continue;
    for (const statement of decision.by) {
      for (const pattern of statement.actions) {
        if (matchesAction(pattern, action)) used.add(grantName(statement, pattern));
      }
    }
  }
  return used;
}

function grantOf(statement: Statement, action: string): Grant {
  const { policy, sid, index, resources } = statement;
  return { policy, statement: sid ?? String(index + 1), action, resources };
}

function broadGrants(statement: Statement): Grant[] {
  const isAnywhere = statement.resources.includes('*');
  const isWhole = (action: string): boolean => action === '*' || /^\w+:\*$/.test(action);
  const isOwn = (action: string): boolean => statement.principals !== undefined && ownResource.test(action);
  const all = statement.actions.length === 0 ? ['everything but what NotAction says'] : statement.actions;
  return all
    .filter(
      (action) =>
        !isOwn(action) &&
        (isWhole(action) || (isAnywhere && !withoutResources.some((pattern) => pattern.test(action)))),
    )
    .map((action) => grantOf(statement, action));
}

function describeDenial({ principal, action, resource, decision }: DecidedRequest): string[] {
  if (decision.isAllowed) return [];
  return [denialText({ requester: principal, action, resource, reason: decision.reason })];
}
