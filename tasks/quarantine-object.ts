/** Task: puts a copy of an object that was not acceptable into quarantine and records why. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DeleteObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { copyObject, type CopySource } from './copy-object';
import { defineTask } from './define-task';
import {
  claim,
  objectReference,
  rejection,
  type Claim,
  type ObjectReference,
  type Rejection,
  type RejectionReason,
} from './object-reference';
import { leaseLost, rejectRecord, type RecordAccess } from './operations/object-record';
import { parseRejection } from './rejection';
import { readResolved, removeClaim } from './resolve-claim';
import type { TaskExecution } from './task-context';

/** Of these there is nothing to copy, or something else than what was rejected. */
const nothingToCopy: ReadonlySet<string> = new Set(['Missing', 'Replaced', 'Archived']);

/** S3's limit for a key, less what is added for the file of reasons. */
const maximumKeyBytes = 1000;

/** Copies the rejected version to the quarantine bucket, tags the copy with the reasons' codes, puts the reasons beside it as
 * `<key>.rejection.json` and records the rejection. */
export const quarantineObject = defineTask({
  name: 'quarantine-object',
  description: 'Copies a rejected object to quarantine, with the reasons, and records the rejection.',
  input: z.object({
    claim,
    /** Known once the object has been validated. */
    object: objectReference.optional(),
    /** Error name of the state that rejected the object. */
    error: z.string(),
    /** Cause of that error: holds the reasons. */
    cause: z.string(),
  }),
  output: rejection,
  settings: z.object({
    ledgerTable: z.string(),
    quarantineBucket: z.string(),
    /** Empty, or ends with `/`. */
    quarantinePrefix: z.string().regex(/^$|\/$/),
    /** True: the rejected version is deleted from its bucket once it is in quarantine. */
    removeOriginal: z.boolean().default(false),
  }),
  errors: { 'Object.LeaseLost': 'Another execution has taken the object over.' },
  run: async ({ claim, object, cause }, context) => {
    const { execution, settings } = context;
    if (execution === undefined) {
      throw new Error('quarantine-object runs only in an execution: it works on what that execution has claimed');
    }
    const claimed: RecordAccess = {
      client: context.client(DynamoDBClient),
      tableName: settings.ledgerTable,
      record: claim.record,
      owner: execution.arn,
      nowMs: context.nowMs(),
    };
    const resolved = object?.record ?? (await readResolved(claimed)) ?? claim.record;
    const reasons = parseRejection(cause);
    const source = sourceOf(claim, object, resolved.sk);
    const s3 = context.client(S3Client);
    const result: Rejection = { reasons };
    if (!reasons.some((reason) => nothingToCopy.has(reason.code))) {
      const key = await copyToQuarantine(source, reasons, settings, s3);
      if (key !== undefined) result.quarantined = { bucket: settings.quarantineBucket, key };
    }
    const rejected = { ...claimed, record: resolved };
    if (!(await rejectRecord(rejected, result))) {
      if (!mayHaveRejected(execution)) throw leaseLost(rejected);
      context.log.info('The rejection had been recorded before', { record: `${resolved.pk} ${resolved.sk}` });
      return result;
    }
    if (resolved.sk !== claim.record.sk) await removeClaim(claimed);
    if (settings.removeOriginal && result.quarantined !== undefined) await removeOriginal(source, s3);
    context.log.info('Rejected the object', { reasons: reasons.map((reason) => reason.code) });
    return result;
  },
});

/** Whether an earlier try may have recorded the rejection, and its answer was lost. Nobody takes an object from an execution that
 * has not ended before its end is recorded; what was redriven has ended before. */
function mayHaveRejected({ redriveCount, retryCount }: TaskExecution): boolean {
  return redriveCount === 0 && retryCount > 0;
}

/** The very version that was looked at, as exactly as it is known. */
function sourceOf(claim: Claim, object: ObjectReference | undefined, sk: string): CopySource {
  const resolvedVersionId = sk.startsWith('version#') ? sk.slice('version#'.length) : undefined;
  return {
    bucket: claim.bucket,
    key: claim.key,
    versionId: object?.versionId ?? claim.versionId ?? resolvedVersionId,
    etag: object?.etag ?? claim.etag,
  };
}

/** @returns the copy's key; undefined when the object is gone */
async function copyToQuarantine(
  source: CopySource,
  reasons: readonly RejectionReason[],
  { quarantineBucket, quarantinePrefix }: { quarantineBucket: string; quarantinePrefix: string },
  s3: S3Client,
): Promise<string | undefined> {
  const key = `${quarantinePrefix}${source.key}`;
  if (Buffer.byteLength(key) > maximumKeyBytes) return undefined;
  const codes = [...new Set(reasons.map((reason) => reason.code))].join(' ');
  const isCopied = await copyObject(source, { bucket: quarantineBucket, key, tags: { rejected: tagValue(codes) } }, s3);
  if (!isCopied) return undefined;
  await s3.send(
    new PutObjectCommand({
      Bucket: quarantineBucket,
      Key: `${key}.rejection.json`,
      ContentType: 'application/json',
      Body: `${JSON.stringify({ ...source, reasons }, null, 2)}\n`,
    }),
  );
  return key;
}

/** Codes may come from a validator of the user's, and S3 refuses most punctuation in a tag. */
function tagValue(text: string): string {
  return text.replaceAll(/[^\p{L}\p{N} _.:/=+@-]/gu, '_').slice(0, 256);
}

/** Only a version can be removed for certain: in a bucket without versions another object may stand under the key by now. */
async function removeOriginal({ bucket, key, versionId }: CopySource, s3: S3Client): Promise<void> {
  if (versionId === undefined) return;
  await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: key, VersionId: versionId }));
}
