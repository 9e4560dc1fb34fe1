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
  INSN_SIZE,
  type Insn,
} from '../isa/index.ts';
