import { App, Duration, Size, Stack } from 'aws-cdk-lib';
import { Annotations, Match, Template } from 'aws-cdk-lib/assertions';
import { LaunchTemplate, type ILaunchTemplate } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { BackupPolicy, InstanceFleet, ObjectStore, ObjectWorkflow, Processor, SnapshotPolicy } from '../../workflow';
import { command, makeWorkflow, withoutCopies } from './synthesize';

const messageShape = /^[^\n]+, at [^\n]+\n {2}got: [^\n]*\n {2}allowed: [^\n]+\n {2}fix: [^\n]+$/;

function messageOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('nothing was refused');
}

test.each([
  ['an empty prefix', { source: { prefix: '' } }, "A source's prefix is empty"],
  ['an empty suffix', { source: { suffix: '' } }, "A source's suffix is empty"],
  ['a prefix with a leading slash', { source: { prefix: '/in' } }, 'fix: write "in"'],
  ['a prefix that is a URI', { source: { prefix: 's3://bucket/in/' } }, 'fix: write "in/"'],
  ['a suffix that is a folder', { source: { suffix: '/' } }, "A source's suffix matches only folders"],
  [
    'sizes the wrong way round',
    { source: { minimumSize: Size.mebibytes(2), maximumSize: Size.mebibytes(1) } },
    'minimumSize 2097152 bytes, maximumSize 1048576 bytes',
  ],
  ['a maximum size of nothing', { source: { maximumSize: Size.bytes(0) } }, "A source's sizes leave nothing to accept"],
  ['a results prefix that is no folder', { resultsPrefix: 'out' }, 'fix: write "out/"'],
  ['a quarantine prefix that begins with a slash', { quarantinePrefix: '/bad/' }, 'fix: write "bad/"'],
  [
    'no instances',
    { processor: Processor.fleet(InstanceFleet.fromInstances(), { command }) },
    'A processor has no instances',
  ],
  [
    'half a slot',
    { processor: Processor.fleet(InstanceFleet.fromTag({ key: 'a', value: 'b' }), { command, slotsPerInstance: 0.5 }) },
    'slotsPerInstance is not a count',
  ],
  [
    'no tries',
    { processor: Processor.fleet(InstanceFleet.fromTag({ key: 'a', value: 'b' }), { command, maximumTries: 0 }) },
    'maximumTries is not a count',
  ],
  [
    'a deadline within the interval',
    { snapshot: SnapshotPolicy.atMostEvery(Duration.hours(6), { deadline: Duration.hours(6) }) },
    'a deadline of 6 hours with atMostEvery 6 hours',
  ],
  [
    'deadlines that do not fit into a history',
    {
      backup: BackupPolicy.everyRun({ deadline: Duration.days(100) }),
      snapshot: SnapshotPolicy.everyRun({ deadline: Duration.days(100) }),
    },
    /got: 4\d{4} events: Process on EC2 3127 \(13 hours\), Snapshot instance 19207 \(100 days\), Back up results 19207/,
  ],
])('refuses %s, and says what to change', (_, props, text) => {
  const message = messageOf(() => makeWorkflow(props));
  expect(message).toMatch(messageShape);
  expect(message).toMatch(text);
});

describe('refuses results that would start the workflow again', () => {
  const inOneBucket = (props: { prefix?: string; resultsPrefix?: string; quarantinePrefix?: string }) => () => {
    const stack = new Stack();
    const { bucket } = new ObjectStore(stack, 'Store');
    const { prefix, ...prefixes } = props;
    return new ObjectWorkflow(stack, 'Invoices', {
      source: { bucket, prefix },
      processor: Processor.fleet(InstanceFleet.fromTag({ key: 'a', value: 'b' }), { command }),
      results: bucket,
      quarantine: prefixes.quarantinePrefix === undefined ? undefined : bucket,
      ...prefixes,
    });
  };

  test.each([
    ['everywhere', {}],
    ['under the same prefix', { prefix: 'data/', resultsPrefix: 'data/' }],
    ['below the prefix', { prefix: 'data/', resultsPrefix: 'data/out/' }],
    ['above the prefix', { prefix: 'out/operations/in/', resultsPrefix: 'out/' }],
  ])('%s', (_, props) => {
    expect(messageOf(inOneBucket(props))).toMatch(messageShape);
    expect(messageOf(inOneBucket(props))).toContain('Writing the results would start the workflow again');
  });

  test('the same for rejected objects', () => {
    const props = { prefix: 'in/', resultsPrefix: 'out/', quarantinePrefix: 'in/rejected/' };
    expect(messageOf(inOneBucket(props))).toContain('Writing the quarantine would start the workflow again');
  });

  test('but not results beside the source', () => {
    expect(inOneBucket({ prefix: 'in/', resultsPrefix: 'out/' })).not.toThrow();
  });

  test('even when one bucket is imported twice', () => {
    const stack = new Stack();
    const imported = (id: string) => Bucket.fromBucketName(stack, id, 'one-bucket');
    const make = () =>
      new ObjectWorkflow(stack, 'Invoices', {
        source: { bucket: imported('One') },
        results: imported('Two'),
        processor: Processor.fleet(InstanceFleet.fromTag({ key: 'a', value: 'b' }), { command }),
      });
    expect(messageOf(make)).toContain('would start the workflow again');
  });
});

