import { describe, expect, it } from 'vitest';
import { disassemble, disassembleAt } from './disasm.ts';
import { CodeView, encodeInsns, type Insn } from './opcodes.ts';

type Fields = readonly [opcode: number, dst: number, src: number, offset: number, imm: number];

function insn([opcode, dst, src, offset, imm]: Fields): Insn {
  return { opcode, dst, src, offset, imm };
}

const PLAIN: readonly (readonly [text: string, fields: Fields])[] = [
  // ALU, both widths
  ['r1 += r2', [0x0f, 1, 2, 0, 0]],
  ['r1 += -5', [0x07, 1, 0, 0, -5]],
  ['w3 -= 2147483647', [0x14, 3, 0, 0, 2147483647]],
  ['w3 -= w10', [0x1c, 3, 10, 0, 0]],
  ['r1 *= 3', [0x27, 1, 0, 0, 3]],
  ['r1 /= r2', [0x3f, 1, 2, 0, 0]],
  ['r1 s/= r2', [0x3f, 1, 2, 1, 0]],
  ['w1 s/= -3', [0x34, 1, 0, 1, -3]],
  ['w1 %= 4', [0x94, 1, 0, 0, 4]],
  ['r1 s%= r4', [0x9f, 1, 4, 1, 0]],
  ['r1 |= 2', [0x47, 1, 0, 0, 2]],
  ['r1 &= r2', [0x5f, 1, 2, 0, 0]],
  ['r1 <<= 3', [0x67, 1, 0, 0, 3]],
  ['w1 >>= w4', [0x7c, 1, 4, 0, 0]],
  ['r1 s>>= 5', [0xc7, 1, 0, 0, 5]],
  ['w1 ^= w2', [0xac, 1, 2, 0, 0]],
  ['r1 = -r1', [0x87, 1, 0, 0, 0]],
  ['w1 = -w1', [0x84, 1, 0, 0, 0]],
  // moves
  ['r1 = r10', [0xbf, 1, 10, 0, 0]],
  ['w1 = w2', [0xbc, 1, 2, 0, 0]],
  ['w0 = 1', [0xb4, 0, 0, 0, 1]],
  ['r1 = -2147483648', [0xb7, 1, 0, 0, -2147483648]],
  ['r1 = (s8)r2', [0xbf, 1, 2, 8, 0]],
  ['w1 = (s16)w2', [0xbc, 1, 2, 16, 0]],
  ['r1 = (s32)r2', [0xbf, 1, 2, 32, 0]],
  ['r1 = addr_space_cast(r2, 0, 1)', [0xbf, 1, 2, 1, 1]],
  ['r1 = addr_space_cast(r2, 1, 0)', [0xbf, 1, 2, 1, 0x10000]],
  ['r1 = addr_space_cast(r2, 65535, 0)', [0xbf, 1, 2, 1, -65536]],
  // byte order
  ['r1 = be16 r1', [0xdc, 1, 0, 0, 16]],
  ['r2 = le64 r2', [0xd4, 2, 0, 0, 64]],
  ['r0 = bswap32 r0', [0xd7, 0, 0, 0, 32]],
  // memory
  ['r1 = *(u32 *)(r1 + 4)', [0x61, 1, 1, 4, 0]],
  ['r1 = *(u8 *)(r2 - 32768)', [0x71, 1, 2, -32768, 0]],
  ['r1 = *(u64 *)(r2 + 32767)', [0x79, 1, 2, 32767, 0]],
  ['r1 = *(s8 *)(r2 + 0)', [0x91, 1, 2, 0, 0]],
  ['r1 = *(s16 *)(r2 + 0)', [0x89, 1, 2, 0, 0]],
  ['r1 = *(s32 *)(r2 - 4)', [0x81, 1, 2, -4, 0]],
  ['*(u16 *)(r1 + 0) = r2', [0x6b, 1, 2, 0, 0]],
  ['*(u64 *)(r10 - 8) = -1', [0x7a, 10, 0, -8, -1]],
  ['r0 = *(u8 *)skb[5]', [0x30, 0, 0, 0, 5]],
  ['r0 = *(u32 *)skb[r1]', [0x40, 0, 1, 0, 0]],
  ['r0 = *(u16 *)skb[r1 - 14]', [0x48, 0, 1, 0, -14]],
  // atomics
  ['lock *(u64 *)(r1 + 0) += r2', [0xdb, 1, 2, 0, 0x00]],
  ['lock *(u32 *)(r1 - 4) ^= w2', [0xc3, 1, 2, -4, 0xa0]],
  ['lock *(u64 *)(r1 + 8) &= r2', [0xdb, 1, 2, 8, 0x50]],
  ['lock *(u64 *)(r1 + 8) |= r2', [0xdb, 1, 2, 8, 0x40]],
  ['r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)', [0xdb, 1, 2, 0, 0x01]],
  ['w2 = atomic_fetch_or((u32 *)(r1 + 4), w2)', [0xc3, 1, 2, 4, 0x41]],
  ['w2 = xchg32_32(r1 + 0, w2)', [0xc3, 1, 2, 0, 0xe1]],
  ['r2 = xchg_64(r1 - 8, r2)', [0xdb, 1, 2, -8, 0xe1]],
  ['r0 = cmpxchg_64(r1 + 0, r0, r2)', [0xdb, 1, 2, 0, 0xf1]],
  ['w0 = cmpxchg32_32(r1 + 0, w0, w2)', [0xc3, 1, 2, 0, 0xf1]],
  ['w1 = load_acquire((u8 *)(r2 + 3))', [0xd3, 1, 2, 3, 0x100]],
  ['r1 = load_acquire((u64 *)(r2 - 8))', [0xdb, 1, 2, -8, 0x100]],
  ['store_release((u16 *)(r1 + 2), w2)', [0xcb, 1, 2, 2, 0x110]],
  // jumps
  ['goto +0', [0x05, 0, 0, 0, 0]],
  ['goto -2', [0x05, 0, 0, -2, 0]],
  ['gotol -70000', [0x06, 0, 0, 0, -70000]],
  ['gotox r3', [0x0d, 3, 0, 0, 0]],
  ['may_goto +3', [0xe5, 0, 0, 3, 0]],
  ['if r1 == 0 goto +1', [0x15, 1, 0, 1, 0]],
  ['if r1 > r2 goto +5', [0x2d, 1, 2, 5, 0]],
  ['if w1 != -5 goto -2', [0x56, 1, 0, -2, -5]],
  ['if w1 s<= w5 goto +2', [0xde, 1, 5, 2, 0]],
  ['if r1 & 1 goto +2', [0x45, 1, 0, 2, 1]],
  ['if r1 s> r5 goto +2', [0x6d, 1, 5, 2, 0]],
  ['if r1 s>= 0 goto +2', [0x75, 1, 0, 2, 0]],
  ['if r1 s< 0 goto +2', [0xc5, 1, 0, 2, 0]],
  ['if r1 < 7 goto +2', [0xa5, 1, 0, 2, 7]],
  ['if r1 <= 7 goto +2', [0xb5, 1, 0, 2, 7]],
  ['if r1 >= 7 goto +2', [0x35, 1, 0, 2, 7]],
  // calls
  ['call bpf_map_lookup_elem#1', [0x85, 0, 0, 0, 1]],
  ['call unknown#9999', [0x85, 0, 0, 0, 9999]],
  ['call pc-1', [0x85, 0, 1, 0, -1]],
  ['call pc+6', [0x85, 0, 1, 0, 6]],
  ['call kernel-function#77', [0x85, 0, 2, 0, 77]],
  ['call kernel-function#77 of module 2', [0x85, 0, 2, 2, 77]],
  ['callx r4', [0x8d, 4, 0, 0, 0]],
  ['exit', [0x95, 0, 0, 0, 0]],
];

