/** Changing the program on a hook: where that is possible in one step, and only if what is there is what was expected. */

import { platformError, quote, usageError } from '../diag/index.ts';
import { Attachment } from '../kernel/attachment.ts';
import type { BpfProgram } from '../kernel/program.ts';
import { TcFilter } from '../kernel/tc.ts';
import type { Attached } from '../load/index.ts';
import type { ProgramTypeInfo } from '../object/index.ts';
import * as uapi from '../object/uapi.ts';

/** Kinds of kernel links that can change their program (BPF_LINK_TYPE_…): cgroup, iter, netns, xdp, tcx, netkit, sockmap. */
const CHANGEABLE: ReadonlySet<number> = new Set([3, 4, 5, 6, 11, 13, 14]);

const KINDS: ReadonlyMap<number, string> = new Map([
  [1, 'raw tracepoints'],
  [2, 'tracing programs'],
  [7, 'perf events, kprobes and tracepoints'],
  [8, 'kprobe.multi'],
  [10, 'netfilter'],
  [12, 'uprobe.multi'],
]);

/** Program types whose links keep their program, whatever is attached where. */
const FIXED: ReadonlySet<number> = new Set([
  uapi.BPF_PROG_TYPE_KPROBE,
  uapi.BPF_PROG_TYPE_TRACEPOINT,
  uapi.BPF_PROG_TYPE_PERF_EVENT,
  uapi.BPF_PROG_TYPE_RAW_TRACEPOINT,
  uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE,
  uapi.BPF_PROG_TYPE_NETFILTER,
]);

/** Whether the kernel can change the program on hooks for programs of a type. */
export function canHookChange({ progType, expectedAttachType }: ProgramTypeInfo): boolean {
  if (progType === uapi.BPF_PROG_TYPE_TRACING) return expectedAttachType === uapi.BPF_TRACE_ITER;
  if (progType === uapi.BPF_PROG_TYPE_LSM) return expectedAttachType === uapi.BPF_LSM_CGROUP;
  return !FIXED.has(progType);
}

/** Throws `relink-hook-fixed`, with what would help, when the program on this hook cannot be changed without a gap. */
export function requireChangeable(hook: Attached, hintOf: () => string | undefined): void {
  if (hook instanceof TcFilter) return;
  const type = hook instanceof Attachment ? hook.info().type : undefined;
  if (type !== undefined && CHANGEABLE.has(type)) return;
  const hint = hintOf();
  const kind = type === undefined ? hook.place : (KINDS.get(type) ?? `links of type ${type}`);
  throw usageError(
    'relink-hook-fixed',
    `${hook.place}: the kernel cannot change the program on this hook in one step (${kind})`,
    hint === undefined ? {} : { hint },
  );
}

/** Id of the program that runs on the hook; undefined where the kernel does not tell. */
export function programOn(hook: Attached): number | undefined {
  return hook instanceof Attachment ? hook.info().programId : undefined;
}

/** Throws `relink-hook-changed` when somebody else changed the program on the hook. */
export function requireExpected(hook: Attached, expected: BpfProgram): void {
  const there = programOn(hook);
  const id = expected.info().id;
  if (there === undefined || there === id) return;
  throw platformError(
    'relink-hook-changed',
    [hook.place],
    `program ${there} is attached, not ${id} (${quote(expected.name)}) as expected`,
    { hint: 'another tool changed it; detach the rootlet and attach it again' },
  );
}

/** Every packet is judged by the one program or by the other. */
export function swapProgram(hook: Attached, next: BpfProgram, expected: BpfProgram | undefined): void {
  if (hook instanceof Attachment) hook.update(next.fd.number, expected?.fd.number);
  else hook.update(next.fd.number);
}
