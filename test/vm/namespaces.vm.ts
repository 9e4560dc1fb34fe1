/** Programs on hooks of network namespaces: socket look-ups, flow dissectors, netfilter; with real packets. */

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { encodeU32s } from '../../src/kernel/sys/sys.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { NF_ACCEPT, NF_DROP } from '../../src/uapi/verdicts.ts';
import { sys, testBefore, testSince } from './guest/kernel.ts';
import { AF_INET, call, loopback, SOCK_DGRAM, SOCK_STREAM, Sockets } from './guest/libc.ts';
import { openWire, type Wire } from './guest/net.ts';
import { vmObject } from './guest/objects.ts';
import { refusal } from './guest/replacing.ts';

const ECONNREFUSED = 111;
const NF_INET_LOCAL_IN = 1;
const MSG_DONTWAIT = 0x40;

let wire: Wire;
beforeAll(() => {
  wire = openWire();
  wire.inside(() => execFileSync('ip', ['link', 'set', 'lo', 'up']));
});
afterAll(() => wire.close());

const load = (...programs: string[]): LoadedObject =>
  loadObject(vmObject('namespaces'), sys, { pinRoot: null, programs: name => programs.includes(name) });
const numbers = (loaded: LoadedObject, ...names: string[]) =>
  names.map(name => Number(loaded.variables.get(name)));

/** Connects to port 7777, where no server is: 0, or minus errno. */
function reached(): number {
  using sockets = new Sockets();
  const client = sockets.open(AF_INET, SOCK_STREAM);
  const address = loopback(AF_INET, 7777);
  return call('connect', client, address, address.length);
}

test('socket look-ups: a server at another port, until another program refuses', () => {
  wire.inside(() => {
    using sockets = new Sockets();
    using loaded = load('choose', 'refuse');
    const server = sockets.server(AF_INET, SOCK_STREAM, 7001);
    loaded.map('servers').update(encodeU32s([0]), encodeU32s([server, 0]));
    expect(reached()).toBe(-ECONNREFUSED);
    using attached = attachProgram(loaded, 'choose');
    expect(reached()).toBe(0);
    expect(numbers(loaded, 'looked_up', 'chosen')).toEqual([1, 1]);
    attached.update(loaded.program('refuse'), loaded.program('choose'));
    expect(reached()).toBe(-ECONNREFUSED);
    expect(numbers(loaded, 'looked_up')).toEqual([1]);
    attached.close();
    expect(reached()).toBe(-ECONNREFUSED);
  });
});

test('socket look-ups of another namespace, by its file', () => {
  using loaded = load('choose');
  using _attached = attachProgram(loaded, 'choose', { netns: `/run/netns/vm-near-${process.pid}` });
  expect(reached(), 'here').toBe(-ECONNREFUSED);
  expect(numbers(loaded, 'looked_up')).toEqual([0]);
  wire.inside(reached);
  expect(numbers(loaded, 'looked_up')).toEqual([1]);
});

test('flow dissectors: packets that differ are one flow', () => {
  using loaded = load('dissect', 'hash');
  using hash = wire.inside(() =>
    attachProgram(loaded, 'hash', { interface: 'near', direction: 'ingress', method: 'clsact' }),
  );
  const hashes = (): number[] =>
    [1, 2, 3].map(() => {
      loaded.variables.set('hashed', 0n);
      wire.send(1); // from a port of its own each time
      const deadline = Date.now() + 5000; // a busy CPU receives after the sender has ended
      while (loaded.variables.get('hashed') === 0n && Date.now() < deadline);
      return Number(loaded.variables.get('hashed'));
    });
  expect(new Set(hashes()).size).toBeGreaterThan(1);
  const attached = wire.inside(() => attachProgram(loaded, 'dissect'));
  expect(new Set(hashes()).size).toBe(1);
  const [dissected = 0] = numbers(loaded, 'dissected');
  expect(dissected).toBeGreaterThanOrEqual(3);
  attached.close();
  expect(new Set(hashes()).size).toBeGreaterThan(1);
  expect(numbers(loaded, 'dissected')).toEqual([dissected]);
  wire.inside(() => hash.detach(null));
});

testSince('6.4', 'netfilter: packets to this machine, let in and dropped', () => {
  using loaded = load('filter');
  using sockets = new Sockets();
  const server = wire.inside(() => {
    const fd = sockets.open(AF_INET, SOCK_DGRAM);
    const address = Uint8Array.of(AF_INET, 0, 0, 9, ...new Uint8Array(12));
    expect(call('bind', fd, address, address.length)).toBe(0);
    return fd;
  });
  const arrived = (): number => {
    wire.send(1);
    let count = 0;
    while (call('recvfrom', server, new Uint8Array(8), 8, MSG_DONTWAIT) >= 0) count++;
    return count;
  };
  const netfilter = { family: AF_INET, hook: NF_INET_LOCAL_IN, priority: -100 } as const;
  using attached = wire.inside(() => attachProgram(loaded, 'filter', { netfilter }));
  expect(loaded.variables.get('verdict')).toBe(NF_ACCEPT);
  expect(arrived()).toBe(1);
  loaded.variables.set('verdict', NF_DROP);
  expect(arrived()).toBe(0);
  expect(numbers(loaded, 'filtered', 'family')).toEqual([2, AF_INET]);
  const taken = refusal(() => wire.inside(() => attachProgram(loaded, 'filter', { netfilter })));
  expect(taken.message).toMatch(/netfilter/);
  attached.close();
  expect(arrived()).toBe(1);
  expect(numbers(loaded, 'filtered')).toEqual([2]);
});

testBefore('6.4', 'netfilter: the kernel does not know such programs', () => {
  expect(refusal(() => load('filter')).problems[0]?.code).toMatch(/^(load|kernel)-/);
});
