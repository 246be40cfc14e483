/** Recalls what has been worked out lately from the same text: simulations of one assembly deploy the same texts again. */

/** More texts than any assembly has. */
const capacity = 2_000;

/** Makes a memory of results that their text alone decides, and that nobody changes. What `make` throws is not remembered.
 * @example const recall = createRecall<unknown>(); recall(text, () => JSON.parse(text)) */
export function createRecall<Result>(): (text: string, make: () => Result) => Result {
  const known = new Map<string, Result>();
  return (text, make) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = make();
    if (known.size === capacity) known.clear();
    known.set(text, made);
    return made;
  };
}
