/**
 * Steps that the commands share which load objects: reading and linking what they are given, options for the
 * loader, the store. Command bodies combine these steps; nothing here depends on the command.
 */

import { dirname } from 'node:path';
import { given } from '../../src/bytes/index.ts';
import { recoverChains } from '../../src/chain/index.ts';
import {
  afterChange,
  available,
  didYouMean,
  type Happened,
  type Limits,
  type ProblemCode,
  quote,
  quoteAll,
  RootletError,
  shellWord,
  usageError,
} from '../../src/diag/index.ts';
import { consumersOf } from '../../src/dynamic/index.ts';
import { BpfMap, type Sys } from '../../src/kernel/index.ts';
import { type LinkInput, link, notLoadedTailCalls } from '../../src/link/index.ts';
import {
  type KernelTypes,
  type LoadedObject,
  type LoadOptions,
  type LoadPlan,
  type MapPlan,
  objectBaseName,
  openKernelTypes,
  type PreparedLoad,
  prepareOptimized,
} from '../../src/load/index.ts';
import {
  type BpfObject,
  faultsOf,
  InputObject,
  programsOf,
  staticChoice,
  stripDataSections,
  withProgramTypes,
  writeObject,
} from '../../src/object/index.ts';
import {
  type BrokenEntry,
  bpffsMountOf,
  DEFAULT_STORE_ROOT,
  describeEntry,
  type EntryKind,
  type Guard,
  openPin,
  requireBpffs,
  requireUnused,
  Store,
  type StoreEntry,
  usersOf,
} from '../../src/store/index.ts';
import type { Context } from '../io/context.ts';
import { readInputs, readObjectFiles } from '../io/files.ts';
import { listFlag } from './edit.ts';
import { type LimitFlags, LOAD_LIMITS, limitsFlag, parseLimits } from './limits.ts';
import { type LoadOptimizeFlags, loadOptimizeFlags, parseLoadOptimize } from './optimize.ts';
import { extraPinsOf, removeExtraPins } from './pinning.ts';
import { parseSettings, splitPair } from './set-values.ts';
import { maxEntriesFlag, parseMaxEntries } from './sizes.ts';
import { type GivenTypes, TYPE_FLAG } from './types.ts';

// --- store --------------------------------------------------------------------------------------------------------

export interface StoreFlags {
  readonly bpffs?: string;
}

export const STORE_FLAGS = {
  bpffs: {
    kind: 'parsed',
    parse: String,
    optional: true,
    brief: `Store directory on a bpf file system (default: $ROOTLET_BPFFS, else ${DEFAULT_STORE_ROOT})`,
    placeholder: 'DIR',
  },
} as const;

/** Reasons why an entry must stay; layers above add theirs. */
export const GUARDS: readonly Guard[] = [consumersOf];

export function openStore(context: Context, flags: StoreFlags, sys: Sys): Store {
  return Store.open(sys, storeRoot(context, flags), { hasHappened: recoverLeft });
}

/** Directory of the store. */
export function storeRoot(context: Context, flags: StoreFlags): string {
  const { ROOTLET_BPFFS: fromEnvironment } = context.process.env ?? {};
  return flags.bpffs ?? (fromEnvironment === '' ? undefined : fromEnvironment) ?? DEFAULT_STORE_ROOT;
}

/**
 * Where maps are pinned by name, for a store in `root`. A plan does not need that anything is mounted there, or that
 * this user may look at it.
 */
function pinRootOf(root: string): string {
  try {
    requireBpffs(root);
    return bpffsMountOf(root);
  } catch (error) {
    if (error instanceof RootletError) return dirname(root);
    throw error;
  }
}

/** A killed load leaves the pins of --pin as well, which its record lists. */
function recoverLeft(left: StoreEntry, store: Store): boolean {
  const happened = recoverChains(left, store);
  if (!happened) removeExtraPins(store.sys, extraPinsOf(left));
  return happened;
}

/** Throws `store-name-taken`. */
export function requireFree(store: Store, kind: EntryKind, name: string): void {
  if (store.peek(kind, name) === undefined) return;
  throw usageError('store-name-taken', `there is ${article(kind)} ${quote(name)} already`, {
    hint: `"rootlet replace ${shellWord(name)} FILE" replaces it with a new version; --name N keeps this one under another name`,
  });
}

function article(kind: EntryKind): string {
  return kind === 'object' ? 'a loaded object' : 'an attachment';
}

