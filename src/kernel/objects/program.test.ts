import { describe, expect, test } from 'vitest';
import { encodeInsns, type Insn } from '../../isa/opcodes.ts';
import { BPF_XDP } from '../../uapi/attach-types.ts';
import { BPF_PROG_LOAD } from '../../uapi/commands.ts';
import { EINVAL, ENOSPC } from '../../uapi/errno.ts';
import { BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP } from '../../uapi/program-types.ts';
import { FakeSys } from '../sys/fake.ts';
import { countFds, kernelForTests } from '../testing.ts';
import { decodeAttr, HOST_ORDER } from '../uapi/attr.ts';
import { ProgLoadAttr } from '../uapi/uapi.ts';
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

  test('an accepted program brings its log when it is asked for', () => {
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
])('a log of %d bytes is asked for in buffers of %j KiB, and its errno is the first one', (size, buffers) => {
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

test('EAGAIN is tried again, but not for ever', () => {
  let left = 3;
  const patient = new FakeSys(call => (call.command === BPF_PROG_LOAD && left-- > 0 ? -11 : undefined));
  expect(loadProgram(patient, { ...XDP, code: RETURN_2 }).kind).toBe('loaded');
  const never = new FakeSys(() => -11);
  expect(loadProgram(never, { ...XDP, code: RETURN_2 }, 0)).toMatchObject({ errno: 11 });
  expect(never.calls).toHaveLength(5);
});
