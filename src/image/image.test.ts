import { describe, expect, test } from 'vitest';
import { RootletError } from '../diag/index.ts';
import { useCompiled } from './form.ts';
import { Image } from './image.ts';
import { ATOM, HEADER, HEADER_WORDS, NAME, TABLES, UNIT } from './layout.ts';
import { compiledForTests } from './testing.ts';

describe('an image', () => {
  test('gives equal texts one name', () => {
    const image = new Image();
    const names = Array.from({ length: 20_000 }, (_, index) => image.intern(`name${index}`));
    expect(new Set(names).size).toBe(20_000);
    expect(image.intern('name77')).toBe(names[77]);
    expect(image.nameText(names[12_345] ?? 0)).toBe('name12345');
    expect(image.intern('')).toBe(0);
    expect(image.count(NAME)).toBe(20_001);
  });

  test('keeps rows when a table grows', () => {
    const image = new Image();
    const first = image.addRows(ATOM, 3);
    image.set(ATOM.size, first + 2, 99);
    const later = image.addRows(ATOM, 100_000);
    expect(later).toBe(first + 3);
    expect(image.get(ATOM.size, first + 2)).toBe(99);
    expect(image.get(ATOM.size, later)).toBe(0);
  });

  test('knows the names of its units', () => {
    const image = new Image();
    const [a, b] = [image.addUnit('a.o'), image.addUnit('b.o')];
    expect([a, b, image.unitName(a), image.unitName(b)]).toEqual([1, 2, 'a.o', 'b.o']);
    expect(image.count(UNIT)).toBe(3);
  });

  test('has columns of its own for each table', () => {
    const words = Object.values(TABLES).flatMap(table => Object.values(table));
    const places = Object.values(TABLES).flatMap(({ width, ...rest }) => {
      const { first: _, ...named } = rest;
      return Object.values(named);
    });
    expect(new Set(places).size).toBe(places.length);
    expect(Math.max(...words)).toBeLessThan(1024);
  });
});

test.each(['js', 'wasm'] as const)(
  'memory has the limit that is given, in whatever memory the image is: %s',
  form => {
    const { wasm } = compiledForTests();
    const restore = useCompiled({ wasm, script: null }, form);
    const limits = { memory: 2 ** 20 };
    const used = (image: Image): number => image.words[HEADER.top] ?? 0;
    for (const fill of [2 ** 22, 0]) {
      if (fill > 0) new Image().add(new Uint8Array(fill)); // the next one may get its memory
      const image = new Image(limits);
      image.add(new Uint8Array(2 ** 20 - used(image) - 64));
      expect(used(image)).toBeLessThanOrEqual(2 ** 20);
      const more = (): unknown => image.add(new Uint8Array(4096));
      expect(more).toThrow(
        /need more than 1 MiB of memory\n {2}hint: .*, or raise the limit: --limits memory=2MiB/,
      );
      const file = (): unknown => image.addContents('a.o', new Uint8Array(2 ** 20));
      expect(file).toThrow(
        /^a\.o: has 1048576 bytes, .* of 1048576 bytes are in use\n.*--limits memory=2MiB/,
      );
    }
    new Image().add(new Uint8Array(2 ** 21));
    expect(() => new Image({ memory: 2 ** 31 })).toThrow(
      /limit memory: 2147483648 is not a whole number from 1MiB/,
    );
    restore();
  },
);

test('a file for which there is no room is named, with its size', () => {
  const refusalOf = (used: number): RootletError | undefined => {
    const image = new Image();
    image.words[HEADER.top] = used;
    try {
      image.addContents('large.o', new Uint8Array(1 << 20));
      return undefined;
    } catch (error) {
      return error instanceof RootletError ? error : undefined;
    } finally {
      image.words[HEADER.top] = HEADER_WORDS * 4;
    }
  };
  expect(refusalOf(HEADER_WORDS * 4)).toBeUndefined();
  const [problem] = refusalOf(0x7fff_0000 - (1 << 20))?.problems ?? [];
  expect(problem).toMatchObject({ code: 'image-limit', where: ['large.o'] });
  expect(problem?.message).toContain('1048576 bytes');
  expect(problem?.hint).toContain('-r');
});