/** The entry, broken or not. Throws `store-no-entry`, naming what there is. */
export function requireEntry(store: Store, kind: EntryKind, name: string): StoreEntry | BrokenEntry {
  const entry = store.peek(kind, name);
  if (entry !== undefined) return entry;
  const names = store.list().flatMap(other => (kindOf(other) === kind ? [other.name] : []));
  const there = available('there are', names);
  const other = kind === 'object' ? 'hook' : 'object';
  const elsewhere = store.peek(other, name) !== undefined;
  const command = other === 'hook' ? 'detach' : 'unload';
  throw usageError(
    'store-no-entry',
    `there is no ${kind === 'object' ? 'loaded object' : 'attachment'} ${quote(name)}`,
    {
      hint: elsewhere
        ? `there is ${article(other)} of this name: "rootlet ${command} ${shellWord(name)}"`
        : there,
    },
  );
}

/** The kind of the entry that `replace` is about. Throws `store-no-entry`, `store-ambiguous`. */
export function requireReplaceable(store: Store, name: string): EntryKind {
  const kinds = (['hook', 'object'] as const).filter(kind => store.peek(kind, name) !== undefined);
  const [kind, other] = kinds;
  if (other !== undefined)
    throw usageError('store-ambiguous', `${quote(name)} is an attachment and a loaded object`, {
      hint: `specify which one: hooks/${name} or objects/${name}`,
    });
  if (kind !== undefined) return kind;
  const names = store.list().map(entry => entry.name);
  throw usageError('store-no-entry', `there is no attachment or loaded object ${quote(name)}`, {
    hint: names.length === 0 ? 'nothing is loaded (rootlet ps)' : available('available', names),
  });
}

/**
 * Entries to remove, in an order in which nothing is removed before what uses it. Throws `store-in-use` for
 * users that are to stay, and what is wrong with broken ones; `force` takes all of them.
 */
export function entriesToRemove(
  store: Store,
  kind: EntryKind,
  names: readonly string[],
  force: boolean,
): (StoreEntry | BrokenEntry)[] {
  const left = [...new Set(names)].map(name => requireEntry(store, kind, name));
  const going = new Set(left.map(describeEntry));
  const users = (entry: StoreEntry | BrokenEntry) =>
    entry.kind === 'broken' ? [] : usersOf(store, entry, GUARDS);
  for (const entry of force ? [] : left) {
    if (entry.kind === 'broken') throw new RootletError(entry.problems);
    requireUnused(store, entry, [() => users(entry).filter(user => !going.has(describeEntry(user.entry)))]);
  }
  const ordered: (StoreEntry | BrokenEntry)[] = [];
  while (left.length > 0) {
    const rest = new Set(left.map(describeEntry));
    const free = left.findIndex(entry => !users(entry).some(user => rest.has(describeEntry(user.entry))));
    ordered.push(...left.splice(Math.max(free, 0), 1));
  }
  return ordered;
}

/** Removes entries one after the other. When one cannot be removed, the error says which are gone by then. */
export function removeEach(
  entries: readonly (StoreEntry | BrokenEntry)[],
  remove: (entry: StoreEntry | BrokenEntry) => void,
): void {
  const gone: string[] = [];
  for (const entry of entries) {
    if (gone.length === 0) remove(entry);
    else afterChange(someRemoved(gone), () => remove(entry));
    gone.push(entry.name);
  }
}

function someRemoved(gone: readonly string[]): Happened {
  return {
    code: 'store-half-removed',
    where: [],
    message: `${quoteAll(gone)} ${gone.length === 1 ? 'is' : 'are'} removed, the rest is not`,
    hint: 'run the command again for the rest; "rootlet ps" lists it',
  };
}

export function kindOf(entry: StoreEntry | BrokenEntry): EntryKind {
  return entry.kind === 'broken' ? entry.entryKind : entry.kind;
}

/** Seconds since 1970, for records. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}

// --- objects ------------------------------------------------------------------------------------------------------

export interface ObjectInput {
  /** The object, with the bytes that the record keeps. */
  readonly input: InputObject;
  /** What is loaded. */
  readonly object: BpfObject;
  /** As given, for records and messages. */
  readonly source: string;
  /** What the record keeps. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** Name under which a record keeps the object that was loaded, as ELF. */
export const OBJECT_FILE = 'object';

/**
 * Objects up to this size (in bytes) are kept with their debugging information: writing others takes time.
 */
const KEPT_AS_GIVEN = 64 << 10;

