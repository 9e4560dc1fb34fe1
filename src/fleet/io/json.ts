/**
 * JSON from outside as checked values: manifests, records and policies are hostile. A shape returns the value or throws
 * `Misfit` with the path; what has no shape is not read. Separate from YAML documents, whose values have places.
 */

/** What is wrong with a value, and where. */
export class Misfit extends Error {
  readonly path: string;

  constructor(path: string, message: string) {
    super(path === '' ? message : `${path}: ${message}`);
    this.path = path;
  }
}

export type JsonShape<T> = (value: unknown, path: string) => T;

type ValuesOf<S> = { readonly [K in keyof S]: S[K] extends JsonShape<infer T> ? T : never };

/** These keys; others are ignored, so that later versions may add some. Tables without prototype are not made. */
export function object<S extends Readonly<Record<string, JsonShape<unknown>>>>(
  shapes: S,
): JsonShape<ValuesOf<S>> {
  return (value, path) => {
    const record = recordOf(value, path);
    const entries = Object.entries(shapes).map(([key, shape]) => {
      const found = Object.hasOwn(record, key) ? record[key] : undefined;
      return [key, shape(found, path === '' ? key : `${path}.${key}`)] as const;
    });
    // each key has the value that its shape returned
    return Object.fromEntries(entries) as ValuesOf<S>;
  };
}

function recordOf(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Misfit(path, 'is not an object');
  return value as Readonly<Record<string, unknown>>; // checked
}

export function text(most = 1024, pattern?: RegExp): JsonShape<string> {
  return (value, path) => {
    if (typeof value !== 'string') throw new Misfit(path, 'is not a text');
    if (value.length > most) throw new Misfit(path, `has more than ${most} characters`);
    if (pattern !== undefined && !pattern.test(value)) throw new Misfit(path, 'has another form');
    return value;
  };
}

export function integer(least = 0, most = Number.MAX_SAFE_INTEGER): JsonShape<number> {
  return (value, path) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new Misfit(path, `is not a whole number from ${least} to ${most}`);
  };
}

export function number(least: number, most: number): JsonShape<number> {
  return (value, path) => {
    if (typeof value === 'number' && value >= least && value <= most) return value;
    throw new Misfit(path, `is not a number from ${least} to ${most}`);
  };
}

export function flag(): JsonShape<boolean> {
  return (value, path) => {
    if (typeof value === 'boolean') return value;
    throw new Misfit(path, 'is not true or false');
  };
}

export function word<const W extends string>(words: readonly W[]): JsonShape<W> {
  return (value, path) => {
    const found = words.find(one => one === value);
    if (found !== undefined) return found;
    throw new Misfit(path, `is not one of ${words.join(', ')}`);
  };
}

export function list<T>(item: JsonShape<T>, most: number): JsonShape<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new Misfit(path, 'is not a list');
    if (value.length > most) throw new Misfit(path, `has more than ${most} values`);
    return value.map((one, at) => item(one, `${path}[${at}]`));
  };
}

export function table<T>(value: JsonShape<T>, most: number): JsonShape<ReadonlyMap<string, T>> {
  return (found, path) => {
    const entries = Object.entries(recordOf(found, path));
    if (entries.length > most) throw new Misfit(path, `has more than ${most} keys`);
    return new Map(entries.map(([key, one]) => [key, value(one, `${path}.${key.slice(0, 64)}`)]));
  };
}

export function nullable<T>(shape: JsonShape<T>): JsonShape<T | null> {
  return (value, path) => (value === null ? null : shape(value, path));
}

/** A key that may be left out. */
export function optional<T>(shape: JsonShape<T>): JsonShape<T | undefined> {
  return (value, path) => (value === undefined ? undefined : shape(value, path));
}

/** As `optional`, with a value for what is left out. */
export function otherwise<T>(shape: JsonShape<T>, value: T): JsonShape<T> {
  return (found, path) => (found === undefined ? value : shape(found, path));
}

/** The value of a text. Throws `Misfit`. */
export function parseJson<T>(text: string, shape: JsonShape<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Misfit('', 'is not JSON');
  }
  return shape(value, '');
}
