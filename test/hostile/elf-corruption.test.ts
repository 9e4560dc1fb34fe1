/**
 * Every field of a small object set to every awkward value, fields in pairs, flipped bytes and cut files.
 *
 * For any bytes, parsing either returns a valid file or throws a `RootletError`, and the same one the
 * second time.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type ByteOrder, viewOf } from '../../src/bytes/cursor.ts';
import { RootletError } from '../../src/diag/problem.ts';
import { parseArchive } from '../../src/elf/archive.ts';
import {
  Elf64Ehdr,
  Elf64Rel,
  Elf64Shdr,
  Elf64Sym,
  SHF_EXECINSTR,
  SHN_ABS,
  SHN_COMMON,
  SHT_REL,
  SHT_SYMTAB,
} from '../../src/elf/constants.ts';
import { relocationWidth } from '../../src/elf/kernels/relocations.kernel.ts';
import type { ElfFile } from '../../src/elf/model.ts';
import { parseElf } from '../../src/elf/parse.ts';
import { writeElf } from '../../src/elf/write.ts';
import { isIgnoredSection } from '../support/ignored-section.ts';
import { ElfPatcher, sampleOutput } from './elf-sample.ts';
import { SeededRandom } from './random.ts';

interface Field {
  readonly name: string;
  readonly at: number;
  readonly width: number;
}

/** Every field of every header, symbol and relocation of an object. */
function fieldsOf(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  const add = (
    what: string,
    at: number,
    layout: { readonly size: number; readonly offsets: object },
  ): void => {
    const offsets: [string, number][] = Object.entries(layout.offsets);
    offsets.forEach(([name, offset], index) => {
      const end = offsets[index + 1]?.[1] ?? layout.size;
      fields.push({ name: `${what}.${name}`, at: at + offset, width: end - offset });
    });
  };
  const file = parseElf({ name: 'original.o', bytes });
  const headers = Number(Elf64Ehdr.decode(viewOf(bytes), 0, file.byteOrder).e_shoff);
  add('Elf64_Ehdr', 0, Elf64Ehdr);
  file.sections.forEach(({ name, type, fileOffset, size }, index) => {
    add(`Elf64_Shdr[${index}]`, headers + index * Elf64Shdr.size, Elf64Shdr);
    const layout = type === SHT_SYMTAB ? Elf64Sym : type === SHT_REL ? Elf64Rel : undefined;
    if (layout === undefined) return;
    for (let at = 0; at < size; at += layout.size)
      add(`${name}[${at / layout.size}]`, fileOffset + at, layout);
  });
  return fields;
}

/** Awkward values for a field that holds `now`, cut to its width. */
function awkward(now: bigint, fileSize: number): readonly bigint[] {
  const size = BigInt(fileSize);
  const edges = [0n, 1n, 2n, 3n, 7n, 8n, 16n, 24n, 64n, 0xffn, 0xff00n, 0xfff1n, 0xfff2n, 0xffffn];
  const powers = [
    1n << 31n,
    1n << 32n,
    (1n << 32n) - 1n,
    (1n << 53n) - 1n,
    1n << 53n,
    1n << 63n,
    (1n << 64n) - 1n,
  ];
  const wrapping = [(1n << 64n) - 8n, (1n << 64n) - 0x48n, (1n << 64n) - size];
  return [...edges, ...powers, ...wrapping, size - 1n, size, size + 1n, now - 1n, now + 1n, now * 2n, ~now];
}

function getField(bytes: Uint8Array, field: Field, order: ByteOrder): bigint {
  let value = 0n;
  for (let i = 0; i < field.width; i++) {
    const at = field.at + (order === 'big' ? i : field.width - 1 - i);
    value = (value << 8n) | BigInt(bytes[at] ?? 0);
  }
  return value;
}

