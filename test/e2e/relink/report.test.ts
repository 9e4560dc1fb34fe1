/** What a re-link reports: slots, components, whose maps and globals are whose, how near the limits are. */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { RelinkOptions } from '../../../src/link/relink/options.ts';
import type { RelinkReport } from '../../../src/link/relink/report.ts';
import { relink } from '../../../src/link/relink.ts';
import { archiveOf, memberOf } from '../../support/archives.ts';
import { objectOf } from '../../support/objects.ts';
import { chained, component, inSlots } from './shapes.ts';

function example(name: string): { name: string; bytes: Uint8Array } {
  return { name: `${name}.bpf.o`, bytes: readFileSync(`examples/obj/el/${name}.bpf.o`) };
}

function reported(options: RelinkOptions): RelinkReport {
  const firewall = example('first_firewall');
  const slots = [
    { slot: 'dummy1', component: firewall },
    { slot: 'dummy2', component: firewall, instance: 'lan' },
  ];
  const result = relink(example('rootlet'), slots, options);
  if (!result.ok) throw new Error(result.problems.map(problem => problem.message).join('\n'));
  return result.report;
}

function renamedFunction(file: string, from: string, to: string, other: string): RelinkReport['renames'][0] {
  const namesake = { file: other, kind: 'function' } as const;
  return { file, kind: 'function', from, to, reason: 'clash', namesake };
}

describe('two copies of one firewall', () => {
  const FIRST = 'first_firewall.bpf.o';
  const LAN = 'first_firewall.bpf.o#lan';
  const report = reported({ share: ['rules'] });

  test('have ids of their own, in slots, renames and lists', () => {
    expect(report.slots.map(({ slot, component: file, id }) => [slot, file, id])).toEqual([
      ['dummy1', FIRST, FIRST],
      ['dummy2', FIRST, LAN],
    ]);
    expect(report.components).toEqual([
      { id: FIRST, file: FIRST, instance: null, slots: ['dummy1'], license: 'Dual MIT/GPL', members: [] },
      { id: LAN, file: FIRST, instance: 'lan', slots: ['dummy2'], license: 'Dual MIT/GPL', members: [] },
    ]);
    expect(report.renames.filter(({ from }) => from === 'foo')).toEqual([
      renamedFunction(FIRST, 'foo', 'first_foo', LAN),
      renamedFunction(LAN, 'foo', 'lan_foo', FIRST),
    ]);
  });

  test('share what is to be shared, and nothing else', () => {
    expect(report.maps).toEqual([
      {
        name: 'rules',
        declaration: 'struct {...} rules',
        section: '.maps',
        size: 32,
        owner: FIRST,
        originalName: 'rules',
        usedBy: [FIRST, LAN],
        shared: true,
        map: { type: 'hash', keySize: 4, valueSize: 16, maxEntries: 1024, pinned: false },
      },
    ]);
    const drops = report.globals.filter(({ originalName }) => originalName === 'drops');
    expect(drops).toMatchObject([
      { name: 'first_drops', declaration: '__u64 first_drops', owner: FIRST, usedBy: [FIRST], shared: false },
      { name: 'lan_drops', declaration: '__u64 lan_drops', owner: LAN, usedBy: [LAN], shared: false },
    ]);
    expect(reported({}).maps.map(({ name, shared }) => [name, shared])).toEqual([
      ['first_rules', false],
      ['lan_rules', false],
    ]);
  });

  test('take this much of what a kernel allows', () => {
    expect(report.limits).toEqual([
      {
        program: 'rootlet',
        frames: { used: 4, allowed: 8 },
        deepestCalls: ['rootlet', 'first_xdp_prog1', 'first_foo', 'first_is_default'],
        stack: { used: 16, allowed: 512 },
        functions: { used: 7, allowed: 256 },
        maps: { used: 3, allowed: 64 },
      },
    ]);
  });
});

test('members of libraries are distinguished by whose they are', () => {
  const bytes = archiveOf([memberOf(objectOf('h.o', [{ name: 'helper', kind: 'function' }]))]);
  const user = (name: string) => component(name, ['helper'], [{ name: 'helper', kind: 'extern function' }]);
  const { report } = chained(inSlots(user('a.o'), user('b.o')), { libraries: [{ name: 'lib.a', bytes }] });
  expect(report.renames.filter(({ from }) => from === 'helper')).toEqual([
    renamedFunction('lib.a(h.o)#a.o', 'helper', 'a_helper', 'lib.a(h.o)#b.o'),
    renamedFunction('lib.a(h.o)#b.o', 'helper', 'b_helper', 'lib.a(h.o)#a.o'),
  ]);
});

test('what was to be shared and only one has is not shared; declarations have the names of the result', () => {
  const lone = component('lone.o', [], [{ name: 'rules', kind: 'map' }]);
  const other = component('other.o', [], []);
  const { report } = chained(inSlots(lone, other), { share: ['*'], keep: ['rules'] });
  expect(report.maps.map(({ name, shared }) => [name, shared])).toEqual([['rules', false]]);
  expect(report.symbols.find(({ name }) => name === 'lone_prog')?.declaration).toBe(
    's32 lone_prog(struct xdp_md *ctx)',
  );
});

test('recursion has no depth', () => {
  const loop = component('loop.o', ['again'], [{ name: 'again', kind: 'function', calls: ['again'] }]);
  const { report } = chained(inSlots(loop), { checkLimits: false });
  expect(report.limits[0]).toMatchObject({ frames: { used: null }, stack: { used: null } });
});
