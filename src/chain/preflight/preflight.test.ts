import { describe, expect, test } from 'vitest';
import type { InputObject } from '../../object/read/input.ts';
import { NO_SETTINGS } from '../../state/settings.ts';
import type { ChainState } from '../model/chain.ts';
import type { DesignMember } from '../model/design.ts';
import { type PreflightFacts, releaseOf, uppersOf } from './facts.ts';
import { toolOf } from './owners.ts';
import { preflight } from './preflight.ts';
import { modeClash, onePageMtu, type PreflightRequest } from './rules.ts';

const INTERFACE = {
  index: 7,
  name: 'eth0',
  xdp: { native: 0, generic: 0, offload: 0 },
  mtu: 1500,
  kind: 'ether',
  isUp: true,
  state: 'up',
  other: null,
  master: null,
  receiveQueues: 1,
} as const;
const FEATURES = {
  features: {
    NETDEV_XDP_ACT_BASIC: true,
    NETDEV_XDP_ACT_REDIRECT: true,
    NETDEV_XDP_ACT_NDO_XMIT: false,
    NETDEV_XDP_ACT_XSK_ZEROCOPY: false,
    NETDEV_XDP_ACT_HW_OFFLOAD: false,
    NETDEV_XDP_ACT_RX_SG: true,
    NETDEV_XDP_ACT_NDO_XMIT_SG: false,
  },
  metadata: null,
  zeroCopySegments: null,
} as const;
const FACTS: PreflightFacts = {
  kernel: releaseOf('6.12.1-test'),
  architecture: 'x64',
  pageSize: 4096,
  rights: { bpf: true, netAdmin: true, perfmon: true, sysAdmin: true },
  interface: INTERFACE,
  driver: { driver: 'ixgbe', largeReceive: false, genericReceive: true },
  features: FEATURES,
  other: null,
  uppers: [],
  owners: [],
  loaded: [],
  replacement: { state: 'yes' },
  tcx: { state: 'yes' },
  frags: { state: 'yes' },
  pins: [{ path: '/sys/fs/bpf/rootlet', isBpffs: true }],
};
const STATE: ChainState = {
  hook: { kind: 'xdp', direction: null, interface: 'eth0', ifindex: 7, netns: 'net:[1]' },
  kind: 'none',
  via: null,
  version: null,
  mode: null,
  program: null,
  members: [],
  failClosed: false,
  entry: null,
  problems: [],
};

function member(name: string, file: InputObject | null = null): DesignMember {
  return {
    name,
    file,
    program: name,
    priority: 50,
    continueOn: [2],
    given: { priority: false, continueOn: false },
    settings: NO_SETTINGS,
    loaded: null,
    adopted: null,
  };
}

const REQUEST: PreflightRequest = {
  before: STATE,
  design: { members: [member('a')], failClosed: false },
  via: 'static',
  mode: null,
  force: false,
  adopt: false,
};
const members = (count: number) => Array.from({ length: count }, (_, at) => member(`m${at}`));
const find = (request: Partial<PreflightRequest> = {}, facts: Partial<PreflightFacts> = {}) =>
  preflight({ ...REQUEST, ...request }, { ...FACTS, ...facts });
const codes = (...given: Parameters<typeof find>) => find(...given).problems.map(({ code }) => code);
const hints = (...given: Parameters<typeof find>) =>
  find(...given)
    .problems.map(({ hint }) => hint)
    .join();

