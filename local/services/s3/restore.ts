/** S3's RestoreObject: a temporary copy of an archived version, which is there some hours later and goes again some days after that. */
import type { RandomSource } from '../../random';
import type { VirtualClock } from '../../virtual-clock';
import { checkParameters } from '../parameters';
import { ServiceError, UnsupportedError, type Principal, type ServiceOutput } from '../service';
import { archivedClasses } from './archive';
import type { Bucket, ObjectVersion } from './bucket';
import type { ObjectName, S3Context } from './context';
import { errors } from './errors';
import { midnightAfter } from './lifecycle';
import { inertParameters, keyParameters, type Input } from './objects';

type Tier = 'Expedited' | 'Standard' | 'Bulk';

interface RestoreInput extends ObjectName {
  readonly RestoreRequest?: {
    readonly Days?: number;
    readonly Tier?: string;
    readonly GlacierJobParameters?: { readonly Tier?: string };
  } & Readonly<Record<string, unknown>>;
}

/** What a restore needs besides the buckets. */
export interface RestoreSurroundings {
  readonly clock: VirtualClock;
  readonly random: RandomSource;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** From the least to the most that AWS says it takes.
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects-retrieval-options.html (read 2026-11) */
const durationsMs: Readonly<Record<string, Partial<Record<Tier, readonly [number, number]>>>> = {
  GLACIER: {
    Expedited: [minuteMs, 5 * minuteMs],
    Standard: [3 * hourMs, 5 * hourMs],
    Bulk: [5 * hourMs, 12 * hourMs],
  },
  DEEP_ARCHIVE: { Standard: [9 * hourMs, 12 * hourMs], Bulk: [36 * hourMs, 48 * hourMs] },
};

/** Begins a restore, or changes how long an existing copy stays.
 * @throws ServiceError InvalidObjectState for what is not archived, RestoreAlreadyInProgress, MalformedXML */
export function restoreObject(
  context: S3Context,
  { clock, random }: RestoreSurroundings,
  input: RestoreInput,
  caller: Principal,
): ServiceOutput {
  checkParameters(
    's3',
    'RestoreObject',
    input as unknown as Input,
    { required: [...keyParameters, 'RestoreRequest'], optional: ['VersionId', ...inertParameters] },
    'InvalidRequest',
  );
  const { bucket, version } = context.version(input);
  const { days, tier } = readRequest(input.RestoreRequest!);
  const duration = durationsMs[version.storageClass]?.[tier];
  if (!archivedClasses.includes(version.storageClass)) {
    throw new ServiceError('InvalidObjectState', "Restore is not allowed for the object's current storage class", 403, {
      StorageClass: version.storageClass,
    });
  }
  if (version.restore?.expiresAtMs === undefined && version.restore !== undefined) {
    throw new ServiceError('RestoreAlreadyInProgress', 'Object restore is already in progress', 409);
  }
  if (duration === undefined) {
    throw new UnsupportedError(
      `retrieval ${tier} of ${version.storageClass}`,
      `s3:RestoreObject of ${version.key}`,
      'use Standard or Bulk',
    );
  }
  if (version.restore !== undefined) {
    keepCopy(context, clock, bucket, version, days);
    return {};
  }
  bucket.change(version, { restore: {} });
  const source = { 'source-storage-class': version.storageClass };
  context.announce('Object Restore Initiated', bucket, version, caller, source, { size: version.sizeBytes });
  const [leastMs, mostMs] = duration;
  clock.schedule(leastMs + random.integer(mostMs - leastMs), () => {
    const waiting = find(bucket, version);
    if (waiting === undefined) return;
    const expiresAtMs = keepCopy(context, clock, bucket, waiting, days);
    const expiry = { 'restore-expiry-time': new Date(expiresAtMs).toISOString().replace('.000Z', 'Z') };
    context.announce(
      'Object Restore Completed',
      bucket,
      waiting,
      undefined,
      { ...expiry, ...source },
      { size: version.sizeBytes },
    );
  });
  return {};
}

/** Keeps the copy for that many days from now; an earlier end is moved.
 * @returns when it goes */
function keepCopy(
  context: S3Context,
  clock: VirtualClock,
  bucket: Bucket,
  version: ObjectVersion,
  days: number,
): number {
  const expiresAtMs = midnightAfter(clock.nowMs(), days);
  bucket.change(version, { restore: { expiresAtMs } });
  const removeCopy = (): void => {
    const restored = find(bucket, version);
    if (restored?.restore?.expiresAtMs !== expiresAtMs) return;
    bucket.change(restored, { restore: undefined });
    context.announce('Object Restore Expired', bucket, restored, undefined, {}, { size: version.sizeBytes });
  };
  clock.schedule(expiresAtMs - clock.nowMs(), removeCopy, { background: true });
  return expiresAtMs;
}

/** It may have been deleted meanwhile. */
function find(bucket: Bucket, { key, versionId, sequencer }: ObjectVersion): ObjectVersion | undefined {
  return bucket.versions(key).find((other) => other.versionId === versionId && other.sequencer === sequencer);
}

function readRequest(request: NonNullable<RestoreInput['RestoreRequest']>): { days: number; tier: Tier } {
  const { Days, Tier: tier, GlacierJobParameters, ...others } = request;
  const [unsupported] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (unsupported !== undefined) {
    throw new UnsupportedError(
      `RestoreRequest.${unsupported}`,
      's3:RestoreObject',
      'restore archived objects with Days and GlacierJobParameters',
    );
  }
  const named = GlacierJobParameters?.Tier ?? tier ?? 'Standard';
  if (Days === undefined || !Number.isInteger(Days) || Days < 1) throw errors.malformedXml();
  if (named !== 'Expedited' && named !== 'Standard' && named !== 'Bulk') throw errors.malformedXml();
  return { days: Days, tier: named };
}
