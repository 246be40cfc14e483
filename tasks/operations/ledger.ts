/** All reads of operations from the ledger table, and all conditional writes to it. Nothing else touches their items. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  GetItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  type AttributeValue,
  type QueryCommandInput,
  type TransactWriteItem,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { fromItem, toItem, type PlainItem } from '../attribute-values';
import { recordReference, type RecordReference } from '../object-reference';
import { group, groupKey, type Group } from './group';
import { objectLeaseSeconds, stateMachineNameOf } from './object-record';
import {
  imagesPartition,
  operation,
  operationKey,
  placePrefix,
  reservationKey,
  reservationPrefix,
  slot,
  slotKey,
  slotPrefix,
  type Operation,
  type Slot,
} from './operation';

/** One write of a commit; the ledger adds its table's name. */
export type Write =
  | { readonly Put: Omit<NonNullable<TransactWriteItem['Put']>, 'TableName'> }
  | { readonly Delete: Omit<NonNullable<TransactWriteItem['Delete']>, 'TableName'> };

const heldSlot = slot.extend({ operationId: z.string(), leaseExpiresAtMs: z.number() });
/** A slot that somebody holds, or has held until its lease ended. */
export type HeldSlot = z.output<typeof heldSlot>;

const reservation = z.object({ leaseExpiresAtMs: z.number() });

const place = recordReference.extend({ operationId: z.string() });

/** What an event's subject leads to. */
const pointer = z.object({ operationId: z.string().optional(), partition: z.string().optional() });
export type Pointer = z.output<typeof pointer>;

/** Operations are kept beyond their deadline as long as an execution can be redriven (14 days), and a little longer. */
const keptAfterDeadlineSeconds = 30 * 24 * 60 * 60;

/** What is known of shared jobs is kept for longer than anybody can ask for it: an execution lives for a year at most, and
 * neither waits for a job, nor lets one begin later, beyond its own deadline. Each job begins the time anew. */
const groupKeptSeconds = 400 * 24 * 60 * 60;

/** The operations' side of the ledger table. */
export class Ledger {
  constructor(
    private readonly client: DynamoDBClient,
    readonly tableName: string,
  ) {}

  /** Reads an operation as it is now. */
  async readOperation(id: string): Promise<Operation | undefined> {
    const item = await this.get(operationKey(id));
    return item && readAs(operation, item);
  }

  /** Writes an operation if nobody else has since it was read, together with other writes: all of them or none.
   * @returns the operation as it is stored now; undefined when another writer was faster */
  async saveOperation(changed: Operation, ...others: Write[]): Promise<Operation | undefined> {
    const stored = { ...changed, version: changed.version + 1 };
    const item = {
      ...{ ...stored, ...operationKey(changed.id), expiresAt: keptUntil(changed.deadlineAtMs) },
      ...sweepKey(stored),
    };
    return (await this.commit([putVersion(item, changed.version), ...others])) ? stored : undefined;
  }

  /** Reads what is known of the jobs that a partition's operations share. */
  async readGroup(partition: string): Promise<Group> {
    const item = await this.get(groupKey(partition));
    return item ? readAs(group, item) : { partition, version: 0, generation: 0 };
  }

  /** As `saveOperation`, for a group. */
  async saveGroup(changed: Group, ...others: Write[]): Promise<Group | undefined> {
    const stored = { ...changed, version: changed.version + 1 };
    const item = { ...stored, ...groupKey(changed.partition), expiresAt: groupKeptUntil(changed) };
    return (await this.commit([putVersion(item, changed.version), ...others])) ? stored : undefined;
  }

  /** Reads who holds the slots of a fleet, or of one of its instances. */
  async readSlots(fleetPartition: string, instanceId?: string): Promise<HeldSlot[]> {
    return (await this.query(fleetPartition, slotPrefix(instanceId))).map((item) => readAs(heldSlot, item));
  }

  /** Whether an image of an instance is waited for, or will be asked for by somebody who has reserved it. */
  async isToBeImaged(instanceId: string, nowMs: number): Promise<boolean> {
    const partition = imagesPartition(instanceId);
    const reservations = await this.query(partition, reservationPrefix);
    if (reservations.some((item) => readAs(reservation, item).leaseExpiresAtMs > nowMs)) return true;
    // Afterwards, because who waits has given up its reservation in the same write.
    return (await this.readWaiting(partition, 1)).length > 0;
  }

