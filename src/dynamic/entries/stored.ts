/**
 * What entries of the store remember of dynamic linking, as JSON in their record under `dynamic`.
 *
 * Whoever may write to the bpf file system may have put anything there: every field is checked, and what does not fit
 * is an error with a code, never believed.
 */

import { inputError, RootletError } from '../../diag/index.ts';
import { kindNameOf } from '../../object/index.ts';
import type { JsonObject, JsonValue, StoreEntry } from '../../store/index.ts';
import type { Binding, DynamicBindRequest } from '../bind/index.ts';

/** A program array of a provider, and what is in it by entry. */
export interface StoredArray {
  readonly kind: string;
  readonly progType: number;
  readonly attachType: number;
  readonly flags: number;
  readonly functions: readonly string[];
}

export interface StoredReplacement {
  readonly function: string;
  readonly kind: string;
}

/** A replacement in a stub of the entry; the link is pinned under the name that `stubLinkName` gives. */
export interface StoredStub {
  readonly extern: string;
  readonly program: string;
  readonly stub: 'a' | 'b';
}

export interface StoredDynamic {
  readonly bindings: readonly Binding[];
  /** What the caller asked for, for externs that are not bound yet. */
  readonly requests: readonly DynamicBindRequest[];
  readonly arrays: readonly StoredArray[];
  readonly replacements: readonly StoredReplacement[];
  readonly stubs: readonly StoredStub[];
}

export const NOTHING_STORED: StoredDynamic = {
  bindings: [],
  requests: [],
  arrays: [],
  replacements: [],
  stubs: [],
};

/** Names of pins beside those of the object itself. `:` is in no name of C. */
export const pinNames = {
  array: (kind: string): string => `slots:${kind}`,
  member: (kind: string, name: string): string => `slots:${kind}:${name}`,
  replacement: (kind: string, name: string): string => `replace:${kind}:${name}`,
  stub: ({ extern, program, stub }: StoredStub): string => `stub:${program}:${extern}:${stub}`,
};

/** The name of a pin as words: `judge (in slots of xdp programs)`; other names come back as they are. */
export function describePin(name: string): string {
  const [role = '', key = '', member] = name.split(':');
  const kind = kindNameOf(key);
  if (role === 'slots' && key !== '')
    return member === undefined ? `slots of ${kind} programs` : `${member} (in slots of ${kind} programs)`;
  return role === 'replace' && member !== undefined ? `${member} (replaces in ${kind} programs)` : name;
}

/** Whether a pin of an entry is not of the object itself. */
export function isDynamicPin(name: string): boolean {
  return name.includes(':');
}

export function encodeDynamic(stored: StoredDynamic): JsonObject {
  return JSON.parse(JSON.stringify(stored)) as JsonObject; // plain data without undefined comes back as itself
}

/** What an entry's record says; nothing when it has none. Throws `dynamic-record`. */
export function decodeDynamic(data: JsonObject): StoredDynamic {
  const stored = fieldOf(data, 'dynamic');
  if (stored === undefined) return NOTHING_STORED;
  const fields = objectOf(stored);
  return {
    bindings: listOf(fields, 'bindings').map(bindingFrom),
    requests: listOf(fields, 'requests').map(requestFrom),
    arrays: listOf(fields, 'arrays').map(arrayFrom),
    replacements: listOf(fields, 'replacements').map(entry => ({
      function: textOf(entry, 'function'),
      kind: textOf(entry, 'kind'),
    })),
    stubs: listOf(fields, 'stubs').map(stubFrom),
  };
}

/** Bindings of an entry; undefined when its record cannot be read. */
export function readBindings(entry: StoreEntry): readonly Binding[] | undefined {
  try {
    return decodeDynamic(entry.record.data).bindings;
  } catch (error) {
    if (error instanceof RootletError) return undefined;
    throw error;
  }
}

function bindingFrom(fields: JsonObject): Binding {
  const slot = fieldOf(fields, 'slot');
  return {
    extern: textOf(fields, 'extern'),
    kind: oneOf(textOf(fields, 'kind'), ['function', 'variable', 'map']),
    provider: textOf(fields, 'provider'),
    target: textOf(fields, 'target'),
    via: oneOf(textOf(fields, 'via'), ['ext', 'tail', 'copy', 'share', 'none']),
    reason: textOf(fields, 'reason'),
    by: oneOf(textOf(fields, 'by'), ['request', 'tag', 'named', 'registered', 'provider']),
    of: textOf(fields, 'of'),
    slot: slot === null || slot === undefined ? null : slotFrom(objectOf(slot)),
  };
}

function slotFrom(fields: JsonObject): NonNullable<Binding['slot']> {
  return {
    array: textOf(fields, 'array'),
    entry: countOf(fields, 'entry'),
    kind: textOf(fields, 'kind'),
    progType: countOf(fields, 'progType'),
    attachType: countOf(fields, 'attachType'),
    flags: countOf(fields, 'flags'),
    own: fieldOf(fields, 'own') === true,
  };
}

function requestFrom(fields: JsonObject): DynamicBindRequest {
  const provider = fieldOf(fields, 'provider');
  return {
    extern: textOf(fields, 'extern'),
    target: textOf(fields, 'target'),
    ...(typeof provider === 'string' ? { provider } : {}),
  };
}

function arrayFrom(fields: JsonObject): StoredArray {
  const functions = fieldOf(fields, 'functions');
  if (!Array.isArray(functions) || functions.some(name => typeof name !== 'string'))
    throw damaged('functions');
  return {
    kind: textOf(fields, 'kind'),
    progType: countOf(fields, 'progType'),
    attachType: countOf(fields, 'attachType'),
    flags: countOf(fields, 'flags'),
    functions: functions.map(String),
  };
}

function stubFrom(fields: JsonObject): StoredStub {
  return {
    extern: textOf(fields, 'extern'),
    program: textOf(fields, 'program'),
    stub: oneOf(textOf(fields, 'stub'), ['a', 'b']),
  };
}

// --- fields -------------------------------------------------------------------------------------------------------

/** Own properties only: names in a record are somebody else's. */
function fieldOf(fields: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function objectOf(value: JsonValue): JsonObject {
  if (typeof value !== 'object' || value === null || isList(value)) throw damaged('an entry');
  return value;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function listOf(fields: JsonObject, name: string): JsonObject[] {
  const value = fieldOf(fields, name);
  if (value === undefined || !isList(value)) throw damaged(name);
  return value.map(objectOf);
}

function textOf(fields: JsonObject, name: string): string {
  const value = fieldOf(fields, name);
  if (typeof value !== 'string') throw damaged(name);
  return value;
}

function countOf(fields: JsonObject, name: string): number {
  const value = fieldOf(fields, name);
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw damaged(name);
  return value;
}

function oneOf<T extends string>(value: string, known: readonly T[]): T {
  const found = known.find(candidate => candidate === value);
  if (found === undefined) throw damaged(value);
  return found;
}

function damaged(what: string): RootletError {
  return inputError('dynamic-record', [], `what the record says of bindings cannot be read ("${what}")`, {
    hint: 'another version of rootlet made it: use that one, or unload the object with --force',
  });
}
