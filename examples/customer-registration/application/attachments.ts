/** Files of customers: how they are sent, where they are on their way through the workflow, and what came of them.
 * Keys hold opaque ids only: `attachments/<customer>/<attachment>`. */
import { createHash } from 'node:crypto';
import { QueryCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  InvalidObjectState,
  ListObjectVersionsCommand,
  NoSuchKey,
  type S3Client,
} from '@aws-sdk/client-s3';
import { createPresignedPost } from '@aws-sdk/s3-presigned-post';
import type { AttachmentRecord } from './customer-table';
import { Problem } from './problem';
import type { Stores } from './settings';

/** What an attachment may be, and how big. The workflow looks at the content; this is what a form lets through. */
export const acceptedTypes = ['application/pdf', 'image/jpeg', 'image/png', 'text/csv', 'text/plain'] as const;
export const maximumBytes = 20 * 1024 * 1024;
/** A form can be used for that long. Whoever has it can store this one file, and nothing else. */
export const formLifetimeSeconds = 600;

export type AttachmentState = 'AWAITING' | 'PROCESSING' | 'STORED' | 'REJECTED' | 'FAILED';

/** What became of an attachment. */
export interface Progress {
  readonly state: AttachmentState;
  /** Codes of the reasons for which the workflow rejected it. */
  readonly reasons: readonly string[];
  /** Where its results are; `undefined` until they are stored. */
  readonly resultsPrefix: string | undefined;
  readonly quarantineKey: string | undefined;
}

export const resultFiles = { preview: 'preview.svg', text: 'text.txt' } as const;
export type ResultName = keyof typeof resultFiles;

/** Sizes of what is read into memory. */
export type Content = { readonly body: ReadableStream; readonly sizeBytes: number };

export class Attachments {
  constructor(
    private readonly clients: {
      readonly s3: S3Client;
      readonly formSigner: S3Client;
      readonly dynamodb: DynamoDBClient;
    },
    private readonly stores: Stores,
  ) {}

  /** Signs a form that stores exactly this file. */
  async signForm(customerId: string, { id, contentType, sizeBytes }: AttachmentRecord) {
    return createPresignedPost(this.clients.formSigner, {
      Bucket: this.stores.attachmentBucket,
      Key: objectKey(customerId, id),
      Fields: { 'Content-Type': contentType, success_action_status: '201' },
      Conditions: [['content-length-range', sizeBytes, sizeBytes]],
      Expires: formLifetimeSeconds,
    });
  }

  /** Asks the workflow's ledger. A key is used once, so its newest record tells. */
  async progress(customerId: string, attachmentId: string): Promise<Progress> {
    const records = await this.records(objectKey(customerId, attachmentId));
    const [newest] = records.sort((left, right) => text(right, 'claimedAt').localeCompare(text(left, 'claimedAt')));
    if (newest === undefined)
      return { state: 'AWAITING', reasons: [], resultsPrefix: undefined, quarantineKey: undefined };
    const status = text(newest, 'status');
    const rejection = newest['rejection']?.M;
    return {
      state: status === 'STORED' || status === 'REJECTED' || status === 'FAILED' ? status : 'PROCESSING',
      reasons: (rejection?.['reasons']?.L ?? []).flatMap((reason) => reason.M?.['code']?.S ?? []),
      resultsPrefix: newest['results']?.M?.['prefix']?.S,
      quarantineKey: rejection?.['quarantined']?.M?.['key']?.S,
    };
  }

  /** @throws Problem NOT_READY */
  async readResult(customerId: string, attachmentId: string, name: ResultName): Promise<Content> {
    const { state, resultsPrefix } = await this.progress(customerId, attachmentId);
    if (state !== 'STORED' || resultsPrefix === undefined) throw new Problem('NOT_READY');
    return this.get(this.stores.resultBucket, `${resultsPrefix}files/${resultFiles[name]}`);
  }

  /** @throws Problem NOT_READY before it was sent, ARCHIVED once it is in Glacier */
  async readContent(customerId: string, attachmentId: string): Promise<Content> {
    return this.get(this.stores.attachmentBucket, objectKey(customerId, attachmentId));
  }

  /** Deletes every version of everything that there is of these attachments: originals, copies in quarantine, results.
   * @returns how many versions that were */
  async erase(customerId: string, attachmentIds: readonly string[]): Promise<number> {
    let count = 0;
    for (const id of attachmentIds) {
      const { resultsPrefix, quarantineKey } = await this.progress(customerId, id);
      if (resultsPrefix !== undefined) count += await this.eraseBelow(this.stores.resultBucket, resultsPrefix);
      if (quarantineKey !== undefined) count += await this.eraseBelow(this.stores.quarantineBucket, quarantineKey);
    }
    return count + (await this.eraseBelow(this.stores.attachmentBucket, `attachments/${customerId}/`));
  }

  private async get(bucket: string, key: string): Promise<Content> {
    try {
      const { Body, ContentLength } = await this.clients.s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
      return { body: Body!.transformToWebStream(), sizeBytes: ContentLength ?? 0 };
    } catch (error) {
      if (error instanceof InvalidObjectState) throw new Problem('ARCHIVED');
      if (error instanceof NoSuchKey) throw new Problem('NOT_READY');
      throw error;
    }
  }

  private async eraseBelow(bucket: string, prefix: string): Promise<number> {
    let count = 0;
    for (;;) {
      // What is deleted is not listed again, so the first page is always the next.
      const page = await this.clients.s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix }));
      const versions = [...(page.Versions ?? []), ...(page.DeleteMarkers ?? [])];
      if (versions.length === 0) return count;
      for (const { Key, VersionId } of versions) {
        await this.clients.s3.send(new DeleteObjectCommand({ Bucket: bucket, Key, VersionId }));
      }
      count += versions.length;
    }
  }

  private async records(key: string) {
    const digest = createHash('sha256').update(`${this.stores.attachmentBucket}/${key}`).digest('hex');
    const { Items = [] } = await this.clients.dynamodb.send(
      new QueryCommand({
        TableName: this.stores.ledgerTable,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: `object#${digest}` } },
        ConsistentRead: true,
      }),
    );
    return Items.filter((item) => item['status'] !== undefined);
  }
}

function objectKey(customerId: string, attachmentId: string): string {
  return `attachments/${customerId}/${attachmentId}`;
}

function text(item: Readonly<Record<string, { readonly S?: string | undefined }>>, name: string): string {
  return item[name]?.S ?? '';
}
