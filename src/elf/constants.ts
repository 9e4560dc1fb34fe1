/**
 * Constants of the ELF gABI and of the BPF psABI, with the kernel's and elf.h's spelling, and the four
 * records that a relocatable object is made of.
 */

import { record, u8, u16, u32, u64 } from '../bytes/index.ts';

export const EM_BPF = 247;

export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const ELFDATA2MSB = 2;
export const EV_CURRENT = 1;
export const ET_REL = 1;
export const ET_EXEC = 2;
export const ET_DYN = 3;
export const ET_CORE = 4;

export const SHT_NULL = 0;
export const SHT_PROGBITS = 1;
export const SHT_SYMTAB = 2;
export const SHT_STRTAB = 3;
export const SHT_RELA = 4;
export const SHT_HASH = 5;
export const SHT_DYNAMIC = 6;
export const SHT_NOTE = 7;
export const SHT_NOBITS = 8;
export const SHT_REL = 9;
export const SHT_DYNSYM = 11;
export const SHT_INIT_ARRAY = 14;
export const SHT_FINI_ARRAY = 15;
export const SHT_PREINIT_ARRAY = 16;
export const SHT_GROUP = 17;
export const SHT_SYMTAB_SHNDX = 18;
export const SHT_LOOS = 0x60000000;
export const SHT_HIOS = 0x6fffffff;
/** Addresses taken, for clang's own identical code folding; carries nothing that linking needs. */
export const SHT_LLVM_ADDRSIG = 0x6fff4c03;

export const SHF_WRITE = 0x1;
export const SHF_ALLOC = 0x2;
export const SHF_EXECINSTR = 0x4;
export const SHF_MERGE = 0x10;
export const SHF_STRINGS = 0x20;
export const SHF_INFO_LINK = 0x40;
export const SHF_LINK_ORDER = 0x80;
export const SHF_OS_NONCONFORMING = 0x100;
export const SHF_GROUP = 0x200;
export const SHF_TLS = 0x400;
export const SHF_COMPRESSED = 0x800;

export const SHN_UNDEF = 0;
export const SHN_LORESERVE = 0xff00;
export const SHN_ABS = 0xfff1;
export const SHN_COMMON = 0xfff2;
export const SHN_XINDEX = 0xffff;

export const STT_NOTYPE = 0;
export const STT_OBJECT = 1;
export const STT_FUNC = 2;
export const STT_SECTION = 3;
export const STT_FILE = 4;
export const STT_GNU_IFUNC = 10;

export const STB_LOCAL = 0;
export const STB_GLOBAL = 1;
export const STB_WEAK = 2;

export const STV_DEFAULT = 0;
export const STV_INTERNAL = 1;
export const STV_HIDDEN = 2;
export const STV_PROTECTED = 3;

/** `ld_imm64` of an address: 16 bytes in code, 8 bytes in data of clang before 13. */
export const R_BPF_64_64 = 1;
export const R_BPF_64_ABS64 = 2;
export const R_BPF_64_ABS32 = 3;
/** As ABS32, for `.BTF` and `.BTF.ext`: the value in place is already right. */
export const R_BPF_64_NODYLD32 = 4;
/** A call: 8 bytes in code, 4 bytes in data of clang before 13. */
export const R_BPF_64_32 = 10;

/**
 * Sections up to here are numbered without touching SHN_ABS and SHN_COMMON, which the model keeps as symbols'
 * section numbers; real objects have a few hundred.
 */
export const MAX_SECTIONS = SHN_ABS - 1;
/** The largest alignment of a section, and of a tentative definition. */
export const MAX_ALIGN = 4096;
/** Flag of a group whose copies in other files are the same. */
export const GRP_COMDAT = 1;
/** Types that binutils 2.40 used for data, outside the psABI. */
export const R_GNU_DATA_32 = 11;
export const R_GNU_DATA_64 = 12;

/** Program headers of executables: a loaded segment, and that it has code. */
export const PT_LOAD = 1;
export const PF_X = 1;

/** @internal */
export const Elf64Ehdr = record('Elf64_Ehdr', {
  ei_mag: u32,
  ei_class: u8,
  ei_data: u8,
  ei_version: u8,
  ei_osabi: u8,
  ei_pad: u64,
  e_type: u16,
  e_machine: u16,
  e_version: u32,
  e_entry: u64,
  e_phoff: u64,
  e_shoff: u64,
  e_flags: u32,
  e_ehsize: u16,
  e_phentsize: u16,
  e_phnum: u16,
  e_shentsize: u16,
  e_shnum: u16,
  e_shstrndx: u16,
});

/** @internal */
export const Elf64Shdr = record('Elf64_Shdr', {
  sh_name: u32,
  sh_type: u32,
  sh_flags: u64,
  sh_addr: u64,
  sh_offset: u64,
  sh_size: u64,
  sh_link: u32,
  sh_info: u32,
  sh_addralign: u64,
  sh_entsize: u64,
});

/** @internal */
export const Elf64Sym = record('Elf64_Sym', {
  st_name: u32,
  st_info: u8,
  st_other: u8,
  st_shndx: u16,
  st_value: u64,
  st_size: u64,
});

/** @internal */
export const Elf64Rel = record('Elf64_Rel', { r_offset: u64, r_info: u64 });
