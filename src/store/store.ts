/**
 * Named things that stay in the kernel: loaded objects and attachments, with their pins and a record of what they are.
 *
 * The kernel and its bpf file system are the only state. An entry is a folder of generations and a symbolic link to the
 * one that counts, which is switched by one rename: a process that is killed at any moment leaves the old generation or
 * the new one, never a mixture, and what else it left is removed by whoever opens the store next.
 */

import { basename, join } from 'node:path';
import { addFrame, type Problem, quote, RootletError, usageError } from '../diag/index.ts';
import { Attachment } from '../kernel/attachment.ts';
import { BpfMap } from '../kernel/map.ts';
import { BpfProgram } from '../kernel/program.ts';
import type { Sys } from '../kernel/sys.ts';
import {
  listFolder,
  makeFolder,
  openPin,
  readPointer,
  removeFile,
  removeFolder,
  removePins,
  requireBpffs,
  swapPointer,
} from './folder.ts';
import { underLock } from './locks.ts';
import { entryKey, nameOfKey } from './names.ts';
import type { EntryKind, PinRecord, RecordFiles, StoreRecord } from './record.ts';
import { readPinnedRecord } from './record-map.ts';
import { buildGeneration, type Contents, CURRENT, type SaveStep, type StepHook } from './save.ts';

export const DEFAULT_STORE_ROOT = '/sys/fs/bpf/rootlet';

export interface StoreEntry {
  readonly kind: EntryKind;
  readonly name: string;
  readonly generation: number;
  /** Folder of the generation. */
  readonly path: string;
  readonly record: StoreRecord;
}

/** An entry whose record cannot be read. It can only be removed. */
export interface BrokenEntry {
  readonly kind: 'broken';
  readonly entryKind: EntryKind;
  readonly name: string;
  /** Folder of the entry. */
  readonly path: string;
  readonly problems: readonly Problem[];
}

export interface StoreOptions {
  /** Milliseconds to wait for another process that holds the lock. Default 10000. */
  readonly patience?: number;
  /** Told before each step of a save; tests stop the process there. */
  readonly onStep?: (step: SaveStep) => void;
  /**
   * Whether a whole generation that a killed process left is to count, since the change that belongs to it (see `save`)
   * had happened. Asked under the lock, before it is removed.
   */
  readonly hasHappened?: (left: StoreEntry, store: Store) => boolean;
}

const KINDS: readonly EntryKind[] = ['object', 'hook'];
const FOLDERS = { object: 'objects', hook: 'hooks' } as const;

export class Store {
  readonly sys: Sys;
  /** Its folder. It is made when something is saved. */
  readonly root: string;
  readonly #patience: number;
  readonly #onStep: StepHook;
  readonly #hasHappened: (left: StoreEntry, store: Store) => boolean;
  /** Folders of generations that are being made: nothing of them counts yet, and nothing is left over. */
  readonly #building = new Set<string>();

  private constructor(sys: Sys, root: string, options: StoreOptions) {
    this.sys = sys;
    this.root = root;
    this.#patience = options.patience ?? 10_000;
    this.#onStep = options.onStep ?? (() => {});
    this.#hasHappened = options.hasHappened ?? (() => false);
  }

