/** Configurations of dispatchers: the bytes that libxdp has, and hostile ones. */

import { describe, expect, test } from 'vitest';
import {
  CONFIG_LAYOUTS,
  DISPATCHER_VERSIONS,
  type DispatcherConfig,
  decodeConfig,
  encodeConfig,
  maskOf,
  verdictsIn,
} from './config.ts';

const SLOTS = [
  { continueOn: [2], priority: 10, flags: 0 },
  { continueOn: [0, 1, 2, 3, 4], priority: 0xffffffff, flags: 32 },
  { continueOn: [], priority: 50, flags: 64 },
];
const config = (version: 1 | 2 | 3): DispatcherConfig => ({
  version,
  slots: version === 1 ? SLOTS.map(slot => ({ ...slot, flags: 0 })) : SLOTS,
  frags: version !== 1,
  deviceBound: version === 3,
});

/** A configuration with some of its bytes changed. */
const bytesOf = (version: 1 | 2 | 3, changes: Readonly<Record<number, number>> = {}): Uint8Array => {
  const bytes = encodeConfig(config(version), 'little');
  for (const [at, value] of Object.entries(changes)) bytes[Number(at)] = value;
  return bytes;
};

test('layouts are those of the protocol', () => {
  expect(DISPATCHER_VERSIONS.map(version => CONFIG_LAYOUTS[version].size)).toEqual([84, 124, 128]);
  expect(CONFIG_LAYOUTS[1].offsets).toEqual({ num_progs_enabled: 0, chain_call_actions: 4, run_prios: 44 });
  expect(CONFIG_LAYOUTS[3].offsets).toEqual({
    magic: 0,
    dispatcher_version: 1,
    num_progs_enabled: 2,
    is_xdp_frags: 3,
    chain_call_actions: 4,
    run_prios: 44,
    program_flags: 84,
    is_xdp_devbound: 124,
  });
});

describe('bytes', () => {
  test.each([1, 2, 3] as const)('version %i is read as it was written, in both byte orders', version => {
    for (const order of ['little', 'big'] as const) {
      const bytes = encodeConfig(config(version), order);
      const metadata = version === 1 ? 1 : null;
      expect(decodeConfig(bytes, metadata, order)).toEqual({ kind: 'config', config: config(version) });
    }
  });

  test('those of one program with the default settings', () => {
    const slots = [{ continueOn: [2], priority: 50, flags: 0 }];
    const bytes = encodeConfig({ version: 2, slots, frags: true, deviceBound: false }, 'little');
    expect([...bytes.subarray(0, 8)]).toEqual([236, 2, 1, 1, 4, 0, 0, 0x80]);
    expect([...bytes.subarray(8, 52)]).toEqual([...new Array(36).fill(0), 50, 0, 0, 0, 0, 0, 0, 0]);
    const one = encodeConfig({ version: 1, slots, frags: false, deviceBound: false }, 'little');
    expect([...one.subarray(0, 8)]).toEqual([1, 0, 0, 0, 4, 0, 0, 0x80]);
  });

  test('a mask has the bit of an empty slot, a list of verdicts does not', () => {
    expect(maskOf([])).toBe(0x80000000);
    expect(maskOf([2, 2])).toBe(0x80000004);
    expect(verdictsIn(0xffffffff)).toHaveLength(31);
    expect(verdictsIn(0x80000004)).toEqual([2]);
    for (const wrong of [-1, 31, 1.5]) expect(() => maskOf([wrong])).toThrow(/not a verdict of a mask/);
  });

  test('more programs than slots are not written', () => {
    const slots = new Array(11).fill(SLOTS[0]);
    expect(() => encodeConfig({ ...config(2), slots }, 'little')).toThrow(/11 programs for 10 slots/);
  });
});

describe('hostile bytes', () => {
  test.each<[string, Uint8Array, number | null, string]>([
    ['no bytes', new Uint8Array(0), null, 'has no version'],
    ['only the magic', Uint8Array.of(236), null, 'has no version'],
    ['no magic, and no version in types', bytesOf(1), null, 'has no version'],
    ['eleven programs', bytesOf(2, { 2: 11 }), null, 'has 11 programs, which is more than 10'],
    ['235 programs in version 1', bytesOf(1, { 0: 235 }), 1, 'has 235 programs'],
    ['a version 0', bytesOf(2, { 1: 0 }), null, 'has version 0, which does not exist'],
    ['a short value', bytesOf(2).subarray(0, 123), null, 'has 123 bytes; version 2 of the protocol has 124'],
    [
      'a short value of version 3',
      bytesOf(3, {}).subarray(0, 124),
      null,
      'version 3 of the protocol has 128',
    ],
    ['types of version 2 without the magic', bytesOf(2, { 0: 3 }), 2, 'begins with 3 instead of 236'],
  ])('%s', (_, bytes, metadata, reason) => {
    expect(decodeConfig(bytes, metadata, 'little')).toEqual({
      kind: 'damaged',
      reason: expect.stringContaining(reason),
    });
  });

  test.each([4, 255])('version %i is newer', version => {
    expect(decodeConfig(bytesOf(2, { 1: version }), null, 'little')).toEqual({ kind: 'newer', version });
  });

  test('an unknown version in types is newer, too', () => {
    expect(decodeConfig(bytesOf(1), 9, 'little')).toEqual({ kind: 'newer', version: 9 });
  });

  test('the magic decides, whatever the types state', () => {
    expect(decodeConfig(bytesOf(2), 1, 'little')).toMatchObject({ kind: 'config', config: { version: 2 } });
  });

  test('a longer value and ten programs are fine, unused slots are not read', () => {
    const long = new Uint8Array(200).fill(0xff);
    long.set(bytesOf(2, { 2: 10 }));
    const read = decodeConfig(long, null, 'little');
    expect(read.kind === 'config' && read.config.slots).toHaveLength(10);
  });
});
