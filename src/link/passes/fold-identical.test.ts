import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { BpfObject, BpfSymbol } from '../../object/model/model.ts';
import { type LinkSuccess, link } from '../link.ts';

const extern = (name: string): SymbolSpec => ({ name, kind: 'extern function' });
const fn = (name: string, value: number, ...calls: string[]): SymbolSpec => ({
  name,
  kind: 'function',
  value,
  calls,
});
const local = (spec: SymbolSpec): SymbolSpec => ({ ...spec, binding: 'local' });
const variable = (name: string, value: number, section = '.data'): SymbolSpec => ({
  name,
  kind: 'variable',
  value,
  section,
});

function folded(...objects: readonly BpfObject[]): LinkSuccess {
  const result = link(objects, { foldIdentical: true });
  if (!result.ok)
    throw new Error(result.problems.map(problem => `${problem.message} ${problem.details}`).join('\n'));
  return result;
}

function refused(...objects: readonly BpfObject[]) {
  const result = link(objects, { foldIdentical: true });
  return result.ok ? [] : result.problems;
}

const names = ({ object }: LinkSuccess): string[] => object.symbols.map(symbol => symbol.name);
const discarded = ({ report }: LinkSuccess): string[] =>
  report.discarded.map(entry => `${entry.name} of ${entry.file}: ${entry.reason} ${entry.winner}`);

/** The object with the first reference of one symbol led to another symbol. */
function redirected(object: BpfObject, from: string, to: string): BpfObject {
  const symbol = object.symbols.findIndex(one => one.name === to);
  const symbols = object.symbols.map((one): BpfSymbol => {
    if (one.name !== from) return one;
    if (one.kind === 'function')
      return {
        ...one,
        references: one.references.map((reference, at) => (at === 0 ? { ...reference, symbol } : reference)),
      };
    const address = { offset: 0, width: 8, symbol, addend: 0, kind: 'address' } as const;
    return one.kind === 'variable' ? { ...one, references: [address] } : one;
  });
  return { ...object, symbols };
}

describe('definitions of several files', () => {
  test('that are equal become the first of them', () => {
    const result = folded(
      objectOf('a.o', [fn('foo', 1), fn('a', 0, 'foo')]),
      objectOf('b.o', [fn('foo', 1), fn('b', 0, 'foo')]),
      objectOf('c.o', [fn('foo', 1)]),
    );
    expect(names(result)).toEqual(['foo', 'a', 'b']);
    expect(discarded(result)).toEqual(['foo of b.o: identical a.o', 'foo of c.o: identical a.o']);
    const types = Array.from({ length: result.object.btf?.count ?? 0 }, (_, id) =>
      result.object.btf?.nameOf(id + 1),
    );
    expect(types.filter(name => name === 'foo')).toHaveLength(1);
  });

  test('are an error without the option', () => {
    const result = link([objectOf('a.o', [fn('foo', 1)]), objectOf('b.o', [fn('foo', 1)])]);
    expect(result.ok ? [] : result.problems.map(problem => problem.code)).toEqual(['link-duplicate']);
  });

  test('may call each other in a circle', () => {
    const specs = [fn('ping', 1, 'pong'), fn('pong', 2, 'ping')];
    expect(names(folded(objectOf('a.o', specs), objectOf('b.o', [...specs].reverse())))).toEqual([
      'ping',
      'pong',
    ]);
  });

  test('may call equal static functions, which become one too', () => {
    const specs = [fn('foo', 1, 'inner'), local(fn('inner', 2, 'deep')), local(fn('deep', 3, 'inner'))];
    const result = folded(objectOf('a.o', specs), objectOf('b.o', specs));
    expect(names(result)).toEqual(['foo', 'inner', 'deep']);
    expect(discarded(result).slice(1)).toEqual(['inner of b.o: identical a.o', 'deep of b.o: identical a.o']);
  });

  test('may be variables, in .data of one and .bss of the other', () => {
    const result = folded(objectOf('a.o', [variable('x', 0, '.bss')]), objectOf('b.o', [variable('x', 0)]));
    expect(names(result)).toEqual(['x']);
  });

  test('of which one is weak are none of this', () => {
    const weak = objectOf('b.o', [{ ...fn('foo', 2), binding: 'weak' }]);
    expect(discarded(folded(objectOf('a.o', [fn('foo', 1)]), weak))).toEqual(['foo of b.o: weak a.o']);
  });
});

