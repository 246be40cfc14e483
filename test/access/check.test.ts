import { checkTarget } from '../../local/cli/check';
import { SmallStack } from '../simulate/small-stack';

test('check warns of grants on everything, where the resources have names', async () => {
  const statement = { Effect: 'Allow', Action: ['s3:*', 'ssm:ListCommands', 'sqs:SendMessage'], Resource: '*' };
  const stack = new SmallStack()
    .stateMachine('Machine', { StartAt: 'Done', States: { Done: { Type: 'Succeed' } } })
    .add('Role', 'AWS::IAM::Role', {
      AssumeRolePolicyDocument: { Statement: [] },
      Policies: [{ PolicyName: 'Wide', PolicyDocument: { Statement: [statement] } }],
    });
  const { text, isGood } = await checkTarget(stack.write(), false);
  expect(text).toContain('s3:* is allowed on *');
  expect(text).toContain('sqs:SendMessage is allowed on *');
  expect(text).not.toContain('ssm:ListCommands is allowed');
  expect(isGood).toBe(true);
});
