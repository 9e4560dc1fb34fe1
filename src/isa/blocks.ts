/** Where blocks of straight code start. Targets of jump tables are not known here. */

import { hasJumpTarget, isJump, jumpTarget } from './def-use.ts';
import type { CodeView } from './opcodes.ts';

/** For each slot, 1 where a jump leads to. Targets outside of the code are left out. */
export function jumpTargets(code: CodeView): Uint8Array {
  const targets = new Uint8Array(code.length);
  for (let insnIndex = 0; insnIndex < code.length; insnIndex += code.width(insnIndex)) {
    if (!hasJumpTarget(code.opcode(insnIndex))) continue;
    const target = jumpTarget(code, insnIndex);
    if (target >= 0 && target < code.length) targets[target] = 1;
  }
  return targets;
}

/** For each slot, 1 where a block starts: at the first one, at targets of jumps, after jumps and `exit`. */
export function blockStarts(code: CodeView): Uint8Array {
  const starts = jumpTargets(code);
  if (code.length > 0) starts[0] = 1;
  for (let insnIndex = 0; insnIndex + 1 < code.length; insnIndex += code.width(insnIndex))
    if (isJump(code.opcode(insnIndex))) starts[insnIndex + 1] = 1;
  return starts;
}
