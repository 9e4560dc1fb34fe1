import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sampleOutput, section, symbol } from '../../test/hostile/elf-sample.ts';
import { findCommand } from '../../test/support/needs.ts';
import { outputOf } from '../../test/support/run.ts';
import { encodeText } from '../bytes/cursor.ts';
import { parseArchive } from './archive.ts';
import { writeElf } from './write.ts';

/** One member as `ar` writes it: header, contents, a line end where the length is odd. */
function member(name: string, contents: Uint8Array | string, size?: number | string): Uint8Array {
  const bytes = typeof contents === 'string' ? encodeText(contents) : contents;
  const header = `${name.padEnd(16)}${'0'.padEnd(12)}${'0'.padEnd(6)}${'0'.padEnd(6)}${'644'.padEnd(8)}`;
  const end = `${String(size ?? bytes.length).padEnd(10)}\`\n`;
  return concat(
    encodeText(header + end),
    bytes,
    bytes.length % 2 === 1 ? encodeText('\n') : new Uint8Array(0),
  );
}

function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap(part => [...part]));
}

function archive(...members: readonly Uint8Array[]): Uint8Array {
  return concat(encodeText('!<arch>\n'), ...members);
}

function thin(...members: readonly Uint8Array[]): Uint8Array {
  return concat(encodeText('!<thin>\n'), ...members);
}

function numbers(width: 4 | 8, little: boolean, ...values: readonly number[]): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * width));
  values.forEach((value, index) => {
    if (width === 4) view.setUint32(index * 4, value, little);
    else view.setBigUint64(index * 8, BigInt(value), little);
  });
  return new Uint8Array(view.buffer);
}

/** A GNU index naming members at `offsets`. */
function gnuIndex(width: 4 | 8, entries: readonly (readonly [string, number])[]): Uint8Array {
  const names = encodeText(entries.map(([name]) => `${name}\0`).join(''));
  return concat(numbers(width, false, entries.length, ...entries.map(([, offset]) => offset)), names);
}

/** A BSD index with its two tables. */
function bsdIndex(
  width: 4 | 8,
  little: boolean,
  entries: readonly (readonly [string, number])[],
): Uint8Array {
  let at = 0;
  const pairs = entries.flatMap(([name, offset]) => {
    at += name.length + 1;
    return [at - name.length - 1, offset];
  });
  const names = encodeText(entries.map(([name]) => `${name}\0`).join(''));
  const table = numbers(width, little, ...pairs);
  return concat(numbers(width, little, table.length), table, numbers(width, little, names.length), names);
}

describe('parseArchive', () => {
  it('reads an archive without members', () => {
    expect(parseArchive({ name: 'a.a', bytes: archive() })).toEqual({
      members: [],
      symbols: new Map(),
      hasIndex: false,
      thin: false,
      format: 'gnu',
    });
  });

  it.each([4, 8] as const)('reads GNU archives with an index of %i-byte numbers and long names', width => {
    const entries = [
      ['foo', 0],
      ['__proto__', 0],
      ['foo', 0],
    ] as const;
    const indexSize = gnuIndex(width, entries).length;
    const names = 'a_name_of_more_than_16.o/\nanother_long_name.o/\n';
    const first = 8 + 60 + indexSize + (indexSize % 2) + 60 + names.length + (names.length % 2);
    const second = first + 60 + 4;
    const index = gnuIndex(width, [
      ['foo', second],
      ['__proto__', first],
      ['foo', first],
    ]);
    const parsed = parseArchive({
      name: 'a.a',
      bytes: archive(
        member(width === 4 ? '/' : '/SYM64/', index),
        member('//', names),
        member('/26', 'odd'),
        member('short.o/', 'data'),
        member('/0', ''),
      ),
    });
    expect(parsed.format).toBe('gnu');
    expect(
      parsed.members.map(({ name, offset, bytes }) => [name, offset, String.fromCharCode(...(bytes ?? []))]),
    ).toEqual([
      ['another_long_name.o', first, 'odd'],
      ['short.o', second, 'data'],
      ['a_name_of_more_than_16.o', second + 64, ''],
    ]);
    // The first mention counts.
    expect([...parsed.symbols]).toEqual([
      ['foo', 1],
      ['__proto__', 0],
    ]);
  });

  it.each([
    [4, true, '__.SYMDEF'],
    [4, false, '__.SYMDEF SORTED'],
    [8, true, '__.SYMDEF_64'],
    [8, false, '__.SYMDEF_64'],
  ] as const)('reads BSD archives with %i-byte numbers, little endian %s', (width, little, indexName) => {
    const size = bsdIndex(width, little, [['foo', 0]]).length;
    const first = 8 + 60 + size + (size % 2);
    const parsed = parseArchive({
      name: 'a.a',
      bytes: archive(
        member(indexName, bsdIndex(width, little, [['foo', first]])),
        member('#1/8', 'name.o\0\0data'),
        member('plain.o', 'x'),
      ),
    });
    expect(parsed).toMatchObject({ format: 'bsd', thin: false, hasIndex: true });
    expect(parsed.members.map(known => [known.name, known.bytes?.length])).toEqual([
      ['name.o', 4],
      ['plain.o', 1],
    ]);
    expect([...parsed.symbols]).toEqual([['foo', 0]]);
  });

  it('reads thin archives', () => {
    const names = 'dir/a.o/\n';
    const first = 8 + 60 + 12 + 60 + names.length + 1;
    const parsed = parseArchive({
      name: 'a.a',
      bytes: thin(
        member('/', gnuIndex(4, [['foo', first]])),
        member('//', names),
        member('/0', '', 123457),
        member('/4', '', 8),
      ),
    });
    expect(parsed.thin).toBe(true);
    expect(parsed.members.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['dir/a.o', null],
      ['a.o', null],
    ]);
    expect(parsed.symbols.get('foo')).toBe(0);
  });
});

