/** Which component of the next generation is which of the running one, as a table. */

import { expect, test } from 'vitest';
import {
  type Candidate,
  candidatesOf,
  componentName,
  findHeirs,
  freeComponentName,
  type Incumbent,
  sameBytes,
} from './heirs.ts';

const candidate = (file: string, version: number, ...slots: readonly string[]): Candidate => ({
  file,
  bytes: Uint8Array.of(version),
  slots,
});

/** `stays`: slots that the change leaves to it. */
const incumbent = (
  component: string,
  file: string,
  bytes: number,
  slots: readonly string[],
  stays: readonly string[] = [],
  version?: number,
): Incumbent => ({
  ...candidate(file, bytes, ...slots),
  component,
  stays,
  ...(version === undefined ? {} : { version }),
});

const named = (heir: Incumbent | undefined): string =>
  heir === undefined
    ? '-'
    : heir.version === undefined
      ? heir.component
      : `${heir.component}@${heir.version}`;

const FW = incumbent('fw', 'fw.o', 1, ['a']);
const FW2 = incumbent('fw-2', 'fw.o', 2, ['b']);
const ACME = incumbent('fw', 'acme/fw.o', 1, ['a']);
const OTHER = incumbent('fw-2', 'other/fw.o', 2, ['b']);

test.each<[what: string, candidates: readonly Candidate[], incumbents: readonly Incumbent[], heirs: string]>([
  ['a new version in the same slot', [candidate('fw.o', 2, 'a')], [FW], 'fw'],
  ['a new version in another slot', [candidate('fw.o', 2, 'b')], [FW], 'fw'],
  ['a new version from another directory', [candidate('new/fw.bpf.o', 2, 'a')], [FW], 'fw'],
  ['the same file in another slot', [candidate('fw.o', 1, 'b')], [FW], 'fw'],
  ['another name in the same slot', [candidate('dns.o', 1, 'a')], [FW], '-'],
  [
    'a new version beside the old one',
    [candidate('fw.o', 2, 'b')],
    [incumbent('fw', 'fw.o', 1, ['a'], ['a'])],
    '-',
  ],
  [
    'one and the same beside itself',
    [candidate('fw.o', 1, 'b')],
    [incumbent('fw', 'fw.o', 1, ['a'], ['a'])],
    'fw',
  ],
  [
    'two new versions in the places of the old ones',
    [candidate('fw.o', 3, 'a'), candidate('fw.o', 4, 'b')],
    [FW, FW2],
    'fw fw-2',
  ],
  [
    'both new versions, in the other order',
    [candidate('fw.o', 3, 'b'), candidate('fw.o', 4, 'a')],
    [FW, FW2],
    'fw fw-2', // of one path, the first comes first
  ],
  [
    'two vendors, each new version from its directory, slots swapped',
    [candidate('other/fw.o', 3, 'a'), candidate('acme/fw.o', 4, 'b')],
    [ACME, OTHER],
    'fw-2 fw',
  ],
  [
    'two vendors, new versions from elsewhere: by their slots',
    [candidate('v2/fw.o', 3, 'b'), candidate('v3/fw.o', 4, 'a')],
    [ACME, OTHER],
    'fw-2 fw',
  ],
  [
    'two vendors, files swapped',
    [candidate('acme/fw.o', 1, 'b'), candidate('other/fw.o', 2, 'a')],
    [ACME, OTHER],
    'fw fw-2',
  ],
  [
    'unchanged ones go before new versions',
    [candidate('fw.o', 3, 'a'), candidate('fw.o', 1, 'b')],
    [FW, FW2],
    'fw-2 fw',
  ],
  [
    'one component in two slots, replaced by two others: one heir',
    [candidate('fw.o', 2, 'a'), candidate('fw.o', 3, 'b')],
    [incumbent('fw', 'fw.o', 1, ['a', 'b'])],
    'fw -',
  ],
  ['two components, replaced by one: one heir of one', [candidate('fw.o', 3, 'a', 'b')], [FW, FW2], 'fw'],
  [
    'rolled: the first slot',
    [candidate('fw.o', 2, 'a')],
    [incumbent('fw', 'fw.o', 1, ['a', 'b'], ['b'])],
    'fw',
  ],
  [
    'rolled: the next slot joins the current version',
    [candidate('fw.o', 2, 'b')],
    [incumbent('fw', 'fw.o', 2, ['a'], ['a']), incumbent('fw', 'fw.o', 1, ['b'], [], 1)],
    'fw',
  ],
  [
    'rolled back: the old version joins what is left of it',
    [candidate('fw.o', 1, 'a')],
    [incumbent('fw', 'fw.o', 2, ['a']), incumbent('fw', 'fw.o', 1, ['b'], ['b'], 1)],
    'fw@1',
  ],
  [
    'swap of two versions: each stays what it is',
    [candidate('fw.o', 1, 'a'), candidate('fw.o', 2, 'b')],
    [incumbent('fw', 'fw.o', 2, ['a']), incumbent('fw', 'fw.o', 1, ['b'], [], 1)],
    'fw@1 fw',
  ],
  [
    'a third version while the second is on its way follows one of them',
    [candidate('fw.o', 3, 'b')],
    [incumbent('fw', 'fw.o', 2, ['a'], ['a']), incumbent('fw', 'fw.o', 1, ['b', 'c'], ['c'], 1)],
    'fw@1',
  ],
  [
    'files of one name with equal contents, from two directories',
    [candidate('acme/fw.o', 1, 'a'), candidate('other/fw.o', 1, 'b')],
    [ACME, incumbent('fw-2', 'other/fw.o', 1, ['b'])],
    'fw fw-2',
  ],
  [
    'equal contents of another path beside it: another component',
    [candidate('other/fw.o', 1, 'b')],
    [incumbent('fw', 'acme/fw.o', 1, ['a'], ['a'])],
    '-',
  ],
  [
    'tried in a free slot first: the slot decides',
    [candidate('v2/fw.o', 2, 'a')],
    [incumbent('fw', 'v1/fw.o', 1, ['a']), incumbent('fw-2', 'v2/fw.o', 2, ['b'], ['b'])],
    'fw',
  ],
  ['nothing runs', [candidate('fw.o', 1, 'a')], [], '-'],
  ['nothing comes', [], [FW], ''],
])('%s', (_, candidates, incumbents, expected) => {
  const heirs = findHeirs(candidates, incumbents);
  expect(heirs.map(named).join(' ')).toBe(expected);
});

