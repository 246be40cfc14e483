/** Every action of every statement of a workflow is needed in a scenario, for each kind of fleet and with every option. What the
 * scenarios show is carried to all other templates by `PermissionJudge`. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { simulate } from '../../local';
import { SimulatedInstances } from '../simulation/instances';
import { changeTemplate, removeFolders, type PolicyJson } from './assemblies';
import { readCarriedRequests } from './carried-requests';
import { sourceWithoutVersions } from './excused-grants';
import { synthesizeImported } from './imported';
import { upload } from './mishaps';
import { PermissionJudge } from './permission-judge';
import { RecordedRequests, runReference, type RecordedReference } from './references';
import { runQuickly, runReally, synthesize, type Reference } from './scenarios';

const recorded = new RecordedRequests();
const references = new Map<Reference, RecordedReference>();
const kinds: readonly Reference[] = ['group', 'fleet', 'launch', 'full'];

beforeAll(async () => {
  for (const kind of kinds) references.set(kind, await runReference(kind, recorded));
}, 240_000);
afterAll(removeFolders);

describe.each(kinds)('a workflow with the options of the reference "%s"', (kind) => {
  test('needs every action of every statement, and has all it needs', () => {
    expect(references.get(kind)!.judge.problems()).toEqual([]);
  });

  test('makes no call that is denied', () => expect(references.get(kind)!.denied).toEqual([]));
});

test('what is carried to other templates was asked in a scenario, and is all that a scenario needs', () => {
  const carried = readCarriedRequests().map(({ allowedIn: _, ...request }) => JSON.stringify(request));
  expect(carried.filter((text) => !recorded.texts.has(text))).toEqual([]);
});

describe('the records tell the truth: without', () => {
  test.each([
    ['WorkflowStateMachineRole', 'dynamodb:UpdateItem', runQuickly],
    ['WorkflowProcessObjectRole', 'ssm:SendCommand', runQuickly],
    ['WorkflowStoreResultsRole', 's3:GetObject', runQuickly],
    ['WorkflowSnapshotInstanceRole', 'ec2:CreateTags', runQuickly],
    ['WorkflowBackUpResultsRole', 'iam:PassRole', runQuickly],
    ['FleetInstanceRole', 's3:PutObject', runReally],
  ])('%s: %s, no object is stored', async (policy, action, run) => {
    const simulation = await run(withoutAction(references.get('group')!.assembly, policy, action));
    expect(simulation.permissions().denied.join()).toContain(`is not authorized to perform: ${action} `);
    expect(simulation.records().filter(({ status }) => status === 'STORED')).toEqual([]);
    await simulation.close();
  });
});

test('whatever is granted too much in whichever policy is found, and so is what is granted in vain', async () => {
  const planted = changeTemplate(references.get('full')!.assembly, ({ Resources }) => {
    for (const { Type, Properties } of Object.values(Resources)) {
      const document = Properties?.PolicyDocument ?? (Properties?.['KeyPolicy'] as PolicyJson | undefined);
      if (document === undefined || !/Policy$|Key$/.test(Type)) continue;
      const principal = Type === 'AWS::IAM::Policy' ? {} : { Principal: { AWS: '*' } };
      document.Statement.push({ Effect: 'Allow', Action: '*', Resource: '*', ...principal });
    }
  });
  const simulation = await simulate(planted);
  const judge = new PermissionJudge();
  judge.add(simulation);
  const problems = judge.problems();
  const policies = [...new Set(simulation.access.statements().map(({ policy }) => policy))].filter((policy) =>
    /\/(Default)?Policy\/Resource$|Key\/Resource$/.test(policy),
  );
  expect(policies.length).toBeGreaterThan(15);
  expect(policies.filter((policy) => !problems.includes(`too broad: ${policy}: * on *`))).toEqual([]);
  expect(policies.filter((policy) => !problems.some((text) => text.startsWith(`not needed: ${policy}: `)))).toEqual([]);
  await simulation.close();
});

test('what tasks of your own are granted is needed, too', async () => {
  const simulation = await runQuickly(synthesize('group', true));
  expect(simulation.records()).toMatchObject([{ status: 'STORED' }]);
  expect(simulation.permissions().denied).toEqual([]);
  const judge = new PermissionJudge();
  judge.add(simulation);
  expect(judge.problems(sourceWithoutVersions)).toEqual([]);
  await simulation.close();
});

test('what belongs to others is granted as what is made here: buckets by ARN or name, keys by ARN, instances by id', async () => {
  const simulation = await simulate(synthesizeImported(), { clients: 'direct' });
  void new SimulatedInstances(simulation);
  for (const name of ['stores', 'rejects'] as const) await upload(simulation, name, { behaviour: name });
  await simulation.settle();
  expect(simulation.permissions().denied).toEqual([]);
  expect(simulation.records().map(({ status }) => status)).toEqual(['STORED', 'REJECTED']);
  const judge = new PermissionJudge();
  judge.add(simulation);
  expect(judge.problems()).toEqual([]);
  await simulation.close();
});

test('every example shows that its permissions are needed', () => {
  const examples = join(__dirname, '../../examples');
  const names = readdirSync(examples).filter((name) => existsSync(join(examples, name, 'cdk.json')));
  expect(names.length).toBeGreaterThan(2);
  const silent = names.filter((name) => {
    const tests = readdirSync(join(examples, name)).filter((file) => file.endsWith('.test.ts'));
    return !tests.some((file) => /\bexpect\(judge\.problems\(/.test(readFileSync(join(examples, name, file), 'utf8')));
  });
  expect(silent).toEqual([]);
});

/** @returns a copy of the assembly whose template lacks the statements for an action in the policy of a role */
function withoutAction(assembly: string, policy: string, action: string): string {
  return changeTemplate(assembly, ({ Resources }) => {
    for (const [logicalId, { Type, Properties }] of Object.entries(Resources)) {
      const document = Properties?.PolicyDocument;
      if (Type !== 'AWS::IAM::Policy' || !logicalId.startsWith(policy) || document === undefined) continue;
      document.Statement = document.Statement.filter(({ Action }) => ![Action].flat().includes(action));
    }
  });
}
