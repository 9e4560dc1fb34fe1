/** What fails before the switch leaves the old code, its record and its state; what fails after it leaves the new. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hasPendingChange } from '../../../src/dynamic/slots/store.ts';
import { countFds } from '../../../src/kernel/testing.ts';
import { loadObject } from '../../../src/load/load.ts';
import { mountBpffs } from '../../../src/load/testing.ts';
import { readObject } from '../../../src/object/read/read.ts';
import type { SaveStep } from '../../../src/store/save.ts';
import { BPF_LINK_UPDATE, BPF_MAP_UPDATE_ELEM } from '../../../src/uapi/commands.ts';
import { needs } from '../../support/needs.ts';
import { EntryUnderTest, RefusingSys } from './entry.ts';
import { kernel, Wire } from './support.ts';

const OBJECTS = join(import.meta.dirname, '../../vm/programs/obj/el');
const file = (name: string) => ({ name: `${name}.o`, bytes: readFileSync(join(OBJECTS, `${name}.bpf.o`)) });
const [HOST, ONE, ONE_V2] = [file('relink_host'), file('relink_one'), file('relink_one_v2')];
const VERDICTS = new Map([
  ['relink_one.o', 1],
  ['relink_one_v2.o', 3],
]);
const PACKET = new Uint8Array(64);
/** Copies of variables between saving and switch. */
const CARRIED = 1;
const BINDING_BACK_ENDS = ['static', 'tail'] as const;

