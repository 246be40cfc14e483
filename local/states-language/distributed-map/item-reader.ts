/** Reads the items of a distributed Map: an object listing, a file of items, or a manifest of files. */
import { gunzipSync } from 'node:zlib';
import { UnsupportedError } from '../../services/service';
import { isList, isObject } from '../data/json-value';
import type { EngineHost, JsonValue } from '../engine';
import { StateFailed } from '../failure';
import type { DistributedMap } from '../step';
import { readCsv } from './csv';

type Reader = NonNullable<DistributedMap['reader']>;
type Objects = NonNullable<EngineHost['objects']>;

/** Reads all items, up to MaxItems.
 * @throws StateFailed States.ItemReaderFailed when they cannot be read */
export async function readItems(
  reader: Reader,
  objects: Objects | undefined,
  roleArn: string,
): Promise<readonly JsonValue[]> {
  if (objects === undefined) {
    throw new UnsupportedError('an ItemReader', 'a distributed Map', 'give the engine a host that has `objects`');
  }
  const { maxItemCount } = reader;
  if (maxItemCount !== undefined && maxItemCount < 0) throw readerFailed('field MaxItems must be positive');
  const items = await new ItemSource(reader, objects, roleArn).items();
  // MaxItems of 0 means no limit (recorded).
  return maxItemCount ? items.slice(0, maxItemCount) : items;
}

function readerFailed(cause: string): StateFailed {
  return new StateFailed({ error: 'States.ItemReaderFailed', cause });
}

class ItemSource {
  constructor(
    private readonly reader: Reader,
    private readonly objects: Objects,
    private readonly roleArn: string,
  ) {}

  async items(): Promise<readonly JsonValue[]> {
    const bucket = this.parameter('Bucket');
    if (this.reader.action === 'listObjectsV2') return this.listed(bucket);
    const body = await this.get(bucket, this.parameter('Key'));
    if (this.reader.manifestType === 'S3_INVENTORY' || this.reader.inputType === 'MANIFEST')
      return this.inventory(body);
    if (this.reader.manifestType === 'ATHENA_DATA') return this.athenaData(body);
    return this.parse(body);
  }

  /** The objects under a prefix; or what is in them, when they are to be loaded. */
  private async listed(bucket: string): Promise<readonly JsonValue[]> {
    const entries = await this.attempt(() => this.objects.list(bucket, this.optionalParameter('Prefix'), this.roleArn));
    if (this.reader.transformation !== 'LOAD_AND_FLATTEN') return entries;
    const loaded: JsonValue[] = [];
    for (const entry of entries) {
      const key = isObject(entry) ? entry['Key'] : undefined;
      if (typeof key === 'string') loaded.push(...this.parse(await this.get(bucket, key)));
    }
    return loaded;
  }

  /** An S3 inventory: a manifest in JSON that names files in CSV and their columns. */
  private async inventory(body: Uint8Array): Promise<readonly JsonValue[]> {
    const manifest = parseJson(textOf(body));
    const files = isObject(manifest) ? manifest['files'] : undefined;
    if (!isObject(manifest) || !isList(files)) throw readerFailed('The manifest has no list of files');
    const { destinationBucket, fileSchema, fileFormat } = manifest;
    if (fileFormat !== 'CSV') throw unsupported(`an inventory in the format ${String(fileFormat)}`);
    const headers = String(fileSchema)
      .split(',')
      .map((column) => column.trim());
    const bucket = String(destinationBucket).replace(/^arn:aws[\w-]*:s3:::/, '');
    const items: JsonValue[] = [];
    for (const file of files) {
      const key = isObject(file) ? file['key'] : undefined;
      if (typeof key !== 'string') throw readerFailed('A file of the manifest has no key');
      items.push(...readCsv(textOf(await this.get(bucket, key)), { delimiter: ',', headers }));
    }
    return items;
  }

  /** What Athena's UNLOAD leaves: lines of `s3://bucket/key`, each a file of items. */
  private async athenaData(body: Uint8Array): Promise<readonly JsonValue[]> {
    const items: JsonValue[] = [];
    for (const line of linesOf(textOf(body))) {
      const [, bucket, key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(line.trim()) ?? [];
      if (bucket === undefined || key === undefined) throw readerFailed(`The manifest names no object: ${line}`);
      items.push(...this.parse(await this.get(bucket, key)));
    }
    return items;
  }

  private parse(body: Uint8Array): readonly JsonValue[] {
    const { reader } = this;
    const text = textOf(body);
    switch (reader.inputType) {
      case 'CSV':
        return readCsv(text, {
          delimiter: reader.csvDelimiter,
          headers: reader.csvHeaderLocation === 'GIVEN' ? reader.csvHeaders : undefined,
        });
      case 'JSONL':
        return linesOf(text).map(parseJson);
      case 'PARQUET':
        throw unsupported('an ItemReader of Parquet files');
      default:
        return this.parseList(text);
    }
  }

  private parseList(text: string): readonly JsonValue[] {
    const value = this.pointTo(parseJson(text));
    if (!isList(value)) throw readerFailed('Attempting to map over non-iterable node.');
    return value;
  }

  /** Follows ItemsPointer, a JSON pointer. */
  private pointTo(value: JsonValue): JsonValue | undefined {
    const pointer = this.reader.itemsPointer;
    if (pointer === undefined) return value;
    return pointer
      .split('/')
      .slice(1)
      .map((part) => part.replace(/~1/g, '/').replace(/~0/g, '~'))
      .reduce<JsonValue | undefined>((at, name) => {
        if (isList(at)) return at[Number(name)];
        return isObject(at) ? at[name] : undefined;
      }, value);
  }

  private async get(bucket: string, key: string): Promise<Uint8Array> {
    const body = await this.attempt(() => this.objects.get(bucket, key, this.roleArn));
    return key.endsWith('.gz') ? gunzipSync(body) : body;
  }

  private async attempt<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read();
    } catch (error) {
      if (error instanceof UnsupportedError) throw error;
      throw readerFailed(error instanceof Error ? error.message : String(error));
    }
  }

  private parameter(name: string): string {
    const value = this.optionalParameter(name);
    if (value === undefined) throw readerFailed(`The ItemReader needs ${name}`);
    return value;
  }

  private optionalParameter(name: string): string | undefined {
    const { parameters } = this.reader;
    const value = isObject(parameters) ? parameters[name] : undefined;
    return typeof value === 'string' ? value : undefined;
  }
}

function unsupported(what: string): UnsupportedError {
  return new UnsupportedError(what, 'a distributed Map', 'give the items as CSV, JSON or JSON Lines');
}

function textOf(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

function linesOf(text: string): readonly string[] {
  return text.split(/\r?\n/).filter((line) => line.trim() !== '');
}

function parseJson(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw readerFailed(error instanceof Error ? error.message : String(error));
  }
}