  /** Reads the ids of those who wait, first come first.
   * @param limit How many of the first to read. @default - all */
  async readWaiting(partition: string, limit?: number): Promise<string[]> {
    return (await this.query(partition, placePrefix, limit)).map((item) => readAs(place, item).operationId);
  }

  /** Reads what a command, an image or a backup job belongs to. */
  async readPointer(subject: string): Promise<Pointer | undefined> {
    const item = await this.get(pointerKey(subject));
    return item && readAs(pointer, item);
  }

  /** Reads the operations of an execution. They are found by an index, which may be a moment behind. */
  async readOwned(owner: string): Promise<Record<string, unknown>[]> {
    return this.queryIndex({
      IndexName: 'owner-index',
      KeyConditionExpression: '#owner = :owner',
      ExpressionAttributeNames: { '#owner': 'owner' },
      ExpressionAttributeValues: { ':owner': { S: owner } },
    });
  }

  /** Reads which executions of a state machine own records or operations whose leases had ended by then, the longest ended first.
   * They are found by an index, which may be a moment behind. */
  async readExpiredOwners(stateMachineName: string, nowMs: number): Promise<string[]> {
    const expired = await this.queryIndex({
      IndexName: 'lease-index',
      KeyConditionExpression: 'runningIn = :machine AND leaseExpiresAt < :now',
      ExpressionAttributeValues: toItem({ ':machine': stateMachineName, ':now': Math.floor(nowMs / 1000) }),
    });
    return [...new Set(expired.map(({ owner }) => z.string().parse(owner)))];
  }

  private async queryIndex(
    query: Omit<QueryCommandInput, 'TableName' | 'ExclusiveStartKey'>,
  ): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    let from: Record<string, AttributeValue> | undefined;
    do {
      const page = await this.client.send(
        new QueryCommand({ TableName: this.tableName, ...query, ExclusiveStartKey: from }),
      );
      items.push(...(page.Items ?? []).map(fromItem));
      from = page.LastEvaluatedKey;
    } while (from !== undefined);
    return items;
  }

  private async get(key: { pk: string; sk: string }): Promise<Record<string, unknown> | undefined> {
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName: this.tableName, Key: toItem(key), ConsistentRead: true }),
    );
    return Item && fromItem(Item);
  }

  private async query(partition: string, prefix: string, limit?: number): Promise<Record<string, unknown>[]> {
    const items: Record<string, unknown>[] = [];
    let from: Record<string, AttributeValue> | undefined;
    do {
      const page = await this.client.send(
        new QueryCommand({
          TableName: this.tableName,
          KeyConditionExpression: 'pk = :partition AND begins_with(sk, :prefix)',
          ExpressionAttributeValues: toItem({ ':partition': partition, ':prefix': prefix }),
          ConsistentRead: true,
          ...(limit !== undefined && { Limit: limit - items.length }),
          ExclusiveStartKey: from,
        }),
      );
      items.push(...(page.Items ?? []).map(fromItem));
      from = page.LastEvaluatedKey;
    } while (from !== undefined && (limit === undefined || items.length < limit));
    return items;
  }

  private async commit(writes: readonly Write[]): Promise<boolean> {
    const TableName = this.tableName;
    const TransactItems = writes.map((write) =>
      'Put' in write ? { Put: { TableName, ...write.Put } } : { Delete: { TableName, ...write.Delete } },
    );
    try {
      await this.client.send(new TransactWriteItemsCommand({ TransactItems }));
      return true;
    } catch (error) {
      if (isConflict(error)) return false;
      throw error;
    }
  }
}

/** @throws Error when the item is none of this version's, nor of one that it still reads */
function readAs<Shape extends z.ZodType>(shape: Shape, item: Record<string, unknown>): z.output<Shape> {
  const { data, error } = shape.safeParse(item);
  if (error === undefined) return data;
  throw new Error(
    `An item of the ledger cannot be read, at ${item['pk']} ${item['sk']}\n  got: ${z.prettifyError(error)}\n  allowed: what this version of the library writes, or one before it that it still reads\n  fix: deploy the version that wrote it until its executions have ended, or stop and start them again`,
  );
}

