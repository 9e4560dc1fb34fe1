/** Copies and dead code. */

import { expect, test } from 'vitest';
import { dedented, graphOf, textOf } from '../testing.ts';
import { clean } from './clean.ts';

test.each([
  [
    'a chain of copies',
    'v0 = r1\nv1 = v0\nv2 = v1\nr0 = *(u32 *)(v2 + 0)\nexit',
    'v0 = r1\nr0 = *(u32 *)(v0 + 0)\nexit',
  ],
  [
    'both operands, and of branches',
    'v0 = 1\nv1 = v0\nif v1 == v1 goto a\na:\nr0 = v1\nexit',
    'v0 = 1\nif v0 == v0 goto a\na:\nr0 = v0\nexit',
  ],
  ['a load without use', 'v0 = *(u32 *)(r1 + 0)\nr0 = 1\nexit', 'r0 = 1\nexit'],
  [
    'a symbol address and a frame address without use',
    'v0 = &1 + 0 ll\nv1 = r10 - 8\nr0 = 1\nexit',
    'r0 = 1\nexit',
  ],
  [
    'a counter that only counts itself',
    'v0 = 0\nv1 = 0\na:\nv0 += 1\nv1 += 1\nif v1 < 4 goto a\nr0 = 1\nexit',
    'v1 = 0\na:\nv1 += 1\nif v1 < 4 goto a\nr0 = 1\nexit',
  ],
  ['what only dead code uses', 'v0 = 1\nv1 = v0\nv1 += v0\nr0 = 1\nexit', 'r0 = 1\nexit'],
])('removed: %s', (_, before, after) => {
  const graph = graphOf(before);
  const removed = clean(graph);
  expect(textOf(graph)).toBe(dedented(after));
  expect(removed).toBeGreaterThan(0);
});

test.each([
  ['a move of 32 bits is not a copy', 'v0 = r1\nwv1 = wv0\nr0 = v1\nexit'],
  [
    'a source that changes after the copy',
    'v0 = r1\nv1 = v0\nv0 += 1\nr0 = v1\n*(u64 *)(r10 - 8) = v0\nexit',
  ],
  ['a copy on one path', 'v0 = 1\nv1 = 2\nif r1 == 0 goto a\nv1 = v0\na:\nr0 = v1\nexit'],
  [
    'a copy that the last round of a loop made',
    'v2 = 0\na:\nv0 = *(u64 *)(r1 + 0)\nif v2 == 0 goto b\nr0 = v1\n*(u64 *)(r1 + 8) = r0\nb:\nv1 = v0\nv2 = 1\nif v0 != 0 goto a\nr0 = v1\nexit',
  ],
  ['calls without use of their result', 'call bpf_ktime_get_ns/0\nr0 = 1\nexit'],
  [
    'stores and atomic operations',
    'v0 = 1\n*(u64 *)(r10 - 8) = 1\nv0 = atomic_fetch_add((u64 *)(r1 + 0), v0)\nr0 = 1\nexit',
  ],
  ['a load that orders others', 'v0 = load_acquire((u64 *)(r1 + 0))\nr0 = 1\nexit'],
  ['arguments and results', 'v0 = r1\nr1 = v0\nr2 = 1\ncall bpf_ktime_get_ns/2\nv1 = r0\nr0 = v1\nexit'],
])('kept: %s', (_, text) => {
  const graph = graphOf(text);
  expect([clean(graph), textOf(graph)]).toEqual([0, dedented(text)]);
});
