/** Seeded chance: the only source of randomness in the simulator, so that one seed gives one history. */

/** A stream of pseudo-random numbers that depends on its seed alone. */
export interface RandomSource {
  /** A number of at least 0 and below 1. */
  readonly next: () => number;
  /** A whole number of at least 0 and below `bound`. */
  readonly integer: (bound: number) => number;
  /** A text of lower-case hexadecimal digits. */
  readonly hex: (length: number) => string;
  /** A version 4 UUID. */
  readonly uuid: () => string;
  /** An independent stream, named so that drawing from one does not shift another. */
  readonly fork: (name: string) => RandomSource;
}

const hexadecimalDigits = '0123456789abcdef';

/** Makes a random source from a seed.
 * @example createRandom('42').integer(6) */
export function createRandom(seed: string): RandomSource {
  const next = sfc32(seed);
  const hex = (length: number): string => {
    let text = '';
    while (text.length < length) text += hexadecimalDigits[Math.floor(next() * 16)];
    return text;
  };
  return {
    next,
    integer: (bound) => Math.floor(next() * bound),
    hex,
    uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-${'89ab'[Math.floor(next() * 4)]}${hex(3)}-${hex(12)}`,
    fork: (name) => createRandom(`${seed}/${name}`),
  };
}

/** The sfc32 generator of PractRand, seeded by FNV-1a hashes of the text. */
function sfc32(seed: string): () => number {
  let [a, b, c, counter] = [0, 1, 2].map((salt) => fnv1a(`${salt}:${seed}`)).concat(1) as [
    number,
    number,
    number,
    number,
  ];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return (sum >>> 0) / 4294967296;
  };
  for (let round = 0; round < 12; round++) next();
  return next;
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash | 0;
}
