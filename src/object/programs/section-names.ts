/**
 * Properties of a program from its section name: type, expected attach type and load flags.
 *
 * The table and its matching rules mirror libbpf (1.0 and later): a name marked `+` matches itself and
 * `name/extra`; any other name must match exactly, so `SEC("xdp/foo")` is not a program type. A leading `?`
 * disables autoload and is not part of the name.
 */

import { nearestNames } from '../../diag/index.ts';
import * as uapi from '../../uapi/index.ts';
import type { ProgramType } from './program-type.ts';

/** What a section name says: the type of its programs, and what they are for. */
export interface SectionInfo extends ProgramType {
  /**
   * What follows the first `/` after the matched name: target function, tracepoint, …; '' when nothing does.
   */
  readonly extra: string;
  /** The matched name, without `+` and extra. */
  readonly section: string;
  /** False for `SEC("?…")`. */
  readonly autoload: boolean;
}

/** What the section of a program says; undefined for a type that no section gave. */
export function sectionInfoOf(type: ProgramType | SectionInfo): SectionInfo | undefined {
  return 'section' in type ? type : undefined;
}

/** Its name and what follows it; both empty for a type that no section gave. */
export function sectionTextOf(type: ProgramType | SectionInfo): Pick<SectionInfo, 'section' | 'extra'> {
  return sectionInfoOf(type) ?? { section: '', extra: '' };
}

/**
 * Name, program type, expected attach type, traits: s sleepable, f XDP frags, b attach BTF id, o attach type
 * optional.
 */
type Row = readonly [name: string, progType: number, attachType: number, traits?: string];

