/**
 * Shapes of values in documents: each checks nodes and is its own JSON schema, so that the two cannot differ.
 *
 * Separate from the format, which is a table of these. A shape reports all that is wrong with a value, and
 * returns undefined only then.
 */

import { available, didYouMean, type Problem, problem, quote } from '../../diag/index.ts';
import { type Place, placeText, type YamlEntry, type YamlNode } from './yaml.ts';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Shape<T> {
  readonly schema: JsonSchema;
  read(node: YamlNode, at: At): T | undefined;
}

/** Where a value is in its document, and where problems go. */
export interface At {
  /** As `members[2].on`; empty for the document. */
  readonly path: string;
  readonly problems: Problem[];
}

/** A key of a record. */
export interface Field<T, Required extends boolean = boolean> {
  readonly shape: Shape<T>;
  readonly isRequired: Required;
  readonly description: string;
}

export type Fields = Readonly<Record<string, Field<unknown>>>;

type ValueOf<F> = F extends Field<infer T, true> ? T : F extends Field<infer T> ? T | undefined : never;
type Values<F extends Fields> = { readonly [K in keyof F]: ValueOf<F[K]> };

/** A record with the places of its values. */
export type Located<T> = T & {
  readonly path: string;
  readonly place: Place;
  /** By key; a key that is left out is not in it. */
  readonly places: ReadonlyMap<string, Place>;
};

export function required<T>(shape: Shape<T>, description: string): Field<T, true> {
  return { shape, isRequired: true, description };
}

export function optional<T>(shape: Shape<T>, description: string): Field<T, false> {
  return { shape, isRequired: false, description };
}

/** Reports a value that is not what is expected. */
export function refuse(node: YamlNode, { path, problems }: At, expected: string, hint?: string): undefined {
  const message = `is ${describe(node)}, not ${expected}`;
  const extras = { subject: path, ...(hint === undefined ? emptyHint(node) : { hint }) };
  problems.push(problem('chain-document-value', [placeText(node.place), path], message, extras));
}

function emptyHint(node: YamlNode): { readonly hint?: string } {
  return node.kind === 'scalar' && node.value === null ? { hint: 'leave the key out, or give a value' } : {};
}

export function describe(node: YamlNode): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a mapping';
  if (node.value === null) return 'empty';
  return typeof node.value === 'string' ? quote(node.value) : String(node.value);
}

// --- scalars ------------------------------------------------------------------------------------------------------

/** Text that matches `pattern`, a regular expression of JavaScript and JSON Schema alike. */
export function text(expected: string, pattern: string): Shape<string> {
  const expression = new RegExp(pattern, 'u');
  return {
    schema: { type: 'string', pattern },
    read(node, at) {
      const isText = node.kind === 'scalar' && typeof node.value === 'string';
      if (isText && expression.test(node.value)) return node.value;
      const isOther = node.kind === 'scalar' && node.value !== null && !isText;
      return refuse(
        node,
        at,
        expected,
        isOther ? 'text that looks like another value needs quotes' : undefined,
      );
    },
  };
}

/** One of several words. */
export function word<const W extends string>(words: readonly W[]): Shape<W> {
  return {
    schema: { type: 'string', enum: words },
    read(node, at) {
      const value = node.kind === 'scalar' ? node.value : null;
      const found = words.find(one => one === value);
      if (found !== undefined) return found;
      const similar = typeof value === 'string' ? didYouMean(value, words) : {};
      return refuse(node, at, `one of ${words.map(quote).join(', ')}`, similar.hint);
    },
  };
}

/** A whole number; both limits are valid. */
export function integer(least: number, most: number): Shape<number> {
  return {
    schema: { type: 'integer', minimum: least, maximum: most },
    read(node, at) {
      const value = node.kind === 'scalar' ? node.value : null;
      if (typeof value === 'bigint' && value >= least && value <= most) return Number(value);
      return refuse(node, at, `a whole number from ${least} to ${most}`);
    },
  };
}

export function flag(): Shape<boolean> {
  return {
    schema: { type: 'boolean' },
    read(node, at) {
      if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value;
      return refuse(node, at, 'true or false');
    },
  };
}

// --- collections --------------------------------------------------------------------------------------------------

/** `example` is shown where something else is given. */
export function list<T>(item: Shape<T>, example: string): Shape<readonly T[]> {
  return {
    schema: { type: 'array', items: item.schema },
    read(node, at) {
      if (node.kind !== 'list') return refuse(node, at, 'a list', `as in ${example}`);
      return node.items.flatMap((one, position) => {
        const read = item.read(one, { ...at, path: `${at.path}[${position}]` });
        return read === undefined ? [] : [read];
      });
    },
  };
}

