/** BPF instructions. */

export { type Assembled, EXIT, type Step, add, addressOf, assemble, callFunction, callHelper, callSymbol, copy, insn, jump, jumpIf, jumpIf32, label, load, loadWords, move, storeImmediate } from './assemble.ts';
export { type DisassembledInsn, disassemble, disassembleAt } from './disasm.ts';
export { fieldProblem, formatFieldProblem, secondSlotProblem } from './encodings.ts';
export { BPF_FUNC_GET_ATTACH_COOKIE, BPF_FUNC_KTIME_GET_COARSE_NS, BPF_FUNC_KTIME_GET_NS, BPF_FUNC_MAP_LOOKUP_ELEM, BPF_FUNC_PERF_EVENT_OUTPUT, BPF_FUNC_PROBE_READ_KERNEL, BPF_FUNC_TAIL_CALL, BPF_FUNC_XDP_GET_BUFF_LEN, helperId, helperName } from './helpers.ts';
export { BPF_ABS, BPF_ADD, BPF_ALU, BPF_ALU64, BPF_AND, BPF_ARSH, BPF_ATOMIC, BPF_B, BPF_CMPXCHG, BPF_DIV, BPF_DW, BPF_END, BPF_FETCH, BPF_H, BPF_IND, BPF_JCOND, BPF_JEQ, BPF_JGE, BPF_JGT, BPF_JLE, BPF_JLT, BPF_JMP, BPF_JMP32, BPF_JNE, BPF_JSET, BPF_JSGE, BPF_JSGT, BPF_JSLE, BPF_JSLT, BPF_K, BPF_LD, BPF_LDX, BPF_LOAD_ACQ, BPF_LSH, BPF_MEM, BPF_MEMSX, BPF_MOD, BPF_MOV, BPF_MUL, BPF_NEG, BPF_OR, BPF_PSEUDO_BTF_ID, BPF_PSEUDO_CALL, BPF_PSEUDO_FUNC, BPF_PSEUDO_KFUNC_CALL, BPF_PSEUDO_MAP_FD, BPF_PSEUDO_MAP_VALUE, BPF_RSH, BPF_ST, BPF_STORE_REL, BPF_STX, BPF_SUB, BPF_W, BPF_X, BPF_XCHG, BPF_XOR, CodeView, type Insn, OP_CALL, OP_CALLX, OP_EXIT, OP_GOTOX, OP_JA, OP_JA32, OP_LD_IMM64, encodeInsns } from './opcodes.ts';
export { stackDepth } from './stack.ts';
