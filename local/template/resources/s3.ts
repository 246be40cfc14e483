/** S3's resources: buckets with their versions, lifecycle, encryption and events. */
import type { BucketConfiguration, LifecycleRule, S3Service } from '../../services/s3';
import { UnsupportedError } from '../../services/service';
import type { CreatedResource, ResourceHandlers, ResourceRequest } from '../resource';

interface BucketProperties {
  readonly BucketName?: string;
  readonly VersioningConfiguration?: { readonly Status: 'Enabled' | 'Suspended' };
  readonly NotificationConfiguration?: {
    readonly EventBridgeConfiguration?: { readonly EventBridgeEnabled?: boolean | string };
  } & Readonly<Record<string, unknown>>;
  readonly LifecycleConfiguration?: {
    readonly Rules: readonly RuleProperties[];
    readonly TransitionDefaultMinimumObjectSize?: string;
  };
  readonly BucketEncryption?: {
    readonly ServerSideEncryptionConfiguration: readonly {
      readonly ServerSideEncryptionByDefault?: { readonly SSEAlgorithm: string; readonly KMSMasterKeyID?: string };
    }[];
  };
}

interface RuleProperties {
  readonly Id?: string;
  readonly Status: 'Enabled' | 'Disabled';
  readonly Prefix?: string;
  readonly TagFilters?: readonly { readonly Key: string; readonly Value: string }[];
  readonly ObjectSizeGreaterThan?: number | string;
  readonly ObjectSizeLessThan?: number | string;
  readonly Transition?: TransitionProperties;
  readonly Transitions?: readonly TransitionProperties[];
  readonly NoncurrentVersionTransition?: TransitionProperties;
  readonly NoncurrentVersionTransitions?: readonly TransitionProperties[];
  readonly ExpirationInDays?: number;
  readonly NoncurrentVersionExpirationInDays?: number;
  readonly NoncurrentVersionExpiration?: { readonly NoncurrentDays: number };
  readonly ExpiredObjectDeleteMarker?: boolean | string;
  readonly AbortIncompleteMultipartUpload?: { readonly DaysAfterInitiation: number };
}

interface TransitionProperties {
  readonly StorageClass: string;
  readonly TransitionInDays?: number;
}

/** Have no effect on what a workflow sees here. */
const inert = [
  'AccelerateConfiguration',
  'AccessControl',
  'AnalyticsConfigurations',
  'BucketName',
  'BucketEncryption',
  'CorsConfiguration',
  'IntelligentTieringConfigurations',
  'InventoryConfigurations',
  'LifecycleConfiguration',
  'LoggingConfiguration',
  'MetricsConfigurations',
  'NotificationConfiguration',
  'ObjectLockEnabled',
  'OwnershipControls',
  'PublicAccessBlockConfiguration',
  'Tags',
  'VersioningConfiguration',
];

/** Handlers for the types of S3. */
export function s3Resources(s3: S3Service): ResourceHandlers {
  return {
    'AWS::S3::Bucket': (request) => createBucket(request, s3),
    'Custom::S3BucketNotifications': (request) => configureNotifications(request, s3),
  };
}

function createBucket(request: ResourceRequest, s3: S3Service): CreatedResource {
  const properties = request.properties as BucketProperties;
  for (const name of Object.keys(request.properties)) {
    if (!inert.includes(name)) throw unsupported(name, request);
  }
  const { EventBridgeConfiguration: eventBridge, ...notifications } = properties.NotificationConfiguration ?? {};
  for (const name of Object.keys(notifications)) throw unsupported(`NotificationConfiguration.${name}`, request);
  const encryption = properties.BucketEncryption?.ServerSideEncryptionConfiguration[0]?.ServerSideEncryptionByDefault;
  const lifecycle = properties.LifecycleConfiguration;
  refuseUnknownRules(lifecycle?.Rules ?? [], request);
  const configuration: Partial<BucketConfiguration> & { readonly name: string } = {
    name: properties.BucketName ?? request.generateName(63, { lowerCase: true }),
    versioning: properties.VersioningConfiguration?.Status ?? 'Unversioned',
    // EventBridge is on as soon as its configuration is there, unless that says otherwise.
    isEventBridgeEnabled: eventBridge !== undefined && String(eventBridge.EventBridgeEnabled ?? true) === 'true',
    lifecycleRules: (lifecycle?.Rules ?? []).map((rule, index) => readRule(rule, index)),
    ...(lifecycle?.TransitionDefaultMinimumObjectSize === 'varies_by_storage_class' && { transitionMinimumBytes: 0 }),
    ...(encryption !== undefined && {
      encryption: {
        algorithm: encryption.SSEAlgorithm,
        ...(encryption.KMSMasterKeyID !== undefined && { keyId: encryption.KMSMasterKeyID }),
      },
    }),
  };
  s3.createBucket(configuration);
  const { name } = configuration;
  const { region } = request;
  return {
    ref: name,
    attributes: {
      Arn: `arn:aws:s3:::${name}`,
      DomainName: `${name}.s3.amazonaws.com`,
      DualStackDomainName: `${name}.s3.dualstack.${region}.amazonaws.com`,
      RegionalDomainName: `${name}.s3.${region}.amazonaws.com`,
      WebsiteURL: `http://${name}.s3-website-${region}.amazonaws.com`,
    },
  };
}

