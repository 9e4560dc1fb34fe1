/** Writing capture files, in the classic format: little endian, Ethernet. */

import {
  PCAP_HEADER_SIZE,
  PCAP_MAGIC_MICROSECONDS,
  PCAP_MAGIC_NANOSECONDS,
  PCAP_RECORD_SIZE,
} from './pcap.ts';
import { LINKTYPE_ETHERNET, MAX_RECORD, type Timestamp } from './record.ts';

const BUFFER_SIZE = 0x100000;
const NS_PER_US = 1000;
const NO_TIME: Timestamp = { seconds: 0, nanoseconds: 0 };

/** Collects records and passes them on in large pieces. */
export class PcapWriter {
  readonly #sink: (bytes: Uint8Array) => void;
  readonly #nanoseconds: boolean;
  readonly #bytes = new Uint8Array(BUFFER_SIZE + PCAP_RECORD_SIZE + MAX_RECORD);
  readonly #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** `sink` gets views that are only good during the call. */
  constructor(sink: (bytes: Uint8Array) => void, nanoseconds: boolean) {
    this.#sink = sink;
    this.#nanoseconds = nanoseconds;
    this.#view.setUint32(0, nanoseconds ? PCAP_MAGIC_NANOSECONDS : PCAP_MAGIC_MICROSECONDS, true);
    this.#view.setUint16(4, 2, true);
    this.#view.setUint16(6, 4, true);
    this.#view.setUint32(16, MAX_RECORD, true);
    this.#view.setUint32(20, LINKTYPE_ETHERNET, true);
    this.#length = PCAP_HEADER_SIZE;
  }

  /** Adds a packet, cut to the longest that the format can hold. */
  write(packet: Uint8Array, timestamp: Timestamp = NO_TIME): void {
    const length = Math.min(packet.length, MAX_RECORD);
    const view = this.#view;
    const at = this.#length;
    const { seconds, nanoseconds } = timestamp;
    view.setUint32(at, seconds, true);
    view.setUint32(at + 4, this.#nanoseconds ? nanoseconds : Math.floor(nanoseconds / NS_PER_US), true);
    view.setUint32(at + 8, length, true);
    view.setUint32(at + 12, packet.length, true);
    this.#bytes.set(packet.subarray(0, length), at + PCAP_RECORD_SIZE);
    this.#length = at + PCAP_RECORD_SIZE + length;
    if (this.#length >= BUFFER_SIZE) this.flush();
  }

  /** Flushes the collected bytes to the sink. */
  flush(): void {
    if (this.#length > 0) this.#sink(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
  }
}
