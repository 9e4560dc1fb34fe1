/** Attaching to each kind of hook by its native target: interface, cgroup, namespace, function. */

import { closeSync, constants, openSync } from 'node:fs';
import { quote } from '../../diag/index.ts';
import {
  BPF_ITER_CREATE,
  BPF_LINK_CREATE,
  BPF_NETFILTER,
  BPF_NETKIT_PEER,
  BPF_NETKIT_PRIMARY,
  BPF_TCX_EGRESS,
  BPF_TCX_INGRESS,
  BPF_TRACE_ITER,
  BPF_XDP,
  E2BIG,
  EACCES,
  EBADF,
  EBUSY,
  EEXIST,
  EINVAL,
  ENOTSUPP,
  EOPNOTSUPP,
  ERANGE,
} from '../../uapi/index.ts';
import { openById, readProgramInfo } from '../objects/index.ts';
import { bpf, encodeU32s, errnoOf, Fd, type Sys, syscallError } from '../sys/index.ts';
import { encodeAttr, IterCreateAttr, LinkCreateIterAttr, LinkCreateNetfilterAttr } from '../uapi/index.ts';
import { type Attachment, adoptLink, attach } from './attachment.ts';
import { type InterfaceInfo, readInterface, type XdpMode, xdpModeFlag } from './interface.ts';
import { MAX_HOOK_PROGRAMS, type Order, orderFields } from './order.ts';

/**
 * XDP on an interface (since Linux 5.9). Without a mode the kernel chooses; a requested mode is never
 * changed.
 */
export function attachXdp(
  sys: Sys,
  programFd: number,
  nameOrIndex: string | number,
  mode?: XdpMode,
): Attachment {
  const link = readInterface(sys, nameOrIndex);
  const place = `interface ${quote(link.name)}`;
  return attach(
    sys,
    { programFd, target: link.index, attachType: BPF_XDP, flags: xdpModeFlag(mode) },
    place,
    errno => {
      if (errno === EBUSY || errno === EEXIST) return xdpThere(sys, link);
      if (errno === EOPNOTSUPP && mode === 'native')
        return 'the driver has no native XDP; mode "generic" works everywhere';
      if (errno === ERANGE)
        return 'packets can be larger than a program without frags can access: lower the MTU (of both ends), or use SEC("xdp.frags")';
      if (mode === 'offload')
        return 'needs a card with XDP offload, and a program loaded for it; "native" and "generic" run here';
      return undefined;
    },
  );
}

function xdpThere(sys: Sys, { xdp }: InterfaceInfo): string {
  const ids = Object.entries(xdp).flatMap(([mode, id]) =>
    id === 0 ? [] : [`${id}${programName(sys, id)} (${mode})`],
  );
  const which = ids.length === 0 ? '' : `: ${ids.join(', ')}; "rootlet ps --all" shows whose it is`;
  return `another XDP program is there already${which}`;
}

/** In quotes after a space; '' where the program is gone or this process may not ask. */
function programName(sys: Sys, id: number): string {
  try {
    using fd = openById(sys, 'program', id);
    return fd === undefined ? '' : ` ${quote(readProgramInfo(sys, fd.number).name)}`;
  } catch {
    return '';
  }
}

export type Direction = 'ingress' | 'egress';

/** TC on an interface by tcx (since Linux 6.6). */
export function attachTcx(
  sys: Sys,
  programFd: number,
  nameOrIndex: string | number,
  direction: Direction,
  order: Order = {},
): Attachment {
  const link = readInterface(sys, nameOrIndex);
  return attach(
    sys,
    { programFd, target: link.index, attachType: tcxAttachType(direction), ...orderFields(order) },
    `interface ${quote(link.name)} ${direction}`,
    tcxHint,
  );
}

/** BPF_TCX_INGRESS or BPF_TCX_EGRESS. */
export function tcxAttachType(direction: Direction): number {
  return direction === 'ingress' ? BPF_TCX_INGRESS : BPF_TCX_EGRESS;
}

function tcxHint(errno: number): string | undefined {
  if (errno === EINVAL) return 'tcx needs Linux 6.6; attachTc() works on older kernels';
  if (errno === ERANGE) return `a tcx hook runs at most ${MAX_HOOK_PROGRAMS} programs`;
  return errno === EEXIST ? 'this program is on the hook already: load it a second time' : undefined;
}

/** A cgroup's directory (since Linux 5.7). `attachType` as in the program's section. */
export function attachCgroup(
  sys: Sys,
  programFd: number,
  directory: string,
  attachType: number,
  order: Order = {},
): Attachment {
  return withOpen(directory, target =>
    attach(
      sys,
      { programFd, target, attachType, ...orderFields(order) },
      `cgroup ${quote(directory)}`,
      errno => (errno === EBADF ? 'this is not a directory of a cgroup file system (cgroup2)' : undefined),
    ),
  );
}

/**
 * A network namespace (flow dissectors and socket look-ups, since Linux 5.8); default the one of this
 * process.
 */
export function attachNetns(
  sys: Sys,
  programFd: number,
  attachType: number,
  path = '/proc/self/ns/net',
): Attachment {
  return withOpen(path, target =>
    attach(sys, { programFd, target, attachType }, `network namespace ${quote(path)}`, errno =>
      errno === EEXIST ? 'the network namespace has one already' : undefined,
    ),
  );
}

