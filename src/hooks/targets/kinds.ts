/**
 * Kinds of hooks: the name of each, what its target means, which programs go there; and the places that
 * targets become.
 */

import { isAbsolute } from 'node:path';
import { given } from '../../bytes/index.ts';
import { available, didYouMean, quote, usageError } from '../../diag/index.ts';
import type { Direction, IteratorScope, Order, PerfEventSpec, UserPlace } from '../../kernel/index.ts';
import type { SectionInfo } from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import { iteratorOf, netfilterOf, perfEventOf, symbolOf, userPlaceOf } from './words.ts';

/** Where to attach; each program type needs some of these. */
export interface AttachPlace {
  /** Name or index of an interface: XDP, TC, netkit. */
  readonly interface?: string | number;
  /** XDP: where it runs; default: the driver if it can, else `generic`. */
  readonly mode?: 'native' | 'generic' | 'offload';
  /** TC, if the section does not specify it. */
  readonly direction?: 'ingress' | 'egress';
  /**
   * TC: `tcx` (default, since Linux 6.6) or `clsact`, a filter that stays until it is detached. XDP: a link
   * (default, since Linux 5.9) or `netlink`, which stays likewise.
   */
  readonly method?: 'tcx' | 'clsact' | 'netlink';
  /** TC by `clsact`: lower ones run first; without it the kernel chooses. */
  readonly priority?: number;
  /** TC by `clsact`: number of the filter among those of its priority; without it the kernel chooses. */
  readonly handle?: number;
  /** tcx (since Linux 6.6), netkit (6.7), cgroups (6.17): place among other programs. */
  readonly order?: Order;
  /** Directory of a cgroup. */
  readonly cgroup?: string;
  /** File of a network namespace; default the own one. */
  readonly netns?: string;
  /** Tracepoint (`category/name`) or raw tracepoint (`name`), when the section does not name it. */
  readonly tracepoint?: string;
  /** Function of the kernel, when the section does not name it. */
  readonly kernelFunction?: { readonly symbol: string; readonly offset?: number };
  /** Functions of the kernel for SEC("kprobe.multi"); default those that match the section. */
  readonly kernelFunctions?: readonly string[];
  /** Place in an executable or library; what is missing in it is taken from the section. */
  readonly executable?: Partial<UserPlace>;
  /** Functions of `executable` for SEC("uprobe.multi"). */
  readonly functions?: readonly string[];
  /** The result of bpf_get_attach_cookie() in the program: probes, perf events, tracing. */
  readonly cookie?: bigint;
  /** Counter or clock: perf events. */
  readonly perfEvent?: PerfEventSpec;
  /** Descriptor of a socket: socket filters and SEC("sk_reuseport"). */
  readonly socket?: number;
  /** Map of sockets by its name in the object, or its descriptor: SEC("sk_msg"), SEC("sk_skb/…"). */
  readonly sockmap?: string | number;
  /** Target of an iterator. */
  readonly iterator?: IteratorScope;
  /** Function of a loaded program that is replaced: descriptor and FUNC type. */
  readonly target?: { readonly fd: number; readonly btfId: number };
  /** Netfilter (since Linux 6.4): protocol family, hook and priority, as numbers of linux/netfilter.h. */
  readonly netfilter?: { readonly family: 2 | 10; readonly hook: number; readonly priority: number };
}

/** What is given besides kind and target. */
export interface PlaceFlags {
  /** As in `AttachPlace`. */
  readonly mode?: 'native' | 'generic' | 'offload';
  /** `tc` and `tcx`: packets that come in. */
  readonly ingress?: boolean;
  /** `tc` and `tcx`: packets that go out. */
  readonly egress?: boolean;
  /** As in `AttachPlace`. */
  readonly priority?: number;
}

export interface HookKind {
  /** Program types that go there; none: not a program but a struct_ops map. */
  readonly types: readonly number[];
  /**
   * Section that programs belong in whose own one specifies no type; left out where the hook alone does not
   * tell which program type is meant.
   */
  readonly section?: string;
  /** What the target is, for messages. */
  readonly target: string;
  /** Expected attach types, where the program type alone is not sufficient. */
  readonly suits?: (type: SectionInfo) => boolean;
  readonly place: (target: string, flags: PlaceFlags) => AttachPlace;
}

