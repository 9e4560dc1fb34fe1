/**
 * Jumps into structured control.
 *
 * WebAssembly has only blocks and loops. A reducible graph, which is what compilers write, is turned into
 * them along its dominator tree (Ramsey, "Beyond Relooper", ICFP 2022): a block with several forward
 * predecessors becomes the code after a `block`, a block that is jumped back to becomes a `loop`, every other
 * block is placed where its only predecessor ends. Any other graph becomes one loop that dispatches on the
 * number of the next block; so does one with indirect jumps.
 */

import { elementAt, valueAt } from '../../../bytes/index.ts';
import { bugError } from '../../../diag/index.ts';
import { type BlockIndex, successorsOf } from '../../../isa/index.ts';
import * as w from '../../wasm/opcodes.ts';
import type { ControlFlow } from '../analysis/index.ts';
import { type FunctionEmitter, LOCAL } from './emitter.ts';
import { emitCondition } from './jump.ts';
import { emitSwitchLabel } from './switch.ts';
import { emitWordsFault } from './words.ts';

/** Emits the instructions of a block, without the jump at its end. */
export type EmitBlock = (block: BlockIndex) => void;

export function emitControl(f: FunctionEmitter, flow: ControlFlow, emitBlock: EmitBlock): void {
  if (flow.reducible) new TreeEmitter(f, flow, emitBlock).run();
  else emitDispatch(f, flow, emitBlock);
}

/** Ends of blocks that go nowhere else; the same in both forms. */
function emitEnd(
  f: FunctionEmitter,
  slot: number,
  kind: 'exit' | 'falls-off' | 'unsupported' | 'malformed',
): void {
  if (kind === 'exit') {
    f.code.get(LOCAL.r0);
    f.code.op(w.RETURN);
    return;
  }
  // a malformed block has ended the run
  if (kind === 'falls-off') emitWordsFault(f, slot, 'vm-falls-off', 'the function ends without exit');
}

type Task =
  | { readonly kind: 'tree'; readonly block: BlockIndex }
  | { readonly kind: 'within'; readonly block: BlockIndex; readonly merge: number }
  | { readonly kind: 'branch'; readonly from: BlockIndex; readonly to: BlockIndex }
  | { readonly kind: 'else' }
  | { readonly kind: 'end' }
  | { readonly kind: 'end-loop'; readonly block: BlockIndex }
  | { readonly kind: 'end-merge'; readonly block: BlockIndex };

/** The recursion of the paper with its own stack: graphs come from files. */
class TreeEmitter {
  readonly #f: FunctionEmitter;
  readonly #flow: ControlFlow;
  readonly #emitBlock: EmitBlock;
  /** Dominated merge blocks of each block, the one placed outermost first. */
  readonly #merges: readonly (readonly BlockIndex[])[];
  readonly #isMerge: readonly boolean[];
  readonly #isLoop: readonly boolean[];
  /** Nesting depth at which the label of a merge block or of a loop was opened. */
  readonly #mergeLabel = new Map<BlockIndex, number>();
  readonly #loopLabel = new Map<BlockIndex, number>();
  readonly #tasks: Task[] = [];
  #depth = 0;

  constructor(f: FunctionEmitter, flow: ControlFlow, emitBlock: EmitBlock) {
    this.#f = f;
    this.#flow = flow;
    this.#emitBlock = emitBlock;
    const forward = flow.predecessors.map((list, block) => list.filter(from => from < block).length);
    this.#isMerge = forward.map(count => count > 1);
    this.#isLoop = flow.predecessors.map((list, block) => list.some(from => from >= block));
    const merges = flow.blocks.map((): BlockIndex[] => []);
    for (let block = flow.blocks.length - 1; block > 0; block--) {
      if (this.#isMerge[block]) elementAt(merges, elementAt(flow.dominator, block)).push(block);
    }
    this.#merges = merges;
  }

  run(): void {
    this.#tasks.push({ kind: 'tree', block: 0 });
    for (let task = this.#tasks.pop(); task !== undefined; task = this.#tasks.pop()) this.#do(task);
  }

  #do(task: Task): void {
    switch (task.kind) {
      case 'tree':
        this.#tree(task.block);
        return;
      case 'within':
        this.#within(task.block, task.merge);
        return;
      case 'branch':
        this.#branch(task.from, task.to);
        return;
      case 'else':
        this.#f.code.op(w.ELSE);
        return;
      case 'end-loop':
        this.#loopLabel.delete(task.block);
        this.#close();
        return;
      case 'end-merge':
        this.#mergeLabel.delete(task.block);
        this.#close();
        return;
      case 'end':
        this.#close();
    }
  }

  #open(opcode: number): void {
    this.#f.code.open(opcode);
    this.#depth++;
  }

