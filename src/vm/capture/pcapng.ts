/**
 * The capture format of Wireshark: a stream of blocks, each with its length before and after it.
 *
 * Section headers, interface descriptions, enhanced, simple and obsolete packet blocks are read, all others
 * skipped.
 * Source: draft-ietf-opsawg-pcapng.
 */

import { alignUp, given } from '../../bytes/index.ts';
import { type CodeOf, inputError, type RootletError } from '../../diag/index.ts';
import type { ChunkReader } from './chunks.ts';
import {
  type CapturedPacket,
  LINKTYPE_ETHERNET,
  LINKTYPE_HINT,
  linkTypeText,
  MAX_RECORD,
  type Timestamp,
} from './record.ts';

export const PCAPNG_SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const OBSOLETE_PACKET = 2;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_END = 0;
const OPTION_TIME_RESOLUTION = 9;
const OPTION_TIME_OFFSET = 14;
/** Type and both lengths. */
const BLOCK_FRAME = 12;
const NS_PER_S = 1_000_000_000n;

interface CaptureInterface {
  readonly linkType: number;
  /** 0 for no limit. */
  readonly snapLength: number;
  /** Ticks per second. */
  readonly resolution: bigint;
  /** Seconds that are added to all times. */
  readonly timeOffset: bigint;
}

/** A block that has arrived as a whole: where its body is. */
interface Block {
  readonly type: number;
  readonly start: number;
  readonly end: number;
}

export class PcapngDecoder {
  readonly #name: string;
  readonly #reader: ChunkReader;
  #little = true;
  #interfaces: CaptureInterface[] = [];
  #count = 0;

  constructor(name: string, reader: ChunkReader) {
    this.#name = name;
    this.#reader = reader;
  }

  /** Whether the packets' times are finer than microseconds. */
  get nanoseconds(): boolean {
    return this.#interfaces.some(item => item.resolution > 1_000_000n);
  }

  next(): CapturedPacket | undefined {
    for (;;) {
      const block = this.#nextBlock();
      if (block === undefined) return undefined;
      const packet = this.#readBlock(block);
      this.#reader.position = block.end + 4;
      if (packet !== undefined) return packet;
    }
  }

  #nextBlock(): Block | undefined {
    const reader = this.#reader;
    if (reader.available < BLOCK_FRAME) return undefined;
    const { view, position } = reader;
    const type = view.getUint32(position, this.#little);
    if (type === PCAPNG_SECTION_HEADER) this.#little = this.#sectionOrder(position);
    const length = view.getUint32(position + 4, this.#little);
    if (length % 4 !== 0 || length < BLOCK_FRAME || length > MAX_RECORD + 4096) {
      throw this.#error('capture-block', `a block declares ${length} bytes`);
    }
    if (reader.available < length) return undefined;
    const end = position + length - 4;
    if (view.getUint32(end, this.#little) !== length) {
      throw this.#error('capture-block', 'the two lengths of a block differ');
    }
    return { type, start: position + 8, end };
  }

  #sectionOrder(position: number): boolean {
    const { view } = this.#reader;
    if (view.getUint32(position + 8, true) === BYTE_ORDER_MAGIC) return true;
    if (view.getUint32(position + 8, false) === BYTE_ORDER_MAGIC) return false;
    throw this.#error('capture-block', 'a section header has no byte order');
  }

  #readBlock(block: Block): CapturedPacket | undefined {
    switch (block.type) {
      case PCAPNG_SECTION_HEADER:
        this.#interfaces = [];
        return undefined;
      case INTERFACE_DESCRIPTION:
        this.#interfaces.push(this.#readInterface(block));
        return undefined;
      case ENHANCED_PACKET:
        return this.#readPacket(block, this.#u32(block, 0));
      case OBSOLETE_PACKET:
        return this.#readPacket(block, this.#u16(block, 0));
      case SIMPLE_PACKET:
        return this.#readSimplePacket(block);
      default:
        return undefined;
    }
  }

