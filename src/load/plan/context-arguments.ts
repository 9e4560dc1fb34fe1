/**
 * Parameters tagged "arg:ctx" for kernels that do not read the tag: global functions get a copy of their type for each
 * kind of program that calls them, in which the parameter points to the struct that stands for the context there.
 *
 * Mirrors bpf_program_fixup_func_info() of libbpf. Apart because only kernels before Linux 6.8 need it.
 */

import { type Btf, BtfBuilder, type BtfId, skipModifiers } from '../../btf/index.ts';
import {
  CONTEXT_TAG,
  contextNameOf,
  REGISTER_STRUCTS,
  REGISTERS_TYPEDEF,
  type TaggedParameters,
  taggedParameters,
} from '../../object/index.ts';
import * as uapi from '../../uapi/index.ts';
import type { FunctionPlan, LoadPlan, ProgramPlan } from './plan.ts';

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
  const context = contextNameOf(program.type.progType);
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
  readonly #tagged: TaggedParameters;
  readonly #builder: BtfBuilder;
  readonly #pointers = new Map<string, BtfId>();
  readonly #copies = new Map<string, BtfId>();

  constructor(types: Btf, tagged: TaggedParameters) {
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
      this.#builder.add({ kind: 'decl_tag', name: CONTEXT_TAG, type: copy, component, attribute: false });
    this.#copies.set(key, copy);
    return copy;
  }

  /** Whether a parameter can stand for the context, and its type does not say so to an older kernel. */
  #hidesContext(id: BtfId, progType: number): boolean {
    const pointer = this.#behind(id);
    if (pointer?.kind !== 'ptr') return false;
    if (progType === uapi.BPF_PROG_TYPE_KPROBE && this.#isNamed(pointer.type, REGISTERS_TYPEDEF))
      return false;
    const pointee = this.#behind(pointer.type);
    if (pointee === undefined) return true; // void *
    if (progType === uapi.BPF_PROG_TYPE_KPROBE || progType === uapi.BPF_PROG_TYPE_PERF_EVENT)
      return pointee.kind === 'struct' && REGISTER_STRUCTS.has(pointee.name);
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
