import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ElfPatcher, SECTION, SYMBOL, sampleOutput, section, symbol } from '../../test/hostile/elf-sample.ts';
import { isIgnoredSection } from '../../test/support/ignored-section.ts';
import { findCommand } from '../../test/support/needs.ts';
import { runTool } from '../../test/support/run.ts';
import {
  SHF_ALLOC,
  SHF_EXECINSTR,
  SHN_UNDEF,
  SHT_NOBITS,
  SHT_PROGBITS,
  SHT_SYMTAB,
  SHT_SYMTAB_SHNDX,
  STB_LOCAL,
  STB_WEAK,
  STT_FUNC,
  STT_NOTYPE,
} from './constants.ts';
import type { ElfFile } from './model.ts';
import { parseElf } from './parse.ts';
import { writeElf } from './write.ts';
import type { ElfOutput, ElfSectionOutput, ElfSymbolOutput } from './write-tables.ts';

const ORDERS = ['little', 'big'] as const;

/** What would write this file again, without the sections that no reader needs. */
function toOutput(file: ElfFile): ElfOutput {
  const sections: ElfSectionOutput[] = [];
  const sectionAt = new Map<number, number>();
  file.sections.forEach(({ name, type, flags, align, entsize, size, bytes, ...rest }, index) => {
    if ((type !== SHT_PROGBITS && type !== SHT_NOBITS) || isIgnoredSection({ name, type, flags, ...rest }))
      return;
    const contents = type === SHT_NOBITS ? null : bytes;
    sections.push({ name, type, flags, align, entsize, size, bytes: contents });
    sectionAt.set(index, sections.length);
  });
  const symbols: ElfSymbolOutput[] = [];
  const symbolAt = new Map<number, number>();
  file.symbols.forEach((known, index) => {
    const at =
      known.section === SHN_UNDEF || known.section > 0xff00 ? known.section : sectionAt.get(known.section);
    if (index === 0 || at === undefined) return;
    symbols.push({ ...known, section: at });
    symbolAt.set(index, symbols.length);
  });
  const relocations = [...file.relocations].map(
    ([target, records]) =>
      [
        sectionAt.get(target) ?? -1,
        records.map(record => ({ ...record, symbol: symbolAt.get(record.symbol) ?? -1 })),
      ] as const,
  );
  return {
    byteOrder: file.byteOrder,
    flags: file.flags,
    sections,
    symbols,
    relocations: new Map(relocations),
  };
}

describe.each(ORDERS)('%s endian', order => {
  it('gives back what was written', () => {
    const output = sampleOutput(order);
    const file = parseElf({ name: 'a.o', bytes: writeElf(output) });
    expect(file.byteOrder).toBe(order);
    expect(file.flags).toBe(4);
    expect(file.sections.map(({ name, size, align }) => [name, size, align])).toEqual([
      ['', 0, 0],
      ...output.sections.map(({ name, size, align }) => [name, size, align]),
      ['.rel.text', 16, 8],
      ['.relxdp', 48, 8],
      ['.rel.data', 32, 8],
      ['.rel.debug_info', 16, 8],
      ['.symtab', 14 * 24, 8],
      ['.strtab', expect.any(Number), 1],
    ]);
    expect(file.symbols.slice(1)).toEqual(output.symbols);
    // Those of DWARF are left out.
    expect([...file.relocations]).toEqual([...output.relocations].slice(0, 3));
    expect(file.sections[SECTION.license]?.bytes).toEqual(Uint8Array.of(0x47, 0x50, 0x4c, 0));
    expect(file.sections[SECTION.bss]?.bytes.length).toBe(0);
  });

  it('writes the same bytes again', () => {
    const bytes = writeElf(sampleOutput(order));
    expect(writeElf(sampleOutput(order))).toEqual(bytes);
    const again = writeElf(toOutput(parseElf({ name: 'a.o', bytes })));
    expect(writeElf(toOutput(parseElf({ name: 'a.o', bytes: again })))).toEqual(again);
  });

  it('puts locals first, keeps their order and follows them in relocations', () => {
    const output = sampleOutput(order);
    const late = [...output.symbols.slice(4), ...output.symbols.slice(0, 4)];
    const moved = new Map(late.map((known, index) => [known, index + 1]));
    const relocations = [...output.relocations].map(
      ([target, records]) =>
        [
          target,
          records.map(record => {
            const known = output.symbols[record.symbol - 1];
            return { ...record, symbol: (known && moved.get(known)) ?? -1 };
          }),
        ] as const,
    );
    const shuffled = { ...output, symbols: late, relocations: new Map(relocations) };
    expect(writeElf(shuffled)).toEqual(writeElf(output));
    expect(parseElf({ name: 'a.o', bytes: writeElf(output) }).sections[SECTION.symtab]?.info).toBe(5);
  });

  it('accepts an unsorted symbol table with sh_info 0, as bpftool writes it', () => {
    const patcher = ElfPatcher.sample(order);
    const at = patcher.fileOffset(SECTION.symtab);
    const record = (index: number) => patcher.bytes.slice(at + index * 24, at + index * 24 + 24);
    const [local, global] = [record(SYMBOL.helper), record(SYMBOL.program)];
    patcher.bytes.set(global, at + SYMBOL.helper * 24);
    patcher.bytes.set(local, at + SYMBOL.program * 24);
    patcher.sectionHeader(SECTION.symtab, 'sh_info', 0);
    const names = patcher.parse().symbols.map(known => known.name);
    expect(names.slice(3, 6)).toEqual(['program', '', 'helper']);
  });

  it('reads and writes extended section numbers', () => {
    const count = 0xff80;
    const empty = section('', 0, { flags: SHF_ALLOC });
    const sections = Array.from({ length: count }, (_, index) => ({ ...empty, name: `d${index}` }));
    const code = section('.text', 8, { flags: SHF_ALLOC | SHF_EXECINSTR });
    const symbols = [
      symbol('far', count + 1, 0, 8, { type: STT_FUNC }),
      symbol('near', 5, 0, 0, { type: STT_NOTYPE, binding: STB_LOCAL }),
    ];
    const relocations = new Map([[count + 1, [{ offset: 0, type: 10, symbol: 1 }]]]);
    const output: ElfOutput = {
      byteOrder: order,
      flags: 0,
      sections: [...sections, code],
      symbols,
      relocations,
    };
    const bytes = writeElf(output);
    const file = parseElf({ name: 'a.o', bytes });
    expect(new DataView(bytes.buffer, bytes.byteOffset).getUint16(60)).toBe(0);
    expect(file.sections.length).toBe(count + 6);
    expect(file.sections.filter(known => known.type === SHT_SYMTAB_SHNDX)).toHaveLength(1);
    expect(file.symbols.map(known => [known.name, known.section])).toEqual([
      ['', 0],
      ['near', 5],
      ['far', count + 1],
    ]);
    expect([...file.relocations]).toEqual([[count + 1, [{ offset: 0, type: 10, symbol: 2 }]]]);
  });

  it('aligns contents in the file to 8 and to what the section asks for', () => {
    const sections = [
      section('a', 3, { align: 1 }),
      section('b', 5, { align: 4096 }),
      section('c', 1, { align: 0 }),
      section('d', 2, { align: 2 }),
    ];
    const file = parseElf({
      name: 'a.o',
      bytes: writeElf({ byteOrder: order, flags: 0, sections, symbols: [], relocations: new Map() }),
    });
    expect(file.sections.slice(1, 5).map(known => known.fileOffset)).toEqual([64, 4096, 4104, 4112]);
    expect(file.sections.slice(1, 5).map(known => known.align)).toEqual([1, 4096, 0, 2]);
  });

  it('keeps names that are not ASCII, byte order marks included', () => {
    const names = ['größe', '\ufeffmark', '\u{1f980}', '__proto__', 'constructor', 'a'.repeat(300)];
    const symbols = names.map(name => symbol(name, 1, 0, 1));
    const output = {
      byteOrder: order,
      flags: 0,
      sections: [section('ä', 8)],
      symbols,
      relocations: new Map(),
    };
    const file = parseElf({ name: 'a.o', bytes: writeElf(output) });
    expect(file.symbols.slice(1).map(known => known.name)).toEqual(names);
    expect(file.sections[1]?.name).toBe('ä');
  });
});

