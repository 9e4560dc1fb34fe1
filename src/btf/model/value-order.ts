/**
 * Types in the order in which their values contain each other: parts before wholes.
 *
 * Sizes, alignments and the order of C definitions all need it. Follows members, elements and what typedefs
 * and modifiers represent, never pointers or functions; depth first with a stack of its own, since depth
 * comes from files.
 *
 * `?? 0` after an index satisfies the compiler and never applies: `parseBtf` has checked that every type is
 * inside its section, and tables by id have a place for every id. What a call for each word costs:
 * `src/bytes/at.ts`.
 */

import { BTF_KIND } from '../../uapi/index.ts';
import type { RawBtf } from './raw.ts';
import type { BtfId } from './types.ts';
import { kindOfInfo, vlenOfInfo } from './words.ts';

const WHITE = 0;
const GREY = 1;
const BLACK = 2;

export class ValueOrder {
  readonly #btf: RawBtf;
  readonly #leave: (id: BtfId) => void;
  readonly #cycle: (path: readonly BtfId[]) => Error;
  readonly #colour: Uint8Array;
  #stack = new Uint32Array(64);
  #next = new Uint32Array(64);
  #depth = 0;

  /** `leave` is called once per type; `cycle` makes the error for types that contain each other. */
  constructor(btf: RawBtf, leave: (id: BtfId) => void, cycle: (path: readonly BtfId[]) => Error) {
    this.#btf = btf;
    this.#leave = leave;
    this.#cycle = cycle;
    this.#colour = new Uint8Array(btf.count + 1);
    this.#colour[0] = BLACK;
  }

  /** Leaves all parts of type `id`, then the type itself, as far as they have not been left before. */
  visit(id: BtfId): void {
    if (this.#colour[id] !== WHITE) return;
    this.#enter(id);
    while (this.#depth > 0) this.#step();
  }

  #enter(id: BtfId): void {
    if (partCount(this.#btf, id) === 0) {
      this.#colour[id] = BLACK;
      this.#leave(id);
      return;
    }
    if (this.#depth === this.#stack.length) {
      this.#stack = grown(this.#stack);
      this.#next = grown(this.#next);
    }
    this.#colour[id] = GREY;
    this.#stack[this.#depth] = id;
    this.#next[this.#depth] = 0;
    this.#depth++;
  }

  /** Continues with the type on top: to its next part, or out of it. */
  #step(): void {
    const top = this.#depth - 1;
    const id = this.#stack[top] ?? 0;
    const index = this.#next[top] ?? 0;
    if (index === partCount(this.#btf, id)) {
      this.#depth--;
      this.#colour[id] = BLACK;
      this.#leave(id);
      return;
    }
    this.#next[top] = index + 1;
    const part = partOf(this.#btf, id, index);
    const colour = this.#colour[part];
    if (colour === WHITE) this.#enter(part);
    else if (colour === GREY) throw this.#cycle(this.#pathFrom(part));
  }

  #pathFrom(id: BtfId): BtfId[] {
    const path = Array.from(this.#stack.subarray(0, this.#depth));
    return path.slice(path.lastIndexOf(id));
  }
}

/** How many types a value of type `id` contains. */
export function partCount(btf: RawBtf, id: BtfId): number {
  if (id === 0) return 0;
  const info = btf.info(id);
  switch (kindOfInfo(info)) {
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION:
      return vlenOfInfo(info);
    case BTF_KIND.ARRAY:
    case BTF_KIND.TYPEDEF:
    case BTF_KIND.VOLATILE:
    case BTF_KIND.CONST:
    case BTF_KIND.RESTRICT:
    case BTF_KIND.TYPE_TAG:
      return 1;
    default:
      return 0;
  }
}

/** Part number `index`: a member's type, the element, or what a typedef or modifier represents. */
export function partOf(btf: RawBtf, id: BtfId, index: number): BtfId {
  const at = btf.start[id] ?? 0;
  switch (btf.kindOf(id)) {
    case BTF_KIND.STRUCT:
    case BTF_KIND.UNION:
      return btf.words[at + 4 + 3 * index] ?? 0;
    case BTF_KIND.ARRAY:
      return btf.words[at + 3] ?? 0;
    default:
      return btf.words[at + 2] ?? 0;
  }
}

function grown(values: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(values.length * 2);
  larger.set(values);
  return larger;
}
