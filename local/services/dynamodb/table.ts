/** One table: its items by key, and its indexes. */
import {
  compareValues,
  contentOf,
  getAttribute,
  typeOf,
  type AttributeType,
  type AttributeValue,
  type Item,
} from './attribute-value';
import { validationError } from './validation-error';

export interface KeySchema {
  readonly partitionKey: string;
  readonly sortKey?: string;
}

export interface IndexDescription extends KeySchema {
  readonly name: string;
  readonly isGlobal: boolean;
  readonly projection: 'ALL' | 'KEYS_ONLY' | 'INCLUDE';
  readonly includedAttributes: readonly string[];
}

export interface TableDescription extends KeySchema {
  readonly name: string;
  readonly attributeTypes: Readonly<Record<string, AttributeType>>;
  readonly indexes: readonly IndexDescription[];
  readonly timeToLiveAttribute?: string;
}

const keySizeLimits = { partition: 2048, sort: 1024 };

/** The items of one partition: by identity, and in the order of their sort keys once somebody has asked for it. */
interface Partition {
  /** Decides where a scan comes to it. */
  readonly hash: number;
  readonly items: Map<string, Item>;
  ordered: Item[] | undefined;
}

/** Items that can be queried: those of a table, or those that an index shows. */
export class ItemView {
  private readonly partitions = new Map<string, Partition>();

  /** @param identify A text that tells one item of the table from all others. */
  constructor(
    readonly key: KeySchema,
    private readonly identify: (item: Item) => string,
  ) {}

  /** Puts, replaces or (without a next item) removes an item. */
  replace(previous: Item | undefined, next: Item | undefined): void {
    const previousPartition = previous && this.partitionOf(previous);
    const nextPartition = next && this.partitionOf(next);
    if (previous !== undefined && previousPartition !== undefined) this.remove(previousPartition, previous);
    if (next !== undefined && nextPartition !== undefined) this.add(nextPartition, next);
    if (previousPartition !== undefined && this.partitions.get(previousPartition)?.items.size === 0) {
      this.partitions.delete(previousPartition);
    }
  }

  private add(name: string, item: Item): void {
    const partition = this.partitions.get(name) ?? {
      hash: hash(name),
      items: new Map<string, Item>(),
      ordered: undefined,
    };
    this.partitions.set(name, partition);
    const identity = this.identify(item);
    // An index may hear of a write twice, or late: what it showed under this identity goes.
    const shown = partition.items.get(identity);
    if (shown !== undefined) this.remove(name, shown);
    partition.items.set(identity, item);
    partition.ordered?.splice(this.indexOf(partition.ordered, item), 0, item);
  }

  private remove(name: string, item: Item): void {
    const partition = this.partitions.get(name);
    const shown = partition?.items.get(this.identify(item));
    if (partition === undefined || shown === undefined) return;
    partition.items.delete(this.identify(item));
    partition.ordered?.splice(this.indexOf(partition.ordered, shown), 1);
  }

  /** Where an item is, or would be: sorting a long queue anew for each read of its first would take most of the time. */
  private indexOf(ordered: readonly Item[], item: Item): number {
    return firstIndex(ordered, (other) => this.compareWithin(other, item) >= 0);
  }

  get(key: Item): Item | undefined {
    return this.partitions.get(scalarText(key[this.key.partitionKey]!))?.items.get(this.identify(key));
  }

  /** Items of one partition in the order of their sort keys.
   * @param place Below 0 for items before those that are asked for, 0 for these, above 0 for those after them. */
  query(partitionValue: AttributeValue, place: (item: Item) => number): readonly Item[] {
    const ordered = this.inOrder(this.partitions.get(scalarText(partitionValue)));
    const begin = firstIndex(ordered, (item) => place(item) >= 0);
    const end = firstIndex(ordered, (item) => place(item) > 0);
    return ordered.slice(begin, end);
  }

  /** All items: partitions in an order that has nothing to do with their names, as on AWS. */
  scan(): readonly Item[] {
    const partitions = [...this.partitions];
    partitions.sort(([name, { hash }], [other, { hash: otherHash }]) => hash - otherHash || (name < other ? -1 : 1));
    return partitions.flatMap(([, partition]) => this.inOrder(partition));
  }

  /** Orders two items, or keys of items, as reads return them. */
  compare(left: Item, right: Item): number {
    const [partition, otherPartition] = [this.partitionOf(left)!, this.partitionOf(right)!];
    if (partition !== otherPartition) {
      return hash(partition) - hash(otherPartition) || (partition < otherPartition ? -1 : 1);
    }
    return this.compareWithin(left, right);
  }

  private compareWithin(left: Item, right: Item): number {
    const { sortKey } = this.key;
    const order = sortKey === undefined ? 0 : compareValues(left[sortKey]!, right[sortKey]!);
    if (order !== 0 && order !== undefined) return order;
    const [identity, otherIdentity] = [this.identify(left), this.identify(right)];
    return identity === otherIdentity ? 0 : identity < otherIdentity ? -1 : 1;
  }

  get size(): number {
    let count = 0;
    for (const partition of this.partitions.values()) count += partition.items.size;
    return count;
  }

  /** The items of one partition in order, as they are now. */
  private inOrder(partition: Partition | undefined): readonly Item[] {
    if (partition === undefined) return [];
    partition.ordered ??= [...partition.items.values()].sort((left, right) => this.compareWithin(left, right));
    return partition.ordered;
  }

  /** An index shows only items that have its key attributes. */
  private partitionOf(item: Item): string | undefined {
    const partitionValue = getAttribute(item, this.key.partitionKey);
    const isShown =
      partitionValue !== undefined &&
      (this.key.sortKey === undefined || getAttribute(item, this.key.sortKey) !== undefined);
    return isShown ? scalarText(partitionValue) : undefined;
  }
}

