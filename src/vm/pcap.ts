/**
 * Packet captures: pcap (micro- and nanoseconds, both byte orders) and pcapng, read as a stream, and pcap written.
 *
 * No maintained parsing library reads both as a stream without Node's own streams, which the machine must do without.
 * Chunks come from an iterable, so that memory is bounded by the largest packet. Every length is checked; a last record
 * that is cut off is reported, not an error, since captures are often copied while they are written.
 *
 * Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
 */

import { inputError } from '../diag/index.ts';

export interface CapturedPacket {
  /** From 1, as capture tools count. */
  readonly number: number;
  /** Nanoseconds since 1970. */
  readonly timestampNs: bigint;
  /** What was captured; a view that is valid until the next packet is asked for. */
  readonly bytes: Uint8Array;
  /** Bytes on the wire; more than were captured when the capture was cut short (`-s`). */
  readonly originalLength: number;
}

const MAGIC_PCAP = 0xa1b2c3d4;
const MAGIC_PCAP_NS = 0xa1b23c4d;
const MAGIC_PCAPNG = 0x0a0d0d0a;
const MAGIC_BYTE_ORDER = 0x1a2b3c4d;
const LINKTYPE_ETHERNET = 1;
/** The largest packet that capture tools write (MAXIMUM_SNAPLEN of libpcap). */
const MAX_PACKET = 262_144;
const MAX_BLOCK = 16 * 1024 * 1024;
const NS_PER_SECOND = 1_000_000_000n;

/** Reads a capture packet by packet: `for (const packet of new CaptureReader(chunks, name))`. */
export class CaptureReader implements Iterable<CapturedPacket> {
  /** Byte offset of a last record that is not all there; null when the capture ends properly. Set at the end. */
  truncatedAt: number | null = null;
  readonly #source: ByteSource;
  readonly #name: string;

  /** `name` is for messages. Chunks may be of any size; they are not kept. */
  constructor(chunks: Iterable<Uint8Array>, name: string) {
    this.#source = new ByteSource(chunks);
    this.#name = name;
  }

  *[Symbol.iterator](): Generator<CapturedPacket> {
    const source = this.#source;
    if (!source.need(4))
      throw this.#error('capture-empty', source.total === 0 ? 'is empty' : 'is too short for a capture');
    const magic = source.u32(0, true);
    if (magic === MAGIC_PCAPNG) yield* this.#pcapng();
    else yield* this.#pcap();
  }

  #error(code: string, message: string, hint?: string): Error {
    const extras = { offset: this.#source.offset, ...(hint === undefined ? {} : { hint }) };
    return inputError(code, [this.#name], message, extras);
  }

  #requireEthernet(linkType: number): void {
    if (linkType === LINKTYPE_ETHERNET) return;
    const known = LINK_TYPES.get(linkType);
    throw this.#error(
      'capture-link-type',
      `has packets of link type ${linkType}${known === undefined ? '' : ` (${known})`}, not Ethernet`,
      'capture on one Ethernet interface; "any" and tunnels give packets without an Ethernet header',
    );
  }

