/**
 * Side effects of a function and its callees: changing packets, tail calls, sleeping.
 *
 * The kernel compares these for replaced functions (packet changes since Linux 6.13 and in stable kernels,
 * sleeping since 6.15), on the code as it is given, dead branches included.
 *
 * Source: Linux net/core/filter.c, bpf_helper_changes_pkt_data().
 */

import {
  BPF_PSEUDO_CALL,
  BPF_PSEUDO_KFUNC_CALL,
  CodeView,
  helperId,
  helperName,
  OP_CALL,
} from '../../isa/index.ts';
import { type BpfObject, callGraph, type FunctionSymbol, type SymbolIndex } from '../../object/index.ts';

const PACKET_CHANGING: ReadonlySet<string> = new Set([
  'bpf_skb_vlan_push',
  'bpf_skb_vlan_pop',
  'bpf_skb_store_bytes',
  'bpf_skb_change_proto',
  'bpf_skb_change_head',
  'bpf_skb_change_tail',
  'bpf_skb_pull_data',
  'bpf_skb_adjust_room',
  'bpf_l3_csum_replace',
  'bpf_l4_csum_replace',
  'bpf_clone_redirect',
  'bpf_xdp_adjust_head',
  'bpf_xdp_adjust_tail',
  'bpf_xdp_adjust_meta',
  'bpf_msg_pull_data',
  'bpf_msg_push_data',
  'bpf_msg_pop_data',
  'bpf_lwt_push_encap',
  'bpf_lwt_seg6_store_bytes',
  'bpf_lwt_seg6_adjust_srh',
  'bpf_lwt_seg6_action',
  'bpf_store_hdr_opt',
]);

const SLEEPING: ReadonlySet<string> = new Set([
  'bpf_copy_from_user',
  'bpf_copy_from_user_task',
  'bpf_ima_inode_hash',
  'bpf_ima_file_hash',
  'bpf_d_path',
]);

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
  for (const name of helpersOf(object, callGraph(object).reach([index]))) {
    if (name === 'bpf_tail_call') tailCalls = true;
    if (changesPacket === null && (PACKET_CHANGING.has(name) || name === 'bpf_tail_call'))
      changesPacket = name;
    if (sleeps === null && SLEEPING.has(name)) sleeps = name;
  }
  return { changesPacket, tailCalls, sleeps };
}

/** Names of the helpers that the functions call, in order of appearance. */
function helpersOf(object: BpfObject, functions: readonly SymbolIndex[]): string[] {
  return functions.flatMap(index => {
    const symbol = object.symbols[index];
    return symbol?.kind === 'function' ? helperCalls(object, symbol) : [];
  });
}

function helperCalls(object: BpfObject, symbol: FunctionSymbol): string[] {
  const code = new CodeView(symbol.code, object.byteOrder);
  const names: string[] = [];
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    if (code.opcode(insnIndex) !== OP_CALL) continue;
    const source = code.src(insnIndex);
    if (source === BPF_PSEUDO_CALL || source === BPF_PSEUDO_KFUNC_CALL) continue;
    const name = helperName(code.imm(insnIndex));
    if (name !== undefined) names.push(name);
  }
  return names;
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
