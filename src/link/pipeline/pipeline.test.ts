/** The phases by themselves: what each refuses, and that none has a result when anything was refused. */

import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { ProblemList } from '../../diag/problem-list.ts';
import type { Edited } from '../edit/rename.ts';
import { type LinkOptions, link } from '../link.ts';
import {
  type Merged,
  mergeAtoms,
  nameAtoms,
  pruneAtoms,
  type Resolved,
  type ResolveRequest,
  resolveNames,
  type Selection,
  unedited,
} from './pipeline.ts';

const user = objectOf('user.o', [
  { name: 'prog', kind: 'function', section: 'xdp', calls: ['foo'] },
  { name: 'foo', kind: 'extern function' },
]);
const provider = objectOf('provider.o', [
  { name: 'foo', kind: 'function', value: 1 },
  { name: 'spare', kind: 'function', value: 2 },
]);
const rival = objectOf('rival.o', [{ name: 'foo', kind: 'function', value: 3 }]);

const REQUEST: ResolveRequest = {
  objects: [user, provider],
  name: 'out.o',
  partial: false,
  rules: {},
  bound: [],
  replaced: [],
  pinned: {},
  refuseUndefined: 'all',
  explain: { names: [] },
};

const REFUSED = { code: 'link-duplicate', class: 'input', where: [], message: 'no' } as const;

function resolved(extras: Partial<ResolveRequest> = {}): Resolved {
  const problems = new ProblemList();
  const result = resolveNames({ ...REQUEST, ...extras }, problems);
  if (result === undefined) throw new Error(problems.all.map(({ message }) => message).join());
  return result;
}

function merged(extras: Partial<ResolveRequest> = {}): Merged {
  const result = mergeAtoms(resolved(extras), unedited, new ProblemList());
  if (result === undefined) throw new Error('not merged');
  return result;
}

function namesOf(object: Edited['object']): string[] {
  return object.symbols.map(({ name }) => name);
}

function selectionOf({ combined }: Merged, names: readonly string[]): Selection {
  const live = combined.object.symbols.map(({ name }) => names.includes(name));
  return { live, everything: false, problems: [] };
}

function codes(problems: ProblemList): string[] {
  return problems.all.map(({ code }) => code);
}

test('four phases make an object of what is selected', () => {
  const problems = new ProblemList();
  const whole = merged();
  expect(namesOf(whole.combined.object).sort()).toEqual(['foo', 'prog', 'spare']);
  const pruned = pruneAtoms(whole, selectionOf(whole, ['prog', 'foo']), problems);
  const symbol = pruned?.combined.object.symbols.findIndex(({ name }) => name === 'foo') ?? -1;
  const rename = { symbol, from: 'foo', to: 'bar', file: 1, reason: 'clash', namesake: symbol } as const;
  const named = pruned && nameAtoms(pruned, { renames: [rename], problems: [] }, unedited, problems);
  expect(namesOf(named?.object ?? user).sort()).toEqual(['bar', 'prog']);
  expect(named?.object.name).toBe('out.o');
  expect(problems.all).toEqual([]);
});

describe('a phase has no result', () => {
  test.each<[string, Partial<ResolveRequest>, string]>([
    ['two definitions', { objects: [user, provider, rival] }, 'link-duplicate'],
    ['an undefined name', { objects: [user] }, 'link-undefined'],
    ['a name to explain that is unknown', { explain: { names: ['nothing'] } }, 'link-unknown-symbol'],
  ])('resolved: %s', (_, extras, code) => {
    const problems = new ProblemList();
    expect(resolveNames({ ...REQUEST, ...extras }, problems)).toBeUndefined();
    expect(codes(problems)).toContain(code);
  });

  test('resolved: a problem that was there before', () => {
    expect(resolveNames(REQUEST, new ProblemList([REFUSED]))).toBeUndefined();
  });

  test('merged: a refused edit', () => {
    const problems = new ProblemList();
    const edit = (object: Edited['object']): Edited => ({ object, problems: [REFUSED], notes: [] });
    expect(mergeAtoms(resolved(), edit, problems)).toBeUndefined();
    expect(problems.all).toEqual([REFUSED]);
  });

  test('pruned: an undefined name that something live refers to', () => {
    const problems = new ProblemList();
    const whole = merged({ objects: [user], refuseUndefined: 'needed' });
    expect(pruneAtoms(whole, selectionOf(whole, ['prog', 'foo']), problems)).toBeUndefined();
    expect(codes(problems)).toEqual(['link-undefined']);
    expect(pruneAtoms(whole, selectionOf(whole, []), new ProblemList())).toBeDefined();
  });

  test('named: a clash and a refused edit, both reported', () => {
    const problems = new ProblemList();
    const whole = merged();
    const pruned = pruneAtoms(whole, selectionOf(whole, ['prog', 'foo']), problems);
    const clash = { ...REFUSED, message: 'clash' };
    const edit = (object: Edited['object']): Edited => ({ object, problems: [REFUSED], notes: [] });
    expect(pruned && nameAtoms(pruned, { renames: [], problems: [clash] }, edit, problems)).toBeUndefined();
    expect(problems.all).toEqual([clash, REFUSED]);
  });
});

test('a pinned map of two inputs is one map, unless inputs stay apart', () => {
  const pin = (name: string): ReturnType<typeof objectOf> =>
    objectOf(name, [{ name: 'list', kind: 'map', pinning: 1 }]);
  const request = { objects: [pin('a.o'), pin('b.o')], rules: { scopes: [0, 1] } };
  expect(namesOf(merged(request).combined.object)).toEqual(['list']);
  expect(namesOf(merged({ ...request, pinned: null }).combined.object)).toEqual(['list', 'list']);
});

test('undefined names are looked for in spite of other problems, where only needed ones are refused', () => {
  const other = objectOf('other.o', [
    { name: 'main', kind: 'function', section: 'xdp', calls: ['missing'] },
    { name: 'missing', kind: 'extern function' },
  ]);
  const found = (options: LinkOptions): string[] => {
    const result = link([user, provider, rival, other], options);
    return result.ok ? [] : result.problems.map(({ code }) => code);
  };
  expect(found({ gcSections: true })).toEqual(['link-duplicate', 'link-undefined']);
  expect(found({ gcSections: true, partial: true })).toEqual(['link-duplicate']);
});

test('two inputs of one problem have it once', () => {
  const bytes = new Uint8Array(8);
  const result = link([
    { name: 'bad.o', bytes },
    { name: 'bad.o', bytes },
  ]);
  expect(result.ok ? [] : result.problems).toHaveLength(1);
});
