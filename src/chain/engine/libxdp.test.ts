/** Dispatchers with members that count: what is loaded counts, what is recorded is the file. */

import { describe, expect, test } from 'vitest';
import { planParts } from '../../dynamic/slots/back-ends.ts';
import { prepareChange } from '../../dynamic/slots/change.ts';
import { hooksForTests } from '../../hooks/testing.ts';
import { withLicense } from '../../link/passes/license.ts';
import { COUNTS_MAP, TRACE_MAP, WATCH_SECTION } from '../../link/watch/layout.ts';
import { byteMember } from '../../link/watch/testing.ts';
import { withCounters } from '../../link/watch/with-counters.ts';
import { InputObject } from '../../object/read/input.ts';
import { writeObject } from '../../object/write/write.ts';
import { mapKey } from '../../state/identity.ts';
import { NO_SETTINGS } from '../../state/settings.ts';
import type { ChainHook } from '../model/chain.ts';
import type { ChainDesign, DesignMember } from '../model/design.ts';
import { COUNTED, libxdpChain } from './libxdp.ts';

const { kernel, missing } = hooksForTests();

const HOOK: ChainHook = { kind: 'xdp', direction: null, interface: 'eth0', ifindex: 2, netns: 'net:[1]' };
const PASS = 2;

function member(name: string, object = withLicense(byteMember(name, 'xdp', 0), 'GPL')): DesignMember {
  const file = { name: `${name}.o`, bytes: writeObject({ ...object, name: `${name}.o` }) };
  const base = { priority: 50, given: { priority: false, continueOn: false }, settings: NO_SETTINGS };
  const kept = { loaded: null, adopted: null };
  return { ...base, ...kept, name, file: new InputObject(file), program: 'prog', continueOn: [PASS] };
}

const design = (members: readonly DesignMember[], counters?: boolean): ChainDesign => ({
  members,
  failClosed: false,
  ...(counters === undefined ? {} : { counters }),
});

function chainOf(...args: Parameters<typeof design>) {
  const { change, notes } = libxdpChain(HOOK, design(...args), 2);
  return { change, notes, components: change.generated?.components ?? [], guests: change.generated?.guests };
}

const mapsOf = (file: unknown): string[] =>
  file instanceof InputObject
    ? file.object.symbols.flatMap(({ kind, name }) => (kind === 'map' ? [name] : []))
    : [];

describe('members of a dispatcher', () => {
  test('count, and are recorded as the files that were given', () => {
    const members = [member('a'), member('b')];
    const { components, notes } = chainOf(members);
    expect(notes).toEqual([]);
    for (const [at, { file, variant }] of components.entries()) {
      expect(file.bytes).toBe(members[at]?.file?.bytes);
      expect(variant).toBe(COUNTED);
      expect(mapsOf(file)).toEqual([COUNTS_MAP, TRACE_MAP]);
    }
  });

  test('are as they were given where the chain has no counters', () => {
    const members = [member('a'), member('b')];
    const { components } = chainOf(members, false);
    expect(components.map(({ file }) => file)).toEqual(members.map(({ file }) => file));
    expect(components.map(({ variant }) => variant)).toEqual([undefined, undefined]);
  });

  test('run without counters where they cannot have them, which is reported', () => {
    const once = withCounters(byteMember('a', 'xdp', 0), 'prog');
    if (!once.ok) throw new Error(once.problem.message);
    const own = member('a', once.value);
    const { components, notes } = chainOf([own, member('b')]);
    expect(components.map(({ variant }) => variant)).toEqual([undefined, COUNTED]);
    expect(components[0]?.file).toBe(own.file);
    expect(notes).toEqual([
      'member "a" runs without counters: cannot be counted: the object has its own "rootlet_counts"',
    ]);
  });

  test('of other tools stay as they are', () => {
    const guest = { ...member('theirs'), file: null, loaded: 7 };
    const { components, guests, notes } = chainOf([guest, member('b')]);
    expect(components.map(({ component }) => component)).toEqual(['b']);
    expect(guests).toEqual([{ slot: 'prog0', component: 'theirs', program: 'prog', programId: 7 }]);
    expect(notes).toEqual([]);
  });

  test.skipIf(missing !== undefined).each([1, 2])('a dispatcher of %i plans their maps as state', count => {
    const members = ['a', 'b'].slice(0, count).map(name => member(name));
    const stateOf = (counters: boolean) => {
      const { rootlet, ...change } = chainOf(members, counters).change;
      const { design, context } = prepareChange({
        sys: kernel,
        old: undefined,
        design: { rootlet, fills: [] },
        main: change.program,
        change,
        given: NO_SETTINGS,
        fresh: [],
        options: { pinRoot: null },
      });
      return planParts('ext', context, design).parts.flatMap(({ request }) => request.states.map(mapKey));
    };
    const own = members.flatMap(({ name }) =>
      [COUNTS_MAP, TRACE_MAP, WATCH_SECTION].map(map => `${name}:${map}`),
    );
    expect(stateOf(true)).toEqual(expect.arrayContaining(own));
    expect(stateOf(false).filter(key => own.includes(key))).toEqual([]);
  });
});
