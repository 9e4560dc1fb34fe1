import { describe, expect, test } from 'vitest';
import { archiveOf, memberOf } from '../../../test/support/archives.ts';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { Problem } from '../../diag/problem.ts';
import type { BpfObject } from '../../object/model/model.ts';
import type { EditOptions } from '../edit/requests.ts';
import { type LinkOptions, type LinkSuccess, link } from '../link.ts';
import type { LinkInput } from './inputs.ts';

const extern = (name: string, binding: 'global' | 'weak' = 'global'): SymbolSpec => ({
  name,
  kind: 'extern function',
  binding,
});
const fn = (name: string, ...calls: string[]): SymbolSpec => ({ name, kind: 'function', calls });

/** An object that defines some functions, each calling all of `needs`. */
function file(name: string, defines: readonly string[], needs: readonly string[] = []): BpfObject {
  return objectOf(name, [...defines.map(one => fn(one, ...needs)), ...needs.map(one => extern(one))]);
}

function archive(name: string, ...members: readonly BpfObject[]): LinkInput {
  return { name, bytes: archiveOf(members.map(memberOf)) };
}

function linked(inputs: readonly LinkInput[], options: LinkOptions = {}): LinkSuccess {
  const result = link(inputs, options);
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result;
}

function refused(inputs: readonly LinkInput[], options: LinkOptions = {}): readonly Problem[] {
  const result = link(inputs, options);
  return result.ok ? [] : result.problems;
}

const taken = (result: LinkSuccess): string[] => result.pulled.map(one => `${one.archive}(${one.member})`);

describe('members', () => {
  const main = file('main.o', ['main'], ['a']);
  const lib = archive('lib.a', file('unused.o', ['x']), file('a.o', ['a'], ['b']), file('b.o', ['b']));

  test('are taken for what is needed, and for what they need themselves', () => {
    expect(linked([main, lib]).pulled).toEqual([
      { archive: 'lib.a', member: 'a.o', symbol: 'a', neededBy: 'main.o' },
      { archive: 'lib.a', member: 'b.o', symbol: 'b', neededBy: 'lib.a(a.o)' },
    ]);
  });

  test('are taken whatever the order of inputs', () => {
    expect(taken(linked([lib, main]))).toEqual(['lib.a(a.o)', 'lib.a(b.o)']);
  });

  test('of archives that need each other are taken', () => {
    const one = archive('one.a', file('a.o', ['a'], ['b']), file('c.o', ['c']));
    const two = archive('two.a', file('b.o', ['b'], ['c']));
    for (const order of [
      [main, one, two],
      [main, two, one],
      [two, one, main],
    ])
      expect(new Set(taken(linked(order)))).toEqual(new Set(['one.a(a.o)', 'two.a(b.o)', 'one.a(c.o)']));
  });

  test('come from the first archive that has the name', () => {
    expect(
      taken(linked([main, archive('1.a', file('a.o', ['a'])), archive('2.a', file('a.o', ['a']))])),
    ).toEqual(['1.a(a.o)']);
  });

  test('are not taken for what an object defines, also weakly', () => {
    const weak = objectOf('weak.o', [{ name: 'a', kind: 'function', binding: 'weak' }]);
    expect(taken(linked([main, lib, weak]))).toEqual([]);
  });

  test('are not taken for weak references, nor for names of the kernel', () => {
    const optional = objectOf('main.o', [
      fn('main', 'a', 'b'),
      extern('a', 'weak'),
      { name: 'b', kind: 'kfunc' },
    ]);
    const result = linked([optional, lib]);
    expect(taken(result)).toEqual([]);
    expect([...result.report.unresolved].sort()).toEqual(['a', 'b']);
  });

  test('are taken when one of two references is strong', () => {
    const optional = objectOf('weak.o', [fn('other', 'a'), extern('a', 'weak')]);
    expect(taken(linked([optional, main, lib]))).toEqual(['lib.a(a.o)', 'lib.a(b.o)']);
  });

  test('are where their archive is', () => {
    const names = linked([archive('lib.a', file('a.o', ['a'])), main]).object.symbols.map(
      symbol => symbol.name,
    );
    expect(names).toEqual(['a', 'main']);
  });

  test('are all taken on request', () => {
    const bytes = archiveOf([file('x.o', ['x']), file('a.o', ['a'])].map(memberOf));
    const result = linked([main, { name: 'lib.a', bytes, wholeArchive: true }]);
    expect(result.pulled).toEqual([
      { archive: 'lib.a', member: 'x.o', symbol: null, neededBy: null },
      { archive: 'lib.a', member: 'a.o', symbol: null, neededBy: null },
    ]);
  });

  test('are found without an index', () => {
    const bytes = archiveOf([file('x.o', ['x']), file('a.o', ['a'])].map(memberOf), false);
    expect(taken(linked([main, { name: 'lib.a', bytes }]))).toEqual(['lib.a(a.o)']);
  });

  test('clash like files', () => {
    const [problem] = refused([main, file('other.o', ['b']), lib, file('needs.o', ['z'], ['x', 'b'])]);
    expect(problem).toBeUndefined(); // b is there already, so b.o is not taken
    const codes = refused([main, archive('lib.a', file('a.o', ['a', 'main']))]).map(one => one.code);
    expect(codes).toEqual(['link-duplicate']);
  });
});

