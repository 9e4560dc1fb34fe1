import { describe, expect, test } from 'vitest';
import { ElfPatcher, SECTION as SAMPLE, sampleOutput } from '../../test/hostile/elf-sample.ts';
import { Image } from '../image/image.ts';
import { SECTION, SYMBOL, UNIT } from '../image/layout.ts';
import { REL } from './fields.ts';
import { parseElf } from './parse.ts';
import { scanElf } from './scan.ts';
import { writeElf } from './write.ts';

/** The rows of a unit's sections. */
function sectionsOf(image: Image, unit: number): number[] {
  const first = image.get(UNIT.sections, unit);
  return Array.from({ length: image.get(UNIT.sectionCount, unit) }, (_, index) => first + index);
}

function contentsOf(image: Image, row: number): Uint8Array {
  const at = image.get(SECTION.at, row);
  return at === 0 ? new Uint8Array() : image.bytes.slice(at, at + image.get(SECTION.size, row));
}

function recordsOf(image: Image, row: number): number[][] {
  const relocations = image.get(SECTION.relocations, row);
  if (relocations === 0) return [];
  const words = new Int32Array(contentsOf(image, relocations).buffer);
  return Array.from({ length: words.length / REL.words }, (_, index) => [
    ...words.subarray(index * REL.words, (index + 1) * REL.words),
  ]);
}

describe.each(['little', 'big'] as const)('a %s-endian object', order => {
  const bytes = writeElf(sampleOutput(order));
  const file = parseElf({ name: 'a.o', bytes });

  test.each([0, 2, 60])('becomes rows, also at offset %d of an archive', before => {
    const image = new Image();
    const inside = new Uint8Array(before + bytes.length);
    inside.set(bytes, before);
    const at = image.add(inside) + before;
    const unit = scanElf(image, { name: 'a.o', at, size: bytes.length });
    const unitWords = [UNIT.order, UNIT.flags, UNIT.size, UNIT.symbolCount].map(column =>
      image.get(column, unit),
    );
    expect(unitWords).toEqual([order === 'big' ? 1 : 0, 4, bytes.length, file.symbols.length]);
    const rows = sectionsOf(image, unit);
    expect(rows.map(row => image.nameText(image.get(SECTION.name, row)))).toEqual(
      file.sections.map(section => section.name),
    );
    for (const [index, row] of rows.entries()) {
      const section = file.sections[index];
      if (section?.type !== 1 || image.get(SECTION.ignored, row) === 1) continue;
      expect(contentsOf(image, row)).toEqual(section.bytes.slice());
      expect(image.get(SECTION.at, row) % (section.name === '.BTF' ? 4 : 8)).toBe(0);
      const records = file.relocations.get(index) ?? [];
      expect(recordsOf(image, row)).toEqual(
        records.map(({ offset, type, symbol }) => [offset, 0, type, symbol]),
      );
    }
  });

  test('has its symbols in columns', () => {
    const image = new Image();
    const unit = scanElf(image, { name: 'a.o', bytes });
    const first = image.get(UNIT.symbols, unit);
    const symbols = file.symbols.map((_, index) => ({
      name: image.nameText(image.get(SYMBOL.name, first + index)),
      value: image.get(SYMBOL.value, first + index),
      size: image.get(SYMBOL.size, first + index),
      type: image.get(SYMBOL.type, first + index),
      binding: image.get(SYMBOL.binding, first + index),
      visibility: image.get(SYMBOL.visibility, first + index),
      section: image.get(SYMBOL.section, first + index),
    }));
    expect(symbols).toEqual(file.symbols);
    const table = image.get(UNIT.symbolTable, unit);
    expect(image.nameText(image.get(SECTION.name, table))).toBe('.symtab');
  });
});

test('contents stay in the bytes of the file when sections have another order in it', () => {
  const elf = ElfPatcher.sample('little');
  const [text, xdp] = [SAMPLE.text, SAMPLE.xdp];
  const [from, size] = [elf.fileOffset(text), elf.parse().sections[xdp]?.size ?? 0];
  expect(elf.fileOffset(xdp)).toBeGreaterThan(from);
  elf.sectionHeader(xdp, 'sh_offset', BigInt(from));
  elf.sectionHeader(text, 'sh_offset', BigInt(from + size));
  const image = new Image();
  const unit = scanElf(image, { name: 'a.o', bytes: elf.bytes });
  const start = image.get(UNIT.at, unit);
  const first = image.get(UNIT.sections, unit);
  const places = [text, xdp].map(index => image.get(SECTION.at, first + index) - start);
  expect(places).toEqual([from + size, from]);
});

