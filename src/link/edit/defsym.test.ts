import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { BpfObject } from '../../object/model/model.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { link } from '../link.ts';
import { type AliasRequest, defineAliases } from './defsym.ts';

const extern = (name: string): SymbolSpec => ({ name, kind: 'extern function' });
const externVariable = (name: string): SymbolSpec => ({ name, kind: 'extern variable' });
const fn = (name: string, ...calls: string[]): SymbolSpec => ({ name, kind: 'function', calls });

function problemsOf(objects: readonly BpfObject[], defsym: readonly AliasRequest[]) {
  const result = link(objects, { edits: { defsym } });
  return result.ok ? [] : result.problems;
}

function linked(objects: readonly BpfObject[], defsym: readonly AliasRequest[]): BpfObject {
  const result = link(objects, { edits: { defsym } });
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result.object;
}

/** What the first reference of a function leads to. */
function callee(object: BpfObject, name: string): string | undefined {
  const symbol = object.symbols.find(candidate => candidate.name === name);
  const target = symbol?.kind === 'function' ? symbol.references[0]?.symbol : undefined;
  return object.symbols[target ?? -1]?.name;
}

describe('an alias of a function', () => {
  const user = objectOf('user.o', [fn('use', 'fresh'), extern('fresh')]);
  const owner = objectOf('owner.o', [
    { ...fn('old', 'helper'), value: 7 },
    { ...fn('helper'), binding: 'local' },
  ]);

  test.each([[[user, owner]], [[owner, user]]])(
    'is a clone with a FUNC, records and references of its own',
    inputs => {
      const object = linked(inputs, [{ name: 'fresh', target: 'old' }]);
      const [old, fresh] = ['old', 'fresh'].map(name => object.symbols.find(symbol => symbol.name === name));
      if (old?.kind !== 'function' || fresh?.kind !== 'function') throw new Error('not there');
      expect(fresh.code).toEqual(old.code);
      expect([...fresh.lines]).toEqual([...old.lines]);
      expect(fresh.references).toEqual(old.references);
      expect(fresh.btfId).not.toBe(old.btfId);
      expect(object.btf?.type(fresh.btfId)).toMatchObject({ kind: 'func', name: 'fresh', linkage: 'global' });
      expect(callee(object, 'use')).toBe('fresh');
    },
  );

  test('survives writing and reading', () => {
    const object = linked([user, owner], [{ name: 'fresh', target: 'old' }]);
    const read = readObject({ name: 'again.o', bytes: writeObject(object) });
    expect(read.symbols.map(symbol => symbol.name).sort()).toEqual(['fresh', 'helper', 'old', 'use']);
  });

  test('may be given by a chain, in any order', () => {
    const chain = [
      { name: 'fresh', target: 'middle' },
      { name: 'middle', target: 'old' },
    ];
    for (const requests of [chain, [...chain].reverse()])
      expect(
        linked([user, owner], requests)
          .symbols.map(symbol => symbol.name)
          .sort(),
      ).toEqual(['fresh', 'helper', 'middle', 'old', 'use']);
  });

  test('represents the definition that counts', () => {
    const weak = objectOf('weak.o', [{ ...fn('old'), binding: 'weak', value: 1 }]);
    const object = linked([weak, owner], [{ name: 'fresh', target: 'old' }]);
    const fresh = object.symbols.find(symbol => symbol.name === 'fresh');
    expect(fresh?.kind === 'function' && fresh.origin.file).toBe('owner.o');
  });

  test('may be of a static function, when the file is specified', () => {
    const object = linked([user, owner], [{ name: 'fresh', target: 'helper', file: 'owner.o' }]);
    const fresh = object.symbols.find(symbol => symbol.name === 'fresh');
    expect(fresh).toMatchObject({ kind: 'function', binding: 'global' });
    expect(object.btf?.type(fresh?.btfId ?? 0)).toMatchObject({ linkage: 'global' });
  });

  test('wins over a weak definition of that name', () => {
    const weak = objectOf('weak.o', [{ ...fn('fresh'), binding: 'weak', value: 1 }]);
    const object = linked([weak, owner], [{ name: 'fresh', target: 'old' }]);
    const fresh = object.symbols.find(symbol => symbol.name === 'fresh');
    expect(fresh?.kind === 'function' && fresh.origin.file).toBe('owner.o');
  });
});