/** Not instructions, by one field or by the opcode. */
const UNKNOWN: readonly Fields[] = [
  [0x00, 0, 0, 0, 0],
  [0xff, 1, 2, 3, 4],
  [0x0f, 1, 2, 1, 0], // an offset in an addition
  [0x0f, 1, 2, 0, 7], // an immediate beside a register
  [0x07, 1, 2, 0, 7], // a register beside an immediate
  [0x3f, 1, 2, 2, 0], // division with offset 2
  [0x87, 1, 0, 0, 5],
  [0x8f, 1, 2, 0, 0], // negation of a register operand
  [0xbf, 1, 2, 24, 0],
  [0xbc, 1, 2, 32, 0], // a 32-bit sign extension into a 32-bit register
  [0xbc, 1, 2, 1, 1],
  [0xb7, 1, 0, 8, 1],
  [0xdc, 1, 0, 0, 24],
  [0xdf, 1, 0, 0, 16],
  [0xe7, 1, 0, 0, 0],
  [0x61, 1, 2, 0, 9],
  [0x99, 1, 2, 0, 0], // a sign-extending load of 8 bytes
  [0x6a, 1, 2, 0, 0],
  [0x7b, 1, 2, 0, 1],
  [0xdb, 1, 2, 0, 0x10], // atomic subtraction
  [0xd3, 1, 2, 0, 0], // atomic addition of a byte
  [0x38, 0, 0, 0, 0],
  [0x30, 1, 0, 0, 0],
  [0x05, 0, 0, 0, 1],
  [0x06, 0, 0, 1, 1],
  [0x0e, 1, 0, 0, 0],
  [0x1d, 1, 2, 0, 3],
  [0x85, 1, 0, 0, 1],
  [0x85, 0, 3, 0, 1],
  [0x86, 0, 0, 0, 1],
  [0x95, 0, 0, 0, 1],
  [0x96, 0, 0, 0, 0],
  [0xe6, 0, 0, 1, 0],
  [0x18, 0, 0, 0, 5], // at the end of the code
];

