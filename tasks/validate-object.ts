/** Task: looks at the object itself and decides whether it is acceptable. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetObjectCommand, HeadObjectCommand, S3Client, type HeadObjectCommandOutput } from '@aws-sdk/client-s3';
import * as z from 'zod';
import { sniffContent, sniffedBytes } from './content-type';
import { defineTask } from './define-task';
import { claim, objectReference, type Claim, type RejectionReason } from './object-reference';
import { describeRecord, renewLease, type RecordAccess } from './operations/object-record';
import { rejectObject } from './rejection';
import { removeClaim, resolveClaim } from './resolve-claim';
import { checkContent, checkKey, checkObject, validationRules } from './validation-rules';

export type { ValidationRules } from './validation-rules';

/** Reads what S3 says about the claimed object and its first 4 KB, and describes it for the states that follow.
 * A manual start without a version gets the version that is current now, and claims it. */
export const validateObject = defineTask({
  name: 'validate-object',
  description: 'Checks that the object exists, can be read and is of an accepted name, size and type.',
  input: z.object({ claim }),
  output: objectReference,
  settings: z.object({ ledgerTable: z.string(), rules: validationRules }),
  errors: {
    'Object.Rejected': 'The object is not acceptable; the message holds the reasons as JSON.',
    'Object.AlreadyClaimed': 'Another execution works on this object version, or has finished it.',
    'Object.LeaseLost': 'Another execution has taken the object over.',
  },
  run: async ({ claim }, context) => {
    const { execution, settings } = context;
    if (execution === undefined) {
      throw new Error('validate-object runs only in an execution: it works on what that execution has claimed');
    }
    const claimed: RecordAccess = {
      client: context.client(DynamoDBClient),
      tableName: settings.ledgerTable,
      record: claim.record,
      owner: execution.arn,
      nowMs: context.nowMs(),
    };
    const s3 = context.client(S3Client);
    rejectIfAny(checkKey(claim.key));
    const head = await describeObject(claim, s3);
    const found = describe(claim, head);
    const record = await resolveClaim(claimed, claim, found);
    if (record === undefined) {
      throw context.error(
        'Object.AlreadyClaimed',
        `Another execution works on this version of s3://${claim.bucket}/${claim.key}, or has finished it\n  fix: nothing; to run it once more, start it with "force": true`,
      );
    }
    const owned = { ...claimed, record };
    if (record.sk === claim.record.sk) await renewLease(owned, execution.redriveCount);
    const reasons = checkObject(claim.key, head, settings.rules);
    if (reasons.length === 0 && settings.rules.contentTypes.length > 0) {
      reasons.push(...checkContent(sniffContent(await readBeginning(claim, found, s3)), settings.rules));
    }
    rejectIfAny(reasons);
    const { versionId, etag, sizeBytes, contentType, lastModified } = found;
    const attempt = await describeRecord(owned, { versionId, etag, sizeBytes, contentType, lastModified });
    if (record.sk !== claim.record.sk) await removeClaim(claimed);
    return { ...found, bucket: claim.bucket, key: claim.key, record, attempt };
  },
});

function rejectIfAny(reasons: readonly RejectionReason[]): void {
  if (reasons.length > 0) throw rejectObject(reasons);
}

/** Describes the claimed version, or the current one where the claim names none. */
async function describeObject(claim: Claim, s3: S3Client): Promise<HeadObjectCommandOutput> {
  let head: HeadObjectCommandOutput;
  try {
    head = await s3.send(new HeadObjectCommand({ Bucket: claim.bucket, Key: claim.key, VersionId: claim.versionId }));
  } catch (error) {
    const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
    // 405 is a delete marker, 400 a version id that is none.
    if (status !== 404 && status !== 405 && status !== 400) throw error;
    throw rejectObject([
      {
        code: 'Missing',
        message: `s3://${claim.bucket}/${claim.key} ${claim.versionId === undefined ? '' : `has no version ${claim.versionId} and `}does not exist any more`,
        accepted: 'an object that stays in its bucket until it is processed',
      },
    ]);
  }
  const etag = withoutQuotes(head.ETag);
  if (claim.etag !== undefined && claim.etag !== etag) {
    throw rejectObject([
      {
        code: 'Replaced',
        message: `The object was replaced before it could be processed: its content was ${claim.etag}, and is ${etag}`,
        accepted: 'an upload that is not overwritten; turn versioning on to process every one of several uploads',
      },
    ]);
  }
  return head;
}

function describe(claim: Claim, head: HeadObjectCommandOutput) {
  const versionId = head.VersionId === 'null' ? undefined : (head.VersionId ?? claim.versionId);
  return {
    versionId,
    etag: withoutQuotes(head.ETag),
    sizeBytes: head.ContentLength ?? 0,
    contentType: head.ContentType ?? 'binary/octet-stream',
    lastModified: (head.LastModified ?? new Date(0)).toISOString(),
  };
}

async function readBeginning(
  claim: Claim,
  found: { versionId: string | undefined; etag: string },
  s3: S3Client,
): Promise<Uint8Array> {
  const { Body } = await s3.send(
    new GetObjectCommand({
      Bucket: claim.bucket,
      Key: claim.key,
      Range: `bytes=0-${sniffedBytes - 1}`,
      ...(found.versionId === undefined ? { IfMatch: `"${found.etag}"` } : { VersionId: found.versionId }),
    }),
  );
  return (await Body?.transformToByteArray()) ?? new Uint8Array();
}

function withoutQuotes(etag: string | undefined): string {
  return (etag ?? '').replaceAll('"', '');
}
