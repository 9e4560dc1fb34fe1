import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as commands from '../../uapi/commands.ts';
import { EINVAL, EOPNOTSUPP } from '../../uapi/errno.ts';
import { FakeSys } from '../sys/fake.ts';
import * as uapi from '../uapi/uapi.ts';
import { Attachment } from './attachment.ts';
import { functionOffset } from './executable.ts';
import { LooseAttachment } from './loose-attachment.ts';
import { attachTraceEvent, PerfEventAttr } from './perf-event.ts';
import {
  attachKprobe,
  attachKprobes,
  attachUprobe,
  attachUprobes,
  kernelFunctionsLike,
  matchesGlob,
  syscallFunction,
} from './probes.ts';

/** Directories as the kernel shows its kinds of events and its tracepoints. */
const directory = mkdtempSync(join(tmpdir(), 'rootlet-probes-'));
const devices = join(directory, 'devices');
const list = join(directory, 'functions');
beforeAll(() => {
  for (const [path, text] of [
    ['devices/kprobe/type', '6\n'],
    ['devices/uprobe/type', '7\n'],
    ['events/syscalls/sys_enter_read/id', '321\n'],
    ['functions', 'vfs_read\nvfs_write\nvfs_read [module]\next4_read\n'],
  ] as const) {
    mkdirSync(join(directory, path, '..'), { recursive: true });
    writeFileSync(join(directory, path), text);
  }
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Remembers the events that are opened, with the names in them, and the links. */
class Watching extends FakeSys {
  readonly events: (ReturnType<typeof decode> & { name: string; pid: number; cpu: number })[] = [];
  readonly ioctls: number[] = [];

  override syscall(...[name, ...args]: Parameters<FakeSys['syscall']>): number {
    if (name === 'perf_event_open' && args[0] instanceof Uint8Array) {
      const attr = decode(args[0]);
      const text = new TextDecoder().decode(this.memory(attr.config1)).replace('\0', '');
      this.events.push({ ...attr, name: text, pid: Number(args[1]), cpu: Number(args[2]) });
    }
    if (name === 'ioctl') {
      this.ioctls.push(Number(args[1]));
      return 0;
    }
    return super.syscall(name, ...args);
  }
}
const decode = (bytes: Uint8Array) => uapi.decodeAttr(PerfEventAttr, bytes);
const linkOf = (sys: FakeSys) =>
  sys.calls.find(call => call.command === commands.BPF_LINK_CREATE)?.attr ?? new Uint8Array(0);

test('struct perf_event_attr has the size of its second version', () => {
  expect(PerfEventAttr.size).toBe(72);
  expect(PerfEventAttr.offsets).toMatchObject({ flags: 40, config1: 56, config2: 64 });
});

test('a kprobe: function and offset, on every process; the link holds the event', () => {
  const sys = new Watching();
  using attached = attachKprobe(
    sys,
    5,
    { symbol: 'do_exit', offset: 4 },
    { atReturn: true, cookie: 9n, devices },
  );
  expect(sys.events).toMatchObject([
    { type: 6, size: 72, config: 1n, config2: 4n, name: 'do_exit', pid: -1, cpu: 0 },
  ]);
  expect(uapi.decodeAttr(uapi.LinkCreatePerfAttr, linkOf(sys))).toMatchObject({
    prog_fd: 5,
    attach_type: 41,
    bpf_cookie: 9n,
  });
  expect(sys.ioctls).toEqual([0x2400]); // PERF_EVENT_IOC_ENABLE
  expect(attached).toBeInstanceOf(Attachment);
  expect(sys.openFds.size).toBe(1);
  attached.close();
  expect(sys.openFds.size).toBe(0);
});

test('kernels before links for perf events: the program goes with the event', () => {
  const sys = new Watching(call => (call.command === commands.BPF_LINK_CREATE ? -EINVAL : undefined));
  const attached = attachKprobe(sys, 5, { symbol: 'do_exit' }, { devices });
  expect(attached).toBeInstanceOf(LooseAttachment);
  expect(sys.ioctls).toEqual([0x40042408, 0x2400]); // SET_BPF, ENABLE
  expect(() => attached.pin('/x')).toThrow(/since Linux 5.15/);
  attached.detach();
  expect(sys.ioctls.at(-1)).toBe(0x2401); // DISABLE
  expect(sys.openFds.size).toBe(0);
  expect(() => attachKprobe(sys, 5, { symbol: 'do_exit' }, { devices, cookie: 1n })).toThrow(/cookies.*5.15/);
  expect(sys.openFds.size).toBe(0);
});

test('a uprobe: file and offset, of one process or of all', () => {
  const sys = new Watching();
  attachUprobe(sys, 5, { file: '/bin/true', offset: 0x40, pid: 12 }, { devices }).close();
  attachUprobe(sys, 5, { file: '/bin/true', offset: 0x40 }, { devices, atReturn: true }).close();
  expect(sys.events).toMatchObject([
    { type: 7, config: 0n, config2: 0x40n, name: '/bin/true', pid: 12, cpu: -1 },
    { type: 7, config: 1n, config2: 0x40n, name: '/bin/true', pid: -1, cpu: 0 },
  ]);
});

test('a tracepoint is known by its number', () => {
  const sys = new Watching();
  attachTraceEvent(sys, 5, 'syscalls/sys_enter_read', undefined, [directory]).close();
  expect(sys.events).toMatchObject([{ type: 2, config: 321n, pid: -1, cpu: 0 }]);
  expect(() => attachTraceEvent(sys, 5, 'syscalls/none', undefined, [directory])).toThrow(
    /no such tracepoint/,
  );
});

test('many kernel functions in one link', () => {
  const sys = new FakeSys();
  attachKprobes(sys, 5, ['vfs_read', 'vfs_write'], { cookies: [1n, 2n], atReturn: true }).close();
  const attr = uapi.decodeAttr(uapi.LinkCreateKprobeMultiAttr, linkOf(sys));
  expect(attr).toMatchObject({ prog_fd: 5, attach_type: 42, multi_flags: 1, cnt: 2, addrs: 0n });
  const pointers = new BigUint64Array(sys.memory(attr.syms).slice().buffer);
  expect([...pointers].map(at => new TextDecoder().decode(sys.memory(at)))).toEqual([
    'vfs_read\0',
    'vfs_write\0',
  ]);
  expect([...new BigUint64Array(sys.memory(attr.cookies).slice().buffer)]).toEqual([1n, 2n]);
  expect(() => attachKprobes(sys, 5, [])).toThrow(/no function/);
  expect(() => attachKprobes(sys, 5, ['a', 'b'], { cookies: [1n] })).toThrow('1 cookies for 2 functions');
});

test.each([
  [EINVAL, /5\.18/, /6\.6/],
  [EOPNOTSUPP, /without CONFIG_FPROBE;/, /without CONFIG_UPROBES;/],
])('errno %d of a link to many functions says what the kernel lacks', (errno, forKernel, forUser) => {
  const sys = new FakeSys(call => (call.command === commands.BPF_LINK_CREATE ? -errno : undefined));
  const hinted = (hint: RegExp) =>
    expect.objectContaining({
      problems: [expect.objectContaining({ errno, hint: expect.stringMatching(hint) })],
    });
  expect(() => attachKprobes(sys, 5, ['vfs_read'])).toThrow(hinted(forKernel));
  expect(() => attachUprobes(sys, 5, '/bin/true', [{ offset: 16 }])).toThrow(hinted(forUser));
});

test('many places of an executable in one link', () => {
  const sys = new FakeSys();
  attachUprobes(sys, 5, '/bin/true', [{ offset: 16 }, { offset: 32 }], { pid: 3 }).close();
  const attr = uapi.decodeAttr(uapi.LinkCreateUprobeMultiAttr, linkOf(sys));
  expect(attr).toMatchObject({ attach_type: 48, cnt: 2, pid: 3, multi_flags: 0, cookies: 0n });
  expect(new TextDecoder().decode(sys.memory(attr.path))).toBe('/bin/true\0');
  expect([...new BigUint64Array(sys.memory(attr.offsets).slice().buffer)]).toEqual([16n, 32n]);
});

test('a kernel without probes', () => {
  expect(() => attachKprobe(new FakeSys(), 5, { symbol: 'f' }, { devices: join(directory, 'none') })).toThrow(
    expect.objectContaining({ code: 'kernel-no-probes' }),
  );
});

test('functions by pattern, each once', () => {
  expect(kernelFunctionsLike('vfs_*', [list])).toEqual(['vfs_read', 'vfs_write']);
  expect(kernelFunctionsLike('do_exit', [])).toEqual(['do_exit']);
  expect(() => kernelFunctionsLike('none*', [list])).toThrow(/no function of the kernel matches "none\*"/);
  expect(() => kernelFunctionsLike('none*', ['/nowhere'])).toThrow(/no function/);
});

test.each([
  ['*', '', true],
  ['a*c', 'abbbc', true],
  ['a*c', 'abbb', false],
  ['a?c', 'abc', true],
  ['a?c', 'ac', false],
  ['*a*b*', 'xxaxxbxx', true],
  ['*a*b*', 'xxbxxaxx', false],
  ['abc', 'abcd', false],
])('pattern %s on %s: %s', (pattern, text, expected) => {
  expect(matchesGlob(pattern, text)).toBe(expected);
});

test.each([
  ['nanosleep', 'x64', true, '__x64_sys_nanosleep'],
  ['nanosleep', 'riscv64', true, '__riscv_sys_nanosleep'],
  ['nanosleep', 'x64', false, '__se_sys_nanosleep'],
])('system call %s on %s (wrapped: %s) is %s', (name, arch, wrapped, expected) => {
  expect(syscallFunction(name, arch, wrapped)).toBe(expected);
});

describe('functions of executables', () => {
  /** A 64-bit ELF file with one executable segment, a symbol table and its strings. */
  function elf(change: (view: DataView) => void = () => {}): string {
    const bytes = new Uint8Array(0x300);
    const view = new DataView(bytes.buffer);
    const little = uapi.HOST_ORDER === 'little';
    bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, little ? 1 : 2, 1]);
    const half = (at: number, value: number) => view.setUint16(at, value, little);
    const word = (at: number, value: number) => view.setUint32(at, value, little);
    const wide = (at: number, value: number) => view.setBigUint64(at, BigInt(value), little);
    wide(32, 64); // program headers
    half(54, 56);
    half(56, 1);
    wide(40, 0x100); // section headers
    half(58, 64);
    half(60, 3);
    word(64, 1); // PT_LOAD, readable and executable
    word(68, 5);
    wide(64 + 8, 0x1000);
    wide(64 + 16, 0x401000);
    wide(64 + 32, 0x500);
    word(0x140 + 4, 2); // SHT_SYMTAB
    wide(0x140 + 24, 0x200);
    wide(0x140 + 32, 48);
    word(0x140 + 40, 2);
    word(0x180 + 4, 3); // SHT_STRTAB
    wide(0x180 + 24, 0x280);
    wide(0x180 + 32, 0x20);
    word(0x218, 1); // second symbol: `main@V1`, a function
    bytes[0x21c] = 0x12;
    wide(0x220, 0x401030);
    bytes.set(new TextEncoder().encode('main@V1\0'), 0x281);
    change(view);
    const path = join(directory, `elf-${Math.abs(hash(bytes))}`);
    writeFileSync(path, bytes);
    return path;
  }
  const hash = (bytes: Uint8Array) => bytes.reduce((sum, byte) => (sum * 31 + byte) | 0, 7);

  test('address to place in the file, with or without a version', () => {
    expect(functionOffset(elf(), 'main')).toBe(0x1030);
    expect(functionOffset(elf(), 'main@V1')).toBe(0x1030);
    expect(() => functionOffset(elf(), 'mai')).toThrow(
      expect.objectContaining({ code: 'kernel-no-function' }),
    );
  });

  test('damaged files are refused, whichever byte is wrong', () => {
    for (let at = 0; at < 0x300; at++) {
      for (const value of [0, 0x7f, 0xff]) {
        const path = elf(view => view.setUint8(at, value));
        try {
          functionOffset(path, 'main');
        } catch (error) {
          expect(error).toMatchObject({
            code: expect.stringMatching(/^kernel-(no-(executable|function)|bad-executable)$/),
          });
        }
        rmSync(path, { force: true });
      }
    }
    expect(() => functionOffset('/nowhere', 'main')).toThrow(
      expect.objectContaining({ code: 'kernel-no-executable' }),
    );
  });
});
