/** Packet captures: pcap and pcapng. */

export { CaptureDecoder } from './decoder.ts';
export type { CapturedPacket, Timestamp } from './record.ts';
export { PcapWriter } from './writer.ts';
