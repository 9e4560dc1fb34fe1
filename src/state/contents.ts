/**
 * Arrays of programs and maps of maps whose contents an object gives: three-way merge of entries.
 *
 * Base is what the running generation wrote when it was created, one side is what the map holds now, the
 * other side is what the next generation gives. An entry that was set, replaced or deleted at run time stays
 * as it is; every other entry is the new generation's. Programs and maps of the old generation itself are
 * replaced by those of the same name: the next generation never runs an old stage.
 */

import { elementAt } from '../bytes/index.ts';
import { RootletError } from '../diag/index.ts';
import { type BpfMap, decodeU32s, encodeU32s, isNotVisible, openById } from '../kernel/index.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../uapi/index.ts';
import type { PreviousMap, StaticContents } from './decision.ts';

/** What entries of the old generation become in the next one. */
export interface Successors {
  /**
   * Descriptor for an id of the old generation's own; null where the next generation has none of that name.
   */
  readonly of: (id: number) => number | null | undefined;
}

/** An entry that differs from what the running generation wrote. */
export interface ChangedEntry {
  readonly key: Uint8Array;
  /** Id of what is there now; null for a deleted entry. */
  readonly id: number | null;
}

export interface CarriedEntries {
  readonly carried: number;
  /** Entries that could not be carried over, one sentence each. */
  readonly lost: readonly string[];
}

/** Entries that were changed at run time. */
export function changedEntries({ map, state }: PreviousMap): ChangedEntry[] {
  const base = new Map([...(state.contents ?? [])].map(([index, id]) => [keyText(encodeU32s([index])), id]));
  const changed: ChangedEntry[] = [];
  for (const [key, value] of map.entries()) {
    const text = keyText(key);
    const [id] = decodeU32s(value);
    if (id !== undefined && base.get(text) !== id) changed.push({ key, id });
    base.delete(text);
  }
  for (const text of base.keys()) changed.push({ key: keyBytes(text), id: null });
  return changed;
}

/**
 * Applies the merge to the new map. May be repeated: entries that were changed back meanwhile get their
 * static contents again.
 */
export class ContentsMerge {
  readonly #previous: PreviousMap;
  readonly #to: BpfMap;
  readonly #initial: ReadonlyMap<string, number>;
  readonly #successors: Successors;
  #touched = new Map<string, Uint8Array>();

  /** `initial`: index → descriptor that the next generation wrote. */
  constructor(
    previous: PreviousMap,
    to: BpfMap,
    initial: ReadonlyMap<number, number>,
    successors: Successors,
  ) {
    this.#previous = previous;
    this.#to = to;
    this.#initial = new Map([...initial].map(([index, fd]) => [keyText(encodeU32s([index])), fd]));
    this.#successors = successors;
  }

  apply(): CarriedEntries {
    const changed = changedEntries(this.#previous);
    const now = new Set(changed.map(({ key }) => keyText(key)));
    for (const [text, key] of this.#touched) if (!now.has(text)) this.#restore(text, key);
    this.#touched = new Map(changed.map(({ key }) => [keyText(key), key]));
    const lost = changed.flatMap(entry => this.#carry(entry) ?? []);
    return { carried: changed.length - lost.length, lost };
  }

  #restore(text: string, key: Uint8Array): void {
    const fd = this.#initial.get(text);
    if (fd === undefined) this.#to.delete(key);
    else this.#to.update(key, encodeU32s([fd]));
  }

  /** Undefined when it was carried over. */
  #carry({ key, id }: ChangedEntry): string | undefined {
    if (id === null) {
      this.#to.delete(key);
      return undefined;
    }
    const successor = this.#successors.of(id);
    if (successor === null)
      return `${describeKey(key)} was a program or map that the new version does not have`;
    if (successor !== undefined) return this.#write(key, successor);
    return this.#carryForeign(key, id);
  }

  /** What another program or tool put there. */
  #carryForeign(key: Uint8Array, id: number): string | undefined {
    const kind = this.#to.type === BPF_MAP_TYPE_PROG_ARRAY ? 'program' : 'map';
    try {
      using fd = openById(this.#to.sys, kind, id);
      return fd === undefined ? undefined : this.#write(key, fd.number); // undefined: deleted since
    } catch (error) {
      if (!isNotVisible(error)) throw error;
      return `${describeKey(key)} is ${kind} ${id}, which has no pin in the store: CAP_SYS_ADMIN is needed to open it`;
    }
  }

  #write(key: Uint8Array, fd: number): string | undefined {
    try {
      this.#to.update(key, encodeU32s([fd]));
      return undefined;
    } catch (error) {
      if (!(error instanceof RootletError)) throw error;
      return `${describeKey(key)} does not fit the new map: ${elementAt(error.problems, 0).message}`;
    }
  }
}

/** What a new map was given, for the record of its generation. */
export function staticContents(
  entries: Iterable<readonly [index: number, id: number]>,
): StaticContents | null {
  const contents = new Map(entries);
  return contents.size === 0 ? null : contents;
}

function keyText(key: Uint8Array): string {
  return key.join(',');
}

function keyBytes(text: string): Uint8Array {
  return Uint8Array.from(text.split(','), Number);
}

function describeKey(key: Uint8Array): string {
  const [index, more] = key.length % 4 === 0 ? decodeU32s(key) : [];
  return index === undefined || more !== undefined ? `entry ${key.join(' ')}` : `entry ${index}`;
}
