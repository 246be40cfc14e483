/** Names that differ from template to template, by what they stand for in a workflow: so that a request that was made in one
 * template can be made in another. */
import type { Simulation } from '../../local';

/** Who scales the instances decides what a workflow's roles are allowed: a plain Auto Scaling group, an `InstanceFleet`, or nobody,
 * because each object gets an instance of its own. */
export type FleetKind = 'group' | 'fleet' | 'launch';

/** What they are configured with has a name in every template, those of optional functions last. */
const functionNames = [
  ...['ProcessObject', 'StoreResults', 'ValidateObject', 'QuarantineObject'],
  ...['BackUpResults', 'SnapshotInstance'],
];

type Settings = Readonly<Record<string, unknown>>;

interface FleetSettings {
  readonly kind: 'instances' | 'tag' | 'autoScalingGroup' | 'launch';
  readonly id: string;
  readonly key?: string;
  readonly value?: string;
  readonly groupName?: string;
  readonly instanceIds?: readonly string[];
  readonly protectsBusy?: boolean;
}

/** The names of one workflow. */
export class WorkflowNames {
  /** @returns those of every workflow that is deployed */
  static of(simulation: Simulation): WorkflowNames[] {
    const relay = /^(.*)\/Events\/Relay\/Resource\/Resource$/;
    const paths = simulation.resources.flatMap(({ constructPath }) => relay.exec(constructPath)?.[1] ?? []);
    return paths.map((path) => new WorkflowNames(simulation, path));
  }

  readonly fleetKind: FleetKind;
  /** What a request says, by what stands for it. */
  private readonly texts = new Map<string, string>();

  private constructor(
    private readonly simulation: Simulation,
    private readonly path: string,
  ) {
    this.addSource();
    this.addInstances();
    for (const name of functionNames) this.addSettings(name, this.settingsOf(name));
    this.addKeys();
    this.fleetKind = kindOf(this.settingsOf('ProcessObject')['fleet'] as FleetSettings);
    this.addResources(path, '');
    for (const { constructPath } of simulation.resources) {
      const keeper = /^(.*\/Keeper)\/Schedule\/Resource$/.exec(constructPath)?.[1];
      if (keeper !== undefined) this.addResources(keeper, 'Keeper/');
    }
  }

  /** @returns undefined where the text names what belongs to no workflow */
  abstract(text: string): string | undefined {
    const longestFirst = [...this.texts]
      .filter(([, own]) => own.length >= 8)
      .sort(([, a], [, b]) => b.length - a.length);
    const found = longestFirst.reduce((rest, [name, own]) => rest.replaceAll(own, `{${name}}`), text);
    const isLeft = this.simulation.resources.some(
      ({ physicalId = '' }) => physicalId.length > 8 && found.includes(physicalId),
    );
    return isLeft ? undefined : mask(found);
  }

  /** @returns undefined where the template has nothing of the kind */
  concrete(text: string): string | undefined {
    let isComplete = true;
    const found = text.replaceAll(/\{([A-Z][\w./: -]*)\}/g, (_, name: string) => {
      const own = this.texts.get(name);
      isComplete &&= own !== undefined;
      return own ?? '';
    });
    return isComplete ? found : undefined;
  }

  private add(name: string, text: unknown): void {
    // Shorter ones are in every other text.
    if (typeof text !== 'string' || text.length < 8 || text === this.simulation.cloud.region) return;
    if (![...this.texts.values()].includes(text)) this.texts.set(name, text);
  }

  private addSource(): void {
    const name = this.simulation.physicalId(`${this.path}/Trigger`, 'AWS::Events::Rule');
    const rule = this.simulation.services.events.listRules().find((one) => one.name === name);
    const { bucket, object } = (rule!.pattern as unknown as { readonly detail: Record<'bucket' | 'object', Settings> })
      .detail;
    const [bucketName] = bucket['name'] as readonly string[];
    const [key] = object['key'] as readonly { readonly prefix?: string; readonly wildcard?: string }[];
    this.texts.set('SourceObjects', `${bucketName}/${key?.prefix ?? key?.wildcard?.split('*')[0] ?? ''}`);
    this.texts.set('Source', bucketName!);
  }

