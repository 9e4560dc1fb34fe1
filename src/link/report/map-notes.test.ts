import { expect, test } from 'vitest';
import { SeededRandom } from '../../../test/hostile/random.ts';
import { objectOf, type SymbolSpec } from '../../../test/support/objects.ts';
import { readObject } from '../../object/read/read.ts';
import { writeObject } from '../../object/write/write.ts';
import { mapNotes } from './map-notes.ts';

/** Types with and without rules that these definitions break: hash, array, ring buffer, queue, bloom filter, and none. */
const TYPES = [1, 2, 27, 22, 30, 0, 9999];

function randomMaps(random: SeededRandom): SymbolSpec[] {
  // few types, so that several maps have one definition
  const types = [random.pick([1, 2]), random.pick(TYPES)];
  return Array.from({ length: random.below(8) }, (_, at) => ({
    name: `map${at}`,
    kind: 'map',
    mapType: random.pick(types),
    value: random.pick([1, 1, 4096]),
    pinning: random.pick([0, 0, 1]),
  }));
}

test('notes of maps are the same by columns as by each definition', () => {
  const random = new SeededRandom(8);
  const counts = { noted: 0, silent: 0 };
  for (let round = 0; round < 120; round++) {
    const bytes = writeObject(objectOf('a.o', randomMaps(random)));
    const object = readObject({ name: 'a.o', bytes });
    const notes = mapNotes(object);
    expect(notes, `round ${round}`).toEqual(mapNotes({ ...object }));
    counts[notes.length > 0 ? 'noted' : 'silent']++;
  }
  expect(counts.noted).toBeGreaterThan(20);
  expect(counts.silent).toBeGreaterThan(20);
});
