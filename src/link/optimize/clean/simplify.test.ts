/** The shape of graphs. */

import { expect, test } from 'vitest';
import { dedented, graphOf, textOf } from '../testing.ts';
import { simplify } from './simplify.ts';

test.each([
  [
    'jumps to jumps',
    'if r1 == 0 goto a\nr0 = 1\nexit\na:\ngoto b\nb:\ngoto c\nc:\nr0 = 2\nexit',
    'if r1 == 0 goto c\nr0 = 1\nexit\nc:\nr0 = 2\nexit',
  ],
  [
    'straight lines',
    'r0 = 1\ngoto a\na:\nr0 += 2\ngoto b\nb:\nr0 += 3\nexit',
    'r0 = 1\nr0 += 2\nr0 += 3\nexit',
  ],
  ['a branch with one target', 'r0 = 1\nif r1 == 0 goto a else a\na:\nexit', 'r0 = 1\nexit'],
  ['a branch around nothing', 'r0 = 1\nif r1 == 0 goto a\na:\nr0 += 1\nexit', 'r0 = 1\nr0 += 1\nexit'],
  [
    'branches that become useless one after the other',
    'r0 = 1\nif r1 == 0 goto a\nif r1 == 1 goto b\na:\ngoto c\nb:\ngoto c\nc:\nexit',
    'r0 = 1\nexit',
  ],
  [
    'a loop of one block stays',
    'r0 = 1\na:\nr0 += 1\nif r0 < 5 goto a\nexit',
    'r0 = 1\na:\nr0 += 1\nif r0 < 5 goto a\nexit',
  ],
  [
    'an empty loop stays',
    'if r1 == 0 goto b\nr0 = 1\nexit\nb:\ngoto c\nc:\ngoto b',
    'if r1 == 0 goto b\nr0 = 1\nexit\nb:\ngoto b',
  ],
  [
    'a block with two predecessors stays',
    'if r1 == 0 goto a\nr2 = 1\na:\nr0 = 1\nexit',
    'if r1 == 0 goto a\nr2 = 1\na:\nr0 = 1\nexit',
  ],
])('%s', (_, before, after) => {
  const graph = graphOf(before);
  simplify(graph);
  expect(textOf(graph)).toBe(dedented(after));
});
