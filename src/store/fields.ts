/**
 * The reader of JSON in records, which anyone who may write to the bpf file system may have written.
 *
 * The rule: own properties only; a field that the format has and that is missing or of another type is
 * damage, an error with the code of the record's owner, and never a default. Fields that the format does not
 * have are ignored: a record that a reader cannot understand has another version. A field that came later may
 * be missing where its owner states so. Only listings, which show what is there, read leniently (`fieldsOf`,
 * `textOf`).
 */

import type { RootletError } from '../diag/index.ts';

/** A value of a JSON document. */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
/** An object of a JSON document. */
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/** What a field should have been. `word`: one of the words of the format; the name is then what is there. */
export type Wanted = 'text' | 'count' | 'list' | 'object' | 'word';

/** The error of the record's owner. */
export type Damaged = (name: string, wanted: Wanted) => RootletError;

export function isList(value: JsonValue | undefined): value is readonly JsonValue[] {
  return Array.isArray(value);
}

export function isObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number from 0; `name` is for the error. */
export function countFrom(value: JsonValue | undefined, name: string, damaged: Damaged): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw damaged(name, 'count');
  return value;
}

/** The fields of one object. */
export class Fields {
  readonly #fields: JsonObject;
  readonly #damaged: Damaged;

  private constructor(fields: JsonObject, damaged: Damaged) {
    this.#fields = fields;
    this.#damaged = damaged;
  }

  /** Throws what `damaged` makes when the value is not an object. */
  static of(value: JsonValue | undefined, name: string, damaged: Damaged): Fields {
    if (!isObject(value)) throw damaged(name, 'object');
    return new Fields(value, damaged);
  }

  /** The value as it is; undefined when the object has no such property of its own. */
  get(name: string): JsonValue | undefined {
    return Object.hasOwn(this.#fields, name) ? this.#fields[name] : undefined;
  }

  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== 'string') throw this.#damaged(name, 'text');
    return value;
  }

  textOrNull(name: string): string | null {
    return this.get(name) === null ? null : this.text(name);
  }

  /** A text that is one of the words. */
  word<T extends string>(name: string, words: readonly T[]): T {
    const text = this.text(name);
    const found = words.find(word => word === text);
    if (found === undefined) throw this.#damaged(text, 'word');
    return found;
  }

  count(name: string): number {
    return countFrom(this.get(name), name, this.#damaged);
  }

  countOrNull(name: string): number | null {
    return this.get(name) === null ? null : this.count(name);
  }

  /** Whether the field is there and true. */
  flag(name: string): boolean {
    return this.get(name) === true;
  }

  list(name: string): readonly JsonValue[] {
    const value = this.get(name);
    if (!isList(value)) throw this.#damaged(name, 'list');
    return value;
  }

  texts(name: string): readonly string[] {
    return this.list(name).map(value => {
      if (typeof value !== 'string') throw this.#damaged(name, 'text');
      return value;
    });
  }

  object(name: string): Fields {
    return Fields.of(this.get(name), name, this.#damaged);
  }

  objects(name: string): Fields[] {
    return this.list(name).map(value => Fields.of(value, name, this.#damaged));
  }
}

/** An object's fields; none for everything else. For listings. */
export function fieldsOf(value: JsonValue | undefined): JsonObject {
  return isObject(value) ? value : {};
}

/** '' for everything that is not text. For listings. */
export function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
