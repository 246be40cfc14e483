/** Scenarios in which exactly that goes wrong for which a permission is there: lost events, lost answers, gone objects. */
import { ServiceError, simulate, type Fault, type Simulation } from '../../local';
import type { Interceptor, ServiceCall } from '../../local/services/service';
import { SimulatedInstances, type ObjectContent } from '../simulation/instances';
import { changeTemplate } from './assemblies';

const minuteMs = 60_000;

/** Whether a function of the workflow makes the call. */
function isCallOf(functionName: string, operation: string, call: ServiceCall): boolean {
  return call.operation === operation && call.principal.session?.includes(functionName) === true;
}

function serverFault(): ServiceError {
  return new ServiceError('InternalServerError', 'Made up by a scenario', 500);
}

/** Every event of the sources is lost. */
function lostEvents(...sources: readonly string[]): Fault[] {
  return sources.flatMap((source) =>
    Array.from({ length: 200 }, (_, index) => ({
      kind: 'event-lost' as const,
      source,
      delivery: index + 1,
      delayMs: 0,
    })),
  );
}

/** Runs on an assembly until everything has happened. */
export type Scenario = (assembly: string) => Promise<Simulation>;

async function begin(assembly: string, faults: readonly Fault[] = []): Promise<Simulation> {
  const simulation = await simulate(assembly, { clients: 'direct', faults });
  void new SimulatedInstances(simulation);
  return simulation;
}

/** Uploads an object that is processed within a minute, unless it says otherwise. */
export async function upload(
  simulation: Simulation,
  name: string,
  content: Partial<ObjectContent> = {},
): Promise<void> {
  const body = JSON.stringify({ id: name, behaviour: 'stores', durationMs: minuteMs, ...content });
  await simulation.upload({ key: `incoming/${name}.csv`, body, contentType: 'text/csv' });
}

async function stop(simulation: Simulation, index: number): Promise<void> {
  await simulation.call('states', 'StopExecution', { executionArn: simulation.executions[index]!.arn });
}

/** Terminates the instance that got the last command. */
function endInstance({ services: { ec2, ssm } }: Simulation): void {
  const { instanceId } = [...ssm.commands.all.values()].at(-1)!.invocations[0]!;
  ec2.instances.terminate(ec2.instances.get(instanceId));
}

/** Nobody hears that an execution was stopped: the sweep finds it. */
async function runSweep(assembly: string): Promise<Simulation> {
  const simulation = await begin(assembly, lostEvents('aws.states'));
  await upload(simulation, 'a', { durationMs: 20 * minuteMs });
  await simulation.advance(5 * minuteMs);
  await stop(simulation, 0);
  await simulation.advance(50 * 60 * minuteMs);
  return simulation;
}

/** No event arrives, images and backups fail one after the other, and an instance ends: the re-checks find out everything. */
async function runLostEvents(assembly: string): Promise<Simulation> {
  const jobs = [1, 2, 3].flatMap((job): Fault[] => [
    { kind: 'image-fails', job, durationMs: minuteMs },
    { kind: 'backup-fails', job: job + 1, durationMs: minuteMs },
  ]);
  const simulation = await begin(assembly, [...lostEvents('aws.ssm', 'aws.ec2', 'aws.backup'), ...jobs]);
  for (const name of ['without image', 'without backup']) {
    await upload(simulation, name);
    await simulation.settle();
  }
  for (let index = 0; index < 4; index++) await upload(simulation, `${index}`, { durationMs: 50 * minuteMs });
  await simulation.advance(10 * minuteMs);
  endInstance(simulation);
  await simulation.settle();
  return simulation;
}

/** One instance ends while a command is sent to it, and the answer is lost: the relay looks for the command. Another one ends
 * while a command runs: the relay cancels it. */
async function runLostInstances(assembly: string): Promise<Simulation> {
  const simulation = await begin(assembly);
  let isOver = false;
  simulation.cloud.intercept(async (call, next) => {
    const answer = await next(call);
    if (isOver || !isCallOf('ProcessObject', 'SendCommand', call)) return answer;
    isOver = true;
    const [instanceId] = call.input['InstanceIds'] as readonly string[];
    simulation.services.ec2.instances.terminate(simulation.services.ec2.instances.get(instanceId!));
    await simulation.clock.pause(minuteMs / 2, call.principal.work);
    throw serverFault();
  });
  await upload(simulation, 'a', { durationMs: 20 * minuteMs });
  await simulation.settle();
  await upload(simulation, 'b', { durationMs: 20 * minuteMs });
  await simulation.advance(5 * minuteMs);
  endInstance(simulation);
  await simulation.settle();
  return simulation;
}