describe('parseArchive refuses', () => {
  const good = member('a.o/', 'data');
  it.each<[string, Uint8Array, string, string]>([
    ['another file', encodeText('#!/bin/sh'), 'archive-magic', 'x.a: is a script, not an archive'],
    [
      'half a header',
      archive(good, encodeText('b.o/')),
      'archive-truncated',
      'x.a: 4 bytes are left where a member header of 60 should be (offset 0x48)',
    ],
    [
      'a header without its mark',
      archive(member('a.o/', 'data').map((byte, at) => (at === 58 ? 0x20 : byte))),
      'archive-header',
      'x.a: member header does not end with its magic bytes (offset 0x8)',
    ],
    [
      'a member larger than the file',
      archive(member('a.o/', 'data', 5)),
      'archive-truncated',
      'x.a: member of 5 bytes goes beyond the end of the archive (offset 0x8)',
    ],
    [
      'a size that is not a number',
      archive(member('a.o/', 'data', '-4')),
      'archive-header',
      'x.a: size of the member is not a decimal number (offset 0x8)',
    ],
    [
      'an empty size',
      archive(member('a.o/', 'data', '')),
      'archive-header',
      'x.a: size of the member is not a decimal number (offset 0x8)',
    ],
    ['no name', archive(member('', 'data')), 'archive-names', 'x.a: member has no name (offset 0x8)'],
    [
      'a name that is not UTF-8',
      archive(member('a.o/', 'data').map((byte, at) => (at === 0 ? 0xff : byte))),
      'archive-names',
      'x.a: name of the member is not valid UTF-8 (offset 0x8)',
    ],
    [
      'a long name without a table',
      archive(member('/0', 'data')),
      'archive-names',
      'x.a: name at 0 is outside the name table which the archive does not have (offset 0x8)',
    ],
    [
      'a long name outside the table',
      archive(member('//', 'a/\n'), member('/4', 'data')),
      'archive-names',
      'x.a: name at 4 is outside the name table of 3 bytes (offset 0x48)',
    ],
    [
      'a long name without an end',
      archive(member('//', 'a/\nbb'), member('/3', 'data')),
      'archive-names',
      'x.a: name at 3 of the name table has no end (offset 0x4a)',
    ],
    [
      'a long name that is not supported',
      archive(member('/x', 'data')),
      'archive-names',
      'x.a: member name "/x" is not supported (offset 0x8)',
    ],
    [
      'two name tables',
      archive(member('//', ''), member('//', '')),
      'archive-names',
      'x.a: has two name tables (offset 0x44)',
    ],
    [
      'a member of a nested thin archive',
      thin(member('//', 'b.a/\n'), member('/0:68', '')),
      'archive-names',
      'x.a: member "/0:68" is in another archive (offset 0x4a)\n  hint: thin archives of archives are not supported; put the objects into one archive',
    ],
    [
      'a BSD name longer than its member',
      archive(member('#1/9', 'name.o\0\0')),
      'archive-names',
      'x.a: name "#1/9" does not fit in its member (offset 0x8)',
    ],
    [
      'an index without a count',
      archive(member('/', 'abc')),
      'archive-index',
      'x.a: symbol index has no room for its count (offset 0x8)',
    ],
    [
      'an index with an absurd count',
      archive(member('/', numbers(4, false, 0xffffffff, 0))),
      'archive-index',
      'x.a: symbol index of 8 bytes cannot hold 4294967295 entries (offset 0x8)',
    ],
    [
      'a 64-bit index with an absurd count',
      archive(member('/SYM64/', numbers(4, false, 0xffffffff, 0xffffffff, 0, 0))),
      'archive-index',
      'x.a: symbol index of 16 bytes cannot hold 18446744073709552000 entries (offset 0x8)',
    ],
    [
      'an index with a name without NUL',
      archive(member('/', concat(numbers(4, false, 1, 76), encodeText('foo')))),
      'archive-index',
      'x.a: name 0 of the symbol index has no terminating NUL (offset 0x8)',
    ],
    [
      'an index into nowhere',
      archive(member('/', gnuIndex(4, [['fo\u001bo', 77]])), good),
      'archive-index',
      'x.a: according to the index, "fo\\x1bo" is in the member at 77, where none begins (offset 0x8)',
    ],
    [
      'two indexes',
      archive(member('/', gnuIndex(4, [])), member('/', gnuIndex(4, []))),
      'archive-index',
      'x.a: has a second symbol index (offset 0x48)',
    ],
    [
      'a BSD index without tables',
      archive(member('__.SYMDEF', numbers(4, true, 7, 7))),
      'archive-index',
      'x.a: symbol index of 8 bytes does not hold the tables that it announces (offset 0x8)',
    ],
    [
      'a BSD index with a name outside its table',
      archive(member('__.SYMDEF', numbers(4, true, 8, 5, 8, 4, 0))),
      'archive-index',
      'x.a: name at 5 of the symbol index is not in its table of 4 bytes (offset 0x8)',
    ],
    [
      'a BSD index whose names overlap',
      archive(member('__.SYMDEF', concat(numbers(4, true, 16, 0, 8, 0, 8, 4), encodeText('foo\0')))),
      'archive-index',
      'x.a: names of the symbol index overlap (offset 0x8)',
    ],
  ])('%s', (_, bytes, code, message) => {
    expect(() => parseArchive({ name: 'x.a', bytes })).toThrow(expect.objectContaining({ code, message }));
  });
});

