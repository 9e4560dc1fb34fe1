/**
 * The same object through libbpf's loader and rootlet's: programs with the same tags (a hash of their
 * instructions), names, types, records and maps; maps of the same shape with the same contents. What differs
 * has its reason here.
 */

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { encodeBtf } from '../../src/btf/binary/encode.ts';
import { parseBtf } from '../../src/btf/binary/parse.ts';
import { mergeBtf } from '../../src/btf/merge/merge.ts';
import { RootletError } from '../../src/diag/problem.ts';
import {
  listIds,
  type MapDescription,
  openById,
  readBtfBytes,
  readMapInfo,
} from '../../src/kernel/objects/info.ts';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import { bpf, type Sys } from '../../src/kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../../src/kernel/testing.ts';
import { decodeAttr, encodeAttr, HOST_ORDER } from '../../src/kernel/uapi/attr.ts';
import { InfoAttr } from '../../src/kernel/uapi/uapi.ts';
import { ProgInfo } from '../../src/kernel/uapi/uapi-info.ts';
import { link } from '../../src/link/link.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { BTF_KIND } from '../../src/uapi/btf.ts';
import { BPF_OBJ_GET_INFO_BY_FD } from '../../src/uapi/commands.ts';
import { BPF_F_MMAPABLE } from '../../src/uapi/flags.ts';
import { BPF_MAP_TYPE_ARENA } from '../../src/uapi/map-types.ts';
import { EMBEDDED, FILES, ROOT } from './support-files.ts';
import {
  type LibbpfMap,
  type LibbpfProgram,
  type LibbpfRelease,
  type LibbpfResult,
  noOracle,
  Oracle,
} from './support-oracle.ts';

/** A phrase of the message of the one that refuses, and why the other one loads it. */
type Reasons = readonly (readonly [phrase: string, reason: string])[];

/** Objects that only we load, by what each release of libbpf says. */
const ONLY_WE_EVER: Reasons = [
  ['pointing to invalid section #65522', 'libbpf knows no tentative definitions (SHN_COMMON)'],
  ['unsupported map linkage static', 'libbpf wants global maps'],
  [
    "map 'records': failed to create",
    'a ring buffer may have the type of its records here; its value size is 0',
  ],
  ["for extern 'from_c'", 'an extern that is weak needs no definition here'],
];
const ONLY_WE: Readonly<Record<LibbpfRelease, Reasons>> = {
  '1.1': [
    ...ONLY_WE_EVER,
    [
      "check ELF section name '.text'",
      'libbpf 1.1 takes the functions of a library without programs for programs',
    ],
    ["'.addr_space.1'", 'libbpf 1.1 knows no arenas'],
    ["'unheard_of'", 'libbpf 1.1 knows neither flavours of operations nor ".struct_ops.link"'],
  ],
  '1.5': [
    ...ONLY_WE_EVER,
    ['Cannot find member unheard_of', 'an operation that the kernel lacks is left out here, with a note'],
  ],
};

const ONLY_LIBBPF: Readonly<Record<LibbpfRelease, Reasons>> = {
  '1.1': [['but the object has no arena', 'libbpf 1.1 ignores variables of an arena']],
  '1.5': [
    ['but the object has no arena', 'libbpf refuses variables of an arena only where a program uses them'],
  ],
};

/** Programs whose instructions differ, and why. */
type OtherCode = readonly (readonly [file: string, program: string, reason: string])[];
const OTHER_CODE: Readonly<Record<LibbpfRelease, OtherCode>> = {
  '1.1': [
    [
      'externs.bpf.o',
      'functions',
      'a call of a weak kfunc that is not there: libbpf since 1.2 poisons it, as we do',
    ],
    ['kernel-externs/obj/el/a.bpf.o', 'prog_a', 'the same'],
  ],
  '1.5': [['externs.bpf.o', 'functions', 'the number in a poisoned call is an index of externs']],
};

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
describe.each(['1.1', '1.5'] as const)('as the loader of libbpf %s', release => {
  const skipped = noOracle(release) ?? reason;
  describe.skipIf(skipped !== undefined)(skipped === undefined ? 'does' : `does (${skipped})`, () =>
    compareAll(release, skipped === undefined),
  );
});

