/** Congestion control in programs: connections that use it, its next version, and kernels where it has no link. */

import { readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attachOperations, prepareOperations } from '../../src/hooks/kinds/operations.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { sys, testBefore, testSince } from './guest/kernel.ts';
import { vmObject } from './guest/objects.ts';

const NAME = 'vm_control';
const IPPROTO_TCP = 6;
const TCP_CONGESTION = 13;
const AF_INET = 2;

const server = createServer(socket => socket.pipe(socket));
beforeAll(() => new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve)));
afterAll(() => new Promise<void>(resolve => void server.close(() => resolve())));

const load = (): LoadedObject => loadObject(vmObject('congestion'), sys, { pinRoot: null });
const numbers = (loaded: LoadedObject, ...names: string[]) =>
  names.map(name => Number(loaded.variables.get(name)));
const available = () =>
  readFileSync('/proc/sys/net/ipv4/tcp_available_congestion_control', 'utf8').trim().split(' ');

/** The descriptor of a socket, which its types do not show. */
function fdOf(socket: Socket): number {
  const handle: unknown = Reflect.get(socket, '_handle');
  return Number(handle && Reflect.get(Object(handle), 'fd'));
}

/** A connection under the algorithm that sends something and hears it again; 0, or minus errno of choosing it. */
async function talk(): Promise<number> {
  const address = server.address();
  const ended = new Promise(resolve => server.once('connection', peer => peer.once('close', resolve)));
  const client = connect(typeof address === 'object' ? (address?.port ?? 0) : 0, '127.0.0.1');
  await new Promise(resolve => client.once('connect', resolve));
  const chosen = sys.syscall(
    'setsockopt',
    fdOf(client),
    IPPROTO_TCP,
    TCP_CONGESTION,
    Buffer.from(NAME),
    NAME.length,
  );
  const answer = new Promise(resolve => client.once('data', resolve));
  client.write('hello');
  await answer;
  client.end();
  await Promise.all([ended, new Promise(resolve => client.once('close', resolve))]); // no packet of it comes later
  return chosen;
}

test('a connection uses it, and no other', async () => {
  using loaded = load();
  expect(await talk()).toBe(-2); // ENOENT: not there yet
  expect(numbers(loaded, 'begun', 'first')).toEqual([0, 0]);
  {
    using attached = attachOperations(loaded, 'version_1');
    expect(available()).toContain(NAME);
    expect(await talk()).toBe(0);
    expect(numbers(loaded, 'begun', 'second', 'family')).toEqual([1, 0, AF_INET]);
    expect(Number(loaded.variables.get('first'))).toBeGreaterThan(0);
    attached.detach(null); // before Linux 6.4 it stays registered when it is closed
  }
  expect(available()).not.toContain(NAME);
  expect(await talk()).toBe(-2);
});

testSince('6.4', 'new connections use the next version; it stays with its pin', async () => {
  const pin = '/sys/fs/bpf/vm-congestion';
  using loaded = load();
  expect(loaded.notes).toEqual([]);
  using attached = attachOperations(loaded, 'version_1');
  await talk();
  const [before] = numbers(loaded, 'first');
  attached.update(prepareOperations(loaded, 'version_2'), loaded.map('version_1'));
  expect(await talk()).toBe(0);
  const [first, second = 0, threshold = 0] = numbers(loaded, 'first', 'second', 'threshold');
  expect(first).toBe(before);
  expect(second).toBeGreaterThan(0);
  expect(threshold, 'what the module says: two packets at least').toBeGreaterThanOrEqual(2);
  attached.pin(pin);
  attached.close();
  expect(available()).toContain(NAME);
  rmSync(pin);
  expect(available()).not.toContain(NAME);
});

testBefore('6.4', 'where it can have no link it is registered without; it says so', async () => {
  using loaded = load();
  expect(loaded.notes).toEqual([expect.stringMatching(/no link.*\(Linux 6\.4\)$/)]);
  using attached = attachOperations(loaded, 'version_2');
  expect(await talk()).toBe(0);
  expect(Number(loaded.variables.get('second'))).toBeGreaterThan(0);
  expect(() => attached.update(loaded.map('version_1'), null)).toThrow(
    expect.objectContaining({ code: 'hook-not-updatable' }),
  );
  expect(() => attached.pin('/sys/fs/bpf/vm-congestion')).toThrow(/cannot be pinned/);
  attached.detach(null);
  expect(available()).not.toContain(NAME);
});
