/** The workflow with every option that changes a policy, and scenarios that use every permission it has. */
import { join } from 'node:path';
import { App, Duration, Stack } from 'aws-cdk-lib';
import { InstanceType, LaunchTemplate, MachineImage, Vpc } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { buildSync } from 'esbuild';
import { simulate, type Simulation } from '../../local';
import {
  BackupPolicy,
  LedgerTable,
  InstanceFleet,
  ObjectStore,
  ObjectWorkflow,
  Processor,
  SnapshotPolicy,
  TaskFunction,
  TaskState,
  type ObjectWorkflowProps,
} from '../../workflow';
import { readObject } from './read-object';
import { launchTemplateContext, oneSubnetFleet } from '../one-subnet-fleet';
import { SimulatedInstances } from '../simulation/instances';
import { changeTemplate, createFolder } from './assemblies';
import { mishaps, upload, type Scenario } from './mishaps';
import type { FleetKind } from './workflow-names';

/** The workflows whose scenarios show what permissions are for: one for each kind of fleet without any other option, and `full`, with
 * keys of your own and every option. */
export type Reference = FleetKind | 'full';

/** @param hasOwnTasks Whether somebody's own tasks look at the object, before and after it is processed.
 * @returns the directory of the assembly */
export function synthesize(reference: Reference, hasOwnTasks = false): string {
  // Where each assembly has copies of the functions, each copy is loaded anew.
  const context = { ...launchTemplateContext, 'aws:cdk:disable-asset-staging': true };
  const app = new App({ outdir: createFolder(), context });
  const stack = new Stack(app, 'Access', { env: { region: 'us-east-1', account: '111122223333' } });
  const options = { command: 'cp "$OBJECT_FILE" "$RESULTS_DIR/copy"' };
  const isFull = reference === 'full';
  const key = (id: string) => (isFull ? { encryptionKey: new Key(stack, `${id}Key`) } : {});
  const store = (id: string): ObjectStore => new ObjectStore(stack, id, key(id));
  new ObjectWorkflow(stack, 'Workflow', {
    source: { bucket: store('Inbox').bucket, prefix: 'incoming/', suffix: '.csv' },
    processor: processors[reference](stack, options),
    ...(hasOwnTasks && ownTasks(stack)),
    ...(isFull && {
      results: store('Results').bucket,
      quarantine: store('Quarantine').bucket,
      removeRejected: true,
      ledger: new LedgerTable(stack, 'Ledger', key('Ledger')),
      snapshot: SnapshotPolicy.everyRun({
        ...{ keep: 1, parameterName: '/images/newest', copyTo: ['eu-west-1'] },
        copyKeyArns: { 'eu-west-1': 'arn:aws:kms:eu-west-1:111122223333:key/11111111-2222-3333-4444-555555555555' },
      }),
      backup: BackupPolicy.everyRun({ deleteAfter: Duration.days(30) }),
    }),
  });
  return changeTemplate(app.synth().directory, ({ Resources }) => {
    // Whether EC2 takes an instance back is asked of Spot Instances only.
    for (const { Type, Properties } of Object.values(Resources)) {
      const data = Properties?.['LaunchTemplateData'] as { InstanceMarketOptions?: object } | undefined;
      if (Type === 'AWS::EC2::LaunchTemplate') data!.InstanceMarketOptions = { MarketType: 'spot' };
    }
  });
}

function ownTasks(stack: Stack): Pick<ObjectWorkflowProps, 'validators' | 'afterStorage'> {
  // CDK would start npx for it, which takes seconds.
  const entry = createFolder();
  const source = join(__dirname, 'read-object.ts');
  buildSync({ entryPoints: [source], outfile: join(entry, 'index.js'), bundle: true, platform: 'node', format: 'cjs' });
  const afterwards = new TaskFunction(stack, 'Afterwards', { task: readObject, entry });
  afterwards.allow(new PolicyStatement({ actions: ['s3:GetObjectVersion'], resources: ['arn:aws:s3:::*/incoming/*'] }));
  return {
    validators: [new TaskFunction(stack, 'Validator', { task: readObject, entry })],
    afterStorage: new TaskState(stack, 'Afterwards state', {
      function: afterwards,
      input: { object: ObjectWorkflow.variables.object },
    }),
  };
}

const onGroup = (stack: Stack, options: { readonly command: string }): Processor =>
  Processor.fleet(
    InstanceFleet.fromAutoScalingGroup(oneSubnetFleet(stack, { minCapacity: 2, maxCapacity: 2 })),
    options,
  );

const processors: Readonly<Record<Reference, typeof onGroup>> = {
  group: onGroup,
  full: onGroup,
  fleet: (stack, options) =>
    Processor.fleet(new InstanceFleet(stack, 'Fleet', { minCapacity: 2, maxCapacity: 2 }), options),
  launch: (stack, options) =>
    Processor.launch(
      new LaunchTemplate(stack, 'Worker', {
        instanceType: new InstanceType('t4g.small'),
        machineImage: MachineImage.latestAmazonLinux2023(),
        role: new Role(stack, 'WorkerRole', { assumedBy: new ServicePrincipal('ec2.amazonaws.com') }),
      }),
      {
        ...options,
        maximumInstances: 2,
        subnets: new Vpc(stack, 'Network', { natGateways: 0, maxAzs: 1 }).publicSubnets,
      },
    ),
};

/** The functions behind the rules fail three times in a row; somebody asks for what does not exist. */
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
  return simulation;
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

/** An instance of a fleet has to go while it works, and ends its work first. */
async function runHeldBack(assembly: string): Promise<Simulation> {
  const simulation = await simulate(assembly, { clients: 'direct' });
  void new SimulatedInstances(simulation);
  await upload(simulation, 'a', { durationMs: 20 * 60_000 });
  await simulation.advance(5 * 60_000);
  const { instanceId: InstanceId } = [...simulation.services.ssm.commands.all.values()][0]!.invocations[0]!;
  const operation = 'TerminateInstanceInAutoScalingGroup';
  await simulation.call('autoscaling', operation, { InstanceId, ShouldDecrementDesiredCapacity: false });
  await simulation.settle();
  await simulation.advance(5 * 60_000);
  return simulation;
}

/** One object on an instance whose commands really run. */
export async function runReally(assembly: string): Promise<Simulation> {
  const simulation = await simulate(assembly);
  await simulation.upload({ key: 'incoming/a.csv', body: 'a\n', contentType: 'text/csv' });
  await simulation.settle();
  return simulation;
}

/** An object on an instance that never runs a line: quick, and nothing of the instance's own permissions is used. */
export async function runQuickly(assembly: string): Promise<Simulation> {
  const simulation = await simulate(assembly, { clients: 'direct' });
  void new SimulatedInstances(simulation);
  await upload(simulation, 'a');
  await simulation.settle();
  return simulation;
}

/** The scenarios by name, one after another. */
export const scenarios = {
  'an object on a real instance': runReally,
  'objects that are started by name': runByName,
  'executions that are stopped while others wait': runStopped,
  'functions that fail, objects that are not there': runBroken,
  'an instance that ends its work before it goes': runHeldBack,
  ...mishaps,
} satisfies Readonly<Record<string, Scenario>>;
