/**
 * Where a C compiler places members, and where padding or `packed` is needed. BTF has offsets and sizes but
 * neither alignments nor `packed`: a struct is declared packed exactly if the natural rules cannot give its
 * offsets or size.
 *
 * Rules of BPF, which are those of the System V ABI for x86-64. On arm64 and others, unnamed bit fields count
 * for alignment, so that a few structs would differ there.
 */

import { noElement } from '../../bytes/index.ts';
import {
  type BtfComposite,
  type BtfId,
  type BtfMember,
  pointerSize,
  type RawBtf,
  ValueOrder,
} from '../model/index.ts';

export class CLayout {
  readonly #btf: RawBtf;
  readonly #order: ValueOrder;
  readonly #size: Float64Array;
  readonly #align: Float64Array;
  readonly #packed: Uint8Array;
  readonly #pointerSize: number;

  constructor(btf: RawBtf) {
    this.#btf = btf;
    this.#size = new Float64Array(btf.count + 1);
    this.#align = new Float64Array(btf.count + 1).fill(1);
    this.#packed = new Uint8Array(btf.count + 1);
    this.#pointerSize = pointerSize(btf);
    this.#order = new ValueOrder(
      btf,
      id => this.#leave(id),
      () => new Error('types have been checked for cycles'),
    );
  }

  /** Bytes of a value, 0 for what has no size. */
  sizeOf(id: BtfId): number {
    this.#order.visit(id);
    return this.#size[id] ?? noElement(this.#size, id);
  }

  /** Alignment in bytes of the written definition. */
  alignOf(id: BtfId): number {
    this.#order.visit(id);
    return this.#align[id] ?? 1;
  }

  isPacked(id: BtfId): boolean {
    this.#order.visit(id);
    return this.#packed[id] === 1;
  }

  #leave(id: BtfId): void {
    const type = this.#btf.type(id);
    switch (type.kind) {
      case 'int':
      case 'float':
      case 'enum':
      case 'enum64':
        this.#set(id, type.size, floorPowerOfTwo(type.size));
        break;
      case 'ptr':
        this.#set(id, this.#pointerSize, this.#pointerSize);
        break;
      case 'struct':
      case 'union':
        this.#setComposite(id, type);
        break;
      case 'array':
        this.#set(
          id,
          (this.#size[type.element] ?? noElement(this.#size, type.element)) * type.length,
          this.#align[type.element] ?? 1,
        );
        break;
      case 'typedef':
      case 'const':
      case 'volatile':
      case 'restrict':
      case 'type_tag':
        this.#set(id, this.#size[type.type] ?? noElement(this.#size, type.type), this.#align[type.type] ?? 1);
        break;
      default:
        break;
    }
  }

  #set(id: BtfId, size: number, align: number): void {
    this.#size[id] = size;
    this.#align[id] = align;
  }

  #setComposite(id: BtfId, type: BtfComposite): void {
    const align = type.members.reduce((most, member) => Math.max(most, this.#align[member.type] ?? 1), 1);
    const natural = type.size % align === 0 && type.members.every(member => this.#isNatural(member));
    this.#packed[id] = natural ? 0 : 1;
    this.#set(id, type.size, natural ? align : 1);
  }

  #isNatural(member: BtfMember): boolean {
    if (member.bitSize === 0) return member.bitOffset % ((this.#align[member.type] ?? 1) * 8) === 0;
    return !straddles(
      member.bitOffset,
      member.bitSize,
      (this.#size[member.type] ?? noElement(this.#size, member.type)) * 8,
    );
  }
}

/** Whether a bit field at `offset` would be in two of the units that its type has. */
export function straddles(offset: number, width: number, unit: number): boolean {
  return Math.floor(offset / unit) !== Math.floor((offset + width - 1) / unit);
}

function floorPowerOfTwo(size: number): number {
  let power = 1;
  while (power * 2 <= size) power *= 2;
  return power;
}
