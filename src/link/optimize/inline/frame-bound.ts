/** Upper bound of the frame of a function. Stand-in. */

import { alignUp } from '../../../bytes/index.ts';
import * as isa from '../../../isa/index.ts';

export function frameBound(code: isa.CodeView): { readonly bytes: number } | { readonly reason: string } {
  let low = 0;
  for (let at = 0; at < code.length; at += code.width(at)) {
    const ins = code.at(at);
    const isCopy = ins.opcode === (isa.BPF_ALU64 | isa.BPF_MOV | isa.BPF_X) && ins.src === 10;
    if (isCopy) {
      const next = at + 1 < code.length ? code.at(at + 1) : undefined;
      const isAdd = next?.opcode === (isa.BPF_ALU64 | isa.BPF_ADD | isa.BPF_K) && next.dst === ins.dst;
      if (!isAdd) return { reason: 'its frame has no known bound' };
      low = Math.min(low, next.imm);
      continue;
    }
    const kind = ins.opcode & 7;
    if (kind === isa.BPF_LDX && ins.src === 10) low = Math.min(low, ins.offset);
    else if ((kind === isa.BPF_ST || kind === isa.BPF_STX) && ins.dst === 10) {
      if (kind === isa.BPF_STX && ins.src === 10) return { reason: 'it stores the frame pointer' };
      low = Math.min(low, ins.offset);
    } else if ((isa.readsSrc(ins) && ins.src === 10) || (isa.readsDst(ins) && ins.dst === 10))
      return { reason: 'it computes with the frame pointer' };
  }
  return { bytes: alignUp(-low, 8) };
}