function setField(bytes: Uint8Array, field: Field, order: ByteOrder, value: bigint): void {
  for (let i = 0; i < field.width; i++) {
    const at = field.at + (order === 'little' ? i : field.width - 1 - i);
    bytes[at] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
}

/** What a parsed file promises to those who index into it. Written without the parser's own helpers. */
function expectSound(file: ElfFile, bytes: Uint8Array): void {
  const problems: string[] = [];
  const demand = (holds: boolean, what: string): void => {
    if (!holds) problems.push(what);
  };
  for (const [index, section] of file.sections.entries()) {
    demand(section.bytes.length === 0 || section.bytes.length === section.size, `section ${index} contents`);
    demand(section.bytes.buffer === bytes.buffer || section.bytes.length === 0, `section ${index} is a view`);
    demand(
      Number.isSafeInteger(section.flags) && Number.isSafeInteger(section.size),
      `section ${index} numbers`,
    );
  }
  for (const [index, symbol] of file.symbols.entries()) {
    if (symbol.section === SHN_ABS || symbol.section === SHN_COMMON) continue;
    const section = file.sections[symbol.section];
    if (section === undefined) demand(false, `symbol ${index} section`);
    else if (symbol.section !== 0 && !isIgnoredSection(section)) {
      demand(symbol.value + symbol.size <= section.size, `symbol ${index} range`);
      demand(Number.isSafeInteger(symbol.value), `symbol ${index} value`);
    }
  }
  for (const [target, records] of file.relocations) {
    const section = file.sections[target];
    const isCode = ((section?.flags ?? 0) & SHF_EXECINSTR) !== 0;
    for (const { offset, type, symbol } of records) {
      const width = relocationWidth(type, isCode ? 1 : 0);
      demand(width > 0 && offset + width <= (section?.bytes.length ?? 0), `relocation of ${target} range`);
      demand(!isCode || offset % 8 === 0, `relocation of ${target} alignment`);
      demand(symbol > 0 && symbol < file.symbols.length, `relocation of ${target} symbol`);
    }
  }
  expect(problems).toEqual([]);
}

/** Parses twice; returns whether the bytes were accepted. */
function expectControlled(bytes: Uint8Array, label: string): boolean {
  const attempt = (): ElfFile | string => {
    try {
      return parseElf({ name: 'x.o', bytes });
    } catch (error) {
      if (error instanceof RootletError) return error.message;
      throw new Error(`${label}: ${String(error)}`, { cause: error });
    }
  };
  const first = attempt();
  const second = attempt();
  if (typeof first === 'string') {
    expect(second, label).toBe(first);
    return false;
  }
  expectSound(first, bytes);
  return true;
}

describe.each(['little', 'big'] as const)('%s endian', order => {
  it('every field with every awkward value', () => {
    const elf = ElfPatcher.sample(order);
    let refused = 0;
    let tried = 0;
    for (const field of fieldsOf(elf.bytes)) {
      const now = getField(elf.bytes, field, order);
      for (const value of awkward(now, elf.bytes.length)) {
        const bytes = elf.bytes.slice();
        setField(bytes, field, order, value);
        tried++;
        if (!expectControlled(bytes, `${field.name} = ${value}`)) refused++;
      }
    }
    expect(tried).toBeGreaterThan(8000);
    // Fields without meaning here (addresses, padding, program headers, DWARF) accept everything.
    expect(refused / tried).toBeGreaterThan(0.4);
  });

  it('pairs of fields, seed 20250101', () => {
    const random = new SeededRandom(20250101);
    const elf = ElfPatcher.sample(order);
    const fields = fieldsOf(elf.bytes);
    for (let round = 0; round < 6000; round++) {
      const bytes = elf.bytes.slice();
      const label: string[] = [];
      for (let i = 0; i < 2; i++) {
        const field = random.pick(fields);
        const value = random.pick(awkward(getField(bytes, field, order), bytes.length));
        setField(bytes, field, order, value);
        label.push(`${field.name} = ${value}`);
      }
      expectControlled(bytes, `round ${round}: ${label.join(', ')}`);
    }
  });

  it('flipped bytes, seed 7', () => {
    const random = new SeededRandom(7);
    const original = writeElf(sampleOutput(order));
    for (let round = 0; round < 6000; round++) {
      const bytes = original.slice();
      for (let i = random.below(8); i >= 0; i--) bytes[random.below(bytes.length)] = random.below(256);
      expectControlled(bytes, `round ${round}`);
    }
  });

  it('cut at every length', () => {
    const original = writeElf(sampleOutput(order));
    for (let length = 0; length < original.length; length++) {
      expect(expectControlled(original.slice(0, length), `${length} bytes`), `${length} bytes`).toBe(false);
    }
  });
});

describe('objects that clang made', () => {
  const directory = (order: string): URL => new URL(`../../examples/obj/${order}/`, import.meta.url);
  const paths = ['el', 'eb'].flatMap(order =>
    readdirSync(directory(order)).map(name => new URL(name, directory(order))),
  );

  it.each(paths.map(path => [path.pathname.split('/').slice(-2).join('/'), path]))(
    '%s, seed 3',
    (name, path) => {
      const random = new SeededRandom(3);
      const original = new Uint8Array(readFileSync(path));
      const fields = fieldsOf(original);
      const order = original[5] === 2 ? 'big' : 'little';
      expect(expectControlled(original, String(name))).toBe(true);
      for (let round = 0; round < 1500; round++) {
        const bytes = original.slice();
        const field = random.pick(fields);
        const value = random.pick(awkward(getField(bytes, field, order), bytes.length));
        setField(bytes, field, order, value);
        expectControlled(bytes, `round ${round}: ${field.name} = ${value}`);
      }
    },
  );
});

describe('archives', () => {
  it('flipped bytes and cut files, seed 11', () => {
    const random = new SeededRandom(11);
    const header = (name: string, size: number): string =>
      `${name.padEnd(16)}${'0'.padEnd(12)}0     0     644     ${String(size).padEnd(10)}\`\n`;
    const text = `!<arch>\n${header('/', 16)}\0\0\0\x01\0\0\0\x9efoo\0bar\0${header('//', 14)}long_names.o/\n${header('/0', 4)}data${header('#1/4', 8)}b.o\0data`;
    const original = Uint8Array.from(text, character => character.charCodeAt(0));
    expect(parseArchive({ name: 'x.a', bytes: original }).members).toHaveLength(2);
    for (let round = 0; round < 20_000; round++) {
      const bytes = original.slice(
        0,
        random.below(4) === 0 ? random.below(original.length) : original.length,
      );
      for (let i = random.below(4); i > 0; i--) bytes[random.below(bytes.length)] = random.below(256);
      try {
        const archive = parseArchive({ name: 'x.a', bytes });
        for (const position of archive.symbols.values()) expect(archive.members[position]).toBeDefined();
      } catch (error) {
        if (!(error instanceof RootletError)) throw new Error(`round ${round}`, { cause: error });
      }
    }
  });
});

describe('size', () => {
  it('parse time grows with the file, not faster', () => {
    const parseTime = (count: number): number => {
      const symbols = Array.from({ length: count }, (_, index) => ({
        name: `function_${index}`,
        value: index * 8,
        size: 8,
        type: 2,
        binding: index % 2,
        visibility: 0,
        section: 1,
      }));
      const relocations = symbols.map((_, index) => ({ offset: index * 8, type: 10, symbol: count - index }));
      const bytes = new Uint8Array(count * 8);
      const text = { name: '.text', type: 1, flags: 6, align: 8, entsize: 0, bytes, size: bytes.length };
      const object = writeElf({
        byteOrder: 'little',
        flags: 0,
        sections: [text],
        symbols,
        relocations: new Map([[1, relocations]]),
      });
      const times = [1, 2, 3].map(() => {
        const start = performance.now();
        expect(parseElf({ name: 'x.o', bytes: object }).symbols).toHaveLength(count + 1);
        return performance.now() - start;
      });
      return Math.min(...times);
    };
    parseTime(5000);
    const small = parseTime(10_000);
    const large = parseTime(160_000);
    // Quadratic growth would be 256 times; 16 is ideal, and the machine is shared.
    expect(large / small).toBeLessThan(100);
  });
});
