/** Blocks that do the same, and those that only seem to. */

import { expect, test } from 'vitest';
import { useRandom } from '../../../image/random.ts';
import { dedented, graphOf, textOf } from '../testing.ts';
import { mergeTails } from './tails.ts';

/** Two blocks, each reached by a branch. */
function two(first: string, second: string, before = ''): string {
  return `${before}\nif r1 == 0 goto a\nif r1 == 1 goto b\nr0 = 0\nexit\na:\n${first}\nb:\n${second}`;
}

function merged(first: string, second: string, before?: string): boolean {
  const graph = graphOf(two(first, second, before));
  const blocks = graph.order().length;
  mergeTails(graph);
  return graph.order().length < blocks;
}

test('the first block stays, with its lines', () => {
  const graph = graphOf(two('r0 = 1 ; line 3\nexit', 'r0 = 1 ; line 9\nexit'));
  mergeTails(graph);
  const after = 'if r1 == 0 goto a\nif r1 == 1 goto a\nr0 = 0\nexit\na:\nr0 = 1 ; line 3\nexit';
  expect(textOf(graph)).toBe(dedented(after));
});

test('whole tails are merged at once', () => {
  const tail = (name: string): string =>
    `r2 = 1\nif r3 == 0 goto ${name}\nr0 = 3\nexit\n${name}:\nr0 = 4\nexit`;
  const graph = graphOf(two(tail('c'), tail('d')));
  mergeTails(graph);
  expect(graph.order()).toHaveLength(6);
});

const POINTERS =
  'v0 = r1\nv3 = *(u32 *)(v0 + 4)\nv4 = 1\nif r2 == 0 goto x\nv4 = 2\nx:\nv5 = *(u64 *)(v0 + 8)';

test.each([
  ['registers that one block names', 'v8 = 1\nr0 = v8\nexit', 'v9 = 1\nr0 = v9\nexit'],
  ['loads from the frame', 'r0 = *(u64 *)(r10 - 8)\nexit', 'r0 = *(u64 *)(r10 - 8)\nexit'],
  ['accesses by one parameter', '*(u32 *)(v0 + 0) = 1\nexit', '*(u32 *)(v0 + 0) = 1\nexit'],
  ['accesses by one loaded pointer', 'r0 = *(u8 *)(v3 + 0)\nexit', 'r0 = *(u8 *)(v3 + 0)\nexit'],
  [
    'accesses by the same sum',
    'v8 = v3\nv8 += 4\nr0 = *(u8 *)(v8 + 0)\nexit',
    'v9 = v3\nv9 += 4\nr0 = *(u8 *)(v9 + 0)\nexit',
  ],
  ['equal CO-RE records', 'r0 = 1 ; core 0:1\nexit', 'r0 = 1 ; core 0:1\nexit'],
  ['calls of one function', 'r1 = v0\ncall &4/1\nexit', 'r1 = v0\ncall &4/1\nexit'],
])('merged: %s', (_, first, second) => {
  expect(merged(first, second, POINTERS)).toBe(true);
});

test.each([
  ['other numbers', 'r0 = 1\nexit', 'r0 = 2\nexit'],
  ['other registers', 'r0 = v0\nexit', 'r0 = v3\nexit'],
  [
    'names in another order',
    'v8 = 1\nv9 = 2\nr0 = v8\nr2 = v9\nexit',
    'v18 = 1\nv19 = 2\nr0 = v19\nr2 = v18\nexit',
  ],
  ['other symbols', 'v8 = &1 + 0 ll\nr0 = v8\nexit', 'v9 = &2 + 0 ll\nr0 = v9\nexit'],
  ['other CO-RE records', 'r0 = 1 ; core 0:1\nexit', 'r0 = 1 ; core 0:2\nexit'],
  ['a jump and an exit', 'r0 = 1\nexit', 'r0 = 1\nc:\ngoto c'],
  ['accesses by a register with two definitions', 'r0 = *(u8 *)(v4 + 0)\nexit', 'r0 = *(u8 *)(v4 + 0)\nexit'],
  ['accesses by a pointer that was stored', 'r0 = *(u8 *)(v5 + 0)\nexit', 'r0 = *(u8 *)(v5 + 0)\nexit'],
  ['accesses by a register of the machine', 'r0 = *(u8 *)(r6 + 0)\nexit', 'r0 = *(u8 *)(r6 + 0)\nexit'],
  ['stores by one', '*(u8 *)(v4 + 0) = 1\nexit', '*(u8 *)(v4 + 0) = 1\nexit'],
  ['arguments with two definitions', 'r1 = v4\ncall &4/1\nexit', 'r1 = v4\ncall &4/1\nexit'],
])('kept: %s', (_, first, second) => {
  expect(merged(first, second, POINTERS)).toBe(false);
});

/** Blocks of two constants, the second of which undoes in a known hash what the first changes. */
function colliding(count: number): string {
  const tests = Array.from({ length: count }, (_, at) => `if r1 == ${at} goto b${at}`);
  const blocks = Array.from({ length: count }, (_, at) => {
    let weight = 1;
    for (let place = 0; place < 9; place++) weight = Math.imul(weight, 31);
    return `b${at}:\nr2 = ${at}\nr3 = ${Math.imul(-at, weight)}\nr0 = r2\nr0 ^= r3\nexit`;
  });
  return [...tests, 'r0 = 0', 'exit', ...blocks].join('\n');
}

test('blocks that are made to have one hash get another hash', () => {
  let drawn = 0;
  const restore = useRandom(() => {
    drawn++;
    return 0x12345;
  });
  try {
    for (const [count, draws] of [
      [100, 0],
      [300, 1],
    ] as const) {
      const graph = graphOf(colliding(count));
      const blocks = graph.order().length;
      drawn = 0;
      mergeTails(graph);
      expect([graph.order().length, drawn]).toEqual([blocks, draws]);
    }
  } finally {
    restore();
  }
});

test('registers that only one block names are distinguished, however many there are', () => {
  const block = (first: number): string =>
    `${Array.from({ length: 4 }, (_, at) => `r${first + at} = ${at}`).join('\n')}\nr0 = r${first + 3}\nexit`;
  expect(merged(block(20), block(30))).toBe(true);
  expect(merged(block(20), block(30).replace('r0 = r33', 'r0 = r32'))).toBe(false);
});
