/** Where an object is on its way through the workflow, read from the ledger alone: one query for its record, and one more for
 * its operations while it runs. Step Functions is not asked: its quotas are small and its history says nothing more here. */
import { QueryCommand, type AttributeValue, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { createHash } from 'node:crypto';
import * as z from 'zod';
import { fromItem, toItem } from '../attribute-values';
import { rejectionReason, storedResults, type StoredResults } from '../object-reference';
import type { Upload, UploadState } from './messages';

const objectRecord = z.object({
  status: z.enum(['RUNNING', 'STORED', 'REJECTED', 'FAILED']),
  owner: z.string(),
  claimedAt: z.string(),
  finishedAt: z.string().optional(),
  results: storedResults.optional(),
  rejection: z.object({ reasons: z.array(rejectionReason) }).optional(),
  failure: z.object({ error: z.string() }).optional(),
});
type ObjectRecord = z.output<typeof objectRecord>;

/** What is used of an operation; everything else may change without the portal. */
const commandOperation = z.object({
  kind: z.literal('command'),
  createdAtMs: z.number(),
  progress: z.object({ phase: z.string() }),
  completion: z.object({ kind: z.string() }).optional(),
});

/** What the ledger says of an object. */
export interface ObjectProgress {
  readonly state: UploadState;
  readonly details: Pick<Upload, 'reasons' | 'failure' | 'finishedAt' | 'results'>;
  /** Results that can be read. */
  readonly results?: StoredResults;
}

/** @returns undefined when no execution has claimed the object */
export async function readProgress(
  client: DynamoDBClient,
  tableName: string,
  object: { readonly bucket: string; readonly key: string },
): Promise<ObjectProgress | undefined> {
  const pk = `object#${createHash('sha256').update(`${object.bucket}/${object.key}`).digest('hex')}`;
  const items = await query(client, { TableName: tableName, KeyConditionExpression: 'pk = :value' }, pk);
  // What is no record has no status: the note that leads from a start by hand to the version that was found.
  const records = items.flatMap((item) => objectRecord.safeParse(item).data ?? []);
  const [newest] = records.sort((left, right) => right.claimedAt.localeCompare(left.claimedAt));
  if (newest === undefined) return undefined;
  const state = newest.status === 'RUNNING' ? await readStep(client, tableName, newest) : newest.status;
  const results = state === 'STORED' ? newest.results : undefined;
  return {
    state,
    details: {
      ...(state === 'REJECTED' && { reasons: newest.rejection?.reasons ?? [] }),
      ...(state === 'FAILED' && { failure: { error: newest.failure?.error ?? 'States.TaskFailed' } }),
      ...(newest.finishedAt !== undefined && state === newest.status && { finishedAt: newest.finishedAt }),
      ...(results && { results: { fileCount: results.fileCount, totalBytes: results.totalBytes } }),
    },
    ...(results && { results }),
  };
}

/** The step that a running execution has come to. */
async function readStep(client: DynamoDBClient, tableName: string, record: ObjectRecord): Promise<UploadState> {
  // Results of an earlier attempt stay in the record until there are new ones.
  if (record.results !== undefined && record.results.storedAt >= record.claimedAt) return 'PROTECTING';
  const items = await query(
    client,
    {
      TableName: tableName,
      IndexName: 'owner-index',
      KeyConditionExpression: '#owner = :value',
      ExpressionAttributeNames: { '#owner': 'owner' },
    },
    record.owner,
  );
  const commands = items.flatMap((item) => commandOperation.safeParse(item).data ?? []);
  const [newest] = commands.sort((left, right) => right.createdAtMs - left.createdAtMs);
  if (newest === undefined) return 'VALIDATING';
  if (newest.completion?.kind === 'success') return 'STORING';
  return newest.progress.phase === 'queued' ? 'QUEUED' : 'PROCESSING';
}

interface SingleValueQuery {
  readonly TableName: string;
  readonly IndexName?: string;
  readonly KeyConditionExpression: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
}

async function query(
  client: DynamoDBClient,
  input: SingleValueQuery,
  value: string,
): Promise<Record<string, unknown>[]> {
  const { Items = [] } = await client.send(
    new QueryCommand({ ...input, ExpressionAttributeValues: toItem({ ':value': value }), Limit: 25 }),
  );
  return Items.map((item: Record<string, AttributeValue>) => fromItem(item));
}
