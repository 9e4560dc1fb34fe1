/** What the optimizer did, as text: programs that stay as they are, smaller scopes, many functions. */

import { expect, test } from 'vitest';
import type { OptimizeReport, ProgramOptimization } from '../../src/link/index.ts';
import { formatOutcome } from './optimization.ts';

const PROGRAM: ProgramOptimization = {
  program: 'chain',
  refused: null,
  inline: 'single',
  stepped: null,
  inlined: [{ function: 'first', caller: 'chain' }],
  kept: [{ function: 'each', caller: 'first', reason: 'its address is taken' }],
  insns: { before: 42, after: 17 },
  stack: { before: 8, after: 16 },
  shared: 1,
  decided: 2,
  spilled: 0,
};

const formatted = (report: Partial<OptimizeReport>, reportInlining = true): string =>
  formatOutcome({ inline: 'single', programs: [PROGRAM], removed: [], ...report }, { reportInlining });

test('a program with its calls', () => {
  expect(formatted({ removed: ['first'] })).toBe(
    `optimization: --inline single
  chain: 42 -> 17 insns, 8 -> 16 bytes of stack, 1 shared value, 2 decided branches, 0 spilled registers
    inlined  first  into chain
    kept     each   in first: its address is taken
inlined and removed, so that nothing can attach to or replace them: first (--no-inline NAME keeps one)`,
  );
});

test('a program that is not optimized, and one in which less is inlined', () => {
  const other = { ...PROGRAM, program: 'other', refused: 'it uses tail calls' };
  const less: ProgramOptimization = { ...PROGRAM, inline: 'members', stepped: 'it takes 520 bytes of stack' };
  const text = formatted({ programs: [other, less] });
  expect(text).toContain('\n  other: not optimized: it uses tail calls\n');
  expect(text).toContain('\n    --inline members: it takes 520 bytes of stack\n');
});

test('one line', () => {
  expect(formatted({}, false)).toBe('optimized: 42 -> 17 insns');
  const removed = ['a', 'b', 'c', 'd', 'e', 'f'];
  expect(formatted({ removed, programs: [PROGRAM, PROGRAM] }, false)).toBe(
    'optimized: 84 -> 34 insns; inlined and removed, so that nothing can attach to or replace them: ' +
      'a, b, c, d, and 2 more (--no-inline NAME keeps one)',
  );
  expect(formatted({ programs: [{ ...PROGRAM, refused: 'it calls itself' }] }, false)).toBe(
    'optimized: nothing',
  );
});
