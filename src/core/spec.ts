/**
 * Access specs: the path of a relocation through the program's own types.
 *
 * `0:1:2` on `struct a` means `((struct a *)p)[0]`, its second member, the third element of that. Steps
 * through anonymous structs and unions are in the text but not in the path: the target may nest them
 * differently.
 *
 * Mirrors bpf_core_parse_spec() of libbpf.
 */

import { type Btf, type BtfId, type BtfMember, RawBtf, sizeOfType, skipModifiers } from '../btf/index.ts';
import { elementAt } from '../bytes/index.ts';
import { inputError } from '../diag/index.ts';
import { BTF_KIND } from '../uapi/index.ts';
import { isEnumKind, isTypeKind } from './kinds.ts';

/** One step. `name` is a member's or enumerator's; undefined for array elements and the first index. */
export interface Accessor {
  /** Composite, enum, or element type; modifiers skipped. */
  readonly type: BtfId;
  readonly index: number;
  readonly name: string | undefined;
}

export interface AccessSpec {
  readonly btf: Btf;
  /** Type that the relocation names, modifiers and all. */
  readonly root: BtfId;
  readonly accessors: readonly Accessor[];
  /** Every index of the text, anonymous steps included. */
  readonly raw: readonly number[];
  readonly bitOffset: number;
}

/** Longest path that libbpf and the kernel accept. */
export const MAX_SPEC_LENGTH = 64;

/** Takes the access text of a relocation apart. Throws `core-access` when it does not fit the types. */
export function parseSpec(btf: Btf, root: BtfId, access: string, kind: number): AccessSpec {
  const raw = parseIndexes(access);
  const first = elementAt(raw, 0);
  if (isTypeKind(kind)) {
    if (access !== '0') throw accessError(access, 'a relocation of a type has the access "0"');
    return { btf, root, accessors: [], raw, bitOffset: 0 };
  }
  const type = skipModifiers(btf, root);
  if (isEnumKind(kind)) return enumSpec(btf, root, type, raw, access);
  const accessors: Accessor[] = [{ type, index: first, name: undefined }];
  let bitOffset = first * sizeOfType(btf, type) * 8;
  let current = type;
  for (const index of raw.slice(1)) {
    const step = stepInto(btf, current, index, accessors.at(-1), access);
    bitOffset += step.bitOffset;
    if (step.accessor !== undefined) accessors.push(step.accessor);
    current = skipModifiers(btf, step.next);
  }
  return { btf, root, accessors, raw, bitOffset };
}

function parseIndexes(access: string): number[] {
  const parts = access.split(':');
  if (parts.length > MAX_SPEC_LENGTH) throw accessError(access, `has more than ${MAX_SPEC_LENGTH} steps`);
  return parts.map(part => {
    if (!/^\d{1,9}$/.test(part)) throw accessError(access, 'is not a list of numbers');
    return Number(part);
  });
}

function enumSpec(btf: Btf, root: BtfId, type: BtfId, raw: readonly number[], access: string): AccessSpec {
  const enumeration = type === 0 ? undefined : btf.type(type);
  const index = elementAt(raw, 0);
  const isEnum = enumeration?.kind === 'enum' || enumeration?.kind === 'enum64';
  const value = isEnum ? enumeration.values[index] : undefined;
  if (value === undefined || raw.length !== 1) throw accessError(access, 'is not an enumerator of the type');
  return { btf, root, accessors: [{ type, index, name: value.name }], raw, bitOffset: 0 };
}

interface Step {
  readonly accessor: Accessor | undefined;
  readonly bitOffset: number;
  readonly next: BtfId;
}

function stepInto(btf: Btf, id: BtfId, index: number, last: Accessor | undefined, access: string): Step {
  const type = id === 0 ? undefined : btf.type(id);
  if (type?.kind === 'struct' || type?.kind === 'union') {
    const member = type.members[index];
    if (member === undefined) throw accessError(access, `has no member ${index}`);
    const accessor = member.name === '' ? undefined : { type: id, index, name: member.name };
    return { accessor, bitOffset: member.bitOffset, next: member.type };
  }
  if (type?.kind === 'array') {
    const element = skipModifiers(btf, type.element);
    if (index >= type.length && !isFlexible(btf, last, type.length)) {
      throw accessError(access, `element ${index} is outside an array of ${type.length}`);
    }
    const bitOffset = index * sizeOfType(btf, element) * 8;
    return { accessor: { type: element, index, name: undefined }, bitOffset, next: element };
  }
  throw accessError(access, `goes into a ${type?.kind ?? 'void'}`);
}

/** An array of length 0 that is the last member of its struct. */
export function isFlexible(btf: Btf, last: Accessor | undefined, length: number): boolean {
  if (last?.name === undefined || length > 0) return false;
  const parent = btf.type(last.type);
  if (parent.kind !== 'struct' && parent.kind !== 'union') return false;
  return last.index === parent.members.length - 1;
}

/** The member that an accessor with a name represents; undefined for enumerators and elements. */
export function memberOf(btf: Btf, accessor: Accessor): BtfMember | undefined {
  if (btf instanceof RawBtf) return btf.memberOf(accessor.type, accessor.index);
  const type = btf.type(accessor.type);
  return type.kind === 'struct' || type.kind === 'union' ? type.members[accessor.index] : undefined;
}

function accessError(access: string, message: string) {
  return inputError('core-access', [`CO-RE access "${access}"`], message);
}

/** A spec for users: `struct sk_buff.len (0:3 @ offset 12)`. */
export function formatSpec(spec: AccessSpec): string {
  const root = formatRoot(spec.btf, spec.root);
  const [first, ...rest] = spec.accessors;
  if (first === undefined) return root;
  if (first.name !== undefined) return `${root}::${first.name}`;
  const path = rest.map(step => (step.name === undefined ? `[${step.index}]` : `.${step.name}`)).join('');
  const start = first.index === 0 ? '' : `[${first.index}]`;
  const bytes = Math.floor(spec.bitOffset / 8);
  const bits = spec.bitOffset % 8;
  return `${root}${start}${path} (${spec.raw.join(':')} @ offset ${bytes}${bits === 0 ? '' : `.${bits}`})`;
}

/** C's word for a type; structs with hundreds of members are not decoded for it. */
function rootWord(btf: Btf, id: BtfId): string {
  switch (btf.kindOf(id)) {
    case BTF_KIND.STRUCT:
      return 'struct';
    case BTF_KIND.UNION:
      return 'union';
    default: {
      const type = btf.type(id);
      if (type.kind === 'fwd') return type.union ? 'union' : 'struct';
      return type.kind.replace('64', '');
    }
  }
}

function formatRoot(btf: Btf, id: BtfId): string {
  if (id === 0) return 'void';
  const name = btf.nameOf(id);
  const word = rootWord(btf, id);
  if (word === 'typedef' || word === 'int') return name;
  return `${word} ${name === '' ? '<anonymous>' : name}`;
}
