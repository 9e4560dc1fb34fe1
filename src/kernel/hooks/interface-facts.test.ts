import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, describe, expect, test } from 'vitest';
import { hooksForTests, returning, TwoNamespaces } from '../../hooks/testing.ts';
import * as uapi from '../../uapi/index.ts';
import { FakeSys } from '../sys/fake.ts';
import { findNetns, searchNetns } from '../sys/netns.ts';
import { readDriver } from './ethtool.ts';
import { readInterface, setXdp } from './interface.ts';
import { listInterfaces, readInterfaceFacts, readOtherInterface } from './interface-facts.ts';
import { surveyInterfaces } from './survey.ts';
import { TcFilter } from './tc.ts';
import { decodeFeatures, readXdpFeatures, XDP_FEATURES } from './xdp-features.ts';

const { kernel, missing } = hooksForTests();
const XDP = [uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP] as const;
const CLASSIFIER = [uapi.BPF_PROG_TYPE_SCHED_CLS] as const;

describe.skipIf(missing !== undefined)(`on the kernel${missing === undefined ? '' : ` (${missing})`}`, () => {
  const names = missing === undefined ? new TwoNamespaces(kernel, 'facts') : undefined;
  const inside = <T>(body: () => T): T => (names === undefined ? body() : names.inside(body));
  afterAll(() => names?.close());

  test('MTU, kind and state of an interface, and its other end in another network namespace', () => {
    names?.ip('-n', names.near, 'link', 'set', 'va', 'mtu', '1280', 'up');
    names?.ip('-n', names.far, 'link', 'set', 'vb', 'mtu', '9000', 'up');
    const va = inside(() => readInterfaceFacts(kernel, 'va'));
    expect(va).toMatchObject({ name: 'va', mtu: 1280, kind: 'veth', isUp: true, master: null });
    expect(va.other).toMatchObject({ netnsId: expect.any(Number) });
    expect(inside(() => readOtherInterface(kernel, va))).toMatchObject({
      name: 'vb',
      mtu: 9000,
      kind: 'veth',
    });
    const lo = inside(() => readInterfaceFacts(kernel, 'lo'));
    expect(lo).toMatchObject({ kind: 'loopback', mtu: 65536, isUp: false, other: null });
    expect(inside(() => readOtherInterface(kernel, lo))).toBeUndefined();
  });

  test('a list of all interfaces agrees with single answers, and with ip', () => {
    const all = inside(() => listInterfaces(kernel));
    const shown = JSON.parse(names?.ip('-n', names.near, '-j', 'link') ?? '[]') as {
      ifname: string;
      mtu: number;
    }[];
    expect(all.map(({ name, mtu }) => [name, mtu])).toEqual(shown.map(({ ifname, mtu }) => [ifname, mtu]));
    for (const facts of all) expect(inside(() => readInterfaceFacts(kernel, facts.index))).toEqual(facts);
  });

  test('a port knows its bridge', () => {
    names?.ip('-n', names.near, 'link', 'add', 'br0', 'type', 'bridge');
    names?.ip('-n', names.near, 'link', 'set', 'va', 'master', 'br0');
    const bridge = inside(() => readInterfaceFacts(kernel, 'br0'));
    expect(bridge.kind).toBe('bridge');
    expect(inside(() => readInterfaceFacts(kernel, 'va')).master).toBe(bridge.index);
    names?.ip('-n', names.near, 'link', 'del', 'br0');
  });

  test('the driver by ethtool; of an interface that is not there nothing is known', () => {
    const va = inside(() => readDriver(kernel, 'va'));
    expect(va.driver).toBe('veth');
    expect(typeof va.genericReceive).toBe('boolean');
    expect(va.largeReceive).toBe(false);
    expect(inside(() => readDriver(kernel, 'none'))).toEqual({
      driver: null,
      largeReceive: null,
      genericReceive: null,
    });
  });

  test('XDP features of a driver', () => {
    const { index } = inside(() => readInterface(kernel, 'va'));
    const veth = inside(() => readXdpFeatures(kernel, index));
    if (veth === undefined) return; // before Linux 6.3
    expect(Object.keys(veth.features)).toEqual([...XDP_FEATURES]);
    expect(veth.features).toMatchObject({
      NETDEV_XDP_ACT_BASIC: true,
      NETDEV_XDP_ACT_RX_SG: true,
      NETDEV_XDP_ACT_HW_OFFLOAD: false,
    });
    const lo = inside(() => readXdpFeatures(kernel, 1));
    expect(lo?.features.NETDEV_XDP_ACT_BASIC).toBe(false);
    expect(() => inside(() => readXdpFeatures(kernel, 12345))).toThrow(/no such interface/);
  });

  test('a survey finds programs in all network namespaces', () => {
    using xdp = returning(kernel, 'xdp', XDP, 2);
    using tc = returning(kernel, 'tc', CLASSIFIER);
    const { index } = inside(() => readInterface(kernel, 'va'));
    inside(() => setXdp(kernel, index, xdp.fd.number, { mode: 'generic', expectedFd: -1 }));
    inside(() => TcFilter.attach(kernel, tc.fd.number, 'va', { direction: 'egress' }));
    const survey = surveyInterfaces(kernel);
    const found = (id: number) => survey.attached.filter(({ programId }) => programId === id);
    const path = `/run/netns/${names?.near}`;
    expect(found(xdp.info().id)).toEqual([
      expect.objectContaining({
        hook: 'xdp',
        mode: 'generic',
        direction: null,
        interface: 'va',
        ifindex: index,
      }),
    ]);
    expect(found(xdp.info().id)[0]?.netns.path).toBe(path);
    expect(found(tc.info().id)).toEqual([
      expect.objectContaining({ hook: 'tc', mode: null, direction: 'egress', interface: 'va' }),
    ]);
    expect(surveyInterfaces(kernel, { here: true }).attached).not.toContainEqual(
      expect.objectContaining({ programId: xdp.info().id }),
    );
    inside(() => setXdp(kernel, index, -1, { mode: 'generic' }));
    expect(surveyInterfaces(kernel).attached).not.toContainEqual(
      expect.objectContaining({ programId: xdp.info().id }),
    );
  });

  /** A network namespace that only a process holds, which `hold` starts before its name is removed. */
  async function heldOnly(
    hold: (file: string) => ChildProcess,
    path: (pid: number) => string,
  ): Promise<void> {
    const name = `rootlet-held-${process.pid}`;
    const file = `/run/netns/${name}`;
    names?.ip('netns', 'add', name);
    const id = `net:[${statSync(file).ino}]`;
    expect(findNetns(id)?.path).toBe(file);
    const holder = hold(file);
    const wanted = path(holder.pid ?? -1);
    const inode = () => statSync(wanted, { throwIfNoEntry: false })?.ino;
    for (let tries = 0; tries < 100 && `net:[${inode()}]` !== id; tries++) await delay(20);
    names?.ip('netns', 'del', name);
    expect(findNetns(id)?.path).toBe(wanted);
    expect(searchNetns()).toMatchObject({
      found: expect.arrayContaining([{ name: id, path: wanted }]),
    });
    const ended = once(holder, 'exit');
    holder.kill();
    await ended;
    expect(findNetns(id)).toBeUndefined();
  }

  test('a namespace without a name is found by a descriptor', () =>
    heldOnly(
      file => {
        const fd = openSync(file, 'r');
        const holder = spawn('sleep', ['20'], { stdio: ['ignore', 'ignore', 'ignore', fd] });
        closeSync(fd);
        return holder;
      },
      pid => `/proc/${pid}/fd/3`,
    ));

  test('a namespace without a name is found by a mount in another mount namespace', () => {
    const at = `/tmp/rootlet held ${process.pid}`;
    writeFileSync(at, '');
    return heldOnly(
      file => {
        const script = `mount --bind ${file} '${at}' && umount ${file} && exec sleep 20`;
        return spawn('unshare', ['-m', '--propagation', 'private', 'sh', '-c', script], { stdio: 'ignore' });
      },
      pid => `/proc/${pid}/root${at}`,
    ).finally(() => rmSync(at));
  });
});

