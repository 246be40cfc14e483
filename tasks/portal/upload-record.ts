/** The portal's own items in the ledger: which file a user has announced, and the key it was given.
 * A user's items are one partition, named after the user: what belongs to somebody else cannot even be asked for. */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import * as z from 'zod';
import { fromItem, toItem, type PlainItem } from '../attribute-values';

/** In front of the partition keys; the function's role may write nothing else. */
export const uploadPartitionPrefix = 'portal#';

/** How long the portal remembers an upload. The object, its record and its results stay where they are. */
const rememberedSeconds = 400 * 24 * 60 * 60;

const uploadRecord = z.object({
  id: z.string(),
  fileName: z.string(),
  bucket: z.string(),
  key: z.string(),
  sizeBytes: z.number(),
  contentType: z.string(),
  /** ISO 8601. */
  createdAt: z.string(),
  /** When the page, or S3 for a file in parts, said that all of it is there. */
  receivedAt: z.string().optional(),
  multipart: z.object({ uploadId: z.string(), partBytes: z.number(), partCount: z.number() }).optional(),
});
export type UploadRecord = z.output<typeof uploadRecord>;

/** One user's items. */
export class UploadRecords {
  constructor(
    private readonly client: DynamoDBClient,
    private readonly tableName: string,
    private readonly sub: string,
  ) {}

  async add(record: UploadRecord): Promise<void> {
    const expiresAt = Math.floor(Date.parse(record.createdAt) / 1000) + rememberedSeconds;
    const Item = toItem({ ...this.key(record.id), ...record, expiresAt } as PlainItem);
    await this.client.send(new PutItemCommand({ TableName: this.tableName, Item }));
  }

  async read(id: string): Promise<UploadRecord | undefined> {
    const { Item } = await this.client.send(
      new GetItemCommand({ TableName: this.tableName, Key: toItem(this.key(id)), ConsistentRead: true }),
    );
    return Item && uploadRecord.parse(fromItem(Item));
  }

  /** Reads the newest first.
   * @param before Reads only what is older than that upload. */
  async list(limit: number, before?: string): Promise<UploadRecord[]> {
    const { pk, sk } = this.key(before ?? '~');
    const { Items = [] } = await this.client.send(
      new QueryCommand({
        TableName: this.tableName,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :first AND :last',
        ExpressionAttributeValues: toItem({ ':pk': pk, ':first': this.key('').sk, ':last': sk }),
        ScanIndexForward: false,
        // The one that was asked for is the first of the answer.
        Limit: before === undefined ? limit : limit + 1,
      }),
    );
    return Items.map((item) => uploadRecord.parse(fromItem(item))).filter(({ id }) => id !== before);
  }

  /** Notes that all of the file has arrived. Saying it again keeps the first instant. */
  async markReceived(id: string, receivedAt: string): Promise<void> {
    try {
      await this.client.send(
        new UpdateItemCommand({
          TableName: this.tableName,
          Key: toItem(this.key(id)),
          UpdateExpression: 'SET receivedAt = :at',
          ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(receivedAt)',
          ExpressionAttributeValues: toItem({ ':at': receivedAt }),
        }),
      );
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
    }
  }

  async remove(id: string): Promise<void> {
    await this.client.send(new DeleteItemCommand({ TableName: this.tableName, Key: toItem(this.key(id)) }));
  }

  private key(id: string): { pk: string; sk: string } {
    return { pk: `${uploadPartitionPrefix}${this.sub}`, sk: `upload#${id}` };
  }
}
