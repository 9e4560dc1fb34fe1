/**
 * Arithmetic of the Internet checksum (RFC 1071) on numbers, with the kernel's names. Sums are u32, folded
 * ones u16; both carry around.
 */

/** a + b with the carry added in. */
export function csumAdd(a: number, b: number): number {
  const sum = (a >>> 0) + (b >>> 0);
  return sum > 0xffffffff ? sum - 0xffffffff : sum;
}

export function csumSub(a: number, b: number): number {
  return csumAdd(a, ~b >>> 0);
}

/** The complement of a sum, folded to 16 bits. */
export function csumFold(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  const twice = (once & 0xffff) + (once >>> 16);
  return ~twice & 0xffff;
}

/** A sum folded to 16 bits, as it is. */
export function csumFrom32To16(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return ((once & 0xffff) + (once >>> 16)) & 0xffff;
}

/** Checksum after a field changed by `difference`. */
export function replaceByDifference(check: number, difference: number): number {
  return csumFold(csumAdd(difference, ~check >>> 0));
}

/** Checksum after a 32-bit field changed from `from` to `to`. */
export function replace4(check: number, from: number, to: number): number {
  return csumFold(csumAdd(csumSub(~check >>> 0, from), to));
}

/** Checksum after a 16-bit field changed from `from` to `to`. */
export function replace2(check: number, from: number, to: number): number {
  const add = (a: number, b: number) => {
    const sum = (a & 0xffff) + (b & 0xffff);
    return sum > 0xffff ? sum - 0xffff : sum;
  };
  return ~add(add(~check, ~from), to) & 0xffff;
}
