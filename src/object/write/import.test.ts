import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { Image } from '../../image/image.ts';
import { ATOM, RECORD, REFERENCE, SHELL, TYPE, UNIT } from '../../image/layout.ts';
import { importObject } from './import.ts';

const SAMPLE = objectOf('a.o', [
  { name: 'main', kind: 'function', section: 'tc', calls: ['helper'], uses: ['count'] },
  { name: 'helper', kind: 'function', binding: 'local' },
  { name: 'count', kind: 'variable', size: 8 },
  { name: 'printk', kind: 'kfunc' },
]);

describe('an object in an image', () => {
  test('has a row for each symbol, section and reference', () => {
    const image = new Image();
    const unit = importObject(image, SAMPLE);
    const [atoms, shells] = [image.get(UNIT.atoms, unit), image.get(UNIT.shells, unit)];
    const nameOf = (row: number): string => image.nameText(image.get(ATOM.name, row));
    expect([0, 1, 2, 3].map(index => nameOf(atoms + index))).toEqual(['main', 'helper', 'count', 'printk']);
    expect(image.get(SHELL.unit, shells)).toBe(unit);
    expect(image.nameText(image.get(SHELL.name, image.get(ATOM.shell, atoms)))).toBe('tc');
    const references = image.get(ATOM.references, atoms);
    expect(image.get(ATOM.referenceCount, atoms)).toBe(2);
    expect(image.get(REFERENCE.kind, references)).toBe(0);
    expect(nameOf(image.get(REFERENCE.atom, references + 1))).toBe('count');
    expect(image.nameText(image.get(ATOM.section, atoms + 3))).toBe('.ksyms');
    expect(image.bytes[image.get(ATOM.at, atoms)]).toBe(0x85);
  });

  test('has its types', () => {
    const image = new Image();
    const unit = importObject(image, SAMPLE);
    const types = image.get(UNIT.types, unit);
    expect(image.get(UNIT.typeCount, unit)).toBe(SAMPLE.btf?.count);
    expect(image.get(TYPE.start, types + 1)).toBe(image.get(UNIT.words, unit));
  });

  test('has the strings of its records where they are', () => {
    const image = new Image();
    const [main, ...others] = SAMPLE.symbols;
    if (main?.kind !== 'function') throw new Error('no function');
    const lines = [{ insnIndex: 1, file: 'x.c', text: 'return 1;', line: 7, column: 3 }];
    const coreRecords = [{ insnIndex: 1, type: 1, access: '0:1', kind: 0 }];
    const symbol = { ...main, origin: { file: 'b.o', offset: 8 }, lines, coreRecords };
    const unit = importObject(image, { ...SAMPLE, symbols: [symbol, ...others] });
    const atom = image.get(UNIT.atoms, unit);
    const source = image.get(ATOM.source, atom);
    expect(image.unitName(source)).toBe('b.o');
    const text = (offset: number): string => {
      const at = image.get(UNIT.strings, source) + offset;
      return new TextDecoder().decode(image.bytes.subarray(at, image.bytes.indexOf(0, at)));
    };
    const line = image.get(ATOM.lines, atom);
    expect(image.words.subarray(line, line + 4)).toEqual(
      Int32Array.of(8, image.words[line + 1] ?? 0, image.words[line + 2] ?? 0, 7 * 1024 + 3),
    );
    expect([1, 2].map(word => text(image.words[line + word] ?? 0))).toEqual(['x.c', 'return 1;']);
    expect(text(image.get(RECORD.access, image.get(ATOM.records, atom)))).toBe('0:1');
  });

  test('is refused where a column cannot hold it', () => {
    const [main, ...others] = SAMPLE.symbols;
    if (main?.kind !== 'function') throw new Error('no function');
    const named = { ...main, name: 'a\0b' };
    expect(() => importObject(new Image(), { ...SAMPLE, symbols: [named, ...others] })).toThrow(/a NUL/);
    const size = 2 ** 31;
    const large = { ...main, kind: 'variable' as const, size, align: 1, bytes: null, references: [] };
    expect(() => importObject(new Image(), { ...SAMPLE, symbols: [large, ...others] })).toThrow(/2147483648/);
  });
});
