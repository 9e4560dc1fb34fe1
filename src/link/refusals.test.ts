/** One link or re-link for each code of this layer that had none, with the neighbour that is accepted. */

import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../test/support/objects.ts';
import type { Problem } from '../diag/problem.ts';
import type { BpfObject } from '../object/model/model.ts';
import { type LinkOptions, link } from './link.ts';
import { checkLimits } from './passes/limits.ts';
import { relink } from './relink.ts';
import { type ChainRelinkOptions, relinkChain } from './relink-chain.ts';

const fn = (name: string, more: Partial<SymbolSpec> = {}): SymbolSpec => ({
  name,
  kind: 'function',
  ...more,
});
const program = (name: string, more: Partial<SymbolSpec> = {}) => fn(name, { section: 'xdp', ...more });
const codes = (result: { ok: true } | { ok: false; problems: readonly Problem[] }): string[] =>
  result.ok ? [] : result.problems.map(({ code }) => code);
const linked = (objects: readonly BpfObject[], options: LinkOptions = {}) => codes(link(objects, options));

/** The object with a `version` section that holds `version`. */
function versioned(name: string, version: number): BpfObject {
  return objectOf(name, [
    program(name),
    { name: `_v_${name}`, kind: 'variable', section: 'version', value: version, binding: 'local' },
  ]);
}

test('link-version: versions that differ', () => {
  expect(linked([versioned('a', 4), versioned('b', 4)])).toEqual([]);
  expect(linked([versioned('a', 4), versioned('b', 5)])).toEqual(['link-version']);
});

test('link-common-size: a definition that is smaller than a tentative one; the largest tentative one counts', () => {
  const common = (name: string, size: number) => objectOf(name, [{ name: 'v', kind: 'common', size }]);
  const defined = (size: number) => objectOf('d', [{ name: 'v', kind: 'variable', size }]);
  expect(linked([common('a', 4), defined(8)])).toEqual([]);
  expect(linked([common('a', 8), defined(4)])).toEqual(['link-common-size']);
  expect(linked([defined(4), common('a', 8)])).toEqual(['link-common-size']);
  for (const objects of [
    [common('a', 4), common('b', 8)],
    [common('b', 8), common('a', 4)],
  ]) {
    const result = link(objects);
    const sizes = result.ok ? result.object.symbols.map(one => (one.kind === 'variable' ? one.size : 0)) : [];
    expect(sizes).toEqual([8]);
  }
});

test('link-input-ambiguous: a file name that two inputs have', () => {
  const user = objectOf('user.o', [program('p', { calls: ['f'] }), { name: 'f', kind: 'extern function' }]);
  const bind = (provider: string) => ({ bind: [{ consumer: 'user.o', extern: 'f', provider, target: 'g' }] });
  const one = objectOf('x/lib.o', [fn('g')]);
  expect(linked([user, one], bind('lib.o'))).toEqual([]);
  expect(linked([user, one, objectOf('y/lib.o', [fn('h')])], bind('lib.o'))).toEqual([
    'link-input-ambiguous',
    'link-undefined',
  ]);
});

test('link-addend: a reference past the end of the definition', () => {
  const reading = (addend: number): BpfObject => {
    const object = objectOf('a.o', [program('p', { uses: ['v'] }), { name: 'v', kind: 'extern variable' }]);
    const symbols = object.symbols.map(symbol =>
      symbol.kind === 'function'
        ? { ...symbol, references: symbol.references.map(one => ({ ...one, addend })) }
        : symbol,
    );
    return { ...object, symbols };
  };
  const owner = objectOf('b.o', [{ name: 'v', kind: 'variable' }]);
  expect(linked([reading(0), owner])).toEqual([]);
  expect(linked([reading(64), owner])).toEqual(['link-addend']);
});

test('link-alias-static: a static variable has no alias for other files', () => {
  const user = objectOf('a.o', [program('p', { uses: ['v'] }), { name: 'v', kind: 'extern variable' }]);
  const owner = (binding: 'global' | 'local') =>
    objectOf('b.o', [{ name: 'w', kind: 'variable', binding }, program('q', { uses: ['w'] })]);
  const edits = { defsym: [{ name: 'v', target: 'w', file: 'b.o' }] };
  expect(linked([user, owner('global')], { edits })).toEqual([]);
  expect(linked([user, owner('local')], { edits })).toEqual(['link-alias-static']);
});

describe('limits of one program', () => {
  const calling = (functions: number) => {
    const names = Array.from({ length: functions - 1 }, (_, at) => `f${at}`);
    return objectOf('a.o', [program('p', { calls: names }), ...names.map(name => fn(name))]);
  };
  const using = (maps: number) => {
    const names = Array.from({ length: maps }, (_, at) => `m${at}`);
    return objectOf('a.o', [
      program('p', { uses: names }),
      ...names.map((name): SymbolSpec => ({ name, kind: 'map' })),
    ]);
  };
  test.each([
    ['relink-functions', 256, calling],
    ['relink-maps', 64, using],
  ] as const)('%s: %i are allowed', (code, most, make) => {
    expect(checkLimits(make(most)).map(one => one.code)).toEqual([]);
    expect(checkLimits(make(most + 1)).map(one => one.code)).toEqual([code]);
  });
});

describe('chains', () => {
  const chain = (objects: readonly BpfObject[], options: ChainRelinkOptions = {}) =>
    codes(
      relinkChain(
        objects.map(component => ({ component })),
        options,
      ),
    );
  const member = objectOf('a.o', [program('p', { context: 'xdp_md' })]);

  test.each<readonly [string, readonly BpfObject[], ChainRelinkOptions]>([
    ['chain-no-program', [], {}],
    ['chain-type', [objectOf('a.o', [fn('p', { section: 'syscall' })])], {}],
    ['chain-program-name', [member], { program: '1st' }],
    ['chain-program-name', [member], { program: 'a-b' }],
  ])('%s', (code, objects, options) => {
    expect(chain(objects, options)).toEqual([code]);
  });

  test('a name that is a C identifier', () => {
    expect(chain([member], { program: '_first' })).toEqual([]);
  });
});

test('relink-array-program: a program that becomes a function is in an array', () => {
  const host = objectOf('host.o', [program('p', { calls: ['slot'] }), fn('slot', { binding: 'weak' })]);
  const specs = [program('judge', { uses: ['m'] }), program('other'), { name: 'm', kind: 'map', mapType: 3 }];
  const component = objectOf('a.o', specs as SymbolSpec[]); // the words are those of specs
  const holding = (held: string): BpfObject => ({
    ...component,
    symbols: component.symbols.map(one => {
      if (one.kind !== 'map') return one;
      const symbol = component.symbols.findIndex(({ name }) => name === held);
      return { ...one, references: [{ offset: 32, width: 8, symbol, addend: 0, kind: 'address' }] };
    }),
  });
  const filled = (held: string) =>
    codes(relink(host, [{ slot: 'slot', component: holding(held), program: 'judge' }]));
  expect(filled('judge')).toContain('relink-array-program');
  expect(filled('other')).not.toContain('relink-array-program');
});

test('a slot that has no component', () => {
  const host = objectOf('host.o', [program('p', { calls: ['slot'] }), fn('slot', { binding: 'weak' })]);
  expect(codes(relink(host, []))).toEqual([]);
});
