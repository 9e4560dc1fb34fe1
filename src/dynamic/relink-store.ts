/**
 * Rootlets in the store: opened by any process, changed so that a kill at any moment leaves the old code running or the
 * new, and a record from which the next process can go on.
 *
 * A change is saved twice. The first time, before the hook is changed, the entry holds the new generation and the old
 * one, and says that it is pending; the second time only what runs. A process that finds a pending entry first brings
 * the hook where the record says, which does nothing if it is there already.
 */

import { quote, usageError } from '../diag/index.ts';
import { HOOK_LINK, type Hook, hookFacts, hookLinks } from '../hooks/index.ts';
import type { Attachment } from '../kernel/attachment.ts';
import type { BpfMap } from '../kernel/map.ts';
import type { BpfProgram } from '../kernel/program.ts';
import { Cleanup, type LoadedObject } from '../load/index.ts';
import type { BpfObject } from '../object/index.ts';
import { decodeEntryState, encodeEntryState, type StoredState } from '../state/index.ts';
import type { Contents, JsonObject, MapPlace, Store, StoreEntry } from '../store/index.ts';
import type { GenerationOptions } from './relink-build.ts';
import { Generation, type RelinkVia } from './relink-generation.ts';
import { decodeRelink, encodeRelink, isAbout, type RelinkRecord, ROOTLET_FILE } from './relink-record.ts';
import { Rootlet, type RootletJournal } from './relink-rootlet.ts';
import { tailRootlet } from './relink-tail.ts';
import { decodeDynamic } from './stored.ts';

/** Field of an entry's data. */
export const RELINK_FIELD = 'relink';

/** What belongs to the generation before, while a change is pending. No component's map or program begins like this. */
const OLD = 'before::';

export interface OpenRequest {
  readonly store: Store;
  readonly entry: StoreEntry;
  /** Where the entry's program is. The caller's. */
  readonly hook: Hook;
  /** The program on the hook, by its name in the entry. */
  readonly program: string;
  readonly options: GenerationOptions;
  /** The rest of the record's data for a generation. */
  readonly describe: (generation: Generation) => JsonObject;
  /** Seconds since 1970. */
  readonly time: number | null;
}

/** The record of an entry's slots; of one that was only attached so far, all slots have their defaults. */
export function readRelink(store: Store, entry: StoreEntry, program: string): RelinkRecord {
  const files = store.files(entry);
  const [bound] = decodeDynamic(entry.record.data).bindings;
  if (bound !== undefined) {
    throw usageError(
      'relink-bound',
      `${quote(entry.name)} has externs that are bound to loaded objects (${quote(bound.extern)} to ${quote(bound.provider)})`,
      {
        hint: 'a rootlet whose slots are filled while it runs has no such externs: link it with what defines them',
      },
    );
  }
  const { [RELINK_FIELD]: data } = entry.record.data;
  const programId = entry.record.programs.find(({ name }) => name === program)?.id ?? 0;
  // another command may have exchanged the whole program since
  const state = decodeEntryState(entry.record.data);
  if (data !== undefined && isAbout(data, programId)) return decodeRelink(data, files, state);
  const bytes = files.get(ROOTLET_FILE);
  if (bytes === undefined) {
    throw usageError('relink-no-file', `the record of ${quote(entry.name)} does not hold its object file`, {
      hint: 'detach it and attach it again',
    });
  }
  return {
    design: { rootlet: { name: entry.record.source, bytes }, fills: [] },
    main: program,
    running: program,
    programId,
    via: 'static',
    forced: false,
    pending: null,
    settings: state.settings,
    states: new Map([...statesIn(entry.record.maps.map(({ name }) => name)), ...state.states]),
  };
}

/** Whether components fill slots of an entry, or a way to fill them was asked for: a new version then keeps both. */
export function hasSlotsFilled(store: Store, entry: StoreEntry): boolean {
  if (entry.record.data[RELINK_FIELD] === undefined) return false;
  const { design, forced } = readRelink(store, entry, hookFacts(entry).program);
  return design.fills.length > 0 || forced;
}

/**
 * Data for the record of a rootlet that is just attached, whose slots have their defaults and are to be filled in the
 * way that was asked for. `loaded` is what `slotsFor` made of the file.
 */
export function firstRelink(
  loaded: LoadedObject,
  rootlet: { readonly name: string; readonly bytes: Uint8Array },
  main: string,
  via: RelinkVia,
): JsonObject {
  const { data } = encodeRelink({
    design: { rootlet, fills: [] },
    main,
    running: main,
    programId: loaded.program(main).info().id,
    via,
    forced: true,
    pending: null,
    states: new Map(),
    settings: new Map(),
  });
  return { [RELINK_FIELD]: data };
}