describe('rules', () => {
  test('a usual chain has no findings', () => {
    expect(find()).toEqual({ problems: [], notes: [] });
    expect(find({ via: 'libxdp', mode: 'native' })).toEqual({ problems: [], notes: [] });
  });

  test('every problem is reported at once, each with a way out and its place', () => {
    const rights = { bpf: false, netAdmin: false, perfmon: false, sysAdmin: false };
    const pins = [{ path: '/tmp/x', isBpffs: false }];
    const { problems } = find(
      { via: 'libxdp', mode: 'offload', design: { members: members(11), failClosed: false } },
      { rights, pins, replacement: { state: 'no' } },
    );
    expect(problems.map(({ code }) => code)).toEqual([
      'kernel-no-rights',
      'store-no-bpffs',
      'chain-back-end',
      'chain-slots',
      'chain-mode',
    ]);
    for (const { hint, where } of problems) {
      expect(hint).toBeTruthy();
      expect(where).toEqual(['interface "eth0"']);
    }
    expect(problems[0]?.message).toContain('CAP_BPF and CAP_NET_ADMIN and CAP_SYS_ADMIN');
  });

  test('rights: CAP_SYS_ADMIN only for libxdp', () => {
    const rights = { ...FACTS.rights, sysAdmin: false };
    expect(codes({}, { rights })).toEqual([]);
    expect(codes({ via: 'libxdp' }, { rights })).toEqual(['kernel-no-rights']);
  });

  test('slots: ten for libxdp, 63 for tcx, any number when linked', () => {
    const of = (count: number) => ({ members: members(count), failClosed: false });
    expect(codes({ via: 'libxdp', design: of(10) })).toEqual([]);
    expect(codes({ via: 'libxdp', design: of(11) })).toEqual(['chain-slots']);
    expect(codes({ via: 'tcx', design: of(64) })).toEqual(['chain-slots']);
    expect(codes({ design: of(100) })).toEqual([]);
  });

  test('back ends that the kernel does not have', () => {
    const unknown = { state: 'unknown', reason: 'operation not permitted (EPERM)', errno: 1 } as const;
    expect(find({ via: 'libxdp' }, { replacement: unknown }).problems[0]?.message).toMatch(/freplace.*EPERM/);
    expect(codes({ via: 'tcx' }, { tcx: { state: 'no' } })).toEqual(['chain-back-end']);
  });

  test('modes: one at a time, and only those of the driver', () => {
    const attached: ChainState = {
      ...STATE,
      kind: 'chain',
      mode: 'generic',
      program: { id: 5, name: 'xdp_chain', tag: '' },
    };
    expect(codes({ before: attached })).toEqual([]);
    expect(codes({ before: attached, mode: 'generic' })).toEqual([]);
    expect(codes({ before: attached, mode: 'native' })).toEqual(['chain-mode']);
    expect(modeClash(attached, 'native')?.message).toContain('in mode skb, not native');
    const lo = { ...INTERFACE, name: 'lo', kind: 'loopback' };
    const basic = { ...FEATURES, features: { ...FEATURES.features, NETDEV_XDP_ACT_BASIC: false } };
    expect(codes({ mode: 'native' }, { features: basic })).toEqual(['chain-mode']);
    expect(codes({ mode: 'native' }, { features: null, interface: lo })).toEqual(['chain-mode']);
    expect(codes({ mode: 'native' }, { features: null })).toEqual([]);
    expect(codes({ mode: 'native' }, { features: basic, interface: { ...INTERFACE, kind: 'bond' } })).toEqual(
      [],
    );
    expect(hints({ mode: 'native' }, { features: basic })).toContain('--mode skb');
    expect(codes({ mode: null }, { features: basic })).toEqual([]);
  });

  test('MTU: veth is certain, other drivers are not, the network stack has no limit', () => {
    const veth = { interface: { ...INTERFACE, kind: 'veth' }, other: { ...INTERFACE, name: 'p', mtu: 3506 } };
    expect(onePageMtu(4096)).toBe(3506);
    expect(codes({}, veth)).toEqual([]);
    const large = { ...veth, other: { ...veth.other, mtu: 3507 } };
    expect(codes({}, large)).toEqual(['chain-mtu']);
    expect(hints({}, large)).toContain('ip link set dev p mtu 3506');
    expect(codes({ mode: 'generic' }, large)).toEqual([]);
    expect(codes({}, { interface: { ...veth.interface, mtu: 9000 } })).toEqual(['chain-mtu']);
    const jumbo = { interface: { ...INTERFACE, mtu: 9000 } };
    expect(find({}, jumbo)).toMatchObject({ problems: [], notes: [expect.stringContaining('"a" is not')] });
    expect(find({ mode: 'generic' }, jumbo).notes).toEqual([]);
  });

  test('programs above the interface', () => {
    const bridge = { ...INTERFACE, index: 9, name: 'br0', kind: 'bridge' };
    const busy = { ...bridge, xdp: { ...INTERFACE.xdp, generic: 3 } };
    expect(codes({}, { uppers: [bridge] })).toEqual([]);
    expect(codes({}, { uppers: [busy] })).toEqual(['chain-upper']);
    expect(codes({}, { uppers: [busy], kernel: releaseOf('5.14.0') })).toEqual([]);
    const vlan = { ...INTERFACE, index: 10, kind: 'vlan', other: { index: 7, netnsId: null } };
    const veth = { ...vlan, index: 11, kind: 'veth' };
    expect(uppersOf({ ...INTERFACE, master: 9 }, [bridge, vlan, veth]).map(({ index }) => index)).toEqual([
      9, 10,
    ]);
  });

  test('a program of others: who, and whether it can be taken over', () => {
    const before: ChainState = {
      ...STATE,
      kind: 'foreign',
      mode: 'native',
      program: { id: 5, name: 'fw', tag: '' },
    };
    const owner = {
      programId: 5,
      name: 'fw',
      mode: 'native',
      linkId: null,
      holders: [
        { kind: 'process', pid: 12, command: 'suricata' },
        { kind: 'pin', path: '/sys/fs/bpf/fw' },
      ],
      entry: null,
      attachment: null,
      tool: 'Suricata',
    } as const;
    const found = find({ before }, { owners: [owner] }).problems[0];
    expect(found?.code).toBe('chain-foreign');
    expect(found?.details?.join('\n')).toMatch(
      /netlink.*\n.*Suricata\n.*process 12.*\n.*"\/sys\/fs\/bpf\/fw"/,
    );
    expect(codes({ before, force: true }, { owners: [owner] })).toEqual([]);
    expect(codes({ before, adopt: true }, { owners: [owner] })).toEqual([]);
    const dispatcher = { ...owner, name: 'xdp_dispatcher' };
    expect(codes({ before, adopt: true }, { owners: [dispatcher] })).toEqual(['chain-tail-call']);
    expect(codes({ before, force: true }, { owners: [dispatcher] })).toEqual([]);
    const linked = { ...owner, linkId: 8 };
    expect(hints({ before, force: true }, { owners: [linked] })).toContain('bpftool link detach id 8');
    const ours = { ...linked, entry: 'hook "mine"', attachment: 'mine' };
    expect(hints({ before, force: true }, { owners: [ours] })).toContain('"rootlet detach mine"');
  });

  test('merging of received packets, and devices of loaded programs', () => {
    const driver = { ...FACTS.driver, largeReceive: true };
    expect(find({}, { driver }).notes).toEqual([expect.stringContaining('lro off')]);
    expect(find({ mode: 'generic' }, { driver }).notes).toEqual([]);
    expect(
      codes(
        {},
        {
          loaded: [
            { id: 4, ifindex: 7 },
            { id: 5, ifindex: 0 },
          ],
        },
      ),
    ).toEqual([]);
    expect(codes({}, { loaded: [{ id: 4, ifindex: 8 }] })).toEqual(['chain-device']);
    const bound = { loaded: [{ id: 4, ifindex: 7 }] };
    expect(codes({ via: 'libxdp' }, bound)).toEqual(['chain-device']);
    expect(codes({ via: 'static' }, bound)).toEqual([]);
  });

  test('tools are recognised by programs, pins and commands', () => {
    expect(toolOf(['cil_xdp_entry'])).toBe('Cilium');
    expect(toolOf(['/run/bpfman/fs/xdp/dispatcher_1', 'xdp_dispatcher'])).toBe('bpfman');
    expect(toolOf(['xdp_dispatcher'])).toBe('libxdp');
    expect(toolOf(['mine', 'node'])).toBeNull();
  });
});
