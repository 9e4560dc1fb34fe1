/** Places of members' frames: bytes of their own while there are enough, never below what calls leave. */

import { describe, expect, test } from 'vitest';
import * as isa from '../../../isa/assemble.ts';
import { BPF_DW, BPF_MEM, BPF_STX } from '../../../isa/opcodes.ts';
import { type TestFunction, testObject } from '../../../vm/testing.ts';
import { optimize } from '../optimize.ts';
import { fitsAbove, placeMembers, type StackNeed } from './frames.ts';

const need = (more: Partial<StackNeed> = {}): StackNeed => ({
  own: 16,
  members: [40, 8, 100],
  below: 0,
  hasTailCalls: false,
  isFrameKept: false,
  ...more,
});

describe('placeMembers', () => {
  test('one after the other', () => {
    expect(placeMembers(need())).toEqual([16, 56, 64]);
  });

  test('from the top again where the room ends', () => {
    expect(placeMembers(need({ members: [200, 200, 100, 40] }))).toEqual([16, 216, 16, 116]);
    expect(placeMembers(need({ members: [200, 100, 40], below: 112 }))).toEqual([16, 216, 16]);
  });

  test.each<[string, Partial<StackNeed>]>([
    ['a single member with a frame', { members: [40, 0, 0] }],
    ['no member', { members: [] }],
    ['tail calls of a function that stays', { hasTailCalls: true }],
    ['a frame in which something stays', { isFrameKept: true }],
    ['too little room for one of them', { members: [40, 400], below: 64 }],
  ])('nothing for %s', (_, more) => {
    expect(placeMembers(need(more))).toBeNull();
  });

  test('what stays on the stack counts', () => {
    expect(fitsAbove(need({ below: 96 }), 408)).toBe(true);
    expect(fitsAbove(need({ below: 96 }), 424)).toBe(false);
  });
});

const call = isa.callFunction(-1);
const store = (offset: number) => isa.insn(BPF_STX | BPF_MEM | BPF_DW, 10, 1, offset);
/** Uses `depth` bytes of stack, and calls `below`. */
const member = (name: string, depth: number, below?: string): TestFunction => ({
  name,
  insns: [isa.move(1, 7), store(-depth), ...(below === undefined ? [isa.move(0, 2)] : [call]), isa.EXIT],
  ...(below === undefined ? {} : { refers: { 2: { kind: 'call', name: below } } }),
});

/** Offsets of the stores of a program that calls these members, and its frame. */
function stores(...members: readonly TestFunction[]): { offsets: number[]; frame: number | undefined } {
  const called = members.filter(({ name }) => name.startsWith('m'));
  const prog: TestFunction = {
    name: 'prog',
    insns: [...called.map(() => call), isa.EXIT],
    refers: Object.fromEntries(called.map(({ name }, at) => [at, { kind: 'call', name }] as const)),
  };
  const { object, report } = optimize(testObject([prog, ...members]), { inline: 'all' });
  const [symbol] = object.symbols;
  const code = symbol?.kind === 'function' ? symbol.code : new Uint8Array();
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const offsets: number[] = [];
  for (let at = 0; at < code.length; at += 8)
    if (view.getUint8(at) === (BPF_STX | BPF_MEM | BPF_DW)) offsets.push(view.getInt16(at + 2, true));
  return { offsets, frame: report.programs[0]?.stack.after };
}

test('members have frames of their own, with those of what they call', () => {
  const { offsets, frame } = stores(member('m1', 16, 'f'), member('f', 24), member('m2', 8));
  expect(offsets).toEqual([-16, -40, -48]);
  expect(frame).toBe(48);
});

test('members that need more than the stack share it', () => {
  const { offsets } = stores(member('m1', 256), member('m2', 256), member('m3', 160));
  expect(offsets).toEqual([-256, -256, -416]);
});
