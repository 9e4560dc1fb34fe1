/**
 * Repairs of types that values have: integers, enumerations, arrays, structs and unions.
 *
 * What the kernel cannot describe keeps its place and its size, as bytes without a meaning.
 */

import {
  type BtfComposite,
  type BtfId,
  type BtfInt,
  type BtfMember,
  type BtfType,
  resolvedType,
  sizeOfType,
} from '../../btf/index.ts';
import { BTF_KIND } from '../../uapi/index.ts';
import type { Types } from './repair-kinds.ts';

/** The kernel takes one of signed, char and bool, and calls more of them unknown. */
export function repairEncoding(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'int' || [type.signed, type.char, type.bool].filter(Boolean).length < 2) return;
  types.repair('encoding', id, { ...type, signed: type.signed && !type.bool, char: false }, type.name);
}

/** Third word of a type. */
const SIZE_OR_TYPE = 2;

/** Words that a kind does not use must be zero: the size of an array, the type of a forward declaration. */
export function repairUnusedWords(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'array' && type.kind !== 'fwd') return;
  const { base } = types;
  const start = base.start[id];
  if (id > base.count || start === undefined || base.words[start + SIZE_OR_TYPE] === 0) return;
  types.repair('unused-word', id, type, id);
}

/** Enumerations that are only declared have no size with some compilers, which the kernel refuses. */
function isDeclaredEnum(type: BtfType): boolean {
  return (type.kind === 'enum' || type.kind === 'enum64') && type.size === 0;
}

/** After arrays and structs, which must not grow. */
export function repairEnumSize(types: Types, id: BtfId): void {
  const type = types.type(id);
  if ((type.kind !== 'enum' && type.kind !== 'enum64') || !isDeclaredEnum(type)) return;
  types.repair('enum-size', id, { ...type, size: 4 }, type.name || id);
}

/** Index and elements of an array, as far as they are integers, have whole bytes; the index is an integer. */
export function repairArray(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'array') return;
  const index = resolvedType(types, type.index);
  if (index?.kind !== 'int' || !isRegular(index)) {
    types.repair('array-index', id, { ...type, index: types.integer(4, false) }, id);
  }
  const element = wholeElement(types, type.element);
  const edited = types.type(id);
  if (element === undefined || edited.kind !== 'array') return;
  types.repair('odd-element', id, { ...edited, element }, id);
}

/** What stands for elements that the kernel refuses; undefined for those that it takes. */
function wholeElement(types: Types, id: BtfId): BtfId | undefined {
  const type = resolvedType(types, id);
  if (type !== undefined && isDeclaredEnum(type)) return types.bytes(0);
  return type?.kind !== 'int' || isRegular(type) ? undefined : regular(types, type);
}

function isRegular({ bits, bitOffset }: BtfInt): boolean {
  return bitOffset === 0 && (bits === 8 || bits === 16 || bits === 32 || bits === 64 || bits === 128);
}

/** The integer of whole bytes that has the size of an odd one, or its bytes. */
function regular(types: Types, { size, signed }: { readonly size: number; readonly signed: boolean }): BtfId {
  return [1, 2, 4, 8, 16].includes(size) ? types.integer(size, signed) : types.bytes(size);
}

const MAX_SIZE = 0xffffffff;

/** After the elements: `__uint(max_entries, N)` is an array of N integers, whatever N is. */
export function repairArraySize(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'array' || sizeOfType(types, type.element) * type.length <= MAX_SIZE) return;
  types.repair('array-size', id, { ...type, length: 0 }, id);
}

// --- members ------------------------------------------------------------------------------------------------

/** Members are in the order of their bits, and those of a union start at bit 0. */
export function repairOrder(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'struct' && type.kind !== 'union') return;
  const { members, name } = type;
  if (type.kind === 'union') {
    if (members.every(({ bitOffset }) => bitOffset === 0)) return;
    types.repair('union-offset', id, { ...type, kind: 'struct' }, name || id);
  } else {
    if (isAscending(members)) return;
    types.repair('member-order', id, type, name || id);
  }
  sortMembers(types, id, { ...type, kind: 'struct' });
}

function isAscending(members: readonly BtfMember[]): boolean {
  let last = 0;
  return members.every(({ bitOffset }) => {
    const follows = bitOffset >= last;
    last = bitOffset;
    return follows;
  });
}

