/**
 * Entry point `rootlet/isa`: BPF instructions: read, write, disassemble. Works in a browser.
 *
 * @module rootlet/isa
 */

export {
  CodeView,
  type DisassembledInsn,
  disassemble,
  encodeInsns,
  helperId,
  helperName,
  type Insn,
} from '../isa/index.ts';
/** Constants of the instruction set: classes, sizes, modes, operations, whole opcodes. */
export * as opcodes from '../isa/opcodes.ts';
export { INSN_SIZE } from '../uapi/index.ts';
