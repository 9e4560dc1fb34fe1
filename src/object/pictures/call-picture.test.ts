/** Call graphs as data: what is a node, what is an edge, and the path with the most stack. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import type { Picture } from '../../picture/model.ts';
import { readObject } from '../read/read.ts';
import { callPicture } from './call-picture.ts';

const fn = (name: string, ...calls: string[]): SymbolSpec => ({ name, kind: 'function', calls });
const CALLS = readPicture('src/vm/testdata/obj/el/calls.bpf.o');

function readPicture(name: string): Picture {
  return callPicture(readObject({ name, bytes: readFileSync(name) }));
}

/** `main -call-> used`, in order. */
function edgesOf({ nodes, edges }: Picture): string[] {
  const labels = new Map(nodes.map(({ id, label }) => [id, label]));
  return edges.map(({ from, to, kind, label }) => {
    const name = label === '' ? kind : `${kind} ${label}`;
    return `${labels.get(from)} -${name}-> ${labels.get(to)}`;
  });
}

const kinds = ({ nodes }: Picture): string[] => nodes.map(({ kind, label }) => `${kind} ${label}`);

describe('a call graph', () => {
  const object = objectOf('a.o', [
    { ...fn('main', 'used', 'used', 'gone'), section: 'xdp', uses: ['limit', 'flows', 'visit'] },
    fn('used'),
    { ...fn('visit'), binding: 'local' },
    { name: 'limit', kind: 'variable', size: 8 },
    { name: 'flows', kind: 'map', value: 16 },
    { name: 'gone', kind: 'extern function' },
    { name: '_license', kind: 'variable', section: 'license' },
  ]);
  const picture = callPicture(object);

  test('has functions by what they are, maps, variables and externs, without the license', () => {
    expect(kinds(picture)).toEqual([
      'program main',
      'function used',
      'subprogram visit',
      'variable limit',
      'map flows',
      'extern gone',
    ]);
    expect(picture.nodes[0]?.details).toEqual([
      'xdp',
      '11 instructions, 0 bytes of stack',
      'with calls: 2 frames, 0 bytes',
    ]);
    expect(picture.nodes[4]?.details).toEqual(['array', '16 entries', 'key 4, value 4 bytes']);
  });

  test('has each pair once: calls, callbacks, uses', () => {
    expect(edgesOf(picture)).toEqual([
      'main -call-> used',
      'main -call-> gone',
      'main -use-> limit',
      'main -use-> flows',
      'main -callback-> visit',
    ]);
  });

  test('points out the path with the most stack', () => {
    expect(picture.edges.filter(({ marked }) => marked).map(({ to }) => to)).toEqual(['symbol 1']);
    expect(picture.marked).toBe('most stack: 0 of 512 bytes, 2 of 8 frames: main → used');
  });

  test('of functions that call each other in a cycle ends', () => {
    const cycle = callPicture(
      objectOf('a.o', [{ ...fn('main', 'a'), section: 'xdp' }, fn('a', 'b'), fn('b', 'a')]),
    );
    expect(cycle.marked).toBe('calls in a cycle: main → a → b → a');
    expect(cycle.nodes[0]?.details.at(-1)).toBe('calls itself in a cycle');
  });
});

describe('a compiled object', () => {
  test('has tail calls, callbacks and maps in maps', () => {
    const edges = edgesOf(CALLS);
    for (const edge of [
      'tail_first -tail-call-> programs',
      'deeper -tail-call-> programs',
      'programs -tail-call-> tail_second',
      'callbacks -callback-> visit',
      'outer -hold-> inner_one',
      'callbacks -use-> table',
    ])
      expect(edges).toContain(edge);
    expect(CALLS.marked).toMatch(/^most stack: 96 of 512 bytes, 8 of 8 frames: frames → level1 → /);
    expect(CALLS.edges.filter(({ marked }) => marked)).toHaveLength(7);
  });

  test('is drawn the same each time', () => {
    expect(readPicture('src/vm/testdata/obj/el/calls.bpf.o')).toEqual(CALLS);
  });
});

test('a program that replaces a function of another one', () => {
  const picture = callPicture(objectOf('a.o', [{ ...fn('better'), section: 'freplace/filter' }]));
  expect(kinds(picture)).toEqual(['program better', 'target filter']);
  expect(edgesOf(picture)).toEqual(['better -replace-> filter']);
});

describe('too many symbols', () => {
  const many = (count: number, kind: 'variable' | 'map'): SymbolSpec[] =>
    Array.from({ length: count }, (_, at) => ({ name: `${kind}${at}`, kind }));
  const object = objectOf('a.o', [
    { ...fn('main'), section: 'xdp' },
    ...many(20, 'variable'),
    ...many(5, 'map'),
  ]);

  test.for([
    [26, 26, /^$/],
    [10, 7, /^without single variables: there would be 26 nodes and edges, the limit is 10; raise/],
    [6, 6, /^without variables and externs: /],
    [5, 1, /^without variables, externs and maps: /],
  ] as const)('with a limit of %i: %i nodes', ([limit, nodes, note]) => {
    const picture = callPicture(object, { picture: limit });
    expect(picture.nodes).toHaveLength(nodes);
    expect(picture.notes.join()).toMatch(note);
  });

  test('no picture where functions alone are too many', () => {
    const functions = objectOf('a.o', [fn('a'), fn('b')]);
    expect(() => callPicture(functions, { picture: 1 })).toThrow(/a picture of it has 2 nodes and edges/);
  });
});
