/** Sharing, deciding and threading, on graphs as text; each rule in both directions. */

import { describe, expect, test } from 'vitest';
import { clean } from '../clean/clean.ts';
import { simplify } from '../clean/simplify.ts';
import { ALL_PASSES, NO_PASSES, type Passes } from '../model/passes.ts';
import { splitWebs } from '../registers/webs.ts';
import { graphOf, textOf } from '../testing.ts';
import type { ContextKind } from './fields.ts';
import { type Specialised, specialise } from './specialise.ts';

function counts(
  text: string,
  passes: Partial<Passes> = {},
  context: ContextKind | null = 'xdp',
): Specialised {
  return specialise(graphOf(text), { context, passes: { ...ALL_PASSES, ...passes }, growth: 1000 });
}

/** The program after specialisation and clean-up. */
function result(text: string, context: ContextKind | null = 'xdp', growth = 1000): string {
  const graph = graphOf(text);
  specialise(graph, { context, passes: ALL_PASSES, growth });
  splitWebs(graph);
  clean(graph);
  simplify(graph);
  return textOf(graph);
}

/** How often a pattern is in the program after specialisation. */
function times(pattern: RegExp, text: string, context: ContextKind | null = 'xdp'): number {
  return result(text, context).match(new RegExp(pattern, 'g'))?.length ?? 0;
}

const NOTHING = { shared: 0, decided: 0, threaded: 0 };

/** Code with `v1 = data`, `v2 = data_end`, and at least `bytes` bytes of packet where it is. */
function checked(body: string, bytes = 34): string {
  return `
    v0 = r1
    v2 = *(u32 *)(v0 + 4)
    v1 = *(u32 *)(v0 + 0)
    v3 = v1
    v3 += ${bytes}
    if v3 > v2 goto out
    ${body}
    r0 = 2
    exit
  out:
    r0 = 1
    exit`;
}

const LOADED_TWICE = (between: string): string =>
  checked(`
    v4 = *(u16 *)(v1 + 12)
    *(u64 *)(r10 - 8) = v4
    ${between}
    v5 = *(u16 *)(v1 + 12)
    *(u64 *)(r10 - 16) = v5`);
const PACKET_LOAD = /= \*\(u16 \*\)\(v\d+ \+ 12\)/;

describe('loads from the packet', () => {
  test.each([
    ['nothing', ''],
    ['a store to the frame', '*(u64 *)(r10 - 24) = 1'],
    ['a store through a frame address', 'v6 = r10 - 24\n *(u64 *)(v6 + 0) = 1'],
    ['a store to data of the program', 'v6 = &3 ll\n *(u64 *)(v6 + 0) = 1'],
    ['a helper that leaves the packet', 'call bpf_ktime_get_ns/0'],
    ['a map value', 'r1 = 1\n r2 = 2\n call bpf_map_lookup_elem/2\n v6 = r0\n *(u64 *)(v6 + 0) = 1'],
  ])('are shared across %s', (_, between) => {
    expect(times(PACKET_LOAD, LOADED_TWICE(between))).toBe(1);
  });

  test.each([
    ['a store to the packet', '*(u8 *)(v1 + 12) = 1'],
    ['a store through a pointer into the packet', 'v6 = v1\n v6 += 4\n *(u8 *)(v6 + 8) = 1'],
    ['an atomic operation on the packet', 'v6 = 1\n lock *(u64 *)(v1 + 8) += v6'],
    ['a store through a pointer from the stack', 'v6 = *(u64 *)(r10 - 8)\n *(u64 *)(v6 + 0) = 1'],
    ['a store through a pointer that a function returned', 'r1 = 1\n call &5/1\n v6 = r0'],
    ['a helper that may write it', 'r1 = v0\n call bpf_xdp_load_bytes/1'],
    ['a helper that moves it', 'r1 = v0\n r2 = 0\n call bpf_xdp_adjust_head/2'],
    ['a tail call', 'r1 = v0\n r2 = 0\n r3 = 0\n call bpf_tail_call/3'],
  ])('are not shared across %s', (_, between) => {
    expect(times(PACKET_LOAD, LOADED_TWICE(between))).toBe(2);
  });

  test('are not shared where size, sign or offset differ', () => {
    const other = (load: string): string => LOADED_TWICE('').replace('v5 = *(u16 *)(v1 + 12)', load);
    expect(counts(other('v5 = *(u16 *)(v1 + 12)')).shared).toBe(1);
    expect(counts(other('v5 = *(u8 *)(v1 + 12)')).shared).toBe(0);
    expect(counts(other('v5 = *(s16 *)(v1 + 12)')).shared).toBe(0);
    expect(counts(other('v5 = *(u16 *)(v1 + 14)')).shared).toBe(0);
    expect(counts(other('v5 = *(u16 *)(v1 + 12) ; core 0:1')).shared).toBe(0);
  });

  test('are followed through constant distances', () => {
    const away = (code: string): string =>
      LOADED_TWICE(code).replace('v5 = *(u16 *)(v1 + 12)', 'v5 = *(u16 *)(v6 + 4)');
    expect(counts(away('v6 = v1\n v6 += 8')).shared).toBe(1);
    expect(counts(away('v6 = v1\n v7 = 8\n v6 += v7')).shared).toBe(1);
    expect(counts(away('v6 = v1\n v6 += 16\n v6 -= 8')).shared).toBe(1);
    expect(counts(away('v6 = v1\n v6 += 7')).shared).toBe(0);
    expect(counts(away('v6 = v1\n v6 += 8 ; core 0:1')).shared).toBe(0);
  });

  test('of maps, the stack and unknown pointers are not shared', () => {
    const twice = (address: string): string => `${address}
      v4 = *(u32 *)(v3 + 0)
      v5 = *(u32 *)(v3 + 0)
      *(u32 *)(r10 - 8) = v4
      *(u32 *)(r10 - 4) = v5
      r0 = 2
      exit`;
    expect(counts(twice('v3 = &4 ll'))).toEqual(NOTHING);
    expect(counts(twice('v3 = r10 - 16'))).toEqual(NOTHING);
    expect(counts(twice('v3 = *(u64 *)(r10 - 16)'))).toEqual(NOTHING);
    expect(counts(twice('v3 = r1'), {}, null)).toEqual(NOTHING);
    expect(counts(twice('v3 = r1'))).toEqual({ ...NOTHING, shared: 1 });
  });
});

