import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { storeResults } from '../../tasks';
import { TaskFunction } from '../../workflow';
import { greet } from './greet';

test('deploys a task of this package from its bundle, with a log and a role of its own', () => {
  const stack = new Stack(new App(), 'Test');
  new TaskFunction(stack, 'Store', { task: storeResults, settings: { ledgerTable: 'ledger' } });
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::Lambda::Function', {
    Description: storeResults.description,
    Runtime: 'nodejs24.x',
    Architectures: ['arm64'],
    Handler: 'index.handler',
    Timeout: 45,
    MemorySize: 512,
    TracingConfig: { Mode: 'Active' },
    FunctionName: Match.absent(),
    LoggingConfig: { LogGroup: { Ref: Match.stringLikeRegexp('StoreLogs') } },
    Environment: { Variables: { SETTINGS: '{"ledgerTable":"ledger"}', NODE_OPTIONS: '--enable-source-maps' } },
  });
  template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 180, LogGroupName: Match.absent() });
  template.hasResourceProperties('AWS::IAM::Role', { ManagedPolicyArns: Match.absent() });
  template.resourceCountIs('AWS::IAM::Role', 1);
});

test('writes settings that are known only at deployment', () => {
  const stack = new Stack(new App(), 'Test');
  const bucket = new Bucket(stack, 'Bucket');
  const entry = folderWithHandler();
  new TaskFunction(stack, 'Greet', { task: greet, entry, settings: { bucket: bucket.bucketName, times: 2 } });
  Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', {
    Environment: {
      Variables: {
        SETTINGS: { 'Fn::Join': ['', ['{"bucket":"', { Ref: Match.stringLikeRegexp('Bucket') }, '","times":2}']] },
      },
    },
  });
});

test('bundles a source file of the user', () => {
  const stack = new Stack(new App(), 'Test');
  const entry = join(__dirname, 'greet.ts');
  new TaskFunction(stack, 'Greet', {
    task: greet,
    entry,
    settings: { bucket: 'b', times: 1 },
    timeout: Duration.minutes(5),
  });
  Template.fromStack(stack).hasResourceProperties('AWS::Lambda::Function', { Handler: 'index.handler', Timeout: 300 });
});

test('rejects a task that has no code to deploy', () => {
  const make = () => new TaskFunction(new Stack(), 'Greet', { task: greet, settings: { bucket: 'b', times: 1 } });
  expect(make).toThrow(
    /^A task has no code to deploy, at Default\/Greet\n {2}got: task "greet", .*\n {2}allowed: .*\n {2}fix: set `entry`/,
  );
});

function folderWithHandler(): string {
  const folder = mkdtempSync(join(tmpdir(), 'task-function-'));
  writeFileSync(join(folder, 'index.js'), 'exports.handler = async () => ({});\n');
  return folder;
}
