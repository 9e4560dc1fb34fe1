/** Ethernet frames of our own over a wire: sent whole from its far end, received whole at the near one (packet(7)). */

import { readInterface } from '../../../src/kernel/hooks/interface.ts';
import { sys } from './kernel.ts';
import { call, MSG_DONTWAIT } from './libc.ts';
import type { Wire } from './net.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
/** The EtherType of frames of tests, in the byte order of the network. */
const PROTOCOL = 0xb588;
const PATIENCE_MS = 2000;

export interface Frames {
  /** Sends frames from the far end; those that arrived at the near end until the last one did, or `PATIENCE_MS` are over. */
  send(frames: readonly Uint8Array[]): Uint8Array[];
  [Symbol.dispose](): void;
}

export function openFrames(wire: Wire): Frames {
  const near = wire.inside(() => socketOn('near'));
  const far = wire.beyond(() => socketOn('far'));
  return {
    send(frames) {
      for (const frame of frames) {
        const sent = call('sendto', far, frame, frame.length, 0, 0, 0);
        if (sent !== frame.length) throw new Error(`a frame was not sent: ${sent}`);
      }
      return received(near, frames.at(-1)?.at(-1));
    },
    [Symbol.dispose]() {
      for (const socket of [near, far]) call('close', socket);
    },
  };
}

function socketOn(name: string): number {
  const { index } = readInterface(sys, name);
  const socket = call('socket', AF_PACKET, SOCK_RAW, PROTOCOL);
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, PROTOCOL, true);
  view.setInt32(4, index, true);
  const bound = call('bind', socket, address, address.length);
  if (socket < 0 || bound < 0) throw new Error(`no socket for frames on ${name}: ${socket} ${bound}`);
  return socket;
}

/** Frames until one that ends with `last`. */
function received(socket: number, last: number | undefined): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end && frames.at(-1)?.at(-1) !== last) {
    const frame = new Uint8Array(2048);
    const length = call('recvfrom', socket, frame, frame.length, MSG_DONTWAIT, 0, 0);
    if (length >= 0) frames.push(frame.subarray(0, length));
    else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
  }
  return frames;
}
