/**
 * What programs of each type return: the one table of verdicts, with the words that options take and output
 * prints.
 *
 * ```
 * type          value                    words         printed   delivered   neutral   next program runs
 * xdp           XDP_PASS                 pass          PASS      yes         yes       yes
 * cgroup/…      0                        drop, deny    DENY                            yes
 * socket        any but 0 (bytes kept)   pass          40 bytes  yes                   yes
 * ```
 *
 * After which verdicts the next program runs is a property of the hook, not of the type alone: `HookRule`.
 *
 * Sources: `linux/bpf.h` (enum xdp_action, tcx_action_base, sk_action, bpf_ret_code), `linux/pkt_cls.h`,
 * `linux/netfilter.h`, and check_return_code() of the kernel's verifier; for hooks with several programs
 * tcx_run(), netkit_run(), cls_bpf_classify() and cls_bpf_exec_opcode(), tcf_action_exec(),
 * bpf_prog_run_array_cg(), nf_hook_slow(); for XDP, where the kernel runs one, libxdp.
 */

import * as uapi from '../../uapi/index.ts';
import type { ProgramType } from './program-type.ts';

/**
 * A verdict by number; any but 0, since socket filters return how many bytes are to be kept; or any number
 * that the type has no row for.
 */
export type Verdict = number | 'not 0' | 'other';

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
const SEGMENT = TUNNEL.filter(({ value }) => value !== uapi.BPF_LWT_REROUTE);
const DISSECTOR = [
  row(uapi.BPF_OK, 'ok pass', 'delivered'),
  row(uapi.BPF_DROP, 'drop'),
  row(uapi.BPF_FLOW_DISSECTOR_CONTINUE, 'continue', 'delivered'),
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
  [uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL]: free(SEGMENT),
  [uapi.BPF_PROG_TYPE_LIRC_MODE2]: null,
  [uapi.BPF_PROG_TYPE_SK_REUSEPORT]: free(SOCKET),
  [uapi.BPF_PROG_TYPE_FLOW_DISSECTOR]: free(DISSECTOR, uapi.BPF_FLOW_DISSECTOR_CONTINUE),
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

/** Prefixes of the constants in the headers of the kernel; the first one is that of output. */
const PREFIXES: ReadonlyMap<number, readonly [string, ...string[]]> = new Map([
  [uapi.BPF_PROG_TYPE_XDP, ['XDP_'] as const],
  [uapi.BPF_PROG_TYPE_SCHED_CLS, ['TC_ACT_', 'TCX_'] as const],
  [uapi.BPF_PROG_TYPE_SCHED_ACT, ['TC_ACT_'] as const],
]);

/**
 * The verdict for a word in any case, or for the name of its constant (`pass`, `XDP_PASS`); undefined when it
 * is not one of the type.
 */
export function verdictOfWord(progType: number, word: string): Verdict | undefined {
  const upper = word.toUpperCase();
  const prefix = PREFIXES.get(progType)?.find(one => upper.startsWith(one));
  const bare = upper.slice(prefix?.length).toLowerCase();
  return rowsOf(progType).find(({ words }) => words.includes(bare))?.value;
}

/** The first word that options take for a verdict, or its number as text where it has none. */
export function verdictWord(progType: number, verdict: Verdict): string {
  const word = rowsOf(progType).find(({ value }) => value === verdict)?.words[0];
  return word ?? String(verdict);
}

/** The name of the constant of a verdict (`XDP_PASS`), or its word or number where it has none. */
export function verdictConstant(progType: number, verdict: Verdict): string {
  const word = verdictWord(progType, verdict);
  const prefix = PREFIXES.get(progType)?.[0];
  return prefix === undefined || word === String(verdict) ? word : `${prefix}${word.toUpperCase()}`;
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

// --- hooks with several programs ---------------------------------------------------------------------------

/**
 * How a hook runs its programs one after the other. `continueOn`: the next one runs after these verdicts,
 * any other is final. `all`: all of them run, and each can deny (bit 0 of the result is the conjunction).
 */
export type HookRule =
  | { readonly kind: 'first'; readonly continueOn: readonly Verdict[] }
  | { readonly kind: 'all' };

const after = (...continueOn: readonly Verdict[]): HookRule => ({ kind: 'first', continueOn });
const ALL: HookRule = { kind: 'all' };

/** tcx and netkit: only the verdict that says so. */
const NEXT = after(uapi.TC_ACT_UNSPEC);
/** Direct action of cls_bpf: whatever is not a verdict there is TC_ACT_UNSPEC. */
const CLASSIC = after(
  uapi.TC_ACT_UNSPEC,
  uapi.TC_ACT_RECLASSIFY,
  uapi.TC_ACT_PIPE,
  uapi.TC_ACT_QUEUED,
  uapi.TC_ACT_REPEAT,
  'other',
);

const RULES: ReadonlyMap<number, HookRule> = new Map([
  [uapi.BPF_PROG_TYPE_SOCKET_FILTER, after('not 0')],
  [uapi.BPF_PROG_TYPE_SCHED_CLS, CLASSIC],
  [uapi.BPF_PROG_TYPE_SCHED_ACT, after(uapi.TC_ACT_UNSPEC, uapi.TC_ACT_PIPE)],
  [uapi.BPF_PROG_TYPE_XDP, after(uapi.XDP_PASS)],
  [uapi.BPF_PROG_TYPE_CGROUP_SKB, ALL],
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK, ALL],
  [uapi.BPF_PROG_TYPE_LWT_IN, after(uapi.BPF_OK)],
  [uapi.BPF_PROG_TYPE_LWT_OUT, after(uapi.BPF_OK)],
  [uapi.BPF_PROG_TYPE_LWT_XMIT, after(uapi.BPF_OK)],
  [uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL, after(uapi.BPF_OK)],
  [uapi.BPF_PROG_TYPE_FLOW_DISSECTOR, after(uapi.BPF_FLOW_DISSECTOR_CONTINUE)],
  [uapi.BPF_PROG_TYPE_SOCK_OPS, ALL],
  [uapi.BPF_PROG_TYPE_SK_SKB, after(uapi.SK_PASS)],
  [uapi.BPF_PROG_TYPE_CGROUP_DEVICE, ALL],
  [uapi.BPF_PROG_TYPE_SK_MSG, after(uapi.SK_PASS)],
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, ALL],
  [uapi.BPF_PROG_TYPE_SK_REUSEPORT, after(uapi.SK_PASS)],
  [uapi.BPF_PROG_TYPE_CGROUP_SYSCTL, ALL],
  [uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT, ALL],
  [uapi.BPF_PROG_TYPE_SK_LOOKUP, after(uapi.SK_PASS)],
  [uapi.BPF_PROG_TYPE_NETFILTER, after(uapi.NF_ACCEPT)],
]);

