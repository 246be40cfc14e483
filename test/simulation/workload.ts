/** What people do with the workflow in one simulation: uploads, some of one key and at once, starts by hand, redrives,
 * commands cancelled in the console, a group that is made larger and smaller, instances that have to go. */
import { createRandom, type RandomSource } from '../../local/random';
import type { Simulation } from '../../local';
import type { AutoScalingGroup } from '../../local/services/autoscaling';
import { ServiceError } from '../../local/services/service';
import type { SimulatedExecution } from '../../local/simulated-execution';
import { toItem, type PlainItem } from '../../tasks/attribute-values';
import { launchedSlots } from '../../tasks/operations/fleet';
import { slotKey, type Slot } from '../../tasks/operations/operation';
import { maximumLaunchedInstances } from './assembly';
import { drawContent, type ObjectContent } from './instances';
import type { Observer } from './observer';

/** An object that was uploaded. */
export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly content: ObjectContent;
}

/** What people have done so far. */
export interface Workload {
  readonly uploads: Upload[];
  /** Ids of commands that somebody cancelled in the console. */
  readonly cancelledCommands: Set<string>;
  /** Executions that were redriven while things were still breaking. */
  readonly redriven: Set<string>;
  /** When somebody made the group smaller: instances left it.
   * @default - nobody did */
  shrunkAtMs?: number;
}

const minuteMs = 60_000;

/** Time within which everything is uploaded. */
export const uploadSpanMs = 30 * minuteMs;

/** Longest time until somebody does something else. */
const attentionSpanMs = 5 * 60 * minuteMs;

/** An operation that nobody knows any more. */
export const neighbourOperation = 'removed-with-its-workflow';

interface People {
  readonly simulation: Simulation;
  readonly random: RandomSource;
  readonly work: Workload;
  readonly onFailure: (error: unknown) => void;
}

/** Has people upload objects over the first half hour, some of them together, and meddle with the rest as they please.
 * @returns what they have done, which fills as time goes on */
export function beginWorkload(
  simulation: Simulation,
  observer: Observer,
  random: RandomSource,
  objectCount: number,
  onFailure: (error: unknown) => void,
): Workload {
  const work: Workload = { uploads: [], cancelledCommands: new Set(), redriven: new Set() };
  const people: People = { simulation, random, work, onFailure };
  uploadObjects(people, objectCount);
  // Each seed has some who meddle, and most have none: what they do hides what else goes wrong.
  if (random.integer(4) === 0) redriveFailed(people, observer);
  if (random.integer(8) === 0) cancelSomeCommand(people);
  if (random.integer(6) === 0) changeRoom(people);
  if (random.integer(8) === 0) stopForcedRun(people, observer);
  if (random.integer(16) === 0) removeNeighbour(people, observer);
  return work;
}

function uploadObjects({ simulation, random, work, onFailure }: People, objectCount: number): void {
  let atMs = 0;
  for (let index = 0; index < objectCount; index++) {
    if (random.integer(2) === 0) atMs = random.integer(uploadSpanMs);
    const key = `incoming/${random.integer(objectCount)}.csv`;
    const content = drawContent(`${index}`, random);
    const startCount = random.integer(4) === 0 ? 1 + random.integer(3) : 0;
    const startsByHand = Array.from({ length: startCount }, () => ({
      afterMs: longTime(random, attentionSpanMs),
      force: random.integer(2) === 0,
    }));
    later(simulation, atMs, onFailure, async () => {
      const upload = await uploadObject(simulation, key, content);
      work.uploads.push(upload);
      for (const { afterMs, force } of startsByHand)
        simulation.clock.schedule(afterMs, () => startByHand(simulation, upload, force));
    });
  }
}

/** Somebody sees failed executions and redrives most of them, at once or after hours. */
function redriveFailed({ simulation, work }: People, observer: Observer): void {
  observer.onHistory(({ executionArn, event }) => {
    if (!/^Execution(Failed|Aborted|TimedOut)$/.test(event.type) || simulation.faults.hasStopped) return;
    const random = createRandom(`${executionArn} ${event.id}`);
    if (random.integer(4) === 0) return;
    simulation.clock.schedule(longTime(random, attentionSpanMs), () => {
      if (simulation.faults.hasStopped) return;
      try {
        simulation.services.states.operations.RedriveExecution({ executionArn });
        work.redriven.add(executionArn);
      } catch (error) {
        // It was redriven before.
        if (!(error instanceof ServiceError)) throw error;
      }
    });
  });
}

/** Somebody has a stored object processed again, and thinks better of it when its new results are there already. */
function stopForcedRun({ simulation, random, work }: People, observer: Observer): void {
  const stopAfterMs = longTime(random, uploadSpanMs);
  let forced: SimulatedExecution | undefined;
  let isForced = false;
  observer.onHistory(({ executionArn, event }) => {
    const entered = event['stateEnteredEventDetails'] as { readonly name: string } | undefined;
    if (!isForced && entered?.name === 'Complete') {
      isForced = true;
      const input = JSON.stringify(simulation.executions.find(({ arn }) => arn === executionArn)?.input);
      const upload = work.uploads.find(({ versionId }) => input.includes(versionId));
      if (upload === undefined) return;
      simulation.clock.schedule(minuteMs, () => {
        if (!simulation.faults.hasStopped) forced = startByHand(simulation, upload, true);
      });
    }
    if (executionArn !== forced?.arn || entered?.name !== 'Back up results') return;
    simulation.clock.schedule(stopAfterMs, () => {
      if (forced?.status === 'RUNNING' && !simulation.faults.hasStopped) forced.stop();
    });
  });
}

