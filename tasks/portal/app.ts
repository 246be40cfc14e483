/** The portal's API: announces files, says how to send them and where they are, and hands out results. One user's calls reach
 * that user's uploads only: every read and write begins with the caller's own partition and folder. */
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { OpenAPIHono } from '@hono/zod-openapi';
import type { TaskContext } from '../task-context';
import { checkObject } from '../validation-rules';
import { readCaller, type PortalScope } from './caller';
import type { HttpEvent } from './http-event';
import type { NewUpload, Transfer, Upload } from './messages';
import { readProgress } from './object-progress';
import { newUploadId, objectKey } from './object-name';
import { notFound, Refusal } from './refusal';
import { readResultFiles, signResult } from './result-files';
import * as routes from './routes';
import { addressLifetimeSeconds, type PortalSettings } from './settings';
import { abandonParts, beginParts, completeParts, listParts, signForm, signPart } from './transfer';
import { UploadRecords, type UploadRecord } from './upload-record';

/** Files of one answer. */
const resultPageSize = 100;

/** Makes the application that answers one request.
 * @param event Where the caller's verified claims are. */
export function createApp(event: HttpEvent, context: TaskContext<PortalSettings, never>): OpenAPIHono {
  const app = new OpenAPIHono({
    defaultHook: (result) => {
      if (!result.success) throw new Refusal(400, 'InvalidRequest', describeIssues(result.error.issues));
    },
  });
  const portal = (scope: PortalScope) => new Portal(readCaller(event, scope, context.settings).sub, context);

  app.openapi(routes.createUpload, async (c) => c.json(await portal('write').create(c.req.valid('json')), 201));
  app.openapi(routes.listUploads, async (c) => {
    const { limit, before } = c.req.valid('query');
    return c.json(await portal('read').list(limit, before), 200);
  });
  app.openapi(routes.readUpload, async (c) => c.json(await portal('read').read(c.req.valid('param').id), 200));
  app.openapi(routes.listStoredParts, async (c) =>
    c.json(await portal('write').storedParts(c.req.valid('param').id), 200),
  );
  app.openapi(routes.signPartAddress, async (c) => {
    const found = await portal('write').inParts(c.req.valid('param').id);
    const address = await signPart(context.client(S3Client), found, c.req.valid('json'), context.nowMs());
    return c.json(address, 200);
  });
  app.openapi(routes.completeUpload, async (c) => c.json(await portal('write').complete(c.req.valid('param').id), 200));
  app.openapi(routes.removeUpload, async (c) => c.json(await portal('write').remove(c.req.valid('param').id), 200));
  app.openapi(routes.listResults, async (c) => {
    const files = await portal('read').results(c.req.valid('param').id);
    return c.json(pageOf(files, c.req.valid('query').from), 200);
  });
  app.openapi(routes.signResultAddress, async (c) => {
    const { id, index } = c.req.valid('param');
    return c.json(await portal('read').resultAddress(id, index), 200);
  });
  app.doc31('/openapi.json', { openapi: '3.1.0', info: { title: 'Upload portal', version: '1' } });

  app.notFound((c) => c.json(new Refusal(404, 'NotFound', 'There is nothing at this address').body, 404));
  app.onError((error, c) => {
    if (error instanceof Refusal) return c.json(error.body, error.status);
    throw error;
  });
  return app;
}

/** What one user may do. */
class Portal {
  private readonly records: UploadRecords;
  private readonly s3: S3Client;
  private readonly dynamodb: DynamoDBClient;

  constructor(
    private readonly sub: string,
    private readonly context: TaskContext<PortalSettings, never>,
  ) {
    this.s3 = context.client(S3Client);
    this.dynamodb = context.client(DynamoDBClient);
    this.records = new UploadRecords(this.dynamodb, context.settings.ledgerTable, sub);
  }

  async create({ fileName, sizeBytes, contentType }: NewUpload): Promise<{ upload: Upload; transfer: Transfer }> {
    const { context, sub } = this;
    const { settings } = context;
    const id = newUploadId(context.nowMs(), context.newId());
    const key = objectKey(settings, { sub, id, fileName });
    this.refuseWhatWouldBeRejected(key, sizeBytes, contentType);
    const createdAt = new Date(context.nowMs()).toISOString();
    const file = { id, fileName, bucket: settings.sourceBucket, key, sizeBytes, contentType, createdAt };
    const multipart = sizeBytes > settings.multipartFromBytes ? await beginParts(this.s3, file) : undefined;
    const record: UploadRecord = { ...file, ...(multipart && { multipart }) };
    await this.records.add(record);
    const transfer: Transfer =
      multipart === undefined
        ? await signForm(this.s3, record, context.nowMs())
        : { kind: 'parts', partBytes: multipart.partBytes, partCount: multipart.partCount };
    context.log.info('Announced an upload', { upload: id, sizeBytes });
    return { upload: await this.describe(record), transfer };
  }

  async list(limit: number, before?: string) {
    const records = await this.records.list(limit, before);
    const uploads = await Promise.all(records.map((record) => this.describe(record)));
    const isFull = records.length === limit;
    return {
      uploads,
      ...(isFull && { next: records.at(-1)!.id }),
      now: new Date(this.context.nowMs()).toISOString(),
    };
  }

