/** Upper bound of the frame of a function. Stand-in. */

import { alignUp } from '../../../bytes/index.ts';
import {
  BPF_ADD,
  BPF_ALU64,
  BPF_K,
  BPF_LDX,
  BPF_MOV,
  BPF_ST,
  BPF_STX,
  BPF_X,
  type CodeView,
  readsDst,
  readsSrc,
} from '../../../isa/index.ts';

export function frameBound(code: CodeView): { readonly bytes: number } | { readonly reason: string } {
  let low = 0;
  for (let at = 0; at < code.length; at += code.width(at)) {
    const ins = code.at(at);
    const isCopy = ins.opcode === (BPF_ALU64 | BPF_MOV | BPF_X) && ins.src === 10;
    if (isCopy) {
      const next = at + 1 < code.length ? code.at(at + 1) : undefined;
      const isAdd = next?.opcode === (BPF_ALU64 | BPF_ADD | BPF_K) && next.dst === ins.dst;
      if (!isAdd) return { reason: 'its frame has no known bound' };
      low = Math.min(low, next.imm);
      continue;
    }
    const kind = ins.opcode & 7;
    if (kind === BPF_LDX && ins.src === 10) low = Math.min(low, ins.offset);
    else if ((kind === BPF_ST || kind === BPF_STX) && ins.dst === 10) {
      if (kind === BPF_STX && ins.src === 10) return { reason: 'it stores the frame pointer' };
      low = Math.min(low, ins.offset);
    } else if ((readsSrc(ins) && ins.src === 10) || (readsDst(ins) && ins.dst === 10))
      return { reason: 'it computes with the frame pointer' };
  }
  return { bytes: alignUp(-low, 8) };
}
