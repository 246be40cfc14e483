/** A few lines of S3 for tests of the instance alone: versions, checksums and ranges of keys, over real HTTP. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface StoredObject {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string;
  readonly etag: string;
  readonly body: Buffer;
  readonly contentType: string;
  readonly sha256: string | undefined;
}

/** Starts a server that forgets everything when it is closed. `refuse` decides which requests end as AccessDenied. */
export class LoopbackS3 {
  readonly objects: StoredObject[] = [];
  readonly requests: string[] = [];
  refuse: (method: string, path: string) => boolean = () => false;
  private readonly server: Server = createServer((request, response) => void this.answer(request, response));

  async listen(): Promise<Record<string, string>> {
    await new Promise<void>((resolve) => this.server.listen(0, '127.0.0.1', resolve));
    const { port } = this.server.address() as AddressInfo;
    return {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'AKIATEST',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_REGION: 'eu-west-1',
    };
  }

  close(): void {
    this.server.closeAllConnections();
    this.server.close();
  }

  put(bucket: string, key: string, body: string | Buffer, contentType = 'text/plain', sha256?: string): StoredObject {
    const bytes = Buffer.from(body);
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const object = { bucket, key, versionId: `v${this.objects.length + 1}`, etag, body: bytes, contentType, sha256 };
    this.objects.push(object);
    return object;
  }

  find(bucket: string, key: string, versionId?: string): StoredObject | undefined {
    return this.objects
      .filter(
        (one) => one.bucket === bucket && one.key === key && (versionId === undefined || one.versionId === versionId),
      )
      .at(-1);
  }

  text(bucket: string, key: string): string | undefined {
    return this.find(bucket, key)?.body.toString('utf8');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [path = '', query = ''] = (request.url ?? '').split('?');
    const [bucket = '', ...parts] = path.slice(1).split('/').map(decodeURIComponent);
    const key = parts.join('/');
    const method = request.method ?? '';
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    this.requests.push(`${method} ${bucket}/${key}`);
    if (!request.headers.authorization?.includes('Credential=AKIATEST/') || this.refuse(method, key)) {
      return error(response, 403, 'AccessDenied');
    }
    if (method === 'PUT') return this.store(request, response, bucket, key, Buffer.concat(chunks));
    const parameters = new URLSearchParams(query);
    if (parameters.has('list-type')) return this.list(response, bucket, parameters.get('prefix') ?? '');
    const object = this.find(bucket, key, parameters.get('versionId') ?? undefined);
    if (object === undefined) return error(response, 404, 'NoSuchKey');
    if (request.headers['if-match'] !== undefined && request.headers['if-match'] !== object.etag) {
      return error(response, 412, 'PreconditionFailed');
    }
    response.writeHead(200, {
      etag: object.etag,
      'content-type': object.contentType,
      'content-length': String(object.body.length),
      'x-amz-version-id': object.versionId,
    });
    response.end(method === 'HEAD' ? undefined : object.body);
  }

  private store(request: IncomingMessage, response: ServerResponse, bucket: string, key: string, body: Buffer): void {
    const sum = request.headers['x-amz-checksum-sha256'] as string | undefined;
    if (sum !== undefined && sum !== createHash('sha256').update(body).digest('base64')) {
      return error(response, 400, 'BadDigest');
    }
    const object = this.put(bucket, key, body, request.headers['content-type'], sum);
    response.writeHead(200, { etag: object.etag, 'x-amz-version-id': object.versionId }).end();
  }

  private list(response: ServerResponse, bucket: string, prefix: string): void {
    const keys = [...new Set(this.objects.filter((one) => one.bucket === bucket).map((one) => one.key))].sort();
    const contents = keys
      .filter((key) => key.startsWith(prefix))
      .map(
        (key) =>
          `<Contents><Key>${encodeURIComponent(key)}</Key><Size>${this.find(bucket, key)!.body.length}</Size><LastModified>2026-01-01T09:00:00.000Z</LastModified><ETag>x</ETag></Contents>`,
      );
    response
      .writeHead(200)
      .end(`<ListBucketResult><EncodingType>url</EncodingType>${contents.join('')}</ListBucketResult>`);
  }
}

function error(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status).end(`<Error><Code>${code}</Code><Message>no</Message></Error>`);
}
