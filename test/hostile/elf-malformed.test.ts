/** One broken rule at a time: the exact code and text for every way in which an ELF file can be wrong. */

import { describe, expect, it } from 'vitest';
import { encodeText } from '../../src/bytes/cursor.ts';
import { LIMITS, type Limits } from '../../src/diag/limits.ts';
import { parseElf } from '../../src/elf/parse.ts';
import { writeElf } from '../../src/elf/write.ts';
import { ElfPatcher, SECTION, SYMBOL, sampleOutput, section, symbol } from './elf-sample.ts';

type Case = readonly [name: string, patch: (elf: ElfPatcher) => void, code: string, message: string];

const BIG = 0xffffffffffffffffn;
const COMPILE = '\n  hint: compile with: clang -target bpf -g -O2 -c foo.bpf.c -o foo.o';
const CUT = '\n  hint: the file is truncated; rebuild it or copy it again';

const HEADER: readonly Case[] = [
  [
    'another machine',
    elf => elf.header('e_machine', 62),
    'elf-not-bpf',
    `test.o: is an x86-64 object, not a BPF object${COMPILE}`,
  ],
  [
    'an executable',
    elf => elf.header('e_type', 2),
    'elf-not-bpf',
    'test.o: is a BPF executable, not a BPF object\n  hint: only relocatable objects can be linked or loaded: compile with -c, and use no other linker on the result',
  ],
  [
    'a 32-bit file',
    elf => elf.header('ei_class', 1),
    'elf-not-bpf',
    'test.o: is a BPF 32-bit object, not a BPF object\n  hint: BPF objects are 64-bit; compile with: clang -target bpf',
  ],
  [
    'an unknown byte order',
    elf => elf.header('ei_data', 3),
    'elf-not-bpf',
    'test.o: is an ELF file of unknown byte order 3, not a BPF object',
  ],
  [
    'an archive',
    elf => {
      elf.bytes = encodeText('!<arch>\n');
    },
    'elf-not-elf',
    'test.o: is an archive, not a BPF object\n  hint: give its members, or pass it as a library',
  ],
  [
    'bitcode',
    elf => {
      elf.bytes = Uint8Array.of(0x42, 0x43, 0xc0, 0xde);
    },
    'elf-not-elf',
    'test.o: is LLVM bitcode, not a BPF object\n  hint: it was built with -emit-llvm or -flto; leave that out',
  ],
  [
    'C source',
    elf => {
      elf.bytes = encodeText('#include <linux/bpf.h>');
    },
    'elf-not-elf',
    `test.o: is C source, not a BPF object${COMPILE}`,
  ],
  [
    'nothing',
    elf => {
      elf.bytes = new Uint8Array(0);
    },
    'elf-not-elf',
    `test.o: is an empty file, not a BPF object${COMPILE}`,
  ],
  [
    'half a header',
    elf => {
      elf.bytes = elf.bytes.subarray(0, 40);
    },
    'elf-not-bpf',
    'test.o: is a truncated ELF file of 40 bytes, not a BPF object\n  hint: its writer was interrupted; rebuild it',
  ],
  [
    'e_ident version 0',
    elf => elf.header('ei_version', 0),
    'elf-version',
    'test.o: ELF version 0 instead of 1',
  ],
  ['e_version 2', elf => elf.header('e_version', 2), 'elf-version', 'test.o: ELF version 2 instead of 1'],
  [
    'e_ehsize 52',
    elf => elf.header('e_ehsize', 52),
    'elf-header-size',
    'test.o: ELF header of 52 bytes instead of 64',
  ],
  [
    'e_shentsize 40',
    elf => elf.header('e_shentsize', 40),
    'elf-section-entry-size',
    'test.o: section headers of 40 bytes instead of 64',
  ],
  [
    'e_shentsize 0',
    elf => elf.header('e_shentsize', 0),
    'elf-section-entry-size',
    'test.o: section headers of 0 bytes instead of 64',
  ],
  [
    'no section headers',
    elf => elf.header('e_shoff', 0n),
    'elf-no-sections',
    'test.o: has no section header table\n  hint: it was stripped; rebuild it',
  ],
  [
    'section headers beyond the file',
    elf => elf.header('e_shoff', 4000n),
    'elf-truncated',
    `test.o: section header table at 4000 is outside the file of 1992 bytes${CUT}`,
  ],
  [
    'section headers at the end of all numbers',
    elf => elf.header('e_shoff', BIG),
    'elf-truncated',
    `test.o: section header table at 18446744073709551615 is outside the file of 1992 bytes${CUT}`,
  ],
  [
    'unaligned section headers',
    elf => elf.header('e_shoff', 68n),
    'elf-section-table',
    'test.o: section header table at 68 is misplaced',
  ],
  [
    'section headers in the file header',
    elf => elf.header('e_shoff', 8n),
    'elf-section-table',
    'test.o: section header table at 8 is misplaced',
  ],
  [
    'more section headers than bytes',
    elf => elf.header('e_shnum', 0xfeff),
    'elf-truncated',
    `test.o: 65279 section headers at 968 do not fit in the file of 1992 bytes${CUT}`,
  ],
  [
    'e_shnum 0 without an extended count',
    elf => elf.header('e_shnum', 0),
    'elf-no-sections',
    'test.o: has no sections',
  ],
  [
    'an absurd extended count',
    elf => {
      elf.header('e_shnum', 0);
      elf.sectionHeader(0, 'sh_size', BIG);
    },
    'elf-truncated',
    `test.o: 18446744073709552000 section headers at 968 do not fit in the file of 1992 bytes${CUT}`,
  ],
  [
    'a first section that is not null',
    elf => elf.sectionHeader(0, 'sh_type', 1),
    'elf-null-section',
    'test.o: section header 0 is not the null section (offset 0x3c8)',
  ],
  [
    'e_shstrndx 0',
    elf => elf.header('e_shstrndx', 0),
    'elf-section-names',
    'test.o: section name table 0 does not exist',
  ],
  [
    'e_shstrndx beyond the sections',
    elf => elf.header('e_shstrndx', 16),
    'elf-section-names',
    'test.o: section name table 16 does not exist',
  ],
  [
    'e_shstrndx that is not a string table',
    elf => elf.header('e_shstrndx', SECTION.text),
    'elf-section-names',
    'test.o: section name table 1 is not a string table (type 1)',
  ],
  [
    'an extended e_shstrndx beyond the sections',
    elf => {
      elf.header('e_shstrndx', 0xffff);
      elf.sectionHeader(0, 'sh_link', 0xffffffff);
    },
    'elf-section-names',
    'test.o: section name table 4294967295 does not exist',
  ],
];