/**
 * How programs of this type and attach type run one after the other; undefined where results are not
 * verdicts: a stream parser returns the length of a message.
 */
export function hookRuleOf({ progType, expectedAttachType }: HookType): HookRule | undefined {
  if (progType === uapi.BPF_PROG_TYPE_SCHED_CLS && expectedAttachType !== 0) return NEXT;
  const isParser = expectedAttachType === uapi.BPF_SK_SKB_STREAM_PARSER;
  return progType === uapi.BPF_PROG_TYPE_SK_SKB && isParser ? undefined : RULES.get(progType);
}

type HookType = Pick<ProgramType, 'progType' | 'expectedAttachType'>;

/** Attach types whose programs return a second bit, which counts when any program sets it. */
const WITH_FLAG: ReadonlySet<number> = new Set([
  uapi.BPF_CGROUP_INET_EGRESS,
  uapi.BPF_CGROUP_INET4_BIND,
  uapi.BPF_CGROUP_INET6_BIND,
]);

/** Whether bit 1 of the result is a flag (congestion; no check of CAP_NET_BIND_SERVICE). */
export function hasResultFlag({ progType, expectedAttachType }: HookType): boolean {
  return hookRuleOf({ progType, expectedAttachType })?.kind === 'all' && WITH_FLAG.has(expectedAttachType);
}

/** The numbers of the verdicts that have a row. */
export function verdictNumbers(progType: number): readonly number[] {
  return rowsOf(progType).flatMap(({ value }) => (typeof value === 'number' ? [value] : []));
}
