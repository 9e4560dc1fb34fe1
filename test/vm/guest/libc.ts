/** System calls that the project itself does not make, and sockets made of them: tests do to the kernel what programs look at. */

import koffi from 'koffi';
import { sys } from './kernel.ts';

/** x86-64, which the virtual machine is. */
const NUMBERS = {
  accept: 43,
  bind: 49,
  close: 3,
  connect: 42,
  getpeername: 52,
  getsockname: 51,
  getsockopt: 55,
  listen: 50,
  pidfd_open: 434,
  recvfrom: 45,
  sendto: 44,
  setsockopt: 54,
  socket: 41,
} as const;

const word = 'int64';
const raw = koffi.load(null).func('syscall', 'long', ['long', word, word, word, word, word, word]);

/** Result of a call, or minus errno. */
export function call(name: keyof typeof NUMBERS, ...args: readonly (number | Uint8Array)[]): number {
  const words = [0, 1, 2, 3, 4, 5].map(at => {
    const argument = args[at] ?? 0;
    return argument instanceof Uint8Array ? sys.addressOf(argument) : argument;
  });
  const result = Number(raw(NUMBERS[name], ...words));
  return result === -1 ? -koffi.errno() : result;
}

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const MSG_DONTWAIT = 0x40;

/** struct sockaddr_in, or sockaddr_in6, of the loopback interface. */
export function loopback(family: number, port: number): Uint8Array {
  const six = family === AF_INET6;
  const bytes = new Uint8Array(six ? 28 : 16);
  bytes.set([family, 0, port >> 8, port & 0xff]);
  bytes.set(six ? [...new Uint8Array(15), 1] : [127, 0, 0, 1], six ? 8 : 4);
  return bytes;
}

/** Port of an address that the kernel filled in. */
export function portOf(address: Uint8Array): number {
  return (address[2] ?? 0) * 256 + (address[3] ?? 0);
}

/** Sockets that are closed together. */
export class Sockets {
  readonly #open: number[] = [];

  /** Descriptor, or minus errno. */
  open(family: number, type: number): number {
    const fd = call('socket', family, type, 0);
    if (fd >= 0) this.#open.push(fd);
    return fd;
  }

  /** A socket at a port of the loopback interface; streams listen. */
  server(family: number, type: number, port: number): number {
    const fd = this.open(family, type);
    const address = loopback(family, port);
    const bound = call('bind', fd, address, address.length);
    const listens = type === SOCK_STREAM ? call('listen', fd, 8) : 0;
    if (bound < 0 || listens < 0) throw new Error(`no server at port ${port}: ${bound} ${listens}`);
    return fd;
  }

  /** The end of a connection that came to a server. */
  accept(server: number): number {
    const fd = call('accept', server, 0, 0);
    if (fd < 0) throw new Error(`no connection: ${fd}`);
    this.#open.push(fd);
    return fd;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open.splice(0)) call('close', fd);
  }
}
