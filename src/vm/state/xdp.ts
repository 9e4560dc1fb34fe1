/** The context of XDP programs: `struct xdp_md`. */

import { XDP_MD_FIELD, XDP_MD_SIZE } from '../../uapi/index.ts';
import type { MachineMemory } from './memory.ts';
import { READ } from './memory-model.ts';
import type { PacketBuffer } from './packet.ts';

export function permitXdp(memory: MachineMemory, context: number): void {
  memory.permit(context, XDP_MD_SIZE, READ);
}

/** Programs cannot write this context, so only what has changed since the last packet is written. */
export class XdpContext {
  readonly #memory: MachineMemory;
  readonly #packet: PacketBuffer;
  readonly #at: number;
  #data = 0;
  #end = 0;
  #meta = 0;
  #ingressIfindex = 0;
  #rxQueueIndex = 0;

  constructor(memory: MachineMemory, packet: PacketBuffer, at: number) {
    this.#memory = memory;
    this.#packet = packet;
    this.#at = at;
  }

  /** Forgets what is written, because something else has used the memory. */
  reset(): void {
    this.#memory.bytes.fill(0, this.#at, this.#at + XDP_MD_SIZE);
    this.#data = 0;
    this.#end = 0;
    this.#meta = 0;
    this.#ingressIfindex = 0;
    this.#rxQueueIndex = 0;
  }

  receive(ingressIfindex: number, rxQueueIndex: number): void {
    if (ingressIfindex !== this.#ingressIfindex) {
      this.#ingressIfindex = ingressIfindex;
      this.#memory.setU32(this.#at + XDP_MD_FIELD.ingress_ifindex, ingressIfindex);
    }
    if (rxQueueIndex !== this.#rxQueueIndex) {
      this.#rxQueueIndex = rxQueueIndex;
      this.#memory.setU32(this.#at + XDP_MD_FIELD.rx_queue_index, rxQueueIndex);
    }
    this.sync();
  }

  /** Writes the packet's bounds into the context. */
  sync(): void {
    const { data, end, meta } = this.#packet;
    if (data !== this.#data) {
      this.#data = data;
      this.#memory.setU32(this.#at + XDP_MD_FIELD.data, data);
    }
    if (end !== this.#end) {
      this.#end = end;
      this.#memory.setU32(this.#at + XDP_MD_FIELD.data_end, end);
    }
    if (meta !== this.#meta) {
      this.#meta = meta;
      this.#memory.setU32(this.#at + XDP_MD_FIELD.data_meta, meta);
    }
  }
}