function compareAll(release: LibbpfRelease, there: boolean): void {
  const oracle = there ? new Oracle(release) : undefined;
  let compared = 0;
  afterAll(() => oracle?.close());
  const used = new Set<string>();
  const explained = (list: Reasons, text: string) => {
    const found = list.find(([phrase]) => text.includes(phrase));
    if (found !== undefined) used.add(found[0]);
    return found;
  };

  test.each(FILES)('%s', file => {
    const full = path.resolve(ROOT, file);
    const expected = oracle?.load(full);
    if (expected === undefined) throw new Error('no oracle');
    const before = countFds();
    const ours = tryLoad(full);
    try {
      if (typeof ours === 'string') {
        if (expected.error === 0) expect(explained(ONLY_LIBBPF[release], ours), ours).toBeDefined();
      } else if (expected.error !== 0) {
        expect(explained(ONLY_WE[release], expected.log), expected.log).toBeDefined();
      } else {
        compare(release, file, ours, expected);
        compared++;
      }
    } finally {
      if (typeof ours !== 'string') ours.close();
    }
    expect(countFds()).toBe(before);
  });

  test.each(EMBEDDED)('linked again, %s is the same', file => {
    const bytes = readFileSync(path.resolve(ROOT, file));
    const linked = link([{ name: file, bytes }]);
    if (!linked.ok) throw new Error(linked.problems.map(({ message }) => message).join('\n'));
    const again = writeObject(linked.object);
    const [before, after] = [tagsOf(bytes, file), tagsOf(again, file)];
    expect(after).toEqual(before);
  });

  test('every reason is needed', () => {
    const all = [...ONLY_WE[release], ...ONLY_LIBBPF[release]].map(([phrase]) => phrase);
    expect(all.filter(phrase => !used.has(phrase))).toEqual([]);
  });

  test('most objects are loaded by both', () => {
    expect(compared).toBeGreaterThan(60 + EMBEDDED.length / 2);
  });
}

/** Tag of each program as the kernel has it; the code of the problem where it refuses, which then is the tool's work. */
function tagsOf(bytes: Uint8Array, name: string): string[] {
  try {
    using object = loadObject(readObject({ name, bytes }), kernel, { pinRoot: null });
    return [...object.programs.values()].map(program => `${program.name} ${program.info().tag}`).sort();
  } catch (error) {
    if (error instanceof RootletError) return error.problems.map(({ code }) => code);
    throw error;
  }
}

