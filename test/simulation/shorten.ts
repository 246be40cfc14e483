/** Shortens a list of faults that violates a law, as far as it goes on to do so. */
import type { Fault } from '../../local';

/** Leaves out halves, quarters, … and at last single faults, as long as the rest still violates a law.
 * @param violates Whether a list does; asked at most `maximumRuns` times. */
export async function shortenFaults<One extends Fault>(
  faults: readonly One[],
  violates: (faults: readonly One[]) => Promise<boolean>,
  maximumRuns = 60,
): Promise<readonly One[]> {
  let shortest = faults;
  let runs = 0;
  for (let size = Math.ceil(faults.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let start = 0; start < shortest.length && runs < maximumRuns;) {
      const rest = [...shortest.slice(0, start), ...shortest.slice(start + size)];
      runs++;
      if (await violates(rest)) shortest = rest;
      else start += size;
    }
  }
  return shortest;
}
