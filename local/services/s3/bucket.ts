/** One bucket: the versions of its objects, its uploads in progress and its configuration. */
import { createHash } from 'node:crypto';
import type { RandomSource } from '../../random';
import type { Checksum } from './checksum';
import { computeChecksum } from './checksum';
import type { LifecycleRule } from './lifecycle';

export type Versioning = 'Enabled' | 'Suspended' | 'Unversioned';

/** What travels in headers with an object's content. */
export const contentHeaders = [
  'CacheControl',
  'ContentDisposition',
  'ContentEncoding',
  'ContentLanguage',
  'ContentType',
  'Expires',
  'WebsiteRedirectLocation',
] as const;
export type ContentHeaders = Readonly<Partial<Record<(typeof contentHeaders)[number], unknown>>>;

/** One version of an object, or a delete marker. */
export interface ObjectVersion {
  readonly key: string;
  /** `null` for what was written while versioning was not enabled. */
  readonly versionId: string;
  readonly isDeleteMarker: boolean;
  readonly body: Uint8Array;
  /** Without quotes. */
  readonly etag: string;
  readonly sizeBytes: number;
  /** Whole seconds, as S3 shows it. */
  readonly lastModifiedMs: number;
  readonly headers: ContentHeaders;
  readonly metadata: Readonly<Record<string, string>>;
  readonly storageClass: string;
  readonly tags: ReadonlyMap<string, string>;
  /** Given with the upload; undefined when S3 has to compute its default one. */
  readonly checksum: Checksum | undefined;
  readonly parts: readonly StoredPart[] | undefined;
  readonly encryption: Encryption;
  readonly sequencer: string;
  /** A restore from the archive: in progress until its copy has an end. */
  readonly restore?: { readonly expiresAtMs?: number };
  /** When a newer version took its place. */
  readonly noncurrentSinceMs?: number;
}

export interface StoredPart {
  readonly partNumber: number;
  readonly etag: string;
  readonly sizeBytes: number;
  readonly checksum: Checksum | undefined;
}

export interface Encryption {
  readonly algorithm: string;
  readonly keyId?: string;
}

/** What an object is made of, before it is stored. */
export type NewObject = Pick<
  ObjectVersion,
  'key' | 'body' | 'headers' | 'metadata' | 'storageClass' | 'tags' | 'checksum' | 'parts' | 'encryption'
> & { readonly etag?: string };

export interface Upload {
  readonly uploadId: string;
  readonly key: string;
  readonly initiatedAtMs: number;
  readonly template: Omit<NewObject, 'body' | 'checksum' | 'parts'>;
  readonly checksumAlgorithm: Checksum['algorithm'] | undefined;
  readonly checksumType: Checksum['type'] | undefined;
  readonly parts: Map<number, StoredPart & { readonly body: Uint8Array; readonly lastModifiedMs: number }>;
}

export interface BucketConfiguration {
  readonly name: string;
  readonly versioning: Versioning;
  readonly isEventBridgeEnabled: boolean;
  readonly lifecycleRules: readonly LifecycleRule[];
  /** Below this size an object is not transitioned, unless its rule has a size filter.
   * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html */
  readonly transitionMinimumBytes: number;
  readonly encryption: Encryption;
}

const versionIdAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._';

/** A bucket. What it holds is replaced, never changed. */
export class Bucket {
  readonly uploads = new Map<string, Upload>();
  /** Newest version first. */
  private readonly versionsByKey = new Map<string, ObjectVersion[]>();
  private sortedKeys: readonly string[] | undefined;
  private sequence = 0;

  constructor(
    public configuration: BucketConfiguration,
    readonly createdAtMs: number,
    private readonly random: RandomSource,
    private readonly nowMs: () => number,
  ) {}

  get name(): string {
    return this.configuration.name;
  }

  /** Keys in the order of their UTF-8 bytes, as S3 lists them. */
  keys(): readonly string[] {
    return (this.sortedKeys ??= [...this.versionsByKey.keys()].sort(compareKeys));
  }

  /** The versions of a key, newest first, delete markers among them. */
  versions(key: string): readonly ObjectVersion[] {
    return this.versionsByKey.get(key) ?? [];
  }

  /** The newest version of a key, unless that is a delete marker. */
  current(key: string): ObjectVersion | undefined {
    const newest = this.versions(key)[0];
    return newest?.isDeleteMarker === true ? undefined : newest;
  }

