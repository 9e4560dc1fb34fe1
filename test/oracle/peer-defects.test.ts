/**
 * The known defects of libbpf's linker, one test each: here the result is right.
 *
 * The result of bpftool 7.1 is noted beside it. If another bpftool differs, the run reports it, and
 * passes.
 */

import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { requireNoInput } from '../../cli/io/files.ts';
import { parseElf } from '../../src/elf/parse.ts';
import type { LinkInput } from '../../src/link/inputs/inputs.ts';
import { link } from '../../src/link/link.ts';
import { type BpfObject, licenseOf, sectionOf } from '../../src/object/model/model.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { build, R_ADDRESS, type Sample, sample, symbol, TYPE } from '../hostile/object-sample.ts';
import { CASES_DIRECTORY } from '../support/case-files.ts';
import { missing, needs } from '../support/needs.ts';
import { checkWritten } from '../support/written-object.ts';
import { dumpWithTools } from './support-dump-tools.ts';
import { loadTogether, peerLink } from './support-peer.ts';

const directory = mkdtempSync(path.join(tmpdir(), 'rootlet-defects-'));
afterAll(() => rmSync(directory, { recursive: true }));

// --- both linkers -------------------------------------------------------------------------------------------------

/** Object files of a case. */
function files(name: string, ...stems: string[]): string[] {
  return stems.map(stem => path.join(CASES_DIRECTORY, name, 'obj/el', `${stem}.bpf.o`));
}

function write(name: string, bytes: Uint8Array): string {
  const file = path.join(directory, name);
  writeFileSync(file, bytes);
  return file;
}

function load(file: string): LinkInput {
  return { name: path.basename(file), bytes: readFileSync(file) };
}

/** Our result, checked for what holds for every one, and written. */
function ours(
  inputs: readonly string[],
  partial = false,
): { readonly object: BpfObject; readonly file: string } {
  const result = link(inputs.map(load), { partial });
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  const bytes = writeObject(result.object);
  const file = write(`ours-${++outputs}.o`, bytes);
  return { object: partial ? readObject({ name: file, bytes }) : checkWritten(bytes), file };
}

let outputs = 0;

/** The peer's result: its file, or the message instead. */
function theirs(inputs: readonly string[]): { readonly file: string; readonly message: string | undefined } {
  const file = path.join(directory, `peer-${++outputs}.o`);
  const { ok, message } = peerLink(file, inputs);
  return { file, message: ok ? undefined : message };
}

/** Notes what the peer does; reports when it no longer does that. */
function peerDoes(defect: string, wrong: string, observe: () => string): void {
  if (missing('bpftool', 'llvm-objdump', 'llvm-readelf') !== undefined) return;
  const observed = observe();
  if (observed !== wrong)
    console.log(`bpftool does otherwise now: ${defect}: ${observed} instead of ${wrong}`);
}

