import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { BtfBuilder } from '../../btf/model/builder.ts';
import { toRaw } from '../../btf/model/to-raw.ts';
import {
  BPF_MAP_TYPE_ARENA,
  BPF_MAP_TYPE_CGROUP_STORAGE,
  BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
  BPF_MAP_TYPE_PROG_ARRAY,
} from '../../uapi/map-types.ts';
import type { BpfObject, BpfSymbol } from '../model/model.ts';
import { markLive, pathTo } from './live.ts';
import { heldPrograms, implicitNeeds, isNeededAnyway, mapTypeOf, mayTailCall, NO_NEEDS } from './needs.ts';
import { ambiguousArenas, lostCallbacks, onceConflicts, programFunctions } from './once.ts';

const fn = (name: string, ...uses: string[]): SymbolSpec => ({ name, kind: 'function', uses });
const program = (name: string, ...uses: string[]): SymbolSpec => ({ ...fn(name, ...uses), section: 'xdp' });
const map = (name: string, mapType: number): SymbolSpec => ({ name, kind: 'map', mapType });
const variable = (name: string, section: string): SymbolSpec => ({ name, kind: 'variable', section });

/** The symbols of the given names came from another file. */
function fromFile(object: BpfObject, file: string, ...names: string[]): BpfObject {
  const symbols = object.symbols.map((symbol): BpfSymbol => {
    if (symbol.kind === 'extern' || !names.includes(symbol.name)) return symbol;
    return { ...symbol, origin: { ...symbol.origin, file } };
  });
  return { ...object, symbols };
}

/** Functions with a tag `exception_callback:NAME`. */
function tagged(object: BpfObject, ...tags: (readonly [string, string])[]): BpfObject {
  if (object.btf === null) throw new Error('no types');
  const btf = new BtfBuilder(toRaw(object.btf));
  for (const [of, callback] of tags) {
    const type = object.symbols.find(({ name }) => name === of)?.btfId ?? 0;
    btf.add({
      kind: 'decl_tag',
      name: `exception_callback:${callback}`,
      type,
      component: -1,
      attribute: false,
    });
  }
  return { ...object, btf: btf.build() };
}

/** The data of `holder` refers to the other symbols. */
function holding(object: BpfObject, holder: string, ...names: string[]): BpfObject {
  const references = names.map((name, at) => {
    const symbol = object.symbols.findIndex(candidate => candidate.name === name);
    return { offset: at * 8, width: 8, symbol, addend: 0, kind: 'address' } as const;
  });
  const symbols = object.symbols.map((symbol): BpfSymbol => {
    return symbol.name === holder && (symbol.kind === 'map' || symbol.kind === 'variable')
      ? { ...symbol, references }
      : symbol;
  });
  return { ...object, symbols };
}

const indexOf = (object: BpfObject, name: string): number =>
  object.symbols.findIndex(symbol => symbol.name === name);
const namesOf = (object: BpfObject, indexes: Iterable<number>): string[] =>
  [...indexes].map(index => object.symbols[index]?.name ?? '');
const needsOf = (object: BpfObject, name: string): string[] =>
  namesOf(object, implicitNeeds(object)(indexOf(object, name)));
const liveOf = (object: BpfObject, ...roots: string[]): string[] => {
  const { live } = markLive(
    object,
    roots.map(name => indexOf(object, name)),
  );
  return object.symbols.filter((_, index) => live[index] === true).map(({ name }) => name);
};

