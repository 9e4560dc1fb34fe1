/** Pinned maps in a re-link: they keep their names, equal ones are one map, and what has the same name gives way. */

import { describe, expect, test } from 'vitest';
import type { RelinkOptions } from '../../../src/link/relink/options.ts';
import { type RelinkSuccess, relink } from '../../../src/link/relink.ts';
import { relinkChain } from '../../../src/link/relink-chain.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { objectOf, type SymbolSpec } from '../../support/objects.ts';
import { chained, firewall, inSlots, namesOf, refusals, symbolOf, usesOf } from './shapes.ts';

const PIN: SymbolSpec = { name: 'list', kind: 'map', pinning: 1 };
const WIDE: SymbolSpec = { ...PIN, value: 9 };
const PLAIN: SymbolSpec = { name: 'list', kind: 'map' };
const STATIC_PIN: SymbolSpec = { ...PIN, binding: 'local' };
/** Equal in the 15 characters that a kernel keeps. */
const LONG = ['firewall_blocked_v4', 'firewall_blocked_v6'] as const;

function rootletWith(...others: readonly SymbolSpec[]): BpfObject {
  return objectOf('rootlet.o', [
    {
      name: 'root',
      kind: 'function',
      section: 'xdp',
      context: 'xdp_md',
      calls: ['one', 'two'],
      uses: others.map(({ name }) => name),
      value: 2,
    },
    { name: 'one', kind: 'function', binding: 'weak', context: 'xdp_md', value: 2 },
    { name: 'two', kind: 'function', binding: 'weak', context: 'xdp_md', value: 2 },
    ...others,
  ]);
}

/** Names of maps and variables, and what the programs of the files use. */
function shape(result: RelinkSuccess): Record<string, readonly string[]> {
  const programs = namesOf(result, 'function').filter(name => ['root', 'a', 'b'].includes(name));
  return {
    maps: [...namesOf(result, 'map')].sort(),
    ...Object.fromEntries(
      programs.map(name => [name, usesOf(result, name).filter(used => /list|firewall/.test(used))]),
    ),
  };
}

function spelledRenames({ report }: RelinkSuccess): string[] {
  return report.renames.map(({ file, kind, from, to, reason }) => `${file} ${kind} ${from} ${to} ${reason}`);
}

