import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { add, callHelper, copy, EXIT, insn, load, move, storeImmediate } from '../../../isa/assemble.ts';
import * as isa from '../../../isa/opcodes.ts';
import { stackDepth } from '../../../isa/stack.ts';
import type { BpfObject } from '../../../object/index.ts';
import { readObject } from '../../../object/read/read.ts';
import { BPF_CORE_ENUMVAL_VALUE, BPF_CORE_FIELD_BYTE_OFFSET } from '../../../uapi/index.ts';
import { type TestFunction, testObject } from '../../../vm/testing.ts';
import { frameBound } from './frame-bound.ts';

const FP = 10;
const LOOKUP = 1;
const LOOP = 181;
const store = (base: number, offset: number, src: number, size = isa.BPF_DW) =>
  insn(isa.BPF_STX | isa.BPF_MEM | size, base, src, offset);
const branch = (operation: number, dst: number, imm: number, offset: number) =>
  insn(isa.BPF_JMP | operation | isa.BPF_K, dst, 0, offset, imm);
const goto = (offset: number) => insn(isa.OP_JA, 0, 0, offset);
const alu = (operation: number, dst: number, imm: number) =>
  insn(isa.BPF_ALU64 | operation | isa.BPF_K, dst, 0, 0, imm);
const alu32 = (operation: number, dst: number, imm: number) =>
  insn(isa.BPF_ALU | operation | isa.BPF_K, dst, 0, 0, imm);
const aluX = (operation: number, dst: number, src: number) =>
  insn(isa.BPF_ALU64 | operation | isa.BPF_X, dst, src);
const zero = (base: number, offset = 0) => storeImmediate(isa.BPF_B, base, offset, 0);
const END = [move(0, 0), EXIT];

const boundOf = (insns: readonly isa.Insn[]) => frameBound(testObject([{ name: 'f', insns }]), 0);
const unknown = (at: number) => ({
  reason: `instruction ${at} uses its stack at an offset that is not known`,
});
const computes = (at: number) => ({ reason: `instruction ${at} computes with an address of its stack` });
const STORED = { reason: 'it uses addresses of its stack that it stored, at offsets that are not known' };