const SECTIONS: readonly Case[] = [
  [
    'contents past the end',
    elf => elf.sectionHeader(SECTION.data, 'sh_size', 4096n),
    'elf-truncated',
    'test.o: section 3: 4096 bytes at 176 are outside the file of 1992 bytes (offset 0x488)',
  ],
  [
    'an offset past the end',
    elf => elf.sectionHeader(SECTION.data, 'sh_offset', 1992n),
    'elf-truncated',
    'test.o: section 3: 24 bytes at 1992 are outside the file of 1992 bytes (offset 0x488)',
  ],
  [
    'an offset and size that wrap around',
    elf => elf.sectionHeader(SECTION.data, 'sh_offset', BIG - 7n),
    'elf-number-too-large',
    'test.o: section 3: file offset 0xfffffffffffffff8 is out of range (offset 0x4a0)',
  ],
  [
    'a size of 2^63',
    elf => elf.sectionHeader(SECTION.data, 'sh_size', 1n << 63n),
    'elf-number-too-large',
    'test.o: section 3: size 0x8000000000000000 is out of range (offset 0x4a8)',
  ],
  [
    'sections that share bytes',
    elf => {
      elf.sectionHeader(SECTION.data, 'sh_offset', 64n);
      elf.sectionHeader(SECTION.data, 'sh_size', 1800n);
    },
    'elf-sections-overlap',
    'test.o: sections overlap: their sizes add up to 2660 bytes in a file of 1992',
  ],
  [
    'a name outside the table',
    elf => elf.sectionHeader(SECTION.data, 'sh_name', 5000),
    'elf-string-offset',
    'test.o: section 3: name at offset 5000 is outside its string table of 210 bytes',
  ],
  [
    'a name at the end of the table',
    elf => elf.sectionHeader(SECTION.data, 'sh_name', 210),
    'elf-string-offset',
    'test.o: section 3: name at offset 210 is outside its string table of 210 bytes',
  ],
  [
    'a name without NUL',
    elf => {
      elf.sectionHeader(SECTION.strtab, 'sh_size', 209n);
      elf.sectionHeader(SECTION.data, 'sh_name', 205);
    },
    'elf-string-unterminated',
    'test.o: section 3: name at offset 205 of its string table has no terminating NUL',
  ],
  [
    'a name that is not UTF-8',
    elf => {
      elf.bytes[elf.fileOffset(SECTION.strtab) + 2] = 0xff;
    },
    'elf-string-encoding',
    'test.o: section 1: name at offset 1 of its string table is not valid UTF-8',
  ],
  [
    'no name',
    elf => elf.sectionHeader(SECTION.data, 'sh_name', 0),
    'elf-section-name',
    'test.o: section 3: has no name',
  ],
  [
    'a group',
    elf => elf.sectionHeader(SECTION.data, 'sh_type', 17),
    'elf-section-info',
    'test.o: section ".rel.data": relocates section ".data", which has no contents',
  ],
  [
    'RELA',
    elf => elf.sectionHeader(SECTION.relText, 'sh_type', 4),
    'elf-section-type',
    'test.o: section ".rel.text": holds relocations with addends (RELA), which BPF objects cannot have\n  hint: BPF tools use REL, with addends in place; build with clang',
  ],
  [
    'constructors',
    elf => elf.sectionHeader(SECTION.data, 'sh_type', 14),
    'elf-section-type',
    'test.o: section ".data": holds constructors, which BPF objects cannot have\n  hint: nothing runs them in BPF',
  ],
  [
    'an unknown type',
    elf => elf.sectionHeader(SECTION.data, 'sh_type', 0x70000001),
    'elf-section-type',
    'test.o: section ".data": has type 0x70000001, which BPF objects do not have',
  ],
  [
    'an allocated section of an operating system type',
    elf => elf.sectionHeader(SECTION.data, 'sh_type', 0x6fff4c03),
    'elf-section-type',
    'test.o: section ".data": has type 0x6fff4c03, which BPF objects do not have',
  ],
  [
    'BTF without contents',
    elf => elf.sectionHeader(SECTION.btf, 'sh_type', 8),
    'elf-section-type',
    'test.o: section ".BTF": has type 8 instead of PROGBITS',
  ],
  [
    'compressed contents',
    elf => elf.sectionHeader(SECTION.btf, 'sh_flags', 0x800n),
    'elf-section-compressed',
    'test.o: section ".BTF": is compressed\n  hint: build without -gz',
  ],
  [
    'thread-local variables',
    elf => elf.sectionHeader(SECTION.data, 'sh_flags', 0x403n),
    'elf-section-tls',
    'test.o: section ".data": holds thread-local variables, which BPF does not have',
  ],
  [
    'flags of 64 bits',
    elf => elf.sectionHeader(SECTION.data, 'sh_flags', BIG),
    'elf-number-too-large',
    'test.o: section 3: flags 0xffffffffffffffff is out of range (offset 0x490)',
  ],
  [
    'alignment 3',
    elf => elf.sectionHeader(SECTION.data, 'sh_addralign', 3n),
    'elf-section-align',
    'test.o: section ".data": alignment 3 of section 3 is not a power of two up to 4096',
  ],
  [
    'alignment 8192',
    elf => elf.sectionHeader(SECTION.data, 'sh_addralign', 8192n),
    'elf-section-align',
    'test.o: section ".data": alignment 8192 of section 3 is not a power of two up to 4096',
  ],
  [
    'alignment 2^32, whose low 32 bits look like none',
    elf => elf.sectionHeader(SECTION.data, 'sh_addralign', 1n << 32n),
    'elf-section-align',
    'test.o: section ".data": alignment 4294967296 of section 3 is not a power of two up to 4096',
  ],
  [
    'a .bss of 4 GiB',
    elf => elf.sectionHeader(SECTION.bss, 'sh_size', 1n << 32n),
    'elf-section-size',
    'test.o: section ".bss": size 4294967296 is beyond 32 bits',
  ],
  [
    'code without contents',
    elf => elf.sectionHeader(SECTION.text, 'sh_type', 8),
    'elf-code-section',
    'test.o: section ".text": is marked as code but has no contents',
  ],
  [
    'code of half an instruction',
    elf => elf.sectionHeader(SECTION.text, 'sh_size', 60n),
    'elf-code-section',
    'test.o: section ".text": code of 60 bytes is not a whole number of 8-byte instructions',
  ],
  [
    'two sections of one name',
    elf => elf.sectionHeader(SECTION.maps, 'sh_name', nameOffset(elf, SECTION.data)),
    'elf-section-duplicate',
    'test.o: sections 3 and 6 are both named ".data"\n  hint: BTF knows sections by their names; give functions and variables of one section the same attributes',
  ],
  [
    'no symbol table',
    elf => elf.sectionHeader(SECTION.symtab, 'sh_type', 1),
    'elf-no-symtab',
    'test.o: has no symbol table\n  hint: strip removes it; use llvm-strip -g to remove only DWARF',
  ],
  [
    'two symbol tables',
    elf => elf.sectionHeader(SECTION.data, 'sh_type', 2),
    'elf-two-symtabs',
    'test.o: has two symbol tables, sections 3 and 14',
  ],
];

