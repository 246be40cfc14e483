/** The checksums that S3 verifies and keeps. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { ServiceError, UnsupportedError } from '../service';

export const checksumAlgorithms = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256', 'SHA512', 'MD5'] as const;
export type ChecksumAlgorithm = (typeof checksumAlgorithms)[number];
export type ChecksumType = 'FULL_OBJECT' | 'COMPOSITE';

/** A checksum as S3 keeps it with an object or part: base64, with `-<parts>` behind it when it is one of parts. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
  readonly value: string;
}

/** The parameters that carry a checksum: `ChecksumSHA256`, …; those of algorithms that are not simulated among them. */
export const checksumParameters = [
  ...checksumAlgorithms.map((algorithm) => `Checksum${algorithm}`),
  'ChecksumXXHASH64',
  'ChecksumXXHASH3',
  'ChecksumXXHASH128',
];

/** Computes a checksum. @returns base64 */
export function computeChecksum(algorithm: ChecksumAlgorithm, bytes: Uint8Array): string {
  switch (algorithm) {
    case 'CRC32':
      return base64(word(crc32(bytes)));
    case 'CRC32C':
      return base64(word(crc32c(bytes)));
    case 'CRC64NVME':
      return base64(crc64nvme(bytes));
    default:
      return createHash(algorithm.toLowerCase()).update(bytes).digest('base64');
  }
}

/** Computes the checksum of a multipart upload from those of its parts. */
export function compositeChecksum(algorithm: ChecksumAlgorithm, partChecksums: readonly string[]): string {
  const concatenated = Buffer.concat(partChecksums.map((value) => Buffer.from(value, 'base64')));
  return `${computeChecksum(algorithm, concatenated)}-${partChecksums.length}`;
}

/** The checksum that a request brings for its body, verified.
 * @returns undefined when it brings none
 * @throws ServiceError BadDigest when it does not match, InvalidRequest when it cannot be one */
export function verifyChecksum(input: Readonly<Record<string, unknown>>, bytes: Uint8Array): Checksum | undefined {
  const given = checksumParameters.filter((name) => input[name] !== undefined);
  if (given.length === 0) return undefined;
  if (given.length > 1) {
    throw new ServiceError(
      'InvalidRequest',
      'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
    );
  }
  const name = given[0]!;
  const algorithm = readAlgorithm(name.slice('Checksum'.length))!;
  const value = computeChecksum(algorithm, bytes);
  if (Buffer.from(String(input[name]), 'base64').length !== Buffer.from(value, 'base64').length) {
    throw new ServiceError('InvalidRequest', `Value for x-amz-checksum-${algorithm.toLowerCase()} header is invalid.`);
  }
  if (input[name] !== value) {
    throw new ServiceError('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`);
  }
  return { algorithm, type: 'FULL_OBJECT', value };
}

/** Verifies `ContentMD5`. @throws ServiceError InvalidDigest or BadDigest */
export function verifyContentMd5(contentMd5: unknown, bytes: Uint8Array): void {
  if (contentMd5 === undefined) return;
  if (Buffer.from(String(contentMd5), 'base64').length !== 16) {
    throw new ServiceError('InvalidDigest', 'The Content-MD5 you specified is not valid.');
  }
  if (contentMd5 !== createHash('md5').update(bytes).digest('base64')) {
    throw new ServiceError('BadDigest', 'The Content-MD5 you specified did not match what we received.');
  }
}

/** Reads the name of an algorithm. @throws ServiceError InvalidRequest for one that S3 does not have */
export function readAlgorithm(name: unknown): ChecksumAlgorithm | undefined {
  if (name === undefined) return undefined;
  const algorithm = checksumAlgorithms.find((known) => known === name);
  if (algorithm !== undefined) return algorithm;
  if (String(name).startsWith('XXHASH')) {
    throw new UnsupportedError(`the checksum ${String(name)}`, 'an S3 request', 'use CRC64NVME or SHA256');
  }
  throw new ServiceError(
    'InvalidRequest',
    'Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256]',
  );
}

/** The member of an output that carries a checksum. */
export function checksumMembers(checksum: Checksum | undefined): Readonly<Record<string, string>> {
  return checksum === undefined
    ? {}
    : { [`Checksum${checksum.algorithm}`]: checksum.value, ChecksumType: checksum.type };
}

const crc32cTable = makeTable32(0x82f63b78);

function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = crc32cTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

function makeTable32(polynomial: number): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ polynomial : crc >>> 1;
    return crc >>> 0;
  });
}

/** The table of CRC-64/NVME, in two halves: numbers of 64 bits would need a BigInt for every byte. */
const crc64Table = makeTable64();

function makeTable64(): { readonly high: Uint32Array; readonly low: Uint32Array } {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = BigInt(byte);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ 0x9a6c9329ac4bc9b5n : crc >> 1n;
    high[byte] = Number(crc >> 32n);
    low[byte] = Number(crc & 0xffffffffn);
  }
  return { high, low };
}

function crc64nvme(bytes: Uint8Array): Buffer {
  let high = 0xffffffff;
  let low = 0xffffffff;
  for (const byte of bytes) {
    const index = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ crc64Table.low[index]!;
    high = (high >>> 8) ^ crc64Table.high[index]!;
  }
  return Buffer.concat([word(~high >>> 0), word(~low >>> 0)]);
}

function word(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64');
}
