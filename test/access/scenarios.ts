/** The workflow with every option that changes a policy, and scenarios that use every permission it has. */
import { App, Duration, Stack } from 'aws-cdk-lib';
import { Key } from 'aws-cdk-lib/aws-kms';
import { ServiceError, simulate, type Simulation } from '../../local';
import {
  BackupPolicy,
  LedgerTable,
  InstanceFleet,
  ObjectStore,
  ObjectWorkflow,
  Processor,
  SnapshotPolicy,
} from '../../workflow';
import { launchTemplateContext, oneSubnetFleet } from '../one-subnet-fleet';
import { SimulatedInstances } from '../simulation/instances';
import { createFolder } from './assemblies';
import { mishaps } from './mishaps';

/** @param isFull True: with a customer's key, images that are removed and published, and rejected objects that are deleted.
 * @returns the directory of the assembly */
export function synthesize(isFull: boolean): string {
  const app = new App({
    outdir: createFolder(),
    context: launchTemplateContext,
  });
  const stack = new Stack(app, 'Access');
  const encryptionKey = isFull ? new Key(stack, 'Key') : undefined;
  const store = (id: string): ObjectStore => new ObjectStore(stack, id, encryptionKey && { encryptionKey });
  const fleet = oneSubnetFleet(stack, { minCapacity: 2, maxCapacity: 2, spotPrice: '0.01' });
  new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: store('Inbox').bucket, prefix: 'incoming/', suffix: '.csv' },
    processor: Processor.fleet(InstanceFleet.fromAutoScalingGroup(fleet), {
      command: 'cp "$OBJECT_FILE" "$RESULTS_DIR/copy"',
    }),
    ...(encryptionKey !== undefined && {
      results: store('Results').bucket,
      quarantine: store('Quarantine').bucket,
      removeRejected: true,
      ledger: new LedgerTable(stack, 'Ledger', { encryptionKey }),
      snapshot: SnapshotPolicy.everyRun({ keep: 1, parameterName: '/images/newest' }),
      backup: BackupPolicy.everyRun({ deleteAfter: Duration.days(30) }),
    }),
  });
  return app.synth().directory;
}

/** Every target of a rule refuses its event, so that each goes to the dead letters. */
async function runUndeliverable(assembly: string): Promise<Simulation> {
  const simulation = await simulate(assembly, { clients: 'direct' });
  simulation.cloud.intercept((call, next) => {
    const isTarget = ['Invoke', 'StartExecution'].includes(call.operation) && call.principal.sourceArn !== undefined;
    return isTarget ? Promise.reject(new ServiceError('ResourceNotFoundException', 'gone', 404)) : next(call);
  });
  for (const rule of simulation.services.events.listRules()) {
    for (const target of rule.targets) {
      const queueArn = target.DeadLetterConfig!.Arn!;
      await simulation.cloud.call({
        service: 'sqs',
        operation: 'SendMessage',
        input: {
          QueueUrl: `https://sqs.us-east-1.amazonaws.com/111122223333/${queueArn.split(':').at(-1)}`,
          MessageBody: '{}',
        },
        principal: { id: 'events.amazonaws.com', session: rule.name, sourceArn: rule.arn },
      });
    }
  }
  return simulation;
}

/** The functions behind the rules fail three times in a row; somebody asks for what does not exist, and over plain HTTP. */
async function runBroken(assembly: string): Promise<Simulation> {
  const broken = (): never => {
    throw new Error('broken');
  };
  const standIns = {
    'Access/Workflow/Events/Relay/Resource': broken,
    'Access/Workflow/Events/Cleaner/Resource': broken,
  };
  const simulation = await simulate(assembly, { clients: 'direct', standIns });
  // Ends well and leaves no manifest.
  simulation.services.ssm.commands.answer(() => ({ exitCode: 0 }));
  const { bucket } = await simulation.upload({ key: 'incoming/a.csv', body: 'a\n', contentType: 'text/csv' });
  simulation.startExecution({ bucket, key: 'incoming/none.csv' });
  await simulation.settle();
  await askOverPlainHttp(simulation);
  return simulation;
}

/** What each role may do with a bucket or a queue, it may not do over plain HTTP. */
async function askOverPlainHttp({ cloud, services, resources }: Simulation): Promise<void> {
  const ask = (service: 's3' | 'sqs', operation: string, input: object, id: string): Promise<unknown> =>
    cloud.call({ service, operation, input: { ...input }, principal: { id, isInsecure: true } }).catch(() => undefined);
  const queues = resources.filter(({ type }) => type === 'AWS::SQS::Queue');
  for (const id of services.iam.roles.keys()) {
    for (const Bucket of services.s3.bucketNames) {
      for (const Key of ['incoming/a.csv', 'operations/1/manifest.tsv']) {
        await ask('s3', 'GetObject', { Bucket, Key }, id);
        await ask('s3', 'PutObject', { Bucket, Key, Body: Buffer.from('') }, id);
      }
    }
    for (const { physicalId } of queues) await ask('sqs', 'SendMessage', { QueueUrl: physicalId, MessageBody: '' }, id);
  }
}

/** Objects that somebody starts by name, without saying which version: accepted ones and rejected ones, each several times. */
async function runByName(assembly: string): Promise<Simulation> {
  const simulation = await simulate(assembly, { clients: 'direct' });
  void new SimulatedInstances(simulation);
  const content = { id: 'one', behaviour: 'stores', durationMs: 60_000 };
  const rejected = { ...content, behaviour: 'rejects' };
  for (const [key, body] of [
    ['incoming/a.csv', JSON.stringify(content)],
    ['incoming/empty.csv', ''],
    ['incoming/rejected.csv', JSON.stringify(rejected)],
  ] as const) {
    const { bucket } = await simulation.upload({ key, body, contentType: 'text/csv' });
    for (const force of [false, false, true]) {
      simulation.startExecution({ bucket, key, force });
      await simulation.advance(10_000);
    }
    await simulation.settle();
    simulation.startExecution({ bucket, key });
    await simulation.settle();
  }
  return simulation;
}

/** Executions are stopped one after another, while others wait for what they hold: the cleaner passes it on. */
async function runStopped(assembly: string): Promise<Simulation> {
  const simulation = await simulate(assembly, { clients: 'direct' });
  void new SimulatedInstances(simulation);
  for (let index = 0; index < 10; index++) {
    const content = { id: String(index), behaviour: 'stores', durationMs: index < 4 ? 3_600_000 : 20_000 };
    await simulation.upload({ key: `incoming/${index}.csv`, body: JSON.stringify(content), contentType: 'text/csv' });
  }
  for (let index = 0; index < 8; index++) {
    await simulation.advance(90_000);
    const executionArn = simulation.executions[index]?.arn;
    if (executionArn !== undefined) await simulation.call('states', 'StopExecution', { executionArn });
  }
  await simulation.settle();
  return simulation;
}

/** One object on an instance whose commands really run. */
export async function runReally(assembly: string): Promise<Simulation> {
  const simulation = await simulate(assembly);
  await simulation.upload({ key: 'incoming/a.csv', body: 'a\n', contentType: 'text/csv' });
  await simulation.settle();
  return simulation;
}

/** The scenarios by name, one after another. */
export const scenarios: readonly (readonly [string, (assembly: string) => Promise<Simulation>])[] = [
  ['an object on a real instance', runReally],
  ['events that no target takes', runUndeliverable],
  ['objects that are started by name', runByName],
  ['executions that are stopped while others wait', runStopped],
  ['functions that fail, objects that are not there, plain HTTP', runBroken],
  ...mishaps,
];
