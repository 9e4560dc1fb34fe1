import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { encodeInsns, type Insn } from '../../isa/opcodes.ts';
import type { BpfObject } from '../model/model.ts';
import {
  CallGraph,
  callersOf,
  callGraph,
  frameBytes,
  referencesInOrder,
  stackAbove,
  tailCallers,
} from './call-graph.ts';

const fn = (name: string, ...calls: string[]): SymbolSpec => ({ name, kind: 'function', calls });

/** A graph of functions that are numbers: the callees and the stack depth of each. */
function graphOf(callees: readonly (readonly number[])[], depths: readonly number[] = []): CallGraph {
  return new CallGraph({ callees: at => callees[at] ?? [], stackDepth: at => depths[at] ?? 0 });
}

/** `*(u64 *)(r10 - depth) = 0; …` before the code of a function. */
function withStack(object: BpfObject, depths: Readonly<Record<string, number>>): BpfObject {
  const symbols = object.symbols.map(symbol => {
    const depth = depths[symbol.name];
    if (symbol.kind !== 'function' || depth === undefined) return symbol;
    const store: Insn = { opcode: 0x7a, dst: 10, src: 0, offset: -depth, imm: 0 };
    const references = symbol.references.map(entry => ({ ...entry, insnIndex: entry.insnIndex + 1 }));
    return { ...symbol, code: Uint8Array.of(...encodeInsns([store], 'little'), ...symbol.code), references };
  });
  return { ...object, symbols };
}

test('a frame counts in steps of 16 bytes, and nothing without stack', () => {
  expect([0, 1, 16, 17, 496, 512].map(frameBytes)).toEqual([0, 16, 16, 32, 496, 512]);
});

describe('callees', () => {
  test('are the functions that are called or handed out, each once, and nothing else', () => {
    const object = objectOf('a.o', [
      { ...fn('main', 'one', 'two', 'one', 'gone'), uses: ['three', 'counter'] },
      fn('one'),
      fn('two'),
      fn('three'),
      { name: 'counter', kind: 'variable' },
      { name: 'gone', kind: 'extern function' },
    ]);
    expect(callGraph(object).callees(0)).toEqual([1, 2, 3]);
    expect(callGraph(object).callees(4)).toEqual([]);
    expect(callGraph(object).callees(99)).toEqual([]);
  });

  test('are in the order of instructions, whatever order references have', () => {
    const object = objectOf('a.o', [fn('main', 'one', 'two', 'three'), fn('one'), fn('two'), fn('three')]);
    const [main, ...others] = object.symbols;
    if (main?.kind !== 'function') throw new Error('no function');
    const mixed = { ...main, references: [...main.references].reverse() };
    expect(callGraph({ ...object, symbols: [mixed, ...others] }).callees(0)).toEqual([1, 2, 3]);
    expect(referencesInOrder(mixed).map(({ insnIndex }) => insnIndex)).toEqual([0, 1, 2]);
  });

  test('of an object are found once', () => {
    const object = objectOf('a.o', [fn('main')]);
    expect(callGraph(object)).toBe(callGraph(object));
  });
});

describe('reach', () => {
  const graph = graphOf([[1, 3], [2], [], [2, 4], [], [6], [5]]);

  test('is depth first, a callee before the next call of its caller', () => {
    expect(graph.reach([0])).toEqual([0, 1, 2, 3, 4]);
  });

  test('of several roots has each function once, and cycles end', () => {
    expect(graph.reach([3, 6, 0])).toEqual([3, 2, 4, 6, 5, 0, 1]);
  });
});

describe('paths', () => {
  const CALLEES = [[1, 2], [3], [3], [4], []];

  test('the deepest one has the most frames, and the first of several', () => {
    expect(graphOf(CALLEES).deepest(0)).toEqual({ total: 4, path: [0, 1, 3, 4] });
    expect(graphOf(CALLEES).deepest(2)).toEqual({ total: 3, path: [2, 3, 4] });
  });

  test('the one with the most stack may be another', () => {
    const graph = graphOf([[1, 2], [3], [], []], [8, 8, 200, 8]);
    expect(graph.deepest(0)).toEqual({ total: 3, path: [0, 1, 3] });
    expect(graph.mostStack(0)).toEqual({ total: 16 + 208, path: [0, 2] });
  });

  test('a cycle has no depth, for all that lead to it and for no others', () => {
    const graph = graphOf([[1], [2], [1, 4], [0], []]);
    const endless = Number.POSITIVE_INFINITY;
    expect(graph.deepest(0)).toEqual({ total: endless, path: [0, 1, 2, 1] });
    expect(graph.deepest(3)).toEqual({ total: endless, path: [3, 0, 1, 2, 1] });
    expect(graph.deepest(2)).toEqual({ total: endless, path: [2, 1, 2] });
    expect(graph.deepest(4)).toEqual({ total: 1, path: [4] });
    expect(graphOf([[0]]).mostStack(0)).toEqual({ total: endless, path: [0, 0] });
  });

  test.each([
    ['eight frames', Array.from({ length: 8 }, () => 0), true],
    ['nine frames', Array.from({ length: 9 }, () => 0), false],
    ['512 bytes', [496, 8], true],
    ['528 bytes', [512, 8], false],
  ])('%s', (_, depths, fits) => {
    const callees = depths.map((_, at) => (at + 1 < depths.length ? [at + 1] : []));
    expect(graphOf(callees, depths).fits(0)).toBe(fits);
  });
});

