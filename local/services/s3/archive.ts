/** Archived versions: whether one can be read now, and what S3 says about its restore. */
import type { ServiceOutput } from '../service';
import type { ObjectVersion } from './bucket';

/** Classes whose objects cannot be read until they are restored. */
export const archivedClasses = ['GLACIER', 'DEEP_ARCHIVE'];

/** Whether the content of a version can be read now. */
export function isReadable({ storageClass, restore }: ObjectVersion): boolean {
  return !archivedClasses.includes(storageClass) || restore?.expiresAtMs !== undefined;
}

/** The header `x-amz-restore`. */
export function restoreHeader({ restore }: ObjectVersion): ServiceOutput {
  if (restore === undefined) return {};
  if (restore.expiresAtMs === undefined) return { Restore: 'ongoing-request="true"' };
  return { Restore: `ongoing-request="false", expiry-date="${new Date(restore.expiresAtMs).toUTCString()}"` };
}

/** What a listing shows of a restore when it is asked for. */
export function restoreStatus({ restore }: ObjectVersion): ServiceOutput {
  if (restore === undefined) return {};
  const { expiresAtMs } = restore;
  return {
    RestoreStatus: {
      IsRestoreInProgress: expiresAtMs === undefined,
      ...(expiresAtMs !== undefined && { RestoreExpiryDate: new Date(expiresAtMs) }),
    },
  };
}