const slotsOf = (
  given: readonly (readonly [slot: string, file: string])[],
  ...running: readonly Incumbent[]
): string =>
  candidatesOf(
    given.map(([slot, name]) => ({ slot, file: { name, bytes: Uint8Array.of(9) } })),
    running,
  )
    .map(({ file, slots, of }) => `${file}:${slots.join('+')}${of === undefined ? '' : `>${of}`}`)
    .join(' ');

test('a file is one candidate with all of its slots, unless it replaces several components', () => {
  const [both, one] = [[ACME, OTHER], [ACME]];
  const [a, b, c] = [
    ['a', 'v2/fw.o'],
    ['b', './v2/fw.o'],
    ['c', 'v2/fw.o'],
  ] as const;
  expect(slotsOf([a, b])).toBe('v2/fw.o:a+b');
  expect(slotsOf([a, b], ...one)).toBe('v2/fw.o:a+b');
  expect(slotsOf([c, a, b], ...both)).toBe('v2/fw.o:c+a>fw v2/fw.o:b>fw-2');
  expect(slotsOf([a, ['b', 'acme/fw.o']], ...both)).toBe('v2/fw.o:a acme/fw.o:b');
  expect(
    slotsOf(
      [
        ['a', 'acme/fw.o'],
        ['b', 'acme/fw.o'],
      ],
      ...both,
    ),
  ).toBe('acme/fw.o:a>fw acme/fw.o:b>fw-2');
  expect(
    slotsOf(
      [
        ['a', 'other/fw.o'],
        ['b', 'acme/fw.o'],
      ],
      ...both,
    ),
  ).toBe('other/fw.o:a acme/fw.o:b');
});

test('no two candidates have one heir, however they are arranged', () => {
  const slots = ['a', 'b', 'c'];
  const files = ['fw.o', 'x/fw.o', 'y/fw.bpf.o'];
  const picks = files.flatMap(file => [1, 2, 3].map(version => [file, version] as const));
  for (const first of picks)
    for (const second of picks)
      for (const third of picks) {
        const wanted = [first, second, third].map(([file, version], at) =>
          candidate(file, version, slots[at] ?? ''),
        );
        const distinct = wanted.filter(
          (one, at) => wanted.findIndex(other => sameBytes(other.bytes, one.bytes)) === at,
        );
        const running = [incumbent('fw', 'fw.o', 1, ['b']), incumbent('fw-2', 'x/fw.o', 4, ['a'])];
        const heirs = findHeirs(distinct, running);
        const followed = heirs.flatMap((heir, at) => {
          const own = distinct[at];
          if (heir === undefined || own === undefined) return [];
          const stays = own.file === heir.file && sameBytes(own.bytes, heir.bytes);
          return stays ? [] : [heir.component];
        });
        expect(new Set(followed).size).toBe(followed.length);
      }
});

test.each([
  ['fw.o', 'fw'],
  ['dir.d/fw.bpf.o', 'fw'],
  ['/abs/fw', 'fw'],
  ['fw-2.o', 'fw-2'],
])('%s is %s', (file, name) => {
  expect(componentName(file)).toBe(name);
});

test('a file without a base name has a name nevertheless', () => {
  expect(componentName('.o')).not.toBe('');
});

test('the first number that is free', () => {
  expect(freeComponentName('fw', new Set())).toBe('fw');
  expect(freeComponentName('fw', new Set(['fw']))).toBe('fw-2');
  expect(freeComponentName('fw', new Set(['fw', 'fw-2', 'fw-4']))).toBe('fw-3');
});
