/**
 * What libbpf's linker gets wrong, one test for each: what we make of the same input, and what the peer does with it.
 *
 * The peer's behaviour is recorded for Debian's bpftool 7.1 and printed when it is another one; it never fails the
 * suite, so that a bpftool that learns better is noticed and welcome.
 */

import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { BtfBuilder, mergeBtf } from '../../src/btf/index.ts';
import { parseElf } from '../../src/elf/index.ts';
import { type LinkResult, link } from '../../src/link/index.ts';
import { type BpfObject, licenseOf, readObject, writeObject } from '../../src/object/index.ts';
import { findCommand } from '../support/needs.ts';
import { objectOf } from '../support/objects.ts';

const folder = mkdtempSync(join(tmpdir(), 'rootlet-peer-'));
afterAll(() => rmSync(folder, { recursive: true }));
const bpftool = findCommand('bpftool');

function casePath(name: string, file: string): string {
  return `test/cases/${name}/obj/el/${file}.bpf.o`;
}

function linkCase(name: string, files: readonly string[], partial = false): LinkResult {
  return link(
    files.map(file => ({ name: `${file}.o`, bytes: readFileSync(casePath(name, file)) })),
    { partial },
  );
}

function linked(result: LinkResult): BpfObject {
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return readObject(writeObject(result.object), 'linked.o');
}

/** What `bpftool gen object` does: `links`, `refuses`, `crashes`; then what its own loader or `readelf` say of it. */
function peerLinks(inputs: readonly string[], after: (output: string) => string = () => 'links'): string {
  const output = join(folder, 'peer.o');
  const result = spawnSync(bpftool ?? 'bpftool', ['gen', 'object', output, ...inputs], { encoding: 'utf8' });
  if (result.signal !== null) return 'crashes';
  return result.status === 0 ? after(output) : 'refuses';
}

/** Opening is enough: the defects here show before the kernel is asked. */
function opens(output: string): string {
  const result = spawnSync(bpftool ?? 'bpftool', ['gen', 'skeleton', output, 'name', 'peer'], {
    encoding: 'utf8',
  });
  return result.status === 0 ? 'links' : 'links, but its own reader refuses the result';
}

/** Prints what the peer does, and whether that is what is recorded. */
function record(name: string, recorded: string, run: () => string): void {
  if (bpftool === undefined) return;
  const seen = run();
  const news = seen === recorded ? '' : ` (recorded for 7.1: ${recorded})`;
  process.stdout.write(`peer: ${name}: ${seen}${news}\n`);
}

