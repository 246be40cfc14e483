/** Puts the items of a distributed Map into batches, one for each child execution. */
import type { JsonValue } from '../engine';
import { quotas } from '../quotas';
import type { BatchLimits } from '../step';

/** Batches in the order of the items: `{ "Items": […], "BatchInput": … }`. */
export function batchItems(
  items: readonly JsonValue[],
  { maxItemCount, maxBytes, batchInput }: BatchLimits,
): readonly JsonValue[] {
  const extra: Readonly<Record<string, JsonValue>> = batchInput === undefined ? {} : { BatchInput: batchInput };
  const byteLimit = Math.min(maxBytes ?? quotas.payloadBytes, quotas.payloadBytes);
  const emptyBytes = bytesOf({ ...extra, Items: [] });
  const batches: JsonValue[][] = [];
  let bytes = 0;
  for (const item of items) {
    const itemBytes = bytesOf(item) + 1;
    const last = batches.at(-1);
    const isFull = last === undefined || last.length >= (maxItemCount || items.length) || bytes + itemBytes > byteLimit;
    if (isFull) {
      batches.push([item]);
      bytes = emptyBytes + itemBytes;
    } else {
      last.push(item);
      bytes += itemBytes;
    }
  }
  return batches.map((batch) => ({ ...extra, Items: batch }));
}

function bytesOf(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}
