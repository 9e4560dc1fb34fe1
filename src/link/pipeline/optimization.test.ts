/** What `link` and `relink` hand to the optimizer, and what they refuse. */

import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { type LinkOptions, link } from '../link.ts';
import type { OptimizeOptions } from '../optimize/model/options.ts';
import type { RelinkOptions } from '../relink/options.ts';
import { relink } from '../relink.ts';
import { relinkChain } from '../relink-chain.ts';

const MAIN = objectOf('main.o', [
  { name: 'main', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['helper', 'hook'], value: 2 },
  { name: 'helper', kind: 'extern function' },
  { name: 'hook', kind: 'function', binding: 'weak' },
  { name: 'table', kind: 'map' },
]);
const LIBRARY = objectOf('library.o', [
  { name: 'helper', kind: 'function' },
  { name: 'spare', kind: 'function' },
]);

const ROOTLET = objectOf('rootlet.o', [
  { name: 'root', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['one', 'two'], value: 2 },
  { name: 'one', kind: 'function', binding: 'weak', context: 'xdp_md', value: 2 },
  { name: 'two', kind: 'function', binding: 'weak', context: 'xdp_md', value: 2 },
]);
const COMPONENT = objectOf('part.o', [
  { name: 'prog', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['own'], value: 2 },
  { name: 'own', kind: 'function' },
]);

type Outcome = ReturnType<typeof link> | ReturnType<typeof relink>;

const linked = (options: LinkOptions): Outcome => link([MAIN, LIBRARY], options);
const filled = (options: RelinkOptions): Outcome =>
  relink(ROOTLET, [{ slot: 'one', component: COMPONENT }], options);

const problemsOf = (result: Outcome): readonly string[] =>
  result.ok ? [] : result.problems.map(({ code, class: kind, message }) => `${code} (${kind}): ${message}`);

function functionsOf(result: Outcome): readonly string[] {
  if (!result.ok) throw new Error(problemsOf(result).join('\n'));
  const { symbols }: BpfObject = result.object;
  return symbols.flatMap(symbol => (symbol.kind === 'function' ? [symbol.name] : [])).sort();
}

describe('the default', () => {
  test('is off for link and relink, and on for generated chains', () => {
    const chain = (options: RelinkOptions): Outcome => relinkChain([{ component: COMPONENT }], options);
    const results = [linked({}), filled({}), chain({}), chain({ optimize: false }), linked({ optimize: {} })];
    expect(results.map(result => result.ok && result.optimization !== null)).toEqual([
      false,
      false,
      true,
      false,
      true,
    ]);
    expect(results.map(result => result.ok && result.report.optimization !== null)).toEqual([
      false,
      false,
      true,
      false,
      true,
    ]);
  });
});

describe('names of noInline', () => {
  const noInline = (...words: string[]): { readonly optimize: OptimizeOptions } => ({
    optimize: { noInline: words },
  });

  test.each(['helper', 'library.o:helper', 'main', 'hook'])('link knows %s', word => {
    expect(functionsOf(linked(noInline(word)))).toEqual(expect.arrayContaining(['helper', 'main']));
  });

  test.each(['one', 'prog', 'part.o:own', 'own', 'two'])('relink knows %s', word => {
    expect(problemsOf(filled(noInline(word)))).toEqual([]);
  });

  test('and what was collected', () => {
    expect(problemsOf(linked({ gcSections: true, ...noInline('spare') }))).toEqual([]);
  });

  test.each(['helpr', 'other.o:helper'])('nothing is called %s', word => {
    expect(problemsOf(linked(noInline(word)))).toEqual([
      `link-unknown-symbol (usage): --no-inline "${word}": no input has such a symbol`,
    ]);
  });

  test('a map is not a function', () => {
    expect(problemsOf(linked(noInline('table')))).toEqual([
      'link-optimize (usage): --no-inline "table": it is a map, not a function of an input',
    ]);
  });

  test('all of them are reported', () => {
    expect(problemsOf(filled(noInline('a', 'b')))).toHaveLength(2);
  });
});

test('programs are those of the result', () => {
  expect(problemsOf(linked({ optimize: { programs: ['main'] } }))).toEqual([]);
  expect(problemsOf(linked({ optimize: { programs: ['helper'] } }))).toEqual([
    'link-optimize (usage): there is no program "helper" to optimize or to keep',
  ]);
});

test('a partial link is not optimized', () => {
  expect(problemsOf(linked({ partial: true, optimize: false }))).toEqual([]);
  expect(problemsOf(linked({ partial: true, optimize: true }))).toEqual([
    'link-optimize (usage): a partial link cannot be optimized: its functions can still get other callers',
  ]);
});

test('another type is a mistake of the caller', () => {
  const call = (optimize: unknown) => () => Reflect.apply(link, undefined, [[MAIN, LIBRARY], { optimize }]);
  expect(call('O1')).toThrow('link: options.optimize must be an object of options; got a string');
  expect(call({ inline: 'most' })).toThrow('link: options.optimize.inline must be one of');
});
