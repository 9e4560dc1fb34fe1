/**
 * Signature classes: which kinds of dynamic calls a function's prototype allows.
 *
 *   A  one context pointer, returns an integer: may be replaced (freplace), tail-called, copied. A context by
 * the
 *      tag `arg:ctx` alone is one as well, but not for replacement
 *   B  integers, context and pointers to defined structs: replaced, copied
 *   C  pointers to anything else: copied only, since the kernel's comparison for replacement refuses them
 *   D  what no global function may have (floats, structs by value, pointers returned, …): copied only, as a
 * static function
 *
 * Source: Linux kernel/bpf/btf.c, btf_check_func_type_match() and btf_prepare_func_args().
 */

import { type Btf, type BtfFuncProto, type BtfId, type BtfType, resolvedType } from '../../btf/index.ts';
import { quote } from '../../diag/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  contextParameter,
  hasKnownType,
  isVerifiedContext,
  prototypeOf,
} from '../../object/index.ts';

export type SignatureClass = 'A' | 'B' | 'C' | 'D';

export interface Signature {
  readonly class: SignatureClass;
  /** Reason for its class, as text; for A that it has just a context. */
  readonly reason: string;
  /** Struct name of the context that the first parameter points to; null when it is none, or has no name. */
  readonly context: string | null;
  /**
   * Parameter (from 1) that is the context by the tag `arg:ctx` alone, which replacement does not know; 0 for
   * none.
   */
  readonly taggedContext: number;
  /** Parameters. */
  readonly count: number;
}

/** BPF passes arguments in r1 to r5. */
const MAX_PARAMETERS = 5;

/** Prototypes that cannot be read. */
export const NO_SIGNATURE: Signature = {
  class: 'D',
  reason: 'it has no prototype in BTF',
  context: null,
  taggedContext: 0,
  count: 0,
};

/**
 * The class of a FUNC type, called by programs of a type; without it, contexts of all types count as such.
 */
export function signatureOf(btf: Btf, func: BtfId, progType?: number): Signature {
  const proto = prototypeOf(btf, func);
  if (proto === undefined) return NO_SIGNATURE;
  const contexts = proto.params.map((_, at) => contextParameter(btf, func, at, progType));
  const taggedContext = contexts.findIndex(context => context?.struct === null) + 1;
  const base = { context: contexts[0]?.struct ?? null, taggedContext, count: proto.params.length };
  const judged = proto.params.map((param, at) =>
    isVerifiedContext(contexts[at]) ? undefined : judgeParameter(btf, param.type, `parameter ${at + 1}`),
  );
  return { ...classOf(btf, proto, judged, isVerifiedContext(contexts[0])), ...base };
}

/** The class of a function of an object; without a type the reason names the file that lacks it. */
export function signatureIn(object: BpfObject, symbol: BpfSymbol, progType: number | undefined): Signature {
  if (object.btf !== null && hasKnownType(object, symbol))
    return signatureOf(object.btf, symbol.btfId, progType);
  const reason = `${object.name} has no BTF for ${quote(symbol.name)} (compile with -g)`;
  return { ...NO_SIGNATURE, reason };
}

/**
 * Why the kernel does not replace a function of this signature, or replace another with it; undefined if it
 * does.
 */
export function replacementObjection({
  class: letter,
  reason,
  taggedContext,
}: Signature): string | undefined {
  if (letter !== 'A' && letter !== 'B')
    return `${reason}, which the kernel's comparison for replacement refuses`;
  if (taggedContext > 0)
    return `parameter ${taggedContext} is the context by its tag alone, which the kernel's comparison for replacement does not know`;
  return undefined;
}

interface Judgement {
  readonly class: SignatureClass;
  readonly reason: string;
}

function classOf(
  btf: Btf,
  { params, returns }: BtfFuncProto,
  judged: readonly (Judgement | undefined)[],
  hasContext: boolean,
): Judgement {
  const count = params.length;
  const returned = returnProblem(btf, returns);
  if (returned !== undefined) return { class: 'D', reason: returned };
  if (count > MAX_PARAMETERS)
    return { class: 'D', reason: `it has ${count} parameters; calls pass ${MAX_PARAMETERS}` };
  const worst = worstOf(judged);
  if (worst !== undefined) return worst;
  if (count === 1 && hasContext) return { class: 'A', reason: 'its only parameter is the context' };
  if (count === 0) return { class: 'B', reason: 'it has no parameters' };
  return { class: 'B', reason: 'its parameters are integers, a context and pointers to structs' };
}

/** The first of the worst class. */
function worstOf(judged: readonly (Judgement | undefined)[]): Judgement | undefined {
  let worst: Judgement | undefined;
  for (const found of judged)
    if (found !== undefined && (worst === undefined || found.class > worst.class)) worst = found;
  return worst;
}

function returnProblem(btf: Btf, id: BtfId): string | undefined {
  const type = resolvedType(btf, id);
  if (type === undefined) return 'it returns nothing (void), which global functions may only since Linux 7.1';
  if (type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64') return undefined;
  return `it returns a ${nameOfKind(type)}; only integers cross between programs`;
}

function judgeParameter(btf: Btf, id: BtfId, what: string): Judgement | undefined {
  const type = resolvedType(btf, id);
  if (type === undefined) return { class: 'D', reason: 'it takes a variable number of parameters' };
  if (type.kind === 'int' || type.kind === 'enum' || type.kind === 'enum64') return undefined;
  if (type.kind !== 'ptr') return { class: 'D', reason: `${what} is a ${nameOfKind(type)} by value` };
  const target = resolvedType(btf, type.type);
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
