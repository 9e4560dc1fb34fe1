/** BPF_PROG_TEST_RUN: the kernel runs a program on given data, without any hook. */

import { given, type RecordOf, viewOf } from '../../bytes/index.ts';
import { argumentError } from '../../diag/index.ts';
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
import { decodeAttr, encodeAttr, HOST_ORDER, TestRunAttr, XdpMd } from '../uapi/index.ts';

/** Input of a test run (BPF_PROG_TEST_RUN). */
export interface TestRunOptions {
  /** Packet, or other input data of the program type. XDP and TC require at least 14 bytes. */
  readonly data?: Uint8Array;
  /** XDP: metadata before the packet, in whole words of 4 bytes. Since Linux 5.15. */
  readonly metadata?: Uint8Array;
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
  /** The data after the run: of XDP the packet, without what is before it. */
  readonly data: Uint8Array;
  /** XDP: the metadata before the packet after the run; empty when there is none. */
  readonly metadata: Uint8Array;
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

/** One request: what the kernel reads, and the room for what it writes. */
interface Request {
  readonly data: Uint8Array;
  readonly context: Uint8Array;
  readonly contextOut: Uint8Array;
  /** The context was made here, to learn where the packet starts. */
  readonly own: boolean;
}

/** Runs the program of `fd`. Throws `kernel-test-run`. */
export function testRun(sys: Sys, fd: number, progType: number, options: TestRunOptions): TestRunResult {
  const request = requestOf(progType, options);
  const first = runRequest(sys, fd, options, request);
  // Before Linux 5.15 an XDP program takes no context; these kernels return the packet alone.
  const retried = first.errno === EINVAL && request.own && options.metadata === undefined;
  const used = retried ? { ...request, context: NOTHING, contextOut: NOTHING, own: false } : request;
  const { errno, out, data } = retried ? runRequest(sys, fd, options, used) : first;
  if (errno !== 0) throw refusal(errno, progType, options);
  const context = ARGUMENTS_ONLY.has(progType)
    ? used.context
    : used.contextOut.slice(0, Math.min(used.contextOut.length, out.ctx_size_out));
  const start = progType === BPF_PROG_TYPE_XDP ? packetStart(context, data) : 0;
  return {
    verdict: out.retval,
    data: data.slice(start),
    metadata: data.slice(0, start),
    context: used.own ? NOTHING : context,
    durationNs: out.duration,
  };
}

const NOTHING = new Uint8Array(0);

function requestOf(progType: number, options: TestRunOptions): Request {
  const { metadata = NOTHING } = options;
  if (metadata.length > 0 && progType !== BPF_PROG_TYPE_XDP)
    throw argumentError('testRun: options.metadata', 'left out: only XDP programs have metadata', metadata);
  const packet = options.data ?? NOTHING;
  const data = metadata.length === 0 ? packet : Uint8Array.from([...metadata, ...packet]);
  const own = progType === BPF_PROG_TYPE_XDP && options.context === undefined && !options.flags;
  const bounds = { data: metadata.length, data_end: data.length };
  const context = own ? encodeAttr(XdpMd, bounds) : Uint8Array.from(options.context ?? []); // a syscall program writes into it
  if (!own && metadata.length > 0 && context.length >= XdpMd.size) {
    const fields = { ...decodeAttr(XdpMd, context), ...bounds };
    XdpMd.encode(viewOf(context), 0, fields, HOST_ORDER);
  }
  const inPlace = ARGUMENTS_ONLY.has(progType);
  return { data, context, contextOut: new Uint8Array(inPlace ? 0 : context.length), own };
}

/** The kernel copies from `data_meta` on; the context says where the packet starts in that. */
function packetStart(context: Uint8Array, data: Uint8Array): number {
  if (context.length < XdpMd.size) return 0;
  return Math.min(decodeAttr(XdpMd, context).data, data.length);
}

interface Answer {
  /** 0 when the program ran. */
  readonly errno: number;
  readonly out: RecordOf<typeof TestRunAttr>;
  readonly data: Uint8Array;
}

/** Requests the run; again with more room, and after an interruption. */
function runRequest(sys: Sys, fd: number, options: TestRunOptions, request: Request): Answer {
  const { data, context, contextOut } = request;
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
    const written = Math.min(dataOut.length, out.data_size_out);
    if (result >= 0) return { errno: 0, out, data: dataOut.subarray(0, written) };
    const tooSmall = result === -ENOSPC && out.data_size_out > dataOut.length;
    if (tooSmall) dataOut = new Uint8Array(out.data_size_out);
    const again = tooSmall || result === -EINTR || result === -EAGAIN;
    if (!again || attempt === MAX_TRIES) return { errno: -result, out, data: NOTHING };
  }
}

function refusal(errno: number, progType: number, options: TestRunOptions) {
  const { data: { length } = NOTHING, metadata = NOTHING } = options;
  const what = `running a ${progTypeName(progType)} program on ${length} bytes`;
  const hint = hintOf(errno, progType, length, metadata.length);
  return syscallError('kernel-test-run', [], what, -errno, given({ hint }));
}

function hintOf(errno: number, progType: number, length: number, before: number): string | undefined {
  if (errno === ENOTSUPP) return 'the kernel cannot test-run programs of this type';
  if (errno !== EINVAL) return undefined;
  if (ARGUMENTS_ONLY.has(progType)) return 'the context is of another size than the program reads';
  if (length < 14) return 'a packet needs at least its 14 bytes of Ethernet header';
  if (progType !== BPF_PROG_TYPE_XDP) return undefined;
  if (before > 0)
    return 'metadata is at most 32 bytes (252 since Linux 6.1), in words of 4; it needs Linux 5.15';
  return length > 3000 ? 'without frags support a packet must fit into one page' : undefined;
}