function linkMessage(inputs: readonly string[]): string {
  const { message = 'links' } = theirs(inputs);
  return message.split('\n')[0]?.replace(/'?\/\S*/g, 'FILE') ?? '';
}

function variablesOf(file: string, section: string): string {
  return dumpWithTools([file])[0]?.dataSections.get(section)?.join('; ') ?? '(none)';
}

function find(object: BpfObject, name: string): BpfObject['symbols'][number] {
  const found = object.symbols.find(one => one.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

/** Section of the definition and file that it is from. */
function placeOf(object: BpfObject, name: string): string {
  const found = find(object, name);
  return `${found.kind} ${sectionOf(object, found)?.name ?? ''}`;
}

function typeNames(object: BpfObject, kind: string): string[] {
  const { btf } = object;
  if (btf === null) return [];
  const types = Array.from({ length: btf.count }, (_, index) => btf.type(index + 1));
  return types.flatMap(type => (type.kind === kind && 'name' in type ? [type.name] : [])).sort();
}

/** The sample with a 2 after every name, to link with the sample. */
function second(): Sample {
  const parts = sample();
  parts.symbols.forEach((one, index) => {
    parts.symbols[index] = { ...one, name: `${one.name}2` };
  });
  parts.types.forEach((type, index) => {
    if (type.kind === 'func' || type.kind === 'var') parts.types[index] = { ...type, name: `${type.name}2` };
  });
  for (const list of parts.relocations.values())
    list.forEach((one, index) => {
      list[index] = { ...one, symbol: one.symbol.startsWith('@') ? one.symbol : `${one.symbol}2` };
    });
  return parts;
}

// --- one by one ---------------------------------------------------------------------------------------------------

describe('offsets in BTF (1)', () => {
  test('of an extern map', () => {
    const inputs = files('extern-map', 'a', 'b');
    expect(variablesOf2(ours(inputs).file, '.maps')).toBe('own 0 32; shared 32 32');
    peerDoes('extern map', 'own 0 32; shared 0 32', () => variablesOf(theirs(inputs).file, '.maps'));
  });

  test('of an extern arena variable', () => {
    const inputs = files('arena', 'a', 'b');
    const right = 'arena_before 8 8; arena_own 0 4; arena_shared 16 4';
    expect(variablesOf2(ours(inputs).file, '.addr_space.1')).toBe(right);
    const wrong = 'arena_before 8 8; arena_own 0 4; arena_shared 0 4';
    peerDoes('extern arena variable', wrong, () => variablesOf(theirs(inputs).file, '.addr_space.1'));
  });

  needs('bpftool', 'bpf').test('of an extern map: the object loads', () => {
    const inputs = files('extern-map', 'a', 'b');
    const peer = theirs(inputs).file;
    const [own, other] = loadTogether(directory, [ours(inputs).file, peer]);
    expect(own?.programs?.get('prog')?.result).toBe('42');
    peerDoes('loading it', 'not loaded', () => (other?.programs === null ? 'not loaded' : 'loaded'));
  });
});

/** As `variablesOf`, by rootlet's reader. */
function variablesOf2(file: string, section: string): string {
  const { btf } = readObject({ name: 'x.o', bytes: readFileSync(file) });
  for (let id = 1; id <= (btf?.count ?? 0); id++) {
    const type = btf?.type(id);
    if (type?.kind !== 'datasec' || type.name !== section) continue;
    return type.vars
      .map(one => `${btf?.nameOf(one.type)} ${one.offset} ${one.size}`)
      .sort()
      .join('; ');
  }
  return '(none)';
}

test('an extern that a partial link leaves open in a section of maps can be resolved later (2)', () => {
  const [a = '', b = ''] = files('extern-map', 'a', 'b');
  const partial = ours([a], true);
  expect(find(partial.object, 'shared')).toMatchObject({ kind: 'extern', section: '.maps' });
  expect(placeOf(ours([partial.file, b]).object, 'shared')).toBe('map .maps');
  peerDoes(
    'linking its partial link again',
    'libbpf: conflicting non-weak symbol #3 (shared) definition in FILE',
    () => linkMessage([theirs([a]).file, b]),
  );
});

test.each(['a', 'arena'])('bpftool’s own partial links can be linked by rootlet (2, %s)', what => {
  if (missing('bpftool') !== undefined) return;
  const [a = '', b = ''] = files(what === 'a' ? 'extern-map' : 'arena', 'a', 'b');
  const { object } = ours([theirs([a]).file, b]);
  expect(object.symbols.filter(one => one.kind === 'extern')).toEqual([]);
});

test.each([
  ['bss', '.bss', 'SIGSEGV'],
  ['rodata', '.rodata', 'SIGSEGV'],
])('a weak variable of .data is overridden in .%s (3)', (strong, section, peer) => {
  const inputs = files('weak-variable-moves', 'weak', strong, 'a');
  expect(placeOf(ours(inputs).object, 'moved')).toBe(`variable ${section}`);
  peerDoes(`weak variable overridden in ${section}`, peer, () => linkMessage(inputs));
});

describe('only definitions are strong or weak (4, and the orders of resolution)', () => {
  const conflict = (symbol: number) =>
    `libbpf: conflicting non-weak symbol #${symbol} (value) definition in FILE`;
  test.each([
    [['a', 'weak1', 'strong'], conflict(2)],
    [['weak1', 'a', 'strong'], conflict(2)],
    [['a', 'strong', 'weak1'], 'links'],
    [['strong', 'a', 'weak1'], 'links'],
    [['weak1', 'strong', 'a'], 'links'],
    [['strong', 'weak1', 'a'], 'links'],
  ] as const)('%j', (order, peer) => {
    const inputs = files('weak-strong', ...order);
    const value = find(ours(inputs).object, 'value');
    expect(value).toMatchObject({ kind: 'function', binding: 'global' });
    expect(value.kind === 'function' && value.lines.at(0)?.file).toMatch(/strong\.bpf\.c$/);
    peerDoes(`order ${order.join(' ')}`, peer, () => linkMessage(inputs));
  });

  test('nothing is left of what lost', () => {
    const inputs = files('weak-strong', 'strong', 'weak1', 'weak2', 'a');
    const text = (file: string) =>
      parseElf({ name: 'x.o', bytes: readFileSync(file) }).sections.find(one => one.name === '.text')?.size;
    expect(text(ours(inputs).file)).toBe(16);
    peerDoes('code of losers', '48', () => String(text(theirs(inputs).file)));
  });
});

test('jump tables follow their code (5)', () => {
  const withTable = (parts: Sample, name: string): Uint8Array => {
    // Entries are offsets in the section of the function: its first instruction, and the one after the first ld_imm64.
    parts.data.set('.jumptables', Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 24, 0, 0, 0, 0, 0, 0, 0));
    parts.symbols.push(symbol(name, '.jumptables', 0, 16, { binding: 0 }));
    parts.relocations.get('tc')?.splice(1, 1, { offset: 8, type: R_ADDRESS, symbol: '@.jumptables' });
    return build(parts);
  };
  const inputs = [write('jump1.o', withTable(sample(), 'jt1')), write('jump2.o', withTable(second(), 'jt2'))];
  const tables = (file: string): number[] => {
    const bytes = parseElf({ name: 'x.o', bytes: readFileSync(file) }).sections.find(
      one => one.name === '.jumptables',
    )?.bytes;
    return [...(bytes ?? [])].filter((_, index) => index % 8 === 0);
  };
  expect(tables(ours(inputs).file)).toEqual([0, 24, 64, 88]);
  peerDoes('jump tables', '0 24 0 24', () => tables(theirs(inputs).file).join(' '));
});

test('numbers of types in code are those of the result (6)', () => {
  const inputs = files('core-type-id', 'a', 'b');
  ours(inputs); // `checkWritten` looks at every one of them
  peerDoes('type ids in code', 'stale', () => {
    try {
      checkWritten(writeThrough(theirs(inputs).file));
      return 'right';
    } catch {
      return 'stale';
    }
  });
});

/** The file as it is. */
function writeThrough(file: string): Uint8Array {
  const object = readObject({ name: 'x.o', bytes: readFileSync(file) });
  for (const one of object.symbols) {
    if (one.kind !== 'function') continue;
    const view = new DataView(one.code.buffer, one.code.byteOffset, one.code.byteLength);
    for (const { insnIndex, kind, type } of one.coreRecords)
      if (kind === 6 && view.getInt32(insnIndex * 8 + 4, true) !== type) throw new Error('stale');
  }
  return writeObject(object);
}

test('a reference to a license that was dropped goes to the one that was kept (7)', () => {
  const inputs = files('license-reference', 'a', 'b');
  const { object } = ours(inputs);
  const program = find(object, 'prog_b');
  const target =
    program.kind === 'function' ? object.symbols[program.references[0]?.symbol ?? -1] : undefined;
  expect(target?.name).toBe('license_a');
  peerDoes('reference to a dropped license', 'elf-relocation-symbol', () => {
    try {
      readObject({ name: 'x.o', bytes: readFileSync(theirs(inputs).file) });
      return 'readable';
    } catch (error) {
      return error instanceof Error && 'code' in error ? String(error.code) : String(error);
    }
  });
});

test('declaration tags stay with their definition (8)', () => {
  const inputs = files('decl-tags', 'a', 'weak', 'strong');
  expect(typeNames(ours(inputs).object, 'decl_tag')).toEqual(['kept', 'winner']);
  peerDoes('declaration tags', 'kept loser loser_parameter winner', () =>
    typeNames(
      readObject({
        name: 'x.o',
        bytes: readFileSync(theirs(files('decl-tags', 'weak', 'strong', 'a')).file),
      }),
      'decl_tag',
    ).join(' '),
  );
});

describe('a kernel function that is defined (9)', () => {
  test.each([
    [['a', 'b'], 'helper 0 0'],
    [['b', 'a'], "libbpf: global 'helper': section mismatch N vs N"],
  ] as const)('%j', (order, peer) => {
    const inputs = files('kfunc-definition', ...order);
    const { object, file } = ours(inputs);
    expect(placeOf(object, 'helper')).toBe('function .text');
    expect(variablesOf2(file, '.ksyms')).toBe('(none)');
    peerDoes(`kernel function, order ${order.join(' ')}`, peer, () => {
      const { message, file: made } = theirs(inputs);
      return message === undefined ? variablesOf(made, '.ksyms') : withoutNumbers(message);
    });
  });
});

/** Sections are named by numbers that depend on everything else. */
function withoutNumbers(message: string): string {
  return (message.split('\n')[0] ?? '').replace(/\d+ vs \d+/, 'N vs N');
}

test('local symbols come first, and the table says how many there are (10)', () => {
  const inputs = files('same-statics', 'a', 'b');
  const sorted = (file: string): string => {
    const elf = parseElf({ name: 'x.o', bytes: readFileSync(file) });
    const firstGlobal = elf.symbols.findIndex((one, index) => index > 0 && one.binding !== 0);
    const locals = elf.symbols.filter(one => one.binding === 0).length;
    const info = elf.sections.find(one => one.type === 2)?.info;
    return firstGlobal === locals && info === locals ? 'sorted' : `sh_info ${info}`;
  };
  expect(sorted(ours(inputs).file)).toBe('sorted');
  peerDoes('symbol table', 'sh_info 0', () => sorted(theirs(inputs).file));
});

test('an output that is an input as well is refused (11)', () => {
  const inputs = files('extern-function', 'a', 'b').map((file, index) => {
    const copy = path.join(directory, `same-${index}.o`);
    copyFileSync(file, copy);
    return copy;
  });
  expect(() => requireNoInput(inputs[0] ?? '', inputs)).toThrow(/same-0\.o/);
  peerDoes('output over input', '0 bytes are left', () => {
    peerLink(inputs[0] ?? '', inputs);
    return `${statSync(inputs[0] ?? '').size} bytes are left`;
  });
});

describe('hostile files (12)', () => {
  test('a relocation far outside its section', () => {
    const bytes = build(sample());
    const section = parseElf({ name: 'x.o', bytes }).sections.find(one => one.name === '.reltc');
    new DataView(bytes.buffer, bytes.byteOffset).setBigUint64(section?.fileOffset ?? 0, 0x7ffffff8n, true);
    const result = link([{ name: 'far.o', bytes }]);
    expect(!result.ok && result.problems[0]?.code).toBe('elf-relocation-offset');
    peerDoes('relocation outside', 'links', () => linkMessage([write('far.o', bytes)]));
  });

  test('a chain of thirty thousand pointers', () => {
    const parts = sample();
    parts.types.push({ kind: 'ptr', type: TYPE.int });
    for (let index = 0; index < 30_000; index++) parts.types.push({ kind: 'ptr', type: parts.types.length });
    const file = write('deep.o', build(parts));
    expect(ours([file]).object.btf?.count).toBeGreaterThan(30_000);
    peerDoes('deep types', 'links', () => linkMessage([file, write('deep2.o', build(second()))]));
  });
});

test('arrays of other elements are other types, even in structs that are met twice (13)', () => {
  const struct = (name: string, member: number, size: number) =>
    ({
      kind: 'struct',
      name,
      size,
      members: [{ name: 'a', type: member, bitOffset: 0, bitSize: 0 }],
    }) as const;
  const outer = (p: number, q: number) =>
    ({
      kind: 'struct',
      name: 'outer',
      size: 16,
      members: [
        { name: 'p', type: p, bitOffset: 0, bitSize: 0 },
        { name: 'q', type: q, bitOffset: 64, bitSize: 0 },
      ],
    }) as const;
  const once = sample();
  const at = once.types.length;
  once.types.push(
    { kind: 'array', element: TYPE.int, index: TYPE.int, length: 2 },
    struct('inner', at + 1, 8),
    { kind: 'ptr', type: at + 2 },
    outer(at + 3, at + 3),
  );
  const twice = second();
  twice.types.push(
    { kind: 'array', element: TYPE.int, index: TYPE.int, length: 2 },
    struct('inner', at + 1, 8),
    { kind: 'ptr', type: at + 2 },
    { kind: 'float', name: 'float', size: 4 },
    { kind: 'array', element: at + 4, index: TYPE.int, length: 2 },
    struct('inner', at + 5, 8),
    { kind: 'ptr', type: at + 6 },
    outer(at + 3, at + 7),
  );
  const inputs = [write('once.o', build(once)), write('twice.o', build(twice))];
  const structs = (object: BpfObject) =>
    typeNames(object, 'struct')
      .filter(name => name !== '')
      .join(' ');
  expect(structs(ours(inputs).object)).toBe('inner inner outer outer');
  // The mistake came with libbpf 1.6.
  peerDoes('arrays in structs', 'inner inner outer outer', () =>
    structs(readObject({ name: 'x.o', bytes: readFileSync(theirs(inputs).file) })),
  );
});

test('maps that differ in map_extra differ (14)', () => {
  const withExtra = (parts: Sample, extra: number, linkage: 'global' | 'extern'): Uint8Array => {
    const members = [
      { name: 'type', type: 9, bitOffset: 0, bitSize: 0 },
      { name: 'max_entries', type: 11, bitOffset: 64, bitSize: 0 },
      { name: 'map_extra', type: parts.types.length + 1, bitOffset: 128, bitSize: 0 },
    ];
    parts.types[TYPE.map - 1] = { kind: 'struct', name: '', size: 24, members };
    parts.types.push(
      { kind: 'ptr', type: parts.types.length + 2 },
      { kind: 'array', element: TYPE.int, index: TYPE.int, length: extra },
    );
    parts.types[TYPE.shared - 1] = { kind: 'var', name: 'shared', type: TYPE.map, linkage };
    const index = parts.symbols.findIndex(one => one.name.startsWith('shared'));
    parts.symbols[index] =
      linkage === 'extern' ? symbol('shared', 0, 0, 0, { type: 0 }) : symbol('shared', '.maps', 0, 24);
    parts.relocations.get('tc')?.splice(3, 1, { offset: 40, type: R_ADDRESS, symbol: 'shared' });
    if (linkage === 'extern') parts.data.delete('.maps');
    else parts.data.set('.maps', new Uint8Array(24));
    return build(parts);
  };
  const inputs = [
    write('extra1.o', withExtra(sample(), 1, 'global')),
    write('extra2.o', withExtra(second(), 2, 'extern')),
  ];
  const result = link(inputs.map(load));
  expect(!result.ok && result.problems.map(problem => problem.code)).toEqual(['link-map-mismatch']);
  expect(!result.ok && result.problems[0]?.message).toContain('map_extra is 2 here and 1 there');
  peerDoes('map_extra', 'links', () => linkMessage(inputs));
});

test('open names stay open, in the sections that list them (15)', () => {
  const { object, file } = ours(files('kernel-externs', 'a', 'b'), true);
  const open = object.symbols.flatMap(one => (one.kind === 'extern' ? [one] : []));
  expect(open.length).toBeGreaterThan(2);
  for (const { name, section } of open) expect(variablesOf2(file, section ?? ''), name).toContain(`${name} `);
  const plain = ours(files('extern-function', 'a'), true).object.symbols.filter(one => one.kind === 'extern');
  expect(plain.map(one => one.kind === 'extern' && one.section)).toEqual(plain.map(() => null));
});

test('licenses of the kernel’s list are one license, however they are spelled', () => {
  const spelled = (parts: Sample, text: string): Uint8Array => {
    const index = parts.symbols.findIndex(one => one.section === 'license');
    const old = parts.symbols[index];
    if (old !== undefined) parts.symbols[index] = { ...old, size: text.length + 1 };
    parts.data.set('license', new TextEncoder().encode(`${text}\0`));
    return build(parts);
  };
  const inputs = [write('gpl.o', spelled(sample(), 'GPL')), write('gpl2.o', spelled(second(), 'GPL v2'))];
  expect(licenseOf(ours(inputs).object)).toBe('GPL');
  const refusal = "libbpf: non-identical contents of section 'license' are not supported";
  peerDoes('licenses', refusal, () => linkMessage(inputs));
});
