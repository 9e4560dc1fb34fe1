/** Hooks with a kernel link: what runs there, compare-and-swap, ends, and names of now. */

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Attachment, attachTracepoint } from '../../kernel/hooks/attachment.ts';
import {
  attachCgroup,
  attachNetfilter,
  attachNetns,
  attachTcx,
  attachXdp,
} from '../../kernel/hooks/hooks.ts';
import { attachSockmap } from '../../kernel/hooks/socket-hooks.ts';
import { BpfMap } from '../../kernel/objects/map.ts';
import type { BpfProgram } from '../../kernel/objects/program.ts';
import { FakeSys } from '../../kernel/sys/fake.ts';
import { Fd } from '../../kernel/sys/fd.ts';
import { countFds } from '../../kernel/testing.ts';
import * as kernelUapi from '../../kernel/uapi/uapi.ts';
import * as commands from '../../uapi/commands.ts';
import { EOPNOTSUPP } from '../../uapi/errno.ts';
import * as uapi from '../../uapi/index.ts';
import { hooksForTests, returning, TwoNamespaces } from '../testing.ts';
import { LinkHook } from './link.ts';
import { endOf, linkType, linkTypeName } from './link-types.ts';

const { kernel, missing } = hooksForTests();
const program = (name: string, type: readonly [number, number?], verdict = 0) =>
  returning(kernel, name, type, verdict);