describe('a bad archive', () => {
  const main = file('main.o', ['main'], ['a']);
  const a = memberOf(file('a.o', ['a']));

  test('whose index names what its member does not define', () => {
    const bytes = archiveOf([{ ...a, defines: ['zzz', 'a'] }]);
    const needs = file('needs.o', ['n'], ['zzz']);
    expect(refused([needs, { name: 'lib.a', bytes }])).toMatchObject([
      {
        code: 'archive-index-stale',
        where: ['lib.a'],
        message: 'according to its index, a.o defines "zzz", which it does not',
      },
    ]);
  });

  test('whose index leads nowhere', () => {
    const bytes = archiveOf([a]);
    bytes[8 + 60 + 7] = 3; // the low byte of the only offset
    expect(refused([main, { name: 'lib.a', bytes }])).toMatchObject([
      { code: 'archive-index', where: ['lib.a'] },
    ]);
  });

  test('with a member that is not an object', () => {
    const bytes = archiveOf([{ name: 'notes.txt', bytes: new Uint8Array(10), defines: ['a'] }]);
    const [problem] = refused([main, { name: 'lib.a', bytes }]);
    expect(problem?.where[0]).toBe('lib.a(notes.txt)');
  });

  test('that is thin, where files cannot be read', () => {
    const thin = archiveOf([a]);
    thin.set([...'!<thin>\n'].map(letter => letter.charCodeAt(0)));
    const withoutContents = thin.slice(0, thin.length - a.bytes.length - (a.bytes.length % 2));
    const input = { name: 'dir/lib.a', bytes: withoutContents };
    expect(refused([main, input])).toMatchObject([{ code: 'archive-thin', where: ['dir/lib.a'] }]);
    const asked: string[] = [];
    const result = linked([main, input], {
      readMember: (archivePath, member) => {
        asked.push(`${archivePath} ${member}`);
        return a.bytes;
      },
    });
    expect(asked).toEqual(['dir/lib.a a.o']);
    expect(taken(result)).toEqual(['dir/lib.a(a.o)']);
  });
});

describe('edits', () => {
  const main = file('main.o', ['main'], ['z']);
  const members = [file('a.o', ['a'], ['b']), file('b.o', ['b']), file('c.o', ['c'])];
  const lib = archive('dir/lib.a', ...members);
  const cases: readonly { what: string; edits: EditOptions; names: string; members: string }[] = [
    {
      what: 'a rename in all files',
      edits: { redefine: [{ from: 'c', to: 'z' }] },
      names: 'main z',
      members: 'c.o',
    },
    {
      what: 'a rename in an archive',
      edits: { redefine: [{ from: 'a', to: 'z', file: 'lib.a' }] },
      names: 'b main z',
      members: 'a.o b.o',
    },
    {
      what: 'a rename in a member',
      edits: { redefine: [{ from: 'a', to: 'z', file: 'lib.a(a.o)' }] },
      names: 'b main z',
      members: 'a.o b.o',
    },
    {
      what: 'a rename of the reference',
      edits: { redefine: [{ from: 'z', to: 'b', file: 'main.o' }] },
      names: 'b main',
      members: 'b.o',
    },
    {
      what: 'a prefix for an archive, whose members keep finding each other',
      edits: {
        prefix: [{ file: 'lib.a', prefix: 'q_' }],
        redefine: [{ from: 'z', to: 'q_a', file: 'main.o' }],
      },
      names: 'main q_a q_b',
      members: 'a.o b.o',
    },
    {
      what: 'a prefix for a member, whose reference to another member stays',
      edits: {
        prefix: [{ file: 'dir/lib.a(a.o)', prefix: 'q_' }],
        redefine: [{ from: 'z', to: 'q_a', file: 'main.o' }],
      },
      names: 'b main q_a',
      members: 'a.o b.o',
    },
    {
      what: 'a prefix of a new name',
      edits: {
        redefine: [
          { from: 'c', to: 'd' },
          { from: 'z', to: 'q_d' },
        ],
        prefix: [{ file: 'lib.a', prefix: 'q_' }],
      },
      names: 'main q_d',
      members: 'c.o',
    },
    {
      what: 'an alias, through another one',
      edits: {
        defsym: [
          { name: 'y', target: 'c' },
          { name: 'z', target: 'y' },
        ],
      },
      names: 'c main y z',
      members: 'c.o',
    },
    {
      what: 'wrapping',
      edits: { redefine: [{ from: 'c', to: '__wrap_z' }], wrap: [{ name: 'z' }] },
      names: '__wrap_z main',
      members: 'c.o',
    },
  ];
  test.each(cases)('$what', ({ edits, names, members: wanted }) => {
    const result = linked([main, lib], { edits });
    expect(
      result.object.symbols
        .map(symbol => symbol.name)
        .sort()
        .join(' '),
    ).toBe(names);
    expect(result.pulled.map(one => one.member).join(' ')).toBe(wanted);
  });

  test('that hides a definition leaves the name undefined', () => {
    const needsA = file('main.o', ['main'], ['a']);
    const problems = refused([needsA, lib], { edits: { localize: [{ name: 'a', file: 'lib.a' }] } });
    expect(problems).toMatchObject([{ code: 'link-undefined', message: '"a" is not defined in any input' }]);
  });

  test('on what was not needed is reported', () => {
    const problems = refused([file('main.o', ['main'], ['b']), lib], {
      edits: { weaken: [{ name: 'c', file: 'lib.a' }] },
    });
    expect(problems).toMatchObject([
      {
        code: 'link-unknown-symbol',
        where: ['lib.a'],
        message: 'cannot weaken "c": there is no such symbol',
      },
    ]);
  });
});
