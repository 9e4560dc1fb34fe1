/** What may replace what, and what the kernel holds while it does. */

import { unlinkSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openById } from '../../src/kernel/objects/info.ts';
import { BpfMap } from '../../src/kernel/objects/map.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { findTarget } from '../../src/load/execute/program-functions.ts';
import type { AttachTarget } from '../../src/load/execute/programs.ts';
import { loadObject } from '../../src/load/load.ts';
import { programTypeOf } from '../../src/object/programs/section-names.ts';
import { EBUSY, EINVAL } from '../../src/uapi/errno.ts';
import { BPF_MAP_TYPE_PROG_ARRAY } from '../../src/uapi/map-types.ts';
import { sys, testSince } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';
import { attachTo, errnoOf, loadFor, refusal } from './guest/replacing.ts';

const PACKET = new Uint8Array(64);
const slots = vmObject('slots');
const replacements = vmObject('replacements');

/** Parts of what `sum` returns when nothing is replaced: slots a, b, c, the static function, the one of values. */
const ORIGINAL = { a: 1, b: 2, c: 3, local: 5, values: 13 };

const sumOf = (parts: Partial<typeof ORIGINAL>): number => {
  const { a, b, c, local, values } = { ...ORIGINAL, ...parts };
  return a + 16 * b + 256 * c + 4096 * local + 65536 * values;
};

const loadSlots = (): LoadedObject => loadObject(slots, sys, { pinRoot: null });
const slotOf = (loaded: LoadedObject, slot: string, program = 'sum'): AttachTarget =>
  findTarget(loaded.program(program), slot);
const run = (loaded: LoadedObject, program = 'sum'): number => loaded.testRun(program, PACKET).verdict;

describe('targets', () => {
  test('are global functions of any number', () => {
    using loaded = loadSlots();
    expect(run(loaded)).toBe(sumOf({}));
    expect(() => slotOf(loaded, 'local')).toThrow(/"local" is static and cannot be replaced/);
    expect(() => slotOf(loaded, 'slot_b', 'other')).toThrow(/has no function "slot_b"; it has/);
  });

  test('one loaded replacement serves slots of several programs, with one state', () => {
    using loaded = loadSlots();
    using component = loadFor(slotOf(loaded, 'slot_a'), replacements, 'counting');
    const links = [slotOf(loaded, 'slot_a'), slotOf(loaded, 'slot_b'), slotOf(loaded, 'slot_a', 'other')].map(
      target => attachTo(target, component, 'counting'),
    );
    expect(run(loaded)).toBe(sumOf({ a: 9, b: 9 }));
    expect(component.variables.get('calls')).toBe(2);
    expect(run(loaded, 'other')).toBe(9);
    expect(component.variables.get('calls')).toBe(3);
    for (const link of links) link.close();
    expect(run(loaded)).toBe(sumOf({}));
    expect(run(loaded, 'other')).toBe(ORIGINAL.a);
    expect(component.variables.get('calls')).toBe(3);
  });

  test('the program itself is one', () => {
    using loaded = loadSlots();
    const target = slotOf(loaded, 'other', 'other');
    using component = loadFor(target, replacements, 'eight');
    using link = attachTo(target, component, 'eight');
    expect(run(loaded, 'other')).toBe(8);
    expect(run(loaded)).toBe(sumOf({}));
    link.close();
    expect(run(loaded, 'other')).toBe(ORIGINAL.a);
  });

  test('a replacement is none', () => {
    using loaded = loadSlots();
    using component = loadFor(slotOf(loaded, 'slot_a'), replacements, 'counting');
    const error = refusal(() => loadFor(slotOf(component, 'counting', 'counting'), replacements, 'eight'));
    expect(error.message).toMatch(/recursively|replacement/i);
    expect(error.problems[0]?.hint).toContain('name the program underneath');
  });

  test('of another expected attach type', () => {
    using loaded = loadSlots();
    const xdp = programTypeOf('xdp');
    if (xdp === undefined) throw new Error('no type xdp');
    using plain = loadObject(slots, sys, {
      pinRoot: null,
      programs: name => name === 'other',
      typeOf: () => ({ ...xdp, expectedAttachType: 0 }),
    });
    using component = loadFor(slotOf(loaded, 'slot_a'), replacements, 'eight');
    const error = refusal(() => attachTo(slotOf(plain, 'slot_a', 'other'), component, 'eight'));
    expect(errnoOf(error)).toBe(EINVAL);
    expect(error.message).toContain('prototype, program type or expected attach type differ');
  });
});

describe('prototypes', () => {
  test('structures by pointer, numbers, a wide result', () => {
    using loaded = loadSlots();
    const target = slotOf(loaded, 'slot_of_values');
    using component = loadFor(target, replacements, 'second_of_pair');
    using _link = attachTo(target, component, 'second_of_pair');
    expect(run(loaded)).toBe(sumOf({ values: 20 }));
  });

  test.each(['of_another_struct', 'of_fewer_arguments', 'eight'])('%s does not fit', program => {
    using loaded = loadSlots();
    const target = slotOf(loaded, 'slot_of_values');
    expect(refusal(() => loadFor(target, replacements, program)).problems[0]).toMatchObject({
      code: 'kernel-verifier-refused',
      errno: EINVAL,
    });
  });

  test('a loaded replacement is compared again with each slot', () => {
    using loaded = loadSlots();
    using component = loadFor(slotOf(loaded, 'slot_a'), replacements, 'eight');
    const error = refusal(() => attachTo(slotOf(loaded, 'slot_of_values'), component, 'eight'));
    expect(errnoOf(error)).toBe(EINVAL);
  });
});