function cancelSomeCommand({ simulation, random, work, onFailure }: People): void {
  const which = random.next();
  later(simulation, random.integer(2 * uploadSpanMs), onFailure, async () => {
    const open = [...simulation.services.ssm.commands.all.values()].filter(({ status }) => status === 'InProgress');
    const command = open[Math.floor(which * open.length)];
    if (command === undefined || simulation.faults.hasStopped) return;
    work.cancelledCommands.add(command.commandId);
    await simulation.call('ssm', 'CancelCommand', { CommandId: command.commandId });
  });
}

/** The instances become more and fewer; or EC2 has none to launch for a while. */
function changeRoom(people: People): void {
  const [group] = people.simulation.services.autoscaling.groups.values();
  if (group === undefined) refuseLaunches(people);
  else if (group.hooks.length > 0) endInstances(group, people);
  else resizeGroup(group.name, people);
}

function refuseLaunches({ simulation: { clock, services }, random }: People): void {
  const fromMs = clock.nowMs() + random.integer(uploadSpanMs);
  const untilMs = fromMs + longTime(random, uploadSpanMs);
  services.ec2.instances.answerLaunch(() =>
    fromMs <= clock.nowMs() && clock.nowMs() < untilMs
      ? new ServiceError('InsufficientInstanceCapacity', 'There is no room for an instance of this type', 500)
      : undefined,
  );
}

/** Some instances have to go, protected or not: their group's hook lets them end what they do. */
function endInstances(group: AutoScalingGroup, { simulation, random, onFailure }: People): void {
  const count = 1 + random.integer(3);
  for (let index = 0; index < count; index++) {
    later(simulation, random.integer(4 * uploadSpanMs), onFailure, async () => {
      const member = [...group.members.values()].find(({ lifecycleState }) => lifecycleState === 'InService');
      if (member === undefined || simulation.faults.hasStopped) return;
      await simulation.call('autoscaling', 'TerminateInstanceInAutoScalingGroup', {
        InstanceId: member.instanceId,
        ShouldDecrementDesiredCapacity: true,
      });
    });
  }
}

/** First one more instance, then only one, whatever it is doing, then two again. */
function resizeGroup(groupName: string, { simulation, random, work, onFailure }: People): void {
  const resize = (afterMs: number, DesiredCapacity: number): void =>
    later(simulation, afterMs, onFailure, async () => {
      if (simulation.faults.hasStopped && DesiredCapacity < 2) return;
      if (DesiredCapacity < 3) work.shrunkAtMs ??= simulation.clock.nowMs();
      await simulation.call('autoscaling', 'SetDesiredCapacity', {
        AutoScalingGroupName: groupName,
        DesiredCapacity,
        HonorCooldown: false,
      });
    });
  const grownAtMs = random.integer(uploadSpanMs);
  const shrunkAtMs = grownAtMs + random.integer(uploadSpanMs);
  resize(grownAtMs, 3);
  resize(shrunkAtMs, 1);
  resize(shrunkAtMs + random.integer(uploadSpanMs), 2);
}

/** Somebody removes another workflow that shares the fleet while it uses whatever is free: nobody gives its slots back. */
function removeNeighbour({ simulation, random, onFailure }: People, observer: Observer): void {
  const leaseMs = uploadSpanMs + random.integer(2 * uploadSpanMs);
  later(simulation, random.integer(uploadSpanMs), onFailure, async () => {
    const { fleetId } = observer;
    if (fleetId === undefined || simulation.faults.hasStopped) return;
    const lease = { operationId: neighbourOperation, leaseExpiresAtMs: simulation.clock.nowMs() + leaseMs };
    for (const slot of slotsOf(simulation)) {
      await putIfAbsent({ ...slotKey(fleetId, slot), ...slot, ...lease }, simulation);
    }
  });
}

/** One of each instance, or one for each instance that may be launched. */
function slotsOf({ services: { autoscaling, ec2 } }: Simulation): Slot[] {
  if (autoscaling.groups.size === 0) {
    return Array.from({ length: maximumLaunchedInstances }, (_, index) => ({
      instanceId: launchedSlots,
      number: index + 1,
    }));
  }
  const running = [...ec2.instances.all.values()].filter(({ state }) => state === 'running');
  return running.map(({ instanceId }) => ({ instanceId, number: 1 }));
}

async function putIfAbsent(item: PlainItem, simulation: Simulation): Promise<void> {
  const [TableName] = simulation.services.dynamodb.tableNames;
  const ConditionExpression = 'attribute_not_exists(pk)';
  try {
    await simulation.call('dynamodb', 'PutItem', { TableName, Item: toItem(item), ConditionExpression });
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
  }
}

/** Uploads one object. */
export async function uploadObject(simulation: Simulation, key: string, content: ObjectContent): Promise<Upload> {
  const body = JSON.stringify(content);
  const { bucket, versionId } = await simulation.upload({ key, body, contentType: 'text/csv' });
  return { bucket, key, versionId: versionId!, content };
}

/** Starts the workflow for one version, as somebody who is not sure whether it has run. */
export function startByHand(
  simulation: Simulation,
  { bucket, key, versionId }: Upload,
  force = false,
): SimulatedExecution {
  return simulation.startExecution({ bucket, key, versionId, ...(force && { force }) });
}

function later(
  simulation: Simulation,
  atMs: number,
  onFailure: (error: unknown) => void,
  act: () => Promise<void>,
): void {
  simulation.clock.schedule(atMs, () => void simulation.clock.track(act).catch(onFailure));
}

/** Short times as often as long ones: what happens close together meets, and so does what comes hours later. */
function longTime(random: RandomSource, maximumMs: number): number {
  return Math.ceil(maximumMs ** random.next());
}
