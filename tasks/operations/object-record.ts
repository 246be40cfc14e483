/** Owns the record of an object version in the ledger: who works on it, and how it ended. Only its owner writes it.
 *
 * Attributes: `bucket key versionId etag sequencer`, `status` (RUNNING, STORED, REJECTED, FAILED), `owner` (execution ARN),
 * `attempt`, `leaseExpiresAt` (epoch seconds), `claimedAt`, `finishedAt` (ISO 8601), `results`, `image`, `recoveryPoint`,
 * `runningIn` (name of the state machine, only while RUNNING: by it the sweep finds leases that have ended), `rejection`, `failure` ({ error, cause, at, redriveCount }), and of the attempt that last became STORED `storedAttempt` and `storedResults`.
 * The state "Complete" writes both, so that a later forced run that fails leaves the record STORED, with what was stored. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { GetItemCommand, UpdateItemCommand, type UpdateItemCommandInput } from '@aws-sdk/client-dynamodb';
import { fromItem, toItem, type PlainItem } from '../attribute-values';
import type { RecordReference, Rejection, StoredResults } from '../object-reference';
import { TaskError } from '../task-error';

/** How long an execution owns a record without a sign of life. Each task of the workflow renews it;
 * the longest time between two is the longest re-check interval, 30 minutes. */
export const objectLeaseSeconds = 2 * 60 * 60;

/** One record, and the execution that writes it. */
export interface RecordAccess {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  readonly record: RecordReference;
  /** ARN of the execution. */
  readonly owner: string;
  readonly nowMs: number;
}

/** The state machine that an execution belongs to, by name: `arn:<partition>:states:<region>:<account>:execution:<machine>:<name>`. */
export function stateMachineNameOf(executionArn: string): string {
  return executionArn.split(':')[6] ?? '';
}

/** Asserts that the execution owns the record before anything is done in its name, and extends the lease.
 * A record that the cleaner has closed is opened again only by a later redrive, never by a handler that was late.
 * @throws TaskError `Object.LeaseLost` */
export async function renewLease(access: RecordAccess, redriveCount: number): Promise<void> {
  await renew(access, redriveCount, {});
}

/** Whether the execution still works on the record: not once the cleaner has written down that it has ended. */
export async function isWorkedOn({ client, tableName, record, owner }: RecordAccess): Promise<boolean> {
  const { Item } = await client.send(
    new GetItemCommand({ TableName: tableName, Key: toItem(record), ConsistentRead: true }),
  );
  const known = Item && fromItem(Item);
  return known?.['owner'] === owner && known['status'] === 'RUNNING';
}

/** Publishes results by naming them in the record, and extends the lease. Doing it again is harmless: the same owner writes
 * the same results, at most with a later instant.
 * @throws TaskError `Object.LeaseLost`, as `renewLease` */
export async function publishResults(
  access: RecordAccess,
  redriveCount: number,
  results: StoredResults,
): Promise<void> {
  await renew(access, redriveCount, { results });
}

async function renew(access: RecordAccess, redriveCount: number, more: PlainItem): Promise<void> {
  const others = Object.keys(more);
  const renewed = await update(access, {
    UpdateExpression:
      'SET #status = :running, #leaseExpiresAt = :lease, #runningIn = :machine' +
      `${others.map((name) => `, #${name} = :${name}`).join('')} REMOVE #failure`,
    ConditionExpression: '#owner = :me AND (#status = :running OR #failure.#redriveCount < :redriveCount)',
    names: ['status', 'leaseExpiresAt', 'runningIn', 'failure', 'owner', 'redriveCount', ...others],
    values: {
      ':running': 'RUNNING',
      ':lease': leaseEnd(access),
      ':machine': stateMachineNameOf(access.owner),
      ':me': access.owner,
      ':redriveCount': redriveCount,
      ...Object.fromEntries(others.map((name) => [`:${name}`, more[name]])),
    },
  });
  if (renewed === undefined) throw leaseLost(access);
}

/** What a claim writes into a record besides the claim itself. */
export interface ClaimedObject {
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string | undefined;
  readonly etag?: string | undefined;
}

/** Claims a record as the state "Claim object" does, with the same condition.
 * @returns the attempt, from 1; undefined when the object is done or being worked on by another execution */
export async function claimRecord(
  access: RecordAccess,
  object: ClaimedObject,
  force: boolean,
): Promise<number | undefined> {
  const described = Object.entries(object).filter(([, value]) => value !== undefined);
  const record = await update(access, {
    UpdateExpression:
      'SET #owner = :me, #status = :running, #runningIn = :machine, #leaseExpiresAt = :lease, #claimedAt = :at, ' +
      `#attempt = if_not_exists(#attempt, :zero) + :one${described.map(([name]) => `, #${name} = :${name}`).join('')} ` +
      'REMOVE #finishedAt, #failure, #rejection',
    // Our own claim counts as it stands: a repeated call is not another attempt.
    ConditionExpression:
      'attribute_not_exists(pk) OR (#owner <> :me AND (#status = :failed OR ' +
      '(#status = :running AND #leaseExpiresAt < :now) OR (:force = :true AND #status <> :running)))',
    names: [
      ...['owner', 'status', 'runningIn', 'leaseExpiresAt', 'claimedAt', 'attempt'],
      ...['finishedAt', 'failure', 'rejection'],
      ...described.map(([name]) => name),
    ],
    values: {
      ':me': access.owner,
      ':machine': stateMachineNameOf(access.owner),
      ':running': 'RUNNING',
      ':failed': 'FAILED',
      ':lease': leaseEnd(access),
      ':now': seconds(access),
      ':at': instant(access),
      ':zero': 0,
      ':one': 1,
      ':force': force,
      ':true': true,
      ...Object.fromEntries(described.map(([name, value]) => [`:${name}`, value as string])),
    },
  });
  return (record ?? (await renewOwn(access)))?.['attempt'] as number | undefined;
}

