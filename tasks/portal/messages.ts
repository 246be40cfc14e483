/** What the portal's page and its API say to each other, as schemas: the routes, the page and the OpenAPI document share them. */
import * as z from 'zod';
import { rejectionReason } from '../object-reference';

/** Where an upload is on its way. The last four are ends. */
export const uploadState = z
  .enum([
    'AWAITING',
    'RECEIVED',
    'VALIDATING',
    'QUEUED',
    'PROCESSING',
    'STORING',
    'PROTECTING',
    'STORED',
    'REJECTED',
    'FAILED',
    'EXPIRED',
  ])
  .meta({
    description:
      'AWAITING: the file is not there yet. RECEIVED: it is, and its workflow starts. VALIDATING, QUEUED (for an instance), ' +
      'PROCESSING, STORING and PROTECTING (image and backup) are the way; STORED, REJECTED and FAILED its ends. ' +
      'EXPIRED: the file never came.',
  });
export type UploadState = z.output<typeof uploadState>;

/** Identifies an upload of a user: sorts by the instant at which it was announced. */
export const uploadId = z.string().regex(/^[0-9a-z]{9}[0-9a-f]{20}$/);

/** What a page says of a file before it sends it. */
export const newUpload = z.object({
  fileName: z.string().min(1).max(1024),
  sizeBytes: z
    .number()
    .int()
    .min(0)
    .max(48 * 2 ** 40),
  contentType: z
    .string()
    .max(255)
    .regex(/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/)
    .default('application/octet-stream'),
});

export type NewUpload = z.output<typeof newUpload>;

/** One of the caller's uploads, and where it is. */
export const upload = z
  .object({
    id: uploadId,
    fileName: z.string(),
    sizeBytes: z.number(),
    contentType: z.string(),
    createdAt: z.string(),
    state: uploadState,
    /** Why it was rejected. */
    reasons: z.array(rejectionReason).optional(),
    /** Name of the error that ended its workflow; the operators see the rest. */
    failure: z.object({ error: z.string() }).optional(),
    /** When its way ended. */
    finishedAt: z.string().optional(),
    results: z.object({ fileCount: z.number(), totalBytes: z.number() }).optional(),
    /** Present for a file that is sent in parts. */
    parts: z.object({ partBytes: z.number(), partCount: z.number() }).optional(),
  })
  .meta({ id: 'Upload' });
export type Upload = z.output<typeof upload>;

/** How to send the file: as one form, or in parts. */
export const transfer = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('form'),
    address: z.string(),
    /** Form fields, to be sent before the file, which comes last as `file`. */
    fields: z.record(z.string(), z.string()),
    expiresAt: z.string(),
  }),
  z.object({ kind: z.literal('parts'), partBytes: z.number(), partCount: z.number() }),
]);
export type Transfer = z.output<typeof transfer>;

export const createdUpload = z.object({ upload, transfer });
export type CreatedUpload = z.output<typeof createdUpload>;

export const uploadPage = z.object({
  uploads: z.array(upload),
  /** Pass as `before` for older ones; absent at the end. */
  next: uploadId.optional(),
  /** The instant of this answer, on the workflow's clock. */
  now: z.string(),
});
export type UploadPage = z.output<typeof uploadPage>;

/** A part about to be sent. The checksum is signed into its address: nothing else can be stored there. */
export const partRequest = z.object({
  partNumber: z.number().int().min(1).max(10_000),
  /** SHA-256 of the part's bytes, Base64. */
  sha256: z.string().regex(/^[A-Za-z0-9+/]{43}=$/),
});

export const partAddress = z.object({
  address: z.string(),
  /** Headers that the address was signed with: the request must carry them. */
  headers: z.record(z.string(), z.string()),
  expiresAt: z.string(),
});
export type PartAddress = z.output<typeof partAddress>;

/** The parts that have arrived, so that an interrupted upload can be taken up again. */
export const storedParts = z.object({
  partBytes: z.number(),
  partCount: z.number(),
  parts: z.array(z.object({ partNumber: z.number(), sizeBytes: z.number() })),
});
export type StoredParts = z.output<typeof storedParts>;

export const resultPage = z.object({
  files: z.array(z.object({ index: z.number(), path: z.string(), sizeBytes: z.number() })),
  /** Pass as `from` for more; absent at the end. */
  next: z.number().optional(),
});
export type ResultPage = z.output<typeof resultPage>;

export const resultAddress = z.object({ address: z.string(), expiresAt: z.string() });
export type ResultAddress = z.output<typeof resultAddress>;

/** Why a request was refused. `reasons` holds what was wrong with the file. */
export const problem = z
  .object({
    error: z.string(),
    message: z.string(),
    reasons: z.array(rejectionReason).optional(),
  })
  .meta({ id: 'Problem' });
export type Problem = z.output<typeof problem>;
