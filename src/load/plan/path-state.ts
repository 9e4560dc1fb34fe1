/**
 * What is known on one path through a program, and which ways a conditional jump certainly has: both, where
 * the verifier cannot know the result. Everything else is undecided here, as it may be decided there.
 */

import { elementAt } from '../../bytes/index.ts';
import * as isa from '../../isa/index.ts';
import * as uapi from '../../uapi/index.ts';

export type Register =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'map'; readonly map: number }
  | { readonly kind: 'context' }
  /** A word of the context, with a constant added: `data + 14`. */
  | { readonly kind: 'field'; readonly offset: number; readonly added: number }
  /** Unsigned, read from a packet or an element: the verifier knows its width only. */
  | { readonly kind: 'value'; readonly bytes: number }
  /** Result of a lookup that was not compared yet. */
  | { readonly kind: 'element' };

export const UNKNOWN: Register = { kind: 'unknown' };
const REGISTERS = 11;

/** A path up to an instruction that it did not execute yet. */
export interface PathState {
  readonly at: number;
  /** The verifier follows this path. */
  readonly certain: boolean;
  readonly registers: readonly Register[];
  /** Bytes of the packet that were compared with its end; null after a comparison that failed. */
  readonly packet: number | null;
}

/** Types of programs whose context has plain words. */
const PLAIN_CONTEXT: ReadonlySet<number> = new Set([
  uapi.BPF_PROG_TYPE_XDP,
  uapi.BPF_PROG_TYPE_SCHED_CLS,
  uapi.BPF_PROG_TYPE_SCHED_ACT,
  uapi.BPF_PROG_TYPE_CGROUP_SKB,
]);

/** The start of a program. */
export function startOf(progType: number): PathState {
  const registers = new Array<Register>(REGISTERS).fill(UNKNOWN);
  if (PLAIN_CONTEXT.has(progType)) registers[1] = { kind: 'context' };
  return { at: 0, certain: true, registers, packet: 0 };
}

/** Where a jump leads. */
export function branches(code: isa.CodeView, state: PathState): readonly PathState[] {
  const { at } = state;
  const opcode = code.opcode(at);
  if (opcode === isa.OP_EXIT) return [];
  if (isa.isGoto(opcode)) return [{ ...state, at: isa.jumpTarget(code, at) }];
  if (opcode === isa.OP_GOTOX) return [];
  const [no, yes] = [
    { ...state, at: at + 1 },
    { ...state, at: isa.jumpTarget(code, at) },
  ];
  const known = (opcode & isa.BPF_X) === 0 ? withImmediate(code, no, yes) : withPacketEnd(code, no, yes);
  return known ?? [no, yes].map(way => ({ ...way, certain: false }));
}

type Ways = readonly PathState[] | undefined;

/** `if (r0 != NULL)`, `if (protocol == 6)`. */
function withImmediate(code: isa.CodeView, no: PathState, yes: PathState): Ways {
  const at = no.at - 1;
  const operation = isa.operationOf(code.opcode(at));
  const register = code.dst(at);
  const [value, imm] = [elementAt(no.registers, register), code.imm(at)];
  const forget = (way: PathState): PathState => ({
    ...way,
    registers: way.registers.with(register, value.kind === 'element' ? value : UNKNOWN),
  });
  if (operation !== isa.BPF_JEQ && operation !== isa.BPF_JNE) return undefined;
  const [same, other] = operation === isa.BPF_JEQ ? [yes, no] : [no, yes];
  if (value.kind === 'element' && imm === 0) {
    // elements of arrays are always there where the key is constant
    return [forget(other), { ...forget(same), certain: false }];
  }
  const bytes = value.kind === 'value' ? value.bytes : value.kind === 'field' && value.added === 0 ? 4 : 0;
  const fits = bytes > 0 && imm >= 0 && imm < 2 ** (8 * bytes);
  return fits ? [forget(other), forget(same)] : undefined;
}

/** `if (data + 14 > data_end)`. */
function withPacketEnd(code: isa.CodeView, no: PathState, yes: PathState): Ways {
  const at = no.at - 1;
  const [left, right] = [code.dst(at), code.src(at)].map(register => elementAt(no.registers, register));
  if (left?.kind !== 'field' || right?.kind !== 'field' || left.offset === right.offset) return undefined;
  const reversed = right.added > 0;
  const added = reversed ? right.added : left.added;
  const greater = GREATER.has(isa.operationOf(code.opcode(at)));
  if (!greater && !LESS.has(isa.operationOf(code.opcode(at)))) return undefined;
  if (no.packet === null || added <= no.packet || (reversed && left.added !== 0)) return undefined;
  const [outside, inside] = greater === reversed ? [no, yes] : [yes, no];
  return [
    { ...outside, packet: null },
    { ...inside, packet: added },
  ];
}

const GREATER: ReadonlySet<number> = new Set([isa.BPF_JGT, isa.BPF_JGE]);
const LESS: ReadonlySet<number> = new Set([isa.BPF_JLT, isa.BPF_JLE]);
