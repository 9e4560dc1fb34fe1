/** Devices of newer kernels: netkit; programs in an order; packets of many pages in the driver. */

import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { attachProgram } from '../../src/hooks/kinds/attach.ts';
import type { Hook } from '../../src/hooks/kinds/hook.ts';
import { inNetns } from '../../src/kernel/sys/netns.ts';
import type { LoadedObject } from '../../src/load/execute/loaded-object.ts';
import { loadObject } from '../../src/load/load.ts';
import { ERANGE } from '../../src/uapi/errno.ts';
import { sys, testBefore, testSince } from './guest/kernel.ts';
import { openWire, type Wire } from './guest/net.ts';
import { vmObject } from './guest/objects.ts';
import { errnoOf, refusal } from './guest/replacing.ts';

const ip = (...args: string[]): void => void execFileSync('ip', args, { stdio: 'pipe' });
const load = (...programs: string[]): LoadedObject =>
  loadObject(vmObject('devices'), sys, { pinRoot: null, programs: name => programs.includes(name) });
const numbers = (loaded: LoadedObject, ...names: string[]) =>
  names.map(name => Number(loaded.variables.get(name)));
const fdOf = (hook: Hook): number => hook.link?.fd.number ?? -1;

const ESTALE = 116;

let wire: Wire;
beforeAll(() => {
  wire = openWire();
});
afterAll(() => wire.close());

describe('netkit', () => {
  const names = { near: 'vm-kit-near', far: 'vm-kit-far' };
  /** Runs with a pair of devices: the primary `kit` (10.78.0.1) in one namespace, its peer (10.78.0.2) in another. */
  function withKit(body: (send: (from: 'near' | 'far', packets: number) => void) => void): void {
    for (const name of Object.values(names)) ip('netns', 'add', name);
    try {
      ip('-n', names.near, 'link', 'add', 'kit', 'type', 'netkit'); // the kernel names the other end
      ip('-n', names.near, 'link', 'set', 'nk0', 'netns', names.far);
      ip('-n', names.near, 'addr', 'add', '10.78.0.1/24', 'dev', 'kit');
      ip('-n', names.far, 'addr', 'add', '10.78.0.2/24', 'dev', 'nk0');
      ip('-n', names.near, 'link', 'set', 'kit', 'up');
      ip('-n', names.far, 'link', 'set', 'nk0', 'up');
      body((from, packets) => {
        const to = from === 'near' ? '10.78.0.2' : '10.78.0.1';
        const script = `for ((i = 0; i < ${packets}; i++)); do echo x >/dev/udp/${to}/9; done`;
        execFileSync('ip', ['netns', 'exec', names[from], 'bash', '-c', script], { stdio: 'pipe' });
      });
    } finally {
      for (const name of Object.values(names)) ip('netns', 'del', name);
    }
  }
  const inNear = <T>(body: () => T): T => inNetns(sys, `/run/netns/${names.near}`, body);

  testSince('6.7', 'each end has its program; one is replaced in one step', () => {
    withKit(send => {
      using loaded = load('leave_primary', 'leave_peer', 'stop_peer');
      using primary = inNear(() => attachProgram(loaded, 'leave_primary', { interface: 'kit' }));
      using peer = inNear(() => attachProgram(loaded, 'leave_peer', { interface: 'kit' }));
      send('near', 3);
      send('far', 5);
      expect(numbers(loaded, 'from_primary', 'from_peer', 'dropped')).toEqual([3, 5, 0]);
      peer.update(loaded.program('stop_peer'), null);
      send('far', 4);
      expect(numbers(loaded, 'from_primary', 'from_peer', 'dropped')).toEqual([3, 5, 4]);
      primary.close();
      send('near', 2);
      expect(numbers(loaded, 'from_primary')).toEqual([3]);
    });
  });

  testSince('6.7', 'its other end, or another device, is refused with what is possible', () => {
    withKit(() => {
      using loaded = load('leave_primary');
      const where = (name: string, body: <T>(body: () => T) => T) =>
        refusal(() => body(() => attachProgram(loaded, 'leave_primary', { interface: name }))).message;
      expect(where('nk0', body => inNetns(sys, `/run/netns/${names.far}`, body))).toMatch(/primary end/);
      expect(where('near', wire.inside)).toMatch(/netkit "near"/);
    });
  });

  testBefore('6.7', 'the kernel has none', () => {
    const error = refusal(() => {
      using loaded = load('leave_primary');
      wire.inside(() => attachProgram(loaded, 'leave_primary', { interface: 'near' }).close());
      return undefined;
    });
    expect(error.problems[0]?.code).toMatch(/^(kernel|load)-/);
    expect(error.message).toMatch(/Linux 6\.7/);
  });
});