  /**
   * The store in a folder of a bpf file system; what a killed process left there is removed. Throws `store-no-bpffs`,
   * and `store-file` where this process may not look.
   */
  static open(sys: Sys, root = DEFAULT_STORE_ROOT, options: StoreOptions = {}): Store {
    requireBpffs(root);
    const store = new Store(sys, root, options);
    if (KINDS.some(kind => store.#leftovers(kind).length > 0)) store.#sweep();
    return store;
  }

  /** Runs `body` while no other process changes the store; may be nested. Throws `kernel-lock-busy`. */
  locked<T>(body: () => T): T {
    makeFolder(this.root);
    return underLock(this.sys, this.root, this.#patience, body);
  }

  /** All entries, objects first, by name. */
  list(): readonly (StoreEntry | BrokenEntry)[] {
    return KINDS.flatMap(kind =>
      listFolder(this.#folder(kind)).flatMap(key => {
        const entry = this.#read(kind, key);
        return entry === undefined ? [] : [entry];
      }),
    );
  }

  /** Throws what is wrong with it when the entry is broken. */
  find(kind: EntryKind, name: string): StoreEntry | undefined {
    const entry = this.#read(kind, entryKey(name));
    if (entry?.kind === 'broken') throw new RootletError(entry.problems);
    return entry;
  }

  /** The same, broken or not. */
  peek(kind: EntryKind, name: string): StoreEntry | BrokenEntry | undefined {
    return this.#read(kind, entryKey(name));
  }

  /** Files kept in the record, by name. */
  files(entry: StoreEntry): RecordFiles {
    return readPinnedRecord(this.sys, join(entry.path, 'record')).files;
  }

  /** Owned by the caller, as are the next two. Throws `store-no-pin` for names that the entry does not have. */
  openProgram(entry: StoreEntry, name: string): BpfProgram {
    const pin = pinOf(entry, 'program', entry.record.programs, name);
    const fd = openPin(this.sys, join(entry.path, pin.pin), 'program');
    return new BpfProgram(this.sys, fd, name, pin.type);
  }

  openMap(entry: StoreEntry, name: string): BpfMap {
    const pin = pinOf(entry, 'map', entry.record.maps, name);
    return BpfMap.adopt(this.sys, openPin(this.sys, join(entry.path, pin.pin), 'map'));
  }

  openLink(entry: StoreEntry, name: string): Attachment {
    const pin = pinOf(entry, 'link', entry.record.links, name);
    return new Attachment(this.sys, openPin(this.sys, join(entry.path, pin.pin), 'link'), pin.place);
  }

  /**
   * Makes a new generation of an entry and lets the old one go. Descriptors in `contents` stay the caller's. On any
   * failure nothing of the new generation remains, and the old one counts. `commit` is for a change that belongs to it,
   * such as another program on a hook: it runs when everything is pinned, and when it throws, nothing is saved.
   */
  save(kind: EntryKind, name: string, contents: Contents, commit: () => void = () => {}): StoreEntry {
    const folder = join(this.#folder(kind), entryKey(name));
    return this.locked(() => {
      const generation = Math.max(0, ...listFolder(folder).map(generationOf)) + 1;
      const path = join(folder, String(generation));
      makeFolder(folder);
      this.#building.add(path);
      try {
        const build = { kind, name, folder, generation, contents, onStep: this.#onStep, commit };
        const record = buildGeneration(this.sys, build);
        this.#onStep('remove-old');
        return { kind, name, generation, path, record };
      } catch (error) {
        if (readPointer(join(folder, CURRENT)) === undefined) removeFolder(folder);
        throw error;
      } finally {
        this.#building.delete(path);
        this.#sweepQuietly();
      }
    });
  }

  /** Lets an entry go. Attachments in it end, and all that nothing else holds. */
  remove(entry: StoreEntry | BrokenEntry): void {
    const kind = entry.kind === 'broken' ? entry.entryKind : entry.kind;
    const folder = join(this.#folder(kind), entryKey(entry.name));
    this.locked(() => {
      removeFile(join(folder, CURRENT));
      this.#removeRest(folder);
    });
  }

  #folder(kind: EntryKind): string {
    return join(this.root, FOLDERS[kind]);
  }

  #read(kind: EntryKind, key: string): StoreEntry | BrokenEntry | undefined {
    const name = nameOfKey(key) ?? key;
    const folder = join(this.#folder(kind), key);
    for (let attempt = 0; ; attempt++) {
      const target = readPointer(join(folder, CURRENT));
      if (target === undefined) return undefined;
      try {
        return this.#readGeneration(kind, name, folder, target);
      } catch (error) {
        if (!(error instanceof RootletError)) throw error;
        // The pointer may have moved on while its target was read.
        if (attempt < 3 && readPointer(join(folder, CURRENT)) !== target) continue;
        const { problems } = addFrame(error, `${kind} ${quote(name)}`);
        return { kind: 'broken', entryKind: kind, name, path: folder, problems };
      }
    }
  }

  #readGeneration(kind: EntryKind, name: string, folder: string, target: string): StoreEntry {
    const generation = generationOf(target);
    if (generation === 0) throw usageError('store-record', 'what is current is no generation');
    const path = join(folder, target);
    const { record } = readPinnedRecord(this.sys, join(path, 'record'));
    if (record.kind !== kind || record.name !== name)
      throw usageError('store-record', `its record is of ${record.kind} ${quote(record.name)}`);
    return { kind, name, generation, path, record };
  }

  /** Folders of entries that hold something that does not count. */
  #leftovers(kind: EntryKind): string[] {
    return listFolder(this.#folder(kind))
      .map(key => join(this.#folder(kind), key))
      .filter(folder => this.#surplus(folder).length > 0 || readPointer(join(folder, CURRENT)) === undefined);
  }

  #surplus(folder: string): string[] {
    const current = readPointer(join(folder, CURRENT));
    return listFolder(folder).filter(
      name => name !== CURRENT && name !== current && !this.#building.has(join(folder, name)),
    );
  }

  /** Not when somebody is at work: what looks left over may be what is being made. */
  #sweep(): void {
    try {
      underLock(this.sys, this.root, 0, () => this.#sweepQuietly());
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
    }
  }

  #sweepQuietly(): void {
    for (const kind of KINDS) {
      for (const folder of this.#leftovers(kind)) {
        try {
          this.#finish(kind, folder);
          this.#removeRest(folder);
        } catch (error) {
          if (!(error instanceof RootletError)) throw error; // the next one tries again
        }
      }
    }
  }

  /** The last switch of a process that was killed between its change and that. */
  #finish(kind: EntryKind, folder: string): void {
    const current = generationOf(readPointer(join(folder, CURRENT)) ?? '');
    const newest = Math.max(0, ...this.#surplus(folder).map(generationOf));
    if (newest <= current) return;
    const left = this.#tryGeneration(kind, folder, String(newest));
    if (left !== undefined && this.#hasHappened(left, this)) swapPointer(folder, CURRENT, String(newest));
  }

  /** Undefined when it is not whole: the record is pinned last. */
  #tryGeneration(kind: EntryKind, folder: string, generation: string): StoreEntry | undefined {
    try {
      const key = basename(folder);
      return this.#readGeneration(kind, nameOfKey(key) ?? key, folder, generation);
    } catch (error) {
      if (error instanceof RootletError) return undefined;
      throw error;
    }
  }

  /** Removes all but the generation that counts, and the folder when none does. */
  #removeRest(folder: string): void {
    for (const name of this.#surplus(folder)) {
      const path = join(folder, name);
      if (generationOf(name) > 0) removePins(this.sys, path);
      else removeFile(path);
    }
    if (readPointer(join(folder, CURRENT)) === undefined) removeFolder(folder);
  }
}

/** Number of a generation; 0 for names that are none. */
function generationOf(name: string): number {
  const number = Number(name);
  return Number.isSafeInteger(number) && number > 0 && String(number) === name ? number : 0;
}

function pinOf<T extends PinRecord>(entry: StoreEntry, what: string, pins: readonly T[], name: string): T {
  const pin = pins.find(candidate => candidate.name === name);
  if (pin !== undefined) return pin;
  const names = pins.map(candidate => quote(candidate.name)).join(', ');
  throw usageError('store-no-pin', `${entry.kind} ${quote(entry.name)} has no ${what} ${quote(name)}`, {
    hint: `there are: ${names === '' ? 'none' : names}`,
  });
}

/** Of the folder that holds `entry`, for messages. */
export function describeEntry(entry: StoreEntry | BrokenEntry): string {
  const kind = entry.kind === 'broken' ? entry.entryKind : entry.kind;
  return `${kind} ${quote(entry.name)}`;
}