describe('implicit needs', () => {
  test('a variable of address space 1 needs the arena', () => {
    const object = objectOf('a.o', [
      program('main', 'seen'),
      variable('seen', '.addr_space.1'),
      variable('other', '.data'),
      map('arena', BPF_MAP_TYPE_ARENA),
      map('table', 2),
    ]);
    expect(needsOf(object, 'seen')).toEqual(['arena']);
    expect(needsOf(object, 'other')).toEqual([]);
    expect(liveOf(object, 'main')).toEqual(['main', 'seen', 'arena']);
  });

  test('an arena of the same file is the one that is needed', () => {
    const specs = [
      variable('one', '.addr_space.1'),
      variable('two', '.addr_space.1'),
      map('arena_one', BPF_MAP_TYPE_ARENA),
      map('arena_two', BPF_MAP_TYPE_ARENA),
    ];
    const object = fromFile(objectOf('a.o', specs), 'b.o', 'two', 'arena_two');
    expect(needsOf(object, 'one')).toEqual(['arena_one']);
    expect(needsOf(object, 'two')).toEqual(['arena_two']);
    expect(needsOf(fromFile(object, 'c.o', 'one'), 'one')).toEqual(['arena_one', 'arena_two']);
  });

  test('a function needs the exception callback that its tag names: a global function', () => {
    const object = tagged(
      objectOf('a.o', [program('main'), fn('caught', 'log'), fn('log'), { ...fn('own'), binding: 'local' }]),
      ['main', 'caught'],
      ['log', 'own'],
    );
    expect(needsOf(object, 'main')).toEqual(['caught']);
    expect(needsOf(object, 'log')).toEqual([]);
    expect(liveOf(object, 'main')).toEqual(['main', 'caught', 'log']);
    const liveness = markLive(object, [0]);
    expect(namesOf(object, pathTo(liveness, indexOf(object, 'log')))).toEqual(['main', 'caught', 'log']);
  });

  test('a program needs its run configuration, a function of that name does not', () => {
    const object = objectOf('a.o', [
      program('main'),
      fn('helper'),
      variable('_main', '.xdp_run_config'),
      variable('_helper', '.xdp_run_config'),
    ]);
    expect(needsOf(object, 'main')).toEqual(['_main']);
    expect(needsOf(object, 'helper')).toEqual([]);
  });

  test('a variable of size 0 needs the one after it, the last one the one before', () => {
    const names = ['start', 'table', 'other', 'end'];
    const object = objectOf(
      'a.o',
      names.map(name => variable(name, '.data')),
    );
    const symbols = object.symbols.map((symbol): BpfSymbol => {
      const isMark = symbol.name === 'start' || symbol.name === 'end';
      return symbol.kind === 'variable' && isMark ? { ...symbol, size: 0 } : symbol;
    });
    const marked = { ...object, symbols };
    expect(names.map(name => needsOf(marked, name))).toEqual([['table'], [], [], ['other']]);
    expect(liveOf(marked, 'start')).toEqual(['start', 'table']);
  });

  test('can be left out', () => {
    const object = objectOf('a.o', [variable('seen', '.addr_space.1'), map('arena', BPF_MAP_TYPE_ARENA)]);
    expect(markLive(object, [0], NO_NEEDS).live).toEqual([true, false]);
    expect(markLive(object, [0]).live).toEqual([true, true]);
  });

  test('of 100,000 functions in a chain are marked without recursion', () => {
    const small = objectOf('a.o', [{ name: 'f', kind: 'function', calls: ['f'] }]);
    const [own] = small.symbols;
    if (own?.kind !== 'function') throw new Error('no function');
    const symbols = Array.from({ length: 100_000 }, (_, at) => ({
      ...own,
      references: at < 99_999 ? own.references.map(entry => ({ ...entry, symbol: at + 1 })) : [],
    }));
    const liveness = markLive({ ...small, symbols }, [0]);
    expect(liveness.live.every(alive => alive)).toBe(true);
    expect(pathTo(liveness, 99_999)).toHaveLength(100_000);
  });
});

test('license, operations, pins and metadata are wanted whatever refers to them', () => {
  const object = objectOf('a.o', [
    variable('LICENSE', 'license'),
    variable('_version', 'version'),
    variable('ops', '.struct_ops.link'),
    variable('later', '?.struct_ops'),
    { name: 'pinned', kind: 'map', pinning: 1 },
    variable('bpf_metadata_author', '.rodata'),
    variable('bpf_metadata_state', '.data'),
    variable('author', '.rodata'),
    map('table', 2),
    program('main'),
  ]);
  const wanted = object.symbols.filter((_, index) => isNeededAnyway(object, index)).map(({ name }) => name);
  expect(wanted).toEqual(['LICENSE', '_version', 'ops', 'later', 'pinned', 'bpf_metadata_author']);
});

