/** Functions and variables that modules give to programs. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { openKernelTypes } from '../../src/load/externs/kernel-types.ts';
import { loadObject } from '../../src/load/load.ts';
import { ENOENT } from '../../src/uapi/errno.ts';
import { sys, testBefore, testSince } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';

const PACKET = new Uint8Array(64);
const IPS_DST_NAT = 1 << 5;

/** Read once for all tests. */
const kernelTypes = openKernelTypes(sys);

function loadOne(program: string): LoadedObject {
  const programs = (name: string) => name === program;
  return loadObject(vmObject('module_functions'), sys, { pinRoot: null, programs, kernelTypes });
}

const numbers = (loaded: LoadedObject, ...names: string[]) =>
  names.map(name => Number(loaded.variables.get(name)));

/** Address of a symbol of the kernel, or of a module. */
function addressOf(symbol: string, module?: string): bigint {
  const ending = module === undefined ? ` ${symbol}` : ` ${symbol}\t[${module}]`;
  const line = readFileSync('/proc/kallsyms', 'utf8')
    .split('\n')
    .find(text => text.endsWith(ending));
  return BigInt(`0x${line?.split(' ')[0] ?? '0'}`);
}

describe('kernel functions of modules', () => {
  test('of two modules in one program: a connection is made, translated and found', () => {
    using loaded = loadOne('connection');
    expect(loaded.testRun('connection', PACKET).verdict).toBe(2);
    expect(numbers(loaded, 'allocated', 'natted', 'inserted', 'found', 'missed', 'absent')).toEqual([
      ...[1, 0, 1, 1],
      ...[-ENOENT, 2],
    ]);
    expect(Number(loaded.variables.get('status')) & IPS_DST_NAT).toBe(IPS_DST_NAT);
  });

  testSince('6.2', 'of two modules for packets with their buffers', () => {
    using loaded = loadOne('encapsulated');
    expect(loaded.testRun('encapsulated', PACKET).verdict).toBe(0);
    expect(numbers(loaded, 'if_id', 'lookup_error')).toEqual([77, -ENOENT]);
  });

  testBefore(
    '6.2',
    'one that the module has not yet is skipped by the program, the others are called',
    () => {
      using loaded = loadOne('encapsulated');
      expect(loaded.testRun('encapsulated', PACKET).verdict).toBe(1);
      expect(numbers(loaded, 'lookup_error')).toEqual([-ENOENT]);
    },
  );
});

test('variables of modules: a typed one for each processor, a function without type, one that is nowhere', () => {
  using loaded = loadOne('variables');
  loaded.program('variables').testRun({ context: new Uint8Array(16) });
  const expected = addressOf('xt_recseq', 'x_tables') - addressOf('runqueues');
  expect(loaded.variables.get('distance')).toBe(BigInt.asUintN(64, expected));
  expect(loaded.variables.get('address')).toBe(addressOf('veth_open', 'veth'));
  expect(numbers(loaded, 'absent')).toEqual([1]);
});