describe('effects', () => {
  test('a slot that may change the packet takes a replacement that does', () => {
    using loaded = loadSlots();
    const target = slotOf(loaded, 'slot_a');
    using component = loadFor(target, replacements, 'changing_packet');
    using _link = attachTo(target, component, 'changing_packet');
    expect(run(loaded)).toBe(sumOf({ a: 6 }));
  });

  test('one that may not does not, where the kernel looks at it', () => {
    using loaded = loadSlots();
    const target = slotOf(loaded, 'slot_c');
    let told = 'accepted';
    try {
      loadFor(target, replacements, 'changing_packet').close();
    } catch (error) {
      told = error instanceof Error ? error.message : '';
    }
    expect(told).toMatch(/accepted|changes packet data, while original does not/);
  });

  testSince('6.12', 'as 6.12 does', () => {
    using loaded = loadSlots();
    const target = slotOf(loaded, 'slot_c');
    expect(() => loadFor(target, replacements, 'changing_packet')).toThrow(/changes packet data/);
  });

  test('both may use the stack', () => {
    using loaded = loadSlots();
    expect(run(loaded, 'deep')).toBe(3 + ORIGINAL.c);
    const target = slotOf(loaded, 'slot_c', 'deep');
    using component = loadFor(target, replacements, 'using_stack');
    using _link = attachTo(target, component, 'using_stack');
    expect(run(loaded, 'deep')).toBe(3 + 7);
  });
});

describe('tables of programs', () => {
  const table = () =>
    BpfMap.create(sys, {
      name: 'table',
      type: BPF_MAP_TYPE_PROG_ARRAY,
      keySize: 4,
      valueSize: 4,
      maxEntries: 1,
    });
  const entry = (loaded: LoadedObject, program: string) =>
    new Uint8Array(new Uint32Array([loaded.program(program).fd.number]).buffer);
  const KEY = new Uint8Array(4);

  test('a program in one cannot be extended until it is out again', () => {
    using loaded = loadSlots();
    using programs = table();
    const target = slotOf(loaded, 'slot_a', 'other');
    using component = loadFor(target, replacements, 'eight');
    programs.update(KEY, entry(loaded, 'other'));
    const error = refusal(() => attachTo(target, component, 'eight'));
    expect(errnoOf(error)).toBe(EBUSY);
    programs.delete(KEY);
    using _link = attachTo(target, component, 'eight');
    expect(run(loaded, 'other')).toBe(8);
  });

  test('an extended program cannot be put into one, a replacement never', () => {
    using loaded = loadSlots();
    using programs = table();
    const target = slotOf(loaded, 'slot_a', 'other');
    using component = loadFor(target, replacements, 'eight');
    {
      using _link = attachTo(target, component, 'eight');
      const error = refusal(() => void programs.update(KEY, entry(loaded, 'other')));
      expect(errnoOf(error)).toBe(EBUSY);
    }
    programs.update(KEY, entry(loaded, 'other'));
    const never = refusal(() => void programs.update(KEY, entry(component, 'eight')));
    expect(errnoOf(never)).toBe(EINVAL);
  });
});

describe('lifetimes', () => {
  test('an attachment cannot be updated nor forced off', () => {
    using loaded = loadSlots();
    const target = slotOf(loaded, 'slot_a');
    using one = loadFor(target, replacements, 'eight');
    using link = attachTo(target, one, 'eight');
    expect(refusal(() => void link.update(one.program('eight').fd.number)).message).toMatch(/replacing/);
    expect(link.detach()).toBe(false);
    expect(run(loaded)).toBe(sumOf({ a: 8 }));
  });

  test('an attachment holds both programs, and says which', () => {
    const loaded = loadSlots();
    const target = slotOf(loaded, 'slot_a');
    const component = loadFor(target, replacements, 'eight');
    const link = attachTo(target, component, 'eight');
    const ids = [loaded.program('sum').info().id, component.program('eight').info().id];
    expect(link.info()).toMatchObject({ programId: ids[1] });
    const isThere = (id: number | undefined) => {
      using fd = openById(sys, 'program', id ?? 0);
      return fd !== undefined;
    };
    loaded.close();
    component.close();
    expect(ids.map(isThere)).toEqual([true, true]);
    link.close();
    expect(ids.map(isThere)).toEqual([false, false]);
  });

  test('a pin holds an attachment; unpinned before its last descriptor is closed, the slot is free at once', () => {
    using loaded = loadSlots();
    const target = slotOf(loaded, 'slot_a');
    using component = loadFor(target, replacements, 'eight');
    const pin = '/sys/fs/bpf/replacement';
    for (let round = 0; round < 200; round++) {
      const link = attachTo(target, component, 'eight');
      link.pin(pin);
      unlinkSync(pin);
      link.close();
    }
    const last = attachTo(target, component, 'eight');
    last.pin(pin);
    last.close();
    expect(run(loaded)).toBe(sumOf({ a: 8 }));
    unlinkSync(pin);
  });
});
