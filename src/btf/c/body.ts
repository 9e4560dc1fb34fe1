/**
 * Structs, unions and enums in braces: members where BTF says, with padding and attributes where C needs
 * them.
 */

import { alignUp, elementAt, noElement } from '../../bytes/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import {
  type BtfComposite,
  type BtfEnum,
  type BtfId,
  type BtfMember,
  idsOfKinds,
  type RawBtf,
} from '../model/index.ts';
import { attribute, declarePiece, keywordOf, type Piece } from './declare.ts';
import { CLayout, straddles } from './layout.ts';

/** Names as they are to be written. */
export interface CNames {
  nameOf(id: BtfId): string;
  /** Enumerator `index` of enum `id`. */
  enumerator(id: BtfId, index: number, name: string): string;
  /** Member or parameter name. */
  member?(name: string): string;
}

/** Gaps up to this many bits are unnamed bit fields; larger ones would be too many lines. */
const MAX_FIELD_PADDING = 4096;
const LONG_BITS = 64;

interface TagOnComponent {
  readonly component: number;
  readonly text: string;
}

export class BodyWriter {
  readonly #btf: RawBtf;
  readonly #names: CNames;
  readonly #layout: CLayout;
  #tags: Map<BtfId, TagOnComponent[]> | undefined;

  constructor(btf: RawBtf, names: CNames) {
    this.#btf = btf;
    this.#names = names;
    this.#layout = new CLayout(btf);
  }

  /** Keyword, name, braces and attributes of struct, union or enum `id`; no semicolon. */
  body(id: BtfId, indent: number, depth: number): Piece[] {
    const type = this.#btf.type(id);
    switch (type.kind) {
      case 'struct':
      case 'union':
        return this.#composite(id, type, indent, depth);
      case 'enum':
      case 'enum64':
        return this.#enum(id, type, indent);
      default:
        return [];
    }
  }

  /** Declaration tags of type `id` (-1) or one of its members, each with a space before it. */
  tags(id: BtfId, component: number): string {
    this.#tags ??= collectTags(this.#btf);
    const tags = this.#tags.get(id);
    if (tags === undefined) return '';
    return tags.flatMap(tag => (tag.component === component ? [` ${tag.text}`] : [])).join('');
  }

