/** Nodes with other registers in their fields. */

import { type Ins, type Register, readsDst, readsSrc, withFields, writtenRegister } from '../ir/index.ts';

/** The node with these registers; itself where they are the same. */
export function withRegisters(ins: Ins, dst: Register, src: Register): Ins {
  return dst === ins.dst && src === ins.src ? ins : withFields(ins, dst, src, ins.offset);
}

/** Whether the field `dst` names a register. */
export function hasDst(ins: Ins): boolean {
  return readsDst(ins) || writtenRegister(ins) === ins.dst;
}

/** The node with every register replaced by what `map` has for it. */
export function renamed(ins: Ins, map: (register: Register) => Register): Ins {
  const dst = hasDst(ins) ? map(ins.dst) : ins.dst;
  return withRegisters(ins, dst, readsSrc(ins) ? map(ins.src) : ins.src);
}
