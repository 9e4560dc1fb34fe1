/**
 * Second half of deduplication: blocks of types that may be equal are split until the types of a block refer
 * to the same blocks at the same places. The final blocks are equal as far as references go, cycles included
 * (the coarsest stable partition; libbpf proves the same pair by pair with hypothetical maps).
 *
 * Cost: O(references × log types) for every input. When a block is split its largest part keeps the number,
 * so a type gets a new number at most log2(types) times, and each time its referrers' signatures change by
 * one term. There are no pairs to compare and no depth limits.
 *
 * `?? 0` after an index satisfies the compiler and never applies: `parseBtf` has checked that every type is
 * inside its section, and tables by id have a place for every id. What a call for each word costs:
 * `src/bytes/at.ts`.
 */

import {
  type BtfId,
  firstReference,
  kindOfInfo,
  type RawBtf,
  referenceCount,
  referenceStride,
  vlenOfInfo,
} from '../model/index.ts';
import { type Hashes, mixHigh, mixLow } from './identity.ts';

/** References backwards: those to type `id` are `start[id]` to `start[id + 1]`. */
interface Incoming {
  readonly start: Uint32Array;
  readonly source: Uint32Array;
  readonly position: Uint32Array;
}

export class Partition {
  /** Block of each type; type 0 (void) is alone in block 0. */
  readonly blockOf: Uint32Array;
  readonly #btf: RawBtf;
  /** Types that represent others: a reference to `id` counts as one to `alias[id]`. */
  readonly #alias: Uint32Array;
  /** Members of blocks, block after block; the marked ones first in each. */
  readonly #members: Uint32Array;
  readonly #place: Uint32Array;
  readonly #first: Uint32Array;
  readonly #end: Uint32Array;
  readonly #marked: Uint32Array;
  /** Forward declaration that represents the structs of a block as long as they stay together; 0 = none. */
  readonly #forward: Uint32Array;
  readonly #signatures: Hashes;
  #incoming: Incoming;
  #blocks = 1;
  #moved: BtfId[] = [];
  #movedFrom: number[] = [];
  #dirty: number[] = [];

  /**
   * Starts with blocks of equal hashes. Every type for which `isMember` does not hold gets no block, until
   * `place` puts it somewhere.
   */
  constructor(btf: RawBtf, hashes: Hashes, alias: Uint32Array, isMember: (id: BtfId) => boolean) {
    const size = btf.count + 2;
    this.#btf = btf;
    this.#alias = alias;
    this.blockOf = new Uint32Array(size);
    this.#members = new Uint32Array(size);
    this.#place = new Uint32Array(size);
    this.#first = new Uint32Array(size);
    this.#end = new Uint32Array(size);
    this.#marked = new Uint32Array(size);
    this.#forward = new Uint32Array(size);
    this.#signatures = { low: new Int32Array(size), high: new Int32Array(size) };
    this.#assignBlocks(hashes, isMember);
    this.#layOutBlocks();
    this.#incoming = { start: new Uint32Array(0), source: new Uint32Array(0), position: new Uint32Array(0) };
  }

  /** Puts forward declaration `id` in with the structs of `block`. */
  attachForward(id: BtfId, block: number): void {
    this.blockOf[id] = block;
    this.#forward[block] = id;
  }

  /** Puts `id` in a block of its own. */
  isolate(id: BtfId): void {
    const block = this.#blocks++;
    this.blockOf[id] = block;
  }

  /** Splits until nothing changes. */
  refine(): void {
    this.#incoming = this.#findIncoming();
    this.#signAll();
    while (this.#dirty.length > 0) {
      this.#splitDirty();
      this.#propagate();
    }
  }