/** A table with its indexes. Items in it are never changed, only replaced. */
export class Table {
  readonly items: ItemView;
  private readonly views: ReadonlyMap<string, ItemView>;

  /** @param propagate Shows a write to the global indexes: at once, or later to model their eventual consistency. */
  constructor(
    readonly description: TableDescription,
    readonly createdAtMs: number,
    private readonly propagate: (show: () => void) => void,
  ) {
    const identify = (item: Item): string => this.identity(item);
    this.items = new ItemView(description, identify);
    this.views = new Map(description.indexes.map((index) => [index.name, new ItemView(index, identify)]));
  }

  get(key: Item): Item | undefined {
    return this.items.get(key);
  }

  /** Puts an item in place of the one with the same key. */
  put(item: Item): void {
    this.write(item, item);
  }

  delete(key: Item): void {
    this.write(key, undefined);
  }

  /** The items that an index shows.
   * @throws ServiceError ValidationException when the table has no such index */
  index(name: string): { readonly description: IndexDescription; readonly view: ItemView } {
    const description = this.description.indexes.find((index) => index.name === name);
    if (description === undefined) throw validationError(`The table does not have the specified index: ${name}`);
    return { description, view: this.views.get(name)! };
  }

  /** A text that is the same for the same key only. */
  identity(key: Item): string {
    const { partitionKey, sortKey } = this.description;
    const partition = scalarText(key[partitionKey]!);
    return sortKey === undefined ? partition : `${partition.length}:${partition}${scalarText(key[sortKey]!)}`;
  }

  /** The key attributes of an item. */
  keyOf(item: Item): Item {
    const { partitionKey, sortKey } = this.description;
    return {
      [partitionKey]: item[partitionKey]!,
      ...(sortKey !== undefined && { [sortKey]: item[sortKey]! }),
    };
  }

  /** Checks the key given to name one item: exactly the key attributes, of the right types.
   * @throws ServiceError ValidationException */
  checkKey(key: Item): void {
    const { partitionKey, sortKey, attributeTypes } = this.description;
    const names = sortKey === undefined ? [partitionKey] : [partitionKey, sortKey];
    const fits =
      Object.keys(key).length === names.length &&
      names.every((name) => Object.hasOwn(key, name) && typeOf(key[name]!) === attributeTypes[name]);
    if (!fits) throw validationError('The provided key element does not match the schema');
    this.checkKeyContent(key);
  }

  /** Checks the key attributes within an item, those of the indexes included.
   * @throws ServiceError ValidationException */
  checkItem(item: Item): void {
    const { partitionKey, sortKey, attributeTypes, indexes } = this.description;
    for (const name of sortKey === undefined ? [partitionKey] : [partitionKey, sortKey]) {
      const value = getAttribute(item, name);
      if (value === undefined) {
        throw validationError(`One or more parameter values were invalid: Missing the key ${name} in the item`);
      }
      if (typeOf(value) !== attributeTypes[name]) {
        throw validationError(
          `One or more parameter values were invalid: Type mismatch for key ${name} expected: ${attributeTypes[name]} actual: ${typeOf(value)}`,
        );
      }
    }
    this.checkKeyContent(this.keyOf(item));
    for (const index of indexes) this.checkIndexKey(item, index);
  }

  private write(key: Item, next: Item | undefined): void {
    const previous = this.get(key);
    this.items.replace(previous, next);
    for (const index of this.description.indexes) {
      const show = (): void => this.views.get(index.name)!.replace(previous, next);
      if (index.isGlobal) this.propagate(show);
      else show();
    }
  }

  private checkKeyContent(key: Item): void {
    for (const [name, value] of Object.entries(key)) {
      const content = contentOf(value) as string | Uint8Array;
      const byteCount = typeof content === 'string' ? Buffer.byteLength(content) : content.length;
      if (byteCount === 0) {
        throw validationError(
          `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty ${'B' in value ? 'binary' : 'string'} value. Key: ${name}`,
        );
      }
      const isPartition = name === this.description.partitionKey;
      if (byteCount > (isPartition ? keySizeLimits.partition : keySizeLimits.sort)) {
        throw validationError(
          isPartition
            ? `One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit of ${keySizeLimits.partition} bytes`
            : `One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size limit of ${keySizeLimits.sort} bytes`,
        );
      }
    }
  }

  private checkIndexKey(item: Item, index: IndexDescription): void {
    for (const name of index.sortKey === undefined ? [index.partitionKey] : [index.partitionKey, index.sortKey]) {
      const value = getAttribute(item, name);
      if (value === undefined) continue;
      const expected = this.description.attributeTypes[name];
      if (typeOf(value) !== expected) {
        throw validationError(
          `One or more parameter values were invalid: Type mismatch for Index Key ${name} Expected: ${expected} Actual: ${typeOf(value)} IndexName: ${index.name}`,
        );
      }
      if ((contentOf(value) as { readonly length: number }).length === 0) {
        throw validationError(
          `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: ${index.name}, IndexKey: ${name}`,
        );
      }
    }
  }
}

function scalarText(value: AttributeValue): string {
  const content = contentOf(value);
  return content instanceof Uint8Array ? Buffer.from(content).toString('base64') : String(content);
}

/** FNV-1a. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), 0x01000193);
  return value >>> 0;
}

/** @returns index of the first item that passes, where all after it pass too; the length when none does */
function firstIndex(ordered: readonly Item[], passes: (item: Item) => boolean): number {
  let [low, high] = [0, ordered.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (passes(ordered[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}
