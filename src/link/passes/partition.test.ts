/** Against refinement by rounds, which looks at every node in each. */

import { expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { elementAt } from '../../bytes/at.ts';
import { type Edge, refine } from './partition.ts';

/** Classes numbered in the order of their first members, so that two partitions can be compared. */
function numbered(classOf: ArrayLike<number | string>): number[] {
  const numbers = new Map<number | string, number>();
  return Array.from(classOf, one => {
    const known = numbers.get(one) ?? numbers.size;
    numbers.set(one, known);
    return known;
  });
}

function byRounds(classOf: readonly number[], edges: readonly Edge[]): number[] {
  let current = numbered(classOf);
  for (;;) {
    const keys = current.map(number => [number, [] as string[]] as const);
    for (const { from, place, to } of edges) elementAt(keys, from)[1].push(`${place}:${current[to]}`);
    const next = numbered(keys.map(([number, places]) => `${number} ${places.sort().join()}`));
    if (Math.max(...next) === Math.max(...current)) return next;
    current = next;
  }
}

test('300 random graphs: as refinement by rounds', () => {
  const seeded = new SeededRandom(11);
  const random = (bound: number): number => seeded.below(bound);
  for (let round = 0; round < 300; round++) {
    const count = 1 + random(30);
    const classes = 1 + random(4);
    const given = numbered(Array.from({ length: count }, () => random(classes)));
    const edges: Edge[] = [];
    for (let from = 0; from < count; from++)
      for (let place = 0, end = random(4); place < end; place++)
        edges.push({ from, place, to: random(count) });
    const classOf = Int32Array.from(given);
    refine(classOf, edges);
    expect(numbered(classOf), `graph ${round}`).toEqual(byRounds(given, edges));
  }
});

test('a chain is one class for each place in it, a circle is one class', () => {
  const next = (count: number): Edge[] =>
    Array.from({ length: count - 1 }, (_, from) => ({ from, place: 0, to: from + 1 }));
  const chain = new Int32Array(50);
  refine(chain, next(50));
  expect(new Set(chain).size).toBe(50);
  const circle = new Int32Array(50);
  refine(circle, [...next(50), { from: 49, place: 0, to: 0 }]);
  expect(new Set(circle).size).toBe(1);
});

test('nothing and single nodes', () => {
  refine(new Int32Array(0), []);
  const one = Int32Array.of(0);
  refine(one, [{ from: 0, place: 0, to: 0 }]);
  expect([...one]).toEqual([0]);
});
