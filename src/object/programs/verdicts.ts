/**
 * What programs of each type return: the one table of verdicts, with the words that options take and output
 * prints.
 *
 * ```
 * type          value                    words         printed   delivered   neutral
 * xdp           XDP_PASS                 pass          PASS      yes         yes
 * cgroup/…      0                        drop, deny    DENY
 * socket        any but 0 (bytes kept)   pass          40 bytes  yes
 * ```
 *
 * Sources: `linux/bpf.h` (enum xdp_action, tcx_action_base, sk_action, bpf_ret_code), `linux/pkt_cls.h`,
 * `linux/netfilter.h`, and check_return_code() of the kernel's verifier.
 */

import * as uapi from '../../uapi/index.ts';

/** A verdict by number, or any but 0: socket filters return how many bytes are to be kept. */
export type Verdict = number | 'not 0';

interface Row {
  readonly value: Verdict;
  /** Words for it, in lower case; none for a value that is only printed. */
  readonly words: readonly string[];
  /** The word in output. */
  readonly printed: string;
  /** The network stack goes on with the packet. */
  readonly delivered: boolean;
}

export interface VerdictTable {
  readonly rows: readonly Row[];
  /** The verifier rejects programs that might return anything else. */
  readonly checked: boolean;
  /** The neutral verdict. */
  readonly neutral: number;
}

function row(value: Verdict, words: string, delivered: 'delivered' | '' = '', printed?: string): Row {
  const all = words === '' ? [] : words.split(' ');
  return {
    value,
    words: all,
    printed: printed ?? (all[0] ?? String(value)).toUpperCase(),
    delivered: delivered !== '',
  };
}

const XDP = [
  row(uapi.XDP_ABORTED, 'aborted'),
  row(uapi.XDP_DROP, 'drop'),
  row(uapi.XDP_PASS, 'pass', 'delivered'),
  row(uapi.XDP_TX, 'tx'),
  row(uapi.XDP_REDIRECT, 'redirect'),
];
const TC = [
  row(uapi.TC_ACT_UNSPEC, 'unspec next', 'delivered'),
  row(uapi.TC_ACT_OK, 'ok pass', 'delivered'),
  row(uapi.TC_ACT_RECLASSIFY, 'reclassify', 'delivered'),
  row(uapi.TC_ACT_SHOT, 'shot drop'),
  row(uapi.TC_ACT_PIPE, 'pipe', 'delivered'),
  row(uapi.TC_ACT_STOLEN, 'stolen'),
  row(uapi.TC_ACT_QUEUED, 'queued'),
  row(uapi.TC_ACT_REPEAT, 'repeat'),
  row(uapi.TC_ACT_REDIRECT, 'redirect'),
  row(uapi.TC_ACT_TRAP, 'trap'),
];
const TUNNEL = [
  row(uapi.BPF_OK, 'ok pass', 'delivered'),
  row(uapi.BPF_DROP, 'drop'),
  row(uapi.BPF_REDIRECT, 'redirect'),
  row(uapi.BPF_LWT_REROUTE, 'reroute'),
];
/** The largest number keeps the whole packet; it has a word of its own in output only. */
const FILTER = [row(0, 'drop'), row(-1, '', 'delivered', 'ALL'), row('not 0', 'pass', 'delivered')];
const CGROUP = [row(0, 'drop deny', '', 'DENY'), row(1, 'pass allow', 'delivered', 'ALLOW')];
const SOCKET = [
  row(uapi.SK_DROP, 'drop deny', '', 'DROP'),
  row(uapi.SK_PASS, 'pass allow', 'delivered', 'PASS'),
];
const NETFILTER = [row(uapi.NF_DROP, 'drop'), row(uapi.NF_ACCEPT, 'accept pass', 'delivered')];

const free = (rows: readonly Row[], neutral = 0): VerdictTable => ({ rows, checked: false, neutral });
const checked = (rows: readonly Row[], neutral = 0): VerdictTable => ({ rows, checked: true, neutral });