describe('programs', () => {
  test('are held by program arrays and by operations that are created by themselves', () => {
    const specs = [
      program('stage'),
      program('op'),
      program('later_op'),
      program('free'),
      map('array', BPF_MAP_TYPE_PROG_ARRAY),
      variable('ops', '.struct_ops'),
      variable('later', '?.struct_ops'),
      variable('table', '.data'),
    ];
    const filled = holding(objectOf('a.o', specs), 'array', 'stage');
    const object = holding(holding(holding(filled, 'ops', 'op'), 'later', 'later_op'), 'table', 'free');
    expect(namesOf(object, heldPrograms(object))).toEqual(['stage', 'op']);
  });

  test('of the kind of the code may be in an array without static values', () => {
    const object = objectOf('a.o', [
      program('entry', 'array'),
      program('stage'),
      { ...fn('tc_stage'), section: 'tc' },
      fn('helper'),
      map('array', BPF_MAP_TYPE_PROG_ARRAY),
      map('unused', BPF_MAP_TYPE_PROG_ARRAY),
    ]);
    const { live } = markLive(object, [0]);
    const [found, ...others] = mayTailCall(object, 0, live);
    expect(others).toEqual([]);
    expect(namesOf(object, [found?.array ?? -1, ...(found?.programs ?? [])])).toEqual(['array', 'stage']);
    expect(mayTailCall(holding(object, 'array', 'stage'), 0, live)).toEqual([]);
    expect(mayTailCall(object, 2, live)).toEqual([]);
  });
});

describe('once in a program', () => {
  const conflictsOf = (specs: readonly SymbolSpec[]) =>
    onceConflicts(objectOf('a.o', specs), 0).map(({ resource, names }) => [resource.kind, ...names]);

  test('is a cgroup storage of each type, in all functions of the program', () => {
    const shared = map('shared', BPF_MAP_TYPE_CGROUP_STORAGE);
    const percpu = map('percpu', BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE);
    const maps = [shared, map('second', BPF_MAP_TYPE_CGROUP_STORAGE), percpu];
    expect(conflictsOf([program('main', 'shared', 'percpu', 'shared'), ...maps])).toEqual([]);
    expect(conflictsOf([program('main', 'shared', 'helper'), fn('helper', 'second'), ...maps])).toEqual([
      ['cgroup-storage', 'shared', 'second'],
    ]);
    expect(conflictsOf([program('main', 'shared'), program('other', 'second'), ...maps])).toEqual([]);
  });

  test('is an arena, also where only its variables are used', () => {
    const specs = [
      program('main', 'first', 'helper'),
      fn('helper', 'seen'),
      variable('seen', '.addr_space.1'),
      map('first', BPF_MAP_TYPE_ARENA),
      map('second', BPF_MAP_TYPE_ARENA),
    ];
    const object = fromFile(objectOf('a.o', specs), 'b.o', 'seen', 'second');
    expect(onceConflicts(object, 0).map(({ resource, names }) => [resource.kind, ...names])).toEqual([
      ['arena', 'first', 'second'],
    ]);
    expect(ambiguousArenas(object)).toEqual(['first', 'second']);
    expect(
      ambiguousArenas(
        objectOf(
          'b.o',
          specs.filter(({ name }) => name !== 'seen'),
        ),
      ),
    ).toEqual([]);
  });

  test('is an exception callback; those of called functions are lost', () => {
    const specs = [
      { ...program('main'), calls: ['thrower'] },
      fn('thrower'),
      fn('caught', 'log'),
      fn('other'),
      fn('log'),
    ];
    const object = tagged(
      objectOf('a.o', specs),
      ['main', 'caught'],
      ['main', 'other'],
      ['thrower', 'other'],
    );
    expect(onceConflicts(object, 0).map(({ resource, names }) => [resource.kind, ...names])).toEqual([
      ['exception-callback', 'caught', 'other'],
    ]);
    expect(lostCallbacks(object, 0)).toEqual([{ function: 'thrower', callback: 'other' }]);
    expect(lostCallbacks(objectOf('b.o', specs), 0)).toEqual([]);
    const one = tagged(objectOf('a.o', specs), ['main', 'caught']);
    expect(onceConflicts(one, 0)).toEqual([]);
    expect(namesOf(one, programFunctions(one, 0))).toEqual(['main', 'thrower', 'caught', 'log']);
  });
});

test('the type of a map is known where its definition is valid', () => {
  const object = objectOf('a.o', [map('arena', BPF_MAP_TYPE_ARENA), fn('f')]);
  expect([0, 1, 9].map(index => mapTypeOf(object, index))).toEqual([
    BPF_MAP_TYPE_ARENA,
    undefined,
    undefined,
  ]);
  expect(mapTypeOf({ ...object, btf: null }, 0)).toBeUndefined();
});
