/** Attaching a loaded program to where its section says, or to where the caller says in the program's own words. */

import { quote, usageError } from '../diag/index.ts';
import type { Attachment } from '../kernel/attachment.ts';
import {
  attachCgroup,
  attachNetfilter,
  attachNetkit,
  attachNetns,
  attachReplacement,
  attachTcx,
  attachXdp,
  type Direction,
} from '../kernel/hooks.ts';
import type { LooseAttachment } from '../kernel/loose-attachment.ts';
import { requireBpfLsm } from '../kernel/security-modules.ts';
import { attachSocket, attachSockmap } from '../kernel/socket-hooks.ts';
import { attachStructOps, writeOperations } from '../kernel/struct-ops.ts';
import { TcFilter } from '../kernel/tc.ts';
import * as uapi from '../object/uapi.ts';
import { type AttachPlace, need } from './attach-place.ts';
import {
  attachClassicTracepoint,
  attachCounter,
  attachProbe,
  attachRawTracepoint,
  attachTracingProgram,
  type Candidate,
} from './attach-probes.ts';
import type { LoadedObject } from './loaded-object.ts';
import { tableValue } from './struct-ops.ts';

export type { AttachPlace } from './attach-place.ts';

/** Something attached: closing it detaches. */
export type Attached = Attachment | LooseAttachment | TcFilter;

/** Attaches a program of a loaded object. Throws `load-attach-place` when the place is missing or cannot be. */
export function attachProgram(object: LoadedObject, name: string, place: AttachPlace = {}): Attached {
  const program = object.program(name);
  const plan = object.plan.programs.find(candidate => candidate.name === name);
  if (plan === undefined) throw usageError('load-no-program', `there is no program ${quote(name)}`);
  return attachCandidate(object, { sys: program.sys, fd: program.fd.number, plan }, place);
}

function attachCandidate(object: LoadedObject, candidate: Candidate, place: AttachPlace): Attached {
  const { sys, fd, plan } = candidate;
  const { progType, expectedAttachType } = plan.type;
  switch (progType) {
    case uapi.BPF_PROG_TYPE_XDP:
      return attachXdp(sys, fd, need(plan, place.interface, 'an interface'), place.mode);
    case uapi.BPF_PROG_TYPE_SCHED_CLS:
      return attachTc(candidate, place);
    case uapi.BPF_PROG_TYPE_CGROUP_SKB:
    case uapi.BPF_PROG_TYPE_CGROUP_SOCK:
    case uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT:
    case uapi.BPF_PROG_TYPE_CGROUP_SYSCTL:
    case uapi.BPF_PROG_TYPE_CGROUP_DEVICE:
    case uapi.BPF_PROG_TYPE_SOCK_OPS:
      return attachCgroup(sys, fd, need(plan, place.cgroup, 'a cgroup'), expectedAttachType, place.order);
    case uapi.BPF_PROG_TYPE_SK_LOOKUP:
    case uapi.BPF_PROG_TYPE_FLOW_DISSECTOR:
      return attachNetns(sys, fd, expectedAttachType, place.netns);
    case uapi.BPF_PROG_TYPE_RAW_TRACEPOINT:
    case uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
      return attachRawTracepoint(candidate, place);
    case uapi.BPF_PROG_TYPE_TRACEPOINT:
      return attachClassicTracepoint(candidate, place);
    case uapi.BPF_PROG_TYPE_PERF_EVENT:
      return attachCounter(candidate, place);
    case uapi.BPF_PROG_TYPE_KPROBE:
      return attachProbe(candidate, place);
    case uapi.BPF_PROG_TYPE_TRACING:
      return attachTracingProgram(candidate, place);
    case uapi.BPF_PROG_TYPE_LSM:
      requireBpfLsm();
      return expectedAttachType === uapi.BPF_LSM_CGROUP
        ? attachCgroup(sys, fd, need(plan, place.cgroup, 'a cgroup'), expectedAttachType, place.order)
        : attachTracingProgram(candidate, place);
    case uapi.BPF_PROG_TYPE_EXT: {
      const target = need(plan, place.target, 'a target program and function');
      return attachReplacement(sys, fd, target.fd, target.btfId);
    }
    case uapi.BPF_PROG_TYPE_NETFILTER: {
      const where = need(plan, place.netfilter, 'family, hook and priority of netfilter');
      return attachNetfilter(sys, fd, where.family, where.hook, where.priority);
    }
    case uapi.BPF_PROG_TYPE_SOCKET_FILTER:
    case uapi.BPF_PROG_TYPE_SK_REUSEPORT: {
      const kind = progType === uapi.BPF_PROG_TYPE_SOCKET_FILTER ? 'filter' : 'reuseport';
      return attachSocket(sys, fd, need(plan, place.socket, 'a socket'), kind);
    }
    case uapi.BPF_PROG_TYPE_SK_MSG:
    case uapi.BPF_PROG_TYPE_SK_SKB:
      return attachToSockmap(object, candidate, place);
    default:
      throw notAttachable(candidate);
  }
}

