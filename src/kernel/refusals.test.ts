/** One failing call, or one wrong argument, for each code of this layer that needs no kernel. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import {
  BPF_BTF_GET_FD_BY_ID,
  BPF_ENABLE_STATS,
  BPF_ITER_CREATE,
  BPF_MAP_GET_NEXT_ID,
  BPF_OBJ_PIN,
  BPF_PROG_BIND_MAP,
  BPF_PROG_TEST_RUN,
} from '../uapi/commands.ts';
import { EACCES, EBUSY, EMFILE, ENODEV, ENOENT, ENOMEM, EPERM } from '../uapi/errno.ts';
import { BPF_F_MMAPABLE } from '../uapi/flags.ts';
import { BPF_MAP_TYPE_ARENA, BPF_MAP_TYPE_ARRAY, BPF_MAP_TYPE_PERF_EVENT_ARRAY } from '../uapi/map-types.ts';
import { Attachment } from './hooks/attachment.ts';
import { functionOffset } from './hooks/executable.ts';
import { openIterator } from './hooks/hooks.ts';
import { readInterface, requestLinks, setXdp } from './hooks/interface.ts';
import { LooseAttachment } from './hooks/loose-attachment.ts';
import { NetlinkSocket } from './hooks/netlink.ts';
import { attachTraceEvent, openPerfEvent } from './hooks/perf-event.ts';
import { attachKprobes } from './hooks/probes.ts';
import { readXdpFeatures } from './hooks/xdp-features.ts';
import { listIds, openById } from './objects/info.ts';
import { BpfMap } from './objects/map.ts';
import { PerfBuffer } from './objects/perf-buffer.ts';
import { openPinned, pinObject } from './objects/pin.ts';
import { BpfProgram } from './objects/program.ts';
import { enableRunStats } from './objects/run-stats.ts';
import { testRun } from './objects/test-run.ts';
import { openSys } from './open/koffi.ts';
import { FakeSys } from './sys/fake.ts';
import { Fd } from './sys/fd.ts';
import type { Sys, SyscallArgument, SyscallName } from './sys/sys.ts';

const coded = (code: string) => expect.objectContaining({ code });

/** A kernel in which calls of that name fail; `command`: of bpf(2). */
function failing(name: string, errno: number, command = -1): FakeSys {
  return new FakeSys(call => (call.name === name && call.command === command ? -errno : undefined));
}

const map = (sys: FakeSys, type: number, valueSize = 4): BpfMap =>
  BpfMap.create(sys, { name: 'm', type, keySize: 4, valueSize, maxEntries: 1, flags: BPF_F_MMAPABLE });

/** A kernel that answers each netlink request with an error. */
class RefusingNetlink extends FakeSys {
  readonly #errno: number;
  #sequence = 0;

  constructor(errno: number) {
    super();
    this.#errno = errno;
  }

