/**
 * Rules that only some kinds of types have. References and names of the type have been checked; the types that
 * it refers to may come later. `kinds`: see `check.kernel.ts`.
 */

import { TYPE, UNIT } from '../../image/layout.ts';
import { byte, word } from '../../image/memory.ts';
import { fault } from '../../image/tables.kernel.ts';
import { BTF_KIND } from '../../uapi/btf.ts';
import { fault3 } from './fault.kernel.ts';
import { TYPE_FAULT } from './faults.ts';
import { KINDS } from './kinds.ts';

/** Largest integer: `__int128`. */
const MAX_INT_BITS = 128;
/** Linkages: static, global, extern. */
const LINKAGES = 3;

/** 1, or 0 after a fault. `at`: word index of type `id`, whose kind is one of `KINDS.ruled`. */
export function checkKind(unit: number, id: number, at: number, kinds: number): number {
  const kind = byte(kinds + id);
  if (kind === BTF_KIND.INT) return checkInt(unit, id, word(at + 2), word(at + 3));
  if (kind === BTF_KIND.FLOAT) return checkFloat(unit, id, word(at + 2));
  if (kind === BTF_KIND.ENUM || kind === BTF_KIND.ENUM64) return checkEnum(unit, id, at);
  if (kind === BTF_KIND.FUNC) return checkFunction(unit, id, at, kinds);
  if (kind === BTF_KIND.VAR) return checkLinkage(unit, id, word(at + 3));
  if (kind === BTF_KIND.DATASEC) return checkDataSection(unit, id, at, kinds);
  return checkTag(unit, id, at, kinds);
}

/** Any size, as the kernel: compilers write 3 for `_BitInt(24)`. */
function checkInt(unit: number, id: number, size: number, data: number): number {
  const bits = (data & 0xff) + ((data >>> 16) & 0xff);
  if (bits > MAX_INT_BITS) return fault(TYPE_FAULT.intTooWide, unit, id, bits);
  if (size >= 0 && size < 64 && bits > size << 3) return fault3(TYPE_FAULT.intFit, unit, id, bits, size);
  if ((data & 0xf800ff00) !== 0) return fault(TYPE_FAULT.intEncoding, unit, id, data);
  return 1;
}

function checkFloat(unit: number, id: number, size: number): number {
  if (size === 2 || size === 4 || size === 8 || size === 12 || size === 16) return 1;
  return fault(TYPE_FAULT.size, unit, id, size);
}

function checkEnum(unit: number, id: number, at: number): number {
  const size = word(at + 2);
  if (size === 1 || size === 2 || size === 4 || size === 8) return 1;
  // An enum that is only declared has no size with some compilers.
  if (size === 0 && (word(at + 1) & 0xffffff) === 0) return 1;
  return fault(TYPE_FAULT.size, unit, id, size);
}

function checkFunction(unit: number, id: number, at: number, kinds: number): number {
  const target = word(at + 2);
  if (byte(kinds + target) !== BTF_KIND.FUNC_PROTO) return fault(TYPE_FAULT.referenceKind, unit, id, target);
  return checkLinkage(unit, id, word(at + 1) & 0xffffff);
}

function checkLinkage(unit: number, id: number, linkage: number): number {
  return linkage >= 0 && linkage < LINKAGES ? 1 : fault(TYPE_FAULT.linkage, unit, id, linkage);
}

/** A data section lists variables; `.ksyms` also functions. */
function checkDataSection(unit: number, id: number, at: number, kinds: number): number {
  const functions = isKsyms(word(word(UNIT.strings) + unit) + word(at));
  let place = at + 3;
  for (let left = word(at + 1) & 0xffffff; left > 0; left = left - 1) {
    const target = word(place);
    const kind = byte(kinds + target);
    if (kind !== BTF_KIND.VAR && (functions === 0 || kind !== BTF_KIND.FUNC))
      return fault(TYPE_FAULT.referenceKind, unit, id, target);
    place = place + 3;
  }
  return 1;
}

/** 1 when the text at an address is `.ksyms`. */
function isKsyms(at: number): number {
  if (byte(at) !== 0x2e || byte(at + 1) !== 0x6b || byte(at + 2) !== 0x73 || byte(at + 3) !== 0x79) return 0;
  return byte(at + 4) === 0x6d && byte(at + 5) === 0x73 && byte(at + 6) === 0 ? 1 : 0;
}

/** A tag is of a type, or of one of its members or parameters, which are counted from 0. */
function checkTag(unit: number, id: number, at: number, kinds: number): number {
  const target = word(at + 2);
  const component = word(at + 3);
  const components = component < -1 ? 0 : componentCount(unit, target, kinds);
  if (components < 0) return fault(TYPE_FAULT.referenceKind, unit, id, target);
  if (component >= -1 && component < components) return 1;
  return fault3(TYPE_FAULT.tagComponent, unit, id, target, component);
}

/** How many members or parameters of a type can be tagged; -1 when the type cannot. */
function componentCount(unit: number, target: number, kinds: number): number {
  const kind = byte(kinds + target);
  if (kind === BTF_KIND.TYPEDEF || kind === BTF_KIND.VAR) return 0;
  const start = word(word(TYPE.start) + word(word(UNIT.types) + unit) + target);
  if (((KINDS.members >> kind) & 1) !== 0) return word(start + 1) & 0xffffff;
  return kind === BTF_KIND.FUNC ? parameterCount(unit, word(start + 2), kinds) : -1;
}

/** Parameters of a prototype, which may come later and not be checked yet. */
function parameterCount(unit: number, proto: number, kinds: number): number {
  if (proto < 0 || proto > word(word(UNIT.typeCount) + unit)) return 0;
  if (byte(kinds + proto) !== BTF_KIND.FUNC_PROTO) return 0;
  return word(word(word(TYPE.start) + word(word(UNIT.types) + unit) + proto) + 1) & 0xffffff;
}
