/** What programs learn about the kernel that they run on, against what the kernel shows everybody. */

import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { expect, test } from 'vitest';
import { loadObject } from '../../src/load/load.ts';
import { kernelIs, sys } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';

const settings = readFileSync(`/boot/config-${release()}`, 'utf8');
const setting = (name: string) => new RegExp(`^CONFIG_${name}=(.*)$`, 'm').exec(settings)?.[1];

test('configuration, release, addresses and variables of each processor', () => {
  using loaded = loadObject(vmObject('kernel_facts'), sys, { pinRoot: null });
  expect(loaded.testRun('tell', new Uint8Array(64)).verdict).toBe(2);
  const told = (name: string) => loaded.variables.get(name);
  const number = (name: string) => Number(told(name));

  expect(number('hertz')).toBe(Number(setting('HZ')));
  expect(number('syscall')).toBe(1);
  expect(number('guest')).toBe('y'.charCodeAt(0));
  expect(setting('TCP_CONG_DCTCP')).toBe('m');
  expect(number('module'), 'TRI_MODULE').toBe(2);
  expect(told('pointer')).toBe(BigInt(setting('ILLEGAL_POINTER_VALUE') ?? 0));
  expect(setting('DEFAULT_TCP_CONG')).toBe('"cubic"');
  expect(Buffer.from(loaded.map('.bss').lookup(new Uint8Array(4)) ?? []).includes('cub\0')).toBe(true);
  expect(number('future')).toBe(0);

  // Debian's own numbers, after "Debian"
  const [, major = 0, minor = 0, patch = 0] =
    /SMP.*Debian (\d+)\.(\d+)\.(\d+)/.exec(readFileSync('/proc/version', 'utf8'))?.map(Number) ?? [];
  expect(number('version')).toBe(major * 65536 + minor * 256 + Math.min(patch, 255));
  expect(number('cookie')).toBe(kernelIs('5.15') ? 1 : 0);

  const symbols = readFileSync('/proc/kallsyms', 'utf8');
  const [, schedule = '0'] = /^([0-9a-f]+) T schedule$/m.exec(symbols) ?? [];
  expect(told('address')).toBe(BigInt(`0x${schedule}`));
  expect(number('wrapper')).toBe(/ __x64_sys_bpf$/m.test(symbols) ? 1 : 0);
  // Debian's 5.10 has no types of variables
  expect(number('processor')).toBe(kernelIs('6.1') ? 1 : -1);
});

test('lines of the user go before', () => {
  const kconfig = 'CONFIG_HZ=1234\nCONFIG_OF_THE_FUTURE=y\n';
  using loaded = loadObject(vmObject('kernel_facts'), sys, { pinRoot: null, kconfig });
  loaded.testRun('tell', new Uint8Array(64));
  expect(['hertz', 'future', 'syscall'].map(name => Number(loaded.variables.get(name)))).toEqual([
    1234, 1, 1,
  ]);
});
