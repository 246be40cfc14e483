/** The SSM Agents of the instances: which of them answer, and what DescribeInstanceInformation says of them. */
import { pageOf } from './call-parameters';
import type { Instance, InstanceChange } from './ec2';
import { ServiceError, type ServiceOutput, UnsupportedError } from './service';
import { checkSsmParameters, type Input, type SsmOptions } from './ssm-model';

interface Agent {
  readonly instance: Instance;
  version: string;
  registered: boolean;
  online: boolean;
  /** When it last answered, or stopped answering. */
  changedAtMs: number;
  /** True: it does not come back by itself. */
  switchedOff: boolean;
}

/** What happens to an agent. `gone` is a restart or a stop: scripts die with it; `offline` is a lost connection. */
export type AgentChange = 'online' | 'offline' | 'gone';

/** One agent an instance, from the first time that it answers. */
export class SsmAgents {
  private readonly agents = new Map<string, Agent>();
  private readonly listeners: ((instanceId: string, change: AgentChange) => void)[] = [];
  private readonly agentStartMs: number;
  private readonly pingStaleMs: number;

  constructor(private readonly options: SsmOptions) {
    this.agentStartMs = options.agentStartMs ?? 5_000;
    this.pingStaleMs = options.pingStaleMs ?? 60_000;
    options.ec2.instances.onChange((instance, change) => this.follow(instance, change));
    for (const instance of options.ec2.instances.all.values()) this.follow(instance, instance.state);
  }

  onChange(listener: (instanceId: string, change: AgentChange) => void): void {
    this.listeners.push(listener);
  }

  /** Whether an agent of that instance has ever answered. */
  isRegistered(instanceId: string): boolean {
    return this.agents.get(instanceId)?.registered === true;
  }

  isOnline(instanceId: string): boolean {
    return this.agents.get(instanceId)?.online === true;
  }

  version(instanceId: string): string {
    return this.agents.get(instanceId)?.version ?? this.defaultVersion;
  }

  /** Disconnects an agent, connects it again, or gives it another version. Scripts go on while it is offline. */
  set(instanceId: string, change: { readonly online?: boolean; readonly version?: string }): void {
    const agent = this.agentOf(this.options.ec2.instances.get(instanceId));
    if (change.version !== undefined) agent.version = change.version;
    if (change.online === undefined) return;
    agent.switchedOff = !change.online;
    if (change.online && agent.instance.state === 'running') this.connect(agent);
    if (!change.online) this.disconnect(agent, 'offline');
  }

  describeInstanceInformation(input: Input): ServiceOutput {
    checkSsmParameters('DescribeInstanceInformation', input, {
      optional: ['Filters', 'InstanceInformationFilterList', 'MaxResults', 'NextToken'],
    });
    const filters = [
      ...((input['Filters'] ?? []) as { Key: string; Values: string[] }[]).map(({ Key, Values }) => ({
        key: Key,
        values: Values,
      })),
      ...((input['InstanceInformationFilterList'] ?? []) as { key: string; valueSet: string[] }[]).map(
        ({ key, valueSet }) => ({ key, values: valueSet }),
      ),
    ];
    const known = [...this.agents.values()].filter((agent) => agent.registered);
    const selected = known.filter((agent) =>
      filters.every(({ key, values }) => this.valuesOf(agent, key).some((value) => values.includes(value))),
    );
    const { items, nextToken } = pageOf(
      selected,
      { token: input['NextToken'] as string | undefined, size: (input['MaxResults'] as number | undefined) ?? 50 },
      () => new ServiceError('InvalidNextToken', 'The specified token is not valid.'),
    );
    return { InstanceInformationList: items.map((agent) => this.describe(agent)), NextToken: nextToken };
  }

  private valuesOf(agent: Agent, key: string): readonly string[] {
    if (key === 'InstanceIds') return [agent.instance.instanceId];
    if (key === 'PingStatus') return [this.pingStatus(agent)];
    if (key === 'ResourceType') return ['EC2Instance'];
    if (key === 'PlatformTypes') return ['Linux'];
    if (key.startsWith('tag:'))
      return [agent.instance.tags.get(key.slice('tag:'.length))].filter((value) => value !== undefined);
    throw new UnsupportedError(
      `the filter ${key}`,
      'ssm:DescribeInstanceInformation',
      'filter by InstanceIds, PingStatus or tag:<key>',
    );
  }

  /** What SSM believes, which is not always so. */
  private pingStatus(agent: Agent): 'Online' | 'ConnectionLost' {
    const isFresh = this.options.clock.nowMs() < agent.changedAtMs + this.pingStaleMs;
    return agent.online || isFresh ? 'Online' : 'ConnectionLost';
  }

  private describe(agent: Agent): Record<string, unknown> {
    const lastPingMs = agent.online ? this.options.clock.nowMs() : agent.changedAtMs;
    return {
      InstanceId: agent.instance.instanceId,
      PingStatus: this.pingStatus(agent),
      LastPingDateTime: new Date(lastPingMs),
      AgentVersion: agent.version,
      IsLatestVersion: agent.version === this.defaultVersion,
      PlatformType: 'Linux',
      PlatformName: 'Amazon Linux',
      PlatformVersion: '2023',
      ResourceType: 'EC2Instance',
      IPAddress: agent.instance.privateIpAddress,
      ComputerName: `ip-${agent.instance.privateIpAddress.replaceAll('.', '-')}.ec2.internal`,
    };
  }

  private follow(instance: Instance, change: InstanceChange): void {
    const agent = this.agentOf(instance);
    if (change === 'running' || change === 'rebooted') {
      // An instance that runs the moment it exists is part of what was deployed: its agent has long been there.
      const wasDeployed = change === 'running' && this.options.clock.nowMs() === instance.launchedAtMs;
      if (wasDeployed) return this.connect(agent);
      this.options.clock.schedule(this.agentStartMs, () => {
        if (instance.state === 'running' && !agent.switchedOff) this.connect(agent);
      });
    } else {
      this.disconnect(agent, 'gone');
    }
  }

  private agentOf(instance: Instance): Agent {
    const known = this.agents.get(instance.instanceId);
    if (known !== undefined) return known;
    const agent: Agent = {
      instance,
      version: this.defaultVersion,
      registered: false,
      online: false,
      changedAtMs: 0,
      switchedOff: false,
    };
    this.agents.set(instance.instanceId, agent);
    return agent;
  }

  private connect(agent: Agent): void {
    if (agent.online || this.options.mayConnect?.(agent.instance.instanceId) === false) return;
    agent.online = true;
    agent.registered = true;
    agent.changedAtMs = this.options.clock.nowMs();
    for (const listener of this.listeners) listener(agent.instance.instanceId, 'online');
  }

  private disconnect(agent: Agent, change: 'offline' | 'gone'): void {
    if (agent.online) agent.changedAtMs = this.options.clock.nowMs();
    agent.online = false;
    for (const listener of this.listeners) listener(agent.instance.instanceId, change);
  }

  private get defaultVersion(): string {
    return this.options.agentVersion ?? '3.3.3572.0';
  }
}
