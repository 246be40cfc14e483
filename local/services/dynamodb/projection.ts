/** Takes the parts of an item that a projection names. */
import { copyValue, getAttribute, setAttribute, type AttributeValue, type Item } from './attribute-value';
import type { Path } from './placeholders';

/** Names and indexes that are wanted below one place; an empty tree means all of it. */
type Wanted = Map<string | number, Wanted>;

/** Copies the parts of an item at the given paths. Lists keep the order of their elements, without gaps. */
export function project(item: Item, paths: readonly Path[]): Item {
  const wanted: Wanted = new Map();
  for (const path of paths) {
    let place = wanted;
    for (const part of path) {
      const below: Wanted = place.get(part) ?? new Map();
      place.set(part, below);
      place = below;
    }
  }
  const members = projectMembers(item, wanted);
  return members ?? {};
}

function projectMembers(item: Item, wanted: Wanted): Item | undefined {
  const projected: Record<string, AttributeValue> = {};
  for (const [name, below] of wanted) {
    const value = typeof name === 'string' ? getAttribute(item, name) : undefined;
    const part = value && projectValue(value, below);
    if (part !== undefined) setAttribute(projected, name as string, part);
  }
  return Object.keys(projected).length === 0 ? undefined : projected;
}

function projectValue(value: AttributeValue, wanted: Wanted): AttributeValue | undefined {
  if (wanted.size === 0) return copyValue(value);
  if ('M' in value) {
    const members = projectMembers(value.M, wanted);
    return members && { M: members };
  }
  if (!('L' in value)) return undefined;
  const elements = [...wanted]
    .filter(([index]) => typeof index === 'number')
    .sort(([left], [right]) => Number(left) - Number(right))
    .flatMap(([index, below]) => {
      const element = value.L[index as number];
      const part = element && projectValue(element, below);
      return part === undefined ? [] : [part];
    });
  return elements.length === 0 ? undefined : { L: elements };
}