/**
 * Reads objects and links several into one, with the bytes that a record keeps. Throws everything that is
 * wrong with them.
 */
export function readVersion(
  paths: readonly string[],
  limits: Limits | undefined,
  types: GivenTypes = new Map(),
): InputObject {
  const inputs = readObjectFiles(paths, limits);
  const [first, ...others] = inputs;
  if (first === undefined) throw usageError('usage-no-input', 'no input file');
  const alone = others.length === 0;
  const given = alone ? first.object : linkAll(inputs, `${objectBaseName(first.name)}.o`, limits);
  const object = withProgramTypes(given, types);
  const isSmall = first.bytes.length <= KEPT_AS_GIVEN || faultsOf(object).length > 0;
  const isAsGiven = alone && object === first.object && isSmall;
  const kept = isAsGiven ? first.bytes : writeObject(object);
  return new InputObject({ name: paths.join(' + '), bytes: kept }, object);
}

/** The same for loading. */
export function readObjects(
  paths: readonly string[],
  limits: Limits | undefined,
  types?: GivenTypes,
): ObjectInput {
  return objectInput(readVersion(paths, limits, types));
}

/** What is loaded of an input. */
export function objectInput(input: InputObject): ObjectInput {
  return {
    input,
    object: stripDataSections(input.object),
    source: input.name,
    files: new Map([[OBJECT_FILE, input.bytes]]),
  };
}

function linkAll(inputs: readonly LinkInput[], name: string, limits: Limits | undefined): BpfObject {
  // undefined externs are bound to loaded objects, or reported when loading
  const result = link(inputs, { name, partial: true, ...given({ limits }) });
  if (!result.ok) throw new RootletError(result.problems);
  return result.object;
}

/** Name of an entry made from `path`, unless another one is given. */
export function entryName(path: string, given: string | undefined): string {
  if (given !== undefined) return given;
  if (path === '-') throw usageError('usage-name', 'an object from stdin needs a name: --name N');
  return objectBaseName(path);
}

// --- loading ------------------------------------------------------------------------------------------------------

export interface LoadFlags extends LoadOptimizeFlags, LimitFlags {
  readonly set?: readonly string[];
  readonly map?: readonly string[];
  readonly maxEntries?: readonly string[];
  readonly type?: readonly string[];
  readonly btf?: string;
  readonly kconfig?: string;
  readonly verifierLog?: string;
}

const fileFlag = <const P extends string>(placeholder: P, brief: string) =>
  ({ kind: 'parsed', parse: String, optional: true, brief, placeholder }) as const;

export const LOAD_FLAGS = {
  set: listFlag('NAME=VALUE', 'Set a global variable or constant before the programs are loaded'),
  map: listFlag('NAME=PIN', 'Use the map pinned at PIN instead of creating one'),
  maxEntries: maxEntriesFlag,
  type: TYPE_FLAG,
  btf: fileFlag('FILE', 'Relocate against the types in FILE instead of those of the running kernel'),
  kconfig: fileFlag('FILE', "Read configuration values (CONFIG_X=…), which override the kernel's"),
  verifierLog: fileFlag('FILE', "Write the verifier's log to FILE, also if the programs are accepted"),
  ...limitsFlag(LOAD_LIMITS),
  ...loadOptimizeFlags('as it is, at first -O0'),
};

/** Options for the loader. `root`: of the store. Descriptors are opened by the loader itself, when it comes to the map. */
export function loadOptionsOf(
  sys: Sys,
  root: string,
  flags: LoadFlags,
  only: readonly string[] | undefined,
): LoadOptions {
  const pins = new Map((flags.map ?? []).map(word => splitPair(word, '--map', 'NAME=PIN')));
  const limits = parseLimits(flags, LOAD_LIMITS);
  return {
    globals: parseSettings(flags.set ?? []),
    maxEntries: parseMaxEntries(flags.maxEntries),
    kernelTypes: typesFor(sys, flags.btf, limits),
    pinRoot: pinRootOf(root),
    reuse: plan => openGivenMap(sys, plan, pins),
    ...given({
      limits,
      kconfig: flags.kconfig === undefined ? undefined : readConfiguration(flags.kconfig),
      optimize: parseLoadOptimize(flags),
      programs: only === undefined ? undefined : (name: string) => only.includes(name),
    }),
  };
}