/**
 * Replaces a function of a loaded program (since Linux 5.10); `btfId` is its FUNC in that program's types.
 */
export function attachReplacement(sys: Sys, programFd: number, targetFd: number, btfId: number): Attachment {
  return attach(
    sys,
    { programFd, target: targetFd, attachType: 0, word: btfId },
    'function of a program',
    errno => {
      if (errno === EBUSY)
        return 'the function is replaced or traced by another program, or is being released';
      if (errno === ENOTSUPP) return 'function replacement needs a JIT that supports it';
      if (errno === EINVAL) return 'prototype, program type or expected attach type differ';
      return undefined;
    },
  );
}

/**
 * A netfilter hook (since Linux 6.4). `family` NFPROTO_IPV4 2 or IPV6 10; `hook` NF_INET_…; lower priority
 * first.
 */
export function attachNetfilter(
  sys: Sys,
  programFd: number,
  family: 2 | 10,
  hook: number,
  priority: number,
): Attachment {
  const attr = encodeAttr(LinkCreateNetfilterAttr, {
    prog_fd: programFd,
    attach_type: BPF_NETFILTER,
    pf: family,
    hooknum: hook,
    priority,
  });
  return adoptLink(sys, bpf(sys, BPF_LINK_CREATE, attr), 'netfilter', () => undefined);
}

/** Target of an iterator, for kinds that have one (`task` and `cgroup`: since Linux 6.1). */
export type IteratorScope =
  | { readonly kind: 'map'; readonly fd: number }
  | { readonly kind: 'cgroup'; readonly fd: number; readonly order: 'self' | 'descendants' | 'ancestors' }
  | { readonly kind: 'task'; readonly pid?: number; readonly tid?: number };

const CGROUP_ORDERS = { self: 1, descendants: 2, ancestors: 4 } as const;

/** An iterator; what it writes is read from `openIterator()`. */
export function attachIterator(sys: Sys, programFd: number, scope?: IteratorScope): Attachment {
  const info = scope === undefined ? new Uint8Array(0) : encodeU32s(scopeWords(scope));
  const attr = encodeAttr(LinkCreateIterAttr, {
    prog_fd: programFd,
    attach_type: BPF_TRACE_ITER,
    iter_info: sys.addressOf(info),
    iter_info_len: info.length,
  });
  return adoptLink(sys, bpf(sys, BPF_LINK_CREATE, attr, [info]), 'iterator', errno => {
    if (errno === E2BIG) return 'iterators over one task or cgroup need Linux 6.1';
    return errno === EINVAL || errno === EBADF
      ? 'this iterator may need a target, and accepts only its own kind of target'
      : undefined;
  });
}

/** union bpf_iter_link_info: 16 bytes. */
function scopeWords(scope: IteratorScope): number[] {
  switch (scope.kind) {
    case 'map':
      return [scope.fd, 0, 0, 0];
    case 'cgroup':
      return [CGROUP_ORDERS[scope.order], scope.fd, 0, 0];
    case 'task':
      return [scope.tid ?? 0, scope.pid ?? 0, 0, 0];
  }
}

/**
 * A netkit device (since Linux 6.7): the end that it is named by (`primary`) or the one in the container
 * (`peer`).
 */
export function attachNetkit(
  sys: Sys,
  programFd: number,
  nameOrIndex: string | number,
  end: 'primary' | 'peer',
  order: Order = {},
): Attachment {
  const link = readInterface(sys, nameOrIndex);
  const attachType = end === 'primary' ? BPF_NETKIT_PRIMARY : BPF_NETKIT_PEER;
  return attach(
    sys,
    { programFd, target: link.index, attachType, ...orderFields(order) },
    `netkit ${quote(link.name)} (${end})`,
    errno =>
      errno === EINVAL || errno === EACCES
        ? 'netkit needs Linux 6.7, and the primary end of a netkit device of this namespace'
        : undefined,
  );
}

/** fentry, fexit, fmod_ret, LSM and typed tracepoints with a cookie (since Linux 5.19). */
export function attachTracing(
  sys: Sys,
  programFd: number,
  attachType: number,
  place: string,
  cookie: bigint,
): Attachment {
  return attach(sys, { programFd, target: 0, attachType, wide: cookie }, place, errno =>
    errno === EINVAL ? 'cookies of tracing programs need Linux 5.19' : undefined,
  );
}

/** A descriptor to read one run of an iterator from. */
export function openIterator(attachment: Attachment): Fd {
  const result = bpf(
    attachment.sys,
    BPF_ITER_CREATE,
    encodeAttr(IterCreateAttr, { link_fd: attachment.fd.number }),
  );
  if (result < 0) throw syscallError('kernel-iterator', [], 'starting an iterator', result);
  return Fd.adopt(attachment.sys, result);
}

function withOpen<T>(path: string, body: (fd: number) => T): T {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK); // a pipe is not waited for
  } catch (error) {
    throw syscallError('kernel-attach', [], `opening ${quote(path)}`, -errnoOf(error));
  }
  try {
    return body(fd);
  } finally {
    closeSync(fd);
  }
}
