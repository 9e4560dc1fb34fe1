/** Symbol edits on the rootlet, on components and on the chain. */

import { describe, expect, test } from 'vitest';
import { archiveOf, memberOf } from '../../support/archives.ts';
import { objectOf, type SymbolSpec } from '../../support/objects.ts';
import { chained, component, inSlots, namesOf, ROOTLET, refusals, symbolOf, usesOf } from './shapes.ts';

const HELPER: SymbolSpec = { name: 'helper', kind: 'function' };
const first = component(
  'first.o',
  ['helper'],
  [HELPER, { name: 'state', kind: 'variable', section: '.data' }],
);
const second = component('second.o', ['helper'], [HELPER]);
const both = inSlots(first, second);

describe('names', () => {
  test('of one component are renamed there only, and the rest is distinguished as usual', () => {
    const chain = chained(both, {
      edits: { redefine: [{ file: 'first.o', from: 'helper', to: 'check' }] },
    });
    expect(namesOf(chain, 'function')).toEqual(['root', 'first_prog', 'check', 'second_prog', 'helper']);
    expect(usesOf(chain, 'first_prog')).toEqual(['check']);
    expect(usesOf(chain, 'second_prog')).toEqual(['helper']);
  });

  test('of a component get a prefix that the user chooses; its program is requested by the new name', () => {
    const slots = [
      { slot: 'one', component: first, program: 'fw_prog' },
      { slot: 'two', component: second },
    ];
    const chain = chained(slots, { edits: { prefix: [{ file: 'first.o', prefix: 'fw_' }] } });
    expect(namesOf(chain, 'function')).toEqual(['root', 'fw_prog', 'fw_helper', 'prog', 'helper']);
    expect(chain.report.renames).toEqual([]);
    expect(chain.report.slots[0]).toMatchObject({ slot: 'one', program: 'fw_prog', function: 'fw_prog' });
  });

  test('of slots are those after renaming', () => {
    const chain = chained([{ slot: 'filter', component: first }], {
      edits: { redefine: [{ file: 'rootlet.o', from: 'one', to: 'filter' }] },
    });
    expect(usesOf(chain, 'root')).toEqual(['prog', 'two']);
  });

  test('are changed in both copies of a component', () => {
    const twice = [
      { slot: 'one', component: first },
      { slot: 'two', component: first, instance: 'b' },
    ];
    const chain = chained(twice, {
      edits: { redefine: [{ file: 'first.o', from: 'helper', to: 'check' }] },
    });
    expect(namesOf(chain, 'function').filter(name => name.includes('check'))).toHaveLength(2);
    expect(namesOf(chain, 'function').filter(name => name.includes('helper'))).toEqual([]);
  });
});

describe('standing', () => {
  test('static and global functions of a component', () => {
    const inner = component('inner.o', ['helper'], [{ ...HELPER, binding: 'local' }]);
    const chain = chained(inSlots(first, inner), {
      edits: {
        localize: [{ file: 'first.o', name: 'helper' }],
        globalize: [{ file: 'inner.o', name: 'helper' }],
      },
    });
    expect(symbolOf(chain, usesOf(chain, 'first_prog')[0] ?? '').binding).toBe('local');
    expect(symbolOf(chain, usesOf(chain, 'inner_prog')[0] ?? '').binding).toBe('global');
  });

  test('without a file, names are those of the chain', () => {
    const chain = chained(both, {
      edits: { hide: [{ name: 'first_helper' }], localize: [{ name: 'second_prog' }] },
    });
    expect(symbolOf(chain, 'first_helper').visibility).toBe('hidden');
    expect(symbolOf(chain, 'second_helper').visibility).toBe('default');
    expect(symbolOf(chain, 'second_prog').binding).toBe('local');
  });

  test('a weakened extern may stay open', () => {
    const open = component('open.o', ['absent'], [{ name: 'absent', kind: 'extern function' }]);
    expect(refusals(inSlots(open))).toEqual([['link-undefined', '"absent" is not defined in any input']]);
    const chain = chained(inSlots(open), { edits: { weaken: [{ file: 'open.o', name: 'absent' }] } });
    expect(symbolOf(chain, 'absent')).toMatchObject({ kind: 'extern', binding: 'weak' });
  });

  test('all but some become static', () => {
    const chain = chained(both, { edits: { keepGlobal: [{ name: 'prog', file: 'second.o' }] } });
    expect(symbolOf(chain, usesOf(chain, 'second_prog')[0] ?? '').binding).toBe('local');
    expect(symbolOf(chain, usesOf(chain, 'first_prog')[0] ?? '').binding).toBe('global');
  });
});

