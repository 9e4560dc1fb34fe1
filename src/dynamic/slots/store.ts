/**
 * Rootlets in the store: opened by any process, changed so that a kill at any moment leaves the old code
 * running or the new, and a record from which the next process can continue.
 *
 * A change is saved twice. The first time, before the hook is changed, the entry holds the running generation
 * and the next one; the second time only what runs. A process that finds both asks the hook which of them
 * runs, and drops the other one.
 */

import { given } from '../../bytes/index.ts';
import { inputError, quote, usageError } from '../../diag/index.ts';
import { HOOK_LINK, type Hook, hookFacts, hookLinks } from '../../hooks/index.ts';
import { decodeU32s } from '../../kernel/index.ts';
import { Cleanup, type LoadedObject } from '../../load/index.ts';
import type { BpfObject } from '../../object/index.ts';
import { InputObject, type ObjectFile } from '../../object/index.ts';
import { decodeEntryState, encodeEntryState, type StoredState } from '../../state/index.ts';
import {
  fieldsOf,
  isObject,
  type JsonObject,
  type MapPlace,
  type RecordFiles,
  type Store,
  type StoreEntry,
} from '../../store/index.ts';
import { decodeDynamic } from '../entries/index.ts';
import {
  Generation,
  type GenerationOptions,
  guestKey,
  guestsOf,
  type SlotBackEnd,
} from '../generation/index.ts';
import { SLOT_ARRAY } from '../providers/index.ts';
import {
  decodeRelink,
  encodeRelink,
  isAbout,
  type OpenFile,
  RELINK_FIELD,
  type RelinkRecord,
  ROOTLET_FILE,
} from './record.ts';
import { type AroundSwitch, Rootlet, type RootletJournal } from './rootlet.ts';
import { tailRootlet } from './tail.ts';

/** Field of an entry's data while a change is under way: what is about to run. */
const PENDING_FIELD = 'pending';
/** What belongs to the generation that is about to run. No component's map or program begins like this. */
const NEXT = 'next::';

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
  readonly around?: AroundSwitch;
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
        hint: 'a rootlet whose slots are filled while it runs has no such externs: link it with the objects that define them',
      },
    );
  }
  const { [RELINK_FIELD]: data } = entry.record.data;
  const programId = entry.record.programs.find(({ name }) => name === program)?.id ?? 0;
  const open: OpenFile = (key, file) => store.object(entry, key, file);
  // another command may have replaced the whole program since
  const state = decodeEntryState(entry.record.data);
  if (data !== undefined && isAbout(data, programId)) return decodeRelink(data, files, state, open);
  const bytes = files.get(ROOTLET_FILE);
  if (bytes === undefined) {
    throw usageError('relink-no-file', `the record of ${quote(entry.name)} does not hold its object file`, {
      hint: 'detach it and attach it again',
    });
  }
  return {
    design: { rootlet: open(ROOTLET_FILE, { name: entry.record.source, bytes }), fills: [] },
    main: program,
    running: program,
    programId,
    via: 'static',
    forced: false,
    ...state,
    states: new Map([...statesIn(entry.record.maps.map(({ name }) => name)), ...state.states]),
  };
}

/**
 * The record of the generation whose program has this id: the running one, or the next one where a process was
 * killed right after the switch. Undefined when the entry has no slots, or no such program.
 */
export function recordOfProgram(
  store: Store,
  entry: StoreEntry,
  programId: number,
): RelinkRecord | undefined {
  if (entry.record.data[RELINK_FIELD] === undefined) return undefined;
  const next = readPending(store, entry);
  if (next?.programId === programId) return next;
  const record = readRelink(store, entry, hookFacts(entry).program);
  return record.programId === programId ? record : undefined;
}

/** Whether the rootlet of an entry was generated for its components. Asks the record alone, which may be damaged. */
export function hasGeneratedRootlet({ record }: StoreEntry): boolean {
  return fieldsOf(record.data[RELINK_FIELD])['generated'] !== undefined;
}

/** Whether a process was killed while it changed slots of the entry. */
export function hasPendingChange(entry: StoreEntry): boolean {
  const { [PENDING_FIELD]: pending = null } = entry.record.data;
  return pending !== null;
}

/**
 * Whether components fill slots of an entry, or a way to fill them was requested: a new version then keeps
 * both.
 */
export function hasSlotsFilled(store: Store, entry: StoreEntry): boolean {
  if (entry.record.data[RELINK_FIELD] === undefined) return false;
  const { design, forced } = readRelink(store, entry, hookFacts(entry).program);
  return design.fills.length > 0 || forced;
}