  #head(id: BtfId): string {
    const type = this.#btf.type(id);
    const name = this.#btf.nameOf(id) === '' ? '' : ` ${this.#names.nameOf(id)}`;
    return `${keywordOf(type)}${name} {`;
  }

  #composite(id: BtfId, type: BtfComposite, indent: number, depth: number): Piece[] {
    const pieces: Piece[] = [this.#head(id)];
    const lines = new MemberLines(this.#layout, this.#layout.isPacked(id), pieces, indent + 1, depth + 1);
    const order = orderOf(type.members);
    for (let place = 0; place < type.members.length; place++) {
      const index = order?.[place] ?? place;
      const member = elementAt(type.members, index);
      if (type.kind === 'struct') lines.padTo(member);
      const name = this.#names.member?.(member.name) ?? member.name;
      lines.add(member, this.#needsName(member) ? `__anonymous_${index}` : name, this.tags(id, index));
      if (type.kind === 'union') lines.rewind();
    }
    lines.end(type.size, this.#layout.alignOf(id));
    const empty = pieces.length === 1;
    const packed = this.#layout.isPacked(id) ? ' __attribute__((packed))' : '';
    pieces.push(`${empty ? '' : newLine(indent)}}${packed}${this.tags(id, -1)}`);
    return pieces;
  }

  /** Standard C knows unnamed members only of types without a tag. */
  #needsName(member: BtfMember): boolean {
    if (member.name !== '' || member.bitSize !== 0) return false;
    const kind = this.#btf.kindOf(member.type);
    const composite = kind === BTF_KIND.STRUCT || kind === BTF_KIND.UNION;
    return !(composite && this.#btf.nameOf(member.type) === '');
  }

  #enum(id: BtfId, type: BtfEnum, indent: number): Piece[] {
    if (type.values.length === 0) return [`enum ${this.#names.nameOf(id)}`];
    const lines = type.values.map(({ name, value }, index) => {
      const text = this.#names.enumerator(id, index, name);
      return `${newLine(indent + 1)}${text} = ${formatValue(value, type.kind === 'enum64')},`;
    });
    return [this.#head(id), ...lines, `${newLine(indent)}}${enumSize(type)}${this.tags(id, -1)}`];
  }
}

const ENUM_MODES: ReadonlyMap<number, string> = new Map([
  [1, ' __attribute__((mode(QI)))'],
  [2, ' __attribute__((mode(HI)))'],
  [4, ' __attribute__((mode(SI)))'],
  [8, ' __attribute__((mode(DI)))'],
]);

/** Enums are as large as `int`, or larger if their values are, by default. */
function enumSize(type: BtfEnum): string {
  const least = leastEnumSize(type);
  if (type.size === Math.max(least, 4)) return '';
  // Unlike a mode, `packed` leaves the enum unsigned.
  return type.size === least ? ' __attribute__((packed))' : (ENUM_MODES.get(type.size) ?? '');
}

/** Bytes that all values fit in. */
function leastEnumSize(type: BtfEnum): number {
  const negative = type.values.some(({ value }) => value < 0n);
  for (const size of [1, 2, 4]) {
    const bits = BigInt(size * 8);
    const [low, high] = negative ? [-(1n << (bits - 1n)), (1n << (bits - 1n)) - 1n] : [0n, (1n << bits) - 1n];
    if (type.values.every(({ value }) => value >= low && value <= high)) return size;
  }
  return 8;
}

function formatValue(value: bigint, wide: boolean): string {
  if (!wide) return value.toString();
  // The literal of the smallest number would be a minus before a number that is too large.
  if (value === -(1n << 63n)) return `(-${(1n << 63n) - 1n}LL - 1)`;
  return `${value}${value < 0n ? 'LL' : 'ULL'}`;
}

function newLine(indent: number): string {
  return `\n${'\t'.repeat(indent)}`;
}

/** Indexes of members by place, where it is not their order: C cannot put a member before an earlier one; Rust can. */
function orderOf(members: readonly BtfMember[]): readonly number[] | undefined {
  for (let index = 1; index < members.length; index++) {
    if (offsetOf(members, index - 1) > offsetOf(members, index))
      return Array.from(members.keys()).sort((a, b) => offsetOf(members, a) - offsetOf(members, b) || a - b);
  }
  return undefined;
}

function offsetOf(members: readonly BtfMember[], index: number): number {
  return (members[index] ?? noElement(members, index)).bitOffset;
}

function collectTags(btf: RawBtf): Map<BtfId, TagOnComponent[]> {
  const tags = new Map<BtfId, TagOnComponent[]>();
  for (const id of idsOfKinds(btf, [BTF_KIND.DECL_TAG])) {
    const tag = btf.type(id);
    if (tag.kind !== 'decl_tag') continue;
    const entry = { component: tag.component, text: attribute('btf_decl_tag', tag.name, tag.attribute) };
    const known = tags.get(tag.type);
    if (known === undefined) tags.set(tag.type, [entry]);
    else known.push(entry);
  }
  return tags;
}

/** The lines between the braces, and how far the compiler has come at each. */
class MemberLines {
  readonly #layout: CLayout;
  readonly #packed: boolean;
  readonly #pieces: Piece[];
  readonly #indent: number;
  readonly #depth: number;
  /** Bits used so far, and the most that any union member used. */
  #bits = 0;
  #most = 0;
  #union = false;

  constructor(layout: CLayout, packed: boolean, pieces: Piece[], indent: number, depth: number) {
    this.#layout = layout;
    this.#packed = packed;
    this.#pieces = pieces;
    this.#indent = indent;
    this.#depth = depth;
  }

  /** Padding up to the member, unless natural alignment suffices. */
  padTo(member: BtfMember): void {
    if (member.bitOffset > this.#naturalOffset(member)) this.#pad(member.bitOffset);
  }

  add(member: BtfMember, name: string, tags: string): void {
    const width = member.bitSize === 0 ? '' : `: ${member.bitSize}`;
    const declaration = declarePiece(member.type, name, this.#indent, this.#depth);
    this.#pieces.push(newLine(this.#indent), declaration, `${width}${tags};`);
    const bits = member.bitSize === 0 ? this.#layout.sizeOf(member.type) * 8 : member.bitSize;
    this.#bits = member.bitOffset + bits;
    this.#most = Math.max(this.#most, this.#bits);
  }

  /** The next member of a union starts where this one did. */
  rewind(): void {
    this.#bits = 0;
    this.#union = true;
  }

  /** Padding after the last member, unless the alignment makes it. */
  end(size: number, align: number): void {
    const natural = alignUp(this.#most, align * 8);
    if (size * 8 <= natural) return;
    if (this.#union) this.#pieces.push(`${newLine(this.#indent)}char __size[${size}];`);
    else this.#pad(size * 8);
  }

  #naturalOffset(member: BtfMember): number {
    if (member.bitSize === 0) {
      return alignUp(this.#bits, this.#packed ? 8 : this.#layout.alignOf(member.type) * 8);
    }
    const unit = this.#layout.sizeOf(member.type) * 8;
    const fits = this.#packed || !straddles(this.#bits, member.bitSize, unit);
    return fits ? this.#bits : alignUp(this.#bits, unit);
  }

  /** Unnamed bit fields do not count for alignment, and none of these crosses a unit of its type. */
  #pad(to: number): void {
    if (to - this.#bits > MAX_FIELD_PADDING) this.#padWithBytes(to);
    while (this.#bits < to) {
      const width = Math.min(to - this.#bits, LONG_BITS - (this.#bits % LONG_BITS));
      this.#pieces.push(`${newLine(this.#indent)}long: ${width};`);
      this.#bits += width;
    }
  }

  #padWithBytes(to: number): void {
    const from = alignUp(this.#bits, 8);
    this.#pieces.push(`${newLine(this.#indent)}char __padding_${from / 8}[${Math.floor((to - from) / 8)}];`);
    this.#bits = from + Math.floor((to - from) / 8) * 8;
  }
}
