import { describe, expect, test } from 'vitest';
import { encodeInsns, type Insn } from '../../isa/opcodes.ts';
import { BPF_XDP } from '../../uapi/attach-types.ts';
import { BPF_PROG_LOAD, BPF_PROG_TEST_RUN } from '../../uapi/commands.ts';
import { EINVAL, ENOSPC } from '../../uapi/errno.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../uapi/program-types.ts';
import { FakeSys } from '../sys/fake.ts';
import { Fd } from '../sys/fd.ts';
import { countFds, kernelForTests } from '../testing.ts';
import { decodeAttr, HOST_ORDER } from '../uapi/attr.ts';
import { ProgLoadAttr, TestRunAttr } from '../uapi/uapi.ts';
import { BpfProgram, loadProgram } from './program.ts';
import { parseVerifierLog } from './verifier-log.ts';

const { sys, reason } = kernelForTests();

const insn = (opcode: number, dst: number, src: number, offset: number, imm: number): Insn => ({
  opcode,
  dst,
  src,
  offset,
  imm,
});
const RETURN_2 = encodeInsns([insn(0xb7, 0, 0, 0, 2), insn(0x95, 0, 0, 0, 0)], HOST_ORDER);
const UNINITIALISED = encodeInsns([insn(0xbf, 0, 6, 0, 0), insn(0x95, 0, 0, 0, 0)], HOST_ORDER);
/** Returns the length of the packet: data_end - data. */
const LENGTH = encodeInsns(
  [
    insn(0x61, 2, 1, 4, 0),
    insn(0x61, 0, 1, 0, 0),
    insn(0x1f, 2, 0, 0, 0),
    insn(0xbf, 0, 2, 0, 0),
    insn(0x95, 0, 0, 0, 0),
  ],
  HOST_ORDER,
);
const XDP = { name: 'test', type: BPF_PROG_TYPE_XDP, license: 'GPL', expectedAttachType: BPF_XDP };

describe.skipIf(sys === undefined)(`on the kernel${reason === undefined ? '' : ` (${reason})`}`, () => {
  const kernel = sys ?? new FakeSys();

  test('a program is loaded, run and gone again', () => {
    const before = countFds();
    const result = loadProgram(kernel, { ...XDP, code: LENGTH });
    if (result.kind !== 'loaded') throw new Error(result.log);
    {
      using program = new BpfProgram(kernel, result.fd, 'test', BPF_PROG_TYPE_XDP);
      const packet = new Uint8Array(60).fill(7);
      const run = program.testRun({ data: packet, repeat: 3 });
      expect(run).toMatchObject({ verdict: 60, data: packet });
      expect(program.info()).toMatchObject({
        name: 'test',
        type: BPF_PROG_TYPE_XDP,
        gplCompatible: true,
        mapIds: [],
      });
      expect(program.info().tag).toMatch(/^[0-9a-f]{16}$/);
      expect(() => program.testRun({ data: new Uint8Array(5) })).toThrow(/14 bytes of Ethernet header/);
    }
    expect(countFds()).toBe(before);
  });

  test('a context goes in and comes out', () => {
    const result = loadProgram(kernel, {
      ...XDP,
      type: BPF_PROG_TYPE_SCHED_CLS,
      expectedAttachType: 0,
      code: RETURN_2,
    });
    if (result.kind !== 'loaded') throw new Error(result.log);
    using program = new BpfProgram(kernel, result.fd, 'test', BPF_PROG_TYPE_SCHED_CLS);
    const context = new Uint8Array(192);
    context[8] = 77; // mark
    const run = program.testRun({ data: new Uint8Array(64), context });
    expect(run.verdict).toBe(2);
    expect(run.context[8]).toBe(77);
  });

  /** Makes room of 4 bytes before the packet, and returns what was there before: 0 when that is refused. */
  const ADDS_METADATA = [
    insn(0xbf, 6, 1, 0, 0), // r6 = ctx
    insn(0xb7, 2, 0, 0, -4),
    insn(0x85, 0, 0, 0, 54), // bpf_xdp_adjust_meta
    insn(0x61, 1, 6, 8, 0), // r1 = data_meta
    insn(0x61, 2, 6, 0, 0), // r2 = data
    insn(0xbf, 3, 1, 0, 0),
    insn(0x07, 3, 0, 0, 4),
    insn(0xb7, 0, 0, 0, 1),
    insn(0x2d, 3, 2, 2, 0), // if r3 > data: exit
    insn(0x62, 1, 0, 0, 0x11223344),
    insn(0xb7, 0, 0, 0, 2),
    insn(0x95, 0, 0, 0, 0),
  ];

  test('metadata of XDP is apart from the packet, in and out, with and without a context', () => {
    const code = encodeInsns(ADDS_METADATA, HOST_ORDER);
    const result = loadProgram(kernel, { ...XDP, license: 'GPL', code });
    if (result.kind !== 'loaded') throw new Error(result.log);
    using program = new BpfProgram(kernel, result.fd, 'test', BPF_PROG_TYPE_XDP);
    const data = Uint8Array.from({ length: 60 }, (_, at) => at);
    const put = new Uint8Array(Uint32Array.of(0x11223344).buffer);
    const own = Uint8Array.from([9, 8, 7, 6]);
    const context = new Uint8Array(24);
    context[4] = data.length;
    const nothing = new Uint8Array(0);
    expect(program.testRun({ data })).toMatchObject({ verdict: 2, data, metadata: put, context: nothing });
    const both = Uint8Array.from([...put, ...own]);
    expect(program.testRun({ data, metadata: own })).toMatchObject({ verdict: 2, data, metadata: both });
    expect(program.testRun({ data, context })).toMatchObject({ data, metadata: put });
    const run = program.testRun({ data, context, metadata: own });
    expect(run).toMatchObject({ data, metadata: both });
    expect([...run.context.subarray(0, 8)]).toEqual([8, 0, 0, 0, 68, 0, 0, 0]);
    expect(() => program.testRun({ data, metadata: new Uint8Array(3) })).toThrow(/in words of 4/);
  });

  test('an accepted program brings its log when it is requested', () => {
    const before = countFds();
    for (const keepLog of [false, true]) {
      const result = loadProgram(kernel, { ...XDP, code: RETURN_2 }, 2, keepLog);
      if (result.kind !== 'loaded') throw new Error(result.log);
      expect(result.log.includes('processed 2 insns')).toBe(keepLog);
      result.fd.close();
    }
    expect(countFds()).toBe(before);
  });

  test('a refused program brings its log', () => {
    const before = countFds();
    const result = loadProgram(kernel, { ...XDP, code: UNINITIALISED });
    if (result.kind !== 'refused') throw new Error('loaded');
    expect(parseVerifierLog(result.log)).toMatchObject({ cause: 'R6 !read_ok', insnIndex: 0 });
    expect(countFds()).toBe(before);
  });
});