  #close(): void {
    this.#f.code.op(w.END);
    this.#depth--;
  }

  #tree(block: BlockIndex): void {
    if (this.#isLoop[block]) {
      this.#open(w.LOOP);
      this.#loopLabel.set(block, this.#depth);
      this.#tasks.push({ kind: 'end-loop', block });
    }
    this.#tasks.push({ kind: 'within', block, merge: 0 });
  }

  /** Opens one `block` for each merge block below, then the code of the block itself. */
  #within(block: BlockIndex, merge: number): void {
    const target = elementAt(this.#merges, block)[merge];
    if (target === undefined) {
      this.#body(block);
      return;
    }
    this.#open(w.BLOCK);
    this.#mergeLabel.set(target, this.#depth);
    this.#tasks.push(
      { kind: 'tree', block: target },
      { kind: 'end-merge', block: target },
      { kind: 'within', block, merge: merge + 1 },
    );
  }

  #body(index: BlockIndex): void {
    const block = elementAt(this.#flow.blocks, index);
    this.#emitBlock(index);
    const { terminator } = block;
    if (terminator.kind === 'jump') this.#branch(index, terminator.target);
    else if (terminator.kind === 'branch') this.#fork(index, block.last, terminator.taken, terminator.next);
    else if (terminator.kind === 'switch') throw bugError([], 'an indirect jump in structured code');
    else emitEnd(this.#f, block.last, terminator.kind);
  }

  #fork(from: BlockIndex, slot: number, taken: BlockIndex, next: BlockIndex): void {
    emitCondition(this.#f, slot);
    if (taken > from && this.#isMerge[taken]) {
      this.#f.code.brIf(this.#distance(this.#mergeLabel, taken));
      this.#branch(from, next);
      return;
    }
    this.#open(w.IF);
    this.#tasks.push(
      { kind: 'end' },
      { kind: 'branch', from, to: next },
      { kind: 'else' },
      { kind: 'branch', from, to: taken },
    );
  }

  #branch(from: BlockIndex, to: BlockIndex): void {
    if (to <= from) {
      this.#f.spendFuel(elementAt(this.#flow.blocks, from).last);
      this.#f.code.br(this.#distance(this.#loopLabel, to));
    } else if (this.#isMerge[to]) this.#f.code.br(this.#distance(this.#mergeLabel, to));
    else this.#tree(to);
  }

  #distance(labels: ReadonlyMap<BlockIndex, number>, block: BlockIndex): number {
    return this.#depth - valueAt(labels, block);
  }
}

/** One `loop` around a `br_table`; `label` names the block to run next. */
function emitDispatch(f: FunctionEmitter, flow: ControlFlow, emitBlock: EmitBlock): void {
  const { code } = f;
  const count = flow.blocks.length;
  code.open(w.LOOP);
  for (let block = 0; block < count; block++) code.open(w.BLOCK);
  code.get(LOCAL.label);
  const depths = [...flow.blocks.keys()];
  code.brTable(w.BR_TABLE, depths, 0);
  flow.blocks.forEach((_, index) => {
    code.op(w.END);
    emitBlock(index);
    const toLoop = count - 1 - index;
    emitDispatchEnd(f, flow, index, toLoop);
  });
  code.op(w.END, w.UNREACHABLE);
}

function emitDispatchEnd(f: FunctionEmitter, flow: ControlFlow, index: BlockIndex, toLoop: number): void {
  const { code } = f;
  const block = elementAt(flow.blocks, index);
  const { terminator } = block;
  if (terminator.kind === 'exit' || terminator.kind === 'falls-off' || terminator.kind === 'malformed') {
    emitEnd(f, block.last, terminator.kind);
    return;
  }
  if (terminator.kind === 'switch') emitSwitchLabel(f, block.last, terminator.targets);
  else if (terminator.kind === 'branch') {
    code.i32(terminator.taken);
    code.i32(terminator.next);
    emitCondition(f, block.last);
    code.op(w.SELECT);
  } else code.i32(terminator.target);
  code.set(LOCAL.label);
  if (successorsOf(block).some(target => target <= index)) f.spendFuel(block.last);
  code.br(toLoop);
}