  #assignBlocks(hashes: Hashes, isMember: (id: BtfId) => boolean): void {
    const { count } = this.#btf;
    let capacity = 16;
    while (capacity < count * 2) capacity *= 2;
    const table = new Uint32Array(capacity);
    const mask = capacity - 1;
    for (let id = 1; id <= count; id++) {
      if (!isMember(id)) continue;
      const low = hashes.low[id] ?? 0;
      const high = hashes.high[id] ?? 0;
      let slot = (low ^ (high >>> 7)) & mask;
      let known = table[slot] ?? 0;
      while (known !== 0 && (hashes.low[known] !== low || hashes.high[known] !== high)) {
        slot = (slot + 1) & mask;
        known = table[slot] ?? 0;
      }
      if (known === 0) {
        table[slot] = id;
        this.blockOf[id] = this.#blocks++;
      } else {
        this.blockOf[id] = this.blockOf[known] ?? 0;
      }
    }
  }

  /** Counting sort of the members by block. */
  #layOutBlocks(): void {
    const { count } = this.#btf;
    for (let id = 1; id <= count; id++) {
      const block = this.blockOf[id] ?? 0;
      if (block !== 0) this.#end[block] = (this.#end[block] ?? 0) + 1;
    }
    let at = 0;
    for (let block = 1; block < this.#blocks; block++) {
      const size = this.#end[block] ?? 0;
      this.#first[block] = at;
      this.#end[block] = at;
      at += size;
    }
    for (let id = 1; id <= count; id++) {
      const block = this.blockOf[id] ?? 0;
      if (block === 0) continue;
      const place = this.#end[block] ?? 0;
      this.#members[place] = id;
      this.#place[id] = place;
      this.#end[block] = place + 1;
    }
  }

  /** Members of a block alone, or not in a block with others, can never be split. */
  #isShared(id: BtfId): boolean {
    const block = this.blockOf[id] ?? 0;
    return (this.#end[block] ?? 0) - (this.#first[block] ?? 0) > 1;
  }

  #findIncoming(): Incoming {
    const { count } = this.#btf;
    const start = new Uint32Array(count + 2);
    this.#forEachSharedReference((_source, target) => {
      start[target + 1] = (start[target + 1] ?? 0) + 1;
    });
    for (let id = 1; id < start.length; id++) start[id] = (start[id] ?? 0) + (start[id - 1] ?? 0);
    const total = start[count + 1] ?? 0;
    const source = new Uint32Array(total);
    const position = new Uint32Array(total);
    const next = start.slice();
    this.#forEachSharedReference((from, target, index) => {
      const at = next[target] ?? 0;
      source[at] = from;
      position[at] = index;
      next[target] = at + 1;
    });
    return { start, source, position };
  }

  #forEachSharedReference(callback: (source: BtfId, target: BtfId, index: number) => void): void {
    const btf = this.#btf;
    for (let id = 1; id <= btf.count; id++) {
      if (!this.#isShared(id)) continue;
      const info = btf.info(id);
      const kind = kindOfInfo(info);
      const stride = referenceStride(kind);
      const count = referenceCount(kind, vlenOfInfo(info));
      let at = (btf.start[id] ?? 0) + firstReference(kind);
      for (let i = 0; i < count; i++, at += stride) {
        callback(id, this.#alias[btf.words[at] ?? 0] ?? 0, i);
      }
    }
  }

  /** First signature of every member of a shared block; all of them are to be looked at. */
  #signAll(): void {
    this.#forEachSharedReference((source, target, index) => {
      this.#addTerm(source, this.blockOf[target] ?? 0, index, 1);
    });
    for (let block = 1; block < this.#blocks; block++) {
      const size = (this.#end[block] ?? 0) - (this.#first[block] ?? 0);
      if (size < 2) continue;
      this.#marked[block] = size;
      this.#dirty.push(block);
    }
  }

  #addTerm(id: BtfId, block: number, position: number, sign: number): void {
    const { low, high } = this.#signatures;
    low[id] = ((low[id] ?? 0) + sign * mixLow(block, position)) | 0;
    high[id] = ((high[id] ?? 0) + sign * mixHigh(block, position)) | 0;
  }

  /** The signature as one exact number. */
  #signature(id: BtfId): number {
    const low = (this.#signatures.low[id] ?? 0) >>> 0;
    return low * 0x200000 + ((this.#signatures.high[id] ?? 0) & 0x1fffff);
  }

  #splitDirty(): void {
    const dirty = this.#dirty;
    this.#dirty = [];
    for (const block of dirty) this.#split(block);
  }

  /** Splits the marked members off by signature; the largest part keeps the block's number. */
  #split(block: number): void {
    const first = this.#first[block] ?? 0;
    const end = this.#end[block] ?? 0;
    const marked = this.#marked[block] ?? 0;
    this.#marked[block] = 0;
    const rest = first + marked < end ? this.#signature(this.#members[first + marked] ?? 0) : undefined;
    const groups = this.#groupBySignature(first, first + marked, rest);
    const restSize = end - first - marked + (rest === undefined ? 0 : (groups.get(rest)?.length ?? 0));
    if (groups.size === (rest !== undefined && groups.has(rest) ? 1 : 0) && rest !== undefined) return;
    if (rest === undefined && groups.size === 1) return;
    let keeper: number | undefined = rest;
    let largest = restSize;
    for (const [signature, group] of groups) {
      if (signature === rest || group.length <= largest) continue;
      keeper = signature;
      largest = group.length;
    }
    if (rest !== undefined && keeper !== rest) {
      const stay = Array.from(this.#members.subarray(first + marked, end));
      groups.set(rest, [...(groups.get(rest) ?? []), ...stay]);
    }
    this.#separate(block, groups, keeper);
  }

  #groupBySignature(from: number, to: number, rest: number | undefined): Map<number, BtfId[]> {
    const groups = new Map<number, BtfId[]>();
    const expected = rest ?? this.#signature(this.#members[from] ?? 0);
    let same = true;
    for (let at = from; same && at < to; at++) same = this.#signature(this.#members[at] ?? 0) === expected;
    // The usual case, many equal copies, needs no lists.
    if (same) return groups.set(expected, []);
    for (let at = from; at < to; at++) {
      const id = this.#members[at] ?? 0;
      const signature = this.#signature(id);
      const group = groups.get(signature);
      if (group === undefined) groups.set(signature, [id]);
      else group.push(id);
    }
    return groups;
  }

  /**
   * Moves all groups but `keeper` to new blocks, and the forward declaration out: it no longer means one
   * struct.
   */
  #separate(block: number, groups: ReadonlyMap<number, readonly BtfId[]>, keeper: number | undefined): void {
    for (const [signature, group] of groups) {
      if (signature !== keeper) this.#moveOut(block, group);
    }
    const forward = this.#forward[block] ?? 0;
    if (forward === 0) return;
    this.#forward[block] = 0;
    this.#record(forward, block);
    this.isolate(forward);
  }

  #moveOut(block: number, group: readonly BtfId[]): void {
    const added = this.#blocks++;
    let end = this.#end[block] ?? 0;
    for (const id of group) {
      end--;
      this.#swap(this.#place[id] ?? 0, end);
      this.#record(id, block);
      this.blockOf[id] = added;
    }
    this.#first[added] = end;
    this.#end[added] = this.#end[block] ?? 0;
    this.#end[block] = end;
  }

  #swap(a: number, b: number): void {
    const left = this.#members[a] ?? 0;
    const right = this.#members[b] ?? 0;
    this.#members[a] = right;
    this.#members[b] = left;
    this.#place[left] = b;
    this.#place[right] = a;
  }

  #record(id: BtfId, oldBlock: number): void {
    this.#moved.push(id);
    this.#movedFrom.push(oldBlock);
  }

  /** Brings the signatures of referrers up to date and marks those whose block may have to be split. */
  #propagate(): void {
    const { start, source, position } = this.#incoming;
    for (const [index, id] of this.#moved.entries()) {
      const from = this.#movedFrom[index] ?? 0;
      const to = this.blockOf[id] ?? 0;
      const end = start[id + 1] ?? 0;
      for (let at = start[id] ?? 0; at < end; at++) {
        const referrer = source[at] ?? 0;
        if (!this.#isShared(referrer)) continue;
        this.#addTerm(referrer, from, position[at] ?? 0, -1);
        this.#addTerm(referrer, to, position[at] ?? 0, 1);
        this.#mark(referrer);
      }
    }
    this.#moved = [];
    this.#movedFrom = [];
  }

  #mark(id: BtfId): void {
    const block = this.blockOf[id] ?? 0;
    const boundary = (this.#first[block] ?? 0) + (this.#marked[block] ?? 0);
    if ((this.#place[id] ?? 0) < boundary) return;
    if (this.#marked[block] === 0) this.#dirty.push(block);
    this.#swap(this.#place[id] ?? 0, boundary);
    this.#marked[block] = (this.#marked[block] ?? 0) + 1;
  }
}
