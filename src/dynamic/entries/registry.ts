/**
 * Loaded objects of the store as providers.
 *
 * Everything comes from the kernel: the object as it was loaded from the entry's record, live maps from its
 * pins, the bindings that it was loaded with from its data. What is opened here is closed with the registry.
 */

import { available, inputError, quote, RootletError, usageError } from '../../diag/index.ts';
import type { BpfMap, BpfProgram } from '../../kernel/index.ts';
import { Cleanup } from '../../load/index.ts';
import type { BpfObject, InputObject } from '../../object/index.ts';
import { kindId, type ProgramType } from '../../object/index.ts';
import { type Contents, placesOf, type Store, type StoreEntry, type StoreRecord } from '../../store/index.ts';
import { type Provider, type ProviderImport, Replacements, TailSlots } from '../providers/index.ts';
import {
  decodeDynamic,
  encodeDynamic,
  pinNames,
  readBindings,
  type StoredArray,
  type StoredDynamic,
} from './stored.ts';

/** Name under which a record keeps the object as it was loaded, before its externs were bound. */
export const OBJECT_FILE = 'object';

export class StoredProvider implements Provider {
  readonly name: string;
  readonly entry: StoreEntry;
  readonly stored: StoredDynamic;
  readonly #registry: Registry;
  #object: BpfObject | undefined;
  #tail: TailSlots | undefined;
  #replacements: Replacements | undefined;

  constructor(registry: Registry, entry: StoreEntry) {
    this.name = entry.name;
    this.entry = entry;
    this.stored = decodeDynamic(entry.record.data);
    this.#registry = registry;
  }

  get object(): BpfObject {
    this.#object ??= objectOf(this.#registry.store, this.entry);
    return this.#object;
  }

  /** Whether the record has what others are bound to. */
  get hasObject(): boolean {
    return this.#object !== undefined || this.#registry.store.files(this.entry).has(OBJECT_FILE);
  }

  openMap(name: string): BpfMap | undefined {
    if (!this.entry.record.maps.some(map => map.name === name)) return undefined;
    return this.#registry.store.openMap(this.entry, name);
  }

  get imports(): readonly ProviderImport[] {
    return this.stored.bindings.flatMap(({ of, extern, provider, target }): ProviderImport[] => {
      if (of !== '' || provider === '') return [];
      const index = this.object.symbols.findIndex(
        symbol => symbol.kind === 'extern' && symbol.name === extern,
      );
      const imported = this.#registry.provider(provider);
      return index < 0 || imported === undefined ? [] : [{ extern: index, provider: imported, target }];
    });
  }

  get tail(): TailSlots {
    this.#tail ??= openTail(this.#registry.store, this.entry, this.stored);
    return this.#tail;
  }

  get replacements(): Replacements {
    this.#replacements ??= openReplacements(this.#registry.store, this.entry, this.stored);
    return this.#replacements;
  }

  get changed(): boolean {
    return this.#tail?.changed === true || this.#replacements?.changed === true;
  }

  dropUnsaved(): void {
    this.#tail?.dropUnsaved();
  }

  close(): void {
    this.#tail?.close();
    this.#replacements?.close();
  }
}

/** Loaded objects of a store, as providers for others. Closing it closes what it opened. */
export class Registry {
  readonly store: Store;
  readonly #providers = new Map<string, StoredProvider>();
  readonly #replaced = new Map<string, Provider>();

  constructor(store: Store) {
    this.store = store;
  }

  /**
   * All loaded objects, by name. Those whose record cannot be read export nothing, and are omitted.
   * @internal
   */
  all(): StoredProvider[] {
    return this.store.list().flatMap(entry => {
      if (entry.kind !== 'object' || readBindings(entry) === undefined) return [];
      const provider = this.find(entry.name);
      return provider?.hasObject === true ? [provider] : [];
    });
  }

  /**
   * From here on `provider` represents the entry of its name, wherever another one was bound to it.
   * @internal
   */
  replace(provider: Provider): void {
    this.#replaced.set(provider.name, provider);
  }

  /** The provider of this name; undefined when there is none. */
  provider(name: string): Provider | undefined {
    return this.#replaced.get(name) ?? this.find(name);
  }

  /**
   * All loaded objects but one, as they are to be bound to now.
   * @internal
   */
  current(except: string): Provider[] {
    return this.all()
      .filter(({ name }) => name !== except)
      .map(found => this.provider(found.name) ?? found);
  }

  /** @internal */
  find(name: string): StoredProvider | undefined {
    const known = this.#providers.get(name);
    if (known !== undefined) return known;
    const entry = this.store.find('object', name);
    if (entry === undefined) return undefined;
    const provider = new StoredProvider(this, entry);
    this.#providers.set(name, provider);
    return provider;
  }

  /**
   * Providers by name. Throws `dynamic-no-provider`, naming what there is.
   * @internal
   */
  require(names: readonly string[]): StoredProvider[] {
    return names.map(name => {
      const provider = this.find(name);
      if (provider !== undefined) return provider;
      const known = this.all().map(candidate => candidate.name);
      throw usageError('dynamic-no-provider', `no object ${quote(name)} is loaded`, {
        hint: known.length === 0 ? 'nothing is loaded' : available('there are', known),
      });
    });
  }

