/**
 * Bytes that are written in place.
 *
 * A large file consists of sections that consist of smaller parts: joined bottom up, everything would be in
 * memory several times.
 */

export interface Contents {
  /** Bytes. */
  readonly length: number;
  /** Fills `target`, which has exactly that length and starts at a multiple of 8 in its buffer. */
  writeTo(target: Uint8Array): void;
}

export function bytesOf(contents: Contents): Uint8Array {
  const bytes = new Uint8Array(contents.length);
  contents.writeTo(bytes);
  return bytes;
}