describe('why definitions are not identical', () => {
  const cases: readonly { what: string; left: SymbolSpec[]; right: SymbolSpec[]; lines: string[] }[] = [
    {
      what: 'an instruction, with its source',
      left: [fn('foo', 1)],
      right: [fn('foo', 2)],
      lines: [
        'not identical: instruction 0 differs',
        'a.o: r0 = 1, a.o.c:7: return 1;',
        'b.o: r0 = 2, b.o.c:7: return 2;',
      ],
    },
    {
      what: 'the length',
      left: [fn('foo', 1, 'bar'), extern('bar')],
      right: [fn('foo', 1)],
      lines: [
        'not identical: instruction 0 differs',
        'a.o: call bar, a.o.c:7: return 1;',
        'b.o: r0 = 1, b.o.c:7: return 1;',
      ],
    },
    {
      what: 'what is called',
      left: [fn('foo', 1, 'bar'), extern('bar')],
      right: [fn('foo', 1, 'baz'), extern('baz')],
      lines: ['not identical: what instruction 0 refers to differs', 'a.o: "bar"', 'b.o: "baz"'],
    },
    {
      what: 'a static function that is called',
      left: [fn('foo', 1, 'inner'), local(fn('inner', 1))],
      right: [fn('foo', 1, 'inner'), local(fn('inner', 2))],
      lines: [
        'not identical: what instruction 0 refers to differs',
        'a.o: static "inner"',
        'b.o: static "inner"',
        'static "inner": instruction 0 differs',
        'a.o: r0 = 1, a.o.c:7: return 1;',
        'b.o: r0 = 2, b.o.c:7: return 2;',
      ],
    },
    {
      what: 'what such a function calls itself',
      left: [fn('foo', 1, 'inner'), local(fn('inner', 1, 'deep')), local(fn('deep', 1))],
      right: [fn('foo', 1, 'inner'), local(fn('inner', 1, 'deep')), local(fn('deep', 2))],
      lines: [
        'not identical: what instruction 0 refers to differs',
        'a.o: static "inner"',
        'b.o: static "inner"',
        'static "inner": what instruction 0 refers to differs',
        'a.o: static "deep"',
        'b.o: static "deep"',
        'static "deep": instruction 0 differs',
        'a.o: r0 = 1, a.o.c:7: return 1;',
        'b.o: r0 = 2, b.o.c:7: return 2;',
      ],
    },
    {
      what: 'the section',
      left: [fn('foo', 1)],
      right: [{ ...fn('foo', 1), section: 'xdp' }],
      lines: ['not identical: in section ".text" of a.o and section "xdp" of b.o'],
    },
    {
      what: 'a byte of a variable',
      left: [variable('x', 1)],
      right: [variable('x', 2)],
      lines: ['not identical: byte 0 is 0x01 in a.o and 0x02 in b.o'],
    },
    {
      what: 'whether it can be written',
      left: [variable('x', 1)],
      right: [variable('x', 1, '.rodata')],
      lines: ['not identical: in section ".data" of a.o and section ".rodata" of b.o'],
    },
  ];
  test.each(cases)('$what', ({ left, right, lines }) => {
    const defined = objectOf('c.o', [fn('bar', 0), fn('baz', 0)]);
    const problems = refused(objectOf('a.o', left), objectOf('b.o', right), defined);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({
      code: 'link-duplicate',
      message: expect.stringContaining('defined more than once'),
    });
    expect(problems[0]?.details?.slice(2)).toEqual(lines);
  });

  test('the type', () => {
    const [left, right] = [objectOf('a.o', [fn('foo', 1)]), objectOf('b.o', [{ ...fn('foo', 1), size: 8 }])];
    const details = refused(left, right).flatMap(problem => problem.details ?? []);
    expect(details).toContainEqual(
      expect.stringMatching(/^not identical: "foo" does not agree .* return type/),
    );
  });

  test('a static variable that can be written', () => {
    const own = (name: string): BpfObject =>
      redirected(objectOf(name, [fn('foo', 1, 'state'), local(variable('state', 1))]), 'foo', 'state');
    expect(refused(own('a.o'), own('b.o'))[0]?.details?.slice(2)).toEqual([
      'not identical: what instruction 0 refers to differs',
      'a.o: static "state"',
      'b.o: static "state"',
      'static "state" is data private to each file',
    ]);
  });

  test('what a pointer in data leads to', () => {
    const table = (name: string, to: string): BpfObject =>
      redirected(
        objectOf(name, [
          { ...variable('table', 0), size: 8 },
          local(fn('inner', name === 'a.o' ? 1 : 2)),
          fn(to, 1),
        ]),
        'table',
        to,
      );
    expect(names(folded(table('a.o', 'one'), table('b.o', 'one')))).toContain('table');
    const problems = refused(table('a.o', 'inner'), table('b.o', 'inner'));
    expect(problems.find(problem => problem.message.includes('"table"'))?.details?.slice(2)).toEqual([
      'not identical: the value at byte 0 refers to different targets',
      'a.o: static "inner"',
      'b.o: static "inner"',
      'static "inner": instruction 0 differs',
      'a.o: r0 = 1, a.o.c:7: return 1;',
      'b.o: r0 = 2, b.o.c:7: return 2;',
    ]);
  });

  test('all of them are reported', () => {
    const a = objectOf('a.o', [fn('foo', 1), variable('x', 1), fn('same', 1)]);
    const b = objectOf('b.o', [fn('foo', 2), variable('x', 2), fn('same', 1)]);
    expect(refused(a, b).map(problem => problem.message)).toEqual([
      '"foo" is defined more than once',
      '"x" is defined more than once',
    ]);
  });
});