const COMBINATIONS: readonly {
  readonly what: string;
  readonly a: readonly SymbolSpec[];
  readonly b: readonly SymbolSpec[];
  readonly rootlet?: readonly SymbolSpec[];
  readonly options?: RelinkOptions;
  readonly maps: readonly string[];
  readonly uses: Readonly<Record<string, readonly string[]>>;
  readonly renames?: readonly string[];
  readonly merged?: readonly string[];
}[] = [
  {
    what: 'two pinned and equal',
    a: [PIN],
    b: [PIN],
    maps: ['list'],
    uses: { a: ['list'], b: ['list'] },
    merged: ['fw_a.o', 'fw_b.o'],
  },
  {
    what: 'two pinned by a kind that only other loaders know',
    a: [{ ...PIN, pinning: 7 }],
    b: [{ ...PIN, pinning: 7 }],
    maps: ['list'],
    uses: { a: ['list'], b: ['list'] },
    merged: ['fw_a.o', 'fw_b.o'],
  },
  {
    what: 'one pinned, one not',
    a: [PIN],
    b: [PLAIN],
    maps: ['fw_b_list', 'list'],
    uses: { a: ['list'], b: ['fw_b_list'] },
    renames: ['fw_b.o map list fw_b_list pinned'],
  },
  {
    what: 'one pinned, a function of the name in the other',
    a: [PIN],
    b: [{ name: 'list', kind: 'function' }],
    maps: ['list'],
    uses: { a: ['list'], b: ['fw_b_list'] },
    renames: ['fw_b.o function list fw_b_list pinned'],
  },
  {
    what: 'one pinned, a variable of the name in the other',
    a: [PIN],
    b: [{ name: 'list', kind: 'variable' }],
    maps: ['list'],
    uses: { a: ['list'], b: ['fw_b_list'] },
    renames: ['fw_b.o variable list fw_b_list pinned'],
  },
  {
    what: 'neither pinned',
    a: [PLAIN],
    b: [PLAIN],
    maps: ['fw_a_list', 'fw_b_list'],
    uses: { a: ['fw_a_list'], b: ['fw_b_list'] },
    renames: ['fw_a.o map list fw_a_list clash', 'fw_b.o map list fw_b_list clash'],
  },
  {
    what: 'two pinned, one of them static',
    a: [PIN],
    b: [STATIC_PIN],
    maps: ['list'],
    uses: { a: ['list'], b: ['list'] },
    merged: ['fw_a.o', 'fw_b.o'],
  },
  {
    what: 'names of one file that are equal in 15 characters',
    a: LONG.map(name => ({ name, kind: 'map' })),
    b: [],
    maps: LONG,
    uses: { a: LONG },
  },
  {
    what: 'names of two files that are equal in 15 characters',
    a: [{ name: LONG[0], kind: 'map' }],
    b: [{ name: LONG[1], kind: 'map', pinning: 1 }],
    maps: LONG,
    uses: { a: [LONG[0]], b: [LONG[1]] },
  },
  {
    what: 'the same with all maps shared',
    a: [{ name: LONG[0], kind: 'map', pinning: 1 }],
    b: [{ name: LONG[1], kind: 'map' }],
    options: { share: ['*'] },
    maps: LONG,
    uses: { a: [LONG[0]], b: [LONG[1]] },
  },
  {
    what: 'two long names that clash, and are not cut',
    a: [{ name: LONG[0], kind: 'map' }],
    b: [{ name: LONG[0], kind: 'map' }],
    maps: [`fw_a_${LONG[0]}`, `fw_b_${LONG[0]}`],
    uses: { a: [`fw_a_${LONG[0]}`], b: [`fw_b_${LONG[0]}`] },
    renames: ['a', 'b'].map(letter => `fw_${letter}.o map ${LONG[0]} fw_${letter}_${LONG[0]} clash`),
  },
  {
    what: 'two pinned and equal, all maps shared',
    a: [PIN],
    b: [PIN],
    options: { share: ['*'] },
    maps: ['list'],
    uses: { a: ['list'], b: ['list'] },
    merged: ['fw_a.o', 'fw_b.o'],
  },
  {
    what: 'pinned in the rootlet and a component',
    rootlet: [PIN],
    a: [PIN],
    b: [],
    maps: ['list'],
    uses: { root: ['list'], a: ['list'] },
    merged: ['rootlet.o', 'fw_a.o'],
  },
  {
    what: 'pinned in the rootlet only',
    rootlet: [PIN],
    a: [PLAIN],
    b: [],
    maps: ['fw_a_list', 'list'],
    uses: { root: ['list'], a: ['fw_a_list'] },
    renames: ['fw_a.o map list fw_a_list pinned'],
  },
  {
    what: 'not pinned in the rootlet, pinned in a component',
    rootlet: [PLAIN],
    a: [PIN],
    b: [],
    maps: ['list', 'rootlet_list'],
    uses: { root: ['rootlet_list'], a: ['list'] },
    renames: ['rootlet.o map list rootlet_list pinned'],
  },
  {
    what: 'a variable of the rootlet, a pinned map of a component',
    rootlet: [{ name: 'list', kind: 'variable' }],
    a: [PIN],
    b: [],
    maps: ['list'],
    uses: { root: ['rootlet_list'], a: ['list'] },
    renames: ['rootlet.o variable list rootlet_list pinned'],
  },
  {
    what: 'not pinned in the rootlet and a component: the rootlet keeps its name',
    rootlet: [PLAIN],
    a: [PLAIN],
    b: [],
    maps: ['fw_a_list', 'list'],
    uses: { root: ['list'], a: ['fw_a_list'] },
    renames: ['fw_a.o map list fw_a_list clash'],
  },
  {
    what: 'pinned in two components, not in the rootlet',
    rootlet: [PLAIN],
    a: [PIN],
    b: [PIN],
    maps: ['list', 'rootlet_list'],
    uses: { root: ['rootlet_list'], a: ['list'], b: ['list'] },
    renames: ['rootlet.o map list rootlet_list pinned'],
    merged: ['fw_a.o', 'fw_b.o'],
  },
];

