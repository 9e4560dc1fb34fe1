/** Which bits of a type a value gives: those that it does not give keep theirs. */

import type { BtfId } from '../model/index.ts';
import type { ValueTypes } from './walk.ts';
import { encodeValue } from './write.ts';

/** A value in the bytes of its type, and which bits of them it gives. */
export interface Assigned {
  readonly bytes: Uint8Array;
  /** 1 for each bit that the value gives; the others of `bytes` are 0. */
  readonly mask: Uint8Array;
}

/**
 * Encodes a value over zeros and over ones: what is the same in both is what it gives. Throws `value-mismatch` as
 * `encodeValue`. `size`: of the type, in bytes.
 */
export function assignedBits(types: ValueTypes, id: BtfId, value: unknown, size: number): Assigned {
  const bytes = new Uint8Array(size);
  const ones = new Uint8Array(size).fill(0xff);
  encodeValue(types, id, value, bytes);
  encodeValue(types, id, value, ones);
  return { bytes, mask: bytes.map((byte, at) => 0xff ^ byte ^ (ones[at] ?? byte)) };
}

/** Writes the given bits into `target`, which has the same size. */
export function applyAssigned({ bytes, mask }: Assigned, target: Uint8Array): void {
  for (const [at, given] of mask.entries())
    target[at] = ((target[at] ?? 0) & ~given) | ((bytes[at] ?? 0) & given);
}