/** AWS Backup answers without the id of its job, as it may for a repeated token. The first job takes so long that the others wait
 * for its event. */
async function runUnnamedBackups(assembly: string): Promise<Simulation> {
  const simulation = await begin(assembly, [{ kind: 'backup-slow', job: 1, durationMs: 25 * minuteMs }]);
  simulation.cloud.intercept(async (call, next) => {
    const { BackupJobId: jobId, ...answer } = await next(call);
    return call.operation === 'StartBackupJob' || jobId === undefined ? answer : { ...answer, BackupJobId: jobId };
  });
  for (let index = 0; index < 4; index++) await upload(simulation, `${index}`, { durationMs: (index + 1) * minuteMs });
  await simulation.settle();
  return simulation;
}

/** One execution waits for an instance, and the cleaner gives it that of another one, which was stopped. */
async function runHandedOn(
  assembly: string,
  makeInterceptor: (simulation: Simulation) => Interceptor,
): Promise<Simulation> {
  const simulation = await begin(assembly, lostEvents('aws.ssm'));
  simulation.cloud.intercept(makeInterceptor(simulation));
  for (const name of ['a', 'b']) await upload(simulation, name, { durationMs: 40 * minuteMs });
  await simulation.advance(minuteMs);
  await upload(simulation, 'c', { durationMs: 2_000 });
  // Between two of its re-checks.
  await simulation.advance(90_000);
  await stop(simulation, 0);
  await simulation.settle();
  return simulation;
}

/** SSM takes no command of the cleaner's: it reports that nothing could be done. */
function runRefusedInstances(assembly: string): Promise<Simulation> {
  return runHandedOn(
    assembly,
    () => (call, next) =>
      isCallOf('Cleaner', 'SendCommand', call)
        ? Promise.reject(new ServiceError('InvalidInstanceId', 'The instance is not in a valid state', 400))
        : next(call),
  );
}

/** The command that the cleaner sends has ended before the cleaner has. */
function runQuickCommands(assembly: string): Promise<Simulation> {
  return runHandedOn(assembly, ({ clock }) => async (call, next) => {
    const answer = await next(call);
    if (isCallOf('Cleaner', 'SendCommand', call)) await clock.pause(20_000, call.principal.work);
    return answer;
  });
}

/** One rejected object is as big as takes several parts, and its copy fails midway; the other one is deleted meanwhile. */
async function runLostRejects(assembly: string): Promise<Simulation> {
  const simulation = await simulate(assembly);
  void new SimulatedInstances(simulation);
  simulation.cloud.intercept(async (call, next) => {
    if (!isCallOf('QuarantineObject', 'HeadObject', call)) return next(call);
    const { Bucket, Key, VersionId } = call.input;
    if (Key === 'incoming/gone.csv') await simulation.call('s3', 'DeleteObject', { Bucket, Key, VersionId });
    const answer = await next(call);
    return Key === 'incoming/huge.csv' ? { ...answer, ContentLength: 6 * 1024 ** 3 } : answer;
  });
  for (const name of ['gone', 'huge']) await upload(simulation, name, { behaviour: 'rejects' });
  await simulation.settle();
  return simulation;
}

/** The source keeps no versions: of what was written, only the content tells it from what comes after. Each object is
 * announced by its event and started by name as well. */
async function runWithoutVersions(assembly: string): Promise<Simulation> {
  const directory = changeTemplate(assembly, ({ Resources }) => {
    for (const [logicalId, { Type, Properties }] of Object.entries(Resources)) {
      if (Type === 'AWS::S3::Bucket' && logicalId.startsWith('Inbox')) delete Properties!['VersioningConfiguration'];
    }
  });
  const simulation = await simulate(directory);
  for (const [name, body] of [
    ['a', 'a\n'],
    ['empty', ''],
  ] as const) {
    const { bucket, key } = await simulation.upload({ key: `incoming/${name}.csv`, body, contentType: 'text/csv' });
    simulation.startExecution({ bucket, key });
  }
  await simulation.settle();
  return simulation;
}

/** What goes wrong, by name. */
export const mishaps = {
  'an execution whose end nobody hears of': runSweep,
  'lost events, and images and backups that fail': runLostEvents,
  'instances that end while they get a command, or run it': runLostInstances,
  'backup jobs without an id': runUnnamedBackups,
  'a freed instance that takes no command': runRefusedInstances,
  'a command that has ended before its sender': runQuickCommands,
  'rejected objects that are huge, or gone': runLostRejects,
  'a source without versions': runWithoutVersions,
} satisfies Readonly<Record<string, Scenario>>;
