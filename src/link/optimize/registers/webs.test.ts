/** Webs: one name for the definitions that meet in a use. */

import { expect, test } from 'vitest';
import { FIRST_VIRTUAL } from '../ir/ins.ts';
import { dedented, graphOf, textOf } from '../testing.ts';
import { splitWebs } from './webs.ts';

test.each([
  [
    'values that share a name by chance are split',
    'v5 = 1\nr1 = v5\nv5 = 2\nr0 = v5\nexit',
    'v0 = 1\nr1 = v0\nv1 = 2\nr0 = v1\nexit',
  ],
  [
    'definitions that meet keep one name',
    'v7 = 1\nif r1 == 0 goto a\nv7 = 2\na:\nr0 = v7\nexit',
    'v0 = 1\nif r1 == 0 goto a\nv0 = 2\na:\nr0 = v0\nexit',
  ],
  [
    'a counter is one web around its loop',
    'v9 = 0\na:\nv9 += 1\nif v9 < 4 goto a\nr0 = v9\nexit',
    'v0 = 0\na:\nv0 = v0\nv0 += 1\nif v0 < 4 goto a\nr0 = v0\nexit',
  ],
  [
    'arithmetic works on a copy, so what it changes keeps its name',
    'v3 = r1\nv3 += 14\nr0 = v3\nexit',
    'v0 = r1\nv1 = v0\nv1 += 14\nr0 = v1\nexit',
  ],
  [
    'there is one copy, also the second time',
    'v0 = r1\nv1 = v0\nv1 += 14\nr0 = v1\nexit',
    'v0 = r1\nv1 = v0\nv1 += 14\nr0 = v1\nexit',
  ],
  [
    'the source of an operation that fetches is read and written',
    'v4 = 1\nv4 = atomic_fetch_add((u64 *)(r1 + 0), v4)\nr0 = v4\nv4 = 2\nr2 = v4\nexit',
    'v0 = 1\nv0 = atomic_fetch_add((u64 *)(r1 + 0), v0)\nr0 = v0\nv1 = 2\nr2 = v1\nexit',
  ],
  [
    'a load may have one name for address and value',
    'v2 = r1\nv2 = *(u64 *)(v2 + 0)\nr0 = v2\nexit',
    'v0 = r1\nv1 = *(u64 *)(v0 + 0)\nr0 = v1\nexit',
  ],
])('%s', (_, before, after) => {
  const graph = graphOf(before);
  splitWebs(graph);
  expect(textOf(graph)).toBe(dedented(after));
});

test('registers are numbered without gaps', () => {
  const graph = graphOf('v40 = 1\nr0 = v40\nexit');
  splitWebs(graph);
  expect(graph.registers).toBe(FIRST_VIRTUAL + 1);
});
