/** Splits an IPv4 network as `Fn::Cidr` does. */

/** @param block Network to split: `10.0.0.0/16`.
 * @param count How many blocks to give, from 1 to 256.
 * @param hostBits Bits left for hosts in each block: 8 gives blocks of size /24.
 * @throws Error when the network is too small for that
 * @example cidrBlocks('10.0.0.0/16', 2, 8) // ['10.0.0.0/24', '10.0.1.0/24'] */
export function cidrBlocks(block: string, count: number, hostBits: number): string[] {
  const match = /^(\d+)\.(\d+)\.(\d+)\.(\d+)\/(\d+)$/.exec(block);
  if (match === null) {
    throw new Error(`Fn::Cidr cannot split this network\n  got: ${block}\n  allowed: an IPv4 network, as 10.0.0.0/16`);
  }
  const [first, second, third, fourth, prefixLength] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  if (count * 2 ** hostBits > 2 ** (32 - prefixLength)) {
    throw new Error(
      `Fn::Cidr cannot make ${count} blocks with ${hostBits} host bits of ${block}\n  fix: ask for fewer or smaller blocks`,
    );
  }
  const start = ((first * 256 + second) * 256 + third) * 256 + fourth;
  return Array.from({ length: count }, (_, index) => {
    const address = start + index * 2 ** hostBits;
    const bytes = [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256);
    return `${bytes.join('.')}/${32 - hostBits}`;
  });
}
