/** What a call needs: the contract between the tables of calls and the decision about them. */
import type { ContextKeys, ContextValue } from '../request-context';

/** An IAM action on one resource that a call needs. All of a call's are decided, each for itself. */
export interface Permission {
  /** As the Service Authorization Reference writes it: `s3:GetObject`. */
  readonly action: string;
  /** ARN, or `*` where the service knows no resource for the action. */
  readonly resource: string;
  /** Condition keys, in lower case, besides those that every request has. */
  readonly keys?: ContextKeys;
  /** Further keys that take some looking up: asked for when a policy asks. */
  readonly lookUp?: (key: string) => ContextValue;
}

/** A call's parameters. They are not checked yet: a service decides about access before it looks closer. */
export type Input = Readonly<Record<string, unknown>>;

/** The permissions of one operation. */
export type Requirement = (input: Input, facts: ResourceFacts) => readonly Permission[];

/** Operations by their API name. */
export type Requirements = Readonly<Record<string, Requirement>>;

/** What must be known of resources to name them as IAM does. */
export interface ResourceFacts {
  readonly region: string;
  readonly accountId: string;
  /** Tags of an instance, image or snapshot; undefined for one that does not exist. */
  readonly ec2Tags: (id: string) => ReadonlyMap<string, string> | undefined;
  readonly snapshotsOfImage: (imageId: string) => readonly string[];
  /** ARN of the role in an instance profile, by the profile's name or ARN. */
  readonly roleOfProfile: (profile: string) => string | undefined;
  /** Profile, image and subnet of a launch template, by id or name. */
  readonly launchTemplate: (idOrName: string) => LaunchFacts | undefined;
  readonly autoScalingGroupArn: (name: string) => string;
  /** Auto Scaling group that an instance belongs to. */
  readonly groupOfInstance: (instanceId: string) => string | undefined;
  /** ARN of the customer's key that encrypts a bucket, queue, topic or table, by its ARN; undefined where AWS owns the key. */
  readonly encryptionKey: (resourceArn: string) => string | undefined;
  readonly objectTags: (bucket: string, key: string, versionId?: string) => ReadonlyMap<string, string>;
  /** Name of a table's partition key. */
  readonly partitionKey: (tableName: string) => string | undefined;
  /** ARN of the state machine whose task waits with a token; undefined for a token that nobody waits with. */
  readonly machineOfToken: (taskToken: string) => string | undefined;
}

/** What a launch template says. */
export interface LaunchFacts {
  readonly id: string;
  readonly instanceProfile: string | undefined;
  readonly imageId: string | undefined;
  readonly subnetId: string | undefined;
}

/** A parameter that is a text; undefined for anything else. */
export function text(input: Input, name: string): string | undefined {
  const value = input[name];
  return typeof value === 'string' ? value : undefined;
}

/** A parameter that is a list; empty for anything else. */
export function list<Item>(input: Input, name: string): readonly Item[] {
  const value = input[name];
  return Array.isArray(value) ? (value as readonly Item[]) : [];
}

/** One permission without a resource. */
export function anywhere(action: string): Requirement {
  return () => [{ action, resource: '*' }];
}

/** Using a customer's key through a service. */
export function keyUse(
  actions: readonly string[],
  resourceArn: string,
  service: string,
  facts: ResourceFacts,
): readonly Permission[] {
  const key = facts.encryptionKey(resourceArn);
  if (key === undefined) return [];
  const keys: ContextKeys = {
    'kms:viaservice': `${service}.${facts.region}.amazonaws.com`,
    'kms:calleraccount': facts.accountId,
    ...(service === 's3' && { 'kms:encryptioncontext:aws:s3:arn': resourceArn }),
  };
  return actions.map((action) => ({ action: `kms:${action}`, resource: key, keys }));
}

/** `prefix/key` for each tag, and the names of all tags.
 * @param prefix In lower case, without the slash. */
export function requestTags(tags: Readonly<Record<string, string>>): ContextKeys {
  const names = Object.keys(tags);
  if (names.length === 0) return {};
  const keys = Object.fromEntries(names.map((name) => [`aws:requesttag/${name.toLowerCase()}`, tags[name]!]));
  return { ...keys, 'aws:tagkeys': names };
}

/** The tags of a resource as each service's conditions name them.
 * @param prefixes In lower case: `aws:resourcetag`. */
export function resourceTags(
  tags: ReadonlyMap<string, string> | undefined,
  ...prefixes: readonly string[]
): ContextKeys {
  if (tags === undefined || tags.size === 0) return {};
  const keys: Record<string, string> = {};
  for (const [name, value] of tags) for (const prefix of prefixes) keys[`${prefix}/${name.toLowerCase()}`] = value;
  return keys;
}