describe.each(['a b', 'b a'])('in the order %s', order => {
  test.each(COMBINATIONS)('$what', ({ a, b, rootlet, options, maps, uses, renames, merged }) => {
    const files = [firewall('a', ...a), firewall('b', ...b)];
    if (order === 'b a') files.reverse();
    const result = chained(inSlots(...files), options, rootletWith(...(rootlet ?? [])));
    expect(shape(result)).toMatchObject({ maps: [...maps].sort(), ...uses });
    expect(spelledRenames(result).sort()).toEqual([...(renames ?? [])].sort());
    const lists = result.report.merged.map(({ name, files: of }) => ({ name, files: [...of].sort() }));
    expect(lists).toEqual(merged === undefined ? [] : [{ name: 'list', files: [...merged].sort() }]);
  });

  test.each([
    ['two components', [], [PIN], [WIDE]],
    ['a static one', [], [PIN], [{ ...WIDE, binding: 'local' } as const]],
    ['the rootlet and a component', [PIN], [WIDE], []],
    ['kinds of pinning', [], [PIN], [{ ...PIN, pinning: 2 }]],
  ] as const)('different definitions under one pin are an error: %s', (_, rootlet, a, b) => {
    const files = [firewall('a', ...a), firewall('b', ...b)];
    if (order === 'b a') files.reverse();
    const base = rootletWith(...rootlet);
    const refused = relink(base, inSlots(...files), { share: ['*'] });
    const alone = relink(base, inSlots(...files));
    expect(refused.ok || alone.ok).toBe(false);
    if (alone.ok) return;
    const [problem, ...more] = alone.problems;
    expect(more).toEqual([]);
    expect(problem).toMatchObject({ code: 'link-map-mismatch' });
    expect(problem?.details).toHaveLength(2);
    for (const line of problem?.details ?? []) expect(line).toMatch(/^\w+\.o: struct \{ .*pinning.*\} list$/);
    // the way out that the hint names
    const [, file, to] = /--redefine-sym (\S+):list=(\S+)$/.exec(problem?.hint ?? '') ?? [];
    const redefine = [{ file: file ?? '', from: 'list', to: to ?? '' }];
    const repaired = chained(inSlots(...files), { edits: { redefine } }, base);
    expect(to).not.toBe('');
    expect(namesOf(repaired, 'map').sort()).toEqual(['list', to].sort());
  });
});

describe('copies of one component', () => {
  const slots = (spec: SymbolSpec) => {
    const file = firewall('a', spec);
    return [
      { slot: 'one', component: file },
      { slot: 'two', component: file, instance: 'lan' },
    ];
  };

  test('have a pinned map in common, with a note', () => {
    const result = chained(slots(PIN));
    expect(namesOf(result, 'map')).toEqual(['list']);
    expect(usesOf(result, 'lan_a')).toEqual(['list']);
    expect(result.report.notes).toContain('map "list" is pinned, so fw_a.o and fw_a.o#lan share it');
    expect(result.report.maps).toMatchObject([{ name: 'list', shared: true, map: { pinned: true } }]);
  });

  test('have other maps of their own', () => {
    const result = chained(slots(PLAIN));
    expect(namesOf(result, 'map')).toEqual(['fw_a_list', 'lan_list']);
    expect(result.report.notes.join()).not.toContain('pinned');
  });

  test('one component in two slots is one', () => {
    const file = firewall('a', PIN);
    const result = chained(inSlots(file, file));
    expect(namesOf(result, 'map')).toEqual(['list']);
    expect(result.report).toMatchObject({ renames: [], merged: [] });
  });
});

