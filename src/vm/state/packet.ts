/**
 * The packet buffer: where the packet of a run is, and how far its ends may move.
 *
 * The sizes are those of the kernel's BPF_PROG_TEST_RUN, so that programs that move the ends get the same
 * answers: 256 bytes of headroom, of which an XDP program cannot use the kernel's own `struct xdp_frame`, and
 * a frame of 4096 bytes with a `struct skb_shared_info` at its end. A longer packet is taken too, as if its
 * frame were just large enough; the kernel would split it into fragments.
 */

import { inputError } from '../../diag/index.ts';
import { HEADROOM, MAX_PACKET, PACKET_SPACE } from './layout.ts';
import type { MachineMemory } from './memory.ts';

/** Bytes that `struct xdp_frame` takes at the start of the headroom. */
const XDP_FRAME = 40;
/** Frame of a test run, less the `struct skb_shared_info` at its end. */
const FRAME_END = 4096 - 320;

const WORD_COPY_LIMIT = 128;

export class PacketBuffer {
  readonly #memory: MachineMemory;
  /** Start of the headroom, where the frame starts too. */
  readonly #hardStart: number;
  readonly #space: number;
  #permission = 0;
  /** Bytes that have the permission now. */
  #openStart: number;
  #openEnd: number;
  /** Where the last packet came from; most come from the same place as the one before. */
  #source: Uint8Array | null = null;
  #sourceView: DataView | null = null;
  /** Lowest address that may have been written since the headroom was last zero. */
  #dirty: number;
  /** First byte of metadata before the packet; equal to `data` when there is none. */
  meta: number;
  data: number;
  end: number;

  constructor(memory: MachineMemory, space: number) {
    this.#memory = memory;
    this.#space = space;
    // Packets start here; long encapsulations of skbs may grow below it.
    this.#hardStart = space + 0x8000;
    this.data = this.#hardStart + HEADROOM;
    this.meta = this.data;
    this.end = this.data;
    this.#openStart = this.data;
    this.#openEnd = this.data;
    this.#dirty = this.data;
  }

  get length(): number {
    return this.end - this.data;
  }

  /** Lowest address that the packet and its metadata may start at, for XDP. */
  get xdpStart(): number {
    return this.#hardStart + XDP_FRAME;
  }

  /** Address that the packet's end may reach, for XDP. */
  get xdpEnd(): number {
    return Math.max(this.#hardStart + FRAME_END, this.end);
  }

  /** Lowest address that the packet may start at at all. */
  get lowest(): number {
    return this.#space;
  }

  get highest(): number {
    return this.#space + PACKET_SPACE;
  }

  /**
   * Puts `length` bytes of `source` in place as the packet, accessible with `permission`. The headroom is
   * zero.
   */
  load(source: Uint8Array, offset: number, length: number, permission: number): void {
    if (length > MAX_PACKET) {
      throw inputError('vm-packet-size', [], `a packet of ${length} bytes is longer than ${MAX_PACKET}`);
    }
    const start = this.#hardStart + HEADROOM;
    if (this.#dirty < start) {
      this.#memory.bytes.fill(0, this.#dirty, start);
      this.#dirty = start;
    }
    this.#copy(source, offset, length, start);
    if (permission !== this.#permission) {
      this.#memory.permit(this.#openStart, this.#openEnd - this.#openStart, 0);
      this.#openEnd = this.#openStart;
      this.#permission = permission;
    }
    this.setBounds(start, start, start + length);
  }

  /**
   * Short packets from the same bytes as the one before, as in a capture, are copied word by word: the
   * engine's own copy takes longer to start than that.
   */
  #copy(source: Uint8Array, offset: number, length: number, to: number): void {
    const whole = offset === 0 && length === source.length;
    if (source !== this.#source) {
      this.#source = source;
      this.#sourceView = null;
      this.#memory.bytes.set(whole ? source : source.subarray(offset, offset + length), to);
      return;
    }
    this.#sourceView ??= new DataView(source.buffer, source.byteOffset, source.byteLength);
    if (length > WORD_COPY_LIMIT) {
      this.#memory.bytes.set(whole ? source : source.subarray(offset, offset + length), to);
    } else copyWords(this.#sourceView, offset, this.#memory.view, to, length);
  }

  /** Moves the ends. The caller has checked them, and fills what is new. */
  setBounds(meta: number, data: number, end: number): void {
    this.meta = meta;
    this.data = data;
    this.end = end;
    if (meta < this.#dirty) this.#dirty = meta;
    if (meta !== this.#openStart || end !== this.#openEnd) this.#open(meta, end);
  }

  /** Bytes before the packet: a view. */
  metadata(): Uint8Array {
    return this.#memory.bytes.subarray(this.meta, this.data);
  }

  #open(start: number, end: number): void {
    const memory = this.#memory;
    const [oldStart, oldEnd] = [this.#openStart, this.#openEnd];
    this.#openStart = start;
    this.#openEnd = end;
    if (start >= oldEnd || end <= oldStart) {
      memory.permit(oldStart, oldEnd - oldStart, 0);
      memory.permit(start, end - start, this.#permission);
      return;
    }
    if (start > oldStart) memory.permit(oldStart, start - oldStart, 0);
    else if (start < oldStart) memory.permit(start, oldStart - start, this.#permission);
    if (end < oldEnd) memory.permit(end, oldEnd - end, 0);
    else if (end > oldEnd) memory.permit(oldEnd, end - oldEnd, this.#permission);
  }
}

function copyWords(from: DataView, offset: number, to: DataView, at: number, length: number): void {
  let done = 0;
  for (; done + 4 <= length; done += 4) to.setInt32(at + done, from.getInt32(offset + done, true), true);
  for (; done < length; done++) to.setUint8(at + done, from.getUint8(offset + done));
}