describe('fields of the context', () => {
  const twice = (offset: number, between: string): string => `
    v0 = r1
    v1 = *(u32 *)(v0 + ${offset})
    v4 = *(u32 *)(v0 + 76)
    ${between}
    v2 = *(u32 *)(v0 + ${offset})
    v1 += v2
    r0 = v1
    exit`;

  test('are shared until the context is written', () => {
    expect(counts(twice(8, ''), {}, 'skb').shared).toBe(1);
    expect(counts(twice(8, '*(u32 *)(v0 + 48) = 1'), {}, 'skb').shared).toBe(0);
    expect(counts(twice(8, 'v5 = 1\n *(u32 *)(v0 + 8) = v5'), {}, 'skb').shared).toBe(0);
    expect(counts(twice(8, 'r1 = v0\n call bpf_get_hash_recalc/1'), {}, 'skb').shared).toBe(0);
    expect(counts(twice(8, '*(u8 *)(v4 + 0) = 1'), {}, 'skb').shared).toBe(1);
    expect(counts(twice(8, 'v5 = *(u64 *)(r10 - 8)\n *(u32 *)(v5 + 0) = 1'), {}, 'skb').shared).toBe(0);
  });

  test('that point into the packet stay what they are when others are written', () => {
    expect(counts(twice(76, '*(u32 *)(v0 + 8) = 1'), {}, 'skb').shared).toBe(2);
    expect(counts(twice(76, 'r1 = v0\n r2 = 0\n call bpf_skb_pull_data/2'), {}, 'skb').shared).toBe(1);
  });

  test('are not shared without the pass', () => {
    expect(counts(twice(8, ''), { context: false }, 'skb').shared).toBe(0);
  });
});

