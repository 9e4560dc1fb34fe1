/** Frames and permissions: what compiled code, the memory layout and helpers agree on. */

import { MAX_STACK_BYTES } from '../../object/index.ts';

/** Bytes of one stack frame, and the distance of frames; the rest between them is never accessible. */
export const FRAME_SIZE = MAX_STACK_BYTES;

export const FRAME_STRIDE = 4096;

/** Permissions in shadow bytes. */
export const READ = 1;

export const WRITE = 2;