  /** Saves providers whose functions were put into slots or loaded as replacements since they were opened. */
  saveChanged(): void {
    for (const [name, provider] of this.#providers) {
      if (!provider.changed) continue;
      const { tail, replacements } = provider;
      withContents(this.store, provider.entry, contents => {
        this.store.save('object', name, withSlots(contents, provider.stored, tail, replacements));
      });
      tail.saved();
      replacements.changed = false;
    }
  }

  /**
   * Takes functions out of slots that no record has: what was loaded to use them has failed. A failure of that is not
   * reported: nothing calls such a function, and the next one that is put into slots takes its place.
   * @internal
   */
  dropUnsaved(): void {
    for (const provider of this.#providers.values()) {
      try {
        provider.dropUnsaved();
      } catch (error) {
        if (!(error instanceof RootletError)) throw error;
      }
    }
  }

  /** Closes what was opened of the store; what is bound stays bound. */
  close(): void {
    for (const provider of this.#providers.values()) provider.close();
    this.#providers.clear();
  }

  /** As `close()`. */
  [Symbol.dispose](): void {
    this.close();
  }
}

// --- reading ------------------------------------------------------------------------------------------------------

/** The file of an entry as it was loaded. Throws `dynamic-no-object` when the record does not have it. */
export function inputOf(store: Store, entry: StoreEntry): InputObject {
  const bytes = store.files(entry).get(OBJECT_FILE);
  if (bytes !== undefined) return store.object(entry, OBJECT_FILE, { name: entry.record.source, bytes });
  throw inputError(
    'dynamic-no-object',
    [entry.name],
    'was kept without its object, so nothing can be bound to it',
  );
}

/** The object in it. */
export function objectOf(store: Store, entry: StoreEntry): BpfObject {
  return inputOf(store, entry).object;
}

/** The type of programs of a kind, as far as the kernel is concerned. */
export function typeFrom(numbers: {
  readonly progType: number;
  readonly attachType: number;
  readonly flags: number;
}): ProgramType {
  return {
    progType: numbers.progType,
    expectedAttachType: numbers.attachType,
    flags: numbers.flags,
    attachBtf: false,
    attachTypeOptional: false,
  };
}

function openTail(store: Store, entry: StoreEntry, stored: StoredDynamic): TailSlots {
  const tail = new TailSlots();
  for (const array of stored.arrays) {
    const { kind } = array;
    const slots = array.functions.map(name => ({
      function: name,
      program: store.openProgram(entry, pinNames.member(kind, name)),
    }));
    tail.arrays.push({ kind, type: typeFrom(array), map: store.openMap(entry, pinNames.array(kind)), slots });
  }
  return tail;
}

function openReplacements(store: Store, entry: StoreEntry, stored: StoredDynamic): Replacements {
  const replacements = new Replacements();
  for (const { function: name, kind } of stored.replacements) {
    const program = store.openProgram(entry, pinNames.replacement(kind, name));
    replacements.loaded.push({ function: name, kind, program });
  }
  return replacements;
}

// --- writing ------------------------------------------------------------------------------------------------------

/** All that a generation holds, opened, for making the next one; closed afterwards. */
export function withContents<T>(store: Store, entry: StoreEntry, body: (contents: FullContents) => T): T {
  const cleanup = new Cleanup();
  try {
    return body(openContents(store, entry, cleanup));
  } finally {
    cleanup.undo();
  }
}

/** The same, open until `cleanup` closes it. */
export function openContents(store: Store, entry: StoreEntry, cleanup: Cleanup): FullContents {
  const { record } = entry;
  return {
    source: record.source,
    time: record.time,
    programs: new Map(record.programs.map(({ name }) => [name, cleanup.own(store.openProgram(entry, name))])),
    maps: new Map(record.maps.map(({ name }) => [name, cleanup.own(store.openMap(entry, name))])),
    places: placesOf(record),
    links: new Map(record.links.map(({ name }) => [name, cleanup.own(store.openLink(entry, name))])),
    files: store.files(entry),
    data: record.data,
  };
}

export type FullContents = Required<Omit<Contents, 'time' | 'unbound'>> & Pick<StoreRecord, 'time'>;

/** Contents with the slots and replacements of a provider as they are now. */
export function withSlots(
  contents: FullContents,
  stored: StoredDynamic,
  tail: TailSlots,
  replacements: Replacements,
): FullContents {
  const maps = new Map(contents.maps);
  const programs = new Map<string, BpfProgram>(contents.programs);
  for (const { kind, map, slots } of tail.arrays) {
    maps.set(pinNames.array(kind), map);
    for (const slot of slots) programs.set(pinNames.member(kind, slot.function), slot.program);
  }
  for (const { function: name, kind, program } of replacements.loaded)
    programs.set(pinNames.replacement(kind, name), program);
  const dynamic: StoredDynamic = {
    ...stored,
    arrays: tail.arrays.map(
      ({ type, slots }): StoredArray => ({
        kind: kindId(type),
        progType: type.progType,
        attachType: type.expectedAttachType,
        flags: type.flags,
        functions: slots.map(slot => slot.function),
      }),
    ),
    replacements: replacements.loaded.map(({ function: name, kind }) => ({ function: name, kind })),
  };
  return { ...contents, maps, programs, data: { ...contents.data, dynamic: encodeDynamic(dynamic) } };
}