describe('defects of the peer', () => {
  test('an extern map that is declared first keeps offset 0 in .maps', () => {
    const object = linked(linkCase('extern-map', ['a', 'b']));
    const dump = writeObject(object);
    const maps = object.symbols.filter(symbol => symbol.kind === 'map');
    expect(new Set(maps.map(map => map.kind === 'map' && map.origin.offset)).size).toBe(maps.length);
    writeFileSync(join(folder, 'ours.o'), dump);
    if (bpftool !== undefined) expect(opens(join(folder, 'ours.o'))).toBe('links');
    record('extern map first', 'links, but its own reader refuses the result', () =>
      peerLinks([casePath('extern-map', 'a'), casePath('extern-map', 'b')], opens),
    );
  });

  test('an extern map left open by a partial link becomes an empty definition', () => {
    const open = linked(linkCase('extern-map', ['a'], true));
    expect(open.symbols.find(symbol => symbol.name === 'shared')).toMatchObject({
      kind: 'extern',
      section: '.maps',
    });
    const whole = linked(link([open, { name: 'b.o', bytes: readFileSync(casePath('extern-map', 'b')) }]));
    expect(whole.symbols.find(symbol => symbol.name === 'shared')?.kind).toBe('map');
    record('open extern map linked again', 'refuses', () =>
      peerLinks([casePath('extern-map', 'a')], output => {
        const half = join(folder, 'half.o');
        copyFileSync(output, half);
        return peerLinks([half, casePath('extern-map', 'b')]);
      }),
    );
  });

  test('a weak variable in .data overridden by a strong one in .bss', () => {
    const moved = linked(linkCase('weak-variable-moves', ['a', 'weak', 'bss'])).symbols.find(
      symbol => symbol.name === 'moved',
    );
    expect(moved).toMatchObject({ kind: 'variable', binding: 'global', bytes: null });
    record('weak variable moves to another section', 'crashes', () =>
      peerLinks(['weak', 'bss', 'a'].map(file => casePath('weak-variable-moves', file))),
    );
  });

  test.each([
    ['strong extern, weak, strong', ['a', 'weak1', 'strong']],
    ['weak, strong extern, strong', ['weak1', 'a', 'strong']],
  ])('order %s is no clash', (name, files) => {
    expect(linkCase('weak-strong', files).ok).toBe(true);
    record(name, 'refuses', () => peerLinks(files.map(file => casePath('weak-strong', file))));
  });

  test('jump tables follow their code', () => {
    const withTable = (name: string): BpfObject => {
      const object = objectOf(name, [
        { name: `f_${name}`, kind: 'function', calls: [] },
        { name: `t_${name}`, kind: 'variable', section: '.jumptables', size: 8 },
      ]);
      const symbols = object.symbols.map(symbol =>
        symbol.kind === 'variable'
          ? {
              ...symbol,
              references: [{ kind: 'code-offset', offset: 0, width: 8, symbol: 0, addend: 8 } as const],
            }
          : symbol,
      );
      return { ...object, symbols };
    };
    const elf = parseElf(writeObject(linked(link([withTable('a'), withTable('b')]))), 'linked.o');
    const table = elf.sections.find(section => section.name === '.jumptables')?.bytes ?? new Uint8Array(0);
    // the second function starts at 16; nothing refers to these tables, so they are data that stays as it was written
    expect([table[0], table[8]]).toEqual([8, 24]);
  });

  test('immediates of local type ids are those of the result', () => {
    const object = linked(linkCase('core-type-id', ['a', 'b']));
    const stale = object.symbols.flatMap(symbol =>
      symbol.kind === 'function'
        ? symbol.coreRecords.filter(
            ({ kind, insnIndex, type }) =>
              kind === 6 &&
              new DataView(symbol.code.buffer, symbol.code.byteOffset).getInt32(insnIndex * 8 + 4, true) !==
                type,
          )
        : [],
    );
    expect(stale).toEqual([]);
    record('type ids in code', 'links, with the old ids in the code', () =>
      peerLinks(
        ['a', 'b'].map(file => casePath('core-type-id', file)),
        output => staleIds(output),
      ),
    );
  });

  test('code that reads a licence which was dropped reads the one that was kept', () => {
    const object = linked(linkCase('license-reference', ['a', 'b']));
    const reader = object.symbols.find(symbol => symbol.name === 'prog_b');
    const target =
      reader?.kind === 'function' ? object.symbols[reader.references[0]?.symbol ?? -1] : undefined;
    expect(target?.name).toBe('license_a');
    record('reference to a dropped licence', 'links, with a relocation to no symbol', () =>
      peerLinks(
        ['a', 'b'].map(file => casePath('license-reference', file)),
        output => {
          const { relocations } = parseElfLoosely(output);
          return relocations ? 'links' : 'links, with a relocation to no symbol';
        },
      ),
    );
  });

  test('declaration tags of a loser are gone', () => {
    const object = linked(linkCase('decl-tags', ['a', 'weak', 'strong']));
    const tags = Array.from(
      { length: object.btf?.count ?? 0 },
      (_, index) => object.btf?.nameOf(index + 1) ?? '',
    );
    expect(tags).toContain('winner');
    expect(tags).not.toContain('loser');
    record('declaration tags of a loser', 'links, and the winner has them', () =>
      peerLinks(
        ['weak', 'strong', 'a'].map(file => casePath('decl-tags', file)),
        output => {
          const dump = spawnSync(bpftool ?? 'bpftool', ['btf', 'dump', 'file', output], {
            encoding: 'utf8',
          }).stdout;
          return dump.includes("DECL_TAG 'loser'") ? 'links, and the winner has them' : 'links';
        },
      ),
    );
  });

  test.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('a kernel function declaration and a definition, %s first', (...files) => {
    const object = linked(linkCase('kfunc-definition', files));
    expect(object.symbols.filter(symbol => symbol.name === 'helper').map(symbol => symbol.kind)).toEqual([
      'function',
    ]);
    record(`kernel function and definition, ${files[0]} first`, files[0] === 'b' ? 'refuses' : 'links', () =>
      peerLinks(files.map(file => casePath('kfunc-definition', file))),
    );
  });

  test('the symbol table has its local symbols first', () => {
    const bytes = writeObject(linked(linkCase('weak-strong', ['a', 'weak1', 'strong'])));
    expect(symbolOrder(bytes)).toBe('conformant');
    record('order of the symbol table', 'links, with local symbols after global ones', () =>
      peerLinks(
        ['a', 'weak1'].map(file => casePath('weak-strong', file)),
        output =>
          symbolOrder(readFileSync(output)) === 'conformant'
            ? 'links'
            : 'links, with local symbols after global ones',
      ),
    );
  });

  test('an output that is an input is safe', () => {
    const path = join(folder, 'same.o');
    copyFileSync('examples/obj/el/first.bpf.o', path);
    // the command reads everything before it renames the new file over the old one; see cli/files.ts and its tests
    const result = link([{ name: path, bytes: readFileSync(path) }]);
    writeFileSync(path, writeObject(linked(result)));
    expect(readObject(readFileSync(path), path).symbols.length).toBeGreaterThan(0);
    copyFileSync('examples/obj/el/first.bpf.o', path);
    record('output equal to an input', 'destroys the input', () => {
      spawnSync(bpftool ?? 'bpftool', ['gen', 'object', path, path], { encoding: 'utf8' });
      return statSync(path).size === 0 ? 'destroys the input' : 'links';
    });
  });

  test('a relocation behind the end of its section is refused', () => {
    const bytes = readFileSync('examples/obj/el/rootlet.bpf.o');
    const elf = parseElf(bytes, 'x.o');
    const section = elf.sections.find(candidate => candidate.name === '.relxdp');
    if (section === undefined) throw new Error('the example has no relocations');
    const damaged = new Uint8Array(bytes);
    new DataView(damaged.buffer).setBigUint64(section.fileOffset, 0x10000n, true);
    expect(() => parseElf(damaged, 'x.o')).toThrow(/relocation 0/);
    writeFileSync(join(folder, 'damaged.o'), damaged);
    record('relocation behind its section', 'links', () => peerLinks([join(folder, 'damaged.o')]));
  });

  test('arrays of equal length and different elements stay apart', () => {
    const types = (element: string, size: number) => {
      const btf = new BtfBuilder();
      const index = btf.add({
        kind: 'int',
        name: 'int',
        size: 4,
        bits: 32,
        bitOffset: 0,
        signed: true,
        char: false,
        bool: false,
      });
      const id = btf.add({
        kind: 'int',
        name: element,
        size,
        bits: size * 8,
        bitOffset: 0,
        signed: true,
        char: false,
        bool: false,
      });
      btf.add({ kind: 'array', element: id, index, length: 4 });
      return btf.build();
    };
    const merged = mergeBtf([{ btf: types('short', 2) }, { btf: types('long', 8) }]).btf;
    const arrays = Array.from({ length: merged.count }, (_, index) => merged.type(index + 1)).filter(
      type => type.kind === 'array',
    );
    expect(arrays).toHaveLength(2);
  });

  test('map_extra is part of a map definition', () => {
    const bloom = (name: string, hashes: bigint, extern: boolean): BpfObject => {
      const btf = new BtfBuilder();
      const int = btf.add({
        kind: 'int',
        name: 'int',
        size: 4,
        bits: 32,
        bitOffset: 0,
        signed: true,
        char: false,
        bool: false,
      });
      const uint = (length: number): number =>
        btf.add({ kind: 'ptr', type: btf.add({ kind: 'array', element: int, index: int, length }) });
      const extra = btf.add({
        kind: 'enum64',
        name: '',
        size: 8,
        signed: false,
        values: [{ name: 'hashes', value: hashes }],
      });
      const members = [
        { name: 'type', type: uint(30), bitOffset: 0, bitSize: 0 },
        { name: 'value_size', type: uint(4), bitOffset: 64, bitSize: 0 },
        { name: 'max_entries', type: uint(8), bitOffset: 128, bitSize: 0 },
        { name: 'map_extra', type: extra, bitOffset: 192, bitSize: 0 },
      ];
      const definition = btf.add({ kind: 'struct', name: '', size: 32, members });
      const btfId = btf.add({
        kind: 'var',
        name: 'bloom',
        type: definition,
        linkage: extern ? 'extern' : 'global',
      });
      const base = { name: 'bloom', binding: 'global', visibility: 'default', btfId } as const;
      const defined = {
        ...base,
        kind: 'map',
        section: 0,
        origin: { file: name, offset: 0 },
        size: 32,
        align: 8,
        bytes: new Uint8Array(32),
        references: [],
      } as const;
      return {
        name,
        byteOrder: 'little',
        flags: 0,
        sections: [{ name: '.maps', type: 1, flags: 3, align: 8, entsize: 0, role: 'maps' }],
        symbols: [extern ? { ...base, kind: 'extern', section: '.maps' } : defined],
        btf: btf.build(),
      };
    };
    expect(link([bloom('a.o', 3n, false), bloom('b.o', 3n, true)]).ok).toBe(true);
    const result = link([bloom('a.o', 3n, false), bloom('b.o', 5n, true)]);
    expect(!result.ok && result.problems[0]?.message).toMatch(/map_extra is 5 here and 3 there/);
  });

  test('kernel names that stay open are listed in their DATASEC', () => {
    const object = linked(linkCase('kernel-externs', ['a', 'b']));
    const open = object.symbols.filter(symbol => symbol.kind === 'extern');
    expect(open.length).toBeGreaterThan(0);
    for (const symbol of open)
      expect(symbol.kind === 'extern' && symbol.section).toMatch(/^\.k(syms|config)$/);
  });

  test('GPL-compatible licences of two spellings are one', () => {
    const spelled = (text: string): BpfObject => {
      const object = objectOf(`${text}.o`, [
        { name: `f${text.length}`, kind: 'function' },
        { name: '_license', kind: 'variable', section: 'license', size: 8 },
      ]);
      const bytes = new Uint8Array(8);
      bytes.set(new TextEncoder().encode(text));
      return {
        ...object,
        symbols: object.symbols.map(symbol => (symbol.kind === 'variable' ? { ...symbol, bytes } : symbol)),
      };
    };
    expect(licenseOf(linked(link([spelled('GPL'), spelled('GPL v2')])))).toBe('GPL');
  });
});

