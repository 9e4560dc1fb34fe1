/** Attaching a loaded program to where its section says, or to where the caller says in the program's own words. */

import { quote, usageError } from '../diag/index.ts';
import { type Attachment, attachTracepoint } from '../kernel/attachment.ts';
import {
  attachCgroup,
  attachIterator,
  attachNetfilter,
  attachNetns,
  attachReplacement,
  attachTcx,
  attachXdp,
  type Direction,
  type Order,
} from '../kernel/hooks.ts';
import type { XdpMode } from '../kernel/interface.ts';
import { TcFilter } from '../kernel/tc.ts';
import * as uapi from '../object/uapi.ts';
import type { LoadedObject } from './loaded-object.ts';
import type { ProgramPlan } from './plan.ts';

/** Where to attach; each program type wants some of these. */
export interface AttachPlace {
  /** Name or index of an interface: XDP, TC. */
  readonly interface?: string | number;
  readonly mode?: XdpMode;
  /** TC, when the section does not say it. */
  readonly direction?: Direction;
  /** TC: `tcx` (default, since Linux 6.6) or `clsact`, a filter that stays until it is removed. */
  readonly method?: 'tcx' | 'clsact';
  readonly priority?: number;
  readonly order?: Order;
  /** Directory of a cgroup. */
  readonly cgroup?: string;
  /** File of a network namespace; default the own one. */
  readonly netns?: string;
  /** Raw tracepoint, when the section does not name it. */
  readonly tracepoint?: string;
  /** Function of a loaded program that is replaced: descriptor and FUNC type. */
  readonly target?: { readonly fd: number; readonly btfId: number };
  readonly netfilter?: { readonly family: 2 | 10; readonly hook: number; readonly priority: number };
}

/** Something attached: closing it detaches. */
export type Attached = Attachment | TcFilter;

/** Attaches a program of a loaded object. Throws `load-attach-place` when the place is missing or cannot be. */
export function attachProgram(object: LoadedObject, name: string, place: AttachPlace = {}): Attached {
  const program = object.program(name);
  const plan = object.plan.programs.find(candidate => candidate.name === name);
  if (plan === undefined) throw usageError('load-no-program', `there is no program ${quote(name)}`);
  const { sys } = program;
  const fd = program.fd.number;
  const { progType, expectedAttachType, extra } = plan.type;
  switch (progType) {
    case uapi.BPF_PROG_TYPE_XDP:
      return attachXdp(sys, fd, need(plan, place.interface, 'an interface'), place.mode);
    case uapi.BPF_PROG_TYPE_SCHED_CLS:
      return attachTc(object, plan, place);
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
    case uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE: {
      const point = need(plan, place.tracepoint ?? (extra === '' ? undefined : extra), 'a tracepoint');
      return attachTracepoint(sys, fd, point, `tracepoint ${quote(point)}`);
    }
    case uapi.BPF_PROG_TYPE_TRACING:
      if (expectedAttachType === uapi.BPF_TRACE_ITER) return attachIterator(sys, fd);
      return attachTracepoint(sys, fd, '', quote(extra));
    case uapi.BPF_PROG_TYPE_LSM:
      return attachTracepoint(sys, fd, '', quote(extra));
    case uapi.BPF_PROG_TYPE_EXT: {
      const target = need(plan, place.target, 'a target program and function');
      return attachReplacement(sys, fd, target.fd, target.btfId);
    }
    case uapi.BPF_PROG_TYPE_NETFILTER: {
      const { family, hook, priority } = need(
        plan,
        place.netfilter,
        'family, hook and priority of netfilter',
      );
      return attachNetfilter(sys, fd, family, hook, priority);
    }
    default:
      throw usageError(
        'load-attach-place',
        `program ${quote(name)}: attaching programs of type ${uapi.progTypeName(progType)} is not known here`,
      );
  }
}

function attachTc(object: LoadedObject, plan: ProgramPlan, place: AttachPlace): Attached {
  const { sys, fd } = object.program(plan.name);
  const link = need(plan, place.interface, 'an interface');
  const direction = place.direction ?? directionOf(plan.type.expectedAttachType);
  const chosen = need(plan, direction, 'a direction (ingress or egress)');
  if (place.method !== 'clsact') return attachTcx(sys, fd.number, link, chosen, place.order);
  const priority = place.priority === undefined ? {} : { priority: place.priority };
  return TcFilter.attach(sys, fd.number, link, { direction: chosen, name: plan.name, ...priority });
}

function directionOf(attachType: number): Direction | undefined {
  if (attachType === uapi.BPF_TCX_INGRESS) return 'ingress';
  return attachType === uapi.BPF_TCX_EGRESS ? 'egress' : undefined;
}

function need<T>(plan: ProgramPlan, value: T | undefined, what: string): T {
  if (value !== undefined) return value;
  const type = uapi.progTypeName(plan.type.progType);
  throw usageError(
    'load-attach-place',
    `program ${quote(plan.name)} (${type}) needs ${what} to be attached to`,
  );
}
