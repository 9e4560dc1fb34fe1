/** What edits make of a chain: names, order, what stays in force, and what is refused. */

import { describe, expect, test } from 'vitest';
import { InputObject } from '../../object/read/input.ts';
import { NO_SETTINGS, type Settings } from '../../state/settings.ts';
import { explainPlace, ordinal } from './chain.ts';
import { isSameDesign, isSameMember } from './compare.ts';
import type { ChainDesign, DesignMember } from './design.ts';
import type { ChainEdit, MemberRequest } from './edit.ts';
import { type Describe, nextDesign, requireMember } from './next-design.ts';
import { memberStates } from './states.ts';

const fileOf = (name: string, contents = name): InputObject =>
  new InputObject({ name: `${name}.bpf.o`, bytes: new TextEncoder().encode(contents) });
const member = (name: string, more: Partial<DesignMember> = {}): DesignMember => ({
  name,
  file: fileOf(name),
  program: `${name}_prog`,
  priority: 50,
  continueOn: [2],
  given: { priority: false, continueOn: false },
  settings: NO_SETTINGS,
  loaded: null,
  adopted: null,
  ...more,
});
/** Files state priority 50 and PASS; a given verdict is taken as a number. */
const describeFile: Describe = ({ file, program, continueOn }) => ({
  program: program ?? `${file.name.split('.')[0]}_prog`,
  priority: 50,
  continueOn: continueOn?.map(Number) ?? [2],
});
const chainOf = (...members: readonly DesignMember[]): ChainDesign => ({ members, failClosed: false });
const edit = (before: ChainDesign, one: ChainEdit): readonly DesignMember[] =>
  nextDesign(before, one, describeFile).members;
const names = (members: readonly DesignMember[]): string[] => members.map(({ name }) => name);
const code = (wanted: string) => expect.objectContaining({ code: wanted });
const limit: Settings = { globals: new Map([['limit', 5n]]), maxEntries: new Map() };

describe('load', () => {
  const load = (before: ChainDesign, ...members: readonly MemberRequest[]) =>
    edit(before, { kind: 'load', members });

  test('members are sorted by priority, then by the name of the program, byte by byte', () => {
    const before = chainOf(member('b'));
    const next = load(
      before,
      { file: fileOf('z'), priority: 10 },
      { file: fileOf('a') },
      { file: fileOf('B') },
      { file: fileOf('ba') },
    );
    expect(names(next)).toEqual(['z', 'B', 'a', 'b', 'ba']);
    expect(next[0]).toMatchObject({ priority: 10, given: { priority: true, continueOn: false } });
  });

  test('a member is named after its file up to the first dot, unless it is given another name', () => {
    expect(names(load(chainOf(), { file: fileOf('fw') }, { file: fileOf('fw'), name: 'other' }))).toEqual([
      'fw',
      'other',
    ]);
  });

  test.each(['', 'a,b', 'a:b', 'a@b', 'a=b', 'a/b', 'a b', 'a\nb', 'a\u001b[31mb', 'x'.repeat(129)])(
    'the name %j is refused',
    name => {
      expect(() => load(chainOf(), { file: fileOf('fw'), name })).toThrow(code('usage-name'));
    },
  );

  test('names that files have by their encoding are accepted', () => {
    expect(names(load(chainOf(), { file: fileOf('a,b c') }))).toEqual(['a%2Cb%20c']);
    expect(names(load(chainOf(), { file: fileOf('z'), name: 'a%2Cb%20c' }))).toEqual(['a%2Cb%20c']);
  });

  test('a name that is taken is refused, in the chain and in the command', () => {
    expect(() => load(chainOf(member('fw')), { file: fileOf('fw') })).toThrow(code('chain-member-taken'));
    expect(() => load(chainOf(), { file: fileOf('fw') }, { file: fileOf('fw', 'x') })).toThrow(
      /a name each: NAME=FILE/,
    );
  });
});

describe('unload', () => {
  const three = chainOf(member('a'), member('b', { loaded: 7 }), member('c'));
  test.each<[ChainEdit & { kind: 'unload' }, string[]]>([
    [{ kind: 'unload', members: ['a', 'c'] }, ['b']],
    [{ kind: 'unload', members: [7] }, ['a', 'c']],
    [{ kind: 'unload', members: 'all' }, []],
  ])('%j', (one, left) => {
    expect(names(edit(three, one))).toEqual(left);
  });

  test('what is not there is refused with a suggestion', () => {
    expect(() => edit(chainOf(member('firewall')), { kind: 'unload', members: ['firewal'] })).toThrow(
      /there is no member "firewal"[\s\S]*did you mean "firewall"/,
    );
    expect(() => requireMember([member('a')], 9)).toThrow(/no member with program id 9[\s\S]*members: "a"/);
  });
});

