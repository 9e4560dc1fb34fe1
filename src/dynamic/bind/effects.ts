/**
 * Side effects of a function and its callees: changing packets, tail calls, sleeping.
 *
 * The kernel compares these for replaced functions (packet changes since Linux 6.13 and in stable kernels,
 * sleeping since 6.15), on the code as it is given, dead branches included.
 * Which helpers do what is in `isa/effects.ts`.
 */

import {
  BPF_FUNC_TAIL_CALL,
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  CodeView,
  changesPacket as helperChangesPacket,
  helperId,
  helperName,
  maySleep,
  OP_CALL,
} from '../../isa/index.ts';
import { type BpfObject, callGraph, type FunctionSymbol, type SymbolIndex } from '../../object/index.ts';

export interface Effects {
  /** Helper that may move packet data, by name; null when none is called. A tail call counts as one. */
  readonly changesPacket: string | null;
  readonly tailCalls: boolean;
  /** Helper that may sleep, by name. */
  readonly sleeps: string | null;
}

/** Why a function with these effects cannot replace another; undefined when it does not sleep. */
export function sleepObjection({ sleeps }: Effects): string | undefined {
  return sleeps === null ? undefined : `it calls ${sleeps}, which may sleep; a replacement may not`;
}

export function effectsOf(object: BpfObject, index: SymbolIndex): Effects {
  let changesPacket: string | null = null;
  let sleeps: string | null = null;
  let tailCalls = false;
  for (const helper of helpersOf(object, callGraph(object).reach([index]))) {
    if (helper === BPF_FUNC_TAIL_CALL) tailCalls = true;
    if (changesPacket === null && helperChangesPacket(helper)) changesPacket = helperName(helper) ?? null;
    if (sleeps === null && maySleep(helper)) sleeps = helperName(helper) ?? null;
  }
  return { changesPacket, tailCalls, sleeps };
}

/** Numbers of the helpers that the functions call, in order of appearance. */
function helpersOf(object: BpfObject, functions: readonly SymbolIndex[]): number[] {
  return functions.flatMap(index => {
    const symbol = object.symbols[index];
    return symbol?.kind === 'function' ? helperCalls(object, symbol) : [];
  });
}

function helperCalls(object: BpfObject, symbol: FunctionSymbol): number[] {
  const code = new CodeView(symbol.code, object.byteOrder);
  const helpers: number[] = [];
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    if (code.opcode(insnIndex) !== OP_CALL) continue;
    const source = code.src(insnIndex);
    if (source === BPF_PSEUDO_CALL || source === BPF_PSEUDO_KFUNC_CALL) continue;
    helpers.push(code.imm(insnIndex));
  }
  return helpers;
}

/**
 * A helper that a stub calls on a branch that is never taken, to say that what replaces it may change
 * packets; undefined where the context has none.
 */
export function packetMarker(context: string | null): number | undefined {
  const name = context === null ? undefined : MARKERS.get(context);
  return name === undefined ? undefined : helperId(name);
}

const MARKERS: ReadonlyMap<string, string> = new Map([
  ['xdp_md', 'bpf_xdp_adjust_tail'],
  ['__sk_buff', 'bpf_skb_pull_data'],
  ['sk_msg_md', 'bpf_msg_pull_data'],
]);