describe('static symbols', () => {
  test('that are equal become one: functions and constants', () => {
    const specs = [local(fn('inner', 1)), local(variable('table', 5, '.rodata'))];
    const result = folded(
      objectOf('a.o', [fn('a', 0, 'inner'), ...specs]),
      objectOf('b.o', [fn('b', 0, 'inner'), ...specs]),
    );
    expect(names(result)).toEqual(['a', 'inner', 'table', 'b']);
    const [a, , , b] = result.object.symbols;
    expect(a?.kind === 'function' && b?.kind === 'function' && a.references).toEqual(
      b?.kind === 'function' && b.references,
    );
    expect(discarded(result)).toEqual(['inner of b.o: identical a.o', 'table of b.o: identical a.o']);
  });

  test('stay apart without the option', () => {
    const result = link([objectOf('a.o', [local(fn('inner', 1))]), objectOf('b.o', [local(fn('inner', 1))])]);
    expect(result.ok && names(result)).toEqual(['inner', 'inner__2']);
  });

  test.each([
    ['of another name', local(fn('one', 1)), local(fn('two', 1))],
    ['of other code', local(fn('inner', 1)), local(fn('inner', 2))],
    ['of another type', local(fn('inner', 1)), local({ ...fn('inner', 1), size: 8 })],
    ['of another section', local(variable('x', 1, '.rodata')), local(variable('x', 1, '.rodata.cold'))],
    ['of other bytes', local(variable('x', 1, '.rodata')), local(variable('x', 2, '.rodata'))],
    ['that can be written', local(variable('x', 1)), local(variable('x', 1))],
  ])('stay apart when they are %s', (_, left, right) => {
    const result = folded(objectOf('a.o', [left]), objectOf('b.o', [right]));
    expect(result.object.symbols).toHaveLength(2);
    expect(discarded(result)).toEqual([]);
  });

  test('of which a third differs are folded in pairs', () => {
    const one = (name: string, value: number): BpfObject => objectOf(name, [local(fn('inner', value))]);
    const result = folded(one('a.o', 1), one('b.o', 2), one('c.o', 1), one('d.o', 2));
    expect(discarded(result)).toEqual(['inner of c.o: identical a.o', 'inner of d.o: identical b.o']);
    expect(names(result)).toEqual(['inner', 'inner__2']);
  });
});

test('the result is the same whatever else is in it, and nothing is left to fold', () => {
  const specs = [fn('foo', 1, 'inner'), local(fn('inner', 2))];
  const once = folded(objectOf('a.o', specs), objectOf('b.o', specs));
  const again = folded(once.object, objectOf('c.o', specs));
  expect(names(again)).toEqual(names(once));
});