/** Takes a slot that is free, whose lease has ended, or that the operation holds already, for a new lease. */
export function takeSlot(fleetId: string, held: HeldSlot, nowMs: number): Write {
  return {
    Put: {
      Item: toItem({ ...slotKey(fleetId, held), ...held, expiresAt: keptUntil(held.leaseExpiresAtMs) }),
      ConditionExpression: 'attribute_not_exists(pk) OR leaseExpiresAtMs <= :now OR operationId = :me',
      ExpressionAttributeValues: toItem({ ':now': nowMs, ':me': held.operationId }),
    },
  };
}

/** Frees a slot that the operation holds. */
export function freeSlot(fleetId: string, slot: Slot, operationId: string): Write {
  return {
    Delete: {
      Key: toItem(slotKey(fleetId, slot)),
      ConditionExpression: 'operationId = :me',
      ExpressionAttributeValues: toItem({ ':me': operationId }),
    },
  };
}

/** Puts an operation in its place in the waiting list. Repeating it changes nothing. */
export function takePlace({ id, place, deadlineAtMs }: Operation): Write {
  return { Put: { Item: toItem({ ...place, operationId: id, expiresAt: keptUntil(deadlineAtMs) }) } };
}

/** Takes an operation off the waiting list. Repeating it changes nothing. */
export function leavePlace(place: RecordReference): Write {
  return { Delete: { Key: toItem(place) } };
}

/** Reserves an instance for an execution that is about to ask for an image of it. */
export function reserveInstance(instanceId: string, owner: string, leaseExpiresAtMs: number): Write {
  const item = { ...reservationKey(instanceId, owner), leaseExpiresAtMs, expiresAt: keptUntil(leaseExpiresAtMs) };
  return { Put: { Item: toItem(item) } };
}

/** Gives up a reservation, if there is one. */
export function endReservation(instanceId: string, owner: string): Write {
  return { Delete: { Key: toItem(reservationKey(instanceId, owner)) } };
}

/** Remembers what a command (`command#…`), a launched instance (`instance#…`), an image (`image#…`) or a backup job
 * (`backup-job#…`) belongs to. */
export function putPointer(subject: string, to: Pointer, deadlineAtMs: number): Write {
  return { Put: { Item: toItem({ ...pointerKey(subject), ...to, expiresAt: keptUntil(deadlineAtMs) }) } };
}

/** Until it ends, an operation has a lease of its own, which each token renews: its record may belong to another execution by the
 * time that somebody looks for what is left. Of one that was given up it has ended: whoever tried to end it may not come again. */
function sweepKey({ owner, taskTokenAtMs, abandonedAtMs, completion }: Operation): PlainItem {
  if (completion !== undefined) return {};
  const leaseEndsAtMs = abandonedAtMs ?? taskTokenAtMs + objectLeaseSeconds * 1000;
  return { runningIn: stateMachineNameOf(owner), leaseExpiresAt: Math.floor(leaseEndsAtMs / 1000) };
}

function groupKeptUntil({ job, latest }: Group): number {
  const lastBeganMs = Math.max(job?.beganAfterMs ?? 0, latest?.beganAfterMs ?? 0);
  return Math.ceil(lastBeganMs / 1000) + groupKeptSeconds;
}

/** In seconds, as DynamoDB's time to live takes it. */
function keptUntil(atMs: number): number {
  return Math.ceil(atMs / 1000) + keptAfterDeadlineSeconds;
}

function pointerKey(subject: string): { pk: string; sk: string } {
  return { pk: subject, sk: 'pointer' };
}

function putVersion(item: object, readVersion: number): Write {
  const Item = toItem(item as PlainItem);
  if (readVersion === 0) return { Put: { Item, ConditionExpression: 'attribute_not_exists(pk)' } };
  return {
    Put: {
      Item,
      ConditionExpression: '#version = :read',
      ExpressionAttributeNames: { '#version': 'version' },
      ExpressionAttributeValues: toItem({ ':read': readVersion }),
    },
  };
}

/** Whether somebody else's write came first, or comes at the same moment: read again and decide again. */
function isConflict(error: unknown): boolean {
  const cancelled = error as { name?: string; CancellationReasons?: readonly { Code?: string }[] };
  if (cancelled.name === 'TransactionInProgressException') return true;
  if (cancelled.name !== 'TransactionCanceledException') return false;
  const codes = (cancelled.CancellationReasons ?? []).map((reason) => reason.Code ?? 'None');
  const failures = codes.filter((code) => code !== 'None');
  return (
    failures.length > 0 && failures.every((code) => code === 'ConditionalCheckFailed' || code === 'TransactionConflict')
  );
}
