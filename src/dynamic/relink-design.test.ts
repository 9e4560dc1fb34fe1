import { expect, test } from 'vitest';
import { changeDesign, type Design, type ObjectFile, type SlotChange } from './relink-design.ts';

const SLOTS = ['a', 'b', 'c'];
const file = (name: string, version = 1): ObjectFile => ({ name, bytes: new Uint8Array([version]) });
const [ONE, TWO, ONE_V2] = [file('one.o'), file('two.o'), file('one.o', 2)];
const EMPTY: Design = { rootlet: file('host.o'), fills: [] };

/** `slot=file#instance`, in order. */
function after(...changes: readonly SlotChange[]): string {
  const design = changes.reduce((made, change) => changeDesign(made, change, SLOTS, 'host'), EMPTY);
  return design.fills
    .map(({ slot, file: { name, bytes }, instance }) => {
      const version = bytes[0] === 1 ? '' : `v${bytes[0]}`;
      return `${slot}=${name}${version}${instance === undefined ? '' : `#${instance}`}`;
    })
    .join(' ');
}

test.each<[string, readonly SlotChange[], string]>([
  [
    'slots are in their own order',
    [
      {
        fill: [
          { slot: 'c', file: ONE },
          { slot: 'a', file: TWO },
        ],
      },
    ],
    'a=two.o c=one.o',
  ],
  [
    'one replaces the other',
    [{ fill: [{ slot: 'a', file: ONE }] }, { fill: [{ slot: 'a', file: TWO }] }],
    'a=two.o',
  ],
  [
    'reset',
    [
      {
        fill: [
          { slot: 'a', file: ONE },
          { slot: 'b', file: TWO },
        ],
      },
      { reset: ['a'] },
    ],
    'b=two.o',
  ],
  [
    'order fills what is not named, and resets the rest',
    [
      {
        fill: [
          { slot: 'a', file: ONE },
          { slot: 'c', file: ONE },
        ],
      },
      { order: [{ file: TWO }], reset: ['a'] },
    ],
    'b=two.o',
  ],
  [
    'order beside names',
    [{ order: [{ file: ONE }, { file: TWO }], fill: [{ slot: 'b', file: TWO }] }],
    'a=one.o b=two.o c=two.o',
  ],
  ['an empty order resets all', [{ fill: [{ slot: 'a', file: ONE }] }, { order: [] }], ''],
  [
    'the program itself',
    [
      {
        fill: [
          { slot: 'host', file: ONE },
          { slot: 'a', file: TWO },
        ],
      },
    ],
    'a=two.o host=one.o',
  ],
  [
    'a new version beside the old one is another component',
    [{ fill: [{ slot: 'a', file: ONE }] }, { fill: [{ slot: 'b', file: ONE_V2 }] }],
    'a=one.o b=one.ov2#2',
  ],
  [
    'a new version instead of the old one is not',
    [{ fill: [{ slot: 'a', file: ONE }] }, { fill: [{ slot: 'a', file: ONE_V2 }] }],
    'a=one.ov2',
  ],
  [
    'the same file read twice is one',
    [{ fill: [{ slot: 'a', file: ONE }] }, { fill: [{ slot: 'b', file: file('one.o') }] }],
    'a=one.o b=one.o',
  ],
  [
    'an instance stays when the order changes',
    [
      { fill: [{ slot: 'a', file: ONE }] },
      { fill: [{ slot: 'b', file: ONE_V2 }] },
      { order: [{ file: ONE_V2 }, { file: ONE }] },
    ],
    'a=one.ov2#2 b=one.o',
  ],
])('%s', (_, changes, expected) => {
  expect(after(...changes)).toBe(expected);
});

test.each<[string, SlotChange, string]>([
  [
    'a slot twice',
    {
      fill: [
        { slot: 'a', file: ONE },
        { slot: 'a', file: TWO },
      ],
    },
    'relink-slot-twice',
  ],
  ['filled and reset', { fill: [{ slot: 'a', file: ONE }], reset: ['a'] }, 'relink-slot-twice'],
  ['resetting what is not there', { reset: ['z'] }, 'relink-no-slot'],
  ['too many for the slots', { order: [1, 2, 3, 4].map(() => ({ file: ONE })) }, 'relink-too-many'],
])('%s is refused', (_, change, code) => {
  expect(() => after(change)).toThrow(expect.objectContaining({ code }));
});