function readRule(rule: RuleProperties, index: number): LifecycleRule {
  return {
    id: rule.Id ?? `rule-${index + 1}`,
    isEnabled: rule.Status === 'Enabled',
    prefix: rule.Prefix ?? '',
    tags: new Map((rule.TagFilters ?? []).map(({ Key, Value }) => [Key, Value])),
    sizeGreaterThan: readNumber(rule.ObjectSizeGreaterThan),
    sizeLessThan: readNumber(rule.ObjectSizeLessThan),
    transitions: readTransitions(rule.Transition, rule.Transitions),
    noncurrentTransitions: readTransitions(rule.NoncurrentVersionTransition, rule.NoncurrentVersionTransitions),
    expirationDays: rule.ExpirationInDays,
    noncurrentExpirationDays:
      rule.NoncurrentVersionExpiration?.NoncurrentDays ?? rule.NoncurrentVersionExpirationInDays,
    removesExpiredMarkers: String(rule.ExpiredObjectDeleteMarker ?? false) === 'true',
    abortUploadAfterDays: rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation,
  };
}

/** A rule that is not simulated whole must not be taken for one that is. */
function refuseUnknownRules(rules: readonly RuleProperties[], request: ResourceRequest): void {
  for (const [index, rule] of rules.entries()) {
    const { NoncurrentVersionExpiration: expiration, ...named } = rule;
    const transitions = [rule.Transition, ...(rule.Transitions ?? [])].filter((transition) => transition !== undefined);
    const noncurrent = [rule.NoncurrentVersionTransition, ...(rule.NoncurrentVersionTransitions ?? [])];
    const [unknown] = [
      ...Object.keys(named).filter((name) => !ruleProperties.includes(name)),
      ...Object.keys(expiration ?? {}).filter((name) => name !== 'NoncurrentDays'),
      ...[...transitions, ...noncurrent]
        .flatMap((transition) => Object.keys(transition ?? {}))
        .filter((name) => !['StorageClass', 'TransitionInDays'].includes(name)),
    ];
    if (unknown !== undefined) throw unsupported(`LifecycleConfiguration.Rules[${index}].${unknown}`, request);
  }
}

const ruleProperties = [
  'AbortIncompleteMultipartUpload',
  'ExpirationInDays',
  'ExpiredObjectDeleteMarker',
  'Id',
  'NoncurrentVersionExpirationInDays',
  'NoncurrentVersionTransition',
  'NoncurrentVersionTransitions',
  'ObjectSizeGreaterThan',
  'ObjectSizeLessThan',
  'Prefix',
  'Status',
  'TagFilters',
  'Transition',
  'Transitions',
];

function readTransitions(
  single: TransitionProperties | undefined,
  several: readonly TransitionProperties[] | undefined,
): LifecycleRule['transitions'] {
  return [...(single === undefined ? [] : [single]), ...(several ?? [])].map((transition) => ({
    storageClass: transition.StorageClass,
    days: transition.TransitionInDays ?? 0,
  }));
}

function readNumber(value: number | string | undefined): number | undefined {
  return value === undefined ? undefined : Number(value);
}

/** What CDK's `eventBridgeEnabled` synthesizes instead of the bucket's own property. */
function configureNotifications(request: ResourceRequest, s3: S3Service): CreatedResource {
  const { BucketName: name, NotificationConfiguration: configuration } = request.properties as {
    readonly BucketName: string;
    readonly NotificationConfiguration: Readonly<Record<string, unknown>>;
  };
  for (const [kind, value] of Object.entries(configuration)) {
    if (kind !== 'EventBridgeConfiguration' && Array.isArray(value) && value.length > 0)
      throw unsupported(kind, request);
  }
  s3.configureBucket(name, { isEventBridgeEnabled: configuration['EventBridgeConfiguration'] !== undefined });
  return { ref: `${name}-notifications`, attributes: {} };
}

function unsupported(property: string, request: ResourceRequest): UnsupportedError {
  return new UnsupportedError(
    `${request.type}.${property}`,
    `${request.logicalId} of stack ${request.stackName}`,
    `leave ${property} out of the stack that is simulated`,
  );
}
