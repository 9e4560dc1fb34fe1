/** The text of graphs, which the tests of all passes are written in. */

import { describe, expect, test } from 'vitest';
import { graphOf, insOf, textOf, textOfIns } from './testing.ts';

describe('an instruction', () => {
  test.each([
    'v0 = r1',
    'wv0 = wv1',
    'v0 = (s8)v1',
    'v0 = -1',
    'wv0 = 7',
    'v0 += v1',
    'wv0 s/= 3',
    'v0 s>>= 3',
    'v0 <<= v2',
    'v0 = -v0',
    'v0 = be16 v0',
    'v0 = bswap64 v0',
    'v0 = r10 - 8',
    'v0 = 0xffffffff00000001 ll',
    'v0 = &3 + 8 ll',
    'v0 = *(u32 *)(v1 + 4)',
    'v0 = *(s8 *)(r10 - 4)',
    '*(u64 *)(r10 - 8) = v3',
    '*(u8 *)(v3 + 0) = 5',
    'lock *(u64 *)(v3 + 0) += v4',
    'v4 = atomic_fetch_xor((u32 *)(v3 + 0), v4)',
    'v4 = xchg_64(v3 + 8, v4)',
    'r0 = cmpxchg_64(v3 + 8, r0, v4)',
    'v4 = load_acquire((u64 *)(v3 + 0))',
    'store_release((u64 *)(v3 + 0), v4)',
    'call bpf_ktime_get_ns/0',
    'call &4/3',
    'v0 = 1 ; line 7 core 0:1',
  ])('%s', text => {
    expect(textOfIns(insOf(text)).replace(/w(v\d+)(?= = atomic|\)$)/g, '$1')).toBe(text);
  });

  test('what is not one is refused', () => {
    expect(() => insOf('v0 ? v1')).toThrow('not an instruction');
  });
});

test('a graph', () => {
  const graph = graphOf(`
      v0 = r1
      if wv0 == 2 goto out
      call bpf_ktime_get_ns/0
      v0 = r0
    out:
      r0 = v0
      if r0 s> r1 goto out else last ; line 3
    last:
      exit ; line 4
  `);
  const text = textOf(graph);
  expect(text).toBe(
    [
      '  v0 = r1',
      '  if wv0 == 2 goto b2 else b1',
      'b1:',
      '  call bpf_ktime_get_ns/0',
      '  v0 = r0',
      '  goto b2',
      'b2:',
      '  r0 = v0',
      '  if r0 s> r1 goto b2 else b3 ; line 3',
      'b3:',
      '  exit ; line 4',
    ].join('\n'),
  );
  expect(textOf(graphOf(text))).toBe(text);
});

test('registers and frame are counted', () => {
  const graph = graphOf('v0 = r10 - 20\n*(u8 *)(r10 - 21) = 1\nv5 = 1\nr0 = 0\nexit');
  expect([graph.registers, graph.frame]).toEqual([22, 24]);
});
