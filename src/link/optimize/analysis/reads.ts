/** All registers that a node reads, those that it does not name among them, for analyses of data flow. */

import { readsR0 } from '../../../isa/index.ts';
import { FRAME_POINTER, type Ins, isCall, type Register, readsDst, readsSrc } from '../ir/index.ts';

/** Most registers that one node reads. */
export const MAX_READS = 5;

/** The last register that a call leaves undefined; it writes r0 and loses r1 to this one. */
export const LAST_CLOBBERED: Register = 5;

/**
 * Writes the registers that a node reads into `into` and returns how many they are. Without the frame pointer,
 * which is never written.
 */
export function readRegisters(ins: Ins, into: Int32Array): number {
  if (isCall(ins)) {
    for (let argument = 0; argument < ins.args; argument++) into[argument] = argument + 1;
    return ins.args;
  }
  let count = 0;
  if (readsDst(ins) && ins.dst !== FRAME_POINTER) into[count++] = ins.dst;
  if (readsSrc(ins) && ins.src !== FRAME_POINTER) into[count++] = ins.src;
  if (readsR0(ins)) into[count++] = 0;
  return count;
}
