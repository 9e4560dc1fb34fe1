/**
 * Named things that stay in the kernel: loaded objects and attachments, with their pins and a record of what
 * they are.
 *
 * The kernel and its bpf file system are the only state. An entry is a directory of generations and a
 * symbolic link to the one that counts, which is switched by one rename: a process that is killed at any
 * moment leaves the old generation or the new one, never a mixture, and what else it left is removed by the
 * next command that opens the store.
 *
 * Nothing is used that another user could change: directories are opened, checked and held (`Directory`) on
 * the way down from the root, in each operation.
 */

import { join } from 'node:path';
import {
  addFrame,
  afterChange,
  available,
  type Happened,
  type Problem,
  platformError,
  quote,
  RootletError,
  usageError,
} from '../diag/index.ts';
import {
  Attachment,
  addPinnedObjects,
  BpfMap,
  BpfProgram,
  type Fd,
  type Sys,
  waitForPrograms,
} from '../kernel/index.ts';
import type { InputObject, ObjectFile } from '../object/index.ts';
import { EAGAIN, EINTR, EMFILE, ENFILE, ENOMEM } from '../uapi/index.ts';
import { Directory } from './directory.ts';
import { CURRENT, type EntryLayout, NEXT, readLayout, unknownError } from './layout.ts';
import { isLeftOver, removeRest, surplusOf, whileBuilding } from './leftovers.ts';
import { underLock } from './locks.ts';
import { type LoosePins, openLoosePins } from './loose-pins.ts';
import { entryKey, nameOfKey } from './names.ts';
import { openPinIn, type PinnedKind } from './pins.ts';
import type { EntryKind, PinRecord, RecordFiles, StoreRecord } from './record.ts';
import { readPinnedRecord } from './record-map.ts';
import { buildGeneration, type Contents, type SaveStep, type StepHook } from './save.ts';
import { StoredObjects } from './stored-objects.ts';

/** Directory of the store of the command. */
export const DEFAULT_STORE_ROOT = '/sys/fs/bpf/rootlet';

/** A loaded object or an attachment that is kept under a name. */
export interface StoreEntry {
  readonly kind: EntryKind;
  readonly name: string;
  readonly generation: number;
  /** Directory of the generation. */
  readonly path: string;
  readonly record: StoreRecord;
}

/** An entry whose record cannot be read. It can only be removed. */
export interface BrokenEntry {
  readonly kind: 'broken';
  readonly entryKind: EntryKind;
  readonly name: string;
  /** Directory of the entry. */
  readonly path: string;
  readonly problems: readonly Problem[];
}

/** Options of `Store.open`. */
export interface StoreOptions {
  /** Milliseconds to wait for another process that holds the lock. Default 10000. */
  readonly lockTimeout?: number;
  /**
   * Called before each step of a save; tests stop the process there.
   * @internal
   */
  readonly onStep?: (step: SaveStep) => void;
  /**
   * Whether a whole generation that a killed process left is to count, since the change that belongs to it
   * (see `save`) had happened. Asked under the lock, before it is removed.
   */
  readonly hasHappened?: (left: StoreEntry, store: Store) => boolean;
}

const KINDS: readonly EntryKind[] = ['object', 'hook'];
const DIRECTORIES = { object: 'objects', hook: 'hooks' } as const;

/** Named things that stay in the kernel: loaded objects and attachments, with their pins and records. */
export class Store {
  readonly sys: Sys;
  /** Its directory. It is made when something is saved. */
  readonly root: string;
  readonly #lockTimeout: number;
  readonly #onStep: StepHook;
  readonly #hasHappened: (left: StoreEntry, store: Store) => boolean;
  readonly #objects = new StoredObjects();

  private constructor(sys: Sys, root: string, options: StoreOptions) {
    this.sys = sys;
    this.root = root;
    this.#lockTimeout = options.lockTimeout ?? 10_000;
    this.#onStep = options.onStep ?? (() => {});
    this.#hasHappened = options.hasHappened ?? (() => false);
    addPinnedObjects(sys, root, {
      open: (kind, id) => this.#openById(kind, id),
      ids: kind => this.#soundEntries().flatMap(entry => pinsOf(entry, kind).map(pin => pin.id)),
      types: id => this.#typesById(id),
    });
  }

  /**
   * The store in a directory of a bpf file system; what a killed process left there is removed. Throws
   * `store-no-bpffs`, `store-untrusted` where other users could change anything of it, and `store-file` where
   * this process may not look.
   */
  static open(sys: Sys, root = DEFAULT_STORE_ROOT, options: StoreOptions = {}): Store {
    const store = new Store(sys, root, options);
    using directory = Directory.find(root);
    if (directory === undefined) return store;
    let sweep = false;
    for (const kind of KINDS)
      eachEntry(directory, kind, entry => {
        if (isLeftOver(entry, readLayout(entry))) sweep = true;
      });
    if (sweep) store.#sweep(directory);
    return store;
  }

