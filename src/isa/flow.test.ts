/** Orders and dominators of random graphs beside their definitions. */

import { describe, expect, test } from 'vitest';
import { dominates, dominators, isReducible, predecessorsOf, reversePostorder } from './flow.ts';

const SEED = 14_051;
const GRAPHS = 400;

type Edges = readonly (readonly number[])[];

function randomGraphs(): Edges[] {
  let state = SEED;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return Array.from({ length: GRAPHS }, () => {
    const count = 1 + below(12);
    return Array.from({ length: count }, () => Array.from({ length: below(4) }, () => below(count)));
  });
}

/** Blocks that block 0 reaches without going through `without`. */
function reached(edges: Edges, without = -1): Set<number> {
  const seen = new Set(without === 0 ? [] : [0]);
  for (const block of seen) for (const target of edges[block] ?? []) if (target !== without) seen.add(target);
  return seen;
}

/** The graph with its reached blocks alone, numbered in reverse postorder. */
function renumbered(edges: Edges): Edges {
  const order = reversePostorder(edges.length, block => edges[block] ?? []);
  return order.map(block => (edges[block] ?? []).map(target => order.indexOf(target)));
}

const predecessors = (edges: Edges) =>
  predecessorsOf(
    edges.length,
    edges.map((_, block) => block),
    block => edges[block] ?? [],
  );

/** Removing edges to blocks that dominate their source leaves a graph without cycles. */
function isReducibleByDefinition(edges: Edges): boolean {
  const dominated = edges.map((_, above) => {
    const rest = reached(edges, above);
    return (below: number) => above === below || !rest.has(below);
  });
  const forward = edges.map((targets, block) =>
    targets.filter(target => dominated[target]?.(block) !== true),
  );
  const left = new Set(edges.keys());
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of left)
      if (!forward.some((targets, from) => left.has(from) && targets.includes(block))) {
        left.delete(block);
        changed = true;
      }
  }
  return left.size === 0;
}

describe(`random graphs (seed ${SEED})`, () => {
  const graphs = randomGraphs();

  test('the order has every block that is reached, once, the entry first', () => {
    for (const edges of graphs) {
      const order = reversePostorder(edges.length, block => edges[block] ?? []);
      expect(order[0]).toBe(0);
      expect([...order].sort((a, b) => a - b)).toEqual([...reached(edges)].sort((a, b) => a - b));
    }
  });

  test('where blocks lead back to no earlier one, each is after those that lead to it', () => {
    for (const edges of graphs) {
      const acyclic = edges.map((targets, block) => targets.filter(target => target > block));
      const order = reversePostorder(acyclic.length, block => acyclic[block] ?? []);
      for (const block of order)
        for (const target of acyclic[block] ?? [])
          expect(order.indexOf(target)).toBeGreaterThan(order.indexOf(block));
    }
  });

  test('a block dominates what is not reached without it', () => {
    for (const edges of graphs.map(renumbered)) {
      const dominator = dominators(predecessors(edges));
      for (const above of edges.keys()) {
        const rest = reached(edges, above);
        for (const below of edges.keys())
          expect(dominates(dominator, above, below)).toBe(above === below || !rest.has(below));
      }
    }
  });

  test('the immediate dominator is the nearest one', () => {
    for (const edges of graphs.map(renumbered)) {
      const dominator = dominators(predecessors(edges));
      expect(dominator[0]).toBe(0);
      for (let block = 1; block < edges.length; block++) {
        const all = [...edges.keys()].filter(above => above !== block && !reached(edges, above).has(block));
        expect(all.every(above => dominates(dominator, above, dominator[block] ?? -1))).toBe(true);
        expect(all).toContain(dominator[block]);
      }
    }
  });

  test('reducible are those whose loops have one entry', () => {
    const answers = graphs.map(renumbered).map(edges => {
      const dominator = dominators(predecessors(edges));
      const found = isReducible(edges.length, block => edges[block] ?? [], dominator);
      expect(found).toBe(isReducibleByDefinition(edges));
      return found;
    });
    expect(new Set(answers)).toEqual(new Set([true, false]));
  });
});

describe('predecessors', () => {
  test('are not counted from blocks outside of the order', () => {
    expect(predecessorsOf(3, [0, 1], block => [[1], [1, 2], [0]][block] ?? [])).toEqual([[], [0, 1], [1]]);
  });

  test('a target twice is a predecessor twice', () => {
    expect(predecessorsOf(2, [0, 1], block => [[1, 1], []][block] ?? [])).toEqual([[], [0, 0]]);
  });

  test('a graph without blocks has no order', () => {
    expect(reversePostorder(0, () => [])).toEqual([]);
  });
});