  async read(id: string): Promise<Upload> {
    return this.describe(await this.find(id));
  }

  async storedParts(id: string) {
    const record = await this.inParts(id);
    const parts = await listParts(this.s3, record);
    return {
      partBytes: record.multipart.partBytes,
      partCount: record.multipart.partCount,
      parts: parts.map(({ PartNumber, Size }) => ({ partNumber: PartNumber!, sizeBytes: Size! })),
    };
  }

  /** Puts the parts together where there are parts, and notes that the file has arrived. */
  async complete(id: string): Promise<Upload> {
    const record = await this.find(id);
    if (record.multipart !== undefined && record.receivedAt === undefined) {
      await completeParts(this.s3, { ...record, multipart: record.multipart });
    }
    await this.records.markReceived(id, new Date(this.context.nowMs()).toISOString());
    return this.describe(await this.find(id));
  }

  /** @throws Refusal 409 for a file that has arrived: an object that is being processed is not taken away */
  async remove(id: string): Promise<{ removed: true }> {
    const record = await this.find(id);
    const { state } = await this.describe(record);
    if (state !== 'AWAITING' && state !== 'EXPIRED') {
      throw new Refusal(409, 'AlreadyReceived', 'The file has arrived; its workflow goes on');
    }
    if (record.multipart !== undefined) await abandonParts(this.s3, { ...record, multipart: record.multipart });
    await this.records.remove(id);
    return { removed: true };
  }

  async results(id: string) {
    return readResultFiles(this.s3, await this.storedResults(id));
  }

  async resultAddress(id: string, index: number) {
    return signResult(this.s3, await this.storedResults(id), index, this.context.nowMs());
  }

  /** @throws Refusal 409 for an upload that is sent as a form, or has arrived */
  async inParts(id: string): Promise<UploadRecord & { readonly multipart: NonNullable<UploadRecord['multipart']> }> {
    const record = await this.find(id);
    if (record.multipart === undefined) throw new Refusal(409, 'NotInParts', 'This file is sent as one form');
    if (record.receivedAt !== undefined) throw new Refusal(409, 'UploadIsOver', 'The file has arrived');
    return { ...record, multipart: record.multipart };
  }

  private async storedResults(id: string) {
    const record = await this.find(id);
    const progress = await readProgress(this.dynamodb, this.context.settings.ledgerTable, record);
    if (progress?.results === undefined) throw new Refusal(409, 'NoResults', 'There are no results of this file yet');
    return progress.results;
  }

  private async find(id: string): Promise<UploadRecord> {
    const record = await this.records.read(id);
    if (record === undefined) throw notFound();
    return record;
  }

  private async describe(record: UploadRecord): Promise<Upload> {
    const progress = await readProgress(this.dynamodb, this.context.settings.ledgerTable, record);
    const { id, fileName, sizeBytes, contentType, createdAt, multipart } = record;
    return {
      ...{ id, fileName, sizeBytes, contentType, createdAt },
      state: progress?.state ?? this.stateBeforeWorkflow(record),
      ...progress?.details,
      ...(multipart && { parts: { partBytes: multipart.partBytes, partCount: multipart.partCount } }),
    };
  }

  /** A form's address ends; parts can be sent until the bucket's lifecycle takes them away. */
  private stateBeforeWorkflow({ createdAt, receivedAt, multipart }: UploadRecord): Upload['state'] {
    if (receivedAt !== undefined) return 'RECEIVED';
    const lifetimeSeconds = multipart === undefined ? addressLifetimeSeconds : 7 * 24 * 60 * 60;
    return this.context.nowMs() > Date.parse(createdAt) + lifetimeSeconds * 1000 ? 'EXPIRED' : 'AWAITING';
  }

  private refuseWhatWouldBeRejected(key: string, sizeBytes: number, contentType: string): void {
    const { rules, sourceSuffix } = this.context.settings;
    const reasons = checkObject(key, { ContentLength: sizeBytes, ContentType: contentType, $metadata: {} }, rules);
    if (reasons.length === 0 && !key.endsWith(sourceSuffix)) {
      const accepted = `names that end with ${sourceSuffix}`;
      reasons.push({ code: 'WrongExtension', message: 'No workflow starts for such a name', accepted });
    }
    if (reasons.length > 0) throw new Refusal(422, 'NotAcceptable', 'This file would be rejected', reasons);
  }
}

function pageOf(files: readonly { readonly path: string; readonly sizeBytes: number }[], from: number) {
  const page = files.slice(from, from + resultPageSize);
  const next = from + page.length;
  return {
    files: page.map(({ path, sizeBytes }, offset) => ({ index: from + offset, path, sizeBytes })),
    ...(next < files.length && { next }),
  };
}

/** Says where the request is wrong, and repeats nothing of it. */
function describeIssues(
  issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[],
): string {
  return issues.map(({ path, message }) => `${path.map(String).join('.') || 'The request'}: ${message}`).join('; ');
}
