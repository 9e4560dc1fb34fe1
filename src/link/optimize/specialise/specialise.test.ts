/** Sharing, deciding and threading, on graphs as text. */

import { describe, expect, test } from 'vitest';
import { ALL_PASSES, type Passes } from '../passes.ts';
import { dedented, graphOf, textOf } from '../testing.ts';
import { specialise } from './specialise.ts';

function specialised(
  text: string,
  passes: Partial<Passes> = {},
  context: 'xdp' | 'skb' | null = 'xdp',
): string {
  const graph = graphOf(text);
  specialise(graph, { context, passes: { ...ALL_PASSES, ...passes }, growth: 1000 });
  return textOf(graph);
}

const VERDICTS = `
  v0 = r1
  v1 = *(u32 *)(v0 + 12)
  if v1 == 1 goto one
  v2 = 2
  goto test
one:
  v2 = 1
test:
  if wv2 != 2 goto out
  v2 = 5
out:
  r0 = v2
  exit`;

describe('constants', () => {
  test('an edge with a known verdict leads past its test', () => {
    const expected = VERDICTS.replace('goto test', 'goto next')
      .replace('v2 = 1', 'v2 = 1\n goto out')
      .replace('test:\n  if wv2 != 2 goto out', 'next:');
    expect(specialised(VERDICTS)).toBe(dedented(expected));
  });

  test('without the pass it does not', () => {
    expect(specialised(VERDICTS, { constants: false })).toBe(dedented(VERDICTS));
  });
});
