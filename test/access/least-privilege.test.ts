import { changeTemplate, removeFolders } from './assemblies';
import { Necessity } from './necessity';
import { runReally, scenarios, synthesize } from './scenarios';

let assembly: string;
const necessity = new Necessity();

/** @returns a copy of the assembly whose template lacks the statements for an action in the policy of a role */
function withoutAction(policy: string, action: string): string {
  return changeTemplate(assembly, ({ Resources }) => {
    for (const [logicalId, { Type, Properties }] of Object.entries(Resources)) {
      const document = Properties?.PolicyDocument;
      if (Type !== 'AWS::IAM::Policy' || !logicalId.startsWith(policy) || document === undefined) continue;
      document.Statement = document.Statement.filter(({ Action }) => ![Action].flat().includes(action));
    }
  });
}

beforeAll(async () => {
  assembly = synthesize(false);
  for (const [, run] of scenarios) {
    const simulation = await run(assembly);
    necessity.add(simulation);
    await simulation.close();
  }
}, 180_000);
afterAll(removeFolders);

test('without any single action of any statement a scenario fails', () => expect(necessity.missing()).toEqual([]));

test('nothing is denied in any scenario but what policies forbid in so many words', () => {
  expect(necessity.denied).toEqual([]);
});

test('no action is granted on everything where its resources have names, and no service as a whole', () => {
  expect(necessity.broad).toEqual([]);
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
    const poorer = withoutAction(policy, action);
    const simulation = await runReally(poorer);
    expect(simulation.permissions().denied.join()).toContain(`is not authorized to perform: ${action} `);
    expect(simulation.records().filter(({ status }) => status === 'STORED')).toEqual([]);
    await simulation.close();
  });
});