/** Types that run in another way than being attached. */
const OTHERWISE = new Map([
  [uapi.BPF_PROG_TYPE_STRUCT_OPS, 'it is attached with its table of operations (attachOperations())'],
  [uapi.BPF_PROG_TYPE_SYSCALL, 'it runs when somebody runs it (testRun())'],
  [uapi.BPF_PROG_TYPE_LWT_IN, 'a route names it ("ip route add … encap bpf in pinned PATH")'],
  [uapi.BPF_PROG_TYPE_LWT_OUT, 'a route names it ("ip route add … encap bpf out pinned PATH")'],
  [uapi.BPF_PROG_TYPE_LWT_XMIT, 'a route names it ("ip route add … encap bpf xmit pinned PATH")'],
  [uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL, 'a route names it ("ip route add … encap seg6local action End.BPF …")'],
  [uapi.BPF_PROG_TYPE_SCHED_ACT, 'a TC filter names it ("tc filter … action bpf object-pinned PATH")'],
]);

function notAttachable({ plan }: Candidate) {
  const { progType } = plan.type;
  const hint = OTHERWISE.get(progType);
  return usageError(
    'load-attach-place',
    `program ${quote(plan.name)}: programs of type ${uapi.progTypeName(progType)} are not attached from here`,
    hint === undefined ? {} : { hint },
  );
}

function attachTc(candidate: Candidate, place: AttachPlace): Attached {
  const { sys, fd, plan } = candidate;
  const { expectedAttachType } = plan.type;
  const link = need(plan, place.interface, 'an interface');
  if (expectedAttachType === uapi.BPF_NETKIT_PRIMARY || expectedAttachType === uapi.BPF_NETKIT_PEER) {
    const end = expectedAttachType === uapi.BPF_NETKIT_PRIMARY ? 'primary' : 'peer';
    return attachNetkit(sys, fd, link, end, place.order);
  }
  const direction = place.direction ?? directionOf(expectedAttachType);
  const chosen = need(
    plan,
    direction,
    'a direction',
    'ingress or egress; sections like "tcx/ingress" say it themselves',
  );
  if (place.method !== 'clsact') return attachTcx(sys, fd, link, chosen, place.order);
  return TcFilter.attach(sys, fd, link, {
    direction: chosen,
    name: plan.name,
    ...(place.priority === undefined ? {} : { priority: place.priority }),
    ...(place.handle === undefined ? {} : { handle: place.handle }),
  });
}

/** The direction that the section of a TC program says. */
export function directionOf(attachType: number): Direction | undefined {
  if (attachType === uapi.BPF_TCX_INGRESS) return 'ingress';
  return attachType === uapi.BPF_TCX_EGRESS ? 'egress' : undefined;
}

function attachToSockmap(object: LoadedObject, { sys, fd, plan }: Candidate, place: AttachPlace): Attached {
  const map = need(plan, place.sockmap, 'a map of sockets');
  const mapFd = typeof map === 'number' ? map : object.map(map).fd.number;
  return attachSockmap(sys, fd, mapFd, plan.type.expectedAttachType);
}

/**
 * Registers a table of operations (a variable in SEC(".struct_ops") or SEC(".struct_ops.link")) with the kernel.
 * Throws `load-no-map`, `load-no-operations`, `kernel-attach`.
 */
export function attachOperations(object: LoadedObject, name: string): Attachment | LooseAttachment {
  const map = object.map(name);
  return attachStructOps(map.sys, map, tableValue(object, name));
}

/** Puts another loaded table in the place of an attached one (`update()` of a link; since Linux 6.4). */
export function replaceOperations(attached: Attachment, object: LoadedObject, name: string): void {
  const map = object.map(name);
  writeOperations(map.sys, map, tableValue(object, name));
  attached.update(map.fd.number);
}