/** Any names, each with a value. `example` is shown where something else is given. */
export function table<T>(value: Shape<T>, example: string): Shape<ReadonlyMap<string, T>> {
  return {
    schema: { type: 'object', additionalProperties: value.schema },
    read(node, at) {
      if (node.kind !== 'record') return refuse(node, at, 'a mapping of names to values', `as in ${example}`);
      return new Map(
        node.entries.flatMap(entry => {
          const read = value.read(entry.value, { ...at, path: joined(at.path, entry.key) });
          return read === undefined ? [] : [[entry.key, read] as const];
        }),
      );
    },
  };
}

/** A value, or a list of them. */
export function oneOrMore<T>(item: Shape<T>, example: string): Shape<readonly T[]> {
  const several = list(item, example);
  return {
    schema: { oneOf: [item.schema, several.schema] },
    read(node, at) {
      if (node.kind === 'list') return several.read(node, at);
      const one = item.read(node, at);
      return one === undefined ? undefined : [one];
    },
  };
}

/** A table whose names have a form: a regular expression of JavaScript and JSON Schema alike. */
export function named<T>(
  values: Shape<ReadonlyMap<string, T>>,
  pattern: string,
  expected: string,
): Shape<ReadonlyMap<string, T>> {
  const expression = new RegExp(pattern, 'u');
  return {
    schema: { ...values.schema, propertyNames: { pattern } },
    read(node, at) {
      const read = values.read(node, at);
      const other =
        node.kind === 'record' ? node.entries.find(({ key }) => !expression.test(key)) : undefined;
      if (other === undefined) return read;
      const path = joined(at.path, other.key);
      const message = `${quote(other.key)} is not ${expected}`;
      at.problems.push(
        problem('chain-document-key', [placeText(other.place), path], message, { subject: path }),
      );
      return undefined;
    },
  };
}

/** Exactly these keys. `what` names it, as in `a member`. */
export function record<F extends Fields>(what: string, fields: F): Shape<Located<Values<F>>> {
  const keys = Object.keys(fields);
  return {
    schema: recordSchema(fields),
    read(node, at) {
      if (node.kind !== 'record') return refuse(node, at, `${what} with ${available('the keys', keys)}`);
      const values = new Map(
        node.entries.flatMap(entry => {
          const field = Object.hasOwn(fields, entry.key) ? fields[entry.key] : undefined;
          if (field === undefined) return unknownKey(entry, at, what, keys);
          const read = field.shape.read(entry.value, { ...at, path: joined(at.path, entry.key) });
          return [[entry.key, read] as const];
        }),
      );
      const missing = keys.filter(key => fields[key]?.isRequired === true && !values.has(key));
      for (const key of missing) at.problems.push(missingKey(node, at, what, key));
      const bad = keys.some(key => fields[key]?.isRequired === true && values.get(key) === undefined);
      if (bad) return undefined;
      const { place } = node;
      const places = new Map(node.entries.map(entry => [entry.key, entry.value.place]));
      const found = { ...Object.fromEntries(values), path: at.path, place, places };
      // every key that is required has the value that its shape returned
      return found as Located<Values<F>>;
    },
  };
}

function recordSchema(fields: Fields): JsonSchema {
  const described = Object.entries(fields).map(([key, { shape, description }]) => {
    return [key, { ...shape.schema, description }];
  });
  return {
    type: 'object',
    properties: Object.fromEntries(described),
    required: Object.entries(fields).flatMap(([key, { isRequired }]) => (isRequired ? [key] : [])),
    additionalProperties: false,
  };
}

function unknownKey({ key, place }: YamlEntry, at: At, what: string, keys: readonly string[]): [] {
  const path = joined(at.path, key);
  const extras = { subject: path, ...didYouMean(key, keys, available('its keys are', keys)) };
  const message = `${quote(key)} is not a key of ${what}`;
  at.problems.push(problem('chain-document-key', [placeText(place), path], message, extras));
  return [];
}

function missingKey(node: YamlNode, { path }: At, what: string, key: string): Problem {
  const where = [placeText(node.place), ...(path === '' ? [] : [path])];
  const subject = joined(path, key);
  return problem('chain-document-key', where, `${what} needs the key ${quote(key)}`, { subject });
}

function joined(path: string, key: string): string {
  const shown = /^[\p{L}\p{N}_.:$-]+$/u.test(key) ? key : quote(key);
  return path === '' ? shown : `${path}.${shown}`;
}