const isNetkit = (type: SectionInfo) =>
  type.expectedAttachType === uapi.BPF_NETKIT_PRIMARY || type.expectedAttachType === uapi.BPF_NETKIT_PEER;
const isUser = (type: SectionInfo) => type.section.startsWith('u');

const KINDS: ReadonlyMap<string, HookKind> = new Map<string, HookKind>([
  [
    'xdp',
    {
      types: [uapi.BPF_PROG_TYPE_XDP],
      section: 'xdp',
      target: 'interface',
      place: (target, { mode }) => ({ interface: target, ...given({ mode }) }),
    },
  ],
  [
    'tcx',
    {
      types: [uapi.BPF_PROG_TYPE_SCHED_CLS],
      section: 'tc',
      target: 'interface',
      suits: type => !isNetkit(type),
      place: (target, flags) => ({ interface: target, method: 'tcx', ...directionOf(flags) }),
    },
  ],
  [
    'tc',
    {
      types: [uapi.BPF_PROG_TYPE_SCHED_CLS],
      section: 'tc',
      target: 'interface',
      suits: type => !isNetkit(type),
      place: (target, flags) => ({
        interface: target,
        method: 'clsact',
        ...directionOf(flags),
        ...given({ priority: flags.priority }),
      }),
    },
  ],
  [
    'netkit',
    {
      types: [uapi.BPF_PROG_TYPE_SCHED_CLS],
      target: 'netkit interface',
      suits: isNetkit,
      place: target => ({ interface: target }),
    },
  ],
  [
    'cgroup',
    {
      types: [
        uapi.BPF_PROG_TYPE_CGROUP_SKB,
        uapi.BPF_PROG_TYPE_CGROUP_SOCK,
        uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
        uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT,
        uapi.BPF_PROG_TYPE_CGROUP_SYSCTL,
        uapi.BPF_PROG_TYPE_CGROUP_DEVICE,
        uapi.BPF_PROG_TYPE_SOCK_OPS,
        uapi.BPF_PROG_TYPE_LSM,
      ],
      suits: type =>
        type.progType !== uapi.BPF_PROG_TYPE_LSM || type.expectedAttachType === uapi.BPF_LSM_CGROUP,
      target: 'directory of a cgroup',
      place: target => ({ cgroup: target }),
    },
  ],
  [
    'netns',
    {
      types: [uapi.BPF_PROG_TYPE_SK_LOOKUP, uapi.BPF_PROG_TYPE_FLOW_DISSECTOR],
      target: 'network namespace: its name, a file, or self',
      place: target =>
        target === 'self' ? {} : { netns: isAbsolute(target) ? target : `/run/netns/${target}` },
    },
  ],
  [
    'tracepoint',
    {
      types: [uapi.BPF_PROG_TYPE_TRACEPOINT],
      section: 'tracepoint',
      target: 'CATEGORY/NAME',
      place: target => ({ tracepoint: target }),
    },
  ],
  [
    'raw-tracepoint',
    {
      types: [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT, uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE],
      section: 'raw_tp',
      target: 'NAME of a tracepoint',
      place: target => ({ tracepoint: target }),
    },
  ],
  [
    'kprobe',
    {
      types: [uapi.BPF_PROG_TYPE_KPROBE],
      section: 'kprobe',
      target: 'FUNCTION[+OFFSET] of the kernel',
      suits: type => !isUser(type),
      place: target => ({ kernelFunction: symbolOf(target) }),
    },
  ],
  [
    'uprobe',
    {
      types: [uapi.BPF_PROG_TYPE_KPROBE],
      section: 'uprobe',
      target: 'FILE:FUNCTION[+OFFSET]',
      suits: isUser,
      place: target => ({ executable: userPlaceOf(target) }),
    },
  ],
  [
    'tracing',
    {
      types: [uapi.BPF_PROG_TYPE_TRACING],
      target: '- (the section specifies it)',
      suits: type => type.expectedAttachType !== uapi.BPF_TRACE_ITER,
      place: target => refuseTarget('tracing', target),
    },
  ],
  [
    'lsm',
    {
      types: [uapi.BPF_PROG_TYPE_LSM],
      target: '- (the section specifies it)',
      suits: type => type.expectedAttachType !== uapi.BPF_LSM_CGROUP,
      place: target => refuseTarget('lsm', target),
    },
  ],
  [
    'iter',
    {
      types: [uapi.BPF_PROG_TYPE_TRACING],
      target: '- or map:NAME, cgroup:DIRECTORY[,ORDER], task:PID, thread:TID',
      suits: type => type.expectedAttachType === uapi.BPF_TRACE_ITER,
      place: target => {
        iteratorOf(target); // opened when it is attached
        return {};
      },
    },
  ],
  [
    'perf-event',
    {
      types: [uapi.BPF_PROG_TYPE_PERF_EVENT],
      section: 'perf_event',
      target: 'EVENT,cpu=N|pid=N,freq=N|period=N',
      place: target => ({ perfEvent: perfEventOf(target) }),
    },
  ],
  [
    'netfilter',
    {
      types: [uapi.BPF_PROG_TYPE_NETFILTER],
      section: 'netfilter',
      target: 'ip|ip6:HOOK:PRIORITY',
      place: target => ({ netfilter: netfilterOf(target) }),
    },
  ],
  [
    'sockmap',
    {
      types: [uapi.BPF_PROG_TYPE_SK_MSG, uapi.BPF_PROG_TYPE_SK_SKB],
      target: 'map of sockets in the object',
      place: target => ({ sockmap: target }),
    },
  ],
  ['struct-ops', { types: [], target: 'struct_ops map in the object, or -', place: () => ({}) }],
]);

