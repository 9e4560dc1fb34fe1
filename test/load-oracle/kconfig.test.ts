/**
 * Configuration values as libbpf gives them: random declarations and random lines of configuration. Both loaders must
 * produce the same bytes, or both refuse.
 */

import { existsSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { FakeSys } from '../../src/kernel/sys/fake.ts';
import type { Sys } from '../../src/kernel/sys/sys.ts';
import { kernelForTests } from '../../src/kernel/testing.ts';
import { prepareLoad } from '../../src/load/load.ts';
import { readObject } from '../../src/object/read/read.ts';
import { compileInto, inputFrom } from '../support/compile.ts';
import { missing } from '../support/needs.ts';
import { noOracle, Oracle } from './support-oracle.ts';
import { randomOf } from './support-random.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const skipped = noOracle('1.1') ?? missing('clang') ?? reason;
const SEED = 20201109;

const TYPES = [
  'bool',
  'char',
  'signed char',
  'unsigned char',
  'short',
  'unsigned short',
  'int',
  'unsigned int',
  'long',
  'unsigned long long',
  'enum libbpf_tristate',
] as const;

/** What configurations have, and what they do not. */
const VALUES = [
  'y',
  'n',
  'm',
  '0',
  '1',
  '127',
  '128',
  '-1',
  '-128',
  '-129',
  '255',
  '256',
  '32767',
  '32768',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '-2147483648',
  '4294967295',
  '4294967296',
  '0x10',
  '0xffffffff',
  '010',
  '9223372036854775807',
  '9223372036854775808',
  '-9223372036854775808',
  '18446744073709551615',
  '"text"',
  '"a"',
  '""',
  '"a longer text than fits"',
  '1x',
  'yes',
  '-',
  '"open',
];

/** Where the two differ: by type and value. No build system of the kernel writes any of these. */
const EXPLAINED: readonly (readonly [types: RegExp, value: RegExp, reason: string])[] = [
  [/^bool$/, /^[01]$/, 'libbpf gives a bool only letters; values of its own are numbers, here and there'],
  [/^bool$|char$|tristate$/, /^yes$/, 'libbpf reads the first letter only'],
  [
    /^(char|signed char|short|int)$/,
    /^18446744073709551615$/,
    'libbpf takes the highest 64-bit number for -1',
  ],
];

function isExplained(type: string, value: string): boolean {
  return EXPLAINED.some(([types, values]) => types.test(type) && values.test(value));
}

function sourceOf(declarations: readonly string[], uses: readonly string[]): string {
  return [
    '#include "case.h"',
    '#include <stdbool.h>',
    ...declarations,
    'PROGRAM prog(CONTEXT)',
    '{',
    '\tunsigned long long sum = 0;',
    ...uses.map(use => `\tsum += ${use};`),
    '\treturn sum;',
    '}',
    'LICENSE("GPL");',
  ].join('\n');
}

describe.skipIf(skipped !== undefined)(`like libbpf${skipped === undefined ? '' : ` (${skipped})`}`, () => {
  const oracle = skipped === undefined ? new Oracle() : undefined;
  afterAll(() => oracle?.close());

  /** Compiled once each. */
  const sources: string[] = [];

  /** The bytes of `.kconfig`, or the word for a refusal. */
  function both(source: string, kconfig: string): { ours: string; theirs: string } {
    if (oracle === undefined) throw new Error('no oracle');
    const name = `kconfig-${sources.indexOf(source) < 0 ? sources.push(source) - 1 : sources.indexOf(source)}`;
    const made = path.join(oracle.directory, `${name}.o`);
    const object = existsSync(made) ? made : (compileInto(oracle.directory, { [name]: source })[0] ?? '');
    const result = oracle.load(object, { kconfig });
    const theirs = result.maps.find(map => map.name.endsWith('.kconfig'))?.value ?? 'none';
    return { ours: ourBytes(object, kconfig), theirs: result.error === 0 ? theirs : 'refused' };
  }

  function ourBytes(file: string, kconfig: string): string {
    const { name, bytes } = inputFrom(file);
    try {
      const { plan } = prepareLoad(readObject({ name, bytes }), kernel, { kconfig });
      return Buffer.from(plan.maps.find(map => map.name === '.kconfig')?.contents ?? []).toString('hex');
    } catch {
      return 'refused';
    }
  }

  test.each(TYPES)('%s: every value', type => {
    const source = sourceOf([`extern ${type} CONFIG_ONE __kconfig;`], ['CONFIG_ONE']);
    for (const value of VALUES) {
      const { ours, theirs } = both(source, `CONFIG_ONE=${value}\n`);
      if (isExplained(type, value)) expect([value, ours]).not.toEqual([value, theirs]);
      else expect([value, ours]).toEqual([value, theirs]);
    }
  });

  test('texts: cut off at the size of the array', () => {
    const source = sourceOf(['extern char CONFIG_ONE[6] __kconfig;'], ['CONFIG_ONE[1]', 'CONFIG_ONE[5]']);
    for (const value of VALUES) {
      const { ours, theirs } = both(source, `CONFIG_ONE=${value}\n`);
      expect([value, ours]).toEqual([value, theirs]);
    }
  });

  test(`random objects (seed ${SEED}): the same layout`, () => {
    const random = randomOf(SEED);
    for (let round = 0; round < 25; round++) {
      const types = Array.from({ length: 1 + random(12) }, () => TYPES[random(TYPES.length)] ?? 'int');
      const names = types.map((_, index) => `CONFIG_${'ABCDEFGH'[random(8)]}${index}`);
      const weak = () => (random(4) === 0 ? ' __weak' : '');
      const source = sourceOf(
        types.map((type, index) => `extern ${type} ${names[index]} __kconfig${weak()};`),
        names,
      );
      const small = (type: string) =>
        type === 'bool' || type.includes('tristate') ? 'y' : String(random(100));
      const lines = types.map((type, index) => (random(12) === 0 ? '' : `${names[index]}=${small(type)}\n`));
      const { ours, theirs } = both(source, lines.join(''));
      expect([round, source, lines, ours]).toEqual([round, source, lines, theirs]);
    }
  });

  test('comments, other lines and the first of several', () => {
    const source = sourceOf(
      ['extern int CONFIG_ONE __kconfig;', 'extern bool CONFIG_TWO __kconfig __weak;'],
      ['CONFIG_ONE', 'CONFIG_TWO'],
    );
    for (const text of [
      '# CONFIG_ONE is not set\nCONFIG_ONE=5\n',
      'CONFIG_ONE=5\nCONFIG_ONE=6\n',
      'CONFIG_ONE=5\nCONFIG_ONE=5\n',
      'CONFIG_ONE = 5\n',
      ' CONFIG_ONE=5\n',
      'CONFIG_ONE=5',
      'CONFIG_ONE=\n',
      'CONFIG_ONE\n',
      'CONFIG_ONE=5\n\n\nnonsense\nCONFIG_TWO=y',
    ]) {
      const { ours, theirs } = both(source, text);
      expect([text, ours]).toEqual([text, theirs]);
    }
  });
});
