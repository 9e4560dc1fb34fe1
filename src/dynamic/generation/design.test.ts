import { describe, expect, test } from 'vitest';
import { InputObject } from '../../object/read/input.ts';
import {
  changeDesign,
  componentOf,
  type Design,
  isSame,
  isSameFill,
  openChange,
  type SlotChange,
  type SlotNames,
} from './design.ts';

type Change = SlotChange<InputObject>;

const file = (name: string, version = 1): InputObject =>
  new InputObject({ name, bytes: new Uint8Array([version]) });
const [ONE, TWO, ONE_V2, ONE_V3] = [file('one.o'), file('two.o'), file('one.o', 2), file('one.o', 3)];
const ELSEWHERE = file('vendor/one.bpf.o', 5);
const EMPTY: Design = { rootlet: file('host.o'), fills: [] };
const NAMES: SlotNames = { slots: ['a', 'b', 'c'], main: 'host' };

/** Files for slots by name. */
const fill = (files: Readonly<Record<string, InputObject>>): Change => ({
  fill: Object.entries(files).map(([slot, one]) => ({ slot, file: one })),
});
const order = (...files: readonly InputObject[]): Change => ({ order: files.map(one => ({ file: one })) });

/** A design that starts without components, after changes. */
const designAfter = (...changes: readonly Change[]): Design =>
  changes.reduce((made, change) => changeDesign(made, change, NAMES), EMPTY);

/** `slot=component:v1`, in order; `component@1` for an outgoing version of a component. */
const filled = (...changes: readonly Change[]): string =>
  designAfter(...changes)
    .fills.map(one => `${one.slot}=${componentOf(one)}:v${one.file.bytes[0]}`)
    .join(' ');

/** What a call throws, as code, message and hint. */
function refusal(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    const { code, problems } = error as {
      code: string;
      problems: readonly { message: string; hint?: string }[];
    };
    return `${code}: ${problems[0]?.message}; ${problems[0]?.hint ?? 'no hint'}`;
  }
  return 'nothing';
}

test('a file that is given for several slots is one', () => {
  const raw = { name: 'one.o', bytes: ONE.bytes };
  const { fill: [first, second] = [], order: [third] = [] } = openChange({
    fill: ['a', 'b'].map(slot => ({ slot, file: raw })),
    order: [{ file: raw }],
  });
  expect(first?.file).toBeInstanceOf(InputObject);
  expect(second?.file).toBe(first?.file);
  expect(third?.file).toBe(first?.file);
});

describe('what fills which slot', () => {
  test.each<[string, readonly Change[], string]>([
    ['slots are in their own order', [fill({ c: ONE, a: TWO })], 'a=two:v1 c=one:v1'],
    ['one replaces the other', [fill({ a: ONE }), fill({ a: TWO })], 'a=two:v1'],
    ['reset', [fill({ a: ONE, b: TWO }), { reset: ['a'] }], 'b=two:v1'],
    ['reset of an empty slot', [fill({ a: ONE }), { reset: ['b'] }], 'a=one:v1'],
    [
      'order fills what is not named',
      [fill({ a: ONE, c: ONE }), { ...order(TWO), reset: ['a', 'c'] }],
      'b=two:v1',
    ],
    ['order beside names', [{ ...order(ONE, TWO), ...fill({ b: TWO }) }], 'a=one:v1 b=two:v1 c=two:v1'],
    ['an empty order with every slot reset', [fill({ a: ONE }), { order: [], reset: ['a'] }], ''],
    ['an empty order of empty slots', [{ order: [] }], ''],
    ['the program itself', [fill({ host: ONE, a: TWO })], 'a=two:v1 host=one:v1'],
    [
      'an order is about slots, not about the program',
      [fill({ host: ONE }), order(TWO)],
      'a=two:v1 host=one:v1',
    ],
    [
      'an order replaces the program where that is named',
      [fill({ host: ONE }), { ...order(TWO), reset: ['host'] }],
      'a=two:v1',
    ],
  ])('%s', (_, changes, expected) => {
    expect(filled(...changes)).toBe(expected);
  });

  test('another rootlet keeps the components', () => {
    const before = designAfter(fill({ a: ONE, host: TWO }));
    const next = changeDesign(before, { rootlet: file('host.o', 2) }, NAMES);
    expect(next).toEqual({ ...before, rootlet: file('host.o', 2) });
  });
});

