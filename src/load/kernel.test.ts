import { existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openById, readMapInfo } from '../kernel/objects/info.ts';
import { FakeSys } from '../kernel/sys/fake.ts';
import { encodeU32s, type Sys } from '../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../kernel/testing.ts';
import { readObject } from '../object/read/read.ts';
import { stripDataSections } from '../object/write/strip-data-sections.ts';
import { BPF_F_MMAPABLE } from '../uapi/flags.ts';
import { XDP_DROP, XDP_PASS } from '../uapi/verdicts.ts';
import type { LoadedObject } from './execute/loaded-object.ts';
import { type LoadOptions, loadObject, prepareLoad } from './load.ts';
import {
  loadWithBpftool,
  mountBpffs,
  type OracleMap,
  type OracleProgram,
  oracleMissing,
  packet,
} from './testing.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const noOracle = oracleMissing();

const DISTRIBUTION = '/usr/lib/x86_64-linux-gnu/bpf';
const EXAMPLES = join(import.meta.dirname, '../../examples/obj/el');

/** Objects that load as they are: not those that need another object or the kernel's types. */
function loadable(directory: string, without: readonly string[]): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter(file => file.endsWith('.o') && !without.includes(file))
    .map(file => join(directory, file));
}

/** Objects of the tests of this project, where the two loaders agree. */
const CASES = [
  '../core/testdata/obj/el/kinds.bpf.o',
  'testdata/obj/el/maps.bpf.o',
  'testdata/obj/el/globals.bpf.o',
].map(path => join(import.meta.dirname, path));

const OBJECTS = [
  ...CASES,
  ...loadable(DISTRIBUTION, ['xdpdump_bpf.o']),
  ...loadable(EXAMPLES, ['first.bpf.o', 'second.bpf.o']),
];

const bpffs = sys === undefined ? undefined : mountBpffs();
afterAll(() => bpffs?.close());

function load(path: string, options?: LoadOptions): LoadedObject {
  const pinRoot = mkdtempSync(join(bpffs?.path ?? '', 'pins-'));
  return loadObject(readObject({ name: path, bytes: readFileSync(path) }), kernel, { pinRoot, ...options });
}

/** Maps of a program, in the order in which its instructions use them. */
function mapsOf(object: LoadedObject, program: string): OracleMap[] {
  return object
    .program(program)
    .info()
    .mapIds.map(id => {
      const fd = openById(kernel, 'map', id);
      if (fd === undefined) throw new Error(`map ${id} is gone`);
      const { name, keySize, valueSize, maxEntries, flags } = readMapInfo(kernel, fd.number);
      fd.close();
      return { name, keySize, valueSize, maxEntries, flags };
    });
}

const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);

/**
 * Allowed difference: libbpf before 1.1 lets user space map every section of globals, later ones, and
 * rootlet, only those with a variable that is not static.
 */
function comparable(program: OracleProgram): OracleProgram {
  const isGlobals = (name: string) => /\.(data|rodata|bss)/.test(name);
  const maps = program.maps.map(map =>
    isGlobals(map.name) ? { ...map, flags: map.flags & ~BPF_F_MMAPABLE } : map,
  );
  return { ...program, maps };
}

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  describe.skipIf(noOracle !== undefined)(
    `like libbpf${noOracle === undefined ? '' : ` (${noOracle})`}`,
    () => {
      test.each(OBJECTS)('%s: same tags, same maps, nothing left open', path => {
        const expected = loadWithBpftool(path);
        const before = countFds();
        {
          using object = load(path);
          const programs = [...object.programs.values()].map(program => ({
            name: program.name,
            tag: program.info().tag,
            maps: mapsOf(object, program.name),
          }));
          expect(programs.map(comparable).sort(byName)).toEqual(expected.map(comparable).sort(byName));
        }
        expect(countFds()).toBe(before);
      });
    },
  );

  test('CO-RE: programs return what their relocation was answered with', () => {
    const path = CASES[0] ?? '';
    const { answers } = prepareLoad(readObject({ name: path, bytes: readFileSync(path) }), kernel);
    using object = load(path);
    const stripped = stripDataSections(readObject({ name: path, bytes: readFileSync(path) }));
    const returned = answers.filter(answer => answer.kind !== 0 || !answer.asked.includes('__sk_buff'));
    for (const { functionIndex, after, poisoned } of returned) {
      const name = stripped.symbols[functionIndex]?.name ?? '';
      if (poisoned || name.includes('guarded')) continue;
      const verdict = object.testRun(name, packet()).verdict;
      expect([name, verdict]).toEqual([name, Number(BigInt.asUintN(32, after))]);
    }
    expect(returned.length).toBeGreaterThan(35);
    expect(object.testRun('store_mark', packet()).verdict).toBe(1234);
    expect(object.testRun('load_narrower', packet()).verdict).toBe(8); // ETH_P_IP in network order
    expect(object.testRun('poisoned_but_guarded', packet()).verdict).toBe(5);
  });

  test('the first firewall drops its default source, and sources that a map names', () => {
    using object = load(join(EXAMPLES, 'first_firewall.bpf.o'));
    const run = (source: readonly [number, number, number, number]) =>
      object.testRun('xdp_prog1', packet({ source })).verdict;
    expect(run([10, 0, 0, 1])).toBe(XDP_PASS);
    expect(run([192, 0, 2, 66])).toBe(XDP_DROP);
    object.map('rules').update(new Uint8Array([10, 0, 0, 1]), new Uint8Array(16));
    expect(run([10, 0, 0, 1])).toBe(XDP_DROP);
    const rule = object.map('rules').lookup(new Uint8Array([10, 0, 0, 1]));
    expect(rule?.[0]).toBe(1); // hits
  });

  test('globals of the second firewall: constants are read, counters are written', () => {
    using object = load(join(EXAMPLES, 'second_firewall.bpf.o'));
    const run = (destinationPort: number) => object.testRun('xdp_prog2', packet({ destinationPort })).verdict;
    expect([5999, 6000, 6063, 6064].map(run)).toEqual([XDP_PASS, XDP_DROP, XDP_DROP, XDP_PASS]);
    object.map('rules').update(encodeU32s([6001]), encodeU32s([1, 0]));
    expect(run(6001)).toBe(XDP_PASS);
    const bss = object.map('.bss').lookup(encodeU32s([0])) ?? new Uint8Array(0);
    expect(bss.reduce((sum, byte) => sum + byte, 0)).toBe(5 + 2); // packets seen and drops of UDP
    expect(() =>
      object.map('.rodata').update(encodeU32s([0]), new Uint8Array(object.map('.rodata').valueSize)),
    ).toThrow(/EPERM/);
  });

  test('everything that a program refers to and that is defined nowhere is named at once', () => {
    const path = join(EXAMPLES, 'second.bpf.o');
    const before = countFds();
    expect(() => load(path)).toThrow(/"foo".*\n.*\n.*"minimum".*\n.*\n.*"counters"/);
    expect(countFds()).toBe(before);
  });

  test('sizes can be changed before loading', () => {
    using object = load(join(EXAMPLES, 'first_firewall.bpf.o'), { maxEntries: new Map([['rules', 7]]) });
    expect(object.map('rules').info().maxEntries).toBe(7);
  });
});
