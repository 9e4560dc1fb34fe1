/** What the problem of a name with several definitions suggests. */

import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { Problem } from '../../diag/problem.ts';
import { type LinkOptions, link } from '../link.ts';

const program = (name: string, value: number, section = 'xdp'): SymbolSpec => ({
  name,
  kind: 'function',
  section,
  context: 'xdp_md',
  value,
});
const fn = (name: string, value: number): SymbolSpec => ({ name, kind: 'function', value });
const map = (name: string, value: number, pinning = 0): SymbolSpec => ({ name, kind: 'map', value, pinning });

function refused(
  left: readonly SymbolSpec[],
  right: readonly SymbolSpec[],
  options: LinkOptions = {},
): readonly Problem[] {
  const result = link([objectOf('a.o', left), objectOf('b.o', right)], options);
  return result.ok ? [] : result.problems;
}

const EQUAL = 'the definitions are equal: --fold-identical makes them one';
const RENAME = 'rename one when linking (--redefine-sym FILE:OLD=NEW)';
const GENERAL = `make all but one of them static or __weak, or ${RENAME}`;
const CHAIN = 'to run both on one hook: rootlet relink --chain';

describe('the hint', () => {
  const cases: readonly {
    readonly what: string;
    readonly left: readonly SymbolSpec[];
    readonly right: readonly SymbolSpec[];
    readonly hint: string;
  }[] = [
    { what: 'equal functions', left: [fn('f', 1)], right: [fn('f', 1)], hint: EQUAL },
    { what: 'functions that differ', left: [fn('f', 1)], right: [fn('f', 2)], hint: GENERAL },
    { what: 'equal maps', left: [map('m', 1)], right: [map('m', 1)], hint: EQUAL },
    { what: 'equal pinned maps', left: [map('m', 1, 1)], right: [map('m', 1, 1)], hint: EQUAL },
    { what: 'maps that differ', left: [map('m', 1)], right: [map('m', 2)], hint: GENERAL },
    {
      what: 'programs that differ',
      left: [program('p', 1)],
      right: [program('p', 2)],
      hint: `${CHAIN} a.o b.o; ${RENAME}`,
    },
    {
      what: 'equal programs',
      left: [program('p', 1)],
      right: [program('p', 1)],
      hint: `${EQUAL}; ${CHAIN} a.o b.o`,
    },
    {
      what: 'a map of two files with a program each',
      left: [program('p', 1), map('m', 1)],
      right: [program('q', 1), map('m', 2)],
      hint: `${CHAIN} a.o b.o; ${GENERAL}`,
    },
    {
      what: 'a program beside others',
      left: [program('p', 1), program('o', 1)],
      right: [program('p', 2), program('k', 1, 'kprobe/f')],
      hint: `${CHAIN} a.o:p b.o:p; ${RENAME}`,
    },
    {
      what: 'a function beside several programs of the hook, and beside one',
      left: [program('p', 1), program('o', 1), fn('f', 1)],
      right: [program('q', 2), program('k', 1, 'kprobe/f'), fn('f', 1)],
      hint: `${EQUAL}; ${CHAIN} a.o:PROGRAM b.o:q`,
    },
    {
      what: 'programs of two types',
      left: [program('p', 1)],
      right: [program('p', 1, 'tc')],
      hint: RENAME,
    },
    {
      what: 'programs of two hooks of one type',
      left: [program('p', 1, 'cgroup/connect4')],
      right: [program('p', 1, 'cgroup/connect6')],
      hint: RENAME,
    },
    {
      what: 'programs that are not chained',
      left: [program('p', 1, 'kprobe/f')],
      right: [program('p', 2, 'kprobe/f')],
      hint: RENAME,
    },
  ];
  test.each(cases)('for $what', ({ left, right, hint }) => {
    expect(refused(left, right).map(problem => [problem.code, problem.hint])).toEqual([
      ['link-duplicate', hint],
    ]);
  });

  test('does not repeat the option that was given', () => {
    const [problem] = refused([fn('f', 1)], [fn('f', 2)], { foldIdentical: true });
    expect(problem?.hint).toBe(GENERAL);
    expect(problem?.details?.slice(2).join()).toContain('not identical');
  });

  test('names only files that can be in a chain', () => {
    const member = { ...objectOf('lib.a(b.o)', [program('p', 2)]) };
    const result = link([objectOf('a.o', [program('p', 1)]), member]);
    expect(result.ok ? [] : result.problems.map(({ hint }) => hint)).toEqual([RENAME]);
  });
});

describe('a name that clashes is one problem', () => {
  const kinds: readonly (readonly [string, SymbolSpec, SymbolSpec])[] = [
    ['with other types', { name: 'x', kind: 'variable', size: 4 }, { name: 'x', kind: 'variable', size: 8 }],
    ['of other kinds', { name: 'x', kind: 'variable' }, fn('x', 1)],
    ['of other map definitions', map('x', 1), map('x', 2)],
    ['of other pinned map definitions', map('x', 1, 1), map('x', 2, 1)],
    ['of a pinned map and one that is not', map('x', 1, 1), map('x', 1)],
    ['of maps of other types', map('x', 1), { ...map('x', 1), mapType: 1 }],
  ];
  for (const foldIdentical of [false, true])
    test.each(kinds)(`%s, --fold-identical ${foldIdentical}`, (_, left, right) => {
      const users: SymbolSpec[] = [{ name: 'user', kind: 'function', uses: ['x'] }];
      for (const [one, other] of [
        [left, right],
        [right, left],
      ] as const) {
        const problems = refused([one, ...users], [other], { foldIdentical });
        expect(problems.map(({ code }) => code)).toEqual(['link-duplicate']);
      }
    });
});
