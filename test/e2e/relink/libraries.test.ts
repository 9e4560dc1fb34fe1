/** Libraries of components, what is shared of them, and what is kept. */

import { describe, expect, test } from 'vitest';
import { relink } from '../../../src/link/relink.ts';
import { archiveOf, memberOf } from '../../support/archives.ts';
import { objectOf } from '../../support/objects.ts';
import { chained, component, inSlots, namesOf, ROOTLET, refusals, usesOf } from './shapes.ts';

const EXTERN = { name: 'limit', kind: 'extern function' } as const;
const library = {
  name: 'dir/liblimit.a',
  bytes: archiveOf([
    memberOf(
      objectOf('limit.o', [
        { name: 'limit', kind: 'function', calls: ['window'], value: 1 },
        { name: 'tokens', kind: 'map', value: 8 },
        { name: 'window', kind: 'extern function' },
      ]),
    ),
    memberOf(objectOf('window.o', [{ name: 'window', kind: 'function', value: 2 }])),
    memberOf(objectOf('unused.o', [{ name: 'unused', kind: 'function', value: 3 }])),
  ]),
};
const libraries = [library];
const first = component('first.o', ['limit'], [EXTERN]);
const second = component('second.o', ['limit'], [EXTERN]);
const both = inSlots(first, second);

describe('libraries', () => {
  test('each component takes its own copies', () => {
    const chain = chained(both, { libraries });
    expect(usesOf(chain, 'first_prog')).toEqual(['first_limit']);
    expect(usesOf(chain, 'second_limit')).toEqual(['second_window']);
    expect(chain.pulled.map(({ component: of, member, symbol }) => `${of}: ${member} for ${symbol}`)).toEqual(
      [
        'first.o: limit.o for limit',
        'first.o: window.o for window',
        'second.o: limit.o for limit',
        'second.o: window.o for window',
      ],
    );
    expect(chain.report.components.map(({ id, members }) => [id, members])).toEqual([
      ['first.o', ['dir/liblimit.a(limit.o)', 'dir/liblimit.a(window.o)']],
      ['second.o', ['dir/liblimit.a(limit.o)', 'dir/liblimit.a(window.o)']],
    ]);
  });

  test.each(['dir/liblimit.a', 'liblimit.a'])('all of one is shared on request (%s)', share => {
    const chain = chained(both, { libraries, share: [share] });
    expect(namesOf(chain, 'function')).toEqual(['root', 'first_prog', 'second_prog', 'limit', 'window']);
    expect(usesOf(chain, 'second_prog')).toEqual(['limit']);
    expect(chain.pulled.map(member => member.member)).toEqual(['limit.o', 'window.o']);
  });

  test('one function of one is shared on request, with what it needs', () => {
    const chain = chained(both, { libraries, share: ['limit'] });
    expect(namesOf(chain, 'function')).toEqual(['root', 'first_prog', 'second_prog', 'limit', 'window']);
  });

  test('what a component defines itself is not taken', () => {
    const own = component('own.o', ['limit'], [{ name: 'limit', kind: 'function' }]);
    expect(chained(inSlots(own), { libraries }).pulled).toEqual([]);
  });

  test('an extern that is bound explicitly takes nothing', () => {
    const owner = component('owner.o', [], [{ name: 'other', kind: 'function', value: 9 }]);
    const chain = chained(inSlots(first, owner), {
      libraries,
      bind: [{ consumer: 'first.o', extern: 'limit', provider: 'owner.o', target: 'other' }],
      explain: ['limit'],
    });
    expect(chain.pulled).toEqual([]);
    expect(usesOf(chain, 'first_prog')).toEqual(['other']);
    expect(chain.explanations).toMatchObject([
      {
        name: 'limit',
        winner: expect.stringMatching(/^owner\.o: s32 other\(void\).*, as requested$/),
        references: [{ file: 'first.o', symbol: 'prog' }],
      },
    ]);
  });

  test('what is in none is undefined, with what was taken until then', () => {
    const open = component('open.o', ['limit', 'limits'], [EXTERN, { ...EXTERN, name: 'limits' }]);
    expect(refusals(inSlots(open), { libraries })).toEqual([
      ['link-undefined', '"limits" is not defined in any input'],
    ]);
  });

  test('an object is not a library', () => {
    const bytes = new Uint8Array(64);
    bytes.set([0x7f, 0x45, 0x4c, 0x46]);
    expect(refusals(both, { libraries: [{ name: 'x.o', bytes }] })).toEqual([
      ['relink-library', 'is not an archive: externs of components are resolved in archives only'],
    ]);
  });

  test('two functions of components are not one, whatever is to be shared', () => {
    const one = component('one.o', ['same'], [{ name: 'same', kind: 'function', value: 1 }]);
    const two = component('two.o', ['same'], [{ name: 'same', kind: 'function', value: 2 }]);
    expect(refusals(inSlots(one, two), { share: ['same'] })).toEqual([
      ['link-duplicate', '"same" is defined more than once'],
    ]);
  });

  test('names to share that no input has', () => {
    expect(refusals(both, { libraries, share: ['limt'] })).toEqual([
      ['relink-share', 'no input has a map, variable or function "limt"'],
    ]);
  });
});

