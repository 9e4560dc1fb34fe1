/**
 * How programs of each type get on their hooks: one row for each program type, with the system call, the kind
 * of the kernel's link, and what to do with types that are not attached here. Separate from attach.ts, which
 * has the steps.
 */

import { given } from '../../bytes/index.ts';
import { quote, type RootletError, usageError } from '../../diag/index.ts';
import {
  type Attachment,
  attachCgroup,
  attachNetfilter,
  attachNetkit,
  attachNetns,
  attachReplacement,
  attachSocket,
  attachSockmap,
  attachTcx,
  attachXdp,
  type Direction,
  type LooseAttachment,
  requireBpfLsm,
} from '../../kernel/index.ts';
import type { LoadedObject } from '../../load/index.ts';
import type { ProgramType } from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import {
  type AttachPlace,
  attachClassicTracepoint,
  attachCounter,
  attachProbe,
  attachRawTracepoint,
  attachTracingProgram,
  type Candidate,
  need,
} from '../targets/index.ts';
import { linkType } from './link-types.ts';

export type Attached = Attachment | LooseAttachment;
type Attach = (candidate: Candidate, place: AttachPlace, object: LoadedObject) => Attached;

/**
 * `attach` on a hook, with a link of a kind (null: the kernel may have none); or the hint for types that go
 * elsewhere.
 */
type Row =
  | { readonly kind: 'hook'; readonly attach: Attach; readonly link: LinkOf }
  | { readonly kind: 'elsewhere'; readonly hint?: string };
/** BPF_LINK_TYPE_… by expected attach type. */
type LinkOf = (attachType: number) => number | null;

const hook = (link: number | null | LinkOf, attach: Attach): Row => ({
  kind: 'hook',
  attach,
  link: typeof link === 'function' ? link : () => link,
});
const elsewhere = (hint?: string): Row => ({ kind: 'elsewhere', ...given({ hint }) });

const CGROUP = hook(uapi.BPF_LINK_TYPE_CGROUP, attachToCgroup);
const NETNS = hook(uapi.BPF_LINK_TYPE_NETNS, ({ sys, fd, plan }, place) =>
  attachNetns(sys, fd, plan.type.expectedAttachType, place.netns),
);
const SOCKMAP = hook(uapi.BPF_LINK_TYPE_SOCKMAP, ({ sys, fd, plan }, place, object) => {
  const map = need(plan, place.sockmap, 'a map of sockets');
  const mapFd = typeof map === 'number' ? map : object.map(map).fd.number;
  return attachSockmap(sys, fd, mapFd, plan.type.expectedAttachType);
});
const RAW_TRACEPOINT = hook(uapi.BPF_LINK_TYPE_RAW_TRACEPOINT, attachRawTracepoint);
const socket = (kind: 'filter' | 'reuseport') =>
  hook(null, ({ sys, fd, plan }, place) => attachSocket(sys, fd, need(plan, place.socket, 'a socket'), kind));
const byRoute = (words: string) => elsewhere(`attach it with a route ("ip route add … ${words}")`);

const ROWS: Readonly<Record<uapi.ProgType, Row>> = {
  [uapi.BPF_PROG_TYPE_SOCKET_FILTER]: socket('filter'),
  [uapi.BPF_PROG_TYPE_KPROBE]: hook(uapi.BPF_LINK_TYPE_PERF_EVENT, attachProbe),
  [uapi.BPF_PROG_TYPE_SCHED_CLS]: hook(uapi.BPF_LINK_TYPE_TCX, attachTc),
  [uapi.BPF_PROG_TYPE_SCHED_ACT]: elsewhere(
    'attach it with a TC filter ("tc filter … action bpf object-pinned PATH")',
  ),
  [uapi.BPF_PROG_TYPE_TRACEPOINT]: hook(uapi.BPF_LINK_TYPE_PERF_EVENT, attachClassicTracepoint),
  [uapi.BPF_PROG_TYPE_XDP]: hook(uapi.BPF_LINK_TYPE_XDP, ({ sys, fd, plan }, place) =>
    attachXdp(sys, fd, need(plan, place.interface, 'an interface'), place.mode),
  ),
  [uapi.BPF_PROG_TYPE_PERF_EVENT]: hook(uapi.BPF_LINK_TYPE_PERF_EVENT, attachCounter),
  [uapi.BPF_PROG_TYPE_CGROUP_SKB]: CGROUP,
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK]: CGROUP,
  [uapi.BPF_PROG_TYPE_LWT_IN]: byRoute('encap bpf in pinned PATH'),
  [uapi.BPF_PROG_TYPE_LWT_OUT]: byRoute('encap bpf out pinned PATH'),
  [uapi.BPF_PROG_TYPE_LWT_XMIT]: byRoute('encap bpf xmit pinned PATH'),
  [uapi.BPF_PROG_TYPE_SOCK_OPS]: CGROUP,
  [uapi.BPF_PROG_TYPE_SK_SKB]: SOCKMAP,
  [uapi.BPF_PROG_TYPE_CGROUP_DEVICE]: CGROUP,
  [uapi.BPF_PROG_TYPE_SK_MSG]: SOCKMAP,
  [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT]: RAW_TRACEPOINT,
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR]: CGROUP,
  [uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL]: byRoute('encap seg6local action End.BPF …'),
  [uapi.BPF_PROG_TYPE_LIRC_MODE2]: elsewhere(),
  [uapi.BPF_PROG_TYPE_SK_REUSEPORT]: socket('reuseport'),
  [uapi.BPF_PROG_TYPE_FLOW_DISSECTOR]: NETNS,
  [uapi.BPF_PROG_TYPE_CGROUP_SYSCTL]: CGROUP,
  [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE]: RAW_TRACEPOINT,
  [uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT]: CGROUP,
  [uapi.BPF_PROG_TYPE_TRACING]: hook(
    attachType => (attachType === uapi.BPF_TRACE_ITER ? uapi.BPF_LINK_TYPE_ITER : uapi.BPF_LINK_TYPE_TRACING),
    attachTracingProgram,
  ),
  [uapi.BPF_PROG_TYPE_STRUCT_OPS]: elsewhere('it is attached with its struct_ops map (attachOperations())'),
  [uapi.BPF_PROG_TYPE_EXT]: hook(uapi.BPF_LINK_TYPE_TRACING, ({ sys, fd, plan }, place) => {
    const target = need(plan, place.target, 'a target program and function');
    return attachReplacement(sys, fd, target.fd, target.btfId);
  }),
  [uapi.BPF_PROG_TYPE_LSM]: hook(
    attachType =>
      attachType === uapi.BPF_LSM_CGROUP ? uapi.BPF_LINK_TYPE_CGROUP : uapi.BPF_LINK_TYPE_TRACING,
    attachLsm,
  ),
  [uapi.BPF_PROG_TYPE_SK_LOOKUP]: NETNS,
  [uapi.BPF_PROG_TYPE_SYSCALL]: elsewhere('it runs on request (testRun())'),
  [uapi.BPF_PROG_TYPE_NETFILTER]: hook(uapi.BPF_LINK_TYPE_NETFILTER, ({ sys, fd, plan }, place) => {
    const where = need(plan, place.netfilter, 'family, hook and priority of netfilter');
    return attachNetfilter(sys, fd, where.family, where.hook, where.priority);
  }),
};

