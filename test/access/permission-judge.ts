/** Judges what a template grants, when it has run: whether each action of each statement is needed, and whether everything that
 * the library's constructs need is granted. */
import type { Simulation } from '../../local';
import { evaluate } from '../../local/access/evaluate';
import { attachmentName, grantName, neededAttachments, neededGrants } from '../../local/access/need';
import { compilePolicy, type Statement } from '../../local/access/policy';
import { askCarriedRequests } from './carried-requests';

/** Grants that no simulation can need, and why they are there all the same. */
export interface Excuse {
  readonly policy: RegExp;
  /** @default - all of the policy's */
  readonly action?: RegExp;
  readonly reason: string;
}

interface JudgedGrant {
  readonly policy: string;
  readonly action: string;
  readonly text: string;
}

/** Somebody of the account who may do everything, as far as the account's policies go. */
const administrator = {
  kind: 'role',
  arn: 'arn:aws:iam::111122223333:role/Administrator',
  sessionArn: 'arn:aws:sts::111122223333:assumed-role/Administrator/session',
  accountId: '111122223333',
} as const;
const allowEverything = compilePolicy(
  { Statement: { Effect: 'Allow', Action: '*', Resource: '*' } },
  'all',
  'identity',
);

/** Takes the simulations of one template. */
export class PermissionJudge {
  private readonly granted = new Map<string, JudgedGrant>();
  private readonly needed = new Set<string>();
  private readonly wrong = new Set<string>();
  private readonly broad = new Map<string, JudgedGrant>();

  /** Takes a simulation that has run. It need not be open any more. */
  add(simulation: Simulation): void {
    if (this.granted.size === 0) this.askOnce(simulation);
    const { requests } = simulation.access;
    for (const name of neededGrants(requests, this.needed)) this.needed.add(name);
    for (const name of neededAttachments(requests)) this.needed.add(name);
  }

  /** @returns what is wrong with the grants; nothing where each is needed and none is missing */
  problems(...excuses: readonly Excuse[]): string[] {
    const unneeded = [...this.granted].flatMap(([name, grant]) => (this.needed.has(name) ? [] : [grant]));
    const covers = ({ policy, action }: Excuse, grant: JudgedGrant): boolean =>
      policy.test(grant.policy) && (action?.test(grant.action) ?? true);
    const unexcused = (grant: JudgedGrant): boolean => !excuses.some((excuse) => covers(excuse, grant));
    return [
      ...this.wrong,
      ...unneeded.filter(unexcused).map(({ text }) => `not needed: ${text}`),
      ...[...this.broad.values()].filter(unexcused).map(({ text }) => `too broad: ${text}`),
      ...excuses
        .filter((excuse) => !unneeded.some((grant) => covers(excuse, grant)))
        .map(({ policy, action, reason }) => `excused, but needed or gone: ${policy} ${action ?? ''} ${reason}`),
    ];
  }

  /** What holds for the template, whatever has run. */
  private askOnce(simulation: Simulation): void {
    for (const statement of simulation.access.statements()) {
      for (const action of statement.actions) this.granted.set(grantName(statement, action), judged(statement, action));
    }
    for (const { roleArn, rolePath, policy } of simulation.access.attachments()) {
      const text = `${rolePath}: all of AWS's ${policy}`;
      this.granted.set(attachmentName(roleArn, policy), { policy: rolePath, action: '*', text });
    }
    for (const { policy, action, resources } of simulation.permissions().broad) {
      this.broad.set(`${policy} ${action}`, judged({ policy, resources }, action));
    }
    this.askOverPlainHttp(simulation);
    for (const refusal of [...askForDeliveries(simulation), ...askCarriedRequests(simulation)]) this.wrong.add(refusal);
  }

  /** Nobody reaches a bucket or a queue over plain HTTP, whatever else they may do. */
  private askOverPlainHttp({ access, resources, cloud: { region, accountId } }: Simulation): void {
    const denials = access
      .statements()
      .filter(({ effect, principals }) => effect === 'Deny' && principals !== undefined);
    const places = resources.flatMap(({ type, physicalId = '' }) => {
      if (type === 'AWS::S3::Bucket') return [{ action: 's3:GetObject', resource: `arn:aws:s3:::${physicalId}/key` }];
      if (type !== 'AWS::SQS::Queue') return [];
      const name = physicalId.split('/').at(-1);
      return [{ action: 'sqs:SendMessage', resource: `arn:aws:sqs:${region}:${accountId}:${name}` }];
    });
    for (const { action, resource } of places) {
      const policies = { identity: allowEverything, resource: denials, resourcePolicy: 'enough' } as const;
      const context = (key: string) => (key === 'aws:securetransport' ? 'false' : undefined);
      const decision = evaluate(policies, { requester: administrator, action, resource, context });
      if (decision.isAllowed) this.wrong.add(`open to plain HTTP: ${resource}`);
      else for (const pattern of decision.by!.actions) this.needed.add(grantName(decision.by!, pattern));
    }
  }
}

function judged({ policy, resources }: Pick<Statement, 'policy' | 'resources'>, action: string): JudgedGrant {
  return { policy, action, text: `${policy}: ${action} on ${resources.join(', ')}` };
}

/** Each rule reaches its targets, and the queues for what it could not deliver.
 * @returns what is refused */
function askForDeliveries({ access, services }: Simulation): string[] {
  return services.events.listRules().flatMap(({ arn, targets }) =>
    targets.flatMap(({ Arn: target, DeadLetterConfig: deadLetters }) => {
      const asked = [
        ...(target.startsWith('arn:aws:lambda:') ? [{ action: 'lambda:InvokeFunction', resource: target }] : []),
        ...(deadLetters?.Arn === undefined ? [] : [{ action: 'sqs:SendMessage', resource: deadLetters.Arn }]),
      ];
      const refused = asked.filter((one) => !access.permits({ id: 'events.amazonaws.com', sourceArn: arn }, [one]));
      return refused.map(({ action, resource }) => `refused to ${arn}: ${action} on ${resource}`);
    }),
  );
}
