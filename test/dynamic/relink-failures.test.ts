/** Every step of writing a change down fails once: the code that runs is the old one or the new, as the record says. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { countFds } from '../../src/kernel/testing.ts';
import { mountBpffs } from '../../src/load/testing.ts';
import { needs } from '../support/needs.ts';
import { EntryUnderTest } from './relink-entry.ts';
import { kernel, Wire } from './relink-support.ts';

const OBJECTS = join(import.meta.dirname, '../vm/programs/obj/el');
const file = (name: string) => ({ name: `${name}.o`, bytes: readFileSync(join(OBJECTS, `${name}.bpf.o`)) });
const [HOST, ONE, ONE_V2] = [file('relink_host'), file('relink_one'), file('relink_one_v2')];
const VERDICTS = new Map([
  ['relink_one.o', 1],
  ['relink_one_v2.o', 3],
]);

needs('bpf', 'ip').describe('a step that fails', () => {
  test.each(['static', 'tail'] as const)('%s', via => {
    const before = countFds();
    const wire = new Wire('failures');
    const bpffs = mountBpffs();
    const entry = new EntryUnderTest(
      kernel,
      join(bpffs.path, 'store'),
      HOST,
      'rl_host',
      via,
      { interface: 'va' },
      body => wire.inside(body),
    );
    try {
      entry.with(rootlet => rootlet.replace('slot1', ONE));
      const judge = () =>
        entry.with(rootlet => {
          const { verdict } = rootlet.generation.program.testRun({ data: new Uint8Array(64) });
          return [rootlet.slots[0]?.fill?.file.name ?? '', verdict] as const;
        });
      let outcome = '';
      for (let step = 1; outcome !== 'done'; step++) {
        const next = judge()[0] === ONE.name ? ONE_V2 : ONE;
        entry.failAt(step);
        try {
          entry.with(rootlet => rootlet.replace('slot1', next));
          outcome = 'done';
        } catch (error) {
          expect(error).toMatchObject({ message: 'this step fails' });
        }
        entry.failAt(0);
        const [name, verdict] = judge();
        expect(verdict, `step ${step}`).toBe(VERDICTS.get(name));
        expect(step).toBeLessThan(40);
        if (outcome === 'done') expect(step).toBeGreaterThan(16); // two saves, eight steps each
      }
    } finally {
      entry.close();
      bpffs.close();
      wire.close();
    }
    expect(countFds()).toBe(before);
  });
});
