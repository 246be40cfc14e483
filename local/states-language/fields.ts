/** Reads the fields of a definition's objects, and says where one has the wrong type. */
import { isList, isObject, type JsonObject } from './data/json-value';
import type { JsonValue, Problem } from './engine';

/** A definition that cannot be run. */
export class InvalidDefinitionError extends Error {
  constructor(readonly problems: readonly Problem[]) {
    super(
      problems
        .map(({ code, message, location }) => `${code} ${message}, at ${location || 'the definition'}`)
        .join('\n'),
    );
    this.name = 'InvalidDefinition';
  }
}

/** One object of a definition and its place in it. */
export class Fields {
  private constructor(
    readonly value: JsonObject,
    readonly location: string,
  ) {}

  static of(value: JsonValue, location: string): Fields {
    if (!isObject(value)) throw wrongType(location, 'an object', value);
    return new Fields(value, location);
  }

  has(name: string): boolean {
    return this.value[name] !== undefined;
  }

  get(name: string): JsonValue | undefined {
    return this.value[name];
  }

  text(name: string): string | undefined {
    const value = this.value[name];
    if (value === undefined || typeof value === 'string') return value;
    throw wrongType(`${this.location}/${name}`, 'a string', value);
  }

  requiredText(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw missing(`${this.location}/${name}`);
    return value;
  }

  number(name: string): number | undefined {
    const value = this.value[name];
    if (value === undefined || typeof value === 'number') return value;
    throw wrongType(`${this.location}/${name}`, 'a number', value);
  }

  object(name: string): Fields | undefined {
    const value = this.value[name];
    return value === undefined ? undefined : Fields.of(value, `${this.location}/${name}`);
  }

  requiredObject(name: string): Fields {
    const fields = this.object(name);
    if (fields === undefined) throw missing(`${this.location}/${name}`);
    return fields;
  }

  list(name: string): readonly Fields[] {
    const value = this.value[name];
    if (value === undefined) return [];
    const location = `${this.location}/${name}`;
    if (!isList(value)) throw wrongType(location, 'an array', value);
    return value.map((item, index) => Fields.of(item, `${location}/${index}`));
  }

  texts(name: string): readonly string[] {
    const value = this.value[name];
    if (value === undefined) return [];
    const location = `${this.location}/${name}`;
    if (!isList(value)) throw wrongType(location, 'an array of strings', value);
    return value.map((item, index) => {
      if (typeof item !== 'string') throw wrongType(`${location}/${index}`, 'a string', item);
      return item;
    });
  }

  /** One of a few words. */
  word<Word extends string>(name: string, words: readonly Word[]): Word | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const word = words.find((candidate) => candidate === value);
    if (word === undefined) throw wrongType(`${this.location}/${name}`, `one of ${words.join(', ')}`, value);
    return word;
  }
}

/** The error for a field whose value cannot be used. */
export function wrongType(location: string, allowed: string, value: JsonValue): InvalidDefinitionError {
  const got = JSON.stringify(value).slice(0, 200);
  return new InvalidDefinitionError([
    { severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message: `Expected ${allowed} but got ${got}`, location },
  ]);
}

function missing(location: string): InvalidDefinitionError {
  return new InvalidDefinitionError([
    { severity: 'ERROR', code: 'SCHEMA_VALIDATION_FAILED', message: 'The field is required', location },
  ]);
}
