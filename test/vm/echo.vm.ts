/** Maps of sockets: messages that a program finds in a stream, sends back, or refuses. */

import { expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { encodeU32s } from '../../src/kernel/sys/sys.ts';
import { loadObject } from '../../src/load/load.ts';
import { EACCES, EAGAIN } from '../../src/uapi/errno.ts';
import { sys } from './guest/kernel.ts';
import { AF_INET, call, loopback, MSG_DONTWAIT, SOCK_STREAM, Sockets } from './guest/libc.ts';
import { vmObject } from './guest/objects.ts';

/** Both ends of a connection. */
function connection(sockets: Sockets): { client: number; server: number } {
  const listener = sockets.server(AF_INET, SOCK_STREAM, 7001);
  const client = sockets.open(AF_INET, SOCK_STREAM);
  const address = loopback(AF_INET, 7001);
  expect(call('connect', client, address, address.length)).toBe(0);
  return { client, server: sockets.accept(listener) };
}
const send = (fd: number, ...bytes: number[]) =>
  call('sendto', fd, Uint8Array.from(bytes), bytes.length, MSG_DONTWAIT);

/** What has come, waited for a little while something is on its way. */
async function received(fd: number, wanted: number): Promise<number[]> {
  const bytes = new Uint8Array(64);
  let length = 0;
  for (let n = 0; n < 100 && length < wanted; n++) {
    const result = call('recvfrom', fd, bytes.subarray(length), bytes.length - length, MSG_DONTWAIT);
    if (result > 0) length += result;
    else await new Promise(resolve => setTimeout(resolve, 10));
  }
  return [...bytes.subarray(0, length)];
}

test('messages of a stream go back in the kernel, each when it is complete', async () => {
  using sockets = new Sockets();
  using loaded = loadObject(vmObject('echo'), sys, { pinRoot: null });
  const { client, server } = connection(sockets);
  using parser = attachProgram(loaded, 'parser', { sockmap: 'clients' });
  using verdict = attachProgram(loaded, 'back', { sockmap: 'clients' });
  loaded.map('clients').update(encodeU32s([0]), encodeU32s([server, 0]));

  send(client, 3, 10, 11);
  expect(call('recvfrom', client, new Uint8Array(8), 8, MSG_DONTWAIT), 'not complete').toBe(-EAGAIN);
  send(client, 12);
  expect(await received(client, 4)).toEqual([3, 10, 11, 12]);
  send(client, 1, 20);
  expect(await received(client, 2)).toEqual([1, 20]);
  expect(Number(loaded.variables.get('judged')), 'two messages').toBe(2);
  expect(Number(loaded.variables.get('parsed'))).toBe(2);

  loaded.map('clients').delete(encodeU32s([0]));
  verdict.detach(null); // before Linux 6.10 it stays with the map when it is closed
  parser.detach(null);
  send(client, 1, 30);
  expect(await received(server, 2)).toEqual([1, 30]);
});

test('long messages are refused to who sends them', async () => {
  using sockets = new Sockets();
  using loaded = loadObject(vmObject('echo'), sys, { pinRoot: null });
  const { client, server } = connection(sockets);
  using _attached = attachProgram(loaded, 'message', { sockmap: 'clients' });
  loaded.map('clients').update(encodeU32s([0]), encodeU32s([client, 0]));
  expect(send(client, 1, 2, 3)).toBe(3);
  expect(send(client, ...new Uint8Array(200))).toBe(-EACCES);
  expect(await received(server, 3)).toEqual([1, 2, 3]);
  expect(Number(loaded.variables.get('sent'))).toBe(2);
  loaded.map('clients').delete(encodeU32s([0]));
});
