/**
 * The planner as a table: what ran, what is to run, the policy; then the decision about one map, and its
 * reason.
 */

import { describe, expect, test } from 'vitest';
import { needs } from '../../test/support/needs.ts';
import { RootletError } from '../diag/problem.ts';
import { link } from '../link/link.ts';
import { prepareLoad } from '../load/load.ts';
import type { BpfObject } from '../object/model/model.ts';
import { planState } from './plan.ts';
import {
  compileTexts,
  decide,
  describeDecision,
  fresh,
  HEAD,
  kernel,
  type Policy,
  type Row,
  run,
  testRows,
  textsOf,
  unchanged,
  withProgram,
} from './testing.ts';

const freshVariable = (...names: readonly string[]): Policy => ({
  freshVariable: (_, variable) => names.includes(variable),
});
const given = (...names: readonly string[]): Policy => ({
  givenVariable: (_, variable) => names.includes(variable),
});

// --- variables ----------------------------------------------------------------------------------------------------

const S = 'struct s { int x, y; };';
const statics = (more: string) => `
static __noinline int f(int v) { static volatile int n; n += v; return n; }
static __noinline int g(int v) { static volatile int n; n -= v; return n; }
__noinline int use(int v) { return f(v) + g(v); }
${more} volatile int kept;`;
const LOCK = '__hidden struct bpf_spin_lock lock SEC(".bss.own"); __hidden int beside SEC(".bss.own");';

const VARIABLES: readonly Row[] = [
  ['equal', 'int a; long b;', 'int a; long b;', '.bss', 'reuse'],
  ['equal, initial values differ', 'int a = 1;', 'int a = 2;', '.data', 'reuse'],
  ['swapped', 'int a; int b;', 'int b; int a;', '.bss', 'migrate | a 0->4:4 | b 4->0:4'],
  ['moved', 'int a;', 'long first; int a;', '.bss', 'migrate | a 0->8:4'],
  ['grown by one', 'int a;', 'int a; int b;', '.bss', 'migrate | a 0->0:4'],
  [
    'one moved, in a section of the same size',
    'int a; int b; int c __attribute__((aligned(16)));',
    'int a; int b __attribute__((aligned(8))); int c __attribute__((aligned(16)));',
    '.bss',
    'migrate | a 0->0:4 | b 4->8:4 | c 16->16:4',
  ],
  [
    'equal, static before: the map can be mapped into memory now',
    'static volatile int a; __noinline int use(int v) { return a += v; }',
    'volatile int a; __noinline int use(int v) { return a += v; }',
    '.bss',
    'migrate | a 0->0:4',
  ],
  ['fewer', 'int a; int b;', 'int a;', '.bss', 'migrate | a 0->0:4 | lost | b is gone'],
  ['one renamed', 'int a; int b;', 'int a; int c;', '.bss', 'migrate | a 0->0:4 | lost | b is gone'],
  ['all renamed', 'int a;', 'int b;', '.bss', 'reset | no variable is unchanged: a is gone'],
  [
    'another type of equal size',
    'int a; int b;',
    'int a; struct { int x; } b;',
    '.bss',
    'migrate | a 0->0:4 | lost | b was int and is struct {...}',
  ],
  [
    'unsigned',
    'int a;',
    'unsigned a;',
    '.bss',
    'reset | no variable is unchanged: a was int and is unsigned int',
  ],
  ['long and long long', 'long a;', 'long long a;', '.bss', 'reuse'],
  ['wider', 'int a;', 'long a;', '.bss', 'reset | no variable is unchanged: a was int and is long'],
  [
    'an array of more',
    'int a[4];',
    'int a[5];',
    '.bss',
    'reset | no variable is unchanged: a was int[4] and is int[5]',
  ],
  ['a struct, equal', `${S} struct s a;`, `${S} struct s a;`, '.bss', 'reuse'],
  [
    'members of a struct swapped',
    `${S} struct s a; int b;`,
    'struct s { int y, x; }; struct s a; int b;',
    '.bss',
    'migrate | b 8->8:4 | lost | a was struct s: member 1 is x and is struct s: member 1 is y',
  ],
  [
    'a struct with one more member',
    `${S} struct s a; int b;`,
    'struct s { int x, y, z; }; struct s a; int b;',
    '.bss',
    'migrate | b 8->12:4 | lost | a was struct s: 2 members and is struct s: 3 members',
  ],
  ['a typedef of the same', 'int a;', 'typedef int t; t a;', '.bss', 'reuse'],
  ['volatile now', 'int a;', 'volatile int a;', '.bss', 'reuse'],
  [
    'statics of functions',
    statics(''),
    statics('int more;'),
    '.bss',
    'migrate | kept 0->4:4 | f.n 4->8:4 | g.n 8->12:4',
  ],
  ['a lock in its place', LOCK, LOCK, '.bss.own', 'reuse'],
  [
    'a lock that moved',
    LOCK,
    `__hidden long before SEC(".bss.own"); ${LOCK}`,
    '.bss.own',
    'migrate | beside 4->12:4 | lost | lock moved, and contains a bpf_spin_lock, which only the kernel may write',
  ],
  [
    'sections of their own',
    'int a SEC(".bss.x"); int b SEC(".bss.y");',
    'int a SEC(".bss.x"); int c SEC(".bss.y");',
    '.bss.x',
    'reuse',
  ],
  ['none before', 'int a = 1;', 'int a = 1; int b;', '.bss', 'new | there was none'],
  ['the file is the same', 'int a; int b;', 'int a; int b;', '.bss', 'reuse', unchanged],
  // an earlier generation of another build
  [
    'the file is the same, but not its layout',
    'int a; int b;',
    'int b; int a; int c;',
    '.bss',
    'migrate | a 0->4:4 | b 4->0:4',
    unchanged,
  ],
];

