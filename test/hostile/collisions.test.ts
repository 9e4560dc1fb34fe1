/** Objects made to collide in hash tables: time is near-linear, and what is written does not depend on keys. */

import { describe, expect, test } from 'vitest';
import { PLAIN_POSITION, PLAIN_VALUE } from '../../src/image/layout.ts';
import { useRandom } from '../../src/image/random.ts';
import { link } from '../../src/link/link.ts';
import { readObject } from '../../src/object/read/read.ts';
import { writeObject } from '../../src/object/write/write.ts';
import { collidingNames } from './collisions.ts';
import { build, EXIT, FUNC, move, OBJECT, type Sample, sample, symbol } from './object-sample.ts';

const MANY = 8000;
/** Seconds of processor time, which the collisions took many times before there were keys. */
const SHORT = 0.3;

function objectOf(names: readonly string[]): Uint8Array {
  const parts = sample();
  for (const name of names) {
    parts.symbols.push(symbol(name, '.text', 8 * parts.insns.text.length, 16, { type: FUNC }));
    parts.insns.text.push(move(1), EXIT);
  }
  return build(parts);
}

function linked(bytes: Uint8Array, key?: number): Uint8Array {
  const restore = key === undefined ? () => undefined : useRandom(() => key);
  try {
    const result = link([{ name: 'x.o', bytes }]);
    if (!result.ok) throw new Error(result.problems[0]?.message);
    return writeObject(result.object);
  } finally {
    restore();
  }
}

function seconds(body: () => unknown): number {
  const times = [1, 2].map(() => {
    const before = process.cpuUsage();
    body();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1e6;
  });
  return Math.min(...times);
}

test('names that collide take as long as others', () => {
  const names = collidingNames(MANY);
  const others = names.map((name, index) => `${name.slice(8)}${`${index}`.padStart(8, '0')}`);
  const [colliding, plain] = [objectOf(names), objectOf(others)];
  expect(seconds(() => linked(colliding))).toBeLessThan(SHORT + 2 * seconds(() => linked(plain)));
});

test('the key of names is not seen in what is written', () => {
  const bytes = objectOf(collidingNames(400));
  const [first, ...others] = [5, 0x1234_5678, -1, undefined].map(key => linked(bytes, key));
  for (const other of others) expect(Buffer.compare(other, first ?? new Uint8Array())).toBe(0);
});

/** Offsets of a table of pointers that all begin in the same few of 2^16 slots, unsorted. */
function crowdedOffsets(count: number): number[] {
  const found: number[] = [];
  for (let offset = 0; found.length < count; offset += 8) {
    const hash = Math.imul(offset ^ (PLAIN_POSITION | 0), PLAIN_VALUE);
    const mixed = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    if (((mixed ^ (mixed >>> 16)) & 0xffff) < 32) found.push(offset);
  }
  return found.reverse();
}

function withOffsets(parts: Sample, offsets: readonly number[]): Uint8Array {
  parts.data.set('.data.table', new Uint8Array(Math.max(...offsets) + 8));
  parts.symbols.push(symbol('table', '.data.table', 0, Math.max(...offsets) + 8, { type: OBJECT }));
  parts.relocations.set(
    '.data.table',
    offsets.map(offset => ({ offset, type: 2, symbol: 'counter' })),
  );
  return build(parts);
}

describe('offsets of relocations that crowd', () => {
  const offsets = crowdedOffsets(300);
  test.each([0, 99, -1])('are read, by key %i', key => {
    const restore = useRandom(() => key);
    try {
      const object = readObject({ name: 'x.o', bytes: withOffsets(sample(), offsets) });
      const found = object.symbols.flatMap(one => (one.kind === 'variable' ? one.references : []));
      expect(found.map(({ offset }) => offset)).toEqual(expect.arrayContaining(offsets));
    } finally {
      restore();
    }
  });

  test('are refused when one is there twice', () => {
    const bytes = withOffsets(sample(), [...offsets, offsets[150] ?? 0]);
    expect(() => readObject({ name: 'x.o', bytes })).toThrow(`changes offset ${offsets[150]} twice`);
  });
});
