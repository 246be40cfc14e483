/** What travels between the states of the workflow: references to objects, records and results, never their content. */
import * as z from 'zod';

/** Where an object's record is kept in the ledger table. */
export const recordReference = z.object({
  /** Partition key: `object#` and the SHA-256 of `bucket/key`, computed once, in the claim. */
  pk: z.string(),
  /** Sort key: `version#<versionId>`, or `upload#<etag>#<sequencer>` in a bucket without versions;
   * `manual#<execution name>` until validation has found out which version a manual start means. */
  sk: z.string(),
});
export type RecordReference = z.output<typeof recordReference>;

/** What the claim knows: it has read the input and written the record, but not looked at the object. */
export const claim = z.object({
  bucket: z.string(),
  /** The key as S3 has it: EventBridge does not URL-encode it. */
  key: z.string(),
  versionId: z.string().optional(),
  /** Without quotes, as events carry it. */
  etag: z.string().optional(),
  /** Orders events of one key; only in events. */
  sequencer: z.string().optional(),
  /** True: finished work is done again, as a new attempt. */
  force: z.boolean(),
  record: recordReference,
});
export type Claim = z.output<typeof claim>;

/** One version of one object, as S3 described it when it was validated. */
export const objectReference = z.object({
  bucket: z.string(),
  key: z.string(),
  /** Absent in a bucket without versions. */
  versionId: z.string().optional(),
  etag: z.string(),
  sizeBytes: z.number().int().min(0),
  contentType: z.string(),
  /** ISO 8601, to the second. */
  lastModified: z.string(),
  record: recordReference,
  /** Counts the runs of this object version, from 1; a forced run is a new attempt. */
  attempt: z.number().int().min(1),
});
export type ObjectReference = z.output<typeof objectReference>;

/** What the command on the instance left behind. */
export const commandOutcome = z.object({
  operationId: z.string(),
  instanceId: z.string(),
  commandId: z.string(),
  exitCode: z.number().int(),
  /** Where the instance wrote its results: owned by this operation alone. Ends with `/`. */
  resultsBucket: z.string(),
  resultsPrefix: z.string(),
  /** Key of the manifest, which is written last. */
  manifestKey: z.string(),
  startedAt: z.string(),
  finishedAt: z.string(),
});
export type CommandOutcome = z.output<typeof commandOutcome>;

/** Results that are published: the record names them and their checksums were compared with what is stored. */
export const storedResults = z.object({
  bucket: z.string(),
  /** Ends with `/`. */
  prefix: z.string(),
  manifestKey: z.string(),
  fileCount: z.number().int().min(0),
  totalBytes: z.number().int().min(0),
  /** ISO 8601: a backup that is to hold these results must begin after this instant. */
  storedAt: z.string(),
});
export type StoredResults = z.output<typeof storedResults>;

/** What became of an image's copy in another Region. */
export const imageCopyOutcome = z.object({
  region: z.string(),
  /** `pending`: the copy had not ended by the deadline, and nobody has looked at it since. */
  state: z.enum(['available', 'failed', 'pending']),
  /** Absent when there is no copy. */
  imageId: z.string().optional(),
  /** Why there is no usable copy. */
  problem: z.string().optional(),
});
export type ImageCopyOutcome = z.output<typeof imageCopyOutcome>;

/** The machine image that was taken after the results were stored. */
export const imageOutcome = z.object({
  imageId: z.string(),
  imageName: z.string(),
  instanceId: z.string(),
  startedAt: z.string(),
  /** When it was available, and its copies had ended. */
  finishedAt: z.string(),
  /** One for each Region that images are copied to. */
  copies: z.array(imageCopyOutcome).optional(),
});
export type ImageOutcome = z.output<typeof imageOutcome>;

/** The recovery point that holds the results. */
export const backupOutcome = z.object({
  backupJobId: z.string(),
  recoveryPointArn: z.string(),
  resourceArn: z.string(),
  /** ISO 8601: later than the instant at which the results were stored. */
  startedAt: z.string(),
  finishedAt: z.string(),
  /** What AWS Backup remarked about a job that completed: not a clean success. */
  warning: z.string().optional(),
});
export type BackupOutcome = z.output<typeof backupOutcome>;

/** Why an object was not accepted, for the people who uploaded it. */
export const rejectionReason = z.object({
  /** Stable code: `Empty`, `TooSmall`, `TooBig`, `WrongExtension`, `WrongContentType`, `ContentMismatch`, `Archived`,
   * `Missing`, `Replaced`, `UnsafeKey`, `ByCommand`, `ByValidator`. */
  code: z.string(),
  /** What was found. */
  message: z.string(),
  /** What would have been accepted. */
  accepted: z.string().optional(),
});
export type RejectionReason = z.output<typeof rejectionReason>;

/** An object that was not accepted, and where its copy is. */
export const rejection = z.object({
  reasons: z.array(rejectionReason).min(1),
  /** Absent when there was nothing to copy: the object is gone. */
  quarantined: z.object({ bucket: z.string(), key: z.string() }).optional(),
});
export type Rejection = z.output<typeof rejection>;