const WISHES: readonly Row[] = [
  ['a section is fresh', 'int a;', 'int a;', '.bss', 'reset | as requested with --fresh', fresh],
  [
    'and unchanged',
    'int a;',
    'int a;',
    '.bss',
    'reset | as requested with --fresh',
    { ...unchanged, ...fresh },
  ],
  [
    'one variable is fresh',
    'int a; int b;',
    'int a; int b;',
    '.bss',
    'migrate | b 4->4:4 | lost | a is reset, as requested with --fresh',
    freshVariable('a'),
  ],
  [
    'one variable is fresh, the file is the same',
    'int a; int b;',
    'int a; int b;',
    '.bss',
    'migrate | b 4->4:4 | lost | a is reset, as requested with --fresh',
    { ...unchanged, ...freshVariable('a') },
  ],
  [
    'all variables are fresh',
    'int a; int b;',
    'int a; int b;',
    '.bss',
    'reset | no variable is unchanged: a is reset, as requested with --fresh, b is reset, as requested with --fresh',
    freshVariable('a', 'b'),
  ],
  [
    'a fresh variable of another section',
    'int a; int b = 1;',
    'int a; int b = 1;',
    '.bss',
    'reuse',
    freshVariable('b'),
  ],
  [
    'a fresh variable that is gone',
    'int a; int b;',
    'int a;',
    '.bss',
    'migrate | a 0->0:4 | lost | b is gone',
    freshVariable('b'),
  ],
  ['a given variable in a map that goes on', 'int a; int b;', 'int a; int b;', '.bss', 'reuse', given('a')],
  ['a given variable that moved', 'int a; int b;', 'int b; int a;', '.bss', 'migrate | b 4->0:4', given('a')],
  [
    'a given variable of another type',
    'int a; int b;',
    'long a; int b;',
    '.bss',
    'migrate | b 4->8:4',
    given('a'),
  ],
];

// --- constants ----------------------------------------------------------------------------------------------------

const CONSTANTS: readonly Row[] = [
  ['equal', 'const volatile int c = 1;', 'const volatile int c = 1;', '.rodata', 'reuse'],
  [
    'another value',
    'const volatile int c = 1;',
    'const volatile int c = 2;',
    '.rodata',
    'new | constants belong to the code',
  ],
  [
    'another value, unchanged',
    'const volatile int c = 1;',
    'const volatile int c = 2;',
    '.rodata',
    'new | constants belong to the code',
    unchanged,
  ],
  [
    'another size',
    'const volatile int c = 1;',
    'const volatile int c = 1, d;',
    '.rodata',
    'new | constants belong to the code',
  ],
  ['zeros', 'const volatile int c;', 'const volatile int c;', '.rodata', 'reuse'],
  ['fresh', 'const volatile int c = 1;', 'const volatile int c = 1;', '.rodata', 'reuse', fresh],
];