/** Null: results are not verdicts on something. */
const BY_TYPE: Readonly<Record<uapi.ProgType, VerdictTable | null>> = {
  [uapi.BPF_PROG_TYPE_SOCKET_FILTER]: free(FILTER),
  [uapi.BPF_PROG_TYPE_KPROBE]: null,
  [uapi.BPF_PROG_TYPE_SCHED_CLS]: free(TC, uapi.TC_ACT_UNSPEC),
  [uapi.BPF_PROG_TYPE_SCHED_ACT]: free(TC, uapi.TC_ACT_UNSPEC),
  [uapi.BPF_PROG_TYPE_TRACEPOINT]: null,
  [uapi.BPF_PROG_TYPE_XDP]: free(XDP, uapi.XDP_PASS),
  [uapi.BPF_PROG_TYPE_PERF_EVENT]: null,
  [uapi.BPF_PROG_TYPE_CGROUP_SKB]: checked(CGROUP, 1),
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK]: checked(CGROUP, 1),
  [uapi.BPF_PROG_TYPE_LWT_IN]: free(TUNNEL),
  [uapi.BPF_PROG_TYPE_LWT_OUT]: free(TUNNEL),
  [uapi.BPF_PROG_TYPE_LWT_XMIT]: free(TUNNEL),
  [uapi.BPF_PROG_TYPE_SOCK_OPS]: checked([]),
  [uapi.BPF_PROG_TYPE_SK_SKB]: free(SOCKET, uapi.SK_PASS),
  [uapi.BPF_PROG_TYPE_CGROUP_DEVICE]: checked(CGROUP, 1),
  [uapi.BPF_PROG_TYPE_SK_MSG]: free(SOCKET, uapi.SK_PASS),
  [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT]: null,
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR]: checked(CGROUP, 1),
  [uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL]: null,
  [uapi.BPF_PROG_TYPE_LIRC_MODE2]: null,
  [uapi.BPF_PROG_TYPE_SK_REUSEPORT]: free(SOCKET),
  [uapi.BPF_PROG_TYPE_FLOW_DISSECTOR]: null,
  [uapi.BPF_PROG_TYPE_CGROUP_SYSCTL]: checked(CGROUP, 1),
  [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE]: null,
  [uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT]: checked(CGROUP, 1),
  [uapi.BPF_PROG_TYPE_TRACING]: null,
  [uapi.BPF_PROG_TYPE_STRUCT_OPS]: null,
  [uapi.BPF_PROG_TYPE_EXT]: null,
  [uapi.BPF_PROG_TYPE_LSM]: null,
  [uapi.BPF_PROG_TYPE_SK_LOOKUP]: checked(SOCKET, uapi.SK_PASS),
  [uapi.BPF_PROG_TYPE_SYSCALL]: null,
  [uapi.BPF_PROG_TYPE_NETFILTER]: checked(NETFILTER, uapi.NF_ACCEPT),
};

/** Undefined for program types whose results are not verdicts on something (tracing, LSM, struct_ops, …). */
export function verdictsOf(progType: number): VerdictTable | undefined {
  return uapi.rowOfProgType(BY_TYPE, progType) ?? undefined;
}

/** The neutral verdict of a program type; 0 for types without verdicts. */
export function neutralVerdict(progType: number): number {
  return verdictsOf(progType)?.neutral ?? 0;
}

/** Words that options take for the verdicts of a type, in the order of the table. */
export function verdictWords(progType: number): readonly string[] {
  return rowsOf(progType).flatMap(({ words }) => words);
}

/** The verdict for a word; undefined when it is not one of the type. */
export function verdictOfWord(progType: number, word: string): Verdict | undefined {
  return rowsOf(progType).find(({ words }) => words.includes(word.toLowerCase()))?.value;
}

/**
 * The word in output for what a program returned, or the number where it has none; socket filters: `40
 * bytes`.
 */
export function verdictName(progType: number, returned: number): string {
  const found = rowsOf(progType).find(({ value }) => value === (returned | 0));
  if (found !== undefined) return found.printed;
  const number = String(returned >>> 0);
  return progType === uapi.BPF_PROG_TYPE_SOCKET_FILTER ? `${number} bytes` : number;
}

/** Whether the network stack goes on with a packet when a program returned this. */
export function isDelivered(progType: number, returned: number): boolean {
  // a cgroup program may set a second bit, for congestion notification
  const verdict = progType === uapi.BPF_PROG_TYPE_CGROUP_SKB ? returned & 1 : returned | 0;
  const rows = rowsOf(progType);
  const found = rows.find(({ value }) => value === verdict) ?? rows.find(({ value }) => value === 'not 0');
  return found?.delivered === true;
}

function rowsOf(progType: number): readonly Row[] {
  return verdictsOf(progType)?.rows ?? [];
}