  /** Runs `body` while no other process changes the store; may be nested. Throws `kernel-lock-busy`. */
  locked<T>(body: () => T): T {
    return this.#locked(() => body());
  }

  /**
   * All entries, objects first, by name. Throws `store-untrusted` when one of them leads out of its
   * directory; `peek` and `remove` work on it.
   */
  list(): readonly (StoreEntry | BrokenEntry)[] {
    using root = Directory.find(this.root);
    const found: (StoreEntry | BrokenEntry)[] = [];
    if (root === undefined) return found;
    for (const kind of KINDS)
      eachEntry(root, kind, (directory, key) => {
        const entry = this.#read(kind, nameOfKey(key) ?? key, directory);
        requireTrustedEntry(entry);
        if (entry !== undefined) found.push(entry);
      });
    return found;
  }

  /** `store-unknown` for each entry that holds what the store did not make. */
  unknown(): readonly Problem[] {
    using root = Directory.find(this.root);
    const found: Problem[] = [];
    if (root === undefined) return found;
    for (const kind of KINDS)
      eachEntry(root, kind, directory => {
        const { unknown } = readLayout(directory);
        if (unknown.length > 0) found.push(...unknownError(directory.path, unknown).problems);
      });
    return found;
  }

  /** Throws what is wrong with it when the entry is broken. */
  find(kind: EntryKind, name: string): StoreEntry | undefined {
    const entry = this.peek(kind, name);
    if (entry?.kind === 'broken') throw new RootletError(entry.problems);
    return entry;
  }

  /** The same, broken or not. */
  peek(kind: EntryKind, name: string): StoreEntry | BrokenEntry | undefined {
    using directory = this.#open(kind, entryKey(name));
    return directory === undefined ? undefined : this.#read(kind, name, directory);
  }

  /** Files kept in the record, by name. */
  files(entry: StoreEntry): RecordFiles {
    using generation = this.#generation(entry);
    return readPinnedRecord(this.sys, generation, entry.path).files;
  }

  /**
   * A file kept in the record as an object. The same `InputObject` as long as it is in use and the contents
   * are the same.
   * @internal
   */
  object(entry: StoreEntry, key: string, file: ObjectFile): InputObject {
    return this.#objects.of(`${entry.kind}/${entry.name}/${key}`, file);
  }

