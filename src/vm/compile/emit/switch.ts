/**
 * Indirect jumps. An entry of a jump table holds the number of its function and the slot of its target; the
 * jump looks for that number among those of its own function's tables.
 */

import { elementAt } from '../../../bytes/index.ts';
import type { BlockIndex } from '../../../isa/index.ts';
import { jumpEntry } from '../../state/index.ts';
import * as w from '../../wasm/opcodes.ts';
import { type FunctionEmitter, LOCAL } from './emitter.ts';
import { emitWordsFault } from './words.ts';

/** Pushes the number of the block that the register of the `gotox` at `slot` leads to, or ends the run. */
export function emitSwitchLabel(f: FunctionEmitter, slot: number, targets: readonly BlockIndex[]): void {
  f.getRegister(f.unit.code.dst(slot));
  f.code.set(LOCAL.wide);
  if (targets.length > 0) emitSearch(f, targets, 0, targets.length);
  else f.code.i32(-1);
  f.code.tee(LOCAL.narrow);
  f.code.i32(-1);
  f.code.op(w.I32_EQ);
  f.code.open(w.IF);
  const message = 'jumps to something that is in no jump table of this function';
  emitWordsFault(f, slot, 'vm-indirect-jump', message);
  f.code.op(w.END);
  f.code.get(LOCAL.narrow);
}

/** Pushes the block of the entry that `wide` is, among those from `from` up to `to`; -1 when it is none. */
function emitSearch(f: FunctionEmitter, targets: readonly BlockIndex[], from: number, to: number): void {
  const { code, unit, plan } = f;
  const middle = (from + to) >> 1;
  const entry = jumpEntry(plan.numberOf(unit.symbol), elementAt(unit.jumpTargets, middle));
  if (to - from === 1) {
    code.i32(elementAt(targets, middle));
    code.i32(-1);
    code.get(LOCAL.wide);
    code.i64(entry);
    code.op(w.I64_EQ, w.SELECT);
    return;
  }
  code.get(LOCAL.wide);
  code.i64(entry);
  code.op(w.I64_LT_U);
  code.open(w.IF, w.I32);
  emitSearch(f, targets, from, middle);
  code.op(w.ELSE);
  emitSearch(f, targets, middle, to);
  code.op(w.END);
}