const ROWS: readonly Row[] = [
  ['socket', uapi.BPF_PROG_TYPE_SOCKET_FILTER, 0],
  ['sk_reuseport/migrate', uapi.BPF_PROG_TYPE_SK_REUSEPORT, uapi.BPF_SK_REUSEPORT_SELECT_OR_MIGRATE],
  ['sk_reuseport', uapi.BPF_PROG_TYPE_SK_REUSEPORT, uapi.BPF_SK_REUSEPORT_SELECT],
  ['kprobe+', uapi.BPF_PROG_TYPE_KPROBE, 0],
  ['uprobe+', uapi.BPF_PROG_TYPE_KPROBE, 0],
  ['uprobe.s+', uapi.BPF_PROG_TYPE_KPROBE, 0, 's'],
  ['kretprobe+', uapi.BPF_PROG_TYPE_KPROBE, 0],
  ['uretprobe+', uapi.BPF_PROG_TYPE_KPROBE, 0],
  ['uretprobe.s+', uapi.BPF_PROG_TYPE_KPROBE, 0, 's'],
  ['kprobe.multi+', uapi.BPF_PROG_TYPE_KPROBE, uapi.BPF_TRACE_KPROBE_MULTI],
  ['kretprobe.multi+', uapi.BPF_PROG_TYPE_KPROBE, uapi.BPF_TRACE_KPROBE_MULTI],
  ['kprobe.session+', uapi.BPF_PROG_TYPE_KPROBE, uapi.BPF_TRACE_KPROBE_SESSION],
  ['uprobe.multi+', uapi.BPF_PROG_TYPE_KPROBE, uapi.BPF_TRACE_UPROBE_MULTI],
  ['uretprobe.multi+', uapi.BPF_PROG_TYPE_KPROBE, uapi.BPF_TRACE_UPROBE_MULTI],
  ['uprobe.session+', uapi.BPF_PROG_TYPE_KPROBE, uapi.BPF_TRACE_UPROBE_SESSION],
  ['uprobe.multi.s+', uapi.BPF_PROG_TYPE_KPROBE, uapi.BPF_TRACE_UPROBE_MULTI, 's'],
  ['uretprobe.multi.s+', uapi.BPF_PROG_TYPE_KPROBE, uapi.BPF_TRACE_UPROBE_MULTI, 's'],
  ['uprobe.session.s+', uapi.BPF_PROG_TYPE_KPROBE, uapi.BPF_TRACE_UPROBE_SESSION, 's'],
  ['ksyscall+', uapi.BPF_PROG_TYPE_KPROBE, 0],
  ['kretsyscall+', uapi.BPF_PROG_TYPE_KPROBE, 0],
  ['usdt+', uapi.BPF_PROG_TYPE_KPROBE, 0],
  ['usdt.s+', uapi.BPF_PROG_TYPE_KPROBE, 0, 's'],
  ['tc/ingress', uapi.BPF_PROG_TYPE_SCHED_CLS, uapi.BPF_TCX_INGRESS],
  ['tc/egress', uapi.BPF_PROG_TYPE_SCHED_CLS, uapi.BPF_TCX_EGRESS],
  ['tcx/ingress', uapi.BPF_PROG_TYPE_SCHED_CLS, uapi.BPF_TCX_INGRESS],
  ['tcx/egress', uapi.BPF_PROG_TYPE_SCHED_CLS, uapi.BPF_TCX_EGRESS],
  ['tc', uapi.BPF_PROG_TYPE_SCHED_CLS, 0],
  ['classifier', uapi.BPF_PROG_TYPE_SCHED_CLS, 0],
  ['action', uapi.BPF_PROG_TYPE_SCHED_ACT, 0],
  ['netkit/primary', uapi.BPF_PROG_TYPE_SCHED_CLS, uapi.BPF_NETKIT_PRIMARY],
  ['netkit/peer', uapi.BPF_PROG_TYPE_SCHED_CLS, uapi.BPF_NETKIT_PEER],
  ['tracepoint+', uapi.BPF_PROG_TYPE_TRACEPOINT, 0],
  ['tp+', uapi.BPF_PROG_TYPE_TRACEPOINT, 0],
  ['raw_tracepoint+', uapi.BPF_PROG_TYPE_RAW_TRACEPOINT, 0],
  ['raw_tp+', uapi.BPF_PROG_TYPE_RAW_TRACEPOINT, 0],
  ['raw_tracepoint.w+', uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0],
  ['raw_tp.w+', uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0],
  ['tp_btf+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_RAW_TP, 'b'],
  ['fentry+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_FENTRY, 'b'],
  ['fmod_ret+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_MODIFY_RETURN, 'b'],
  ['fexit+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_FEXIT, 'b'],
  ['fentry.s+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_FENTRY, 'bs'],
  ['fmod_ret.s+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_MODIFY_RETURN, 'bs'],
  ['fexit.s+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_FEXIT, 'bs'],
  ['fsession+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_FSESSION, 'b'],
  ['fsession.s+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_FSESSION, 'bs'],
  ['freplace+', uapi.BPF_PROG_TYPE_EXT, 0, 'b'],
  ['lsm+', uapi.BPF_PROG_TYPE_LSM, uapi.BPF_LSM_MAC, 'b'],
  ['lsm.s+', uapi.BPF_PROG_TYPE_LSM, uapi.BPF_LSM_MAC, 'bs'],
  ['lsm_cgroup+', uapi.BPF_PROG_TYPE_LSM, uapi.BPF_LSM_CGROUP, 'b'],
  ['iter+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_ITER, 'b'],
  ['iter.s+', uapi.BPF_PROG_TYPE_TRACING, uapi.BPF_TRACE_ITER, 'bs'],
  ['syscall', uapi.BPF_PROG_TYPE_SYSCALL, 0, 's'],
  ['xdp.frags/devmap', uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP_DEVMAP, 'f'],
  ['xdp/devmap', uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP_DEVMAP],
  ['xdp.frags/cpumap', uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP_CPUMAP, 'f'],
  ['xdp/cpumap', uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP_CPUMAP],
  ['xdp.frags', uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP, 'f'],
  ['xdp', uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP, 'o'],
  ['perf_event', uapi.BPF_PROG_TYPE_PERF_EVENT, 0],
  ['lwt_in', uapi.BPF_PROG_TYPE_LWT_IN, 0],
  ['lwt_out', uapi.BPF_PROG_TYPE_LWT_OUT, 0],
  ['lwt_xmit', uapi.BPF_PROG_TYPE_LWT_XMIT, 0],
  ['lwt_seg6local', uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL, 0],
  ['sockops', uapi.BPF_PROG_TYPE_SOCK_OPS, uapi.BPF_CGROUP_SOCK_OPS, 'o'],
  ['sk_skb/stream_parser', uapi.BPF_PROG_TYPE_SK_SKB, uapi.BPF_SK_SKB_STREAM_PARSER, 'o'],
  ['sk_skb/stream_verdict', uapi.BPF_PROG_TYPE_SK_SKB, uapi.BPF_SK_SKB_STREAM_VERDICT, 'o'],
  ['sk_skb/verdict', uapi.BPF_PROG_TYPE_SK_SKB, uapi.BPF_SK_SKB_VERDICT, 'o'],
  ['sk_skb', uapi.BPF_PROG_TYPE_SK_SKB, 0],
  ['sk_msg', uapi.BPF_PROG_TYPE_SK_MSG, uapi.BPF_SK_MSG_VERDICT, 'o'],
  ['lirc_mode2', uapi.BPF_PROG_TYPE_LIRC_MODE2, uapi.BPF_LIRC_MODE2, 'o'],
  ['flow_dissector', uapi.BPF_PROG_TYPE_FLOW_DISSECTOR, uapi.BPF_FLOW_DISSECTOR, 'o'],
  ['cgroup_skb/ingress', uapi.BPF_PROG_TYPE_CGROUP_SKB, uapi.BPF_CGROUP_INET_INGRESS, 'o'],
  ['cgroup_skb/egress', uapi.BPF_PROG_TYPE_CGROUP_SKB, uapi.BPF_CGROUP_INET_EGRESS, 'o'],
  ['cgroup/skb', uapi.BPF_PROG_TYPE_CGROUP_SKB, 0],
  ['cgroup/sock_create', uapi.BPF_PROG_TYPE_CGROUP_SOCK, uapi.BPF_CGROUP_INET_SOCK_CREATE],
  ['cgroup/sock_release', uapi.BPF_PROG_TYPE_CGROUP_SOCK, uapi.BPF_CGROUP_INET_SOCK_RELEASE],
  ['cgroup/sock', uapi.BPF_PROG_TYPE_CGROUP_SOCK, uapi.BPF_CGROUP_INET_SOCK_CREATE, 'o'],
  ['cgroup/post_bind4', uapi.BPF_PROG_TYPE_CGROUP_SOCK, uapi.BPF_CGROUP_INET4_POST_BIND],
  ['cgroup/post_bind6', uapi.BPF_PROG_TYPE_CGROUP_SOCK, uapi.BPF_CGROUP_INET6_POST_BIND],
  ['cgroup/bind4', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_INET4_BIND],
  ['cgroup/bind6', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_INET6_BIND],
  ['cgroup/connect4', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_INET4_CONNECT],
  ['cgroup/connect6', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_INET6_CONNECT],
  ['cgroup/connect_unix', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_UNIX_CONNECT],
  ['cgroup/sendmsg4', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_UDP4_SENDMSG],
  ['cgroup/sendmsg6', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_UDP6_SENDMSG],
  ['cgroup/sendmsg_unix', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_UNIX_SENDMSG],
  ['cgroup/recvmsg4', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_UDP4_RECVMSG],
  ['cgroup/recvmsg6', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_UDP6_RECVMSG],
  ['cgroup/recvmsg_unix', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_UNIX_RECVMSG],
  ['cgroup/getpeername4', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_INET4_GETPEERNAME],
  ['cgroup/getpeername6', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_INET6_GETPEERNAME],
  ['cgroup/getpeername_unix', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_UNIX_GETPEERNAME],
  ['cgroup/getsockname4', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_INET4_GETSOCKNAME],
  ['cgroup/getsockname6', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_INET6_GETSOCKNAME],
  ['cgroup/getsockname_unix', uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, uapi.BPF_CGROUP_UNIX_GETSOCKNAME],
  ['cgroup/sysctl', uapi.BPF_PROG_TYPE_CGROUP_SYSCTL, uapi.BPF_CGROUP_SYSCTL],
  ['cgroup/getsockopt', uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT, uapi.BPF_CGROUP_GETSOCKOPT],
  ['cgroup/setsockopt', uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT, uapi.BPF_CGROUP_SETSOCKOPT],
  ['cgroup/dev', uapi.BPF_PROG_TYPE_CGROUP_DEVICE, uapi.BPF_CGROUP_DEVICE, 'o'],
  ['struct_ops+', uapi.BPF_PROG_TYPE_STRUCT_OPS, 0],
  ['struct_ops.s+', uapi.BPF_PROG_TYPE_STRUCT_OPS, 0, 's'],
  ['sk_lookup', uapi.BPF_PROG_TYPE_SK_LOOKUP, uapi.BPF_SK_LOOKUP],
  ['netfilter', uapi.BPF_PROG_TYPE_NETFILTER, uapi.BPF_NETFILTER],
];

/** Rows by name without `+`; `extended`: `name/extra` is allowed. */
const TABLE: ReadonlyMap<string, { readonly row: Row; readonly extended: boolean }> = new Map(
  ROWS.map(row => {
    const extended = row[0].endsWith('+');
    return [extended ? row[0].slice(0, -1) : row[0], { row, extended }];
  }),
);

/** Properties of the program from its section, or undefined if the name has no program type. */
export function programTypeOf(sectionName: string): SectionInfo | undefined {
  const autoload = !sectionName.startsWith('?');
  const name = autoload ? sectionName : sectionName.slice(1);
  const exact = TABLE.get(name);
  if (exact !== undefined) return infoOf(exact.row, name, '', autoload);
  const slash = name.indexOf('/');
  if (slash < 0) return undefined;
  const section = name.slice(0, slash);
  const prefix = TABLE.get(section);
  if (prefix === undefined || !prefix.extended) return undefined;
  return infoOf(prefix.row, section, name.slice(slash + 1), autoload);
}

/** The known name that was most likely meant: the one before the first `/`, if it is a type without extra. */
export function suggestSectionName(sectionName: string): string | undefined {
  const name = sectionName.startsWith('?') ? sectionName.slice(1) : sectionName;
  const slash = name.indexOf('/');
  const underscore = name.indexOf('_');
  const candidates = [slash, underscore].filter(at => at > 0).map(at => name.slice(0, at));
  return candidates.find(candidate => TABLE.has(candidate));
}

/**
 * Known names that differ from a section name by a typo after the first letter, nearest first: of what is before
 * its first `/` where the table allows more there, else of the whole name.
 */
export function nearSectionNames(sectionName: string): string[] {
  const alike = (extended: boolean) =>
    [...TABLE].flatMap(([name, entry]) =>
      name[0] === sectionName[0] && (entry.extended || !extended) ? [name] : [],
    );
  const slash = sectionName.indexOf('/');
  const heads = slash < 0 ? [] : nearestNames(sectionName.slice(0, slash), alike(true));
  if (heads.length > 0) return heads.map(name => `${name}${sectionName.slice(slash)}`);
  return nearestNames(sectionName, alike(false));
}

/** All section names of the table, without `+`, for messages and completion. */
export function knownSectionNames(): readonly string[] {
  return [...TABLE.keys()];
}

function infoOf(row: Row, section: string, extra: string, autoload: boolean): SectionInfo {
  const [, progType, expectedAttachType, traits = ''] = row;
  const sleepable = traits.includes('s') ? uapi.BPF_F_SLEEPABLE : 0;
  const frags = traits.includes('f') ? uapi.BPF_F_XDP_HAS_FRAGS : 0;
  return {
    progType,
    expectedAttachType,
    flags: sleepable + frags,
    attachBtf: traits.includes('b'),
    attachTypeOptional: traits.includes('o'),
    extra,
    section,
    autoload,
  };
}
