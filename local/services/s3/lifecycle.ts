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
  /** Whether delete markers go when no version is left under them. An expiration in days does that as well. */
  readonly removesExpiredMarkers?: boolean;
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

/** Applies a bucket's rules to what is due by now. Where rules want different things of a version, removing it for good wins, then
 * the coldest transition, then a delete marker.
 * @returns what was done, for the events about it
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-conflicts.html (read 2026-11) */
export function applyLifecycleRules(bucket: Bucket, nowMs: number): readonly LifecycleAction[] {
  const rules = bucket.configuration.lifecycleRules.filter(({ isEnabled }) => isEnabled);
  if (rules.length === 0) return [];
  const actions: LifecycleAction[] = [];
  for (const key of bucket.keys()) {
    // Versions are looked at as they were: a marker that is put now hides its object from the next day on.
    for (const [index, version] of [...bucket.versions(key)].entries()) {
      const ofKey = rules.filter(({ prefix }) => key.startsWith(prefix));
      const action = version.isDeleteMarker
        ? cleanMarker(bucket, ofKey, version, index === 0, nowMs)
        : applyRules(bucket, ofKey, version, index === 0, nowMs);
      if (action !== undefined) actions.push(action);
    }
  }
  for (const rule of rules) abortUploads(bucket, rule, nowMs);
  return actions;
}

function applyRules(
  bucket: Bucket,
  rules: readonly LifecycleRule[],
  version: ObjectVersion,
  isCurrent: boolean,
  nowMs: number,
): LifecycleAction | undefined {
  const matching = rules.filter((rule) => applies(rule, version));
  const isDue = dueSince(isCurrent ? version.lastModifiedMs : noncurrentSince(version), nowMs);
  const isUnversioned = bucket.configuration.versioning === 'Unversioned';
  const isExpired = matching.some(({ expirationDays }) => isCurrent && isDue(expirationDays));
  const isForgotten = matching.some(({ noncurrentExpirationDays }) => !isCurrent && isDue(noncurrentExpirationDays));
  if (isForgotten || (isExpired && isUnversioned)) {
    bucket.remove(version.key, version.versionId);
    return { kind: 'expired', version };
  }
  const storageClass = coldestClass(bucket, matching, version, isCurrent, isDue);
  if (storageClass !== undefined) {
    bucket.change(version, { storageClass });
    return { kind: 'transitioned', version, storageClass };
  }
  return isExpired ? { kind: 'deleteMarkerCreated', version: bucket.putDeleteMarker(version.key) } : undefined;
}

/** Rules with tags or sizes say nothing about markers, which have neither. */
function cleanMarker(
  bucket: Bucket,
  rules: readonly LifecycleRule[],
  marker: ObjectVersion,
  isCurrent: boolean,
  nowMs: number,
): LifecycleAction | undefined {
  const isAlone = isCurrent && bucket.versions(marker.key).length === 1;
  const isDue = dueSince(isCurrent ? marker.lastModifiedMs : noncurrentSince(marker), nowMs);
  const isOver = rules
    .filter((rule) => rule.tags.size === 0 && rule.sizeGreaterThan === undefined && rule.sizeLessThan === undefined)
    .some((rule) =>
      isCurrent
        ? isAlone && (rule.removesExpiredMarkers === true || isDue(rule.expirationDays))
        : isDue(rule.noncurrentExpirationDays),
    );
  if (!isOver) return undefined;
  bucket.remove(marker.key, marker.versionId);
  return { kind: 'expired', version: marker };
}

/** @returns the class to move to, if that is colder than where the version is */
function coldestClass(
  bucket: Bucket,
  rules: readonly LifecycleRule[],
  version: ObjectVersion,
  isCurrent: boolean,
  isDue: (days: number | undefined) => boolean,
): string | undefined {
  const levels = rules
    .filter((rule) => !isTooSmall(bucket, rule, version))
    .flatMap((rule) => (isCurrent ? rule.transitions : rule.noncurrentTransitions))
    .filter((transition) => isDue(transition.days))
    .map(({ storageClass }) => coldness.indexOf(storageClass));
  const coldest = Math.max(-1, ...levels);
  return coldest > coldness.indexOf(version.storageClass) ? coldness[coldest] : undefined;
}

function applies(rule: LifecycleRule, version: ObjectVersion): boolean {
  return (
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
    const isDue = dueSince(upload.initiatedAtMs, nowMs);
    if (isDue(rule.abortUploadAfterDays) && upload.key.startsWith(rule.prefix)) bucket.uploads.delete(upload.uploadId);
  }
}

function noncurrentSince(version: ObjectVersion): number {
  return version.noncurrentSinceMs ?? version.lastModifiedMs;
}

function dueSince(sinceMs: number, nowMs: number): (days: number | undefined) => boolean {
  return (days) => days !== undefined && nowMs >= midnightAfter(sinceMs, days);
}

/** S3 adds the days and rounds up to the next midnight UTC. */
export function midnightAfter(sinceMs: number, days: number): number {
  return Math.ceil((sinceMs + days * dayMs) / dayMs) * dayMs;
}
