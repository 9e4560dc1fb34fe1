/** Typed arrays beside the machine's memory that become longer with the number of elements of a map. */

/** A longer copy; what is new is 0. */
export function grown(array: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const longer = new Int32Array(length);
  longer.set(array);
  return longer;
}