const XDP = [uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP] as const;
const TCX = [uapi.BPF_PROG_TYPE_SCHED_CLS, uapi.BPF_TCX_INGRESS] as const;
const LOOKUP = [uapi.BPF_PROG_TYPE_SK_LOOKUP, uapi.BPF_SK_LOOKUP] as const;
const EGRESS = [uapi.BPF_PROG_TYPE_CGROUP_SKB, uapi.BPF_CGROUP_INET_EGRESS] as const;
const MESSAGE = [uapi.BPF_PROG_TYPE_SK_MSG, uapi.BPF_SK_MSG_VERDICT] as const;
const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe.skipIf(missing !== undefined)(`on the kernel${missing === undefined ? '' : ` (${missing})`}`, () => {
  const names = missing === undefined ? new TwoNamespaces(kernel, 'links') : undefined;
  const inside = <T>(body: () => T): T => (names === undefined ? body() : names.inside(body));
  const cgroups = mkdtempSync(join(tmpdir(), 'rootlet-cgroup-'));
  beforeAll(() => void execFileSync('mount', ['-t', 'cgroup2', 'cgroup2', cgroups]));
  afterAll(() => {
    execFileSync('umount', [cgroups]);
    rmdirSync(cgroups);
    names?.close();
  });

  /** Attaches the first program; `end` takes away what it is attached to. */
  interface Case {
    readonly type: readonly [number, number?];
    readonly attach: (first: BpfProgram) => Attachment;
    readonly end?: () => void;
  }

  const group = join(cgroups, `rootlet-hooks-${process.pid}`);
  const cases: readonly (readonly [string, Case])[] = [
    [
      'XDP',
      { type: XDP, attach: first => inside(() => attachXdp(kernel, first.fd.number, 'va', 'generic')) },
    ],
    [
      'TCX',
      { type: TCX, attach: first => inside(() => attachTcx(kernel, first.fd.number, 'va', 'ingress')) },
    ],
    [
      'CGROUP',
      {
        type: EGRESS,
        attach(first) {
          mkdirSync(group);
          return attachCgroup(kernel, first.fd.number, group, uapi.BPF_CGROUP_INET_EGRESS);
        },
        end: () => rmdirSync(group),
      },
    ],
    [
      'NETNS',
      {
        type: LOOKUP,
        attach: first =>
          attachNetns(kernel, first.fd.number, uapi.BPF_SK_LOOKUP, `/run/netns/${names?.near ?? ''}`),
      },
    ],
    [
      'SOCKMAP',
      {
        type: MESSAGE,
        attach(first) {
          const type = uapi.BPF_MAP_TYPE_SOCKMAP;
          const sizes = { keySize: 4, valueSize: 4, maxEntries: 1 };
          using map = BpfMap.create(kernel, { name: 'sockets', type, ...sizes });
          const attached = attachSockmap(kernel, first.fd.number, map.fd.number, uapi.BPF_SK_MSG_VERDICT);
          if (attached instanceof Attachment) return attached;
          throw new Error('links to maps of sockets need Linux 6.10');
        },
      },
    ],
  ];

  test.each(cases)('%s: another program in one step, only in the place of the expected one', (_, one) => {
    const before = countFds();
    {
      using first = program('first', one.type);
      using second = program('second', one.type);
      using hook = new LinkHook(one.attach(first));
      try {
        hook.requireUpdatable();
        expect(hook.occupantId()).toBe(first.info().id);
        hook.update(second, first);
        expect(hook.occupantId()).toBe(second.info().id);
        expect(() => hook.update(second, first)).toThrow(code('hook-changed'));
        expect(() => hook.update(first, first)).toThrow(
          `program ${second.info().id} ("second") is attached, not ${first.info().id} ("first")`,
        );
        hook.update(first, null);
        expect(() => hook.detach(second)).toThrow(code('hook-changed'));
        expect(hook.occupantId()).toBe(first.info().id);
        expect(hook.detach(first)).toBe(true);
        for (const use of [
          () => hook.occupantId(),
          () => hook.requireUpdatable(),
          () => hook.update(second, first),
          () => hook.update(second, null),
        ])
          expect(use).toThrow(code('attach-gone'));
        expect(hook.detach(first)).toBe(true);
      } finally {
        hook.close();
        if (existsSync(group)) one.end?.();
      }
      expect(hook.detach(first), 'closed').toBe(true);
    }
    expect(countFds()).toBe(before);
  });

  /** The kernel takes cgroups and namespaces down a moment later. */
  function untilGone(hook: LinkHook): void {
    for (let n = 0; n < 500 && endOf(hook.link.info()) === undefined; n++)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  }

  test('what it is attached to goes: cgroup, network namespace, interface', () => {
    const gone = `rootlet-gone-${process.pid}`;
    names?.ip('netns', 'add', gone);
    mkdirSync(group);
    using xdp = program('xdp', XDP, 2);
    using lookup = program('lookup', LOOKUP, 1);
    using egress = program('egress', EGRESS, 1);
    names?.ip('-n', names.near, 'link', 'add', 'dummy9', 'type', 'veth', 'peer', 'name', 'dummy8');
    using onInterface = new LinkHook(inside(() => attachXdp(kernel, xdp.fd.number, 'dummy9', 'generic')));
    using inNamespace = new LinkHook(
      attachNetns(kernel, lookup.fd.number, uapi.BPF_SK_LOOKUP, `/run/netns/${gone}`),
    );
    using onGroup = new LinkHook(attachCgroup(kernel, egress.fd.number, group, uapi.BPF_CGROUP_INET_EGRESS));
    names?.ip('-n', names.near, 'link', 'del', 'dummy9');
    names?.ip('netns', 'del', gone);
    rmdirSync(group);
    expect(() => onInterface.update(xdp, xdp)).toThrow(/interface "dummy9".*or its interface is gone/);
    for (const hook of [onGroup, inNamespace]) untilGone(hook);
    expect(() => onGroup.occupantId()).toThrow(/or its cgroup is gone\n.*rootlet detach/);
    expect(() => inNamespace.update(lookup, null)).toThrow(/or its network namespace is gone/);
  });

  test.each([
    ['NETFILTER', [uapi.BPF_PROG_TYPE_NETFILTER, uapi.BPF_NETFILTER], true],
    ['RAW_TRACEPOINT', [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT], false],
  ] as const)('%s: fixed, with a way out; detached: %s', (name, type, detaches) => {
    using first = program('first', type, 1);
    using second = program('second', type, 1);
    const attach = () =>
      name === 'NETFILTER'
        ? attachNetfilter(kernel, first.fd.number, 2, 1, -77)
        : attachTracepoint(kernel, first.fd.number, 'sched_process_exit', 'tracepoint');
    using hook = new LinkHook(inside(attach));
    expect(hook.occupantId()).toBe(first.info().id);
    for (const use of [() => hook.requireUpdatable(), () => hook.update(second, first)])
      expect(use).toThrow(new RegExp(`in one step \\(BPF_LINK_TYPE_${name}\\)\\n.*rootlet detach`));
    expect(() => hook.detach(second)).toThrow(code('hook-changed'));
    expect(hook.detach(first)).toBe(detaches);
  });

  test('a program of another type is refused with what has to agree', () => {
    using first = program('first', XDP, 2);
    using other = program('other', TCX);
    using hook = new LinkHook(inside(() => attachXdp(kernel, first.fd.number, 'va', 'generic')));
    expect(() => hook.update(other, first)).toThrow(/one type and one expected attach type/);
  });

  test('the place has the name of now, and the network namespace where it is another one', () => {
    using first = program('first', XDP, 2);
    using filter = program('filter', TCX);
    using xdp = new LinkHook(inside(() => attachXdp(kernel, first.fd.number, 'va', 'generic')));
    using tcx = new LinkHook(inside(() => attachTcx(kernel, filter.fd.number, 'va', 'ingress')));
    const { near = '', far = '' } = names ?? {};
    const places = () => [xdp.place, tcx.place];
    expect(inside(places)).toEqual(['interface "va"', 'interface "va" ingress']);
    names?.ip('-n', near, 'link', 'set', 'va', 'name', 'e9');
    expect(inside(places)).toEqual(['interface "e9"', 'interface "e9" ingress']);
    expect(places()).toEqual([
      `interface "e9" of network namespace "${near}"`,
      `interface "e9" ingress of network namespace "${near}"`,
    ]);
    names?.ip('-n', near, 'link', 'set', 'e9', 'netns', far);
    expect(inside(() => xdp.place)).toBe(`interface "e9" of network namespace "${far}"`);
    names?.ip('-n', far, 'link', 'set', 'e9', 'netns', near);
    names?.ip('-n', near, 'link', 'set', 'e9', 'name', 'va');
    xdp.close();
    expect(xdp.place, 'closed: in the words of then').toBe('interface "va"');
  });
});