/** The object that is loaded for a rootlet whose slots are to be filled in the given way. */
export function slotsFor(rootlet: BpfObject, via: RelinkVia | undefined): BpfObject {
  return via === 'tail' ? tailRootlet(rootlet) : rootlet;
}

/** Of a rootlet that another version attached, without what it wrote into its maps. */
function statesIn(maps: readonly string[]): Map<string, StoredState> {
  return new Map(maps.map(name => [name, { owner: null, name, contents: null, inner: null }]));
}

/** A rootlet of the store. The caller holds the store's lock as long as it uses it. Closing it detaches nothing. */
export function openRootlet(request: OpenRequest): Rootlet {
  const { store, entry, hook, program, options } = request;
  const record = readRelink(store, entry, program);
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const generation = cleanup.own(openGeneration(store, entry, record));
    const { via, forced } = record;
    const journal = new StoreJournal(request, forced);
    const rootlet = Rootlet.over(store.sys, hook, generation, { forced, via, options, journal });
    if (record.pending !== null) {
      const there = hook.occupantId();
      const known = there === undefined || there === record.pending || there === record.programId;
      if (known) rootlet.settle();
      journal.done(rootlet.generation);
    }
    return rootlet;
  });
}

function openGeneration(store: Store, entry: StoreEntry, record: RelinkRecord): Generation {
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const names = (list: readonly { readonly name: string }[]): string[] =>
      list.map(({ name }) => name).filter(name => !name.startsWith(OLD));
    const programs = new Map<string, BpfProgram>();
    for (const name of names(entry.record.programs))
      programs.set(name, cleanup.own(store.openProgram(entry, name)));
    const maps = new Map<string, BpfMap>();
    for (const name of names(entry.record.maps)) maps.set(name, cleanup.own(store.openMap(entry, name)));
    const links = new Map<string, Attachment>();
    for (const name of names(entry.record.links))
      if (name !== HOOK_LINK) links.set(name, cleanup.own(store.openLink(entry, name)));
    const { via, design, main, running, states, settings } = record;
    return new Generation({
      via,
      design,
      entry: main,
      main: running,
      programs,
      maps,
      states,
      settings,
      links,
    });
  });
}

/** Keeps the record in step with a rootlet. */
class StoreJournal implements RootletJournal {
  readonly #request: OpenRequest;
  #forced: boolean;

  constructor(request: OpenRequest, forced: boolean) {
    this.#request = request;
    this.#forced = forced;
  }

  prepare(next: Generation, old: Generation, forced: boolean): void {
    this.#forced = forced;
    this.#save(next, old);
  }

  done(next: Generation): void {
    this.#save(next, null);
  }

  undo(old: Generation): void {
    this.#save(old, null);
  }

  #save(generation: Generation, old: Generation | null): void {
    const { store, entry, time } = this.#request;
    store.save('hook', entry.name, {
      ...this.#contents(generation, old),
      source: generation.design.rootlet.name,
      time,
    });
  }

  #contents(generation: Generation, old: Generation | null): Omit<Contents, 'source'> {
    const { hook, describe, entry } = this.#request;
    const { states, settings } = generation;
    const { data, files } = encodeRelink({
      main: generation.entry,
      design: generation.design,
      via: generation.via,
      forced: this.#forced,
      running: generation.main,
      programId: generation.program.info().id,
      pending: old === null ? null : old.program.info().id,
      states,
      settings,
    });
    return {
      programs: withOld(generation.programs, old?.programs),
      // an array of programs is emptied with its last descriptor or pin, even while a program uses it
      maps: withOld(generation.maps, old?.maps),
      places: placesOf(generation.states),
      links: withOld(new Map([...hookLinks(hook), ...generation.links]), old?.links),
      files,
      data: {
        ...entry.record.data,
        ...hook.record,
        ...describe(generation),
        ...encodeEntryState({ states, settings }),
        [RELINK_FIELD]: data,
      },
    };
  }
}

/** Maps of components have paths of their own, which no neighbour changes. */
function placesOf(states: Generation['states']): Map<string, MapPlace> {
  return new Map(
    [...states].flatMap(([key, { owner, name, version }]) =>
      owner === null
        ? []
        : [[key, { component: owner, map: name, previous: version !== undefined }] as const],
    ),
  );
}

function withOld<T>(now: ReadonlyMap<string, T>, old: ReadonlyMap<string, T> | undefined): Map<string, T> {
  return new Map([...now, ...[...(old ?? [])].map(([name, one]) => [`${OLD}${name}`, one] as const)]);
}