describe('callers', () => {
  const object = withStack(
    objectOf('a.o', [
      fn('main', 'near', 'far'),
      fn('near', 'target'),
      fn('far', 'near', 'aside'),
      fn('aside'),
      { ...fn('other'), uses: ['target'] },
      { name: 'target', kind: 'extern function' },
    ]),
    { main: 64, near: 8, far: 100, aside: 400 },
  );

  test('of a symbol are all functions from which calls lead to it', () => {
    expect([...callersOf(object, [5])].sort()).toEqual([0, 1, 2, 4]);
    expect([...callersOf(object, [1])].sort()).toEqual([0, 2]);
    expect([...callersOf(object, [0])]).toEqual([]);
  });

  test('have stack in use: all frames on the way but that of the function itself', () => {
    expect(stackAbove(object, 0, [5])).toEqual({ total: 64 + 112 + 16, path: [0, 2, 1] });
    expect(stackAbove(object, 0, [1])).toEqual({ total: 64 + 112, path: [0, 2] });
    expect(stackAbove(object, 3, [5])).toEqual({ total: 0, path: [] });
  });
});

test('tail calls are those of the code of a function itself', () => {
  const object = objectOf('a.o', [fn('main', 'helper'), fn('helper'), { name: 'v', kind: 'variable' }]);
  const call: Insn = { opcode: 0x85, dst: 0, src: 0, offset: 0, imm: 12 };
  const symbols = object.symbols.map(symbol =>
    symbol.name === 'helper' && symbol.kind === 'function'
      ? { ...symbol, code: Uint8Array.of(...encodeInsns([call], 'little'), ...symbol.code) }
      : symbol,
  );
  expect([...tailCallers({ ...object, symbols })]).toEqual([1]);
  expect([...tailCallers(object)]).toEqual([]);
});

describe('100,000 functions', () => {
  const COUNT = 100_000;

  test('in a chain need no recursion', () => {
    const graph = graphOf(
      Array.from({ length: COUNT }, (_, at) => (at + 1 < COUNT ? [at + 1] : [])),
      new Array<number>(COUNT).fill(1),
    );
    expect(graph.reach([0])).toHaveLength(COUNT);
    expect(graph.deepest(0)).toMatchObject({ total: COUNT });
    expect(graph.mostStack(0).total).toBe(16 * COUNT);
    expect(graph.fits(COUNT - 9)).toBe(false);
    expect(graph.fits(COUNT - 8)).toBe(true);
  });

  test('called by one need no recursion, and asking for each of them takes no longer', () => {
    const leaves = Array.from({ length: COUNT }, (_, at) => at + 1);
    const graph = graphOf([leaves]);
    expect(graph.reach([0])).toEqual([0, ...leaves]);
    expect(graph.deepest(0)).toEqual({ total: 2, path: [0, 1] });
    expect(leaves.every(leaf => graph.fits(leaf))).toBe(true);
  });

  test('before a cycle are reported with the cycle', () => {
    const graph = graphOf(Array.from({ length: COUNT }, (_, at) => [at + 1 < COUNT ? at + 1 : at]));
    const paths = [0, 1, COUNT - 2].map(root => graph.deepest(root));
    expect(paths.map(({ total }) => total)).toEqual(new Array(3).fill(Number.POSITIVE_INFINITY));
    expect(paths.map(({ path }) => path.length)).toEqual([COUNT + 1, COUNT, 3]);
  });

  test('of an object need no recursion either', () => {
    const small = objectOf('a.o', [fn('f', 'f')]);
    const [own] = small.symbols;
    if (own?.kind !== 'function') throw new Error('no function');
    const symbols = Array.from({ length: COUNT }, (_, at) => ({
      ...own,
      name: `f${at}`,
      references: at + 1 < COUNT ? own.references.map(entry => ({ ...entry, symbol: at + 1 })) : [],
    }));
    const object = { ...small, symbols };
    expect(callersOf(object, [COUNT - 1]).size).toBe(COUNT - 1);
    expect(stackAbove(object, 0, [COUNT - 1])).toMatchObject({ total: 0 });
    expect(stackAbove(object, 0, [COUNT - 1]).path).toHaveLength(COUNT - 1);
  });
});

describe('callbacks that run later', () => {
  /** 0 calls 1 and hands out 2; 2 hands itself out again and calls 3. */
  const callees = [[1, 2], [], [2, 3], []];
  const depths = [300, 100, 200, 208];
  const graph = (isDeferred?: (at: number, callee: number) => boolean): CallGraph =>
    new CallGraph({
      callees: at => callees[at] ?? [],
      stackDepth: at => depths[at] ?? 0,
      ...(isDeferred === undefined ? {} : { isDeferred }),
    });

  test('have a stack of their own, and no recursion', () => {
    const later = graph((_, callee) => callee === 2);
    expect(later.reach([0])).toEqual([0, 1, 2, 3]);
    expect(later.stackRoots(0)).toEqual([0, 2]);
    expect(later.stackCallees(0)).toEqual([1]);
    expect(later.mostStack(0)).toEqual({ total: 304 + 112, path: [0, 1] });
    expect(later.mostStack(2)).toEqual({ total: 208 + 208, path: [2, 3] });
    expect(later.deepest(2).total).toBe(2);
  });

  test('that are called are not', () => {
    expect(graph().stackRoots(0)).toEqual([0]);
    expect(graph().mostStack(0).total).toBe(Number.POSITIVE_INFINITY);
    expect(graph((at, callee) => at === 0 && callee === 2).mostStack(2).total).toBe(Number.POSITIVE_INFINITY);
  });
});
