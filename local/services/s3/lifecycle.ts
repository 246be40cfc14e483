/** What a bucket's lifecycle rules do to its objects as time passes. */
import type { Bucket, ObjectVersion } from './bucket';

export interface LifecycleRule {
  readonly id: string;
  readonly isEnabled: boolean;
  readonly prefix: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly sizeGreaterThan: number | undefined;
  readonly sizeLessThan: number | undefined;
  readonly transitions: readonly Transition[];
  readonly noncurrentTransitions: readonly Transition[];
  readonly expirationDays: number | undefined;
  readonly noncurrentExpirationDays: number | undefined;
  readonly abortUploadAfterDays: number | undefined;
}

export interface Transition {
  readonly storageClass: string;
  readonly days: number;
}

/** What lifecycle did to a version. */
export interface LifecycleAction {
  readonly kind: 'transitioned' | 'expired' | 'deleteMarkerCreated';
  readonly version: ObjectVersion;
  readonly storageClass?: string;
}

const dayMs = 86_400_000;

/** From warm to cold: a transition never leads back. */
const coldness = [
  'STANDARD',
  'STANDARD_IA',
  'INTELLIGENT_TIERING',
  'ONEZONE_IA',
  'GLACIER_IR',
  'GLACIER',
  'DEEP_ARCHIVE',
];

/** Applies a bucket's rules to what is due by now.
 * @returns what was done, for the events about it */
export function applyLifecycleRules(bucket: Bucket, nowMs: number): readonly LifecycleAction[] {
  const actions: LifecycleAction[] = [];
  for (const rule of bucket.configuration.lifecycleRules.filter(({ isEnabled }) => isEnabled)) {
    for (const key of bucket.keys()) {
      for (const [index, version] of [...bucket.versions(key)].entries()) {
        const action = applyRule(bucket, rule, version, index === 0, nowMs);
        if (action !== undefined) actions.push(action);
      }
    }
    abortUploads(bucket, rule, nowMs);
  }
  return actions;
}

function applyRule(
  bucket: Bucket,
  rule: LifecycleRule,
  version: ObjectVersion,
  isCurrent: boolean,
  nowMs: number,
): LifecycleAction | undefined {
  if (!applies(rule, version)) return undefined;
  const sinceMs = isCurrent ? version.lastModifiedMs : (version.noncurrentSinceMs ?? version.lastModifiedMs);
  const isDue = (days: number | undefined): boolean => days !== undefined && nowMs >= dueAtMs(sinceMs, days);
  if (!isCurrent && isDue(rule.noncurrentExpirationDays)) {
    bucket.remove(version.key, version.versionId);
    return { kind: 'expired', version };
  }
  if (version.isDeleteMarker) return undefined;
  if (isCurrent && isDue(rule.expirationDays)) {
    if (bucket.configuration.versioning === 'Unversioned') {
      bucket.remove(version.key, version.versionId);
      return { kind: 'expired', version };
    }
    return { kind: 'deleteMarkerCreated', version: bucket.putDeleteMarker(version.key) };
  }
  const storageClass = (isCurrent ? rule.transitions : rule.noncurrentTransitions)
    .filter((transition) => isDue(transition.days))
    .map((transition) => transition.storageClass)
    .sort((left, right) => coldness.indexOf(right) - coldness.indexOf(left))[0];
  const isColder =
    storageClass !== undefined && coldness.indexOf(storageClass) > coldness.indexOf(version.storageClass);
  if (!isColder || isTooSmall(bucket, rule, version)) return undefined;
  bucket.change(version, { storageClass });
  return { kind: 'transitioned', version, storageClass };
}

function applies(rule: LifecycleRule, version: ObjectVersion): boolean {
  return (
    version.key.startsWith(rule.prefix) &&
    [...rule.tags].every(([name, value]) => version.tags.get(name) === value) &&
    (rule.sizeGreaterThan === undefined || version.sizeBytes > rule.sizeGreaterThan) &&
    (rule.sizeLessThan === undefined || version.sizeBytes < rule.sizeLessThan)
  );
}

function isTooSmall(bucket: Bucket, rule: LifecycleRule, version: ObjectVersion): boolean {
  const hasSizeFilter = rule.sizeGreaterThan !== undefined || rule.sizeLessThan !== undefined;
  return !hasSizeFilter && version.sizeBytes < bucket.configuration.transitionMinimumBytes;
}

function abortUploads(bucket: Bucket, rule: LifecycleRule, nowMs: number): void {
  for (const upload of bucket.uploads.values()) {
    const days = rule.abortUploadAfterDays;
    if (days !== undefined && upload.key.startsWith(rule.prefix) && nowMs >= dueAtMs(upload.initiatedAtMs, days)) {
      bucket.uploads.delete(upload.uploadId);
    }
  }
}

/** S3 adds the days and rounds up to the next midnight UTC. */
function dueAtMs(sinceMs: number, days: number): number {
  return Math.ceil((sinceMs + days * dayMs) / dayMs) * dayMs;
}
