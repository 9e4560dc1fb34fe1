/** The context of XDP programs: `struct xdp_md`. */

import { READ } from './compile/emitter.ts';
import type { MachineMemory } from './memory.ts';
import type { PacketBuffer } from './packet.ts';

/** Byte offsets of its u32 fields (linux/bpf.h). */
export const XDP_FIELD = {
  data: 0,
  data_end: 4,
  data_meta: 8,
  ingress_ifindex: 12,
  rx_queue_index: 16,
  egress_ifindex: 20,
} as const;
export const XDP_SIZE = 24;

export function permitXdp(memory: MachineMemory, context: number): void {
  memory.permit(context, XDP_SIZE, READ);
}

export class XdpContext {
  readonly #memory: MachineMemory;
  readonly #packet: PacketBuffer;
  readonly #at: number;

  constructor(memory: MachineMemory, packet: PacketBuffer, at: number) {
    this.#memory = memory;
    this.#packet = packet;
    this.#at = at;
  }

  receive(ingressIfindex: number, rxQueueIndex: number): void {
    this.#memory.setU32(this.#at + XDP_FIELD.ingress_ifindex, ingressIfindex);
    this.#memory.setU32(this.#at + XDP_FIELD.rx_queue_index, rxQueueIndex);
    this.#memory.setU32(this.#at + XDP_FIELD.egress_ifindex, 0);
    this.sync();
  }

  /** Writes the packet's bounds into the context. */
  sync(): void {
    this.#memory.setU32(this.#at + XDP_FIELD.data, this.#packet.data);
    this.#memory.setU32(this.#at + XDP_FIELD.data_end, this.#packet.end);
    this.#memory.setU32(this.#at + XDP_FIELD.data_meta, this.#packet.meta);
  }
}
