/** One BPF function into one WebAssembly function. */

import { elementAt } from '../../../bytes/index.ts';
import {
  accessSize,
  BPF_ABS,
  BPF_ALU,
  BPF_ALU64,
  BPF_IND,
  BPF_LD,
  BPF_LDX,
  BPF_ST,
  BPF_STX,
  classOf,
  isJump,
  modeOf,
  OP_CALL,
  OP_CALLX,
  OP_LD_IMM64,
} from '../../../isa/index.ts';
import { LOAD_PACKET } from '../../helpers/index.ts';
import { FRAME_SIZE } from '../../state/index.ts';
import * as w from '../../wasm/opcodes.ts';
import {
  type CodeUnit,
  type ControlFlow,
  codeError,
  malformed,
  step,
  type ValueAnalysis,
} from '../analysis/index.ts';
import { emitAlu } from './alu.ts';
import { emitCall } from './call.ts';
import { BlockCounter, countEntry, storeMark } from './counting.ts';
import { FunctionEmitter, LOCAL, LOCAL_TYPES, type ModulePlan } from './emitter.ts';
import { emitLoadInsn, emitStoreInsn } from './memory.ts';
import { emitControl } from './structure.ts';
import { emitWordsFault } from './words.ts';

/** A function with what was found out about it. */
export interface AnalysedUnit {
  readonly unit: CodeUnit;
  readonly flow: ControlFlow;
  readonly values: ValueAnalysis;
}

/** Maximum bytes of one function in WebAssembly engines (JavaScript API, implementation limits). */
const MAX_FUNCTION = 7_654_321 - 100;

/** Writes the function at its declared `position`. */
export function emitFunction(plan: ModulePlan, analysed: AnalysedUnit, position: number): void {
  const { unit, flow } = analysed;
  const f = new FunctionEmitter(plan, unit);
  f.code.get(LOCAL.frame);
  f.code.i32(FRAME_SIZE);
  f.code.op(w.I32_ADD, w.I64_EXTEND_I32_U);
  f.code.set(LOCAL.r10);
  countEntry(f);
  if (flow.blocks.length === 0) emitWordsFault(f, 0, 'vm-falls-off', 'the function has no instructions');
  else emitControl(f, flow, block => emitBlock(f, analysed, block));
  f.code.op(w.UNREACHABLE);
  if (f.code.length > MAX_FUNCTION) {
    const message = `is too large: it compiles to ${f.code.length} bytes, and engines accept at most ${MAX_FUNCTION}`;
    throw codeError('vm-function-size', plan.objectName, unit, 0, message);
  }
  plan.module.fill(position, plan.functionType, LOCAL_TYPES, f.code);
}

function emitBlock(f: FunctionEmitter, { unit, flow, values }: AnalysedUnit, index: number): void {
  const block = elementAt(flow.blocks, index);
  f.enter(elementAt(values.atBlock, index));
  const counter = new BlockCounter(f, unit);
  for (let slot = block.start; slot < block.end; slot += unit.code.width(slot)) {
    const opcode = unit.code.opcode(slot);
    const wrong = malformed(unit.code, slot);
    counter.before(slot);
    storeMark(f, slot);
    if (wrong !== undefined) {
      if (wrong.always) throw codeError(wrong.code, f.plan.objectName, unit, slot, wrong.message);
      emitWordsFault(f, slot, wrong.code, wrong.message);
      return;
    }
    if (isJump(opcode)) continue; // only the last one, which the control structure emits
    emitInsn(f, slot, opcode);
    step(unit, slot, f.state, f.plan.addressOf);
  }
}

function emitInsn(f: FunctionEmitter, slot: number, opcode: number): void {
  if (opcode === OP_CALL) emitCall(f, slot);
  else if (opcode === OP_CALLX) emitWordsFault(f, slot, 'vm-indirect-call', 'calls through a register');
  else if (opcode === OP_LD_IMM64) emitConstant(f, slot);
  else emitByClass(f, slot, opcode);
}

function emitByClass(f: FunctionEmitter, slot: number, opcode: number): void {
  switch (classOf(opcode)) {
    case BPF_ALU:
    case BPF_ALU64:
      emitAlu(f, slot);
      return;
    case BPF_LDX:
      emitLoadInsn(f, slot);
      return;
    case BPF_ST:
    case BPF_STX:
      emitStoreInsn(f, slot);
      return;
    default:
      emitRest(f, slot, opcode);
  }
}

function emitRest(f: FunctionEmitter, slot: number, opcode: number): void {
  const mode = modeOf(opcode);
  const packetLoad = classOf(opcode) === BPF_LD && (mode === BPF_ABS || mode === BPF_IND);
  if (packetLoad && accessSize(opcode) !== 8) {
    emitPacketLoad(f, slot, mode === BPF_IND);
    return;
  }
  const text = opcode.toString(16).padStart(2, '0');
  throw codeError('vm-unknown-insn', f.plan.objectName, f.unit, slot, `unknown instruction 0x${text}`);
}

/** `ld_imm64`: a number, or the address of what it refers to. */
function emitConstant(f: FunctionEmitter, slot: number): void {
  const { unit, plan } = f;
  const reference = unit.references.get(slot);
  const refusal = reference === undefined ? undefined : plan.externs.refusal(reference.symbol, 'address');
  if (refusal !== undefined) {
    emitWordsFault(f, slot, refusal.code, refusal.message, refusal.hint);
    return;
  }
  const address = reference === undefined ? unit.code.imm64(slot) : plan.addressOf(reference);
  if (address === undefined) {
    emitWordsFault(f, slot, 'vm-no-address', 'refers to something that has no address here');
    return;
  }
  f.code.i64(address);
  f.setRegister(unit.code.dst(slot));
}

/**
 * The packet loads of classic BPF: r0 = the 1, 2 or 4 bytes at imm (plus src) of the packet, in network
 * order. Outside of the packet they end the function with 0. `LOAD_PACKET` returns -1 for that, which no
 * value is.
 */
function emitPacketLoad(f: FunctionEmitter, slot: number, indexed: boolean): void {
  const { code, plan, unit } = f;
  const kinds = plan.kindsOf(unit.symbol);
  if (!kinds.some(kind => kind !== 'xdp')) {
    emitWordsFault(f, slot, 'vm-packet-load', 'XDP programs have no packet load instructions');
    return;
  }
  if (indexed) {
    f.getNarrow(unit.code.src(slot));
    code.i32(unit.code.imm(slot));
    code.op(w.I32_ADD);
  } else code.i32(unit.code.imm(slot));
  code.i32(accessSize(unit.code.opcode(slot)));
  code.callImport(plan.imports.index(LOAD_PACKET, null));
  code.prefixed(w.I64_TRUNC_SAT_F64_S);
  code.tee(LOCAL.r0);
  code.i64(0);
  code.op(w.I64_LT_S);
  code.open(w.IF);
  code.i64(0);
  code.op(w.RETURN, w.END);
}
