/**
 * What entries of the store remember of dynamic linking, as JSON in their record under `dynamic`.
 *
 * Records are untrusted data of the bpf file system: every field is checked, and a mismatch is an error with
 * a code.
 */

import { inputError, RootletError } from '../../diag/index.ts';
import { kindNameOf } from '../../object/index.ts';
import { Fields, type JsonObject, type StoreEntry, type Wanted } from '../../store/index.ts';
import type { Binding, DynamicBindRequest } from '../bind/index.ts';
import { BINDING_BACK_ENDS } from '../bind/index.ts';

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
  /** What the caller requested, for externs that are not bound yet. */
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
  /** What fills a slot of the entry's own array. */
  own: (extern: string): string => `own:${extern}`,
  stub: ({ extern, program, stub }: StoredStub): string => `stub:${program}:${extern}:${stub}`,
};

/** The name of a pin as words: `judge (in slots of xdp programs)`; other names come back as they are. */
export function describePin(name: string): string {
  const [role = '', key = '', member] = name.split(':');
  if (role === 'own' && key !== '') return `${key} (in its own slot)`;
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

/** The bindings in an entry's record; empty if it has none. Throws `dynamic-record`. */
export function decodeDynamic(data: JsonObject): StoredDynamic {
  const { dynamic: stored } = data;
  if (stored === undefined) return NOTHING_STORED;
  const fields = Fields.of(stored, 'dynamic', damaged);
  return {
    bindings: fields.objects('bindings').map(bindingFrom),
    requests: fields.objects('requests').map(requestFrom),
    arrays: fields.objects('arrays').map(arrayFrom),
    replacements: fields.objects('replacements').map(entry => ({
      function: entry.text('function'),
      kind: entry.text('kind'),
    })),
    stubs: fields.objects('stubs').map(stubFrom),
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

function bindingFrom(fields: Fields): Binding {
  const slot = fields.get('slot');
  return {
    extern: fields.text('extern'),
    kind: fields.word('kind', ['function', 'variable', 'map']),
    provider: fields.text('provider'),
    target: fields.text('target'),
    via: fields.word('via', [...BINDING_BACK_ENDS, 'share', 'none'] as const),
    reason: fields.text('reason'),
    by: fields.word('by', ['request', 'tag', 'named', 'registered', 'provider']),
    of: fields.text('of'),
    slot: slot === null || slot === undefined ? null : slotFrom(fields.object('slot')),
  };
}

function slotFrom(fields: Fields): NonNullable<Binding['slot']> {
  return {
    array: fields.text('array'),
    entry: fields.count('entry'),
    kind: fields.text('kind'),
    progType: fields.count('progType'),
    attachType: fields.count('attachType'),
    flags: fields.count('flags'),
    own: fields.flag('own'),
  };
}

function requestFrom(fields: Fields): DynamicBindRequest {
  const provider = fields.get('provider');
  return {
    extern: fields.text('extern'),
    target: fields.text('target'),
    ...(typeof provider === 'string' ? { provider } : {}),
  };
}

function arrayFrom(fields: Fields): StoredArray {
  return {
    kind: fields.text('kind'),
    progType: fields.count('progType'),
    attachType: fields.count('attachType'),
    flags: fields.count('flags'),
    functions: fields.texts('functions'),
  };
}

function stubFrom(fields: Fields): StoredStub {
  return {
    extern: fields.text('extern'),
    program: fields.text('program'),
    stub: fields.word('stub', ['a', 'b']),
  };
}

/** Objects are entries of lists: their own names say nothing. */
function damaged(name: string, wanted: Wanted): RootletError {
  const what = wanted === 'object' ? 'an entry' : name;
  return inputError('dynamic-record', [], `the bindings in the record cannot be read ("${what}")`, {
    hint: 'it was written by another version of rootlet: use that one, or unload the object with --force',
  });
}