describe('answers of other kernels', () => {
  test('features: what is not sent is not known', () => {
    const attribute = (type: number, value: bigint) => [
      12,
      0,
      type,
      0,
      ...new Uint8Array(new BigUint64Array([value]).buffer),
    ];
    const payload = (...attributes: number[][]) => Uint8Array.from([1, 1, 0, 0, ...attributes.flat()]);
    expect(decodeFeatures(payload())).toBeUndefined();
    const old = decodeFeatures(payload(attribute(3, 0x23n)));
    expect(old).toMatchObject({ metadata: null, zeroCopySegments: null });
    expect(
      Object.entries(old?.features ?? {})
        .filter(([, has]) => has)
        .map(([name]) => name),
    ).toEqual(['NETDEV_XDP_ACT_BASIC', 'NETDEV_XDP_ACT_REDIRECT', 'NETDEV_XDP_ACT_RX_SG']);
    expect(decodeFeatures(payload(attribute(3, 1n), attribute(5, 2n)))?.metadata).toEqual({
      timestamp: false,
      hash: true,
      'vlan-tag': false,
    });
  });

  test('without sockets or ioctl the driver is unknown, and nothing stays open', () => {
    const sys = new FakeSys();
    expect(readDriver(sys, 'eth0').driver).toBeNull();
    expect(sys.openFds.size).toBe(0);
    expect(
      readDriver(new FakeSys(call => (call.name === 'socket' ? -97 : undefined)), 'eth0').driver,
    ).toBeNull();
  });
});
