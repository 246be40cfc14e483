/** What EC2, Systems Manager and Auto Scaling say of a fleet's instances at this moment. */
import {
  AutoScalingClient,
  DescribeAutoScalingInstancesCommand,
  type AutoScalingInstanceDetails,
} from '@aws-sdk/client-auto-scaling';
import {
  DescribeInstancesCommand,
  DescribeSpotInstanceRequestsCommand,
  EC2Client,
  type Filter,
  type Instance,
} from '@aws-sdk/client-ec2';
import { DescribeInstanceInformationCommand, SSMClient, type InstanceInformation } from '@aws-sdk/client-ssm';
import { isAlive, isMarkedForInterruption, judgeMember, type MemberVerdict } from './instance-state';
import type { OperationContext } from './operation-context';
import type { Fleet } from './settings';

/** SSM calls an agent lost when it has been silent for a few minutes; it may only be restarting. After this it is given up. */
const agentSilenceMs = 10 * 60_000;

/** DescribeInstanceInformation and DescribeAutoScalingInstances take this many ids, and answer this many, at once;
 * DescribeSpotInstanceRequests does not page below that. */
const pageSize = 50;

/** What Auto Scaling puts on its instances, and takes off again when they are detached. */
const groupTagKey = 'aws:autoscaling:groupName';

/** A running instance of a fleet. */
export interface RunningInstance {
  readonly instanceId: string;
  readonly isOnline: boolean;
  /** How it stands in its Auto Scaling group; without one `ready`. A Spot Instance that EC2 is about to take back is `leaving`. */
  readonly verdict: MemberVerdict;
  /** A lifecycle hook holds it until it is told to let go. */
  readonly isHeldBack: boolean;
  /** Its group may not end it to become smaller. */
  readonly isProtected: boolean;
}

/** Tags of an instance that was launched for one operation. */
export const launchTagKeys = {
  /** Id of the fleet: by it the policies tell these instances from others. */
  queue: 'object-workflow:queue',
  /** Which try of which operation it was launched for, as `runId` names it. */
  run: 'object-workflow:run',
} as const;

/** An instance that was launched for an operation and has not ended. */
export interface LaunchedInstance {
  readonly instanceId: string;
  readonly runId: string;
}

type Clients = Pick<OperationContext, 'client'>;

/** Describes the instances that were launched for a queue, or for one run of it, and have not ended. */
export async function readLaunched(fleet: Fleet, context: Clients, runId?: string): Promise<LaunchedInstance[]> {
  const filters = [
    membership(fleet),
    { Name: 'instance-state-name', Values: ['pending', 'running', 'stopping', 'stopped'] },
  ];
  if (runId !== undefined) filters.push({ Name: `tag:${launchTagKeys.run}`, Values: [runId] });
  return (await describeInstances(filters, context)).map(({ InstanceId = '', Tags = [] }) => ({
    instanceId: InstanceId,
    runId: Tags.find(({ Key }) => Key === launchTagKeys.run)?.Value ?? '',
  }));
}

/** How an instance stands that was launched for an operation: whether it takes commands, or why it never will.
 * Right after its launch EC2 may not show it yet. */
export async function readLaunch(
  instanceId: string,
  context: Clients,
): Promise<{ readonly state: string; readonly isOnline: boolean }> {
  const instances = await describeInstances([{ Name: 'instance-id', Values: [instanceId] }], context);
  const agent = (await describeAgents([instanceId], context)).get(instanceId);
  return { state: instances[0]?.State?.Name ?? 'pending', isOnline: agent?.PingStatus === 'Online' };
}

