/**
 * Parameters tagged "arg:ctx" for kernels that do not read the tag: global functions get a copy of their type for each
 * kind of program that calls them, in which the parameter points to the struct that stands for the context there.
 *
 * Mirrors bpf_program_fixup_func_info() of libbpf. Apart because only kernels before Linux 6.8 need it.
 */

import { type Btf, BtfBuilder, type BtfId, skipModifiers } from '../btf/index.ts';
import * as uapi from '../object/uapi.ts';
import type { FunctionPlan, LoadPlan, ProgramPlan } from './plan.ts';

const TAG = 'arg:ctx';

/** Name of the context of a program type, as the kernel compares it. Other types have none: nothing can be done there. */
const CONTEXTS = new Map<number, string>([
  [uapi.BPF_PROG_TYPE_CGROUP_DEVICE, 'bpf_cgroup_dev_ctx'],
  [uapi.BPF_PROG_TYPE_CGROUP_SKB, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK, 'bpf_sock'],
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 'bpf_sock_addr'],
  [uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT, 'bpf_sockopt'],
  [uapi.BPF_PROG_TYPE_CGROUP_SYSCTL, 'bpf_sysctl'],
  [uapi.BPF_PROG_TYPE_FLOW_DISSECTOR, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_KPROBE, 'bpf_user_pt_regs_t'],
  [uapi.BPF_PROG_TYPE_LWT_IN, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_LWT_OUT, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_LWT_XMIT, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_NETFILTER, 'bpf_nf_ctx'],
  [uapi.BPF_PROG_TYPE_PERF_EVENT, 'bpf_perf_event_data'],
  [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT, 'bpf_raw_tracepoint_args'],
  [uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 'bpf_raw_tracepoint_args'],
  [uapi.BPF_PROG_TYPE_SCHED_ACT, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_SCHED_CLS, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_SK_LOOKUP, 'bpf_sk_lookup'],
  [uapi.BPF_PROG_TYPE_SK_MSG, 'sk_msg_md'],
  [uapi.BPF_PROG_TYPE_SK_REUSEPORT, 'sk_reuseport_md'],
  [uapi.BPF_PROG_TYPE_SK_SKB, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_SOCK_OPS, 'bpf_sock_ops'],
  [uapi.BPF_PROG_TYPE_SOCKET_FILTER, '__sk_buff'],
  [uapi.BPF_PROG_TYPE_XDP, 'xdp_md'],
]);

/** Registers, which probes and perf events may be written with in place of their context. */
const REGISTERS: ReadonlySet<string> = new Set(['pt_regs', 'user_pt_regs', 'user_regs_struct']);

/** Tagged parameters by function. */
type Tagged = ReadonlyMap<BtfId, readonly number[]>;

function taggedParameters(types: Btf): Tagged {
  const tagged = new Map<BtfId, number[]>();
  for (let id = 1; id <= types.count; id++) {
    const type = types.type(id);
    if (type.kind !== 'decl_tag' || type.name !== TAG || type.component < 0) continue;
    tagged.set(type.type, [...(tagged.get(type.type) ?? []), type.component]);
  }
  return tagged;
}

/** Whether the object tags any parameter as a context. */
export function tagsContexts(types: Btf): boolean {
  return taggedParameters(types).size > 0;
}

/** The plan with types of its own for each global function that takes a context by tag. */
export function withContextTypes(plan: LoadPlan): LoadPlan {
  const { types } = plan;
  if (types === null) return plan;
  const tagged = taggedParameters(types);
  if (tagged.size === 0) return plan;
  const copies = new ContextCopies(types, tagged);
  const programs = plan.programs.map(program => withCopies(program, copies));
  return { ...plan, programs, types: copies.build() };
}

function withCopies(program: ProgramPlan, copies: ContextCopies): ProgramPlan {
  const context = CONTEXTS.get(program.type.progType);
  if (context === undefined) return program;
  const functions = program.functions.map((plan): FunctionPlan => {
    const btfId = copies.of(plan.btfId, program.type.progType, context);
    return btfId === plan.btfId ? plan : { ...plan, btfId };
  });
  return { ...program, functions };
}

/** Copies of functions, one for each context. */
class ContextCopies {
  readonly #types: Btf;
  readonly #tagged: Tagged;
  readonly #builder: BtfBuilder;
  readonly #pointers = new Map<string, BtfId>();
  readonly #copies = new Map<string, BtfId>();

  constructor(types: Btf, tagged: Tagged) {
    this.#types = types;
    this.#tagged = tagged;
    this.#builder = new BtfBuilder(types);
  }

  build(): Btf {
    return this.#builder.build();
  }

  /** The function for programs of this type: itself when nothing in it has to change. */
  of(id: BtfId, progType: number, context: string): BtfId {
    const func = id === 0 ? undefined : this.#types.type(id);
    if (func?.kind !== 'func' || func.linkage !== 'global') return id;
    const proto = func.type === 0 ? undefined : this.#types.type(func.type);
    if (proto?.kind !== 'func_proto') return id;
    const changed = (this.#tagged.get(id) ?? []).filter(at => {
      const parameter = proto.params[at];
      return parameter !== undefined && this.#hidesContext(parameter.type, progType);
    });
    if (changed.length === 0) return id;
    const key = `${id} ${context}`;
    const known = this.#copies.get(key);
    if (known !== undefined) return known;
    const pointer = this.#pointerTo(context);
    const params = proto.params.map((param, at) =>
      changed.includes(at) ? { ...param, type: pointer } : param,
    );
    const copy = this.#builder.add({ ...func, type: this.#builder.add({ ...proto, params }) });
    for (const component of changed)
      this.#builder.add({ kind: 'decl_tag', name: TAG, type: copy, component, attribute: false });
    this.#copies.set(key, copy);
    return copy;
  }

  /** Whether a parameter can stand for the context, and its type does not say so to an older kernel. */
  #hidesContext(id: BtfId, progType: number): boolean {
    const pointer = this.#behind(id);
    if (pointer?.kind !== 'ptr') return false;
    if (progType === uapi.BPF_PROG_TYPE_KPROBE && this.#isNamed(pointer.type, 'bpf_user_pt_regs_t'))
      return false;
    const pointee = this.#behind(pointer.type);
    if (pointee === undefined) return true; // void *
    if (progType === uapi.BPF_PROG_TYPE_KPROBE || progType === uapi.BPF_PROG_TYPE_PERF_EVENT)
      return pointee.kind === 'struct' && REGISTERS.has(pointee.name);
    const isRaw =
      progType === uapi.BPF_PROG_TYPE_RAW_TRACEPOINT ||
      progType === uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE;
    return isRaw && pointee.kind === 'int' && pointee.size === 8;
  }

  #isNamed(id: BtfId, name: string): boolean {
    const type = id === 0 ? undefined : this.#types.type(id);
    return type?.kind === 'typedef' && type.name === name;
  }

  #behind(id: BtfId) {
    const behind = skipModifiers(this.#types, id);
    return behind === 0 ? undefined : this.#types.type(behind);
  }

  #pointerTo(context: string): BtfId {
    const known = this.#pointers.get(context);
    if (known !== undefined) return known;
    const struct = this.#builder.add({ kind: 'struct', name: context, size: 0, members: [] });
    const pointer = this.#builder.add({ kind: 'ptr', type: struct });
    this.#pointers.set(context, pointer);
    return pointer;
  }
}
