/** Finds the record of an object version for a claim that could not name it: a manual start, or a bucket without versions. */
import { DeleteItemCommand, GetItemCommand, PutItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { fromItem, toItem } from './attribute-values';
import type { Claim, RecordReference } from './object-reference';
import { claimRecord, type RecordAccess } from './operations/object-record';

/** What S3 says of the object at this moment. */
export interface CurrentVersion {
  readonly versionId: string | undefined;
  readonly etag: string;
  /** ISO 8601. */
  readonly lastModified: string;
}

/** Makes the execution the owner of the record of the very version, whichever way it was started.
 *
 * In a bucket without versions an event knows a sequencer and a manual start does not, so both meet at a further item,
 * `content#<etag>#<last modified>`, which names the record of the upload: whoever comes first.
 * @param access Of the record that the claim wrote.
 * @returns the record; undefined when it belongs to another execution */
export async function resolveClaim(
  access: RecordAccess,
  claim: Claim,
  current: CurrentVersion,
): Promise<RecordReference | undefined> {
  const record = await findRecord(access, claim, current);
  if (record.sk === access.record.sk) return record;
  await noteResolved(access, record);
  const { bucket, key } = claim;
  const object = { bucket, key, versionId: current.versionId, etag: current.etag };
  const attempt = await claimRecord({ ...access, record }, object, claim.force);
  if (attempt === undefined) await removeClaim(access);
  return attempt === undefined ? undefined : record;
}

/** Removes the record that a claim wrote, once another record stands for the object. */
export async function removeClaim({ client, tableName, record, owner }: RecordAccess): Promise<void> {
  try {
    await client.send(
      new DeleteItemCommand({
        TableName: tableName,
        Key: toItem(record),
        ConditionExpression: '#owner = :me',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: toItem({ ':me': owner }),
      }),
    );
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
  }
}

/** Reads which record a claim was resolved to, for a task that comes after a validation that did not end well. */
export async function readResolved({ client, tableName, record }: RecordAccess): Promise<RecordReference | undefined> {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: tableName, Key: toItem(record), ConsistentRead: true }),
  );
  const sk = Item && fromItem(Item)['resolvedTo'];
  return typeof sk === 'string' ? { pk: record.pk, sk } : undefined;
}

async function findRecord(access: RecordAccess, claim: Claim, current: CurrentVersion): Promise<RecordReference> {
  const { pk, sk } = claim.record;
  if (current.versionId !== undefined) return { pk, sk: `version#${current.versionId}` };
  const isManual = sk.startsWith('manual#');
  const own = isManual ? `upload#${current.etag}#${current.lastModified}` : sk;
  const alias = { pk, sk: `content#${current.etag}#${current.lastModified}` };
  try {
    await access.client.send(
      new PutItemCommand({
        TableName: access.tableName,
        Item: toItem({ ...alias, record: own }),
        ConditionExpression: 'attribute_not_exists(pk)',
      }),
    );
    return { pk, sk: own };
  } catch (error) {
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
  }
  const { Item } = await access.client.send(
    new GetItemCommand({ TableName: access.tableName, Key: toItem(alias), ConsistentRead: true }),
  );
  return { pk, sk: String(Item && fromItem(Item)['record']) };
}

/** Left in the claim's own record, in case the execution ends before the claim is removed. */
async function noteResolved({ client, tableName, record, owner }: RecordAccess, to: RecordReference): Promise<void> {
  try {
    await client.send(
      new UpdateItemCommand({
        TableName: tableName,
        Key: toItem(record),
        UpdateExpression: 'SET resolvedTo = :sk',
        ConditionExpression: '#owner = :me',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: toItem({ ':sk': to.sk, ':me': owner }),
      }),
    );
  } catch (error) {
    // Gone: an earlier run of this validation has come so far.
    if ((error as Error).name !== 'ConditionalCheckFailedException') throw error;
  }
}
