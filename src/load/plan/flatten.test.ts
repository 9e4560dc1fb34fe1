import { expect, test } from 'vitest';
import { CodeView, encodeInsns } from '../../isa/opcodes.ts';
import type { BpfObject, BpfSymbol, CodeReference } from '../../object/model/model.ts';
import { flatten } from './flatten.ts';

/** A function of `length` instructions `r0 = 0`, with ld_imm64 and calls where it refers to something. */
function fn(
  name: string,
  length: number,
  references: readonly CodeReference[],
  binding: 'local' | 'global' = 'local',
): BpfSymbol {
  const code = encodeInsns(
    Array.from({ length }, () => ({ opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: 0 })),
    'little',
  );
  const view = new CodeView(code, 'little');
  for (const { insnIndex, kind } of references) {
    view.set(insnIndex, {
      opcode: kind === 'call' ? 0x85 : 0x18,
      dst: 0,
      src: kind === 'call' ? 1 : 0,
      offset: 0,
      imm: kind === 'call' ? -1 : 0,
    });
    if (kind === 'address') view.set(insnIndex + 1, { opcode: 0, dst: 0, src: 0, offset: 0, imm: 0 });
  }
  return {
    kind: 'function',
    name,
    binding,
    visibility: 'default',
    section: 0,
    origin: { file: 't', offset: 0 },
    code,
    references,
    btfId: 0,
    lines: [],
    coreRecords: [],
  };
}

const call = (insnIndex: number, symbol: number, addend = 0): CodeReference => ({
  insnIndex,
  kind: 'call',
  symbol,
  addend,
});
const address = (insnIndex: number, symbol: number): CodeReference => ({
  insnIndex,
  kind: 'address',
  symbol,
  addend: 0,
});

function object(symbols: readonly BpfSymbol[]): BpfObject {
  const shell = { name: 'xdp', type: 1, flags: 6, align: 8, entsize: 0, role: 'code' as const };
  return { name: 't', byteOrder: 'little', flags: 0, sections: [shell], symbols, btf: null };
}

const namesOf = (symbols: readonly BpfSymbol[], entry = 0) =>
  flatten(object(symbols), entry).functions.map(({ symbol, start }) => `${symbol.name}@${start}`);

test('functions follow depth first: a callee and what it calls, then the next callee', () => {
  const symbols = [
    fn('main', 4, [call(0, 1), call(1, 2)], 'global'),
    fn('a', 2, [call(0, 3)]),
    fn('b', 1, []),
    fn('c', 1, []),
  ];
  expect(namesOf(symbols)).toEqual(['main@0', 'a@4', 'c@6', 'b@7']);
});

test('references out of order in the object are followed in order of the instructions', () => {
  const symbols = [fn('main', 4, [call(2, 2), call(1, 1)]), fn('a', 1, []), fn('b', 1, [])];
  expect(namesOf(symbols)).toEqual(['main@0', 'a@4', 'b@5']);
});

test('a function is there once, whoever calls it, and recursion ends', () => {
  const symbols = [fn('main', 3, [call(0, 1), call(1, 1)]), fn('a', 2, [call(0, 1), call(1, 0)])];
  const flat = flatten(object(symbols), 0);
  expect(flat.functions.map(({ symbol }) => symbol.name)).toEqual(['main', 'a']);
  expect([0, 1, 3, 4].map(at => flat.code.imm(at))).toEqual([2, 1, -1, -5]);
});

test('distances are counted from the next instruction; addends go into the function', () => {
  const flat = flatten(object([fn('main', 2, [call(1, 1, 16)]), fn('a', 3, [])]), 0);
  expect(flat.code.at(1)).toEqual({ opcode: 0x85, dst: 0, src: 1, offset: 0, imm: 2 + 2 - 1 - 1 });
});

test('the address of a function is a pseudo function, relative as well', () => {
  const flat = flatten(object([fn('main', 3, [address(0, 1)]), fn('a', 1, [])]), 0);
  expect(flat.code.at(0)).toEqual({ opcode: 0x18, dst: 0, src: 4, offset: 0, imm: 2 });
});

test('references to other things stay open, at their place in the whole program', () => {
  const variable: BpfSymbol = {
    kind: 'variable',
    name: 'v',
    binding: 'global',
    visibility: 'default',
    section: 0,
    origin: { file: 't', offset: 0 },
    size: 4,
    align: 4,
    bytes: null,
    references: [],
    btfId: 0,
  };
  const symbols = [fn('main', 2, [call(0, 1)]), fn('a', 4, [address(1, 2)]), variable];
  expect(flatten(object(symbols), 0).open).toEqual([{ insnIndex: 3, reference: address(1, 2), holder: 'a' }]);
});

test('the object keeps its own instructions', () => {
  const symbols = [fn('main', 2, [call(1, 1)]), fn('a', 3, [])];
  const main = symbols[0];
  const before = main?.kind === 'function' ? main.code.slice() : new Uint8Array(0);
  flatten(object(symbols), 0);
  expect(main?.kind === 'function' ? main.code : null).toEqual(before);
});

test('a deep chain of calls does not need a deep stack', () => {
  const count = 50_000;
  const symbols = Array.from({ length: count }, (_, i) =>
    fn(`f${i}`, 2, i + 1 < count ? [call(0, i + 1)] : []),
  );
  expect(flatten(object(symbols), 0).functions).toHaveLength(count);
});

test('a function without instructions is refused', () => {
  expect(() => flatten(object([fn('main', 0, [])]), 0)).toThrow(
    expect.objectContaining({ code: 'load-empty-function' }),
  );
});