  /**
   * A program of an entry, owned by the caller. Throws `store-no-pin` for a name that the entry does not
   * have.
   */
  openProgram(entry: StoreEntry, name: string): BpfProgram {
    const pin = pinOf(entry, 'program', entry.record.programs, name);
    return new BpfProgram(this.sys, this.#openPin(entry, pin, 'program'), name, pin.type);
  }

  /**
   * A map of an entry, owned by the caller. Throws `store-no-pin` for a name that the entry does not have.
   */
  openMap(entry: StoreEntry, name: string): BpfMap {
    const pin = pinOf(entry, 'map', entry.record.maps, name);
    return BpfMap.adopt(this.sys, this.#openPin(entry, pin, 'map'));
  }

  /**
   * A link of an entry, owned by the caller. Throws `store-no-pin` for a name that the entry does not have.
   */
  openLink(entry: StoreEntry, name: string): Attachment {
    const pin = pinOf(entry, 'link', entry.record.links, name);
    return new Attachment(this.sys, this.#openPin(entry, pin, 'link'), pin.place);
  }

  /**
   * Programs and links that the pins of an entry hold whose record cannot be read, owned by the caller.
   * @internal
   */
  openPins(entry: BrokenEntry): LoosePins {
    using directory = this.#open(entry.entryKind, entryKey(entry.name));
    return directory === undefined
      ? { programs: [], links: [], complete: true }
      : openLoosePins(this.sys, directory);
  }

  /**
   * Makes a new generation of an entry and removes the old one. Descriptors in `contents` stay the caller's.
   * On any failure nothing of the new generation remains, and the old one counts. `commit` is for a change
   * that belongs to it, such as another program on a hook: it runs when everything is pinned, and when it
   * throws, nothing is saved. `hasChanged`: asked on failure, whether the change has happened and is not taken back; the new
   * generation stays then, and the next command that opens the store makes it count (`StoreOptions.hasHappened`).
   */
  save(
    kind: EntryKind,
    name: string,
    contents: Contents,
    commit: () => void = () => {},
    hasChanged: () => boolean = () => false,
  ): StoreEntry {
    return this.#locked(root => {
      using entries = root.make(DIRECTORIES[kind]);
      const key = entryKey(name);
      using directory = entries.make(key);
      try {
        const { generations, untrusted } = readLayout(directory);
        if (untrusted.length > 0) throw new RootletError(untrusted);
        const generation = Math.max(0, ...generations) + 1;
        const path = join(directory.path, String(generation));
        const onStep = this.#onStep;
        const build = { kind, name, directory, generation, contents, onStep, commit, hasChanged };
        const record = whileBuilding(path, () => buildGeneration(this.sys, build));
        this.#onStep('remove-old');
        if (record.maps.some(({ component }) => component !== null)) waitForLookups(this.sys);
        return { kind, name, generation, path, record };
      } catch (error) {
        if (directory.link(CURRENT) === undefined) entries.removeDirectory(key);
        throw error;
      } finally {
        this.#sweepQuietly(root);
      }
    });
  }

  /**
   * Removes an entry. Attachments in it end, and all that nothing else holds. Throws `store-unknown` when it
   * is gone but for what the store did not make, and `store-half-removed` when it is gone but for pins that
   * could not be removed. `commit` is for a change that belongs to it, such as detaching: it runs when nothing
   * but the removal can fail any more, and when it throws, the entry stays.
   */
  remove(entry: StoreEntry | BrokenEntry, commit: () => void = () => {}): void {
    const kind = entry.kind === 'broken' ? entry.entryKind : entry.kind;
    this.#locked(root => {
      const key = entryKey(entry.name);
      using entries = root.open(DIRECTORIES[kind]);
      using directory = entries?.open(key);
      if (entries === undefined || directory === undefined) {
        commit();
        return;
      }
      const layout = readLayout(directory); // throws before anything is changed
      commit();
      directory.removeLink(CURRENT);
      const left = afterChange(removed(entry), () => {
        removeRest(this.sys, directory, { ...layout, current: 0, hasComponents: false });
        return entries.removeDirectory(key) ? [] : readLayout(directory).unknown;
      });
      if (left.length > 0) throw unknownError(directory.path, left);
    });
  }

  #locked<T>(body: (root: Directory) => T): T {
    using root = Directory.make(this.root);
    return underLock(this.sys, root, this.#lockTimeout, () => body(root));
  }

  /** A directory of an entry; undefined when it does not exist. */
  #open(kind: EntryKind, ...names: readonly string[]): Directory | undefined {
    let at = Directory.find(this.root);
    for (const name of [DIRECTORIES[kind], ...names]) {
      using outer = at;
      at = outer?.open(name);
    }
    return at;
  }

  #generation(entry: StoreEntry, ...below: readonly string[]): Directory | undefined {
    return this.#open(entry.kind, entryKey(entry.name), String(entry.generation), ...below);
  }

  #openPin(entry: StoreEntry, { pin }: PinRecord, kind: PinnedKind): Fd {
    using directory = this.#generation(entry, ...pin.split('/').slice(0, -1));
    return openPinIn(this.sys, directory, join(entry.path, pin), kind);
  }

  /** By the pin of the entry whose record has the id. */
  #openById(kind: PinnedKind, id: number): Fd | undefined {
    for (const entry of this.#soundEntries()) {
      const pin = pinsOf(entry, kind).find(candidate => candidate.id === id);
      if (pin !== undefined) return this.#openPin(entry, pin, kind);
    }
    return undefined;
  }

  #typesById(id: number): Uint8Array | undefined {
    for (const entry of this.#soundEntries()) {
      using generation = this.#generation(entry);
      const types = readPinnedRecord(this.sys, generation, entry.path).types.get(id);
      if (types !== undefined) return types;
    }
    return undefined;
  }

  /** Those whose record can be read. */
  #soundEntries(): readonly StoreEntry[] {
    try {
      return this.list().flatMap(entry => (entry.kind === 'broken' ? [] : [entry]));
    } catch (error) {
      if (error instanceof RootletError) return [];
      throw error;
    }
  }

  #read(kind: EntryKind, name: string, directory: Directory): StoreEntry | BrokenEntry | undefined {
    for (let attempt = 0; ; attempt++) {
      const target = directory.link(CURRENT);
      try {
        return this.#readCurrent(kind, name, directory);
      } catch (error) {
        if (!(error instanceof RootletError)) throw error;
        // The pointer may have moved on while its target was read.
        if (attempt < 3 && directory.link(CURRENT) !== target) continue;
        const framed = addFrame(error, `${kind} ${quote(name)}`);
        if (isPassing(error)) throw framed;
        const { problems } = framed;
        return { kind: 'broken', entryKind: kind, name, path: directory.path, problems };
      }
    }
  }

  #readCurrent(kind: EntryKind, name: string, directory: Directory): StoreEntry | undefined {
    const { current, unknown, untrusted } = readLayout(directory);
    if (untrusted.length > 0) throw new RootletError(untrusted);
    if (current > 0) return this.#readGeneration(kind, name, directory, current);
    if (unknown.length > 0) throw unknownError(directory.path, unknown);
    return undefined;
  }

  #readGeneration(kind: EntryKind, name: string, directory: Directory, generation: number): StoreEntry {
    const path = join(directory.path, String(generation));
    using inner = directory.open(String(generation));
    const { record } = readPinnedRecord(this.sys, inner, path);
    if (record.kind !== kind || record.name !== name)
      throw platformError('store-record', [], `its record is of ${record.kind} ${quote(record.name)}`);
    return { kind, name, generation, path, record };
  }

  /** Not while another process changes the store: what looks left over may be what is being made. */
  #sweep(root: Directory): void {
    try {
      underLock(this.sys, root, 0, () => this.#sweepQuietly(root));
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
    }
  }

  #sweepQuietly(root: Directory): void {
    for (const kind of KINDS) {
      try {
        eachEntry(root, kind, (directory, key, entries) => this.#sweepEntry(kind, directory, key, entries));
      } catch (error) {
        if (!(error instanceof RootletError)) throw error; // the next one tries again
      }
    }
  }

  #sweepEntry(kind: EntryKind, directory: Directory, key: string, entries: Directory): void {
    const layout = readLayout(directory);
    if (!isLeftOver(directory, layout)) return;
    this.#finish(kind, nameOfKey(key) ?? key, directory, layout);
    removeRest(this.sys, directory, readLayout(directory));
    if (directory.link(CURRENT) === undefined) entries.removeDirectory(key);
  }

  /** The last switch of a process that was killed between its change and that. */
  #finish(kind: EntryKind, name: string, directory: Directory, layout: EntryLayout): void {
    const newest = Math.max(0, ...surplusOf(directory, layout));
    if (newest <= layout.current) return;
    const left = this.#tryGeneration(kind, name, directory, newest);
    if (left === undefined || !this.#hasHappened(left, this)) return;
    directory.swapLink(CURRENT, NEXT, String(newest));
    waitForLookups(this.sys);
  }

  /** Undefined when it is not whole: the record is pinned last. */
  #tryGeneration(
    kind: EntryKind,
    name: string,
    directory: Directory,
    generation: number,
  ): StoreEntry | undefined {
    try {
      return this.#readGeneration(kind, name, directory, generation);
    } catch (error) {
      if (error instanceof RootletError) return undefined;
      throw error;
    }
  }
}