  *#pcap(): Generator<CapturedPacket> {
    const source = this.#source;
    const little = [MAGIC_PCAP, MAGIC_PCAP_NS].includes(source.u32(0, true));
    const magic = source.u32(0, little);
    if (magic !== MAGIC_PCAP && magic !== MAGIC_PCAP_NS) {
      throw this.#error(
        'capture-magic',
        'is neither a pcap nor a pcapng file',
        'write it with tcpdump -w, or give packets with --packet HEX',
      );
    }
    if (!source.need(24)) throw this.#error('capture-header', 'ends inside its file header');
    if (source.u16(4, little) !== 2)
      throw this.#error('capture-version', `has pcap version ${source.u16(4, little)}, not 2`);
    this.#requireEthernet(source.u32(20, little) & 0xffff);
    source.skip(24);
    const unit = magic === MAGIC_PCAP_NS ? 1n : 1000n;
    for (let number = 1; source.need(1); number++) {
      if (!source.need(16)) return this.#truncated();
      const length = source.u32(8, little);
      if (length > MAX_PACKET)
        throw this.#error(
          'capture-packet-size',
          `packet ${number} claims ${length} bytes; no capture has more than ${MAX_PACKET}`,
        );
      if (!source.need(16 + length)) return this.#truncated();
      const timestampNs =
        BigInt(source.u32(0, little)) * NS_PER_SECOND + BigInt(source.u32(4, little)) * unit;
      yield { number, timestampNs, bytes: source.view(16, length), originalLength: source.u32(12, little) };
      source.skip(16 + length);
    }
  }

  #truncated(): void {
    this.truncatedAt = this.#source.offset;
  }

  *#pcapng(): Generator<CapturedPacket> {
    const section = new PcapngSection();
    let number = 1;
    while (this.#source.need(1)) {
      if (!this.#source.need(12)) return this.#truncated();
      this.#readByteOrder(section);
      const length = this.#blockLength(section.little);
      if (!this.#source.need(length)) return this.#truncated();
      if (this.#source.u32(length - 4, section.little) !== length) {
        throw this.#error('capture-block', 'has a block whose two lengths differ');
      }
      const packet = this.#readBlock(section, length, number);
      if (packet !== null) {
        yield packet;
        number++;
      }
      this.#source.skip(length);
    }
    return undefined;
  }

  /** A section header says the byte order of what follows; it reads the same in both orders. */
  #readByteOrder(section: PcapngSection): void {
    const source = this.#source;
    if (source.u32(0, true) !== MAGIC_PCAPNG) return;
    section.little = source.u32(8, true) === MAGIC_BYTE_ORDER;
    if (source.u32(8, section.little) !== MAGIC_BYTE_ORDER)
      throw this.#error('capture-block', 'has a section header without a byte order');
    section.interfaces.length = 0;
  }

  #blockLength(little: boolean): number {
    const length = this.#source.u32(4, little);
    if (length >= 12 && length % 4 === 0 && length <= MAX_BLOCK) return length;
    throw this.#error('capture-block', `has a block of ${length} bytes`);
  }

  #readBlock(section: PcapngSection, length: number, number: number): CapturedPacket | null {
    switch (this.#source.u32(0, section.little)) {
      case 1:
        this.#readInterface(section, length);
        return null;
      case 3:
        return this.#simplePacket(section, length, number);
      case 6:
        return this.#enhancedPacket(section, length, number);
      default:
        return null;
    }
  }

  #readInterface(section: PcapngSection, length: number): void {
    if (length < 20) throw this.#error('capture-block', `has an interface description of ${length} bytes`);
    const { little } = section;
    const linkType = this.#source.u16(8, little);
    this.#requireEthernet(linkType);
    section.interfaces.push({
      snapLength: this.#source.u32(12, little),
      ticksPerSecond: this.#resolution(little, length),
    });
  }

  /** Option 9, `if_tsresol`: a power of ten, or of two when its top bit is set. */
  #resolution(little: boolean, length: number): bigint {
    for (let at = 16; at + 4 <= length - 4; ) {
      const code = this.#source.u16(at, little);
      const size = this.#source.u16(at + 2, little);
      if (code === 0 || at + 4 + size > length - 4) break;
      if (code === 9 && size >= 1) {
        const value = this.#source.u8(at + 4);
        const exponent = BigInt(value & 0x7f);
        if (exponent > 63n) throw this.#error('capture-block', 'has a time resolution that no clock has');
        return (value & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
      }
      at += 4 + size + ((4 - (size % 4)) % 4);
    }
    return 1_000_000n;
  }

  #enhancedPacket(section: PcapngSection, length: number, number: number): CapturedPacket {
    const { little } = section;
    const source = this.#source;
    if (length < 32) throw this.#error('capture-block', `has a packet block of ${length} bytes`);
    const from = section.interfaces[source.u32(8, little)];
    const captured = source.u32(20, little);
    if (from === undefined)
      throw this.#error(
        'capture-block',
        `packet ${number} is of interface ${source.u32(8, little)}, which is not described`,
      );
    if (captured > length - 32 || captured > MAX_PACKET)
      throw this.#error(
        'capture-packet-size',
        `packet ${number} claims ${captured} bytes in a block of ${length}`,
      );
    const ticks = (BigInt(source.u32(12, little)) << 32n) | BigInt(source.u32(16, little));
    const timestampNs = (ticks * NS_PER_SECOND) / from.ticksPerSecond;
    return { number, timestampNs, bytes: source.view(28, captured), originalLength: source.u32(24, little) };
  }

  #simplePacket(section: PcapngSection, length: number, number: number): CapturedPacket {
    const { little } = section;
    const [from] = section.interfaces;
    if (from === undefined || length < 16)
      throw this.#error('capture-block', `packet ${number} comes before an interface is described`);
    const originalLength = this.#source.u32(8, little);
    const limit = from.snapLength === 0 ? MAX_PACKET : from.snapLength;
    const captured = Math.min(originalLength, limit, length - 16);
    return { number, timestampNs: 0n, bytes: this.#source.view(12, captured), originalLength };
  }
}

