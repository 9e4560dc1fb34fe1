import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT, move } from '../../isa/assemble.ts';
import { encodeInsns } from '../../isa/opcodes.ts';
import * as types from '../../uapi/index.ts';
import { XDP_DROP, XDP_PASS } from '../../uapi/verdicts.ts';
import { listIds } from '../objects/info.ts';
import { BpfProgram, loadProgram } from '../objects/program.ts';
import { FakeSys } from '../sys/fake.ts';
import { inNetns } from '../sys/netns.ts';
import type { Sys } from '../sys/sys.ts';
import { countFds, kernelForTests } from '../testing.ts';
import { HOST_ORDER } from '../uapi/attr.ts';
import { attachTracepoint } from './attachment.ts';
import { attachCgroup, attachNetfilter, attachNetns, attachTcx, attachXdp } from './hooks.ts';
import { readInterface, setXdp } from './interface.ts';
import { removeClsact, TcFilter } from './tc.ts';

const { sys, reason } = kernelForTests();
const kernel: Sys = sys ?? new FakeSys();
const missing = (() => {
  if (sys === undefined) return reason;
  return spawnSync('ip', ['-V']).error === undefined ? undefined : 'iproute2 is not installed';
})();

/** A program that returns `verdict`. */
function returning(verdict: number, type: number, expectedAttachType = 0): BpfProgram {
  const code = encodeInsns([move(0, verdict), EXIT], HOST_ORDER);
  const result = loadProgram(kernel, { name: 'returning', type, code, license: 'GPL', expectedAttachType });
  if (result.kind === 'refused') throw new Error(`errno ${result.errno}: ${result.log}`);
  return new BpfProgram(kernel, result.fd, 'returning', type);
}

const xdp = (verdict: number) => returning(verdict, types.BPF_PROG_TYPE_XDP, types.BPF_XDP);
const TC_OK = 0;
const TC_SHOT = 2;

