/**
 * Types that are being repaired: edits and additions over types that stay as they are, so that every id keeps
 * its meaning, and a record of what was repaired.
 *
 * Separate from `BtfBuilder`, which can not read what it has so far: a repair has to see those before it.
 */

import {
  type Btf,
  BtfBuilder,
  type BtfId,
  type BtfInt,
  type BtfType,
  editBtf,
  INT,
  kindNumber,
  type RawBtf,
  resolvedType,
  sizeOfType,
  toRaw,
} from '../../btf/index.ts';

/** What was repaired: a name, and where it changed the new one; else a type without a name, by its id. */
export type Example = BtfId | string | { readonly from: string; readonly to: string };

/** Types of which some were replaced, and more were added after the last one. */
export class Draft<Repair extends string> implements Btf {
  readonly base: RawBtf;
  readonly #edits = new Map<BtfId, BtfType>();
  readonly #added: BtfType[] = [];
  /** Types that were added for a purpose, by it. */
  readonly #known = new Map<string, BtfId>();
  readonly #done = new Map<Repair, Example[]>();

  constructor(types: Btf) {
    this.base = toRaw(types);
  }

  get count(): number {
    return this.base.count + this.#added.length;
  }

  type(id: BtfId): BtfType {
    return this.#edits.get(id) ?? this.#added[id - this.base.count - 1] ?? this.base.type(id);
  }

  kindOf(id: BtfId): number {
    return id === 0 ? 0 : kindNumber(this.type(id));
  }

  nameOf(id: BtfId): string {
    const type = id === 0 ? undefined : this.type(id);
    return type !== undefined && 'name' in type ? type.name : '';
  }

  /** Whether the words of the type have the kind flag; bit offsets of members are read by stricter rules then. */
  hasKindFlag(id: BtfId): boolean {
    return this.base.kindFlagOf(id);
  }

  /** Puts `type` in the place of type `id`. `example` shows in the note what was repaired. */
  repair(repair: Repair, id: BtfId, type: BtfType, example: Example): void {
    this.#edits.set(id, type);
    const examples = this.#done.get(repair);
    if (examples === undefined) this.#done.set(repair, [example]);
    else examples.push(example);
  }

  /** Puts `type` in the place of type `id` as a part of another repair. */
  follow(id: BtfId, type: BtfType): void {
    this.#edits.set(id, type);
  }

  add(type: BtfType): BtfId {
    this.#added.push(type);
    return this.count;
  }

  /** An integer that has no odd bits, of 1, 2, 4, 8 or 16 bytes. */
  integer(size: number, signed: boolean): BtfId {
    const name = `${signed ? '' : 'unsigned_'}int${size * 8}`;
    const type: BtfInt = { ...INT, name, size, bits: size * 8, signed };
    return this.#once(name, () => type);
  }

  /** `size` bytes without a meaning. */
  bytes(size: number): BtfId {
    const element = this.integer(1, false);
    if (size === 1) return element;
    const index = this.integer(4, false);
    return this.#once(`bytes ${size}`, () => ({ kind: 'array', element, index, length: size }));
  }

  /** Size of a value, undefined for what has none: void, functions, forward declarations. */
  sizeOf(id: BtfId): number | undefined {
    const kind = resolvedType(this, id)?.kind;
    if (kind === undefined || kind === 'fwd' || kind === 'func_proto' || kind === 'func') return undefined;
    return sizeOfType(this, id);
  }

  /** What was repaired, with the examples of each, in the order in which it was found. */
  get repairs(): ReadonlyMap<Repair, readonly Example[]> {
    return this.#done;
  }

  /** The types with all repairs. */
  finish(): Btf {
    const builder = new BtfBuilder(this.base);
    for (const type of this.#added) builder.add(type);
    return editBtf(builder.build(), this.#edits);
  }

  #once(purpose: string, make: () => BtfType): BtfId {
    const known = this.#known.get(purpose);
    if (known !== undefined) return known;
    const id = this.add(make());
    this.#known.set(purpose, id);
    return id;
  }
}