describe('names of components', () => {
  test.each<[string, readonly Change[], string]>([
    ['the file up to the first dot, without directories', [fill({ a: file('x/y.z/fw.bpf.o') })], 'a=fw:v1'],
    ['a new version in the place of the old one', [fill({ a: ONE }), fill({ a: ONE_V2 })], 'a=one:v2'],
    [
      'a new version of another directory in the place of the old one',
      [fill({ a: ONE }), fill({ a: ELSEWHERE })],
      'a=one:v5',
    ],
    [
      'the same file beside the old one is that component',
      [fill({ a: ONE }), fill({ b: file('one.o') })],
      'a=one:v1 b=one:v1',
    ],
    [
      'another version beside the old one is another component',
      [fill({ a: ONE }), fill({ b: ONE_V2 })],
      'a=one:v1 b=one-2:v2',
    ],
    ['two files of one base name are two', [fill({ a: ONE, b: ELSEWHERE })], 'a=one:v1 b=one-2:v5'],
    [
      'the first free number is taken',
      [fill({ a: ONE, b: ONE_V2, c: ONE_V3 }), { reset: ['b'] }, fill({ b: ELSEWHERE })],
      'a=one:v1 b=one-2:v5 c=one-3:v3',
    ],
    [
      'two of one base name in another order are who they were',
      [fill({ a: ONE, b: ONE_V2 }), order(ONE_V2, ONE)],
      'a=one-2:v2 b=one:v1',
    ],
    ['whoever moves keeps its name', [fill({ a: ONE, b: TWO }), order(TWO, ONE)], 'a=two:v1 b=one:v1'],
    [
      'a component that went and comes back begins again under its name',
      [fill({ a: ONE }), { reset: ['a'] }, fill({ b: ONE_V2 })],
      'b=one:v2',
    ],
    [
      'a name is not taken over by a stranger of the same base name that goes in as it comes out elsewhere',
      [fill({ a: ONE }), { ...fill({ b: ELSEWHERE }), reset: ['a'] }],
      'b=one:v5',
    ],
  ])('%s', (_, changes, expected) => {
    expect(filled(...changes)).toBe(expected);
  });
});

describe('a component that is rolled slot by slot', () => {
  const everywhere = fill({ a: ONE, b: ONE, c: ONE });
  test.each<[string, readonly Change[], string]>([
    ['the first step', [fill({ a: ONE_V2 })], 'a=one:v2 b=one@1:v1 c=one@1:v1'],
    ['the next step joins', [fill({ a: ONE_V2 }), fill({ b: ONE_V2 })], 'a=one:v2 b=one:v2 c=one@1:v1'],
    [
      'the last step leaves no outgoing version',
      [fill({ a: ONE_V2 }), fill({ b: ONE_V2 }), fill({ c: ONE_V2 })],
      'a=one:v2 b=one:v2 c=one:v2',
    ],
    [
      'a third version while the second is on its way',
      [fill({ a: ONE_V2 }), fill({ b: ONE_V3 })],
      'a=one@2:v2 b=one:v3 c=one@1:v1',
    ],
    [
      'back: the old version is current again',
      [fill({ a: ONE_V2 }), fill({ a: ONE })],
      'a=one:v1 b=one:v1 c=one:v1',
    ],
    [
      'a stranger in the slot of the new version leaves the old one as current',
      [fill({ a: ONE_V2 }), fill({ a: TWO })],
      'a=two:v1 b=one:v1 c=one:v1',
    ],
    [
      'of two outgoing versions the newest is current',
      [fill({ a: ONE_V2 }), fill({ b: ONE_V3 }), fill({ b: TWO })],
      'a=one:v2 b=two:v1 c=one@1:v1',
    ],
  ])('%s', (_, steps, expected) => {
    expect(filled(everywhere, ...steps)).toBe(expected);
  });

  test('replaced by two others at once, one is its next version and the other another component', () => {
    expect(filled(fill({ a: ONE, b: ONE }), fill({ a: ONE_V2, b: ONE_V3 }))).toBe('a=one:v2 b=one-2:v3');
  });
});

