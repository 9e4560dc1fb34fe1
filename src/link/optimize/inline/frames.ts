/**
 * Where the frames of members are in the frame of the program they are inlined into.
 *
 * Members run one after the other and could share their bytes. But a verifier follows the stack in slots of 8 bytes,
 * and a slot of which something is read after a write of fewer bytes (a key of 4 bytes) counts as in use from the
 * start of the program on: what one member leaves there makes states differ in the next ones, and the verifier walks
 * the rest of the chain again. So members get bytes of their own as far as there are enough.
 */

import { alignUp } from '../../../bytes/index.ts';
import { MAX_STACK_BYTES } from '../../../object/index.ts';

/** Bytes of stack that a lifted program needs. */
export interface StackNeed {
  /** The program's own frame. */
  readonly own: number;
  /** For each function that is inlined where the program calls it, in order: its frame and those below it. */
  readonly members: readonly number[];
  /** The most that a function which stays one takes, with all that it calls. */
  readonly below: number;
  /** Whether a function which stays one reaches a tail call: the kernel allows few bytes above it. */
  readonly hasTailCalls: boolean;
  /** Whether something stays in a frame after its function: frames are then where they are. */
  readonly isFrameKept: boolean;
}

/** The largest of the roundings that kernels use. */
export const FRAME_ROUNDING = 32;
/** Bytes that are left for registers that find no colour. */
const SPILL_ROOM = 64;

/** Distance of each member's frame from the top; null where sharing all bytes is as good, or there is no room. */
export function placeMembers(need: StackNeed): readonly number[] | null {
  const { own, members, below } = need;
  const room = MAX_STACK_BYTES - below - SPILL_ROOM;
  const isShared = members.filter(bytes => bytes > 0).length > 1;
  if (need.hasTailCalls || need.isFrameKept || !isShared || own + Math.max(...members) > room) return null;
  let next = own;
  return members.map(bytes => {
    if (next + bytes > room) next = own;
    const place = next;
    next += bytes;
    return place;
  });
}

/** Whether the frame of the program, and what it calls, keep the limit. */
export function fitsAbove({ below }: StackNeed, frame: number): boolean {
  return alignUp(frame, FRAME_ROUNDING) + below <= MAX_STACK_BYTES;
}