describe('--private', () => {
  const files = inSlots(firewall('a', PIN), firewall('b', PIN));

  test('of a map that two inputs pin is an error', () => {
    expect(refusals(files, { private: ['list'] })).toEqual([
      ['relink-private-pin', 'map "list" cannot be private: fw_a.o and fw_b.o pin it, so it is one map'],
    ]);
    expect(refusals(files, { share: ['*'], private: ['list'] }).map(([code]) => code)).toEqual([
      'relink-private-pin',
    ]);
  });

  test('of everything is noted', () => {
    const result = chained(files, { private: ['*'] });
    expect(result.report.notes).toContain('map "list" is pinned, so fw_a.o and fw_b.o share it');
  });

  test('of a map that one input pins has no effect', () => {
    const lone = inSlots(firewall('a', PIN), firewall('b'));
    expect(namesOf(chained(lone, { private: ['list'] }), 'map')).toEqual(['list']);
  });
});

describe('names that cannot give way', () => {
  test('the program of a rootlet', () => {
    const rootlet = objectOf('rootlet.o', [
      { name: 'list', kind: 'function', section: 'xdp', context: 'xdp_md', calls: ['one'], value: 2 },
      { name: 'one', kind: 'function', binding: 'weak', context: 'xdp_md', value: 2 },
    ]);
    const files = inSlots(firewall('a', PIN));
    const result = relink(rootlet, files);
    expect(!result.ok && result.problems).toMatchObject([
      { code: 'link-pin-name', where: ['rootlet.o'], message: expect.stringContaining('fw_a.o pins') },
    ]);
    const redefine = [{ file: 'rootlet.o', from: 'list', to: 'entry' }];
    expect(namesOf(chained(files, { edits: { redefine } }, rootlet), 'map')).toEqual(['list']);
  });

  test('the program of a chain', () => {
    const components = [{ component: firewall('a', { ...PIN, name: 'chain' }) }];
    const result = relinkChain(components);
    expect(!result.ok && result.problems).toMatchObject([{ code: 'link-pin-name' }]);
    const other = relinkChain(components, { program: 'entry' });
    expect(other.ok && namesOf(other, 'map')).toEqual(['chain']);
  });

  test('a slot does', () => {
    const result = chained(inSlots(firewall('a', { ...PIN, name: 'two' })));
    expect(namesOf(result, 'map')).toEqual(['two']);
    expect(usesOf(result, 'root')).toEqual(['a', 'rootlet_two']);
    expect(spelledRenames(result)).toEqual(['rootlet.o function two rootlet_two pinned']);
  });
});

test('a static definition becomes global with the others', () => {
  const result = chained(inSlots(firewall('a', STATIC_PIN), firewall('b', PIN)));
  expect(symbolOf(result, 'list').binding).toBe('global');
  const both = chained(inSlots(firewall('a', STATIC_PIN), firewall('b', STATIC_PIN)));
  expect(symbolOf(both, 'list').binding).toBe('local');
});

test('very long names are cut before it, as far as BTF allows', () => {
  const name = 'n'.repeat(110);
  const files = ['a', 'b'].map(letter =>
    objectOf(`${letter.repeat(40)}.o`, [
      { name: letter, kind: 'function', section: 'xdp', context: 'xdp_md', uses: [name], value: 2 },
      { name, kind: 'map' },
    ]),
  );
  const names = namesOf(chained(inSlots(...files)), 'map');
  expect(names).toEqual([`${'a'.repeat(9)}_${name}`, `${'b'.repeat(9)}_${name}`]);
});