describe('bounds checks', () => {
  const again = (condition: string, distance: number): string =>
    checked(`
      v4 = v1
      v4 += ${distance}
      if ${condition} goto out`);
  test.each([
    ['v4 > v2', 34, 1],
    ['v4 > v2', 35, 0],
    ['v4 > v2', 20, 1],
    ['v4 >= v2', 33, 1],
    ['v4 >= v2', 34, 0],
    ['v2 < v4', 34, 1],
    ['v2 < v4', 35, 0],
    ['v2 <= v4', 33, 1],
    ['v2 <= v4', 34, 0],
    ['wv4 > v2', 34, 0],
    ['v4 == v2', 30, 0],
    ['v4 s> v2', 30, 0],
  ])('%s with %i bytes after 34 are checked', (condition, distance, decided) => {
    expect(counts(again(condition, distance)).decided).toBe(decided);
  });

  test.each([
    ['v3 >= v2', 33, 1],
    ['v3 >= v2', 34, 0],
    ['v2 <= v3', 33, 1],
  ])('after %s kernels allow at least one byte less', (first, distance, decided) => {
    const text = again('v4 > v2', distance).replace('v3 > v2', first);
    expect(counts(text).decided).toBe(decided);
  });

  test('a number that may wrap says nothing about its neighbours', () => {
    const text = (load: string): string =>
      checked(`
        ${load}
        v6 = v1
        v6 += v5
        v7 = v6
        v7 += 8
        if v7 > v2 goto out
        v8 = v6
        v8 += 4
        if v8 > v2 goto out`);
    expect(counts(text('v5 = *(u8 *)(v1 + 0)')).decided).toBe(1);
    expect(counts(text('v5 = *(u64 *)(v1 + 0)')).decided).toBe(0);
  });

  test('a check that passes on one edge only does not thread it; one that fails does', () => {
    const text = (firstTarget: string, secondTarget: string): string => `
      v0 = r1
      v2 = *(u32 *)(v0 + 4)
      v1 = *(u32 *)(v0 + 0)
      v3 = v1
      v3 += 34
      if v3 > v2 goto ${firstTarget}
      ${secondTarget}
    join:
      v4 = v1
      v4 += 34
      if v4 > v2 goto out
      v5 = *(u8 *)(v1 + 3)
      r0 = v5
      exit
    out:
      r0 = 2
      exit`;
    expect(counts(text('join', 'call &1/0')).threaded).toBe(1);
    expect(counts(text('out', '')).threaded).toBe(0);
    expect(counts(text('out', '')).decided).toBe(1);
  });
});

/** A branch on `first`, then one on `second` where the first one does not go. */
function compared(first: string, second: string, load = 'v4 = *(u64 *)(v1 + 0)'): number {
  const branch = (condition: string): string => condition.replace(/^if [^;]*?(?= ;|$)/, '$& goto out');
  return counts(
    checked(`
      ${load}
      v5 = *(u64 *)(v1 + 8)
      ${branch(`if ${first}`)}
      ${branch(`if ${second}`)}`),
  ).decided;
}

describe('comparisons', () => {
  const NARROW = 'v4 = *(u32 *)(v1 + 0)';
  test.each([
    ['v4 == 5', 'v4 == 5', 1],
    ['v4 == 5', 'v4 != 5', 1],
    ['v4 == 5', 'v4 == 6', 0],
    ['v4 != 5', 'v4 == 6', 1],
    ['v4 != 5', 'v4 > 4', 1],
    ['v4 != -1', 'v4 s< 0', 1],
    ['v4 > 5', 'v4 <= 5', 1],
    ['v4 >= 5', 'v4 < 5', 1],
    ['v4 s> 5', 'v4 s<= 5', 1],
    ['v4 s> 5', 'v4 > 5', 0],
    ['v4 & 5', 'v4 & 5', 1],
    ['v4 & 5', 'v4 & 1', 0],
    ['v4 > v5', 'v5 < v4', 1],
    ['v4 > v5', 'v5 > v4', 0],
    ['v4 == v5', 'v5 == v4', 1],
    ['v4 == 5', 'wv4 == 5', 0],
    ['wv4 == 5', 'wv4 == 5', 1],
    ['wv4 == 5', 'v4 == 5', 0],
    ['wv4 != 5', 'v4 == 5', 0],
    ['v4 == 5 ; core 0:1', 'v4 == 5', 0],
    ['v4 == 5', 'v4 == 5 ; core 0:1', 0],
  ])('not (%s), then %s', (first, second, decided) => {
    expect(compared(first, second)).toBe(decided);
  });

  test.each([
    ['v4 == 5', 'wv4 == 5', 1],
    ['wv4 != 5', 'v4 == 5', 1],
    ['wv4 > 5', 'v4 <= 5', 1],
    ['wv4 s> 5', 'v4 s> 5', 0],
    ['wv4 == -1', 'v4 == -1', 0],
    ['wv4 != -1', 'v4 == -1', 1],
  ])('of numbers without upper bits: not (%s), then %s', (first, second, decided) => {
    expect(compared(first, second, NARROW)).toBe(decided);
  });

  test('of masked numbers leave the last possible one', () => {
    const text = (mask: number, last: number): string =>
      checked(`
      v4 = *(u8 *)(v1 + 0)
      v4 &= ${mask}
      if wv4 == 0 goto out
      if v4 == 2 goto out
      if wv4 == 1 goto out
      if wv4 != ${last} goto out`);
    expect(counts(text(3, 3)).decided).toBe(1);
    expect(counts(text(3, 4)).decided).toBe(1);
    expect(counts(text(7, 3)).decided).toBe(0);
    expect(counts(text(15, 3)).decided).toBe(0);
    expect(counts(text(-1, 3)).decided).toBe(0);
  });

  test('hold for copies, not for what was computed again', () => {
    const text = (code: string): string =>
      checked(`
      v4 = *(u64 *)(v1 + 0)
      v6 = v4
      if v4 > 15 goto out
      ${code}
      if v7 > 15 goto out`);
    expect(counts(text('v7 = v6')).decided).toBe(1);
    expect(counts(text('wv7 = wv4')).decided).toBe(0);
    expect(counts(text('v7 = (s32)v4')).decided).toBe(0);
    expect(counts(text('v7 = *(u64 *)(v1 + 0)'), { packet: false }).decided).toBe(0);
    expect(counts(text('v7 = *(u64 *)(v1 + 0)')).decided).toBe(1);
  });

  test('32-bit moves of numbers without upper bits become copies, others stay', () => {
    const text = (load: string): string => checked(`${load}\n wv7 = wv4\n *(u64 *)(r10 - 8) = v7`);
    expect(times(/wv\d+ = wv\d+/, text(NARROW))).toBe(0);
    expect(times(/wv\d+ = wv\d+/, text('v4 = *(u64 *)(v1 + 0)'))).toBe(1);
  });

  test('words that may be pointers of an unknown context have upper bits', () => {
    const text = 'v0 = r1\n v1 = *(u32 *)(v0 + 76)\n wv2 = wv1\n r0 = v2\n exit';
    expect(textOf(graphOf(result(text, null)))).toContain('wv');
    expect(result(text.replace('76', '8'), 'skb')).not.toContain('wv');
    expect(result(text, 'skb')).toContain('wv');
  });
});