/** Describes the running instances of a fleet, in the order of their ids. */
export async function readInstances(fleet: Fleet, context: Clients): Promise<RunningInstance[]> {
  const running = { Name: 'instance-state-name', Values: ['running'] };
  const instances = await describeInstances([membership(fleet), running], context);
  const ids = idsOf(instances).sort();
  const grouped = instances.filter((instance) => instance.Tags?.some(({ Key }) => Key === groupTagKey));
  const spot = instances.filter((instance) => instance.InstanceLifecycle === 'spot');
  const [agents, members, marked] = await Promise.all([
    describeAgents(ids, context),
    describeMembers(idsOf(grouped), context),
    findMarked(idsOf(spot), context),
  ]);
  return ids.map((instanceId) => {
    const member = members.get(instanceId);
    const verdict = member === undefined ? 'ready' : judgeMember(member.LifecycleState);
    return {
      instanceId,
      isOnline: agents.get(instanceId)?.PingStatus === 'Online',
      verdict: marked.has(instanceId) ? 'leaving' : verdict,
      isHeldBack: member?.LifecycleState === 'Terminating:Wait',
      isProtected: member?.ProtectedFromScaleIn === true,
    };
  });
}

/** Why an instance cannot bring to an end what it has been given, if so. */
export async function findLoss(
  instanceId: string,
  context: Pick<OperationContext, 'client' | 'nowMs'>,
): Promise<string | undefined> {
  const instances = await describeInstances([{ Name: 'instance-id', Values: [instanceId] }], context);
  const state = instances[0]?.State?.Name ?? 'gone';
  if (!isAlive(state)) return `the instance is ${state}`;
  const agent = (await describeAgents([instanceId], context)).get(instanceId);
  if (agent === undefined) return 'the instance is not managed by Systems Manager any more';
  if (agent.PingStatus === 'Online') return undefined;
  const silentMs = context.nowMs() - (agent.LastPingDateTime?.getTime() ?? 0);
  return silentMs > agentSilenceMs
    ? `its agent has been silent for ${Math.floor(silentMs / 60_000)} minutes`
    : undefined;
}

/** Filters, because naming an instance that is gone would be an error for all of them. */
function membership(fleet: Fleet): Filter {
  switch (fleet.kind) {
    case 'instances':
      return { Name: 'instance-id', Values: [...fleet.instanceIds] };
    case 'tag':
      return { Name: `tag:${fleet.key}`, Values: [fleet.value] };
    case 'autoScalingGroup':
      return { Name: `tag:${groupTagKey}`, Values: [fleet.groupName] };
    case 'launch':
      return { Name: `tag:${launchTagKeys.queue}`, Values: [fleet.id] };
  }
}

async function describeInstances(filters: Filter[], context: Clients): Promise<Instance[]> {
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
  context: Clients,
): Promise<Map<string, InstanceInformation>> {
  const agents = new Map<string, InstanceInformation>();
  for (const Values of pagesOf(instanceIds)) {
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

async function describeMembers(
  instanceIds: readonly string[],
  context: Clients,
): Promise<Map<string, AutoScalingInstanceDetails>> {
  const members = new Map<string, AutoScalingInstanceDetails>();
  for (const InstanceIds of pagesOf(instanceIds)) {
    const page = await context.client(AutoScalingClient).send(new DescribeAutoScalingInstancesCommand({ InstanceIds }));
    for (const member of page.AutoScalingInstances ?? []) members.set(member.InstanceId ?? '', member);
  }
  return members;
}

/** Finds the Spot Instances that EC2 is about to take back. The event that warns of it may be lost; their requests say it as well. */
async function findMarked(instanceIds: readonly string[], context: Clients): Promise<Set<string>> {
  const marked = new Set<string>();
  for (const Values of pagesOf(instanceIds)) {
    const { SpotInstanceRequests = [] } = await context
      .client(EC2Client)
      .send(new DescribeSpotInstanceRequestsCommand({ Filters: [{ Name: 'instance-id', Values }] }));
    for (const { InstanceId = '', Status } of SpotInstanceRequests) {
      if (isMarkedForInterruption(Status?.Code)) marked.add(InstanceId);
    }
  }
  return marked;
}

function idsOf(instances: readonly Instance[]): string[] {
  return instances.map(({ InstanceId = '' }) => InstanceId);
}

function pagesOf(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / pageSize) }, (_, page) =>
    ids.slice(page * pageSize, (page + 1) * pageSize),
  );
}
