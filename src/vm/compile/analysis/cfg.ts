/**
 * Control flow of one function: basic blocks, their order, dominators, and whether the graph is reducible.
 *
 * Everything later walks blocks in reverse postorder, by which `Block` numbers are given out: block 0 is the
 * entry, and an edge to a block that is not larger goes back. Code that nothing reaches has no block.
 */

import { elementAt } from '../../../bytes/index.ts';
import {
  type Block,
  type BlockIndex,
  cutBlocks,
  dominators,
  hasJumpTarget,
  isGoto,
  isJump,
  isReducible,
  jumpTarget,
  OP_LD_IMM64,
  predecessorsOf,
  reachedBlocks,
  successorsOf,
} from '../../../isa/index.ts';
import { malformed } from './malformed.ts';
import { type CodeUnit, codeError } from './unit.ts';

export interface ControlFlow {
  /** In reverse postorder. */
  readonly blocks: readonly Block[];
  readonly predecessors: readonly (readonly BlockIndex[])[];
  /** Immediate dominator of each block; block 0 has itself. */
  readonly dominator: readonly BlockIndex[];
  /** Every edge back goes to a block that dominates its source, and no jump is indirect. */
  readonly reducible: boolean;
}

/** Reads the control flow. Throws `vm-jump-target` for a jump into nowhere. */
export function controlFlow(objectName: string, unit: CodeUnit): ControlFlow {
  const { code, jumpTargets: indirect } = unit;
  const starts = findLeaders(objectName, unit);
  const isMalformed = (slot: number): boolean => malformed(code, slot) !== undefined;
  const blocks = reachedBlocks(cutBlocks({ code, starts, indirect, isMalformed }));
  const successors = (block: BlockIndex): readonly BlockIndex[] => successorsOf(elementAt(blocks, block));
  const predecessors = predecessorsOf(
    blocks.length,
    blocks.map((_, block) => block),
    successors,
  );
  const dominator = dominators(predecessors);
  const isDirect = blocks.every(({ terminator }) => terminator.kind !== 'switch');
  const reducible = isDirect && isReducible(blocks.length, successors, dominator);
  return { blocks, predecessors, dominator, reducible };
}

/** Slots where a block starts, as flags, after checking that every jump lands on an instruction. */
function findLeaders(objectName: string, unit: CodeUnit): Uint8Array {
  const { code } = unit;
  const leaders = new Uint8Array(code.length + 1);
  const starts = new Uint8Array(code.length);
  const jumps: number[] = [];
  leaders[0] = 1;
  for (let slot = 0; slot < code.length; slot += code.width(slot)) {
    starts[slot] = 1;
    const opcode = code.opcode(slot);
    if (opcode === OP_LD_IMM64 && slot + 1 >= code.length) {
      throw codeError('vm-code-cut', objectName, unit, slot, 'the function ends inside this instruction');
    }
    if (!isJump(opcode)) continue;
    leaders[slot + 1] = 1;
    if (!hasJumpTarget(opcode)) continue;
    jumps.push(slot);
    if (!isGoto(opcode) && slot + 1 >= code.length) {
      throw codeError('vm-falls-off', objectName, unit, slot, 'the function ends after a conditional jump');
    }
  }
  for (const slot of jumps) {
    const target = jumpTarget(code, slot);
    if (starts[target] !== 1) {
      const message = `jumps to instruction ${target}, which is not in this function`;
      throw codeError('vm-jump-target', objectName, unit, slot, message);
    }
    leaders[target] = 1;
  }
  for (const target of unit.jumpTargets) {
    if (starts[target] !== 1) {
      throw codeError(
        'vm-jump-target',
        objectName,
        unit,
        target,
        'a jump table leads here, where no instruction is',
      );
    }
    leaders[target] = 1;
  }
  return leaders;
}
