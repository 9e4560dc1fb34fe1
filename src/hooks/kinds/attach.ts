/** Attaching a loaded program to the target of its section, or of the caller. */

import { given } from '../../bytes/index.ts';
import { quote, requireRecord, requireText, usageError } from '../../diag/index.ts';
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
  type BpfProgram,
  type Direction,
  freePlace,
  type LooseAttachment,
  requireBpfLsm,
  TcFilter,
} from '../../kernel/index.ts';
import type { LoadedObject } from '../../load/index.ts';
import { requireLoaded } from '../../load/index.ts';
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
import { FilterHook } from './filter.ts';
import type { Hook } from './hook.ts';
import { InterfaceSpot } from './interface-spot.ts';
import { hookOf } from './loose.ts';
import { XdpHook } from './xdp.ts';

/**
 * Attaches a program of a loaded object. The hook is the caller's; `close()` of it detaches only what nothing else holds.
 * Throws `load-attach-place` when the place is missing or cannot be.
 */
export function attachProgram(object: LoadedObject, name: string, place: AttachPlace = {}): Hook {
  requireLoaded('attachProgram: object', object);
  requireText('attachProgram: name', 'a string, the name of a program', name);
  requireRecord('attachProgram: place', 'an object such as { interface: "eth0" }', place);
  const { planned, attach } = planAttachment(object, name, place);
  if (planned !== undefined) attach();
  return planned ?? attach();
}

/** An attachment that can be described before it is made. */
export interface PlannedAttachment {
  /** Where it will be, for kinds that stay without a handle: a record of them comes first. Not attached yet. */
  readonly planned: Hook | undefined;
  /** Attaches; returns `planned` where there is one. */
  readonly attach: () => Hook;
}

/** What `attachProgram` does, in two steps. Throws `load-attach-place`. */
export function planAttachment(object: LoadedObject, name: string, place: AttachPlace): PlannedAttachment {
  const program = object.program(name);
  const plan = object.plan.programs.find(candidate => candidate.name === name);
  if (plan === undefined) throw usageError('load-no-program', `there is no program ${quote(name)}`);
  const candidate = { sys: program.sys, fd: program.fd.number, plan };
  switch (plan.type.progType) {
    case uapi.BPF_PROG_TYPE_XDP:
      if (place.method === 'netlink') return planXdp(program, candidate, place);
      break;
    case uapi.BPF_PROG_TYPE_SCHED_CLS:
      if (place.method === 'clsact' && netkitEnd(candidate) === undefined)
        return planFilter(program, candidate, place);
      break;
  }
  return { planned: undefined, attach: () => hookOf(attachCandidate(object, candidate, place)) };
}

function planXdp(program: BpfProgram, { sys, plan }: Candidate, place: AttachPlace): PlannedAttachment {
  const spot = InterfaceSpot.find(sys, need(plan, place.interface, 'an interface'));
  const planned = new XdpHook(sys, spot, place.mode ?? null, [program.info()]);
  const attach = () => {
    planned.attach(program);
    return planned;
  };
  return { planned, attach };
}

function planFilter(program: BpfProgram, candidate: Candidate, place: AttachPlace): PlannedAttachment {
  const { sys, fd, plan } = candidate;
  const spot = InterfaceSpot.find(sys, need(plan, place.interface, 'an interface'));
  const direction = requireDirection(candidate, place);
  const options = { direction, name: plan.name };
  const free = freePlace(sys, spot.index, direction, place.priority);
  const chosen = { ...free, ...given({ handle: place.handle }) };
  const planned = new FilterHook(sys, TcFilter.at(sys, spot.index, options, chosen), spot, [program.info()]);
  const attach = () => {
    TcFilter.attach(sys, fd, spot.index, { ...options, ...chosen });
    return planned;
  };
  return { planned, attach };
}

type Attached = Attachment | LooseAttachment;

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

/** Types that are not attached. */
const OTHERWISE = new Map([
  [uapi.BPF_PROG_TYPE_STRUCT_OPS, 'it is attached with its struct_ops map (attachOperations())'],
  [uapi.BPF_PROG_TYPE_SYSCALL, 'it runs on request (testRun())'],
  [uapi.BPF_PROG_TYPE_LWT_IN, 'attach it with a route ("ip route add … encap bpf in pinned PATH")'],
  [uapi.BPF_PROG_TYPE_LWT_OUT, 'attach it with a route ("ip route add … encap bpf out pinned PATH")'],
  [uapi.BPF_PROG_TYPE_LWT_XMIT, 'attach it with a route ("ip route add … encap bpf xmit pinned PATH")'],
  [
    uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL,
    'attach it with a route ("ip route add … encap seg6local action End.BPF …")',
  ],
  [uapi.BPF_PROG_TYPE_SCHED_ACT, 'attach it with a TC filter ("tc filter … action bpf object-pinned PATH")'],
]);

function notAttachable({ plan }: Candidate) {
  const { progType } = plan.type;
  const hint = OTHERWISE.get(progType);
  return usageError(
    'load-attach-place',
    `program ${quote(plan.name)}: programs of type ${uapi.progTypeName(progType)} cannot be attached here`,
    given({ hint }),
  );
}

function attachTc(candidate: Candidate, place: AttachPlace): Attached {
  const { sys, fd, plan } = candidate;
  const link = need(plan, place.interface, 'an interface');
  const end = netkitEnd(candidate);
  if (end !== undefined) return attachNetkit(sys, fd, link, end, place.order);
  return attachTcx(sys, fd, link, requireDirection(candidate, place), place.order);
}

/** Of programs for netkit devices. */
function netkitEnd({ plan }: Candidate): 'primary' | 'peer' | undefined {
  const { expectedAttachType } = plan.type;
  if (expectedAttachType === uapi.BPF_NETKIT_PRIMARY) return 'primary';
  return expectedAttachType === uapi.BPF_NETKIT_PEER ? 'peer' : undefined;
}

function requireDirection({ plan }: Candidate, place: AttachPlace): Direction {
  const direction = place.direction ?? directionOf(plan.type.expectedAttachType);
  const hint = 'ingress or egress (--ingress, --egress); sections like "tcx/ingress" specify it';
  return need(plan, direction, 'a direction', hint);
}

/** The direction from the section of a TC program. */
function directionOf(attachType: number): Direction | undefined {
  if (attachType === uapi.BPF_TCX_INGRESS) return 'ingress';
  return attachType === uapi.BPF_TCX_EGRESS ? 'egress' : undefined;
}

function attachToSockmap(object: LoadedObject, { sys, fd, plan }: Candidate, place: AttachPlace): Attached {
  const map = need(plan, place.sockmap, 'a map of sockets');
  const mapFd = typeof map === 'number' ? map : object.map(map).fd.number;
  return attachSockmap(sys, fd, mapFd, plan.type.expectedAttachType);
}