/** A requested file must exist, even if the object does not need it. */
function typesFor(sys: Sys, path: string | undefined, limits: Limits | undefined): KernelTypes {
  const types = openKernelTypes(sys, path, limits);
  if (path !== undefined) types.vmlinux();
  return types;
}

/** Why an object was loaded without programs; undefined when it has some, or none to load. */
export function idleNote(object: BpfObject, loaded: LoadedObject): string | undefined {
  const names = programNames(object);
  if (loaded.programs.size > 0 || names.length === 0) return undefined;
  return `no program was loaded: autoload is disabled (SEC("?…")); --only loads ${names.join(', ')}`;
}

/** The text of a kernel configuration. */
export function readConfiguration(path: string): string {
  const [file] = readInputs([path]);
  return new TextDecoder().decode(file?.bytes);
}

function openGivenMap(sys: Sys, plan: MapPlan, pins: ReadonlyMap<string, string>): BpfMap | undefined {
  const path = pins.get(plan.name);
  if (path === undefined) return undefined;
  try {
    return BpfMap.adopt(sys, openPin(sys, path, 'map'));
  } catch (error) {
    throw withHint(error, 'store-pin', '--map needs the pin of a map; "rootlet ps --all" lists pins');
  }
}

/** The same error with a hint for the option that it came from. */
function withHint(error: unknown, code: ProblemCode, hint: string): unknown {
  if (!(error instanceof RootletError) || error.code !== code) return error;
  return new RootletError(error.problems.map(problem => ({ ...problem, hint })));
}

const SET_HINT =
  '--set takes whole numbers, true and false, names of enumerators, text, and JSON for lists and structures; ' +
  'text that looks like a number goes in quotes: --set \'name="5"\'';

/** Plans a load, and checks that all names in `flags` and `only` are the object's. */
export function planObject(
  sys: Sys,
  input: ObjectInput,
  flags: LoadFlags,
  options: LoadOptions,
  only: readonly string[] | undefined,
): PreparedLoad {
  if (only !== undefined) requirePrograms(input.object, only);
  const prepared = explainingValues(() => prepareOptimized(input.object, sys, options));
  requireNamedMaps(flags, prepared.plan);
  return prepared;
}

/** Throws `load-no-map` for an option that names a map which the object does not have. */
export function requireNamedMaps(flags: LoadFlags, plan: LoadPlan): void {
  const named = [...(flags.map ?? []), ...(flags.maxEntries ?? [])].map(word =>
    word.slice(0, word.indexOf('=')),
  );
  requireKnown(
    'map',
    named,
    plan.maps.map(map => map.name),
  );
}

/** Adds the syntax of --set to errors of values that do not fit their variables. */
export function explainingValues<T>(body: () => T): T {
  try {
    return body();
  } catch (error) {
    throw withHint(error, 'value-mismatch', SET_HINT);
  }
}

/** Static contents of maps that --map gives: they are not written, since others use the map. */
export function givenNotes(flags: LoadFlags, plan: LoadPlan): string[] {
  const given = new Set((flags.map ?? []).map(word => word.slice(0, word.indexOf('='))));
  return plan.maps.flatMap(({ name, initial }) =>
    given.has(name) && initial.length > 0
      ? [`map ${quote(name)} is given by --map: its static entries are not written`]
      : [],
  );
}

/** Programs that were not chosen, although those that were may tail-call them. */
export function tailCallNotes({ object }: Pick<InputObject, 'object'>, loaded: LoadedObject): string[] {
  return notLoadedTailCalls(object, name => loaded.programs.has(name));
}

export function programNames(object: BpfObject): string[] {
  return programsOf(object).map(({ program }) => program.name);
}

/** Throws `load-no-program`, and `object-static-program` for a name that only a static program has. */
export function requirePrograms(object: BpfObject, names: readonly string[]): void {
  if (names.length === 0)
    throw usageError('load-no-program', '--only names no program', {
      hint: available('there are', programNames(object)),
    });
  const statics = names.flatMap(name => staticChoice(object, name) ?? []);
  if (statics.length > 0) throw new RootletError(statics);
  requireKnown('program', names, programNames(object));
}

/** Throws `load-no-program`, `load-no-map`. */
export function requireKnown(
  what: 'program' | 'map',
  names: readonly string[],
  known: readonly string[],
): void {
  const unknown = names.find(name => !known.includes(name));
  if (unknown === undefined) return;
  throw usageError(`load-no-${what}` as const, `there is no ${what} ${quote(unknown)}`, {
    ...didYouMean(unknown, known, available('there are', known)),
  });
}