/** Tags of members have their numbers, which change. */
function sortMembers(types: Types, id: BtfId, type: BtfComposite): void {
  const order = type.members
    .map((member, from) => ({ member, from }))
    .sort((a, b) => a.member.bitOffset - b.member.bitOffset || a.from - b.from);
  if (order.every(({ from }, to) => from === to)) {
    types.follow(id, type);
    return;
  }
  types.follow(id, { ...type, members: order.map(({ member }) => member) });
  for (let tag = 1; tag <= types.base.count; tag++) {
    if (types.kindOf(tag) !== BTF_KIND.DECL_TAG) continue;
    const tagged = types.type(tag);
    if (tagged.kind !== 'decl_tag' || tagged.type !== id || tagged.component < 0) continue;
    const component = order.findIndex(({ from }) => from === tagged.component);
    types.follow(tag, { ...tagged, component });
  }
}

/** Members that the kernel cannot describe are bytes. */
export function repairMembers(types: Types, id: BtfId): void {
  const type = types.type(id);
  if (type.kind !== 'struct' && type.kind !== 'union') return;
  const strict = types.hasKindFlag(id);
  const members = type.members.map(member => possibleMember(types, member, strict, type.size) ?? member);
  const changed = members.find((member, at) => member !== type.members[at]);
  if (changed === undefined) return;
  const example = `${type.name || 'anonymous'}.${changed.name}`;
  const repaired: BtfComposite = { ...type, members };
  types.repair('member', id, repaired, example);
  if (!isAscending(members)) sortMembers(types, id, repaired);
}

/** What stands for a member that the kernel refuses; undefined for one that it takes. */
function possibleMember(
  types: Types,
  member: BtfMember,
  strict: boolean,
  structSize: number,
): BtfMember | undefined {
  const type = resolvedType(types, member.type);
  if (type === undefined) return withoutSize(types, member, structSize);
  if (isDeclaredEnum(type)) return asBytes(types, member);
  const { bitOffset, bitSize } = member;
  if (type.kind === 'int') {
    if (isPossibleInt(type, member, strict)) return undefined;
    return bitSize === 0 ? asBytes(types, member) : asField(types, member, type);
  }
  if (bitSize !== 0 && (type.kind === 'enum' || type.kind === 'enum64')) {
    const end = Math.ceil((bitOffset + bitSize) / 8);
    return bitSize <= 32 && end <= structSize ? undefined : asField(types, member, type);
  }
  // In a struct with bit fields the kernel counts four bytes for each enumeration.
  const isEnum = type.kind === 'enum' || type.kind === 'enum64';
  if (strict && isEnum && bitOffset / 8 + 4 > structSize) return asBytes(types, member);
  const alignment = type.kind === 'float' ? Math.min(8, type.size) : 1;
  return bitOffset % (alignment * 8) === 0 ? undefined : asBytes(types, member);
}

/** References, static members and functions of C++ classes are void in BTF, the last two at any place. */
function withoutSize(types: Types, member: BtfMember, structSize: number): BtfMember {
  const byte = Math.min(Math.floor(member.bitOffset / 8), structSize);
  return { ...member, type: types.bytes(0), bitOffset: byte * 8, bitSize: 0 };
}

/** The kernel reads at most 16 bytes for one integer. */
const MOST_BITS = 128;

function isPossibleInt(type: BtfInt, { bitOffset, bitSize }: BtfMember, strict: boolean): boolean {
  if (!strict) return type.bits + ((bitOffset + type.bitOffset) % 8) <= MOST_BITS;
  if (!isRegular(type) || bitSize > type.bits) return false;
  if (bitSize === 0) return bitOffset % 8 === 0;
  return bitSize + (bitOffset % 8) <= MOST_BITS;
}

/** A bit field of an integer that has the size and sign of what the field is made of. */
function asField(
  types: Types,
  member: BtfMember,
  type: { readonly size: number; readonly signed: boolean },
): BtfMember {
  const fits = [1, 2, 4, 8, 16].includes(type.size) && member.bitSize <= type.size * 8;
  if (!fits || member.bitSize + (member.bitOffset % 8) > MOST_BITS) return asBytes(types, member);
  return { ...member, type: types.integer(type.size, type.signed) };
}

/** An integer may have fewer bits than its storage, of which the struct has only those. */
function valueBits(types: Types, id: BtfId): number {
  const type = resolvedType(types, id);
  return type?.kind === 'int' ? type.bitOffset + type.bits : 8 * sizeOfType(types, id);
}

/** The bytes that have a bit of the member. */
function asBytes(types: Types, member: BtfMember): BtfMember {
  const bits = member.bitSize !== 0 ? member.bitSize : valueBits(types, member.type);
  const start = Math.floor(member.bitOffset / 8);
  const end = Math.ceil((member.bitOffset + bits) / 8);
  return { ...member, type: types.bytes(end - start), bitOffset: start * 8, bitSize: 0 };
}