  /** Stores an object as the newest version of its key. */
  put(object: NewObject): ObjectVersion {
    const version: ObjectVersion = {
      ...object,
      etag: object.etag ?? this.etagOf(object),
      sizeBytes: object.body.length,
      isDeleteMarker: false,
      versionId: this.newVersionId(),
      lastModifiedMs: this.nowSecondsMs(),
      sequencer: this.newSequencer(),
    };
    this.insert(version);
    return version;
  }

  /** Puts a delete marker on top of a key's versions. */
  putDeleteMarker(key: string): ObjectVersion {
    const marker: ObjectVersion = {
      key,
      versionId: this.newVersionId(),
      isDeleteMarker: true,
      body: new Uint8Array(),
      etag: '',
      sizeBytes: 0,
      lastModifiedMs: this.nowSecondsMs(),
      headers: {},
      metadata: {},
      storageClass: 'STANDARD',
      tags: new Map(),
      checksum: undefined,
      parts: undefined,
      encryption: this.configuration.encryption,
      sequencer: this.newSequencer(),
    };
    this.insert(marker);
    return marker;
  }

  /** Changes what is known about a version; its content stays. */
  change(
    version: ObjectVersion,
    changes: { -readonly [Name in 'tags' | 'storageClass' | 'restore']?: ObjectVersion[Name] },
  ): void {
    this.replaceVersions(
      version.key,
      this.versions(version.key).map((other) =>
        other.versionId === version.versionId ? { ...other, ...changes } : other,
      ),
    );
  }

  /** Removes one version for good. */
  remove(key: string, versionId: string): void {
    const left = this.versions(key).filter((version) => version.versionId !== versionId);
    const [newest, ...others] = left;
    if (newest === undefined) {
      this.versionsByKey.delete(key);
      this.sortedKeys = undefined;
      return;
    }
    const { noncurrentSinceMs: _, ...current } = newest;
    this.replaceVersions(key, [current, ...others]);
  }

  newSequencer(): string {
    const seconds = Math.floor(this.nowMs() / 1000).toString(16);
    return `${seconds.padStart(8, '0')}${(this.sequence++).toString(16).padStart(8, '0')}`;
  }

  newUploadId(): string {
    return this.randomText(64);
  }

  nowSecondsMs(): number {
    return Math.floor(this.nowMs() / 1000) * 1000;
  }

  private insert(version: ObjectVersion): void {
    // A version written without versioning takes the place of the last one written so.
    const others = this.versions(version.key)
      .filter(({ versionId }) => versionId !== version.versionId)
      .map((other) => ({ ...other, noncurrentSinceMs: other.noncurrentSinceMs ?? this.nowMs() }));
    if (!this.versionsByKey.has(version.key)) this.sortedKeys = undefined;
    this.replaceVersions(version.key, [version, ...others]);
  }

  private replaceVersions(key: string, versions: ObjectVersion[]): void {
    this.versionsByKey.set(key, versions);
  }

  private newVersionId(): string {
    return this.configuration.versioning === 'Enabled' ? this.randomText(32) : 'null';
  }

  /** MD5 of the content, except under KMS, where nobody may rely on that. */
  private etagOf(object: NewObject): string {
    const hash = createHash('md5').update(object.body);
    return (object.encryption.algorithm.startsWith('aws:kms') ? hash.update(this.random.hex(16)) : hash).digest('hex');
  }

  private randomText(length: number): string {
    let text = '';
    for (let index = 0; index < length; index++) {
      text += versionIdAlphabet[this.random.integer(versionIdAlphabet.length)];
    }
    return text;
  }
}

/** The checksum that S3 shows for a version: the one that came with it, or the one S3 adds by itself. */
export function checksumOf(version: ObjectVersion): Checksum {
  return (
    version.checksum ?? {
      algorithm: 'CRC64NVME',
      type: 'FULL_OBJECT',
      value: computeChecksum('CRC64NVME', version.body),
    }
  );
}

/** Orders keys by their UTF-8 bytes. Only surrogate pairs make that differ from the order of JavaScript. */
export function compareKeys(left: string, right: string): number {
  if (left === right) return 0;
  const length = Math.min(left.length, right.length);
  for (let index = 0; index < length; index++) {
    const [unit, other] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (unit === other) continue;
    const [isSurrogate, isOtherSurrogate] = [isSurrogateUnit(unit), isSurrogateUnit(other)];
    return isSurrogate === isOtherSurrogate ? unit - other : isSurrogate ? 1 : -1;
  }
  return left.length - right.length;
}

function isSurrogateUnit(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}
