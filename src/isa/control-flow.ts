/**
 * Code cut into basic blocks, and how control leaves each of them.
 *
 * The one owner of that for raw instructions: the embedded machine compiles these blocks, and pictures show them. The
 * optimizer has blocks of its own, because its code is not in slots.
 */

import { elementAt, valueAt } from '../bytes/index.ts';
import { isGoto, isJump, jumpTarget } from './def-use.ts';
import { reversePostorder } from './flow.ts';
import { type CodeView, OP_EXIT, OP_GOTOX } from './opcodes.ts';

/** Index into a list of blocks. */
export type BlockIndex = number;

export type Terminator =
  | { readonly kind: 'exit' }
  /** Control runs past the last instruction. */
  | { readonly kind: 'falls-off' }
  /** An indirect jump: the blocks that the function's tables lead to, in the order of `indirect`. */
  | { readonly kind: 'switch'; readonly targets: readonly BlockIndex[] }
  /** A jump that no program may have. */
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

export interface CutOptions {
  readonly code: CodeView;
  /** For each slot, 1 where a block starts; more slots than those of the code have no meaning. */
  readonly starts: Uint8Array;
  /** Slots that jump tables lead to. */
  readonly indirect: readonly number[];
  /** Whether the jump at a slot is one that no program may have. Default: none is. */
  readonly isMalformed?: (slot: number) => boolean;
}

/** Blocks in code order; their terminators name blocks by position in this list. */
export function cutBlocks(options: CutOptions): Block[] {
  const { code, starts: flags } = options;
  const starts: number[] = [];
  const blockAt = new Map<number, number>();
  for (let slot = 0; slot < code.length; slot++) {
    if (flags[slot] === 1) blockAt.set(slot, starts.push(slot) - 1);
  }
  return starts.map((start, position) => {
    const end = starts[position + 1] ?? code.length;
    let last = start;
    while (last + code.width(last) < end) last += code.width(last);
    return { start, end, last, terminator: terminatorOf(options, last, end, blockAt) };
  });
}

function terminatorOf(
  { code, indirect, isMalformed }: CutOptions,
  last: number,
  end: number,
  blockAt: ReadonlyMap<number, number>,
): Terminator {
  const next = blockAt.get(end);
  const opcode = code.opcode(last);
  if (!isJump(opcode)) return next === undefined ? { kind: 'falls-off' } : { kind: 'jump', target: next };
  if (isMalformed?.(last) === true) return { kind: 'malformed' };
  if (opcode === OP_GOTOX)
    return { kind: 'switch', targets: indirect.map(target => valueAt(blockAt, target)) };
  if (opcode === OP_EXIT) return { kind: 'exit' };
  const taken = blockAt.get(jumpTarget(code, last));
  if (taken === undefined) return { kind: 'malformed' };
  if (isGoto(opcode) || next === undefined || next === taken) return { kind: 'jump', target: taken };
  return { kind: 'branch', taken, next };
}

/** Targets of the block's terminator, the taken one first. */
export function successorsOf(block: Block): readonly BlockIndex[] {
  const { terminator } = block;
  if (terminator.kind === 'jump') return [terminator.target];
  if (terminator.kind === 'switch') return terminator.targets;
  if (terminator.kind !== 'branch') return [];
  return terminator.taken === terminator.next ? [terminator.taken] : [terminator.taken, terminator.next];
}

/** The blocks that the first one reaches, in reverse postorder and numbered by it. */
export function reachedBlocks(raw: readonly Block[]): Block[] {
  const order = reversePostorder(raw.length, block => successorsOf(elementAt(raw, block)));
  const numbers = new Map(order.map((rawIndex, block) => [rawIndex, block]));
  return order.map(rawIndex => renumber(elementAt(raw, rawIndex), numbers));
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
