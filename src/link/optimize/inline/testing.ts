/**
 * A graph over virtual registers as code without register allocation: every virtual register has a slot on the
 * stack. Slow and plain, so that lifting and lowering are tested apart from colouring.
 */

import { readsDst, readsSrc } from '../../../isa/def-use.ts';
import * as isa from '../../../isa/opcodes.ts';
import type { Graph } from '../ir/graph.ts';
import { FIRST_VIRTUAL, type Ins, isCall, move, type Register, writtenRegister } from '../ir/ins.ts';

const [DST, SRC] = [8, 9];
const LOAD = isa.BPF_LDX | isa.BPF_MEM | isa.BPF_DW;
const STORE = isa.BPF_STX | isa.BPF_MEM | isa.BPF_DW;

/** Changes the graph to one over machine registers. */
export function keepOnStack(graph: Graph): void {
  const slots = new Map<Register, number>();
  const offsetOf = (register: Register): number => {
    const known = slots.get(register);
    if (known !== undefined) return known;
    graph.frame += 8;
    slots.set(register, -graph.frame);
    return -graph.frame;
  };
  const load = (to: Register, from: Register): Ins => {
    return { ...move(to, 10, null), opcode: LOAD, offset: offsetOf(from) };
  };
  const store = (to: Register, from: Register): Ins => {
    return { ...move(10, from, null), opcode: STORE, offset: offsetOf(to) };
  };
  const replaced = (ins: Ins, out: Ins[]): Ins => {
    const changed = { ...ins };
    if (!isCall(ins) && ins.src >= FIRST_VIRTUAL && readsSrc(ins)) {
      out.push(load(SRC, ins.src));
      changed.src = SRC;
    }
    if (ins.dst >= FIRST_VIRTUAL) {
      if (readsDst(ins)) out.push(load(DST, ins.dst));
      changed.dst = DST;
    }
    return changed;
  };
  for (const at of graph.order()) {
    const block = graph.block(at);
    const out: Ins[] = [];
    for (const ins of block.ins) {
      const changed = replaced(ins, out);
      out.push(changed);
      const written = writtenRegister(ins);
      if (written < FIRST_VIRTUAL) continue;
      out.push(store(written, written === ins.dst ? changed.dst : changed.src));
    }
    const { terminator } = block;
    if (terminator.kind === 'branch')
      block.terminator = { ...terminator, ins: replaced(terminator.ins, out) };
    block.ins = out;
  }
}
