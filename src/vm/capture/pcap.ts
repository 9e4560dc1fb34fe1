/**
 * The classic capture format of libpcap: a header of 24 bytes, then records of 16 bytes and a packet.
 *
 * Both byte orders, microseconds and nanoseconds. Source: draft-ietf-opsawg-pcap.
 */

import { inputError } from '../../diag/index.ts';
import type { ChunkReader } from './chunks.ts';
import {
  type CapturedPacket,
  LINKTYPE_ETHERNET,
  LINKTYPE_HINT,
  linkTypeText,
  MAX_RECORD,
  type Timestamp,
} from './record.ts';

export const PCAP_MAGIC_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_MAGIC_NANOSECONDS = 0xa1b23c4d;
export const PCAP_HEADER_SIZE = 24;
export const PCAP_RECORD_SIZE = 16;

const NS_PER_US = 1000;
const NS_PER_S = 1_000_000_000;

/** Reads records after the file header; each call of `next` gives one, as long as whole ones have arrived. */
export class PcapDecoder {
  readonly nanoseconds: boolean;
  readonly #name: string;
  readonly #reader: ChunkReader;
  readonly #little: boolean;
  #count = 0;

  /** The reader is at the file header, all of which has arrived. */
  constructor(name: string, reader: ChunkReader, little: boolean, nanoseconds: boolean) {
    this.#name = name;
    this.#reader = reader;
    this.#little = little;
    this.nanoseconds = nanoseconds;
    const { view, position } = reader;
    const version = view.getUint16(position + 4, little);
    if (version !== 2)
      throw inputError('capture-version', [name], `is pcap version ${version}, not 2`, { offset: 4 });
    const linkType = view.getUint32(position + 20, little) & 0x0fffffff; // above: length of a checksum
    if (linkType !== LINKTYPE_ETHERNET) {
      throw inputError('capture-link-type', [name], `has ${linkTypeText(linkType)}, not Ethernet`, {
        offset: 20,
        hint: LINKTYPE_HINT,
      });
    }
    reader.position += PCAP_HEADER_SIZE;
  }

  next(): CapturedPacket | undefined {
    const reader = this.#reader;
    if (reader.available < PCAP_RECORD_SIZE) return undefined;
    const { view, position } = reader;
    const length = view.getUint32(position + 8, this.#little);
    if (length > MAX_RECORD) throw this.#corrupt(length);
    if (reader.available < PCAP_RECORD_SIZE + length) return undefined;
    const packet: CapturedPacket = {
      number: ++this.#count,
      bytes: reader.bytes,
      offset: position + PCAP_RECORD_SIZE,
      length,
      originalLength: view.getUint32(position + 12, this.#little),
      timestamp: this.#timestamp(
        view.getUint32(position, this.#little),
        view.getUint32(position + 4, this.#little),
      ),
    };
    reader.position += PCAP_RECORD_SIZE + length;
    return packet;
  }

  /** Some writers let the fraction run over; the rest belongs to the seconds. */
  #timestamp(seconds: number, fraction: number): Timestamp {
    const nanoseconds = this.nanoseconds ? fraction : fraction * NS_PER_US;
    if (nanoseconds < NS_PER_S) return { seconds, nanoseconds };
    return { seconds: seconds + Math.floor(nanoseconds / NS_PER_S), nanoseconds: nanoseconds % NS_PER_S };
  }

  #corrupt(length: number) {
    return inputError(
      'capture-packet-size',
      [this.#name, `packet ${this.#count + 1}`],
      `declares ${length} bytes; the maximum is ${MAX_RECORD}`,
      { offset: this.#reader.streamOffset, hint: 'the file is damaged here, or before' },
    );
  }
}