function tryLoad(file: string): LoadedObject | string {
  try {
    return loadObject(readObject({ name: file, bytes: readFileSync(file) }), kernel, { pinRoot: null });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function compare(release: LibbpfRelease, file: string, ours: LoadedObject, expected: LibbpfResult): void {
  const loaded = expected.programs.filter(program => program.loaded);
  expect([...ours.programs.keys()].sort()).toEqual(loaded.map(program => program.name).sort());
  const theirTypes = Uint8Array.from(Buffer.from(expected.btf, 'hex'));
  const theirSize = foldedSize(theirTypes);
  const ourTypes = typesOf(ours);
  expect(foldedSize(ourTypes)).toEqual(theirSize);
  expect(ourTypes.length).toBeLessThanOrEqual(theirTypes.length);
  const maps = new Map(expected.maps.map(map => [map.id ?? 0, map]));
  for (const program of loaded) compareProgram(OTHER_CODE[release], file, ours, program, maps);
  expect([...ours.maps.values()].map(map => map.info().name)).toEqual(
    expected.maps.map(map => map.kernelName),
  );
  [...ours.maps.values()].forEach((map, index) => {
    const theirs = expected.maps[index];
    if (theirs === undefined) return;
    expect(shapeOf(map.info())).toEqual(shapeOfTheirs(theirs));
    if (theirs.value === undefined || map.info().type === BPF_MAP_TYPE_ARENA) return;
    const value = hexOf(map.lookup(new Uint8Array(4)));
    if (asksForWrapper(ours, map.name)) expect(differingBytes(value, theirs.value)).toBeLessThanOrEqual(1);
    else expect(value).toBe(theirs.value);
  });
}

/**
 * LINUX_HAS_SYSCALL_WRAPPER: libbpf tries to probe `__x64_sys_bpf` and says no where the kernel has no kprobes at all;
 * we look whether the kernel has the function.
 */
function asksForWrapper(ours: LoadedObject, map: string): boolean {
  const { types } = ours.plan;
  const ids = Array.from({ length: types?.count ?? 0 }, (_, n) => n + 1);
  const asked = ids.some(id => types?.nameOf(id) === 'LINUX_HAS_SYSCALL_WRAPPER');
  return map.endsWith('.kconfig') && asked && !existsSync('/sys/bus/event_source/devices/kprobe');
}

function differingBytes(a: string, b: string): number {
  const [ours, theirs] = [Buffer.from(a, 'hex'), Buffer.from(b, 'hex')];
  return ours.length === theirs.length ? ours.filter((byte, at) => byte !== theirs[at]).length : ours.length;
}

function compareProgram(
  otherCode: OtherCode,
  file: string,
  ours: LoadedObject,
  theirs: LibbpfProgram,
  maps: ReadonlyMap<number, LibbpfMap>,
): void {
  const program = ours.program(theirs.name);
  const info = programInfo(program.fd.number);
  const other = otherCode.some(([where, name]) => file.endsWith(where) && name === theirs.name);
  const mapNames = program.info().mapIds.map(id => mapName(id));
  expect({
    name: info.name,
    type: info.type,
    functions: info.nr_func_info,
    // In the order in which the program uses them.
    maps: mapNames,
  }).toEqual({
    name: theirs.kernelName,
    type: theirs.type,
    functions: theirs.functions,
    maps: theirs.maps?.map(id => maps.get(id)?.kernelName),
  });
  if (other) expect(info.tag).not.toBe(theirs.tag);
  else expect([info.tag, info.nr_line_info]).toEqual([theirs.tag, theirs.lines]);
}

function programInfo(fd: number) {
  const bytes = new Uint8Array(ProgInfo.size);
  const attr = encodeAttr(InfoAttr, { bpf_fd: fd, info_len: bytes.length, info: kernel.addressOf(bytes) });
  expect(bpf(kernel, BPF_OBJ_GET_INFO_BY_FD, attr, [bytes])).toBe(0);
  return decodeAttr(ProgInfo, bytes);
}

/** The types that the kernel has for a loaded object. */
function typesOf(object: LoadedObject): Uint8Array {
  const [program] = object.programs.values();
  const fd = program === undefined ? undefined : openById(kernel, 'btf', program.info().btfId);
  if (fd === undefined) return new Uint8Array(0);
  const bytes = readBtfBytes(kernel, fd.number);
  fd.close();
  return bytes;
}

/**
 * Bytes of all types, equal ones folded, without sections of data. libbpf gives the kernel every type that the compiler
 * wrote and every string of the file; we fold equal types, and leave out strings that only linkers and loaders read.
 * It also keeps the section of kernel symbols, which has no map, with a variable in the place of each function.
 */
function foldedSize(bytes: Uint8Array): { types: number; sections: number } {
  if (bytes.length === 0) return { types: 0, sections: 0 };
  const btf = parseBtf(bytes, HOST_ORDER);
  const folded = encodeBtf(mergeBtf([{ btf }]).btf, HOST_ORDER);
  const ids = Array.from({ length: btf.count }, (_, n) => n + 1);
  const dummies = ids.filter(id => btf.nameOf(id) === 'dummy_ksym').length;
  const sections = ids.filter(id => btf.kindOf(id) === BTF_KIND.DATASEC && btf.nameOf(id) !== '.ksyms');
  const typeLength = new DataView(folded.buffer, folded.byteOffset).getUint32(12, HOST_ORDER === 'little');
  return { types: typeLength - dummies * VAR_SIZE, sections: sections.length };
}

const VAR_SIZE = 16;

function mapName(id: number): string {
  const fd = openById(kernel, 'map', id);
  if (fd === undefined) throw new Error(`map ${id} is gone; there are ${listIds(kernel, 'map').join(' ')}`);
  try {
    return readMapInfo(kernel, fd.number).name;
  } finally {
    fd.close();
  }
}

/** libbpf before 1.2 lets user space map every section of globals; later ones, and we, those with shared variables. */
function withoutMappable(name: string, flags: number): number {
  return /\.(data|rodata|bss|kconfig)/.test(name) ? flags & ~BPF_F_MMAPABLE : flags;
}

function shapeOf(info: MapDescription) {
  return {
    type: info.type,
    keySize: info.keySize,
    valueSize: info.valueSize,
    maxEntries: info.maxEntries,
    flags: withoutMappable(info.name, info.flags),
    mapExtra: Number(info.mapExtra),
    typedKey: info.keyTypeId !== 0,
    typedValue: info.valueTypeId !== 0,
  };
}

function shapeOfTheirs(map: LibbpfMap) {
  return {
    type: map.type,
    keySize: map.keySize,
    valueSize: map.valueSize,
    maxEntries: map.maxEntries,
    flags: withoutMappable(map.kernelName ?? '', map.flags ?? 0),
    mapExtra: map.mapExtra,
    typedKey: map.keyType !== 0,
    typedValue: map.valueType !== 0,
  };
}

function hexOf(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString('hex');
}