/** Writes what validation found out about the object, for people who read the record.
 * @returns the attempt
 * @throws TaskError `Object.LeaseLost` */
export async function describeRecord(access: RecordAccess, description: PlainItem): Promise<number> {
  const described = Object.entries(description).filter(([, value]) => value !== undefined);
  const record = await update(access, {
    UpdateExpression: `SET #leaseExpiresAt = :lease${described.map(([name]) => `, #${name} = :${name}`).join('')}`,
    ConditionExpression: '#owner = :me',
    names: ['leaseExpiresAt', 'owner', ...described.map(([name]) => name)],
    values: {
      ':lease': leaseEnd(access),
      ':me': access.owner,
      ...Object.fromEntries(described.map(([name, value]) => [`:${name}`, value])),
    },
  });
  if (record === undefined) throw leaseLost(access);
  return record['attempt'] as number;
}

/** Ends the attempt as REJECTED. A version that was stored before stays STORED, with the rejection noted.
 * @returns false when the execution does not own the record any more */
export function rejectRecord(access: RecordAccess, rejection: Rejection): Promise<boolean> {
  const noted = { rejection: rejection as unknown as PlainItem };
  return endAttempt(access, 'REJECTED', noted, '#owner = :me');
}

/** Why an execution ended badly. */
export interface RecordedFailure {
  readonly error: string;
  readonly cause: string;
  readonly redriveCount: number;
}

/** Ends the attempt as FAILED, with the cause. A version that was stored before stays STORED, with the failure noted.
 * @returns false when the execution does not own the record any more, or its attempt has ended */
export function failRecord(access: RecordAccess, failure: RecordedFailure): Promise<boolean> {
  const noted = { failure: { ...failure, at: instant(access) } };
  return endAttempt(access, 'FAILED', noted, '#owner = :me AND #status = :running');
}

/** An earlier success is never overwritten: which of the two ends applies is decided in the write itself. */
async function endAttempt(
  access: RecordAccess,
  status: 'REJECTED' | 'FAILED',
  noted: PlainItem,
  condition: string,
): Promise<boolean> {
  const [name] = Object.keys(noted) as [string];
  const running = condition.includes(':running') ? { ':running': 'RUNNING' } : {};
  const end = (endStatus: string, stored: string, restored: readonly string[] = []) =>
    update(access, {
      UpdateExpression:
        `SET #status = :status, #finishedAt = :at, #${name} = :noted` +
        // Records of the first versions have no copy of what was stored.
        `${restored.length > 0 ? ', #results = if_not_exists(#storedResults, #results)' : ''} REMOVE #runningIn`,
      ConditionExpression: `${condition} AND ${stored}(#storedAttempt)`,
      names: ['status', 'finishedAt', 'runningIn', 'owner', 'storedAttempt', name, ...restored],
      values: { ':status': endStatus, ':at': instant(access), ':noted': noted[name], ':me': access.owner, ...running },
    });
  const ended =
    (await end(status, 'attribute_not_exists')) ??
    (await end('STORED', 'attribute_exists', ['results', 'storedResults']));
  return ended !== undefined;
}

/** The record is ours already: the same execution claims again. */
function renewOwn(access: RecordAccess): Promise<Record<string, unknown> | undefined> {
  return update(access, {
    UpdateExpression: 'SET #leaseExpiresAt = :lease, #status = :running, #runningIn = :machine',
    ConditionExpression: '#owner = :me AND #status IN (:running, :failed)',
    names: ['leaseExpiresAt', 'status', 'runningIn', 'owner'],
    values: {
      ':lease': leaseEnd(access),
      ':machine': stateMachineNameOf(access.owner),
      ':running': 'RUNNING',
      ':failed': 'FAILED',
      ':me': access.owner,
    },
  });
}

interface ConditionalUpdate {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  /** Attribute names; each is written as `#name`, because some are reserved words. */
  readonly names: readonly string[];
  readonly values: PlainItem;
}

/** @returns the record as it is now; undefined when the condition does not hold */
async function update(
  { client, tableName, record }: RecordAccess,
  { UpdateExpression, ConditionExpression, names, values }: ConditionalUpdate,
): Promise<Record<string, unknown> | undefined> {
  const input: UpdateItemCommandInput = {
    TableName: tableName,
    Key: toItem(record),
    UpdateExpression,
    ConditionExpression,
    ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    ExpressionAttributeValues: toItem(values),
    ReturnValues: 'ALL_NEW',
  };
  try {
    return fromItem((await client.send(new UpdateItemCommand(input))).Attributes ?? {});
  } catch (error) {
    if ((error as Error).name === 'ConditionalCheckFailedException') return undefined;
    throw error;
  }
}

/** What a task fails with when the record is another execution's. */
export function leaseLost({ record, owner }: RecordAccess): TaskError {
  return new TaskError(
    'Object.LeaseLost',
    `The record of the object is not this execution's any more\n  got: ${record.pk} ${record.sk}\n  allowed: a record owned by ${owner} that is RUNNING\n  fix: nothing, if another execution does its work; else start the object again`,
  );
}

function seconds({ nowMs }: RecordAccess): number {
  return Math.floor(nowMs / 1000);
}

function leaseEnd(access: RecordAccess): number {
  return seconds(access) + objectLeaseSeconds;
}

function instant({ nowMs }: RecordAccess): string {
  return new Date(nowMs).toISOString();
}