describe('what is kept', () => {
  const more = component(
    'more.o',
    [],
    [
      { name: 'reserve', kind: 'function', calls: ['inner'] },
      { name: 'inner', kind: 'function', binding: 'local' },
      { name: 'rest', kind: 'map' },
    ],
  );

  test('only what the rootlet needs, unless more is requested', () => {
    expect(namesOf(chained(inSlots(more)), 'function')).toEqual(['root', 'two', 'prog']);
    const kept = chained(inSlots(more), { keep: ['reserve'], whyLive: ['inner', 'prog'] });
    expect(namesOf(kept, 'function')).toEqual(['root', 'two', 'prog', 'reserve', 'inner']);
    expect(kept.livePaths).toEqual([
      { name: 'inner', path: ['reserve', 'inner'] },
      { name: 'prog', path: ['root', 'prog'] },
    ]);
  });

  test('paths have the names of the chain, and may be requested by them', () => {
    const paths = chained(inSlots(more, component('b.o', [], [])), {
      whyLive: ['b_prog', 'more.o:prog'],
    }).livePaths;
    expect(paths).toEqual([
      { name: 'b_prog', path: ['root', 'b_prog'] },
      { name: 'more_prog', path: ['root', 'more_prog'] },
    ]);
  });

  test('everything, without garbage collection', () => {
    const all = chained(inSlots(more), { gcSections: false });
    expect(namesOf(all, 'function')).toEqual(['root', 'two', 'prog', 'reserve', 'inner']);
    expect(namesOf(all, 'map')).toEqual(['rest']);
  });

  test('a name to keep that no input has', () => {
    expect(refusals(inSlots(more), { keep: ['reserves'] })).toEqual([
      ['link-unknown-symbol', '--keep "reserves": no input has such a symbol'],
    ]);
  });
});

describe('slots', () => {
  test('are filled in order where nothing is assigned by name, with a state of its own on request', () => {
    const counter = component('counter.o', [], []);
    const chain = chained([{ slot: 'one', component: counter }], {
      order: [{ component: counter }],
      ownState: ['two'],
    });
    expect(chain.report.components.map(({ id, instance, slots }) => [id, instance, slots])).toEqual([
      ['counter.o', null, ['one']],
      ['counter.o#two', 'two', ['two']],
    ]);
    expect(refusals([{ slot: 'one', component: counter }], { ownState: ['three'] })).toEqual([
      [
        'relink-own-state',
        'no component fills slot "three", so --own-state does not apply to it; filled slots: "one"',
      ],
    ]);
  });

  test('are too few', () => {
    const order = [first, second, first].map(object => ({ component: object }));
    expect(refusals([], { order })).toEqual([['relink-too-many', 'has 2 slots for 3 components']]);
  });
});

test('an explanation for each component that knows the name, and for slots', () => {
  const chain = chained(both, { libraries, explain: ['limit', 'one'] });
  expect(chain.explanations.map(({ winner, losers }) => [winner, losers.map(loser => loser.reason)])).toEqual(
    [
      ['dir/liblimit.a(limit.o)#first.o: s32 limit(void) in section ".text", limit.o.c:7', []],
      ['dir/liblimit.a(limit.o)#second.o: s32 limit(void) in section ".text", limit.o.c:7', []],
      [
        'first.o: s32 prog(struct xdp_md *ctx) in section ".text", first.o.c:7',
        ['a slot, filled by a component'],
      ],
    ],
  );
});

describe('what is reported of a chain that does not come about', () => {
  test('a name that another component defines', () => {
    const owner = component('owner.o', [], [{ name: 'limit', kind: 'function' }]);
    const result = relink(ROOTLET, inSlots(owner, second));
    expect(!result.ok && result.problems.map(problem => problem.hint)).toEqual([
      'owner.o defines it, but components do not share names: --bind second.o:limit=owner.o:limit',
    ]);
  });

  test('a slot that is filled twice', () => {
    const twice = [first, second].map(object => ({ slot: 'one', component: object, program: 'prog' }));
    const result = relink(ROOTLET, twice, { libraries });
    expect(!result.ok && result.problems.map(problem => [problem.code, problem.details])).toEqual([
      ['relink-slot-twice', ['one=first.o:prog', 'one=second.o:prog']],
    ]);
  });

  test('members that were taken until then', () => {
    const open = component('open.o', ['limit', 'nothing'], [EXTERN, { ...EXTERN, name: 'nothing' }]);
    const result = relink(ROOTLET, inSlots(open), { libraries });
    expect(!result.ok && result.pulled.map(member => member.member)).toEqual(['limit.o', 'window.o']);
  });
});