describe('refused', () => {
  test.each<[string, Change, string]>([
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
    ['filled and reset', { ...fill({ a: ONE }), reset: ['a'] }, 'relink-slot-twice'],
    ['reset twice', { reset: ['a', 'a'] }, 'relink-slot-twice'],
    ['resetting what is not there', { reset: ['z'] }, 'relink-no-slot'],
    ['too many for the slots', order(ONE, ONE, ONE, ONE), 'relink-too-many'],
    ['too many for the slots that are left', { ...order(ONE, ONE, ONE), reset: ['a'] }, 'relink-too-many'],
  ])('%s', (_, change, code) => {
    expect(() => filled(change)).toThrow(expect.objectContaining({ code }));
  });

  test('what is not there is listed', () => {
    expect(refusal(() => filled({ reset: ['z'] }))).toBe(
      'relink-no-slot: has no such slot: "z"; there are: "a", "b", "c", "host"; did you mean "a" or "b"?',
    );
  });

  test.each<[string, Change, string]>([
    [
      'an order that is too short',
      order(TWO),
      'slot "b", which "two" fills, would be empty; to empty it: --reset b --reset c',
    ],
    [
      'an empty order',
      order(),
      'slot "a", which "one" fills, would be empty; to empty it: --reset a --reset b --reset c',
    ],
    [
      'an order that is too short, with one of the slots reset',
      { ...order(TWO), reset: ['b'] },
      'slot "c", which "one" fills, would be empty; to empty it: --reset c',
    ],
  ])('%s empties no filled slot', (_, change, expected) => {
    const before = fill({ a: ONE, b: TWO, c: ONE });
    expect(refusal(() => filled(before, change))).toBe(`relink-slot-emptied: ${expected}`);
  });

  test('a version of the rootlet without a filled slot, unless that is reset', () => {
    const before = designAfter(fill({ a: ONE, b: TWO }));
    const rootlet = file('host.o', 2);
    const fewer: SlotNames = { slots: ['a'], main: 'host' };
    expect(refusal(() => changeDesign(before, { rootlet }, fewer))).toBe(
      'relink-slot-emptied: "host.o" has no slot "b", which "two" fills; to empty it: --reset b',
    );
    expect(changeDesign(before, { rootlet, reset: ['b'] }, fewer).fills.map(({ slot }) => slot)).toEqual([
      'a',
    ]);
  });

  test('a program with another name does not empty the slot of the program silently', () => {
    const before = designAfter(fill({ host: ONE }));
    const renamed: SlotNames = { ...NAMES, main: 'main' };
    expect(refusal(() => changeDesign(before, { rootlet: file('host.o', 2) }, renamed))).toMatch(
      /^relink-slot-emptied: .*"host", which "one" fills; to empty it: --reset host$/,
    );
  });
});

test('two readings of a file are one, another base name or other contents are not', () => {
  expect(isSame(ONE, file('one.o'))).toBe(true);
  expect(isSame(ONE, file('x/one.bpf.o'))).toBe(true);
  expect(isSame(ONE, file('two.o'))).toBe(false);
  expect(isSame(ONE, ONE_V2)).toBe(false);
});

test('two variants of a file are not the same code', () => {
  const fill = { slot: 'a', file: ONE, component: 'one' };
  const counted = { ...fill, variant: 'counted' };
  expect(isSameFill(fill, { ...fill, slot: 'b' })).toBe(true);
  expect(isSameFill(counted, { ...counted, file: file('one.o') })).toBe(true);
  expect(isSameFill(fill, counted)).toBe(false);
});
