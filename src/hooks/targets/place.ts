/** Targets of attachments, from the caller or from the section. */

import { given } from '../../bytes/index.ts';
import { quote, usageError } from '../../diag/index.ts';
import type { IteratorScope, Order, PerfEventSpec, UserPlace } from '../../kernel/index.ts';
import type { ProgramPlan } from '../../load/index.ts';
import { sectionTextOf } from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';

/** Where to attach; each program type needs some of these. */
export interface AttachPlace {
  /** Name or index of an interface: XDP, TC, netkit. */
  readonly interface?: string | number;
  /** XDP: where it runs; default: the driver if it can, else `generic`. */
  readonly mode?: 'native' | 'generic' | 'offload';
  /** TC, if the section does not specify it. */
  readonly direction?: 'ingress' | 'egress';
  /**
   * TC: `tcx` (default, since Linux 6.6) or `clsact`, a filter that stays until it is detached. XDP: a link (default,
   * since Linux 5.9) or `netlink`, which stays likewise.
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

/** A required part of the target. Throws `load-attach-place`. */
export function need<T>(plan: ProgramPlan, value: T | undefined, what: string, hint?: string): T {
  if (value !== undefined) return value;
  const type = uapi.progTypeName(plan.type.progType);
  throw usageError(
    'load-attach-place',
    `program ${quote(plan.name)} (${type}) needs ${what} to be attached to`,
    given({ hint }),
  );
}

/** Text, or nothing when there is none. */
export function unlessEmpty(text: string): string | undefined {
  return text === '' ? undefined : text;
}

/** `name+0x10` as name and offset. Throws `load-attach-place` when the number is none. */
export function splitOffset(plan: ProgramPlan, text: string): { symbol: string; offset: number } {
  const plus = text.lastIndexOf('+');
  if (plus < 0) return { symbol: text, offset: 0 };
  const offset = Number(text.slice(plus + 1));
  if (text.length === plus + 1 || !Number.isSafeInteger(offset) || offset < 0) {
    throw usageError(
      'load-attach-place',
      `program ${quote(plan.name)}: ${quote(text)} does not end with an offset`,
      { hint: 'write FUNCTION+NUMBER' },
    );
  }
  return { symbol: text.slice(0, plus), offset };
}

/** `/path/to/file:function+0x10`, `file:0x1234` or parts of it. */
export function userPlaceOf(plan: ProgramPlan): Partial<UserPlace> {
  const { extra } = sectionTextOf(plan.type);
  if (extra === '') return {};
  const colon = extra.lastIndexOf(':');
  const file = colon < 0 ? extra : extra.slice(0, colon);
  if (colon < 0) return { file };
  const rest = extra.slice(colon + 1);
  const number = Number(rest);
  if (rest !== '' && Number.isSafeInteger(number) && number >= 0) return { file, offset: number };
  return { file, ...splitOffset(plan, rest) };
}
