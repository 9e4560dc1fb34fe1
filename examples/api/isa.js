// rootlet/isa: instructions from values, and as text.
import { CodeView, disassemble, encodeInsns, helperName, INSN_SIZE } from 'rootlet/isa';

const code = encodeInsns(
  [
    { opcode: 0xb7, dst: 0, src: 0, offset: 0, imm: 2 }, // r0 = 2
    { opcode: 0x95, dst: 0, src: 0, offset: 0, imm: 0 }, // exit
  ],
  'little',
);
for (const { text } of disassemble(new CodeView(code, 'little'))) console.log(text);
//> r0 = 2
//> exit
console.log(code.length / INSN_SIZE, helperName(1));
//> 2 bpf_map_lookup_elem