describe('the bound is known for', () => {
  test.each<[string, readonly isa.Insn[], number]>([
    ['a function without a frame', END, 0],
    ['stores and loads', [zero(FP, -3), load(isa.BPF_DW, 0, FP, -16), EXIT], 16],
    ['what is not a multiple of 8', [zero(FP, -17), ...END], 24],
    ['an address for a helper', [copy(2, FP), add(2, -20), callHelper(LOOKUP), ...END], 24],
    [
      'what is left in registers that a helper does not read',
      [copy(5, FP), add(5, -64), callHelper(5), ...END],
      0,
    ],
    ['a copy of a copy', [copy(2, FP), add(2, -16), copy(3, 2), add(3, -16), zero(3), ...END], 32],
    ['an address that goes down and up', [copy(2, FP), add(2, -64), add(2, 32), zero(2), ...END], 32],
    ['SUB of a number', [copy(2, FP), alu(isa.BPF_SUB, 2, 40), zero(2), ...END], 40],
    ['a number plus the frame pointer', [move(2, -24), aluX(isa.BPF_ADD, 2, FP), zero(2), ...END], 24],
    ['an offset in a register', [copy(2, FP), move(3, -48), aluX(isa.BPF_ADD, 2, 3), zero(2), ...END], 48],
    [
      'an address that a branch selects',
      [
        copy(2, FP),
        add(2, -64),
        load(isa.BPF_W, 3, 1),
        branch(isa.BPF_JEQ, 3, 0, 1),
        add(2, 32),
        zero(2, 3),
        ...END,
      ],
      64,
    ],
    [
      'an array with a masked index',
      [
        load(isa.BPF_DW, 3, 1),
        alu(isa.BPF_AND, 3, 7),
        copy(2, FP),
        add(2, -8),
        aluX(isa.BPF_ADD, 2, 3),
        zero(2),
        ...END,
      ],
      8,
    ],
    [
      'an index of 32 bits',
      [
        load(isa.BPF_W, 3, 1),
        alu(isa.BPF_LSH, 3, 3),
        copy(2, FP),
        add(2, -64),
        aluX(isa.BPF_ADD, 2, 3),
        zero(2),
        ...END,
      ],
      64,
    ],
    [
      'an index that was compared without its sign',
      [
        load(isa.BPF_DW, 3, 1),
        branch(isa.BPF_JGT, 3, 7, 4),
        copy(2, FP),
        add(2, -8),
        aluX(isa.BPF_ADD, 2, 3),
        zero(2),
        ...END,
      ],
      8,
    ],
    [
      'an index that may be -1',
      [load(isa.BPF_B, 3, 1), add(3, -1), copy(2, FP), add(2, -8), aluX(isa.BPF_ADD, 2, 3), zero(2), ...END],
      16,
    ],
    [
      'a number that is subtracted',
      [
        load(isa.BPF_B, 3, 1),
        alu(isa.BPF_AND, 3, 15),
        copy(2, FP),
        add(2, -8),
        aluX(isa.BPF_SUB, 2, 3),
        zero(2),
        ...END,
      ],
      24,
    ],
    [
      'a loop that ends with !=',
      [
        move(3, 0),
        copy(2, FP),
        add(2, -16),
        aluX(isa.BPF_ADD, 2, 3),
        zero(2),
        add(3, 1),
        branch(isa.BPF_JNE, 3, 16, -6),
        ...END,
      ],
      16,
    ],
    [
      'an address that counts up',
      [
        copy(2, FP),
        add(2, -16),
        move(3, 0),
        zero(2),
        add(2, 1),
        add(3, 1),
        branch(isa.BPF_JLT, 3, 16, -4),
        ...END,
      ],
      16,
    ],
    [
      'an address that is stored and loaded',
      [copy(2, FP), add(2, -24), store(FP, -8, 2), load(isa.BPF_DW, 3, FP, -8), zero(3), ...END],
      24,
    ],
    [
      'one that is stored for a helper',
      [copy(2, FP), add(2, -40), store(FP, -8, 2), copy(2, FP), add(2, -8), callHelper(LOOKUP), ...END],
      40,
    ],
    [
      'a loaded address with a negative offset',
      [copy(2, FP), add(2, -24), store(FP, -8, 2), load(isa.BPF_DW, 3, FP, -8), zero(3, -8), ...END],
      32,
    ],
    [
      'the difference of two addresses',
      [copy(2, FP), copy(3, FP), add(2, -8), add(3, -16), aluX(isa.BPF_SUB, 2, 3), zero(3), ...END],
      16,
    ],
    ['a comparison with 0', [copy(2, FP), add(2, -8), branch(isa.BPF_JEQ, 2, 0, 1), zero(2), ...END], 8],
    [
      'an atomic operation',
      [
        copy(2, FP),
        add(2, -8),
        insn(isa.BPF_STX | isa.BPF_ATOMIC | isa.BPF_DW, 2, 3, 0, isa.BPF_ADD),
        ...END,
      ],
      8,
    ],
    ['code that nothing reaches', [goto(2), copy(2, FP), aluX(isa.BPF_MUL, 2, 2), ...END], 0],
  ])('%s', (_, insns, bytes) => {
    expect(boundOf(insns)).toEqual({ bytes });
  });

  test('big endian code', () => {
    const insns = [copy(2, FP), add(2, -20), zero(2), ...END];
    expect(frameBound(testObject([{ name: 'f', insns }], 'big'), 0)).toEqual({ bytes: 24 });
  });
});