class PcapngSection {
  little = true;
  readonly interfaces: { readonly snapLength: number; readonly ticksPerSecond: bigint }[] = [];
}

const LINK_TYPES: ReadonlyMap<number, string> = new Map([
  [0, 'BSD loopback'],
  [101, 'raw IP'],
  [105, 'Wi-Fi'],
  [113, 'Linux "any" interface'],
  [127, 'Wi-Fi with radiotap'],
  [228, 'raw IPv4'],
  [229, 'raw IPv6'],
  [276, 'Linux "any" interface'],
]);

/** Bytes of an iterable of chunks, with as many as are asked for in one piece. */
class ByteSource {
  /** Bytes taken so far: the offset in the file of position 0. */
  offset = 0;
  /** Bytes read from the chunks so far. */
  total = 0;
  readonly #chunks: Iterator<Uint8Array>;
  #buffer = new Uint8Array(0);
  #view = new DataView(this.#buffer.buffer);
  #start = 0;

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]();
  }

  /** True when `count` bytes are there. */
  need(count: number): boolean {
    while (this.#buffer.length - this.#start < count) {
      const next = this.#chunks.next();
      if (next.done === true) return false;
      this.#append(next.value);
    }
    return true;
  }

  #append(chunk: Uint8Array): void {
    const rest = this.#buffer.subarray(this.#start);
    const joined = new Uint8Array(rest.length + chunk.length);
    joined.set(rest);
    joined.set(chunk, rest.length);
    this.#buffer = joined;
    this.#view = new DataView(joined.buffer);
    this.#start = 0;
    this.total += chunk.length;
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#start + at);
  }

  u16(at: number, little: boolean): number {
    return this.#view.getUint16(this.#start + at, little);
  }

  u32(at: number, little: boolean): number {
    return this.#view.getUint32(this.#start + at, little);
  }

  view(at: number, length: number): Uint8Array {
    return this.#buffer.subarray(this.#start + at, this.#start + at + length);
  }

  skip(count: number): void {
    this.#start += count;
    this.offset += count;
  }
}

/** File header of a pcap with nanoseconds, little endian, Ethernet. */
export function captureHeader(): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, MAGIC_PCAP_NS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, MAX_PACKET, true);
  view.setUint32(20, LINKTYPE_ETHERNET, true);
  return bytes;
}

/** One packet as a record behind `captureHeader`. */
export function captureRecord(packet: Uint8Array, timestampNs: bigint): Uint8Array {
  const bytes = new Uint8Array(16 + packet.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Number(timestampNs / NS_PER_SECOND) >>> 0, true);
  view.setUint32(4, Number(timestampNs % NS_PER_SECOND), true);
  view.setUint32(8, packet.length, true);
  view.setUint32(12, packet.length, true);
  bytes.set(packet, 16);
  return bytes;
}