const SYMBOLS: readonly Case[] = [
  [
    'a symbol table with entries of 0 bytes',
    elf => elf.sectionHeader(SECTION.symtab, 'sh_entsize', 0n),
    'elf-entry-size',
    'test.o: section ".symtab": has entries of 0 bytes instead of 24',
  ],
  [
    'a symbol table cut inside an entry',
    elf => elf.sectionHeader(SECTION.symtab, 'sh_size', 35n),
    'elf-entry-size',
    'test.o: section ".symtab": size 35 is not a multiple of its entry size 24',
  ],
  [
    'names from a section that is not a string table',
    elf => elf.sectionHeader(SECTION.symtab, 'sh_link', SECTION.data),
    'elf-section-link',
    'test.o: section ".symtab": takes its names from section ".data", which is not a string table',
  ],
  [
    'names from nowhere',
    elf => elf.sectionHeader(SECTION.symtab, 'sh_link', 99),
    'elf-section-link',
    'test.o: section ".symtab": takes its names from section 99, which does not exist',
  ],
  [
    'a first symbol that is not null',
    elf => elf.symbol(0, 'st_value', 8n),
    'elf-null-symbol',
    'test.o: symbol 0: is not the null symbol (offset 0x1a0)',
  ],
  [
    'a name outside the table',
    elf => elf.symbol(SYMBOL.counter, 'st_name', 0xffffffff),
    'elf-string-offset',
    'test.o: symbol 7: name at offset 4294967295 is outside its string table of 210 bytes',
  ],
  [
    'a global without a name',
    elf => elf.symbol(SYMBOL.counter, 'st_name', 0),
    'elf-symbol-name',
    'test.o: symbol 7: is global but has no name (offset 0x248)',
  ],
  [
    'thread-local type',
    elf => elf.symbol(SYMBOL.counter, 'st_info', 0x16),
    'elf-symbol-type',
    'test.o: symbol "counter": has type 6, which BPF objects do not have (offset 0x248)',
  ],
  [
    'unknown binding',
    elf => elf.symbol(SYMBOL.counter, 'st_info', 0xa1),
    'elf-symbol-binding',
    'test.o: symbol "counter": has binding 10 instead of local, global or weak (offset 0x248)',
  ],
  [
    'protected visibility',
    elf => elf.symbol(SYMBOL.counter, 'st_other', 3),
    'elf-symbol-visibility',
    'test.o: symbol "counter": has protected visibility instead of default or hidden (offset 0x248)',
  ],
  [
    'internal visibility',
    elf => elf.symbol(SYMBOL.counter, 'st_other', 1),
    'elf-symbol-visibility',
    'test.o: symbol "counter": has internal visibility instead of default or hidden (offset 0x248)',
  ],
  [
    'a section that does not exist',
    elf => elf.symbol(SYMBOL.counter, 'st_shndx', 16),
    'elf-symbol-section',
    'test.o: symbol "counter": is in section 16, which does not exist (offset 0x248)',
  ],
  [
    'a reserved section',
    elf => elf.symbol(SYMBOL.counter, 'st_shndx', 0xff01),
    'elf-symbol-section',
    'test.o: symbol 7: is in reserved section 0xff01 (offset 0x248)',
  ],
  [
    'an extended section without the table',
    elf => elf.symbol(SYMBOL.counter, 'st_shndx', 0xffff),
    'elf-symbol-section',
    'test.o: symbol 7: has an extended section index but the file has no table of them (offset 0x248)',
  ],
  [
    'a value behind its section',
    elf => elf.symbol(SYMBOL.counter, 'st_value', 25n),
    'elf-symbol-range',
    'test.o: symbol "counter": at 25 with 8 bytes goes beyond section ".data" of 24 bytes (offset 0x248)',
  ],
  [
    'a size beyond its section',
    elf => elf.symbol(SYMBOL.counter, 'st_size', 17n),
    'elf-symbol-range',
    'test.o: symbol "counter": at 8 with 17 bytes goes beyond section ".data" of 24 bytes (offset 0x248)',
  ],
  [
    'a size beyond a section without contents',
    elf => elf.symbol(SYMBOL.zeros, 'st_size', 9n),
    'elf-symbol-range',
    'test.o: symbol "zeros": at 4 with 9 bytes goes beyond section ".bss" of 12 bytes (offset 0x278)',
  ],
  [
    'a value and size that wrap around (CVE-2025-29481)',
    elf => {
      elf.symbol(SYMBOL.program, 'st_value', BIG - 0x47n);
      elf.symbol(SYMBOL.program, 'st_size', 0x48n);
    },
    'elf-symbol-range',
    'test.o: symbol "program": at 18446744073709552000 with 72 bytes goes beyond section "xdp" of 48 bytes (offset 0x218)',
  ],
  [
    'an undefined local',
    elf => elf.symbol(SYMBOL.external, 'st_info', 0),
    'elf-symbol-undefined',
    'test.o: symbol "external": is undefined but local (offset 0x2c0)',
  ],
  [
    'an undefined symbol with a size',
    elf => elf.symbol(SYMBOL.external, 'st_size', 4n),
    'elf-symbol-undefined',
    'test.o: symbol "external": is undefined but has type 0, value 0 and size 4 (offset 0x2c0)',
  ],
  [
    'an undefined function type',
    elf => elf.symbol(SYMBOL.external, 'st_info', 0x12),
    'elf-symbol-undefined',
    'test.o: symbol "external": is undefined but has type 2, value 0 and size 0 (offset 0x2c0)',
  ],
  [
    'a section symbol with a value',
    elf => elf.symbol(SYMBOL.textSection, 'st_value', 8n),
    'elf-symbol-section',
    'test.o: symbol 2: is the symbol of section ".text" but is not local or has value 8 (offset 0x1d0)',
  ],
  [
    'a global section symbol',
    elf => {
      elf.symbol(SYMBOL.counter, 'st_info', 0x13);
      elf.symbol(SYMBOL.counter, 'st_value', 0n);
    },
    'elf-symbol-section',
    'test.o: symbol "counter": is the symbol of section ".data" but is not local or has value 0 (offset 0x248)',
  ],
  [
    'a common symbol with alignment 3',
    elf => elf.symbol(SYMBOL.common, 'st_value', 3n),
    'elf-symbol-common',
    'test.o: symbol "common": is a common symbol of 16 bytes with alignment 3 (offset 0x260)',
  ],
  [
    'an absolute symbol of 64 bits',
    elf => {
      elf.symbol(SYMBOL.counter, 'st_shndx', 0xfff1);
      elf.symbol(SYMBOL.counter, 'st_value', BIG);
    },
    'elf-symbol-range',
    'test.o: symbol "counter": has a value or size of more than 53 bits (offset 0x248)',
  ],
  [
    'a function in data',
    elf => elf.symbol(SYMBOL.counter, 'st_info', 0x12),
    'elf-symbol-function',
    'test.o: symbol "counter": is a function in section ".data", which is not code (offset 0x248)',
  ],
  [
    'an empty function',
    elf => elf.symbol(SYMBOL.program, 'st_size', 0n),
    'elf-symbol-function',
    'test.o: symbol "program": is a function without instructions (offset 0x218)\n  hint: compilers emit this if the whole body is undefined behavior; assembly needs .size',
  ],
  [
    'a function of half an instruction',
    elf => elf.symbol(SYMBOL.program, 'st_size', 44n),
    'elf-symbol-function',
    'test.o: symbol "program": is a function at 0 of 44 bytes, not whole 8-byte instructions (offset 0x218)',
  ],
  [
    'a function between instructions',
    elf => elf.symbol(SYMBOL.helper, 'st_value', 4n),
    'elf-symbol-function',
    'test.o: symbol "helper": is a function at 4 of 24 bytes, not whole 8-byte instructions (offset 0x1e8)',
  ],
];