describe('aliases and wrappers', () => {
  const caller = component('caller.o', ['check'], [HELPER, { name: 'check', kind: 'extern function' }]);

  test('an alias satisfies an extern of its component, and of no other', () => {
    const chain = chained(inSlots(caller, second), {
      edits: { defsym: [{ name: 'check', target: 'helper' }] },
    });
    expect(usesOf(chain, 'caller_prog')).toEqual(['check']);
    expect(namesOf(chain, 'function')).toEqual(['root', 'caller_prog', 'check', 'second_prog', 'helper']);
    const alone = { edits: { defsym: [{ name: 'check', target: 'helper', file: 'second.o' }] } };
    expect(refusals(inSlots(caller, second), alone)).toEqual([
      ['link-undefined', '"check" is not defined in any input'],
    ]);
  });

  test('aliases of each other, and an unknown name', () => {
    expect(
      refusals(inSlots(caller, second), {
        edits: {
          defsym: [
            { name: 'a', target: 'b' },
            { name: 'b', target: 'a' },
          ],
        },
      }),
    ).toEqual([['link-alias-cycle', 'aliases that refer to each other: "a" = "b" = "a"']]);
    expect(
      refusals(inSlots(caller), { edits: { redefine: [{ from: 'helpr', to: 'x' }] } }).map(([code]) => code),
    ).toEqual(['link-unknown-symbol']);
  });

  test('a new name that the component has already', () => {
    const rename = { redefine: [{ file: 'first.o', from: 'helper', to: 'state' }] };
    expect(refusals(both, { edits: rename })).toEqual([
      ['link-name-taken', '"helper" would get the name "state", which it defines already'],
    ]);
  });

  test('a wrapper in a component, the original in a library', () => {
    const wrapped = component(
      'wrapped.o',
      ['helper'],
      [
        { name: '__wrap_helper', kind: 'function', calls: ['__real_helper'] },
        { name: 'helper', kind: 'extern function' },
        { name: '__real_helper', kind: 'extern function' },
      ],
    );
    const library = { name: 'lib.a', bytes: archiveOf([memberOf(objectOf('h.o', [HELPER]))]) };
    const chain = chained(inSlots(wrapped), {
      libraries: [library],
      edits: { wrap: [{ file: 'wrapped.o', name: 'helper' }] },
    });
    expect(usesOf(chain, 'prog')).toEqual(['__wrap_helper']);
    expect(usesOf(chain, '__wrap_helper')).toEqual(['helper']);
  });
});

test('sections of one component', () => {
  const user = component('user.o', [], [{ name: 'state', kind: 'variable', section: '.data' }]);
  const chain = chained(inSlots(user), {
    keep: ['user.o:state'],
    edits: { renameSections: [{ file: 'user.o', from: '.data', to: '.data.user' }] },
  });
  expect(chain.object.sections.map(section => section.name)).toContain('.data.user');
});

test('the rootlet itself is untouched by edits of a component', () => {
  const chain = chained(both, { edits: { prefix: [{ file: 'second', prefix: 'x_' }] } });
  expect(namesOf(chain, 'function')).toEqual(['root', 'prog', 'helper', 'x_prog', 'x_helper']);
  expect(ROOTLET.symbols.map(symbol => symbol.name)).toEqual(['root', 'one', 'two']);
});
