import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readInterface } from '../../kernel/hooks/interface.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import { inNetns } from '../../kernel/sys/netns.ts';
import type { Sys } from '../../kernel/sys/sys.ts';
import { countFds, kernelForTests } from '../../kernel/testing.ts';
import { loadObject } from '../../load/load.ts';
import { programTypeOf } from '../../object/programs/section-names.ts';
import { readObject } from '../../object/read/read.ts';
import { attachProgram } from './attach.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const missing =
  sys === undefined
    ? reason
    : spawnSync('ip', ['-V']).error === undefined
      ? undefined
      : 'iproute2 is not installed';
const read = (path: string) =>
  readObject({ name: path, bytes: readFileSync(join(import.meta.dirname, '..', path)) });
const FIREWALL = read('../../examples/obj/el/first_firewall.bpf.o');
const KINDS = read('../core/testdata/obj/el/kinds.bpf.o');

describe.skipIf(missing !== undefined)(
  `in a network namespace${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    const name = `rootlet-attach-${process.pid}`;
    const inside = <T>(body: () => T): T => inNetns(kernel, `/run/netns/${name}`, body);
    beforeAll(() => {
      execFileSync('ip', ['netns', 'add', name]);
      execFileSync('ip', ['-n', name, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb']);
    });
    afterAll(() => void execFileSync('ip', ['netns', 'del', name]));

    test('an XDP program goes where it is attached, and leaves with its attachment', () => {
      const before = countFds();
      {
        using object = loadObject(FIREWALL, kernel);
        const attached = inside(() =>
          attachProgram(object, 'xdp_prog1', { interface: 'va', mode: 'generic' }),
        );
        expect(attached.link).not.toBeNull();
        expect(inside(() => readInterface(kernel, 'va')).xdp.generic).toBe(
          object.program('xdp_prog1').info().id,
        );
        attached.close();
        expect(inside(() => readInterface(kernel, 'va')).xdp.generic).toBe(0);
      }
      expect(countFds()).toBe(before);
    });

    test('TC programs by both methods; the direction must be known', () => {
      using object = loadObject(KINDS, kernel, { programs: program => program === 'load_mark' });
      using attached = inside(() =>
        attachProgram(object, 'load_mark', { interface: 'va', direction: 'egress' }),
      );
      expect(attached.link).not.toBeNull();
      const filter = inside(() =>
        attachProgram(object, 'load_mark', {
          interface: 'va',
          direction: 'ingress',
          method: 'clsact',
          priority: 3,
        }),
      );
      expect(filter.record).toMatchObject({ filter: { interface: 'va', priority: 3, direction: 'ingress' } });
      filter.close(); // releases nothing that the filter needs
      expect(inside(() => filter.occupantId())).toBe(object.program('load_mark').info().id);
      inside(() => filter.detach(object.program('load_mark')));
      expect(() => attachProgram(object, 'load_mark', { interface: 'va' })).toThrow(/needs a direction/);
    });
  },
);

test.each([
  ['xdp', /needs an interface/],
  ['cgroup_skb/egress', /needs a cgroup/],
  ['freplace/x', /needs a target program/],
  ['raw_tp', /needs a tracepoint/],
  ['netfilter', /needs family, hook and priority/],
  ['socket', /needs a socket/],
  ['lwt_xmit', /type lwt_xmit cannot be attached here/],
])('a program of section %s without a place', (section, message) => {
  const object = loadObject(FIREWALL, new FakeSys(), {
    typeOf: () => programTypeOf(section),
    targets: new Map([['xdp_prog1', { fd: 5, btfId: 1 }]]),
  });
  expect(() => attachProgram(object, 'xdp_prog1')).toThrow(message);
});
