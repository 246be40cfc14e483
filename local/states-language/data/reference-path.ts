/** Reference paths: where ResultPath puts a result in a state's input. */
import type { JsonValue } from '../engine';
import { JsonPath, type Place } from './json-path';
import { StatesError, SyntaxProblem } from './states-error';

/** A path that names exactly one place of the input: `$`, `$.order.receipt`, `$.lines[0]`. */
export class ReferencePath {
  private constructor(
    readonly text: string,
    private readonly places: readonly Place[],
  ) {}

  /** @throws SyntaxProblem when the path could name several places, or one outside the input */
  static parse(text: string): ReferencePath {
    const { places } = JsonPath.parse(text);
    if (places === undefined) {
      throw new SyntaxProblem(`'${text}' is not a reference path: it must name one place of the input`);
    }
    return new ReferencePath(text, places);
  }

  /** Puts a value into a copy of the input. Missing objects on the way are made; what is there and is not an object gives way.
   * @throws StatesError States.ResultPathMatchFailure when the path leads through a list that has no such position */
  insert(input: JsonValue, value: JsonValue): JsonValue {
    return this.insertAt(input, 0, value);
  }

  private insertAt(target: JsonValue | undefined, depth: number, value: JsonValue): JsonValue {
    const place = this.places[depth];
    if (place === undefined) return value;
    if (place.kind === 'index') {
      if (!Array.isArray(target) || place.index >= target.length) throw this.mismatch(target);
      const list = target as readonly JsonValue[];
      return list.with(place.index, this.insertAt(list[place.index], depth + 1, value));
    }
    if (Array.isArray(target)) throw this.mismatch(target);
    const object =
      typeof target === 'object' && target !== null ? (target as { readonly [name: string]: JsonValue }) : {};
    const existing = Object.hasOwn(object, place.name) ? object[place.name] : undefined;
    const entries: [string, JsonValue][] = [[place.name, this.insertAt(existing, depth + 1, value)]];
    return place.name === '__proto__'
      ? Object.fromEntries([...Object.entries(object), ...entries])
      : { ...object, ...Object.fromEntries(entries) };
  }

  private mismatch(target: JsonValue | undefined): StatesError {
    const shown = JSON.stringify(target ?? null);
    return new StatesError(
      'States.ResultPathMatchFailure',
      `Unable to apply ReferencePath ${this.text} to input ${shown}`,
    );
  }
}