/**
 * Waits for those who look up a path through `components` and have passed the old `current` already: the
 * kernel does that in an RCU section, as it runs programs. Without it they would find the old generation
 * being removed.
 */
function waitForLookups(sys: Sys): void {
  waitForPrograms(sys);
}

/** Runs `body` for each entry of a kind, with its key and the directory that it is in. */
function eachEntry(
  root: Directory,
  kind: EntryKind,
  body: (directory: Directory, key: string, entries: Directory) => void,
): void {
  using entries = root.open(DIRECTORIES[kind]);
  for (const key of entries?.names() ?? []) {
    using directory = entries?.open(key);
    if (entries !== undefined && directory !== undefined) body(directory, key, entries);
  }
}

const PASSING: ReadonlySet<number> = new Set([EAGAIN, EINTR, EMFILE, ENFILE, ENOMEM]);

/** Whether reading failed for want of something, and not because of the entry: it is not broken. */
function isPassing({ problems }: RootletError): boolean {
  return problems.some(({ errno }) => errno !== undefined && PASSING.has(errno));
}

/** Entries that lead elsewhere are not listed beside others: the command has to stop. */
function requireTrustedEntry(entry: StoreEntry | BrokenEntry | undefined): void {
  if (entry?.kind !== 'broken') return;
  if (entry.problems.some(({ code }) => code === 'store-untrusted')) throw new RootletError(entry.problems);
}

function pinsOf({ record }: StoreEntry, kind: PinnedKind): readonly PinRecord[] {
  return { program: record.programs, map: record.maps, link: record.links }[kind];
}

function pinOf<T extends PinRecord>(entry: StoreEntry, what: string, pins: readonly T[], name: string): T {
  const pin = pins.find(candidate => candidate.name === name);
  if (pin !== undefined) return pin;
  const names = pins.map(candidate => candidate.name);
  throw usageError('store-no-pin', `${entry.kind} ${quote(entry.name)} has no ${what} ${quote(name)}`, {
    hint: available('there are', names),
  });
}

/** An entry without a generation that counts is none: the next command that opens the store removes its pins. */
function removed(entry: StoreEntry | BrokenEntry): Happened {
  return {
    code: 'store-half-removed',
    where: [describeEntry(entry)],
    message: 'is removed, but not all of its pins are',
    hint: 'the next command removes what is left',
  };
}

/** Kind and name of an entry, for messages. */
export function describeEntry(entry: StoreEntry | BrokenEntry): string {
  const kind = entry.kind === 'broken' ? entry.entryKind : entry.kind;
  return `${kind} ${quote(entry.name)}`;
}
