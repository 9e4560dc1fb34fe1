/**
 * Perf events that programs run on: tracepoints, probes in the kernel and in executables, counters.
 *
 * An event is opened first (perf_event_open), then the program is attached to it: by a link since Linux 5.15,
 * by an ioctl before. Source: perf_event_open(2), include/uapi/linux/perf_event.h.
 */

import { readFileSync } from 'node:fs';
import { elementAt, given, record, u32, u64 } from '../../bytes/index.ts';
import { platformError, quote } from '../../diag/index.ts';
import {
  BPF_LINK_CREATE,
  BPF_PERF_EVENT,
  EACCES,
  EINVAL,
  ENOENT,
  EPERM,
  errnoText,
  PERF_EVENT_IOC_DISABLE,
  PERF_EVENT_IOC_ENABLE,
  PERF_EVENT_IOC_SET_BPF,
  PERF_FLAG_FD_CLOEXEC,
  PERF_TYPE_TRACEPOINT,
} from '../../uapi/index.ts';
import { bpf, cText, Fd, holding, type Sys, syscallError } from '../sys/index.ts';
import { encodeAttr, LinkCreatePerfAttr } from '../uapi/index.ts';
import { type Attachment, adoptLink } from './attachment.ts';
import { LooseAttachment } from './loose-attachment.ts';

/** struct perf_event_attr up to what probes need (PERF_ATTR_SIZE_VER1). */
export const PerfEventAttr = record('perf_event_attr', {
  type: u32,
  size: u32,
  config: u64,
  sample_period: u64,
  sample_type: u64,
  read_format: u64,
  flags: u64,
  wakeup_events: u32,
  bp_type: u32,
  config1: u64,
  config2: u64,
});

/** `freq` in the bit field of struct perf_event_attr: `sample_period` is a frequency. */
const FLAG_FREQUENCY = 1n << 10n;

/** What to count or wait for, and where. */
export interface PerfEventSpec {
  /** PERF_TYPE_…, or the number that the kernel gave a PMU. */
  readonly type: number;
  readonly config: bigint;
  readonly config1?: bigint;
  readonly config2?: bigint;
  /** Events between two runs of the program. */
  readonly period?: number;
  /** Runs a second, instead of a period. */
  readonly frequency?: number;
  /** Process or thread; -1 for all of a CPU. */
  readonly pid: number;
  /** CPU; -1 for whichever the process runs on. */
  readonly cpu: number;
}

/**
 * Opens an event. `place` is for messages, `buffers` are those whose addresses the specification holds.
 * Throws `kernel-perf-event`.
 */
export function openPerfEvent(
  sys: Sys,
  spec: PerfEventSpec,
  place: string,
  buffers: readonly Uint8Array[] = [],
): Fd {
  const frequency = spec.frequency !== undefined;
  const attr = encodeAttr(PerfEventAttr, {
    type: spec.type,
    size: PerfEventAttr.size,
    config: spec.config,
    sample_period: BigInt(spec.frequency ?? spec.period ?? 0),
    flags: frequency ? FLAG_FREQUENCY : 0n,
    config1: spec.config1 ?? 0n,
    config2: spec.config2 ?? 0n,
  });
  const result = holding(buffers, () =>
    sys.syscall('perf_event_open', attr, spec.pid, spec.cpu, -1, PERF_FLAG_FD_CLOEXEC),
  );
  if (result >= 0) return Fd.adopt(sys, result);
  const hint = hintFor(-result);
  throw platformError('kernel-perf-event', [place], `opening the event: ${errnoText(-result)}`, {
    errno: -result,
    ...given({ hint }),
  });
}

function hintFor(errno: number): string | undefined {
  if (errno === EPERM || errno === EACCES)
    return 'CAP_PERFMON is needed, or a lower /proc/sys/kernel/perf_event_paranoid';
  if (errno === ENOENT) return 'this kernel or machine has no such event, function or symbol';
  if (errno === EINVAL) return 'the kernel cannot put a probe there, or does not support this kind of event';
  return undefined;
}

/** A program on an event that is owned from here on. Throws `kernel-attach`. */
export function attachToEvent(
  sys: Sys,
  programFd: number,
  event: Fd,
  place: string,
  cookie?: bigint,
): Attachment | LooseAttachment {
  try {
    return linkToEvent(sys, programFd, event, place, cookie);
  } catch (error) {
    event.close();
    throw error;
  }
}