const KEPT = 'volatile int kept;';
const MORE = 'volatile int more;';
/** Two files with a static variable of one name each. */
const COUNTERS = ['f', 'g'].map(
  name => `static volatile int n; __noinline int ${name}(void) { return n++; }`,
);

// --- the tables ---------------------------------------------------------------------------------------------------

const TABLES: readonly (readonly [string, readonly Row[]])[] = [
  ['variables', VARIABLES],
  ['wishes for variables', WISHES],
  ['constants', CONSTANTS],
];

const wanted = needs('bpf', 'clang');

wanted.describe('the planner', () => {
  if (wanted.reason !== undefined) return;
  const files = [MORE, ...COUNTERS].map(text => HEAD + text);
  const rows = TABLES.flatMap(([, table]) => table);
  const objectOf = compileTexts([...textsOf(rows), withProgram(KEPT), ...files]);
  describe.each(TABLES)('%s', (_, table) => testRows(table, objectOf));

  describe('without types', () => {
    const [before, after] = [objectOf(withProgram('int a; int b;')), objectOf(withProgram('int a; int b;'))];
    const decisionOf = (old: BpfObject, next: BpfObject, policy: Policy = {}): string => {
      using running = run(old);
      return describeDecision(decide(running, next, policy).decisions.get('.bss')?.decision);
    };
    const UNKNOWN = 'reset | the types of its variables are not known';
    test.each([
      ['before', withoutTypes(before), after],
      ['now', before, withoutTypes(after)],
      ['on both sides', withoutTypes(before), withoutTypes(after)],
    ] as const)('%s', (_, old, next) => {
      expect(decisionOf(old, next)).toBe(UNKNOWN);
    });

    test('the file is the same: equal sizes mean equal layouts', () => {
      expect(decisionOf(withoutTypes(before), withoutTypes(after), unchanged)).toBe('reuse');
    });

    test('the file is the same, but not its size: nothing is guessed', () => {
      const next = withoutTypes(objectOf(withProgram('int b; int a; int c;')));
      expect(decisionOf(withoutTypes(before), next, unchanged)).toBe(UNKNOWN);
    });
  });

  test('two statics of one name, of files that were linked together, are not mixed up', () => {
    const linked = (...more: readonly string[]): BpfObject => {
      const files = [...more, ...COUNTERS].map(text => HEAD + text);
      const result = link([withProgram(KEPT), ...files].map(objectOf), { partial: true });
      if (!result.ok) throw new RootletError(result.problems);
      return result.object;
    };
    using running = run(linked());
    const same = decide(running, linked()).decisions.get('.bss')?.decision;
    expect(describeDecision(same)).toBe('reuse'); // nothing moved
    const moved = decide(running, linked(MORE)).decisions.get('.bss')?.decision;
    expect(describeDecision(moved)).toBe(
      'migrate | kept 0->0:4 | lost | n exists more than once | n exists more than once',
    );
  });

  test('what has no owner is not decided about', () => {
    using running = run(objectOf(withProgram('int a;')));
    const plan = prepareLoad(objectOf(withProgram('int a;')), kernel, { pinRoot: null, mapsOnly: true }).plan;
    const no = () => false;
    const request = { unchanged: no, keepsPrograms: no, fresh: no, freshVariable: no, givenVariable: no };
    const previous = ({ name }: { readonly name: string }) => running.previous(name);
    const decisions = planState({ sys: kernel, plan, states: [], previous, pinRoot: null, ...request });
    expect([...decisions]).toEqual([]);
  });
});

/** As if it was compiled without -g. */
function withoutTypes(object: BpfObject): BpfObject {
  const symbols = object.symbols.map(symbol => ('btfId' in symbol ? { ...symbol, btfId: 0 } : symbol));
  return { ...object, btf: null, symbols };
}
