/**
 * Generated dispatchers: what peers look at, and what they do. With programs of the test's own linked into the slots,
 * because this kernel may not replace functions.
 */

import { afterAll, describe, expect, test } from 'vitest';
import { assemble, EXIT, encodeInsns, move } from '../../isa/index.ts';
import { openById } from '../../kernel/objects/info.ts';
import { BpfMap } from '../../kernel/objects/map.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import type { Sys } from '../../kernel/sys/sys.ts';
import { kernelForTests } from '../../kernel/testing.ts';
import { HOST_ORDER } from '../../kernel/uapi/index.ts';
import { readProgramTypes } from '../../load/execute/program-functions.ts';
import { loadObject, prepareLoad } from '../../load/load.ts';
import { packet } from '../../load/testing.ts';
import type { BpfObject } from '../../object/index.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { type DispatcherConfig, type DispatcherVersion, encodeConfig, maskOf } from './config.ts';
import { type DispatcherOptions, makeDispatcher } from './dispatcher.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const HAS_FRAGS = 1 << 5;

const configOf = (
  count: number,
  version: DispatcherVersion = 2,
  continueOn: readonly number[] = [2],
): DispatcherConfig => ({
  version,
  slots: Array.from({ length: count }, (_, at) => ({ continueOn, priority: 50 + at, flags: 0 })),
  frags: false,
  deviceBound: false,
});
const dispatcher = (config: DispatcherConfig, options: Partial<DispatcherOptions> = {}): BpfObject =>
  makeDispatcher({ config, byteOrder: HOST_ORDER, ...options });

/** The dispatcher with functions that return these values in its first slots. */
function filled(config: DispatcherConfig, results: readonly number[], failClosed = false): BpfObject {
  const object = dispatcher(config, { failClosed });
  const symbols = object.symbols.map(symbol => {
    const result = results[Number(/^prog(\d)$/.exec(symbol.name)?.[1] ?? -1)];
    if (symbol.kind !== 'function' || result === undefined) return symbol;
    const { insns } = assemble([move(0, result), EXIT]);
    return { ...symbol, code: encodeInsns(insns, HOST_ORDER) };
  });
  return { ...object, symbols };
}

function verdictOf(object: BpfObject): number {
  using loaded = loadObject(object, kernel, { pinRoot: null });
  return loaded.program('xdp_dispatcher').testRun({ data: packet() }).verdict;
}

describe('the plan of the load', () => {
  test.each([
    ['xdp', false, 0],
    ['xdp.frags', true, HAS_FRAGS],
  ])('%s: the type, attach type and flags that libbpf gives', (_, frags, flags) => {
    const { plan } = prepareLoad(dispatcher({ ...configOf(2), frags }), new FakeSys(), { pinRoot: null });
    expect(plan.programs).toHaveLength(1);
    expect(plan.programs[0]).toMatchObject({
      kernelName: 'xdp_dispatcher',
      type: { progType: 6, expectedAttachType: 37, flags },
    });
  });

  test.each([1, 2, 3] as const)('version %i has one map, whose value is the configuration', version => {
    const config = configOf(3, version);
    const { plan } = prepareLoad(dispatcher(config), new FakeSys(), { pinRoot: null });
    expect(plan.maps).toHaveLength(1);
    expect(plan.maps[0]).toMatchObject({
      kernelName: 'xdp_disp.rodata',
      keySize: 4,
      maxEntries: 1,
      flags: 0x80,
    });
    expect(plan.maps[0]?.frozen).toBe(true);
    expect(plan.maps[0]?.contents).toEqual(encodeConfig(config, HOST_ORDER));
  });
});

test('it is an object file like any other', () => {
  for (const version of [1, 2, 3] as const) {
    const object = dispatcher(configOf(2, version));
    const bytes = writeObject(object);
    const read = readObject({ name: 'xdp-dispatcher.o', bytes });
    expect(read.symbols.map(({ name }) => name)).toEqual(object.symbols.map(({ name }) => name));
  }
});

describe.skipIf(sys === undefined)(`in the kernel ${reason ?? ''}`, () => {
  const opened: { close(): void }[] = [];
  afterAll(() => {
    for (const one of opened) one.close();
  });

  test.each(Array.from({ length: 11 }, (_, count) => count))('%i slots without programs pass', count => {
    for (const version of [1, 2, 3] as const) expect(verdictOf(dispatcher(configOf(count, version)))).toBe(2);
    expect(verdictOf(dispatcher({ ...configOf(count), frags: true }))).toBe(2);
  });

  test('slots that are not enabled are not part of the program', () => {
    const functionsOf = (count: number) => {
      using loaded = loadObject(dispatcher(configOf(count)), kernel, { pinRoot: null });
      return readProgramTypes(loaded.program('xdp_dispatcher')).functions.map(({ name }) => name);
    };
    expect(functionsOf(3)).toEqual(['xdp_dispatcher', 'prog0', 'prog1', 'prog2']);
    expect(functionsOf(0)).toEqual(['xdp_dispatcher']);
  });

  test.each([1, 2, 3] as const)('the kernel has the map of version %i as libxdp reads it', version => {
    const config = configOf(2, version);
    const loaded = loadObject(dispatcher(config), kernel, { pinRoot: null });
    opened.push(loaded);
    const info = loaded.program('xdp_dispatcher').info();
    expect(info).toMatchObject({ name: 'xdp_dispatcher', gplCompatible: true });
    expect(info.btfId).not.toBe(0);
    expect(info.mapIds).toHaveLength(1);
    const fd = openById(kernel, 'map', info.mapIds[0] ?? 0);
    if (fd === undefined) throw new Error('the map is gone');
    using map = BpfMap.adopt(kernel, fd);
    expect(map.info()).toMatchObject({ name: 'xdp_disp.rodata', keySize: 4, maxEntries: 1, flags: 0x80 });
    expect(map.lookup(new Uint8Array(4))).toEqual(encodeConfig(config, HOST_ORDER));
  });

  describe('verdicts', () => {
    const MASKS: readonly (readonly number[])[] = [[], [2], [0, 1, 2, 3, 4], [1], [3, 4]];

    test('each verdict at each slot against each mask', () => {
      for (const mask of MASKS) {
        for (const verdict of [0, 1, 2, 3, 4, 17, 31, 34]) {
          const bits = maskOf(mask);
          const continues = Math.floor(bits / 2 ** (verdict % 64)) % 2 === 1;
          const got = verdictOf(filled(configOf(2, 2, mask), [verdict, 4]));
          // what the second slot returns is final in one way or the other
          const second = mask.includes(4) ? 2 : 4;
          expect([mask, verdict, got]).toEqual([mask, verdict, continues ? second : verdict]);
        }
      }
    });

    test('the last of ten decides, and only enabled slots count', () => {
      expect(verdictOf(filled(configOf(10), [2, 2, 2, 2, 2, 2, 2, 2, 2, 1]))).toBe(1);
      expect(verdictOf(filled(configOf(9), [2, 2, 2, 2, 2, 2, 2, 2, 2, 1]))).toBe(2);
    });
  });

  test.each([
    ['a slot without a program drops', [2], 1],
    ['also where a drop would continue', [1, 2], 0],
    ['also where every verdict would continue', [0, 1, 2, 3, 4], 5],
    [
      'also where every number but one would',
      Array.from({ length: 31 }, (_, at) => at).filter(at => at !== 30),
      30,
    ],
  ])('fail-closed: %s', (_, mask, expected) => {
    expect(verdictOf(filled(configOf(2, 2, mask), [2], true))).toBe(mask.includes(2) ? expected : 2);
  });
});