/** Every kind with what its target is, for help. */
export const HOOK_KINDS: readonly { readonly name: string; readonly target: string }[] = [...KINDS].map(
  ([name, { target }]) => ({ name, target }),
);

/** Throws `attach-kind`. */
export function requireKind(name: string): HookKind {
  const kind = KINDS.get(name);
  if (kind !== undefined) return kind;
  throw usageError('attach-kind', `there is no kind of hook ${quote(name)}`, {
    ...didYouMean(name, KINDS.keys(), available('there are', KINDS.keys())),
  });
}

function directionOf(flags: PlaceFlags): { direction?: Direction } {
  if (flags.ingress === true && flags.egress === true)
    throw usageError('attach-direction', 'give --ingress or --egress, not both');
  if (flags.ingress === true) return { direction: 'ingress' };
  return flags.egress === true ? { direction: 'egress' } : {};
}

function refuseTarget(kind: string, target: string): never {
  throw usageError(
    'attach-target',
    `${kind} programs attach to what their section names, not to ${quote(target)}`,
    {
      hint: 'write - for the target',
    },
  );
}

/** A hook as requested. */
export interface HookRequest {
  readonly kind: string;
  readonly target: string;
  readonly place: AttachPlace;
}

/** Understands KIND and TARGET; `-` leaves the target to the program's section. Throws `attach-…`. */
export function parseHook(name: string, target: string, flags: PlaceFlags = {}): HookRequest {
  const kind = requireKind(name);
  if (flags.mode !== undefined && name !== 'xdp') throw usageError('attach-mode', '--mode is for XDP');
  if ((flags.ingress === true || flags.egress === true) && name !== 'tc' && name !== 'tcx')
    throw usageError('attach-direction', '--ingress and --egress are for tc and tcx');
  if (flags.priority !== undefined && name !== 'tc')
    throw usageError('attach-priority', '--priority is for tc');
  return { kind: name, target, place: target === '-' ? {} : kind.place(target, flags) };
}

/** Whether a kind attaches a struct_ops map and not a program. */
export function isOperations({ kind }: Pick<HookRequest, 'kind'>): boolean {
  return requireKind(kind).types.length === 0;
}
