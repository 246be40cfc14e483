/** The document as it is synthesized: nothing in it can be replaced before bash sees it. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Template } from 'aws-cdk-lib/assertions';
import { RunCommandDocument } from '../../constructs/run-command-document';

interface Content {
  readonly schemaVersion: string;
  readonly parameters: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly mainSteps: readonly {
    readonly name: string;
    readonly inputs: { readonly timeoutSeconds: string; readonly runCommand: readonly unknown[] };
  }[];
}

function synthesize(command: string | ((stack: Stack) => string), timeout = Duration.hours(1)): Content {
  const stack = new Stack(new App(), 'Test');
  new RunCommandDocument(stack, 'Command', {
    command: typeof command === 'string' ? command : command(stack),
    timeout,
  });
  const [document] = Object.values(Template.fromStack(stack).findResources('AWS::SSM::Document'));
  return document!['Properties'].Content as Content;
}

it('is one step of schema 2.2, whose parameters are environment variables with strict patterns', () => {
  const content = synthesize('true');
  expect(content.schemaVersion).toBe('2.2');
  expect(content.mainSteps).toHaveLength(1);
  expect(content.mainSteps[0]).toMatchObject({ name: 'process', inputs: { timeoutSeconds: '3600' } });
  expect(Object.keys(content.parameters)).toEqual(['OperationId', 'Environment', 'ResultsLocation']);
  for (const parameter of Object.values(content.parameters)) {
    expect(parameter).toMatchObject({ type: 'String', interpolationType: 'ENV_VAR' });
    expect(parameter['allowedPattern']).toMatch(/^\^.*\$$/);
  }
  expect(JSON.stringify(content.mainSteps)).not.toContain('{{');
});

it('holds the command line by line, between lines that the command does not have', () => {
  const lines = synthesize('cat <<END_OF_COMMAND\nhello\nEND_OF_COMMAND\n').mainSteps[0]!.inputs.runCommand;
  const start = lines.indexOf("  cat <<'END_OF_COMMAND_1'");
  expect(lines.slice(start + 1, start + 6)).toEqual([
    'cat <<END_OF_COMMAND',
    'hello',
    'END_OF_COMMAND',
    '',
    'END_OF_COMMAND_1',
  ]);
});

it('may name other resources in its command', () => {
  const lines = synthesize((stack) => `echo ${new Bucket(stack, 'Tables').bucketName}`).mainSteps[0]!.inputs.runCommand;
  expect(lines).toContainEqual({ 'Fn::Join': ['', ['echo ', { Ref: expect.stringContaining('Tables') }]] });
});

it.each([
  ["docker inspect --format '{{.Id}}'", /SSM replaces before bash sees it/],
  [' \n', /command is empty/],
  ['x'.repeat(60_000), /too long/],
])('rejects a command that cannot work: %.40s', (command, message) => {
  expect(() => synthesize(command)).toThrow(message);
});

it.each([Duration.seconds(0), Duration.hours(49), Duration.millis(1500)])(
  'rejects a timeout that the agent would ignore',
  (timeout) => {
    expect(() => synthesize('true', timeout)).toThrow(/timeout that the SSM Agent would ignore/);
  },
);
