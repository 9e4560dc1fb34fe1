import { describe, expect, test } from 'vitest';
import { objectOf } from '../../../test/support/objects.ts';
import { formatFunc } from '../../btf/c/format.ts';
import { makeChain } from '../../link/relink/chain.ts';
import { relink } from '../../link/relink.ts';
import type { BpfObject } from '../model/model.ts';
import { writeObject } from '../write/write.ts';
import { hasFunctionTypes, hasKnownType, withAllFunctionTypes, withEntryTypes } from './function-types.ts';

/** A program and a function, both without types; `section`: that of the program. */
function untyped(section = 'xdp'): BpfObject {
  const object = objectOf('a.o', [
    { name: 'prog', kind: 'function', section, calls: ['sub'] },
    { name: 'sub', kind: 'function' },
  ]);
  const symbols = object.symbols.map(symbol =>
    symbol.kind === 'function' ? { ...symbol, btfId: 0, lines: [] } : { ...symbol, btfId: 0 },
  );
  return { ...object, btf: null, symbols };
}

function typesOf({ btf, symbols }: BpfObject): string[] {
  return symbols.flatMap(symbol =>
    symbol.kind !== 'function' || btf === null || symbol.btfId === 0 ? [] : [formatFunc(btf, symbol.btfId)],
  );
}

describe('withEntryTypes', () => {
  const spelled: readonly (readonly [string, string])[] = [
    ['xdp', 'int prog(struct xdp_md *ctx)'],
    ['tc', 'int prog(struct __sk_buff *ctx)'],
    ['cgroup/dev', 'int prog(struct bpf_cgroup_dev_ctx *ctx)'],
    ['kprobe/f', 'int prog(void *ctx)'],
    ['tracepoint/a/b', 'int prog(void *ctx)'],
    ['unheard-of', 'int prog(void *ctx)'],
  ];
  for (const [section, type] of spelled)
    test(`gives a program of ${section} its context, and functions nothing`, () => {
      expect(typesOf(withEntryTypes(untyped(section)))).toEqual([type]);
    });

  test('leaves what has types as it is, and programs that are not wanted', () => {
    const typed = withEntryTypes(untyped());
    expect(withEntryTypes(typed)).toBe(typed);
    const object = untyped();
    expect(withEntryTypes(object, () => false)).toBe(object);
  });
});

describe('withAllFunctionTypes', () => {
  test('adds nothing where no function has a type', () => {
    const object = untyped();
    expect(hasFunctionTypes(object)).toBe(false);
    expect(withAllFunctionTypes(object)).toBe(object);
  });

  test('describes the others as static, which says nothing of them', () => {
    const object = withAllFunctionTypes(withEntryTypes(untyped()));
    expect(typesOf(object)).toEqual(['int prog(struct xdp_md *ctx)', 'static int sub(void)']);
    expect(object.symbols.map(symbol => hasKnownType(object, symbol))).toEqual([true, false]);
  });

  test('describes all where one is a callback', () => {
    const object = objectOf('a.o', [
      { name: 'prog', kind: 'function', section: 'xdp', uses: ['sub'] },
      { name: 'sub', kind: 'function' },
    ]);
    const symbols = object.symbols.map(symbol => ({ ...symbol, btfId: 0 }));
    const described = withAllFunctionTypes({ ...object, btf: null, symbols });
    expect(typesOf(described)).toEqual(['int prog(struct xdp_md *ctx)', 'static int sub(void)']);
  });

  test('adds a line record where others have some, and only there', () => {
    const typed = withEntryTypes(untyped());
    const linesOf = ({ symbols }: BpfObject) =>
      symbols.map(symbol => (symbol.kind === 'function' ? symbol.lines.length : 0));
    expect(linesOf(withAllFunctionTypes(typed))).toEqual([0, 0]);
    const line = { insnIndex: 0, file: 'a.c', text: 'int prog', line: 1, column: 1 };
    const symbols = typed.symbols.map(symbol =>
      symbol.kind === 'function' && symbol.name === 'prog' ? { ...symbol, lines: [line] } : symbol,
    );
    expect(linesOf(withAllFunctionTypes({ ...typed, symbols }))).toEqual([1, 1]);
  });
});

test('a member without types is chained as a program of its section', () => {
  const member = { name: 'member.o', bytes: writeObject(untyped()) };
  const chain = makeChain({
    slots: [{ continueOn: [2] }, { continueOn: [2] }],
    section: 'xdp',
    byteOrder: 'little',
  });
  const assignments = [1, 2].map(number => ({
    slot: `slot${number}`,
    component: member,
    instance: `${number}`,
  }));
  const result = relink(chain, assignments, { entrySlots: true });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  expect(result.report.notes.filter(note => note.includes('could not be checked'))).toEqual([]);
  const types = typesOf(result.object);
  expect(types[0]).toBe('int chain(struct xdp_md *ctx)');
  expect(types.filter(type => /^int \w*prog\w*\(struct xdp_md \*ctx\)$/.test(type))).toHaveLength(2);
});
