/**
 * Bytes that arrive in pieces, read as if they were one. They are copied into one buffer, so that the pieces
 * may be in a buffer that is used again; what has not been read moves to its start.
 */

const INITIAL_SIZE = 0x40000;

export class ChunkReader {
  /** What has arrived is from `position` to `limit`. */
  bytes = new Uint8Array(INITIAL_SIZE);
  view = new DataView(this.bytes.buffer);
  /** Next byte to read. */
  position = 0;
  limit = 0;
  /** Bytes that have been read and forgotten. */
  #before = 0;

  get available(): number {
    return this.limit - this.position;
  }

  /** Offset of the next byte in the whole stream. */
  get streamOffset(): number {
    return this.#before + this.position;
  }

  push(chunk: Uint8Array): void {
    const rest = this.available;
    this.#before += this.position;
    if (rest + chunk.length > this.bytes.length) this.#grow(rest + chunk.length);
    else this.bytes.copyWithin(0, this.position, this.limit);
    this.position = 0;
    this.bytes.set(chunk, rest);
    this.limit = rest + chunk.length;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(this.position, this.limit));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}