function linkToEvent(
  sys: Sys,
  programFd: number,
  event: Fd,
  place: string,
  cookie: bigint | undefined,
): Attachment | LooseAttachment {
  const attr = encodeAttr(LinkCreatePerfAttr, {
    prog_fd: programFd,
    target_fd: event.number,
    attach_type: BPF_PERF_EVENT,
    bpf_cookie: cookie ?? 0n,
  });
  const result = bpf(sys, BPF_LINK_CREATE, attr);
  if (result === -EINVAL && cookie === undefined) return bindToEvent(sys, programFd, event, place);
  const link = adoptLink(sys, result, place, errno =>
    errno === EINVAL
      ? 'cookies on perf events need Linux 5.15; the program must be of the event’s type'
      : undefined,
  );
  const enabled = sys.syscall('ioctl', event.number, PERF_EVENT_IOC_ENABLE, 0);
  if (enabled < 0) {
    link.close();
    throw syscallError('kernel-attach', [place], 'enabling the event', enabled);
  }
  event.close(); // the link holds the event
  return link;
}

/** Kernels before 5.15: the program stays as long as the event's descriptor. */
function bindToEvent(sys: Sys, programFd: number, event: Fd, place: string): LooseAttachment {
  for (const [request, argument, what] of [
    [PERF_EVENT_IOC_SET_BPF, programFd, 'attaching'],
    [PERF_EVENT_IOC_ENABLE, 0, 'enabling the event'],
  ] as const) {
    const result = sys.syscall('ioctl', event.number, request, argument);
    if (result < 0) throw syscallError('kernel-attach', [place], what, result);
  }
  return new LooseAttachment(place, {
    detach() {
      sys.syscall('ioctl', event.number, PERF_EVENT_IOC_DISABLE, 0);
      event.close();
    },
    release: () => event.close(),
    whyNoPin: 'attachments to perf events can be pinned since Linux 5.15',
  });
}

/** A program on a counter or clock. */
export function attachPerfEvent(
  sys: Sys,
  programFd: number,
  spec: PerfEventSpec,
  cookie?: bigint,
): Attachment | LooseAttachment {
  const whose = spec.pid < 0 ? `CPU ${spec.cpu}` : `process ${spec.pid}`;
  const place = `perf event ${spec.type}:${spec.config} of ${whose}`;
  return attachToEvent(sys, programFd, openPerfEvent(sys, spec, place), place, cookie);
}

/** Where tracefs is mounted. */
export const TRACEFS = ['/sys/kernel/tracing', '/sys/kernel/debug/tracing'];

/** A tracepoint such as `syscalls/sys_enter_openat`. `pid` -1: in every process. */
export function attachTraceEvent(
  sys: Sys,
  programFd: number,
  name: string,
  cookie?: bigint,
  roots: readonly string[] = TRACEFS,
): Attachment | LooseAttachment {
  const place = `tracepoint ${quote(name)}`;
  const id = traceEventId(name, place, roots);
  const spec = { type: PERF_TYPE_TRACEPOINT, config: BigInt(id), pid: -1, cpu: 0 };
  return attachToEvent(sys, programFd, openPerfEvent(sys, spec, place), place, cookie);
}

function traceEventId(name: string, place: string, roots: readonly string[]): number {
  const slash = name.indexOf('/');
  const plain = slash > 0 && !name.includes('..') && !name.includes('\0');
  for (const root of plain ? roots : []) {
    const id = numberIn(`${root}/events/${name}/id`);
    if (id !== undefined) return id;
  }
  throw platformError('kernel-no-tracepoint', [place], 'this kernel shows no such tracepoint', {
    hint: plain
      ? `look below ${elementAt(roots, 0)}/events (tracefs must be mounted and readable)`
      : 'tracepoints are named CATEGORY/NAME',
  });
}

/** A number that the kernel shows in a file; undefined when there is none. */
export function numberIn(path: string): number | undefined {
  try {
    const number = Number(readFileSync(path, 'utf8').trim());
    return Number.isSafeInteger(number) ? number : undefined;
  } catch {
    return undefined;
  }
}

/** Text for a pointer in an event's attribute. */
export function namedAt(sys: Sys, text: string): { readonly bytes: Uint8Array; readonly address: bigint } {
  const bytes = cText(text);
  return { bytes, address: sys.addressOf(bytes) };
}
