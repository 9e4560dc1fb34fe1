import { expect, test } from 'vitest';
import { InputObject } from '../../object/index.ts';
import { type ChainDesign, type ChainState, type DesignMember, isSameDesign } from '../model/index.ts';
import { planDeclared } from './diff.ts';
import { movedNames } from './moved.ts';

const file = (text: string): InputObject =>
  new InputObject({ name: `${text}.o`, bytes: new TextEncoder().encode(text) });

function member(name: string, fields: Partial<DesignMember> = {}): DesignMember {
  return {
    name,
    file: file(name),
    program: name,
    priority: 50,
    continueOn: [2],
    given: { priority: false, continueOn: false },
    settings: { globals: new Map(), maxEntries: new Map() },
    loaded: null,
    adopted: null,
    ...fields,
  };
}

function chain(...members: readonly DesignMember[]): ChainDesign {
  return { members, failClosed: false };
}

const NONE: ChainState = {
  hook: { kind: 'xdp', direction: null, interface: 'eth0', ifindex: 2, netns: 'net:[1]' },
  kind: 'none',
  via: null,
  version: null,
  mode: null,
  program: null,
  members: [],
  failClosed: false,
  entry: null,
  problems: [],
};
const CHAIN: ChainState = { ...NONE, kind: 'chain', via: 'static', mode: 'native', entry: 'xdp-eth0' };

test('nothing, created, removed, and a program in the way', () => {
  const empty = chain();
  const one = chain(member('a'));
  expect(planDeclared(NONE, empty, empty, {}).action).toBe('none');
  expect(planDeclared(NONE, empty, { members: [], failClosed: true }, { mode: 'native' }).action).toBe(
    'none',
  );
  expect(planDeclared(NONE, empty, one, {})).toMatchObject({
    action: 'create',
    members: [{ action: 'add', place: 1 }],
  });
  expect(planDeclared(CHAIN, one, empty, { via: 'libxdp' })).toMatchObject({
    action: 'remove',
    differences: [],
    members: [{ name: 'a', action: 'remove', place: null }],
  });
  expect(planDeclared(CHAIN, one, one, { via: 'static', mode: 'native' }).action).toBe('none');
  const program = { id: 7, name: 'other', tag: '0' };
  const foreign: ChainState = { ...NONE, kind: 'foreign', mode: 'native', program };
  expect(planDeclared(foreign, empty, one, {})).toMatchObject({ action: 'create', replaces: program });
  expect(planDeclared(foreign, empty, empty, {})).toMatchObject({ action: 'none', replaces: null });
});

test('the chain as a whole', () => {
  const one = chain(member('a'));
  expect(
    planDeclared(
      CHAIN,
      one,
      { ...one, failClosed: true, counters: false },
      { via: 'libxdp', mode: 'generic' },
    ),
  ).toMatchObject({
    action: 'change',
    differences: [
      { what: 'via', from: 'static', to: 'libxdp' },
      { what: 'mode', from: 'native', to: 'generic' },
      { what: 'failClosed', from: false, to: true },
      { what: 'counters', from: true, to: false },
    ],
    members: [{ action: 'keep' }],
  });
});

/** Each way in which members differ, and what is reported. */
const CHANGES: readonly (readonly [string, Partial<DesignMember>, object])[] = [
  [
    'file',
    { file: file('new') },
    { what: 'file', from: { name: 'a.o', size: 1 }, to: { name: 'new.o', size: 3 } },
  ],
  ['no file any longer', { file: null, loaded: 5 }, { what: 'file', to: null }],
  ['program', { program: 'b' }, { what: 'program', from: 'a', to: 'b' }],
  ['priority', { priority: 9 }, { what: 'priority', from: 50, to: 9, fixed: { from: 'file', to: 'file' } }],
  [
    'a priority that is fixed now',
    { given: { priority: true, continueOn: false } },
    { what: 'priority', from: 50, to: 50, fixed: { from: 'file', to: 'operator' } },
  ],
  ['verdicts', { continueOn: [2, 3] }, { what: 'continueOn', from: [2], to: [2, 3] }],
  [
    'verdicts that are fixed now',
    { given: { priority: false, continueOn: true } },
    { what: 'continueOn', fixed: { from: 'file', to: 'operator' } },
  ],
  [
    'a variable',
    { settings: { globals: new Map([['x', 5n]]), maxEntries: new Map() } },
    { what: 'variable', name: 'x', from: undefined, to: 5n },
  ],
  [
    'a size',
    { settings: { globals: new Map(), maxEntries: new Map([['m', 5]]) } },
    { what: 'maxEntries', name: 'm', from: null, to: 5 },
  ],
];

test.each(CHANGES)('%s', (_, fields, difference) => {
  const [before, after] = [chain(member('a')), chain(member('a', fields))];
  const plan = planDeclared(CHAIN, before, after, {});
  expect(plan.action).toBe('change');
  expect(plan.members).toMatchObject([{ action: 'change', differences: [difference] }]);
  expect(plan.members[0]?.differences).toHaveLength(1);
  const back = planDeclared(CHAIN, after, before, {});
  expect(back.members[0]?.differences).toHaveLength(1);
});

test('whole numbers of settings are the same as number and as bigint', () => {
  const of = (x: unknown) =>
    member('a', { settings: { globals: new Map([['x', x]]), maxEntries: new Map() } });
  expect(planDeclared(CHAIN, chain(of(5)), chain(of(5n)), {}).action).toBe('none');
  expect(planDeclared(CHAIN, chain(of([1, { f: 2 }])), chain(of([1n, { f: 2n }])), {}).action).toBe('none');
  expect(planDeclared(CHAIN, chain(of('5')), chain(of(5n)), {}).action).toBe('change');
});

test('as few members as possible are moved', () => {
  const moved = (before: string, after: string) => [...movedNames([...before], [...after])].join('');
  expect(moved('abcd', 'abcd')).toBe('');
  expect(moved('abcd', 'xabycd')).toBe('');
  expect(moved('abcd', 'ad')).toBe('');
  expect(moved('abcd', 'bcda')).toBe('a');
  expect(moved('abcd', 'dabc')).toBe('d');
  expect(moved('abcd', 'xdcyba')).toHaveLength(3);
});

test('random chains: something is listed exactly where something is pending', () => {
  let state = 11;
  const random = (limit: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % limit;
  };
  const some = (): ChainDesign => {
    const names = ['a', 'b', 'c', 'd'].filter(() => random(3) > 0).sort(() => random(3) - 1);
    return chain(
      ...names.map(name => {
        const pick = CHANGES[random(CHANGES.length * 3)];
        return member(name, pick === undefined || pick[0] === 'no file any longer' ? {} : pick[1]);
      }),
    );
  };
  for (let round = 0; round < 2000; round++) {
    const [before, after] = [some(), some()];
    const plan = planDeclared(CHAIN, before, after, {});
    const listed = plan.members.some(({ action }) => action !== 'keep');
    expect(listed).toBe(!isSameDesign(before, after));
    expect(plan.action !== 'none').toBe(listed);
    expect(plan.members.map(({ name }) => name).sort()).toEqual(
      [...new Set([...before.members, ...after.members].map(({ name }) => name))].sort(),
    );
  }
});
