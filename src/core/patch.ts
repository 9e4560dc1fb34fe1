/**
 * Writing a relocated value into its instruction.
 *
 * Mirrors bpf_core_patch_insn() of libbpf. An instruction that cannot work at run time becomes a call of a
 * helper that no kernel has: harmless while it is dead code, and named by the verifier when it is not.
 */

import { inputError } from '../diag/index.ts';
import {
  accessSize,
  BPF_ALU,
  BPF_ALU64,
  BPF_B,
  BPF_DW,
  BPF_H,
  BPF_LD,
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  BPF_W,
  BPF_X,
  type CodeView,
  classOf,
  OP_CALL,
  OP_LD_IMM64,
} from '../isa/index.ts';

/** libbpf's own number, 0xbad2310, so the verifier's message is the familiar one. */
export const BAD_RELOCATION = 195_896_080;

export interface Patch {
  readonly before: bigint;
  readonly after: bigint;
  /** The instruction must hold `before`. */
  readonly checked: boolean;
  /** Bytes of the memory access before and after; 0 when the relocation is not of an access. */
  readonly sizeBefore: number;
  readonly sizeAfter: number;
  /** The access cannot have the new size without changing the value that is read. */
  readonly unsafeSize: boolean;
}

/** Replaces the instruction by a call that must never be reached. */
export function poison(code: CodeView, insnIndex: number): void {
  const call = { opcode: OP_CALL, dst: 0, src: 0, offset: 0, imm: BAD_RELOCATION };
  // Both slots of a ld_imm64, or the verifier would speak of an unknown opcode.
  if (code.opcode(insnIndex) === OP_LD_IMM64 && insnIndex + 1 < code.length) code.set(insnIndex + 1, call);
  code.set(insnIndex, call);
}

/**
 * Applies a patch. False when the instruction had to be poisoned. Throws `core-insn` if it does not match the
 * types of the program.
 */
export function applyPatch(code: CodeView, insnIndex: number, patch: Patch): boolean {
  const opcode = code.opcode(insnIndex);
  switch (classOf(opcode)) {
    case BPF_ALU:
    case BPF_ALU64:
      if ((opcode & BPF_X) !== 0) throw insnError(opcode, 'has no immediate');
      check(patch, BigInt(code.imm(insnIndex)), 32);
      code.setImm(insnIndex, Number(BigInt.asIntN(32, patch.after)));
      return true;
    case BPF_LDX:
    case BPF_ST:
    case BPF_STX:
      return patchAccess(code, insnIndex, opcode, patch);
    case BPF_LD:
      patchWide(code, insnIndex, opcode, patch);
      return true;
    default:
      throw insnError(opcode, 'cannot be relocated');
  }
}

const MAX_OFFSET = 32767n;

function patchAccess(code: CodeView, insnIndex: number, opcode: number, patch: Patch): boolean {
  check(patch, BigInt(code.offset(insnIndex)), 32);
  if (patch.after > MAX_OFFSET) {
    throw inputError('core-offset', [], `the field is at ${patch.after}, out of range for an instruction`, {
      hint: 'read it with BPF_CORE_READ() or bpf_core_read()',
    });
  }
  if (patch.unsafeSize) {
    poison(code, insnIndex);
    return false;
  }
  code.setOffset(insnIndex, Number(patch.after));
  if (patch.sizeBefore === patch.sizeAfter) return true;
  if (accessSize(opcode) !== patch.sizeBefore) {
    throw insnError(opcode, `accesses ${accessSize(opcode)} bytes of a field of ${patch.sizeBefore}`);
  }
  const size = SIZE_BITS.get(patch.sizeAfter);
  if (size === undefined) throw insnError(opcode, `cannot access ${patch.sizeAfter} bytes`);
  code.set(insnIndex, { ...code.at(insnIndex), opcode: (opcode & 0xe7) | size });
  return true;
}

const SIZE_BITS = new Map([
  [1, BPF_B],
  [2, BPF_H],
  [4, BPF_W],
  [8, BPF_DW],
]);

function patchWide(code: CodeView, insnIndex: number, opcode: number, patch: Patch): void {
  const second = insnIndex + 1;
  const whole =
    opcode === OP_LD_IMM64 &&
    second < code.length &&
    code.src(insnIndex) === 0 &&
    code.offset(insnIndex) === 0 &&
    code.opcode(second) === 0 &&
    code.offset(second) === 0;
  if (!whole) throw insnError(opcode, 'is not a plain ld_imm64');
  check(patch, code.imm64(insnIndex), 64);
  code.setImm(insnIndex, Number(BigInt.asIntN(32, patch.after)));
  code.setImm(second, Number(BigInt.asIntN(32, patch.after >> 32n)));
}

function check(patch: Patch, found: bigint, bits: number): void {
  if (!patch.checked || BigInt.asUintN(bits, found) === BigInt.asUintN(bits, patch.before)) return;
  throw inputError('core-insn', [], `holds ${found} where the compiler's types specify ${patch.before}`, {
    hint: 'the object was changed after it was compiled, or its BTF belongs to another build',
  });
}

function insnError(opcode: number, message: string) {
  return inputError('core-insn', [], `instruction 0x${opcode.toString(16).padStart(2, '0')} ${message}`);
}