describe('writeElf refuses', () => {
  const base: ElfOutput = {
    byteOrder: 'little',
    flags: 0,
    sections: [section('.text', 16)],
    symbols: [],
    relocations: new Map(),
  };
  it.each<[string, Partial<ElfOutput>, string]>([
    ['contents of another size', { sections: [section('a', 8, { size: 9 })] }, 'bug-invariant'],
    ['NOBITS with contents', { sections: [section('a', 8, { type: SHT_NOBITS })] }, 'bug-invariant'],
    ['PROGBITS without contents', { sections: [section('a', 8, { bytes: null })] }, 'bug-invariant'],
    ['a symbol in a section that is not there', { symbols: [symbol('s', 2, 0, 0)] }, 'bug-invariant'],
    [
      'a relocation to a symbol that is not there',
      { relocations: new Map([[1, [{ offset: 0, type: 1, symbol: 1 }]]]) },
      'bug-invariant',
    ],
    ['a name with a NUL', { symbols: [symbol('a\0b', 1, 0, 0)] }, 'elf-name'],
    [
      'more sections than can be numbered',
      { sections: new Array(0xfff0).fill(section('a', 0)) },
      'elf-too-many-sections',
    ],
  ])('%s', (_, changes, code) => {
    expect(() => writeElf({ ...base, ...changes })).toThrow(expect.objectContaining({ code }));
  });
});

describe('other tools', () => {
  const directory = '/usr/lib/x86_64-linux-gnu/bpf';
  const objects = existsSync(directory) ? readdirSync(directory).filter(name => name.endsWith('.o')) : [];

  for (const name of ['readelf', 'llvm-readelf-19']) {
    it(`${name} reads our output without a warning`, context => {
      const tool = findCommand(name);
      if (tool === undefined) return context.skip(`${name} is not installed`);
      const scratch = mkdtempSync(join(tmpdir(), 'rootlet-elf-'));
      try {
        for (const order of ORDERS) {
          const path = join(scratch, `${order}.o`);
          writeFileSync(path, writeElf(sampleOutput(order)));
          const text = runTool(tool, ['--file-header', '--sections', '--symbols', '--relocs', path]);
          expect(text).not.toMatch(/warning|error/i);
          expect(text).toMatch(/weak_function/);
        }
      } finally {
        rmSync(scratch, { recursive: true });
      }
    });
  }

  it('objects of other projects survive parse, write and parse', context => {
    if (objects.length === 0) context.skip('no BPF objects of other projects are installed');
    for (const name of objects) {
      const output = toOutput(parseElf({ name, bytes: readFileSync(join(directory, name)) }));
      expect(toOutput(parseElf({ name, bytes: writeElf(output) }))).toEqual(output);
    }
  });
});

it('a symbol table is found by its type, not its name', () => {
  const file = parseElf({ name: 'a.o', bytes: writeElf(sampleOutput('little')) });
  expect(file.sections.findIndex(known => known.type === SHT_SYMTAB)).toBe(SECTION.symtab);
  expect(file.symbols[SYMBOL.weakFunction]?.binding).toBe(STB_WEAK);
});
