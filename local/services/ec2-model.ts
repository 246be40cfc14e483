/** What the parts of the simulated EC2 share: its resources, its errors, filters and tags. */
import type { RandomSource } from '../random';
import type { VirtualClock } from '../virtual-clock';
import type { EventSink } from './aws-event';
import { checkParameters, pageOf, type ParameterRules } from './call-parameters';
import { ServiceError, UnsupportedError } from './service';

/** How the simulated EC2 behaves. Durations are virtual. */
export interface Ec2Options {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
  readonly emit: EventSink;
  readonly region: string;
  readonly accountId: string;
  /** The value of a parameter of Parameter Store, for images that a launch names by `resolve:ssm:`. @default - there are none */
  readonly readParameter?: (name: string) => string | undefined;
  /** From `pending` to `running`. @default 20,000 */
  readonly launchDurationMs?: number;
  /** Of a stop, a termination and a reboot. @default 30,000 */
  readonly stopDurationMs?: number;
  /** From `pending` to `available`. @default 300,000 */
  readonly imageDurationMs?: number;
  /** How long reads do not show a new image or instance, and still show a removed one. 0 switches eventual consistency off. @default 1,000 */
  readonly visibilityDelayMs?: number;
  /** How long a deregistered image keeps its name. @default 60,000 */
  readonly imageNameReleaseMs?: number;
}

export type InstanceState = 'pending' | 'running' | 'shutting-down' | 'terminated' | 'stopping' | 'stopped';

/** A simulated instance. */
export interface Instance {
  readonly instanceId: string;
  readonly imageId: string;
  readonly instanceType: string;
  readonly launchedAtMs: number;
  readonly availabilityZone: string;
  readonly subnetId: string | undefined;
  readonly privateIpAddress: string;
  /** Name or ARN, as it was given. */
  readonly instanceProfile: string | undefined;
  readonly volumeIds: readonly string[];
  readonly tags: Map<string, string>;
  /** @default - it is no Spot Instance */
  readonly spotRequest: SpotRequest | undefined;
  state: InstanceState;
}

/** The request that a Spot Instance came from. */
export interface SpotRequest {
  readonly spotInstanceRequestId: string;
  status: SpotStatus;
  statusAtMs: number;
}

export type SpotStatus =
  'fulfilled' | 'marked-for-termination' | 'instance-terminated-no-capacity' | 'instance-terminated-by-user';

export type ImageState = 'pending' | 'available' | 'failed' | 'deregistered';

/** A simulated machine image. */
export interface Image {
  readonly imageId: string;
  readonly name: string;
  readonly description: string;
  /** Absent for a copy. */
  readonly sourceInstanceId: string | undefined;
  readonly createdAtMs: number;
  readonly noReboot: boolean;
  readonly isEncrypted: boolean;
  readonly snapshotIds: readonly string[];
  readonly tags: Map<string, string>;
  state: ImageState;
  /** Why it failed. */
  failure: string | undefined;
  /** When it became available, or failed. */
  endedAtMs: number | undefined;
  deregisteredAtMs: number | undefined;
}

/** A simulated EBS snapshot. */
export interface Snapshot {
  readonly snapshotId: string;
  readonly volumeId: string;
  readonly description: string;
  readonly startedAtMs: number;
  readonly tags: Map<string, string>;
  state: 'pending' | 'completed' | 'error';
}

export type Input = Readonly<Record<string, unknown>>;

/** Checks the parameters of an EC2 call; `DryRun` is refused like everything else that has no effect here. */
export function checkEc2Parameters(operation: string, input: Input, rules: ParameterRules): void {
  checkParameters(
    { service: 'ec2', operation },
    input,
    rules,
    (name) => new ServiceError('MissingParameter', `The request must contain the parameter ${name}`),
  );
}

/** Reads a list of ids and refuses those that no service could have given. */
export function readIds(input: Input, parameter: string, prefix: string, code: string): string[] {
  const ids = (input[parameter] ?? []) as readonly string[];
  for (const id of ids) checkId(id, prefix, code);
  return [...ids];
}

/** @throws ServiceError `<code>.Malformed` */
export function checkId(id: string, prefix: string, code: string): void {
  if (new RegExp(`^${prefix}-([0-9a-f]{8}|[0-9a-f]{17})$`).test(id)) return;
  throw new ServiceError(`${code}.Malformed`, `Invalid id: "${id}" (expecting "${prefix}-...")`);
}