describe('archives made by others', () => {
  const makers: readonly (readonly [tool: string, label: string, args: readonly string[], format: string])[] =
    [
      ['ar', 'ar', ['rcs'], 'gnu'],
      ['ar', 'ar, thin', ['rcsT'], 'gnu'],
      ['ar', 'ar, no index', ['rcS'], 'gnu'],
      ['llvm-ar-19', 'llvm-ar, GNU', ['--format=gnu', 'rcs'], 'gnu'],
      ['llvm-ar-19', 'llvm-ar, BSD', ['--format=bsd', 'rcs'], 'bsd'],
      ['llvm-ar-19', 'llvm-ar, Darwin', ['--format=darwin', 'rcs'], 'bsd'],
      ['llvm-ar-19', 'llvm-ar, thin', ['--thin', 'rcs'], 'gnu'],
    ];
  for (const [tool, label, args, format] of makers) {
    it(label, context => {
      const found = findCommand(tool);
      if (found === undefined) return context.skip(`${tool} is not installed`);
      const scratch = mkdtempSync(join(tmpdir(), 'rootlet-ar-'));
      try {
        const first = writeElf(sampleOutput('little'));
        const second = writeElf({
          ...sampleOutput('big'),
          sections: [section('.data', 8)],
          symbols: [symbol('second_only', 1, 0, 8)],
          relocations: new Map(),
        });
        const paths = ['first.o', 'second_with_a_long_name.o'].map(name => join(scratch, name));
        writeFileSync(paths[0] ?? '', first);
        writeFileSync(paths[1] ?? '', second);
        const path = join(scratch, 'all.a');
        outputOf(found, [...args, path, ...paths]);
        const parsed = parseArchive({ name: path, bytes: readFileSync(path) });
        const isThin = label.includes('thin');
        expect(parsed).toMatchObject({ thin: isThin, format, hasIndex: !label.includes('no index') });
        expect(parsed.members.map(known => known.name.split('/').at(-1))).toEqual([
          'first.o',
          'second_with_a_long_name.o',
        ]);
        expect(parsed.symbols.get('second_only')).toBe(parsed.hasIndex ? 1 : undefined);
        expect(parsed.symbols.get('counter')).toBe(parsed.hasIndex ? 0 : undefined);
        if (!isThin) expect(parsed.members[0]?.bytes).toEqual(first);
      } finally {
        rmSync(scratch, { recursive: true });
      }
    });
  }
});
