/** func_info and line_info of one program: what BPF_PROG_LOAD takes beside the instructions. */

import { placeWord } from '../../btf/index.ts';
import { type ByteOrder, ByteWriter } from '../../bytes/index.ts';
import type { CodeView } from '../../isa/index.ts';
import { INSN_SIZE } from '../../uapi/index.ts';
import type { FlatProgram } from './flatten.ts';
import type { FunctionPlan, LinePlan } from './plan.ts';

export function functionPlans(flat: FlatProgram): FunctionPlan[] {
  return flat.functions.map(({ symbol, start }) => ({
    name: symbol.name,
    file: symbol.origin.file,
    insnIndex: start,
    insnCount: symbol.code.length / INSN_SIZE,
    btfId: symbol.btfId,
  }));
}

/**
 * Line records of the whole program, ascending. The kernel requires one at the first instruction of every
 * function, none twice, and none in the second half of a ld_imm64.
 */
export function linePlans(flat: FlatProgram): LinePlan[] {
  const lines: LinePlan[] = [];
  for (const { symbol, start } of flat.functions) {
    const [first] = symbol.lines;
    if (first === undefined || first.insnIndex > 0) {
      lines.push({ insnIndex: start, file: first?.file ?? '', text: '', line: 0, column: 0 });
    }
    let last = -1;
    for (const { insnIndex, file, text, line, column } of symbol.lines) {
      if (insnIndex <= last || !startsInsn(flat.code, start + insnIndex)) continue;
      lines.push({ insnIndex: start + insnIndex, file, text, line, column });
      last = insnIndex;
    }
  }
  return lines;
}

/** The second half of a ld_imm64 has opcode 0, which no instruction has. */
function startsInsn(code: CodeView, insnIndex: number): boolean {
  return insnIndex < code.length && code.opcode(insnIndex) !== 0;
}

/** `struct bpf_func_info[]`, or null when a function has no type: the kernel requires all or none. */
export function encodeFuncInfo(functions: readonly FunctionPlan[], order: ByteOrder): Uint8Array | null {
  if (functions.some(plan => plan.btfId === 0)) return null;
  const writer = new ByteWriter(order);
  for (const { insnIndex, btfId } of functions) {
    writer.u32(insnIndex);
    writer.u32(btfId);
  }
  return writer.finish().slice();
}

/**
 * `struct bpf_line_info[]`. `offsetOf` gives the place of a text in the string table of the kernel's types.
 */
export function encodeLineInfo(
  lines: readonly LinePlan[],
  offsetOf: (text: string) => number,
  order: ByteOrder,
): Uint8Array {
  const writer = new ByteWriter(order);
  for (const { insnIndex, file, text, line, column } of lines) {
    writer.u32(insnIndex);
    writer.u32(offsetOf(file));
    writer.u32(offsetOf(text));
    writer.u32(placeWord(line, column));
  }
  return writer.finish().slice();
}
