/**
 * What a chain must know of program types: the struct that programs get, the words for their verdicts, and whether the
 * kernel looks at the range of what they return.
 *
 * Sources: `linux/bpf.h` (enum xdp_action, tcx_action_base, sk_action, bpf_ret_code), `linux/netfilter.h`, and
 * check_return_code() of the kernel's verifier.
 */

import { type Problem, quote } from '../../diag/index.ts';
import { programTypeOf } from '../../object/index.ts';
import * as uapi from '../../object/uapi/uapi.ts';

/** A verdict by number, or any but 0: socket filters say how many bytes are to be kept. */
export type Verdict = number | 'not 0';

interface ChainType {
  /** Struct that a program gets a pointer to. */
  readonly context: string;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  /** The verifier refuses programs that might return anything else. */
  readonly checked: boolean;
}

const SKB = '__sk_buff';

const XDP = words({ aborted: 0, drop: 1, pass: 2, tx: 3, redirect: 4 });
const TC = words({
  unspec: -1,
  next: -1,
  ok: 0,
  pass: 0,
  reclassify: 1,
  shot: 2,
  drop: 2,
  pipe: 3,
  stolen: 4,
  queued: 5,
  repeat: 6,
  redirect: 7,
  trap: 8,
});
const TUNNEL = words({ ok: 0, pass: 0, drop: 2, redirect: 7, reroute: 128 });
const FILTER = words({ drop: 0, pass: 'not 0' });
const YES_NO = words({ drop: 0, deny: 0, pass: 1, allow: 1 });
const NETFILTER = words({ drop: 0, accept: 1, pass: 1 });
const NONE = words({});

function words(table: Readonly<Record<string, Verdict>>): ReadonlyMap<string, Verdict> {
  return new Map(Object.entries(table));
}

function chainType(context: string, verdicts: ReadonlyMap<string, Verdict>, checked = false): ChainType {
  return { context, verdicts, checked };
}

const TYPES: ReadonlyMap<number, ChainType> = new Map([
  [uapi.BPF_PROG_TYPE_XDP, chainType('xdp_md', XDP)],
  [uapi.BPF_PROG_TYPE_SCHED_CLS, chainType(SKB, TC)],
  [uapi.BPF_PROG_TYPE_SCHED_ACT, chainType(SKB, TC)],
  [uapi.BPF_PROG_TYPE_SOCKET_FILTER, chainType(SKB, FILTER)],
  [uapi.BPF_PROG_TYPE_CGROUP_SKB, chainType(SKB, YES_NO, true)],
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK, chainType('bpf_sock', YES_NO, true)],
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, chainType('bpf_sock_addr', YES_NO, true)],
  [uapi.BPF_PROG_TYPE_CGROUP_DEVICE, chainType('bpf_cgroup_dev_ctx', YES_NO, true)],
  [uapi.BPF_PROG_TYPE_CGROUP_SYSCTL, chainType('bpf_sysctl', YES_NO, true)],
  [uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT, chainType('bpf_sockopt', YES_NO, true)],
  [uapi.BPF_PROG_TYPE_SK_SKB, chainType(SKB, YES_NO)],
  [uapi.BPF_PROG_TYPE_SK_MSG, chainType('sk_msg_md', YES_NO)],
  [uapi.BPF_PROG_TYPE_SK_REUSEPORT, chainType('sk_reuseport_md', YES_NO)],
  [uapi.BPF_PROG_TYPE_SK_LOOKUP, chainType('bpf_sk_lookup', YES_NO, true)],
  [uapi.BPF_PROG_TYPE_SOCK_OPS, chainType('bpf_sock_ops', NONE, true)],
  [uapi.BPF_PROG_TYPE_NETFILTER, chainType('bpf_nf_ctx', NETFILTER, true)],
  [uapi.BPF_PROG_TYPE_LWT_IN, chainType(SKB, TUNNEL)],
  [uapi.BPF_PROG_TYPE_LWT_OUT, chainType(SKB, TUNNEL)],
  [uapi.BPF_PROG_TYPE_LWT_XMIT, chainType(SKB, TUNNEL)],
]);

/** Undefined where no chain can be made. */
function typeOf(section: string): ChainType | undefined {
  return TYPES.get(programTypeOf(section)?.progType ?? -1);
}

/** Context struct of a program section; undefined where no chain can be made. */
export function contextOf(section: string): string | undefined {
  return typeOf(section)?.context;
}

/** Whether the verifier must be able to see what the components of such a chain return. */
export function checksVerdicts(section: string): boolean {
  return typeOf(section)?.checked === true;
}

/** Verdict given by name or number; a problem that lists the names when it is neither. */
export function parseVerdict(section: string, text: string): Verdict | Problem {
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  const names = typeOf(section)?.verdicts ?? NONE;
  const value = names.get(text.toLowerCase());
  if (value !== undefined) return value;
  const known =
    names.size === 0 ? 'give a number' : `there are: ${[...names.keys()].map(quote).join(', ')}, or a number`;
  return verdictProblem(`${quote(text)} is no verdict of section ${quote(section)}; ${known}`);
}

export function verdictProblem(message: string): Problem {
  return { code: 'chain-verdict', class: 'usage', where: [], message };
}