describe('replace', () => {
  const replace = (before: DesignMember, request: MemberRequest): DesignMember | undefined =>
    edit(chainOf(before), { kind: 'replace', name: before.name, member: request })[0];

  test('what the operator gave stays in force, what the file stated does not', () => {
    const given = { priority: true, continueOn: true };
    const kept = replace(member('a', { priority: 9, continueOn: [1], given, settings: limit }), {
      file: fileOf('b'),
    });
    expect(kept).toMatchObject({ name: 'a', program: 'b_prog', priority: 9, continueOn: [1], given });
    expect(kept?.settings).toEqual(limit);
    const stated = replace(member('a', { priority: 9, continueOn: [1] }), { file: fileOf('b') });
    expect(stated).toMatchObject({ priority: 50, continueOn: [2] });
  });

  test('what is given again changes', () => {
    const given = { priority: true, continueOn: true };
    const next = replace(member('a', { priority: 9, continueOn: [1], given, settings: limit }), {
      file: fileOf('b'),
      priority: 4,
      continueOn: ['3'],
      settings: { globals: new Map([['limit', 6n]]), maxEntries: new Map() },
    });
    expect(next).toMatchObject({ priority: 4, continueOn: [3] });
    expect(next?.settings.globals).toEqual(new Map([['limit', 6n]]));
  });

  test('a chain without members is named as such', () => {
    const request = { file: fileOf('a') };
    expect(() => edit(chainOf(), { kind: 'replace', name: 'a', member: request })).toThrow(
      expect.objectContaining({
        problems: [expect.objectContaining({ hint: 'the chain has no members' })],
      }),
    );
  });
});

describe('order', () => {
  const order = (members: readonly DesignMember[], ...wanted: readonly string[]) =>
    edit(chainOf(...members), { kind: 'order', names: wanted });
  const three = [
    member('a', { priority: 1 }),
    member('b', { priority: 2 }),
    member('c', { priority: 3 }),
  ] as const;

  test('priorities that agree with the order stay', () => {
    expect(order(three, 'a', 'b', 'c')).toEqual(three);
  });

  test('others are numbered 10, 20, …', () => {
    expect(order(three, 'c', 'a', 'b').map(({ name, priority }) => [name, priority])).toEqual([
      ['c', 10],
      ['a', 20],
      ['b', 30],
    ]);
  });

  test('equal priorities in the order of program names are an order', () => {
    const tied = [member('a'), member('b')];
    expect(order(tied, 'a', 'b')).toEqual(tied);
    expect(order(tied, 'b', 'a').map(({ priority }) => priority)).toEqual([10, 20]);
  });

  test.each([
    [['a', 'b'], '"c" is missing'],
    [['a', 'b', 'c', 'a'], '"a" is named twice'],
    [['a', 'b', 'd'], 'there is no member "d"'],
  ])('%j is refused', (wanted, message) => {
    expect(() => order(three, ...wanted)).toThrow(message);
  });
});

describe('set', () => {
  const set = (before: ChainDesign, ...members: readonly MemberRequest[]) =>
    nextDesign(before, { kind: 'set', members }, describeFile);

  test('exactly the declared members; what is not declared has its default', () => {
    const before = chainOf(
      member('a', {
        priority: 9,
        given: { priority: true, continueOn: false },
        settings: limit,
      }),
      member('b'),
    );
    const next = set(before, { file: fileOf('a') }, { file: fileOf('c') });
    expect(names(next.members)).toEqual(['a', 'c']);
    expect(next.members[0]).toMatchObject({ priority: 50, settings: NO_SETTINGS });
  });

  test('twice is once', () => {
    const request = { file: fileOf('a'), priority: 3, settings: limit };
    const first = set(chainOf(), request);
    expect(isSameDesign(first, set(first, request))).toBe(true);
  });
});

describe('comparing', () => {
  test.each<[string, Partial<DesignMember>]>([
    ['code', { file: fileOf('a', 'other contents') }],
    ['program', { program: 'x' }],
    ['priority', { priority: 3 }],
    ['verdicts', { continueOn: [2, 3] }],
    ['what was given', { given: { priority: true, continueOn: false } }],
    ['settings', { settings: limit }],
    ['an adopted program', { file: null }],
  ])('another %s is another member', (_, more) => {
    expect(isSameMember(member('a'), member('a'))).toBe(true);
    expect(isSameMember(member('a'), member('a', more))).toBe(false);
  });

  test('settings as records have them are the same', () => {
    const read: Settings = { globals: new Map([['limit', 5]]), maxEntries: new Map() };
    expect(isSameMember(member('a', { settings: limit }), member('a', { settings: read }))).toBe(true);
  });

  test('the order counts, and what a lost member does', () => {
    const both = chainOf(member('a'), member('b'));
    expect(isSameDesign(both, chainOf(member('b'), member('a')))).toBe(false);
    expect(isSameDesign(both, { ...both, failClosed: true })).toBe(false);
    expect(isSameDesign(both, chainOf(member('a')))).toBe(false);
  });
});

test('the place of a member is explained', () => {
  const states = memberStates(chainOf(member('a', { priority: 10 }), member('b'), member('c')));
  expect(states.map((_, at) => explainPlace(states, at))).toEqual([
    'runs 1st: priority 10, lower runs first',
    'runs 2nd: priority 50, equal priorities run by program name',
    'runs 3rd: priority 50, equal priorities run by program name',
  ]);
  expect([1, 2, 3, 4, 11, 12, 13, 21, 22, 101, 111].map(ordinal)).toEqual([
    '1st',
    '2nd',
    '3rd',
    '4th',
    '11th',
    '12th',
    '13th',
    '21st',
    '22nd',
    '101st',
    '111th',
  ]);
});
