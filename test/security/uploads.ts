/** Announcements of objects as nobody should send them: events of S3 with hostile values, and what people type into the console. */
import fc from 'fast-check';
import { fixedTexts, hostileText } from './hostile-text';

/** What stands in an announcement, and how it is made. */
export interface Upload {
  readonly key: string;
  readonly contentType: string;
  /** Of the uploader's own, as S3 gives it back. */
  readonly metadata: Readonly<Record<string, string>>;
  /** In each of the headers that say how to show the content. */
  readonly contentHeader: string;
  readonly etag: string;
  readonly versionId: string | undefined;
  readonly sequencer: string;
  /** Fields that nobody knows, in the event and in its detail. */
  readonly noise: Readonly<Record<string, unknown>>;
  /** Typed into "Start execution", instead of sent by S3. */
  readonly isManual: boolean;
  /** Fields of a manual start that are of another type than they should be. */
  readonly wrongFields: Readonly<Record<string, unknown>>;
}

const opaque = fc.stringMatching(/^[A-Za-z0-9._-]{1,32}$/);

const noise = fc.dictionary(
  fc.oneof(fc.constantFrom('force', 'versionId', 'record', 'claim', '__proto__', 'size', 'States'), hostileText),
  fc.oneof(hostileText, fc.integer(), fc.constant(null), fc.array(hostileText, { maxLength: 2 })),
  { maxKeys: 3 },
);

const noText = fc.oneof(
  fc.constantFrom(0, 1, null, '', 'true', [], {}, { S: 'x' }, { N: '1' }, ['x'], [['x']]),
  fc.integer(),
  fc.array(hostileText, { maxLength: 2 }),
  fc.dictionary(hostileText, hostileText, { maxKeys: 2 }),
);

/** Any announcement. */
export const anyUpload: fc.Arbitrary<Upload> = fc.record({
  key: hostileText,
  contentType: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom('text/csv', '', 'text/plain; charset=utf-8') },
    hostileText,
  ),
  metadata: fc.dictionary(hostileText, hostileText, { maxKeys: 3 }),
  contentHeader: hostileText,
  etag: fc.oneof({ weight: 3, arbitrary: opaque }, hostileText),
  versionId: fc.option(fc.oneof({ weight: 3, arbitrary: opaque }, hostileText), { nil: undefined, freq: 3 }),
  sequencer: fc.oneof({ weight: 3, arbitrary: opaque }, hostileText),
  noise,
  isManual: fc.boolean(),
  wrongFields: fc.oneof(
    { weight: 4, arbitrary: fc.constant({}) },
    fc.dictionary(fc.constantFrom('versionId', 'force'), noText, { minKeys: 1, maxKeys: 2 }),
  ),
});

/** One announcement for each fixed text, in every field at once. */
export const fixedUploads: readonly Upload[] = fixedTexts.flatMap((text) =>
  [false, true].map((isManual) => ({
    key: text,
    contentType: text,
    etag: text,
    versionId: text,
    sequencer: text,
    noise: { [text]: text },
    metadata: { [text]: text },
    contentHeader: text,
    isManual,
    wrongFields: {},
  })),
);

/** The state machine's input for an announcement. */
export function inputFor(upload: Upload, bucket: string): unknown {
  const { key, etag, versionId, sequencer, noise: extra, isManual, wrongFields } = upload;
  if (isManual)
    return {
      ...extra,
      bucket,
      key,
      force: false,
      ...(versionId === undefined ? { versionId: undefined } : { versionId }),
      ...wrongFields,
    };
  const object = { ...extra, key, size: 1, etag, sequencer, 'version-id': versionId };
  return {
    ...extra,
    'detail-type': 'Object Created',
    source: 'aws.s3',
    detail: { ...extra, bucket: { name: bucket }, object },
  };
}
