/**
 * Which registers can be made again before each use: those that hold a number, the address of a symbol or an address
 * in the frame, and nothing else.
 *
 * Loads and arithmetic are not repeated. A load may read something else the second time, and a packet pointer that is
 * computed again has not passed the check that the first one has passed.
 */

import { OP_LD_IMM64 } from '../../../isa/index.ts';
import type { BlockIndex, Graph } from '../ir/index.ts';
import {
  FIRST_VIRTUAL,
  type Ins,
  isCopy,
  OP_FRAME_ADDRESS,
  OP_MOVE_NUMBER,
  type Register,
  writtenRegister,
} from '../ir/index.ts';
import type { Merged } from './coalesce.ts';

const OP_MOVE_NUMBER32 = 0xb4;

/** The node that makes the value of a register, for those of `registers` whose value is always the same. */
export function rematerialisable(
  graph: Graph,
  order: readonly BlockIndex[],
  merged: Merged,
  registers: readonly Register[],
): ReadonlyMap<Register, Ins> {
  const asked = new Set(registers);
  const found = new Map<Register, Ins>();
  for (const index of order)
    for (const ins of graph.block(index).ins) {
      const written = writtenRegister(ins);
      const register = written < FIRST_VIRTUAL ? written : merged.find(written);
      if (!asked.has(register) || isCopyInside(ins, register, merged)) continue;
      const before = found.get(register);
      if (isConstant(ins) && (before === undefined || isSameConstant(before, ins))) found.set(register, ins);
      else if (asked.delete(register)) found.delete(register);
    }
  return found;
}

function isCopyInside(ins: Ins, register: Register, merged: Merged): boolean {
  return isCopy(ins) && ins.src >= FIRST_VIRTUAL && merged.find(ins.src) === register;
}

function isConstant({ opcode }: Ins): boolean {
  return (
    opcode === OP_FRAME_ADDRESS ||
    opcode === OP_LD_IMM64 ||
    opcode === OP_MOVE_NUMBER ||
    opcode === OP_MOVE_NUMBER32
  );
}

function isSameConstant(a: Ins, b: Ins): boolean {
  const isSameCode = a.opcode === b.opcode && a.src === b.src && a.imm === b.imm && a.high === b.high;
  return isSameCode && a.reference === b.reference && a.core === b.core;
}
