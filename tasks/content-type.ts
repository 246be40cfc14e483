/** What the first bytes of an object say about its type, for comparison with what its name and its uploader say. */

/** Bytes that are looked at. */
export const sniffedBytes = 4096;

/** What content was found to be: a media type, text of no particular kind, or bytes of no kind that is known. */
export type SniffedContent =
  { readonly kind: 'type'; readonly type: string } | { readonly kind: 'text' } | { readonly kind: 'binary' };

interface Signature {
  readonly offset?: number;
  /** Latin-1. */
  readonly bytes: string;
  readonly type: string;
}

/** The first that fits counts. */
const signatures: readonly Signature[] = [
  { bytes: '\x89PNG\r\n\x1a\n', type: 'image/png' },
  { bytes: '\xff\xd8\xff', type: 'image/jpeg' },
  { bytes: 'GIF87a', type: 'image/gif' },
  { bytes: 'GIF89a', type: 'image/gif' },
  { bytes: 'WEBP', offset: 8, type: 'image/webp' },
  { bytes: 'II*\0', type: 'image/tiff' },
  { bytes: 'MM\0*', type: 'image/tiff' },
  { bytes: '%PDF-', type: 'application/pdf' },
  { bytes: 'PK\x03\x04', type: 'application/zip' },
  { bytes: '\x1f\x8b', type: 'application/gzip' },
  { bytes: '(\xb5/\xfd', type: 'application/zstd' },
  { bytes: 'BZh', type: 'application/x-bzip2' },
  { bytes: '\xfd7zXZ\0', type: 'application/x-xz' },
  { bytes: '7z\xbc\xaf\x27\x1c', type: 'application/x-7z-compressed' },
  { bytes: 'ustar', offset: 257, type: 'application/x-tar' },
  { bytes: 'PAR1', type: 'application/vnd.apache.parquet' },
  { bytes: '\x7fELF', type: 'application/x-elf' },
  { bytes: 'MZ', type: 'application/vnd.microsoft.portable-executable' },
  { bytes: 'ftyp', offset: 4, type: 'video/mp4' },
  { bytes: '\x1aE\xdf\xa3', type: 'video/x-matroska' },
  { bytes: 'OggS', type: 'audio/ogg' },
  { bytes: 'ID3', type: 'audio/mpeg' },
];

/** Other names of the types above, and types whose files are archives of another type. */
const namesOfType: Readonly<Record<string, readonly RegExp[]>> = {
  'application/zip': [
    /^application\/(x-zip-compressed|java-archive|epub\+zip)$/,
    /^application\/vnd\.(openxmlformats-officedocument|oasis\.opendocument)\./,
  ],
  'application/gzip': [/^application\/(x-gzip|x-tar|x-gtar|tar\+gzip)$/],
  'application/x-bzip2': [/^application\/x-tar$/],
  'application/x-xz': [/^application\/x-tar$/],
  'application/vnd.apache.parquet': [/^application\/(x-)?parquet$/],
  'application/vnd.microsoft.portable-executable': [/^application\/x-msdownload$/],
  'video/mp4': [/^(audio\/(mp4|x-m4a)|video\/quicktime|image\/(heic|heif|avif))$/],
  'application/json': [/^(application|model)\/.*\+json$/, /^application\/(x-ndjson|jsonl)$/, /^text\/json$/],
  'application/xml': [/^text\/xml$/, /\+xml$/],
  'text/html': [/^application\/xhtml\+xml$/],
};

/** Types whose content is text; all of `text/` besides. */
const textualTypes =
  /^text\/|^application\/(json|xml|csv|x-ndjson|jsonl|yaml|x-yaml|sql|javascript|toml)$|\+(json|xml)$/;

/** S3's and HTTP's names for "nobody said". */
const unspecificTypes: ReadonlySet<string> = new Set(['binary/octet-stream', 'application/octet-stream', '']);

/** Looks at the first bytes of an object.
 * @example sniffContent(Buffer.from('%PDF-1.7')) // { kind: 'type', type: 'application/pdf' } */
export function sniffContent(bytes: Uint8Array): SniffedContent {
  const text = Buffer.from(bytes).toString('latin1');
  // Words of a text may begin like a short signature, a file of that type holds bytes that a text does not.
  const isText = looksLikeText(text);
  const signature = signatures.find(
    ({ bytes: expected, offset = 0, type }) =>
      text.startsWith(expected, offset) && (!isText || type === 'application/pdf'),
  );
  if (signature !== undefined) return { kind: 'type', type: signature.type };
  if (!isText) return { kind: 'binary' };
  const type = textType(text.replace(/^\xef\xbb\xbf/, '').trimStart());
  return type === undefined ? { kind: 'text' } : { kind: 'type', type };
}

/** Whether content may be of one of the accepted types: true unless it is certain that it is not.
 * @param acceptedTypes Media types, where `*` may stand for the part after the slash. */
export function mayBeOfType(content: SniffedContent, acceptedTypes: readonly string[]): boolean {
  if (content.kind === 'binary') return acceptedTypes.some((accepted) => !textualTypes.test(accepted));
  if (content.kind === 'text') {
    const known = new Set(signatures.map((signature) => signature.type));
    return acceptedTypes.some((accepted) => !known.has(accepted) && !/^(image|audio|video)\/\*$/.test(accepted));
  }
  const names = [content.type, ...(textualTypes.test(content.type) ? ['text/plain'] : [])];
  const others = namesOfType[content.type] ?? [];
  return acceptedTypes.some(
    (accepted) =>
      names.some((name) => matchesType(name, [accepted])) || others.some((pattern) => pattern.test(accepted)),
  );
}

/** Whether a declared type is one of the accepted ones. */
export function matchesType(declared: string, acceptedTypes: readonly string[]): boolean {
  const type = withoutParameters(declared);
  return acceptedTypes.some((accepted) => {
    const wanted = accepted.toLowerCase();
    return wanted.endsWith('/*') ? type.startsWith(wanted.slice(0, -1)) : type === wanted;
  });
}

/** Whether the uploader named a type at all. */
export function isSpecificType(declared: string): boolean {
  return !unspecificTypes.has(withoutParameters(declared));
}

function withoutParameters(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase();
}

/** In any encoding that is a superset of ASCII, or in UTF-16 with its mark. */
function looksLikeText(latin1: string): boolean {
  if (latin1.startsWith('\xff\xfe') || latin1.startsWith('\xfe\xff')) return true;

  return !/[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]/.test(latin1);
}

/** Only what cannot be taken for anything else; a CSV file has no mark of its own. */
function textType(text: string): string | undefined {
  if (/^<(!doctype\s+html|html[\s>])/i.test(text)) return 'text/html';
  if (text.startsWith('<?xml')) return 'application/xml';
  if (/^(\{\s*("|\})|\[\s*("|\{|\[|\]))/.test(text)) return 'application/json';
  return undefined;
}
