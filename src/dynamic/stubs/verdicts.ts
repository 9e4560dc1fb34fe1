/** What a call returns while nothing is bound: the verdict with which a program of the type has no opinion. */

import type { BpfObject, ProgramType, SymbolIndex } from '../../object/index.ts';
import * as uapi from '../../object/uapi/uapi.ts';

const XDP_PASS = 2;
const TC_ACT_UNSPEC = -1;
const ALLOW = 1;

/** Verdict of a function that takes the context alone; 0 for all others, and for types without verdicts. */
export function neutralVerdict(type: ProgramType | undefined): number {
  switch (type?.progType) {
    case uapi.BPF_PROG_TYPE_XDP:
      return XDP_PASS;
    case uapi.BPF_PROG_TYPE_SCHED_CLS:
    case uapi.BPF_PROG_TYPE_SCHED_ACT:
      return TC_ACT_UNSPEC;
    case uapi.BPF_PROG_TYPE_CGROUP_SKB:
    case uapi.BPF_PROG_TYPE_CGROUP_SOCK:
    case uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR:
    case uapi.BPF_PROG_TYPE_CGROUP_SYSCTL:
    case uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT:
    case uapi.BPF_PROG_TYPE_CGROUP_DEVICE:
    case uapi.BPF_PROG_TYPE_SK_SKB:
    case uapi.BPF_PROG_TYPE_SK_MSG:
    case uapi.BPF_PROG_TYPE_SK_LOOKUP:
    case uapi.BPF_PROG_TYPE_NETFILTER:
      return ALLOW;
    default:
      return 0;
  }
}

const TAG_PREFIX = 'rootlet:default=';

/** The default that a declaration tag of the function gives (`rootlet:default=1`); undefined without one. */
export function taggedDefault(object: BpfObject, index: SymbolIndex): number | undefined {
  const { btf } = object;
  const func = object.symbols[index]?.btfId ?? 0;
  for (let id = 1; btf !== null && func !== 0 && id <= btf.count; id++) {
    const tag = btf.type(id);
    if (tag.kind !== 'decl_tag' || tag.type !== func || tag.component >= 0) continue;
    if (!tag.name.startsWith(TAG_PREFIX)) continue;
    const value = Number(tag.name.slice(TAG_PREFIX.length));
    if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) return value;
  }
  return undefined;
}