describe('no bound is known for', () => {
  test.each<[string, readonly isa.Insn[], { readonly reason: string }]>([
    [
      'an index with a sign',
      [load(isa.BPF_DW, 3, 1), copy(2, FP), aluX(isa.BPF_ADD, 2, 3), zero(2), ...END],
      unknown(3),
    ],
    [
      'an index that was compared with its sign',
      [
        load(isa.BPF_DW, 3, 1),
        branch(isa.BPF_JSGT, 3, 7, 4),
        copy(2, FP),
        add(2, -8),
        aluX(isa.BPF_ADD, 2, 3),
        zero(2),
        ...END,
      ],
      unknown(5),
    ],
    ['an index that is a parameter', [copy(3, FP), aluX(isa.BPF_ADD, 3, 2), zero(3), ...END], unknown(2)],
    [
      'one that is passed to a helper',
      [copy(3, FP), aluX(isa.BPF_ADD, 3, 2), copy(2, 3), callHelper(LOOKUP), ...END],
      unknown(3),
    ],
    [
      'an address that counts down',
      [copy(2, FP), zero(2), add(2, -1), branch(isa.BPF_JNE, 3, 16, -3), ...END],
      unknown(1),
    ],
    ['more than a frame', [copy(2, FP), add(2, -520), zero(2), ...END], unknown(2)],
    ['MUL', [copy(2, FP), alu(isa.BPF_MUL, 2, 1), ...END], computes(1)],
    ['AND', [copy(2, FP), alu(isa.BPF_AND, 2, -8), zero(2), ...END], computes(1)],
    ['a number AND the frame pointer', [move(2, -8), aluX(isa.BPF_AND, 2, FP), ...END], computes(1)],
    ['a move of 32 bits', [insn(isa.BPF_ALU | isa.BPF_MOV | isa.BPF_X, 2, FP), ...END], computes(0)],
    ['an addition of 32 bits', [copy(2, FP), alu32(isa.BPF_ADD, 2, -8), ...END], computes(1)],
    [
      'a move that extends the sign',
      [insn(isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X, 2, FP, 32), ...END],
      computes(0),
    ],
    [
      'a stored address that is stored again further below',
      [
        copy(2, FP),
        store(FP, -8, 2),
        load(isa.BPF_DW, 3, FP, -8),
        zero(3, -1),
        add(3, -8),
        store(FP, -8, 3),
        ...END,
      ],
      STORED,
    ],
    [
      'an indirect jump',
      [copy(2, FP), insn(isa.OP_GOTOX, 2), ...END],
      { reason: 'instruction 1 jumps through a table' },
    ],
  ])('%s', (_, insns, reason) => {
    expect(boundOf(insns)).toEqual(reason);
  });

  test('a symbol that is not a function', () => {
    expect(frameBound(testObject([]), 3)).toEqual({ reason: 'it is not defined here' });
  });
});

describe('callees', () => {
  const call = insn(isa.OP_CALL, 0, isa.BPF_PSEUDO_CALL, 0, -1);
  const address = (dst: number) => [insn(isa.OP_LD_IMM64, dst, 0, 0, 0), insn(0)];
  const passes = (register: number) => [copy(register, FP), add(register, -8)];

  function bound(main: TestFunction, ...others: readonly TestFunction[]) {
    return frameBound(testObject([main, ...others]), 0);
  }
  const caller = (register: number, callee = 'g'): TestFunction => ({
    name: 'f',
    insns: [...passes(register), call, ...END],
    refers: { 2: { kind: 'call', name: callee } },
  });

  test.each<[string, readonly isa.Insn[], object]>([
    ['reach above the address', [zero(1, 4), ...END], { bytes: 8 }],
    ['reach below it', [zero(1, -24), ...END], { bytes: 32 }],
    ['calculate', [add(1, -16), zero(1), ...END], { bytes: 24 }],
    ['reach an unknown distance', [aluX(isa.BPF_ADD, 1, 2), zero(1), ...END], unknown(2)],
    ['do not use it', END, { bytes: 8 }],
    [
      'store it and use it',
      [store(FP, -8, 1), load(isa.BPF_DW, 1, FP, -8), zero(1, -40), ...END],
      { bytes: 48 },
    ],
    ['pass it to a helper', [copy(2, 1), add(2, -32), callHelper(LOOKUP), ...END], { bytes: 40 }],
    ['cannot be followed', [copy(2, FP), alu(isa.BPF_MUL, 2, 3), ...END], unknown(2)],
  ])('that %s', (_, insns, expected) => {
    expect(bound(caller(1), { name: 'g', insns })).toEqual(expected);
  });

  test('of callees', () => {
    const through: TestFunction = {
      name: 'g',
      insns: [add(1, -8), call, ...END],
      refers: { 1: { kind: 'call', name: 'h' } },
    };
    expect(bound(caller(1), { name: 'h', insns: [zero(1, -8), ...END] }, through)).toEqual({ bytes: 24 });
  });

  test('get what was stored', () => {
    const stores: TestFunction = {
      name: 'f',
      insns: [copy(2, FP), add(2, -16), store(FP, -8, 2), ...passes(1), call, ...END],
      refers: { 5: { kind: 'call', name: 'g' } },
    };
    const callee = { name: 'g', insns: [load(isa.BPF_DW, 2, 1), zero(2, -16), ...END] };
    expect(bound(stores, callee)).toEqual({ bytes: 32 });
  });

  test('that call themselves may reach any distance', () => {
    const recursive: TestFunction = {
      name: 'g',
      insns: [add(1, -8), call, ...END],
      refers: { 1: { kind: 'call', name: 'g' } },
    };
    expect(bound(caller(1), recursive)).toEqual(unknown(2));
  });

  test.each([
    ['above', 0, { bytes: 8 }],
    ['below', -16, { bytes: 24 }],
  ])('that are called back reach %s what they get', (_, offset, expected) => {
    const main: TestFunction = {
      name: 'f',
      insns: [...address(2), ...passes(3), callHelper(LOOP), ...END],
      refers: { 0: { kind: 'address', name: 'back' } },
    };
    expect(bound(main, { name: 'back', insns: [zero(2, offset), ...END] })).toEqual(expected);
  });

  test('that are called back and not known may reach any distance', () => {
    expect(boundOf([...passes(3), callHelper(LOOP), ...END])).toEqual(unknown(2));
  });
});

