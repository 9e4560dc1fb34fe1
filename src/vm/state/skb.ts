/**
 * A packet as a socket buffer: `struct __sk_buff`, and the kernel's further fields.
 *
 * The fields that programs see live in the machine's memory only, where programs write some of them; this
 * class knows where, and has what programs do not see: the positions of the headers.
 */

import { alignUp } from '../../bytes/index.ts';
import { SK_BUFF_FIELD, SK_BUFF_SIZE } from '../../uapi/index.ts';
import type { MachineMemory } from './memory.ts';
import { READ, WRITE } from './memory-model.ts';
import type { PacketBuffer } from './packet.ts';
import type { ProgramKind } from './program-kind.ts';

export const ETH_HLEN = 14;
export const ETH_P_IP = 0x0800;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_8021Q = 0x8100;
export const ETH_P_8021AD = 0x88a8;
const ETH_P_802_3 = 0x0001;
const ETH_P_802_2 = 0x0004;
/** Smallest EtherType; what is below is a length. */
const ETH_P_802_3_MIN = 0x0600;

const PACKET_HOST = 0;
const PACKET_MULTICAST = 2;
const PACKET_OTHERHOST = 3;

/** Headroom of a test run's packet, and the unit in which it grows. */
const NET_SKB_PAD = 64;

type Field = keyof typeof SK_BUFF_FIELD;

/** Permission of packet bytes that a kind of program may access through `data` and `data_end`. */
export const PACKET_PERMISSION: Readonly<Record<ProgramKind, number>> = {
  xdp: READ | WRITE,
  tc: READ | WRITE,
  'cgroup-skb': READ,
  socket: 0,
};

/** Metadata of the packet of a run; defaults are those of BPF_PROG_TEST_RUN. */
export interface SkbOptions {
  readonly ingressIfindex?: number | undefined;
  readonly ifindex?: number | undefined;
  readonly mark?: number | undefined;
  readonly priority?: number | undefined;
  readonly queueMapping?: number | undefined;
}

export class SkbState {
  readonly #memory: MachineMemory;
  readonly #packet: PacketBuffer;
  readonly #context: number;
  /** Addresses of the headers. */
  macHeader = 0;
  networkHeader = 0;
  /** 0 while it is not set. */
  transportHeader = 0;
  encapsulation = false;
  /** Bytes before the packet before the kernel would have to move it. */
  #headroom = 0;

  constructor(memory: MachineMemory, packet: PacketBuffer, context: number) {
    this.#memory = memory;
    this.#packet = packet;
    this.#context = context;
  }

  get(field: Field): number {
    return this.#memory.u32(this.#context + SK_BUFF_FIELD[field]);
  }

  set(field: Field, value: number): void {
    this.#memory.setU32(this.#context + SK_BUFF_FIELD[field], value);
  }