describe('where paths meet', () => {
  const meeting = (first: string, second: string): string =>
    checked(`
    v4 = *(u16 *)(v1 + 12)
    if v4 == 8 goto eight
    ${first}
    goto join
  eight:
    ${second}
  join:
    v5 = *(u16 *)(v1 + 12)
    v6 = *(u16 *)(v1 + 14)
    *(u64 *)(r10 - 8) = v5
    *(u64 *)(r10 - 16) = v6`);

  test('a value about which they know different things is loaded again', () => {
    expect(times(PACKET_LOAD, meeting('call &1/0', 'call &1/0'))).toBe(2);
    const same = meeting('*(u64 *)(r10 - 24) = 1', '*(u64 *)(r10 - 24) = 2');
    expect(times(PACKET_LOAD, same)).toBe(2);
    expect(times(PACKET_LOAD, same.replace('v4 == 8', 'v0 == 8'))).toBe(1);
  });

  test.each([
    ['the branch', '', '*(u8 *)(v1 + 12) = 1'],
    ['the other branch', '*(u8 *)(v1 + 12) = 1', ''],
    ['both branches', '*(u8 *)(v1 + 12) = 1', '*(u8 *)(v1 + 12) = 2'],
  ])('a store in %s counts after them', (_, first, second) => {
    expect(counts(meeting(first, second).replace('v4 == 8', 'v0 == 8')).shared).toBe(0);
  });

  test('facts are tracked where they decide nothing', () => {
    const same = meeting('*(u64 *)(r10 - 24) = 1', '*(u64 *)(r10 - 24) = 2');
    const alone = { ...NO_PASSES, packet: true, context: true };
    expect(counts(same, alone).shared).toBe(0);
    expect(counts(same.replace('v4 == 8', 'v0 == 8'), alone).shared).toBe(1);
  });

  test('what one path alone knows is forgotten', () => {
    const text = checked(`
      v4 = *(u16 *)(v1 + 12)
      v5 = *(u16 *)(v1 + 14)
      if v5 == 1 goto other
      if v4 != 8 goto out
      call &1/0
    other:
      v6 = 1
      call &2/0
      call &2/0
      call &2/0
      call &2/0
      call &2/0
      call &2/0
      call &2/0
      if v4 == 8 goto out`);
    expect(counts(text)).toMatchObject({ decided: 0, threaded: 0 });
    expect(counts(text.replace('v5 == 1', 'v4 == 8')).decided).toBe(2);
  });

  test('arithmetic is computed again once more is known of its operands', () => {
    const text = (check: string): string =>
      checked(`
      v4 = *(u8 *)(v1 + 12)
      v5 = v4
      v5 <<= 2
      ${check}
      v6 = v4
      v6 <<= 2
      *(u64 *)(r10 - 8) = v5
      *(u64 *)(r10 - 16) = v6`);
    expect(counts(text('')).shared).toBe(1);
    expect(counts(text('if v4 > 15 goto out')).shared).toBe(0);
  });
});