  private addSettings(name: string, value: unknown): void {
    if (typeof value !== 'object' || value === null) return this.add(name, value);
    for (const [member, part] of Object.entries(value)) {
      // A word, and an ARN whose name has another setting, which is in every template.
      if (!['kind', 'resourceArn'].includes(member)) this.addSettings(`${name}.${member}`, part);
    }
  }

  /** One key may serve several of them, and has each of their names then. */
  private addKeys(): void {
    const { region, accountId } = this.simulation.cloud;
    const table = `arn:aws:dynamodb:${region}:${accountId}:table/`;
    const places = [
      ['Source', 'arn:aws:s3:::'],
      ['ProcessObject.resultsBucket', 'arn:aws:s3:::'],
      ['QuarantineObject.quarantineBucket', 'arn:aws:s3:::'],
      ['ProcessObject.ledgerTable', table],
    ] as const;
    for (const [name, prefix] of places) {
      const key = this.simulation.access.encryptionKeyOf(`${prefix}${this.texts.get(name)}`);
      if (key !== undefined) this.texts.set(`${name}/Key`, key);
    }
  }

  private addInstances(): void {
    const { autoscaling, ec2, iam } = this.simulation.services;
    const { kind, id, key, value, groupName, instanceIds } = this.settingsOf('ProcessObject')['fleet'] as FleetSettings;
    const tags = autoscaling.groups.get(groupName ?? '')?.propagatedTags.get('object-workflow:fleet');
    const [tagKey, tag] = {
      instances: ['none', 'none'],
      tag: [key, value],
      launch: ['object-workflow:queue', id],
      autoScalingGroup: tags === undefined ? ['aws:autoscaling:groupname', groupName] : ['object-workflow:fleet', tags],
    }[kind];
    this.texts.set('FleetTagKey', tagKey!.toLowerCase());
    this.texts.set('FleetTag', tag!);
    this.texts.set('Instance', instanceIds?.[0] ?? 'i-00000000000000000');
    const launched = [...ec2.instances.launchTemplates.values()].map(({ request }) => request.instanceProfile ?? '');
    const trusting = [...iam.roles.values()].filter(({ trustPolicy }) =>
      JSON.stringify(trustPolicy).includes('"ec2.amazonaws.com"'),
    );
    this.add(
      'InstanceRole',
      (launched.map((profile) => iam.roleOfInstance(profile)).find(Boolean) ?? trusting[0])?.name,
    );
  }

  private addResources(path: string, prefix: string): void {
    for (const { constructPath, physicalId = '' } of this.simulation.resources) {
      if (!constructPath.startsWith(`${path}/`)) continue;
      const isPath = physicalId.startsWith('/');
      this.add(
        `${prefix}${constructPath.slice(path.length + 1)}`.replace(/^[a-z]/, (c) => c.toUpperCase()),
        isPath ? physicalId : physicalId.split(/[:/]/).at(-1),
      );
    }
  }

  private settingsOf(name: string): Settings {
    const path = `${this.path}/${name}/Resource/Resource`;
    const found = this.simulation.services.lambda.listFunctions().find(({ constructPath }) => constructPath === path);
    return found === undefined ? {} : (JSON.parse(found.environment()['SETTINGS']!) as Settings);
  }
}

function kindOf({ kind, protectsBusy }: FleetSettings): FleetKind {
  return kind === 'launch' ? 'launch' : protectsBusy === true ? 'fleet' : 'group';
}

/** What is drawn by lot is the same everywhere. */
function mask(text: string): string {
  return text
    .replaceAll(/\bi-[0-9a-f]{17}\b/g, '{Instance}')
    .replaceAll(/\b(ami|snap|vol|subnet|sg|eni|lt)-[0-9a-f]{17}\b/g, '$1-00000000000000000')
    .replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, '00000000-0000-0000-0000-000000000000')
    .replaceAll(/operations\/[0-9a-f]{24}-\d+\//g, 'operations/000000000000000000000000-1/')
    .replaceAll(/(\{SourceObjects\})[^"]*/g, '$1object');
}