describe.skipIf(missing !== undefined)(
  `in network namespaces${missing === undefined ? '' : ` (${missing})`}`,
  () => {
    const near = `rootlet-near-${process.pid}`;
    const far = `rootlet-far-${process.pid}`;
    const path = `/run/netns/${near}`;
    const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' });
    /** Whether the near end answers the far one within `seconds`: a refused connection is an answer. */
    const answers = (seconds: string) =>
      // 124 or 137: by which signal it was ended; bash can miss the gentler one just before it connects
      ![124, 137].includes(
        spawnSync(
          'ip',
          ['netns', 'exec', far, 'timeout', '-s', 'KILL', seconds, 'bash', '-c', '</dev/tcp/10.77.0.1/9'],
          { stdio: 'pipe' },
        ).status ?? 137,
      );
    const reached = () => answers('12'); // at once, but for a machine that is busy
    const silent = () => !answers('0.3');
    const inside = <T>(body: () => T): T => inNetns(kernel, path, body);

    beforeAll(() => {
      for (const name of [near, far]) ip('netns', 'add', name);
      ip('-n', near, 'link', 'add', 'va', 'type', 'veth', 'peer', 'name', 'vb', 'netns', far);
      ip('-n', near, 'addr', 'add', '10.77.0.1/24', 'dev', 'va');
      ip('-n', far, 'addr', 'add', '10.77.0.2/24', 'dev', 'vb');
      ip('-n', near, 'link', 'set', 'va', 'up');
      ip('-n', far, 'link', 'set', 'vb', 'up');
    });
    afterAll(() => {
      for (const name of [near, far]) ip('netns', 'del', name);
    });

    test('interfaces are found by name and by index, in their namespace only', () => {
      const va = inside(() => readInterface(kernel, 'va'));
      expect(va).toMatchObject({ name: 'va', xdp: { native: 0, generic: 0, offload: 0 } });
      expect(inside(() => readInterface(kernel, va.index))).toEqual(va);
      expect(() => readInterface(kernel, 'va')).toThrow(
        expect.objectContaining({ code: 'kernel-no-interface' }),
      );
      expect(() => readInterface(kernel, 'a name that is too long')).toThrow(/no network interface/);
    });

    test('what the kernel reports over netlink is passed on unchanged', () => {
      using drop = xdp(XDP_DROP);
      using pass = xdp(XDP_PASS);
      const { index } = inside(() => readInterface(kernel, 'va'));
      const set = (program: BpfProgram | null, options: Parameters<typeof setXdp>[3]) => () =>
        inside(() => setXdp(kernel, index, program?.fd.number ?? -1, options));
      set(drop, { mode: 'generic' })();
      try {
        expect(set(pass, { mode: 'native' })).toThrow(/can't be active at the same time/i);
        expect(set(pass, { mode: 'generic', expectedFd: -1 })).toThrow(/already attached/i);
        expect(set(drop, { mode: 'generic', expectedFd: pass.fd.number })).toThrow(
          /does not match expected/i,
        );
      } finally {
        set(null, { mode: 'generic' })();
      }
    });

    test('XDP: attached, replaced, gone with its descriptor', () => {
      const before = countFds();
      {
        using drop = xdp(XDP_DROP);
        using pass = xdp(XDP_PASS);
        expect(reached()).toBe(true);
        {
          using attachment = inside(() => attachXdp(kernel, drop.fd.number, 'va', 'generic'));
          expect(silent()).toBe(true);
          expect(attachment.info()).toMatchObject({ type: 6, programId: drop.info().id });
          attachment.update(pass.fd.number, drop.fd.number);
          expect(reached()).toBe(true);
          expect(() => attachment.update(drop.fd.number, drop.fd.number)).toThrow(
            expect.objectContaining({ code: 'kernel-attachment-changed' }),
          );
          expect(() => inside(() => attachXdp(kernel, drop.fd.number, 'va'))).toThrow(
            /another XDP program is there already/,
          );
          expect(inside(() => readInterface(kernel, 'va')).xdp.generic).toBe(pass.info().id);
          attachment.detach();
          expect(inside(() => readInterface(kernel, 'va')).xdp).toEqual({
            native: 0,
            generic: 0,
            offload: 0,
          });
        }
      }
      expect(countFds()).toBe(before);
    });

    test('a mode that the driver does not have is an error, not another mode', () => {
      using pass = xdp(XDP_PASS);
      expect(() => inside(() => attachXdp(kernel, pass.fd.number, 'lo', 'native'))).toThrow(
        /mode "generic" works everywhere/,
      );
    });

    test('XDP over netlink, with and without an expectation', () => {
      using drop = xdp(XDP_DROP);
      using pass = xdp(XDP_PASS);
      const { index } = inside(() => readInterface(kernel, 'va'));
      const set = (fd: number, expectedFd?: number) =>
        inside(() =>
          setXdp(kernel, index, fd, { mode: 'generic', ...(expectedFd === undefined ? {} : { expectedFd }) }),
        );
      set(drop.fd.number, -1);
      expect(silent()).toBe(true);
      expect(() => set(pass.fd.number, -1)).toThrow(expect.objectContaining({ code: 'kernel-xdp-changed' }));
      expect(() => set(drop.fd.number, pass.fd.number)).toThrow(
        expect.objectContaining({ code: 'kernel-xdp-changed' }),
      );
      set(pass.fd.number, drop.fd.number);
      expect(reached()).toBe(true);
      set(-1);
      expect(inside(() => readInterface(kernel, 'va')).xdp.generic).toBe(0);
    });

    test('tcx: order, and gone with its descriptor', () => {
      using drop = returning(TC_SHOT, types.BPF_PROG_TYPE_SCHED_CLS, types.BPF_TCX_INGRESS);
      using pass = returning(TC_OK, types.BPF_PROG_TYPE_SCHED_CLS, types.BPF_TCX_INGRESS);
      using first = inside(() => attachTcx(kernel, drop.fd.number, 'va', 'ingress'));
      expect(silent()).toBe(true);
      {
        using _before = inside(() =>
          attachTcx(kernel, pass.fd.number, 'va', 'ingress', { before: drop.fd.number }),
        );
        expect(reached()).toBe(true);
      }
      expect(silent()).toBe(true);
      first.update(pass.fd.number);
      expect(reached()).toBe(true);
      expect(() =>
        inside(() => attachTcx(kernel, pass.fd.number, 'va', 'egress', { before: 1, after: 2 })),
      ).toThrow(/both before and after/);
    });

    test('TC filters: priority, replaced in place, removed', () => {
      using drop = returning(TC_SHOT, types.BPF_PROG_TYPE_SCHED_CLS);
      using pass = returning(TC_OK, types.BPF_PROG_TYPE_SCHED_CLS);
      const filter = inside(() =>
        TcFilter.attach(kernel, drop.fd.number, 'va', { direction: 'ingress', name: 'dropper', priority: 7 }),
      );
      expect(filter).toMatchObject({ priority: 7, handle: 1 });
      expect(silent()).toBe(true);
      expect(
        execFileSync('tc', ['-n', near, 'filter', 'show', 'dev', 'va', 'ingress'], { encoding: 'utf8' }),
      ).toMatch(/pref 7 bpf.*dropper direct-action/s);
      inside(() => filter.update(pass.fd.number));
      expect(reached()).toBe(true);
      const chosen = inside(() => TcFilter.attach(kernel, pass.fd.number, 'va', { direction: 'ingress' }));
      expect(chosen.priority).toBeGreaterThan(0);
      inside(() => chosen.remove());
      inside(() => filter.remove());
      inside(() => filter.remove());
      expect(
        execFileSync('tc', ['-n', near, 'filter', 'show', 'dev', 'va', 'ingress'], { encoding: 'utf8' }),
      ).toBe('');
      inside(() => removeClsact(kernel, 'va'));
      expect(() => inside(() => removeClsact(kernel, 'va'))).toThrow(
        expect.objectContaining({ code: 'kernel-tc' }),
      );
    });

    test('cgroups', () => {
      const directory = mkdtempSync(join(tmpdir(), 'rootlet-cgroup-'));
      execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', directory]);
      const group = join(directory, `rootlet-${process.pid}`);
      try {
        mkdirSync(group);
        using program = returning(1, types.BPF_PROG_TYPE_CGROUP_SKB, types.BPF_CGROUP_INET_EGRESS);
        using attachment = attachCgroup(kernel, program.fd.number, group, types.BPF_CGROUP_INET_EGRESS);
        expect(attachment.info()).toMatchObject({ type: 3, programId: program.info().id });
        expect(() =>
          attachCgroup(kernel, program.fd.number, join(group, 'none'), types.BPF_CGROUP_INET_EGRESS),
        ).toThrow(/ENOENT/);
      } finally {
        rmdirSync(group);
        execFileSync('umount', [directory]);
        rmdirSync(directory);
      }
    });

    test('socket look-ups of a namespace, netfilter, raw tracepoints', () => {
      using lookup = returning(1, types.BPF_PROG_TYPE_SK_LOOKUP, types.BPF_SK_LOOKUP);
      using inNear = attachNetns(kernel, lookup.fd.number, types.BPF_SK_LOOKUP, path);
      expect(inNear.info().type).toBe(5);
      using filter = returning(1, types.BPF_PROG_TYPE_NETFILTER, types.BPF_NETFILTER);
      using hook = inside(() => attachNetfilter(kernel, filter.fd.number, 2, 1, -100));
      expect(hook.info().type).toBe(10);
      using tracer = returning(0, types.BPF_PROG_TYPE_RAW_TRACEPOINT);
      using tracepoint = attachTracepoint(kernel, tracer.fd.number, 'sched_process_exit', 'tracepoint');
      expect(tracepoint.info().type).toBe(1);
      expect(() => attachTracepoint(kernel, tracer.fd.number, 'no_such_point', 'tracepoint')).toThrow(
        /ENOENT/,
      );
      expect(listIds(kernel, 'link')).toContain(tracepoint.info().id);
    });

    test('an error inside another namespace does not keep the thread there', () => {
      expect(() =>
        inside(() => {
          throw new Error('inside');
        }),
      ).toThrow('inside');
      expect(() => readInterface(kernel, 'va')).toThrow(/no network interface/);
      expect(() => inNetns(kernel, '/run/netns/none-of-mine', () => 0)).toThrow(
        expect.objectContaining({ code: 'kernel-netns' }),
      );
    });
  },
);
