/** One case for each code that the machine gives; the words are in `faults.test.ts`. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { EXIT, insn } from '../../isa/assemble.ts';
import type { Insn } from '../../isa/opcodes.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { readObject } from '../../object/read/read.ts';
import { type TestFunction, testObject } from '../testing.ts';
import { createMemory } from '../wasm/engine.ts';
import type { MachineOptions } from './api.ts';
import { createMachine } from './machine.ts';

const PACKET = new Uint8Array(64);
const path = fileURLToPath(new URL('../testdata/obj/el/faults.bpf.o', import.meta.url));
const COMPILED = readObject({ name: 'faults.bpf.o', bytes: readFileSync(path) });
const PROGRAM: SymbolSpec = { name: 'main', kind: 'function', section: 'xdp' };

const coded = (code: string) => expect.objectContaining({ code });
const main = (...insns: readonly Insn[]): TestFunction[] => [{ name: 'main', insns: [...insns, EXIT] }];
const number = (register: number, value: number): Insn => insn(0xb7, register, 0, 0, value);
const call = (helper: number): Insn => insn(0x85, 0, 0, 0, helper);
const CALL = insn(0x85, 0, 1, 0, -1);

/** Functions that call each other in a row, each with that many bytes of stack. */
const row = (depths: readonly number[]): TestFunction[] =>
  depths.map((depth, at) => ({
    name: `f${at}`,
    insns: [
      ...(depth > 0 ? [insn(0x7a, 10, 0, -depth, 1)] : []),
      ...(at + 1 < depths.length ? [CALL] : []),
      EXIT,
    ],
    ...(at + 1 < depths.length
      ? { refers: { [depth > 0 ? 1 : 0]: { kind: 'call' as const, name: `f${at + 1}` } } }
      : {}),
  }));

describe('of compiled programs', () => {
  const machine = createMachine(COMPILED, { budget: 10_000 });
  test.each([
    ['packet_end', 'vm-memory-access'],
    ['misaligned', 'vm-misaligned'],
    ['loops', 'vm-budget'],
    ['no_helper', 'vm-missing-helper'],
    ['other_helper', 'vm-helper-not-allowed'],
    ['no_map', 'vm-map-type'],
    ['no_function', 'vm-extern-undefined'],
    ['no_kernel_function', 'vm-kernel-symbol'],
  ])('%s: %s', (program, code) => {
    expect(() => machine.run(PACKET, { program })).toThrow(coded(code));
  });
});

describe('of instructions', () => {
  test.each<readonly [string, TestFunction[]]>([
    ['vm-stack-access', main(insn(0x7a, 10, 0, 0, 1))],
    ['vm-indirect-call', main(insn(0x8d))],
    ['vm-indirect-jump', main(insn(0x0d, 1))],
    ['vm-call-unbound', main(CALL)],
    ['vm-missing-helper', main(call(9999))],
    ['vm-not-context', main(number(1, 0), number(2, 0), call(44))],
    ['vm-not-map', main(insn(0x7a, 10, 0, -8), insn(0xbf, 2, 10), insn(0x07, 2, 0, 0, -8), call(1))],
    ['vm-not-function', main(number(1, 3), number(2, 64), number(3, 0), number(4, 0), call(181))],
    ['vm-packet-load', main(insn(0x30, 0, 0, 0, 0))],
    ['vm-ring-record', main(number(1, 64), number(2, 0), call(132))],
    ['vm-call-depth', row(new Array(9).fill(0))],
    ['vm-stack-size', row([512, 8])],
  ])('%s', (code, functions) => {
    expect(() => createMachine(testObject(functions)).run(PACKET)).toThrow(coded(code));
  });
});

describe('of objects and options', () => {
  const make = (object: BpfObject, options?: MachineOptions) => () => createMachine(object, options);
  const specs = (...others: readonly SymbolSpec[]) => objectOf('a.o', [PROGRAM, ...others]);
  const dangling = (): BpfObject => {
    const object = testObject(main(CALL));
    const symbols = object.symbols.map(symbol => ({
      ...symbol,
      references: [{ insnIndex: 0, kind: 'call' as const, symbol: 7, addend: 0 }],
    }));
    return { ...object, symbols } as BpfObject;
  };

  test.each<readonly [string, () => unknown]>([
    ['vm-budget-range', make(specs(), { budget: 0 })],
    ['vm-no-program', make(objectOf('a.o', [{ name: 'f', kind: 'function' }]))],
    ['vm-program-type', make(objectOf('a.o', [{ name: 'f', kind: 'function', section: 'kprobe/f' }]))],
    ['vm-unknown-program', make(specs(), { program: 'other' })],
    ['vm-unknown-map', make(specs(), { maxEntries: new Map([['other', 1]]) })],
    ['vm-map-definition', make(specs({ name: 'm', kind: 'map', value: 0 }))],
    ['vm-symbol-index', make(dangling())],
    [
      'vm-function-size',
      make(testObject([{ name: 'main', insns: new Array(900_000).fill(insn(0x7b, 1, 2, 8)) }])),
    ],
    [
      'vm-kconfig-missing',
      make(
        objectOf('a.o', [
          { ...PROGRAM, uses: ['CONFIG_A'] },
          { name: 'CONFIG_A', kind: 'kconfig' },
        ]),
      ),
    ],
    [
      'vm-kconfig-value',
      make(
        objectOf('a.o', [
          { ...PROGRAM, uses: ['CONFIG_A'] },
          { name: 'CONFIG_A', kind: 'kconfig' },
        ]),
        {
          kconfig: new Map([['CONFIG_A', 'three']]),
        },
      ),
    ],
    [
      'vm-no-address',
      () =>
        createMachine(
          objectOf('a.o', [
            { ...PROGRAM, uses: ['LICENSE'] },
            { name: 'LICENSE', kind: 'variable', section: 'license' },
          ]),
        ).run(PACKET),
    ],
    ['vm-memory-refused', () => createMemory(100_000)],
  ])('%s', (code, build) => {
    expect(build).toThrow(coded(code));
  });

  test('a machine that is used wrongly', () => {
    const map: SymbolSpec = { name: 'm', kind: 'map' };
    const machine = createMachine(objectOf('a.o', [PROGRAM, { ...PROGRAM, name: 'other' }, map]));
    const four = new Uint8Array(4);
    expect(() => machine.run(PACKET)).toThrow(coded('vm-program-choice'));
    expect(() => machine.run(PACKET, { program: 'third' })).toThrow(coded('vm-unknown-program'));
    expect(() => machine.map('n')).toThrow(coded('vm-unknown-map'));
    expect(() => machine.map('m').update(new Uint8Array(3), four)).toThrow(coded('vm-map-size'));
    expect(() => machine.map('m').update(four.fill(255), four)).toThrow(coded('vm-map-update'));
    expect(() => machine.run(new Uint8Array(1 << 20), { program: 'main' })).toThrow(coded('vm-packet-size'));
    machine.close();
    expect(() => machine.run(PACKET, { program: 'main' })).toThrow(coded('vm-closed'));
  });
});
