/**
 * The fields of ELF records as kernels use them: byte offsets, and words of records that are aligned.
 *
 * The records themselves are in `constants.ts`; a test compares both. Separate because kernels import numbers
 * only.
 */

/** First four bytes of an ELF file, as a little-endian word. */
export const ELF_MAGIC = 0x464c457f;

/** Byte offsets in Elf64_Ehdr. */
export const EHDR = {
  class: 4,
  data: 5,
  identVersion: 6,
  type: 16,
  machine: 18,
  version: 20,
  entry: 24,
  phoff: 32,
  shoff: 40,
  flags: 48,
  ehsize: 52,
  shentsize: 58,
  shnum: 60,
  shstrndx: 62,
  bytes: 64,
} as const;

/** Words of Elf64_Shdr; a field of 64 bits begins with its low word, once it is in host order. */
export const SHDR = {
  name: 0,
  type: 1,
  flags: 2,
  addr: 4,
  offset: 6,
  size: 8,
  link: 10,
  info: 11,
  align: 12,
  entsize: 14,
  words: 16,
  bytes: 64,
} as const;

/** Words of Elf64_Sym. The second one has st_info, st_other and st_shndx, from its low bits up. */
export const SYM = { name: 0, info: 1, value: 2, size: 4, words: 6, bytes: 24 } as const;

/** Words of Elf64_Rel. */
export const REL = { offset: 0, type: 2, symbol: 3, words: 4, bytes: 16 } as const;