needs('bpf', 'ip').describe('a change that fails', () => {
  let fds = 0;
  let wire: Wire;
  let bpffs: ReturnType<typeof mountBpffs>;
  beforeEach(() => {
    fds = countFds();
    wire = new Wire('failures');
    bpffs = mountBpffs();
  });
  afterEach(() => {
    bpffs.close();
    wire.close();
    expect(countFds()).toBe(fds);
  });

  const enter = (via: (typeof BINDING_BACK_ENDS)[number], sys = kernel): EntryUnderTest => {
    const place = { interface: 'va' };
    const root = join(bpffs.path, 'store');
    const entry = new EntryUnderTest(sys, root, HOST, 'rl_host', via, place, body => wire.inside(body));
    entry.with(rootlet => rootlet.replace('slot1', ONE));
    return entry;
  };
  /** Component and verdict of the first slot, as the next process finds them. */
  const judge = (entry: EntryUnderTest) =>
    entry.with(rootlet => {
      const { verdict } = rootlet.generation.program.testRun({ data: PACKET });
      return [rootlet.slots[0]?.fill?.file.name ?? '', verdict] as const;
    });

  test.each(BINDING_BACK_ENDS)('at any step of the store: %s', via => {
    using entry = enter(via);
    const steps: string[] = [];
    for (let step = 1; steps.at(-1) !== 'done'; step++) {
      const [before] = judge(entry);
      const next = before === ONE.name ? ONE_V2 : ONE;
      entry.failAt(step);
      const outcome = attempt(() => entry.with(rootlet => rootlet.replace('slot1', next)));
      entry.failAt(0);
      const switched = entry.verdict(PACKET) === VERDICTS.get(next.name);
      const [name, verdict] = judge(entry);
      expect(verdict, `step ${step}`).toBe(VERDICTS.get(name));
      if (outcome === 'done') expect(name).toBe(next.name);
      else expect(outcome).toBe('this step fails');
      expect(name, `step ${step}, ${entry.failed}`).toBe(switched ? next.name : before);
      steps.push(outcome === 'done' ? 'done' : `${switched ? 'new' : 'old'} ${entry.failed}`);
    }
    // two saves: one before the switch, one after it
    const saves = (steps.length - 1) / 2;
    const names = steps.slice(0, saves).map(step => step.replace('old ', ''));
    expect(names.length).toBeGreaterThanOrEqual(8);
    expect(steps).toEqual([...names.map(name => `old ${name}`), ...names.map(name => `new ${name}`), 'done']);
  });

  test.each(BINDING_BACK_ENDS)('in the switch itself: %s', via => {
    const sys = new RefusingSys(kernel);
    using entry = enter(via, sys);
    entry.with(rootlet => rootlet.replace('slot2', ONE));
    const recordOf = () => {
      const { programs = [], maps = [], data = {} } = entry.store.find('hook', 'R')?.record ?? {};
      const ids = [...programs, ...maps].map(({ name, id }) => `${name} ${id}`).sort();
      return { ids, data };
    };
    const before = recordOf();
    // the only step of one; the second one of the other, so that the first has to be taken back
    const [command, nth] = via === 'static' ? [BPF_LINK_UPDATE, 1] : [BPF_MAP_UPDATE_ELEM, 2];
    let saved = 0;
    const refuse = (step: SaveStep): void => {
      if (step === 'remove-old' && ++saved === 1) sys.refuse(command, nth + (via === 'static' ? 0 : CARRIED));
    };
    const change = () =>
      entry.with(rootlet =>
        rootlet.change({ fill: ['slot1', 'slot2'].map(slot => ({ slot, file: ONE_V2 })) }),
      );
    const outcome = entry.duringSteps(refuse, () => attempt(change));
    expect(outcome).toMatch(/ENOMEM/);
    expect(saved).toBe(2); // what was pending is taken back in the record
    expect(entry.verdict(PACKET)).toBe(1);
    expect(recordOf()).toEqual(before);
    expect(judge(entry)).toEqual([ONE.name, 1]);
    change(); // and it can be done again
    expect(judge(entry)).toEqual([ONE_V2.name, 3]);
  });

  test.each(BINDING_BACK_ENDS)(
    'ended after the record, and then another program on the hook: that stays: %s',
    via => {
      using entry = enter(via);
      const isLast = (step: SaveStep): boolean => step === 'remove-old';
      let stopped = false;
      const stop = (step: SaveStep): void => {
        if (stopped || !isLast(step)) return;
        stopped = true;
        throw new Error('this step fails');
      };
      const change = () => entry.with(rootlet => rootlet.replace('slot1', ONE_V2));
      expect(entry.duringSteps(stop, () => attempt(change))).toBe('this step fails');
      using foreign = loadObject(readObject({ name: 'foreign.o', bytes: ONE_V2.bytes }), kernel);
      const theirs = foreign.program('rl_one');
      entry.update(theirs);
      const look = () => entry.with(rootlet => rootlet.hook.occupantId());
      expect([look(), look()]).toEqual([theirs.info().id, theirs.info().id]);
      // nothing is settled while it is there, and the record describes what rootlet ran last
      const found = entry.store.find('hook', 'R');
      expect(found === undefined ? undefined : hasPendingChange(found)).toBe(true);
      const { relink } = entry.store.find('hook', 'R')?.record.data ?? {};
      expect(relink).toMatchObject({ slots: [{ slot: 'slot1', component: 'relink_one' }] });
      expect(attempt(change)).toMatch(/is attached, not/);
      expect(look()).toBe(theirs.info().id);
    },
  );

  test.each(BINDING_BACK_ENDS)(
    'nothing fails: what the old code counts until the switch is carried over: %s',
    via => {
      using entry = enter(via);
      let counted = 0;
      const countMore = (step: SaveStep): void => {
        if (counted > 0 || step !== 'switch') return;
        for (; counted < 3; counted++) entry.verdict(PACKET);
      };
      entry.duringSteps(countMore, () => entry.with(rootlet => rootlet.replace('slot1', ONE_V2)));
      expect(counted).toBe(3);
      const seen = entry.with(rootlet => {
        const value = rootlet.generation.maps.get('relink_one_v2:.bss')?.lookup(new Uint8Array(4));
        return value === undefined ? [] : [...new Uint32Array(value.slice().buffer)].filter(word => word > 0);
      });
      expect(seen).toEqual([3]); // the other variable is only in the new version, which has not run yet
    },
  );
});

function attempt(body: () => unknown): string {
  try {
    body();
    return 'done';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