describe('an alias of a variable', () => {
  const owner = objectOf('owner.o', [{ name: 'counter', kind: 'variable', value: 5 }]);
  const user = objectOf('user.o', [externVariable('total')]);

  test('is for references only', () => {
    const object = linked([owner, user], [{ name: 'total', target: 'counter' }]);
    expect(object.symbols.map(symbol => symbol.name)).toEqual(['counter']);
    const names = Array.from({ length: object.btf?.count ?? 0 }, (_, id) => object.btf?.nameOf(id + 1));
    expect(names).not.toContain('total');
  });

  test('must be of the same type', () => {
    const wide = objectOf('wide.o', [{ ...externVariable('total'), size: 8 }]);
    expect(problemsOf([owner, wide], [{ name: 'total', target: 'counter' }])).toMatchObject([
      { code: 'link-type-mismatch', where: ['wide.o'] },
    ]);
  });

  test('needs a reference to it', () => {
    expect(problemsOf([owner], [{ name: 'total', target: 'counter' }])).toMatchObject([
      {
        code: 'link-alias-unused',
        message: 'nothing refers to "total", and a variable cannot have an alias of its own',
      },
    ]);
  });
});

describe('bad requests', () => {
  const owner = objectOf('owner.o', [fn('old'), fn('taken'), { ...fn('inner'), binding: 'local' }]);
  const cases: readonly { what: string; requests: AliasRequest[]; problem: object }[] = [
    {
      what: 'a cycle, reported once',
      requests: [
        { name: 'c', target: 'a' },
        { name: 'a', target: 'b' },
        { name: 'b', target: 'c' },
        { name: 'into', target: 'b' },
      ],
      problem: {
        code: 'link-alias-cycle',
        message: 'aliases that refer to each other: "a" = "b" = "c" = "a"',
      },
    },
    {
      what: 'a name for itself',
      requests: [{ name: 'a', target: 'a' }],
      problem: { code: 'link-alias-cycle', message: 'aliases that refer to each other: "a" = "a"' },
    },
    {
      what: 'two meanings',
      requests: [
        { name: 'a', target: 'old' },
        { name: 'a', target: 'taken' },
      ],
      problem: { code: 'link-alias-twice', message: '"a" cannot be both "old" and "taken"' },
    },
    {
      what: 'a name that is taken',
      requests: [{ name: 'taken', target: 'old' }],
      problem: {
        code: 'link-name-taken',
        message: '"taken" cannot be an alias of "old": owner.o defines it already',
      },
    },
    {
      what: 'a name that nothing has',
      requests: [{ name: 'a', target: 'odl' }],
      problem: {
        code: 'link-unknown-symbol',
        message: 'cannot define an alias of "odl": there is no such symbol',
      },
    },
    {
      what: 'a static name without its file',
      requests: [{ name: 'a', target: 'inner' }],
      problem: {
        code: 'link-unknown-symbol',
        hint: 'owner.o defines it as static: specify owner.o:inner',
      },
    },
    {
      what: 'a file that is not there',
      requests: [{ name: 'a', target: 'old', file: 'other.o' }],
      problem: { code: 'link-no-input', class: 'usage' },
    },
    {
      what: 'a name that C does not know',
      requests: [{ name: 'a-b', target: 'old' }],
      problem: { code: 'link-bad-name' },
    },
  ];
  test.each(cases)('$what', ({ requests, problem }) => {
    expect(problemsOf([owner], requests)).toEqual([expect.objectContaining(problem)]);
  });

  test('leave the object as it is', () => {
    const { object, problems } = defineAliases(owner, [
      { name: 'good', target: 'old' },
      { name: 'taken', target: 'old' },
    ]);
    expect(problems.map(problem => problem.code)).toEqual(['link-name-taken']);
    expect(object).toBe(owner);
  });
});