/**
 * Data for the record of a rootlet that is just attached, whose slots have their defaults and are to be
 * filled in the way that was requested. `loaded` is what `slotsFor` made of the file.
 */
export function firstRelink(
  loaded: LoadedObject,
  rootlet: ObjectFile,
  main: string,
  via: SlotBackEnd,
): JsonObject {
  const { data } = encodeRelink({
    design: { rootlet: InputObject.from(rootlet), fills: [] },
    main,
    running: main,
    programId: loaded.program(main).info().id,
    via,
    forced: true,
    states: new Map(),
    settings: new Map(),
  });
  return { [RELINK_FIELD]: data };
}

/** The object that is loaded for a rootlet whose slots are to be filled in the given way. */
export function slotsFor(rootlet: BpfObject, via: SlotBackEnd | undefined): BpfObject {
  return via === 'tail' ? tailRootlet(rootlet) : rootlet;
}

/** Of a rootlet that another version attached, without what it wrote into its maps. */
function statesIn(maps: readonly string[]): Map<string, StoredState> {
  return new Map(maps.map(name => [name, { owner: null, name, contents: null, inner: null }]));
}

/**
 * A rootlet of the store. The caller holds the store's lock as long as it uses it. Closing it detaches
 * nothing.
 */
export function openRootlet(request: OpenRequest): Rootlet {
  const { store, entry, hook, program, options } = request;
  const record = readRelink(store, entry, program);
  const next = readPending(store, entry);
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const happened = next !== undefined && hasBegun(request, record, next);
    const runningRecord = happened ? next : record;
    const generation = cleanup.own(openGeneration(store, entry, runningRecord, happened ? NEXT : ''));
    const { via, forced } = runningRecord;
    const journal = new StoreJournal(request, forced);
    const rootlet = Rootlet.over(store.sys, hook, generation, {
      forced,
      via,
      options,
      journal,
      ...given({ around: request.around }),
    });
    if (next !== undefined && isOurs(hook, record, next)) {
      rootlet.settle();
      journal.done(generation);
    }
    return rootlet;
  });
}

/** What a killed process was about to make the running generation. */
function readPending(store: Store, entry: StoreEntry): RelinkRecord | undefined {
  const { [PENDING_FIELD]: pending } = entry.record.data;
  if (pending === undefined || pending === null) return undefined;
  if (!isObject(pending)) throw damagedPending(entry);
  const files = new Map(
    [...store.files(entry)].flatMap(([name, bytes]) =>
      name.startsWith(NEXT) ? [[name.slice(NEXT.length), bytes] as const] : [],
    ),
  );
  return decodeRelink(pending[RELINK_FIELD], files, decodeEntryState(pending), (key, file) =>
    store.object(entry, key, file),
  );
}

function damagedPending(entry: StoreEntry) {
  return inputError('relink-record', [entry.name], 'the change in the record cannot be read', {
    hint: 'it was started by another version of rootlet: use that one, or detach the rootlet and attach it again',
  });
}

/**
 * Whether the switch has begun: the hook runs the next program, or, where the program stays, a slot calls the
 * next code.
 */
function hasBegun({ store, entry, hook }: OpenRequest, record: RelinkRecord, next: RelinkRecord): boolean {
  if (next.programId !== record.programId) return hook.occupantId() === next.programId;
  const own = new Set(entry.record.programs.flatMap(({ name, id }) => (name.startsWith(NEXT) ? [] : [id])));
  const added = entry.record.programs.filter(({ name, id }) => name.startsWith(NEXT) && !own.has(id));
  using array = store.openMap(entry, SLOT_ARRAY);
  const there = new Set([...array.entries()].flatMap(([, value]) => decodeU32s(value)));
  return added.some(({ id }) => there.has(id));
}

/** A program of another process is left alone. */
function isOurs(hook: Hook, record: RelinkRecord, next: RelinkRecord): boolean {
  const there = hook.occupantId();
  return there === undefined || there === record.programId || there === next.programId;
}

/** `prefix`: of the names in the entry of what belongs to the generation. */
function openGeneration(store: Store, entry: StoreEntry, record: RelinkRecord, prefix: string): Generation {
  const cleanup = new Cleanup();
  return cleanup.guard(() => {
    const open = <T extends { close(): void }>(
      list: readonly { readonly name: string }[],
      opener: (name: string) => T,
    ): Map<string, T> =>
      new Map(
        list.flatMap(({ name }) => {
          const mine = prefix === '' ? !name.startsWith(NEXT) : name.startsWith(prefix);
          if (!mine || name === HOOK_LINK) return [];
          return [[name.slice(prefix.length), cleanup.own(opener(name))] as const];
        }),
      );
    const { programs, maps, links } = entry.record;
    const { via, design, main, running, states, settings, optimize, optimized } = record;
    return new Generation({
      via,
      design,
      entry: main,
      main: running,
      programs: open(programs, name => store.openProgram(entry, name)),
      maps: open(maps, name => store.openMap(entry, name)),
      states,
      settings,
      optimize,
      optimized,
      links: open(links, name => store.openLink(entry, name)),
    });
  });
}

