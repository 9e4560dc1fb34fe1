/** BPF_PROG_TEST_RUN: the kernel runs a program on given data, without any hook. */

import {
  BPF_PROG_TEST_RUN,
  BPF_PROG_TYPE_RAW_TRACEPOINT,
  BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
  BPF_PROG_TYPE_SYSCALL,
  BPF_PROG_TYPE_XDP,
  EAGAIN,
  EINTR,
  EINVAL,
  ENOSPC,
  ENOTSUPP,
  progTypeName,
} from '../../uapi/index.ts';
import { bpf, type Sys, syscallError } from '../sys/index.ts';
import { decodeAttr, encodeAttr, TestRunAttr } from '../uapi/index.ts';

/** Input of a test run (BPF_PROG_TEST_RUN). */
export interface TestRunOptions {
  /** Packet, or other input data of the program type. XDP and TC require at least 14 bytes. */
  readonly data?: Uint8Array;
  /** Context structure (`struct xdp_md`, `struct __sk_buff`, arguments of a syscall program, …). */
  readonly context?: Uint8Array;
  /** Times to run it; the duration is the mean. Default 1. */
  readonly repeat?: number;
  readonly flags?: number;
  readonly cpu?: number;
}

/** What a test run did. */
export interface TestRunResult {
  /** r0 of the (last) run as u32. */
  readonly verdict: number;
  /** The data after the run. */
  readonly data: Uint8Array;
  /** The context after the run; empty when none was given. */
  readonly context: Uint8Array;
  /** Mean of one run. */
  readonly durationNs: number;
}

/** Room that a program may grow a packet by (bpf_xdp_adjust_tail and the like). */
const HEADROOM = 4096;
const MAX_TRIES = 5;
/** Their context is arguments: the kernel has no other place for it after the run. */
const ARGUMENTS_ONLY = new Set([
  BPF_PROG_TYPE_RAW_TRACEPOINT,
  BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
  BPF_PROG_TYPE_SYSCALL,
]);

/** Runs the program of `fd`. Throws `kernel-test-run`. */
export function testRun(sys: Sys, fd: number, progType: number, options: TestRunOptions): TestRunResult {
  const data = options.data ?? new Uint8Array(0);
  const context = Uint8Array.from(options.context ?? []); // a syscall program writes into it
  const inPlace = ARGUMENTS_ONLY.has(progType);
  const contextOut = new Uint8Array(inPlace ? 0 : context.length);
  let dataOut = new Uint8Array(data.length === 0 ? 0 : data.length + HEADROOM);
  for (let attempt = 1; ; attempt++) {
    const attr = encodeAttr(TestRunAttr, {
      prog_fd: fd,
      data_size_in: data.length,
      data_in: sys.addressOf(data),
      data_size_out: dataOut.length,
      data_out: sys.addressOf(dataOut),
      ctx_size_in: context.length,
      ctx_in: sys.addressOf(context),
      ctx_size_out: contextOut.length,
      ctx_out: sys.addressOf(contextOut),
      repeat: options.repeat ?? 0,
      flags: options.flags ?? 0,
      cpu: options.cpu ?? 0,
    });
    const result = bpf(sys, BPF_PROG_TEST_RUN, attr, [data, dataOut, context, contextOut]);
    const out = decodeAttr(TestRunAttr, attr);
    if (result >= 0) {
      return {
        verdict: out.retval,
        data: dataOut.slice(0, out.data_size_out),
        context: inPlace ? context : contextOut.slice(0, out.ctx_size_out),
        durationNs: out.duration,
      };
    }
    const tooSmall = result === -ENOSPC && out.data_size_out > dataOut.length;
    if (tooSmall) dataOut = new Uint8Array(out.data_size_out);
    const again = tooSmall || result === -EINTR || result === -EAGAIN;
    if (!again || attempt === MAX_TRIES) throw refusal(result, progType, data);
  }
}

function refusal(result: number, progType: number, data: Uint8Array) {
  const what = `running a ${progTypeName(progType)} program on ${data.length} bytes`;
  return syscallError('kernel-test-run', [], what, result, hintOf(-result, progType, data.length));
}

function hintOf(errno: number, progType: number, length: number): { hint?: string } {
  if (errno === ENOTSUPP) return { hint: 'the kernel cannot test-run programs of this type' };
  if (errno !== EINVAL) return {};
  if (ARGUMENTS_ONLY.has(progType)) return { hint: 'the context is of another size than the program reads' };
  if (length < 14) return { hint: 'a packet needs at least its 14 bytes of Ethernet header' };
  if (progType === BPF_PROG_TYPE_XDP && length > 3000) {
    return { hint: 'without frags support a packet must fit into one page' };
  }
  return {};
}
