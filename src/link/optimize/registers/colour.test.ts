/** Colours, coalescing, spilling. */

import { describe, expect, test } from 'vitest';
import type { Graph } from '../ir/graph.ts';
import { type Ins, isCopy } from '../ir/ins.ts';
import { dedented, graphOf, textOf } from '../testing.ts';
import { colour } from './colour.ts';

function nodes(graph: Graph): readonly Ins[] {
  return graph.order().flatMap(block => graph.block(block).ins);
}

function coloured(text: string): { readonly text: string; readonly spilled: number; readonly graph: Graph } {
  const graph = graphOf(text);
  const { spilled } = colour(graph, { coalesce: true });
  return { text: textOf(graph), spilled, graph };
}

/** `count` values that are all live at once, each made by `make`. */
function live(count: number, make: (index: number) => string): string {
  const names = Array.from({ length: count }, (_, index) => index);
  const sums = names.map(index => `v${count} += v${index}`);
  return ['v90 = r1', ...names.map(make), `v${count} = 0`, ...sums, `r0 = v${count}`, 'exit'].join('\n');
}

describe('coalescing', () => {
  test.each([
    ['a parameter', 'v0 = r1\nr0 = *(u32 *)(v0 + 0)\nexit', 'r0 = *(u32 *)(r1 + 0)\nexit'],
    [
      'results and arguments',
      'call bpf_ktime_get_ns/0\nv0 = r0\nr1 = v0\ncall bpf_ktime_get_ns/1\nexit',
      'call bpf_ktime_get_ns/0\nr1 = r0\ncall bpf_ktime_get_ns/1\nexit',
    ],
    [
      'the operand of arithmetic',
      'v0 = *(u32 *)(r1 + 0)\nv1 = v0\nv1 += 14\nr0 = v1\nexit',
      'r0 = *(u32 *)(r1 + 0)\nr0 += 14\nexit',
    ],
    ['a move with sign extension stays', 'v0 = r1\nv1 = (s16)v0\nr0 = v1\nexit', 'r0 = (s16)r1\nexit'],
    ['a move of 32 bits stays', 'v0 = r1\nwv1 = wv0\nr0 = v1\nexit', 'w0 = w1\nexit'],
  ])('%s', (_, before, after) => {
    expect(coloured(before).text).toBe(dedented(after));
  });

  test('without it copies stay', () => {
    const graph = graphOf('v0 = r1\nv1 = v0\nv2 = v1\nr0 = *(u32 *)(v2 + 0)\nr2 = v0\nexit');
    colour(graph, { coalesce: false });
    const kept = graphOf('v0 = r1\nv1 = v0\nv2 = v1\nr0 = *(u32 *)(v2 + 0)\nr2 = v0\nexit');
    colour(kept, { coalesce: true });
    expect(nodes(graph).filter(isCopy).length).toBeGreaterThanOrEqual(nodes(kept).filter(isCopy).length);
  });
});

describe('interference', () => {
  test('a value that is needed after a call is in r6 to r9', () => {
    const { graph } = coloured('v0 = r1\ncall bpf_ktime_get_ns/0\nr0 = *(u32 *)(v0 + 0)\nexit');
    expect(nodes(graph).at(-1)?.src).toBeGreaterThanOrEqual(6);
  });

  test('what an atomic operation overwrites is not its address', () => {
    const { graph } = coloured('v0 = r1\nv1 = v0\nv1 = atomic_fetch_add((u64 *)(v0 + 0), v1)\nr0 = v1\nexit');
    const atomic = nodes(graph).find(({ imm, opcode }) => imm === 1 && opcode === 0xdb);
    expect(atomic?.src).not.toBe(atomic?.dst);
  });

  test('compare and exchange has address and operand outside of r0', () => {
    const { graph } = coloured('v0 = r1\nr0 = v0\nr0 = cmpxchg_64(v0 + 0, r0, v0)\nexit');
    const exchange = nodes(graph).find(({ imm }) => imm === 0xf1);
    expect([exchange?.dst, exchange?.src]).not.toContain(0);
  });
});

describe('spilling', () => {
  test('ten values need no slot', () => {
    expect(coloured(live(8, index => `v${index} = *(u64 *)(v90 + ${index * 8})`)).spilled).toBe(0);
  });

  test('loads are stored and filled with 8 bytes, in slots of their own', () => {
    const { graph, spilled } = coloured(live(14, index => `v${index} = *(u64 *)(v90 + ${index * 8})`));
    expect(spilled).toBeGreaterThanOrEqual(4);
    expect(graph.frame).toBe(spilled * 8);
    const slots = nodes(graph).filter(({ opcode, dst }) => opcode === 0x7b && dst === 10);
    expect(new Set(slots.map(({ offset }) => offset)).size).toBe(spilled);
    for (const ins of nodes(graph)) if (ins.dst === 10) expect(ins.opcode).toBe(0x7b);
    for (const ins of nodes(graph)) if (ins.opcode !== 0x7b && ins.src === 10) expect(ins.opcode).toBe(0x79);
  });

  test.each([
    ['numbers', (index: number) => `v${index} = ${index + 3}`],
    ['64-bit numbers', (index: number) => `v${index} = 0x10000000${index} ll`],
    ['symbol addresses', (index: number) => `v${index} = &${index} + 8 ll`],
    ['frame addresses', (index: number) => `v${index} = r10 - ${8 + index * 8}`],
  ])('%s are made again', (_, make) => {
    const { graph, spilled } = coloured(live(14, make));
    expect(spilled).toBe(0);
    expect(nodes(graph).filter(({ opcode }) => opcode === 0x7b || opcode === 0x79)).toEqual([]);
  });

  test('a value with two definitions is not', () => {
    const text = live(14, index => `v${index} = ${index}`);
    const two = text.replace(
      'v14 = 0',
      `if v90 == 0 goto a\n${[...'0123456789'].map(name => `v${name} = 77`).join('\n')}\na:\nv14 = 0`,
    );
    expect(coloured(two).spilled).toBeGreaterThan(0);
  });

  test('more than 512 bytes are refused', () => {
    const text = `*(u8 *)(r10 - 505) = 1\n${live(14, index => `v${index} = *(u64 *)(v90 + ${index * 8})`)}`;
    expect(() => colour(graphOf(text), { coalesce: true })).toThrow('more than 512 bytes of stack');
  });

  test('the value of a loop stays in a register', () => {
    const loop = 'v80 = 0\nb:\nv80 += 1\nif v80 < 9 goto b\nv0 += v80';
    const text = live(14, index => `v${index} = *(u64 *)(v90 + ${index * 8})`).replace(
      'v14 = 0',
      `${loop}\nv14 = 0`,
    );
    const { graph } = coloured(text);
    const body = graph.order().find(block => graph.successors(block).includes(block));
    expect(body).toBeDefined();
    expect(graph.block(body ?? 0).ins).toHaveLength(1);
  });
});