/**
 * Keeps the record in step with a rootlet. It describes the running generation, and names the next one while
 * a change is under way: a kill before the switch loses nothing that the running generation counts.
 */
class StoreJournal implements RootletJournal {
  readonly #request: OpenRequest;
  #forced: boolean;

  constructor(request: OpenRequest, forced: boolean) {
    this.#request = request;
    this.#forced = forced;
  }

  prepare(next: Generation, old: Generation, forced: boolean): void {
    const before = encodeGeneration(old, this.#forced);
    const after = encodeGeneration(next, forced);
    const files = new Map([
      ...before.files,
      ...[...after.files].map(([name, bytes]) => [`${NEXT}${name}`, bytes] as const),
    ]);
    this.#save(old, { ...before.data, [PENDING_FIELD]: after.data }, files, next);
    this.#forced = forced;
  }

  done(next: Generation): void {
    const { data, files } = encodeGeneration(next, this.#forced);
    this.#save(next, data, files, undefined);
  }

  undo(old: Generation, forced: boolean): void {
    this.#forced = forced;
    this.done(old);
  }

  #save(base: Generation, data: JsonObject, files: RecordFiles, next: Generation | undefined): void {
    const { store, entry, hook, describe, time } = this.#request;
    const { [PENDING_FIELD]: _pending, ...others } = entry.record.data;
    store.save('hook', entry.name, {
      source: base.design.rootlet.name,
      time,
      programs: withNext(base.programs, next?.programs),
      // an array of programs is emptied with its last descriptor or pin, even while a program uses it
      maps: withNext(base.maps, next?.maps),
      places: placesOf(base.states),
      links: withNext(new Map([...hookLinks(hook), ...base.links]), next?.links),
      unbound: new Set([...unboundOf(base), ...(next === undefined ? [] : unboundOf(next).map(nextName))]),
      files,
      data: { ...others, ...hook.record, ...describe(base), ...data },
    });
  }
}

interface Encoded {
  readonly data: JsonObject;
  readonly files: RecordFiles;
}

function encodeGeneration(generation: Generation, forced: boolean): Encoded {
  const { states, settings, optimize, optimized } = generation;
  const state = { states, settings, ...given({ optimize, optimized }) };
  const { data, files } = encodeRelink({
    main: generation.entry,
    design: generation.design,
    via: generation.via,
    forced,
    running: generation.main,
    programId: generation.program.info().id,
    ...state,
  });
  return { data: { ...encodeEntryState(state), [RELINK_FIELD]: data }, files };
}

/**
 * Saves the first generation of a rootlet with its components as an entry. `commit` attaches it, when everything
 * else is done; when it throws, nothing is saved.
 */
export function saveFirst(
  request: Pick<OpenRequest, 'store' | 'hook' | 'describe' | 'time'> & {
    readonly name: string;
    readonly forced: boolean;
  },
  generation: Generation,
  commit: () => void,
): StoreEntry {
  const { store, hook, name } = request;
  const { data, files } = encodeGeneration(generation, request.forced);
  const contents = {
    source: generation.design.rootlet.name,
    time: request.time,
    programs: generation.programs,
    maps: generation.maps,
    places: placesOf(generation.states),
    links: new Map([...hookLinks(hook), ...generation.links]),
    unbound: new Set(unboundOf(generation)),
    files,
    data: { ...hook.record, ...request.describe(generation), ...data },
  };
  return store.save('hook', name, contents, commit);
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

/** Programs that stay as they are: guests, and a generated rootlet of `ext`, whose only map is its configuration. */
function unboundOf({ via, entry, design: { generated } }: Generation): string[] {
  if (via !== 'ext' || generated === undefined) return [];
  return [entry, ...guestsOf(generated).map(guestKey)];
}

function nextName(name: string): string {
  return `${NEXT}${name}`;
}

function withNext<T>(base: ReadonlyMap<string, T>, next: ReadonlyMap<string, T> | undefined): Map<string, T> {
  return new Map([...base, ...[...(next ?? [])].map(([name, one]) => [nextName(name), one] as const)]);
}