describe('what the kernel is asked for', () => {
  /** A link of a type on a stand-in that answers an update with `errno`. */
  function fake(type: number, errno: number, command: number) {
    const sys = new FakeSys((call, self) => {
      if (call.command === command) return -errno;
      if (call.command !== commands.BPF_OBJ_GET_INFO_BY_FD) return undefined;
      const { info } = kernelUapi.decodeAttr(kernelUapi.InfoAttr, call.attr);
      self
        .memory(info)
        .set(kernelUapi.encodeAttr(kernelUapi.LinkInfo, { type, id: 3, prog_id: 7, word0: 5 }));
      return 0;
    });
    return { sys, hook: new LinkHook(new Attachment(sys, Fd.adopt(sys, sys.openFd()), 'somewhere')) };
  }
  const occupant = (sys: FakeSys, id: number) => ({
    fd: Fd.adopt(sys, sys.openFd()),
    name: `p${id}`,
    info: () => ({ id }),
  });

  test('an iterator changes its program, and says what is expected', () => {
    const { sys, hook } = fake(4, 0, -2);
    const [old, next] = [occupant(sys, 7), occupant(sys, 8)];
    hook.update(next, old);
    const call = sys.calls.find(({ command }) => command === commands.BPF_LINK_UPDATE);
    expect(kernelUapi.decodeAttr(kernelUapi.LinkUpdateAttr, call?.attr ?? new Uint8Array(0))).toMatchObject({
      new_fd: next.fd.number,
      old_fd: old.fd.number,
      flags: 4, // BPF_F_REPLACE
    });
  });

  test.each([
    [EOPNOTSUPP, 'hook-not-updatable', /\(BPF_LINK_TYPE_SOCKMAP\)/],
    [67, 'attach-gone', /what it was attached to is gone/], // ENOLINK
    [1, 'hook-changed', /program 7 is attached, not 9 \("p9"\)/],
    [22, 'kernel-attachment', /one type and one expected attach type/],
    [12, 'kernel-attachment', /replacing the program: out of memory/],
  ] as const)('errno %d of BPF_LINK_UPDATE is %s', (errno, expected, message) => {
    const { sys, hook } = fake(14, errno, commands.BPF_LINK_UPDATE);
    const update = () => hook.update(occupant(sys, 8), occupant(sys, 9));
    expect(update).toThrow(code(expected));
    expect(update).toThrow(message);
  });

  test.each([
    [EOPNOTSUPP, false],
    [12, 'kernel-attachment'],
    [1, 'kernel-attachment'],
    [5, 'kernel-attachment'],
  ] as const)('errno %d of BPF_LINK_DETACH: %s', (errno, expected) => {
    const { sys, hook } = fake(7, errno, commands.BPF_LINK_DETACH);
    const detach = () => hook.detach(occupant(sys, 7));
    if (expected === false) expect(detach()).toBe(false);
    else expect(detach).toThrow(code(expected));
  });

  test('a kernel without BPF_LINK_DETACH says EINVAL to everything', () => {
    const { sys, hook } = fake(7, 22, commands.BPF_LINK_DETACH);
    expect(hook.detach(occupant(sys, 7))).toBe(false);
    const known = new FakeSys(({ command, attr }) => {
      if (command !== commands.BPF_LINK_DETACH) return undefined;
      const { link_fd } = kernelUapi.decodeAttr(kernelUapi.LinkDetachAttr, attr);
      return link_fd === 0xffffffff ? -9 : -22; // EBADF: it looked at the descriptor
    });
    const other = new Attachment(known, Fd.adopt(known, known.openFd()), 'somewhere');
    expect(() => other.detach()).toThrow(code('kernel-attachment'));
  });
});

test('the kernel’s kinds of links, and which of them can change their program', () => {
  const kinds = Array.from({ length: 16 }, (_, type) => [linkTypeName(type), linkType(type).updatable]);
  expect(kinds).toEqual([
    ['unspecified', false],
    ['raw_tracepoint', false],
    ['tracing', false],
    ['cgroup', true],
    ['iter', true],
    ['netns', true],
    ['xdp', true],
    ['perf_event', false],
    ['kprobe_multi', false],
    ['struct_ops', true],
    ['netfilter', false],
    ['tcx', true],
    ['uprobe_multi', false],
    ['netkit', true],
    ['sockmap', true],
    ['link type 15', false],
  ]);
});