/** Attaches by the row of its type. Throws `load-attach-place` when the place is missing or cannot be. */
export function attachCandidate(candidate: Candidate, place: AttachPlace, object: LoadedObject): Attached {
  const row = uapi.rowOfProgType(ROWS, candidate.plan.type.progType);
  if (row?.kind !== 'hook') throw notAttachable(candidate, row?.hint);
  return row.attach(candidate, place, object);
}

/** Whether programs of a type have a hook here. */
export function hasHook(progType: number): boolean {
  return uapi.rowOfProgType(ROWS, progType)?.kind === 'hook';
}

/**
 * Whether the kernel can change the program on hooks for programs of a type. True where that is not known:
 * for hooks without a link, and for types that are attached by other means.
 */
export function canHookChange({ progType, expectedAttachType }: ProgramType): boolean {
  const row = uapi.rowOfProgType(ROWS, progType);
  const link = row?.kind === 'hook' ? row.link(expectedAttachType) : null;
  return link === null || linkType(link).updatable;
}

function notAttachable({ plan }: Candidate, hint: string | undefined): RootletError {
  return usageError(
    'load-attach-place',
    `program ${quote(plan.name)}: programs of type ${uapi.progTypeName(plan.type.progType)} cannot be attached here`,
    given({ hint }),
  );
}

function attachToCgroup({ sys, fd, plan }: Candidate, place: AttachPlace): Attached {
  const cgroup = need(plan, place.cgroup, 'a cgroup');
  return attachCgroup(sys, fd, cgroup, plan.type.expectedAttachType, place.order);
}

function attachLsm(candidate: Candidate, place: AttachPlace): Attached {
  requireBpfLsm();
  const isOfCgroup = candidate.plan.type.expectedAttachType === uapi.BPF_LSM_CGROUP;
  return isOfCgroup ? attachToCgroup(candidate, place) : attachTracingProgram(candidate, place);
}

function attachTc(candidate: Candidate, place: AttachPlace): Attached {
  const { sys, fd, plan } = candidate;
  const link = need(plan, place.interface, 'an interface');
  const end = netkitEnd(candidate);
  if (end !== undefined) return attachNetkit(sys, fd, link, end, place.order);
  return attachTcx(sys, fd, link, requireDirection(candidate, place), place.order);
}

/** Of programs for netkit devices. */
export function netkitEnd({ plan }: Candidate): 'primary' | 'peer' | undefined {
  const { expectedAttachType } = plan.type;
  if (expectedAttachType === uapi.BPF_NETKIT_PRIMARY) return 'primary';
  return expectedAttachType === uapi.BPF_NETKIT_PEER ? 'peer' : undefined;
}

/** Of TC programs. Throws `load-attach-place` where neither the place nor the section specifies it. */
export function requireDirection({ plan }: Candidate, place: AttachPlace): Direction {
  const direction = place.direction ?? directionOf(plan.type.expectedAttachType);
  const hint = 'ingress or egress (--ingress, --egress); sections like "tcx/ingress" specify it';
  return need(plan, direction, 'a direction', hint);
}

/** The direction from the section of a TC program. */
function directionOf(attachType: number): Direction | undefined {
  if (attachType === uapi.BPF_TCX_INGRESS) return 'ingress';
  return attachType === uapi.BPF_TCX_EGRESS ? 'egress' : undefined;
}
