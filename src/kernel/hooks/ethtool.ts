/**
 * Questions about the driver of an interface that rtnetlink does not answer: its name, and whether it merges
 * received packets. By ioctl, which all kernels have. Source: include/uapi/linux/ethtool.h.
 */

import { viewOf } from '../../bytes/index.ts';
import { Fd, holding, type Sys } from '../sys/index.ts';
import { HOST_ORDER } from '../uapi/index.ts';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 2 + 0x80000;
const SIOCETHTOOL = 0x8946;
const ETHTOOL_GDRVINFO = 0x03;
const ETHTOOL_GFLAGS = 0x25;
const ETHTOOL_GGRO = 0x2b;
const ETH_FLAG_LRO = 15;

const REQUEST_SIZE = 40;
const REQUEST_DATA = 16;
const DRIVER_INFO_SIZE = 196;
const DRIVER_NAME = { offset: 4, size: 32 } as const;
const VALUE_SIZE = 8;

/** What the driver of an interface reports; null where it does not. */
export interface DriverFacts {
  readonly driver: string | null;
  /** Whether the card merges received packets (large receive offload). */
  readonly largeReceive: boolean | null;
  /** Whether the network stack merges received packets (generic receive offload). */
  readonly genericReceive: boolean | null;
}

/** Asks the driver of an interface of the current network namespace. Throws nothing: answers are null then. */
export function readDriver(sys: Sys, name: string): DriverFacts {
  const raw = sys.syscall('socket', AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (raw < 0) return { driver: null, largeReceive: null, genericReceive: null };
  using socket = Fd.adopt(sys, raw);
  const ask = (command: number, size: number) => request(sys, socket.number, name, command, size);
  const info = ask(ETHTOOL_GDRVINFO, DRIVER_INFO_SIZE);
  const flags = ask(ETHTOOL_GFLAGS, VALUE_SIZE);
  const receive = ask(ETHTOOL_GGRO, VALUE_SIZE);
  return {
    driver: info === undefined ? null : driverName(info),
    largeReceive: flags === undefined ? null : Math.floor(valueIn(flags) / 2 ** ETH_FLAG_LRO) % 2 === 1,
    genericReceive: receive === undefined ? null : valueIn(receive) !== 0,
  };
}

/** The answer, with the command in front; undefined where the driver refuses. */
function request(
  sys: Sys,
  socket: number,
  name: string,
  command: number,
  size: number,
): Uint8Array | undefined {
  const data = new Uint8Array(size);
  viewOf(data).setUint32(0, command, HOST_ORDER === 'little');
  const message = new Uint8Array(REQUEST_SIZE);
  message.set(new TextEncoder().encode(name).subarray(0, REQUEST_DATA - 1));
  viewOf(message).setBigUint64(REQUEST_DATA, sys.addressOf(data), HOST_ORDER === 'little');
  const result = holding([data], () => sys.syscall('ioctl', socket, SIOCETHTOOL, message));
  return result < 0 ? undefined : data;
}

function driverName(info: Uint8Array): string {
  const bytes = info.subarray(DRIVER_NAME.offset, DRIVER_NAME.offset + DRIVER_NAME.size);
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function valueIn(answer: Uint8Array): number {
  return viewOf(answer).getUint32(4, HOST_ORDER === 'little');
}
