/**
 * The verdict of a chain: libxdp's own dispatcher (Debian's object), the dispatchers generated here and linked chains, with
 * every mask and every code at every place. Members are linked into their slots, and all of it runs in the embedded machine, so
 * that no kernel is needed which can replace functions; test/vm has the same with real replacements.
 */

import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { staticChain } from '../../../src/chain/engine/static.ts';
import { encodeConfig, verdictsIn } from '../../../src/chain/libxdp/config.ts';
import { makeDispatcher } from '../../../src/chain/libxdp/dispatcher.ts';
import type { DesignMember } from '../../../src/chain/model/design.ts';
import { relink } from '../../../src/link/relink.ts';
import type { BpfObject } from '../../../src/object/model/model.ts';
import { InputObject } from '../../../src/object/read/input.ts';
import { writeObject } from '../../../src/object/write/write.ts';
import { NO_SETTINGS } from '../../../src/state/settings.ts';
import type { Machine } from '../../../src/vm/run/api.ts';
import { createMachine } from '../../../src/vm/run/machine.ts';
import type { MachineMap } from '../../../src/vm/run/machine-map.ts';
import { memberName, memberObject, memberPacket, membersThatRan } from '../../support/chain-members.ts';
import { onlyAt, type Passage, passThrough, UNREPLACED } from '../../support/xdp-loader.ts';

const PASS = 2;
const SLOTS = 10;
const KEY = new Uint8Array(4);
const MASKS = Array.from({ length: 32 }, (_, mask) => mask);
const PLACES = Array.from({ length: SLOTS }, (_, place) => place);
/** What XDP programs return, and numbers that show how the code takes a bit. */
const VERDICTS = [0, 1, 2, 3, 4];
const CODES = [...VERDICTS, 5, 30, 31, 32, 34, 63, 64, 66, 95, 255];

/** Debian's package libxdp1, which xdp-tools needs. */
const PEER = '/usr/lib/x86_64-linux-gnu/bpf/xdp-dispatcher.o';
const missing = existsSync(PEER) ? undefined : 'libxdp is not installed';

const memberFile = (number: number) => {
  const bytes = memberObject({ number });
  return { name: `${memberName({ number })}.o`, bytes };
};

function pass(machine: Machine, verdicts: readonly number[]): Passage {
  const { verdict, packet } = machine.run(memberPacket(verdicts));
  return { verdict, ran: membersThatRan(packet) };
}

/** All places and codes through one machine with these masks. */
function expectAgreement(
  machine: Machine,
  masks: readonly number[],
  inputs: readonly (readonly number[])[],
): void {
  const expected = inputs.map(verdicts => passThrough(masks, verdicts));
  expect(inputs.map(verdicts => pass(machine, verdicts))).toEqual(expected);
}

function filled(bytes: Uint8Array): BpfObject {
  const rootlet = { name: 'xdp-dispatcher.o', bytes };
  const slots = PLACES.map(place => ({ slot: `prog${place}`, component: memberFile(place) }));
  const result = relink(rootlet, slots);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
  return result.object;
}

const config = (masks: readonly number[], version: 1 | 2 | 3 = 2) => ({
  version,
  slots: masks.map(mask => ({ continueOn: verdictsIn(mask), priority: 50, flags: 0 })),
  frags: false,
  deviceBound: false,
});

/** Where the configuration is: members have constants in the same section. */
function configIn(machine: Machine): { readonly map: MachineMap; readonly offset: number } {
  const map = machine.map('.rodata');
  const variable = map.variables?.find(({ name }) => name === 'conf');
  if (variable === undefined) throw new Error('the dispatcher has no configuration');
  return { map, offset: variable.offset };
}

/** Reads its configuration at run time, as the machine takes nothing for constant. */
function expectDispatcher(bytes: Uint8Array, version: 1 | 2 | 3): void {
  using machine = createMachine(filled(bytes), { program: 'xdp_dispatcher' });
  const { map, offset } = configIn(machine);
  for (const turn of MASKS) {
    const masks = PLACES.map(place => (turn + place) % 32);
    const value = map.lookup(KEY) ?? new Uint8Array(0);
    value.set(encodeConfig(config(masks, version), 'little'), offset);
    map.update(KEY, value);
    const inputs = PLACES.flatMap(place => CODES.map(code => onlyAt(place, code, SLOTS)));
    expectAgreement(machine, masks, inputs);
  }
}

describe('every code, every mask, every place', () => {
  test.skipIf(missing !== undefined)(`in libxdp's own dispatcher (${missing ?? ''})`, () => {
    expectDispatcher(readFileSync(PEER), 2);
  });

  test.each([1, 2, 3] as const)('in our dispatcher of version %i', version => {
    const empty = config(new Array(SLOTS).fill(1 << PASS), version);
    expectDispatcher(writeObject(makeDispatcher({ config: empty, byteOrder: 'little' })), version);
  });
});

describe('linked chains', () => {
  const hook = { kind: 'xdp', direction: null, interface: 'near', ifindex: 1, netns: 'net:[1]' } as const;
  const member = (number: number, mask: number): DesignMember => ({
    name: memberName({ number }),
    file: new InputObject(memberFile(number)),
    program: memberName({ number }),
    priority: number,
    continueOn: VERDICTS.filter(verdict => (mask >> verdict) & 1).map(verdict => verdict as never),
    given: { priority: true, continueOn: true },
    settings: NO_SETTINGS,
    loaded: null,
    adopted: null,
  });
  const chain = (masks: readonly number[]): BpfObject => {
    const { change } = staticChain(hook, {
      members: masks.map((mask, at) => member(at, mask)),
      failClosed: false,
    });
    const slots = change.generated?.components.map(({ slot, file }) => ({ slot, component: file }));
    const result = relink(change.rootlet, slots ?? []);
    if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
    return result.object;
  };

  test.each([1, 2, 10])('of %i members: every mask, every verdict, every place', count => {
    for (const mask of MASKS) {
      const masks = new Array(count).fill(mask);
      const continuing = VERDICTS.find(verdict => (mask >> verdict) & 1);
      const places = continuing === undefined ? [0] : PLACES.slice(0, count); // without one only the first is reached
      using machine = createMachine(chain(masks), { program: 'xdp_chain' });
      const inputs = places.flatMap(place =>
        VERDICTS.map(verdict =>
          PLACES.slice(0, count).map(at => (at === place ? verdict : (continuing ?? PASS))),
        ),
      );
      expectAgreement(machine, masks, inputs);
    }
  });

  test('have no empty functions: a program that returns 31 ends them', () => {
    using machine = createMachine(chain([1 << PASS, 1 << PASS]), { program: 'xdp_chain' });
    expect(pass(machine, [UNREPLACED, PASS])).toEqual({ verdict: UNREPLACED, ran: [0] });
  });
});