describe('an order of programs', () => {
  const at = (loaded: LoadedObject, name: string, order?: Parameters<typeof attachProgram>[2]) =>
    wire.inside(() => attachProgram(loaded, name, { interface: 'near', ...order }));
  const orderOf = (loaded: LoadedObject): number => {
    loaded.variables.set('order', 0);
    wire.send(1);
    return Number(loaded.variables.get('order'));
  };

  testSince('6.6', 'before and behind a program, or an attachment; whoever goes leaves the others', () => {
    using loaded = load('one', 'two', 'three', 'outwards');
    using one = at(loaded, 'one');
    using _two = at(loaded, 'two', { order: { before: loaded.program('one').fd.number } });
    expect(orderOf(loaded)).toBe(21);
    using three = at(loaded, 'three', { order: { before: fdOf(one), isLink: true } });
    expect(orderOf(loaded)).toBe(231);
    one.close();
    expect(orderOf(loaded)).toBe(23);
    using again = at(loaded, 'one', { order: { after: fdOf(three), isLink: true } });
    expect(orderOf(loaded)).toBe(231);
    three.close();
    using _outwards = at(loaded, 'outwards');
    expect(orderOf(loaded)).toBe(21);
    expect(wire.inside(() => again.place)).toBe('interface "near" ingress');
  });

  testSince('6.6', 'one that was decided on an older list is refused', () => {
    using loaded = load('one', 'two');
    using _one = at(loaded, 'one');
    const error = refusal(() => at(loaded, 'two', { order: { revision: 77n } }));
    expect(errnoOf(error)).toBe(ESTALE);
  });

  testBefore('6.6', 'there is none: the older method is named', () => {
    const error = refusal(() => {
      using loaded = load('one');
      at(loaded, 'one').close();
      return undefined;
    });
    expect(error.message).toMatch(/Linux 6\.6/);
  });
});

describe('packets of many pages', () => {
  const SIZE = 6000;
  const mtu = (bytes: number): void => {
    wire.inside(() => ip('link', 'set', 'near', 'mtu', String(bytes)));
    wire.beyond(() => ip('link', 'set', 'far', 'mtu', String(bytes)));
  };
  beforeAll(() => mtu(9000));
  afterAll(() => mtu(1500));
  const attach = (loaded: LoadedObject, program: string) =>
    wire.inside(() => attachProgram(loaded, program, { interface: 'near', mode: 'native' }));

  test('one with frags in its section sees all of them', () => {
    using loaded = load('measure_parts');
    using _attached = attach(loaded, 'measure_parts');
    const script = `printf '%0${SIZE - 1}dz' 0 | dd bs=${SIZE} iflag=fullblock status=none >/dev/udp/10.77.0.1/9`;
    wire.beyond(() => execFileSync('bash', ['-c', script], { stdio: 'pipe' }));
    expect(numbers(loaded, 'length', 'last')).toEqual([14 + 20 + 8 + SIZE, 'z'.charCodeAt(0)]);
  });

  test('one without is refused by the device, and works with small packets', () => {
    using loaded = load('measure_one');
    expect(errnoOf(refusal(() => attach(loaded, 'measure_one')))).toBe(ERANGE);
    mtu(1500);
    using _attached = attach(loaded, 'measure_one');
    wire.send(1);
    expect(numbers(loaded, 'length', 'last')).toEqual([14 + 20 + 8 + 2, '\n'.charCodeAt(0)]);
  });
});
