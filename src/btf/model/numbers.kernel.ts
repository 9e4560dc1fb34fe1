/** Products and sums of unsigned 32-bit numbers, which files have, in 32 bits. */

/** 1 when the product of two unsigned numbers does not fit in 32 bits. */
export function productOverflows(a: number, b: number): number {
  const high = a >>> 16;
  const otherHigh = b >>> 16;
  if (high !== 0 && otherHigh !== 0) return 1;
  const cross = Math.imul(high, b & 0xffff) | Math.imul(otherHigh, a & 0xffff);
  if (cross >>> 16 !== 0) return 1;
  const low = Math.imul(a & 0xffff, b & 0xffff);
  return ((low + (cross << 16)) | 0) >>> 0 < low >>> 0 ? 1 : 0;
}
