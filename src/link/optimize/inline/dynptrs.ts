/**
 * Which functions may leave a dynptr on their stack.
 *
 * A dynptr of a packet or of memory is never released: for the verifier it is in its slots until the function returns.
 * Below other functions in one frame it would stay there, and the verifier refuses helpers that write into a buffer
 * over it ("potential write to dynptr") and what was got from it once it is overwritten. So its bytes cannot be shared.
 */

import { BPF_PSEUDO_CALL, CodeView, helperId, OP_CALL } from '../../../isa/index.ts';
import {
  type BpfObject,
  type BpfSymbol,
  callGraph,
  type FunctionSymbol,
  prototypeOf,
  type SymbolIndex,
  typeBehind,
} from '../../../object/index.ts';

const DYNPTR = 'bpf_dynptr';
const CREATING: ReadonlySet<number | undefined> = new Set([
  helperId('bpf_dynptr_from_mem'),
  helperId('bpf_ringbuf_reserve_dynptr'),
]);

/** Answers for the functions of one object. */
export class Dynptrs {
  readonly #object: BpfObject;
  readonly #known = new Map<SymbolIndex, boolean>();

  constructor(object: BpfObject) {
    this.#object = object;
  }

  /** Whether the function makes a dynptr, or something that it calls, which may get a place for it in its frame. */
  mayHold(index: SymbolIndex): boolean {
    return callGraph(this.#object)
      .reach([index])
      .some(at => this.#creates(at));
  }

  #creates(index: SymbolIndex): boolean {
    const known = this.#known.get(index);
    if (known !== undefined) return known;
    const symbol = this.#object.symbols[index];
    const creates =
      symbol?.kind === 'function' && (this.#callsHelper(symbol) || this.#callsKernelFunction(symbol));
    this.#known.set(index, creates);
    return creates;
  }

  #callsHelper(symbol: FunctionSymbol): boolean {
    const code = new CodeView(symbol.code, this.#object.byteOrder);
    for (let slot = 0; slot < code.length; slot += code.width(slot)) {
      const isHelper = code.opcode(slot) === OP_CALL && code.src(slot) !== BPF_PSEUDO_CALL;
      if (isHelper && CREATING.has(code.imm(slot))) return true;
    }
    return false;
  }

  #callsKernelFunction({ references }: FunctionSymbol): boolean {
    return references.some(({ kind, symbol }) => {
      const callee = this.#object.symbols[symbol];
      return kind === 'call' && callee?.kind === 'extern' && this.#takesDynptr(callee);
    });
  }

  #takesDynptr({ btfId }: BpfSymbol): boolean {
    const { btf } = this.#object;
    const prototype = btf === null ? undefined : prototypeOf(btf, btfId);
    if (btf === null || prototype === undefined) return false;
    return prototype.params.some(({ type }) => {
      const pointer = typeBehind(btf, type);
      const target = pointer?.kind === 'ptr' ? typeBehind(btf, pointer.type) : undefined;
      return (target?.kind === 'struct' || target?.kind === 'fwd') && target.name === DYNPTR;
    });
  }
}
