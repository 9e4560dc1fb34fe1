/**
 * The value that one side of a relocation has: the compiler's (what the instruction should hold now) or the
 * target's (what it shall hold).
 *
 * Mirrors bpf_core_calc_field_relo() and its siblings in libbpf, including which old values are not worth
 * checking.
 */

import { type BtfId, type BtfType, sizeOfType, skipModifiers } from '../btf/index.ts';
import type { ByteOrder } from '../bytes/index.ts';
import { elementAt } from '../bytes/index.ts';
import { bugError, inputError } from '../diag/index.ts';
import * as core from '../uapi/core-relocations.ts';
import * as kinds from './kinds.ts';
import { type Accessor, type AccessSpec, memberOf } from './spec.ts';

export interface CoreValue {
  readonly value: bigint;
  /** Whether the instruction must hold the compiler's value; it may differ for bit fields and type ids. */
  readonly checked: boolean;
  /** Bytes of the field that is loaded or stored, and its type; 0 where no memory is accessed. */
  readonly size: number;
  readonly type: BtfId;
}

/** Null asks for the instruction to be made unreachable: the target has no such field. */
export function coreValueOf(spec: AccessSpec | null, kind: number, order: ByteOrder): CoreValue | null {
  if (spec === null) return kinds.acceptsAbsence(kind) ? plain(0n) : null;
  if (kinds.isTypeKind(kind)) return typeValue(spec, kind);
  if (kinds.isEnumKind(kind)) return enumValue(spec, kind);
  return fieldValue(spec, kind, order);
}

function plain(value: bigint | number, checked = true): CoreValue {
  return { value: BigInt(value), checked, size: 0, type: 0 };
}

function typeValue(spec: AccessSpec, kind: number): CoreValue {
  switch (kind) {
    case core.BPF_CORE_TYPE_ID_LOCAL:
    case core.BPF_CORE_TYPE_ID_TARGET:
      return plain(spec.root, false); // ids change when objects are linked
    case core.BPF_CORE_TYPE_SIZE:
      return plain(sizeOfType(spec.btf, spec.root));
    default:
      return plain(1);
  }
}

function enumValue(spec: AccessSpec, kind: number): CoreValue {
  if (kind === core.BPF_CORE_ENUMVAL_EXISTS) return plain(1);
  const accessor = elementAt(spec.accessors, 0);
  const type = spec.btf.type(accessor.type);
  const value =
    type.kind === 'enum' || type.kind === 'enum64' ? type.values[accessor.index]?.value : undefined;
  if (value === undefined) throw bugError([], 'a path to an enumerator that is not there');
  return plain(BigInt.asUintN(64, value));
}

function fieldValue(spec: AccessSpec, kind: number, order: ByteOrder): CoreValue {
  if (kind === core.BPF_CORE_FIELD_EXISTS) return plain(1);
  const last = spec.accessors.at(-1);
  if (last === undefined) throw inputError('core-access', [], 'the access has no steps');
  return last.name === undefined ? elementValue(spec, last, kind) : memberValue(spec, last, kind, order);
}

/** An array element (or the type itself, indexed) has an offset and a size, nothing else. */
function elementValue(spec: AccessSpec, last: Accessor, kind: number): CoreValue {
  const size = sizeOfType(spec.btf, last.type);
  if (kind === core.BPF_CORE_FIELD_BYTE_OFFSET) {
    return { value: BigInt(spec.bitOffset / 8), checked: true, size, type: last.type };
  }
  if (kind === core.BPF_CORE_FIELD_BYTE_SIZE) return plain(size);
  throw inputError('core-kind', [], `${kinds.coreKindName(kind)} of an array element is not defined`);
}

interface Placement {
  readonly byteOffset: number;
  readonly byteSize: number;
  readonly bitSize: number;
  readonly bitField: boolean;
  readonly type: BtfId;
}

function memberValue(spec: AccessSpec, last: Accessor, kind: number, order: ByteOrder): CoreValue {
  const place = placementOf(spec, last);
  const checked = !place.bitField;
  const bitOffset = spec.bitOffset;
  switch (kind) {
    case core.BPF_CORE_FIELD_BYTE_OFFSET: {
      const size = place.bitField ? 0 : elementSize(spec, place.type);
      return { value: BigInt(place.byteOffset), checked, size, type: place.bitField ? 0 : place.type };
    }
    case core.BPF_CORE_FIELD_BYTE_SIZE:
      return plain(place.byteSize, checked);
    case core.BPF_CORE_FIELD_SIGNED:
      return plain(isSigned(spec, place.type) ? 1 : 0);
    case core.BPF_CORE_FIELD_LSHIFT_U64:
      return plain(
        order === 'little'
          ? 64 - (bitOffset + place.bitSize - place.byteOffset * 8)
          : (8 - place.byteSize) * 8 + (bitOffset - place.byteOffset * 8),
        checked,
      );
    case core.BPF_CORE_FIELD_RSHIFT_U64:
      return plain(64 - place.bitSize);
    default:
      throw inputError('core-kind', [], `${kinds.coreKindName(kind)} is not known`);
  }
}

/** Where the field is read from: for a bit field, the smallest aligned word that holds all of it. */
function placementOf(spec: AccessSpec, last: Accessor): Placement {
  const member = memberOf(spec.btf, last);
  if (member === undefined) throw inputError('core-access', [], 'the field is not there');
  const type = skipModifiers(spec.btf, member.type);
  let byteSize = sizeOfType(spec.btf, type);
  if (member.bitSize === 0) {
    const byteOffset = Math.floor(spec.bitOffset / 8);
    return { byteOffset, byteSize, bitSize: byteSize * 8, bitField: false, type };
  }
  const end = spec.bitOffset + member.bitSize;
  const wordStart = () => Math.floor(Math.floor(spec.bitOffset / 8) / byteSize) * byteSize;
  while (end - wordStart() * 8 > byteSize * 8) {
    if (byteSize >= 8)
      throw inputError('core-bit-field', [], 'the bit field does not fit into 8 aligned bytes');
    byteSize *= 2;
  }
  return { byteOffset: wordStart(), byteSize, bitSize: member.bitSize, bitField: true, type };
}

/** Loads of array members are loads of their elements. */
function elementSize(spec: AccessSpec, id: BtfId): number {
  let current = id;
  for (let depth = 0; depth < 64; depth++) {
    const type = spec.btf.type(current);
    if (type.kind !== 'array') break;
    current = skipModifiers(spec.btf, type.element);
  }
  return sizeOfType(spec.btf, current);
}

function isSigned(spec: AccessSpec, id: BtfId): boolean {
  const type = spec.btf.type(id);
  return (type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64') && type.signed;
}

/**
 * Whether a load of one size may become a load of the other: unsigned integers and pointers, which zeros
 * extend.
 */
export function mayResize(a: { readonly type: BtfType }, b: { readonly type: BtfType }): boolean {
  if (a.type.kind === 'ptr' && b.type.kind === 'ptr') return true;
  return a.type.kind === 'int' && b.type.kind === 'int' && !a.type.signed && !b.type.signed;
}
