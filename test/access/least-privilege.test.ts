import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluate } from '../../local/access/evaluate';
import type { DecidedRequest } from '../../local/access/enforcement';
import { matchesAction } from '../../local/access/permission-report';
import type { Statement } from '../../local/access/policy';
import type { Simulation } from '../../local';
import { runReally, scenarios, synthesize } from './scenarios';

/** Grants that are right and that no scenario here comes to need, each with the reason. Whatever else is granted must be used,
 * and what is used must leave this list. */
const unreached: readonly (readonly [policy: RegExp, action: RegExp, why: string])[] = [
  [/(FleetInstance|QuarantineObject)Role/, /^s3:GetObject$/, 'a source whose bucket keeps no versions'],
  [/(FleetInstance|QuarantineObject)Role/, /^s3:AbortMultipartUpload$/, 'gigabytes that are given up midway'],
  [/QuarantineObjectRole/, /^s3:ListBucket$/, 'an object that is deleted on its way to quarantine'],
  [/ValidateObjectRole/, /^dynamodb:(Get|Put)Item$/, 'two starts by name that meet'],
  [/SnapshotInstanceRole/, /^dynamodb:DeleteItem$/, 'a job that has ended when its state starts'],
  [
    /(ProcessObject|SnapshotInstance|BackUpResults)Role/,
    /^states:SendTask/,
    'work that is done when its state starts again',
  ],
  [/(ProcessObject|EventsRelay|EventsCleaner)Role/, /^ssm:(List|Cancel)Commands?$/, 'a command whose id was lost'],
  [/(BackUpResults|EventsRelay|EventsCleaner)Role/, /^backup:ListBackupJobs$/, 'a backup job whose id was lost'],
  [
    /EventsCleanerRole/,
    /^(states:SendTask|ec2:Create|ec2:DescribeImages|backup:|iam:)/,
    'a shared job that the stopped one leaves to others',
  ],
];

let assembly: string;
const granted = new Map<string, { readonly policy: string; readonly action: string }>();
const needed = new Map<string, string>();
const denied: string[] = [];
const broad: unknown[] = [];

/** Whether a request would be decided otherwise without the statement. */
function needs(request: DecidedRequest, statement: Statement): boolean {
  const { policies, requester, action, resource, keys, decision } = request;
  const without = (statements: readonly Statement[]) => statements.filter((one) => one !== statement);
  const rest = { ...policies, identity: without(policies.identity), resource: without(policies.resource) };
  return evaluate(rest, { requester, action, resource, context: (key) => keys[key] }).isAllowed !== decision.isAllowed;
}

/** @returns a copy of the assembly whose template lacks the statements for an action in the policy of a role */
function withoutAction(directory: string, policy: string, action: string): string {
  const copy = mkdtempSync(join(tmpdir(), 'object-workflow-poorer-'));
  cpSync(directory, copy, { recursive: true });
  const path = join(copy, 'Access.template.json');
  const template = JSON.parse(readFileSync(path, 'utf8')) as TemplateJson;
  for (const [logicalId, { Type, Properties }] of Object.entries(template.Resources)) {
    const document = Properties?.PolicyDocument;
    if (Type !== 'AWS::IAM::Policy' || !logicalId.startsWith(policy) || document === undefined) continue;
    document.Statement = document.Statement.filter(({ Action }) => ![Action].flat().includes(action));
  }
  writeFileSync(path, JSON.stringify(template));
  return copy;
}

interface TemplateJson {
  readonly Resources: Readonly<
    Record<
      string,
      {
        readonly Type: string;
        readonly Properties?: { readonly PolicyDocument?: { Statement: { Action: string | string[] }[] } };
      }
    >
  >;
}

function record(scenario: string, simulation: Simulation): void {
  for (const { policy, index, actions } of simulation.access.statements()) {
    for (const action of actions) granted.set(`${policy} ${index} ${action}`, { policy, action });
  }
  for (const request of simulation.access.requests) {
    const { decision } = request;
    const deciding = decision.isAllowed ? decision.by : decision.by === undefined ? [] : [decision.by];
    for (const statement of deciding) {
      const actions = statement.actions.filter((pattern) => matchesAction(pattern, request.action));
      const names = actions.map((pattern) => `${statement.policy} ${statement.index} ${pattern}`);
      if (names.every((name) => needed.has(name)) || !needs(request, statement)) continue;
      for (const name of names) if (!needed.has(name)) needed.set(name, scenario);
    }
  }
  denied.push(...simulation.permissions().denied.filter((text) => !text.includes('explicit deny')));
  broad.push(...simulation.permissions().broad);
}

beforeAll(async () => {
  assembly = synthesize(false);
  for (const [name, run] of scenarios) {
    const simulation = await run(assembly);
    record(name, simulation);
    await simulation.close();
  }
}, 180_000);
afterAll(() => rmSync(assembly, { recursive: true, force: true }));

test('without any single action of any statement a named scenario fails', () => {
  const missing = [...granted].filter(
    ([name, { policy, action }]) =>
      !needed.has(name) && !unreached.some((one) => one[0].test(policy) && one[1].test(action)),
  );
  expect(missing.map(([name]) => name)).toEqual([]);
});

test('nothing is excused that the scenarios need', () => {
  const superfluous = unreached.filter(([policies, actions]) =>
    [...granted]
      .filter(([, { policy, action }]) => policies.test(policy) && actions.test(action))
      .every(([name]) => needed.has(name)),
  );
  expect(superfluous.map(([, , why]) => why)).toEqual([]);
});

test('nothing is denied in any scenario but what policies forbid in so many words', () => expect(denied).toEqual([]));

test('no action is granted on everything where its resources have names, and no service as a whole', () => {
  expect(broad).toEqual([]);
});

describe('the records tell the truth: replayed without', () => {
  test.each([
    ['WorkflowStateMachineRole', 'dynamodb:UpdateItem'],
    ['WorkflowProcessObjectRole', 'ssm:SendCommand'],
    ['WorkflowStoreResultsRole', 's3:GetObject'],
    ['WorkflowSnapshotInstanceRole', 'ec2:CreateTags'],
    ['WorkflowBackUpResultsRole', 'iam:PassRole'],
    ['FleetInstanceRole', 's3:PutObject'],
  ])('%s: %s, no object is stored', async (policy, action) => {
    const poorer = withoutAction(assembly, policy, action);
    const simulation = await runReally(poorer);
    expect(simulation.permissions().denied.join()).toContain(`is not authorized to perform: ${action} `);
    expect(simulation.records().filter(({ status }) => status === 'STORED')).toEqual([]);
    await simulation.close();
    rmSync(poorer, { recursive: true, force: true });
  });
});

test('with keys of your own and every option, an object goes through and nothing is denied', async () => {
  const full = synthesize(true);
  const simulation = await runReally(full);
  expect(simulation.permissions().denied).toEqual([]);
  expect(simulation.records()).toMatchObject([{ status: 'STORED' }]);
  await simulation.close();
  rmSync(full, { recursive: true, force: true });
}, 60_000);
