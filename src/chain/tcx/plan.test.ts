/** Plans against a model of the hook: whatever is there and whatever is wanted, the steps lead to it. */

import { describe, expect, test } from 'vitest';
import { longestRising, neighborOf, planTcx, type TcxStep, type WantedMember } from './plan.ts';

/** Seeded: the same cases in every run. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function shuffled(names: readonly string[], random: (below: number) => number): string[] {
  return names
    .map(name => ({ name, key: random(1 << 30) }))
    .sort((a, b) => a.key - b.key)
    .map(({ name }) => name);
}

/** What the steps make of a hook: members and programs of others (`#…`), as `applyTcx` runs them. */
function run(
  hook: readonly string[],
  order: readonly string[],
  { steps, stay }: ReturnType<typeof planTcx>,
  reverse: boolean,
): string[] {
  const rows = [...hook];
  const settled = new Set(stay);
  const place = (name: string): void => {
    const old = rows.indexOf(name);
    const neighbor = neighborOf(order, name, settled);
    const at =
      neighbor === null ? rows.length : rows.indexOf(neighbor.name) + (neighbor.side === 'after' ? 1 : 0);
    rows.splice(at, 0, name);
    if (old >= 0) rows.splice(old >= at ? old + 1 : old, 1);
    settled.add(name);
  };
  const attaching = steps.filter(({ kind }) => kind === 'load' || kind === 'move');
  for (const { name } of reverse ? [...attaching].reverse() : attaching) place(name);
  const gone = steps.flatMap(({ kind, name }) => (kind === 'unload' ? [name] : []));
  return rows.filter(name => !gone.includes(name));
}

const kinds = (steps: readonly TcxStep[]): string[] => steps.map(({ kind, name }) => `${kind} ${name}`);
const wanted = (...names: readonly string[]): WantedMember[] =>
  names.map(name => ({ name, differs: 'nothing' }));
const present = (...names: readonly string[]) => names.map(name => ({ name, isLost: false }));

describe('steps', () => {
  test('nothing to do', () => {
    expect(planTcx(present('a', 'b'), wanted('a', 'b')).steps).toEqual([]);
  });

  test('loads, replaces, changes of the record and unloads leave all others in their places', () => {
    const { steps, stay } = planTcx(present('a', 'b', 'c', 'd'), [
      { name: 'a', differs: 'nothing' },
      { name: 'new', differs: 'nothing' },
      { name: 'b', differs: 'code' },
      { name: 'd', differs: 'record' },
    ]);
    expect(kinds(steps)).toEqual(['load new', 'replace b', 'record d', 'unload c']);
    expect([...stay]).toEqual(['a', 'b', 'd']);
  });

  test('one member moves where one move is enough', () => {
    expect(kinds(planTcx(present('a', 'b', 'c', 'd'), wanted('d', 'a', 'b', 'c')).steps)).toEqual(['move d']);
    expect(kinds(planTcx(present('a', 'b', 'c', 'd'), wanted('b', 'c', 'd', 'a')).steps)).toEqual(['move a']);
    expect(planTcx(present('a', 'b', 'c', 'd'), wanted('d', 'c', 'b', 'a')).steps).toHaveLength(3);
  });

  test('a member that moves in another version is one step', () => {
    const next: WantedMember[] = [
      { name: 'b', differs: 'code' },
      { name: 'a', differs: 'nothing' },
    ];
    const { steps } = planTcx(present('a', 'b'), next);
    expect(steps).toHaveLength(1);
  });

  test('a lost member is attached again', () => {
    const there = [...present('a'), { name: 'b', isLost: true }, ...present('c')];
    expect(planTcx(there, wanted('a', 'b', 'c')).steps).toEqual([
      { kind: 'move', name: 'b', differs: false },
    ]);
    expect(kinds(planTcx(there, wanted('a', 'c')).steps)).toEqual(['unload b']);
  });
});

test('a longest rising subsequence', () => {
  expect([...longestRising([])]).toEqual([]);
  expect([...longestRising([3, 1, 2, 0, 4])]).toEqual([1, 2, 4]);
  expect(longestRising([5, 4, 3])).toHaveProperty('size', 1);
});

test('members go next to settled ones; without any, after everything', () => {
  const order = ['a', 'b', 'c'];
  expect(neighborOf(order, 'b', new Set())).toBeNull();
  expect(neighborOf(order, 'b', new Set(['c']))).toEqual({ side: 'before', name: 'c' });
  expect(neighborOf(order, 'c', new Set(['a', 'b']))).toEqual({ side: 'after', name: 'b' });
});

test('whatever is there, the design is what runs, others stay, and no smaller number of members moves', () => {
  for (let seed = 1; seed <= 2000; seed++) {
    const random = randomOf(seed);
    const names = Array.from({ length: 1 + random(7) }, (_, at) => `m${at}`);
    const there = shuffled(names, random).slice(0, random(names.length + 1));
    const order = shuffled(names, random).slice(0, random(names.length + 1));
    const others = Array.from({ length: random(3) }, (_, at) => `#${at}`);
    const hook = [...there];
    for (const other of others) hook.splice(random(hook.length + 1), 0, other);
    const plan = planTcx(present(...there), wanted(...order));
    for (const reverse of [false, true]) {
      const after = run(hook, order, plan, reverse);
      expect(
        after.filter(name => !name.startsWith('#')),
        `seed ${seed}`,
      ).toEqual(order);
      const kept = hook.filter(name => name.startsWith('#'));
      expect(
        after.filter(name => name.startsWith('#')),
        `seed ${seed}`,
      ).toEqual(kept);
    }
    const moves = plan.steps.filter(({ kind }) => kind === 'move').length;
    expect(moves, `seed ${seed}`).toBe(
      fewestMoves(
        there.filter(name => order.includes(name)),
        order,
      ),
    );
  }
});

/** By trying every set of members that stay. */
function fewestMoves(there: readonly string[], order: readonly string[]): number {
  let best = there.length;
  for (let set = 0; set < 1 << there.length; set++) {
    const stay = there.filter((_, at) => (set >> at) & 1).map(name => order.indexOf(name));
    if (stay.every((place, at) => at === 0 || (stay[at - 1] ?? 0) < place))
      best = Math.min(best, there.length - stay.length);
  }
  return best;
}