function symbolOrder(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const table = Number(view.getBigUint64(40, true));
  for (let index = 0; index < view.getUint16(60, true); index++) {
    const at = table + index * 64;
    if (view.getUint32(at + 4, true) !== 2) continue;
    const [offset, size] = [
      Number(view.getBigUint64(at + 24, true)),
      Number(view.getBigUint64(at + 32, true)),
    ];
    const bindings = Array.from({ length: size / 24 }, (_, symbol) =>
      view.getUint8(offset + symbol * 24 + 4) >> 4 === 0 ? 0 : 1,
    );
    const firstGlobal = bindings.indexOf(1);
    const conformant =
      firstGlobal < 0 ||
      (!bindings.slice(firstGlobal).includes(0) && view.getUint32(at + 44, true) === firstGlobal);
    return conformant ? 'conformant' : 'not conformant';
  }
  return 'no symbol table';
}

/** Whether every relocation of a file names a symbol; our own parser refuses those that do not. */
function parseElfLoosely(path: string): { readonly relocations: boolean } {
  try {
    parseElf(readFileSync(path), path);
    return { relocations: true };
  } catch {
    return { relocations: false };
  }
}

function staleIds(path: string): string {
  const object = readObject(readFileSync(path), path);
  for (const symbol of object.symbols) {
    if (symbol.kind !== 'function') continue;
    for (const { kind, insnIndex, type } of symbol.coreRecords) {
      const held = new DataView(symbol.code.buffer, symbol.code.byteOffset).getInt32(insnIndex * 8 + 4, true);
      if (kind === 6 && held !== type) return 'links, with the old ids in the code';
    }
  }
  return 'links';
}