const RELOCATIONS: readonly Case[] = [
  [
    'entries of 24 bytes',
    elf => elf.sectionHeader(SECTION.relText, 'sh_entsize', 24n),
    'elf-entry-size',
    'test.o: section ".rel.text": has entries of 24 bytes instead of 16',
  ],
  [
    'half an entry',
    elf => elf.sectionHeader(SECTION.relText, 'sh_size', 8n),
    'elf-entry-size',
    'test.o: section ".rel.text": size 8 is not a multiple of its entry size 16',
  ],
  [
    'symbols from another section',
    elf => elf.sectionHeader(SECTION.relText, 'sh_link', SECTION.data),
    'elf-section-link',
    'test.o: section ".rel.text": takes its symbols from section 3 (".data") instead of the symbol table',
  ],
  [
    'symbols from nowhere',
    elf => elf.sectionHeader(SECTION.relText, 'sh_link', 77),
    'elf-section-link',
    'test.o: section ".rel.text": takes its symbols from section 77 (which does not exist) instead of the symbol table',
  ],
  [
    'no target',
    elf => elf.sectionHeader(SECTION.relText, 'sh_info', 0),
    'elf-section-info',
    'test.o: section ".rel.text": relocates section 0, which does not exist',
  ],
  [
    'a target that does not exist',
    elf => elf.sectionHeader(SECTION.relText, 'sh_info', 0xffffffff),
    'elf-section-info',
    'test.o: section ".rel.text": relocates section 4294967295, which does not exist',
  ],
  [
    'a target of another name',
    elf => elf.sectionHeader(SECTION.relText, 'sh_info', SECTION.data),
    'elf-section-info',
    'test.o: section ".rel.text": relocates section ".data", whose relocations are named ".rel.data"',
  ],
  [
    'a target that is ignored, under the name of one that is not',
    elf => elf.sectionHeader(SECTION.relText, 'sh_info', SECTION.debug),
    'elf-section-info',
    'test.o: section ".rel.text": relocates section ".debug_info", whose relocations are named ".rel.debug_info"',
  ],
  [
    'a target without contents',
    elf => elf.sectionHeader(SECTION.data, 'sh_type', 8),
    'elf-section-info',
    'test.o: section ".rel.data": relocates section ".data", which has no contents',
  ],
  [
    'an unknown type',
    elf => elf.relocation(SECTION.relXdp, 2, 'r_info', (1n << 32n) | 5n),
    'elf-relocation-type',
    'test.o: section ".relxdp": relocation 2: has unknown type 5 (offset 0x160)',
  ],
  [
    'a type of binutils 2.40',
    elf => elf.relocation(SECTION.relData, 1, 'r_info', (9n << 32n) | 12n),
    'elf-relocation-gnu',
    'test.o: section ".rel.data": relocation 1: has type 12 of binutils 2.40, whose addends count the symbol\'s value twice (offset 0x180)\n  hint: assemble with a newer GNU assembler or compile with clang',
  ],
  [
    'a type of binutils 2.40 in DWARF',
    elf => elf.relocation(SECTION.relDebug, 0, 'r_info', (4n << 32n) | 11n),
    'elf-relocation-gnu',
    'test.o: section ".rel.debug_info": relocation 0: has type 11 of binutils 2.40, whose addends count the symbol\'s value twice (offset 0x190)\n  hint: assemble with a newer GNU assembler or compile with clang',
  ],
  [
    'symbol 0',
    elf => elf.relocation(SECTION.relXdp, 0, 'r_info', 10n),
    'elf-relocation-symbol',
    'test.o: section ".relxdp": relocation 0: refers to symbol 0 of 14 (offset 0x140)',
  ],
  [
    'a symbol beyond the table',
    elf => elf.relocation(SECTION.relXdp, 0, 'r_info', (14n << 32n) | 10n),
    'elf-relocation-symbol',
    'test.o: section ".relxdp": relocation 0: refers to symbol 14 of 14 (offset 0x140)',
  ],
  [
    'an offset between instructions',
    elf => elf.relocation(SECTION.relXdp, 0, 'r_offset', 4n),
    'elf-relocation-offset',
    'test.o: section ".relxdp": relocation 0: changes byte 4, which is not the start of an instruction (offset 0x140)',
  ],
  [
    'an offset behind the section',
    elf => elf.relocation(SECTION.relXdp, 0, 'r_offset', 48n),
    'elf-relocation-offset',
    'test.o: section ".relxdp": relocation 0: changes 8 bytes at 48, beyond the 48 bytes of its section (offset 0x140)',
  ],
  [
    'an ld_imm64 that is cut off',
    elf => elf.relocation(SECTION.relXdp, 2, 'r_offset', 40n),
    'elf-relocation-offset',
    'test.o: section ".relxdp": relocation 2: changes 16 bytes at 40, beyond the 48 bytes of its section (offset 0x160)',
  ],
  [
    'an offset at the end of all numbers',
    elf => elf.relocation(SECTION.relData, 0, 'r_offset', BIG),
    'elf-relocation-offset',
    'test.o: section ".rel.data": relocation 0: changes 8 bytes at 18446744073709552000, beyond the 24 bytes of its section (offset 0x170)',
  ],
  [
    'two relocations at one place',
    elf => elf.relocation(SECTION.relXdp, 1, 'r_offset', 0n),
    'elf-relocation-duplicate',
    'test.o: section ".relxdp": changes offset 0 twice',
  ],
];