  /** EtherType in host order. */
  get protocol(): number {
    return swap16(this.get('protocol'), this.#memory);
  }

  set protocol(value: number) {
    this.set('protocol', swap16(value, this.#memory));
  }

  get vlanProtocol(): number {
    return swap16(this.get('vlan_proto'), this.#memory);
  }

  /** Bytes of the link-layer header. */
  get macLength(): number {
    return this.networkHeader - this.macHeader;
  }

  /**
   * Describes the packet in the buffer as received by an interface of that number. Kinds that run above the
   * link layer start at the network header.
   */
  receive(kind: ProgramKind, options: SkbOptions): void {
    const packet = this.#packet;
    this.#memory.bytes.fill(0, this.#context, this.#context + SK_BUFF_SIZE);
    this.macHeader = packet.data;
    this.networkHeader = packet.data + Math.min(ETH_HLEN, packet.length);
    this.transportHeader = 0;
    this.encapsulation = false;
    this.#headroom = NET_SKB_PAD;
    this.protocol = this.#etherType();
    this.set('pkt_type', this.#packetType());
    if (kind !== 'tc') packet.setBounds(this.networkHeader, this.networkHeader, packet.end);
    this.set('ifindex', options.ifindex ?? 1);
    this.set('ingress_ifindex', options.ingressIfindex ?? 0);
    this.set('mark', options.mark ?? 0);
    this.set('priority', options.priority ?? 0);
    this.set('queue_mapping', options.queueMapping ?? 0);
    this.set('gso_segs', 0);
    this.sync();
    this.set('wire_len', packet.length);
  }

  /** Writes the packet's bounds into the context. */
  sync(): void {
    const { data, end, meta, length } = this.#packet;
    this.set('len', length);
    this.set('data', data);
    this.set('data_end', end);
    this.set('data_meta', meta);
  }

  setVlanTag(protocol: number, tci: number): void {
    this.set('vlan_present', 1);
    this.set('vlan_tci', tci);
    this.set('vlan_proto', swap16(protocol, this.#memory));
  }

  clearVlanTag(): void {
    this.set('vlan_present', 0);
    this.set('vlan_tci', 0);
    this.set('vlan_proto', 0);
  }

  /** Puts `count` zero bytes into the packet, `offset` bytes after its start. False when there is no room. */
  push(offset: number, count: number): boolean {
    const { data, end, lowest } = this.#packet;
    const start = data - count;
    if (start < lowest) return false;
    this.#makeHeadroom(count);
    this.#packet.setBounds(start, start, end);
    this.#memory.bytes.copyWithin(start, data, data + offset);
    this.#memory.bytes.fill(0, start + offset, start + offset + count);
    this.#moved(-count, offset);
    return true;
  }

  /** Takes `count` bytes out of the packet, `offset` bytes after its start. False when it is too short. */
  pop(offset: number, count: number): boolean {
    const { data, end, length } = this.#packet;
    if (offset + count > length) return false;
    this.#memory.bytes.copyWithin(data + count, data, data + offset);
    this.#packet.setBounds(data + count, data + count, end);
    this.#moved(count, offset);
    return true;
  }

  /** Makes the packet `length` bytes long; new bytes are zero. */
  resize(length: number): void {
    const { data, end } = this.#packet;
    this.#packet.setBounds(data, data, data + length);
    if (data + length > end) this.#memory.bytes.fill(0, end, data + length);
    this.sync();
  }

  /** Follows the headers: those within the first `offset` bytes moved by `distance`. */
  #moved(distance: number, offset: number): void {
    this.#headroom += distance;
    if (offset > 0) {
      this.macHeader += distance;
      this.networkHeader += distance;
    }
    this.sync();
  }

  /**
   * Mirrors a quirk of the kernel: when it moves a packet for lack of headroom, the position "not set" of the
   * transport header moves too, wraps, and then counts as set.
   */
  #makeHeadroom(count: number): void {
    if (count <= this.#headroom) return;
    const more = alignUp(count - this.#headroom, NET_SKB_PAD);
    this.#headroom += more;
    if (this.transportHeader === 0) this.transportHeader = this.#packet.data - this.#headroom + more - 1;
  }

  /** Bytes that cannot be cut off the packet: those before its network or transport header. */
  get leastLength(): number {
    const { data } = this.#packet;
    const transport = this.transportHeader === 0 ? 0 : this.transportHeader - data;
    return transport > 0 ? transport : Math.max(0, this.networkHeader - data);
  }

  #etherType(): number {
    const { data, length } = this.#packet;
    if (length < ETH_HLEN) return 0;
    const type = this.#memory.view.getUint16(data + 12, false);
    return protocolOf(type, length >= ETH_HLEN + 2 ? this.#memory.view.getUint16(data + ETH_HLEN, false) : 0);
  }

  /** The interface is the loopback, whose own and broadcast addresses are all zero. */
  #packetType(): number {
    const { data, length } = this.#packet;
    if (length < 6) return PACKET_HOST;
    let any = 0;
    for (let i = 0; i < 6; i++) any |= this.#memory.u8(data + i);
    if (any === 0) return PACKET_HOST;
    return (this.#memory.u8(data) & 1) !== 0 ? PACKET_MULTICAST : PACKET_OTHERHOST;
  }
}

/** Protocol of a frame by its type field, which may be a length, and the two bytes after it. */
export function protocolOf(type: number, next: number): number {
  if (type >= ETH_P_802_3_MIN) return type;
  return next === 0xffff ? ETH_P_802_3 : ETH_P_802_2;
}

/** Network order to the program's and back. */
function swap16(value: number, memory: MachineMemory): number {
  return memory.order === 'big' ? value & 0xffff : ((value & 0xff) << 8) | ((value >> 8) & 0xff);
}
