/** Memory, packets, contexts and globals of the machine. */

export { type FormatSource, formatPieces } from './format.ts';
export {
  definitionOfSection,
  fillGlobals,
  fillKconfig,
  type Globals,
  type GlobalVariable,
  jumpEntry,
  type Kconfig,
  placeGlobals,
} from './globals.ts';
export { Heap } from './heap.ts';
export {
  addFixedRegions,
  CELL,
  DESCRIPTOR_SIZE,
  type FixedLayout,
  LayoutBuilder,
  memorySize,
  REGION_GAP,
  type Region,
} from './layout.ts';
export {
  type ArrayPlace,
  copyBytes,
  type Element,
  type MapStorage,
  type MapStore,
  programPermissions,
  type QueueStore,
  RED_ZONE,
  type StoreEnv,
} from './map-store.ts';
export { MachineMemory } from './memory.ts';
export { FRAME_SIZE, FRAME_STRIDE, READ, WRITE } from './memory-model.ts';
export { PacketBuffer } from './packet.ts';
export { type ProgramKind, SKB, TC, XDP } from './program-kind.ts';
export {
  ETH_HLEN,
  ETH_P_8021AD,
  ETH_P_8021Q,
  ETH_P_IP,
  ETH_P_IPV6,
  PACKET_PERMISSION,
  protocolOf,
  SkbState,
} from './skb.ts';
export { permitSkb } from './skb-fields.ts';
export type { EventRecord, MachineState, Redirect } from './state.ts';
export { TextReader } from './texts.ts';
export { permitXdp, XdpContext } from './xdp.ts';