describe.each(['little', 'big'] as const)('%s endian', order => {
  it.each(PLAIN)('%s', (text, fields) => {
    const code = new CodeView(encodeInsns([insn(fields)], order), order);
    expect(disassemble(code)).toEqual([{ insnIndex: 0, width: 1, text }]);
  });

  it.each(UNKNOWN)('unknown: %i %i %i %i %i', (...fields) => {
    const [opcode, dst, src, offset, imm] = fields;
    const code = new CodeView(encodeInsns([insn(fields)], order), order);
    const text = `unknown opcode 0x${opcode.toString(16).padStart(2, '0')} (dst ${dst}, src ${src}, offset ${offset}, imm ${imm})`;
    expect(disassemble(code)).toEqual([{ insnIndex: 0, width: 1, text }]);
  });

  it.each<[string, number, number, number]>([
    ['r0 = 0x1122334455667788 ll', 0, 0x55667788, 0x11223344],
    ['r0 = 0xffffffffffffffff ll', 0, -1, -1],
    ['r0 = 0xfffffffe ll', 0, -2, 0],
    ['r0 = 0x0 ll', 0, 0, 0],
    ['r0 = map_fd(5) ll', 1, 5, 0],
    ['r0 = map_fd(5)[0] + 16 ll', 2, 5, 16],
    ['r0 = btf_id(1000) ll', 3, 1000, 0],
    ['r0 = btf_id(1000, module_fd 9) ll', 3, 1000, 9],
    ['r0 = func(pc-3) ll', 4, -3, 0],
    ['r0 = map_idx(2) ll', 5, 2, 0],
    ['r0 = map_idx(2)[0] + 8 ll', 6, 2, 8],
  ])('%s', (text, src, low, high) => {
    const insns = [insn([0x18, 0, src, 0, low]), insn([0, 0, 0, 0, high]), insn([0x95, 0, 0, 0, 0])];
    expect(disassemble(new CodeView(encodeInsns(insns, order), order))).toEqual([
      { insnIndex: 0, width: 2, text },
      { insnIndex: 2, width: 1, text: 'exit' },
    ]);
  });

  it('shows each half of a broken ld_imm64', () => {
    const insns = [insn([0x18, 1, 0, 0, 5]), insn([0x95, 0, 0, 0, 0])];
    expect(disassemble(new CodeView(encodeInsns(insns, order), order)).map(({ text }) => text)).toEqual([
      'unknown opcode 0x18 (dst 1, src 0, offset 0, imm 5)',
      'exit',
    ]);
  });

  it('names what instructions refer to', () => {
    const insns = [
      insn([0x18, 1, 0, 0, 0]),
      insn([0, 0, 0, 0, 0]),
      insn([0x85, 0, 1, 0, -1]),
      insn([0x85, 0, 2, 0, -1]),
      insn([0x05, 0, 0, 0, 0]),
    ];
    const names = new Map([
      [0, 'counters + 8'],
      [2, 'helper'],
      [3, 'bpf_xdp_ct_lookup'],
      [4, 'not shown'],
    ]);
    const code = new CodeView(encodeInsns(insns, order), order);
    expect(disassemble(code, { symbolAt: at => names.get(at) }).map(({ text }) => text)).toEqual([
      'r1 = counters + 8 ll',
      'call helper',
      'call bpf_xdp_ct_lookup',
      'goto +0',
    ]);
    expect(disassembleAt(code, 2).text).toBe('call pc-1');
  });
});

it('shows every opcode and never throws', () => {
  for (let opcode = 0; opcode < 256; opcode++) {
    const code = new CodeView(encodeInsns([insn([opcode, 15, 15, -1, -1])], 'little'), 'little');
    expect(disassemble(code)).toHaveLength(1);
  }
});