describe.each(['little', 'big'] as const)('a hostile %s-endian object', order => {
  test('has contents of its own for sections that share bytes', () => {
    const elf = ElfPatcher.sample(order);
    const offset = elf.fileOffset(SAMPLE.text);
    elf.sectionHeader(SAMPLE.data, 'sh_offset', BigInt(offset));
    const image = new Image();
    const unit = scanElf(image, { name: 'a.o', bytes: elf.bytes });
    const [text, data] = [SAMPLE.text, SAMPLE.data].map(index => image.get(UNIT.sections, unit) + index);
    const before = contentsOf(image, text ?? 0);
    expect(contentsOf(image, data ?? 0)).toEqual(before.slice(0, 24));
    image.bytes.fill(0xff, image.get(SECTION.at, data ?? 0), image.get(SECTION.at, data ?? 0) + 24);
    expect(contentsOf(image, text ?? 0)).toEqual(before);
  });

  test('leaves what was read before as it was', () => {
    const image = new Image();
    const unit = scanElf(image, { name: 'a.o', bytes: writeElf(sampleOutput(order)) });
    const rows = sectionsOf(image, unit);
    const names = rows.map(row => image.get(SECTION.name, row));
    const elf = ElfPatcher.sample(order);
    elf.sectionHeader(SAMPLE.xdp, 'sh_flags', 0x800n);
    expect(() => scanElf(image, { name: 'b.o', bytes: elf.bytes })).toThrow(
      'b.o: section "xdp": is compressed',
    );
    const again = scanElf(image, { name: 'a.o', bytes: writeElf(sampleOutput(order)) });
    expect(sectionsOf(image, again).map(row => image.get(SECTION.name, row))).toEqual(names);
    expect(rows.map(row => image.get(SECTION.name, row))).toEqual(names);
  });
});

/** The group of a C++ inline function, as clang writes it. */
function groupObject(name: number): Uint8Array {
  const names = '\0.text\0.group\0.symtab\0.strtab\0inline\0';
  const bytes = new Uint8Array(568);
  const view = new DataView(bytes.buffer);
  bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  for (const [at, value] of [
    [16, 1],
    [18, 247],
    [52, 64],
    [58, 64],
    [60, 5],
    [62, 4],
  ])
    view.setUint16(at ?? 0, value ?? 0, true);
  view.setUint32(20, 1, true);
  view.setUint32(40, 248, true);
  bytes.set([0x95], 64); // exit
  bytes.set([1, 0, 0, 0, 1, 0, 0, 0], 72); // COMDAT, section 1
  const symbols: readonly (readonly number[])[] = [
    [0, 0, 0],
    [name, 0x02, 1],
  ];
  symbols.forEach(([st_name = 0, info = 0, section = 0], index) => {
    const at = 80 + index * 24;
    view.setUint32(at, st_name, true);
    view.setUint8(at + 4, info);
    view.setUint16(at + 6, section, true);
    view.setUint32(at + 16, index * 8, true);
  });
  bytes.set(new TextEncoder().encode(names), 128);
  const headers = [
    [0],
    [1, 1, 6, 64, 8],
    [7, 17, 0, 72, 8, 3, 1, 0, 4],
    [14, 2, 0, 80, 48, 4, 2, 0, 24],
    [22, 3, 0, 128, names.length],
  ];
  headers.forEach((fields, index) => {
    const places = [0, 4, 8, 24, 32, 40, 44, 48, 56];
    for (const [field, value] of fields.entries())
      view.setUint32(248 + index * 64 + (places[field] ?? 0), value, true);
  });
  return bytes;
}

describe('a group', () => {
  test('names its sections by its signature', () => {
    const image = new Image();
    const unit = scanElf(image, { name: 'a.o', bytes: groupObject(30) });
    const first = image.get(UNIT.sections, unit);
    expect(image.nameText(image.get(SECTION.comdat, first + 1))).toBe('inline');
    expect(image.get(SECTION.group, first + 1)).toBe(first + 2);
    expect(parseElf({ name: 'a.o', bytes: groupObject(30) }).groups).toEqual([
      { signature: 'inline', comdat: true, sections: [1] },
    ]);
  });

  test('may be that of an unnamed symbol, by the name of its section', () => {
    expect(parseElf({ name: 'a.o', bytes: groupObject(0) }).groups[0]?.signature).toBe('.text');
  });

  test('needs a signature with a name', () => {
    const bytes = groupObject(0);
    new DataView(bytes.buffer).setUint16(80 + 24 + 6, 0xfff1, true); // SHN_ABS
    expect(() => parseElf({ name: 'a.o', bytes })).toThrow(
      'a.o: section ".group": has symbol 1 as its signature, which has no name',
    );
  });
});
