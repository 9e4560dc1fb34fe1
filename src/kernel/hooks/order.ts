/**
 * Hooks that run several programs one after the other (tcx, netkit, cgroups): what is on them, in which order,
 * and where a new program goes. Separate from the system calls that attach, which all take the same order.
 */

import { elementAt, given } from '../../bytes/index.ts';
import { usageError } from '../../diag/index.ts';
import {
  BPF_F_AFTER,
  BPF_F_BEFORE,
  BPF_F_ID,
  BPF_F_LINK,
  BPF_PROG_QUERY,
  EINVAL,
  ENODEV,
} from '../../uapi/index.ts';
import { bpf, decodeU32s, type Sys, syscallError } from '../sys/index.ts';
import { decodeAttr, encodeAttr, QueryAttr } from '../uapi/index.ts';

/** Where to be among programs that are there already. Without a neighbor: after all of them. */
export interface Order {
  /** Descriptor of the program or attachment that the new one goes before or after. */
  readonly before?: number;
  readonly after?: number;
  /** The neighbor is an attachment. */
  readonly isLink?: boolean;
  /** The neighbor is given by its id. */
  readonly isId?: boolean;
  /** Only if the list of programs has not changed since (revision of a query). */
  readonly revision?: bigint;
}

/** Fields of BPF_LINK_CREATE. Throws `kernel-attach-order` for a place that is before and after others. */
export function orderFields(order: Order) {
  if (order.before !== undefined && order.after !== undefined) {
    throw usageError('kernel-attach-order', 'a program cannot be attached both before and after another');
  }
  const relative = order.before ?? order.after;
  const direction = order.before !== undefined ? BPF_F_BEFORE : order.after !== undefined ? BPF_F_AFTER : 0;
  return {
    flags: direction + (order.isLink === true ? BPF_F_LINK : 0) + (order.isId === true ? BPF_F_ID : 0),
    ...given({ word: relative, wide: order.revision }),
  };
}

/** How many programs one hook of an interface can run. */
export const MAX_HOOK_PROGRAMS = 63;

/** A program on a hook that runs several. */
export interface HookProgram {
  readonly programId: number;
  /** 0 for a program that was attached without a link. */
  readonly linkId: number;
}

/** What is on a hook. */
export interface HookPrograms {
  /** In the order in which they run. */
  readonly programs: readonly HookProgram[];
  /** Changes whenever a program is attached, replaced or detached; never 0. */
  readonly revision: bigint;
}

/**
 * Programs on a hook (tcx, netkit) of an interface of the current namespace; undefined when there is no such
 * interface, or the kernel does not have this kind of hook. Throws `kernel-attachment`.
 */
export function programsOn(sys: Sys, ifindex: number, attachType: number): HookPrograms | undefined {
  const programs = new Uint8Array(MAX_HOOK_PROGRAMS * 4);
  const links = new Uint8Array(MAX_HOOK_PROGRAMS * 4);
  const attr = encodeAttr(QueryAttr, {
    target_fd: ifindex,
    attach_type: attachType,
    prog_ids: sys.addressOf(programs),
    count: MAX_HOOK_PROGRAMS,
    link_ids: sys.addressOf(links),
  });
  const result = bpf(sys, BPF_PROG_QUERY, attr, [programs, links]);
  if (result === -ENODEV || result === -EINVAL) return undefined;
  if (result < 0)
    throw syscallError('kernel-attachment', [`interface ${ifindex}`], 'listing its programs', result);
  const { count, revision } = decodeAttr(QueryAttr, attr);
  const linkIds = decodeU32s(links);
  const ids = decodeU32s(programs).slice(0, count);
  return { programs: ids.map((programId, at) => ({ programId, linkId: elementAt(linkIds, at) })), revision };
}
