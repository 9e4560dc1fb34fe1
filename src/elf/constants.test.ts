import { describe, expect, it } from 'vitest';
import { Elf64Ehdr, Elf64Rel, Elf64Shdr, Elf64Sym } from './constants.ts';
import { EHDR, REL, SHDR, SYM } from './fields.ts';

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

describe('fields for kernels', () => {
  it('are where the records have them', () => {
    const { entry, phoff, shoff, flags, ehsize, shentsize, shnum, shstrndx } = EHDR;
    const header = Elf64Ehdr.offsets;
    expect([entry, phoff, shoff, flags]).toEqual([
      header.e_entry,
      header.e_phoff,
      header.e_shoff,
      header.e_flags,
    ]);
    expect([ehsize, shentsize, shnum, shstrndx, EHDR.bytes]).toEqual([
      header.e_ehsize,
      header.e_shentsize,
      header.e_shnum,
      header.e_shstrndx,
      Elf64Ehdr.size,
    ]);
    expect([EHDR.class, EHDR.data, EHDR.identVersion, EHDR.type, EHDR.machine, EHDR.version]).toEqual([
      header.ei_class,
      header.ei_data,
      header.ei_version,
      header.e_type,
      header.e_machine,
      header.e_version,
    ]);
    const words = ({ words: _, bytes: __, ...fields }: Record<string, number>): number[] =>
      Object.values(fields).map(word => word * 4);
    expect(words(SHDR)).toEqual(Object.values(Elf64Shdr.offsets));
    expect([SHDR.bytes, SYM.bytes, REL.bytes]).toEqual([Elf64Shdr.size, Elf64Sym.size, Elf64Rel.size]);
    const { st_name, st_info, st_value, st_size } = Elf64Sym.offsets;
    expect(words(SYM)).toEqual([st_name, st_info, st_value, st_size]);
    expect(words(REL)).toEqual([Elf64Rel.offsets.r_offset, Elf64Rel.offsets.r_info, 12]);
  });
});
