/** Pictures that are too large have less in them, and say so. */

import { expect, test } from 'vitest';
import { boundedPicture } from './bounded.ts';
import { node, type Picture } from './model.ts';

function drawing(without: string, count: number) {
  const nodes = Array.from({ length: count }, (_, at) => node(String(at), 'function', `f${at}`));
  const empty = { details: [], edges: [], clusters: [], marked: null, notes: [] };
  const draw = (): Picture => ({ title: 'a.o', direction: 'right', nodes, ...empty });
  return { without, draw };
}

const OPTIONS = { where: ['a.o'], instead: 'draw one function' };

test('the whole where it fits, else the first part that does, with the option that changes it', () => {
  const drawings = [drawing('', 9), drawing('variables', 5), drawing('maps', 3)];
  expect(boundedPicture(drawings, { ...OPTIONS, limits: { picture: 9 } })).toMatchObject({ notes: [] });
  const part = boundedPicture(drawings, { ...OPTIONS, limits: { picture: 8 } });
  expect(part.nodes).toHaveLength(5);
  expect(part.notes).toEqual([
    'without variables: there would be 9 nodes and edges, the limit is 8; raise the limit: --limits picture=16 (option limits)',
  ]);
});

test('nothing where no part fits', () => {
  const options = { ...OPTIONS, limits: { picture: 2 } };
  expect(() => boundedPicture([drawing('', 9), drawing('maps', 3)], options)).toThrow(
    expect.objectContaining({
      problems: [
        expect.objectContaining({
          code: 'picture-limit',
          where: ['a.o'],
          hint: 'draw one function, or raise the limit: --limits picture=4 (option limits)',
        }),
      ],
    }),
  );
});