describe('instructions that a loader relocates', () => {
  const insns = [
    copy(2, FP),
    add(2, -64),
    move(3, 8),
    aluX(isa.BPF_ADD, 2, 3),
    load(isa.BPF_W, 4, 2, 4),
    ...END,
  ];

  function withRecord(insnIndex: number, kind: number): BpfObject {
    const object = testObject([{ name: 'f', insns }]);
    const coreRecords = [{ insnIndex, kind, type: 1, access: '0:1' }];
    return { ...object, symbols: object.symbols.map(symbol => ({ ...symbol, coreRecords })) };
  }

  test('may get any offset that is not negative', () => {
    expect(boundOf(insns)).toEqual({ bytes: 56 });
    expect(frameBound(withRecord(2, BPF_CORE_FIELD_BYTE_OFFSET), 0)).toEqual({ bytes: 64 });
    expect(frameBound(withRecord(4, BPF_CORE_FIELD_BYTE_OFFSET), 0)).toEqual({ bytes: 56 });
  });

  test('may get any value of an enumeration', () => {
    expect(frameBound(withRecord(2, BPF_CORE_ENUMVAL_VALUE), 0)).toEqual(unknown(4));
  });
});

describe('objects of the repository', () => {
  const roots = ['test', 'examples', 'src'].map(
    root => new URL(`../../../../${root}/`, import.meta.url).pathname,
  );
  const files = roots
    .flatMap(root =>
      readdirSync(root, { recursive: true, encoding: 'utf8' }).map(file => path.join(root, file)),
    )
    .filter(file => file.endsWith('.o'));

  test('have bounds for all functions, at least as large as the depth that is plain to see', () => {
    expect(files.length).toBeGreaterThan(100);
    const differences: string[] = [];
    for (const file of files) {
      const object = readable(file);
      object?.symbols.forEach((symbol, at) => {
        if (symbol.kind !== 'function') return;
        const bound = frameBound(object, at);
        const depth = stackDepth(new isa.CodeView(symbol.code, object.byteOrder));
        const isBound = 'bytes' in bound && bound.bytes >= depth && bound.bytes % 8 === 0;
        if (!isBound) differences.push(`${file}: ${symbol.name}: ${depth}, ${JSON.stringify(bound)}`);
      });
    }
    expect(differences).toEqual([]);
  });

  function readable(file: string): BpfObject | undefined {
    try {
      return readObject({ name: file, bytes: readFileSync(file) });
    } catch {
      return undefined;
    }
  }
});