function nameOffset(elf: ElfPatcher, index: number): number {
  const view = new DataView(elf.bytes.buffer);
  return view.getUint32(elf.sectionHeaderAt(index), elf.order === 'little');
}

describe.each(['little', 'big'] as const)('%s endian', order => {
  describe.each([
    ['file header', HEADER],
    ['sections', SECTIONS],
    ['symbols', SYMBOLS],
    ['relocations', RELOCATIONS],
  ])('%s', (_, cases) => {
    it.each(cases)('%s', (_name, patch, code, message) => {
      const elf = ElfPatcher.sample(order);
      elf.parse();
      patch(elf);
      expect(() => elf.parse()).toThrow(expect.objectContaining({ code, message }));
    });
  });

  describe('sections that mean nothing may be broken', () => {
    it.each<[string, (elf: ElfPatcher) => void]>([
      ['compressed DWARF', elf => elf.sectionHeader(SECTION.debug, 'sh_flags', 0x800n)],
      ['DWARF with an odd alignment', elf => elf.sectionHeader(SECTION.debug, 'sh_addralign', 3n)],
      ['relocations of DWARF to nowhere', elf => elf.sectionHeader(SECTION.relDebug, 'sh_info', 99)],
      ['relocations of DWARF without symbols', elf => elf.sectionHeader(SECTION.relDebug, 'sh_link', 0)],
      ['absurd relocations of DWARF', elf => elf.relocation(SECTION.relDebug, 0, 'r_info', BIG)],
      ['a symbol after the end of DWARF', elf => elf.symbol(SYMBOL.label, 'st_shndx', SECTION.debug)],
      ['a note', elf => elf.sectionHeader(SECTION.debug, 'sh_type', 7)],
      [
        'addresses taken',
        elf => {
          elf.sectionHeader(SECTION.debug, 'sh_type', 0x6fff4c03);
          elf.sectionHeader(SECTION.debug, 'sh_entsize', 3n);
        },
      ],
    ])('%s', (_, patch) => {
      const elf = ElfPatcher.sample(order);
      patch(elf);
      expect([...elf.parse().relocations.keys()]).toEqual([1, 2, 3]);
    });
  });
});