  #readInterface(block: Block): CaptureInterface {
    let resolution = 1_000_000n;
    let timeOffset = 0n;
    for (let at = 8; block.start + at + 4 <= block.end; ) {
      const code = this.#u16(block, at);
      const length = this.#u16(block, at + 2);
      if (code === OPTION_END || block.start + at + 4 + length > block.end) break;
      if (code === OPTION_TIME_RESOLUTION && length === 1) resolution = resolutionOf(this.#u8(block, at + 4));
      if (code === OPTION_TIME_OFFSET && length === 8) {
        timeOffset = this.#reader.view.getBigInt64(block.start + at + 4, this.#little);
      }
      at += 4 + alignUp(length, 4);
    }
    return { linkType: this.#u16(block, 0), snapLength: this.#u32(block, 4), resolution, timeOffset };
  }

  /** Enhanced and obsolete packet blocks differ only in the first 4 bytes. */
  #readPacket(block: Block, interfaceNumber: number): CapturedPacket {
    const captured = this.#interface(interfaceNumber);
    const ticks = (BigInt(this.#u32(block, 4)) << 32n) | BigInt(this.#u32(block, 8));
    const length = this.#u32(block, 12);
    return this.#packet(block, 20, length, this.#u32(block, 16), timestampOf(ticks, captured));
  }

  #readSimplePacket(block: Block): CapturedPacket {
    const { snapLength } = this.#interface(0);
    const original = this.#u32(block, 0);
    const room = block.end - block.start - 4;
    const length = Math.min(original, room, snapLength === 0 ? room : snapLength);
    return this.#packet(block, 4, length, original, undefined);
  }

  #packet(
    block: Block,
    at: number,
    length: number,
    originalLength: number,
    timestamp: Timestamp | undefined,
  ): CapturedPacket {
    const offset = block.start + at;
    if (offset + length > block.end) {
      throw this.#error('capture-packet-size', `a packet of ${length} bytes does not fit in its block`);
    }
    return {
      number: ++this.#count,
      bytes: this.#reader.bytes,
      offset,
      length,
      originalLength,
      timestamp,
    };
  }

  #interface(number: number): CaptureInterface {
    const found = this.#interfaces[number];
    if (found === undefined)
      throw this.#error('capture-block', `a packet names interface ${number}, which is not described`);
    if (found.linkType === LINKTYPE_ETHERNET) return found;
    throw this.#error(
      'capture-link-type',
      `interface ${number} has ${linkTypeText(found.linkType)}, not Ethernet`,
      LINKTYPE_HINT,
    );
  }

  #u8(block: Block, at: number): number {
    return this.#reader.view.getUint8(this.#checked(block, at, 1));
  }

  #u16(block: Block, at: number): number {
    return this.#reader.view.getUint16(this.#checked(block, at, 2), this.#little);
  }

  #u32(block: Block, at: number): number {
    return this.#reader.view.getUint32(this.#checked(block, at, 4), this.#little);
  }

  #checked(block: Block, at: number, size: number): number {
    if (block.start + at + size <= block.end) return block.start + at;
    throw this.#error('capture-block', `a block of type ${block.type} is too short for its fields`);
  }

  #error(code: CodeOf<'input'>, message: string, hint?: string): RootletError {
    return inputError(code, [this.#name], message, { offset: this.#reader.streamOffset, ...given({ hint }) });
  }
}

/** Ticks per second: the highest bit selects powers of two instead of ten. */
function resolutionOf(code: number): bigint {
  const exponent = BigInt(Math.min(code & 0x7f, 63));
  return (code & 0x80) !== 0 ? 1n << exponent : 10n ** exponent;
}

function timestampOf(ticks: bigint, { resolution, timeOffset }: CaptureInterface): Timestamp {
  const seconds = ticks / resolution + timeOffset;
  const nanoseconds = ((ticks % resolution) * NS_PER_S) / resolution;
  return { seconds: Number(seconds), nanoseconds: Number(nanoseconds) };
}
