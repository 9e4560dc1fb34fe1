/** Slots that say that what replaces them may change packets. */

import * as isa from '../../isa/index.ts';
import type { FunctionSymbol, SymbolIndex } from '../../object/index.ts';
import type { ObjectEdit } from '../stubs/index.ts';

const MOV_IMM = isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_K;
const JEQ = isa.BPF_JMP | isa.BPF_JEQ | isa.BPF_K;

function insn(opcode: number, dst = 0, src = 0, offset = 0, imm = 0): isa.Insn {
  return { opcode, dst, src, offset, imm };
}

/**
 * `slot(ctx) { if (never) helper(ctx, 0, 0, 0, 0); return slot__own(ctx); }`: the verifier takes note of the helper
 * before it finds the branch dead.
 */
export function putMarkedSlot(
  edit: ObjectEdit,
  index: SymbolIndex,
  slot: FunctionSymbol,
  helper: number,
): void {
  const proto = edit.namedPrototype(slot.btfId);
  const name = `${slot.name}__own`;
  const btfId = edit.functionType(name, proto, 'static', slot.btfId);
  const own = edit.append({ ...slot, name, binding: 'local', btfId });
  const insns = [
    insn(MOV_IMM, 0),
    insn(JEQ, 0, 0, 5, 0),
    ...[2, 3, 4, 5].map(register => insn(MOV_IMM, register)),
    insn(isa.OP_CALL, 0, 0, 0, helper),
    insn(isa.OP_CALL, 0, isa.BPF_PSEUDO_CALL, 0, -1),
    insn(isa.OP_EXIT),
  ];
  edit.replaceWithFunction(index, {
    name: slot.name,
    linkage: 'global',
    proto,
    insns,
    references: [{ insnIndex: insns.length - 2, kind: 'call', symbol: own, addend: 0 }],
    tagsOf: slot.btfId,
  });
}
