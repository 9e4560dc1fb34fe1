/** Frames and permissions: what compiled code, the memory layout and helpers agree on. */

/** Bytes of one stack frame, and the distance of frames; the rest between them is never accessible. */
export const FRAME_SIZE = 512;

export const FRAME_STRIDE = 4096;

/** Frames that one program may have at a time, itself included. */
export const MAX_FRAMES = 8;

/** Permissions in shadow bytes. */
export const READ = 1;

export const WRITE = 2;
