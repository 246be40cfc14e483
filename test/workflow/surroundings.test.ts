/** What stands around the state machine: trigger, relay, cleaner, queue, alarms, instances, and the ids of all of it. */
import { App, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { AutoScalingGroup } from 'aws-cdk-lib/aws-autoscaling';
import { InstanceType, LaunchTemplate, MachineImage, Vpc } from 'aws-cdk-lib/aws-ec2';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { workflowMetrics } from '../../tasks/metric';
import { BackupPolicy, InstanceFleet, ObjectWorkflow, Processor, SnapshotPolicy } from '../../workflow';
import { command, makeWorkflow, withoutCopies } from './synthesize';

const { stack, workflow } = makeWorkflow({ source: { prefix: 'in/', suffix: '.csv' } });
workflow.onStored('Stored', { target: new SqsQueue(new Queue(stack, 'Listener')) });
const template = Template.fromStack(stack);
const rules = template.findResources('AWS::Events::Rule');
const ownRules = Object.entries(rules).filter(([id]) => !id.includes('Stored'));

test('has the same ids as ever: another id would replace the data behind it', () => {
  const ids = Object.entries(template.toJSON().Resources as Record<string, { Type: string }>)
    .map(([id, { Type }]) => `${Type} ${id}`)
    .sort();
  expect(ids).toMatchSnapshot();
});

test('starts for each new object of the source, and for nothing else', () => {
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: {
        bucket: { name: [{ Ref: Match.stringLikeRegexp('^Inbox') }] },
        object: { key: [{ wildcard: 'in/*.csv' }] },
      },
    },
  });
});

test.each([
  [{ prefix: 'in/' }, { prefix: 'in/' }],
  [{ suffix: '.csv' }, { suffix: '.csv' }],
  [{}, { 'anything-but': { suffix: '/' } }],
  [{ prefix: 'a*b\\/', suffix: '*' }, { wildcard: 'a\\*b\\\\/*\\*' }],
])('matches the keys of source %j', (source, key) => {
  const pattern = Template.fromStack(makeWorkflow({ source }).stack).findResources('AWS::Events::Rule', {
    Properties: { EventPattern: { detail: { object: { key: [key] } } } },
  });
  expect(Object.keys(pattern)).toHaveLength(1);
});

test('tries for a day to deliver each event, and keeps it in the queue after that', () => {
  expect(ownRules.length).toBe(7);
  for (const [id, rule] of ownRules) {
    expect([id, rule['Properties'].Targets]).toEqual([
      id,
      [
        expect.objectContaining({
          RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
          DeadLetterConfig: { Arn: { 'Fn::GetAtt': [expect.stringContaining('DeadLetters'), 'Arn'] } },
        }),
      ],
    ]);
  }
});

test('keeps the events that its functions fail on', () => {
  template.resourceCountIs('AWS::Lambda::EventInvokeConfig', 2);
  template.allResourcesProperties('AWS::Lambda::EventInvokeConfig', {
    DestinationConfig: {
      OnFailure: { Destination: { 'Fn::GetAtt': [Match.stringLikeRegexp('DeadLetters'), 'Arn'] } },
    },
  });
});

test('listens for its own commands and backup jobs, by what only they have', () => {
  const details = ownRules.map(([, rule]) => rule['Properties'].EventPattern?.detail);
  expect(details).toContainEqual({
    'document-name': [{ Ref: expect.stringContaining('Document') }],
    status: [{ 'anything-but': ['Pending', 'InProgress', 'Delayed', 'Cancelling'] }],
  });
  expect(details).toContainEqual({
    backupVaultName: [{ 'Fn::GetAtt': [expect.stringContaining('Vault'), 'BackupVaultName'] }],
    state: ['COMPLETED', 'FAILED', 'ABORTED', 'EXPIRED', 'PARTIAL'],
  });
  expect(details).toContainEqual({
    state: ['running', 'stopping', 'stopped', 'shutting-down', 'terminated'],
    'instance-id': ['i-0123456789abcdef0'],
  });
});

test('cleans up after executions that end badly, and only after its own', () => {
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      source: ['aws.states'],
      'detail-type': ['Step Functions Execution Status Change'],
      detail: {
        stateMachineArn: [{ Ref: Match.stringLikeRegexp('StateMachine') }],
        status: ['FAILED', 'TIMED_OUT', 'ABORTED'],
      },
    },
    Targets: [Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('Cleaner'), 'Arn'] } })],
  });
});

test('looks once an hour for executions of its own that nobody has cleaned up after', () => {
  template.hasResourceProperties('AWS::Events::Rule', {
    ScheduleExpression: 'rate(1 hour)',
    Targets: [
      Match.objectLike({
        Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('Cleaner'), 'Arn'] },
        Input: {
          'Fn::Join': [
            '',
            [
              '{"sweep":{"stateMachineName":"',
              { 'Fn::GetAtt': [Match.stringLikeRegexp('StateMachine'), 'Name'] },
              '"}}',
            ],
          ],
        },
      }),
    ],
  });
});