describe('names cannot do harm', () => {
  it('control characters are made visible', () => {
    const output = { ...sampleOutput('little'), relocations: new Map() };
    const bytes = writeElf({ ...output, symbols: [symbol('\u001b[31m', 3, 20, 8)] });
    expect(() => parseElf({ name: 'a\u001b.o', bytes })).toThrow(
      expect.objectContaining({
        message: expect.stringContaining('a\\x1b.o: symbol "\\x1b[31m": at 20 with 8 bytes goes beyond'),
      }),
    );
  });

  it.each([
    [4000, 100_000, null],
    [100, 8000, 128],
  ])('overlapping names cannot outgrow the file: %i symbols', (count, length, enough) => {
    const long = 'a'.repeat(length);
    const symbols = Array.from({ length: count }, (_, index) => symbol(`${index}`, 1, 0, 0));
    const bytes = writeElf({
      byteOrder: 'little',
      flags: 0,
      sections: [section(long, 8)],
      symbols,
      relocations: new Map(),
    });
    const elf = new ElfPatcher(bytes, 'little');
    const view = new DataView(elf.bytes.buffer);
    const table = Number(view.getBigUint64(elf.sectionHeaderAt(2) + 24, true));
    // Every symbol takes the same long name from another start.
    for (let index = 1; index <= count; index++) view.setUint32(table + index * 24, index, true);
    const refused = (limits?: Limits): unknown =>
      expect.objectContaining({
        problems: [
          expect.objectContaining({
            code: 'elf-string-budget',
            hint: `raise the limit: --limits names=${2 * (limits?.names ?? LIMITS.names.value)} (option limits)`,
          }),
        ],
      });
    const file = { name: 'test.o', bytes: elf.bytes };
    expect(() => parseElf(file)).toThrow(refused());
    expect(() => parseElf(file, { limits: { names: 2 } })).toThrow(refused({ names: 2 }));
    if (enough !== null)
      expect(parseElf(file, { limits: { names: enough } }).symbols).toHaveLength(count + 1);
  });
});
