import { describe, expect, test } from 'vitest';
import { sampleOutput } from '../../test/hostile/elf-sample.ts';
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
