/**
 * Distances of jumps: the offset of each, and `gotol` where 16 bits are too few.
 *
 * A longer form moves what follows, which can bring further jumps out of reach: forms only get longer, until all
 * reach. Apart from `lower.ts`, since almost no program needs it.
 */

import { elementAt } from '../../../bytes/index.ts';
import { invertedBranch, OP_JA, OP_JA32, OP_LD_IMM64 } from '../../../isa/index.ts';
import { type Ins, move, withFields } from '../ir/index.ts';
import { Refusal } from '../model/index.ts';

/** An instruction; `target`: block that it jumps to, -1 for none. */
export interface Item {
  readonly ins: Ins;
  readonly target: number;
}

const MIN_OFFSET = -0x8000;
const MAX_OFFSET = 0x7fff;

/** The instructions with offsets. `starts`: for each block, its first item. */
export function reach(items: readonly Item[], starts: Int32Array, hasLongJumps: boolean): Ins[] {
  const isLong = new Uint8Array(items.length);
  let slots = slotsOf(items, isLong);
  while (lengthen(items, starts, slots, isLong)) {
    if (!hasLongJumps)
      throw new Refusal('a jump would be too long, and its instruction set (version below 4) has no gotol');
    slots = slotsOf(items, isLong);
  }
  return items.flatMap((item, at) => withOffset(item, at, starts, slots, isLong[at] === 1));
}

/** Slot of each item, and of the end. */
function slotsOf(items: readonly Item[], isLong: Uint8Array): Int32Array {
  const slots = new Int32Array(items.length + 1);
  let slot = 0;
  items.forEach(({ ins }, at) => {
    slots[at] = slot;
    slot += ins.opcode === OP_LD_IMM64 ? 2 : 1;
    if (isLong[at] === 1) slot += extraSlots(ins.opcode);
  });
  slots[items.length] = slot;
  return slots;
}

/** `goto` becomes `gotol`; a branch goes around one, which takes a jump more where it cannot be inverted. */
function extraSlots(opcode: number): number {
  if (opcode === OP_JA) return 0;
  return invertedBranch(opcode) === undefined ? 2 : 1;
}

/** Marks jumps that do not reach; whether there were any. */
function lengthen(
  items: readonly Item[],
  starts: Int32Array,
  slots: Int32Array,
  isLong: Uint8Array,
): boolean {
  let found = false;
  items.forEach(({ target }, at) => {
    if (target < 0 || isLong[at] === 1) return;
    const distance = elementAt(slots, elementAt(starts, target)) - elementAt(slots, at) - 1;
    if (distance >= MIN_OFFSET && distance <= MAX_OFFSET) return;
    isLong[at] = 1;
    found = true;
  });
  return found;
}

function withOffset(
  { ins, target }: Item,
  at: number,
  starts: Int32Array,
  slots: Int32Array,
  isLong: boolean,
): Ins[] {
  if (target < 0) return [ins];
  const to = elementAt(slots, elementAt(starts, target));
  if (!isLong) return [withFields(ins, ins.dst, ins.src, to - elementAt(slots, at) - 1)];
  const distance = to - elementAt(slots, at + 1);
  const long = { ...move(0, 0, ins.line), opcode: OP_JA32, imm: distance };
  if (ins.opcode === OP_JA) return [long];
  const inverse = invertedBranch(ins.opcode);
  if (inverse !== undefined) return [{ ...ins, opcode: inverse, offset: 1 }, long];
  const around = { ...move(0, 0, ins.line), opcode: OP_JA, offset: 1 };
  return [{ ...ins, offset: 1 }, around, long];
}
