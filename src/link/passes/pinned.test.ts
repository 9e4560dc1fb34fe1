import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { type LinkOptions, type LinkSuccess, link } from '../link.ts';
import { labelsFor } from './names.ts';

const PIN: SymbolSpec = { name: 'list', kind: 'map', pinning: 1, binding: 'local' };
const PLAIN: SymbolSpec = { name: 'list', kind: 'map', binding: 'local' };

function file(letter: string, ...maps: readonly SymbolSpec[]): BpfObject {
  const uses = maps.map(({ name }) => name);
  return objectOf(`${letter}.o`, [
    { name: letter, kind: 'function', section: 'xdp', context: 'xdp_md', uses, value: 2 },
    ...maps,
  ]);
}

function linked(files: readonly BpfObject[], options: LinkOptions = {}): LinkSuccess {
  const result = link(files, options);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result;
}

/** Map that each program uses. */
function uses({ object }: Pick<LinkSuccess, 'object'>): Record<string, string | undefined> {
  const { symbols } = object;
  return Object.fromEntries(
    symbols.flatMap(symbol =>
      symbol.kind === 'function' ? [[symbol.name, symbols[symbol.references[0]?.symbol ?? -1]?.name]] : [],
    ),
  );
}

function maps({ object }: Pick<LinkSuccess, 'object'>): string[] {
  return object.symbols.flatMap(({ kind, name, binding }) => (kind === 'map' ? [`${binding} ${name}`] : []));
}

function problems(files: readonly BpfObject[], options: LinkOptions = {}): string[] {
  const result = link(files, options);
  return result.ok ? [] : result.problems.map(({ code }) => code);
}

describe.each([
  ['', {}],
  [' (partial)', { partial: true }],
  [' (collected)', { gcSections: true }],
])('link keeps the names of pinned maps%s', (_, options: LinkOptions) => {
  test.each([
    {
      what: 'two static ones that are equal are one',
      a: PIN,
      b: PIN,
      result: ['local list'],
      used: { a: 'list', b: 'list' },
    },
    {
      what: 'a static and a global one that are equal are one, which is global',
      a: PIN,
      b: { ...PIN, binding: 'global' },
      result: ['global list'],
      used: { a: 'list', b: 'list' },
    },
    {
      what: 'a static map that is not pinned gives way',
      a: PIN,
      b: PLAIN,
      result: ['local list', 'local list__2'],
      used: { a: 'list', b: 'list__2' },
    },
    {
      what: 'long names are not cut',
      a: { ...PLAIN, name: 'a_table_of_blocked_hosts' },
      b: { ...PLAIN, name: 'a_table_of_blocked_hosts' },
      result: ['local a_table_of_blocked_hosts', 'local a_table_of_blocked_hosts__2'],
      used: {},
    },
    {
      what: 'names that are equal in 15 characters are kept',
      a: { ...PLAIN, name: 'firewall_blocked_v4' },
      b: { ...PLAIN, name: 'firewall_blocked_v6' },
      result: ['local firewall_blocked_v4', 'local firewall_blocked_v6'],
      used: { a: 'firewall_blocked_v4', b: 'firewall_blocked_v6' },
    },
  ] as const)('$what', ({ a, b, result, used }) => {
    for (const files of [
      [file('a', a), file('b', b)],
      [file('b', b), file('a', a)],
    ]) {
      const done = linked(files, options);
      expect([...maps(done)].sort()).toEqual(result);
      expect(uses(done)).toMatchObject(used);
      const written = writeObject(done.object);
      expect(
        Buffer.compare(
          writeObject(linked([readObject({ name: 'again.o', bytes: written })]).object),
          written,
        ),
      ).toBe(0);
    }
  });

  test('a static function gives way, a global one and a variable are not obstacles', () => {
    const helper = objectOf('h.o', [
      { name: 'use', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['list'] },
      { name: 'list', kind: 'function', binding: 'local' },
    ]);
    const done = linked([helper, file('a', PIN)], options);
    expect(maps(done)).toEqual(['local list']);
    expect(done.renames).toEqual([
      {
        file: 'h.o',
        kind: 'function',
        from: 'list',
        to: 'list__2',
        reason: 'pinned',
        namesake: { file: 'a.o', kind: 'map' },
      },
    ]);
    const variable = objectOf('v.o', [{ name: 'list', kind: 'variable' }]);
    expect(linked([variable, file('a', PIN)], options).renames).toEqual([]);
  });
});

describe('what cannot be', () => {
  test('different definitions under one pin', () => {
    const result = link([file('a', PIN), file('b', { ...PIN, value: 5 })]);
    expect(!result.ok && result.problems).toMatchObject([
      {
        code: 'link-map-mismatch',
        where: ['b.o'],
        message: '"list" does not agree with its definition in a.o: max_entries is 5 here and 1 there',
        details: [expect.stringContaining('a.o: struct {'), expect.stringContaining('b.o: struct {')],
        hint: expect.stringContaining('--redefine-sym b.o:list=b_list'),
      },
    ]);
    const redefine = [{ file: 'b.o', from: 'list', to: 'b_list' }];
    const repaired = linked([file('a', PIN), file('b', { ...PIN, value: 5 })], { edits: { redefine } });
    expect(maps(repaired)).toEqual(['local list', 'local b_list']);
  });

  test('a static pinned map and another map that is global', () => {
    const files = [file('a', PIN), file('b', { ...PLAIN, binding: 'global' })];
    const result = link(files);
    expect(!result.ok && result.problems).toMatchObject([
      { code: 'link-pin-name', where: ['b.o'], hint: expect.stringContaining('b.o:list=b_list') },
    ]);
    const redefine = [{ file: 'b.o', from: 'list', to: 'b_list' }];
    expect(maps(linked(files, { edits: { redefine } }))).toEqual(['local list', 'global b_list']);
  });

  test('two global ones, which are duplicates even if they are pinned', () => {
    const pinned: SymbolSpec = { ...PIN, binding: 'global' };
    expect(problems([file('a', pinned), file('b', pinned)])).toEqual(['link-duplicate']);
    expect(problems([file('a', pinned), file('b', pinned)], { foldIdentical: true })).toEqual([]);
  });
});

test('what was joined and renamed is reported', () => {
  const files = [file('a', PIN), file('b', PIN), file('c', PLAIN)];
  const { merged, renames, report } = linked(files);
  expect(merged).toEqual([{ name: 'list', files: ['a.o', 'b.o'] }]);
  expect(renames).toEqual([
    {
      file: 'c.o',
      kind: 'map',
      from: 'list',
      to: 'list__2',
      reason: 'pinned',
      namesake: { file: 'a.o', kind: 'map' },
    },
  ]);
  expect(report).toMatchObject({ merged, renames });
  expect(report.discarded).toContainEqual({
    name: 'list',
    kind: 'map',
    file: 'b.o',
    size: 40,
    reason: 'identical',
    winner: 'a.o',
  });
});

test('explain shows which definition replaces the others', () => {
  const pinned: SymbolSpec = { ...PIN, binding: 'global' };
  const { explanations } = linked([file('a', PIN), file('b', pinned)], { explain: ['list'] });
  expect(explanations).toMatchObject([{ winner: expect.stringContaining('b.o'), losers: [] }]);
});

test('labels begin like names of C', () => {
  expect(labelsFor(['4to6.o', 'a-b.o'])).toEqual(['c_4to6', 'a_b']);
});