/** What a filter's name means for one resource. */
export type FilterValues<Resource> = Readonly<Record<string, (resource: Resource) => readonly string[]>>;

/** Keeps what matches every filter: any of a filter's values, in which `*` and `?` are wildcards.
 * @throws UnsupportedError for a filter that is not simulated */
export function filterResources<Resource extends { readonly tags: ReadonlyMap<string, string> }>(
  operation: string,
  resources: readonly Resource[],
  input: Input,
  filters: FilterValues<Resource>,
): Resource[] {
  const wanted = (input['Filters'] ?? []) as readonly { readonly Name?: string; readonly Values?: readonly string[] }[];
  const compiled = wanted.map(({ Name = '', Values = [] }) => ({ name: Name, patterns: Values.map(filterPattern) }));
  return resources.filter((resource) =>
    compiled.every(({ name, patterns }) =>
      valuesOf(resource, name, operation, filters).some((value) => patterns.some((pattern) => pattern.test(value))),
    ),
  );
}

function valuesOf<Resource extends { readonly tags: ReadonlyMap<string, string> }>(
  resource: Resource,
  name: string,
  operation: string,
  filters: FilterValues<Resource>,
): readonly string[] {
  if (name.startsWith('tag:')) {
    const value = resource.tags.get(name.slice('tag:'.length));
    return value === undefined ? [] : [value];
  }
  if (name === 'tag-key') return [...resource.tags.keys()];
  const read = filters[name];
  if (read !== undefined) return read(resource);
  throw new UnsupportedError(
    `the filter ${JSON.stringify(name)}`,
    `ec2:${operation}`,
    `filter by ${Object.keys(filters).join(', ')}, tag:<key> or tag-key`,
  );
}

/** Unlike a policy's wildcards, a filter's are themselves after a backslash.
 * @see https://docs.aws.amazon.com/sdkfornet1/latest/apidocs/html/T_Amazon_EC2_Model_Filter.htm (read 2026-11) */
function filterPattern(text: string): RegExp {
  const source = text.replaceAll(/\\[*?\\]|[.*+?^${}()|[\]\\]/g, (found) => {
    if (found === '*') return '.*';
    if (found === '?') return '.';
    return found.length === 2 ? found : `\\${found}`;
  });
  return new RegExp(`^${source}$`, 's');
}

/** One page of a Describe operation. */
export function ec2Page<Item>(items: readonly Item[], input: Input) {
  return pageOf(
    items,
    { token: input['NextToken'] as string | undefined, size: (input['MaxResults'] as number | undefined) ?? 1000 },
    () => new ServiceError('InvalidParameterValue', 'Unable to parse pagination token'),
  );
}

export function tagList(tags: ReadonlyMap<string, string>): { Key: string; Value: string }[] {
  return [...tags].map(([key, value]) => ({ Key: key, Value: value }));
}

/** The tags that `TagSpecifications` gives to a resource type.
 * @throws ServiceError `InvalidParameterValue` when another type is named than the operation can tag */
export function specifiedTags(input: Input, allowedTypes: readonly string[]): (type: string) => Map<string, string> {
  const specifications = (input['TagSpecifications'] ?? []) as readonly {
    readonly ResourceType?: string;
    readonly Tags?: readonly { readonly Key: string; readonly Value?: string }[];
  }[];
  for (const { ResourceType: type = '', Tags: tags = [] } of specifications) {
    if (!allowedTypes.includes(type)) {
      throw new ServiceError(
        'InvalidParameterValue',
        `'${type}' is not a valid taggable resource type for this operation.`,
      );
    }
    for (const tag of tags) checkTag(tag.Key, tag.Value ?? '');
  }
  return (type) =>
    new Map(
      specifications
        .filter((specification) => specification.ResourceType === type)
        .flatMap(({ Tags: tags = [] }) => tags.map((tag): [string, string] => [tag.Key, tag.Value ?? ''])),
    );
}

/** @throws ServiceError `InvalidParameterValue` for a tag that EC2 does not accept */
export function checkTag(key: string, value: string): void {
  if (key.length < 1 || key.length > 128 || key.startsWith('aws:')) {
    throw new ServiceError(
      'InvalidParameterValue',
      `Tag keys must be 1 to 128 characters long and must not begin with aws: (got ${JSON.stringify(key)})`,
    );
  }
  if (value.length > 256) {
    throw new ServiceError(
      'InvalidParameterValue',
      `Tag value exceeds the maximum length of 256 characters (key ${key})`,
    );
  }
}