/** A kernel that takes no context for XDP, and counts its runs. */
function withoutXdpContext(runs: number[]): FakeSys {
  return new FakeSys((call, fake) => {
    if (call.command !== BPF_PROG_TEST_RUN) return undefined;
    const attr = decodeAttr(TestRunAttr, call.attr);
    runs.push(attr.ctx_size_in);
    if (attr.ctx_size_in > 0) return -EINVAL;
    fake.memory(attr.data_out).set(fake.memory(attr.data_in));
    return 0;
  });
}

test('kernels that take no context for XDP are given none', () => {
  const runs: number[] = [];
  const old = withoutXdpContext(runs);
  const program = new BpfProgram(old, Fd.adopt(old, 7), 'test', BPF_PROG_TYPE_XDP);
  expect(program.testRun({ data: new Uint8Array(60) }).metadata).toHaveLength(0);
  expect(runs).toEqual([24, 0]);
  expect(() => program.testRun({ data: new Uint8Array(60), metadata: new Uint8Array(4) })).toThrow(/5\.15/);
  expect(runs).toEqual([24, 0, 24]);
  const filter = new BpfProgram(old, Fd.adopt(old, 8), 'test', BPF_PROG_TYPE_SCHED_CLS);
  expect(() => filter.testRun({ data: new Uint8Array(60), metadata: new Uint8Array(4) })).toThrow(TypeError);
});

/** A kernel that refuses with EINVAL and has a log of `size` bytes. */
function refusing(size: number): FakeSys {
  return new FakeSys((call, fake) => {
    if (call.command !== BPF_PROG_LOAD) return undefined;
    const attr = decodeAttr(ProgLoadAttr, call.attr);
    if (attr.log_level === 0) return -EINVAL;
    if (attr.log_size < size) return -ENOSPC;
    fake.memory(attr.log_buf).set(new TextEncoder().encode('the end\n'));
    return -EINVAL;
  });
}

test.each([
  [100, [0, 64]],
  [70_000, [0, 64, 256]],
  [2_000_000, [0, 64, 256, 1024, 4096]],
])('a log of %d bytes is requested in buffers of %j KiB, and its errno is the first one', (size, buffers) => {
  const fake = refusing(size);
  expect(loadProgram(fake, { ...XDP, code: RETURN_2 })).toMatchObject({
    kind: 'refused',
    errno: EINVAL,
    log: 'the end\n',
  });
  expect(fake.calls.map(call => decodeAttr(ProgLoadAttr, call.attr).log_size / 1024)).toEqual(buffers);
});

test('without a log level a refusal costs one call', () => {
  const fake = refusing(100);
  expect(loadProgram(fake, { ...XDP, code: RETURN_2 }, 0)).toMatchObject({ errno: EINVAL, log: '' });
  expect(fake.calls).toHaveLength(1);
});

test('EAGAIN is tried again, but not forever', () => {
  let left = 3;
  const patient = new FakeSys(call => (call.command === BPF_PROG_LOAD && left-- > 0 ? -11 : undefined));
  expect(loadProgram(patient, { ...XDP, code: RETURN_2 }).kind).toBe('loaded');
  const never = new FakeSys(() => -11);
  expect(loadProgram(never, { ...XDP, code: RETURN_2 }, 0)).toMatchObject({ errno: 11 });
  expect(never.calls).toHaveLength(5);
});
