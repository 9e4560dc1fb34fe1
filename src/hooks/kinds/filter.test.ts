/** Hooks that belong to an interface: TC filters and XDP over netlink, which other processes can change. */

import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { readInterface, setXdp } from '../../kernel/hooks/interface.ts';
import { freePlace, TcFilter } from '../../kernel/hooks/tc.ts';
import type { BpfProgram } from '../../kernel/objects/program.ts';
import { currentNetns } from '../../kernel/sys/netns.ts';
import type { Sys } from '../../kernel/sys/sys.ts';
import * as uapi from '../../uapi/index.ts';
import { hooksForTests, returning, TwoNamespaces } from '../testing.ts';
import { FilterHook } from './filter.ts';
import { InterfaceSpot } from './interface-spot.ts';
import { XdpHook } from './xdp.ts';

const { kernel, missing } = hooksForTests();
const classifier = (name: string, verdict = 0) =>
  returning(kernel, name, [uapi.BPF_PROG_TYPE_SCHED_CLS], verdict);
const xdp = (name: string, verdict = 2) =>
  returning(kernel, name, [uapi.BPF_PROG_TYPE_XDP, uapi.BPF_XDP], verdict);
const code = (wanted: string) => expect.objectContaining({ code: wanted });

describe.skipIf(missing !== undefined)(`on the kernel${missing === undefined ? '' : ` (${missing})`}`, () => {
  const names = missing === undefined ? new TwoNamespaces(kernel, 'filters') : undefined;
  const inside = <T>(body: () => T): T => (names === undefined ? body() : names.inside(body));
  const { near = '' } = names ?? {};
  const filters = () => names?.tc('filter', 'show', 'dev', 'va', 'ingress') ?? '';
  afterEach(() => {
    names?.tc('filter', 'del', 'dev', 'va', 'ingress');
  });
  afterAll(() => names?.close());

  const options = { direction: 'ingress', name: 'ours' } as const;
  function attach(program: BpfProgram): FilterHook {
    return inside(() => {
      const filter = TcFilter.attach(kernel, program.fd.number, 'va', options);
      return new FilterHook(kernel, filter, InterfaceSpot.find(kernel, 'va'), [program.info()]);
    });
  }

  test('a filter: changed in one step, only in the place of the expected program', () => {
    using first = classifier('first');
    using second = classifier('second', 2);
    const hook = attach(first);
    expect(inside(() => hook.occupantId())).toBe(first.info().id);
    inside(() => hook.update(second, first));
    expect(inside(() => hook.occupantId())).toBe(second.info().id);
    expect(() => inside(() => hook.update(first, first))).toThrow(
      `program ${second.info().id} ("second") is attached, not ${first.info().id} ("first")`,
    );
    expect(() => inside(() => hook.detach(first))).toThrow(code('hook-changed'));
    inside(() => hook.update(first, null));
    expect(() => hook.pin('/sys/fs/bpf/x')).toThrow(/TC filter cannot be pinned/);
    hook.close();
    expect(filters()).toContain('first');
    expect(inside(() => hook.detach(first))).toBe(true);
    expect(filters()).not.toContain('first');
    expect(() => inside(() => hook.occupantId())).toThrow(/the filter was removed/);
    expect(() => inside(() => hook.update(first, null))).toThrow(code('attach-gone'));
    expect(inside(() => hook.detach(first))).toBe(true);
  });

  test('id and tag have to agree', () => {
    using first = classifier('first');
    const hook = attach(first);
    const { id, tag } = first.info();
    const claims = (info: { id: number; tag: string }) => ({
      fd: first.fd,
      name: 'claimed',
      info: () => info,
    });
    expect(() => inside(() => hook.detach(claims({ id, tag: '0000000000000001' })))).toThrow(
      code('hook-changed'),
    );
    expect(() => inside(() => hook.update(first, claims({ id: id + 1, tag })))).toThrow(code('hook-changed'));
    expect(inside(() => hook.detach(claims({ id, tag })))).toBe(true);
  });

  test('a filter that another process changes at the same moment is not taken for changed', () => {
    using first = classifier('first');
    using second = classifier('second');
    using theirs = classifier('theirs');
    const RTM_NEWTFILTER = 44;
    /** Puts another program there right after each change. */
    const racing: Sys = {
      syscall(name, ...args) {
        const result = kernel.syscall(name, ...args);
        const [, message] = args;
        if (name === 'sendto' && message instanceof Uint8Array && message[4] === RTM_NEWTFILTER) intrude();
        return result;
      },
      addressOf: bytes => kernel.addressOf(bytes),
      view: (address, length) => kernel.view(address, length),
      poll: (...args) => kernel.poll(...args),
    };
    const at = inside(() => freePlace(kernel, 'va', 'ingress'));
    const spot = inside(() => InterfaceSpot.find(kernel, 'va'));
    const intrude = () => TcFilter.at(kernel, spot.index, options, at).update(theirs.fd.number);
    inside(() => TcFilter.attach(kernel, first.fd.number, 'va', { ...options, ...at }));
    const hook = new FilterHook(racing, TcFilter.at(racing, spot.index, options, at), spot, [first.info()]);
    expect(() => inside(() => hook.update(second, first))).toThrow(
      `program ${theirs.info().id} ("theirs") is attached, not ${second.info().id} ("second")`,
    );
    expect(inside(() => hook.state())).toBe(`changed: program ${theirs.info().id} is not its own`);
  });

  test('a new interface with the number of the old one: the filter there is not ours, whatever is asked', () => {
    using ours = classifier('ours');
    using theirs = classifier('theirs');
    const index = 7000;
    const add = (name: string) =>
      names?.ip(
        ...['-n', near, 'link', 'add', name, 'index', String(index), 'type', 'veth', 'peer', 'name', 'other'],
      );
    add('old');
    const { record, hook } = inside(() => {
      const filter = TcFilter.attach(kernel, ours.fd.number, 'old', options);
      const spot = InterfaceSpot.find(kernel, 'old');
      return { record: filter, hook: new FilterHook(kernel, filter, spot, [ours.info()]) };
    });
    names?.ip('-n', near, 'link', 'del', 'old');
    expect(() => inside(() => hook.occupantId())).toThrow(/its interface is gone/);
    add('new');
    inside(() => TcFilter.attach(kernel, theirs.fd.number, 'new', { ...options, ...placeOf(record) }));
    expect(inside(() => hook.state())).toBe('ended: its interface is gone: number 7000 is "new" now');
    for (const use of [() => hook.occupantId(), () => hook.update(ours, null), () => hook.update(ours, ours)])
      expect(() => inside(use)).toThrow(code('attach-gone'));
    expect(inside(() => hook.detach(null))).toBe(true);
    expect(names?.tc('filter', 'show', 'dev', 'new', 'ingress')).toContain('theirs');
    names?.ip('-n', near, 'link', 'del', 'new');
  });
  const placeOf = ({ priority, handle }: TcFilter) => ({ priority, handle });

  test('a renamed interface keeps its filter, and the place has its name of now', () => {
    using first = classifier('first');
    const hook = attach(first);
    names?.ip('-n', near, 'link', 'set', 'va', 'name', 'vz');
    try {
      expect(inside(() => hook.place)).toBe('interface "vz" ingress');
      expect(inside(() => hook.state())).toBe(`runs program ${first.info().id}`);
      expect(inside(() => hook.record)).toMatchObject({ filter: { interface: 'vz' } });
    } finally {
      names?.ip('-n', near, 'link', 'set', 'vz', 'name', 'va');
    }
  });

  test('from another network namespace: seen, but not changed, with the command that goes there', () => {
    using first = classifier('first');
    const hook = attach(first);
    expect(hook.place).toBe(`interface "va" ingress of network namespace "${near}"`);
    expect(hook.state()).toBe(`runs program ${first.info().id}`);
    for (const use of [
      () => hook.occupantId(),
      () => hook.requireUpdatable(),
      () => hook.update(first, null),
      () => hook.detach(first),
    ]) {
      expect(use).toThrow(code('attach-other-netns'));
      expect(use).toThrow(`nsenter --net=/run/netns/${near} rootlet`);
    }
    expect(hook.removalCommand()).toBe(
      `nsenter --net=/run/netns/${near} tc filter del dev va ingress pref 49152 handle 1 bpf`,
    );
    const lost = new InterfaceSpot(kernel, 1, 'lost', 'net:[1]');
    expect(() => lost.requireHere()).toThrow(/may be gone: "rootlet detach --force"/);
    expect(inside(() => currentNetns())).not.toBe(currentNetns());
  });

  test('without a priority a filter goes in front of those that are there', () => {
    using first = classifier('first');
    using second = classifier('second');
    const at = inside(() => freePlace(kernel, 'va', 'ingress'));
    inside(() => TcFilter.attach(kernel, first.fd.number, 'va', { ...options, ...at }));
    const front = inside(() => freePlace(kernel, 'va', 'ingress'));
    expect(front.priority).toBe(at.priority - 1);
    inside(() => TcFilter.attach(kernel, second.fd.number, 'va', { ...options, ...front }));
    expect([...filters().matchAll(/ name (\w+) /g)].map(([, name]) => name)).toEqual(['second', 'first']);
    expect(inside(() => freePlace(kernel, 'va', 'ingress', front.priority)).handle).toBe(2);
  });

  test('XDP over netlink: the kernel compares, other programs stay', () => {
    using first = xdp('first');
    using second = xdp('second', 1);
    const spot = inside(() => InterfaceSpot.find(kernel, 'va'));
    const hook = new XdpHook(kernel, spot, 'generic', []);
    const there = () => inside(() => readInterface(kernel, 'va')).xdp.generic;
    expect(() => inside(() => hook.occupantId())).toThrow(/the program was taken off/);
    inside(() => hook.attach(first));
    expect(() => inside(() => hook.attach(second))).toThrow(code('kernel-xdp-changed'));
    inside(() => hook.update(second, first));
    expect(there()).toBe(second.info().id);
    expect(() => inside(() => hook.update(first, first))).toThrow(code('hook-changed'));
    expect(() => inside(() => hook.detach(first))).toThrow(code('hook-changed'));
    inside(() => setXdp(kernel, spot.index, first.fd.number, { mode: 'generic' })); // another process
    expect(() => inside(() => hook.detach(second))).toThrow(code('hook-changed'));
    expect(there()).toBe(first.info().id);
    inside(() => hook.update(second, null));
    expect(hook.place).toBe(`interface "va" of network namespace "${near}"`);
    expect(hook.record).toEqual({
      xdp: { interface: 'va', ifindex: spot.index, netns: spot.netns, mode: 'generic' },
    });
    hook.close();
    expect(there()).toBe(second.info().id);
    inside(() => hook.detach(second));
    expect(there()).toBe(0);
    expect(inside(() => hook.state())).toBe('ended: the program was taken off');
  });

  test('XDP over netlink in the mode that the kernel chose', () => {
    using first = xdp('first');
    const hook = new XdpHook(
      kernel,
      inside(() => InterfaceSpot.find(kernel, 'va')),
      null,
      [],
    );
    inside(() => hook.attach(first));
    expect(hook.record).toMatchObject({ xdp: { mode: 'native' } });
    expect(inside(() => hook.occupantId())).toBe(first.info().id);
    inside(() => hook.detach(first));
  });
});
