/**
 * Capture files of either format, read as they arrive: push chunks, take packets, and ask at the end whether
 * the file was whole. Needs as much memory as a chunk and a packet.
 */

import { inputError, type Problem, problem } from '../../diag/index.ts';
import { ChunkReader } from './chunks.ts';
import { PCAP_HEADER_SIZE, PCAP_MAGIC_MICROSECONDS, PCAP_MAGIC_NANOSECONDS, PcapDecoder } from './pcap.ts';
import { PCAPNG_SECTION_HEADER, PcapngDecoder } from './pcapng.ts';
import type { CapturedPacket } from './record.ts';

/** Files that are often mistaken for captures. */
const GZIP_MAGIC = 0x1f8b;

/** Reads packets of a capture (pcap or pcapng) as its bytes arrive. */
export class CaptureDecoder {
  readonly #name: string;
  readonly #reader = new ChunkReader();
  #decoder: PcapDecoder | PcapngDecoder | null = null;

  /** `name` is for errors. */
  constructor(name: string) {
    this.#name = name;
  }

  /** Whether times are given in nanoseconds rather than microseconds, as far as that is known yet. */
  get nanoseconds(): boolean {
    return this.#decoder?.nanoseconds ?? false;
  }

  /** Adds bytes. Packets returned earlier become invalid. */
  push(chunk: Uint8Array): void {
    this.#reader.push(chunk);
  }

  /** The next packet that has arrived as a whole. Throws `capture-…` errors. */
  next(): CapturedPacket | undefined {
    this.#decoder ??= this.#recognise();
    return this.#decoder?.next();
  }

  /** After the last chunk and packet: the problem at the end of the file; undefined if it is complete. */
  end(): Problem | undefined {
    const { available, streamOffset } = this.#reader;
    if (available === 0 && this.#decoder !== null) return undefined;
    if (this.#decoder === null) {
      throw inputError('capture-format', [this.#name], `is too short for a capture (${available} bytes)`);
    }
    return problem(
      'capture-truncated',
      [this.#name],
      `ends in the middle of a packet, ${available} bytes of which are there`,
      { offset: streamOffset },
    );
  }

  #recognise(): PcapDecoder | PcapngDecoder | null {
    const reader = this.#reader;
    if (reader.available < PCAP_HEADER_SIZE) return null;
    const { view, position } = reader;
    for (const little of [true, false]) {
      const magic = view.getUint32(position, little);
      if (magic === PCAPNG_SECTION_HEADER) return new PcapngDecoder(this.#name, reader);
      if (magic === PCAP_MAGIC_MICROSECONDS) return new PcapDecoder(this.#name, reader, little, false);
      if (magic === PCAP_MAGIC_NANOSECONDS) return new PcapDecoder(this.#name, reader, little, true);
    }
    const gzip = view.getUint16(position, false) === GZIP_MAGIC;
    throw inputError('capture-format', [this.#name], 'is neither pcap nor pcapng', {
      offset: 0,
      ...(gzip ? { hint: 'it is compressed: gunzip it first, or pipe it in (zcat FILE | … --pcap -)' } : {}),
    });
  }
}
