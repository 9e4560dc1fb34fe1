/**
 * Signature classes: which kinds of dynamic calls a function's prototype allows.
 *
 *   A  one context pointer, returns an integer: may be replaced (freplace), tail-called, copied
 *   B  integers, context and pointers to defined structs: replaced, copied
 *   C  pointers to anything else: copied only, since the kernel's comparison for replacement refuses them
 *   D  what no global function may have (floats, structs by value, pointers returned, …): copied only, as a static function
 *
 * Source: Linux kernel/bpf/btf.c, btf_check_func_type_match() and btf_prepare_func_args().
 */

import { type Btf, type BtfId, type BtfType, skipModifiers } from '../btf/index.ts';
import { CONTEXT_STRUCTS } from '../object/context-structs.ts';

export type SignatureClass = 'A' | 'B' | 'C' | 'D';

export interface Signature {
  readonly class: SignatureClass;
  /** What put it into its class, in words; for A that it has just a context. */
  readonly reason: string;
  /** Struct name of the context that the first parameter points to; null when it is none. */
  readonly context: string | null;
  /** Parameters. */
  readonly count: number;
}

/** BPF passes arguments in r1 to r5. */
const MAX_PARAMETERS = 5;

/** The class of a FUNC type. */
export function signatureOf(btf: Btf, func: BtfId): Signature {
  const type = func === 0 ? undefined : btf.type(func);
  const proto = type?.kind === 'func' && type.type !== 0 ? btf.type(type.type) : undefined;
  if (proto?.kind !== 'func_proto')
    return { class: 'D', reason: 'it has no prototype in BTF', context: null, count: 0 };
  const { params } = proto;
  const count = params.length;
  const first = params[0];
  const pointee = first === undefined ? undefined : structBehind(btf, first.type);
  const context = pointee !== undefined && CONTEXT_STRUCTS.has(pointee) ? pointee : null;
  const returned = returnProblem(btf, proto.returns);
  if (returned !== undefined) return { class: 'D', reason: returned, context, count };
  if (count > MAX_PARAMETERS)
    return { class: 'D', reason: `it has ${count} parameters; calls pass ${MAX_PARAMETERS}`, context, count };
  let worst: { readonly class: SignatureClass; readonly reason: string } | undefined;
  params.forEach((param, index) => {
    const found = judgeParameter(btf, param.type, `parameter ${index + 1}`);
    if (found !== undefined && (worst === undefined || found.class > worst.class)) worst = found;
  });
  if (worst !== undefined) return { ...worst, context, count };
  if (count === 1 && context !== null)
    return { class: 'A', reason: 'its only parameter is the context', context, count };
  const reason =
    count === 0 ? 'it has no parameters' : 'its parameters are integers, a context and pointers to structs';
  return { class: 'B', reason, context, count };
}

function returnProblem(btf: Btf, id: BtfId): string | undefined {
  const type = resolved(btf, id);
  if (type === undefined) return 'it returns nothing (void), which global functions may only since Linux 7.1';
  if (type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64') return undefined;
  return `it returns a ${nameOfKind(type)}; only integers cross between programs`;
}

function judgeParameter(
  btf: Btf,
  id: BtfId,
  what: string,
): { readonly class: SignatureClass; readonly reason: string } | undefined {
  const type = resolved(btf, id);
  if (type === undefined) return { class: 'D', reason: 'it takes a variable number of parameters' };
  if (type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64') return undefined;
  if (type.kind !== 'ptr') return { class: 'D', reason: `${what} is a ${nameOfKind(type)} by value` };
  const target = resolved(btf, type.type);
  if (target === undefined) return { class: 'C', reason: `${what} is a pointer to void` };
  if (target.kind === 'struct' || target.kind === 'union') return undefined;
  if (target.kind === 'fwd')
    return { class: 'C', reason: `${what} is a pointer to ${target.name}, which is only declared` };
  return { class: 'C', reason: `${what} is a pointer to ${article(nameOfKind(target))}` };
}

function article(word: string): string {
  return `${/^[aeiou]/.test(word) ? 'an' : 'a'} ${word}`;
}

function nameOfKind(type: BtfType): string {
  switch (type.kind) {
    case 'ptr':
      return 'pointer';
    case 'int':
      return type.name === '' ? 'integer' : type.name;
    case 'func_proto':
      return 'function';
    default:
      return type.kind;
  }
}

/** Typedefs, qualifiers and type tags do not count; undefined for void. */
function resolved(btf: Btf, id: BtfId): BtfType | undefined {
  const bare = skipModifiers(btf, id);
  return bare === 0 ? undefined : btf.type(bare);
}

function structBehind(btf: Btf, id: BtfId): string | undefined {
  const type = resolved(btf, id);
  const target = type?.kind === 'ptr' ? resolved(btf, type.type) : undefined;
  return target?.kind === 'struct' ? target.name : undefined;
}