describe('loops', () => {
  const loop = (body: string, after = ''): string =>
    checked(`
    v4 = *(u16 *)(v1 + 12)
    v8 = 3
  header:
    ${body}
    v8 -= 1
    if v8 != 0 goto header
    ${after}
    *(u64 *)(r10 - 8) = v4`);

  test('the header forgets packet, context and what the loop writes', () => {
    expect(counts(loop('v5 = *(u16 *)(v1 + 12)\n *(u64 *)(r10 - 16) = v5')).shared).toBe(0);
    expect(counts(loop('v5 = *(u32 *)(v0 + 0)\n *(u64 *)(r10 - 16) = v5')).shared).toBe(0);
    expect(counts(loop('', 'if v8 == 0 goto out'))).toMatchObject({ decided: 1 });
    expect(counts(loop('if v8 == 3 goto out'))).toMatchObject({ decided: 0, threaded: 0 });
  });

  test('edges are not threaded through headers', () => {
    const text = checked(`
      v8 = 0
    header:
      if v8 == 1 goto out
      v8 += 1
      goto header`);
    expect(counts(text)).toEqual(NOTHING);
  });

  test('with two entries nothing is done', () => {
    const text = `
      v0 = r1
      v1 = *(u32 *)(v0 + 12)
      v2 = *(u32 *)(v0 + 12)
      if v1 == 1 goto second
    first:
      v2 += 1
    second:
      v2 += 2
      if v2 < 100 goto first
      r0 = v2
      exit`;
    expect(counts(text)).toEqual(NOTHING);
    expect(counts(text.replace('goto first', 'goto second')).shared).toBe(1);
  });
});

const VERDICTS = `
  v0 = r1
  v1 = *(u32 *)(v0 + 12)
  if v1 == 1 goto one
  v2 = 2
  goto test
one:
  v2 = 1
test:
  v3 = v1
  v3 += 7
  *(u64 *)(r10 - 8) = v3
  if wv2 != 2 goto out
  v2 = 5
out:
  r0 = v2
  exit`;

describe('threading', () => {
  test('edges with a known verdict lead past its test, through copies', () => {
    expect(counts(VERDICTS)).toMatchObject({ threaded: 2, decided: 0 });
    expect(result(VERDICTS)).not.toContain('!= 2');
    expect(result(VERDICTS).match(/r10 - 8/g)).toHaveLength(2);
  });

  test('not without the pass, nor beyond the growth that is allowed', () => {
    expect(counts(VERDICTS, { constants: false, facts: false, bounds: false }).threaded).toBe(0);
    expect(result(VERDICTS, 'xdp', 1)).toContain('!= 2');
    expect(result(VERDICTS, 'xdp', 2)).not.toContain('!= 2');
  });

  test('copies have lines, relocations and CO-RE records of what they copy', () => {
    const text = VERDICTS.replace(
      '*(u64 *)(r10 - 8) = v3',
      'v4 = &7 + 8 ll ; line 3\n v5 = 4 ; line 4 core 0:2\n *(u64 *)(v4 + 0) = v5 ; line 5',
    );
    const after = result(text);
    expect(after.match(/= &7 \+ 8 ll ; line 3/g)).toHaveLength(2);
    expect(after.match(/; line 4 core 0:2/g)).toHaveLength(2);
    expect(after.match(/; line 5/g)).toHaveLength(2);
  });

  test('values that CO-RE sets decide nothing', () => {
    expect(counts(VERDICTS.replaceAll(/v2 = (\d)$/gm, 'v2 = $1 ; core 0:1')).threaded).toBe(0);
  });
});

test('one context in two registers is the context', () => {
  const text =
    'v0 = r1\n v1 = v0\n v2 = *(u32 *)(v0 + 12)\n v3 = *(u32 *)(v1 + 12)\n v2 += v3\n r0 = v2\n exit';
  expect(counts(text).shared).toBe(1);
});
