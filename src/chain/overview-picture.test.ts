/** What runs as a picture: hooks, chains, slots, components, maps that are shared, and objects with their users. */

import { describe, expect, test } from 'vitest';
import type { Picture } from '../picture/model.ts';
import type { HookNode, ObjectNode, PartNode } from './overview.ts';
import { overviewPicture } from './overview-picture.ts';

const PART: PartNode = {
  ...{ slot: null, name: 'filter', program: 'xdp_prog', file: 'filter.o', version: null },
  ...{ priority: null, lost: null, counters: null, maps: [] },
};
const HOOK: HookNode = {
  ...{ kind: 'xdp', place: 'eth0', mode: 'native', what: 'chain', via: 'static', entry: 'xdp-eth0' },
  interface: { interface: 'eth0', ifindex: 2, netns: 'net:[1]', direction: null },
  program: { id: 7, name: 'xdp_chain', tag: '0011223344556677' } as HookNode['program'], // what a picture reads
  ...{ generation: 3, file: null, state: null, parts: [], maps: [], bindings: [], problems: [] },
};
const OBJECT: ObjectNode = {
  ...{ name: 'first', generation: 1, file: 'first.o', programs: [], exports: [], maps: [] },
  ...{ bindings: [], problems: [] },
};
const BINDING = {
  ...{ extern: 'foo', kind: 'function', provider: 'first', target: 'foo', via: 'tail', reason: '' },
  ...{ by: 'provider', of: '', slot: null },
} as unknown as ObjectNode['bindings'][number]; // what a picture reads

function edgesOf({ nodes, edges }: Picture): string[] {
  const names = new Map(nodes.map(({ id, label }) => [id, label]));
  return edges.map(
    ({ from, to, kind, label }) => `${names.get(from)} -${`${kind} ${label}`.trim()}-> ${names.get(to)}`,
  );
}

const draw = (hooks: readonly HookNode[], objects: readonly ObjectNode[] = []): Picture =>
  overviewPicture({ hooks, objects, broken: [] });

describe('a chain', () => {
  const shared = { name: 'flows', id: 20 };
  const parts = [
    { ...PART, priority: 10, maps: [shared] },
    { ...PART, name: 'log', lost: 'its map is full', maps: [shared, { name: 'ring', id: 21 }] },
  ];
  const picture = draw([{ ...HOOK, parts }]);

  test('leads from the hook to members in order, and to maps, each once', () => {
    expect(edgesOf(picture)).toEqual([
      'eth0 xdp -run-> xdp-eth0',
      'xdp-eth0 -run 1-> filter',
      'filter -use-> flows',
      'xdp-eth0 -run 2-> log',
      'log -use-> flows',
      'log -use-> ring',
    ]);
    expect(picture.nodes.map(({ kind }) => kind)).toEqual([
      ...['hook', 'chain', 'program', 'map', 'discarded', 'map'],
    ]);
  });

  test('says what each of them is', () => {
    const details = new Map(picture.nodes.map(node => [node.label, node.details]));
    expect(details.get('eth0 xdp')).toEqual(['native']);
    expect(details.get('xdp-eth0')).toEqual(['chain, static', 'xdp_chain, id 7', 'generation 3']);
    expect(details.get('filter')).toEqual(['filter.o:xdp_prog', 'priority 10']);
    expect(details.get('log')).toContain('does not run: its map is full');
  });

  test('is drawn without maps where there are too many', () => {
    const few = overviewPicture({ hooks: [{ ...HOOK, parts }], objects: [], broken: [] }, { picture: 8 });
    expect(few.nodes.map(({ label }) => label)).toEqual(['eth0 xdp', 'xdp-eth0', 'filter', 'log']);
    expect(few.notes.join()).toMatch(/^without maps: /);
  });
});

test('slots of a rootlet, filled and with their own code', () => {
  const parts = [
    { ...PART, slot: 'one' },
    { ...PART, slot: 'two', name: null, program: null, file: null },
  ];
  const picture = draw([{ ...HOOK, what: 'rootlet', parts }]);
  expect(edgesOf(picture).slice(1)).toEqual([
    'xdp-eth0 -call-> one',
    'one -run-> filter',
    'xdp-eth0 -call-> two',
  ]);
  expect(picture.nodes.at(-1)).toMatchObject({ kind: 'slot', details: ['its own code'] });
});

test('objects with what they export, and who uses it', () => {
  const exports = [
    { kind: 'function', name: 'foo', users: [] },
    { kind: 'map', name: 'counters', users: [] },
  ] as const;
  const provider = { ...OBJECT, exports, maps: [{ name: 'counters', id: 9 }] };
  const map = { ...BINDING, extern: 'counters', kind: 'map', target: 'counters', via: 'share' } as const;
  const open = { ...BINDING, extern: 'bar', provider: '', target: '' };
  const picture = draw([HOOK], [provider, { ...OBJECT, name: 'second', bindings: [BINDING, map, open] }]);
  expect(edgesOf(picture).slice(1)).toEqual([
    'first -use-> counters',
    'first -use-> foo',
    'second -bind tail-> foo',
    'second -bind in place-> counters',
    'second -bind-> bar',
  ]);
  expect(picture.nodes.at(-1)).toMatchObject({ kind: 'extern', details: ['not bound yet'] });
});

test('what cannot be read is reported', () => {
  const broken = [{ kind: 'broken', name: 'old' }] as unknown as Parameters<
    typeof overviewPicture
  >[0]['broken']; // its name alone
  expect(overviewPicture({ hooks: [], objects: [], broken }).notes).toEqual([
    'entry old: its record cannot be read',
  ]);
});
