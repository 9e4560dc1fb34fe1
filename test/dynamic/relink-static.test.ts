/** Dynamic re-linking by static re-link and a change of the program on the hook: XDP, tcx and cgroup, on this kernel. */

import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ObjectFile } from '../../src/dynamic/relink-design.ts';
import { Rootlet } from '../../src/dynamic/relink-rootlet.ts';
import { inNetns } from '../../src/kernel/netns.ts';
import type { Sys } from '../../src/kernel/sys.ts';
import { FakeSys } from '../../src/kernel/sys-fake.ts';
import { countFds, kernelForTests } from '../../src/kernel/testing.ts';
import { packet } from '../../src/load/testing.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const missing =
  sys === undefined
    ? reason
    : spawnSync('ip', ['-V']).error === undefined
      ? undefined
      : 'iproute2 is not installed';

const ROOT = join(import.meta.dirname, '../..');
const example = (name: string): ObjectFile => ({
  name: `${name}.bpf.o`,
  bytes: readFileSync(join(ROOT, 'examples/obj/el', `${name}.bpf.o`)),
});
const ROOTLET = example('rootlet');
const FIRST = example('first_firewall');
const SECOND = example('second_firewall');
const XDP_DROP = 1;
const XDP_PASS = 2;
const BLOCKED = packet({ source: [192, 0, 2, 66] });
const TO_X11 = packet({ destinationPort: 6001 });

describe.skipIf(missing !== undefined)(
  `static re-linking${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    const netns = `rootlet-relink-${process.pid}`;
    const inside = <T>(body: () => T): T => inNetns(kernel, `/run/netns/${netns}`, body);
    beforeAll(() => {
      execFileSync('ip', ['netns', 'add', netns]);
      execFileSync('ip', ['-n', netns, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb']);
    });
    afterAll(() => void execFileSync('ip', ['netns', 'del', netns]));

    let fds = 0;
    beforeEach(() => {
      fds = countFds();
    });
    afterEach(() => {
      expect(countFds()).toBe(fds);
    });

    const attach = () => inside(() => Rootlet.attach(kernel, ROOTLET, { interface: 'va', mode: 'generic' }));
    const judge = (rootlet: Rootlet, data: Uint8Array): number =>
      rootlet.generation.program.testRun({ data }).verdict;

    test('default → bound → another → reset → default', () => {
      using rootlet = attach();
      expect(judge(rootlet, BLOCKED)).toBe(XDP_PASS);
      rootlet.replace('dummy1', FIRST, 'xdp_prog1');
      expect(judge(rootlet, BLOCKED)).toBe(XDP_DROP);
      expect(judge(rootlet, TO_X11)).toBe(XDP_PASS);
      rootlet.replace('dummy2', SECOND);
      expect(judge(rootlet, BLOCKED)).toBe(XDP_DROP);
      expect(judge(rootlet, TO_X11)).toBe(XDP_DROP);
      rootlet.reset('dummy1');
      expect(judge(rootlet, BLOCKED)).toBe(XDP_PASS);
      expect(judge(rootlet, TO_X11)).toBe(XDP_DROP);
      expect(rootlet.slots.map(({ slot, fill }) => [slot, fill?.file.name])).toEqual([
        ['dummy1', undefined],
        ['dummy2', 'second_firewall.bpf.o'],
        ['rootlet', undefined],
      ]);
    });
  },
);
