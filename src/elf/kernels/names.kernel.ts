/** What names of sections mean: contents without meaning to linking and loading, types, relocations. */

import { unalignedWord } from '../../image/get.kernel.ts';
import { NAME } from '../../image/layout.ts';
import { byte, word } from '../../image/memory.ts';
import {
  SHF_ALLOC,
  SHF_OS_NONCONFORMING,
  SHT_HIOS,
  SHT_LOOS,
  SHT_NOTE,
  SHT_PROGBITS,
  SHT_REL,
  SHT_RELA,
} from '../constants.ts';

/** Texts of names, four characters in a word, the first one in its low bits. */
const DOT_BTF = 0x4654422e; // .BTF
const DOT_EXT = 0x7478652e; // .ext
const DOT_REL = 0x6c65722e; // .rel
const DOT_DEB = 0x6265642e; // .deb
const UG = 0x5f6775; // ug_
const DOT_ZDE = 0x65647a2e; // .zde
const BUG = 0x5f677562; // bug_
const DOT_EH = 0x5f68652e; // .eh_
const FRAM = 0x6d617266; // fram
const E = 0x65; // e
const DOT_LLV = 0x766c6c2e; // .llv
const M_LT = 0x746c2e6d; // m.lt
const O = 0x6f; // o
const A = 0x61; // a

/** 1: `.BTF`; 2: `.BTF.ext`; 0: another name. */
export function typeSection(name: number): number {
  const size = word(word(NAME.size) + name);
  const at = word(word(NAME.at) + name);
  if (size !== 4 && size !== 8) return 0;
  if (unalignedWord(at) !== DOT_BTF) return 0;
  if (size === 4) return 1;
  return unalignedWord(at + 4) === DOT_EXT ? 2 : 0;
}

/** Whether a name is `.rel` and another name. */
export function isRelocationsOf(name: number, target: number): number {
  const size = word(word(NAME.size) + target);
  if (word(word(NAME.size) + name) !== size + 4) return 0;
  const at = word(word(NAME.at) + name);
  const text = word(word(NAME.at) + target);
  if (unalignedWord(at) !== DOT_REL) return 0;
  for (let i = 0; i < size; i = i + 1) if (byte(at + 4 + i) !== byte(text + i)) return 0;
  return 1;
}

/**
 * Whether an object can hold a section without meaning anything to linking or loading; nothing in it is
 * checked. DWARF is among them, except where it is kept.
 */
export function isIgnored(name: number, type: number, flags: number, keepDebug: number): number {
  const at = word(word(NAME.at) + name);
  const size = word(word(NAME.size) + name);
  if (isMeaningless(at, size, type, flags) === 0) return 0;
  return keepDebug === 1 && isDebugOrItsRelocations(at, size) === 1 ? 0 : 1;
}

function isMeaningless(at: number, size: number, type: number, flags: number): number {
  if (type === SHT_NOTE) return 1;
  if (type >= SHT_LOOS && type <= SHT_HIOS) return (flags & (SHF_ALLOC | SHF_OS_NONCONFORMING)) === 0 ? 1 : 0;
  if (type === SHT_PROGBITS) return isIgnoredName(at, size);
  if (type !== SHT_REL && type !== SHT_RELA) return 0;
  if (size < 5 || unalignedWord(at) !== DOT_REL) return 0;
  if (type === SHT_REL) return isIgnoredName(at + 4, size - 4);
  return byte(at + 4) === A ? isIgnoredName(at + 5, size - 5) : 0;
}

/** DWARF, unwind tables and LTO payloads: libbpf drops or does not read them either. */
function isIgnoredName(at: number, size: number): number {
  if (isDebug(at, size) === 1) return 1;
  if (size < 8) return 0;
  const first = unalignedWord(at);
  const second = unalignedWord(at + 4);
  if (first === DOT_ZDE) return second === BUG ? 1 : 0;
  if (size !== 9) return 0;
  if (first === DOT_EH) return second === FRAM && byte(at + 8) === E ? 1 : 0;
  return first === DOT_LLV && second === M_LT && byte(at + 8) === O ? 1 : 0;
}

function isDebug(at: number, size: number): number {
  return size >= 7 && unalignedWord(at) === DOT_DEB && (unalignedWord(at + 4) & 0xffffff) === UG ? 1 : 0;
}

function isDebugOrItsRelocations(at: number, size: number): number {
  if (isDebug(at, size) === 1) return 1;
  return size >= 4 && unalignedWord(at) === DOT_REL ? isDebug(at + 4, size - 4) : 0;
}
