/** Programs on every hook of cgroups: what they see, refuse and change, in a cgroup that this process goes into. */

import { closeSync, mkdirSync, openSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import { loadObject } from '../../src/load/load.ts';
import { EAGAIN, EPERM } from '../../src/uapi/errno.ts';
import { since, sys } from './guest/kernel.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNIX,
  call,
  loopback,
  MSG_DONTWAIT,
  portOf,
  SOCK_DGRAM,
  SOCK_STREAM,
  Sockets,
} from './guest/libc.ts';
import { vmObject } from './guest/objects.ts';

const SOL_SOCKET = 1;
const SO_MARK = 36;
const SO_KEEPALIVE = 9;
const SO_SNDBUF = 7;
const SHOWN_PORT = 1234;
const UNIX_PATH = '/tmp/vm-cgroups';

const directory = '/sys/fs/cgroup/vm-cgroups';
beforeAll(() => {
  mkdirSync(directory);
  writeFileSync(`${directory}/cgroup.procs`, String(process.pid));
});
afterAll(() => {
  writeFileSync('/sys/fs/cgroup/cgroup.procs', String(process.pid));
  rmdirSync(directory);
});

const load = (program: string) =>
  loadObject(vmObject('cgroups'), sys, { pinRoot: null, programs: name => name === program });

const send = (fd: number, to: Uint8Array): number =>
  call('sendto', fd, Uint8Array.of(1), 1, MSG_DONTWAIT, to, to.length);
const option = (fd: number, name: number): number => {
  const value = new Uint8Array(4);
  const result = call('getsockopt', fd, SOL_SOCKET, name, value, Uint8Array.of(4, 0, 0, 0));
  return result < 0 ? result : (value[0] ?? 0);
};
const setOption = (fd: number, name: number): number =>
  call('setsockopt', fd, SOL_SOCKET, name, Uint8Array.of(1, 0, 0, 0), 4);

/** Each does one thing that hooks look at. Below zero it is minus errno. */
const bind = (family: number) => (): number => {
  using sockets = new Sockets();
  const address = loopback(family, 0);
  return call('bind', sockets.open(family, SOCK_DGRAM), address, address.length);
};
const connect = (family: number) => (): number => {
  using sockets = new Sockets();
  sockets.server(family, SOCK_STREAM, 7001);
  const address = loopback(family, 7001);
  return call('connect', sockets.open(family, SOCK_STREAM), address, address.length);
};
/** Sends a packet; minus errno of sending, else of receiving. */
const exchange = (family: number) => (): number => {
  using sockets = new Sockets();
  const server = sockets.server(family, SOCK_DGRAM, 7001);
  const sent = send(sockets.open(family, SOCK_DGRAM), loopback(family, 7001));
  return sent < 0 ? sent : call('recvfrom', server, new Uint8Array(8), 8, MSG_DONTWAIT);
};
const unixAddress = (): Uint8Array => Uint8Array.of(AF_UNIX, 0, ...Buffer.from(`${UNIX_PATH}\0`));
const withUnixServer = (type: number, body: (sockets: Sockets) => number) => (): number => {
  using sockets = new Sockets();
  const server = sockets.open(AF_UNIX, type);
  const address = unixAddress();
  call('bind', server, address, address.length);
  if (type === SOCK_STREAM) call('listen', server, 8);
  try {
    return body(sockets);
  } finally {
    rmSync(UNIX_PATH);
  }
};
const create = (): number => {
  using sockets = new Sockets();
  return Math.min(0, sockets.open(AF_INET, SOCK_DGRAM));
};
const ofFile = (body: () => void) => (): number => {
  try {
    body();
    return 0;
  } catch (error) {
    return Number(Reflect.get(Object(error), 'errno'));
  }
};

type Case = readonly [program: string, act: () => number, refused: number, series?: string];
const REFUSING: readonly Case[] = [
  ['sock_create', create, -EPERM],
  ['post_bind4', bind(AF_INET), -EPERM],
  ['post_bind6', bind(AF_INET6), -EPERM],
  ['bind4', bind(AF_INET), -EPERM],
  ['bind6', bind(AF_INET6), -EPERM],
  ['lsm_bind', bind(AF_INET), -EPERM],
  ['connect4', connect(AF_INET), -EPERM],
  ['connect6', connect(AF_INET6), -EPERM],
  ['sendmsg4', exchange(AF_INET), -EPERM],
  ['sendmsg6', exchange(AF_INET6), -EPERM],
  ['egress', exchange(AF_INET), -EPERM],
  ['ingress', exchange(AF_INET), -EAGAIN],
  [
    'connect_unix',
    withUnixServer(SOCK_STREAM, sockets => {
      const address = unixAddress();
      return call('connect', sockets.open(AF_UNIX, SOCK_STREAM), address, address.length);
    }),
    -EPERM,
    '6.7',
  ],
  [
    'sendmsg_unix',
    withUnixServer(SOCK_DGRAM, sockets => send(sockets.open(AF_UNIX, SOCK_DGRAM), unixAddress())),
    -EPERM,
    '6.7',
  ],
  [
    'setsockopt',
    () => {
      using sockets = new Sockets();
      return setOption(sockets.open(AF_INET, SOCK_STREAM), SO_KEEPALIVE);
    },
    -EPERM,
  ],
  [
    'getsockopt',
    () => {
      using sockets = new Sockets();
      return Math.min(0, option(sockets.open(AF_INET, SOCK_STREAM), SO_SNDBUF));
    },
    -EPERM,
  ],
  ['sysctl', ofFile(() => void readFileSync('/proc/sys/kernel/ostype')), -EPERM],
  ['device', ofFile(() => closeSync(openSync('/dev/zero', 'r'))), -EPERM],
  // these two are reported, and not asked
  ['sockops', connect(AF_INET), 0],
  ['sock_release', create, 0],
];