describe('instances that are launched one by one', () => {
  const launching = (
    more: { role?: false; maximumInstances?: number; snapshot?: SnapshotPolicy } = {},
    template?: (stack: Stack) => ILaunchTemplate,
  ) => {
    const stack = new Stack(new App({ context: withoutCopies }), 'Test');
    const role = new Role(stack, 'Worker', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') });
    const made = template?.(stack) ?? new LaunchTemplate(stack, 'Template', more.role === false ? {} : { role });
    const { maximumInstances, snapshot } = more;
    makeWorkflow({ processor: Processor.launch(made, { command, maximumInstances }), snapshot }, { stack });
    return stack;
  };

  test.each([
    [
      'an image of what is gone',
      () => launching({ snapshot: SnapshotPolicy.everyRun() }),
      'Processor.launch with a snapshot policy',
    ],
    ['a template without a role', () => launching({ role: false }), 'The role of the instances'],
    ['no instance at all', () => launching({ maximumInstances: 0 }), 'maximumInstances is not a count'],
    [
      'a template that only has a name',
      () =>
        launching({}, (stack) =>
          LaunchTemplate.fromLaunchTemplateAttributes(stack, 'Theirs', { launchTemplateName: 'theirs' }),
        ),
      'known by its name only',
    ],
  ])('refuses %s, and says what to change', (_, make, text) => {
    const message = messageOf(make);
    expect(message).toMatch(messageShape);
    expect(message).toContain(text);
  });

  test('are launched from one template, tagged, as one role, and only they are terminated', () => {
    const template = Template.fromStack(launching());
    template.resourcePropertiesCountIs('AWS::Lambda::Function', { Description: Match.stringLikeRegexp('image of') }, 0);
    const tag = 'object-workflow:queue';
    for (const [Sid, statement] of Object.entries({
      LaunchTagged: {
        Condition: {
          ArnEquals: { 'ec2:LaunchTemplate': Match.anyValue() },
          StringEquals: { [`aws:RequestTag/${tag}`]: Match.anyValue() },
        },
      },
      KeepToTheTemplate: { Condition: Match.objectLike({ Bool: { 'ec2:IsLaunchTemplateResource': 'true' } }) },
      TagWhatIsLaunched: { Condition: { StringEquals: { 'ec2:CreateAction': 'RunInstances' } } },
      EndWhatWasLaunched: { Condition: { StringEquals: { [`aws:ResourceTag/${tag}`]: Match.anyValue() } } },
      PassTheInstanceRole: { Condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } } },
    })) {
      const Statement = Match.arrayWith([Match.objectLike({ Sid, ...statement })]);
      // The state's function, the relay, the cleaner and the keeper.
      template.resourcePropertiesCountIs('AWS::IAM::Policy', { PolicyDocument: { Statement } }, 4);
    }
  });
});

describe('backups', () => {
  const withResults = (results: (stack: Stack) => Bucket, backup?: BackupPolicy) => () => {
    const stack = new Stack();
    return makeWorkflow({ results: results(stack), backup }, { stack });
  };

  test('of a bucket without versions are refused', () => {
    const message = messageOf(withResults((stack) => new Bucket(stack, 'Plain')));
    expect(message).toMatch(messageShape);
    expect(message).toContain('without versions');
  });

  test('of a versioned bucket are made, and a bucket without versions may go without them', () => {
    expect(withResults((stack) => new Bucket(stack, 'Versioned', { versioned: true }))).not.toThrow();
    expect(withResults((stack) => new Bucket(stack, 'Plain'), BackupPolicy.never())).not.toThrow();
  });
});

describe('an imported source', () => {
  const stack = new Stack(new App({ context: withoutCopies }), 'Test');
  makeWorkflow({ source: { bucket: Bucket.fromBucketName(stack, 'Theirs', 'their-bucket') } }, { stack });

  test('gets a rule and a warning, and is not touched', () => {
    Annotations.fromStack(stack).hasWarning(
      '/Test/Invoices',
      Match.stringLikeRegexp('An imported bucket must send its events to EventBridge itself'),
    );
    Template.fromStack(stack).resourceCountIs('Custom::S3BucketNotifications', 0);
    Template.fromStack(stack).hasResourceProperties('AWS::Events::Rule', {
      EventPattern: Match.objectLike({ detail: Match.objectLike({ bucket: { name: ['their-bucket'] } }) }),
    });
  });
});
