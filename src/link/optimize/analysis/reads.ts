/** All registers that a node reads, those that it does not name among them, for analyses of data flow. */

import {
  FRAME_POINTER,
  type Ins,
  isCall,
  operandsOf,
  READS_DST,
  READS_R0,
  READS_SRC,
  type Register,
} from '../ir/index.ts';

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
  const operands = operandsOf(ins);
  let count = 0;
  if ((operands & READS_DST) !== 0 && ins.dst !== FRAME_POINTER) into[count++] = ins.dst;
  if ((operands & READS_SRC) !== 0 && ins.src !== FRAME_POINTER) into[count++] = ins.src;
  if ((operands & READS_R0) !== 0) into[count++] = 0;
  return count;
}