/** A connected stream, or a datagram that came, and the port that the kernel names for the other or the own end. */
const named = (family: number, how: 'getpeername' | 'getsockname' | 'recvfrom') => (): number => {
  using sockets = new Sockets();
  const type = how === 'recvfrom' ? SOCK_DGRAM : SOCK_STREAM;
  const server = sockets.server(family, type, 7001);
  const client = sockets.open(family, type);
  const address = loopback(family, 7001);
  call('connect', client, address, address.length);
  const shown = new Uint8Array(28);
  const length = Uint8Array.of(28, 0, 0, 0);
  if (how !== 'recvfrom') call(how, client, shown, length);
  else {
    send(client, address);
    call('recvfrom', server, new Uint8Array(8), 8, MSG_DONTWAIT, shown, length);
  }
  return portOf(shown);
};

describe('hooks', () => {
  for (const [program, act, refused, series] of REFUSING) {
    const why = series === undefined ? undefined : since(series);
    test.skipIf(why !== undefined)(why === undefined ? program : `${program} (${why})`, () => {
      using loaded = load(program);
      const ran = () => Number(loaded.variables.get('ran'));
      expect(act(), 'not attached').toBeGreaterThanOrEqual(0);
      expect(ran()).toBe(0);
      using attached = attachProgram(loaded, program, { cgroup: directory });
      expect(act()).toBeGreaterThanOrEqual(0);
      const once = ran();
      expect(once).toBeGreaterThan(0);
      loaded.variables.set('refuse', 1);
      expect(act(), 'refused').toBe(refused);
      expect(ran()).toBeGreaterThan(once);
      const all = ran();
      attached.close();
      expect(act(), 'not attached any more').toBeGreaterThanOrEqual(0);
      expect(ran()).toBe(all);
    });
  }

  test.each([
    ['recvmsg4', named(AF_INET, 'recvfrom')],
    ['recvmsg6', named(AF_INET6, 'recvfrom')],
    ['getpeername4', named(AF_INET, 'getpeername')],
    ['getpeername6', named(AF_INET6, 'getpeername')],
    ['getsockname4', named(AF_INET, 'getsockname')],
    ['getsockname6', named(AF_INET6, 'getsockname')],
  ] as const)('%s: another port is shown', (program, act) => {
    using loaded = load(program);
    expect(act()).not.toBe(SHOWN_PORT);
    using attached = attachProgram(loaded, program, { cgroup: directory });
    expect(act()).toBe(SHOWN_PORT);
    attached.close();
    expect(act()).not.toBe(SHOWN_PORT);
  });

  test('sock_create: new sockets are marked', () => {
    using sockets = new Sockets();
    using loaded = load('sock_create');
    using _attached = attachProgram(loaded, 'sock_create', { cgroup: directory });
    expect(option(sockets.open(AF_INET, SOCK_DGRAM), SO_MARK)).toBe(77);
  });
});

describe('attachments', () => {
  const reached = (): number => {
    using sockets = new Sockets();
    sockets.server(AF_INET, SOCK_STREAM, 7001);
    sockets.server(AF_INET, SOCK_STREAM, 7002);
    const client = sockets.open(AF_INET, SOCK_STREAM);
    const address = loopback(AF_INET, 7001);
    const length = Uint8Array.of(16, 0, 0, 0);
    if (call('connect', client, address, address.length) < 0) return -1;
    call('getpeername', client, address, length);
    return portOf(address);
  };

  test('one program takes the place of another; only from the one that is expected', () => {
    using counts = load('connect4');
    using redirects = load('redirect4');
    const [one, other] = [counts.program('connect4'), redirects.program('redirect4')];
    using attached = attachProgram(counts, 'connect4', { cgroup: directory });
    expect(reached()).toBe(7001);
    attached.update(other, one);
    expect(reached()).toBe(7002);
    expect(() => attached.update(one, one)).toThrow(expect.objectContaining({ code: 'hook-changed' }));
    expect(reached()).toBe(7002);
  });

  test('of a directory above: for all that are below', () => {
    using loaded = load('connect4');
    using _attached = attachProgram(loaded, 'connect4', { cgroup: '/sys/fs/cgroup' });
    expect(reached()).toBe(7001);
    expect(Number(loaded.variables.get('ran'))).toBe(1);
  });

  test('what is not a cgroup is refused', () => {
    using loaded = load('connect4');
    expect(() => attachProgram(loaded, 'connect4', { cgroup: '/tmp' })).toThrow(/cgroup "\/tmp"/);
    expect(() => attachProgram(loaded, 'connect4', { cgroup: '/no/such' })).toThrow(/"\/no\/such".*ENOENT/);
  });
});
