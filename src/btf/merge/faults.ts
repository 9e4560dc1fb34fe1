/** What merging refuses, as numbers that its kernels report: mistakes of callers, never of input. */

export const MERGE_FAULT = {
  /** Hashes collide under every seed. */
  collisions: 290,
  /** A type that is kept refers to one that is not; a: row of TYPE that is kept, b: row that is not. */
  dropped: 291,
} as const;
