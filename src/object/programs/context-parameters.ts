/**
 * Which parameters of a function are the context of the program: by the name of the struct that they point
 * to, or by the declaration tag `arg:ctx`. Separate from the names, because this reads types.
 *
 * The kernel defines the layout of the context and translates every access to it, so headers of different
 * kernel versions declare different members of one struct: its name alone counts.
 */

import { type Btf, type BtfId, type BtfType, isModifier } from '../../btf/index.ts';
import { BPF_PROG_TYPE_KPROBE } from '../../uapi/index.ts';
import { isContextStruct, REGISTERS_TYPEDEF } from './context-structs.ts';

/** Declaration tag of parameters that are the context (`__arg_ctx`). */
export const CONTEXT_TAG = 'arg:ctx';

/** Tagged parameters (from 0) by FUNC type. */
export type TaggedParameters = ReadonlyMap<BtfId, readonly number[]>;

/** One walk through the types for each object; objects do not change. */
const KNOWN = new WeakMap<Btf, TaggedParameters>();

export function taggedParameters(types: Btf): TaggedParameters {
  const known = KNOWN.get(types);
  if (known !== undefined) return known;
  const tagged = new Map<BtfId, number[]>();
  for (let id = 1; id <= types.count; id++) {
    const type = types.type(id);
    if (type.kind !== 'decl_tag' || type.name !== CONTEXT_TAG || type.component < 0) continue;
    const others = tagged.get(type.type);
    if (others === undefined) tagged.set(type.type, [type.component]);
    else others.push(type.component);
  }
  KNOWN.set(types, tagged);
  return tagged;
}

/** A parameter that is the context. */
export interface ContextParameter {
  /**
   * Name of the struct (or of `bpf_user_pt_regs_t`) that the kernel knows it by; null when the tag alone says
   * it.
   */
  readonly struct: string | null;
  /** Whether the struct is more than declared. The kernel recognizes no other by its name. */
  readonly complete: boolean;
}

/**
 * How parameter `at` (from 0) of a FUNC is the context of programs of a type; undefined when it is not. By
 * name only the first parameter is: a context elsewhere is an ordinary pointer. Without `progType` the struct
 * of any type counts.
 */
export function contextParameter(
  btf: Btf,
  func: BtfId,
  at: number,
  progType?: number,
): ContextParameter | undefined {
  const param = prototypeOf(btf, func)?.params[at];
  const pointer = param === undefined ? undefined : typeBehind(btf, param.type);
  if (pointer?.kind !== 'ptr') return undefined;
  const named = at === 0 ? namedContext(btf, pointer.type, progType) : undefined;
  if (named !== undefined) return named;
  const isTagged = taggedParameters(btf).get(func)?.includes(at) === true;
  return isTagged ? { struct: null, complete: false } : undefined;
}

/** Whether the kernel, too, takes a parameter of a global function for the context. */
export function isVerifiedContext(parameter: ContextParameter | undefined): boolean {
  return parameter !== undefined && (parameter.struct === null || parameter.complete);
}

/** The prototype of a FUNC; undefined when it has none. */
export function prototypeOf(btf: Btf, func: BtfId) {
  const type = func === 0 ? undefined : btf.type(func);
  const proto = type?.kind === 'func' && type.type !== 0 ? btf.type(type.type) : undefined;
  return proto?.kind === 'func_proto' ? proto : undefined;
}

function namedContext(btf: Btf, id: BtfId, progType: number | undefined): ContextParameter | undefined {
  const isProbe = progType === undefined || progType === BPF_PROG_TYPE_KPROBE;
  if (isProbe && isBehindTypedef(btf, id, REGISTERS_TYPEDEF))
    return { struct: REGISTERS_TYPEDEF, complete: true };
  const type = typeBehind(btf, id);
  const isStruct = type?.kind === 'struct' || (type?.kind === 'fwd' && !type.union);
  if (!isStruct || !isContextStruct(type.name, progType)) return undefined;
  return { struct: type.name, complete: type.kind === 'struct' };
}

/** Whether a typedef of this name is among the typedefs and qualifiers before the type itself. */
function isBehindTypedef(btf: Btf, id: BtfId, name: string): boolean {
  for (let current = id; current !== 0; ) {
    const type = btf.type(current);
    if (!isModifier(type)) return false;
    if (type.kind === 'typedef' && type.name === name) return true;
    current = type.type;
  }
  return false;
}

/** The type behind typedefs, qualifiers and type tags, however many; undefined for void. */
export function typeBehind(btf: Btf, id: BtfId): BtfType | undefined {
  for (let current = id; current !== 0; ) {
    const type = btf.type(current);
    if (!isModifier(type)) return type;
    current = type.type;
  }
  return undefined;
}