  override syscall(name: SyscallName, ...args: readonly SyscallArgument[]): number {
    const [, bytes] = args;
    if (!(bytes instanceof Uint8Array)) return super.syscall(name, ...args);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (name === 'sendto') {
      this.#sequence = view.getUint32(8, true);
      return bytes.length;
    }
    if (name !== 'recvfrom') return super.syscall(name, ...args);
    const words = [ERROR_SIZE, NLMSG_ERROR, this.#sequence, 0, -this.#errno];
    for (const [at, word] of words.entries()) view.setInt32(at * 4, word, true);
    return ERROR_SIZE;
  }
}
/** Header, errno, and the header of the request. */
const ERROR_SIZE = 16 + 4 + 16;
const NLMSG_ERROR = 2;

const program = (sys: FakeSys) => new BpfProgram(sys, Fd.adopt(sys, 9), 'p', 6);

describe('calls that fail', () => {
  test.each<readonly [string, () => unknown]>([
    ['kernel-fd', () => Fd.adopt(failing('fcntl', EMFILE), 0)],
    ['kernel-fd', () => Fd.adopt(failing('fcntl', EMFILE), 9).duplicate()],
    ['kernel-ids', () => listIds(failing('bpf', EPERM, BPF_MAP_GET_NEXT_ID), 'map')],
    ['kernel-ids', () => openById(failing('bpf', EPERM, BPF_BTF_GET_FD_BY_ID), 'btf', 3)],
    ['kernel-run-stats', () => enableRunStats(failing('bpf', EPERM, BPF_ENABLE_STATS))],
    ['kernel-pin', () => pinObject(failing('bpf', EPERM, BPF_OBJ_PIN), 3, '/pin')],
    ['kernel-pin', () => openPinned(failing('bpf', EACCES, 7), '/pin')],
    ['kernel-netlink', () => NetlinkSocket.open(failing('socket', EMFILE))],
    ['kernel-netlink', () => readInterface(failing('sendto', ENOMEM), 'lo')],
    ['kernel-map-mmap', () => map(failing('mmap', ENOMEM), BPF_MAP_TYPE_ARRAY).mmap('read', 4)],
    ['kernel-map-mmap', () => map(failing('mmap', ENOMEM), BPF_MAP_TYPE_ARENA).arena()],
    [
      'kernel-perf-buffer',
      () => new PerfBuffer(map(failing('perf_event_open', EPERM), BPF_MAP_TYPE_PERF_EVENT_ARRAY)),
    ],
    ['kernel-perf-buffer', () => new PerfBuffer(map(failing('mmap', ENOMEM), BPF_MAP_TYPE_PERF_EVENT_ARRAY))],
    [
      'kernel-perf-event',
      () =>
        openPerfEvent(failing('perf_event_open', EPERM), { type: 1, config: 0n, pid: -1, cpu: 0 }, 'here'),
    ],
    [
      'kernel-test-run',
      () => testRun(failing('bpf', ENOMEM, BPF_PROG_TEST_RUN), 3, 6, { data: new Uint8Array(64) }),
    ],
    ['kernel-bind-map', () => program(failing('bpf', EPERM, BPF_PROG_BIND_MAP)).bindMap(4)],
    ['kernel-no-tracepoint', () => attachTraceEvent(new FakeSys(), 3, 'none/none', 0n, ['/nowhere'])],
  ])('%s', (code, act) => {
    expect(act).toThrow(coded(code));
  });

  test.each<readonly [string, (sys: Sys) => unknown]>([
    ['kernel-interface', sys => readInterface(sys, 'v0')],
    ['kernel-interface', sys => requestLinks(sys)],
    ['kernel-interface', sys => readXdpFeatures(sys, 7)],
    ['kernel-xdp', sys => setXdp(sys, 7, 3)],
    ['kernel-xdp', sys => setXdp(sys, 7, -1, { mode: 'native' })],
  ])('%s: netlink refuses', (code, act) => {
    expect(() => act(new RefusingNetlink(EPERM))).toThrow(coded(code));
  });

  test('netlink refuses, and that has a meaning of its own', () => {
    expect(() => readInterface(new RefusingNetlink(ENODEV), 'v0')).toThrow(coded('kernel-no-interface'));
    expect(readXdpFeatures(new RefusingNetlink(ENOENT), 7)).toBeUndefined();
    const change = () => setXdp(new RefusingNetlink(EBUSY), 7, 3, { expectedFd: 4 });
    expect(change).toThrow(coded('kernel-xdp-changed'));
  });

  test('kernel-iterator', () => {
    const sys = failing('bpf', EPERM, BPF_ITER_CREATE);
    expect(() => openIterator(new Attachment(sys, Fd.adopt(sys, 9), 'here'))).toThrow(
      coded('kernel-iterator'),
    );
  });
});

describe('wrong arguments', () => {
  const sys = new FakeSys();
  test.each<readonly [string, () => unknown]>([
    ['kernel-empty-list', () => attachKprobes(sys, 3, [])],
    ['kernel-cookies', () => attachKprobes(sys, 3, ['a', 'b'], { cookies: [1n] })],
    ['kernel-map-size', () => map(sys, BPF_MAP_TYPE_ARRAY).lookup(new Uint8Array(3))],
    ['kernel-map-size', () => map(sys, BPF_MAP_TYPE_ARRAY).update(new Uint8Array(4), new Uint8Array(3))],
    ['kernel-perf-pages', () => new PerfBuffer(map(sys, BPF_MAP_TYPE_PERF_EVENT_ARRAY), 3)],
    ['kernel-not-updatable', () => new LooseAttachment('here', { detach() {}, whyNoPin: 'so' }).update(3)],
    ['kernel-not-pinnable', () => new LooseAttachment('here', { detach() {}, whyNoPin: 'so' }).pin('/pin')],
  ])('%s', (code, act) => {
    expect(act).toThrow(coded(code));
  });

  test('kernel-bad-executable', () => {
    const directory = mkdtempSync(join(tmpdir(), 'rootlet-executable-'));
    const path = join(directory, 'program');
    writeFileSync(path, '\x7fELF and no more');
    expect(() => functionOffset(path, 'main')).toThrow(coded('kernel-bad-executable'));
    rmSync(directory, { recursive: true });
  });
});

describe('machines without BPF', () => {
  afterEach(() => vi.unstubAllGlobals());
  const on = (changes: object) =>
    vi.stubGlobal('process', Object.create(process, Object.getOwnPropertyDescriptors(changes)));

  test('kernel-not-linux', () => {
    on({ platform: 'darwin' });
    expect(() => openSys()).toThrow(coded('kernel-not-linux'));
  });

  test('kernel-architecture', () => {
    on({ arch: 'mips' });
    expect(() => openSys()).toThrow(coded('kernel-architecture'));
  });
});
