/** Reads what a workflow wrote: the object records of its ledger, and the result files that a record names. */
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import { fromItem } from '../tasks/attribute-values';
import { filesFolder, parseManifest } from '../tasks/manifest';
import type { StoredResults } from '../tasks/object-reference';
import type { DynamoDbService } from './services/dynamodb';
import { operator, type Cloud } from './services/service';

/** What the ledger knows about one version of one object, as plain values. */
export interface ObjectRecord {
  readonly [attribute: string]: unknown;
  readonly pk: string;
  readonly sk: string;
  readonly status: 'RUNNING' | 'STORED' | 'REJECTED' | 'FAILED';
  readonly bucket: string;
  readonly key: string;
}

/** One result file of an object. */
export interface ResultFile {
  /** Relative to the folder that the command wrote to. */
  readonly path: string;
  readonly body: Uint8Array;
}

/** @returns the records of all objects in all ledger tables, in the order of their keys */
export function readRecords(dynamodb: DynamoDbService): ObjectRecord[] {
  return readItems(dynamodb).filter(isObjectRecord);
}

/** An item of a table, as plain values. */
export type PlainItem = Readonly<Record<string, unknown>>;

/** @returns all items of all tables, in the order of their keys */
export function readItems(dynamodb: DynamoDbService): PlainItem[] {
  return dynamodb.tableNames.flatMap((table) => dynamodb.items(table)).map(readItem);
}

/** An item in a table is never changed, only replaced: what was read of it once is still right. */
const known = new WeakMap<object, PlainItem>();

function readItem(item: object): PlainItem {
  const read = known.get(item);
  if (read !== undefined) return read;
  const plain = fromItem(item as Readonly<Record<string, AttributeValue>>);
  known.set(item, plain);
  return plain;
}

/** An alias of a record (`content#…`) is no record: it has no status. */
function isObjectRecord(item: Readonly<Record<string, unknown>>): item is ObjectRecord {
  return typeof item['pk'] === 'string' && item['pk'].startsWith('object#') && typeof item['status'] === 'string';
}

/** Reads the published result files of a record, in the manifest's order.
 * @returns no files when nothing has been published
 * @throws ServiceError when a file that the manifest names is not there */
export async function readResults(cloud: Cloud, record: Readonly<Record<string, unknown>>): Promise<ResultFile[]> {
  const results = record['results'] as StoredResults | undefined;
  if (results === undefined) return [];
  const read = async (Key: string): Promise<Uint8Array> => {
    const input = { Bucket: results.bucket, Key };
    const { Body } = await cloud.call({ service: 's3', operation: 'GetObject', input, principal: operator });
    return typeof Body === 'string' ? Buffer.from(Body, 'utf8') : (Body as Uint8Array);
  };
  const manifest = parseManifest(Buffer.from(await read(results.manifestKey)).toString('utf8'));
  return Promise.all(
    manifest.map(async ({ path }) => ({ path, body: await read(`${results.prefix}${filesFolder}${path}`) })),
  );
}