test('tells others of stored objects by the outcome in the output', () => {
  template.hasResourceProperties('AWS::Events::Rule', {
    EventPattern: {
      detail: {
        status: ['SUCCEEDED'],
        output: [{ wildcard: '*"outcome":"STORED"*' }],
      },
    },
  });
});

test('leaves out rules, vault and functions for what is not wanted', () => {
  const bare = Template.fromStack(
    makeWorkflow({ snapshot: SnapshotPolicy.never(), backup: BackupPolicy.never() }).stack,
  );
  bare.resourceCountIs('AWS::Backup::BackupVault', 0);
  bare.resourceCountIs('AWS::Events::Rule', 5);
  bare.resourceCountIs('AWS::Lambda::Function', 6);
});

test('is logged in full without the data of its executions, and traced', () => {
  template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
    StateMachineType: 'STANDARD',
    TracingConfiguration: { Enabled: true },
    LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: false },
    StateMachineName: Match.absent(),
  });
  template.hasResourceProperties('AWS::Logs::LogGroup', {
    LogGroupName: Match.stringLikeRegexp('^/aws/vendedlogs/states/Test-Invoices'),
  });
});

test('watches only metrics that the services publish', () => {
  const published: Record<string, readonly string[]> = {
    'AWS/States': ['ExecutionsFailed', 'ExecutionsTimedOut'],
    'AWS/SQS': ['ApproximateNumberOfMessagesVisible'],
    'AWS/Events': ['InvocationsFailedToBeSentToDlq'],
    ObjectWorkflow: Object.values(workflowMetrics).map(({ name }) => name),
  };
  const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm'));
  expect(alarms).toHaveLength(5);
  for (const { Properties } of alarms) {
    expect(published[Properties.Namespace]).toContain(Properties.MetricName);
    expect(Properties.Dimensions).toHaveLength(1);
    expect(Properties.TreatMissingData).toBe('notBreaching');
    expect(Properties.AlarmDescription).toMatch(/\. .+\.$/);
  }
});

describe('an Auto Scaling group', () => {
  const fleet = (launchRole: boolean) => {
    const app = new App({ context: withoutCopies });
    const fleetStack = new Stack(app, 'Test');
    const group = new AutoScalingGroup(fleetStack, 'Fleet', {
      vpc: new Vpc(fleetStack, 'Network', { natGateways: 0 }),
      launchTemplate: new LaunchTemplate(fleetStack, 'Instance', {
        machineImage: MachineImage.latestAmazonLinux2023(),
        instanceType: new InstanceType('t4g.micro'),
        role: launchRole
          ? new Role(fleetStack, 'InstanceRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') })
          : undefined,
      }),
    });
    makeWorkflow(
      { processor: Processor.fleet(InstanceFleet.fromAutoScalingGroup(group), { command }) },
      { stack: fleetStack },
    );
    return fleetStack;
  };

  test('marks its instances for the workflow, which may command no others', () => {
    const withRole = Template.fromStack(fleet(true));
    const tag = { Key: 'object-workflow:fleet', Value: 'TestFleet72ECBEB0', PropagateAtLaunch: true };
    withRole.hasResourceProperties('AWS::AutoScaling::AutoScalingGroup', { Tags: Match.arrayWith([tag]) });
    withRole.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'ssm:SendCommand',
            Condition: { StringEquals: { [`ssm:resourceTag/${tag.Key}`]: tag.Value } },
          }),
        ]),
      },
    });
    withRole.hasResourceProperties('AWS::IAM::Role', {
      ManagedPolicyArns: [
        { 'Fn::Join': ['', Match.arrayWith([Match.stringLikeRegexp('AmazonSSMManagedInstanceCore')])] },
      ],
    });
  });

  test('whose role is not known gets a warning', () => {
    Annotations.fromStack(fleet(false)).hasWarning(
      '/Test/Invoices',
      Match.stringLikeRegexp("The role of a group's instances is not known"),
    );
  });
});

test.each([
  ['all feature flags of today', true],
  ['no feature flag', false],
])('synthesizes with %s, twice in one stack', (_, isOn) => {
  const flags = require('aws-cdk-lib/recommended-feature-flags.json') as Record<string, unknown>;
  const app = new App({ context: isOn ? flags : Object.fromEntries(Object.keys(flags).map((flag) => [flag, false])) });
  const twice = new Stack(app, 'Test');
  const { inbox } = makeWorkflow({}, { stack: twice });
  new ObjectWorkflow(twice, 'Orders', {
    source: { bucket: inbox.bucket, prefix: 'orders/' },
    processor: Processor.fleet(InstanceFleet.fromTag({ key: 'a', value: 'b' }), { command }),
  });
  Template.fromStack(twice).resourceCountIs('AWS::StepFunctions::StateMachine', 2);
});
