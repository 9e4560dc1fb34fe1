import { describe, expect, it } from 'vitest';
import { Elf64Ehdr, Elf64Rel, Elf64Shdr, Elf64Sym } from './constants.ts';

describe('record layouts', () => {
  // Sizes and offsets as a C compiler gives them for the structures of elf.h.
  it.each([
    [
      Elf64Ehdr,
      64,
      { e_type: 16, e_machine: 18, e_entry: 24, e_shoff: 40, e_flags: 48, e_shnum: 60, e_shstrndx: 62 },
    ],
    [
      Elf64Shdr,
      64,
      { sh_flags: 8, sh_offset: 24, sh_size: 32, sh_link: 40, sh_addralign: 48, sh_entsize: 56 },
    ],
    [Elf64Sym, 24, { st_info: 4, st_other: 5, st_shndx: 6, st_value: 8, st_size: 16 }],
    [Elf64Rel, 16, { r_offset: 0, r_info: 8 }],
  ])('%#', (layout, size, offsets) => {
    expect(layout.size).toBe(size);
    expect(layout.offsets).toMatchObject(offsets);
  });
});
