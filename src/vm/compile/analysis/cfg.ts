/**
 * Control flow of one function: basic blocks, their order, dominators, and whether the graph is reducible.
 *
 * Everything later walks blocks in reverse postorder, by which `Block` numbers are given out: block 0 is the
 * entry, and an edge to a block that is not larger goes back. Code that nothing reaches has no block.
 */

import { elementAt, valueAt } from '../../../bytes/index.ts';
import {
  dominators,
  hasJumpTarget,
  isGoto,
  isJump,
  isReducible,
  jumpTarget,
  OP_EXIT,
  OP_GOTOX,
  OP_LD_IMM64,
  predecessorsOf,
  reversePostorder,
} from '../../../isa/index.ts';
import { malformed } from './malformed.ts';
import { type CodeUnit, codeError } from './unit.ts';

export type BlockIndex = number;

export type Terminator =
  | { readonly kind: 'exit' }
  /** Control runs past the last instruction. */
  | { readonly kind: 'falls-off' }
  /** An indirect jump: the blocks that the function's tables lead to, in the order of its `jumpTargets`. */
  | { readonly kind: 'switch'; readonly targets: readonly BlockIndex[] }
  /** A jump that no program may have; the emitter of its block ends the run. */
  | { readonly kind: 'malformed' }
  | { readonly kind: 'jump'; readonly target: BlockIndex }
  | { readonly kind: 'branch'; readonly taken: BlockIndex; readonly next: BlockIndex };

export interface Block {
  /** First slot. */
  readonly start: number;
  /** Slot after the last one. */
  readonly end: number;
  /** Slot of the last instruction: the jump, where the block ends with one. */
  readonly last: number;
  readonly terminator: Terminator;
}

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
  const leaders = findLeaders(objectName, unit);
  const raw = cutBlocks(unit, leaders);
  const order = reversePostorder(raw.length, block => successorsOf(elementAt(raw, block)));
  const numbers = new Map(order.map((rawIndex, block) => [rawIndex, block]));
  const blocks = order.map(rawIndex => renumber(elementAt(raw, rawIndex), numbers));
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

/** Targets of the block's terminator, the taken one first. */
export function successorsOf(block: Block): readonly BlockIndex[] {
  const { terminator } = block;
  if (terminator.kind === 'jump') return [terminator.target];
  if (terminator.kind === 'switch') return terminator.targets;
  if (terminator.kind !== 'branch') return [];
  return terminator.taken === terminator.next ? [terminator.taken] : [terminator.taken, terminator.next];
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

/** Blocks in code order; their terminators name blocks by position in this list. */
function cutBlocks(unit: CodeUnit, leaders: Uint8Array): Block[] {
  const { code } = unit;
  const starts: number[] = [];
  const blockAt = new Map<number, number>();
  for (let slot = 0; slot < code.length; slot++) {
    if (leaders[slot] === 1) blockAt.set(slot, starts.push(slot) - 1);
  }
  return starts.map((start, position) => {
    const end = starts[position + 1] ?? code.length;
    let last = start;
    while (last + code.width(last) < end) last += code.width(last);
    return { start, end, last, terminator: terminatorOf(unit, last, end, blockAt) };
  });
}

function terminatorOf(
  { code, jumpTargets }: CodeUnit,
  last: number,
  end: number,
  blockAt: ReadonlyMap<number, number>,
): Terminator {
  const next = blockAt.get(end);
  const opcode = code.opcode(last);
  if (!isJump(opcode)) return next === undefined ? { kind: 'falls-off' } : { kind: 'jump', target: next };
  if (malformed(code, last) !== undefined) return { kind: 'malformed' };
  if (opcode === OP_GOTOX) {
    return { kind: 'switch', targets: jumpTargets.map(target => valueAt(blockAt, target)) };
  }
  if (opcode === OP_EXIT) return { kind: 'exit' };
  const taken = valueAt(blockAt, jumpTarget(code, last));
  if (isGoto(opcode) || next === undefined || next === taken) return { kind: 'jump', target: taken };
  return { kind: 'branch', taken, next };
}

function renumber(block: Block, numbers: ReadonlyMap<number, BlockIndex>): Block {
  const map = (rawIndex: number) => valueAt(numbers, rawIndex);
  const { terminator } = block;
  switch (terminator.kind) {
    case 'jump':
      return { ...block, terminator: { kind: 'jump', target: map(terminator.target) } };
    case 'switch':
      return { ...block, terminator: { kind: 'switch', targets: terminator.targets.map(map) } };
    case 'branch':
      return {
        ...block,
        terminator: { kind: 'branch', taken: map(terminator.taken), next: map(terminator.next) },
      };
    default:
      return block;
  }
}
