/** The instances that may run commands, their slots, and who gets the next one. */
import { DescribeInstancesCommand, EC2Client, type Filter, type Instance } from '@aws-sdk/client-ec2';
import { DescribeInstanceInformationCommand, SSMClient, type InstanceInformation } from '@aws-sdk/client-ssm';
import type { HeldSlot } from './ledger';
import { fleetPartition, type Slot } from './operation';
import type { StepContext } from './operation-context';
import type { Fleet } from './settings';

/** SSM calls an agent lost when it has been silent for a few minutes; it may only be restarting. After this it is given up. */
const agentSilenceMs = 10 * 60_000;

/** DescribeInstanceInformation takes this many ids in one filter, and answers this many at once. */
const informationPageSize = 50;

/** A fleet as it is at this moment. */
export interface FleetStatus {
  /** Slots that nobody holds on instances that are ready for work; the first are on the instances with the least work. */
  readonly free: readonly Slot[];
  /** Slots whose holders' leases have ended. */
  readonly lapsed: readonly HeldSlot[];
  /** Instances that run and whose agent is online. */
  readonly readyInstanceCount: number;
}

/** Finds out which slots of a fleet are free. */
export async function readFleet(fleet: Fleet, context: StepContext): Promise<FleetStatus> {
  const [ready, held] = await Promise.all([
    readReadyInstances(fleet, context),
    context.ledger.readSlots(fleetPartition(fleet.id)),
  ]);
  const nowMs = context.nowMs();
  const taken = held.filter((slot) => slot.leaseExpiresAtMs > nowMs);
  return {
    free: freeSlots(ready, taken, fleet.slotsPerInstance),
    lapsed: held.filter((slot) => slot.leaseExpiresAtMs <= nowMs),
    readyInstanceCount: ready.length,
  };
}

/** Lists the slots that nobody holds, those on the instances with the least work first. */
export function freeSlots(instanceIds: readonly string[], taken: readonly Slot[], slotsPerInstance: number): Slot[] {
  const free = instanceIds.flatMap((instanceId) => {
    const takenNumbers = new Set(taken.filter((slot) => slot.instanceId === instanceId).map((slot) => slot.number));
    const numbers = Array.from({ length: slotsPerInstance }, (_, index) => index + 1);
    return numbers
      .filter((number) => !takenNumbers.has(number))
      .map((number, index) => ({ slot: { instanceId, number }, load: takenNumbers.size + index }));
  });
  return free.sort((a, b) => a.load - b.load).map(({ slot }) => slot);
}

/** Has the first of those who wait for a slot moved on. */
export async function wakeNext(fleetId: string, context: StepContext): Promise<void> {
  context.poke(await context.ledger.readWaiting(fleetPartition(fleetId), 1));
}

/** Why an instance cannot bring to an end what it has been given, if so. */
export async function findLoss(instanceId: string, context: StepContext): Promise<string | undefined> {
  const instances = await describeInstances([{ Name: 'instance-id', Values: [instanceId] }], context);
  const state = instances[0]?.State?.Name ?? 'gone';
  if (state !== 'running' && state !== 'pending') return `the instance is ${state}`;
  const agent = (await describeAgents([instanceId], context)).get(instanceId);
  if (agent === undefined) return 'the instance is not managed by Systems Manager any more';
  if (agent.PingStatus === 'Online') return undefined;
  const silentMs = context.nowMs() - (agent.LastPingDateTime?.getTime() ?? 0);
  return silentMs > agentSilenceMs
    ? `its agent has been silent for ${Math.floor(silentMs / 60_000)} minutes`
    : undefined;
}

async function readReadyInstances(fleet: Fleet, context: StepContext): Promise<string[]> {
  const running = { Name: 'instance-state-name', Values: ['running'] };
  const instances = await describeInstances([membership(fleet), running], context);
  const ids = instances.map((instance) => instance.InstanceId ?? '').sort();
  const agents = await describeAgents(ids, context);
  return ids.filter((id) => agents.get(id)?.PingStatus === 'Online');
}

/** Filters, because naming an instance that is gone would be an error for all of them. */
function membership(fleet: Fleet): Filter {
  switch (fleet.kind) {
    case 'instances':
      return { Name: 'instance-id', Values: [...fleet.instanceIds] };
    case 'tag':
      return { Name: `tag:${fleet.key}`, Values: [fleet.value] };
    case 'autoScalingGroup':
      return { Name: 'tag:aws:autoscaling:groupName', Values: [fleet.groupName] };
  }
}

async function describeInstances(filters: Filter[], context: StepContext): Promise<Instance[]> {
  const found: Instance[] = [];
  let NextToken: string | undefined;
  do {
    const page = await context.client(EC2Client).send(new DescribeInstancesCommand({ Filters: filters, NextToken }));
    found.push(...(page.Reservations ?? []).flatMap((reservation) => reservation.Instances ?? []));
    NextToken = page.NextToken;
  } while (NextToken);
  return found;
}

async function describeAgents(
  instanceIds: readonly string[],
  context: StepContext,
): Promise<Map<string, InstanceInformation>> {
  const agents = new Map<string, InstanceInformation>();
  for (let start = 0; start < instanceIds.length; start += informationPageSize) {
    const Values = instanceIds.slice(start, start + informationPageSize);
    let NextToken: string | undefined;
    do {
      const page = await context
        .client(SSMClient)
        .send(new DescribeInstanceInformationCommand({ Filters: [{ Key: 'InstanceIds', Values }], NextToken }));
      for (const agent of page.InstanceInformationList ?? []) agents.set(agent.InstanceId ?? '', agent);
      NextToken = page.NextToken;
    } while (NextToken);
  }
  return agents;
}
