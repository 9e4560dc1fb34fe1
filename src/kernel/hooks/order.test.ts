/** Order among the programs of one hook, on this kernel: placed by neighbors, listed, and refused when the list is old. */

import { execFileSync, spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT, move } from '../../isa/assemble.ts';
import { encodeInsns } from '../../isa/opcodes.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_TCX_EGRESS, BPF_TCX_INGRESS } from '../../uapi/index.ts';
import { BpfProgram, loadProgram } from '../objects/program.ts';
import { FakeSys } from '../sys/fake.ts';
import { inNetns } from '../sys/netns.ts';
import type { Sys } from '../sys/sys.ts';
import { kernelForTests } from '../testing.ts';
import { HOST_ORDER } from '../uapi/attr.ts';
import type { Attachment } from './attachment.ts';
import { attachTcx } from './hooks.ts';
import { readInterface } from './interface.ts';
import { MAX_HOOK_PROGRAMS, type Order, orderFields, programsOn } from './order.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const missing = (() => {
  if (sys === undefined) return reason;
  return spawnSync('ip', ['-V']).error === undefined ? undefined : 'iproute2 is not installed';
})();

test('a place is before or after one neighbor, by descriptor or id', () => {
  expect(orderFields({})).toEqual({ flags: 0 });
  expect(orderFields({ before: 3 })).toEqual({ flags: 8, word: 3 });
  expect(orderFields({ after: 4, isLink: true, isId: true, revision: 7n })).toEqual({
    flags: 16 + 8192 + 32,
    word: 4,
    wide: 7n,
  });
  expect(() => orderFields({ before: 1, after: 2 })).toThrow(
    expect.objectContaining({ code: 'kernel-attach-order' }),
  );
});

describe.skipIf(missing !== undefined)(
  `the order of tcx programs${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    const netns = `rootlet-order-${process.pid}`;
    const inside = <T>(body: () => T): T => inNetns(kernel, `/run/netns/${netns}`, body);
    const open: Disposable[] = [];

    beforeAll(() => {
      execFileSync('ip', ['netns', 'add', netns]);
      execFileSync('ip', ['-n', netns, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb']);
    });
    afterAll(() => {
      for (const one of open) one[Symbol.dispose]();
      execFileSync('ip', ['netns', 'del', netns]);
    });

    const next = (): BpfProgram => {
      const code = encodeInsns([move(0, -1), EXIT], HOST_ORDER);
      const type = BPF_PROG_TYPE_SCHED_CLS;
      const result = loadProgram(kernel, { name: 'next', type, code, license: 'GPL' });
      if (result.kind === 'refused') throw new Error(`errno ${result.errno}: ${result.log}`);
      const program = new BpfProgram(kernel, result.fd, 'next', type);
      open.push(program);
      return program;
    };
    const attach = (order: Order, program = next(), name = 'va'): Attachment => {
      const link = inside(() => attachTcx(kernel, program.fd.number, name, 'ingress', order));
      open.push(link);
      return link;
    };
    const on = (name: string, attachType: number) =>
      inside(() => programsOn(kernel, readInterface(kernel, name).index, attachType));
    const idOf = (link: Attachment): number => link.info().id;

    test('an empty hook has a revision; an interface that does not exist has no hook', () => {
      expect(on('va', BPF_TCX_EGRESS)).toEqual({ programs: [], revision: 1n });
      expect(inside(() => programsOn(kernel, 4711, BPF_TCX_INGRESS))).toBeUndefined();
      expect(inside(() => programsOn(kernel, readInterface(kernel, 'va').index, 4711))).toBeUndefined();
    });

    test('before and after, by link and by program, by descriptor and by id', () => {
      const middle = attach({});
      const last = attach({ after: middle.fd.number, isLink: true });
      const first = attach({ before: idOf(middle), isLink: true, isId: true });
      const { programId } = middle.info();
      const second = attach({ before: programId, isId: true });
      const order = [first, second, middle, last].map(link => link.info());
      expect(on('va', BPF_TCX_INGRESS)?.programs).toEqual(
        order.map(link => ({ programId: link.programId, linkId: link.id })),
      );
    });

    test('an old revision is refused, the present one is not; a gone neighbor is an error', () => {
      const before = on('va', BPF_TCX_INGRESS);
      attach({ revision: before?.revision ?? 0n }).close();
      expect(() => attach({ revision: before?.revision ?? 0n })).toThrow(
        expect.objectContaining({ code: 'kernel-attachment-changed' }),
      );
      expect(() => attach({ before: 0x7ffffff, isLink: true, isId: true })).toThrow(
        expect.objectContaining({ code: 'kernel-attach' }),
      );
    });

    test('one program is on a hook only once, and a hook runs 63 at most', () => {
      const program = next();
      attach({}, program, 'vb');
      expect(() => attach({}, program, 'vb')).toThrow(/on the hook already/);
      for (let count = 1; count < MAX_HOOK_PROGRAMS; count++) attach({}, next(), 'vb');
      expect(() => attach({}, next(), 'vb')).toThrow(/at most 63 programs/);
      expect(on('vb', BPF_TCX_INGRESS)?.programs).toHaveLength(MAX_HOOK_PROGRAMS);
    });
  },
);
